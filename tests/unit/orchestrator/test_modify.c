/* Modifying: the gates hold for what an order becomes, what is taken is settled, whatever breaks.
 */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

#define REST   "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define FUTURE "BUY 650 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000"

static const struct world_options plain = {};

static struct order_change price(int64_t rupees)
{
        return (struct order_change){.has_price = true, .price = rupees * DECIMAL_ONE};
}

/* Why it was refused: nothing durable was begun, or every leg was refused by gates. */
static enum problem cause(const struct amended *m)
{
        char code[48];
        if (m->answer.problem)
                return m->answer.problem;
        ck_assert_int_eq(sscanf(m->body, "%*d %*s %47s", code), 1);
        return code[0] == '-' ? PROBLEM_NONE : (enum problem)problem_from_code(code);
}

static enum problem change(const char *id, struct order_change c)
{
        return cause(modify(id, c));
}

static struct order_change quantity(int64_t n)
{
        return (struct order_change){.has_quantity = true, .quantity = n};
}

START_TEST(test_modify)
{
        world_open(&plain);
        const char *id = live(REST, "one two*0.5");
        struct order_change c = quantity(20);
        c.has_price = true;
        c.price = RUPEES(1001);
        ck_assert_int_eq(modify(id, c)->answer.status, 200);
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 20);
        ck_assert_int_eq(shown_leg(id, 1)->quantity, 10);
        ck_assert_int_eq(shown_leg(id, 1)->effective.price, RUPEES(1001));
        ck_assert_int_eq(shown_leg(id, 0)->modifications, 1);
        world_pass(SECONDS(2));
        ck_assert_int_eq(audit_count(AUDIT_LEG_UPDATED), 0);
        c = (struct order_change){.has_type = true,
                                  .type = ORDER_TYPE_STOP_LIMIT,
                                  .has_trigger_price = true,
                                  .trigger_price = RUPEES(1100),
                                  .has_price = true,
                                  .price = RUPEES(1101)};
        (void)modify(id, c);
        c = (struct order_change){.has_validity = true, .validity = VALIDITY_DAY};
        (void)modify(id, c);
        world_close();
}
END_TEST

START_TEST(test_modify_refused)
{
        world_open(&(struct world_options){
                .limits = {.max_order_quantity = 1000, .max_order_value = RUPEES(20000000)}});
        const struct {
                const char *words;
                struct order_change change;
                enum problem problem;
        } cases[] = {
                {REST, {.has_price = true, .price = 10000001}, PROBLEM_TICK_SIZE},
                {REST,
                 {.has_type = true,
                  .type = ORDER_TYPE_STOP_LIMIT,
                  .has_trigger_price = true,
                  .trigger_price = 10000001},
                 PROBLEM_TICK_SIZE},
                {REST, {.has_price = true, .price = 0}, PROBLEM_INVALID_REQUEST},
                {REST, {.has_type = true, .type = ORDER_TYPE_STOP}, PROBLEM_INVALID_REQUEST},
                {REST,
                 {.has_type = true,
                  .type = ORDER_TYPE_MARKET,
                  .has_price = true,
                  .price = 10000000},
                 PROBLEM_INVALID_REQUEST},
                {REST,
                 {.has_trigger_price = true, .trigger_price = 10000000},
                 PROBLEM_INVALID_REQUEST},
                {REST, {.has_quantity = true, .quantity = 2000}, PROBLEM_MAX_ORDER_QUANTITY},
                {FUTURE, {.has_quantity = true, .quantity = 66}, PROBLEM_LOT_SIZE},
                {FUTURE, {.has_quantity = true, .quantity = 1820}, PROBLEM_FREEZE_QUANTITY},
                {FUTURE, {.has_quantity = true, .quantity = 975}, PROBLEM_MAX_ORDER_VALUE},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *id = live(cases[i].words, "one");
                struct amended *m = modify(id, cases[i].change);
                ck_assert_msg(cause(m) == cases[i].problem, "case %zu: %s", i,
                              m->answer.problem ? problem_code(m->answer.problem) : m->body);
                ck_assert_int_eq(cancel(id)->answer.status, 200);
        }
        const char *id = live("BUY 130 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000", "one*0.5");
        ck_assert_int_eq(change(id, quantity(65)), PROBLEM_MULTIPLIER_ROUNDS_TO_ZERO);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), 0);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_INTENT), 0);
        world.broker.flags &= ~(unsigned)BROKER_CAN_MODIFY;
        ck_assert_int_eq(change(id, quantity(130)), PROBLEM_MODIFY_UNSUPPORTED);
        world_close();
}
END_TEST

