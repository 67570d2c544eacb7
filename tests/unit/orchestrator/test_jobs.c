/* Background jobs. Their schedule is hours long, so the test holds the file itself and runs what it
 * wants when it wants; the linker leaves the library's own out. */
#include "orchestrator/job.c"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

static const struct world_options plain = {};

static void append(unsigned n, int64_t at_us)
{
        static struct audit_record records[500];
        struct store_append put = {.job.op = STORE_APPEND, .audit = records, .n_audit = n};
        for (unsigned i = 0; i < n; i++) {
                records[i] = (struct audit_record){
                        .action = AUDIT_STARTED, .component = "t", .actor = "t", .at_us = at_us};
                text_add(&records[i].payload, "{}");
        }
        ck_assert_int_eq(store_run(world.store, &put.job), STORE_OK);
        for (unsigned i = 0; i < n; i++)
                audit_record_done(&records[i]);
}

static void make_due(enum job job)
{
        struct jobs *j = world.o->jobs;
        for (unsigned i = 0; i < 1000 && j->busy; i++)
                world_rest();
        clock_fake_advance(SECONDS(1));
        for (unsigned i = 0; i < _JOB_MAX; i++)
                j->views[i].next_run_us = i == job ? 0 : INT64_MAX / 2;
        run_due(j);
}

/* It does not begin, and says why. */
static const char *run_refused(enum job job)
{
        make_due(job);
        ck_assert(!world.o->jobs->busy);
        return world.o->jobs->views[job].last_error;
}

static const struct job_view *run(enum job job)
{
        struct jobs *j = world.o->jobs;
        const struct job_view *views;
        make_due(job);
        ck_assert(j->busy);
        run_due(j); /* one at a time */
        for (unsigned i = 0; i < 1000 && j->busy; i++)
                world_rest();
        ck_assert_uint_eq(status_jobs(world.o, &views), _JOB_MAX);
        ck_assert(!views[job].running);
        ck_assert_int_eq(views[job].last_run_us, clock_wall_us());
        return &views[job];
}

