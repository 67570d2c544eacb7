/* Outcomes that nobody knows: what the book proves, what it does not, restarts, ledgers that fail.
 */
#include "world.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "orchestrator/leg_write.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define FILL "BUY 10 NSE:SBIN CNC MARKET"

static const struct world_options plain = {};
static const struct world_options blind = {.blind = true};

static struct placed *unknown(const char *words, const char *accounts, enum fate f, const char *key)
{
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                wire_script(world.wires[i], BROKER_PLACE, 1, 1, f);
        struct placed *p = place(words, accounts, key);
        ck_assert_int_eq(p->answer.status, 202);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 1);
        return p;
}

static void assert_resolved(void)
{
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++) {
                ck_assert_uint_eq(world_account(i)->n_unresolved, 0);
                ck_assert_uint_eq(world_account(i)->n_needs_operator, 0);
        }
}

START_TEST(test_found)
{
        world_open(&plain);
        struct placed *p = unknown(REST, "one", FATE_REPLY_LOST, "k1");
        world_pass(SECONDS(1));
        const struct leg *l = shown_leg(p->answer.order_id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_ACCEPTED);
        ck_assert_int_eq(l->confidence, CONFIDENCE_PROVEN);
        ck_assert_int_eq(l->problem, PROBLEM_NONE);
        ck_assert_int_eq(l->state, LEG_STATE_SETTLED);
        assert_resolved();
        ck_assert_uint_eq(world_account(0)->n_open, 1);
        p = place(REST, "one", "k1");
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert(p->answer.replayed);
        ck_assert_uint_eq(exchange_orders(0), 1);
        world_close();
}
END_TEST

/* What a crash could take back was never said. */
START_TEST(test_replay_waits_for_the_ledger)
{
        world_open(&plain);
        struct placed *p = unknown(REST, "one", FATE_REPLY_LOST, "k1");
        fake_store_fail(world.fake, FAKE_COMMIT, 1, 1, STORE_UNAVAILABLE);
        world_pass(SECONDS(1));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_ACCEPTED);
        p = place(REST, "one", "k1");
        ck_assert_int_eq(p->answer.status, 202);
        world_pass(SECONDS(2));
        ck_assert_int_eq(place(REST, "one", "k1")->answer.status, 201);
        ck_assert_uint_eq(exchange_orders(0), 1);
        world_close();
}
END_TEST

START_TEST(test_unknown_replies)
{
        static const enum fate fates[] = {FATE_BROKEN, FATE_GARBAGE, FATE_REPLY_LOST, FATE_LOST};
        world_open(&plain);
        for (size_t i = 0; i < ELEMENTS(fates); i++) {
                struct placed *p = unknown(FILL, "one", fates[i], NULL);
                world_pass(SECONDS(1));
                bool done = fates[i] == FATE_GARBAGE || fates[i] == FATE_REPLY_LOST;
                ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome,
                                 done ? OUTCOME_ACCEPTED : OUTCOME_NOT_PLACED);
                assert_resolved();
                ck_assert_uint_eq(world_account(0)->n_open, 0);
        }
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 4);
        world_close();
}
END_TEST