/* The total that the client names is multiplied before it is compared. */
START_TEST(test_modify_while_halted)
{
        world_open(&plain);
        const char *id = live(REST, "two*2"), *half = live(REST, "three*0.5");
        kill_set(KILL_LEVEL_HALT, "global", false);
        ck_assert_int_eq(change(id, quantity(15)), PROBLEM_KILL_SWITCH);
        ck_assert_int_eq(change(id, price(1001)), PROBLEM_KILL_SWITCH);
        ck_assert_int_eq(modify(id, quantity(5))->answer.status, 200);
        ck_assert_int_eq(modify(half, quantity(8))->answer.status, 200);
        ck_assert_int_eq(shown_leg(half, 0)->quantity, 4);
        world_close();
}
END_TEST

/* --- the gates of a new order hold for what an order becomes --- */

struct change_case {
        const char *name;
        struct world_options world;
        struct order_change change;
        enum problem problem;
};

#define SETS_PRICE(x)    .has_price = true, .price = RUPEES(x)
#define SETS_QUANTITY(x) .has_quantity = true, .quantity = (x)

START_TEST(test_modify_gates)
{
        const struct change_case cases[] = {
                {"quantity",
                 {.limits.max_order_quantity = 15},
                 {SETS_QUANTITY(16)},
                 PROBLEM_MAX_ORDER_QUANTITY},
                {"value by quantity",
                 {.limits.max_order_value = RUPEES(15000)},
                 {SETS_QUANTITY(16)},
                 PROBLEM_MAX_ORDER_VALUE},
                {"value by price",
                 {.limits.max_order_value = RUPEES(10000)},
                 {SETS_PRICE(1001)},
                 PROBLEM_MAX_ORDER_VALUE},
                {"collar",
                 {.limits.price_collar_percent = 50000},
                 {SETS_PRICE(1110)},
                 PROBLEM_PRICE_COLLAR},
                {"inside the collar",
                 {.limits.price_collar_percent = 50000},
                 {SETS_PRICE(1040)},
                 PROBLEM_NONE},
                {"value of the day",
                 {.limits.max_daily_value = RUPEES(15000)},
                 {SETS_QUANTITY(16)},
                 PROBLEM_MAX_DAILY_VALUE},
                {"only what is added counts",
                 {.limits.max_daily_value = RUPEES(15000)},
                 {SETS_QUANTITY(15)},
                 PROBLEM_NONE},
                {"funds",
                 {.funds = RUPEES(15000)},
                 {SETS_QUANTITY(16)},
                 PROBLEM_INSUFFICIENT_FUNDS},
                {"funds for what is added",
                 {.funds = RUPEES(15000)},
                 {SETS_QUANTITY(15)},
                 PROBLEM_NONE},
                {"second",
                 {.limits.orders_per_second = 1, .deadline_us = SECONDS(1)},
                 {SETS_PRICE(1001)},
                 PROBLEM_ORDER_RATE},
                {"minute", {.limits.orders_per_minute = 1}, {SETS_PRICE(1001)}, PROBLEM_ORDER_RATE},
                {"day",
                 {.limits.orders_per_day = 1},
                 {SETS_PRICE(1001)},
                 PROBLEM_MAX_ORDERS_PER_DAY},
                {"open orders stay as many",
                 {.limits.max_open_orders = 1},
                 {SETS_PRICE(1001)},
                 PROBLEM_NONE},
                {"it is no repetition",
                 {.limits.repeat_window_us = SECONDS(60)},
                 {SETS_PRICE(1000)},
                 PROBLEM_NONE},
                {"limits off",
                 {.limits_off = true, .limits = {.max_order_quantity = 15, .orders_per_day = 1}},
                 {SETS_QUANTITY(16)},
                 PROBLEM_NONE},
                {"market policy",
                 {.policy = "reject"},
                 {.has_type = true, .type = ORDER_TYPE_MARKET},
                 PROBLEM_MARKET_ORDER_REFUSED},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                world_open(&cases[i].world);
                const char *id = live(REST, "one");
                struct amended *m = modify(id, cases[i].change);
                ck_assert_msg(cause(m) == cases[i].problem, "%s: %s %s", cases[i].name,
                              problem_code(m->answer.problem), m->body);
                unsigned sent = cases[i].problem == PROBLEM_NONE;
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), sent);
                ck_assert_int_eq(audit_count(AUDIT_MODIFY_INTENT), sent);
                ck_assert_int_eq(audit_count(AUDIT_MODIFY_REFUSED), !sent);
                ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
                ck_assert(orchestrator_idle(world.o));
                world_close();
        }
}
END_TEST

