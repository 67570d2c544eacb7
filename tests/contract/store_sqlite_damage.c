/* Rows and tables that are not as they should be, and queries that would take too long. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_sqlite.h"

#define DEMO "paper:demo"

static void reopen_after(const char *statements)
{
        ledger.store = store_close(ledger.store);
        sql(statements);
        ledger_reopen();
}

static int take_row(void *userdata, const char *account, const char *kind, const char *key,
                    const void *value, size_t size)
{
        return 0;
}

#define RUN(type, op_name, ...)                                        \
        ({                                                             \
                struct type j = {.job = {.op = op_name}, __VA_ARGS__}; \
                store_run(ledger.store, &j.job);                       \
        })

static enum store_result append_rider(void)
{
        struct list riders = LIST_INIT(riders);
        struct store_append a = {.job = {.op = STORE_APPEND}, .riders = &riders};
        struct rider *r;

        ck_assert_int_eq(rider_new("paper", &r), 0);
        ck_assert_int_eq(rider_add(r, DEMO, "order", "1", strdup("v"), 1), 0);
        ck_assert_int_eq(rider_add(r, DEMO, "order", "2", NULL, 0), 0);
        list_append(&riders, &r->link);
        return store_run(ledger.store, &a.job);
}

static enum store_result list_orders(void)
{
        struct store_order_list l = {.job = {.op = STORE_ORDER_LIST}, .status = -1, .limit = 5};
        enum store_result r = store_run(ledger.store, &l.job);
        store_orders_free(l.orders, l.n_orders);
        return r;
}

static enum store_result list_audit(int64_t since_us)
{
        struct store_audit_list l = {
                .job = {.op = STORE_AUDIT_LIST}, .limit = 5, .since_us = since_us};
        enum store_result r = store_run(ledger.store, &l.job);
        store_audit_rows_free(l.rows, l.n_rows);
        return r;
}

static enum store_result restore(void)
{
        struct store_restore v = {.job = {.op = STORE_RESTORE},
                                  .day = clock_ist_day(clock_wall_us())};
        enum store_result r = store_run(ledger.store, &v.job);
        store_restore_done(&v);
        return r;
}

static enum store_result get_key(const char *key)
{
        struct store_key_get k = {.job = {.op = STORE_KEY_GET}, .scope = SCOPE, .key = key};
        enum store_result r = store_run(ledger.store, &k.job);
        free(k.answer_body);
        return r;
}

static enum store_result get_by_tag(const struct order *o)
{
        struct store_order_get g = {
                .job = {.op = STORE_ORDER_GET}, .account = DEMO, .tag = o->legs[0].tag};
        enum store_result r = store_run(ledger.store, &g.job);
        order_free(g.order);
        free(g.answer_body);
        return r;
}

/* Every op once; each must end, and say OK, FAILED, or what it says of rows that are not there. */
static unsigned run_everything(const struct order *there)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct order *back = NULL;
        struct store_job probe = {.op = STORE_PROBE};
        unsigned failed = 0;

        text_copy(o->client_order_id, sizeof(o->client_order_id), o->id);
        enum store_result results[] = {
                put_intent(o, o->id),
                put_outcome(there, 201, "{}"),
                append_rider(),
                RUN(store_killswitch, STORE_KILLSWITCH, .scope = "global"),
                RUN(store_session, STORE_SESSION_PUT, .account = DEMO, .column = "token",
                    .value = "x", .size = 1),
                RUN(store_session, STORE_SESSION_PUT, .account = DEMO, .column = "token"),
                get_order(there->id, &back),
                get_by_tag(there),
                list_orders(),
                get_key("key"),
                get_key("none"),
                list_audit(0),
                list_audit(5),
                RUN(store_audit_prune, STORE_AUDIT_PRUNE, .up_to_seq = 0),
                restore(),
                RUN(store_riders_load, STORE_RIDERS_LOAD, .guest = "paper", .row = take_row),
                store_run(ledger.store, &probe),
        };
        order_free(back);
        for (unsigned i = 0; i < ELEMENTS(results); i++) {
                ck_assert_msg(results[i] <= STORE_STALE || results[i] == STORE_FAILED, "op %u: %s",
                              i, store_result_name(results[i]));
                failed += results[i] == STORE_FAILED;
        }
        return failed;
}

