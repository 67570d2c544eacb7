/* The chain's rows, listed. */
#include "store/postgres.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/audit_span.h"

static enum store_result ends(void *db, struct store_job *job, int64_t *ret_first,
                              int64_t *ret_last)
{
        struct postgres *p = db;
        _cleanup_(postgres_freep) PGresult *found = NULL;
        enum store_result r = postgres_ask(p, PG_AUDIT_ENDS, job, &found);
        if (r == STORE_OK) {
                *ret_first = cell_int(found, 0, 0);
                *ret_last = cell_int(found, 0, 1);
        }
        return r;
}

static enum store_result stamp_of(void *db, struct store_job *job, int64_t seq, int64_t *ret)
{
        struct postgres *p = db;
        _cleanup_(postgres_freep) PGresult *found = NULL;

        values_int(&p->values, 0, seq);
        enum store_result r = postgres_ask(p, PG_AUDIT_AT, job, &found);
        if (r == STORE_OK)
                *ret = PQntuples(found) > 0 ? cell_int(found, 0, 0) : INT64_MAX;
        return r;
}

static bool read_row(const PGresult *r, int i, struct store_audit_row *row)
{
        *row = (struct store_audit_row){.seq = cell_int(r, i, 0), .at_us = cell_int(r, i, 1)};
        int action = audit_action_from(cell_text(r, i, 2));
        row->action = action < 0 ? _AUDIT_MAX : (enum audit_action)action;
        cell_copy(r, i, 3, row->account, sizeof(row->account));
        cell_copy(r, i, 4, row->order_id, sizeof(row->order_id));
        row->record = cell_dup(r, i, 5, &row->size);
        return row->record;
}

static enum store_result read_rows(const PGresult *r, struct store_audit_list *l)
{
        unsigned n = (unsigned)PQntuples(r);

        l->more = n > l->limit;
        if (l->more)
                n = l->limit;
        if (n == 0)
                return STORE_OK;
        l->rows = calloc(n, sizeof(l->rows[0]));
        for (; l->rows && l->n_rows < n; l->n_rows++)
                if (!read_row(r, (int)l->n_rows, &l->rows[l->n_rows]))
                        return results_no_memory(&l->job);
        return l->rows ? STORE_OK : results_no_memory(&l->job);
}

/* As it stands in a record, before the payload. */
static int correlation_member(const char *id, struct text *ret)
{
        text_add(ret, ",\"correlation_id\":");
        json_add_quoted(ret, id, strlen(id));
        return ret->failed;
}

static enum store_result list_rows(struct postgres *p, struct store_audit_list *l,
                                   const char *needle)
{
        _cleanup_(postgres_freep) PGresult *rows = NULL;
        struct values *v = &p->values;
        int64_t after, up_to;

        const struct audit_span span = {p, ends, stamp_of};
        enum store_result r = audit_span_find(&span, l, &after, &up_to);
        if (r != STORE_OK)
                return r;
        values_int(v, 0, after);
        values_int(v, 1, up_to);
        values_text(v, 2, l->account);
        values_text(v, 3, needle);
        values_int(v, 4, l->since_us ? l->since_us : INT64_MIN);
        values_int(v, 5, l->until_us ? l->until_us : INT64_MAX);
        values_int(v, 6, (int64_t)l->limit + 1);
        values_text(v, 7, l->order_id);
        r = postgres_ask_briefly(p, PG_AUDIT_LIST, &l->job, &rows);
        return r == STORE_OK ? read_rows(rows, l) : r;
}

enum store_result postgres_op_audit_list(void *db, struct store_job *job)
{
        struct store_audit_list *l = CONTAINER_OF(job, struct store_audit_list, job);
        _cleanup_(text_done) struct text needle = TEXT_NULL;
        enum store_result r = STORE_OK;

        l->rows = NULL;
        l->n_rows = 0;
        l->more = false;
        if (l->correlation_id && correlation_member(l->correlation_id, &needle) < 0)
                r = results_no_memory(job);
        if (r == STORE_OK)
                r = list_rows(db, l, l->correlation_id ? needle.data : NULL);
        if (r != STORE_OK) {
                store_audit_rows_free(l->rows, l->n_rows);
                l->rows = NULL;
                l->n_rows = 0;
        }
        return r;
}
