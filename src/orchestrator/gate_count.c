/* How often an order is changed, and how many orders there are for one that trades: what brokers
 * and exchanges count of a program that runs wild. */
#include "orchestrator/gate_check.h"

#include <inttypes.h>

#include "orchestrator/state.h"

enum gate_answer gate_modifications(const struct order *order, struct leg *leg, struct gate *g)
{
        int64_t most = g->account->account->limits.max_modifications;

        if (!g->modified || most == 0 || g->account->unlimited || g->modified->modifications < most)
                return GATE_PASSED;
        return gate_refuse(g, leg, PROBLEM_MAX_MODIFICATIONS, "",
                           "it was modified %u times, the account's limit is %" PRId64
                           "; cancel it and place another one",
                           g->modified->modifications, most);
}

enum gate_answer gate_ratio(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        const struct account_limits *set = &a->account->limits;

        if (set->max_orders_per_trade == 0 || a->unlimited || g->exit)
                return GATE_PASSED;
        int64_t traded, orders = 1 + limits_orders_today(&a->limits, &traded);
        if (orders <= set->orders_per_trade_floor ||
            orders <= set->max_orders_per_trade * (traded ? traded : 1))
                return GATE_PASSED;
        return gate_refuse(g, leg, PROBLEM_MAX_ORDERS_PER_TRADE, "",
                           "%" PRId64 " orders and modifications today, %" PRId64
                           " orders have traded; the account's limit is %" PRId64
                           " for each, beyond %" PRId64,
                           orders, traded, set->max_orders_per_trade, set->orders_per_trade_floor);
}
