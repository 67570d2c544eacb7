/* What a database must be like, and what is said when it is not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "postgres_server.h"
#include "store/migrate.h"
#include "store_postgres.h"

#define DEMO "paper:demo"

static void refused(const struct store_options *o, int expected, const char *words)
{
        char error[STORE_ERROR_SIZE] = "";
        struct store *s = NULL;
        int r = store_open(ledger.loop, o, error, &s);

        ck_assert_msg(r == expected, "%d instead of %d: %s", r, expected, error);
        ck_assert_ptr_null(s);
        ck_assert_msg(strstr(error, words) != NULL, "\"%s\" lacks \"%s\"", error, words);
        ck_assert_msg(!strstr(error, "hunter2"), "%s", error);
}

static void opened(const struct store_options *o)
{
        char error[STORE_ERROR_SIZE];
        int r = store_open(ledger.loop, o, error, &ledger.store);
        ck_assert_msg(r == 0, "%d %s", r, error);
}

static void url_with(char *ret, size_t size, const char *more)
{
        snprintf(ret, size, "%s%s", postgres_server_url_at(postgres_server_dir()), more);
}

/* Passwords that were not encoded would otherwise be taken apart, and shown as hosts and ports. */
static const char *const malformed[] = {
        "postgresql://ordo:hunter2@[::1/x",     "postgresql://ordo:hunter2@/x?nonsense=1",
        "postgresql://ordo:x@hunter2@host/x",   "postgresql://ordo:hunter2/@host/x",
        "postgresql://ordo:hunter2/a@b@host/x", "postgresql://ordo:%zzhunter2@host/x",
};

START_TEST(addresses_that_lead_to_no_ledger)
{
        struct store_options o = postgres_options();
        char url[300];

        for (unsigned i = 0; i < ELEMENTS(malformed); i++) {
                o.url = malformed[i];
                refused(&o, -EINVAL, "malformed");
        }
        url_with(url, sizeof(url), "&dbname=nowhere");
        o.url = url;
        refused(&o, -ECONNREFUSED, "database \"nowhere\" does not exist");
        url_with(url, sizeof(url), "&user=nobody&password=hunter2");
        refused(&o, -ECONNREFUSED, "role \"nobody\" does not exist");
}
END_TEST

START_TEST(a_wrong_password_is_named_and_not_shown)
{
        struct store_options o = postgres_options();
        char url[300];

        postgres_server_demand_passwords(true);
        postgres_server_sql("CREATE ROLE guarded LOGIN PASSWORD 'correct'");
        url_with(url, sizeof(url), "&user=guarded&password=hunter2");
        o.url = url;
        refused(&o, -ECONNREFUSED, "password authentication failed");
        postgres_server_demand_passwords(false);
}
END_TEST

START_TEST(another_encoding_is_refused)
{
        struct store_options o = postgres_options();
        char url[300];

        postgres_server_sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
        url_with(url, sizeof(url), "&dbname=latin");
        o.url = url;
        refused(&o, -ECONNREFUSED, "encoding is not UTF8");
        postgres_server_sql("DROP DATABASE latin");
}
END_TEST

START_TEST(without_leave_the_schema_is_not_touched)
{
        struct store_options o = postgres_options();
        char n[24];

        ledger.store = store_close(ledger.store);
        postgres_use(postgres_server_database());
        o = postgres_options();
        o.migrate = false;
        refused(&o, -EPROTO, "run ordoctl migrate up");
        postgres_server_ask("SELECT count(*) FROM pg_tables WHERE schemaname='public'", n,
                            sizeof(n));
        ck_assert_str_eq(n, "0");
        o.migrate = true;
        opened(&o);
        ledger.store = store_close(ledger.store);
        o.migrate = false;
        opened(&o);
}
END_TEST

/* Changed behind the closed ledger's back, then opened. */
static void changed(const char *statements, int expected, const char *words)
{
        struct store_options o = postgres_options();

        ledger.store = store_close(ledger.store);
        postgres_server_sql(statements);
        refused(&o, expected, words);
}

START_TEST(an_edited_migration_is_refused)
{
        changed("UPDATE schema_migrations SET checksum='0'", -EPROTO, "was edited");
}
END_TEST

START_TEST(a_gap_in_the_record_is_refused)
{
        changed("DELETE FROM schema_migrations WHERE version=1", -EPROTO, "is missing");
}
END_TEST

START_TEST(a_newer_schema_is_refused_unless_it_says_that_we_fit)
{
        struct store_options o = postgres_options();
        struct migrations files = {};
        char error[STORE_ERROR_SIZE], statement[200];

        ck_assert_int_eq(migrations_load(MIGRATIONS, "postgres", error, &files), 0);
        snprintf(statement, sizeof(statement),
                 "INSERT INTO schema_migrations VALUES (%u,%u,'later','x',0)", files.n + 1,
                 files.n + 1);
        changed(statement, -EPROTO, "install the newer release");
        snprintf(statement, sizeof(statement),
                 "UPDATE schema_migrations SET needs=%u WHERE "
                 "version=%u",
                 files.n, files.n + 1);
        postgres_server_sql(statement);
        opened(&o);
        migrations_done(&files);
}
END_TEST

