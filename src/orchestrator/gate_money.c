#include "orchestrator/gate_check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/margin.h"
#include "orchestrator/state.h"

/* Price per unit that limits and margin count with; 0 when none is known. */
static int64_t price_of(const struct gate *g, int64_t price, int64_t trigger_price)
{
        if (price)
                return price;
        if (trigger_price)
                return trigger_price;
        const struct quote *q = quote_fresh(g->account, g->scrip->instrument.symbol);
        return q && q->last > 0 ? q->last : g->scrip->instrument.previous_close;
}

static int64_t price_after(const struct gate *g, const struct leg *leg)
{
        return price_of(g, leg->effective.price, leg->effective.trigger_price);
}

static int64_t price_before(const struct gate *g)
{
        return price_of(g, g->modified->price, g->modified->trigger_price);
}

static int64_t margin_of(const struct gate *g, const struct order *order, int64_t opening,
                         int64_t price)
{
        int64_t position = funds_position(g->account, order->symbol, order->product);
        if (position != 0 && (position > 0) != (order->side == SIDE_BUY))
                opening -= llabs(position) < opening ? llabs(position) : opening;
        return opening ? margin_required(&g->scrip->instrument, order->side, order->product,
                                         opening, price, 0)
                       : 0;
}

static int64_t margin_added(const struct gate *g, const struct order *order, const struct leg *leg)
{
        int64_t after = margin_of(g, order, gate_rest(leg, g), price_after(g, leg));
        if (!g->modified)
                return after;
        int64_t rest = g->modified->quantity - g->modified->filled_quantity;
        int64_t before = margin_of(g, order, rest, price_before(g));
        return after > before ? after - before : 0;
}

enum gate_answer gate_funds(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        char need[DECIMAL_TEXT_SIZE], have[DECIMAL_TEXT_SIZE];

        if (!funds_known(a) && !g->funds_asked)
                return GATE_NEEDS_FUNDS;
        if (!funds_known(a))
                return GATE_PASSED; /* the broker refused to tell; it will check by itself */
        g->reserved = margin_added(g, order, leg);
        int64_t available = funds_available(a);
        /* What asks for nothing more may go on whatever is left. */
        if (g->reserved <= available || (g->modified && g->reserved == 0))
                return GATE_PASSED;
        if (!g->funds_asked)
                return GATE_NEEDS_FUNDS;
        return gate_refuse(g, leg, PROBLEM_INSUFFICIENT_FUNDS, "", "needs %s, available is %s",
                           decimal_print(g->reserved, need), decimal_print(available, have));
}

/* What this order adds to the day's value. */
static int64_t value_added(const struct gate *g, int64_t value)
{
        if (!g->modified)
                return value;
        int64_t before = decimal_muldiv(price_before(g), g->modified->quantity, 1);
        return value > before ? value - before : 0;
}

static enum problem take(struct limits *l, const struct order *order, struct leg *leg,
                         struct gate *g, int64_t value, unsigned n_open)
{
        if (g->modified)
                return limits_take_change(l, leg, value, g->value, gate_lesser(order, leg, g),
                                          leg->message, sizeof(leg->message));
        return limits_take(l, order, leg, value, n_open, leg->message, sizeof(leg->message),
                           &g->retry_after_s);
}

static void give_back(struct limits *l, const struct order *order, const struct leg *leg,
                      const struct gate *g)
{
        if (g->modified)
                limits_give_back_change(l, g->value);
        else
                limits_give_back(l, order, leg, g->value);
}

/* A key's rates stop a program that runs wild: what is too much for them does not wait. */
static enum problem take_quota(const struct order *order, struct leg *leg, struct gate *g,
                               int64_t value)
{
        struct quota *q = g->quota;
        const struct rate_ahead nobody = {};
        int64_t wait_us = limits_wait(&q->limits, false, BROKER_RATE_ANYWHERE, nobody, leg->message,
                                      sizeof(leg->message), 0);

        if (wait_us > 0) {
                g->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
                return PROBLEM_ORDER_RATE;
        }
        enum problem p = take(&q->limits, order, leg, g, value, q->n_open + g->n_before);
        if (p == PROBLEM_NONE) {
                g->quota_us = clock_mono_us();
                limits_count_call(&q->limits, BROKER_RATE_ANYWHERE, g->quota_us);
        }
        return p;
}

/* The account's, then those of the key that asks: both hold. */
enum gate_answer gate_limits(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        if (a->unlimited || g->exit)
                return GATE_PASSED;
        int64_t value = decimal_muldiv(price_after(g, leg), leg->quantity, 1);
        g->value = value_added(g, value);
        enum problem p = take(&a->limits, order, leg, g, value, a->n_open);
        if (p == PROBLEM_NONE && g->quota) {
                p = take_quota(order, leg, g, value);
                if (p != PROBLEM_NONE)
                        give_back(&a->limits, order, leg, g);
        }
        if (p == PROBLEM_NONE)
                return GATE_PASSED;
        g->problem = p;
        if (p == PROBLEM_MAX_ORDER_QUANTITY)
                text_copy(g->pointer, sizeof(g->pointer), "/quantity");
        return GATE_REFUSED;
}

void gate_limits_give_back(const struct order *order, const struct leg *leg, struct gate *g)
{
        if (g->account->unlimited || g->exit)
                return;
        give_back(&g->account->limits, order, leg, g);
        if (!g->quota)
                return;
        give_back(&g->quota->limits, order, leg, g);
        limits_uncount_call(&g->quota->limits, BROKER_RATE_ANYWHERE, g->quota_us);
}
