/* An account: one login at one broker, "broker:name", with its limits and policies. Configuration
 * data; what changes at run time is the orchestrator's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/order.h"

#define BROKER_SLUG_SIZE  16
#define ACCOUNT_NAME_SIZE 17 /* [a-z][a-z0-9]{0,15} */
#define ACCOUNTS_MAX      64

/* 0 means "no limit" in every one of these. */
struct account_limits {
        int64_t max_order_value;    /* 1e-4 rupee */
        int64_t max_order_quantity; /* exchange units */
        int64_t max_open_orders;
        int64_t max_daily_value;   /* 1e-4 rupee, sum of accepted orders */
        int64_t orders_per_second; /* per rolling 1.1 s */
        int64_t orders_per_minute;
        int64_t orders_per_day;
        int64_t price_collar_percent; /* 1e-4 of a percent */
        int64_t repeat_window_us;
};

struct account {
        char id[ACCOUNT_SIZE]; /* "paper:demo" */
        char broker[BROKER_SLUG_SIZE];
        char name[ACCOUNT_NAME_SIZE];
        bool paper;
        struct account_limits limits;
        struct market_policy market_policy;
        bool enforce_session_hours;
        /* paper only */
        int64_t paper_funds;
        bool paper_static_market; /* quotes stand still */
};

/* "paper:demo": both parts checked. 0 or -EINVAL. */
int account_id_parse(const char *s, size_t n, char ret_id[static ACCOUNT_SIZE]);
