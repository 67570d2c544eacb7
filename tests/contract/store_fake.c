/* The fake ledger passes the contract; and what the store makes of a database that fails. */
#include <string.h>

#include "fake_store.h"
#include "store_suite.h"
#include "store_suite_cases.h"

#define DEMO "paper:demo"

static struct fake_store *fake;

static void fake_setup(void)
{
        fake = fake_store_new();
}

static void fake_teardown(void)
{
        fake = fake_store_free(fake);
}

static int fake_open(struct loop *loop, unsigned queue_max, char error[static STORE_ERROR_SIZE],
                     struct store **ret)
{
        struct store_options o = {.url = "fake:", .queue_max = queue_max};
        return store_open_driver(loop, fake_store_driver(fake), &o, error, ret);
}

static const struct suite_driver driver = {
        .name = "fake", .setup = fake_setup, .teardown = fake_teardown, .open = fake_open};

START_TEST(opening_that_fails_leaves_nothing)
{
        char error[STORE_ERROR_SIZE];
        struct store *s = NULL;

        fake_store_fail(fake, FAKE_OPEN, 1, 1, STORE_CORRUPT);
        ck_assert_int_lt(fake_open(ledger.loop, 0, error, &s), 0);
        ck_assert_ptr_null(s);
        ck_assert_int_ne(error[0], '\0');
}
END_TEST

#define N 5
static struct intent jobs[N];
static struct order *orders[N];

/* Five intents and an outcome of an order that is there, in one group. */
static struct outcome_job outcome;
static struct order *settled_order;

static void submit_group(void)
{
        settled_order = new_order_on(DEMO);
        ck_assert_int_eq(put_intent(settled_order, NULL), STORE_OK);
        accept_order(settled_order);
        outcome_init(&outcome, settled_order, 201, "{}");
        ledger_hold();
        for (unsigned i = 0; i < N; i++) {
                orders[i] = new_order_on(DEMO);
                intent_init(&jobs[i], orders[i], i == 2 ? "key" : NULL);
                store_submit(ledger.store, &jobs[i].in.job);
        }
        store_submit(ledger.store, &outcome.out.job);
}

static void end_group(void)
{
        ledger_release();
        ledger_wait(N + 1);
}

static void free_group(void)
{
        for (unsigned i = 0; i < N; i++) {
                intent_done(&jobs[i]);
                order_free(orders[i]);
        }
        outcome_done(&outcome);
        order_free(settled_order);
}

static void assert_group(enum store_result expected, bool written)
{
        for (unsigned i = 0; i < N; i++) {
                struct order *back = NULL;
                ck_assert_int_eq(jobs[i].in.job.result, expected);
                ck_assert_int_ne(jobs[i].in.job.error[0], '\0');
                ck_assert_int_eq(jobs[i].audit.seq, 0);
                ck_assert_int_eq(get_order(orders[i]->id, &back),
                                 written ? STORE_OK : STORE_NOT_FOUND);
                order_free(back);
        }
        ck_assert_int_eq(outcome.out.job.result, expected);
}

static void assert_next_works(void)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct store_stats s;

        ck_assert_int_eq(put_intent(o, "next"), STORE_OK);
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, STORE_OK);
}

static void assert_last_failure(enum store_result r)
{
        struct store_stats s;
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, r);
        ck_assert_int_ne(s.last_error[0], '\0');
        ck_assert_uint_ge(s.errors[r], N);
}

static const struct {
        enum fake_call call;
        unsigned nth;
        enum store_result r;
} group_faults[] = {
        {FAKE_BEGIN, 1, STORE_UNAVAILABLE}, {FAKE_WRITE, 1, STORE_CORRUPT},
        {FAKE_WRITE, 4, STORE_FULL},        {FAKE_WRITE, 6, STORE_UNAVAILABLE},
        {FAKE_WRITE, 3, STORE_UNCERTAIN},   {FAKE_COMMIT, 1, STORE_FULL},
        {FAKE_COMMIT, 1, STORE_CORRUPT},    {FAKE_COMMIT, 1, STORE_FAILED},
};

