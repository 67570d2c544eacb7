#include "orchestrator/quota.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "orchestrator/state.h"

struct quota *quota_find(const struct orchestrator *o, const char *key_name)
{
        struct quota *q = NULL;

        HASH_FIND_STR(o->quotas, key_name, q);
        return q;
}

static int make(struct orchestrator *o, const char *key_name, struct quota **ret)
{
        if (HASH_COUNT(o->quotas) >= QUOTAS_MAX)
                return -ENOSPC;
        struct quota *q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        text_copy(q->key_name, sizeof(q->key_name), key_name);
        int r = limits_init(&q->limits, LIMITS_OF_KEY, &q->set);
        if (r < 0) {
                limits_done(&q->limits);
                free(q);
                return r;
        }
        HASH_ADD_STR(o->quotas, key_name, q);
        *ret = q;
        return 0;
}

struct quota *quota_of(struct orchestrator *o, const char *key_name)
{
        struct quota *q = quota_find(o, key_name);

        return q || make(o, key_name, &q) == 0 ? q : NULL;
}

int quota_set(struct orchestrator *o, const char *key_name, const struct account_limits *set)
{
        struct quota *q = quota_find(o, key_name);
        int r = q ? 0 : make(o, key_name, &q);

        if (r < 0)
                return r;
        q->set = (struct account_limits){
                .max_order_value = set->max_order_value,
                .max_order_quantity = set->max_order_quantity,
                .max_open_orders = set->max_open_orders,
                .max_daily_value = set->max_daily_value,
                .orders_per_second = set->orders_per_second,
                .orders_per_minute = set->orders_per_minute,
                .orders_per_day = set->orders_per_day,
                .price_collar_percent = set->price_collar_percent,
                .repeat_window_us = set->repeat_window_us,
        };
        return limits_take_up(&q->limits);
}

static int64_t open_left(const struct quota *q)
{
        int64_t most = q->set.max_open_orders;

        if (most == 0)
                return -1;
        return most > q->n_open ? most - q->n_open : 0;
}

bool quota_look(const struct orchestrator *o, const char *key_name, struct quota_view *ret)
{
        struct quota *q = quota_find(o, key_name);

        if (!q)
                return false;
        *ret = (struct quota_view){
                .set = q->set,
                .second_left = limits_second_left(&q->limits),
                .minute_left = rate_window_left(&q->limits.minute),
                .day_left = limits_orders_left(&q->limits),
                .value_left = limits_value_left(&q->limits),
                .open_left = open_left(q),
        };
        return true;
}

void quota_restore(struct orchestrator *o, const char *key_name, int day, int64_t orders,
                   int64_t value)
{
        struct quota *q = quota_of(o, key_name);

        if (q)
                limits_restore(&q->limits, day, orders, value);
}

void quotas_free(struct orchestrator *o)
{
        struct quota *q, *next;

        HASH_ITER (hh, o->quotas, q, next) {
                HASH_DEL(o->quotas, q);
                limits_done(&q->limits);
                free(q);
        }
}