/* A refused modification says when to come again. */
START_TEST(test_modify_refusal_tells)
{
        world_open(
                &(struct world_options){.limits.orders_per_second = 1, .deadline_us = SECONDS(1)});
        const char *id = live(REST, "one two");
        struct amended *m = modify(id, price(1001));
        ck_assert_int_eq(m->answer.status, 429);
        ck_assert_int_gt(m->answer.retry_after_s, 0);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_REFUSED), 2);
        clock_fake_advance(SECONDS(2));
        ck_assert_int_eq(modify(id, price(1001))->answer.status, 200);
        ck_assert_int_eq(limits_second_left(&world_account(1)->limits), 0);
        world_close();
}
END_TEST

/* Legs pass independently: the refused one is part of the answer, and stays as it is. */
START_TEST(test_modify_some_legs)
{
        world_open(&(struct world_options){.limits.max_order_quantity = 40});
        const char *id = live(REST, "one two*4 three");
        clock_fake_advance(SECONDS(2));
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:three"), PROBLEM_NONE);
        struct amended *m = modify(id, quantity(11));
        ck_assert_int_eq(m->answer.status, 207);
        ck_assert_ptr_nonnull(strstr(m->body, "paper:one accepted"));
        ck_assert_ptr_nonnull(strstr(m->body, "paper:two not_sent OPEN MAX_ORDER_QUANTITY"));
        ck_assert_ptr_nonnull(strstr(m->body, "paper:three not_sent OPEN SESSION_REQUIRED"));
        ck_assert_uint_eq(wire_calls(world.wires[1], BROKER_MODIFY), 0);
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 11);
        ck_assert_int_eq(shown_leg(id, 1)->quantity, 40);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_INTENT), 1);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_REFUSED), 2);
        world_close();
}
END_TEST

/* The record of the refusal cannot be written: the answer is the same. */
START_TEST(test_modify_refused_and_ledger_down)
{
        world_open(&(struct world_options){.limits.max_order_quantity = 10});
        const char *id = live(REST, "one");
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_eq(change(id, quantity(11)), PROBLEM_MAX_ORDER_QUANTITY);
        ck_assert(orchestrator_idle(world.o));
        world_close();
}
END_TEST

static struct world_options counted(void)
{
        return (struct world_options){.funds = RUPEES(100000),
                                      .limits = {.max_daily_value = RUPEES(100000),
                                                 .orders_per_day = 100,
                                                 .orders_per_minute = 100}};
}

/* What is taken stays, or is given back, by what became of the modification. */
START_TEST(test_modify_settles_what_it_took)
{
        static const struct {
                enum fate fate;
                int64_t added; /* to the value of the day, rupees */
                int64_t counted;
        } cases[] = {
                {FATE_SERVED, 10000, 1},
                {FATE_NOT_SENT, 0, 0},
                {FATE_REPLY_LOST, 10000, 1},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world_options o = counted();
                world_open(&o);
                const char *id = live(REST, "one");
                struct limits *l = &world_account(0)->limits;
                int64_t value = l->day_value, orders = l->day_orders;
                int64_t left = rate_window_left(&l->minute);
                wire_script(world.wires[0], BROKER_MODIFY, 1, 1, cases[i].fate);
                (void)modify(id, quantity(20));
                ck_assert_int_eq(l->day_value - value, cases[i].added * DECIMAL_ONE);
                ck_assert_int_eq(l->day_orders - orders, cases[i].counted);
                ck_assert_int_eq(left - rate_window_left(&l->minute), cases[i].counted);
                ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
                world_close();
        }
        /* refused by the broker: it counts as sent, its value does not */
        struct world_options o = counted();
        world_open(&o);
        const char *id = live(REST, "one");
        struct limits *l = &world_account(0)->limits;
        int64_t value = l->day_value, orders = l->day_orders;
        wire_say(world.wires[0], BROKER_MODIFY, 422,
                 "{\"error\":{\"code\":\"SELF_TRADE\",\"message\":\"no\"}}");
        ck_assert_int_eq(modify(id, quantity(20))->answer.status, 422);
        ck_assert_int_eq(l->day_value, value);
        ck_assert_int_eq(l->day_orders, orders + 1);
        /* no durable intent: nothing is taken */
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        (void)modify(id, quantity(30));
        ck_assert_int_eq(l->day_value, value);
        ck_assert_int_eq(l->day_orders, orders + 1);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        world_close();
}
END_TEST

