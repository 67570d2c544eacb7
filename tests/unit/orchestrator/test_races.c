/* What tests/explore found, each as the plain story: two things about one leg at once, and a daemon
 * that dies in between. */
#include "world.h"

#include "base/clock.h"
#include "orchestrator/absence.h"
#include "orchestrator/leg_write.h"
#include "shown_book.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define FILL "BUY 10 NSE:SBIN CNC MARKET"

static const struct world_options plain = {};

static struct placed *reply_lost(const char *words, const char *key)
{
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_REPLY_LOST);
        struct placed *p = place(words, "one", key);
        ck_assert_int_eq(p->answer.status, 202);
        return p;
}

static struct open_leg *first_leg(void)
{
        return LIST_ENTRY(world_account(0)->open_legs.next, struct open_leg, of_account);
}

/* A leg of yesterday was told to be over at every read, so that what the ledger could not take
 * before never got its turn. */
START_TEST(test_day_ends_over_an_owed_write)
{
        world_open(&plain);
        (void)reply_lost(REST, NULL);
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        world_pass(SECONDS(1));
        ck_assert_uint_eq(first_leg()->n_owed, 1);
        show_book(NULL, 0);
        world_pass(SECONDS(86400));
        for (unsigned i = 0; i < 4; i++)
                world_pass(SECONDS(2));
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(audit_count(AUDIT_LEG_RESOLVED), 1);
        ck_assert_int_eq(audit_count(AUDIT_LEG_UPDATED), 1);
        world_close();
}
END_TEST

/* What was to be cancelled when it is found is found by an operator too. */
START_TEST(test_operator_finds_what_is_to_be_cancelled)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_BOOK, 1, 1000, FATE_BROKEN);
        struct placed *p = reply_lost(REST, NULL);
        ck_assert_int_eq(cancel(p->answer.order_id)->answer.status, 202);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        ck_assert_int_eq(resolve(p->answer.order_id, 1, OUTCOME_ACCEPTED)->answer.status, 200);
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        world_close();
}
END_TEST

/* Found, and the ledger cannot take it yet: a repetition is not told more than would be known after
 * a crash. */
START_TEST(test_replay_tells_what_is_durable)
{
        world_open(&plain);
        struct placed *p = reply_lost(REST, "k1");
        /* A gate that refuses, so that the ledger is only asked. */
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", true), PROBLEM_NONE);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1U << 30, STORE_FULL);
        world_pass(SECONDS(1));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_ACCEPTED);
        p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 202);
        fake_store_fail(world.fake, FAKE_WRITE, 0, 0, STORE_OK);
        world_pass(SECONDS(2));
        world_pass(SECONDS(2));
        ck_assert_int_eq(place(REST, "one", "k1")->answer.status, 201);
        world_close();
}
END_TEST

/* The intent of a cancel is on its way to the ledger when the book shows the leg: it must not take
 * the leg's end with it, whose record comes later, and after a crash never. */
START_TEST(test_no_end_without_its_record)
{
        world_open(&plain);
        struct placed *p = reply_lost(FILL, NULL);
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        world_pass(SECONDS(1));
        fake_store_delay(world.fake, FAKE_READ, 50000);
        struct amended *m = amend_begin(AMEND_CANCEL, p->answer.order_id, (struct order_change){});
        world_until(&first_leg()->write_running);
        fake_store_fail(world.fake, FAKE_WRITE, 2, 1U << 30, STORE_UNAVAILABLE);
        wire_release(world.wires[0], FATE_SERVED);
        ck_assert_int_eq(first_leg()->outcome, OUTCOME_ACCEPTED);
        world_until(&m->done);
        fake_store_delay(world.fake, FAKE_READ, 0);
        world_rest();
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_INTENT), 1);
        ck_assert_int_eq(audit_count(AUDIT_LEG_RESOLVED), 0);
        world_crash();
        world_pass(SECONDS(1));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->status, ORDER_STATUS_FILLED);
        ck_assert_int_eq(audit_count(AUDIT_LEG_RESOLVED), 1);
        world_close();
}
END_TEST

