/* Cancelling an order that is not ours, by the id it is shown with: "external:BROKER:NAME:NUMBER".
 */
#include "orchestrator/operation.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/external.h"
#include "orchestrator/state.h"

struct cancelling_external {
        struct orchestrator *o;
        struct amend_request *request;
        struct external_cancel cancel;
        struct loop_work work;
        struct text body;
        int64_t started_us;
};

static void finish(struct cancelling_external *c)
{
        c->request->done(c->request);
        text_done(&c->body);
        free(c);
}

static void fail(struct cancelling_external *c, enum problem p, const char *detail)
{
        struct answer *a = &c->request->answer;
        a->problem = p;
        text_copy(a->detail, sizeof(a->detail), detail);
        finish(c);
}

/* As the answer to any other cancel: an order with one leg, without an id of ours. */
static int render(struct cancelling_external *c, const struct order *o)
{
        struct answer *a = &c->request->answer;
        struct answer_view v = {
                .order = o,
                .correlation_id = c->request->caller.correlation_id,
                .elapsed_us = clock_mono_us() - c->started_us,
        };
        a->status = order_http_status(o, &v.cause);
        if (a->status == 201)
                a->status = 200;
        v.status = a->status;
        a->is_problem = v.cause != PROBLEM_NONE;
        a->retry_after_s = c->cancel.retry_after_s;
        int r = c->o->options.render(&v, &c->body);
        a->body = text_str(&c->body);
        a->body_size = c->body.len;
        return r;
}

static void cancelled(struct external_cancel *x)
{
        struct cancelling_external *c = CONTAINER_OF(x, struct cancelling_external, cancel);
        _cleanup_(order_freep) struct order *o = NULL;

        if (external_order(x->account, &x->row, &o) < 0) {
                fail(c, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        struct leg *leg = &o->legs[0];
        leg->outcome = x->outcome;
        leg->state = x->outcome == OUTCOME_UNKNOWN ? LEG_STATE_UNKNOWN : LEG_STATE_SETTLED;
        leg->problem = x->problem;
        text_copy(leg->tag, sizeof(leg->tag), x->row.tag);
        text_copy(leg->broker_code, sizeof(leg->broker_code), x->broker_code);
        text_copy(x->outcome == OUTCOME_REJECTED ? leg->broker_message : leg->message,
                  sizeof(leg->message), x->message);
        if (render(c, o) < 0)
                fail(c, PROBLEM_INTERNAL, "the answer could not be written");
        else
                finish(c);
}

static void begin(struct loop_work *work)
{
        struct cancelling_external *c = CONTAINER_OF(work, struct cancelling_external, work);
        const struct amend_request *r = c->request;
        const struct book_order *row = NULL;
        struct account_state *a = NULL;

        for (unsigned i = 0; i < c->o->options.n_accounts && !row; i++) {
                const char *id = c->o->accounts[i].account->id;
                const char *rest = r->id + strlen(EXTERNAL_ID_PREFIX);
                a = &c->o->accounts[i];
                if (text_starts(rest, id) && rest[strlen(id)] == ':' &&
                    caller_may_use(&r->caller, id))
                        row = external_find(&a->external, rest + strlen(id) + 1);
        }
        if (!row) {
                fail(c, PROBLEM_ORDER_NOT_FOUND,
                     "the last read of the order book has no such external order");
                return;
        }
        if (order_status_terminal(row->status)) {
                fail(c, PROBLEM_ORDER_NOT_OPEN, "the order is over");
                return;
        }
        c->cancel = (struct external_cancel){
                .account = a,
                .row = *row,
                .actor = r->caller.key_name,
                .correlation_id = r->caller.correlation_id,
                .done = cancelled,
        };
        external_cancel(&c->cancel);
}

void operation_cancel_external(struct orchestrator *o, struct amend_request *r)
{
        struct cancelling_external *c = calloc(1, sizeof(*c));

        if (!c)
                abort();
        r->answer = (struct answer){};
        c->o = o;
        c->request = r;
        c->started_us = clock_mono_us();
        c->work.run = begin;
        loop_defer(o->loop, &c->work);
}
