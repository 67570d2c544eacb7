/* The limits of one account, or of one API key (orders.md §1.3): several rolling windows at once,
 * counts and values of the day, and the window in which an identical order is taken for a mistake.
 * What a gate took is given back when the order is not sent after all. Zero means no limit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/account.h"
#include "domain/order.h"
#include "orchestrator/rate_window.h"
#include "orchestrator/repeat.h"

#define LIMIT_SECOND_US INT64_C(1100000) /* some brokers count calendar seconds (orders.md §6) */
#define LIMIT_LANE      2 /* of the second, at most a quarter of it: orders leave it for cancels */
#define LIMIT_MINUTE_US (60 * INT64_C(1000000))

/* Whose they are. An account's second is counted at each exchange, and orders leave some of it for
 * cancels; a key's counts all its orders, and no cancels. */
enum limits_of { LIMITS_OF_ACCOUNT, LIMITS_OF_KEY };

struct limits {
        enum limits_of of;
        const struct account_limits *set;
        struct rate_window second[_EXCHANGE_MAX]; /* the regulator counts at each exchange */
        struct rate_window minute;
        int day;
        int64_t day_orders, day_value;
        int64_t day_traded; /* of the orders; those of an earlier day that trade today, too */
        struct repeat_window recent;
};

int limits_init(struct limits *l, enum limits_of of, const struct account_limits *set);
void limits_done(struct limits *l);
/* The set has changed: the windows take its sizes and keep what was taken. */
int limits_take_up(struct limits *l);
void limits_restore(struct limits *l, int day, int64_t orders, int64_t value);
/* Another daemon placed an order: the day counts it, and an equal one is taken for a mistake. */
void limits_count_other(struct limits *l, const struct order *o, const struct leg *leg,
                        int64_t value);

/* All limits but the rates, for one leg of `value` (1e-4 rupee, 0 unknown). PROBLEM_NONE: taken.
 * Otherwise nothing is taken and `detail` has the numbers; `ret_retry_s` when waiting helps.
 * `n_open`: legs open now. */
enum problem limits_take(struct limits *l, const struct order *o, const struct leg *leg,
                         int64_t value, unsigned n_open, char *detail, size_t size,
                         int *ret_retry_s);
void limits_give_back(struct limits *l, const struct order *o, const struct leg *leg,
                      int64_t value);
/* The same for a modification: `value` is the whole order's afterwards, `added` what the day's
 * grows by; `lesser`: it only takes away, so that nothing but the day's count counts. It opens no
 * order and repeats none. */
enum problem limits_take_change(struct limits *l, const struct leg *leg, int64_t value,
                                int64_t added, bool lesser, char *detail, size_t size);
void limits_give_back_change(struct limits *l, int64_t added);
/* The rates (lane.h): microseconds until a call for the exchange `at`, or BROKER_RATE_ANYWHERE,
 * that goes behind `ahead` others has room; 0: now. `detail` is written when that is longer than
 * `than_us`. A cancel counts in both windows, and waits for the second's alone. */
int64_t limits_wait(const struct limits *l, bool cancel, enum exchange at, struct rate_ahead ahead,
                    char *detail, size_t size, int64_t than_us);
void limits_count_call(struct limits *l, enum exchange at, int64_t at_us);
void limits_uncount_call(struct limits *l, enum exchange at, int64_t at_us);
/* It was sent, and refused: it counts as an order, its value does not. */
void limits_not_traded(struct limits *l, int64_t value);
/* What is left; -1: no limit. Of the second: at the exchange where the least is. */
int64_t limits_second_left(const struct limits *l);
int64_t limits_orders_left(struct limits *l);
int64_t limits_value_left(struct limits *l);
/* So many more orders of the day have traded, at least in part. */
void limits_traded(struct limits *l, int64_t n);
/* Orders and modifications of the day, and how many of the orders have traded. */
int64_t limits_orders_today(struct limits *l, int64_t *ret_traded);