/* The increase is reserved as long as it is not known whether the broker has taken it. */
START_TEST(test_modify_reserves)
{
        world_open(&(struct world_options){.funds = RUPEES(25000)});
        const char *id = live(REST, "one");
        clock_fake_advance(SECONDS(2));
        funds_refresh(world_account(0));
        world_rest();
        ck_assert_int_eq(funds_available(world_account(0)), RUPEES(15000));
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_HELD);
        struct amended *m = amend_begin(AMEND_MODIFY, id, quantity(20));
        world_rest();
        ck_assert_int_eq(funds_available(world_account(0)), RUPEES(5000));
        ck_assert_int_eq(place("BUY 6 NSE:SBIN CNC LIMIT 1000", "one", NULL)->answer.status, 422);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 200);
        clock_fake_advance(SECONDS(2));
        funds_refresh(world_account(0));
        world_rest();
        ck_assert_int_eq(funds_available(world_account(0)), RUPEES(5000));
        world_close();
}
END_TEST

/* A change that only takes away passes limits that are full, but for the rate of the broker. */
START_TEST(test_modify_smaller)
{
        world_open(&(struct world_options){
                .funds = RUPEES(10000),
                .limits = {.max_order_quantity = 10, .max_daily_value = RUPEES(10000)}});
        const char *id = live(REST, "one");
        world.accounts[0].limits.max_order_quantity = 5;
        ck_assert_int_eq(modify(id, quantity(8))->answer.status, 200);
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 8);
        ck_assert_int_eq(change(id, quantity(9)), PROBLEM_MAX_ORDER_QUANTITY);
        ck_assert_int_eq(change(id, quantity(0)), PROBLEM_MODIFY_UNSUPPORTED);
        world_close();
}
END_TEST

/* A modification to a market order is protected like a new one. */
START_TEST(test_modify_to_market)
{
        world_open(&(struct world_options){.policy = "protect(2)"});
        const char *id = live(REST, "one");
        struct order_change c = {.has_type = true, .type = ORDER_TYPE_MARKET};
        ck_assert_int_eq(modify(id, c)->answer.status, 200);
        world_rest();
        ck_assert_int_eq(shown_leg(id, 0)->effective.type, ORDER_TYPE_LIMIT);
        ck_assert_int_eq(shown_leg(id, 0)->effective.price, RUPEES(1071));
        const struct order *o;
        ck_assert_int_eq(shown(id, &o), PROBLEM_NONE);
        ck_assert_int_eq(o->type, ORDER_TYPE_MARKET);
        /* without a price there is nothing to protect it with */
        clock_fake_advance(SECONDS(2));
        id = live(REST, "two");
        wire_script(world.wires[1], BROKER_QUOTES, 1, 1, FATE_BROKEN);
        ck_assert_int_eq(change(id, c), PROBLEM_NO_REFERENCE_PRICE);
        ck_assert_int_eq(shown_leg(id, 0)->effective.type, ORDER_TYPE_LIMIT);
        ck_assert_int_eq(shown_leg(id, 0)->effective.price, RUPEES(1000));
        world_close();
}
END_TEST

/* While the quote is read the order fills: the modification finds it over, and holds nothing. */
START_TEST(test_modify_overtaken_while_asking)
{
        world_open(&(struct world_options){.limits.price_collar_percent = 50000});
        const char *id = live(REST, "one");
        clock_fake_advance(SECONDS(31)); /* no quote is known any more */
        wire_script(world.wires[0], BROKER_QUOTES, 1, 1, FATE_HELD);
        struct amended *m = amend_begin(AMEND_MODIFY, id, quantity(20));
        world_rest();
        ck_assert(!m->done);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&m->done);
        ck_assert_int_eq(cause(m), PROBLEM_ORDER_NOT_OPEN);
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), 0);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

