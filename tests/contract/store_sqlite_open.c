/* Opening what cannot be opened, migrations, backups. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_sqlite.h"

#define DEMO "paper:demo"

static void close_ledger(void)
{
        ledger.store = store_close(ledger.store);
}

/* Must fail so, with these words in the text. */
static void refused(const struct store_options *o, int expected, const char *words)
{
        char error[STORE_ERROR_SIZE];
        struct store *s = NULL;
        int r = sqlite_store_open(o, error, &s);
        ck_assert_msg(r == expected, "%d instead of %d: %s", r, expected, error);
        ck_assert_ptr_null(s);
        ck_assert_msg(strstr(error, words), "'%s' is not in '%s'", words, error);
}

static void opens(const struct store_options *o)
{
        char error[STORE_ERROR_SIZE];
        int r = sqlite_store_open(o, error, &ledger.store);
        ck_assert_msg(r == 0, "%d: %s", r, error);
}

START_TEST(urls_that_name_no_ledger)
{
        struct store_options o = sqlite_options();

        o.url = "mysql://localhost";
        refused(&o, -EINVAL, "sqlite:");
        o.url = "sqlite:";
        refused(&o, -EINVAL, "names no file");
        o.url = "sqlite:/nonexistent/dir/ordo.db";
        refused(&o, -ENOENT, "must exist and be writable");
        char url[200];
        snprintf(url, sizeof(url), "sqlite:%s", in_dir(""));
        o.url = url;
        refused(&o, -EBADMSG, ""); /* a directory */
}
END_TEST

START_TEST(a_read_only_directory)
{
        struct store_options o = sqlite_options();
        char url[200];

        close_ledger();
        if (geteuid() != 0) {
                chmod(in_dir(""), 0500);
                refused(&o, -EACCES, "Permission denied");
                chmod(in_dir(""), 0700);
                return;
        }
        /* nothing stops root but a file system that takes no files */
        snprintf(url, sizeof(url), "sqlite:/proc/self/ordo.db");
        o.url = url;
        refused(&o, -ENOENT, "must exist and be writable");
}
END_TEST

START_TEST(files_are_private)
{
        static const char *const names[] = {"ordo.db", "ordo.db-wal", "ordo.db.lock",
                                            "ordo.db.reserve"};
        umask(0);
        close_ledger();
        unlink(in_dir("ordo.db"));
        struct store_options o = sqlite_options();
        opens(&o);
        for (unsigned i = 0; i < ELEMENTS(names); i++) {
                struct stat st;
                ck_assert_int_eq(stat(in_dir(names[i]), &st), 0);
                ck_assert_int_eq(st.st_mode & 077, 0);
        }
}
END_TEST

START_TEST(a_second_one_is_told_who_holds_it)
{
        struct store_options o = sqlite_options();
        char words[64];
        int status;

        snprintf(words, sizeof(words), "is held by process %d", (int)getpid());
        refused(&o, -EBUSY, words);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                char error[STORE_ERROR_SIZE];
                struct store *s;
                int r = store_open(NULL, &o, error, &s);
                _exit(r == -EBUSY && strstr(error, words) ? 0 : 1);
        }
        waitpid(child, &status, 0);
        ck_assert_int_eq(status, 0);
        ledger_reopen(); /* closing gives it back */
}
END_TEST

START_TEST(the_lock_goes_with_its_process)
{
        struct store_options o = sqlite_options();
        char words[64];
        int ready[2];
        char c;

        close_ledger();
        ck_assert_int_eq(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
                char error[STORE_ERROR_SIZE];
                struct store *s;
                if (store_open(NULL, &o, error, &s) == 0)
                        c = write(ready[1], "x", 1) == 1;
                pause();
        }
        ck_assert_int_eq(read(ready[0], &c, 1), 1);
        snprintf(words, sizeof(words), "is held by process %d", (int)child);
        refused(&o, -EBUSY, words);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        opens(&o);
}
END_TEST

