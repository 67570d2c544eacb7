/* Two roles: one owns the schema and changes it, the daemon's may do what its statements do and
 * nothing else. Records of the audit it adds, and deletes once they are exported; it cannot alter
 * them. PostgreSQL looks at rights only when a statement runs, so that one which is missing would
 * show with an order; therefore they are asked for at the start. */
#include "store/postgres.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DAEMON_ROLE "ordo"

static const struct {
        const char *table, *rights;
} rights[] = {
        {"answers", "SELECT,INSERT,UPDATE"},
        {"audit", "SELECT,INSERT,DELETE"},
        {"guest_rows", "SELECT,INSERT,UPDATE,DELETE"},
        {"idempotency_keys", "SELECT,INSERT,DELETE"},
        {"instances", "SELECT,INSERT,UPDATE,DELETE"},
        {"killswitch", "SELECT,INSERT,UPDATE"},
        {"killswitch_epoch", "SELECT,UPDATE"}, /* also for its lock */
        {"legs", "SELECT,INSERT,UPDATE"},
        {"orders", "SELECT,INSERT,UPDATE"},
        {"owners", "SELECT,INSERT,UPDATE,DELETE"},
        {"rate_accounts", "SELECT,INSERT,UPDATE"}, /* the last for its lock */
        {"rate_stamps", "SELECT,INSERT,DELETE"},
        {"schema_migrations", "SELECT"},
        {"sessions", "SELECT,INSERT,UPDATE,DELETE"},
        {"writers", "SELECT,INSERT,UPDATE,DELETE"},
};

static int failure(const PGresult *r, char error[static STORE_ERROR_SIZE])
{
        return postgres_failure(r, error) == STORE_UNAVAILABLE ? -ECONNREFUSED : -EBADMSG;
}

static int rights_of(const char *table)
{
        for (size_t i = 0; i < ELEMENTS(rights); i++)
                if (strcmp(rights[i].table, table) == 0)
                        return (int)i;
        return -1;
}

/* ('table','SELECT'),('table','INSERT'),… */
static void add_pairs(struct text *sql)
{
        for (size_t i = 0; i < ELEMENTS(rights); i++) {
                for (const char *at = rights[i].rights; *at;) {
                        size_t n = strcspn(at, ",");
                        text_addf(sql, "%s('%s','%.*s')", i > 0 || at > rights[i].rights ? "," : "",
                                  rights[i].table, (int)n, at);
                        at += n + (at[n] == ',');
                }
        }
}

int postgres_check_rights(PGconn *conn, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(text_done) struct text sql = TEXT_NULL;

        text_add(&sql, "SELECT current_user,t,p FROM (VALUES ");
        add_pairs(&sql);
        /* NULL, and no row, where the schema has no such table: that is found by its statements */
        text_add(&sql,
                 ") v(t,p) WHERE NOT has_table_privilege(to_regclass(t),p) ORDER BY t,p LIMIT "
                 "1");
        _cleanup_(postgres_freep) PGresult *r = PQexec(conn, text_str(&sql));
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
                return failure(r, error);
        if (PQntuples(r) == 0)
                return 0;
        snprintf(error, STORE_ERROR_SIZE,
                 "postgresql: permission denied: role %.30s may not %s %s: run ordoctl migrate up "
                 "as the owner, see docs/database.md",
                 PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 2), PQgetvalue(r, 0, 1));
        return -EBADMSG;
}

/* The caller owns the schema, and there is a role of the daemon's that is somebody else. */
static int tables_to_grant(PGconn *conn, PGresult **ret, char error[static STORE_ERROR_SIZE])
{
        *ret = PQexec(conn,
                      "SELECT tablename FROM pg_catalog.pg_tables WHERE "
                      "schemaname=current_schema() AND tableowner=current_user AND "
                      "current_user<>'" DAEMON_ROLE
                      "' AND EXISTS(SELECT 1 FROM pg_catalog.pg_roles WHERE rolname='" DAEMON_ROLE
                      "') ORDER BY tablename");
        return PQresultStatus(*ret) == PGRES_TUPLES_OK ? 0 : failure(*ret, error);
}

int postgres_grant_rights(PGconn *conn, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(text_done) struct text sql = TEXT_NULL;
        _cleanup_(postgres_freep) PGresult *tables = NULL;
        _cleanup_(postgres_freep) PGresult *done = NULL;

        int r = tables_to_grant(conn, &tables, error);
        if (r < 0 || PQntuples(tables) == 0)
                return r;
        text_add(&sql, "BEGIN;SELECT pg_advisory_xact_lock(" POSTGRES_MIGRATE_KEY ");");
        for (int i = 0; i < PQntuples(tables); i++) {
                const char *table = PQgetvalue(tables, i, 0);
                int at = rights_of(table);
                text_addf(&sql, "REVOKE ALL ON \"%s\" FROM " DAEMON_ROLE ";", table);
                if (at >= 0)
                        text_addf(&sql, "GRANT %s ON \"%s\" TO " DAEMON_ROLE ";", rights[at].rights,
                                  table);
        }
        text_add(&sql, "COMMIT");
        done = PQexec(conn, text_str(&sql));
        if (PQresultStatus(done) == PGRES_COMMAND_OK)
                return 0;
        r = failure(done, error);
        PQclear(PQexec(conn, "ROLLBACK"));
        return r;
}
