/* A ledger goes from SQLite to PostgreSQL and back, as a whole or not at all.
 * TEST_COPY_ORDERS is how many orders the large one has; with 1000000 it is the figure of
 * docs/database.md. */
#include "ledger_fill.h"
#include "postgres_server.h"
#include "store_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/ledger_copy.h"

#define SMALL      12000U /* three batches of legs */
#define LARGE      20000U
#define MEMORY_MAX (64L << 10) /* KiB */

static char directory[64], sqlite_url[128], other_url[128];
static const char *postgres_url;

/* --- the two databases of a test --- */

static void setup_files(void)
{
        snprintf(directory, sizeof(directory), "/tmp/ordo-copy-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(sqlite_url, sizeof(sqlite_url), "sqlite:%s/ordo.db", directory);
        snprintf(other_url, sizeof(other_url), "sqlite:%s/other.db", directory);
        postgres_url = postgres_server_database();
}

static void remove_files(void)
{
        char command[128];
        snprintf(command, sizeof(command), "rm -rf '%s'", directory);
        ck_assert_int_eq(system(command), 0);
}

static int open_at(const char *url, char error[static STORE_ERROR_SIZE], struct store **ret)
{
        const struct store_options o = {.url = url, .migrations_dir = MIGRATIONS, .migrate = true};
        return store_open(ledger.loop, &o, error, ret);
}

static int suite_open(struct loop *loop, unsigned queue_max, char error[static STORE_ERROR_SIZE],
                      struct store **ret)
{
        return open_at(sqlite_url, error, ret);
}

static void close_ledger(void)
{
        ledger.store = store_close(ledger.store);
}

static void fill(unsigned n)
{
        ledger_fill(n);
        close_ledger();
}

static void sql(const char *url, const char *statements)
{
        char *why = NULL;
        sqlite3 *db;
        ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &db), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, statements, NULL, NULL, &why) == SQLITE_OK, "%s", why);
        sqlite3_close(db);
}

/* --- copying --- */

static int try_copy(struct ledger_copy *c, const char *from, const char *to,
                    char error[static STORE_ERROR_SIZE])
{
        c->from = from;
        c->to = to;
        c->migrations_dir = MIGRATIONS;
        return ledger_copy(c, error);
}

static struct ledger_copy copies(const char *from, const char *to)
{
        struct ledger_copy c = {};
        char error[STORE_ERROR_SIZE];
        int r = try_copy(&c, from, to, error);
        ck_assert_msg(r == 0, "%d: %s", r, error);
        return c;
}

static void refused(struct ledger_copy c, const char *from, const char *to, int expected,
                    const char *words)
{
        char error[STORE_ERROR_SIZE];
        int r = try_copy(&c, from, to, error);
        ck_assert_msg(r == expected, "%d instead of %d: %s", r, expected, error);
        ck_assert_msg(strstr(error, words), "'%s' is not in '%s'", words, error);
}

static void cannot_open(const char *url, const char *words)
{
        char error[STORE_ERROR_SIZE] = "";
        struct store *s = NULL;
        ck_assert_int_lt(open_at(url, error, &s), 0);
        ck_assert_msg(strstr(error, words), "'%s' is not in '%s'", words, error);
}

static const struct ledger_copied *table_of(const struct ledger_copy *c, const char *name)
{
        for (unsigned i = 0; i < c->n_tables; i++)
                if (strcmp(c->tables[i].table, name) == 0)
                        return &c->tables[i];
        ck_abort_msg("table %s was not copied", name);
}

static void assert_same_copy(const struct ledger_copy *a, const struct ledger_copy *b)
{
        ck_assert_uint_eq(a->n_tables, b->n_tables);
        for (unsigned i = 0; i < a->n_tables; i++) {
                ck_assert_str_eq(a->tables[i].table, b->tables[i].table);
                ck_assert_int_eq(a->tables[i].rows, b->tables[i].rows);
                ck_assert_str_eq(a->tables[i].digest, b->tables[i].digest);
        }
}

