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

/* The day's band: as quoted, else as the instrument's own rule makes it. INT64_MAX, 0: no bound. */
struct band {
        int64_t low, high;
};

static struct band band_of(const struct gate *g)
{
        const struct instrument *i = &g->scrip->instrument;
        struct band b = {.low = instrument_band_low(i), .high = instrument_band_high(i)};
        const struct quote *q = quote_known(g->account, i->symbol);

        if (q && q->lower_circuit > 0)
                b.low = q->lower_circuit;
        if (q && q->upper_circuit > 0)
                b.high = q->upper_circuit;
        return b;
}

static int64_t protected_price(const struct gate *g, enum side side, int64_t reference,
                               int64_t percent)
{
        /* percent is 1e-4 of a percent: 1 % is 10000, of 1000000. */
        const struct instrument *i = &g->scrip->instrument;
        int64_t away = decimal_muldiv(reference, percent, 1000000);
        int64_t price = side == SIDE_BUY ? reference + away : reference - away;
        struct band b = band_of(g);
        price = instrument_round_to_tick(i, price, side == SIDE_BUY);
        if (price > b.high)
                price = instrument_round_to_tick(i, b.high, false);
        if (price < b.low)
                price = instrument_round_to_tick(i, b.low, true);
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
        leg->effective.price = protected_price(g, order->side, reference, policy.percent);
        return GATE_PASSED;
}

/* A price to compare with, the newest there is; 0: none is known. */
static int64_t known_price(const struct gate *g)
{
        const struct instrument *i = &g->scrip->instrument;
        const struct quote *q = quote_known(g->account, i->symbol);

        if (q && q->last > 0)
                return q->last;
        return q && q->close > 0 ? q->close : i->previous_close;
}

/* The market may have moved since: nothing is refused for an older price. */
static bool older_price(const struct gate *g)
{
        return !g->quote_asked && !quote_fresh(g->account, g->scrip->instrument.symbol);
}

static enum gate_answer without_price(const struct order *order, struct leg *leg, struct gate *g)
{
        enum collar_without_quote rule = g->account->account->collar_without_quote;
        bool cash = !instrument_derivative(&g->scrip->instrument);

        if (rule == COLLAR_PASS || (rule == COLLAR_CASH && cash))
                return GATE_PASSED;
        return gate_refuse(g, leg, PROBLEM_NO_REFERENCE_PRICE, "/price",
                           "no price of %s is known to compare with", order->symbol);
}

/* The narrower one of the account's and that of the key that asks; 0: none. */
static int64_t collar_of(const struct gate *g, const char **ret_whose)
{
        int64_t account = g->account->account->limits.price_collar_percent;
        int64_t key = g->quota ? g->quota->set.price_collar_percent : 0;
        bool by_key = key && (!account || key < account);

        *ret_whose = by_key ? "this key's" : "the account's";
        return by_key ? key : account;
}

enum gate_answer gate_collar(const struct order *order, struct leg *leg, struct gate *g)
{
        const char *whose;
        int64_t percent = collar_of(g, &whose);
        int64_t price = leg->effective.price;
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];

        /* Options move by more than any percentage of their price; the exchange has its own rule
         * for them. */
        if (g->exit || g->account->unlimited || percent == 0 || price == 0 ||
            g->scrip->instrument.segment == SEGMENT_OPTION)
                return GATE_PASSED;
        if (!quote_known(g->account, order->symbol) && !g->quote_asked)
                return GATE_NEEDS_QUOTE;
        int64_t known = known_price(g);
        if (known == 0)
                return without_price(order, leg, g);
        int64_t away = decimal_muldiv(known, percent, 1000000);
        bool wrong = order->side == SIDE_BUY ? price > known + away : price < known - away;
        if (!wrong)
                return GATE_PASSED;
        if (older_price(g))
                return GATE_NEEDS_QUOTE;
        return gate_refuse(g, leg, PROBLEM_PRICE_COLLAR, "/price",
                           "price %s is too far from the last price of %s for %s collar",
                           decimal_print(price, a), decimal_print(known, b), whose);
}

static enum gate_answer check_band(struct gate *g, struct leg *leg, const struct band *band,
                                   int64_t price, const char *pointer)
{
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];

        if (price == 0 || (price >= band->low && price <= band->high))
                return GATE_PASSED;
        if (quote_known(g->account, g->scrip->instrument.symbol) && older_price(g))
                return GATE_NEEDS_QUOTE;
        return gate_refuse(g, leg, PROBLEM_PRICE_BAND, pointer,
                           "%s is %s than the day's band allows: %s", decimal_print(price, a),
                           price < band->low ? "lower" : "higher",
                           decimal_print(price < band->low ? band->low : band->high, b));
}

enum gate_answer gate_band(const struct order *order, struct leg *leg, struct gate *g)
{
        struct band band = band_of(g);

        /* The simulated exchange tells of its own band. */
        if (g->exit || g->account->unlimited)
                return GATE_PASSED;
        enum gate_answer r = check_band(g, leg, &band, leg->effective.price, "/price");
        return r == GATE_PASSED
                       ? check_band(g, leg, &band, leg->effective.trigger_price, "/trigger_price")
                       : r;
}
