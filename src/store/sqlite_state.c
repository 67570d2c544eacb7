/* Kill switch, sessions, guests' rows, and what a start needs of them. */
#include "store/sqlite.h"

#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "store/ulid.h"

enum store_result sqlite_op_killswitch(void *db, struct store_job *job)
{
        struct store_killswitch *k = CONTAINER_OF(job, struct store_killswitch, job);
        struct sqlite *s = db;
        enum store_result r;

        sqlite3_stmt *st = sqlite_statement(s, SQL_KILLSWITCH_PUT, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, k->scope);
        sqlite3_bind_int(st, 2, k->level);
        sqlite_bind_text(st, 3, k->reason ? k->reason : "");
        sqlite_bind_text(st, 4, k->actor ? k->actor : "");
        sqlite3_bind_int64(st, 5, k->at_us);
        r = sqlite_done(s, st, job);
        if (r != STORE_OK)
                return r;

        st = sqlite_statement(s, SQL_EPOCH_SET, job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, (int64_t)s->now.epoch + 1);
        r = sqlite_done(s, st, job);
        if (r != STORE_OK)
                return r;
        k->epoch = ++s->now.epoch;
        return sqlite_write_audit(s, k->audit, k->n_audit, job);
}

enum store_result sqlite_op_session_put(void *db, struct store_job *job)
{
        struct store_session *p = CONTAINER_OF(job, struct store_session, job);
        struct sqlite *s = db;
        enum store_result r;

        sqlite3_stmt *st =
                sqlite_statement(s, p->value ? SQL_SESSION_PUT : SQL_SESSION_DELETE, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, p->account);
        sqlite_bind_text(st, 2, p->column);
        if (p->value) {
                sqlite3_bind_blob64(st, 3, p->value, p->size, SQLITE_STATIC);
                sqlite3_bind_int64(st, 4, p->expires_us);
        }
        r = sqlite_done(s, st, job);
        return r == STORE_OK ? sqlite_write_audit(s, p->audit, p->n_audit, job) : r;
}

static enum store_result write_row(struct sqlite *s, const struct rider *rider,
                                   const struct rider_row *row, struct store_job *job)
{
        enum store_result r;
        sqlite3_stmt *st =
                sqlite_statement(s, row->value ? SQL_GUEST_PUT : SQL_GUEST_DELETE, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, rider->guest);
        sqlite_bind_text(st, 2, row->account);
        sqlite_bind_text(st, 3, row->kind);
        sqlite_bind_text(st, 4, row->key);
        if (row->value)
                sqlite3_bind_blob64(st, 5, row->value, row->size, SQLITE_STATIC);
        return sqlite_done(s, st, job);
}

enum store_result sqlite_write_riders(struct sqlite *s, struct list *riders, struct store_job *job)
{
        if (!riders)
                return STORE_OK;
        LIST_FOREACH (it, riders) {
                const struct rider *rider = LIST_ENTRY(it, struct rider, link);
                for (unsigned i = 0; i < rider->n_rows; i++) {
                        enum store_result r = write_row(s, rider, &rider->rows[i], job);
                        if (r != STORE_OK)
                                return r;
                }
        }
        return STORE_OK;
}

enum store_result sqlite_op_riders_load(void *db, struct store_job *job)
{
        struct store_riders_load *l = CONTAINER_OF(job, struct store_riders_load, job);
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(db, SQL_GUEST_ALL, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, l->guest);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                const void *value = sqlite3_column_blob(st, 3);
                if (l->row(l->userdata, (const char *)sqlite3_column_text(st, 0),
                           (const char *)sqlite3_column_text(st, 1),
                           (const char *)sqlite3_column_text(st, 2), value ? value : "",
                           (size_t)sqlite3_column_bytes(st, 3)) < 0)
                        return store_fail(job, STORE_FAILED, "the guest refused one of its rows");
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(db, rc, job);
}

static enum store_result restore_orders(struct sqlite *s, struct store_restore *v)
{
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_RESTORE_ORDERS, &v->job, &r);
        if (!st)
                return r;
        sqlite3_bind_int(st, 1, v->day);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                const char *id = (const char *)sqlite3_column_text(st, 0);
                if (!id)
                        return store_fail(&v->job, STORE_CORRUPT, "a leg has no order");
                if (!GROW(v->orders, v->n_orders))
                        return results_no_memory(&v->job);
                r = sqlite_load_order(s, id, &v->job, &v->orders[v->n_orders], NULL);
                if (r != STORE_OK)
                        return r;
                v->n_orders++;
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &v->job);
}

static enum store_result restore_counts(struct sqlite *s, struct store_restore *v)
{
        char from[ID_SIZE];
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_RESTORE_COUNTS, &v->job, &r);
        if (!st)
                return r;
        column_first_id(v->day, from);
        sqlite_bind_text(st, 1, from);
        sqlite3_bind_int(st, 2, v->day);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW)
                if (!results_count(v, (const char *)sqlite3_column_text(st, 0),
                                   (const char *)sqlite3_column_text(st, 1),
                                   sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3),
                                   sqlite3_column_int64(st, 4)))
                        return results_no_memory(&v->job);
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &v->job);
}

