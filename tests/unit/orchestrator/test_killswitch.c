/* The kill switch: levels, scopes, marker, ledger, and what it does about what is open. */
#include "world.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "orchestrator/kill_write.h"

#define REST   "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define FUTURE "NFO:NIFTY29DEC26FUT"

static const struct world_options plain = {};

static void marker(const char *body)
{
        char path[128];
        snprintf(path, sizeof(path), "%s/killswitch", world.dir);
        if (!body) {
                (void)unlink(path);
                return;
        }
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs(body, f);
        ck_assert_int_eq(fclose(f), 0);
}

static enum kill_level level(const char *account)
{
        return killswitch_level(world.o, account);
}

/* The two seconds between its steps, at once. */
static void step(void)
{
        clock_fake_advance(SECONDS(2));
        killswitch_start(world.o);
        world_rest();
}

START_TEST(test_scopes)
{
        const struct kill_entry *e;
        world_open(&plain);
        ck_assert(killswitch_scope_valid(world.o, "global"));
        ck_assert(killswitch_scope_valid(world.o, "broker:paper"));
        ck_assert(killswitch_scope_valid(world.o, "account:paper:one"));
        ck_assert(!killswitch_scope_valid(world.o, "account:paper:nobody"));
        ck_assert(!killswitch_scope_valid(world.o, "broker:nobody"));
        ck_assert(!killswitch_scope_valid(world.o, "everything"));
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "account:paper:one", false), PROBLEM_NONE);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_HALT);
        ck_assert_int_eq(level("paper:two"), KILL_LEVEL_NONE);
        ck_assert_int_eq(level(NULL), KILL_LEVEL_NONE);
        ck_assert_int_eq(place(REST, "one two", NULL)->answer.status, 207);
        ck_assert_int_eq(kill_set(KILL_LEVEL_CANCEL, "broker:paper", false), PROBLEM_NONE);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_CANCEL);
        ck_assert_int_eq(place(REST, "one two", NULL)->answer.status, 423);
        ck_assert_uint_eq(killswitch_list(world.o, &e), 2);
        world_rest();
        ck_assert_uint_eq(world_account(1)->n_open, 0);
        world_close();
}
END_TEST

START_TEST(test_release)
{
        world_open(&plain);
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_FORBIDDEN);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", false), PROBLEM_FORBIDDEN);
        ck_assert_int_eq(level(NULL), KILL_LEVEL_CANCEL);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", true), PROBLEM_NONE);
        ck_assert_int_eq(level(NULL), KILL_LEVEL_HALT);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_NONE);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", false), PROBLEM_NONE);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        world_sleep();
        world_wake();
        ck_assert_int_eq(level(NULL), KILL_LEVEL_NONE);
        world_close();
}
END_TEST

START_TEST(test_too_many_scopes)
{
        char scope[KILL_SCOPE_SIZE];
        world_open(&plain);
        for (unsigned i = 0; i < KILL_SCOPES_MAX; i++) {
                snprintf(scope, sizeof(scope), "account:paper:n%u", i);
                ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, scope, false), PROBLEM_NONE);
        }
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_OVERLOADED);
        world_close();
}
END_TEST

START_TEST(test_restored_from_both)
{
        static const struct {
                const char *marker;
                enum kill_level expected;
        } cases[] = {
                {NULL, KILL_LEVEL_HALT},
                {"global CANCEL\n", KILL_LEVEL_CANCEL},
                {"global NONE\n", KILL_LEVEL_HALT},
                {"account:paper:gone HALT\n", KILL_LEVEL_HALT},
        };
        world_open(&(struct world_options){.sqlite = true});
        kill_set(KILL_LEVEL_HALT, "global", false);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                world_sleep();
                marker(cases[i].marker);
                world_wake();
                ck_assert_int_eq(level(NULL), cases[i].expected);
        }
        world_close();
}
END_TEST

