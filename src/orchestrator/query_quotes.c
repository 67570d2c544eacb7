/* Quotes of many instruments from one account, in as many calls as its broker wants, one after
 * another. All or nothing: a call that fails ends it. */
#include "orchestrator/query.h"

#include <stdlib.h>
#include <string.h>

#include "orchestrator/masters.h"
#include "orchestrator/state.h"

struct quotes_read {
        struct orchestrator *o;
        struct quotes_query *query;
        struct account_state *account; /* NULL: none can be asked */
        struct scrip scrips[QUOTES_MAX];
        const struct scrip *pointers[QUOTES_MAX];
        unsigned n_asked;
        struct quote *quotes;
        unsigned n_quotes;
        struct call call;
        struct loop_work work;
};

static void finish(struct quotes_read *r)
{
        struct quotes_query *q = r->query;

        q->quotes = r->quotes;
        q->n_quotes = r->n_quotes;
        q->done(q);
        call_clear(&r->call);
        free(r->quotes);
        free(r);
}

static void deferred(struct loop_work *w)
{
        finish(CONTAINER_OF(w, struct quotes_read, work));
}

static enum problem take(struct quotes_read *r, const struct broker_result *result)
{
        if (result->outcome != OUTCOME_ACCEPTED)
                return result->problem == PROBLEM_SESSION_REQUIRED ||
                                       result->problem == PROBLEM_RATE_LIMITED ||
                                       result->problem == PROBLEM_BROKER_RATE ||
                                       result->problem == PROBLEM_BREAKER_OPEN
                               ? result->problem
                               : PROBLEM_BROKER_UNREACHABLE;
        struct quote *grown =
                reallocarray(r->quotes, r->n_quotes + result->n_quotes + 1, sizeof(*grown));
        if (!grown)
                return PROBLEM_OVERLOADED;
        r->quotes = grown;
        for (unsigned i = 0; i < result->n_quotes; i++)
                r->quotes[r->n_quotes++] = result->quotes[i];
        return PROBLEM_NONE;
}

static void ask(struct quotes_read *r);

static void answered(struct call *c)
{
        struct quotes_read *r = CONTAINER_OF(c, struct quotes_read, call);
        struct quotes_query *q = r->query;

        ledger_flush(r->o);
        q->problem = take(r, &c->result);
        q->retry_after_s = c->retry_after_s;
        text_copy(q->message, sizeof(q->message), c->result.message);
        if (q->problem == PROBLEM_NONE && r->n_asked < q->n_symbols) {
                call_clear(c);
                ask(r);
                return;
        }
        finish(r);
}

static void ask(struct quotes_read *r)
{
        unsigned n = r->query->n_symbols - r->n_asked, most = r->account->broker->quotes_max;
        if (most && n > most)
                n = most;
        r->call = (struct call){
                .account = r->account,
                .broker = {.op = BROKER_QUOTES, .scrips = r->pointers + r->n_asked, .n_scrips = n},
                .passes_halt = true,
                .done = answered,
        };
        r->n_asked += n;
        call_start(&r->call);
}

/* The symbols as the account's broker lists them; the first that it does not. */
static const char *list_all(struct quotes_read *r)
{
        const struct quotes_query *q = r->query;
        for (unsigned i = 0; i < q->n_symbols; i++) {
                if (!account_scrip(r->account, SCRIP_BY_SYMBOL, q->symbols[i], &r->scrips[i]))
                        return q->symbols[i];
                r->pointers[i] = &r->scrips[i];
        }
        return NULL;
}

/* The account that was named; else the first with a session that lists everything, else the first.
 */
static struct account_state *source_of(struct quotes_read *r)
{
        struct orchestrator *o = r->o;
        struct account_state *first = NULL;
        if (r->query->account)
                return account_state(o, r->query->account);
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (!caller_may_use(&r->query->caller, a->account->id))
                        continue;
                r->account = a;
                if (a->session == SESSION_STATE_ACTIVE && !list_all(r))
                        return a;
                if (!first)
                        first = a;
        }
        return first;
}

void query_quotes(struct orchestrator *o, struct quotes_query *q)
{
        struct quotes_read *r = calloc(1, sizeof(*r));
        if (!r)
                abort();
        r->o = o;
        r->query = q;
        r->work.run = deferred;
        q->source = NULL;
        q->problem = PROBLEM_NONE;
        q->message[0] = '\0';
        r->account = source_of(r);
        const char *unlisted = r->account ? list_all(r) : NULL;
        if (!r->account) {
                q->problem = PROBLEM_ACCOUNT_NOT_FOUND;
        } else if (unlisted) {
                bool known = master_there(r->account);
                q->problem = known ? PROBLEM_INSTRUMENT_UNKNOWN : PROBLEM_INSTRUMENTS_MISSING;
                if (known)
                        text_copy(q->message, sizeof(q->message), unlisted);
        } else {
                q->source = r->account->account->id;
                ask(r);
                return;
        }
        loop_defer(o->loop, &r->work);
}