START_TEST(test_found_rejected)
{
        static char body[512];
        world_open(&plain);
        struct placed *p = unknown(REST, "one", FATE_LOST, NULL);
        snprintf(body, sizeof(body),
                 "{\"orders\":[{\"order_id\":\"9\",\"tag\":\"%s\",\"symbol\":\"NSE:SBIN\","
                 "\"side\":\"BUY\",\"type\":\"LIMIT\",\"product\":\"CNC\",\"validity\":\"DAY\","
                 "\"quantity\":10,\"filled_quantity\":0,\"price\":\"1000\",\"trigger_price\":\"0\","
                 "\"average_price\":\"0\",\"status\":\"REJECTED\","
                 "\"placed_at\":1764000000000000,"
                 "\"updated_at\":1764000000000000,\"message\":\"no margin\"}]}",
                 shown_leg(p->answer.order_id, 0)->tag);
        wire_say(world.wires[0], BROKER_BOOK, 200, body);
        world_pass(SECONDS(1));
        const struct leg *l = shown_leg(p->answer.order_id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_REJECTED);
        ck_assert_int_eq(l->problem, PROBLEM_BROKER_REJECTED);
        ck_assert_str_eq(l->message, "no margin");
        assert_resolved();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

START_TEST(test_needs_operator)
{
        world_open(&blind);
        struct placed *p = unknown(REST, "one", FATE_LOST, "k1");
        for (unsigned i = 0; i < 12; i++)
                world_pass(SECONDS(121));
        const struct leg *l = shown_leg(p->answer.order_id, 0);
        ck_assert_int_eq(l->state, LEG_STATE_NEEDS_OPERATOR);
        ck_assert_uint_eq(world_account(0)->n_needs_operator, 1);
        ck_assert_int_eq(audit_count(AUDIT_LEG_NEEDS_OPERATOR), 1);
        ck_assert_int_eq(place("BUY 9 NSE:SBIN CNC LIMIT 1000", "one", NULL)->answer.status, 409);
        ck_assert_int_eq(place("BUY 9 NSE:IDEA CNC LIMIT 13", "one", NULL)->answer.status, 201);
        struct amended *m = resolve(p->answer.order_id, 1, OUTCOME_NOT_PLACED);
        ck_assert_int_ne(m->answer.status, 0);
        assert_resolved();
        p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_ne(p->answer.status, 202);
        world_close();
}
END_TEST

/* The book was read before the leg was sent: that it is not in there proves nothing. */
START_TEST(test_old_book_proves_nothing)
{
        world_open(&plain);
        (void)place("BUY 1 NSE:IDEA CNC LIMIT 13", "one", NULL);
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        world_pass(SECONDS(2));
        ck_assert_uint_eq(wire_held(world.wires[0]), 1);
        wire_say(world.wires[0], BROKER_BOOK, 200, "{\"orders\":[]}");
        clock_fake_advance(1000);
        struct placed *p = unknown(REST, "one", FATE_REPLY_LOST, NULL);
        wire_release(world.wires[0], FATE_SERVED);
        wire_say(world.wires[0], BROKER_BOOK, 200, NULL);
        world_rest();
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_UNKNOWN);
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_ACCEPTED);
        world_close();
}
END_TEST

START_TEST(test_book_read_fails)
{
        world_open(&plain);
        struct placed *p = unknown(REST, "one", FATE_REPLY_LOST, NULL);
        wire_script(world.wires[0], BROKER_BOOK, 1, 2, FATE_BROKEN);
        world_pass(SECONDS(1));
        ck_assert_uint_eq(world_account(0)->n_unresolved, 1);
        world_pass(SECONDS(1));
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_ACCEPTED);
        world_close();
}
END_TEST

/* What the book proved cannot be written: it is tried until it is. */
START_TEST(test_settling_survives_the_ledger)
{
        static const enum fate fates[] = {FATE_REPLY_LOST, FATE_LOST};
        for (size_t i = 0; i < ELEMENTS(fates); i++) {
                world_open(&plain);
                struct placed *p = unknown(FILL, "one", fates[i], "k1");
                fake_store_fail(world.fake, FAKE_WRITE, 1, 1U << 30, STORE_FULL);
                world_pass(SECONDS(1));
                world_pass(SECONDS(1));
                enum outcome expected =
                        fates[i] == FATE_LOST ? OUTCOME_NOT_PLACED : OUTCOME_ACCEPTED;
                ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, expected);
                ck_assert_uint_eq(world_account(0)->n_open, 1);
                fake_store_fail(world.fake, FAKE_WRITE, 0, 0, STORE_OK);
                world_pass(SECONDS(2));
                world_pass(SECONDS(2));
                ck_assert_uint_eq(world_account(0)->n_open, 0);
                ck_assert_int_eq(audit_count(AUDIT_LEG_RESOLVED), 1);
                const struct leg *l = shown_leg(p->answer.order_id, 0);
                ck_assert_int_eq(l->outcome, expected);
                ck_assert_int_eq(l->confidence, CONFIDENCE_PROVEN);
                ck_assert_int_eq(l->problem,
                                 fates[i] == FATE_LOST ? PROBLEM_NOT_PLACED : PROBLEM_NONE);
                p = place(FILL, "one", "k1");
                ck_assert(p->answer.replayed);
                ck_assert_int_ne(p->answer.status, 202);
                world_close();
        }
}
END_TEST

START_TEST(test_reading_the_order_fails)
{
        world_open(&plain);
        struct placed *p = unknown(REST, "one", FATE_REPLY_LOST, NULL);
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        world_pass(SECONDS(1));
        world_pass(SECONDS(2));
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_ACCEPTED);
        ck_assert_int_eq(audit_count(AUDIT_LEG_RESOLVED), 1);
        world_close();
}
END_TEST

/* Legs of one order are settled in the same moment: each one's stored answer knows of the others.
 */
