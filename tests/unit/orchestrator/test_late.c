/* Rows with a tag of ours whose leg is over, and second rows with one tag. */
#include "world.h"

#include "base/clock.h"
#include "orchestrator/late_row.h"
#include "shown_book.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static void set_flags(void)
{
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
}

static void begin(void)
{
        world_open(&(struct world_options){.blind = true, .sqlite = true});
        set_flags();
        world_pass(SECONDS(1));
}

/* Lost, and settled as not placed by an operator: its tag and id. */
static void settled(char tag[static TAG_SIZE], char id[static ID_SIZE])
{
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place(REST, "one", "k1");
        ck_assert_int_eq(p->answer.status, 202);
        text_copy(id, ID_SIZE, p->answer.order_id);
        text_copy(tag, TAG_SIZE, shown_leg(id, 0)->tag);
        ck_assert_int_eq(resolve(id, 1, OUTCOME_NOT_PLACED)->answer.status, 200);
        world_rest();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 422);
}

/* Without a leg of ours the book is read because the market is open. */
static void read_book(void)
{
        world_pass(BOOK_WATCH_US);
        world_rest();
}

START_TEST(test_late)
{
        char tag[TAG_SIZE], id[ID_SIZE];
        begin();
        settled(tag, id);
        SHOW({.id = "81", .tag = tag});
        read_book();
        const struct leg *l = shown_leg(id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_ACCEPTED);
        ck_assert_int_eq(l->confidence, CONFIDENCE_PROVEN);
        ck_assert_int_eq(l->status, ORDER_STATUS_OPEN);
        ck_assert_str_eq(l->broker_order_id, "81");
        ck_assert_int_eq(audit_count(AUDIT_LEG_LATE), 1);
        ck_assert_uint_eq(world_account(0)->n_late, 1);
        ck_assert_uint_eq(world_account(0)->n_open, 1);
        /* The key tells the truth from now on. */
        struct placed *p = place(REST, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 201);
        /* It is followed like any other, and told once. */
        SHOW({.id = "81", .tag = tag, .filled = 10, .status = "FILLED"});
        read_book();
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_FILLED);
        read_book();
        ck_assert_int_eq(audit_count(AUDIT_LEG_LATE), 1);
        ck_assert_uint_eq(world_account(0)->external.total, 0);
        world_close();
}
END_TEST

START_TEST(test_late_after_a_restart)
{
        char tag[TAG_SIZE], id[ID_SIZE];
        begin();
        settled(tag, id);
        world_sleep();
        world_boot();
        set_flags();
        SHOW({.id = "81", .tag = tag, .filled = 10, .status = "FILLED"});
        orchestrator_start(world.o);
        world_rest();
        read_book();
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_ACCEPTED);
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 10);
        ck_assert_int_eq(audit_count(AUDIT_LEG_LATE), 1);
        world_close();
}
END_TEST

/* A refusal that the book shows is no order that came late. */
START_TEST(test_late_refusal)
{
        char tag[TAG_SIZE], id[ID_SIZE];
        begin();
        settled(tag, id);
        SHOW({.id = "82", .tag = tag, .status = "REJECTED"});
        read_book();
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_REJECTED);
        ck_assert_int_eq(audit_count(AUDIT_LEG_LATE), 0);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

START_TEST(test_late_under_the_kill_switch)
{
        char tag[TAG_SIZE], id[ID_SIZE];
        begin();
        settled(tag, id);
        ck_assert_int_eq(kill_set(KILL_LEVEL_CANCEL, "global", false), PROBLEM_NONE);
        SHOW({.id = "83", .tag = tag});
        read_book();
        ck_assert_uint_ge(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_int_ge(audit_count(AUDIT_CANCEL_INTENT), 1);
        world_close();
}
END_TEST

/* Somebody had asked for its end before it was settled. */
START_TEST(test_late_and_cancel_owed)
{
        char tag[TAG_SIZE], id[ID_SIZE];
        begin();
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place(REST, "one", "k1");
        text_copy(id, sizeof(id), p->answer.order_id);
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        ck_assert_int_eq(resolve(id, 1, OUTCOME_NOT_PLACED)->answer.status, 200);
        SHOW({.id = "84", .tag = tag});
        read_book();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        world_close();
}
END_TEST

/* The ledger cannot be asked: the next read asks again. */
START_TEST(test_ledger_fails)
{
        char tag[TAG_SIZE], id[ID_SIZE];
        world_open(&(struct world_options){.blind = true});
        set_flags();
        world_pass(SECONDS(1));
        settled(tag, id);
        SHOW({.id = "81", .tag = tag});
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        read_book();
        ck_assert_uint_eq(world_account(0)->n_late, 0);
        ck_assert_uint_eq(world_account(0)->external.total, 0);
        read_book();
        ck_assert_uint_eq(world_account(0)->n_late, 1);
        world_close();
}
END_TEST

/* --- two --- */

START_TEST(test_twin_of_an_order_that_is_over)
{
        char tag[TAG_SIZE], number[BROKER_ORDER_ID_SIZE], id[ID_SIZE];
        begin();
        text_copy(id, sizeof(id), live(REST, "one"));
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        SHOW({.id = number, .tag = tag, .filled = 10, .status = "FILLED"});
        read_book();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        SHOW({.id = number, .tag = tag, .filled = 10, .status = "FILLED"},
             {.id = "85", .tag = tag});
        read_book();
        read_book();
        ck_assert_uint_eq(world_account(0)->n_twins, 1);
        ck_assert_int_eq(audit_count(AUDIT_LEG_TWIN), 1);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_LEG_TWIN), "its tag: 85"));
        ck_assert_ptr_nonnull(strstr(shown_leg(id, 0)->message, "its tag: 85"));
        ck_assert_str_eq(shown_leg(id, 0)->broker_order_id, number);
        /* Nobody follows it: it is shown among the others. */
        ck_assert_ptr_nonnull(external_find(&world_account(0)->external, "85"));
        ck_assert_ptr_null(external_find(&world_account(0)->external, number));
        world_close();
}
END_TEST

START_TEST(test_twin_of_a_live_order)
{
        char tag[TAG_SIZE], number[BROKER_ORDER_ID_SIZE], id[ID_SIZE];
        begin();
        text_copy(id, sizeof(id), live(REST, "one"));
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        SHOW({.id = number, .tag = tag}, {.id = "86", .tag = tag});
        read_book();
        read_book();
        ck_assert_uint_eq(world_account(0)->n_twins, 1);
        ck_assert_int_eq(audit_count(AUDIT_LEG_TWIN), 1);
        ck_assert_ptr_nonnull(external_find(&world_account(0)->external, "86"));
        world_close();
}
END_TEST

SUITE("orchestrator/late", test_late, test_late_after_a_restart, test_late_refusal,
      test_late_under_the_kill_switch, test_late_and_cancel_owed, test_ledger_fails,
      test_twin_of_an_order_that_is_over, test_twin_of_a_live_order)
