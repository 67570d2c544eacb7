/* An account: one login at one broker, "broker:name", with its limits and policies. Configuration
 * data; what changes at run time is the orchestrator's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "domain/broker_rate.h"
#include "domain/order.h"

#define BROKER_SLUG_SIZE  16
#define ACCOUNT_NAME_SIZE 17 /* [a-z][a-z0-9]{0,15} */
#define ACCOUNTS_MAX      64
#define CLIENT_ID_SIZE    33
#define OWNER_SIZE        33

/* 0 means "no limit" in every one of these. */
/* How large a limit may be made. */
#define LIMIT_ORDER_VALUE_MAX (INT64_C(1000000000000) * DECIMAL_ONE)
#define LIMIT_DAILY_VALUE_MAX (INT64_C(10000000000000) * DECIMAL_ONE)
#define LIMIT_OPEN_ORDERS_MAX 1000000
#define LIMIT_PER_SECOND_MAX  1000
#define LIMIT_PER_MINUTE_MAX  60000
#define LIMIT_PER_DAY_MAX     10000000
#define LIMIT_COLLAR_MAX      (INT64_C(100) * DECIMAL_ONE) /* percent */
#define LIMIT_REPEAT_MS_MAX   3600000

struct account_limits {
        int64_t max_order_value;    /* 1e-4 rupee */
        int64_t max_order_quantity; /* exchange units */
        int64_t max_open_orders;
        int64_t max_daily_value;   /* 1e-4 rupee, sum of accepted orders */
        int64_t max_daily_loss;    /* 1e-4 rupee, realised and not */
        int64_t orders_per_second; /* per rolling 1.1 s, at one exchange */
        int64_t orders_per_minute;
        int64_t orders_per_day;
        int64_t max_modifications; /* of one order */
        int64_t max_orders_per_trade, orders_per_trade_floor;
        int64_t price_collar_percent; /* 1e-4 of a percent */
        int64_t repeat_window_us;
        int64_t retries; /* of one call, after evidence that allows it */
        /* so many calls without a complete reply in a window open the breaker */
        int64_t breaker_failures, breaker_window_us;
        /* so many rejections in a window let only reducing orders pass, for a pause */
        int64_t storm_rejections, storm_window_us, storm_pause_us;
};

/* How a real broker is reached, and as whom; owned by the configuration. NULL: not given. An API
 * key is treated like a secret: it rides in URLs at one broker. */
struct account_access {
        char *base_url;   /* scheme, host, port: of the API */
        char *master_url; /* of the directory with the master's files */
        char *ca_file, *egress_address;
        char *client_id; /* whose account it is at the broker: every session is checked against it
                          */
        struct secret *api_key, *api_secret;
        char *redirect_uri;
        struct broker_rates rates; /* agreed with the broker, in place of its sheet's */
        char *username;
        struct secret *password;
        struct secret *totp_secret; /* base32; given: logs in by itself */
};

struct account {
        char id[ACCOUNT_SIZE]; /* "paper:demo" */
        char broker[BROKER_SLUG_SIZE];
        char name[ACCOUNT_NAME_SIZE];
        bool paper;
        struct account_limits limits;
        struct market_policy market_policy;
        bool enforce_session_hours;
        /* which limit orders pass where no price is known to compare theirs with */
        enum collar_without_quote { COLLAR_CASH, COLLAR_PASS, COLLAR_REFUSE } collar_without_quote;
        bool self_cross_pass; /* orders may trade against those of the same owner */
        char *owner;          /* of several accounts; NULL: this one alone */
        struct account_access access;
        /* paper only */
        int64_t paper_funds;
        bool paper_static_market; /* quotes stand still */
};

/* "paper:demo": both parts checked. 0 or -EINVAL. */
int account_id_parse(const char *s, size_t n, char ret_id[static ACCOUNT_SIZE]);
