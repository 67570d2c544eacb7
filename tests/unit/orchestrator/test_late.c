/* Rows with a tag of ours whose leg is over, second rows with one tag, and rows of others. */
#include "world.h"

#include <stdio.h>

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
        ck_assert(shown_leg(id, 0)->cancel_requested);
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

/* --- others --- */

START_TEST(test_external)
{
        begin();
        char mine[BROKER_ORDER_ID_SIZE];
        const char *id = live(REST, "one");
        text_copy(mine, sizeof(mine), shown_leg(id, 0)->broker_order_id);
        SHOW({.id = mine}, {.id = "87", .quantity = 3},
             {.id = "88", .tag = "SOMEBODY", .status = "CANCELLED"});
        read_book();
        read_book(); /* whose the tag is has been asked */
        const struct external_book *b = &world_account(0)->external;
        ck_assert_uint_eq(b->total, 2);
        ck_assert_uint_eq(b->open, 1);
        ck_assert_int_eq(external_find(b, "87")->quantity, 3);
        ck_assert_ptr_nonnull(external_find(b, "88"));
        ck_assert_int_gt(b->as_of_us, 0);
        world_close();
}
END_TEST

/* After a restart the ledger knows which numbers are ours, without any tag. */
START_TEST(test_not_external_after_a_restart)
{
        begin();
        char mine[BROKER_ORDER_ID_SIZE];
        const char *id = live("BUY 10 NSE:SBIN CNC MARKET", "one");
        text_copy(mine, sizeof(mine), shown_leg(id, 0)->broker_order_id);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_sleep();
        world_boot();
        set_flags();
        SHOW({.id = mine, .filled = 10, .status = "FILLED"}, {.id = "89"});
        orchestrator_start(world.o);
        world_rest();
        read_book();
        ck_assert_uint_eq(world_account(0)->external.total, 1);
        ck_assert_ptr_nonnull(sighting_order_id(&world_account(0)->sightings, mine));
        world_close();
}
END_TEST

/* A leg whose number is not known yet could be this one. */
START_TEST(test_not_external_while_one_is_looked_for)
{
        begin();
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        (void)place_begin(REST, "one", NULL);
        world_rest();
        SHOW({.id = "90"});
        read_book();
        ck_assert_uint_eq(world_account(0)->external.total, 0);
        wire_release(world.wires[0], FATE_NOT_SENT);
        world_rest();
        read_book();
        ck_assert_uint_eq(world_account(0)->external.total, 1);
        world_close();
}
END_TEST

START_TEST(test_external_is_bounded)
{
        struct external_book b = {};
        struct book_order row = {.status = ORDER_STATUS_CANCELLED};
        external_begin(&b, 1);
        for (unsigned i = 0; i < EXTERNAL_MAX + 10; i++) {
                snprintf(row.broker_order_id, sizeof(row.broker_order_id), "n%u", i);
                row.placed_us = i;
                external_add(&b, &row);
        }
        ck_assert_uint_eq(b.n, EXTERNAL_MAX);
        ck_assert_uint_eq(b.total, EXTERNAL_MAX + 10);
        ck_assert_ptr_null(external_find(&b, "n0"));
        text_copy(row.broker_order_id, sizeof(row.broker_order_id), "open");
        row.status = ORDER_STATUS_OPEN;
        row.placed_us = 0;
        external_add(&b, &row);
        ck_assert_ptr_nonnull(external_find(&b, "open"));
        ck_assert_uint_eq(b.open, 1);
        external_begin(&b, 2);
        ck_assert_uint_eq(b.total, 0);
        external_done(&b);
}
END_TEST

static bool cancelled;

static void on_cancelled(struct external_cancel *c)
{
        cancelled = true;
}

START_TEST(test_external_cancel)
{
        static const struct {
                enum fate fate;
                enum outcome outcome;
        } cases[] = {{FATE_NOT_SENT, OUTCOME_NOT_SENT}, {FATE_LOST, OUTCOME_UNKNOWN}};
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                begin();
                SHOW({.id = "91"});
                read_book();
                struct external_cancel c = {
                        .account = world_account(0),
                        .row = *external_find(&world_account(0)->external, "91"),
                        .actor = "tester",
                        .correlation_id = "c-1",
                        .done = on_cancelled};
                cancelled = false;
                wire_script(world.wires[0], BROKER_CANCEL, 1, 1, cases[i].fate);
                unsigned reads = wire_calls(world.wires[0], BROKER_BOOK);
                external_cancel(&c);
                world_until(&cancelled);
                ck_assert_int_eq(c.outcome, cases[i].outcome);
                world_rest();
                ck_assert_uint_gt(wire_calls(world.wires[0], BROKER_BOOK), reads);
                ck_assert_int_eq(audit_count(AUDIT_EXTERNAL_CANCEL), 1);
                ck_assert_int_eq(audit_count(AUDIT_EXTERNAL_ANSWERED), 1);
                ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_EXTERNAL_ANSWERED), "\"91\""));
                world_close();
        }
}
END_TEST

SUITE("orchestrator/late", test_late, test_late_after_a_restart, test_late_refusal,
      test_late_under_the_kill_switch, test_late_and_cancel_owed, test_ledger_fails,
      test_twin_of_an_order_that_is_over, test_twin_of_a_live_order, test_external,
      test_not_external_after_a_restart, test_not_external_while_one_is_looked_for,
      test_external_is_bounded, test_external_cancel)