/* The daemon dies between the record of an order that was found and the cancel that was owed. */
START_TEST(test_owed_cancel_survives_a_crash)
{
        world_open(&plain);
        struct placed *p = reply_lost(REST, NULL);
        ck_assert_int_eq(cancel(p->answer.order_id)->answer.status, 202);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_HELD);
        world_pass(SECONDS(1));
        ck_assert_uint_eq(wire_held(world.wires[0]), 1);
        world_crash();
        world_pass(SECONDS(2));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->status, ORDER_STATUS_CANCELLED);
        world_close();
}
END_TEST

/* Whoever asked was told that it did not leave: the order is the client's again. */
START_TEST(test_refused_cancel_is_over)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_NOT_SENT);
        ck_assert_int_eq(cancel(id)->answer.status, 424);
        ck_assert(!shown_leg(id, 0)->cancel_requested);
        world_crash();
        world_pass(SECONDS(2));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_OPEN);
        world_close();
}
END_TEST

/* Nothing reads the book for a leg of yesterday: what is owed about it is written all the same. */
START_TEST(test_owed_writes_need_no_book)
{
        world_open(&(struct world_options){.blind = true});
        wire_script(world.wires[0], BROKER_BOOK, 1, 1000, FATE_BROKEN);
        struct placed *p = reply_lost(REST, NULL);
        clock_fake_advance(SECONDS(86400));
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        absence_sweep(world.o);
        world_rest();
        ck_assert_uint_eq(first_leg()->n_owed, 1);
        leg_writes_sweep(world.o);
        world_rest();
        ck_assert_uint_eq(first_leg()->n_owed, 0);
        ck_assert_int_eq(audit_count(AUDIT_LEG_NEEDS_OPERATOR), 1);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->state, LEG_STATE_NEEDS_OPERATOR);
        world_close();
}
END_TEST

static bool some_doubtful(void *userdata)
{
        return !list_empty(&world.o->doubtful);
}

static bool none_doubtful(void *userdata)
{
        return list_empty(&world.o->doubtful);
}

static void run_until(bool (*fn)(void *userdata))
{
        loop_stop(world.loop);
        ck_assert_int_eq(loop_run(world.loop, fn, NULL), 0);
}

/* Nobody knows whether the intent is there, and the kill switch wants the leg cancelled: the intent
 * of that cancel does not end the leg without a word of why. */
START_TEST(test_doubt_under_the_kill_switch)
{
        world_open(&plain);
        fake_store_lose_commit(world.fake, true);
        fake_store_fail(world.fake, FAKE_READ, 1, 100000, STORE_UNAVAILABLE);
        (void)place_begin(REST, "one", "k1");
        run_until(some_doubtful);
        ck_assert_int_eq(kill_set(KILL_LEVEL_CANCEL, "global", true), PROBLEM_NONE);
        fake_store_fail(world.fake, FAKE_READ, 0, 0, STORE_OK);
        run_until(none_doubtful);
        world_rest();
        struct placed *p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_ptr_nonnull(strstr(p->body, "not_sent REJECTED NOT_SENT proven"));
        ck_assert_int_eq(audit_count(AUDIT_LEG_OUTCOME), 1);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 0);
        world_close();
}
END_TEST

/* Its client was told that it is cancelled when it is found: a broken line does not end that. */
START_TEST(test_owed_cancel_that_did_not_leave)
{
        world_open(&plain);
        struct placed *p = reply_lost(REST, NULL);
        ck_assert_int_eq(cancel(p->answer.order_id)->answer.status, 202);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_NOT_SENT);
        for (unsigned i = 0; i < 4; i++)
                world_pass(SECONDS(3));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 2);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->status, ORDER_STATUS_CANCELLED);
        world_close();
}
END_TEST

SUITE("races", test_owed_cancel_that_did_not_leave, test_doubt_under_the_kill_switch,
      test_owed_cancel_survives_a_crash, test_refused_cancel_is_over, test_owed_writes_need_no_book,
      test_day_ends_over_an_owed_write, test_operator_finds_what_is_to_be_cancelled,
      test_replay_tells_what_is_durable, test_no_end_without_its_record)
