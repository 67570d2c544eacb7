/* Jobs that share a commit, and the life of a store. */
#include <stdio.h>
#include <string.h>

#include "store_suite_cases.h"

#define DEMO   "paper:demo"
#define SECOND "paper:second"

START_TEST(two_intents_with_one_key_in_one_group)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b = new_order_on(DEMO);
        struct intent x, y;
        struct order *none;

        intent_init(&x, a, "same");
        intent_init(&y, b, "same");
        ledger_hold();
        store_submit(ledger.store, &x.in.job);
        store_submit(ledger.store, &y.in.job);
        ledger_release();
        ledger_wait(2);
        ck_assert_int_eq(x.in.job.result, STORE_OK);
        ck_assert_int_eq(y.in.job.result, STORE_KEY_TAKEN);
        ck_assert_str_eq(y.in.found_order_id, a->id);
        ck_assert(y.in.found_same_fingerprint);
        ck_assert_int_eq(get_order(b->id, &none), STORE_NOT_FOUND);
        ck_assert_int_eq(assert_chain(), 1);
        intent_done(&x);
        intent_done(&y);
}
END_TEST

#define JOBS 40

static unsigned commit_jobs, n_commits;

static void on_commit(void *userdata, unsigned jobs, int64_t us)
{
        ck_assert_int_ge(us, 0);
        commit_jobs += jobs;
        n_commits++;
}

/* Every fourth is in conflict with the one before it, one every thirteenth spoils the transaction.
 */
START_TEST(conflicts_leave_the_rest_of_a_group_alone)
{
        static struct intent jobs[JOBS];
        struct order *orders[JOBS];
        unsigned n_ok = 0;

        commit_jobs = n_commits = 0;
        store_on_commit(ledger.store, on_commit, NULL);
        for (unsigned i = 0; i < JOBS; i++) {
                char key[16];
                orders[i] = new_order_on(DEMO);
                snprintf(key, sizeof(key), "key-%u", i % 4 == 3 ? i - 1 : i);
                if (i % 13 == 12)
                        memcpy(orders[i]->id, orders[i - 1]->id, ID_SIZE);
                intent_init(&jobs[i], orders[i], NULL);
                jobs[i].in.idempotency_scope = SCOPE;
                jobs[i].in.idempotency_key = strdup(key);
        }
        ledger_hold();
        for (unsigned i = 0; i < JOBS; i++)
                store_submit(ledger.store, &jobs[i].in.job);
        ledger_release();
        ledger_wait(JOBS);
        for (unsigned i = 0; i < JOBS; i++) {
                enum store_result expected = i % 4 == 3     ? STORE_KEY_TAKEN
                                             : i % 13 == 12 ? STORE_FAILED
                                                            : STORE_OK;
                /* after a culprit was taken out, its successor finds the key free */
                if (i % 4 == 3 && (i - 1) % 13 == 12)
                        expected = STORE_OK;
                /* twins of an order that was never written are no twins */
                if (i % 13 == 12 && jobs[i - 1].in.job.result != STORE_OK)
                        expected = STORE_OK;
                ck_assert_msg(jobs[i].in.job.result == expected, "job %u: %s, not %s", i,
                              store_result_name(jobs[i].in.job.result),
                              store_result_name(expected));
                n_ok += jobs[i].in.job.result == STORE_OK;
                ck_assert((jobs[i].audit.seq > 0) == (jobs[i].in.job.result == STORE_OK));
                intent_done(&jobs[i]);
                free((char *)jobs[i].in.idempotency_key);
                order_free(orders[i]);
        }
        ck_assert_uint_gt(n_ok, 20);
        ck_assert_int_eq(assert_chain(), n_ok);
        ck_assert_uint_eq(n_commits, 2); /* the one of ledger_hold() and theirs */
        ck_assert_uint_ge(commit_jobs, n_ok);
}
END_TEST

START_TEST(a_read_sees_the_writes_before_it)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct intent i;
        struct store_order_get g = {.job = {.op = STORE_ORDER_GET, .done = ledger_done},
                                    .id = o->id};

        intent_init(&i, o, NULL);
        ledger_hold();
        store_submit(ledger.store, &i.in.job);
        store_submit(ledger.store, &g.job);
        ledger_release();
        ledger_wait(2);
        ck_assert_int_eq(g.job.result, STORE_OK);
        assert_same_order(o, g.order);
        order_free(g.order);
        intent_done(&i);
}
END_TEST

/* Jobs end in the order they were submitted in. */
static struct store_job *ended[JOBS];
static unsigned n_ended;

static void on_ended(struct store_job *job)
{
        ended[n_ended++] = job;
        ledger_done(job);
}

