/* The limits that a key may have of its own (orchestrator/quota.h): what the keys file, `ordoctl
 * key` and GET /status call them. One row each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/account.h"

struct key_limit {
        const char *name; /* "max_order_value" */
        size_t offset;    /* in struct account_limits */
        bool decimal;     /* rupees, or percent; else whole numbers of `scale` */
        int64_t max, scale;
};
#define KEY_LIMITS 9
extern const struct key_limit key_limits[KEY_LIMITS];

int64_t *key_limit_at(const struct key_limit *k, struct account_limits *set);
/* In the unit of its name; `set` as in struct account_limits. */
int64_t key_limit_value(const struct key_limit *k, const struct account_limits *set);
/* "orders_per_day=100": above 0 and at most `max`. -EINVAL. */
int key_limit_parse(const char *s, size_t n, struct account_limits *set);
