/* SQLite as one end of a copy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/ledger_end.h"
#include "store/sqlite.h"

struct sqlite_end {
        struct sqlite *s;
        sqlite3_stmt *rows;   /* of the query that is running */
        sqlite3_stmt *insert; /* of the table that is being written */
};

static const char catalog[] =
        "SELECT m.name,p.name,p.type,p.pk FROM sqlite_schema m,pragma_table_info(m.name) p WHERE "
        "m.type='table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name,p.name";

static int failure(struct sqlite_end *e, int rc, char *error)
{
        switch (sqlite_failure(e->s, rc, error)) {
        case STORE_FULL:
                return -ENOSPC;
        case STORE_CORRUPT:
                return -EBADMSG;
        default:
                return -EIO;
        }
}

static void end_query(struct sqlite_end *e)
{
        sqlite3_finalize(e->rows);
        e->rows = NULL;
}

static void end_close(void *end)
{
        struct sqlite_end *e = end;

        end_query(e);
        sqlite3_finalize(e->insert);
        if (e->s)
                sqlite_shut(e->s);
        free(e);
}

/* The source is only read; the lock keeps everybody else from writing. */
static int open_ledger(struct sqlite_end *e, const struct ledger_copy *c, bool target, char *error)
{
        struct store_options o = {.url = target ? c->to : c->from,
                                  .migrations_dir = c->migrations_dir,
                                  .migrate = target};

        e->s = calloc(1, sizeof(*e->s));
        if (!e->s)
                return -ENOMEM;
        e->s->lock_fd = -1;
        e->s->path = strdup(sqlite_path(o.url));
        if (!e->s->path)
                return -ENOMEM;
        if (!target && access(e->s->path, R_OK | W_OK) < 0) {
                int r = -errno;
                snprintf(error, STORE_ERROR_SIZE, "%.120s: %s", e->s->path, strerror(-r));
                return r;
        }
        int r = sqlite_prepare(e->s, &o, error);
        if (r < 0)
                return r;
        /* in place of the daemon's, which goes beside its orders */
        int rc = sqlite3_wal_autocheckpoint(e->s->db, 1000);
        return rc == SQLITE_OK ? 0 : failure(e, rc, error);
}

static int end_open(const struct ledger_copy *c, bool target, char *error, void **ret)
{
        struct sqlite_end *e = calloc(1, sizeof(*e));
        int r = e ? open_ledger(e, c, target, error) : -ENOMEM;

        if (r < 0 && e)
                end_close(e);
        else
                *ret = e;
        return r;
}

static int end_execute(void *end, const char *sql, char *error)
{
        struct sqlite_end *e = end;

        end_query(e);
        int rc = sqlite3_exec(e->s->db, sql, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : failure(e, rc, error);
}

static int bind(sqlite3_stmt *st, const struct ledger_cell *cells, unsigned n)
{
        int rc = SQLITE_OK;

        for (unsigned i = 0; i < n && rc == SQLITE_OK; i++) {
                const void *bytes = cells[i].size > 0 ? cells[i].bytes : "";
                switch (cells[i].type) {
                case LEDGER_NULL:
                        rc = sqlite3_bind_null(st, (int)i + 1);
                        break;
                case LEDGER_INT:
                        rc = sqlite3_bind_int64(st, (int)i + 1, cells[i].number);
                        break;
                case LEDGER_TEXT:
                        rc = sqlite3_bind_text64(st, (int)i + 1, bytes, cells[i].size,
                                                 SQLITE_TRANSIENT, SQLITE_UTF8);
                        break;
                case LEDGER_BYTES:
                        rc = sqlite3_bind_blob64(st, (int)i + 1, bytes, cells[i].size,
                                                 SQLITE_TRANSIENT);
                        break;
                }
        }
        return rc;
}

static int end_query_begin(void *end, const char *sql, const struct ledger_cell *parameters,
                           unsigned n, char *error)
{
        struct sqlite_end *e = end;

        end_query(e);
        int rc = sqlite3_prepare_v2(e->s->db, sql, -1, &e->rows, NULL);
        if (rc == SQLITE_OK)
                rc = bind(e->rows, parameters, n);
        return rc == SQLITE_OK ? 0 : failure(e, rc, error);
}

static struct ledger_cell read_cell(sqlite3_stmt *st, int i)
{
        struct ledger_cell cell = {};

        switch (sqlite3_column_type(st, i)) {
        case SQLITE_INTEGER:
                cell.type = LEDGER_INT;
                cell.number = sqlite3_column_int64(st, i);
                break;
        case SQLITE_TEXT:
                cell.type = LEDGER_TEXT;
                cell.bytes = sqlite3_column_text(st, i);
                break;
        case SQLITE_BLOB:
                cell.type = LEDGER_BYTES;
                cell.bytes = sqlite3_column_blob(st, i);
                break;
        default:
                break;
        }
        if (cell.type > LEDGER_INT)
                cell.size = (size_t)sqlite3_column_bytes(st, i);
        return cell;
}

static int end_next(void *end, struct ledger_cell *cells, unsigned n, char *error)
{
        struct sqlite_end *e = end;

        int rc = e->rows ? sqlite3_step(e->rows) : SQLITE_DONE;
        for (unsigned i = 0; i < n && rc == SQLITE_ROW; i++)
                cells[i] = read_cell(e->rows, (int)i);
        if (rc == SQLITE_ROW)
                return 1;
        if (rc != SQLITE_DONE)
                return failure(e, rc, error);
        end_query(e);
        return 0;
}

static int end_begin(void *end, const struct ledger_table *t, char *error)
{
        struct sqlite_end *e = end;
        _cleanup_(text_done) struct text sql = TEXT_NULL;

        end_query(e);
        text_addf(&sql, "INSERT INTO \"%s\" (", t->name);
        ledger_tables_add_columns(t, &sql);
        text_add(&sql, ") VALUES (");
        for (unsigned i = 0; i < t->n_columns; i++)
                text_add(&sql, i ? ",?" : "?");
        text_add(&sql, ")");
        int rc = sql.failed ? SQLITE_NOMEM
                            : sqlite3_prepare_v2(e->s->db, text_str(&sql), -1, &e->insert, NULL);
        return rc == SQLITE_OK ? 0 : failure(e, rc, error);
}

static int end_put(void *end, const struct ledger_cell *cells, unsigned n, char *error)
{
        struct sqlite_end *e = end;

        int rc = bind(e->insert, cells, n);
        if (rc == SQLITE_OK)
                (void)sqlite3_step(e->insert);
        if (rc == SQLITE_OK)
                rc = sqlite3_reset(e->insert);
        return rc == SQLITE_OK ? 0 : failure(e, rc, error);
}

static int end_finish(void *end, char *error)
{
        struct sqlite_end *e = end;

        sqlite3_finalize(e->insert);
        e->insert = NULL;
        return 0;
}

const struct ledger_end ledger_end_sqlite = {
        .name = "sqlite",
        .catalog = catalog,
        .open = end_open,
        .close = end_close,
        .execute = end_execute,
        .query = end_query_begin,
        .next = end_next,
        .begin = end_begin,
        .put = end_put,
        .finish = end_finish,
};
