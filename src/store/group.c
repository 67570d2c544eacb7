#include "store/group.h"

#include <string.h>

#include "base/clock.h"

/* A job that spoils the transaction by itself makes the group run again without it. When this many
 * did, the fault is not theirs and the rest fails too. */
#define CULPRITS_MAX 16

struct list *group_riders(struct store_job *job)
{
        if (job->op == STORE_OUTCOME)
                return CONTAINER_OF(job, struct store_outcome, job)->riders;
        if (job->op == STORE_APPEND)
                return CONTAINER_OF(job, struct store_append, job)->riders;
        return NULL;
}

/* What may still be written when the disk is full: what has happened already at a broker, and the
 * stop. */
static bool favoured(enum store_op op)
{
        return op == STORE_OUTCOME || op == STORE_KILLSWITCH;
}

struct audit_record *group_audit(struct store_job *job, unsigned *ret_n)
{
#define AUDIT_OF(op_name, type)                                        \
        case op_name:                                                  \
                *ret_n = CONTAINER_OF(job, struct type, job)->n_audit; \
                return CONTAINER_OF(job, struct type, job)->audit
        switch (job->op) {
                AUDIT_OF(STORE_INTENT, store_intent);
                AUDIT_OF(STORE_OUTCOME, store_outcome);
                AUDIT_OF(STORE_APPEND, store_append);
                AUDIT_OF(STORE_KILLSWITCH, store_killswitch);
                AUDIT_OF(STORE_SESSION_PUT, store_session);
        default:
                *ret_n = 0;
                return NULL;
        }
#undef AUDIT_OF
}

/* The ledger failed, not the request. */
static void note_failure(struct group *g, enum store_result r, const char *error)
{
        g->failure = r;
        memcpy(g->error, error, sizeof(g->error));
}

static void job_failed(struct store_job *job, enum store_result r, const char *error)
{
        unsigned n;
        struct audit_record *audit = group_audit(job, &n);

        for (unsigned i = 0; i < n; i++)
                audit[i].seq = 0;
        job->result = r;
        if (job->error != error)
                memcpy(job->error, error, sizeof(job->error));
}

/* The writes of the group that are still to be done: a pointer is cleared when its job has its
 * result. */
struct batch {
        struct store_job *jobs[STORE_GROUP_MAX];
        unsigned n;
        unsigned culprits;
};

/* Before those of the first job at or behind `at` that can have riders; else kept for the next
 * group. */
static void carry(struct group *g, struct batch *b, unsigned at, struct list *riders)
{
        for (; at < b->n; at++) {
                struct list *to = group_riders(b->jobs[at]);
                if (!to)
                        continue;
                list_splice(riders, to);
                list_splice(to, riders);
                return;
        }
        list_splice(&g->carried, riders);
}

/* The job at `at` is not written: its riders go on. */
static void pass_on(struct group *g, struct batch *b, unsigned at)
{
        struct list *riders = group_riders(b->jobs[at]);
        if (riders && !list_empty(riders))
                carry(g, b, at + 1, riders);
}

static void batch_fail(struct group *g, struct batch *b, enum store_result r, const char *error)
{
        char text[STORE_ERROR_SIZE];
        text_copy(text, sizeof(text), error);
        for (unsigned i = 0; i < b->n; i++) {
                job_failed(b->jobs[i], r, text);
                pass_on(g, b, i);
        }
        note_failure(g, r, text);
        b->n = 0;
}

static void batch_remove(struct batch *b, unsigned at)
{
        memmove(&b->jobs[at], &b->jobs[at + 1], (b->n - at - 1) * sizeof(b->jobs[0]));
        b->n--;
}

/* The results of a driver that asks for all jobs at once. */
static enum store_result decide(struct group *g, struct batch *b,
                                char error[static STORE_ERROR_SIZE])
{
        if (!g->driver->decide)
                return STORE_OK;
        enum store_result r = g->driver->decide(g->db, error);
        for (unsigned i = 0; i < b->n && r == STORE_OK; i++)
                if (b->jobs[i]->result != STORE_OK)
                        pass_on(g, b, i);
        return r;
}

/* One transaction. OK: durable, every result is set. FAILED: `*ret_culprit` is to blame, rolled
 * back. */
