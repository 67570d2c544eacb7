/* Migrations on PostgreSQL: each in a transaction with its record; one program at a time. */
#include "store/postgres.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/migrate.h"

static const char record_table[] =
        "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, "
        "needs BIGINT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL, "
        "applied_us BIGINT NOT NULL)";

/* A row for each one; no rows where there is no such table. */
static const char applied_query[] =
        "SELECT version,needs,name,checksum FROM schema_migrations ORDER BY version";

static int schema_failure(const PGresult *r, char error[static STORE_ERROR_SIZE])
{
        return postgres_failure(r, error) == STORE_FULL ? -ENOSPC : -EBADMSG;
}

static int run(PGconn *conn, const char *sql, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(postgres_freep) PGresult *r = PQexec(conn, sql);
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
                return 0;
        return schema_failure(r, error);
}

static int number(const PGresult *r, int row, int column)
{
        const char *s = PQgetvalue(r, row, column);
        int64_t value = 0;
        (void)text_parse_int(s, strlen(s), 0, INT32_MAX, &value);
        return (int)value;
}

static int table_there(PGconn *conn, char error[static STORE_ERROR_SIZE], bool *ret)
{
        _cleanup_(postgres_freep) PGresult *r =
                PQexec(conn, "SELECT to_regclass('schema_migrations') IS NOT NULL");
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
                return schema_failure(r, error);
        *ret = PQgetvalue(r, 0, 0)[0] == 't';
        return 0;
}

static int load_applied(PGconn *conn, struct migrations *ret, char error[static STORE_ERROR_SIZE])
{
        bool there = false;
        int n = table_there(conn, error, &there);
        if (n < 0 || !there)
                return n;
        _cleanup_(postgres_freep) PGresult *r = PQexec(conn, applied_query);
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
                return schema_failure(r, error);
        n = PQntuples(r) < MIGRATIONS_MAX ? PQntuples(r) : MIGRATIONS_MAX;
        ret->items = calloc(MIGRATIONS_MAX, sizeof(*ret->items));
        if (!ret->items)
                return -ENOMEM;
        for (int i = 0; i < n; i++) {
                struct migration *m = &ret->items[ret->n++];
                m->version = number(r, i, 0);
                m->needs = number(r, i, 1);
                text_copy(m->name, sizeof(m->name), PQgetvalue(r, i, 2));
                text_copy(m->checksum, sizeof(m->checksum), PQgetvalue(r, i, 3));
        }
        return 0;
}

int migrations_applied(const char *url, char error[static STORE_ERROR_SIZE], struct migrations *ret)
{
        PGconn *conn = postgres_dial(url, error);
        if (!conn)
                return -ECONNREFUSED;
        int r = load_applied(conn, ret, error);
        PQfinish(conn);
        return r;
}

static int record(PGconn *conn, const struct migration *m, char error[static STORE_ERROR_SIZE])
{
        char version[12], needs[12], at_us[24];
        const char *const values[] = {version, needs, m->name, m->checksum, at_us};

        snprintf(version, sizeof(version), "%d", m->version);
        snprintf(needs, sizeof(needs), "%d", m->needs);
        snprintf(at_us, sizeof(at_us), "%lld", (long long)clock_wall_us());
        _cleanup_(postgres_freep) PGresult *r =
                PQexecParams(conn,
                             "INSERT INTO schema_migrations (version,needs,name,checksum,"
                             "applied_us) VALUES ($1,$2,$3,$4,$5)",
                             5, NULL, values, NULL, NULL, 0);
        return PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : schema_failure(r, error);
}

static int apply(PGconn *conn, const struct migration *m, char error[static STORE_ERROR_SIZE])
{
        char why[STORE_ERROR_SIZE];
        int r = run(conn, "BEGIN", why);

        if (r == 0)
                r = run(conn, record_table, why);
        if (r == 0)
                r = run(conn, m->sql, why);
        if (r == 0)
                r = record(conn, m, why);
        if (r == 0)
                r = run(conn, "COMMIT", why);
        if (r < 0) {
                PQclear(PQexec(conn, "ROLLBACK"));
                snprintf(error, STORE_ERROR_SIZE, "migration %04d_%.20s: %.115s", m->version,
                         m->name, why);
        }
        return r;
}

/* What is pending, with the lock of migrations: daemons that start together find the work done. */
static int apply_pending(PGconn *conn, const struct store_options *o,
                         const struct migrations *files, int *ret_version,
                         char error[static STORE_ERROR_SIZE])
{
        struct migrations applied = {};

        int r = run(conn,
                    "SET statement_timeout=0; SELECT pg_advisory_lock(" POSTGRES_MIGRATE_KEY ")",
                    error);
        if (r == 0)
                r = load_applied(conn, &applied, error);
        if (r == 0)
                r = migrations_pending(files, &applied, error);
        *ret_version = (int)applied.n;
        for (unsigned i = applied.n; i < files->n && r >= 0; i++) {
                migrations_tell(o, files, i, "migrate");
                r = apply(conn, &files->items[i], error);
                if (r == 0)
                        *ret_version = files->items[i].version;
        }
        migrations_done(&applied);
        /* after a failure the session's end gives it back */
        return r < 0 ? r : run(conn, "SELECT pg_advisory_unlock(" POSTGRES_MIGRATE_KEY ")", error);
}

static int check(PGconn *conn, const struct store_options *o, const struct migrations *files,
                 int *ret_version, char error[static STORE_ERROR_SIZE])
{
        struct migrations applied = {};

        int r = load_applied(conn, &applied, error);
        if (r == 0)
                r = migrations_pending(files, &applied, error);
        *ret_version = (int)applied.n;
        if (r > 0 && !o->migrate) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the schema is version %u and this program needs "
                         "%u: run ordoctl migrate up",
                         applied.n, files->n);
                r = -EPROTO;
        }
        migrations_done(&applied);
        return r;
}

int postgres_migrate(PGconn *conn, const struct store_options *o, int *ret_version,
                     char error[static STORE_ERROR_SIZE])
{
        struct migrations files = {};

        int r = migrations_load(o->migrations_dir, "postgres", error, &files);
        if (r == 0)
                r = check(conn, o, &files, ret_version, error);
        bool pending = r > 0;
        if (pending)
                r = apply_pending(conn, o, &files, ret_version, error);
        if (r == 0 && o->migrate)
                r = postgres_grant_rights(conn, error);
        migrations_done(&files);
        return r < 0 ? r : pending;
}
