/* What CANCEL and FLATTEN come to where brokers refuse, stay silent, or fill what nobody asked for:
 * each order and position ends, or says why not; nothing is said to be closed before the books have
 * shown it. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/closing.h"
#include "shown_book.h"

static const struct world_options plain = {};
static const struct world_options blind = {.blind = true}; /* its book may have others' orders */

#define LONG_SBIN "BUY 20 NSE:SBIN INTRADAY MARKET"
#define FUTURE    "NFO:NIFTY29DEC26FUT"
#define ROW(symbol, product, quantity)                                                   \
        "{\"symbol\":\"" symbol "\",\"product\":\"" product "\",\"quantity\":" #quantity \
        ",\"average_price\":\"1\",\"last_price\":\"1\",\"realised_pnl\":\"0\","          \
        "\"unrealised_pnl\":\"0\",\"buy_quantity\":0,\"sell_quantity\":0}"

static void show_positions(const char *rows)
{
        static char body[2048];
        snprintf(body, sizeof(body), "{\"positions\":[%s]}", rows);
        wire_say(world.wires[0], BROKER_POSITIONS, 200, body);
}

static void step(int64_t us)
{
        clock_fake_advance(us);
        killswitch_start(world.o);
        world_rest();
}

/* Step by step, so that what follows from one reading is done before the next. */
static void pass(unsigned seconds)
{
        for (unsigned i = 0; i < 2 * seconds; i++)
                step(SECONDS(1) / 2);
}

static const struct kill_entry *entry(void)
{
        const struct kill_entry *e;
        ck_assert_uint_eq(killswitch_list(world.o, &e), 1);
        return e;
}

/* The n-th task, from 0; good until the next turn of the loop. */
static const struct kill_task *task(unsigned n)
{
        const struct kill_task *tasks[KILL_TASKS_SHOWN];
        unsigned total, shown = killswitch_tasks(world.o, &nobody_special, tasks, &total);
        ck_assert_uint_eq(shown, total);
        ck_assert_uint_lt(n, shown);
        return tasks[n];
}

static unsigned tasks(void)
{
        const struct kill_task *list[KILL_TASKS_SHOWN];
        unsigned total;
        (void)killswitch_tasks(world.o, &nobody_special, list, &total);
        return total;
}