START_TEST(test_two_legs_at_once)
{
        world_open(&plain);
        struct placed *p = unknown(REST, "one two three", FATE_LOST, "k1");
        world_pass(SECONDS(1));
        assert_resolved();
        p = place(REST, "one two three", "k1");
        ck_assert(p->answer.replayed);
        for (const char *s = p->body; (s = strstr(s, "paper:")); s++)
                ck_assert_ptr_nonnull(
                        strstr(strstr(s, " "), " not_placed REJECTED NOT_PLACED proven"));
        unsigned n = 0;
        for (const char *s = p->body; (s = strstr(s, "NOT_PLACED proven")); s++)
                n++;
        ck_assert_uint_eq(n, 3);
        world_close();
}
END_TEST

START_TEST(test_owed_is_bounded)
{
        world_open(&blind);
        struct placed *p = unknown(REST, "one", FATE_LOST, NULL);
        struct open_leg *l =
                LIST_ENTRY(world_account(0)->open_legs.next, struct open_leg, of_account);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1U << 30, STORE_FULL);
        for (unsigned i = 0; i < 2 * LEG_OWED_MAX; i++) {
                const struct leg_note n = {.action = AUDIT_LEG_UPDATED,
                                           .actor = "x",
                                           .must = true,
                                           .settles = i == 0,
                                           .message = "first"};
                ck_assert_int_eq(leg_write(l, &n, NULL, NULL), 0);
        }
        world_rest();
        ck_assert_uint_eq(l->n_owed, LEG_OWED_MAX);
        ck_assert_str_eq(shown_leg(p->answer.order_id, 0)->message, "first");
        world_close();
}
END_TEST

/* --- following --- */

START_TEST(test_followed)
{
        world_open(&plain);
        struct placed *p = place(REST, "one", "k1");
        world_account(0)->account = world_account(0)->account;
        struct open_leg *l =
                LIST_ENTRY(world_account(0)->open_legs.next, struct open_leg, of_account);
        ck_assert_str_ne(l->broker_order_id, "");
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        l->price = RUPEES(999); /* the book says something else */
        world_pass(SECONDS(2));
        ck_assert(l->dirty);
        world_pass(SECONDS(2));
        ck_assert(!l->dirty);
        ck_assert_int_eq(l->price, RUPEES(1000));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->effective.price, RUPEES(1000));
        world_close();
}
END_TEST

START_TEST(test_day_ends)
{
        world_open(&plain);
        struct placed *p = place(REST, "one", "k1");
        world_pass(SECONDS(86400));
        world_pass(SECONDS(2));
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->status, ORDER_STATUS_EXPIRED);
        world_close();
}
END_TEST

/* --- restart --- */

START_TEST(test_crash_while_sending)
{
        world_open(&(struct world_options){.limits = {.orders_per_day = 100}});
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *live = place(REST, "two", NULL);
        (void)place_begin(REST, "one", "k1");
        world_rest();
        world_crash();
        assert_resolved();
        struct placed *p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(p->body, "not_placed"));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 0);
        ck_assert_uint_eq(world_account(1)->n_open, 1);
        ck_assert_int_eq(world_account(1)->limits.day_orders, 1);
        ck_assert_int_eq(cancel(live->answer.order_id)->answer.status, 200);
        world_close();
}
END_TEST

START_TEST(test_not_ready_before_the_book)
{
        world_open(&plain);
        world_sleep();
        world_boot();
        /* However often it is read again meanwhile. */
        wire_script(world.wires[0], BROKER_BOOK, 1, UINT_MAX, FATE_BROKEN);
        wire_script(world.wires[1], BROKER_BOOK, 1, 1, FATE_HELD);
        orchestrator_start(world.o);
        world_rest();
        ck_assert(!world_account(0)->ready);
        struct placed *p = place(REST, "one two", NULL);
        ck_assert_int_eq(p->answer.status, 503);
        ck_assert_int_eq(p->answer.retry_after_s, 1);
        ck_assert_int_eq(place(REST, "one three", NULL)->answer.status, 207);
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_SERVED);
        wire_release(world.wires[1], FATE_SERVED);
        world_pass(SECONDS(2));
        ck_assert_int_eq(place(REST, "one two", NULL)->answer.status, 201);
        world_close();
}
END_TEST