static unsigned files(void)
{
        char path[128];
        unsigned n = 0;
        snprintf(path, sizeof(path), "%s/audit", world.dir);
        DIR *d = opendir(path);
        ck_assert_ptr_nonnull(d);
        for (const struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        closedir(d);
        return n;
}

START_TEST(test_export)
{
        world_open(&plain);
        append(500, clock_wall_us());
        append(500, clock_wall_us());
        append(500, clock_wall_us()); /* more than one page */
        const struct job_view *v = run(JOB_EXPORT);
        ck_assert_str_eq(v->last_error, "");
        ck_assert_int_eq(v->last_success_us, v->last_run_us);
        ck_assert_int_eq(audit_exported(world.o->jobs->audit), 1500);
        ck_assert_uint_ge(files(), 1);
        (void)run(JOB_EXPORT); /* nothing new */
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        v = run(JOB_EXPORT);
        ck_assert_ptr_nonnull(strstr(v->last_error, "a fault"));
        ck_assert_int_lt(v->last_success_us, v->last_run_us);
        v = run(JOB_EXPORT);
        ck_assert_str_eq(v->last_error, "");
        world_close();
}
END_TEST

/* A second in which the ledger had much to do, then the export is due. True: it ran. */
static bool due_after_a_busy_second(unsigned jobs)
{
        struct jobs *j = world.o->jobs;
        const struct job_view *v = &j->views[JOB_EXPORT];

        (void)ledger_busy(j);
        append(1, clock_wall_us());
        j->ledger_jobs -= jobs - 1; /* as if */
        clock_fake_advance(SECONDS(1));
        j->views[JOB_TIDY].next_run_us = INT64_MAX / 2;
        j->views[JOB_EXPORT].next_run_us = clock_wall_us();
        run_due(j);
        bool ran = j->busy;
        if (!ran)
                ck_assert_int_eq(v->next_run_us, clock_wall_us() + EXPORT_EVERY_US);
        for (unsigned i = 0; i < 1000 && j->busy; i++)
                world_rest();
        return ran;
}

START_TEST(test_export_leaves_a_busy_ledger_alone_for_a_minute)
{
        world_open(&plain);
        for (unsigned i = 0; i < 1000 && world.o->jobs->busy; i++)
                world_rest();
        for (unsigned i = 0; i < EXPORT_LATEST_US / EXPORT_EVERY_US; i++)
                ck_assert(!due_after_a_busy_second(1500));
        int64_t before = audit_exported(world.o->jobs->audit);
        ck_assert(due_after_a_busy_second(1500));
        ck_assert_int_gt(audit_exported(world.o->jobs->audit), before);
        ck_assert(!due_after_a_busy_second(1500)); /* it begins anew */
        ck_assert(due_after_a_busy_second(500));
        world_close();
}
END_TEST

START_TEST(test_export_without_directory)
{
        char path[128];
        world_open(&plain);
        append(10, clock_wall_us());
        snprintf(path, sizeof(path), "%s/audit", world.dir);
        ck_assert_int_eq(rmdir(path), 0);
        const struct job_view *v = run(JOB_EXPORT);
        ck_assert_ptr_nonnull(strstr(v->last_error, "audit segment"));
        ck_assert_int_eq(audit_exported(world.o->jobs->audit), 0);
        ck_assert(world.o->jobs->page.rows == NULL);
        world_close();
}
END_TEST

/* However many rows are past their time: one run takes all of them. */
START_TEST(test_tidy)
{
        struct store_audit_list list = {.job.op = STORE_AUDIT_LIST, .limit = 4096};
        world_open(&(struct world_options){.sqlite = true});
        for (unsigned i = 0; i < 20; i++)
                append(500, clock_wall_us());
        append(5, clock_wall_us() + LEDGER_KEEPS_US);
        (void)run(JOB_EXPORT);
        clock_fake_advance(LEDGER_KEEPS_US + SECONDS(60));
        const struct job_view *v = run(JOB_TIDY);
        ck_assert_str_eq(v->last_error, "");
        ck_assert_int_eq(store_run(world.store, &list.job), STORE_OK);
        ck_assert_uint_eq(list.n_rows, 5);
        store_audit_rows_free(list.rows, list.n_rows);
        world_close();
}
END_TEST

START_TEST(test_tidy_fails)
{
        world_open(&plain);
        append(10, clock_wall_us());
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        const struct job_view *v = run(JOB_TIDY);
        ck_assert_ptr_nonnull(strstr(v->last_error, "a fault"));
        ck_assert_int_eq(world.o->store_failure, STORE_FULL);
        v = run(JOB_TIDY);
        ck_assert_str_eq(v->last_error, "");
        ck_assert_int_eq(world.o->store_failure, STORE_OK);
        world_close();
}
END_TEST

static unsigned ledger_rows(int64_t *ret_first)
{
        struct store_audit_list list = {.job.op = STORE_AUDIT_LIST, .limit = 4096};
        ck_assert_int_eq(store_run(world.store, &list.job), STORE_OK);
        unsigned n = list.n_rows;
        *ret_first = n > 0 ? list.rows[0].seq : 0;
        store_audit_rows_free(list.rows, list.n_rows);
        return n;
}

/* Another daemon of this ledger tells how far its files go. */
static void other_exporter(const char *key, const char *value)
{
        struct rider *rider;
        struct list riders;
        struct store_append put = {.job.op = STORE_APPEND, .riders = &riders};
        list_init(&riders);
        ck_assert_int_eq(rider_new("audit", &rider), 0);
        ck_assert_int_eq(
                rider_add(rider, "", "exporter", key, value ? strdup(value) : NULL, strlen(value)),
                0);
        list_append(&riders, &rider->link);
        ck_assert_int_eq(store_run(world.store, &put.job), STORE_OK);
}

static void exporter_at(const char *key, int64_t seq)
{
        char value[64];
        snprintf(value, sizeof(value), "%lld %lld", (long long)seq, (long long)clock_wall_us());
        other_exporter(key, value);
}

static unsigned n_exporters;

static int count_exporter(void *userdata, const char *account, const char *kind, const char *key,
                          const void *value, size_t size)
{
        n_exporters++;
        return 0;
}

static unsigned exporters(void)
{
        struct store_riders_load load = {
                .job.op = STORE_RIDERS_LOAD, .guest = "audit", .row = count_exporter};
        n_exporters = 0;
        ck_assert_int_eq(store_run(world.store, &load.job), STORE_OK);
        return n_exporters;
}

/* What a daemon that is away has not exported stays; the one that is furthest behind counts. */
static void tidy_waits_for_the_others(bool sqlite)
{
        int64_t first;
        world_open(&(struct world_options){.sqlite = sqlite});
        append(20, clock_wall_us());
        (void)run(JOB_EXPORT);
        clock_fake_advance(LEDGER_KEEPS_US + SECONDS(60));
        exporter_at("b", 12);
        exporter_at("c", 7);
        ck_assert_str_eq(run(JOB_TIDY)->last_error, "");
        (void)ledger_rows(&first);
        ck_assert_int_eq(first, 8);
        ck_assert_uint_eq(exporters(), 3);
        exporter_at("c", 100); /* further than this one */
        ck_assert_str_eq(run(JOB_TIDY)->last_error, "");
        (void)ledger_rows(&first);
        ck_assert_int_eq(first, 13);
        /* not for ever */
        clock_fake_advance(EXPORTERS_FORGET_US - SECONDS(60));
        exporter_at("c", 100);
        ck_assert_str_eq(run(JOB_TIDY)->last_error, "");
        (void)ledger_rows(&first);
        ck_assert_int_eq(first, 13);
        clock_fake_advance(SECONDS(120));
        ck_assert_str_eq(run(JOB_TIDY)->last_error, "");
        ck_assert_uint_le(ledger_rows(&first), 2);
        ck_assert_uint_eq(exporters(), 2);
        world_close();
}

START_TEST(test_tidy_waits_for_the_others)
{
        tidy_waits_for_the_others(false);
}
END_TEST

START_TEST(test_tidy_waits_for_the_others_in_sqlite)
{
        tidy_waits_for_the_others(true);
}
END_TEST

/* This state directory keeps its name, and is never in its own way. */
START_TEST(test_tidy_knows_itself)
{
        int64_t first;
        world_open(&plain);
        append(20, clock_wall_us());
        (void)run(JOB_EXPORT);
        ck_assert_str_eq(run(JOB_TIDY)->last_error, "");
        world_sleep();
        world_wake();
        append(5, clock_wall_us());
        (void)run(JOB_EXPORT);
        clock_fake_advance(LEDGER_KEEPS_US + SECONDS(60));
        ck_assert_str_eq(run(JOB_TIDY)->last_error, "");
        ck_assert_uint_eq(exporters(), 1);
        ck_assert_uint_eq(ledger_rows(&first), 1);
        world_close();
}
END_TEST

/* Nothing is deleted when it is not known how far the others are. */
START_TEST(test_tidy_cannot_ask)
{
        int64_t first;
        world_open(&plain);
        append(20, clock_wall_us());
        (void)run(JOB_EXPORT);
        clock_fake_advance(LEDGER_KEEPS_US + SECONDS(60));
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(run(JOB_TIDY)->last_error, "a fault"));
        ck_assert_uint_ge(ledger_rows(&first), 20);
        other_exporter("b", "as far as the horizon");
        ck_assert_ptr_nonnull(strstr(run(JOB_TIDY)->last_error, "refused one of its rows"));
        ck_assert_uint_ge(ledger_rows(&first), 20);
        world_close();
}
END_TEST

