#include "orchestrator/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/margin.h"
#include "orchestrator/masters.h"
#include "orchestrator/state.h"

#define DISCLOSED_MIN_PERCENT 10 /* market.md §5.6 */
#define INSTRUMENTS_RETRY_S   10

static enum gate_answer refuse(struct gate *g, struct leg *leg, enum problem problem,
                               const char *pointer, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

static enum gate_answer refuse(struct gate *g, struct leg *leg, enum problem problem,
                               const char *pointer, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(leg->message, sizeof(leg->message), format, args);
        va_end(args);
        g->problem = problem;
        text_copy(g->pointer, sizeof(g->pointer), pointer);
        return GATE_REFUSED;
}

/* What of the leg is still to be traded. */
static int64_t rest_of(const struct leg *leg, const struct gate *g)
{
        return leg->quantity - (g->modified ? g->modified->filled_quantity : 0);
}

/* The most that an open leg may still trade, whatever becomes of a modification that runs. */
static int64_t rest_of_open(const struct open_leg *l)
{
        bool larger = l->modify_us && l->modify_quantity > l->quantity;
        return (larger ? l->modify_quantity : l->quantity) - l->filled_quantity;
}

/* Opposite to the position as read, and no larger than it together with what is open and unresolved
 * on that side (orders.md §3). */
static bool reduces(const struct order *o, const struct leg *leg, const struct gate *g,
                    int64_t position)
{
        const struct account_state *a = g->account;
        int64_t open = 0;
        if (position == 0 || (position > 0) == (o->side == SIDE_BUY))
                return false;
        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l != g->modified && l->side == o->side && l->product == o->product &&
                    strcmp(l->symbol, o->symbol) == 0)
                        open += rest_of_open(l);
        }
        return rest_of(leg, g) + open <= llabs(position);
}

static bool must_reduce(const struct account_state *a, const struct order *o)
{
        if (o->reduce_only)
                return true;
        if (killswitch_level(a->orchestrator, a->account->id) >= KILL_LEVEL_HALT)
                return true;
        if (a->n_unresolved == 0)
                return false;
        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if ((l->state == LEG_STATE_UNKNOWN || l->state == LEG_STATE_NEEDS_OPERATOR) &&
                    l->day == clock_ist_day(clock_wall_us()) && strcmp(l->symbol, o->symbol) == 0)
                        return true;
        }
        return false;
}

static enum gate_answer check_reducing(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;

        if (!must_reduce(a, order))
                return GATE_PASSED;
        int64_t position = funds_position(a, order->symbol, order->product);
        if (!funds_positions_proven(a) && !g->funds_asked)
                return GATE_NEEDS_FUNDS;
        if (funds_positions_proven(a) && reduces(order, leg, g, position)) {
                g->passes_halt = true;
                return GATE_PASSED;
        }
        enum kill_level level = killswitch_level(a->orchestrator, a->account->id);
        if (level >= KILL_LEVEL_HALT)
                return refuse(
                        g, leg, PROBLEM_KILL_SWITCH, "",
                        "the kill switch stands at %s; only orders that reduce a position pass",
                        kill_level_name(level));
        if (order->reduce_only)
                return refuse(g, leg, PROBLEM_NOT_REDUCING, "/reduce_only",
                              "the position is %" PRId64 ", the order is %s %" PRId64, position,
                              side_name(order->side), leg->quantity);
        return refuse(g, leg, PROBLEM_LEG_UNRESOLVED, "/symbol",
                      "an earlier order in %s has no known outcome yet", order->symbol);
}

static enum gate_answer check_account(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        if (a->orchestrator->draining)
                return refuse(g, leg, PROBLEM_SHUTTING_DOWN, "", "the daemon is stopping");
        if (a->session != SESSION_STATE_ACTIVE)
                return refuse(g, leg, PROBLEM_SESSION_REQUIRED, "", "%s has no session",
                              a->account->id);
        if (!a->ready) {
                g->retry_after_s = 1;
                return refuse(g, leg, PROBLEM_NOT_READY, "",
                              "the order book of %s is still being read", a->account->id);
        }
        if (!g->modified)
                return GATE_PASSED;
        if (!(a->broker->flags & BROKER_CAN_MODIFY))
                return refuse(g, leg, PROBLEM_MODIFY_UNSUPPORTED, "", "%s cannot modify orders",
                              a->broker->title);
        if (order_status_terminal(g->modified->status))
                return refuse(g, leg, PROBLEM_ORDER_NOT_OPEN, "", "the order is over");
        if (g->modified->modify_us) {
                g->retry_after_s = 1;
                return refuse(g, leg, PROBLEM_LEG_UNRESOLVED, "",
                              "an earlier modification of it has no known outcome yet");
        }
        return GATE_PASSED;
}

