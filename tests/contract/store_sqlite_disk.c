/* A disk that is full, fails, or loses its power: SQLite's system calls are replaced, fdatasync()
 * by a function of this program, pwrite() through SQLite's own table. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store_sqlite.h"

#define DEMO "paper:demo"

static _Atomic int syncs_to_fail; /* the next so many; negative: all */
static _Atomic int write_error;   /* of every write that makes a file longer */
static _Atomic bool full_unless_relieved;

int fdatasync(int fd)
{
        if (syncs_to_fail != 0) {
                if (syncs_to_fail > 0)
                        syncs_to_fail--;
                errno = EIO;
                return -1;
        }
        return (int)syscall(SYS_fdatasync, fd);
}

static ssize_t failing_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
        struct stat st;
        int error = write_error;

        if (full_unless_relieved && access(in_dir("ordo.db.reserve"), F_OK) == 0)
                error = ENOSPC;
        if (error && fstat(fd, &st) == 0 && at + (off_t)n > st.st_size) {
                errno = error;
                return -1;
        }
        return pwrite(fd, bytes, n, at);
}

static void take_over_writes(void)
{
        sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
        sqlite3_syscall_ptr ours = (sqlite3_syscall_ptr)failing_pwrite;
        vfs->xSetSystemCall(vfs, "pwrite", ours);
        vfs->xSetSystemCall(vfs, "pwrite64", ours);
        /* a writer that never overwrites needs no room elsewhere */
}

static enum store_result last_failure(void)
{
        struct store_stats s;
        store_stats(ledger.store, &s);
        return s.last_failure;
}

START_TEST(a_full_disk_refuses_intents_and_takes_outcomes)
{
        _cleanup_(order_freep) struct order *sent = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *next = new_order_on(DEMO);
        struct order *none;

        take_over_writes();
        ck_assert_int_eq(put_intent(sent, NULL), STORE_OK);
        accept_order(sent);
        full_unless_relieved = true;
        /* a plain write is refused, and the reserve is tried for nothing but outcomes */
        ck_assert_int_eq(put_outcome(sent, 201, "{}"), STORE_OK);
        ck_assert_int_ne(access(in_dir("ordo.db.reserve"), F_OK), 0);
        ck_assert_int_eq(put_intent(next, "k"), STORE_FULL);
        ck_assert_int_eq(last_failure(), STORE_FULL);
        ck_assert_int_eq(get_order(next->id, &none), STORE_NOT_FOUND);
        ck_assert_int_eq(put_outcome(sent, 0, NULL), STORE_OK);
        /* room again: the reserve comes back by itself, then orders do */
        full_unless_relieved = false;
        usleep(1100000);
        ck_assert_int_eq(put_intent(next, "k"), STORE_OK);
        ck_assert_int_eq(access(in_dir("ordo.db.reserve"), F_OK), 0);
        ck_assert_int_eq(last_failure(), STORE_OK);
        ck_assert_int_eq(assert_chain(), 4);
        ledger_reopen();
        ck_assert_int_eq(assert_chain(), 4);
}
END_TEST

START_TEST(a_disk_that_stays_full_acknowledges_nothing)
{
        static const int errors[] = {ENOSPC, EDQUOT, EFBIG};
        _cleanup_(order_freep) struct order *sent = new_order_on(DEMO);

        take_over_writes();
        ck_assert_int_eq(put_intent(sent, NULL), STORE_OK);
        accept_order(sent);
        for (unsigned i = 0; i < ELEMENTS(errors); i++) {
                write_error = errors[i];
                ck_assert_int_eq(put_outcome(sent, 201, "{}"), STORE_FULL);
                ck_assert_int_eq(last_failure(), STORE_FULL);
        }
        write_error = 0;
        ck_assert_int_eq(put_outcome(sent, 201, "{}"), STORE_OK);
        ck_assert_int_eq(last_failure(), STORE_FULL); /* the reserve is still gone */
        usleep(1100000);
        ck_assert_int_eq(put_outcome(sent, 0, NULL), STORE_OK);
        ck_assert_int_eq(last_failure(), STORE_OK);
        ck_assert_int_eq(assert_chain(), 3);
}
END_TEST

