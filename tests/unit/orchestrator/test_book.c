/* Whose row is it? By the broker's number, by our tag, and by what was ordered where a broker
 * echoes no tag. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "shown_book.h"

#define REST         "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define MARKET_ORDER "BUY 10 NSE:SBIN CNC MARKET"
#define PROTECTED    "BUY 10 NSE:SBIN CNC LIMIT 1060.5" /* by protect(1) */

static void begin(bool echoes)
{
        world_open(&(struct world_options){.blind = true});
        if (!echoes)
                world.broker.flags &= ~(unsigned)BROKER_ECHOES_TAG;
        world_pass(SECONDS(1));
}

/* Without tags. */
static void begin_with(const char *market_policy)
{
        world_open(&(struct world_options){.blind = true, .policy = market_policy});
        world.broker.flags &= ~(unsigned)BROKER_ECHOES_TAG;
        world_pass(SECONDS(1));
}

static const char *lost(const char *words)
{
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place(words, "one", NULL);
        ck_assert_int_eq(p->answer.status, 202);
        return p->answer.order_id;
}

START_TEST(test_by_number)
{
        begin(false);
        const char *id = live(REST, "one");
        char number[BROKER_ORDER_ID_SIZE];
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        SHOW({.id = "77"}, {.id = number, .filled = 4, .status = "PARTIALLY_FILLED"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 4);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_PARTIALLY_FILLED);
        /* A tag that was garbled on the way is no reason to lose it. */
        SHOW({.id = number, .tag = "STAPI0001", .filled = 10, .status = "FILLED"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_FILLED);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

/* A broker that renumbers a modified order. */
START_TEST(test_by_tag_with_another_number)
{
        begin(true);
        const char *id = live(REST, "one");
        char tag[TAG_SIZE];
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        SHOW({.id = "78", .tag = tag, .filled = 3, .status = "PARTIALLY_FILLED"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 3);
        ck_assert_str_eq(shown_leg(id, 0)->broker_order_id, "78");
        world_close();
}
END_TEST

/* The second order with one tag does not disturb the first, and somebody is told. */
START_TEST(test_two_with_one_tag)
{
        begin(true);
        const char *id = live(REST, "one");
        char tag[TAG_SIZE], number[BROKER_ORDER_ID_SIZE];
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        SHOW({.id = "79", .tag = tag, .filled = 10, .status = "FILLED"},
             {.id = number, .tag = tag, .filled = 2, .status = "PARTIALLY_FILLED"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 2);
        ck_assert_str_eq(shown_leg(id, 0)->broker_order_id, number);
        const struct open_leg *l = open_leg_find(&world.o->open_legs, tag);
        ck_assert(l && l->twice);
        world_close();
}
END_TEST

START_TEST(test_inferred)
{
        begin(false);
        world.accounts[0].self_cross_pass = true; /* one of those in the book would be met */
        SHOW({.id = "1", .quantity = 9});
        world_pass(SECONDS(6));
        const char *id = lost(REST);
        SHOW({.id = "1", .quantity = 9}, {.id = "2", .placed_us = clock_wall_us() - SECONDS(2)},
             {.id = "3", .side = "SELL"});
        world_pass(SECONDS(6));
        const struct leg *l = shown_leg(id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_ACCEPTED);
        ck_assert_int_eq(l->confidence, CONFIDENCE_INFERRED);
        ck_assert_str_eq(l->broker_order_id, "2");
        ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
        /* It is claimed now: another lost one is not this one. */
        id = lost(REST);
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        world_close();
}
END_TEST

/* A reply that was long on its way tells nothing about what was new when it came. */
START_TEST(test_not_inferred_from_a_read_that_began_before)
{
        begin(false);
        SHOW({.id = "2"});
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        book_read_soon(world_account(0));
        world_rest();
        ck_assert_uint_eq(wire_held(world.wires[0]), 1);
        clock_fake_advance(SECONDS(1));
        const char *id = lost(REST);
        clock_fake_advance(SECONDS(1));
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        SHOW({.id = "2"}, {.id = "3"}); /* and this one is */
        world_pass(SECONDS(6));
        ck_assert_str_eq(shown_leg(id, 0)->broker_order_id, "3");
        world_close();
}
END_TEST

/* A broker that echoes tags is believed: no tag, not ours. */
START_TEST(test_never_inferred_where_tags_are_echoed)
{
        begin(true);
        const char *id = lost(REST);
        SHOW({.id = "2"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        world_close();
}
END_TEST

START_TEST(test_not_inferred)
{
        const struct {
                const char *what;
                struct row rows[2];
        } cases[] = {
                {"symbol", {{.id = "2", .symbol = "NSE:IDEA"}}},
                {"side", {{.id = "2", .side = "SELL"}}},
                {"type", {{.id = "2", .type = "STOP_LIMIT", .trigger = "999"}}},
                {"product", {{.id = "2", .product = "INTRADAY"}}},
                {"price", {{.id = "2", .price = "1000.05"}}},
                {"quantity", {{.id = "2", .quantity = 11}}},
                {"time before", {{.id = "2", .placed_us = -SECONDS(11)}}},
                {"time after", {{.id = "2", .placed_us = SECONDS(121)}}},
                {"two", {{.id = "2"}, {.id = "3"}}},
        };
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                struct row rows[2] = {cases[i].rows[0], cases[i].rows[1]};
                begin(false);
                const char *id = lost(REST);
                if (rows[0].placed_us)
                        rows[0].placed_us += clock_wall_us();
                show_book(rows, rows[1].id ? 2 : 1);
                world_pass(SECONDS(1));
                ck_assert_msg(shown_leg(id, 0)->outcome == OUTCOME_UNKNOWN, "%s", cases[i].what);
                world_close();
        }
}
END_TEST

/* It was there before the order was sent. */
START_TEST(test_not_inferred_when_seen_before)
{
        begin(false);
        (void)live("BUY 1 NSE:IDEA CNC LIMIT 13", "one"); /* so that the book is read */
        SHOW({.id = "2"});
        world_pass(SECONDS(6));
        const char *id = lost(REST);
        SHOW({.id = "2"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        world_close();
}
END_TEST

/* An order of ours whose number was answered, and that is over by now. */
START_TEST(test_not_inferred_when_ours)
{
        begin(false);
        wire_say(world.wires[0], BROKER_PLACE, 200,
                 "{\"order_id\":\"2\",\"status\":\"FILLED\",\"filled_quantity\":10,"
                 "\"average_price\":\"1000\"}");
        (void)place(REST, "one", NULL);
        wire_say(world.wires[0], BROKER_PLACE, 200, NULL);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        const char *id = lost(REST);
        SHOW({.id = "2", .filled = 10, .status = "FILLED"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        world_close();
}
END_TEST

/* Another one that hangs could be it just as well. The gates let no such one through; here it is
 * put in by hand. */
START_TEST(test_not_inferred_with_a_twin)
{
        begin(false);
        const char *id = lost(REST);
        struct open_leg *l = NULL, *next;
        HASH_ITER (hh, world.o->open_legs.by_tag, l, next) {
                break;
        }
        ck_assert_ptr_nonnull(l);
        struct order *o = world_order(REST, "one");
        text_copy(o->id, sizeof(o->id), "01TWIN");
        o->created_us = l->since_us;
        o->day = l->day;
        text_copy(o->legs[0].tag, sizeof(o->legs[0].tag), "TWIN");
        o->legs[0].quantity = l->quantity;
        o->legs[0].effective.type = l->type;
        o->legs[0].effective.price = l->price;
        o->legs[0].state = LEG_STATE_UNKNOWN;
        struct open_leg *twin = open_leg_add(&world.o->open_legs, world_account(0), o, &o->legs[0]);
        twin->in_operation = true;
        SHOW({.id = "2"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        open_leg_remove(&world.o->open_legs, twin);
        order_free(o);
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_ACCEPTED);
        world_close();
}
END_TEST

/* What the book showed before an order of an earlier run, nobody knows. */
START_TEST(test_not_inferred_after_a_restart)
{
        world_open(&(struct world_options){.blind = true, .sqlite = true});
        world.broker.flags &= ~(unsigned)BROKER_ECHOES_TAG;
        char id[ID_SIZE];
        text_copy(id, sizeof(id), lost(REST));
        clock_fake_advance(SECONDS(1));
        world_crash();
        world.broker.flags &= ~(unsigned)BROKER_ECHOES_TAG;
        SHOW({.id = "2"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        world_close();
}
END_TEST

/* Nobody could tell two equal orders apart while neither has a number. */
START_TEST(test_twins_wait)
{
        begin(false);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *first = place_begin(REST, "one", NULL);
        world_rest();
        struct placed *p = place(REST, "one", NULL);
        ck_assert_int_eq(p->answer.status, 409);
        ck_assert_int_eq(p->answer.retry_after_s, 1);
        ck_assert_ptr_nonnull(strstr(p->body, "LEG_UNRESOLVED"));
        ck_assert_int_eq(validate(REST, "one")->answer.status, 409);
        ck_assert_int_eq(place("BUY 10 NSE:IDEA CNC LIMIT 13", "one", NULL)->answer.status, 201);
        ck_assert_int_eq(place("BUY 11 NSE:SBIN CNC LIMIT 1000", "one", NULL)->answer.status, 201);
        ck_assert_int_eq(place(REST, "two", NULL)->answer.status, 201);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&first->done);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

/* What the book tells apart need not wait, and what it might not, waits. */
START_TEST(test_ladders)
{
        const struct {
                const char *first, *second;
                int status;
        } cases[] = {
                {REST, "BUY 10 NSE:SBIN CNC LIMIT 1000.5", 201},
                {REST, "BUY 10 NSE:SBIN INTRADAY LIMIT 1000", 201},
                {REST, "BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099", 201},
                /* once it has triggered it may be shown as its limit */
                {"BUY 10 NSE:SBIN CNC LIMIT 1100", "BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099", 409},
                {"BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099",
                 "BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1098", 201},
                {"BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099",
                 "BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099", 409},
                /* one broker's word for a product may mean either */
                {"BUY 65 NFO:NIFTY29DEC26FUT INTRADAY LIMIT 24000",
                 "BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000", 409},
                {"BUY 65 NFO:NIFTY29DEC26FUT INTRADAY LIMIT 24000",
                 "BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24001", 201},
        };
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                begin(false);
                wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
                (void)place_begin(cases[i].first, "one", NULL);
                world_rest();
                struct placed *p = place(cases[i].second, "one", NULL);
                ck_assert_msg(p->answer.status == cases[i].status, "%s: %s", cases[i].second,
                              p->body);
                wire_release(world.wires[0], FATE_SERVED);
                world_rest();
                world_close();
        }
}
END_TEST

/* They are compared as they are sent: a market order is a limit by then, or the broker makes one of
 * it, and nobody knows which. */
START_TEST(test_market_orders_as_they_are_sent)
{
        const struct {
                const char *policy;
                const char *second;
                int status;
        } cases[] = {
                {"protect(1)", MARKET_ORDER, 409},
                {"protect(1)", PROTECTED, 409},
                {"protect(1)", REST, 201},
                {"broker", MARKET_ORDER, 409},
                {"broker", REST, 409},
                {"broker", "BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099", 409},
                {"broker", "BUY 10 NSE:SBIN INTRADAY LIMIT 1000", 201},
        };
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                begin_with(cases[i].policy);
                wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
                (void)place_begin(MARKET_ORDER, "one", NULL);
                world_rest();
                ck_assert_uint_eq(wire_held(world.wires[0]), 1);
                struct placed *p = place(cases[i].second, "one", NULL);
                ck_assert_msg(p->answer.status == cases[i].status, "%s, %s: %s", cases[i].policy,
                              cases[i].second, p->body);
                wire_release(world.wires[0], FATE_SERVED);
                world_rest();
                world_close();
        }
}
END_TEST

/* Both steps of a ladder are lost, one is at the broker: each row is its own step's. */
START_TEST(test_lost_ladder)
{
        begin(false);
        wire_script(world.wires[0], BROKER_PLACE, 1, 2, FATE_HELD);
        struct placed *one = place_begin(REST, "one", NULL);
        struct placed *two = place_begin("BUY 10 NSE:SBIN CNC LIMIT 999", "one", NULL);
        world_rest();
        wire_release(world.wires[0], FATE_LOST);
        world_until(&one->done);
        world_until(&two->done);
        ck_assert_int_eq(one->answer.status, 202);
        ck_assert_int_eq(two->answer.status, 202);
        SHOW({.id = "2", .price = "999"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(one->answer.order_id, 0)->outcome, OUTCOME_UNKNOWN);
        ck_assert_str_eq(shown_leg(two->answer.order_id, 0)->broker_order_id, "2");
        SHOW({.id = "2", .price = "999"}, {.id = "3"});
        world_pass(SECONDS(6));
        ck_assert_str_eq(shown_leg(one->answer.order_id, 0)->broker_order_id, "3");
        world_close();
}
END_TEST

/* A lost order of an ended day is in no book any more: it stops no equal order, is no reason not to
 * find that one, and hides no order of somebody else. */
START_TEST(test_no_twin_of_an_ended_day)
{
        begin(false);
        const char *yesterdays = lost(REST);
        clock_fake_advance(SECONDS(86400));
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(yesterdays, 0)->state, LEG_STATE_NEEDS_OPERATOR);
        const char *id = lost(REST);
        SHOW({.id = "2"});
        world_pass(SECONDS(6));
        ck_assert_str_eq(shown_leg(id, 0)->broker_order_id, "2");
        SHOW({.id = "2"}, {.id = "3"});
        world_pass(SECONDS(6));
        ck_assert_uint_eq(world_account(0)->external.total, 1);
        ck_assert_ptr_nonnull(external_find(&world_account(0)->external, "3"));
        ck_assert_int_eq(shown_leg(yesterdays, 0)->state, LEG_STATE_NEEDS_OPERATOR);
        world_close();
}
END_TEST

/* Around midnight it may still come. */
START_TEST(test_twins_around_midnight)
{
        begin(false);
        clock_fake_advance(clock_from_ist(clock_ist_day(clock_wall_us()), 0) + SECONDS(86400 - 5) -
                           clock_wall_us());
        (void)lost(REST);
        clock_fake_advance(SECONDS(10));
        world_pass(SECONDS(1));
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 409);
        clock_fake_advance(SECONDS(120));
        world_pass(SECONDS(1));
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

/* Where the book shows the tags, it tells them apart. */
START_TEST(test_twins_with_tags)
{
        for (unsigned proven = 0; proven < 2; proven++) {
                begin(!proven);
                if (proven)
                        echo_note(&world_account(0)->echo, 20261123, true);
                wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
                (void)place_begin(REST, "one", NULL);
                world_rest();
                ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
                wire_release(world.wires[0], FATE_SERVED);
                world_rest();
                world_close();
        }
}
END_TEST

START_TEST(test_sightings)
{
        struct sightings s = {};
        int64_t now = clock_from_ist(20000, 0);
        ck_assert_int_eq(sighting_note(&s, "1", now), now);
        ck_assert_int_eq(sighting_note(&s, "1", now + 5), now);
        ck_assert(!sighting_ours(&s, "1"));
        sighting_claim(&s, "1", "01A", now + 6);
        sighting_claim(&s, "2", "01B", now + 7);
        ck_assert(sighting_ours(&s, "1") && sighting_ours(&s, "2") && !sighting_ours(&s, "3"));
        char id[16];
        for (unsigned i = 2; i < SIGHTINGS_MAX; i++) {
                snprintf(id, sizeof(id), "n%u", i);
                ck_assert_int_eq(sighting_note(&s, id, now), now);
        }
        ck_assert_int_eq(sighting_note(&s, "one too many", now), 0);
        now = clock_from_ist(20001, 0); /* another day, another book */
        ck_assert_int_eq(sighting_note(&s, "1", now), now);
        ck_assert(!sighting_ours(&s, "1"));
        sightings_done(&s);
}
END_TEST

/* Answers were mixed up on the way: the second order's own fate is the book's to tell. */
START_TEST(test_answer_to_another_order)
{
        char first[ID_SIZE], number[BROKER_ORDER_ID_SIZE], body[128];

        world_open(&(struct world_options){});
        struct placed *p = place(REST, "one", NULL);
        ck_assert_int_eq(p->answer.status, 201);
        text_copy(first, sizeof(first), p->answer.order_id);
        text_copy(number, sizeof(number), shown_leg(first, 0)->broker_order_id);
        snprintf(body, sizeof(body), "{\"order_id\":\"%s\",\"status\":\"OPEN\"}", number);
        wire_say(world.wires[0], BROKER_PLACE, 200, body);
        p = place("BUY 11 NSE:SBIN CNC LIMIT 1000", "one", NULL);
        wire_say(world.wires[0], BROKER_PLACE, 200, NULL);
        ck_assert_int_eq(p->answer.status, 202);
        const struct leg *l = shown_leg(p->answer.order_id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_UNKNOWN);
        ck_assert_str_eq(l->broker_order_id, "");
        world_pass(SECONDS(1));
        l = shown_leg(p->answer.order_id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_ACCEPTED);
        ck_assert_str_ne(l->broker_order_id, number);
        ck_assert_str_eq(shown_leg(first, 0)->broker_order_id, number);
        ck_assert_uint_eq(exchange_orders(0), 2);
        world_close();
}
END_TEST

SUITE("orchestrator/book", test_by_number, test_by_tag_with_another_number, test_two_with_one_tag,
      test_inferred, test_not_inferred_from_a_read_that_began_before,
      test_never_inferred_where_tags_are_echoed, test_not_inferred,
      test_not_inferred_when_seen_before, test_not_inferred_when_ours,
      test_not_inferred_with_a_twin, test_not_inferred_after_a_restart, test_twins_wait,
      test_ladders, test_market_orders_as_they_are_sent, test_lost_ladder,
      test_no_twin_of_an_ended_day, test_twins_around_midnight, test_twins_with_tags,
      test_sightings, test_answer_to_another_order)
