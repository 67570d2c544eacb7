#include "orchestrator/gate_check.h"

#include "base/clock.h"
#include "orchestrator/book.h"
#include "orchestrator/state.h"

enum gate_answer gate_account(const struct order *order, struct leg *leg, struct gate *g)
{
        struct account_state *a = g->account;
        if (a->orchestrator->draining)
                return gate_refuse(g, leg, PROBLEM_SHUTTING_DOWN, "", "the daemon is stopping");
        if (a->session != SESSION_STATE_ACTIVE)
                return gate_refuse(g, leg, PROBLEM_SESSION_REQUIRED, "", "%s has no session",
                                   a->account->id);
        if (!g->exit && !peers_may_send(a->orchestrator)) {
                g->retry_after_s = 1;
                return gate_refuse(g, leg, PROBLEM_STORE_UNAVAILABLE, "",
                                   "the ledger and the other daemons cannot be reached");
        }
        if (!peers_ready(a)) {
                g->retry_after_s = 1;
                if (!a->owned && a->broker->flags & BROKER_LOCAL)
                        return gate_refuse(
                                g, leg, PROBLEM_NOT_READY, "",
                                "the book of %s is in another daemon: send it there; if there is "
                                "none, restart this one",
                                a->account->id);
                if (book_error(a)[0])
                        return gate_refuse(g, leg, PROBLEM_NOT_READY, "",
                                           "the order book of %s cannot be read: %s",
                                           a->account->id, book_error(a));
                return gate_refuse(g, leg, PROBLEM_NOT_READY, "",
                                   "the order book of %s is still being read", a->account->id);
        }
        if (!g->modified)
                return GATE_PASSED;
        if (!(a->broker->flags & BROKER_CAN_MODIFY))
                return gate_refuse(g, leg, PROBLEM_MODIFY_UNSUPPORTED, "",
                                   "%s cannot modify orders", a->broker->title);
        if (order_status_terminal(g->modified->status))
                return gate_refuse(g, leg, PROBLEM_ORDER_NOT_OPEN, "", "the order is over");
        if (g->modified->modify_us) {
                g->retry_after_s = 1;
                return gate_refuse(g, leg, PROBLEM_LEG_UNRESOLVED, "",
                                   "an earlier modification of it has no known outcome yet");
        }
        return GATE_PASSED;
}

enum gate_answer gate_breaker(const struct order *order, struct leg *leg, struct gate *g)
{
        int64_t wait_us = breaker_wait(g->account, BREAKER_ORDERS);
        if (wait_us == 0 || g->exit)
                return GATE_PASSED;
        g->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        return gate_refuse(g, leg, PROBLEM_BREAKER_OPEN, "",
                           "the broker could not be reached several times in a row");
}

/* An exit goes as a cancel does. */
enum gate_answer gate_turn(const struct order *order, struct leg *leg, struct gate *g)
{
        struct turn *t = &g->turn;

        t->op = gate_op(g);
        t->at = symbol_exchange(order->symbol);
        t->urgent = g->exit;
        t->passes_halt = g->passes_halt;
        t->until_us = g->until_us;
        g->problem =
                lane_enter(g->account, t, leg->message, sizeof(leg->message), &g->retry_after_s);
        return g->problem == PROBLEM_NONE ? GATE_PASSED : GATE_REFUSED;
}
