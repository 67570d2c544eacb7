/* What a start needs of the ledger, as it was at one moment. */
#include "store/postgres.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/ulid.h"

/* An id is older than the moment at which the order was sent, by the time that it waited. */
#define WAITED_MOST_US (300 * USEC_PER_SEC)

/* In the order of the queue. */
enum {
        R_BEGIN,
        R_ORDERS,
        R_COUNTS,
        R_KILLSWITCH,
        R_SESSIONS,
        R_HEAD,
        R_SENT,
        R_ASKED,
        R_COMMIT,
        _R_MAX
};

static void queue_all(struct postgres *p, const struct store_restore *v)
{
        char from[ID_SIZE];

        postgres_queue(p, PG_BEGIN_READ);
        values_int(&p->values, 0, v->day);
        postgres_queue(p, PG_RESTORE_ORDERS);
        column_first_id(v->day, from);
        values_text(&p->values, 0, from);
        values_int(&p->values, 1, v->day);
        postgres_queue(p, PG_RESTORE_COUNTS);
        postgres_queue(p, PG_KILLSWITCH_ALL);
        postgres_queue(p, PG_SESSION_ALL);
        postgres_queue(p, PG_RESTORE_HEAD);
        ulid_first(v->sent_since_us - WAITED_MOST_US, from);
        values_text(&p->values, 0, from);
        values_int(&p->values, 1, v->sent_since_us);
        values_int(&p->values, 2, v->sent_since_us ? STORE_SENT_MAX : 0);
        postgres_queue(p, PG_RESTORE_SENT);
        values_int(&p->values, 0, v->sent_since_us ? STORE_SENT_MAX : 0);
        postgres_queue(p, PG_RESTORE_ASKED);
        postgres_queue(p, PG_COMMIT);
}

static enum store_result read_orders(const PGresult *r, struct store_restore *v)
{
        unsigned n = postgres_count_orders(r);
        if (n == 0)
                return STORE_OK;
        v->orders = calloc(n, sizeof(v->orders[0]));
        if (!v->orders)
                return results_no_memory(&v->job);
        return postgres_read_orders(r, &v->job, n, v->orders, &v->n_orders);
}

static enum store_result read_counts(const PGresult *r, struct store_restore *v)
{
        for (int i = 0; i < PQntuples(r); i++)
                if (!results_count(v, cell_text(r, i, 0), cell_text(r, i, 1), cell_int(r, i, 2),
                                   cell_int(r, i, 3), cell_int(r, i, 4)))
                        return results_no_memory(&v->job);
        return STORE_OK;
}

static enum store_result read_killswitch(const PGresult *r, struct store_restore *v)
{
        for (int i = 0; i < PQntuples(r); i++) {
                if (!GROW(v->killswitch, v->n_killswitch))
                        return results_no_memory(&v->job);
                struct store_killswitch_row *row = &v->killswitch[v->n_killswitch++];
                *row = (struct store_killswitch_row){
                        .level = (int)cell_int(r, i, 1),
                        .at_us = cell_int(r, i, 4),
                };
                cell_copy(r, i, 0, row->scope, sizeof(row->scope));
                cell_copy(r, i, 2, row->reason, sizeof(row->reason));
                cell_copy(r, i, 3, row->actor, sizeof(row->actor));
        }
        return STORE_OK;
}

static enum store_result read_sessions(const PGresult *r, struct store_restore *v)
{
        for (int i = 0; i < PQntuples(r); i++) {
                if (!GROW(v->sessions, v->n_sessions))
                        return results_no_memory(&v->job);
                struct store_session_row *row = &v->sessions[v->n_sessions++];
                *row = (struct store_session_row){.expires_us = cell_int(r, i, 3)};
                cell_copy(r, i, 0, row->account, sizeof(row->account));
                cell_copy(r, i, 1, row->column, sizeof(row->column));
                row->value = cell_dup(r, i, 2, &row->size);
                if (!row->value)
                        return results_no_memory(&v->job);
        }
        return STORE_OK;
}

static enum store_result read_head(const PGresult *r, struct store_restore *v)
{
        if (PQntuples(r) != 1)
                return store_fail(&v->job, STORE_CORRUPT,
                                  "the row of killswitch_epoch is missing: restore a backup");
        v->killswitch_epoch = (uint64_t)cell_int(r, 0, 0);
        v->audit_seq = cell_int(r, 0, 1);
        return STORE_OK;
}

static enum store_result add_sent(struct store_restore *v, const char *account, int64_t at_us)
{
        if (!GROW(v->sent, v->n_sent))
                return results_no_memory(&v->job);
        struct store_sent *sent = &v->sent[v->n_sent++];
        sent->at_us = at_us;
        text_copy(sent->account, sizeof(sent->account), account);
        return STORE_OK;
}

static enum store_result read_sent(const PGresult *r, struct store_restore *v)
{
        enum store_result result = STORE_OK;
        struct evidence e = {};

        for (int i = 0; i < PQntuples(r) && result == STORE_OK; i++) {
                /* The mark is older than the first byte; where nobody wrote what came of it, that
                 * may have left right before the end. */
                bool over = strcmp(cell_text(r, i, 1), leg_state_name(LEG_STATE_SENDING)) != 0;
                column_scan_evidence(cell_text(r, i, 3), &e);
                int64_t at_us = e.sent_us ? e.sent_us : cell_int(r, i, 2);
                result = add_sent(v, cell_text(r, i, 0), over ? at_us : INT64_MAX);
        }
        return result;
}

/* Modifies and cancels leave records only. */
static enum store_result read_asked(const PGresult *r, struct store_restore *v)
{
        enum store_result result = STORE_OK;

        for (int i = 0; i < PQntuples(r) && result == STORE_OK; i++) {
                int64_t at_us = cell_int(r, i, 2);
                if (at_us < v->sent_since_us)
                        break;
                if (column_asks_broker(cell_text(r, i, 1)))
                        result = add_sent(v, cell_text(r, i, 0), at_us);
        }
        return result;
}

static enum store_result read_all(PGresult *const *results, struct store_restore *v)
{
        enum store_result r = read_orders(results[R_ORDERS], v);
        if (r == STORE_OK)
                r = read_counts(results[R_COUNTS], v);
        if (r == STORE_OK)
                r = read_killswitch(results[R_KILLSWITCH], v);
        if (r == STORE_OK)
                r = read_sessions(results[R_SESSIONS], v);
        if (r == STORE_OK)
                r = read_head(results[R_HEAD], v);
        if (r == STORE_OK)
                r = read_sent(results[R_SENT], v);
        if (r == STORE_OK)
                r = read_asked(results[R_ASKED], v);
        return r;
}

enum store_result postgres_op_restore(void *db, struct store_job *job)
{
        struct store_restore *v = CONTAINER_OF(job, struct store_restore, job);
        struct postgres *p = db;
        PGresult *results[_R_MAX] = {};
        struct store_restore empty = {
                .job = *job, .day = v->day, .sent_since_us = v->sent_since_us};

        *v = empty;
        enum store_result r = postgres_ensure(p, job->error);
        if (r == STORE_OK) {
                queue_all(p, v);
                r = postgres_trip(p, POSTGRES_SLOW_US, results, job->error);
        }
        if (r == STORE_OK)
                r = read_all(results, v);
        else
                postgres_end(p);
        postgres_clear(results, _R_MAX);
        if (r != STORE_OK)
                store_restore_done(v);
        return r;
}