/* In a process of its own, which dies by SIGKILL while the third batch of legs is not committed. */
static void die(struct ledger_copy *c, const char *verb, const char *table, int64_t rows,
                int64_t total)
{
        if (strcmp(verb, "copy") == 0 && strcmp(table, "legs") == 0 &&
            rows >= 2 * LEDGER_BATCH_ROWS)
                (void)raise(SIGKILL);
}

static void copy_until_killed(const char *from, const char *to)
{
        int status;
        pid_t pid = fork();
        if (pid == 0) {
                struct ledger_copy c = {.progress = die};
                char error[STORE_ERROR_SIZE];
                _exit(try_copy(&c, from, to, error) == 0 ? 0 : 1);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
}

/* --- the tests --- */

START_TEST(there_and_back)
{
        struct order *first, *again;
        char error[STORE_ERROR_SIZE];
        struct store_order_list list = {.job = {.op = STORE_ORDER_LIST}, .status = -1, .limit = 1};

        ledger_fill(500);
        ck_assert_int_eq(store_run(ledger.store, &list.job), STORE_OK);
        ck_assert_uint_eq(list.n_orders, 1);
        first = list.orders[0];
        close_ledger();

        struct ledger_copy there = copies(sqlite_url, postgres_url);
        ck_assert_int_eq(table_of(&there, "orders")->rows, 500);
        ck_assert_int_eq(table_of(&there, "orders")->copied, 500);
        ck_assert_int_eq(table_of(&there, "guest_rows")->rows, 5);
        ck_assert_int_eq(table_of(&there, "killswitch_epoch")->rows, 1);
        ck_assert_int_eq(there.audit_records, 1000);
        struct ledger_copy back = copies(postgres_url, other_url);
        assert_same_copy(&there, &back);

        ck_assert_int_eq(open_at(postgres_url, error, &ledger.store), 0);
        ck_assert_int_eq(get_order(first->id, &again), STORE_OK);
        assert_same_order(first, again);
        order_free(again);
        /* the kill switch's epoch, too: one with the old one is stale */
        struct order *next = new_order_on("paper:demo");
        ck_assert_int_eq(put_intent(next, "another"), STORE_STALE);
        order_free(next);
        ck_assert_int_eq(assert_chain(), 1000);
        store_orders_free(list.orders, list.n_orders);
}
END_TEST

START_TEST(one_that_was_killed_goes_on)
{
        fill(SMALL);
        copy_until_killed(sqlite_url, postgres_url);
        cannot_open(postgres_url, "ordoctl db copy");
        struct ledger_copy there = copies(sqlite_url, postgres_url);
        const struct ledger_copied *legs = table_of(&there, "legs");
        ck_assert_int_eq(legs->copied, legs->rows - 2 * LEDGER_BATCH_ROWS);
        ck_assert_int_eq(table_of(&there, "audit")->copied, 0);

        copy_until_killed(postgres_url, other_url);
        cannot_open(other_url, "ordoctl db copy");
        refused((struct ledger_copy){}, other_url, postgres_url, -EPROTO, "not finished");
        struct ledger_copy back = copies(postgres_url, other_url);
        ck_assert_int_eq(table_of(&back, "legs")->copied, legs->rows - 2 * LEDGER_BATCH_ROWS);
        assert_same_copy(&there, &back);
}
END_TEST

static void cut(struct ledger_copy *c, const char *verb, const char *table, int64_t rows,
                int64_t total)
{
        if (strcmp(verb, "copy") == 0 && strcmp(table, "legs") == 0)
                postgres_server_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                    "application_name='ordoctl db copy'");
}

START_TEST(a_connection_that_is_lost)
{
        fill(SMALL);
        refused((struct ledger_copy){.progress = cut}, sqlite_url, postgres_url, -ECONNREFUSED,
                "postgresql");
        struct ledger_copy there = copies(sqlite_url, postgres_url);
        const struct ledger_copied *legs = table_of(&there, "legs");
        ck_assert_int_eq(legs->copied, legs->rows - LEDGER_BATCH_ROWS);

        refused((struct ledger_copy){.progress = cut}, postgres_url, other_url, -ECONNREFUSED,
                "postgresql");
        struct ledger_copy back = copies(postgres_url, other_url);
        ck_assert_int_lt(table_of(&back, "legs")->copied, legs->rows);
        assert_same_copy(&there, &back);
}
END_TEST

