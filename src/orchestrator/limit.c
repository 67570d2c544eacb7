#include "orchestrator/limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"

int limits_init(struct limits *l, enum limits_of of, const struct account_limits *set)
{
        *l = (struct limits){.of = of, .set = set};
        int r = 0;
        for (unsigned e = 0; e < _EXCHANGE_MAX && r == 0; e++)
                r = rate_window_init(&l->second[e], LIMIT_SECOND_US, set->orders_per_second);
        if (r < 0)
                return r;
        r = rate_window_init(&l->minute, LIMIT_MINUTE_US, set->orders_per_minute);
        if (r < 0)
                return r;
        return repeat_init(&l->recent, set->repeat_window_us);
}

void limits_done(struct limits *l)
{
        for (unsigned e = 0; e < _EXCHANGE_MAX; e++)
                rate_window_done(&l->second[e]);
        rate_window_done(&l->minute);
        repeat_done(&l->recent);
        *l = (struct limits){};
}

int limits_take_up(struct limits *l)
{
        int r = 0;
        for (unsigned e = 0; e < _EXCHANGE_MAX && r >= 0; e++)
                r = rate_window_resize(&l->second[e], l->set->orders_per_second);
        if (r >= 0)
                r = rate_window_resize(&l->minute, l->set->orders_per_minute);
        return r < 0 ? r : repeat_set_span(&l->recent, l->set->repeat_window_us);
}

static void limits_roll(struct limits *l)
{
        int today = clock_ist_day(clock_wall_us());
        if (l->day != today) {
                l->day = today;
                l->day_orders = l->day_value = l->day_traded = 0;
        }
}

void limits_restore(struct limits *l, int day, int64_t orders, int64_t value)
{
        l->day = day;
        l->day_orders = orders;
        l->day_value = value;
}

int64_t limits_orders_left(struct limits *l)
{
        limits_roll(l);
        if (l->set->orders_per_day == 0)
                return -1;
        int64_t left = l->set->orders_per_day - l->day_orders;
        return left > 0 ? left : 0;
}

int64_t limits_value_left(struct limits *l)
{
        limits_roll(l);
        if (l->set->max_daily_value == 0)
                return -1;
        int64_t left = l->set->max_daily_value - l->day_value;
        return left > 0 ? left : 0;
}

static void mix(uint64_t *h, uint64_t value)
{
        /* FNV-1a over whole words, then a finaliser: collisions only make a refusal that says so.
         */
        *h = (*h ^ value) * UINT64_C(0x100000001b3);
        *h ^= *h >> 29;
}

/* What makes two orders "the same": everything a trader would have to repeat by mistake. */
static uint64_t identity(const struct order *o, const struct leg *leg)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        for (const char *c = leg->account; *c; c++)
                mix(&h, (uint64_t)(unsigned char)*c);
        for (const char *c = o->symbol; *c; c++)
                mix(&h, (uint64_t)(unsigned char)*c);
        mix(&h, o->side);
        mix(&h, o->type);
        mix(&h, o->product);
        mix(&h, (uint64_t)leg->quantity);
        mix(&h, (uint64_t)o->price);
        mix(&h, (uint64_t)o->trigger_price);
        return h ? h : 1;
}

static const char *whose(const struct limits *l)
{
        return l->of == LIMITS_OF_KEY ? "this key's" : "the account's";
}

static int seconds_up(int64_t us)
{
        return (int)((us + 999999) / 1000000);
}

static enum problem check_size(const struct limits *l, const struct leg *leg, int64_t value,
                               int64_t added, char *detail, size_t size)
{
        const struct account_limits *set = l->set;
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];

        if (set->max_order_quantity && leg->quantity > set->max_order_quantity) {
                snprintf(detail, size, "quantity %" PRId64 " is above %s limit of %" PRId64,
                         leg->quantity, whose(l), set->max_order_quantity);
                return PROBLEM_MAX_ORDER_QUANTITY;
        }
        if (set->max_order_value && value > set->max_order_value) {
                snprintf(detail, size, "order value %s is above %s limit of %s",
                         decimal_print(value, a), whose(l), decimal_print(set->max_order_value, b));
                return PROBLEM_MAX_ORDER_VALUE;
        }
        if (set->max_daily_value && l->day_value + added > set->max_daily_value) {
                snprintf(detail, size,
                         "order value %s is more than what is left of %s limit for the day: %s",
                         decimal_print(added, a), whose(l),
                         decimal_print(set->max_daily_value - l->day_value, b));
                return PROBLEM_MAX_DAILY_VALUE;
        }
        return PROBLEM_NONE;
}

static enum problem check_open(const struct limits *l, unsigned n_open, char *detail, size_t size)
{
        const struct account_limits *set = l->set;

        if (!set->max_open_orders || n_open < set->max_open_orders)
                return PROBLEM_NONE;
        snprintf(detail, size, "%u orders are open, %s limit is %" PRId64, n_open, whose(l),
                 set->max_open_orders);
        return PROBLEM_MAX_OPEN_ORDERS;
}

static enum problem check_day(const struct limits *l, char *detail, size_t size)
{
        const struct account_limits *set = l->set;

        if (!set->orders_per_day || l->day_orders < set->orders_per_day)
                return PROBLEM_NONE;
        snprintf(detail, size, "%" PRId64 " orders were sent today, %s limit is %" PRId64,
                 l->day_orders, whose(l), set->orders_per_day);
        return PROBLEM_MAX_ORDERS_PER_DAY;
}