START_TEST(a_failure_fails_the_whole_group)
{
        for (unsigned i = 0; i < ELEMENTS(group_faults); i++) {
                submit_group();
                fake_store_fail(fake, group_faults[i].call, group_faults[i].nth, 1,
                                group_faults[i].r);
                end_group();
                assert_last_failure(group_faults[i].r);
                assert_group(group_faults[i].r, false);
                free_group();
                fake_store_fail(fake, group_faults[i].call, 0, 0, STORE_OK);
                fake_teardown();
                ledger.store = store_close(ledger.store);
                fake_setup();
                ledger_reopen();
                assert_next_works();
        }
}
END_TEST

START_TEST(one_culprit_is_taken_out)
{
        submit_group();
        fake_store_fail(fake, FAKE_WRITE, 3, 1, STORE_FAILED);
        end_group();
        for (unsigned i = 0; i < N; i++) {
                ck_assert_int_eq(jobs[i].in.job.result, i == 2 ? STORE_FAILED : STORE_OK);
                ck_assert((jobs[i].audit.seq == 0) == (i == 2));
        }
        ck_assert_int_eq(outcome.out.job.result, STORE_OK);
        ck_assert_int_eq(assert_chain(), N + 1);
        assert_next_works();
        free_group();
}
END_TEST

START_TEST(a_database_that_refuses_everything_is_not_asked_for_ever)
{
        submit_group();
        fake_store_fail(fake, FAKE_WRITE, 1, 1000, STORE_FAILED);
        end_group();
        fake_store_fail(fake, FAKE_WRITE, 0, 0, STORE_OK);
        assert_last_failure(STORE_FAILED);
        assert_group(STORE_FAILED, false);
        assert_next_works();
        free_group();
}
END_TEST

START_TEST(a_lost_commit_is_uncertain_either_way)
{
        for (int written = 0; written < 2; written++) {
                submit_group();
                fake_store_lose_commit(fake, written);
                end_group();
                assert_last_failure(STORE_UNCERTAIN);
                assert_group(STORE_UNCERTAIN, written);
                free_group();
                /* the caller reads the key back and knows */
                struct store_key_get k = {
                        .job = {.op = STORE_KEY_GET}, .scope = SCOPE, .key = "key"};
                ck_assert_int_eq(store_run(ledger.store, &k.job),
                                 written ? STORE_OK : STORE_NOT_FOUND);
                assert_chain();
                fake_store_fail(fake, FAKE_BEGIN, 0, 0, STORE_OK);
        }
}
END_TEST

START_TEST(a_full_disk_still_takes_outcomes)
{
        struct store_killswitch k = {
                .job = {.op = STORE_KILLSWITCH}, .scope = "global", .level = 1};
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);

        submit_group();
        fake_store_fail(fake, FAKE_WRITE, 2, 1, STORE_FULL);
        fake_store_strain(fake, false, 1);
        end_group();
        for (unsigned i = 0; i < N; i++)
                ck_assert_int_eq(jobs[i].in.job.result, STORE_FULL);
        ck_assert_int_eq(outcome.out.job.result, STORE_OK);
        assert_last_failure(STORE_FULL);
        free_group();
        /* as long as room is short */
        ck_assert_int_eq(put_intent(o, NULL), STORE_FULL);
        ck_assert_int_eq(store_run(ledger.store, &k.job), STORE_OK);
        assert_last_failure(STORE_FULL);
        fake_store_strain(fake, false, 0);
        ck_assert_int_eq(put_intent(o, NULL), STORE_STALE);
        ck_assert_int_eq(assert_chain(), 2);
}
END_TEST

START_TEST(a_full_disk_without_relief_takes_nothing)
{
        submit_group();
        fake_store_fail(fake, FAKE_COMMIT, 1, 2, STORE_FULL);
        fake_store_strain(fake, false, 1);
        end_group();
        assert_group(STORE_FULL, false);
        free_group();
}
END_TEST

static unsigned n_false;