static struct audit_report verified(void)
{
        struct audit_report report;
        char path[128];
        snprintf(path, sizeof(path), "%s/audit", world.dir);
        ck_assert_int_eq(audit_verify(path, NULL, &report), 0);
        return report;
}

static void prune_by_hand(int64_t up_to, int64_t before_us)
{
        struct store_audit_prune p = {
                .job.op = STORE_AUDIT_PRUNE, .up_to_seq = up_to, .before_us = before_us};
        ck_assert_int_eq(store_run(world.store, &p.job), STORE_OK);
}

/* Rows that were gone before they were exported: the files go on, and say so. */
static void export_behind_a_gap(bool sqlite)
{
        world_open(&(struct world_options){.sqlite = sqlite});
        append(10, clock_wall_us());
        (void)run(JOB_EXPORT);
        int64_t exported = audit_exported(world.o->jobs->audit);
        append(400, clock_wall_us());
        prune_by_hand(exported + 300, INT64_MAX);
        ck_assert_str_eq(run(JOB_EXPORT)->last_error, "");
        struct audit_report report = verified();
        ck_assert_str_eq(audit_fault_name(report.fault), "none");
        ck_assert_int_eq(report.gaps, 1);
        ck_assert_int_eq(report.gap_records, 300);
        ck_assert_int_eq(report.last_seq, exported + 400);
        append(1, clock_wall_us());
        ck_assert_str_eq(run(JOB_EXPORT)->last_error, "");
        ck_assert_int_eq(verified().gaps, 1);
        world_close();
}

START_TEST(test_export_behind_a_gap)
{
        export_behind_a_gap(false);
}
END_TEST

START_TEST(test_export_behind_a_gap_in_sqlite)
{
        export_behind_a_gap(true);
}
END_TEST

/* Rows never leave the ledger's middle by themselves: that is no gap, and is not passed over. */
START_TEST(test_export_of_a_ledger_with_a_hole)
{
        world_open(&plain);
        append(3, clock_wall_us());
        (void)run(JOB_EXPORT);
        int64_t exported = audit_exported(world.o->jobs->audit);
        append(6, clock_wall_us());
        fake_store_lose_record(world.fake, exported + 1);
        ck_assert_ptr_nonnull(strstr(run(JOB_EXPORT)->last_error, "in the middle"));
        ck_assert_int_eq(audit_exported(world.o->jobs->audit), exported);
        world_close();
}
END_TEST