/* A table that is gone while the ledger is open: some jobs fail, none brings the others down. */
START_TEST(jobs_fail_by_themselves_without_a_table)
{
        static const char *const tables[] = {"orders",           "legs",     "answers",
                                             "idempotency_keys", "audit",    "killswitch",
                                             "killswitch_epoch", "sessions", "guest_rows"};
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        char statement[100];

        ck_assert_int_eq(put_intent(o, "key"), STORE_OK);
        accept_order(o);
        o->legs[0].modifications = 1;
        ck_assert_uint_eq(run_everything(o), 0);
        for (unsigned i = 0; i < ELEMENTS(tables); i++) {
                snprintf(statement, sizeof(statement), "ALTER TABLE %s RENAME TO gone", tables[i]);
                sql(statement);
                ck_assert_uint_gt(run_everything(o), 0);
                if (strcmp(tables[i], "audit") != 0 && strcmp(tables[i], "killswitch_epoch") != 0) {
                        ledger_reopen(); /* statements that were never good */
                        ck_assert_uint_gt(run_everything(o), 0);
                }
                snprintf(statement, sizeof(statement), "ALTER TABLE gone RENAME TO %s", tables[i]);
                sql(statement);
                /* the epoch has risen: intents are stale, all else is well again */
                ck_assert_uint_eq(run_everything(o), 0);
        }
        ck_assert_int_gt(assert_chain(), 0);
}
END_TEST

START_TEST(words_that_nobody_knows_are_damage)
{
        static const char *const changes[] = {
                "UPDATE orders SET side='SIDEWAYS'",
                "UPDATE orders SET side='BUY', market_policy='perhaps'",
                "UPDATE orders SET market_policy=''; UPDATE legs SET state='odd'",
                "UPDATE legs SET state='sending', problem='NO_SUCH_PROBLEM'",
        };
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct order *back = NULL;

        ck_assert_int_eq(put_intent(o, "key"), STORE_OK);
        for (unsigned i = 0; i < ELEMENTS(changes); i++) {
                struct store_stats s;
                reopen_after(changes[i]);
                ck_assert_int_eq(get_order(o->id, &back), STORE_CORRUPT);
                ck_assert_ptr_null(back);
                ck_assert_int_eq(list_orders(), STORE_CORRUPT);
                ck_assert_int_eq(restore(), STORE_CORRUPT);
                store_stats(ledger.store, &s);
                ck_assert_int_eq(s.last_failure, STORE_CORRUPT);
        }
        reopen_after("UPDATE legs SET problem='NONE'");
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        assert_same_order(o, back);
        order_free(back);
}
END_TEST

/* Whoever took them out: what is there is read. */
START_TEST(legs_that_are_gone_are_not_read)
{
        _cleanup_(order_freep) struct order *o =
                new_order((const char *const[]){DEMO, "a:b", "c:d", NULL});
        struct order *back = NULL;

        ck_assert_int_eq(put_intent(o, "key"), STORE_OK);
        reopen_after("DELETE FROM legs WHERE row%64=2");
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        ck_assert_uint_eq(back->n_legs, 2);
        ck_assert_uint_eq(back->legs[0].number, 1);
        ck_assert_str_eq(back->legs[0].account, DEMO);
        ck_assert_uint_eq(back->legs[1].number, 3);
        ck_assert_str_eq(back->legs[1].account, "c:d");
        order_free(back);
        reopen_after("DELETE FROM legs WHERE row%64=1");
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        ck_assert_uint_eq(back->n_legs, 1);
        ck_assert_str_eq(back->legs[0].account, "c:d");
        order_free(back);
        reopen_after("DELETE FROM legs");
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        ck_assert_uint_eq(back->n_legs, 0);
        order_free(back);
}
END_TEST