#define ASSERT_TASK(n, STATE, BLOCKED)                                                             \
        do {                                                                                       \
                const struct kill_task *t_ = task(n);                                              \
                ck_assert_str_eq(kill_state_name(t_->state), kill_state_name(KILL_STATE_##STATE)); \
                ck_assert_str_eq(kill_block_name(t_->blocked),                                     \
                                 kill_block_name(KILL_BLOCK_##BLOCKED));                           \
        } while (0)

static void flatten(void)
{
        clock_fake_advance(1000);
        ck_assert_int_eq(kill_set(KILL_LEVEL_FLATTEN, "account:paper:one", false), PROBLEM_NONE);
        world_rest();
}

static int64_t price_of_exit(void)
{
        return shown_leg(task(0)->order_id, 0)->effective.price;
}

/* --- cancelling --- */

START_TEST(test_refused_cancel)
{
        char number[BROKER_ORDER_ID_SIZE];
        world_open(&blind);
        const char *id = live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        SHOW({.id = number});
        wire_say(world.wires[0], BROKER_CANCEL, 422,
                 "{\"error\":{\"code\":\"NOT_NOW\",\"message\":\"the exchange is busy\"}}");
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        world_rest();
        ASSERT_TASK(0, REFUSED, REFUSED);
        ck_assert_str_eq(task(0)->message, "the exchange is busy");
        ck_assert_str_eq(task(0)->order_id, id);
        ck_assert(entry()->closing);
        /* not every half second, and not for ever as often */
        pass(4);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        pass(2);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 2);
        pass(8);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 2);
        wire_say(world.wires[0], BROKER_CANCEL, 200,
                 "{\"order_id\":\"1\",\"status\":\"CANCELLED\",\"filled_quantity\":0,"
                 "\"average_price\":\"0\"}");
        SHOW({.id = number, .status = "CANCELLED"});
        pass(4);
        ASSERT_TASK(0, CANCELLED, NONE);
        ck_assert_uint_ge(task(0)->tries, 2);
        ck_assert(!entry()->closing);
        ck_assert_uint_eq(entry()->states[KILL_STATE_CANCELLED], 1);
        world_close();
}
END_TEST

/* Filled while the cancellation was on its way. */
START_TEST(test_filled_instead)
{
        world_open(&plain);
        (void)live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        wire_say(world.wires[0], BROKER_CANCEL, 200,
                 "{\"order_id\":\"1\",\"status\":\"FILLED\",\"filled_quantity\":10,"
                 "\"average_price\":\"1000\"}");
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        world_rest();
        step(SECONDS(1));
        ASSERT_TASK(0, FILLED, NONE);
        ck_assert_int_eq(task(0)->filled_quantity, 10);
        world_close();
}
END_TEST

/* A broker that only takes a cancellation: nothing is closed before the book shows it, and it is
 * not asked again as long as the book was not read. */
START_TEST(test_taken_is_not_cancelled)
{
        world_open(&blind);
        char copy[BROKER_ORDER_ID_SIZE];
        const char *id = live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        text_copy(copy, sizeof(copy), shown_leg(id, 0)->broker_order_id);
        wire_say(world.wires[0], BROKER_CANCEL, 202, "{\"order_id\":\"1\"}");
        SHOW({.id = copy});
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        world_rest();
        wire_say(world.wires[0], BROKER_BOOK, 500, "broken");
        unsigned asked = wire_calls(world.wires[0], BROKER_CANCEL);
        pass(4);
        ck_assert(entry()->closing);
        ck_assert_uint_ge(asked, 1);
        SHOW({.id = copy, .status = "CANCELLED"});
        pass(8);
        ASSERT_TASK(0, CANCELLED, NONE);
        ck_assert(!entry()->closing);
        world_close();
}
END_TEST

/* What may open a position goes first, by value; a stop that closes one goes last. */
START_TEST(test_order_of_risk)
{
        static const char *const sides[] = {"300", "100", "10", "20"};
        world_open(&(struct world_options){.funds = RUPEES(50000000)});
        ck_assert_int_eq(place(LONG_SBIN, "one", NULL)->answer.status, 201);
        (void)live("SELL 20 NSE:SBIN INTRADAY STOP_LIMIT 900 910", "one");
        (void)live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        (void)live("BUY 100 NSE:SBIN INTRADAY LIMIT 1000", "one");
        (void)live("BUY 300 NSE:SBIN INTRADAY LIMIT 1000", "one");
        clock_fake_advance(1000);
        funds_refresh(world_account(0));
        world_rest();
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        world_rest();
        ck_assert_uint_eq(tasks(), 4);
        for (unsigned i = 0; i < 4; i++)
                ck_assert_int_eq(task(i)->quantity, strtol(sides[i], NULL, 10));
        ck_assert_int_eq(task(3)->side, SIDE_SELL);
        world_close();
}
END_TEST

/* --- squaring off --- */

START_TEST(test_priced_anew)
{
        world_open(&blind);
        show_positions(ROW("NSE:SBIN", "INTRADAY", 20));
        wire_say(world.wires[0], BROKER_PLACE, 200,
                 "{\"order_id\":\"X1\",\"status\":\"OPEN\",\"filled_quantity\":0,"
                 "\"average_price\":\"0\"}");
        show_book(NULL, 0);
        flatten();
        int64_t first = price_of_exit();
        SHOW({.id = "X1", .side = "SELL", .product = "INTRADAY", .quantity = 20});
        step(SECONDS(2));
        ASSERT_TASK(0, SQUARING, NONE);
        ck_assert_int_eq(task(0)->quantity, 20);
        pass(2);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        wire_say(world.wires[0], BROKER_CANCEL, 200,
                 "{\"order_id\":\"X1\",\"status\":\"CANCELLED\",\"filled_quantity\":0,"
                 "\"average_price\":\"0\"}");
        wire_say(world.wires[0], BROKER_PLACE, 200,
                 "{\"order_id\":\"X2\",\"status\":\"OPEN\",\"filled_quantity\":0,"
                 "\"average_price\":\"0\"}");
        SHOW({.id = "X1",
              .side = "SELL",
              .product = "INTRADAY",
              .quantity = 20,
              .status = "CANCELLED"});
        pass(6);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 2);
        ASSERT_TASK(0, SQUARING, NONE);
        ck_assert_uint_eq(task(0)->tries, 3); /* with the cancellation */
        ck_assert_int_lt(price_of_exit(), first);
        /* filled now; the positions are believed a second after that, not before */
        SHOW({.id = "X1",
              .side = "SELL",
              .product = "INTRADAY",
              .quantity = 20,
              .status = "CANCELLED"},
             {.id = "X2",
              .side = "SELL",
              .product = "INTRADAY",
              .quantity = 20,
              .filled = 20,
              .status = "FILLED"});
        show_positions("");
        pass(1);
        ck_assert(entry()->closing);
        pass(7);
        ASSERT_TASK(0, FLAT, NONE);
        ck_assert(!entry()->closing);
        world_close();
}
END_TEST

START_TEST(test_blocked)
{
        static const struct {
                const char *rows;
                enum broker_op op;
                int status;
                const char *body;
                enum kill_block expected;
                const char *message;
        } cases[] = {
                {ROW("NSE:SBIN", "INTRADAY", 20), BROKER_PLACE, 422,
                 "{\"error\":{\"code\":\"RMS\",\"message\":\"blocked by risk\"}}",
                 KILL_BLOCK_REFUSED, "blocked by risk"},
                {ROW("NSE:SBIN", "INTRADAY", 20), BROKER_QUOTES, 500, "broken", KILL_BLOCK_NO_PRICE,
                 "there is no fresh price of NSE:SBIN"},
                {ROW(FUTURE, "MARGIN", -10), BROKER_PLACE, 200, NULL, KILL_BLOCK_BELOW_LOT,
                 "less than a lot cannot be traded"},
                {ROW("NSE:NOSUCH", "INTRADAY", 20), BROKER_PLACE, 200, NULL, KILL_BLOCK_UNLISTED,
                 "the broker's instruments do not have it"},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                world_open(&plain);
                show_positions(cases[i].rows);
                wire_say(world.wires[0], cases[i].op, cases[i].status, cases[i].body);
                flatten();
                pass(3);
                ck_assert_str_eq(kill_state_name(task(0)->state), "blocked");
                ck_assert_str_eq(kill_block_name(task(0)->blocked),
                                 kill_block_name(cases[i].expected));
                ck_assert_str_eq(task(0)->message, cases[i].message);
                ck_assert(entry()->closing);
                ck_assert_uint_eq(entry()->positions, 1);
                ck_assert_uint_le(wire_calls(world.wires[0], BROKER_PLACE), 1);
                /* it is tried again, and not every second */
                unsigned before = wire_calls(world.wires[0], BROKER_PLACE);
                pass(12);
                ck_assert_uint_le(wire_calls(world.wires[0], BROKER_PLACE), before + 2);
                world_close();
        }
}
END_TEST

START_TEST(test_market_closed)
{
        world_open(&(struct world_options){.hours = true});
        show_positions(ROW("NSE:SBIN", "INTRADAY", 20));
        clock_fake_advance(SECONDS(8 * 3600)); /* 18:00 */
        flatten();
        pass(3);
        ASSERT_TASK(0, BLOCKED, MARKET_CLOSED);
        ck_assert(entry()->closing);
        world_close();
}
END_TEST

/* A leg that nobody knows holds up its own instrument, for a while; then what certainly reduces is
 * sent. */
START_TEST(test_unresolved_leg)
{
        world_open(&blind);
        show_book(NULL, 0);
        show_positions(ROW("NSE:SBIN", "INTRADAY", 20) "," ROW("NSE:TCS", "INTRADAY", 5));
        clock_fake_advance(SECONDS(2));
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        ck_assert_int_eq(place("SELL 15 NSE:SBIN INTRADAY LIMIT 1100", "one", NULL)->answer.status,
                         202);
        wire_say(world.wires[0], BROKER_PLACE, 200,
                 "{\"order_id\":\"X1\",\"status\":\"FILLED\",\"filled_quantity\":5,"
                 "\"average_price\":\"1000\"}");
        flatten();
        step(SECONDS(1));
        ck_assert_uint_eq(tasks(), 3);
        ASSERT_TASK(0, UNRESOLVED, NONE);
        ASSERT_TASK(1, WAITING, UNRESOLVED_LEG);
        ck_assert_str_eq(task(2)->symbol, "NSE:TCS");
        ck_assert_uint_eq(task(2)->tries, 1);
        show_positions(ROW("NSE:SBIN", "INTRADAY", 20));
        pass(20);
        ck_assert_uint_eq(task(1)->tries, 0);
        ASSERT_TASK(2, FLAT, NONE);
        pass(14);
        ck_assert_uint_ge(task(1)->tries, 1);
        ck_assert_int_eq(shown_leg(task(1)->order_id, 0)->quantity, 5);
        ck_assert(entry()->closing);
        world_close();
}
END_TEST

/* Delivery stays, borrowed or not. */
START_TEST(test_delivery_stays)
{
        world_open(&plain);
        show_positions(ROW("NSE:SBIN", "CNC", 20) "," ROW("NSE:TCS", "MTF", 5));
        flatten();
        pass(3);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 0);
        ck_assert_uint_eq(tasks(), 0);
        ck_assert(!entry()->closing);
        world_close();
}
END_TEST

