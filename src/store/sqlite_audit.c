/* The chain's rows: written one after the other inside the group, listed, pruned. */
#include "store/sqlite.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "store/audit_span.h"

enum store_result sqlite_write_audit(struct sqlite *s, struct audit_record *records, unsigned n,
                                     struct store_job *job)
{
        for (unsigned i = 0; i < n; i++) {
                struct audit_record *a = &records[i];
                enum store_result r;
                int64_t seq = s->now.seq + 1;

                sqlite3_stmt *st = sqlite_statement(s, SQL_AUDIT_INSERT, job, &r);
                if (!st)
                        return r;
                if (audit_chain_line(a, seq, s->now.hash, &s->line, s->now.hash) < 0)
                        return store_fail(job, STORE_FAILED, "an audit record is too large");
                sqlite3_bind_int64(st, 1, seq);
                sqlite3_bind_int64(st, 2, a->at_us);
                sqlite_bind_text(st, 3, audit_action_name(a->action));
                sqlite_bind_text(st, 4, a->account ? a->account : "");
                sqlite_bind_text(st, 5, a->order_id ? a->order_id : "");
                sqlite3_bind_text(st, 6, s->line.data, (int)s->line.len, SQLITE_STATIC);
                r = sqlite_done(s, st, job);
                if (r != STORE_OK)
                        return r;
                s->now.seq = seq;
                a->seq = seq;
        }
        return STORE_OK;
}

static enum store_result first_number(struct sqlite *s, struct store_job *job, enum sql id,
                                      int64_t from, int64_t *ret)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, id, job, &r);
        if (!st)
                return r;
        if (id == SQL_AUDIT_AT)
                sqlite3_bind_int64(st, 1, from);
        int rc = sqlite3_step(st);
        *ret = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : INT64_MAX;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                r = sqlite_job_failure(s, rc, job);
        sqlite3_reset(st);
        return r;
}

static enum store_result ends(void *db, struct store_job *job, int64_t *ret_first,
                              int64_t *ret_last)
{
        struct sqlite *s = db;

        *ret_last = s->durable.seq;
        return first_number(s, job, SQL_AUDIT_FIRST, 0, ret_first);
}

static enum store_result stamp_of(void *db, struct store_job *job, int64_t seq, int64_t *ret)
{
        return first_number(db, job, SQL_AUDIT_AT, seq, ret);
}

/* As it stands in a record, before the payload. */
static int correlation_member(const char *id, struct text *ret)
{
        text_add(ret, ",\"correlation_id\":");
        json_add_quoted(ret, id, strlen(id));
        return ret->failed;
}

static bool read_row(sqlite3_stmt *st, struct store_audit_row *row)
{
        *row = (struct store_audit_row){
                .seq = sqlite3_column_int64(st, 0),
                .at_us = sqlite3_column_int64(st, 1),
        };
        int action = audit_action_from((const char *)sqlite3_column_text(st, 2));
        row->action = action < 0 ? _AUDIT_MAX : (enum audit_action)action;
        sqlite_column_copy(st, 3, row->account, sizeof(row->account));
        sqlite_column_copy(st, 4, row->order_id, sizeof(row->order_id));
        row->size = (size_t)sqlite3_column_bytes(st, 5);
        row->record = malloc(row->size + 1);
        if (!row->record)
                return false;
        memcpy(row->record, sqlite3_column_text(st, 5), row->size);
        row->record[row->size] = '\0';
        return true;
}

static enum store_result read_rows(struct sqlite *s, sqlite3_stmt *st, struct store_audit_list *l)
{
        unsigned size = 0;
        int rc;

        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                if (l->n_rows == l->limit) {
                        l->more = true;
                        return STORE_OK;
                }
                if (l->n_rows == size) {
                        size = size ? size * 2 : 32;
                        void *rows = reallocarray(l->rows, size, sizeof(l->rows[0]));
                        if (!rows)
                                return store_fail(&l->job, STORE_UNAVAILABLE, "out of memory");
                        l->rows = rows;
                }
                if (!read_row(st, &l->rows[l->n_rows]))
                        return store_fail(&l->job, STORE_UNAVAILABLE, "out of memory");
                l->n_rows++;
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &l->job);
}

static enum store_result list_rows(struct sqlite *s, struct store_audit_list *l, const char *needle)
{
        int64_t after, up_to;
        const struct audit_span span = {s, ends, stamp_of};
        enum store_result r = audit_span_find(&span, l, &after, &up_to);
        if (r != STORE_OK)
                return r;
        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, SQL_AUDIT_LIST, &l->job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, after);
        sqlite3_bind_int64(st, 2, up_to);
        sqlite_bind_text(st, 3, l->account);
        sqlite_bind_text(st, 4, needle);
        sqlite3_bind_int64(st, 5, l->since_us ? l->since_us : INT64_MIN);
        sqlite3_bind_int64(st, 6, l->until_us ? l->until_us : INT64_MAX);
        sqlite3_bind_int64(st, 7, (int64_t)l->limit + 1);
        sqlite_bind_text(st, 8, l->order_id);
        sqlite_read_limit(s, true);
        r = read_rows(s, st, l);
        sqlite_read_limit(s, false);
        return r;
}

enum store_result sqlite_op_audit_list(void *db, struct store_job *job)
{
        struct store_audit_list *l = CONTAINER_OF(job, struct store_audit_list, job);
        struct text needle = TEXT_NULL;

        l->rows = NULL;
        l->n_rows = 0;
        l->more = false;
        enum store_result r = STORE_OK;
        if (l->correlation_id && correlation_member(l->correlation_id, &needle) < 0)
                r = store_fail(job, STORE_UNAVAILABLE, "out of memory");
        if (r == STORE_OK)
                r = list_rows(db, l, l->correlation_id ? needle.data : NULL);
        text_done(&needle);
        if (r != STORE_OK) {
                store_audit_rows_free(l->rows, l->n_rows);
                l->rows = NULL;
                l->n_rows = 0;
        }
        return r;
}

enum store_result sqlite_op_audit_prune(void *db, struct store_job *job)
{
        struct store_audit_prune *p = CONTAINER_OF(job, struct store_audit_prune, job);
        struct sqlite *s = db;
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_AUDIT_PRUNE, job, &r);
        if (!st)
                return r;
        /* The newest one holds the hash that the next one is chained to. */
        int64_t up_to = p->up_to_seq < s->now.seq ? p->up_to_seq : s->now.seq - 1;
        sqlite3_bind_int64(st, 1, up_to);
        sqlite3_bind_int64(st, 2, p->before_us);
        sqlite3_bind_int(st, 3, STORE_PRUNE_MAX);
        r = sqlite_done(s, st, job);
        p->deleted = r == STORE_OK ? sqlite3_changes64(s->db) : 0;
        return r == STORE_OK ? sqlite_sweep_keys(s, job) : r;
}
