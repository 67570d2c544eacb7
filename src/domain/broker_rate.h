/* What a broker asks of its users: at most `count` calls of a kind in any `window_us`. Of the
 * broker's own sheet (broker.rates), or agreed with it for one account. */
#pragma once

#include <stdint.h>

#include "domain/words.h"

enum broker_traffic {
        BROKER_TRAFFIC_ORDERS, /* place, modify, cancel */
        BROKER_TRAFFIC_EACH,   /* the same, at each exchange by itself: the regulator's ceiling */
        BROKER_TRAFFIC_QUOTES,
        BROKER_TRAFFIC_ALL, /* every call, orders and quotes included */
        _BROKER_TRAFFIC_MAX
};

struct broker_rate {
        enum broker_traffic traffic;
        unsigned count;
        int64_t window_us;
};

#define BROKER_RATES_MAX      8
#define BROKER_RATE_COUNT_MAX 100000

struct broker_rates {
        unsigned n;
        struct broker_rate rates[BROKER_RATES_MAX];
};

/* Where a call counts at an exchange by itself, and nobody knows at which: at every one. */
#define BROKER_RATE_ANYWHERE _EXCHANGE_MAX

/* In messages, and in the option. */
static inline const char *broker_traffic_name(enum broker_traffic t)
{
        static const char *const names[_BROKER_TRAFFIC_MAX] = {"orders", "exchange-orders",
                                                               "quotes", "calls"};
        return names[t];
}
