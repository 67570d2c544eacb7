/* Modifications of one order, orders for each that trades: both survive a restart. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

static bool moved(const char *id, int64_t rupees, const char *code)
{
        const struct order_change c = {.has_price = true, .price = rupees * DECIMAL_ONE};
        const struct amended *m = modify(id, c);
        return code ? strstr(m->body, code) != NULL : m->answer.status == 200;
}

static enum problem tried(const char *words)
{
        return placed_problem(validate(words, "one"));
}

START_TEST(test_modifications)
{
        world_open(&(struct world_options){.limits = {.max_modifications = 2}});
        const char *id = live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert(moved(id, 1001, NULL));
        world_crash();
        ck_assert(moved(id, 1002, NULL));
        ck_assert(moved(id, 1003, "MAX_MODIFICATIONS"));
        const struct order_change less = {.has_quantity = true, .quantity = 5};
        ck_assert_ptr_nonnull(strstr(modify(id, less)->body, "MAX_MODIFICATIONS"));
        ck_assert_int_eq(shown_leg(id, 0)->modifications, 2);
        ck_assert_int_eq(shown_leg(id, 0)->effective.price, RUPEES(1002));
        ck_assert(moved(live("BUY 11 NSE:SBIN CNC LIMIT 1000", "one"), 1001, NULL));
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        world_close();
}
END_TEST

/* One that the broker refused, or whose answer was lost, was sent all the same; one that never left
 * was not. */
START_TEST(test_modifications_sent)
{
        world_open(&(struct world_options){.limits = {.max_modifications = 2}});
        const char *id = live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_NOT_SENT);
        (void)moved(id, 1001, "");
        ck_assert_uint_eq(world_account(0)->n_open, 1);
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_LOST);
        (void)moved(id, 1001, "");
        world_pass(SECONDS(2));
        ck_assert(moved(id, 1001, NULL));
        ck_assert(moved(id, 1003, "MAX_MODIFICATIONS"));
        world_close();
}
END_TEST

START_TEST(test_orders_per_trade)
{
        world_open(&(struct world_options){
                .limits = {.max_orders_per_trade = 2, .orders_per_trade_floor = 3}});
        const char *id = live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        (void)live("BUY 11 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert(moved(id, 1001, NULL));
        struct placed *p = validate("BUY 12 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert_int_eq(placed_problem(p), PROBLEM_MAX_ORDERS_PER_TRADE);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert(moved(id, 1002, "MAX_ORDERS_PER_TRADE"));
        const struct order_change less = {.has_quantity = true, .quantity = 5};
        ck_assert_int_eq(modify(id, less)->answer.status, 200);
        ck_assert_int_eq(tried("BUY 12 NSE:SBIN CNC LIMIT 1000"), PROBLEM_MAX_ORDERS_PER_TRADE);
        /* Two trade, found in the book: room for four, and four there are. */
        for (unsigned i = 0; i < 2; i++) {
                struct open_leg *l = LIST_ENTRY(i ? world_account(0)->open_legs.prev
                                                  : world_account(0)->open_legs.next,
                                                struct open_leg, of_account);
                open_leg_fill(l, 1, RUPEES(1000));
                open_leg_fill(l, 2, RUPEES(1000));
        }
        ck_assert_int_eq(world_account(0)->limits.day_traded, 2);
        ck_assert_int_eq(tried("BUY 12 NSE:SBIN CNC LIMIT 1000"), PROBLEM_MAX_ORDERS_PER_TRADE);
        world.accounts[0].limits.max_orders_per_trade = 3;
        ck_assert_int_eq(tried("BUY 12 NSE:SBIN CNC LIMIT 1000"), PROBLEM_NONE);
        ck_assert_int_eq(placed_problem(validate("BUY 12 NSE:SBIN CNC LIMIT 1000", "two")),
                         PROBLEM_NONE);
        world_close();
}
END_TEST

START_TEST(test_trades_are_restored)
{
        world_open(&(struct world_options){
                .limits = {.max_orders_per_trade = 2, .orders_per_trade_floor = 1}});
        ck_assert_int_eq(place("BUY 10 NSE:SBIN CNC MARKET", "one", NULL)->answer.status, 201);
        (void)live("BUY 11 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert_int_eq(world_account(0)->limits.day_traded, 1);
        world_crash();
        ck_assert_int_eq(world_account(0)->limits.day_traded, 1);
        ck_assert_int_eq(world_account(0)->limits.day_orders, 2);
        ck_assert_int_eq(tried("BUY 12 NSE:SBIN CNC LIMIT 1000"), PROBLEM_MAX_ORDERS_PER_TRADE);
        clock_fake_advance(SECONDS(86400));
        ck_assert_int_eq(tried("BUY 12 NSE:SBIN CNC LIMIT 1000"), PROBLEM_NONE);
        world_close();
}
END_TEST

SUITE("counts", test_modifications, test_modifications_sent, test_orders_per_trade,
      test_trades_are_restored)