/* A position that comes back, from an order that nobody here placed, is squared off again. */
START_TEST(test_position_comes_back)
{
        world_open(&plain);
        ck_assert_int_eq(place(LONG_SBIN, "one", NULL)->answer.status, 201);
        flatten();
        pass(4);
        ASSERT_TASK(0, FLAT, NONE);
        ck_assert(!entry()->closing);
        show_positions(ROW("NSE:SBIN", "INTRADAY", 30));
        pass(CLOSING_WATCH_US / USEC_PER_SEC);
        ck_assert_uint_eq(tasks(), 1);
        ck_assert_uint_ge(task(0)->tries, 2);
        ck_assert(entry()->closing);
        world_close();
}
END_TEST

/* --- proof --- */

START_TEST(test_positions_that_cannot_be_read)
{
        world_open(&plain);
        wire_say(world.wires[0], BROKER_POSITIONS, 500, "broken");
        flatten();
        pass(3);
        ck_assert(entry()->closing);
        ck_assert_str_eq(kill_kind_name(task(0)->kind), "account");
        ASSERT_TASK(0, BLOCKED, UNREAD);
        wire_say(world.wires[0], BROKER_POSITIONS, 200, NULL);
        pass(3);
        ck_assert(!entry()->closing);
        ck_assert_uint_eq(tasks(), 0);
        world_close();
}
END_TEST