START_TEST(rows_that_do_not_fit_together)
{
        _cleanup_(order_freep) struct order *o =
                new_order((const char *const[]){DEMO, "a:b", NULL});

        ck_assert_int_eq(put_intent(o, "key"), STORE_OK);
        reopen_after("UPDATE idempotency_keys SET fingerprint=x'00'");
        ck_assert_int_eq(get_key("key"), STORE_CORRUPT);
        ck_assert_int_eq(put_intent(o, "key"), STORE_KEY_TAKEN); /* of something else */
        reopen_after("DELETE FROM legs WHERE row%64=2");
        accept_order(o);
        ck_assert_int_eq(put_outcome(o, 0, NULL), STORE_FAILED);
        reopen_after("DELETE FROM orders");
        ck_assert_int_eq(restore(), STORE_CORRUPT);
        reopen_after("DELETE FROM legs; UPDATE audit SET action='from.the.future',"
                     "record=record");
        struct store_audit_list l = {.job = {.op = STORE_AUDIT_LIST}, .limit = 5};
        ck_assert_int_eq(store_run(ledger.store, &l.job), STORE_OK);
        ck_assert_uint_eq(l.n_rows, 1);
        ck_assert_int_eq(l.rows[0].action, _AUDIT_MAX);
        store_audit_rows_free(l.rows, l.n_rows);
}
END_TEST

START_TEST(a_query_that_holds_up_the_orders_is_cut_off)
{
        struct store_audit_list l = {.job = {.op = STORE_AUDIT_LIST, .done = ledger_done},
                                     .correlation_id = "nobody's",
                                     .limit = 5};
        struct store_job probe = {.op = STORE_PROBE};
        struct store_stats s;

        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        reopen_after("WITH RECURSIVE n(i) AS (SELECT -1 UNION ALL SELECT i-1 FROM n LIMIT 200000) "
                     "INSERT INTO audit SELECT i,0,'daemon.started','','',"
                     "'{\"seq\":' || i || '}' FROM n");
        clock_fake(clock_wall_us(), 1000);
        l.after_seq = INT64_C(-1000000);
        store_submit(ledger.store, &l.job);
        do {
                clock_fake_advance(USEC_PER_SEC);
                usleep(500);
                store_stats(ledger.store, &s);
        } while (s.oldest_queued_us > 0);
        clock_real();
        ledger_wait(1);
        ck_assert_int_eq(l.job.result, STORE_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(l.job.error, "narrow it"));
        ck_assert_ptr_null(l.rows);
        ck_assert_int_eq(store_run(ledger.store, &probe), STORE_OK);
        store_stats(ledger.store, &s);
        ck_assert_int_eq(s.last_failure, STORE_OK);
}
END_TEST

static off_t size_of(const char *name)
{
        struct stat st;
        return stat(in_dir(name), &st) == 0 ? st.st_size : 0;
}

static void put_large(unsigned n)
{
        enum { SIZE = 300000 };
        for (unsigned i = 0; i < n; i++) {
                struct list riders = LIST_INIT(riders);
                struct store_append a = {.job = {.op = STORE_APPEND}, .riders = &riders};
                struct rider *r;
                char key[16];
                snprintf(key, sizeof(key), "%u", i);
                ck_assert_int_eq(rider_new("paper", &r), 0);
                ck_assert_int_eq(rider_add(r, DEMO, "large", key, calloc(1, SIZE), SIZE), 0);
                list_append(&riders, &r->link);
                ck_assert_int_eq(store_run(ledger.store, &a.job), STORE_OK);
        }
}

START_TEST(the_log_is_copied_back_under_load_and_when_idle)
{
        off_t before = size_of("ordo.db");

        /* 90 MB: past what a busy store lets the log grow to, if nobody copied it. */
        put_large(300);
        ck_assert_int_gt(size_of("ordo.db"), before + (10 << 20));
        ck_assert_int_lt(size_of("ordo.db-wal"), 68 << 20);
        ledger_reopen(); /* a new log */
        before = size_of("ordo.db");
        put_large(310); /* the first 300 are there and the same: nothing is written for them */
        off_t wal = size_of("ordo.db-wal");
        ck_assert_int_gt(wal, 2 << 20);
        usleep(700000);
        ck_assert_int_gt(size_of("ordo.db"), before);
        put_large(312); /* everything was copied: the log starts again from its beginning */
        ck_assert_int_eq(size_of("ordo.db-wal"), wal);
        ledger_reopen();
        ck_assert_int_eq(
                RUN(store_riders_load, STORE_RIDERS_LOAD, .guest = "paper", .row = take_row),
                STORE_OK);
}
END_TEST

