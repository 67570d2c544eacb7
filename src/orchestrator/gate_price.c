#include "orchestrator/gate_check.h"

#include "base/decimal.h"
#include "orchestrator/state.h"

/* The stricter of what the account allows and what the client asked; the kill switch says itself
 * how far an order against a position may go. */
static struct market_policy policy_of(const struct order *order, const struct gate *g)
{
        struct market_policy mine = g->account->account->market_policy;
        struct market_policy asked = order->market_policy;
        if (g->exit && order->market_policy_given)
                return asked;
        if (!order->market_policy_given || mine.kind == MARKET_REJECT)
                return mine;
        if (asked.kind == MARKET_REJECT || mine.kind == MARKET_BROKER)
                return asked;
        if (asked.kind == MARKET_PROTECT && asked.percent < mine.percent)
                return asked;
        return mine;
}

static int64_t protected_price(const struct instrument *i, enum side side, int64_t reference,
                               int64_t percent)
{
        /* percent is 1e-4 of a percent: 1 % is 10000, of 1000000. */
        int64_t away = decimal_muldiv(reference, percent, 1000000);
        int64_t price = side == SIDE_BUY ? reference + away : reference - away;
        int64_t low = instrument_band_low(i), high = instrument_band_high(i);
        price = instrument_round_to_tick(i, price, side == SIDE_BUY);
        if (price > high)
                price = instrument_round_to_tick(i, high, false);
        if (price < low)
                price = instrument_round_to_tick(i, low, true);
        return price > 0 ? price : i->tick;
}

/* Fills leg->effective: market orders become limits on the tick grid inside the band (orders.md
 * §6). */
enum gate_answer gate_market_policy(const struct order *order, struct leg *leg, struct gate *g)
{
        if (order->type != ORDER_TYPE_MARKET && order->type != ORDER_TYPE_STOP)
                return GATE_PASSED;

        struct market_policy policy = policy_of(order, g);
        if (policy.kind == MARKET_REJECT)
                return gate_refuse(g, leg, PROBLEM_MARKET_ORDER_REFUSED, "/type",
                                   "the market policy of %s is reject", g->account->account->id);
        if (policy.kind == MARKET_BROKER)
                return GATE_PASSED;
        int64_t reference = order->trigger_price;
        if (order->type == ORDER_TYPE_MARKET) {
                const struct quote *q = quote_fresh(g->account, order->symbol);
                if (!q && !g->quote_asked)
                        return GATE_NEEDS_QUOTE;
                if (!q || q->last <= 0)
                        return gate_refuse(g, leg, PROBLEM_NO_REFERENCE_PRICE, "/type",
                                           "there is no fresh price of %s", order->symbol);
                reference = q->last;
        }
        leg->effective.type =
                order->type == ORDER_TYPE_MARKET ? ORDER_TYPE_LIMIT : ORDER_TYPE_STOP_LIMIT;
        leg->effective.price =
                protected_price(&g->scrip->instrument, order->side, reference, policy.percent);
        return GATE_PASSED;
}

enum gate_answer gate_collar(const struct order *order, struct leg *leg, struct gate *g)
{
        int64_t percent = g->account->account->limits.price_collar_percent;
        int64_t price = leg->effective.price;
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];

        /* Options move by more than any percentage of their price; the exchange has its own rule
         * for them. */
        if (g->exit || g->account->unlimited || percent == 0 || price == 0 ||
            g->scrip->instrument.segment == SEGMENT_OPTION)
                return GATE_PASSED;
        const struct quote *q = quote_fresh(g->account, order->symbol);
        if (!q && !g->quote_asked)
                return GATE_NEEDS_QUOTE;
        if (!q || q->last <= 0)
                return GATE_PASSED;
        int64_t away = decimal_muldiv(q->last, percent, 1000000);
        bool wrong = order->side == SIDE_BUY ? price > q->last + away : price < q->last - away;
        if (!wrong)
                return GATE_PASSED;
        return gate_refuse(g, leg, PROBLEM_PRICE_COLLAR, "/price",
                           "price %s is too far from the last price of %s", decimal_print(price, a),
                           decimal_print(q->last, b));
}