START_TEST(a_disk_that_cannot_be_written_acknowledges_nothing)
{
        static const int errors[] = {EIO, EROFS};

        take_over_writes();
        for (unsigned i = 0; i < ELEMENTS(errors); i++) {
                _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
                struct order *none;
                write_error = errors[i];
                ck_assert_int_eq(put_intent(o, "k"), STORE_CORRUPT);
                ck_assert_int_eq(get_order(o->id, &none), STORE_NOT_FOUND);
                write_error = 0;
        }
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        ck_assert_int_eq(put_intent(o, "k"), STORE_OK);
        ck_assert_int_eq(assert_chain(), 1);
}
END_TEST

/* The sync of a commit fails, and some more until the disk works again: those of closing, then
 * those of opening again. Whatever is said of the order must be what is found, now and later. */
START_TEST(a_commit_whose_sync_failed_is_cleared_up)
{
        unsigned seen[_STORE_RESULT_MAX] = {};
        int64_t n_written = 0;

        for (int n = 1; n <= 8; n++) {
                _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
                struct order *back = NULL;
                struct intent i;

                _cleanup_(order_freep) struct order *before = new_order_on(DEMO);
                ck_assert_int_eq(put_intent(before, NULL), STORE_OK); /* the WAL is in use */
                n_written++;
                intent_init(&i, o, o->id);
                syncs_to_fail = n;
                enum store_result said = store_run(ledger.store, &i.in.job);
                seen[said]++;
                syncs_to_fail = 0;
                enum store_result found = get_order(o->id, &back);
                back = order_free(back);
                ck_assert(found == STORE_OK || found == STORE_NOT_FOUND);
                if (said != STORE_UNCERTAIN)
                        ck_assert_int_eq(said, found == STORE_OK ? STORE_OK : STORE_CORRUPT);
                ck_assert((i.audit.seq > 0) == (said == STORE_OK));
                n_written += found == STORE_OK;
                ck_assert_int_eq(assert_chain(), n_written);
                ledger_reopen();
                ck_assert_int_eq(get_order(o->id, &back), found);
                order_free(back);
                intent_done(&i);
        }
        /* each of the three ways was taken */
        ck_assert_uint_gt(seen[STORE_OK], 0);
        ck_assert_uint_gt(seen[STORE_CORRUPT], 0);
        ck_assert_uint_gt(seen[STORE_UNCERTAIN], 0);
}
END_TEST

/* Without an audit row nothing in the ledger tells whether the group is there. */
START_TEST(a_group_without_a_mark_stays_uncertain)
{
        struct store_append a = {.job = {.op = STORE_APPEND}};
        struct list riders = LIST_INIT(riders);
        struct rider *r;

        ck_assert_int_eq(rider_new("paper", &r), 0);
        ck_assert_int_eq(rider_add(r, DEMO, "order", "1", strdup("v"), 1), 0);
        list_append(&riders, &r->link);
        a.riders = &riders;
        syncs_to_fail = 1;
        ck_assert_int_eq(store_run(ledger.store, &a.job), STORE_UNCERTAIN);
        ck_assert(list_empty(&riders));
        ck_assert_int_eq(store_run(ledger.store, &a.job), STORE_OK);
}
END_TEST

START_TEST(a_sync_that_keeps_failing_is_uncertain_and_then_stops_everything)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *c = new_order_on(DEMO);
        struct store_job probe = {.op = STORE_PROBE};
        struct order *back = NULL;

        ck_assert_int_eq(put_intent(a, "a"), STORE_OK);
        syncs_to_fail = -1;
        ck_assert_int_eq(put_intent(b, "b"), STORE_UNCERTAIN);
        ck_assert_int_eq(last_failure(), STORE_UNCERTAIN);
        /* no read is believed, no write taken, while nobody knows what is on the disk */
        ck_assert_int_eq(put_intent(c, "c"), STORE_CORRUPT);
        ck_assert_int_eq(store_run(ledger.store, &probe), STORE_CORRUPT);
        syncs_to_fail = 0;
        ck_assert_int_eq(store_run(ledger.store, &probe), STORE_OK);
        enum store_result r = get_order(b->id, &back);
        ck_assert(r == STORE_OK || r == STORE_NOT_FOUND);
        order_free(back);
        ck_assert_int_eq(put_intent(c, "c"), STORE_OK);
        ck_assert_int_eq(assert_chain(), r == STORE_OK ? 3 : 2);
        ledger_reopen();
        ck_assert_int_eq(get_order(b->id, &back), r);
        order_free(back);
        ck_assert_int_eq(last_failure(), STORE_OK);
}
END_TEST

