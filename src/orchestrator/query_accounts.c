/* Reads that go to the brokers: one call per account and thing, all at once; each account has its
 * own result. What a local exchange changed by being asked is durable before it is shown. */
#include "orchestrator/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/state.h"

#define PARTS_MAX 3

struct part {
        struct call call;
        struct account_result *result;
        struct accounts_read *read;
};

struct accounts_read {
        struct orchestrator *o;
        struct account_query *query;
        struct part *parts;
        unsigned n_parts, n_out;
        struct store_append flush;
        struct list riders;
        struct loop_work work;
};

static const enum broker_op funds_ops[] = {BROKER_FUNDS};
static const enum broker_op holdings_ops[] = {BROKER_HOLDINGS};
static const enum broker_op positions_ops[] = {BROKER_POSITIONS};
static const enum broker_op portfolio_ops[] = {BROKER_FUNDS, BROKER_HOLDINGS, BROKER_POSITIONS};
static const enum broker_op trades_ops[] = {BROKER_TRADES};
static const struct {
        const enum broker_op *ops;
        unsigned n;
} kinds[] = {
        [QUERY_FUNDS] = {funds_ops, 1},         [QUERY_HOLDINGS] = {holdings_ops, 1},
        [QUERY_POSITIONS] = {positions_ops, 1}, [QUERY_PORTFOLIO] = {portfolio_ops, PARTS_MAX},
        [QUERY_TRADES] = {trades_ops, 1},
};

static void accounts_finish(struct accounts_read *r)
{
        struct account_query *q = r->query;
        struct account_result *results = q->results;
        unsigned n = q->n_results;
        q->done(q); /* may free it */
        for (unsigned i = 0; i < n; i++) {
                free(results[i].holdings);
                free(results[i].positions);
                free(results[i].trades);
        }
        free(results);
        free(r->parts);
        free(r);
}

static void flushed(struct store_job *job)
{
        struct accounts_read *r = CONTAINER_OF(job, struct accounts_read, flush.job);
        ledger_done(r->o, job, NULL, 0);
        if (job->result != STORE_OK)
                for (unsigned i = 0; i < r->query->n_results; i++)
                        if (r->query->results[i].problem == PROBLEM_NONE)
                                r->query->results[i].problem = PROBLEM_STORE_UNAVAILABLE;
        accounts_finish(r);
}

static void accounts_read_ended(struct accounts_read *r)
{
        if (list_empty(&r->o->riders)) {
                accounts_finish(r);
                return;
        }
        r->flush = (struct store_append){.job.done = flushed};
        ledger_append(r->o, &r->flush, &r->riders);
}

/* What the broker's number says of ours: known without asking the ledger. */
static void take_trades(struct account_result *to, struct broker_result *from,
                        struct account_state *a)
{
        to->trades = TAKE(from->trades);
        to->n_trades = from->n_trades;
        for (unsigned i = 0; i < to->n_trades; i++) {
                struct trade *t = &to->trades[i];
                const char *id = sighting_order_id(&a->sightings, t->broker_order_id);
                text_copy(t->account, sizeof(t->account), to->account->id);
                text_copy(t->order_id, sizeof(t->order_id), id ? id : "");
        }
}

static void take(struct account_result *to, struct broker_result *from, const struct call *c)
{
        switch (c->broker.op) {
        case BROKER_FUNDS:
                to->funds = from->funds;
                break;
        case BROKER_HOLDINGS:
                to->holdings = TAKE(from->holdings);
                to->n_holdings = from->n_holdings;
                break;
        case BROKER_POSITIONS:
                to->positions = TAKE(from->positions);
                to->n_positions = from->n_positions;
                break;
        default:
                take_trades(to, from, c->account);
                break;
        }
}

static void part_ended(struct call *c)
{
        struct part *p = CONTAINER_OF(c, struct part, call);
        struct account_result *to = p->result;

        if (c->result.outcome == OUTCOME_ACCEPTED) {
                take(to, &c->result, c);
                if (to->as_of_us == 0)
                        to->as_of_us = clock_wall_us(); /* the oldest part's */
        } else if (to->problem == PROBLEM_NONE) {
                to->problem = c->result.problem != PROBLEM_NONE ? c->result.problem
                                                                : PROBLEM_BROKER_REJECTED;
                if (to->problem == PROBLEM_OUTCOME_UNKNOWN)
                        to->problem = PROBLEM_BROKER_UNREACHABLE;
                text_copy(to->message, sizeof(to->message), c->result.message);
        }
        if (to->problem != PROBLEM_NONE)
                to->as_of_us = 0; /* there is nothing to show */
        call_clear(c);
        if (--p->read->n_out == 0)
                accounts_read_ended(p->read);
}

static void nothing(struct loop_work *w)
{
        accounts_finish(CONTAINER_OF(w, struct accounts_read, work));
}

void query_accounts(struct orchestrator *o, struct account_query *q)
{
        struct accounts_read *r = calloc(1, sizeof(*r));
        unsigned n_ops = kinds[q->kind].n;
        q->problem = PROBLEM_NONE;
        q->n_results = 0;
        q->results = calloc(o->options.n_accounts, sizeof(*q->results));
        if (!r || !q->results)
                abort();
        r->o = o;
        r->query = q;
        r->parts = calloc((size_t)o->options.n_accounts * n_ops, sizeof(*r->parts));
        if (!r->parts)
                abort();
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (!caller_asks_for(&q->caller, q->accounts, a->account->id))
                        continue;
                struct account_result *result = &q->results[q->n_results++];
                result->account = a->account;
                for (unsigned n = 0; n < n_ops; n++)
                        r->parts[r->n_parts++] = (struct part){
                                .result = result,
                                .read = r,
                                .call = {.account = a,
                                         .broker.op = kinds[q->kind].ops[n],
                                         .passes_halt = true,
                                         .done = part_ended},
                        };
        }
        r->n_out = r->n_parts;
        r->work.run = nothing;
        if (r->n_out == 0)
                loop_defer(o->loop, &r->work);
        for (unsigned i = 0; i < r->n_parts; i++)
                call_start(&r->parts[i].call);
}