static void halt_now(void)
{
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
}

/* An order that is proven to reduce may be modified while halted, as long as it reduces. */
START_TEST(test_modify_reducing_while_halted)
{
        world_open(&plain);
        ck_assert_int_eq(place("BUY 10 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
        const char *id = live("SELL 8 NSE:SBIN INTRADAY LIMIT 1100", "one");
        clock_fake_advance(1000);
        halt_now();
        ck_assert_int_eq(modify(id, price(1099))->answer.status, 200);
        clock_fake_advance(1000);
        ck_assert_int_eq(modify(id, quantity(10))->answer.status, 200);
        clock_fake_advance(1000);
        ck_assert_int_eq(change(id, quantity(11)), PROBLEM_KILL_SWITCH);
        world_close();
}
END_TEST

/* Two orders of one side become larger at once: together they must not exceed the position. */
START_TEST(test_modify_two_reducing_orders_while_halted)
{
        static const enum fate fates[] = {FATE_HELD, FATE_LOST};
        for (size_t i = 0; i < ELEMENTS(fates); i++) {
                world_open(&plain);
                ck_assert_int_eq(
                        place("BUY 10 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
                const char *a = live("SELL 2 NSE:SBIN INTRADAY LIMIT 1100", "one");
                const char *b = live("SELL 2 NSE:SBIN INTRADAY LIMIT 1101", "one");
                clock_fake_advance(1000);
                halt_now();
                wire_script(world.wires[0], BROKER_MODIFY, 1, 1, fates[i]);
                struct amended *m = amend_begin(AMEND_MODIFY, a, quantity(8));
                world_rest();
                clock_fake_advance(1000);
                ck_assert_int_eq(change(b, quantity(8)), PROBLEM_KILL_SWITCH);
                if (fates[i] == FATE_HELD)
                        wire_release(world.wires[0], FATE_NOT_SENT);
                world_until(&m->done);
                /* when it is known that it was not done, there is room */
                world_pass(SECONDS(2));
                ck_assert_int_eq(modify(b, quantity(8))->answer.status, 200);
                world_close();
        }
}
END_TEST

static struct amended *halted;

static void halt_before_sending(void *userdata)
{
        static struct kill_request r;
        r = (struct kill_request){.caller = nobody_special,
                                  .level = KILL_LEVEL_HALT,
                                  .scope = "global",
                                  .reason = "the last moment",
                                  .done = userdata};
        killswitch_set(world.o, &r);
}

static void on_halted(struct kill_request *r)
{
}

START_TEST(test_modify_and_halt_at_the_last_moment)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_HELD);
        halted = amend_begin(AMEND_MODIFY, id, quantity(20));
        world_rest();
        halt_before_sending((void *)on_halted);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&halted->done);
        ck_assert_int_eq(halted->answer.status, 423);
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_MODIFY), 0);
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 10);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        world_close();
}
END_TEST

/* While another order in the instrument has no known outcome, no modification adds risk. */
START_TEST(test_modify_while_unresolved)
{
        world_open(&(struct world_options){.blind = true});
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        ck_assert_int_eq(place("BUY 1 NSE:SBIN CNC LIMIT 900", "one", NULL)->answer.status, 202);
        ck_assert_int_eq(change(id, quantity(20)), PROBLEM_LEG_UNRESOLVED);
        ck_assert_int_eq(modify(id, quantity(5))->answer.status, 200);
        world_close();
}
END_TEST

/* One modification of a leg at a time, and after an unknown one the book is read first. */
START_TEST(test_modify_one_at_a_time)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_HELD);
        struct amended *m = amend_begin(AMEND_MODIFY, id, quantity(5));
        world_rest();
        ck_assert_int_eq(change(id, quantity(8)), PROBLEM_LEG_UNRESOLVED);
        wire_release(world.wires[0], FATE_REPLY_LOST);
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 202);
        struct amended *next = modify(id, quantity(8));
        ck_assert_int_eq(cause(next), PROBLEM_LEG_UNRESOLVED);
        ck_assert_int_eq(next->answer.retry_after_s, 1);
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 5);
        ck_assert_int_eq(modify(id, quantity(8))->answer.status, 200);
        world_close();
}
END_TEST

