/* The whole contract over the daemon's role, which has only the rights that `migrate up` of the
 * owner gives it; and what that role cannot do. The roles are those of the example for
 * administrators. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "postgres_server.h"
#include "store_suite.h"

static char owner_url[400], daemon_url[400];

static int open_as(const char *url, bool migrate, struct loop *loop, unsigned queue_max,
                   char error[static STORE_ERROR_SIZE], struct store **ret)
{
        const struct store_options o = {.url = url,
                                        .migrations_dir = MIGRATIONS,
                                        .migrate = migrate,
                                        .queue_max = queue_max};
        return store_open(loop, &o, error, ret);
}

/* ordoctl migrate up, as the owner */
static void migrate_up(void)
{
        char error[STORE_ERROR_SIZE];
        struct store *s = NULL;
        int r = open_as(owner_url, true, NULL, 0, error, &s);
        ck_assert_msg(r == 0, "%d %s", r, error);
        store_close(s);
}

static void new_database(void)
{
        (void)postgres_server_database_like("ordo");
        snprintf(owner_url, sizeof(owner_url), "%s", postgres_server_url_as("ordo_owner"));
        snprintf(daemon_url, sizeof(daemon_url), "%s", postgres_server_url_as("ordo"));
}

static void setup(void)
{
        new_database();
        migrate_up();
}

static void teardown(void)
{
}

static int suite_open(struct loop *loop, unsigned queue_max, char error[static STORE_ERROR_SIZE],
                      struct store **ret)
{
        return open_as(daemon_url, false, loop, queue_max, error, ret);
}

static void refused(bool migrate, const char *words)
{
        char error[STORE_ERROR_SIZE] = "";
        struct store *s = NULL;

        ck_assert_int_lt(open_as(daemon_url, migrate, NULL, 0, error, &s), 0);
        ck_assert_msg(strstr(error, words), "\"%s\" lacks \"%s\"", error, words);
        ck_assert_msg(strstr(error, "ordoctl migrate up"), "\"%s\" lacks the remedy", error);
}

static const char *const not_for_the_daemon[] = {
        "DROP TABLE audit",
        "TRUNCATE audit",
        "TRUNCATE legs",
        "ALTER TABLE legs ADD COLUMN more BIGINT",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "UPDATE audit SET record='{}'",
        "UPDATE audit SET at_us=0",
        "DELETE FROM orders",
        "DELETE FROM legs",
        "DELETE FROM answers",
        "UPDATE answers SET order_row=0; UPDATE idempotency_keys SET expires_us=0",
        "DELETE FROM killswitch",
        "DELETE FROM killswitch_epoch",
        "INSERT INTO killswitch_epoch VALUES (1)",
        "INSERT INTO schema_migrations VALUES (99,1,'mine','x',0)",
        "DELETE FROM schema_migrations",
        "CREATE TABLE mine (a BIGINT)",
        "CREATE INDEX mine ON legs (day)",
        "CREATE RULE mine AS ON UPDATE TO legs DO INSTEAD NOTHING",
        "CREATE ROLE another",
        "SET ROLE ordo_owner",
        "COPY audit TO '/tmp/ordo-never'",
        "DROP SCHEMA public CASCADE",
};

START_TEST(what_the_daemon_s_role_cannot_do)
{
        PGconn *conn = PQconnectdb(daemon_url);

        ck_assert_int_eq(PQstatus(conn), CONNECTION_OK);
        for (unsigned i = 0; i < ELEMENTS(not_for_the_daemon); i++) {
                PGresult *r = PQexec(conn, not_for_the_daemon[i]);
                const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
                ck_assert_msg(state && strcmp(state, "42501") == 0, "%s: %s", not_for_the_daemon[i],
                              state ? state : "done");
                PQclear(r);
        }
        PQfinish(conn);
}
END_TEST

/* A table that a migration adds must have its row in postgres_rights.c. */
START_TEST(every_table_is_in_the_list_of_rights)
{
        char found[200];

        postgres_server_ask("SELECT string_agg(tablename,',') FROM pg_tables WHERE "
                            "schemaname='public' AND NOT has_table_privilege('ordo',"
                            "to_regclass(tablename),'SELECT')",
                            found, sizeof(found));
        ck_assert_str_eq(found, "");
        postgres_server_ask("SELECT string_agg(DISTINCT grantee,',') FROM "
                            "information_schema.role_table_grants WHERE table_schema='public' AND "
                            "grantee<>'ordo_owner'",
                            found, sizeof(found));
        ck_assert_str_eq(found, "ordo");
}
END_TEST

START_TEST(a_right_that_is_missing_is_named_before_an_order_meets_it)
{
        char error[STORE_ERROR_SIZE];

        ledger.store = store_close(ledger.store);
        postgres_server_sql("REVOKE INSERT ON answers FROM ordo");
        refused(false, "role ordo may not INSERT answers");
        migrate_up(); /* the remedy */
        ck_assert_int_eq(suite_open(ledger.loop, 0, error, &ledger.store), 0);
}
END_TEST

START_TEST(a_right_too_many_goes_with_the_next_migration)
{
        char found[8];

        ledger.store = store_close(ledger.store);
        postgres_server_sql("GRANT ALL ON audit TO ordo");
        migrate_up();
        postgres_server_ask("SELECT has_table_privilege('ordo','audit','UPDATE')", found,
                            sizeof(found));
        ck_assert_str_eq(found, "f");
}
END_TEST

START_TEST(the_daemon_s_role_cannot_migrate)
{
        new_database();
        refused(false, "the schema is version 0");
        refused(true, "permission denied");
}
END_TEST

static const struct suite_driver driver = {.name = "postgresql, as the daemon's role",
                                           .setup = setup,
                                           .teardown = teardown,
                                           .open = suite_open};

int main(void)
{
        const TTest *const own[] = {
                what_the_daemon_s_role_cannot_do,
                every_table_is_in_the_list_of_rights,
                a_right_that_is_missing_is_named_before_an_order_meets_it,
                a_right_too_many_goes_with_the_next_migration,
                the_daemon_s_role_cannot_migrate,
        };
        const char *why = postgres_server_start("/tmp", false);

        if (why) {
                printf("1..0 # SKIP %s\n", why);
                return 0;
        }
        postgres_server_script(ROLES);
        int r = store_suite_main(&driver, own, ELEMENTS(own));
        postgres_server_stop();
        return r;
}