START_TEST(jobs_end_in_their_order)
{
        static struct store_append jobs[JOBS];
        struct store_stats stats;

        n_ended = 0;
        ledger_hold();
        for (unsigned i = 0; i < JOBS; i++) {
                jobs[i] = (struct store_append){
                        .job = {.op = i % 3 ? STORE_APPEND : STORE_PROBE, .done = on_ended}};
                store_submit(ledger.store, &jobs[i].job);
        }
        store_stats(ledger.store, &stats);
        ck_assert_uint_eq(stats.queued, JOBS + 1);
        ck_assert_int_gt(stats.oldest_queued_us, 0);
        ledger_release();
        ledger_wait(JOBS);
        for (unsigned i = 0; i < JOBS; i++)
                ck_assert_ptr_eq(ended[i], &jobs[i].job);
        store_stats(ledger.store, &stats);
        ck_assert_uint_eq(stats.queued, 0);
        ck_assert_int_eq(stats.oldest_queued_us, 0);
        ck_assert_int_eq(stats.last_failure, STORE_OK);
        ck_assert_uint_eq(stats.errors[STORE_OK], JOBS + 2);
        ck_assert_uint_ge(stats.jobs, 26);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
        static struct store_append jobs[6];
        unsigned n_ok = 0;

        ledger.store = store_close(ledger.store);
        ck_assert_int_eq(store_suite_open(4, &ledger.store), 0);
        ledger_hold();
        for (unsigned i = 0; i < 6; i++) {
                jobs[i] = (struct store_append){.job = {.op = STORE_APPEND, .done = ledger_done}};
                store_submit(ledger.store, &jobs[i].job);
        }
        ledger_release();
        ledger_wait(6);
        for (unsigned i = 0; i < 6; i++) {
                n_ok += jobs[i].job.result == STORE_OK;
                if (i >= 4) {
                        ck_assert_int_eq(jobs[i].job.result, STORE_UNAVAILABLE);
                        ck_assert_str_eq(jobs[i].job.error, "the queue is full");
                }
        }
        ck_assert_uint_eq(n_ok, 4);
}
END_TEST

static unsigned n_late;
static struct store_append late;

static void on_late(struct store_job *job)
{
        n_late++;
        ck_assert_int_eq(job->result, STORE_UNAVAILABLE);
}

static void submit_late(struct store_job *job)
{
        ck_assert_int_eq(job->result, STORE_OK);
        late = (struct store_append){.job = {.op = STORE_APPEND, .done = on_late}};
        store_submit(ledger.store, &late.job);
        n_late++;
}

START_TEST(closing_finishes_and_delivers_what_is_queued)
{
        static struct intent jobs[JOBS];
        struct order *orders[JOBS];
        struct store_append last = {.job = {.op = STORE_APPEND, .done = submit_late}};
        struct order *back;

        n_late = 0;
        for (unsigned i = 0; i < JOBS; i++) {
                orders[i] = new_order_on(DEMO);
                intent_init(&jobs[i], orders[i], NULL);
                jobs[i].in.job.done = NULL;
                store_submit(ledger.store, &jobs[i].in.job);
        }
        store_submit(ledger.store, &last.job);
        ledger_reopen();
        ck_assert_uint_eq(n_late, 2);
        for (unsigned i = 0; i < JOBS; i++) {
                ck_assert_int_eq(jobs[i].in.job.result, STORE_OK);
                ck_assert_int_eq(get_order(orders[i]->id, &back), STORE_OK);
                order_free(back);
                intent_done(&jobs[i]);
                order_free(orders[i]);
        }
}
END_TEST

START_TEST(more_jobs_than_one_group_holds)
{
        enum { N = 3 * STORE_GROUP_MAX / 2 };
        static struct store_append jobs[N];
        static struct audit_record audit[N];

        ledger_hold();
        for (unsigned i = 0; i < N; i++) {
                audit[i] = (struct audit_record){
                        .action = AUDIT_SESSION, .component = "t", .actor = "t", .at_us = i};
                jobs[i] = (struct store_append){.job = {.op = STORE_APPEND, .done = ledger_done},
                                                .audit = &audit[i],
                                                .n_audit = 1};
                store_submit(ledger.store, &jobs[i].job);
        }
        ledger_release();
        ledger_wait(N);
        for (unsigned i = 0; i < N; i++)
                ck_assert_int_eq(audit[i].seq, i + 1);
        ck_assert_int_eq(assert_chain(), N);
}
END_TEST

START_TEST(names)
{
        ck_assert_str_eq(store_result_name(STORE_KEY_TAKEN), "key_taken");
        ck_assert_str_eq(store_result_name(STORE_UNCERTAIN), "uncertain");
        ck_assert_int_ge(store_schema_version(ledger.store), 1);
        ck_assert_int_ne(store_driver_name(ledger.store)[0], '\0');
}
END_TEST

const TTest *const *store_suite_groups(unsigned *ret_n)
{
        static const TTest *tests[12];
        unsigned n = 0;

        tests[n++] = two_intents_with_one_key_in_one_group;
        tests[n++] = conflicts_leave_the_rest_of_a_group_alone;
        tests[n++] = a_read_sees_the_writes_before_it;
        tests[n++] = jobs_end_in_their_order;
        tests[n++] = a_full_queue_refuses;
        tests[n++] = closing_finishes_and_delivers_what_is_queued;
        tests[n++] = more_jobs_than_one_group_holds;
        tests[n++] = names;
        *ret_n = n;
        return tests;
}