/* Modifications of the day count after a restart too. */
START_TEST(test_modify_counts_after_a_restart)
{
        for (int sqlite = 0; sqlite < 2; sqlite++) {
                world_open(&(struct world_options){.sqlite = sqlite, .limits.orders_per_day = 3});
                const char *id = live(REST, "one");
                ck_assert_int_eq(modify(id, quantity(11))->answer.status, 200);
                world_sleep();
                world_wake();
                ck_assert_int_eq(limits_orders_left(&world_account(0)->limits), 1);
                ck_assert_int_eq(modify(id, quantity(12))->answer.status, 200);
                ck_assert_int_eq(change(id, quantity(13)), PROBLEM_MAX_ORDERS_PER_DAY);
                world_close();
        }
}
END_TEST

/* Cancels count against the rate, and wait for it instead of being refused. */
START_TEST(test_cancel_counts)
{
        world_open(&(struct world_options){.limits.orders_per_second = 2});
        const char *a = live(REST, "one"), *b = live("BUY 9 NSE:SBIN CNC LIMIT 1000", "one");
        struct amended *first = amend_begin(AMEND_CANCEL, a, (struct order_change){});
        world_rest();
        ck_assert(!first->done);
        world_pass(SECONDS(2));
        ck_assert_int_eq(first->answer.status, 200);
        clock_fake_advance(SECONDS(2));
        ck_assert_int_eq(cancel(b)->answer.status, 200);
        ck_assert_int_eq(limits_second_left(&world_account(0)->limits), 1);
        ck_assert_int_eq(world_account(0)->limits.day_orders, 2);
        world_close();
}
END_TEST

/* The record of what was asked says what was asked. */
START_TEST(test_modify_is_recorded)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        struct order_change c = quantity(20);
        c.has_price = true;
        c.price = RUPEES(1001);
        (void)modify(id, c);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_INTENT), "\"quantity\":20"));
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_INTENT), "\"price\":\"1001.00\""));
        halt_now();
        (void)modify(id, quantity(30));
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_REFUSED), "KILL_SWITCH"));
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_REFUSED), "\"quantity\":30"));
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_REFUSED), id));
        world_close();
}
END_TEST

START_TEST(test_modify_outcomes)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_REPLY_LOST);
        ck_assert_int_eq(modify(id, quantity(20))->answer.status, 202);
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 20);
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_LOST);
        ck_assert_int_eq(modify(id, quantity(30))->answer.status, 202);
        world_pass(SECONDS(2));
        ck_assert_int_eq(shown_leg(id, 0)->quantity, 20);
        /* without a durable intent nothing is sent */
        unsigned n = wire_calls(world.wires[0], BROKER_MODIFY);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        struct amended *m = modify(id, quantity(30));
        ck_assert_ptr_nonnull(strstr(m->body, "not_sent"));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), n);
        world_pass(SECONDS(2)); /* the book's next read writes that it was not sent */
        /* the answer is lost */
        fake_store_fail(world.fake, FAKE_WRITE, 2, 1, STORE_FULL);
        m = modify(id, quantity(40));
        ck_assert_msg(m->answer.status == 202, "%s", m->body);
        world_pass(SECONDS(2));
        world_pass(SECONDS(2));
        /* this one, and the first, which the book has shown */
        ck_assert_int_eq(shown_leg(id, 0)->modifications, 2);
        world_close();
}
END_TEST

SUITE("modify", test_modify, test_modify_refused, test_modify_while_halted, test_modify_gates,
      test_modify_refusal_tells, test_modify_some_legs, test_modify_refused_and_ledger_down,
      test_modify_settles_what_it_took, test_modify_reserves, test_modify_smaller,
      test_modify_to_market, test_modify_overtaken_while_asking, test_modify_reducing_while_halted,
      test_modify_two_reducing_orders_while_halted, test_modify_and_halt_at_the_last_moment,
      test_modify_while_unresolved, test_modify_one_at_a_time, test_modify_counts_after_a_restart,
      test_cancel_counts, test_modify_is_recorded, test_modify_outcomes)