START_TEST(a_half_made_schema_is_refused)
{
        changed("DROP TABLE answers", -EBADMSG, "ordoctl migrate verify");
}
END_TEST

START_TEST(an_altered_last_record_stops_the_writes)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *more = new_order_on(DEMO);

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        postgres_server_sql("UPDATE audit SET record=replace(record,'tester','another')");
        ck_assert_int_eq(put_intent(more, NULL), STORE_CORRUPT);
}
END_TEST

START_TEST(missing_rights_are_named)
{
        struct store_options o = postgres_options();
        char url[300];

        ledger.store = store_close(ledger.store);
        postgres_server_sql("DROP ROLE IF EXISTS lesser; CREATE ROLE lesser LOGIN; GRANT SELECT ON "
                            "ALL TABLES IN SCHEMA public TO lesser");
        url_with(url, sizeof(url), "&user=lesser");
        o.url = url;
        o.migrate = false;
        char error[STORE_ERROR_SIZE] = "";
        int r = store_open(ledger.loop, &o, error, &ledger.store);
        ck_assert_int_eq(r, -EBADMSG);
        ck_assert_ptr_nonnull(strstr(error, "permission denied"));
        ck_assert_ptr_nonnull(strstr(error, "docs/database.md"));
        postgres_server_sql("DROP OWNED BY lesser");
}
END_TEST

START_TEST(a_migration_that_fails_changes_nothing)
{
        struct store_options o;
        char n[24];

        ledger.store = store_close(ledger.store);
        postgres_use(postgres_server_database());
        o = postgres_options();
        postgres_server_sql("CREATE TABLE sessions (of TEXT)"); /* in the way of the first one */
        refused(&o, -EBADMSG, "migration 0001_ledger: ");
        postgres_server_ask("SELECT count(*) FROM pg_tables WHERE schemaname='public'", n,
                            sizeof(n));
        ck_assert_str_eq(n, "1");
        postgres_server_sql("DROP TABLE sessions");
        opened(&o);
}
END_TEST

/* --- both schemas hold the same --- */

static void sqlite_columns(struct text *ret)
{
        struct migrations files = {};
        char error[STORE_ERROR_SIZE];
        sqlite3_stmt *st;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
        ck_assert_int_eq(migrations_load(MIGRATIONS, "sqlite", error, &files), 0);
        for (unsigned i = 0; i < files.n; i++)
                ck_assert_int_eq(sqlite3_exec(db, files.items[i].sql, NULL, NULL, NULL), 0);
        migrations_done(&files);
        ck_assert_int_eq(
                sqlite3_prepare_v2(db,
                                   "SELECT t.name||'.'||c.name||' '||CASE c.type WHEN 'INTEGER' "
                                   "THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) "
                                   "END||CASE c.\"notnull\" WHEN 1 THEN '' ELSE ' null' END FROM "
                                   "sqlite_schema t JOIN pragma_table_info(t.name) c WHERE "
                                   "t.type='table' ORDER BY 1",
                                   -1, &st, NULL),
                SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
                text_add(ret, (const char *)sqlite3_column_text(st, 0));
                text_add_char(ret, '\n');
        }
        sqlite3_finalize(st);
        sqlite3_close(db);
}

/* A column more or less, of another type, or that may be null. */
START_TEST(both_schemas_hold_the_same_tables_and_columns)
{
        static char found[16384];
        _cleanup_(text_done) struct text expected = TEXT_NULL;

        sqlite_columns(&expected);
        /* the rest is what only several daemons need */
        postgres_server_ask(
                "SELECT string_agg(c,E'\\n' ORDER BY c COLLATE \"C\")||E'\\n' FROM (SELECT "
                "table_name||'.'||column_name||' '||data_type||CASE is_nullable WHEN "
                "'NO' THEN '' ELSE ' null' END AS c FROM information_schema.columns "
                "WHERE table_schema='public' AND table_name NOT IN "
                "('schema_migrations','writers','instances','owners','rate_accounts',"
                "'rate_stamps') AND NOT (table_name='orders' AND column_name='writer')) x",
                found, sizeof(found));
        ck_assert_uint_gt(expected.len, 1000);
        ck_assert_str_eq(found, text_str(&expected));
}
END_TEST

const TTest *const *store_postgres_open_tests(unsigned *ret_n)
{
        static const TTest *tests[16];
        unsigned n = 0;

        tests[n++] = addresses_that_lead_to_no_ledger;
        tests[n++] = a_wrong_password_is_named_and_not_shown;
        tests[n++] = another_encoding_is_refused;
        tests[n++] = without_leave_the_schema_is_not_touched;
        tests[n++] = an_edited_migration_is_refused;
        tests[n++] = a_gap_in_the_record_is_refused;
        tests[n++] = a_newer_schema_is_refused_unless_it_says_that_we_fit;
        tests[n++] = a_half_made_schema_is_refused;
        tests[n++] = an_altered_last_record_stops_the_writes;
        tests[n++] = missing_rights_are_named;
        tests[n++] = a_migration_that_fails_changes_nothing;
        tests[n++] = both_schemas_hold_the_same_tables_and_columns;
        *ret_n = n;
        return tests;
}
