/* The limits of one account (orders.md §1.3): several rolling windows at once, counts and values of
 * the day, and the window in which an identical order is taken for a mistake. What a gate took is
 * given back when the order is not sent after all. Zero means no limit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/account.h"
#include "domain/order.h"
#include "orchestrator/rate_window.h"
#include "orchestrator/repeat.h"

#define LIMIT_SECOND_US INT64_C(1100000) /* some brokers count calendar seconds (orders.md §6) */
#define LIMIT_MINUTE_US (60 * INT64_C(1000000))

struct limits {
        const struct account_limits *set;
        struct rate_window second, minute;
        int day;
        int64_t day_orders, day_value;
        int64_t taken_us; /* monotonic, of the last order taken */
        struct repeat_window recent;
};

int limits_init(struct limits *l, const struct account_limits *set);
void limits_done(struct limits *l);
/* The set has changed: the windows take its sizes and keep what was taken. */
int limits_take_up(struct limits *l);
void limits_restore(struct limits *l, int day, int64_t orders, int64_t value);

/* All limits for one leg of `value` (1e-4 rupee, 0 unknown). PROBLEM_NONE: taken. Otherwise nothing
 * is taken and `detail` has the numbers; `ret_retry_s` when waiting helps. `n_open`: legs open now.
 */
enum problem limits_take(struct limits *l, const struct order *o, const struct leg *leg,
                         int64_t value, unsigned n_open, char *detail, size_t size,
                         int *ret_retry_s);
/* `taken_us`: what limits.taken_us was right after. */
void limits_give_back(struct limits *l, const struct order *o, const struct leg *leg, int64_t value,
                      int64_t taken_us);
/* The same for a modification: `value` is the whole order's afterwards, `added` what the day's
 * grows by; `lesser`: it only takes away, so that nothing but the rate counts. It opens no order
 * and repeats none. */
enum problem limits_take_change(struct limits *l, const struct leg *leg, int64_t value,
                                int64_t added, bool lesser, char *detail, size_t size,
                                int *ret_retry_s);
void limits_give_back_change(struct limits *l, int64_t added, int64_t taken_us);
/* A cancel is never refused; it counts in the windows, for the orders after it. */
void limits_count_cancel(struct limits *l);
/* It was sent, and refused: it counts as an order, its value does not. */
void limits_not_traded(struct limits *l, int64_t value);
/* What is left; -1: no limit. */
int64_t limits_orders_left(struct limits *l);
int64_t limits_value_left(struct limits *l);