START_TEST(a_source_that_changes_in_between)
{
        fill(SMALL);
        copy_until_killed(sqlite_url, postgres_url);
        sql(sqlite_url, "UPDATE legs SET status='FILLED' WHERE row=(SELECT min(row) FROM legs)");
        refused((struct ledger_copy){}, sqlite_url, postgres_url, -EBADMSG, "--restart");
        cannot_open(postgres_url, "ordoctl db copy");

        struct ledger_copy c = {.restart = true};
        char error[STORE_ERROR_SIZE];
        ck_assert_msg(try_copy(&c, sqlite_url, postgres_url, error) == 0, "%s", error);
        ck_assert_int_eq(table_of(&c, "legs")->copied, table_of(&c, "legs")->rows);
}
END_TEST

START_TEST(a_target_that_changes_in_between)
{
        fill(SMALL);
        copy_until_killed(sqlite_url, postgres_url);
        postgres_server_sql("UPDATE answers SET body='another' WHERE order_row=7");
        refused((struct ledger_copy){}, sqlite_url, postgres_url, -EBADMSG, "answers");
}
END_TEST

static int held_result;
static char held_error[STORE_ERROR_SIZE];

static void open_meanwhile(struct ledger_copy *c, const char *verb, const char *table, int64_t rows,
                           int64_t total)
{
        struct store *s = NULL;
        if (held_result == 0)
                held_result = open_at(c->to, held_error, &s);
}

START_TEST(who_uses_the_ledger_keeps_the_copy_away)
{
        char error[STORE_ERROR_SIZE];

        ledger_fill(3);
        refused((struct ledger_copy){}, sqlite_url, postgres_url, -EBUSY, "stop that one first");
        close_ledger();
        ck_assert_int_eq(open_at(postgres_url, error, &ledger.store), 0);
        refused((struct ledger_copy){}, sqlite_url, postgres_url, -EBUSY, "in use by a daemon");
        refused((struct ledger_copy){}, postgres_url, other_url, -EBUSY, "in use by a daemon");
        close_ledger();
        (void)copies(sqlite_url, postgres_url);
}
END_TEST

START_TEST(a_copy_keeps_daemons_away)
{
        fill(SMALL);
        struct ledger_copy c = {.progress = open_meanwhile};
        char error[STORE_ERROR_SIZE];
        ck_assert_msg(try_copy(&c, sqlite_url, postgres_url, error) == 0, "%s", error);
        ck_assert_int_lt(held_result, 0);
        ck_assert_msg(strstr(held_error, "ordoctl db copy is copying"), "%s", held_error);
        held_result = 0;
        c.progress = open_meanwhile;
        ck_assert_msg(try_copy(&c, postgres_url, other_url, error) == 0, "%s", error);
        ck_assert_int_eq(held_result, -EBUSY);
}
END_TEST

START_TEST(a_target_with_orders_in_it)
{
        fill(3);
        (void)copies(sqlite_url, postgres_url);
        refused((struct ledger_copy){}, sqlite_url, postgres_url, -EEXIST, "not empty");
        /* --restart is for what a copy left, not for a ledger. */
        refused((struct ledger_copy){.restart = true}, sqlite_url, postgres_url, -EEXIST,
                "not empty");
}
END_TEST