static enum store_result attempt(struct group *g, struct batch *b, unsigned *ret_culprit,
                                 char error[static STORE_ERROR_SIZE])
{
        enum store_result r = g->driver->begin(g->db, error);

        *ret_culprit = b->n;
        if (r != STORE_OK)
                return r;
        for (unsigned i = 0; i < b->n; i++) {
                struct store_job *job = b->jobs[i];
                job->error[0] = '\0';
                job->result = g->driver->op[job->op](g->db, job);
                if (store_result_sound(job->result)) {
                        if (job->result != STORE_OK)
                                pass_on(g, b, i);
                        continue;
                }
                g->driver->rollback(g->db);
                text_copy(error, STORE_ERROR_SIZE, job->error);
                if (job->result == STORE_FAILED)
                        *ret_culprit = i;
                return job->result;
        }
        int64_t from = clock_mono_us();
        r = decide(g, b, error);
        if (r == STORE_OK)
                r = g->driver->commit(g->db, error);
        g->commit_us = clock_mono_us() - from;
        if (r != STORE_OK)
                g->driver->rollback(g->db);
        return r;
}

/* Keeps what a full disk still has room for; the others end as FULL. */
static void keep_favoured(struct group *g, struct batch *b, const char *error)
{
        char text[STORE_ERROR_SIZE];
        text_copy(text, sizeof(text), error);
        for (unsigned i = 0; i < b->n;) {
                if (favoured(b->jobs[i]->op)) {
                        i++;
                        continue;
                }
                job_failed(b->jobs[i], STORE_FULL, text);
                pass_on(g, b, i);
                batch_remove(b, i);
        }
        note_failure(g, STORE_FULL, text);
}

/* Until every job has its result. `*careful`: the driver runs each job by itself. */
static void run_batch(struct group *g, struct batch *b, bool *careful)
{
        char error[STORE_ERROR_SIZE] = "";
        bool relieved = false;

        if (g->driver->strained && g->driver->strained(g->db))
                keep_favoured(g, b, "the disk is full: only outcomes are recorded");
        while (b->n > 0) {
                unsigned culprit;
                enum store_result r = attempt(g, b, &culprit, error);
                if (r == STORE_OK) {
                        g->committed = b->n;
                        return;
                }
                if (r == STORE_FULL && !relieved && g->driver->relieve &&
                    g->driver->relieve(g->db)) {
                        relieved = true;
                        keep_favoured(g, b, error);
                        continue;
                }
                if (r == STORE_FAILED && culprit == b->n && g->driver->careful && !*careful) {
                        *careful = true;
                        g->driver->careful(g->db, true);
                        continue;
                }
                if (r == STORE_FAILED && culprit < b->n && ++b->culprits <= CULPRITS_MAX) {
                        job_failed(b->jobs[culprit], r, error);
                        pass_on(g, b, culprit);
                        batch_remove(b, culprit);
                        if (b->n == 0)
                                note_failure(g, r, error);
                        continue;
                }
                batch_fail(g, b, r, error);
        }
}

static void run_writes(struct group *g, struct batch *b)
{
        bool careful = false;

        run_batch(g, b, &careful);
        if (careful)
                g->driver->careful(g->db, false);
}

void group_run(struct group *g)
{
        struct batch writes = {};

        g->committed = 0;
        g->commit_us = 0;
        g->failure = STORE_OK;
        g->error[0] = '\0';
        for (unsigned i = 0; i < g->n; i++)
                if (store_op_writes(g->jobs[i]->op))
                        writes.jobs[writes.n++] = g->jobs[i];
        if (!list_empty(&g->carried)) {
                struct list carried = LIST_INIT(carried);
                list_splice(&carried, &g->carried);
                carry(g, &writes, 0, &carried);
        }
        if (writes.n > 0)
                run_writes(g, &writes);
        for (unsigned i = 0; i < g->n; i++) {
                struct store_job *job = g->jobs[i];
                if (store_op_writes(job->op))
                        continue;
                job->result = g->driver->op[job->op](g->db, job);
                if (job->result == STORE_CORRUPT)
                        note_failure(g, job->result, job->error);
        }
}