/* A marker that nobody can read is no reason to trade. */
START_TEST(test_marker_that_cannot_be_read)
{
        static const char *const markers[] = {"rubbish", "global RUBBISH\n", "\n",
                                              "account:paper:one HALT\nglobal\n"};
        world_open(&plain);
        for (size_t i = 0; i < ELEMENTS(markers); i++) {
                world_sleep();
                marker(markers[i]);
                world_wake();
                ck_assert_int_eq(level(NULL), KILL_LEVEL_HALT);
        }
        world_sleep();
        marker(NULL);
        char path[128];
        snprintf(path, sizeof(path), "%s/killswitch", world.dir);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        world_wake();
        ck_assert_int_eq(level(NULL), KILL_LEVEL_HALT);
        world_close();
}
END_TEST

START_TEST(test_ledger_down)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_CORRUPT);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_HALT);
        world_sleep();
        world_wake();
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_HALT);
        /* lost and written: the epoch in memory follows */
        fake_store_lose_commit(world.fake, true);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_STORE_UNAVAILABLE);
        world_rest();
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

/* Until what the ledger could not take is there. */
static void until_written(void)
{
        for (unsigned i = 0; i < 100; i++) {
                clock_fake_advance(SECONDS(1));
                ledger_probe(world.o);
                killswitch_retry(world.o);
                world_rest();
                if (i > 2 && world.o->store_failure == STORE_OK)
                        return;
        }
        ck_abort_msg("the ledger does not recover");
}

static void assert_restored(enum kill_level global, enum kill_level one)
{
        world_sleep();
        marker(NULL);
        world_wake();
        ck_assert_int_eq(level(NULL), global);
        ck_assert_int_eq(level("paper:one"), one);
}

/* What the ledger could not take is written when it can, in order, with its records. */
START_TEST(test_written_later)
{
        static const enum store_result results[] = {STORE_FULL, STORE_UNCERTAIN};
        for (size_t i = 0; i < ELEMENTS(results); i++) {
                world_open(&plain);
                fake_store_fail(world.fake, FAKE_COMMIT, 1, 2, results[i]);
                ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false),
                                 PROBLEM_STORE_UNAVAILABLE);
                ck_assert_int_eq(kill_set(KILL_LEVEL_CANCEL, "account:paper:one", false),
                                 PROBLEM_STORE_UNAVAILABLE);
                until_written();
                ck_assert_int_eq(audit_count(AUDIT_KILL_SWITCH), 2);
                assert_restored(KILL_LEVEL_HALT, KILL_LEVEL_CANCEL);
                ck_assert_int_eq(place(REST, "two", NULL)->answer.status, 423);
                world_close();
        }
}
END_TEST

/* A later word on the same scope is the last one in the ledger too. */
START_TEST(test_written_in_order)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_NONE);
        until_written();
        ck_assert_int_eq(audit_count(AUDIT_KILL_SWITCH), 2);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        assert_restored(KILL_LEVEL_NONE, KILL_LEVEL_NONE);
        world_close();
}
END_TEST

/* However often it is said while the ledger is away: the last word on each scope is kept. */
START_TEST(test_said_often)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_COMMIT, 1, 100000, STORE_FULL);
        (void)kill_set(KILL_LEVEL_HALT, "account:paper:one", false);
        for (unsigned i = 0; i < KILL_WRITES_MAX + 20; i++)
                ck_assert_int_eq(kill_set(i % 2 ? KILL_LEVEL_NONE : KILL_LEVEL_HALT,
                                          "account:paper:two", true),
                                 PROBLEM_STORE_UNAVAILABLE);
        fake_store_fail(world.fake, FAKE_COMMIT, 0, 0, STORE_OK);
        until_written();
        ck_assert_int_eq(audit_count(AUDIT_KILL_SWITCH), KILL_WRITES_MAX);
        assert_restored(KILL_LEVEL_NONE, KILL_LEVEL_HALT);
        ck_assert_int_eq(level("paper:two"), KILL_LEVEL_NONE);
        world_close();
}
END_TEST

/* The ledger is read while a release is on its way to it: what it says then is old. */
START_TEST(test_released_while_it_is_read)
{
        world_open(&plain);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_UNCERTAIN);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_STORE_UNAVAILABLE);
        killswitch_reread(world.o);
        world_rest();
        ck_assert_int_eq(level(NULL), KILL_LEVEL_NONE);
        until_written();
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        assert_restored(KILL_LEVEL_NONE, KILL_LEVEL_NONE);
        world_close();
}
END_TEST

