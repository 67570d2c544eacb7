/* PostgreSQL as one end of a copy: rows come one at a time, so that a large table is not held in
 * memory, and go by COPY; both in the binary form. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/ledger_end.h"
#include "store/postgres.h"

#define HOLD_TRIES 20 /* in two seconds */

struct postgres_end {
        PGconn *conn;
        PGresult *row;
        bool asking; /* a query is running */
        struct text line;
};

static const char catalog[] =
        "SELECT c.relname::text COLLATE \"C\",a.attname::text COLLATE \"C\","
        "pg_catalog.format_type(a.atttypid,a.atttypmod),"
        "coalesce(array_position(i.indkey::int2[],a.attnum)+1,0)::bigint "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid=c.oid AND "
        "a.attnum>0 AND NOT a.attisdropped LEFT JOIN pg_catalog.pg_index i ON i.indrelid=c.oid AND "
        "i.indisprimary WHERE c.relkind IN ('r','p') AND NOT c.relispartition AND "
        "c.relnamespace=current_schema()::regnamespace ORDER BY 1,2";

/* How a copy's session differs from a daemon's: what takes long may, and it is the only one. */
static const char settings[] =
        "SET statement_timeout=0;SET idle_in_transaction_session_timeout=0;SET lock_timeout=10000;"
        "SET synchronous_commit=on;SET application_name='ordoctl db copy'";

static int failure(const PGresult *r, char *error)
{
        switch (postgres_failure(r, error)) {
        case STORE_FULL:
                return -ENOSPC;
        case STORE_CORRUPT:
                return -EBADMSG;
        case STORE_UNAVAILABLE:
                return -ECONNREFUSED;
        default:
                return -EIO;
        }
}

/* Takes what is left of a query that is not read to its end. */
static void end_query(struct postgres_end *e)
{
        e->row = postgres_free(e->row);
        if (!e->asking)
                return;
        for (PGresult *r; (r = PQgetResult(e->conn));)
                PQclear(r);
        e->asking = false;
}

static void end_close(void *end)
{
        struct postgres_end *e = end;

        e->row = postgres_free(e->row);
        /* now, and not when the server gets round to it: a daemon may be next */
        if (e->conn)
                PQclear(PQexec(e->conn, "SELECT pg_advisory_unlock_all()"));
        PQfinish(e->conn);
        text_done(&e->line);
        free(e);
}

static int end_execute(void *end, const char *sql, char *error)
{
        struct postgres_end *e = end;

        end_query(e);
        _cleanup_(postgres_freep) PGresult *r = PQexec(e->conn, sql);
        ExecStatusType status = PQresultStatus(r);
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : failure(r, error);
}

static int try_hold(struct postgres_end *e, bool *ret, char *error)
{
        _cleanup_(postgres_freep) PGresult *r =
                PQexec(e->conn, "SELECT pg_try_advisory_lock(" POSTGRES_HOLD_KEY ")");
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
                return failure(r, error);
        *ret = PQgetvalue(r, 0, 0)[0] == 't';
        return 0;
}

/* The server takes a moment to see that a daemon has gone. Nobody waits in line: a daemon that only
 * connects again would be kept away by it. */
