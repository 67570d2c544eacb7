/* The simulated market of one instrument. Its price at market tick k is a pure function of seed,
 * symbol and k: a sum of octaves of hash noise around the previous close, so that it wanders, comes
 * back, never leaves ±1.5 %, and any moment can be computed without the moments before it. The same
 * shape lets market_next() leap over the time in which nothing can happen to a resting order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/instrument.h"
#include "domain/order.h"

#define MARKET_TICK_US INT64_C(250000) /* a new price every quarter of a second */
#define MARKET_UNLIMITED \
        QUANTITY_MAX /* shown and traded on both sides of a market that stands still */

struct market {
        uint64_t seed; /* of this instrument: the exchange's and the symbol together */
        bool still;    /* stands at the previous close, with unlimited size on both sides */
        int64_t close; /* 0: there is no price, nothing trades */
        int64_t grid, low, high; /* price tick; band, on the grid */
        int64_t lot;
};

struct market_quote {
        int64_t last, bid, ask;
        int64_t bid_quantity, ask_quantity;
};

uint64_t market_seed(uint64_t seed, const char *symbol);
struct market market_of(const struct instrument *i, uint64_t seed, bool still);
int64_t market_last(const struct market *m, int64_t tick);
struct market_quote market_quote(const struct market *m, int64_t tick);
/* The first tick of [from, to] whose last price is below `low` or above `high`; to + 1 when there
 * is none. */
int64_t market_next(const struct market *m, int64_t from, int64_t to, int64_t low, int64_t high);
/* The highest price anything can trade at while the previous close stands. */
int64_t market_ceiling(const struct market *m);
int64_t market_volume(const struct market *m, int64_t ticks_of_day);
