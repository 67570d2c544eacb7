#include "orchestrator/reconcile.h"

#include <stdlib.h>

#include "orchestrator/book.h"
#include "orchestrator/state.h"

struct reading {
        struct book_wait wait;
        struct account_state *account;
        struct reconcile_result *result;
        struct reconciling *owner;
};

struct reconciling {
        struct running running;
        struct orchestrator *o;
        struct reconcile_request *request;
        struct loop_work work;
        unsigned n_out;
        unsigned n;
        struct reading readings[];
};

static void finish(struct reconciling *c)
{
        struct reconcile_request *r = c->request;
        struct reconcile_result *results = r->results;

        running_end(c->o, &c->running);
        r->done(r); /* may free it */
        free(results);
        free(c);
}

static void ended(struct reading *it)
{
        it->result->external = it->account->external.open;
        it->result->unresolved = it->account->n_unresolved;
        if (--it->owner->n_out == 0)
                finish(it->owner);
}

static void was_read(struct book_wait *w)
{
        struct reading *it = CONTAINER_OF(w, struct reading, wait);
        struct reconcile_result *to = it->result;

        to->problem = w->problem;
        to->as_of_us = w->as_of_us;
        to->adopted = w->adopted;
        to->updated = w->updated;
        text_copy(to->message, sizeof(to->message), w->message);
        ended(it);
}

static void begin(struct loop_work *work)
{
        struct reconciling *c = CONTAINER_OF(work, struct reconciling, work);

        c->n_out++; /* so that the last of the loop does not end it */
        for (unsigned i = 0; i < c->n; i++) {
                struct reading *it = &c->readings[i];
                c->n_out++;
                if (it->account->session == SESSION_STATE_ACTIVE) {
                        it->wait.done = was_read;
                        book_wait(it->account, &it->wait);
                        continue;
                }
                it->result->problem = PROBLEM_SESSION_REQUIRED;
                text_copy(it->result->message, sizeof(it->result->message),
                          "the account has no session");
                ended(it);
        }
        if (--c->n_out == 0)
                finish(c);
}

void reconcile_books(struct orchestrator *o, struct reconcile_request *r)
{
        struct reconciling *c =
                calloc(1, sizeof(*c) + o->options.n_accounts * sizeof(c->readings[0]));

        r->n_results = 0;
        r->results = calloc(o->options.n_accounts, sizeof(*r->results));
        if (!c || !r->results)
                abort();
        c->o = o;
        c->request = r;
        running_begin(o, &c->running);
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (!caller_asks_for(&r->caller, r->accounts, a->account->id))
                        continue;
                struct reconcile_result *result = &r->results[r->n_results++];
                result->account = a->account;
                c->readings[c->n++] = (struct reading){.account = a, .result = result, .owner = c};
        }
        c->work.run = begin;
        loop_defer(o->loop, &c->work);
}
