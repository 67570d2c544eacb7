#include "orchestrator/gate_check.h"

#include <stdlib.h>

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

static enum problem take_change(const struct order *order, struct leg *leg, struct gate *g,
                                int64_t value)
{
        int64_t before = decimal_muldiv(price_before(g), g->modified->quantity, 1);
        g->value = value > before ? value - before : 0;
        return limits_take_change(&g->account->limits, leg, value, g->value,
                                  gate_lesser(order, leg, g), leg->message, sizeof(leg->message));
}

enum gate_answer gate_limits(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        if (a->unlimited || g->exit)
                return GATE_PASSED;
        g->value = decimal_muldiv(price_after(g, leg), leg->quantity, 1);
        enum problem p =
                g->modified ? take_change(order, leg, g, g->value)
                            : limits_take(&a->limits, order, leg, g->value, a->n_open, leg->message,
                                          sizeof(leg->message), &g->retry_after_s);
        if (p == PROBLEM_NONE)
                return GATE_PASSED;
        g->problem = p;
        if (p == PROBLEM_MAX_ORDER_QUANTITY)
                text_copy(g->pointer, sizeof(g->pointer), "/quantity");
        return GATE_REFUSED;
}