/* --- orders that are not ours --- */

START_TEST(test_external)
{
        world_open(&blind);
        SHOW({.id = "E1", .symbol = "NSE:TCS", .quantity = 40, .placed_us = 1});
        wire_say(world.wires[0], BROKER_CANCEL, 200,
                 "{\"order_id\":\"E1\",\"status\":\"OPEN\",\"filled_quantity\":0,"
                 "\"average_price\":\"0\"}");
        clock_fake_advance(1000);
        kill_set(KILL_LEVEL_CANCEL, "account:paper:one", false);
        pass(4);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        flatten();
        pass(3);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        ck_assert_str_eq(kill_kind_name(task(0)->kind), "external");
        ck_assert_str_eq(task(0)->broker_order_id, "E1");
        ASSERT_TASK(0, CANCELLING, NONE);
        ck_assert(entry()->closing);
        ck_assert_uint_eq(entry()->external, 1);
        SHOW({.id = "E1",
              .symbol = "NSE:TCS",
              .quantity = 40,
              .placed_us = 1,
              .status = "CANCELLED"});
        pass(4);
        ASSERT_TASK(0, CANCELLED, NONE);
        ck_assert(!entry()->closing);
        world_close();
}
END_TEST

/* A key sees what came of the accounts that it may use. */
START_TEST(test_tasks_of_a_key)
{
        static const char *const two[] = {"paper:two", NULL};
        const struct caller c = {.key_name = "desk", .accounts = two};
        const struct kill_task *list[KILL_TASKS_SHOWN];
        unsigned total;

        world_open(&plain);
        (void)live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one two");
        kill_set(KILL_LEVEL_CANCEL, "global", false);
        world_rest();
        ck_assert_uint_eq(tasks(), 2);
        ck_assert_uint_eq(killswitch_tasks(world.o, &c, list, &total), 1);
        ck_assert_str_eq(list[0]->account, "paper:two");
        /* gone with the release */
        kill_set(KILL_LEVEL_NONE, "global", true);
        step(SECONDS(1));
        ck_assert_uint_eq(tasks(), 0);
        world_close();
}
END_TEST

SUITE("closing", test_refused_cancel, test_filled_instead, test_taken_is_not_cancelled,
      test_order_of_risk, test_priced_anew, test_blocked, test_market_closed, test_unresolved_leg,
      test_delivery_stays, test_position_comes_back, test_positions_that_cannot_be_read,
      test_external, test_tasks_of_a_key)