static int hold(struct postgres_end *e, char *error)
{
        bool held = false;
        int r = 0;

        for (unsigned i = 0; i < HOLD_TRIES && r == 0 && !held; i++) {
                if (i > 0)
                        (void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
                r = try_hold(e, &held, error);
        }
        if (r < 0 || held)
                return r;
        snprintf(error, STORE_ERROR_SIZE,
                 "the ledger in PostgreSQL is in use by a daemon, or by another copy: stop it "
                 "first (SELECT * FROM pg_stat_activity shows who it is)");
        return -EBUSY;
}

static int open_ledger(struct postgres_end *e, const struct ledger_copy *c, bool target,
                       char *error)
{
        struct store_options o = {.url = target ? c->to : c->from,
                                  .migrations_dir = c->migrations_dir,
                                  .migrate = target};
        int version = 0;

        e->conn = postgres_dial(o.url, error);
        if (!e->conn)
                return -ECONNREFUSED;
        int r = hold(e, error);
        if (r == 0)
                r = postgres_migrate(e->conn, &o, &version, error);
        if (r >= 0)
                r = end_execute(e, settings, error);
        if (r == 0 && !target)
                r = end_execute(e, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error);
        return r;
}

static int end_open(const struct ledger_copy *c, bool target, char *error, void **ret)
{
        struct postgres_end *e = calloc(1, sizeof(*e));
        int r = e ? open_ledger(e, c, target, error) : -ENOMEM;

        if (r < 0 && e)
                end_close(e);
        else
                *ret = e;
        return r;
}

static int end_query_begin(void *end, const char *sql, const struct ledger_cell *parameters,
                           unsigned n, char *error)
{
        struct postgres_end *e = end;
        const char *values[LEDGER_KEY_MAX];
        int lengths[LEDGER_KEY_MAX], formats[LEDGER_KEY_MAX];
        uint64_t numbers[LEDGER_KEY_MAX];

        end_query(e);
        for (unsigned i = 0; i < n; i++) {
                bool is_number = parameters[i].type == LEDGER_INT;
                numbers[i] = htobe64((uint64_t)parameters[i].number);
                values[i] = is_number                ? (const char *)&numbers[i]
                            : parameters[i].size > 0 ? parameters[i].bytes
                                                     : "";
                lengths[i] = is_number ? (int)sizeof(numbers[i]) : (int)parameters[i].size;
                formats[i] = 1;
        }
        if (PQsendQueryParams(e->conn, sql, (int)n, NULL, values, lengths, formats, 1) != 1 ||
            PQsetSingleRowMode(e->conn) != 1) {
                snprintf(error, STORE_ERROR_SIZE, "postgresql: %.120s", PQerrorMessage(e->conn));
                return -ECONNREFUSED;
        }
        e->asking = true;
        return 0;
}

static struct ledger_cell read_cell(const PGresult *r, int i)
{
        struct ledger_cell cell = {};

        if (PQgetisnull(r, 0, i))
                return cell;
        switch (PQftype(r, i)) {
        case POSTGRES_OID_INT8:
                cell.type = LEDGER_INT;
                cell.number = cell_int(r, 0, i);
                return cell;
        case POSTGRES_OID_BYTEA:
                cell.type = LEDGER_BYTES;
                break;
        default:
                cell.type = LEDGER_TEXT;
        }
        cell.bytes = PQgetvalue(r, 0, i);
        cell.size = (size_t)PQgetlength(r, 0, i);
        return cell;
}

static int end_next(void *end, struct ledger_cell *cells, unsigned n, char *error)
{
        struct postgres_end *e = end;

        e->row = postgres_free(e->row);
        if (!e->asking)
                return 0;
        e->row = PQgetResult(e->conn);
        if (PQresultStatus(e->row) == PGRES_SINGLE_TUPLE) {
                for (unsigned i = 0; i < n; i++)
                        cells[i] = read_cell(e->row, (int)i);
                return 1;
        }
        int r = PQresultStatus(e->row) == PGRES_TUPLES_OK ? 0 : failure(e->row, error);
        end_query(e);
        return r;
}

/* --- COPY --- */

static void add_u16(struct text *t, uint16_t value)
{
        uint16_t wire = htobe16(value);
        text_add_bytes(t, (const char *)&wire, sizeof(wire));
}

static void add_u32(struct text *t, uint32_t value)
{
        uint32_t wire = htobe32(value);
        text_add_bytes(t, (const char *)&wire, sizeof(wire));
}

static int send_line(struct postgres_end *e, char *error)
{
        if (!e->line.failed && PQputCopyData(e->conn, text_str(&e->line), (int)e->line.len) == 1)
                return 0;
        snprintf(error, STORE_ERROR_SIZE, "postgresql: %.120s",
                 e->line.failed ? "out of memory" : PQerrorMessage(e->conn));
        return e->line.failed ? e->line.failed : -ECONNREFUSED;
}

static int end_begin(void *end, const struct ledger_table *t, char *error)
{
        /* signature, flags, no extension */
        static const char header[19] = "PGCOPY\n\377\r\n";
        struct postgres_end *e = end;
        _cleanup_(text_done) struct text sql = TEXT_NULL;

        end_query(e);
        text_addf(&sql, "COPY \"%s\" (", t->name);
        ledger_tables_add_columns(t, &sql);
        text_add(&sql, ") FROM STDIN (FORMAT binary)");
        _cleanup_(postgres_freep) PGresult *r = sql.failed ? NULL : PQexec(e->conn, text_str(&sql));
        if (PQresultStatus(r) != PGRES_COPY_IN)
                return failure(r, error);
        text_clear(&e->line);
        text_add_bytes(&e->line, header, sizeof(header));
        return send_line(e, error);
}

static int end_put(void *end, const struct ledger_cell *cells, unsigned n, char *error)
{
        struct postgres_end *e = end;
        struct text *t = &e->line;

        text_clear(t);
        add_u16(t, (uint16_t)n);
        for (unsigned i = 0; i < n; i++) {
                uint64_t wire = htobe64((uint64_t)cells[i].number);
                switch (cells[i].type) {
                case LEDGER_NULL:
                        add_u32(t, UINT32_MAX);
                        break;
                case LEDGER_INT:
                        add_u32(t, sizeof(wire));
                        text_add_bytes(t, (const char *)&wire, sizeof(wire));
                        break;
                default:
                        add_u32(t, (uint32_t)cells[i].size);
                        text_add_bytes(t, cells[i].bytes, cells[i].size);
                }
        }
        return send_line(e, error);
}

static int end_finish(void *end, char *error)
{
        struct postgres_end *e = end;
        int result = 0;

        text_clear(&e->line);
        add_u16(&e->line, UINT16_MAX);
        int r = send_line(e, error);
        if (r == 0 && PQputCopyEnd(e->conn, NULL) != 1)
                r = -ECONNREFUSED;
        for (PGresult *done; (done = PQgetResult(e->conn)); PQclear(done))
                if (PQresultStatus(done) != PGRES_COMMAND_OK && result == 0)
                        result = failure(done, error);
        return result < 0 ? result : r;
}

bool ledger_copy_url_tells_password(const char *url)
{
        PQconninfoOption *parts = PQconninfoParse(url, NULL);
        bool found = false;

        for (PQconninfoOption *o = parts; o && o->keyword; o++)
                if (strcmp(o->keyword, "password") == 0)
                        found = o->val && o->val[0];
        PQconninfoFree(parts);
        return found;
}

const struct ledger_end ledger_end_postgres = {
        .name = "postgresql",
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
