/* The connection to PostgreSQL is lost, the server dies, and nothing is doubled or lost. */
#include <stdio.h>
#include <string.h>

#include "postgres_proxy.h"
#include "postgres_server.h"
#include "store_postgres.h"

#define DEMO "paper:demo"

struct tally {
        unsigned tries, written, refused, uncertain;
};

static enum store_result look_up(const char *id)
{
        struct order *back = NULL;
        enum store_result r;

        /* the store connects again with pauses */
        for (unsigned i = 0; i < 1000 && (r = get_order(id, &back)) == STORE_UNAVAILABLE; i++)
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        order_free(back);
        return r;
}

/* What was said of an order is what the ledger holds. */
static void check(const struct order *o, const char *key, enum store_result said, struct tally *t)
{
        struct store_key_get k = {.job = {.op = STORE_KEY_GET}, .scope = SCOPE, .key = key};
        enum store_result found = look_up(o->id);

        ck_assert_msg(found == STORE_OK || found == STORE_NOT_FOUND, "%s",
                      store_result_name(found));
        ck_assert_int_eq(store_run(ledger.store, &k.job), found);
        free(k.answer_body);
        t->tries++;
        t->written += found == STORE_OK;
        switch (said) {
        case STORE_OK:
                ck_assert_int_eq(found, STORE_OK);
                break;
        case STORE_UNAVAILABLE:
                ck_assert_int_eq(found, STORE_NOT_FOUND);
                t->refused++;
                break;
        default:
                ck_assert_int_eq(said, STORE_UNCERTAIN);
                t->uncertain++;
        }
}

static void count_orders(const struct tally *t)
{
        ck_assert_int_eq(postgres_server_count("SELECT count(*) FROM orders"), t->written);
        ck_assert_int_eq(postgres_server_count("SELECT count(*) FROM legs"), t->written);
}

/* Every boundary between two messages on the way to `side`, until there is none any more. */
static void cut_everywhere(enum proxy_side side, bool late, struct tally *t)
{
        bool cut = true;

        for (unsigned n = 0; cut; n++) {
                _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
                char key[32];
                snprintf(key, sizeof(key), "key-%d-%d-%u", side, late, n);
                ck_assert_int_eq(look_up("01ARZ3NDEKTSV4RRFFQ69G5FAV"), STORE_NOT_FOUND);
                proxy_cut(side, n, late);
                enum store_result r = put_intent(o, key);
                cut = proxy_was_cut();
                check(o, key, r, t);
        }
}

static void open_behind_proxy(void)
{
        ledger.store = store_close(ledger.store);
        postgres_use(postgres_server_url_at(proxy_start(postgres_server_dir())));
        ledger_reopen();
}

static void close_behind_proxy(void)
{
        ledger.store = store_close(ledger.store);
        proxy_stop();
        postgres_use(postgres_server_url_at(postgres_server_dir()));
        ledger_reopen();
}

START_TEST(a_connection_cut_at_every_message_doubles_and_loses_nothing)
{
        struct tally t = {};

        open_behind_proxy();
        cut_everywhere(PROXY_TO_SERVER, false, &t);
        /* lost before the commit, and between the commit and its answer */
        ck_assert_uint_gt(t.refused, 10);
        ck_assert_uint_gt(t.written, 10);
        cut_everywhere(PROXY_TO_CLIENT, false, &t);
        ck_assert_uint_gt(t.tries, 60);
        ck_assert_uint_eq(t.uncertain, 0); /* the server is there: it was always read back */
        ck_assert_int_eq(assert_chain(), t.written);
        count_orders(&t);
        close_behind_proxy();
}
END_TEST

/* The commit arrives when the store has long connected again: it waits for the lock. */
START_TEST(a_commit_that_arrives_late_is_waited_for)
{
        struct tally t = {};

        open_behind_proxy();
        cut_everywhere(PROXY_TO_SERVER, true, &t);
        ck_assert_uint_eq(t.refused, 0);
        ck_assert_uint_eq(t.uncertain, 0);
        ck_assert_uint_gt(t.tries, 30);
        ck_assert_int_eq(assert_chain(), t.written);
        count_orders(&t);
        close_behind_proxy();
}
END_TEST