static enum store_result restore_killswitch(struct sqlite *s, struct store_restore *v)
{
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_KILLSWITCH_ALL, &v->job, &r);
        if (!st)
                return r;
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                if (!GROW(v->killswitch, v->n_killswitch))
                        return results_no_memory(&v->job);
                struct store_killswitch_row *row = &v->killswitch[v->n_killswitch++];
                *row = (struct store_killswitch_row){
                        .level = sqlite3_column_int(st, 1),
                        .at_us = sqlite3_column_int64(st, 4),
                };
                sqlite_column_copy(st, 0, row->scope, sizeof(row->scope));
                sqlite_column_copy(st, 2, row->reason, sizeof(row->reason));
                sqlite_column_copy(st, 3, row->actor, sizeof(row->actor));
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &v->job);
}

static enum store_result restore_sessions(struct sqlite *s, struct store_restore *v)
{
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_SESSION_ALL, &v->job, &r);
        if (!st)
                return r;
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                if (!GROW(v->sessions, v->n_sessions))
                        return results_no_memory(&v->job);
                struct store_session_row *row = &v->sessions[v->n_sessions++];
                *row = (struct store_session_row){
                        .size = (size_t)sqlite3_column_bytes(st, 2),
                        .expires_us = sqlite3_column_int64(st, 3),
                };
                sqlite_column_copy(st, 0, row->account, sizeof(row->account));
                sqlite_column_copy(st, 1, row->column, sizeof(row->column));
                row->value = malloc(row->size + 1);
                if (!row->value)
                        return results_no_memory(&v->job);
                if (row->size > 0)
                        memcpy(row->value, sqlite3_column_blob(st, 2), row->size);
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &v->job);
}

static enum store_result add_sent(struct store_restore *v, sqlite3_stmt *st, int64_t at_us)
{
        if (!GROW(v->sent, v->n_sent))
                return results_no_memory(&v->job);
        struct store_sent *sent = &v->sent[v->n_sent++];
        sent->at_us = at_us;
        sqlite_column_copy(st, 0, sent->account, sizeof(sent->account));
        return STORE_OK;
}

/* An id is older than the moment at which the order was sent, by the time that it waited. */
#define WAITED_MOST_US (300 * USEC_PER_SEC)

static enum store_result restore_sent(struct sqlite *s, struct store_restore *v)
{
        struct evidence e = {};
        char from[ID_SIZE];
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_RESTORE_SENT, &v->job, &r);
        if (!st)
                return r;
        ulid_first(v->sent_since_us - WAITED_MOST_US, from);
        sqlite_bind_text(st, 1, from);
        sqlite3_bind_int64(st, 2, v->sent_since_us);
        sqlite3_bind_int(st, 3, STORE_SENT_MAX);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                /* The mark is older than the first byte; where nobody wrote what came of it, that
                 * may have left right before the end. */
                const char *state = (const char *)sqlite3_column_text(st, 1);
                bool over = state && strcmp(state, leg_state_name(LEG_STATE_SENDING)) != 0;
                column_scan_evidence((const char *)sqlite3_column_text(st, 3), &e);
                int64_t at_us = e.sent_us ? e.sent_us : sqlite3_column_int64(st, 2);
                r = add_sent(v, st, over ? at_us : INT64_MAX);
                if (r != STORE_OK)
                        return r;
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &v->job);
}

/* Modifies and cancels leave records only. */
static enum store_result restore_asked(struct sqlite *s, struct store_restore *v)
{
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_RESTORE_ASKED, &v->job, &r);
        if (!st)
                return r;
        sqlite3_bind_int(st, 1, STORE_SENT_MAX);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                int64_t at_us = sqlite3_column_int64(st, 2);
                if (at_us < v->sent_since_us)
                        return STORE_OK;
                if (!column_asks_broker((const char *)sqlite3_column_text(st, 1)))
                        continue;
                r = add_sent(v, st, at_us);
                if (r != STORE_OK)
                        return r;
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &v->job);
}

enum store_result sqlite_op_restore(void *db, struct store_job *job)
{
        struct store_restore *v = CONTAINER_OF(job, struct store_restore, job);
        struct sqlite *s = db;
        struct store_restore empty = {
                .job = *job, .day = v->day, .sent_since_us = v->sent_since_us};

        *v = empty;
        enum store_result r = restore_orders(s, v);
        if (r == STORE_OK)
                r = restore_counts(s, v);
        if (r == STORE_OK)
                r = restore_killswitch(s, v);
        if (r == STORE_OK)
                r = restore_sessions(s, v);
        if (r == STORE_OK && v->sent_since_us)
                r = restore_sent(s, v);
        if (r == STORE_OK && v->sent_since_us)
                r = restore_asked(s, v);
        v->killswitch_epoch = s->durable.epoch;
        v->audit_seq = s->durable.seq;
        if (r != STORE_OK)
                store_restore_done(v);
        return r;
}