static void count_false(struct rider *r, bool durable)
{
        n_false += !durable;
}

static struct rider *new_rider(const char *key, const char *value)
{
        struct rider *r;
        ck_assert_int_eq(rider_new("paper", &r), 0);
        ck_assert_int_eq(rider_add(r, DEMO, "order", key, strdup(value), strlen(value)), 0);
        r->settled = count_false;
        return r;
}

static int collect_row(void *userdata, const char *account, const char *kind, const char *key,
                       const void *value, size_t size)
{
        struct text *t = userdata;
        text_addf(t, "%s=%.*s ", key, (int)size, (const char *)value);
        return 0;
}

static void assert_rows(const char *expected)
{
        struct text t = TEXT_NULL;
        struct store_riders_load l = {.job = {.op = STORE_RIDERS_LOAD},
                                      .guest = "paper",
                                      .row = collect_row,
                                      .userdata = &t};
        ck_assert_int_eq(store_run(ledger.store, &l.job), STORE_OK);
        ck_assert_str_eq(text_str(&t), expected);
        text_done(&t);
}

/* What an exchange did is not undone by a commit that fails: it goes before whatever came after. */
START_TEST(riders_of_a_failed_group_go_with_the_next)
{
        struct list riders = LIST_INIT(riders);
        struct store_append a = {.job = {.op = STORE_APPEND}, .riders = &riders};
        struct store_append none = {.job = {.op = STORE_APPEND}};
        static const enum store_result results[] = {STORE_FULL, STORE_UNCERTAIN, STORE_UNAVAILABLE};

        n_false = 0;
        for (unsigned i = 0; i < ELEMENTS(results); i++) {
                list_append(&riders, &new_rider("1", i == 0 ? "a" : i == 1 ? "b" : "c")->link);
                fake_store_fail(fake, FAKE_COMMIT, 1, 1, results[i]);
                ck_assert_int_eq(ledger_submit(&a.job), results[i]);
                ck_assert(list_empty(&riders));
                assert_rows("");
        }
        ck_assert_int_eq(ledger_submit(&none.job), STORE_OK); /* cannot carry any */
        assert_rows("");
        list_append(&riders, &new_rider("2", "d")->link);
        ck_assert_int_eq(ledger_submit(&a.job), STORE_OK);
        assert_rows("1=c 2=d ");
        ck_assert_uint_eq(n_false, 0);
        /* an empty list can carry them too; what nobody takes learns it at the end */
        for (int again = 0; again < 2; again++) {
                list_append(&riders, &new_rider("1", "e")->link);
                fake_store_fail(fake, FAKE_COMMIT, 1, 1, STORE_FULL);
                ck_assert_int_eq(ledger_submit(&a.job), STORE_FULL);
                if (again == 0)
                        ck_assert_int_eq(ledger_submit(&a.job), STORE_OK);
        }
        assert_rows("1=e 2=d ");
        ck_assert_uint_eq(n_false, 0);
        ledger_reopen();
        ck_assert_uint_eq(n_false, 1);
}
END_TEST

/* One job of a group is to blame, or has no order: its riders go with the job behind it. */
START_TEST(riders_of_a_failed_job_go_with_the_next)
{
        struct list riders[3];
        struct store_append appends[3];
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct outcome_job nowhere;

        n_false = 0;
        for (int round = 0; round < 2; round++) {
                ledger_hold();
                for (unsigned i = 0; i < 3; i++) {
                        char key[2] = {(char)('1' + i), 0};
                        list_init(&riders[i]);
                        list_append(&riders[i], &new_rider(key, round ? "y" : "x")->link);
                        list_append(&riders[i], &new_rider("9", key)->link);
                        appends[i] = (struct store_append){.job = {.op = STORE_APPEND},
                                                           .riders = &riders[i]};
                }
                outcome_init(&nowhere, o, 0, NULL);
                nowhere.out.riders = &riders[1];
                struct store_job *second = round ? &nowhere.out.job : &appends[1].job;
                struct store_job *all[] = {&appends[0].job, second, &appends[2].job};
                for (unsigned i = 0; i < 3; i++) {
                        all[i]->done = ledger_done;
                        store_submit(ledger.store, all[i]);
                }
                if (!round)
                        fake_store_fail(fake, FAKE_WRITE, 2, 1, STORE_FAILED);
                ledger_release();
                ledger_wait(3);
                ck_assert_int_eq(all[0]->result, STORE_OK);
                ck_assert_int_eq(all[1]->result, round ? STORE_NOT_FOUND : STORE_FAILED);
                ck_assert_int_eq(all[2]->result, STORE_OK);
                assert_rows(round ? "1=y 9=3 2=y 3=y " : "1=x 9=3 2=x 3=x ");
                outcome_done(&nowhere);
        }
        ck_assert_uint_eq(n_false, 0);
}
END_TEST