START_TEST(damaged_and_foreign_files)
{
        struct store_options o = sqlite_options();
        char junk[8192];
        FILE *f;

        for (int i = 0; i < 200; i++) {
                _cleanup_(order_freep) struct order *order = new_order_on(DEMO);
                ck_assert_int_eq(put_intent(order, NULL), STORE_OK);
        }
        close_ledger();
        /* a page in the middle */
        f = fopen(in_dir("ordo.db"), "r+");
        fseek(f, 4096, SEEK_SET);
        memset(junk, 0xa5, sizeof(junk));
        fwrite(junk, 1, sizeof(junk), f);
        fclose(f);
        refused(&o, -EBADMSG, "");
        /* no database at all */
        write_file(in_dir("ordo.db"), junk, sizeof(junk));
        refused(&o, -EBADMSG, "is not a database: restore a backup");
        /* cut off */
        write_file(in_dir("ordo.db"), "SQLite format 3", 16);
        refused(&o, -EBADMSG, "is not a database");
        /* somebody else's */
        unlink(in_dir("ordo.db"));
        write_file(in_dir("ordo.db"), "", 0);
        sql("CREATE TABLE t (x); PRAGMA user_version=3;");
        refused(&o, -EBADMSG, "a database of another program");
        /* an empty file is a new ledger */
        unlink(in_dir("ordo.db"));
        write_file(in_dir("ordo.db"), "", 0);
        opens(&o);
}
END_TEST

START_TEST(damage_after_a_crash_is_found_at_once)
{
        struct store_options o = sqlite_options();
        char junk[4096];
        int status;

        close_ledger();
        pid_t child = fork();
        if (child == 0) {
                opens(&o);
                for (int i = 0; i < 300; i++) {
                        struct order *order = new_order_on(DEMO);
                        put_intent(order, NULL);
                }
                _exit(0); /* as a crash would: the WAL stays */
        }
        waitpid(child, &status, 0);
        opens(&o);
        ck_assert_int_eq(assert_chain(), 300);
        close_ledger();
        child = fork();
        if (child == 0) {
                opens(&o);
                struct order *order = new_order_on(DEMO);
                put_intent(order, NULL);
                _exit(0);
        }
        waitpid(child, &status, 0);
        memset(junk, 0x5a, sizeof(junk));
        FILE *f = fopen(in_dir("ordo.db"), "r+");
        fseek(f, 20 * 4096, SEEK_SET);
        fwrite(junk, 1, sizeof(junk), f);
        fclose(f);
        refused(&o, -EBADMSG, "restore a backup");
}
END_TEST

START_TEST(an_altered_last_record_is_found_at_once)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct store_options options = sqlite_options();

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        close_ledger();
        sql("UPDATE audit SET record=replace(record,'tester','nobody')");
        refused(&options, -EBADMSG, "audit record (1)");
}
END_TEST

/* A copy of the migrations, to tamper with. */
static struct store_options own_migrations(void)
{
        static char dir[160];
        char command[400];
        struct store_options o = sqlite_options();

        snprintf(dir, sizeof(dir), "%s", in_dir("migrations"));
        snprintf(command, sizeof(command), "cp -r %s %s", MIGRATIONS, dir);
        ck_assert_int_eq(system(command), 0);
        o.migrations_dir = dir;
        return o;
}

static void add_migration(const char *name, const char *text)
{
        char path[100];
        snprintf(path, sizeof(path), "migrations/sqlite/%s", name);
        write_file(in_dir(path), text, strlen(text));
}

START_TEST(an_edited_migration_is_refused)
{
        struct store_options o = own_migrations();
        FILE *f = fopen(in_dir("migrations/sqlite/0001_ledger.sql"), "a");

        fputs("\n-- harmless, is it not?\n", f);
        fclose(f);
        close_ledger();
        refused(&o, -EPROTO, "0001_ledger was edited after it was applied");
}
END_TEST