/* The marker could not be written: that is made good, too. */
START_TEST(test_marker_later)
{
        char path[128];
        world_open(&plain);
        snprintf(path, sizeof(path), "%s/killswitch", world.dir);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
        ck_assert_int_eq(rmdir(path), 0);
        ck_assert_int_ne(access(path, F_OK), 0);
        until_written();
        ck_assert_int_eq(access(path, F_OK), 0);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_NONE);
        ck_assert_int_ne(access(path, F_OK), 0);
        world_close();
}
END_TEST

START_TEST(test_directory_gone)
{
        char away[128];
        world_open(&plain);
        snprintf(away, sizeof(away), "%s.away", world.dir);
        ck_assert_int_eq(rename(world.dir, away), 0);
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
        ck_assert_int_eq(level(NULL), KILL_LEVEL_HALT);
        ck_assert_int_eq(rename(away, world.dir), 0);
        world_sleep();
        world_wake();
        ck_assert_int_eq(level(NULL), KILL_LEVEL_HALT); /* from the ledger */
        world_close();
}
END_TEST

START_TEST(test_cancels_what_is_open)
{
        world_open(&plain);
        (void)place(REST, "one two", NULL);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 2, STORE_FULL);
        (void)kill_set(KILL_LEVEL_CANCEL, "account:paper:one", false);
        for (unsigned i = 0; i < 3; i++)
                step();
        world_pass(SECONDS(2));
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_uint_eq(world_account(1)->n_open, 1);
        const struct kill_entry *e;
        ck_assert_uint_eq(killswitch_list(world.o, &e), 1);
        ck_assert(!e->closing);
        world_close();
}
END_TEST

/* A leg that nobody can find is asked for once, not every two seconds. */
START_TEST(test_unknown_leg_is_cancelled_once)
{
        world_open(&(struct world_options){.blind = true});
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 202);
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        for (unsigned i = 0; i < 5; i++)
                step();
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_INTENT), 1);
        const struct kill_entry *e;
        ck_assert_uint_eq(killswitch_list(world.o, &e), 1);
        ck_assert(e->closing);
        ck_assert_uint_eq(e->open_legs, 1);
        world_close();
}
END_TEST

/* Found while everything is to be cancelled: it is, at once, and once. */
START_TEST(test_adopted_and_cancelled)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 2, FATE_REPLY_LOST);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 202);
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        world_pass(SECONDS(1));
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        step(); /* it holds the leg until it has seen its end */
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

static int64_t position(unsigned account, const char *symbol, enum product p)
{
        funds_refresh(world_account(account));
        world_rest();
        return funds_position(world_account(account), symbol, p);
}

START_TEST(test_flatten)
{
        world_open(&(struct world_options){.funds = RUPEES(500000000)});
        ck_assert_int_eq(place("BUY 1755 " FUTURE " MARGIN MARKET", "one two", NULL)->answer.status,
                         201);
        ck_assert_int_eq(place("BUY 1755 " FUTURE " MARGIN MARKET", "one", NULL)->answer.status,
                         201);
        ck_assert_int_eq(place("SELL 10 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status,
                         201);
        ck_assert_int_eq(place("BUY 5 NSE:SBIN CNC MARKET", "one", NULL)->answer.status, 201);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        clock_fake_advance(1000);
        int64_t before = position(0, FUTURE, PRODUCT_MARGIN);
        ck_assert_int_gt(before, 1800);
        kill_set(KILL_LEVEL_FLATTEN, "account:paper:one", false);
        const struct kill_entry *e;
        for (unsigned i = 0; i < 20; i++) {
                step();
                ck_assert_uint_eq(killswitch_list(world.o, &e), 1);
                if (!e->closing)
                        break;
        }
        ck_assert_int_eq(position(0, FUTURE, PRODUCT_MARGIN), 0);
        ck_assert_int_eq(position(0, "NSE:SBIN", PRODUCT_INTRADAY), 0);
        ck_assert_int_eq(position(0, "NSE:SBIN", PRODUCT_CNC), 5);
        ck_assert_int_eq(position(1, FUTURE, PRODUCT_MARGIN), 1755);
        ck_assert(!e->closing);
        world_close();
}
END_TEST

/* Less than a lot cannot be squared off: nothing is sent for it. */
START_TEST(test_flatten_odd_lot)
{
        world_open(&plain);
        wire_say(world.wires[0], BROKER_POSITIONS, 200,
                 "{\"positions\":[{\"symbol\":\"" FUTURE "\",\"product\":\"MARGIN\","
                 "\"quantity\":10,\"average_price\":\"1\",\"last_price\":\"1\","
                 "\"realised_pnl\":\"0\",\"unrealised_pnl\":\"0\",\"buy_quantity\":10,"
                 "\"sell_quantity\":0}]}");
        clock_fake_advance(SECONDS(2));
        ck_assert_int_eq(position(0, FUTURE, PRODUCT_MARGIN), 10);
        kill_set(KILL_LEVEL_FLATTEN, "global", false);
        for (unsigned i = 0; i < 3; i++)
                step();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 0);
        world_close();
}
END_TEST