/* A queue that is full refuses what is asked for, not what has happened. */
START_TEST(riders_find_room_in_a_full_queue)
{
        struct list riders = LIST_INIT(riders);
        struct store_append a = {.job = {.op = STORE_APPEND, .done = ledger_done},
                                 .riders = &riders};
        struct store_append none = {.job = {.op = STORE_APPEND, .done = ledger_done}};
        struct store_append more = {.job = {.op = STORE_APPEND, .done = ledger_done}};

        ledger.store = store_close(ledger.store);
        ck_assert_int_eq(store_suite_open(1, &ledger.store), 0);
        ledger_hold();
        store_submit(ledger.store, &none.job);
        store_submit(ledger.store, &more.job);
        list_append(&riders, &new_rider("1", "a")->link);
        store_submit(ledger.store, &a.job);
        ledger_release();
        ledger_wait(3);
        ck_assert_int_eq(none.job.result, STORE_OK);
        ck_assert_int_eq(more.job.result, STORE_UNAVAILABLE);
        ck_assert_int_eq(a.job.result, STORE_OK);
        assert_rows("1=a ");
}
END_TEST

START_TEST(a_failing_read_fails_alone)
{
        struct store_job probe = {.op = STORE_PROBE};
        struct store_stats s;

        fake_store_fail(fake, FAKE_READ, 1, 2, STORE_UNAVAILABLE);
        ck_assert_int_eq(ledger_submit(&probe), STORE_UNAVAILABLE);
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, STORE_OK);
        fake_store_fail(fake, FAKE_READ, 1, 1, STORE_CORRUPT);
        ck_assert_int_eq(ledger_submit(&probe), STORE_CORRUPT);
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, STORE_CORRUPT);
        ck_assert_int_eq(ledger_submit(&probe), STORE_OK);
        assert_next_works();
}
END_TEST

START_TEST(a_slow_commit_gathers_a_group)
{
        static struct store_append appends[64];
        struct store_stats before, after;

        fake_store_delay(fake, FAKE_COMMIT, 20000);
        store_stats(ledger.store, &before);
        for (unsigned i = 0; i < 64; i++) {
                appends[i] =
                        (struct store_append){.job = {.op = STORE_APPEND, .done = ledger_done}};
                store_submit(ledger.store, &appends[i].job);
        }
        ledger_wait(64);
        store_stats(ledger.store, &after);
        ck_assert_uint_eq(after.jobs - before.jobs, 64);
        ck_assert_uint_le(after.commits - before.commits, 8);
}
END_TEST

int main(void)
{
        const TTest *const own[] = {
                opening_that_fails_leaves_nothing,
                a_failure_fails_the_whole_group,
                one_culprit_is_taken_out,
                a_database_that_refuses_everything_is_not_asked_for_ever,
                a_lost_commit_is_uncertain_either_way,
                a_full_disk_still_takes_outcomes,
                a_full_disk_without_relief_takes_nothing,
                riders_of_a_failed_group_go_with_the_next,
                riders_of_a_failed_job_go_with_the_next,
                riders_find_room_in_a_full_queue,
                a_failing_read_fails_alone,
                a_slow_commit_gathers_a_group,
        };
        return store_suite_main(&driver, own, ELEMENTS(own));
}
