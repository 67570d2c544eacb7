#include "orchestrator/gate_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/candidate.h"
#include "orchestrator/state.h"
#include "orchestrator/trip.h"

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
        LIST_FOREACH (it, open_symbol_legs(a->open_symbols, o->symbol, o->side)) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_side);
                if (l != g->modified && l->product == o->product)
                        open += rest_of_open(l);
        }
        return gate_rest(leg, g) + open <= llabs(position);
}

static bool unresolved(const struct account_state *a, const char *symbol)
{
        LIST_FOREACH (it, &a->doubtful) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_doubtful);
                if (l->day == clock_ist_day(clock_wall_us()) && strcmp(l->symbol, symbol) == 0)
                        return true;
        }
        return false;
}

/* Why only what reduces a position may pass now; NONE: everything may. */
static enum problem reason(struct account_state *a, const struct order *o, int64_t *ret_wait_us)
{
        *ret_wait_us = 0;
        if (killswitch_level(a->orchestrator, a->account->id) >= KILL_LEVEL_HALT)
                return PROBLEM_KILL_SWITCH;
        if (o->reduce_only)
                return PROBLEM_NOT_REDUCING;
        if (unresolved(a, o->symbol))
                return PROBLEM_LEG_UNRESOLVED;
        return trip_now(a, ret_wait_us);
}

static enum gate_answer refuse(const struct order *order, struct leg *leg, struct gate *g,
                               enum problem why, int64_t position)
{
        struct account_state *a = g->account;

        switch (why) {
        case PROBLEM_KILL_SWITCH:
                return gate_refuse(
                        g, leg, why, "",
                        "the kill switch stands at %s; only orders that reduce a position pass",
                        kill_level_name(killswitch_level(a->orchestrator, a->account->id)));
        case PROBLEM_NOT_REDUCING:
                return gate_refuse(g, leg, why, "/reduce_only",
                                   "the position is %" PRId64 ", the order is %s %" PRId64,
                                   position, side_name(order->side), leg->quantity);
        case PROBLEM_LEG_UNRESOLVED:
                return gate_refuse(g, leg, why, "/symbol",
                                   "an earlier order in %s has no known outcome yet",
                                   order->symbol);
        case PROBLEM_REJECT_STORM:
                return gate_refuse(g, leg, why, "",
                                   "the broker rejected too many orders of %s; for %d s only "
                                   "orders that reduce a position pass",
                                   a->account->id, g->retry_after_s);
        default:
                return gate_refuse(g, leg, why, "",
                                   "%s has lost what it may lose in a day; only orders that "
                                   "reduce a position pass",
                                   a->account->id);
        }
}

/* The day's loss is judged from positions; without them nothing says that it is not reached. */
static enum gate_answer check_loss_known(struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;

        if (a->account->limits.max_daily_loss == 0 || a->unlimited || g->exit || funds_known(a))
                return GATE_PASSED;
        if (!g->funds_asked)
                return GATE_NEEDS_FUNDS;
        if (a->funds.valid && clock_mono_us() - a->funds.as_of_us <= LOSS_BLIND_US)
                return GATE_PASSED;
        g->retry_after_s = 1;
        return gate_refuse(g, leg, PROBLEM_NOT_READY, "",
                           "the positions of %s cannot be read, so that MAX_DAILY_LOSS cannot be "
                           "judged",
                           a->account->id);
}

enum gate_answer gate_reducing(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        int64_t wait_us;

        enum gate_answer r = check_loss_known(leg, g);
        if (r != GATE_PASSED)
                return r;
        enum problem why = reason(a, order, &wait_us);
        if (why == PROBLEM_NONE)
                return GATE_PASSED;
        int64_t position = funds_position(a, order->symbol, order->product);
        if (!funds_positions_proven(a) && !g->funds_asked)
                return GATE_NEEDS_FUNDS;
        if (funds_positions_proven(a) && reduces(order, leg, g, position)) {
                g->passes_halt = true;
                return GATE_PASSED;
        }
        if (wait_us)
                g->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        return refuse(order, leg, g, why, position);
}

enum gate_answer gate_twin(const struct order *order, struct leg *leg, struct gate *g)
{
        if (g->modified || !candidate_twin(g->account, order, leg))
                return GATE_PASSED;
        g->retry_after_s = 1;
        return gate_refuse(g, leg, PROBLEM_LEG_UNRESOLVED, "",
                           "an order that would look the same in the book of %s has no number "
                           "there yet; nobody could say which is which",
                           g->account->broker->title);
}