START_TEST(schemas_that_are_not_alike)
{
        fill(3);
        (void)copies(sqlite_url, postgres_url);
        postgres_server_sql("ALTER TABLE legs ADD COLUMN more BIGINT");
        refused((struct ledger_copy){}, postgres_url, other_url, -EPROTO, "legs");
        postgres_server_sql("ALTER TABLE legs DROP COLUMN more;CREATE TABLE more (a BIGINT)");
        refused((struct ledger_copy){}, postgres_url, other_url, -EPROTO, "more");
        postgres_server_sql("DROP TABLE more;ALTER TABLE legs ALTER COLUMN day TYPE NUMERIC");
        refused((struct ledger_copy){}, postgres_url, other_url, -EPROTO, "day");
}
END_TEST

START_TEST(an_audit_that_is_broken)
{
        fill(3);
        sql(sqlite_url, "UPDATE audit SET record=replace(record,'tester','tamper') WHERE seq=2");
        refused((struct ledger_copy){}, sqlite_url, postgres_url, -EBADMSG,
                "the audit is broken at record 2");
        cannot_open(postgres_url, "ordoctl db copy");
}
END_TEST

START_TEST(a_ledger_that_is_not_there)
{
        close_ledger();
        refused((struct ledger_copy){}, other_url, postgres_url, -ENOENT, "other.db");
        ck_assert_int_eq(access(other_url + strlen("sqlite:"), F_OK), -1);
        refused((struct ledger_copy){}, sqlite_url, "postgresql:///ordo?host=/nonexistent",
                -ECONNREFUSED, "/nonexistent");
        refused((struct ledger_copy){}, postgres_url, other_url, -EPROTO, "ordoctl migrate up");
}
END_TEST

START_TEST(values_at_the_edges)
{
        fill(3);
        sql(sqlite_url, "UPDATE legs SET worth=9223372036854775807,"
                        "quantity=-9223372036854775807-1,message='',client_order_id=NULL,"
                        "broker_message=CAST(x'61ff0062' AS TEXT) WHERE "
                        "row=(SELECT min(row) FROM legs);"
                        "UPDATE sessions SET value=x''");
        struct ledger_copy there = copies(sqlite_url, postgres_url);
        char found[160];
        ck_assert_int_eq(there.mended_texts, 1);
        postgres_server_ask("SELECT worth||' '||quantity||' '||broker_message||'.'||message||'.'||"
                            "(client_order_id IS NULL) FROM legs ORDER BY row LIMIT 1",
                            found, sizeof(found));
        ck_assert_str_eq(found, "9223372036854775807 -9223372036854775808 a??b..true");
        postgres_server_ask("SELECT length(value) FROM sessions", found, sizeof(found));
        ck_assert_str_eq(found, "0");
        struct ledger_copy back = copies(postgres_url, other_url);
        ck_assert_int_eq(back.mended_texts, 0);
        assert_same_copy(&there, &back);
}
END_TEST

/* --- the command --- */

