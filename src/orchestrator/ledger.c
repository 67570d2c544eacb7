/* The one way to write to the ledger: riders in order, health kept, records published. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/state.h"

/* An empty list too: it takes along what an earlier write left behind. */
static struct list *collect(struct orchestrator *o, struct list *riders)
{
        list_init(riders);
        list_splice(riders, &o->riders);
        return riders;
}

void ledger_outcome(struct orchestrator *o, struct store_outcome *job, struct list *riders)
{
        job->job.op = STORE_OUTCOME;
        job->riders = collect(o, riders);
        store_submit(o->store, &job->job);
}

void ledger_append(struct orchestrator *o, struct store_append *job, struct list *riders)
{
        job->job.op = STORE_APPEND;
        job->riders = collect(o, riders);
        store_submit(o->store, &job->job);
}

struct note {
        struct orchestrator *o;
        struct store_append put;
        struct audit_record record;
        struct list riders;
        char actor[KEY_NAME_SIZE], correlation_id[CORRELATION_ID_SIZE], order_id[ID_SIZE];
};

static void noted(struct store_job *job)
{
        struct note *n = CONTAINER_OF(job, struct note, put.job);
        ledger_done(n->o, job, &n->record, 1);
        audit_record_done(&n->record);
        free(n);
}

static void keep(const char **borrowed, char *copy, size_t size)
{
        if (!*borrowed)
                return;
        text_copy(copy, size, *borrowed);
        *borrowed = copy;
}

void ledger_note(struct orchestrator *o, struct audit_record *record)
{
        struct note *n = calloc(1, sizeof(*n));
        if (!n) {
                audit_record_done(record);
                return;
        }
        n->o = o;
        n->record = *record;
        keep(&n->record.actor, n->actor, sizeof(n->actor));
        keep(&n->record.correlation_id, n->correlation_id, sizeof(n->correlation_id));
        keep(&n->record.order_id, n->order_id, sizeof(n->order_id));
        n->put = (struct store_append){.job.done = noted, .audit = &n->record, .n_audit = 1};
        ledger_append(o, &n->put, &n->riders);
}

struct flush {
        struct orchestrator *o;
        struct store_append put;
        struct list riders;
};

static void flushed(struct store_job *job)
{
        struct flush *f = CONTAINER_OF(job, struct flush, put.job);
        ledger_done(f->o, job, NULL, 0);
        free(f);
}

void ledger_try(struct orchestrator *o)
{
        struct flush *f = calloc(1, sizeof(*f));
        if (!f)
                return; /* they ride with the next write */
        f->o = o;
        f->put = (struct store_append){.job.done = flushed};
        ledger_append(o, &f->put, &f->riders);
}

void ledger_flush(struct orchestrator *o)
{
        if (!list_empty(&o->riders))
                ledger_try(o);
}

void ledger_probe(struct orchestrator *o)
{
        if (o->store_failure != STORE_OK)
                ledger_try(o);
}

static bool healthy(enum store_result r)
{
        switch (r) {
        case STORE_OK:
        case STORE_NOT_FOUND:
        case STORE_KEY_TAKEN:
        case STORE_CLIENT_ID_TAKEN:
        case STORE_STALE:
                return true;
        default:
                return false;
        }
}

enum problem ledger_problem(enum store_result r)
{
        if (r == STORE_NOT_FOUND)
                return PROBLEM_ORDER_NOT_FOUND;
        return healthy(r) ? PROBLEM_NONE : PROBLEM_STORE_UNAVAILABLE;
}

void ledger_done(struct orchestrator *o, const struct store_job *job,
                 const struct audit_record *audit, unsigned n_audit)
{
        if (!healthy(job->result) && o->store_failure == STORE_OK)
                log_event(LOG_CRIT, EVENT_STORE_FAILED,
                          LOG_FIELDS({"ORDO_CODE", store_result_name(job->result)}),
                          "the ledger cannot be written, orders are refused: %s", job->error);
        if (job->result == STORE_OK && o->store_failure != STORE_OK)
                log_event(LOG_NOTICE, EVENT_STORE_RECOVERED, NULL, 0,
                          "the ledger can be written again");
        if (!healthy(job->result))
                o->store_failure = job->result;
        else if (job->result == STORE_OK)
                o->store_failure = STORE_OK;
        if (job->result != STORE_OK)
                return;
        for (unsigned i = 0; i < n_audit; i++)
                event_publish(o, &audit[i]);
}
