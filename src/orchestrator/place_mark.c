/* A leg that had to wait for its turn: its intent is durable without the mark, so that after a
 * crash it was certainly not sent. When the turn comes it is marked in a commit of its own, and
 * only then sent (orders.md §1.4). */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "orchestrator/placing.h"

struct mark {
        struct store_outcome put;
        struct list riders;
        struct attempt *attempt;
        bool changed[]; /* per leg of the order */
};

static void marked(struct store_job *job)
{
        _cleanup_(freep) struct mark *m = CONTAINER_OF(job, struct mark, put.job);
        struct attempt *t = m->attempt;

        crash_point(CRASH_MARK_DONE);
        ledger_done(t->placing->o, job, NULL, 0);
        if (job->result == STORE_OK) {
                if (t->open)
                        open_leg_set_state(t->open, LEG_STATE_SENDING);
                place_send(t);
        } else {
                place_unsent(t, PROBLEM_STORE_UNAVAILABLE,
                             "the ledger cannot be written; nothing was sent");
        }
}

static void mark(struct attempt *t)
{
        struct placing *p = t->placing;
        crash_point(CRASH_MARK_BEGIN);
        struct mark *m = calloc(1, sizeof(*m) + p->order->n_legs * sizeof(m->changed[0]));

        if (!m) {
                place_unsent(t, PROBLEM_INTERNAL, "out of memory; nothing was sent");
                return;
        }
        t->leg->state = LEG_STATE_SENDING;
        t->leg->sending_us = t->leg->updated_us = clock_wall_us();
        t->leg->attempts = 1;
        m->attempt = t;
        m->changed[t->leg - p->order->legs] = true;
        m->put = (struct store_outcome){
                .job.done = marked, .order = p->order, .changed = m->changed};
        ledger_outcome(p->o, &m->put, &m->riders);
}

void place_turn_came(struct turn *turn)
{
        struct gate *g = CONTAINER_OF(turn, struct gate, turn);
        struct attempt *t = CONTAINER_OF(g, struct attempt, gate);
        struct orchestrator *o = t->placing->o;

        if (!t->sent)
                return; /* the first commit still runs; place_call() follows it */
        if (turn->problem != PROBLEM_NONE)
                place_unsent(t, turn->problem, turn->message);
        else if (!g->passes_halt && killswitch_level(o, g->account->account->id) >= KILL_LEVEL_HALT)
                place_unsent(t, PROBLEM_KILL_SWITCH,
                             "the kill switch rose before its turn came; nothing was sent");
        else
                mark(t);
}
