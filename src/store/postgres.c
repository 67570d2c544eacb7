/* The driver's transaction; see postgres.h. */
#include "store/postgres.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"

static enum store_result op_begin(void *db, char error[static STORE_ERROR_SIZE])
{
        struct postgres *p = db;

        p->n_entries = 0;
        return postgres_ensure(p, error);
}

static void op_rollback(void *db)
{
        struct postgres *p = db;

        p->n_entries = 0;
        postgres_end(p);
}

static enum store_result run_trip(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        PGresult *results[POSTGRES_QUEUE_MAX];
        const unsigned n = p->n_queued;

        enum store_result r = postgres_trip(p, POSTGRES_TRIP_US, results, error);
        if (r == STORE_OK) {
                postgres_written(p, results, n);
                postgres_clear(results, n);
        }
        return r;
}

/* Each job by itself, in the transaction of the group: who spoils it is known. */
static enum store_result run_alone(struct postgres *p, struct store_job *job)
{
        p->entries[0] = (struct postgres_entry){.job = job};
        p->n_entries = 1;
        job->result = STORE_OK;
        enum store_result r = postgres_look(p, job->error);
        if (r != STORE_OK || job->result != STORE_OK)
                return r != STORE_OK ? r : job->result;
        r = postgres_write(p, job->error);
        return r == STORE_OK ? run_trip(p, job->error) : r;
}

static enum store_result op_write(void *db, struct store_job *job)
{
        struct postgres *p = db;

        if (p->careful)
                return run_alone(p, job);
        p->entries[p->n_entries++] = (struct postgres_entry){.job = job};
        return STORE_OK;
}

static enum store_result op_decide(void *db, char error[static STORE_ERROR_SIZE])
{
        struct postgres *p = db;

        return p->careful ? STORE_OK : postgres_look(p, error);
}

static void op_careful(void *db, bool on)
{
        struct postgres *p = db;
        p->careful = on;
}

static enum store_result op_commit(void *db, char error[static STORE_ERROR_SIZE])
{
        struct postgres *p = db;

        enum store_result r = p->careful ? STORE_OK : postgres_write(p, error);
        if (r != STORE_OK)
                return r;
        postgres_announce(p);
        values_text(&p->values, 0, p->writer);
        values_int(&p->values, 1, p->mark + 1);
        values_int(&p->values, 2, clock_wall_us());
        postgres_queue(p, PG_MARK);
        postgres_queue(p, PG_COMMIT);
        crash_point(CRASH_COMMIT_BEGIN);
        p->committing = true;
        r = run_trip(p, error);
        p->committing = p->in_transaction = false;
        if (!p->conn)
                return postgres_read_back(p, error);
        if (r == STORE_OK)
                p->mark++;
        return r;
}

static int op_schema_version(void *db)
{
        const struct postgres *p = db;
        return p->schema_version;
}

static enum store_result op_probe(void *db, struct store_job *job)
{
        _cleanup_(postgres_freep) PGresult *r = NULL;
        return postgres_ask(db, PG_PROBE, job, &r);
}

static enum store_result op_backup(void *db, struct store_job *job)
{
        return store_fail(job, STORE_FAILED,
                          "a ledger in PostgreSQL is backed up with the server's own tools: "
                          "pg_dump, or its archive");
}

const struct store_driver store_postgres = {
        .name = "postgresql",
        .open = postgres_open,
        .close = postgres_shut,
        .schema_version = op_schema_version,
        .begin = op_begin,
        .decide = op_decide,
        .careful = op_careful,
        .commit = op_commit,
        .rollback = op_rollback,
        .op =
                {
                        [STORE_INTENT] = op_write,
                        [STORE_OUTCOME] = op_write,
                        [STORE_APPEND] = op_write,
                        [STORE_KILLSWITCH] = op_write,
                        [STORE_SESSION_PUT] = op_write,
                        [STORE_AUDIT_PRUNE] = op_write,
                        [STORE_ORDER_GET] = postgres_op_order_get,
                        [STORE_ORDER_LIST] = postgres_op_order_list,
                        [STORE_KEY_GET] = postgres_op_key_get,
                        [STORE_AUDIT_LIST] = postgres_op_audit_list,
                        [STORE_RESTORE] = postgres_op_restore,
                        [STORE_RIDERS_LOAD] = postgres_op_riders_load,
                        [STORE_PROBE] = op_probe,
                        [STORE_BACKUP] = op_backup,
                },
};
