/* Modifications and cancels without a definite answer: the book decides, cancels are repeated. */
#include "world.h"

#include "base/clock.h"
#include "orchestrator/leg_doubt.h"
#include "shown_book.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static char id[ID_SIZE], number[BROKER_ORDER_ID_SIZE], tag[TAG_SIZE];

static void begin(bool sqlite)
{
        world_open(&(struct world_options){.blind = true, .sqlite = sqlite});
        world_pass(SECONDS(1));
        text_copy(id, sizeof(id), live(REST, "one"));
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        SHOW({.id = number, .tag = tag});
        world_pass(SECONDS(6));
}

static struct open_leg *the_leg(void)
{
        struct open_leg *l = open_leg_find(&world.o->open_legs, tag);
        ck_assert_ptr_nonnull(l);
        return l;
}

/* --- modify --- */

static void modify_lost(void)
{
        const struct order_change c = {
                .has_quantity = true, .quantity = 8, .has_price = true, .price = RUPEES(999)};
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_LOST);
        ck_assert_int_eq(modify(id, c)->answer.status, 202);
        /* Until the book has told, the next one has to wait. */
        struct amended *m = modify(id, c);
        ck_assert_int_eq(m->answer.status, 409);
        ck_assert_int_eq(m->answer.retry_after_s, 1);
        clock_fake_advance(1000);
}

START_TEST(test_modify_was_made)
{
        const struct order *o;
        begin(true);
        modify_lost();
        SHOW({.id = number, .tag = tag, .quantity = 8, .price = "999"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown(id, &o), PROBLEM_NONE);
        ck_assert_int_eq(o->quantity, 8);
        ck_assert_int_eq(o->price, RUPEES(999));
        ck_assert_int_eq(o->legs[0].quantity, 8);
        ck_assert_uint_eq(o->legs[0].modifications, 1);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_ANSWERED), 2);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_ANSWERED), "it was made"));
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_ANSWERED), "\"accepted\""));
        ck_assert_int_eq(the_leg()->modify_us, 0);
        world_pass(SECONDS(6));
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_ANSWERED), 2);
        world_close();
}
END_TEST

START_TEST(test_modify_was_not_made)
{
        const struct order *o;
        begin(true);
        modify_lost();
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown(id, &o), PROBLEM_NONE);
        ck_assert_int_eq(o->quantity, 10);
        ck_assert_int_eq(o->legs[0].quantity, 10);
        ck_assert_uint_eq(o->legs[0].modifications, 0);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_ANSWERED), "was not made"));
        ck_assert_int_eq(the_leg()->modify_us, 0);
        /* And if it comes later, that holds. */
        SHOW({.id = number, .tag = tag, .quantity = 8, .price = "999"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 8);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), 1);
        world_close();
}
END_TEST

/* A read that had begun before the call ended tells nothing of it. */
START_TEST(test_old_read_does_not_tell)
{
        begin(false);
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        world_pass(SECONDS(6));
        ck_assert_uint_eq(wire_held(world.wires[0]), 1);
        clock_fake_advance(1000);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_LOST);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        world_close();
}
END_TEST

/* --- cancel --- */

START_TEST(test_cancel_is_repeated)
{
        begin(true);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 100, FATE_LOST);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        for (unsigned i = 0; i < CANCEL_REPEATS_MAX; i++) {
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1 + i);
                ck_assert(shown_leg(id, 0)->cancel_requested);
                world_pass(SECONDS(6));
        }
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1 + CANCEL_REPEATS_MAX);
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_INTENT), 1 + CANCEL_REPEATS_MAX);
        world_pass(SECONDS(6));
        world_pass(SECONDS(6));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1 + CANCEL_REPEATS_MAX);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_CANCEL_ANSWERED), "often enough"));
        ck_assert(!shown_leg(id, 0)->cancel_requested);
        /* A person's next one begins anew. */
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        world_pass(SECONDS(6));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 3 + CANCEL_REPEATS_MAX);
        world_close();
}
END_TEST

START_TEST(test_cancel_was_done)
{
        begin(false);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_REPLY_LOST);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        SHOW({.id = number, .tag = tag, .status = "CANCELLED"});
        world_pass(SECONDS(6));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_CANCELLED);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

/* A cancel that never left, or was refused, is not in doubt: nobody repeats it. */
START_TEST(test_definite_cancel_is_not_repeated)
{
        begin(false);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_NOT_SENT);
        ck_assert_int_ne(cancel(id)->answer.status, 200);
        ck_assert(!shown_leg(id, 0)->cancel_requested);
        world_pass(SECONDS(6));
        world_pass(SECONDS(6));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        world_close();
}
END_TEST

/* --- over restarts --- */

START_TEST(test_cancel_in_doubt_over_a_restart)
{
        begin(true);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_LOST);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        clock_fake_advance(1000);
        world_sleep();
        world_boot();
        SHOW({.id = number, .tag = tag});
        orchestrator_start(world.o);
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        world_close();
}
END_TEST

/* The cancel of an order whose number nobody knows is kept, and made when the order is found. */
START_TEST(test_owed_cancel_over_a_restart)
{
        begin(true);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place("BUY 3 NSE:IDEA CNC LIMIT 13", "one", NULL);
        ck_assert_int_eq(p->answer.status, 202);
        text_copy(id, sizeof(id), p->answer.order_id);
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        clock_fake_advance(1000);
        world_sleep();
        world_boot();
        SHOW({.id = "12", .tag = tag, .symbol = "NSE:IDEA", .quantity = 3, .price = "13"});
        orchestrator_start(world.o);
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_ACCEPTED);
        world_close();
}
END_TEST

/* Legs that are still unknown after the first book only freeze their instrument; reads and cancels
 * work before it. */
START_TEST(test_before_the_first_book)
{
        begin(true);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        ck_assert_int_eq(place("BUY 3 NSE:IDEA CNC LIMIT 13", "one", NULL)->answer.status, 202);
        clock_fake_advance(1000);
        world_sleep();
        world_boot();
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        orchestrator_start(world.o);
        world_rest();
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 503);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_OPEN);
        (void)cancel(id);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        SHOW({.id = number, .tag = tag});
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        ck_assert(world_account(0)->ready);
        ck_assert_int_eq(place("BUY 2 NSE:IDEA CNC LIMIT 13", "one", NULL)->answer.status, 409);
        ck_assert_int_eq(place("BUY 2 NSE:INFY CNC LIMIT 1500", "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

SUITE("orchestrator/leg_doubt", test_modify_was_made, test_modify_was_not_made,
      test_old_read_does_not_tell, test_cancel_is_repeated, test_cancel_was_done,
      test_definite_cancel_is_not_repeated, test_cancel_in_doubt_over_a_restart,
      test_owed_cancel_over_a_restart, test_before_the_first_book)
