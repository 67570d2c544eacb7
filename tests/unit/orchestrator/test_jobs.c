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

static const struct job_view *run(enum job job)
{
        struct jobs *j = world.o->jobs;
        const struct job_view *views;
        for (unsigned i = 0; i < 1000 && j->busy; i++)
                world_rest();
        clock_fake_advance(SECONDS(1));
        for (unsigned i = 0; i < _JOB_MAX; i++)
                j->views[i].next_run_us = i == job ? 0 : INT64_MAX / 2;
        run_due(j);
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

/* The sweep answers what is past its deadline, by itself. */
START_TEST(test_sweep)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin("BUY 10 NSE:SBIN CNC LIMIT 1000", "one", NULL);
        world_rest();
        clock_fake_advance(SECONDS(13));
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 202);
        wire_release(world.wires[0], FATE_LOST);
        world_rest();
        world_close();
}
END_TEST

SUITE("jobs", test_export, test_export_leaves_a_busy_ledger_alone_for_a_minute,
      test_export_without_directory, test_tidy, test_tidy_fails, test_directory_that_cannot_be_made,
      test_sweep)