static enum gate_answer check_quantity(const struct order *order, struct leg *leg, struct gate *g)
{
        const struct instrument *i = &g->scrip->instrument;
        if (leg->multiplier == DECIMAL_ONE) {
                leg->quantity = order->quantity;
                if (leg->quantity % i->lot)
                        return refuse(g, leg, PROBLEM_LOT_SIZE, "/quantity",
                                      "quantity %" PRId64
                                      " is not a multiple of the lot of %" PRId64,
                                      leg->quantity, i->lot);
        } else {
                int64_t raw = (int64_t)((__int128)order->quantity * leg->multiplier / DECIMAL_ONE);
                leg->quantity = raw / i->lot * i->lot;
                if (leg->quantity == 0)
                        return refuse(g, leg, PROBLEM_MULTIPLIER_ROUNDS_TO_ZERO, "",
                                      "%" PRId64 " is less than one lot of %" PRId64, raw, i->lot);
        }
        if (rest_of(leg, g) <= 0)
                return refuse(g, leg, PROBLEM_MODIFY_UNSUPPORTED, "/quantity",
                              "%" PRId64 " are filled already", leg->quantity - rest_of(leg, g));
        if (i->freeze && leg->quantity > i->freeze)
                return refuse(g, leg, PROBLEM_FREEZE_QUANTITY, "/quantity",
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
        return refuse(g, leg, PROBLEM_TICK_SIZE, pointer, "%s is not a multiple of the tick of %s",
                      decimal_print(price, a), decimal_print(g->scrip->instrument.tick, b));
}

static enum gate_answer check_instrument(const struct order *order, struct leg *leg, struct gate *g)
{
        if (!g->scrip && !master_there(g->account)) {
                g->retry_after_s = INSTRUMENTS_RETRY_S;
                return refuse(g, leg, PROBLEM_INSTRUMENTS_MISSING, "",
                              "the instruments of %s were not loaded yet",
                              g->account->broker->title);
        }
        if (!g->scrip)
                return refuse(g, leg, PROBLEM_INSTRUMENT_UNKNOWN, "/symbol", "%s is not known",
                              order->symbol);
        const struct instrument *i = &g->scrip->instrument;
        if (i->lot == 0)
                return refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol", "%s is an index",
                              order->symbol);
        if (i->expiry && i->expiry < order->day)
                return refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol", "%s has expired",
                              order->symbol);
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
                return refuse(g, leg, PROBLEM_DISCLOSED_UNSUPPORTED, "/disclosed_quantity",
                              "disclosed quantity is not possible for %s with %s", order->symbol,
                              validity_name(order->validity));
        if (disclosed > leg->quantity || disclosed * 100 < leg->quantity * DISCLOSED_MIN_PERCENT)
                return refuse(g, leg, PROBLEM_DISCLOSED_UNSUPPORTED, "/disclosed_quantity",
                              "disclose between %d %% and all of %" PRId64, DISCLOSED_MIN_PERCENT,
                              leg->quantity);
        return GATE_PASSED;
}

static enum gate_answer check_support(const struct order *order, struct leg *leg, struct gate *g)
{
        const struct calendar *calendar = g->account->orchestrator->options.calendar;
        const struct instrument *i = &g->scrip->instrument;
        const struct account *account = g->account->account;
        const struct broker_capability *can = broker_capability(g->account->broker, i->exchange);