/* The copying thread has the ledger open when everything ends, and when the disk fails under it. */
START_TEST(the_log_is_being_copied_back_when_the_ledger_closes)
{
        put_large(60);
        ledger_reopen();
        ck_assert_int_eq(
                RUN(store_riders_load, STORE_RIDERS_LOAD, .guest = "paper", .row = take_row),
                STORE_OK);
        ck_assert_int_eq(size_of("ordo.db-wal"), 0);
}
END_TEST

static sqlite3 *open_beside(const char *sql)
{
        sqlite3 *db;
        ck_assert_int_eq(sqlite3_open_v2(in_dir("ordo.db"), &db, SQLITE_OPEN_READONLY, NULL),
                         SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        return db;
}

/* A reader that stays keeps the copying from reaching the end of the WAL; what was copied counts
 * all the same, and every other connection reads it from the database. */
START_TEST(a_reader_sees_what_was_copied_in_part)
{
        sqlite3 *stays = NULL;
        sqlite3_stmt *st;
        off_t before;

        do { /* it must come before the store has rested and copied by itself */
                sqlite3_close(stays);
                before = size_of("ordo.db");
                put_large(2);
                stays = open_beside("BEGIN; SELECT count(*) FROM guest_rows");
        } while (size_of("ordo.db") != before);
        put_large(6);
        off_t wal = size_of("ordo.db-wal");
        usleep(700000);
        sqlite3 *next = open_beside("PRAGMA cache_size=10");
        ck_assert_int_eq(sqlite3_prepare_v2(next, "PRAGMA integrity_check", -1, &st, NULL),
                         SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "ok");
        sqlite3_finalize(st);
        sqlite3_close(next);
        ck_assert_int_gt(size_of("ordo.db"), before); /* copied it was, and not to the end: */
        put_large(7);
        ck_assert_int_gt(size_of("ordo.db-wal"), wal);
        sqlite3_close(stays);
}
END_TEST

/* The hash finds a key, its text decides. */
START_TEST(two_keys_with_one_hash_are_two_keys)
{
        struct store_key_get g = {.job = {.op = STORE_KEY_GET}, .scope = SCOPE, .key = "two"};
        _cleanup_(order_freep) struct order *one = new_order((const char *const[]){DEMO, NULL});
        _cleanup_(order_freep) struct order *two = new_order((const char *const[]){DEMO, NULL});
        _cleanup_(order_freep) struct order *three = new_order((const char *const[]){DEMO, NULL});

        ck_assert_int_eq(put_intent(one, "one"), STORE_OK);
        ck_assert_int_eq(put_intent(two, "two"), STORE_OK);
        reopen_after("UPDATE idempotency_keys SET hash=(SELECT hash FROM idempotency_keys "
                     "WHERE key='two')");
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        ck_assert_str_eq(g.order_id, two->id);
        free(g.answer_body);
        ck_assert_int_eq(put_intent(three, "two"), STORE_KEY_TAKEN);
}
END_TEST

const TTest *const *store_sqlite_damage_tests(unsigned *ret_n)
{
        static const TTest *tests[9];
        unsigned n = 0;

        tests[n++] = jobs_fail_by_themselves_without_a_table;
        tests[n++] = words_that_nobody_knows_are_damage;
        tests[n++] = rows_that_do_not_fit_together;
        tests[n++] = legs_that_are_gone_are_not_read;
        tests[n++] = a_query_that_holds_up_the_orders_is_cut_off;
        tests[n++] = the_log_is_copied_back_under_load_and_when_idle;
        tests[n++] = the_log_is_being_copied_back_when_the_ledger_closes;
        tests[n++] = a_reader_sees_what_was_copied_in_part;
        tests[n++] = two_keys_with_one_hash_are_two_keys;
        *ret_n = n;
        return tests;
}