/* A child writes orders and notes each one that was acknowledged in shared memory, until it is
 * killed. */
struct noted {
        _Atomic unsigned n;
        char ids[20000][ID_SIZE];
};

#define CHILD_FLIGHT 8

struct flight {
        struct intent intent;
        struct order *order;
};

static struct noted *noted;

static void fly(struct flight *f);

static void landed(struct store_job *job)
{
        struct flight *f = CONTAINER_OF(job, struct flight, intent.in.job);
        if (job->result != STORE_OK)
                _exit(1);
        memcpy(noted->ids[noted->n], f->order->id, ID_SIZE);
        noted->n++;
        intent_done(&f->intent);
        order_free(f->order);
        if (noted->n < ELEMENTS(noted->ids) - CHILD_FLIGHT)
                fly(f);
}

static void fly(struct flight *f)
{
        f->order = new_order_on(DEMO);
        intent_init(&f->intent, f->order, f->order->id);
        f->intent.in.job.done = landed;
        store_submit(ledger.store, &f->intent.in.job);
}

static void child_main(void)
{
        static struct flight flights[CHILD_FLIGHT];
        struct store_options o = sqlite_options();
        char error[STORE_ERROR_SIZE];

        if (loop_new(&ledger.loop) < 0 || sqlite_store_open(&o, error, &ledger.store) < 0)
                _exit(1);
        for (unsigned i = 0; i < CHILD_FLIGHT; i++)
                fly(&flights[i]);
        loop_run(ledger.loop, NULL, NULL);
        _exit(1);
}

START_TEST(what_was_acknowledged_survives_a_kill)
{
        unsigned checked = 0;

        noted = mmap(NULL, sizeof(*noted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        ck_assert_ptr_ne(noted, MAP_FAILED);
        for (int round = 0; round < 8; round++) {
                ledger.store = store_close(ledger.store);
                unsigned before = noted->n;
                pid_t child = fork();
                ck_assert_int_ge(child, 0);
                if (child == 0)
                        child_main();
                for (int i = 0; i < 5000 && noted->n < before + 20 + 40 * (unsigned)round; i++)
                        usleep(1000);
                kill(child, SIGKILL);
                int status;
                waitpid(child, &status, 0);
                ck_assert(WIFSIGNALED(status));
                ledger_reopen();
                for (; checked < noted->n; checked++) {
                        struct order *back = NULL;
                        struct store_key_get k = {.job = {.op = STORE_KEY_GET},
                                                  .scope = SCOPE,
                                                  .key = noted->ids[checked]};
                        ck_assert_int_eq(get_order(noted->ids[checked], &back), STORE_OK);
                        order_free(back);
                        ck_assert_int_eq(store_run(ledger.store, &k.job), STORE_OK);
                }
                /* at most what was in flight is there without having been acknowledged */
                int64_t n = assert_chain();
                ck_assert_int_ge(n, noted->n);
                ck_assert_int_le(n, noted->n + CHILD_FLIGHT * (round + 1));
        }
        ck_assert_uint_gt(checked, 160);
        munmap(noted, sizeof(*noted));
}
END_TEST

const TTest *const *store_sqlite_disk_tests(unsigned *ret_n)
{
        static const TTest *tests[8];
        unsigned n = 0;

        tests[n++] = a_full_disk_refuses_intents_and_takes_outcomes;
        tests[n++] = a_disk_that_stays_full_acknowledges_nothing;
        tests[n++] = a_disk_that_cannot_be_written_acknowledges_nothing;
        tests[n++] = a_commit_whose_sync_failed_is_cleared_up;
        tests[n++] = a_group_without_a_mark_stays_uncertain;
        tests[n++] = a_sync_that_keeps_failing_is_uncertain_and_then_stops_everything;
        tests[n++] = what_was_acknowledged_survives_a_kill;
        *ret_n = n;
        return tests;
}