        if (!can)
                return refuse(g, leg, PROBLEM_INSTRUMENT_NOT_TRADABLE, "/symbol",
                              "%s does not trade %s", account->id, exchange_name(i->exchange));
        if (!(can->products & 1U << order->product) || !margin_product_allowed(i, order->product))
                return refuse(g, leg, PROBLEM_PRODUCT_UNSUPPORTED, "/product",
                              "%s is not possible for %s", product_name(order->product),
                              order->symbol);
        /* The exchange has no stop-loss market orders for options (market.md §5.5); a protected one
         * is sent as a stop limit. */
        if (!(can->types & 1U << order->type))
                return refuse(g, leg, PROBLEM_TYPE_UNSUPPORTED, "/type",
                              "%s is not possible for %s", order_type_name(order->type),
                              order->symbol);
        if (!(can->validities & 1U << order->validity))
                return refuse(g, leg, PROBLEM_VALIDITY_UNSUPPORTED, "/validity",
                              "%s is not possible for %s", validity_name(order->validity),
                              order->symbol);
        if (account->enforce_session_hours && !calendar_open(calendar, i, clock_wall_us()))
                return refuse(g, leg, PROBLEM_MARKET_CLOSED, "", "%s is closed now",
                              exchange_name(i->exchange));
        return check_disclosed(order, leg, g, can->disclosed);
}

/* The stricter of what the account allows and what the client asked. */
static struct market_policy policy_of(const struct order *order, const struct account *a)
{
        struct market_policy mine = a->market_policy, asked = order->market_policy;
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
static enum gate_answer check_market_policy(const struct order *order, struct leg *leg,
                                            struct gate *g)
{
        if (order->type != ORDER_TYPE_MARKET && order->type != ORDER_TYPE_STOP)
                return GATE_PASSED;

        struct market_policy policy = policy_of(order, g->account->account);
        if (policy.kind == MARKET_REJECT)
                return refuse(g, leg, PROBLEM_MARKET_ORDER_REFUSED, "/type",
                              "the market policy of %s is reject", g->account->account->id);
        if (policy.kind == MARKET_BROKER)
                return GATE_PASSED;
        int64_t reference = order->trigger_price;
        if (order->type == ORDER_TYPE_MARKET) {
                const struct quote *q = quote_fresh(g->account, order->symbol);
                if (!q && !g->quote_asked)
                        return GATE_NEEDS_QUOTE;
                if (!q || q->last <= 0)
                        return refuse(g, leg, PROBLEM_NO_REFERENCE_PRICE, "/type",
                                      "there is no fresh price of %s", order->symbol);
                reference = q->last;
        }
        leg->effective.type =
                order->type == ORDER_TYPE_MARKET ? ORDER_TYPE_LIMIT : ORDER_TYPE_STOP_LIMIT;
        leg->effective.price =
                protected_price(&g->scrip->instrument, order->side, reference, policy.percent);
        return GATE_PASSED;
}

static enum gate_answer check_collar(const struct order *order, struct leg *leg, struct gate *g)
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
        return refuse(g, leg, PROBLEM_PRICE_COLLAR, "/price",
                      "price %s is too far from the last price of %s", decimal_print(price, a),
                      decimal_print(q->last, b));
}

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
        int64_t after = margin_of(g, order, rest_of(leg, g), price_after(g, leg));
        if (!g->modified)
                return after;
        int64_t rest = g->modified->quantity - g->modified->filled_quantity;
        int64_t before = margin_of(g, order, rest, price_before(g));
        return after > before ? after - before : 0;
}

static enum gate_answer check_funds(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        char need[DECIMAL_TEXT_SIZE], have[DECIMAL_TEXT_SIZE];

        if (!a->funds.valid && !g->funds_asked)
                return GATE_NEEDS_FUNDS;
        if (!a->funds.valid)
                return GATE_PASSED; /* the broker refused to tell; it will check by itself */
        g->reserved = margin_added(g, order, leg);
        int64_t available = funds_available(a);
        if (clock_mono_us() - a->funds.as_of_us > FUNDS_REFRESH_US)
                funds_refresh(a);
        /* What asks for nothing more may go on whatever is left. */
        if (g->reserved <= available || (g->modified && g->reserved == 0))
                return GATE_PASSED;
        if (!g->funds_asked)
                return GATE_NEEDS_FUNDS;
        return refuse(g, leg, PROBLEM_INSUFFICIENT_FUNDS, "", "needs %s, available is %s",
                      decimal_print(g->reserved, need), decimal_print(available, have));
}

/* No larger than it is, and the same in everything else. */
static bool lesser(const struct order *order, const struct leg *leg, const struct gate *g)
{
        const struct open_leg *l = g->modified;
        return l && leg->quantity <= l->quantity && order->type == l->type &&
               order->price == l->price && order->trigger_price == l->trigger_price;
}