static void put_unsent(const char *key)
{
        static uint8_t fingerprint[FINGERPRINT_SIZE];
        struct order *o = world_order(REST, "one");
        struct store_intent in = {.job.op = STORE_INTENT,
                                  .order = o,
                                  .idempotency_scope = "tester\nPOST /api/v1/orders",
                                  .idempotency_key = key,
                                  .fingerprint = fingerprint,
                                  .key_expires_us = clock_wall_us() + SECONDS(100),
                                  .killswitch_epoch = killswitch_epoch(world.o)};
        id_make(o->id);
        o->created_us = clock_wall_us();
        o->day = clock_ist_day(o->created_us);
        text_copy(o->key_name, sizeof(o->key_name), "tester");
        o->legs[0].number = 1;
        o->legs[0].quantity = 10;
        o->legs[0].state = LEG_STATE_INTENT;
        tag_make(o->legs[0].tag);
        order_fingerprint(o, fingerprint);
        ck_assert_int_eq(store_run(world.store, &in.job), STORE_OK);
        order_free(o);
}

START_TEST(test_unmarked_was_not_sent)
{
        world_open(&plain);
        put_unsent("k1");
        world_sleep();
        world_boot();
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_UNAVAILABLE);
        orchestrator_start(world.o);
        world_rest();
        world_pass(SECONDS(2));
        world_pass(SECONDS(2));
        struct placed *p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(p->body, "not_sent REJECTED NOT_SENT proven"));
        ck_assert_int_eq(audit_count(AUDIT_LEG_RESOLVED), 1);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 0);
        world_close();
}
END_TEST

START_TEST(test_ledger_cannot_be_read_at_start)
{
        char error[STORE_ERROR_SIZE];
        struct orchestrator *o;
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_CORRUPT);
        ck_assert_int_lt(orchestrator_new(&world.o->options, error, &o), 0);
        ck_assert_str_ne(error, "");
        world_close();
}
END_TEST

START_TEST(test_unknown_broker_at_start)
{
        char error[STORE_ERROR_SIZE];
        struct orchestrator *o;
        world_open(&plain);
        text_copy(world.accounts[2].broker, sizeof(world.accounts[2].broker), "nobody");
        ck_assert_int_eq(orchestrator_new(&world.o->options, error, &o), -ENOENT);
        ck_assert_str_ne(error, "");
        world_close();
}
END_TEST

/* Of two orders that fill at once the first one's outcome is not written, and the daemon dies
 * before the book is read again: the exchange has both or neither, and the ledger says the same. */
START_TEST(test_exchange_and_ledger_agree_after_a_crash)
{
        static const char buy[] = "BUY 10 NSE:SBIN INTRADAY MARKET";
        static const enum store_result results[] = {STORE_FAILED, STORE_FULL};
        for (size_t i = 0; i < ELEMENTS(results); i++) {
                world_open(&plain);
                ck_assert_int_eq(
                        place("BUY 1 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
                wire_script(world.wires[0], BROKER_PLACE, 1, 2, FATE_HELD);
                struct placed *a = place_begin(buy, "one", NULL);
                struct placed *b = place_begin(buy, "one", NULL);
                world_rest();
                ck_assert_uint_eq(wire_held(world.wires[0]), 2);
                fake_store_fail(world.fake, FAKE_WRITE, 1, 1, results[i]);
                wire_release(world.wires[0], FATE_SERVED);
                world_until(&a->done);
                world_until(&b->done);
                ck_assert_int_eq(a->answer.status, 202);
                world_crash();
                world_pass(SECONDS(2));
                unsigned accepted = 0;
                struct placed *both[] = {a, b};
                for (unsigned k = 0; k < 2; k++)
                        accepted +=
                                shown_leg(both[k]->answer.order_id, 0)->outcome == OUTCOME_ACCEPTED;
                funds_refresh(world_account(0));
                world_rest();
                ck_assert_int_eq(funds_position(world_account(0), "NSE:SBIN", PRODUCT_INTRADAY),
                                 1 + 10 * accepted);
                ck_assert_uint_eq(exchange_orders(0), 1 + accepted);
                ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
                world_close();
        }
}
END_TEST

SUITE("reconcile", test_found, test_replay_waits_for_the_ledger, test_unknown_replies,
      test_found_rejected, test_needs_operator, test_old_book_proves_nothing, test_book_read_fails,
      test_settling_survives_the_ledger, test_reading_the_order_fails, test_two_legs_at_once,
      test_owed_is_bounded, test_followed, test_day_ends, test_crash_while_sending,
      test_not_ready_before_the_book, test_unmarked_was_not_sent,
      test_ledger_cannot_be_read_at_start, test_unknown_broker_at_start,
      test_exchange_and_ledger_agree_after_a_crash)
