#include "orchestrator/gate_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/candidate.h"
#include "orchestrator/state.h"

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
        return gate_rest(leg, g) + open <= llabs(position);
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

enum gate_answer gate_reducing(const struct order *order, struct leg *leg, struct gate *g)
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
                return gate_refuse(
                        g, leg, PROBLEM_KILL_SWITCH, "",
                        "the kill switch stands at %s; only orders that reduce a position pass",
                        kill_level_name(level));
        if (order->reduce_only)
                return gate_refuse(g, leg, PROBLEM_NOT_REDUCING, "/reduce_only",
                                   "the position is %" PRId64 ", the order is %s %" PRId64,
                                   position, side_name(order->side), leg->quantity);
        return gate_refuse(g, leg, PROBLEM_LEG_UNRESOLVED, "/symbol",
                           "an earlier order in %s has no known outcome yet", order->symbol);
}

enum gate_answer gate_twin(const struct order *order, struct leg *leg, struct gate *g)
{
        if (g->modified || !candidate_twin(g->account, order->symbol, order->side, leg->quantity))
                return GATE_PASSED;
        g->retry_after_s = 1;
        return gate_refuse(g, leg, PROBLEM_LEG_UNRESOLVED, "",
                           "an equal order has no number of the broker yet, and %s does not show "
                           "which is which",
                           g->account->broker->title);
}
