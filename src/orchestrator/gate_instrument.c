#include "orchestrator/gate_check.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/margin.h"
#include "orchestrator/masters.h"
#include "orchestrator/state.h"

#define DISCLOSED_MIN_PERCENT 10 /* market.md §5.6 */
#define INSTRUMENTS_RETRY_S   10

static enum gate_answer check_quantity(const struct order *order, struct leg *leg, struct gate *g)
{
        const struct instrument *i = &g->scrip->instrument;
        if (leg->multiplier == DECIMAL_ONE) {
                leg->quantity = order->quantity;
                if (leg->quantity % i->lot)
                        return gate_refuse(g, leg, PROBLEM_LOT_SIZE, "/quantity",
                                           "quantity %" PRId64
                                           " is not a multiple of the lot of %" PRId64,
                                           leg->quantity, i->lot);
        } else {
                int64_t raw = (int64_t)((__int128)order->quantity * leg->multiplier / DECIMAL_ONE);
                leg->quantity = raw / i->lot * i->lot;
                if (leg->quantity == 0)
                        return gate_refuse(g, leg, PROBLEM_MULTIPLIER_ROUNDS_TO_ZERO, "",
                                           "%" PRId64 " is less than one lot of %" PRId64, raw,
                                           i->lot);
        }
        if (gate_rest(leg, g) <= 0)
                return gate_refuse(g, leg, PROBLEM_MODIFY_UNSUPPORTED, "/quantity",
                                   "%" PRId64 " are filled already",
                                   leg->quantity - gate_rest(leg, g));
        if (i->freeze && leg->quantity > i->freeze)
                return gate_refuse(g, leg, PROBLEM_FREEZE_QUANTITY, "/quantity",
                                   "quantity %" PRId64 " is above the freeze quantity of %" PRId64,
                                   leg->quantity, i->freeze);
        return GATE_PASSED;
}

static enum gate_answer check_tick(struct gate *g, struct leg *leg, int64_t price,
                                   const char *pointer)
{
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];
        if (price == 0 || price % g->scrip->instrument.tick == 0)
                return GATE_PASSED;
        return gate_refuse(g, leg, PROBLEM_TICK_SIZE, pointer,
                           "%s is not a multiple of the tick of %s", decimal_print(price, a),
                           decimal_print(g->scrip->instrument.tick, b));
}

enum gate_answer gate_instrument(const struct order *order, struct leg *leg, struct gate *g)
{
        if (!g->scrip && !master_there(g->account)) {
                g->retry_after_s = INSTRUMENTS_RETRY_S;
                return gate_refuse(g, leg, PROBLEM_INSTRUMENTS_MISSING, "",
                                   "the instruments of %s were not loaded yet",
                                   g->account->broker->title);
        }
        if (!g->scrip)
                return gate_refuse(g, leg, PROBLEM_INSTRUMENT_UNKNOWN, "/symbol", "%s is not known",
                                   order->symbol);
        const struct instrument *i = &g->scrip->instrument;
        if (i->lot == 0)
                return gate_refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol",
                                   "%s is an index", order->symbol);
        if (i->expiry && i->expiry < order->day)
                return gate_refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol",
                                   "%s has expired", order->symbol);
        const struct calendar *calendar = g->account->orchestrator->options.calendar;
        int64_t close_us = i->expiry == order->day ? calendar_close_of(calendar, i, i->expiry) : 0;
        if (close_us && clock_wall_us() >= close_us && !g->account->account->paper)
                return gate_refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol",
                                   "%s expired at today's close", order->symbol);
        enum gate_answer r = check_quantity(order, leg, g);
        if (r == GATE_PASSED)
                r = check_tick(g, leg, order->price, "/price");
        if (r == GATE_PASSED)
                r = check_tick(g, leg, order->trigger_price, "/trigger_price");
        return r;
}

static enum gate_answer check_disclosed(const struct order *order, struct leg *leg, struct gate *g,
                                        bool supported)
{
        int64_t disclosed = order->disclosed_quantity;
        if (disclosed == 0)
                return GATE_PASSED;
        if (!supported || order->validity == VALIDITY_IOC)
                return gate_refuse(g, leg, PROBLEM_DISCLOSED_UNSUPPORTED, "/disclosed_quantity",
                                   "disclosed quantity is not possible for %s with %s",
                                   order->symbol, validity_name(order->validity));
        if (disclosed > leg->quantity || disclosed * 100 < leg->quantity * DISCLOSED_MIN_PERCENT)
                return gate_refuse(g, leg, PROBLEM_DISCLOSED_UNSUPPORTED, "/disclosed_quantity",
                                   "disclose between %d %% and all of %" PRId64,
                                   DISCLOSED_MIN_PERCENT, leg->quantity);
        return GATE_PASSED;
}

enum gate_answer gate_support(const struct order *order, struct leg *leg, struct gate *g)
{
        const struct calendar *calendar = g->account->orchestrator->options.calendar;
        const struct instrument *i = &g->scrip->instrument;
        const struct account *account = g->account->account;
        const struct broker_capability *can = broker_capability(g->account->broker, i->exchange);

        if (!can)
                return gate_refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol",
                                   "%s does not trade %s", account->id, exchange_name(i->exchange));
        if (!(can->products & 1U << order->product) || !margin_product_allowed(i, order->product))
                return gate_refuse(g, leg, PROBLEM_PRODUCT_UNSUPPORTED, "/product",
                                   "%s is not possible for %s", product_name(order->product),
                                   order->symbol);
        /* The exchange has no stop-loss market orders for options (market.md §5.5); a protected one
         * is sent as a stop limit. */
        if (!(can->types & 1U << order->type))
                return gate_refuse(g, leg, PROBLEM_TYPE_UNSUPPORTED, "/type",
                                   "%s is not possible for %s", order_type_name(order->type),
                                   order->symbol);
        if (!(can->validities & 1U << order->validity))
                return gate_refuse(g, leg, PROBLEM_VALIDITY_UNSUPPORTED, "/validity",
                                   "%s is not possible for %s", validity_name(order->validity),
                                   order->symbol);
        if (account->enforce_session_hours && !calendar_open(calendar, i, clock_wall_us()))
                return gate_refuse(g, leg, PROBLEM_MARKET_CLOSED, "", "%s is closed now",
                                   exchange_name(i->exchange));
        return check_disclosed(order, leg, g, can->disclosed);
}