START_TEST(migrations_run_once_after_a_backup)
{
        _cleanup_(order_freep) struct order *order = new_order_on(DEMO);
        struct store_options o = own_migrations();
        struct order *back;

        ck_assert_int_eq(put_intent(order, NULL), STORE_OK);
        close_ledger();
        add_migration("0002_more.sql", "CREATE TABLE more (x INTEGER) STRICT;\n"
                                       "INSERT INTO more VALUES (1);\n");
        o.migrate = false;
        refused(&o, -EPROTO, "run ordoctl migrate up");
        o.migrate = true;
        opens(&o);
        ck_assert_int_eq(store_schema_version(ledger.store), 2);
        close_ledger();
        opens(&o);
        ck_assert_int_eq(store_schema_version(ledger.store), 2);
        ck_assert_int_eq(get_order(order->id, &back), STORE_OK);
        order_free(back);
        close_ledger();
        sql("INSERT INTO more SELECT 1 WHERE (SELECT count(*) FROM more)=1; "
            "CREATE UNIQUE INDEX once ON schema_migrations (version);");
        /* the copy is a ledger of before */
        char url[200];
        snprintf(url, sizeof(url), "sqlite:%s", in_dir("ordo.db.before-0002"));
        struct store_options before = sqlite_options();
        before.url = url;
        opens(&before);
        ck_assert_int_eq(store_schema_version(ledger.store), 1);
        ck_assert_int_eq(get_order(order->id, &back), STORE_OK);
        order_free(back);
}
END_TEST

START_TEST(a_migration_that_fails_changes_nothing)
{
        struct store_options o = own_migrations();

        close_ledger();
        add_migration("0002_bad.sql", "CREATE TABLE more (x);\nINSERT INTO nowhere VALUES (1);\n");
        refused(&o, -EBADMSG, "migration 0002_bad");
        refused(&o, -EBADMSG, "migration 0002_bad"); /* no leftover of the first try */
        struct store_options good = sqlite_options();
        opens(&good);
        ck_assert_int_eq(store_schema_version(ledger.store), 1);
}
END_TEST

START_TEST(a_newer_schema_is_refused_unless_it_says_that_we_fit)
{
        struct store_options o = own_migrations(), ours = sqlite_options();

        close_ledger();
        add_migration("0002_wider.sql", "-- needs: 1\nCREATE TABLE wider (x);\n");
        opens(&o);
        close_ledger();
        opens(&ours); /* rolled back to this release */
        ck_assert_int_eq(store_schema_version(ledger.store), 2);
        close_ledger();
        add_migration("0003_other.sql", "DROP TABLE wider;\n");
        opens(&o);
        close_ledger();
        refused(&ours, -EPROTO, "the schema is version 3 and this program knows 1");
        unlink(in_dir("migrations/sqlite/0002_wider.sql"));
        refused(&o, -EPROTO, "migration 0002 is missing");
}
END_TEST

START_TEST(migrations_that_are_not_there)
{
        struct store_options o = sqlite_options();

        close_ledger();
        o.migrations_dir = "/nonexistent";
        refused(&o, -ENOENT, "/nonexistent/sqlite");
        o = own_migrations();
        unlink(in_dir("migrations/sqlite/0001_ledger.sql"));
        refused(&o, -ENOENT, "holds 0 migrations");
        add_migration("0001_x.sql", "-- needs: 7\nSELECT 1;\n");
        refused(&o, -ERANGE, "migration 0001_x.sql");
}
END_TEST