/* Its exit status; what it printed to `ret`. */
static int ordoctl(const char *const *arguments, struct rusage *usage, char *ret, size_t size)
{
        int pipe_fd[2], status;
        size_t n = 0;
        ssize_t got;

        ck_assert_int_eq(pipe(pipe_fd), 0);
        pid_t pid = fork();
        if (pid == 0) {
                (void)dup2(pipe_fd[1], STDOUT_FILENO);
                (void)dup2(pipe_fd[1], STDERR_FILENO);
                close(pipe_fd[0]);
                setenv("ORDO_STATE_DIR", directory, 1);
                setenv("ORDO_MIGRATIONS_DIR", MIGRATIONS, 1);
                execv(ORDOCTL, (char *const *)arguments);
                _exit(127);
        }
        close(pipe_fd[1]);
        /* the end of what does not fit is what counts */
        while ((got = read(pipe_fd[0], ret + n, size - 1 - n)) > 0) {
                n += (size_t)got;
                if (n > size / 2) {
                        size_t half = n / 2;
                        for (size_t i = half; i < n; i++)
                                ret[i - half] = ret[i];
                        n -= half;
                }
        }
        ret[n] = '\0';
        close(pipe_fd[0]);
        ck_assert_int_eq(wait4(pid, &status, 0, usage), pid);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void prints(int expected, const char *words, const char *from, const char *to,
                   const char *option)
{
        const char *const arguments[] = {"ordoctl", "db", "copy", from, to, option, NULL};
        static char out[16384];
        struct rusage usage;
        int status = ordoctl(arguments, &usage, out, sizeof(out));
        ck_assert_msg(status == expected, "%d instead of %d: %s", status, expected, out);
        ck_assert_msg(strstr(out, words), "'%s' is not in: %s", words, out);
}

START_TEST(on_the_command_line)
{
        char file[128], at[130];

        fill(100);
        prints(1, "password", sqlite_url, "postgresql://ordo:secret@localhost/ordo", NULL);
        prints(1, "password", sqlite_url, "postgresql:///ordo?password=secret", NULL);
        prints(1, "one of the two", sqlite_url, other_url, NULL);
        prints(1, "sqlite:/path", "mysql://x", postgres_url, NULL);
        snprintf(file, sizeof(file), "%s/url", directory);
        snprintf(at, sizeof(at), "@%s", file);
        FILE *f = fopen(file, "w");
        fprintf(f, "%s\n", postgres_url);
        fclose(f);
        prints(0, "Both sides are the same", sqlite_url, at, NULL);
        prints(2, "not empty", sqlite_url, at, NULL);
        prints(0, "\"event\":\"done\"", at, other_url, "--json");
        prints(5, "nonexistent", sqlite_url, "postgresql:///ordo?host=/nonexistent", NULL);
}
END_TEST

/* Under sanitizers and valgrind, which make everything slow, it is a small one. */
static unsigned large(void)
{
        const char *wanted = getenv("TEST_COPY_ORDERS");

        if (wanted)
                return (unsigned)strtoul(wanted, NULL, 10);
        return getenv("TEST_SLOW") ? LARGE / 10 : LARGE;
}

/* Rate and memory, of the program as a user runs it. */
static void measure(const char *what, const char *from, const char *to, unsigned orders)
{
        const char *const arguments[] = {"ordoctl", "db", "copy", from, to, NULL};
        static char out[16384];
        struct rusage usage = {};
        int64_t begun_us = clock_mono_us();

        int status = ordoctl(arguments, &usage, out, sizeof(out));
        int64_t took_ms = (clock_mono_us() - begun_us) / USEC_PER_MS;
        ck_assert_msg(status == 0, "%d: %s", status, out);
        fprintf(stderr,
                "# %s: %u orders in %lld ms (%ld s of a processor), %lld orders/s, %ld KiB at "
                "most\n%s",
                what, orders, (long long)took_ms,
                (long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec),
                (long long)orders * 1000 / (took_ms ? took_ms : 1), usage.ru_maxrss, out);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        ck_assert_int_le(usage.ru_maxrss, MEMORY_MAX);
#endif
}

START_TEST(memory_does_not_grow_with_the_ledger)
{
        unsigned orders = large();

        fill(orders);
        measure("to PostgreSQL", sqlite_url, postgres_url, orders);
        measure("to SQLite", postgres_url, other_url, orders);
}
END_TEST

static const struct suite_driver driver = {
        .name = "sqlite", .setup = setup_files, .teardown = remove_files, .open = suite_open};

int main(void)
{
        const TTest *const tests[] = {
                there_and_back,
                one_that_was_killed_goes_on,
                a_connection_that_is_lost,
                a_source_that_changes_in_between,
                a_target_that_changes_in_between,
                who_uses_the_ledger_keeps_the_copy_away,
                a_copy_keeps_daemons_away,
                a_target_with_orders_in_it,
                schemas_that_are_not_alike,
                an_audit_that_is_broken,
                a_ledger_that_is_not_there,
                values_at_the_edges,
                on_the_command_line,
                memory_does_not_grow_with_the_ledger,
        };

        const char *why = postgres_server_start("/tmp", false);
        if (why) {
                printf("1..0 # SKIP %s\n", why);
                return 0;
        }
        int r = store_suite_own(&driver, "copy of a ledger", tests, ELEMENTS(tests));
        postgres_server_stop();
        return r;
}