START_TEST(a_server_that_is_away_refuses_and_comes_back)
{
        struct tally t = {};
        struct store_stats s;
        struct store_killswitch k = {
                .job = {.op = STORE_KILLSWITCH}, .scope = "global", .level = 1};
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *again = new_order_on(DEMO);
        struct order *back;

        ck_assert_int_eq(put_intent(o, "before"), STORE_OK);
        postgres_server_kill();
        int64_t from = clock_mono_us();
        ck_assert_int_eq(put_intent(again, "meanwhile"), STORE_UNAVAILABLE);
        ck_assert_int_eq(get_order(o->id, &back), STORE_UNAVAILABLE);
        ck_assert_int_eq(store_run(ledger.store, &k.job), STORE_UNAVAILABLE);
        ck_assert_int_ne(k.job.error[0], '\0');
        ck_assert_int_lt(clock_mono_us() - from, 2 * USEC_PER_SEC);
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, STORE_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(s.last_error, "postgresql: "));
        postgres_server_restart();
        check(o, "before", STORE_OK, &t);
        ck_assert_int_eq(look_up(again->id), STORE_NOT_FOUND);
        ck_assert_int_eq(put_intent(again, "meanwhile"), STORE_OK);
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, STORE_OK);
        ck_assert_int_eq(assert_chain(), 2);
}
END_TEST

/* The sessions end while nobody looks: the next order does not notice. */
START_TEST(a_connection_that_was_lost_between_two_groups_is_not_noticed)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct order *back;

        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(order_freep) struct order *more = new_order_on(DEMO);
                postgres_server_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                    "application_name='ordod'");
                ck_assert_int_eq(put_intent(i ? more : o, NULL), STORE_OK);
        }
        postgres_server_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                            "application_name='ordod'");
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        order_free(back);
        ck_assert_int_eq(assert_chain(), 3);
}
END_TEST

/* A standby that lagged took the place of the primary: it has what this daemon wrote first, or has
 * never heard of it. */
START_TEST(a_database_that_has_lost_commits_is_not_gone_on_with)
{
        static const char *const losses[] = {"UPDATE writers SET mark=mark-1",
                                             "DELETE FROM writers"};

        for (unsigned i = 0; i < ELEMENTS(losses); i++) {
                _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
                _cleanup_(order_freep) struct order *more = new_order_on(DEMO);
                struct store_append a = {.job = {.op = STORE_APPEND}};

                ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
                postgres_server_sql(losses[i]);
                postgres_server_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                    "WHERE application_name='ordod'");
                ck_assert_int_eq(put_intent(more, NULL), STORE_CORRUPT);
                ck_assert_int_ne(store_run(ledger.store, &a.job), STORE_OK);
                ck_assert_ptr_nonnull(strstr(a.job.error, "lacks 1 commits"));
                ledger_reopen(); /* as somebody decided */
                ck_assert_int_eq(put_intent(more, NULL), STORE_OK);
                ledger_reopen();
        }
}
END_TEST

/* Another session holds the lock, as one does whose host has gone silent. */
START_TEST(a_lock_that_is_held_for_too_long_refuses)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct order *back;

        postgres_server_hold("BEGIN; SELECT epoch FROM killswitch_epoch FOR UPDATE");
        ck_assert_int_eq(put_intent(o, NULL), STORE_UNAVAILABLE);
        ck_assert_int_eq(get_order(o->id, &back), STORE_NOT_FOUND); /* reads go on */
        postgres_server_let_go();
        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
}
END_TEST

const TTest *const *store_postgres_loss_tests(unsigned *ret_n)
{
        static const TTest *tests[8];
        unsigned n = 0;

        tests[n++] = a_connection_cut_at_every_message_doubles_and_loses_nothing;
        tests[n++] = a_commit_that_arrives_late_is_waited_for;
        tests[n++] = a_connection_that_was_lost_between_two_groups_is_not_noticed;
        tests[n++] = a_database_that_has_lost_commits_is_not_gone_on_with;
        tests[n++] = a_lock_that_is_held_for_too_long_refuses;
        /* the last one: the server that it starts ends with it */
        tests[n++] = a_server_that_is_away_refuses_and_comes_back;
        *ret_n = n;
        return tests;
}