/* --- verified to reduce --- */

START_TEST(test_reducing_passes_halt)
{
        world_open(&plain);
        ck_assert_int_eq(place("BUY 20 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
        clock_fake_advance(1000);
        kill_set(KILL_LEVEL_HALT, "global", false);
        ck_assert_int_eq(place("SELL 21 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status,
                         423);
        ck_assert_int_eq(place("BUY 1 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 423);
        clock_fake_advance(1000);
        ck_assert_int_eq(place("SELL 10 NSE:SBIN INTRADAY LIMIT 1100", "one", NULL)->answer.status,
                         201);
        clock_fake_advance(1000);
        ck_assert_int_eq(place("SELL 11 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status,
                         423);
        /* positions that cannot be read prove nothing */
        clock_fake_advance(SECONDS(6));
        wire_script(world.wires[0], BROKER_POSITIONS, 1, 1, FATE_BROKEN);
        ck_assert_int_eq(place("SELL 1 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 423);
        world_close();
}
END_TEST

/* Two at once may not reduce the same position twice. */
START_TEST(test_reducing_together)
{
        world_open(&plain);
        ck_assert_int_eq(place("BUY 20 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
        clock_fake_advance(SECONDS(6));
        kill_set(KILL_LEVEL_HALT, "global", false);
        struct placed *a = place_begin("SELL 20 NSE:SBIN INTRADAY MARKET", "one", NULL);
        struct placed *b = place_begin("SELL 20 NSE:SBIN INTRADAY MARKET", "one", NULL);
        world_until(&a->done);
        world_until(&b->done);
        ck_assert_int_eq(a->answer.status, 201);
        ck_assert_int_eq(b->answer.status, 423);
        world_rest();
        clock_fake_advance(1000);
        ck_assert_int_eq(position(0, "NSE:SBIN", PRODUCT_INTRADAY), 0);
        world_close();
}
END_TEST

/* A reading that began before the last fill says nothing about it: another one is made. */
START_TEST(test_reducing_and_an_old_reading)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_POSITIONS, 1, 1, FATE_HELD);
        funds_refresh(world_account(0));
        world_rest();
        clock_fake_advance(1000);
        ck_assert_int_eq(place("BUY 20 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
        clock_fake_advance(1000);
        kill_set(KILL_LEVEL_HALT, "global", false);
        struct placed *p = place_begin("SELL 20 NSE:SBIN INTRADAY MARKET", "one", NULL);
        world_rest();
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 201);
        world_close();
}
END_TEST

SUITE("kill switch", test_scopes, test_release, test_too_many_scopes, test_restored_from_both,
      test_marker_that_cannot_be_read, test_ledger_down, test_written_later, test_written_in_order,
      test_said_often, test_released_while_it_is_read, test_marker_later, test_directory_gone,
      test_cancels_what_is_open, test_unknown_leg_is_cancelled_once, test_adopted_and_cancelled,
      test_flatten, test_flatten_odd_lot, test_reducing_passes_halt, test_reducing_together,
      test_reducing_and_an_old_reading)