START_TEST(test_export_cannot_measure_a_gap)
{
        world_open(&plain);
        append(3, clock_wall_us());
        (void)run(JOB_EXPORT);
        int64_t exported = audit_exported(world.o->jobs->audit);
        append(9, clock_wall_us());
        prune_by_hand(exported + 5, INT64_MAX);
        fake_store_fail(world.fake, FAKE_READ, 2, 1, STORE_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(run(JOB_EXPORT)->last_error, "a fault"));
        ck_assert_int_eq(audit_exported(world.o->jobs->audit), exported);
        ck_assert_str_eq(run(JOB_EXPORT)->last_error, "");
        ck_assert_int_eq(verified().gap_records, 5);
        world_close();
}
END_TEST

/* The daemon starts with a ledger that knows less: fewer records, or others in their place. */
static void forget(bool others)
{
        world_sleep();
        fake_store_free(world.fake);
        world.fake = fake_store_new();
        world_boot();
        if (others)
                append(200, clock_wall_us());
        world_sleep();
        world_wake();
}

static unsigned set_aside_directories(void)
{
        unsigned n = 0;
        DIR *d = opendir(world.dir);
        ck_assert_ptr_nonnull(d);
        for (const struct dirent *e; (e = readdir(d));)
                n += strncmp(e->d_name, "audit-before-", 13) == 0;
        closedir(d);
        return n;
}

static void older_ledger(bool others)
{
        const char *reasons[8];
        world_open(&plain);
        append(100, clock_wall_us());
        (void)run(JOB_EXPORT);
        forget(others);
        for (int starts = 0; starts < 2; starts++) {
                ck_assert_uint_eq(status_not_ready(world.o, reasons), 1);
                ck_assert_ptr_nonnull(strstr(reasons[0], "the audit's files"));
                ck_assert_int_eq(killswitch_level(world.o, NULL), KILL_LEVEL_HALT);
                struct placed *p = place("BUY 10 NSE:SBIN CNC LIMIT 1000", "one", NULL);
                ck_assert_int_eq(p->answer.status, 423);
                /* the files stay as they are */
                ck_assert_ptr_nonnull(strstr(run_refused(JOB_EXPORT), "the audit's files"));
                ck_assert_ptr_nonnull(strstr(run_refused(JOB_TIDY), "the audit's files"));
                ck_assert_int_ge(verified().last_seq, 100);
                ck_assert_uint_eq(set_aside_directories(), 0);
                world_sleep();
                world_wake(); /* is no consent */
        }
        kill_set(KILL_LEVEL_NONE, "global", true);
        ck_assert_uint_eq(status_not_ready(world.o, reasons), 0);
        ck_assert_str_eq(run(JOB_EXPORT)->last_error, "");
        ck_assert_uint_eq(set_aside_directories(), 1);
        struct audit_report report = verified();
        ck_assert_str_eq(audit_fault_name(report.fault), "none");
        ck_assert_int_eq(report.first_seq, 1);
        ck_assert_int_eq(report.last_seq, world.o->last_event_id);
        world_sleep();
        world_wake();
        ck_assert_uint_eq(status_not_ready(world.o, reasons), 0);
        ck_assert_int_eq(killswitch_level(world.o, NULL), KILL_LEVEL_NONE);
        world_close();
}

START_TEST(test_older_ledger_that_ends_before)
{
        older_ledger(false);
}
END_TEST

START_TEST(test_older_ledger_with_other_records)
{
        older_ledger(true);
}
END_TEST

/* What stands already is not lowered. */
START_TEST(test_older_ledger_under_a_stronger_level)
{
        const char *reasons[8];
        world_open(&plain);
        append(100, clock_wall_us());
        (void)run(JOB_EXPORT);
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        forget(false);
        ck_assert_uint_eq(status_not_ready(world.o, reasons), 1);
        ck_assert_int_eq(killswitch_level(world.o, NULL), KILL_LEVEL_CANCEL);
        world_close();
}
END_TEST

START_TEST(test_directory_that_cannot_be_made)
{
        char error[STORE_ERROR_SIZE];
        struct orchestrator *o;
        world_open(&plain);
        struct orchestrator_options options = world.o->options;
        options.state_dir = "/proc/nowhere";
        ck_assert_int_lt(orchestrator_new(&options, error, &o), 0);
        ck_assert_str_ne(error, "");
        world_close();
}
END_TEST

SUITE("jobs", test_export, test_export_leaves_a_busy_ledger_alone_for_a_minute,
      test_export_without_directory, test_tidy, test_tidy_fails, test_tidy_waits_for_the_others,
      test_tidy_waits_for_the_others_in_sqlite, test_tidy_knows_itself, test_tidy_cannot_ask,
      test_export_behind_a_gap, test_export_behind_a_gap_in_sqlite,
      test_export_of_a_ledger_with_a_hole, test_export_cannot_measure_a_gap,
      test_older_ledger_that_ends_before, test_older_ledger_with_other_records,
      test_older_ledger_under_a_stronger_level, test_directory_that_cannot_be_made)