static enum problem take_change(const struct order *order, struct leg *leg, struct gate *g,
                                int64_t value)
{
        int64_t before = decimal_muldiv(price_before(g), g->modified->quantity, 1);
        g->value = value > before ? value - before : 0;
        return limits_take_change(&g->account->limits, leg, value, g->value, lesser(order, leg, g),
                                  leg->message, sizeof(leg->message), &g->retry_after_s);
}

static enum broker_op op_of(const struct gate *g)
{
        return g->modified ? BROKER_MODIFY : BROKER_PLACE;
}

/* The broker's own windows: nothing lifts them, but an exit goes as a cancel does. */
static enum gate_answer check_traffic(const struct order *order, struct leg *leg, struct gate *g)
{
        if (g->exit)
                return GATE_PASSED;
        int64_t wait_us =
                traffic_wait(&g->account->traffic, op_of(g), leg->message, sizeof(leg->message));
        if (wait_us == 0)
                return GATE_PASSED;
        g->problem = PROBLEM_BROKER_RATE;
        g->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        return GATE_REFUSED;
}

static enum gate_answer check_limits(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        if (a->unlimited || g->exit)
                return GATE_PASSED;
        g->value = decimal_muldiv(price_after(g, leg), leg->quantity, 1);
        enum problem p =
                g->modified ? take_change(order, leg, g, g->value)
                            : limits_take(&a->limits, order, leg, g->value, a->n_open, leg->message,
                                          sizeof(leg->message), &g->retry_after_s);
        if (p == PROBLEM_NONE) {
                g->taken_us = a->limits.taken_us;
                return GATE_PASSED;
        }
        g->problem = p;
        if (p == PROBLEM_MAX_ORDER_QUANTITY)
                text_copy(g->pointer, sizeof(g->pointer), "/quantity");
        return GATE_REFUSED;
}

static const struct {
        enum gate_answer (*check)(const struct order *order, struct leg *leg, struct gate *g);
        bool lesser; /* asked of a modification that adds nothing, too */
} checks[] = {
        {check_account, true},        {check_instrument, true},
        {check_reducing, false},      {check_support, false},
        {check_market_policy, false}, {check_collar, false},
        {check_funds, false},         {check_traffic, true},
        {check_limits, true}, /* last, because it takes */
};

enum gate_answer gate_check(const struct order *order, struct leg *leg, struct gate *g)
{
        enum gate_answer r = GATE_PASSED;

        g->problem = PROBLEM_NONE;
        g->pointer[0] = '\0';
        g->passes_halt = false;
        g->reserved = g->value = 0;
        leg->effective.type = order->type;
        leg->effective.price = order->price;
        leg->effective.trigger_price = order->trigger_price;
        for (size_t i = 0; i < ELEMENTS(checks) && r == GATE_PASSED; i++) {
                /* The quantity is the leg's from check_instrument() on. */
                if (!checks[i].lesser && lesser(order, leg, g))
                        g->passes_halt = true;
                else
                        r = checks[i].check(order, leg, g);
        }
        if (r == GATE_PASSED) {
                funds_reserve(g->account, g->reserved);
                g->traffic_us = traffic_take(&g->account->traffic, op_of(g));
                g->taken = true;
        }
        return r;
}

void gate_give_back(const struct order *order, const struct leg *leg, struct gate *g)
{
        if (!g->taken)
                return;
        g->taken = false;
        funds_settle(g->account, g->reserved, false);
        traffic_give_back(&g->account->traffic, op_of(g), g->traffic_us);
        if (g->account->unlimited || g->exit)
                return;
        if (g->modified)
                limits_give_back_change(&g->account->limits, g->value, g->taken_us);
        else
                limits_give_back(&g->account->limits, order, leg, g->value, g->taken_us);
}

void gate_settle(const struct order *order, const struct leg *leg, struct gate *g)
{
        if (leg->outcome == OUTCOME_NOT_SENT) {
                gate_give_back(order, leg, g);
                return;
        }
        if (!g->taken)
                return;
        g->taken = false;
        funds_settle(g->account, g->reserved, leg->outcome != OUTCOME_REJECTED);
        if (leg->outcome == OUTCOME_REJECTED && !g->account->unlimited && !g->exit)
                limits_not_traded(&g->account->limits, g->value);
}
