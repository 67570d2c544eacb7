#include "orchestrator/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/state.h"

void order_lookup(struct store_order_get *get, const char *id)
{
        *get = (struct store_order_get){.job.op = STORE_ORDER_GET};
        if (text_starts(id, "client:")) {
                get->client_order_id = id + 7;
                get->day = clock_ist_day(clock_wall_us());
        } else {
                get->id = id;
        }
}

bool order_narrow(struct order *o, const struct caller *c)
{
        unsigned n = 0;
        for (unsigned i = 0; i < o->n_legs; i++)
                if (caller_may_use(c, o->legs[i].account))
                        o->legs[n++] = o->legs[i];
        o->n_legs = n;
        return n > 0;
}

/* --- one order --- */

struct order_read {
        struct orchestrator *o;
        struct order_query *query;
        struct store_order_get get;
};

static void order_got(struct store_job *job)
{
        struct order_read *r = CONTAINER_OF(job, struct order_read, get.job);
        struct order_query *q = r->query;
        struct order *order = r->get.order;

        q->problem = ledger_problem(job->result);
        if (order && !order_narrow(order, &q->caller))
                q->problem = PROBLEM_ORDER_NOT_FOUND;
        if (q->problem == PROBLEM_NONE)
                open_legs_apply(&r->o->open_legs, order);
        q->order = q->problem == PROBLEM_NONE ? order : NULL;
        q->done(q);
        order_free(order);
        free(r);
}

void query_order(struct orchestrator *o, struct order_query *q)
{
        struct order_read *r = calloc(1, sizeof(*r));
        if (!r)
                abort();
        r->o = o;
        r->query = q;
        order_lookup(&r->get, q->id);
        r->get.job.done = order_got;
        store_submit(o->store, &r->get.job);
}

/* --- many orders --- */

struct orders_read {
        struct orchestrator *o;
        struct orders_query *query;
        struct store_order_list list;
};

static bool external_wanted(const struct orders_query *q, const struct book_order *row)
{
        return (q->status < 0 || (int)row->status == q->status) &&
               (!q->symbol || text_equal(row->symbol, q->symbol)) && row->placed_us >= q->since_us;
}

/* Returns what is to be freed after done. */
static struct external_shown *show_external(struct orchestrator *o, struct orders_query *q)
{
        unsigned room = 0;

        q->external = NULL;
        q->n_external = 0;
        if (q->before_id)
                return NULL;
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                room += o->accounts[i].external.n;
        struct external_shown *shown = room ? calloc(room, sizeof(*shown)) : NULL;
        if (!shown)
                return NULL;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct account_state *a = &o->accounts[i];
                if (!caller_asks_for(&q->caller, q->accounts, a->account->id))
                        continue;
                for (unsigned k = 0; k < a->external.n; k++)
                        if (external_wanted(q, &a->external.rows[k]))
                                shown[q->n_external++] = (struct external_shown){
                                        a->account, &a->external.rows[k], a->external.as_of_us};
        }
        q->external = shown;
        return shown;
}

static void orders_got(struct store_job *job)
{
        struct orders_read *r = CONTAINER_OF(job, struct orders_read, list.job);
        struct orders_query *q = r->query;
        struct store_order_list *l = &r->list;
        unsigned n = 0;

        q->problem = ledger_problem(job->result);
        for (unsigned i = 0; i < l->n_orders; i++) {
                struct order *order = l->orders[i];
                open_legs_apply(&r->o->open_legs, order);
                if (order_narrow(order, &q->caller))
                        l->orders[n++] = order;
                else
                        order_free(order);
        }
        l->n_orders = n;
        q->orders = l->orders;
        q->n_orders = n;
        q->more = l->more;
        struct external_shown *external = show_external(r->o, q);
        q->done(q);
        free(external);
        store_orders_free(l->orders, l->n_orders);
        free(r);
}

void query_orders(struct orchestrator *o, struct orders_query *q)
{
        struct orders_read *r = calloc(1, sizeof(*r));
        if (!r)
                abort();
        r->o = o;
        r->query = q;
        r->list = (struct store_order_list){
                .job = {.op = STORE_ORDER_LIST, .done = orders_got},
                .accounts = q->accounts ? q->accounts : q->caller.accounts,
                .status = q->status,
                .symbol = q->symbol,
                .since_us = q->since_us,
                .before_id = q->before_id,
                .limit = q->limit,
        };
        store_submit(o->store, &r->list.job);
}

/* --- the audit --- */

struct audit_read {
        struct audit_query *query;
        struct store_audit_list list;
};

static void audit_got(struct store_job *job)
{
        struct audit_read *r = CONTAINER_OF(job, struct audit_read, list.job);
        struct audit_query *q = r->query;

        q->problem = job->result == STORE_OK ? PROBLEM_NONE : PROBLEM_STORE_UNAVAILABLE;
        q->rows = r->list.rows;
        q->n_rows = r->list.n_rows;
        q->more = r->list.more;
        q->done(q);
        store_audit_rows_free(r->list.rows, r->list.n_rows);
        free(r);
}

void query_audit(struct orchestrator *o, struct audit_query *q)
{
        struct audit_read *r = calloc(1, sizeof(*r));
        if (!r)
                abort();
        r->query = q;
        r->list = (struct store_audit_list){
                .job = {.op = STORE_AUDIT_LIST, .done = audit_got},
                .after_seq = q->after_seq,
                .correlation_id = q->correlation_id,
                .order_id = q->order_id,
                .account = q->account,
                .since_us = q->since_us,
                .until_us = q->until_us,
                .limit = q->limit,
        };
        store_submit(o->store, &r->list.job);
}