START_TEST(a_backup_is_whole_and_checked)
{
        enum { N = 50 };
        struct order *orders[N], *back;
        struct store_backup b = {.job = {.op = STORE_BACKUP}, .path = in_dir("copy.db")};
        struct store_options o = sqlite_options();
        struct stat st;
        char url[200];

        for (int i = 0; i < N; i++) {
                orders[i] = new_order_on(DEMO);
                ck_assert_int_eq(put_intent(orders[i], NULL), STORE_OK);
        }
        ck_assert_int_eq(ledger_submit(&b.job), STORE_OK);
        ck_assert_int_eq(stat(b.path, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        ck_assert_int_ne(access(in_dir("copy.db-wal"), F_OK), 0);
        ck_assert_int_eq(ledger_submit(&b.job), STORE_FAILED);
        ck_assert_ptr_nonnull(strstr(b.job.error, "File exists"));
        b.path = "/nonexistent/copy.db";
        ck_assert_int_eq(ledger_submit(&b.job), STORE_FAILED);
        close_ledger();
        snprintf(url, sizeof(url), "sqlite:%s", in_dir("copy.db"));
        o.url = url;
        opens(&o);
        for (int i = 0; i < N; i++) {
                ck_assert_int_eq(get_order(orders[i]->id, &back), STORE_OK);
                assert_same_order(orders[i], back);
                order_free(back);
                order_free(orders[i]);
        }
        ck_assert_int_eq(assert_chain(), N);
}
END_TEST

START_TEST(a_backup_of_a_damaged_ledger_fails)
{
        struct store_backup b = {.job = {.op = STORE_BACKUP}, .path = in_dir("copy.db")};
        char junk[4096];

        for (int i = 0; i < 100; i++) {
                _cleanup_(order_freep) struct order *order = new_order_on(DEMO);
                ck_assert_int_eq(put_intent(order, NULL), STORE_OK);
        }
        ledger_reopen(); /* everything is in the file now */
        FILE *f = fopen(in_dir("ordo.db"), "r+");
        fseek(f, 6 * 4096, SEEK_SET);
        memset(junk, 0x5a, sizeof(junk));
        fwrite(junk, 1, sizeof(junk), f);
        fclose(f);
        ck_assert_int_eq(ledger_submit(&b.job), STORE_FAILED);
        ck_assert_int_ne(access(in_dir("copy.db"), F_OK), 0);
}
END_TEST

START_TEST(orders_go_on_during_a_backup)
{
        static struct store_backup backups[3];
        static const char *const names[] = {"a.db", "b.db", "c.db"};
        char paths[3][200];
        unsigned n_ok = 0;

        for (int i = 0; i < 3; i++) {
                snprintf(paths[i], sizeof(paths[i]), "%s", in_dir(names[i]));
                backups[i] = (struct store_backup){.job = {.op = STORE_BACKUP, .done = ledger_done},
                                                   .path = paths[i]};
                store_submit(ledger.store, &backups[i].job);
        }
        for (int i = 0; i < 50; i++) {
                _cleanup_(order_freep) struct order *order = new_order_on(DEMO);
                ck_assert_int_eq(put_intent(order, NULL), STORE_OK);
        }
        ledger_wait(3);
        for (int i = 0; i < 3; i++) {
                n_ok += backups[i].job.result == STORE_OK;
                if (backups[i].job.result != STORE_OK) {
                        ck_assert_int_eq(backups[i].job.result, STORE_UNAVAILABLE);
                        ck_assert_str_eq(backups[i].job.error, "a backup is running already");
                }
        }
        ck_assert_uint_ge(n_ok, 1);
        store_submit(ledger.store, &backups[2].job); /* closing waits for it */
        unlink(paths[2]);
        ledger.store = store_close(ledger.store);
}
END_TEST

const TTest *const *store_sqlite_open_tests(unsigned *ret_n)
{
        static const TTest *tests[24];
        unsigned n = 0;

        tests[n++] = urls_that_name_no_ledger;
        tests[n++] = a_read_only_directory;
        tests[n++] = files_are_private;
        tests[n++] = a_second_one_is_told_who_holds_it;
        tests[n++] = the_lock_goes_with_its_process;
        tests[n++] = damaged_and_foreign_files;
        tests[n++] = damage_after_a_crash_is_found_at_once;
        tests[n++] = an_altered_last_record_is_found_at_once;
        tests[n++] = an_edited_migration_is_refused;
        tests[n++] = migrations_run_once_after_a_backup;
        tests[n++] = a_migration_that_fails_changes_nothing;
        tests[n++] = a_newer_schema_is_refused_unless_it_says_that_we_fit;
        tests[n++] = migrations_that_are_not_there;
        tests[n++] = a_backup_is_whole_and_checked;
        tests[n++] = a_backup_of_a_damaged_ledger_fails;
        tests[n++] = orders_go_on_during_a_backup;
        *ret_n = n;
        return tests;
}