static unsigned lane_of(const struct limits *l, const struct rate_window *w)
{
        if (l->of == LIMITS_OF_KEY)
                return 0;
        return w->cap / 4 < LIMIT_LANE ? w->cap / 4 : LIMIT_LANE;
}

static bool at_exchange(enum exchange at, unsigned e)
{
        return at == e || at == BROKER_RATE_ANYWHERE;
}

static int64_t second_wait(const struct limits *l, bool cancel, enum exchange at, unsigned ahead,
                           int64_t now)
{
        int64_t longest = 0;
        for (unsigned e = 0; e < _EXCHANGE_MAX; e++) {
                const struct rate_window *w = &l->second[e];
                if (!at_exchange(at, e))
                        continue;
                int64_t wait_us = rate_window_turn(w, cancel ? 0 : lane_of(l, w), ahead, now);
                longest = wait_us > longest ? wait_us : longest;
        }
        return longest;
}

int64_t limits_wait(const struct limits *l, bool cancel, enum exchange at, struct rate_ahead ahead,
                    char *detail, size_t size, int64_t than_us)
{
        const struct account_limits *set = l->set;
        int64_t now = clock_mono_us();
        int64_t second = second_wait(l, cancel, at, ahead.here, now);
        int64_t minute = cancel ? 0 : rate_window_turn(&l->minute, 0, ahead.all, now);
        bool by_minute = minute > second;
        int64_t wait_us = by_minute ? minute : second;

        if (wait_us > than_us)
                snprintf(detail, size, "%s limit is %" PRId64 " orders %s", whose(l),
                         by_minute ? set->orders_per_minute : set->orders_per_second,
                         by_minute                ? "in 60 s"
                         : l->of == LIMITS_OF_KEY ? "in 1.1 s"
                                                  : "at one exchange in 1.1 s");
        return wait_us;
}

void limits_count_call(struct limits *l, enum exchange at, int64_t at_us)
{
        for (unsigned e = 0; e < _EXCHANGE_MAX; e++)
                if (at_exchange(at, e))
                        rate_window_take(&l->second[e], at_us);
        rate_window_take(&l->minute, at_us);
}

void limits_uncount_call(struct limits *l, enum exchange at, int64_t at_us)
{
        for (unsigned e = 0; e < _EXCHANGE_MAX; e++)
                if (at_exchange(at, e))
                        rate_window_give_back(&l->second[e], at_us);
        rate_window_give_back(&l->minute, at_us);
}

int64_t limits_second_left(const struct limits *l)
{
        int64_t least = rate_window_left(&l->second[0]);
        for (unsigned e = 1; e < _EXCHANGE_MAX; e++) {
                int64_t left = rate_window_left(&l->second[e]);
                least = left < least ? left : least;
        }
        return least;
}

static void count_order(struct limits *l, int64_t added)
{
        l->day_orders++;
        l->day_value = added > DECIMAL_MAX - l->day_value ? DECIMAL_MAX : l->day_value + added;
}

void limits_count_other(struct limits *l, const struct order *o, const struct leg *leg,
                        int64_t value)
{
        limits_roll(l);
        count_order(l, value);
        repeat_put(&l->recent, identity(o, leg), clock_mono_us());
}

enum problem limits_take(struct limits *l, const struct order *o, const struct leg *leg,
                         int64_t value, unsigned n_open, char *detail, size_t size,
                         int *ret_retry_s)
{
        int64_t now = clock_mono_us(), age;
        limits_roll(l);

        enum problem p = check_size(l, leg, value, value, detail, size);
        if (p == PROBLEM_NONE)
                p = check_open(l, n_open, detail, size);
        if (p == PROBLEM_NONE)
                p = check_day(l, detail, size);
        if (p != PROBLEM_NONE)
                return p;
        uint64_t hash = identity(o, leg);
        if (repeat_find(&l->recent, hash, now, &age)) {
                *ret_retry_s = seconds_up(l->set->repeat_window_us - age);
                snprintf(detail, size,
                         "the same order was sent %" PRId64 " ms ago; %s window is %" PRId64 " ms",
                         age / 1000, whose(l), l->set->repeat_window_us / 1000);
                return PROBLEM_IDENTICAL_ORDER;
        }
        repeat_put(&l->recent, hash, now);
        count_order(l, value);
        return PROBLEM_NONE;
}

enum problem limits_take_change(struct limits *l, const struct leg *leg, int64_t value,
                                int64_t added, bool lesser, char *detail, size_t size)
{
        limits_roll(l);

        enum problem p = lesser ? PROBLEM_NONE : check_size(l, leg, value, added, detail, size);
        if (p == PROBLEM_NONE)
                p = check_day(l, detail, size);
        if (p == PROBLEM_NONE)
                count_order(l, added);
        return p;
}

void limits_not_traded(struct limits *l, int64_t value)
{
        l->day_value = l->day_value > value ? l->day_value - value : 0;
}

void limits_give_back_change(struct limits *l, int64_t added)
{
        if (l->day_orders > 0)
                l->day_orders--;
        limits_not_traded(l, added);
}

void limits_give_back(struct limits *l, const struct order *o, const struct leg *leg, int64_t value)
{
        limits_give_back_change(l, value);
        repeat_take_back(&l->recent, identity(o, leg));
}

void limits_traded(struct limits *l, int64_t n)
{
        limits_roll(l);
        l->day_traded += n;
}

int64_t limits_orders_today(struct limits *l, int64_t *ret_traded)
{
        limits_roll(l);
        *ret_traded = l->day_traded;
        return l->day_orders;
}
