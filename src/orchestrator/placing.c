#include "orchestrator/placing.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "orchestrator/record.h"

#define TO(s) (1U << PLACE_##s)
static const unsigned place_next[] = {
#define X(name, next) [PLACE_##name] = (next),
        PLACE_STATE_TABLE(X)
#undef X
};
#undef TO

void place_move(struct placing *p, enum place_state to)
{
        assert(place_next[p->state] & 1U << to);
        p->state = to;
}

struct placing *placing_free(struct placing *p)
{
        if (!p)
                return NULL;
        list_unlink(&p->link);
        list_unlink(&p->key_waiter.link);
        if (p->order && p->attempts)
                for (unsigned i = 0; i < p->order->n_legs; i++) {
                        struct attempt *t = &p->attempts[i];
                        call_clear(&t->call);
                        records_done(t->tries, t->n_tries);
                        free(t->tries);
                }
        loop_timer_done(&p->timer);
        records_done(p->audit, p->n_audit);
        free(p->audit);
        free(p->changed);
        free(p->attempts);
        free(p->key_text);
        order_free(p->order);
        text_done(&p->body);
        free(p);
        return NULL;
}

/* Tells the client, once. */
void place_answer(struct placing *p)
{
        struct place_request *r = TAKE(p->request);
        if (!r)
                return;
        r->answer.order = p->order;
        r->done(r);
}

void place_finish(struct placing *p)
{
        struct orchestrator *o = p->o;
        place_move(p, PLACE_DONE);
        if (p->key)
                keys_end(&o->keys, p->key, "", 0, NULL, 0);
        p->key = NULL;
        place_answer(p);
        if (!p->doubtful)
                running_end(o, &p->running);
        placing_free(p);
}

void place_fail(struct placing *p, enum problem problem, const char *detail)
{
        struct answer *a = &p->request->answer;
        a->problem = problem;
        text_copy(a->detail, sizeof(a->detail), detail);
        place_finish(p);
}

void place_give_back(struct placing *p)
{
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                gate_give_back(p->order, &p->order->legs[i], &t->gate);
                t->passed = false;
                if (t->open)
                        open_leg_unsent(TAKE(t->open));
        }
}

/* Renders the answer of the order as it stands. */
int place_render(struct placing *p)
{
        struct answer_view v = {
                .order = p->order,
                .correlation_id = p->order->correlation_id,
                .elapsed_us = clock_mono_us() - p->started_us,
        };
        v.status = order_http_status(p->order, &v.cause);
        if (p->request && p->request->validate_only && v.status == 201)
                v.status = 200;
        p->status = v.status;
        p->cause = v.cause;
        text_clear(&p->body);
        return p->o->options.render(&v, &p->body);
}

void place_use_body(struct placing *p)
{
        if (!p->request)
                return;
        struct answer *a = &p->request->answer;
        a->status = p->status;
        a->is_problem = p->cause != PROBLEM_NONE;
        a->body = text_str(&p->body);
        a->body_size = p->body.len;
        text_copy(a->order_id, sizeof(a->order_id), p->order->id);
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                const struct gate *g = &p->attempts[i].gate;
                if (g->problem == p->cause && g->retry_after_s > a->retry_after_s)
                        a->retry_after_s = g->retry_after_s;
                if (g->problem == p->cause && !a->pointer[0])
                        text_copy(a->pointer, sizeof(a->pointer), g->pointer);
        }
}
