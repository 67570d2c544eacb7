#include "store/ledger_copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/ledger_end.h"

struct run {
        struct ledger_copy *copy;
        struct ledger_side from, to;
        struct ledger_mender mender;
        char *error;
};

/* What failed while a failure was being handled adds nothing. */
static int roll_back(struct run *run, int r)
{
        char again[STORE_ERROR_SIZE];

        if (r < 0)
                (void)run->to.end->execute(run->to.state, "ROLLBACK", again);
        return r;
}

static int execute(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int execute(struct run *run, const char *format, ...)
{
        char sql[256];
        va_list args;

        va_start(args, format);
        vsnprintf(sql, sizeof(sql), format, args);
        va_end(args);
        return run->to.end->execute(run->to.state, sql, run->error);
}

static int target_number(struct run *run, const char *column, const char *table, int64_t *ret)
{
        char sql[256];

        snprintf(sql, sizeof(sql), "SELECT %s FROM " LEDGER_COPY_TABLE " WHERE name='%s'", column,
                 table);
        return ledger_tables_number(&run->to, sql, ret, run->error);
}

/* --- the beginning --- */

/* A new schema comes with a row in tables that always have one; those are written over. */
static int check_empty(struct run *run)
{
        for (unsigned i = 0; i < run->to.n_tables; i++) {
                const struct ledger_table *t = &run->to.tables[i];
                int64_t rows = 0;
                int r = t->n_key > 0 ? ledger_tables_count(&run->to, t, &rows, run->error) : 0;
                if (r < 0)
                        return r;
                if (rows > 0) {
                        snprintf(run->error, STORE_ERROR_SIZE,
                                 "the target is not empty: table %.40s has %lld rows; a copy goes "
                                 "into a new ledger",
                                 t->name, (long long)rows);
                        return -EEXIST;
                }
        }
        return 0;
}

static int make_empty(struct run *run)
{
        int r = execute(run, "BEGIN");
        for (unsigned i = 0; i < run->to.n_tables && r == 0; i++)
                r = execute(run, "DELETE FROM \"%s\"", run->to.tables[i].name);
        if (r == 0)
                r = execute(run, "DROP TABLE " LEDGER_COPY_TABLE);
        if (r == 0)
                r = execute(run, "COMMIT");
        return roll_back(run, r);
}

static int note_tables(struct run *run)
{
        int r = execute(run, "BEGIN");
        if (r == 0)
                r = execute(run, "CREATE TABLE " LEDGER_COPY_TABLE
                                 " (name TEXT NOT NULL PRIMARY KEY, copied BIGINT NOT NULL, "
                                 "done BIGINT NOT NULL)");
        for (unsigned i = 0; i < run->from.n_tables && r == 0; i++)
                r = execute(run, "INSERT INTO " LEDGER_COPY_TABLE " VALUES ('%s',0,0)",
                            run->from.tables[i].name);
        if (r == 0)
                r = execute(run, "COMMIT");
        return roll_back(run, r);
}

static int begin(struct run *run)
{
        int r = 0;

        if (run->to.unfinished && !run->copy->restart)
                return 0;
        if (run->to.unfinished)
                r = make_empty(run);
        else
                r = check_empty(run);
        return r < 0 ? r : note_tables(run);
}

/* --- one table --- */

static size_t row_size(const struct ledger_cell *cells, unsigned n)
{
        size_t size = 0;

        for (unsigned i = 0; i < n; i++)
                size += sizeof(cells[i].number) + cells[i].size;
        return size;
}

/* Rows of the running query until the batch is full: 1 there may be more, 0 that was all. */
static int copy_rows(struct run *run, const struct ledger_table *t, int64_t *ret_rows)
{
        struct ledger_cell cells[LEDGER_COLUMNS_MAX];
        size_t bytes = 0;
        int r = 1;

        for (*ret_rows = 0; *ret_rows < LEDGER_BATCH_ROWS && bytes < LEDGER_BATCH_BYTES;
             (*ret_rows)++) {
                r = run->from.end->next(run->from.state, cells, t->n_columns, run->error);
                if (r <= 0)
                        return r;
                r = ledger_mend(&run->mender, cells, t->n_columns);
                if (r == 0)
                        r = run->to.end->put(run->to.state, cells, t->n_columns, run->error);
                if (r < 0)
                        return r;
                bytes += row_size(cells, t->n_columns);
        }
        return 1;
}

/* A table without a key cannot be gone on with in its middle: it is written as a whole. */
static int copy_batch(struct run *run, const struct ledger_table *t, int64_t *ret_rows)
{
        int64_t rows = 0;
        int r = execute(run, "BEGIN"), more = 1;

        *ret_rows = 0;
        if (r == 0 && t->n_key == 0)
                r = execute(run, "DELETE FROM \"%s\"", t->name);
        if (r == 0)
                r = run->to.end->begin(run->to.state, t, run->error);
        do {
                if (r == 0)
                        r = more = copy_rows(run, t, &rows);
                if (r > 0)
                        r = 0;
                *ret_rows += rows;
        } while (r == 0 && more > 0 && t->n_key == 0);
        if (r == 0)
                r = run->to.end->finish(run->to.state, run->error);
        if (r == 0)
                r = execute(run,
                            "UPDATE " LEDGER_COPY_TABLE
                            " SET copied=copied+%lld,done=%d WHERE name='%s'",
                            (long long)*ret_rows, more <= 0, t->name);
        if (r == 0)
                r = execute(run, "COMMIT");
        return r < 0 ? roll_back(run, r) : more;
}

/* The key of the last row that is there; its bytes are the target's until it is asked again, and
 * the source takes them before that. */
static int start_reading(struct run *run, const struct ledger_table *t)
{
        struct ledger_cell key[LEDGER_KEY_MAX];

        int r = t->n_key > 0 ? ledger_tables_last(&run->to, t, key, run->error) : 0;
        return r < 0 ? r : ledger_tables_rows(&run->from, t, r > 0 ? key : NULL, run->error);
}

static int copy_table(struct run *run, const struct ledger_table *t, struct ledger_copied *ret)
{
        int64_t done = 0, there = 0, total = 0, rows = 0;

        int r = target_number(run, "done", t->name, &done);
        if (r < 0 || done)
                return r;
        r = target_number(run, "copied", t->name, &there);
        if (r == 0)
                r = ledger_tables_count(&run->from, t, &total, run->error);
        if (r == 0)
                r = start_reading(run, t);
        while (r == 0 && (r = copy_batch(run, t, &rows)) > 0) {
                ret->copied += rows;
                if (run->copy->progress)
                        run->copy->progress(run->copy, "copy", t->name, there + ret->copied, total);
                r = 0;
        }
        if (r == 0)
                ret->copied += rows;
        return r;
}

/* --- the end --- */

static int compare_table(struct run *run, const struct ledger_table *t, struct ledger_copied *ret)
{
        struct ledger_digest from = {}, to = {};
        int64_t total = 0;
        char why[STORE_ERROR_SIZE];

        int r = ledger_tables_count(&run->from, t, &total, run->error);
        if (r == 0)
                r = ledger_digest(run->copy, &run->from, t, total, &from, run->error);
        if (r == 0)
                r = ledger_digest(run->copy, &run->to, t, total, &to, run->error);
        if (r < 0) {
                text_copy(why, sizeof(why), run->error);
                snprintf(run->error, STORE_ERROR_SIZE, "table %.40s: %.100s", t->name, why);
                return r;
        }
        if (from.rows != to.rows || strcmp(from.hex, to.hex) != 0) {
                snprintf(run->error, STORE_ERROR_SIZE,
                         "table %.30s: %lld rows on one side, %lld on the other, or not the same: "
                         "did the source change meanwhile? begin again with --restart",
                         t->name, (long long)from.rows, (long long)to.rows);
                return -EBADMSG;
        }
        ret->rows = to.rows;
        text_copy(ret->digest, sizeof(ret->digest), to.hex);
        if (strcmp(t->name, "audit") == 0)
                run->copy->audit_records = to.rows;
        return 0;
}

static int copy_all(struct run *run)
{
        struct ledger_copy *c = run->copy;
        int r = begin(run);

        c->n_tables = run->from.n_tables;
        for (unsigned i = 0; i < c->n_tables && r == 0; i++) {
                text_copy(c->tables[i].table, LEDGER_NAME_SIZE, run->from.tables[i].name);
                r = copy_table(run, &run->from.tables[i], &c->tables[i]);
        }
        for (unsigned i = 0; i < c->n_tables && r == 0; i++)
                r = compare_table(run, &run->from.tables[i], &c->tables[i]);
        c->mended_texts = run->mender.n;
        return r < 0 ? r : execute(run, "DROP TABLE " LEDGER_COPY_TABLE);
}

static int open_sides(struct run *run)
{
        int r = run->from.end->open(run->copy, false, run->error, &run->from.state);
        if (r == 0)
                r = run->to.end->open(run->copy, true, run->error, &run->to.state);
        if (r == 0)
                r = ledger_tables_read(&run->from, run->error);
        if (r == 0)
                r = ledger_tables_read(&run->to, run->error);
        if (r == 0 && run->from.unfinished) {
                snprintf(run->error, STORE_ERROR_SIZE, "the source: " LEDGER_COPY_UNFINISHED);
                return -EPROTO;
        }
        return r < 0 ? r : ledger_tables_compare(&run->from, &run->to, run->error);
}

static const struct ledger_end *end_of(const char *url)
{
        return store_is_postgres(url) ? &ledger_end_postgres : &ledger_end_sqlite;
}

int ledger_copy(struct ledger_copy *c, char error[static STORE_ERROR_SIZE])
{
        struct run *run = calloc(1, sizeof(*run));
        if (!run)
                return -ENOMEM;
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
        *run = (struct run){
                .copy = c, .from.end = end_of(c->from), .to.end = end_of(c->to), .error = error};
        int r = open_sides(run);
        if (r == 0)
                r = copy_all(run);
        if (run->to.state)
                run->to.end->close(run->to.state);
        if (run->from.state)
                run->from.end->close(run->from.state);
        ledger_mender_done(&run->mender);
        free(run);
        return r;
}
