/* What an account's own limits stop: the day's loss, a storm of rejections. Reducing orders and
 * cancels pass. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/trip.h"

#define BUY  "BUY 10 NSE:SBIN INTRADAY LIMIT 1000"
#define SELL "SELL 5 NSE:SBIN INTRADAY LIMIT 1100"

static const struct world_options loss = {.limits = {.max_daily_loss = RUPEES(1000)}};
static const struct world_options storm = {.limits = {.storm_rejections = 3,
                                                      .storm_window_us = SECONDS(60),
                                                      .storm_pause_us = SECONDS(300)}};

/* Long 5 SBIN; `pnl` as JSON members. */
static void positions(const char *pnl)
{
        static char body[512];
        snprintf(body, sizeof(body),
                 "{\"positions\":[{\"symbol\":\"NSE:SBIN\",\"product\":\"INTRADAY\",\"quantity\":5,"
                 "\"average_price\":\"1100.00\",%s,\"buy_quantity\":5,\"sell_quantity\":0}]}",
                 pnl);
        wire_say(world.wires[0], BROKER_POSITIONS, 200, body);
        clock_fake_advance(FUNDS_STALE_US + 1);
}

#define PNL(last, realised, unrealised)                            \
        "\"last_price\":\"" last "\",\"realised_pnl\":\"" realised \
        "\",\"unrealised_pnl\":\"" unrealised "\""

static enum problem tried(const char *words)
{
        return placed_problem(validate(words, "one"));
}

static struct account_status status(void)
{
        static struct status s;
        status_read(world.o, &s);
        return s.accounts[0];
}

START_TEST(test_loss)
{
        world_open(&loss);
        positions(PNL("1050.00", "-700.00", "-299.99"));
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        ck_assert_int_eq(status().day_pnl, -9999900);
        ck_assert_int_eq(status().loss_left_day, 100);
        ck_assert_int_eq(status().tripped, PROBLEM_NONE);
        positions(PNL("1050.00", "-700.00", "-300.00"));
        struct placed *p = validate(BUY, "one");
        ck_assert_int_eq(placed_problem(p), PROBLEM_MAX_DAILY_LOSS);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_int_eq(tried(SELL), PROBLEM_NONE);
        ck_assert_int_eq(tried("SELL 6 NSE:SBIN INTRADAY LIMIT 1100"), PROBLEM_MAX_DAILY_LOSS);
        ck_assert_int_eq(status().tripped, PROBLEM_MAX_DAILY_LOSS);
        ck_assert_int_eq(status().loss_left_day, 0);
        ck_assert_int_eq(placed_problem(validate(BUY, "two")), PROBLEM_NONE);
        /* Told once, and a better moment does not lift it. */
        positions(PNL("1050.00", "0.00", "0.01"));
        ck_assert_int_eq(tried(BUY), PROBLEM_MAX_DAILY_LOSS);
        world_rest();
        ck_assert_int_eq(audit_count(AUDIT_ACCOUNT_TRIPPED), 1);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_ACCOUNT_TRIPPED), "1000.00 of 1000.00"));
        /* Raising the limit does, and so does the next day. */
        world.accounts[0].limits.max_daily_loss = RUPEES(1001);
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        world.accounts[0].limits.max_daily_loss = RUPEES(1000);
        ck_assert_int_eq(tried(BUY), PROBLEM_MAX_DAILY_LOSS);
        clock_fake_advance(SECONDS(86400));
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        world_close();
}
END_TEST

/* The broker tells no profit, but a price. */
START_TEST(test_loss_computed)
{
        world_open(&loss);
        positions(PNL("900.10", "0.00", "0.00"));
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        positions(PNL("900.00", "0.00", "0.00"));
        ck_assert_int_eq(tried(BUY), PROBLEM_MAX_DAILY_LOSS);
        world_close();
}
END_TEST

/* … or neither: then what was quoted counts. SBIN stands at 1050, bought at 1100. */
START_TEST(test_loss_by_quote)
{
        world_open(&(struct world_options){
                .limits = {.max_daily_loss = RUPEES(250), .price_collar_percent = 200000}});
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1000"), PROBLEM_NONE);
        positions(PNL("0.00", "0.00", "0.00"));
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1000"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1000"), PROBLEM_NONE);
        clock_fake_advance(SECONDS(2));
        funds_refresh(world_account(0));
        world_rest();
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1000"), PROBLEM_MAX_DAILY_LOSS);
        world_close();
}
END_TEST

/* One read answers all orders of half a minute, and none that cannot be judged adds risk. */
START_TEST(test_loss_unknown)
{
        world_open(&loss);
        clock_fake_advance(FUNDS_STALE_US + 1);
        unsigned before = wire_calls(world.wires[0], BROKER_POSITIONS);
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_POSITIONS), before + 1);
        clock_fake_advance(SECONDS(1) - 1);
        for (unsigned i = 0; i < 5; i++)
                ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_POSITIONS), before + 1);
        wire_script(world.wires[0], BROKER_POSITIONS, 1, 1000, FATE_BROKEN);
        clock_fake_advance(LOSS_BLIND_US - SECONDS(2));
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        clock_fake_advance(SECONDS(2));
        ck_assert_int_eq(tried(BUY), PROBLEM_NOT_READY);
        world.accounts[0].limits.max_daily_loss = 0;
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        world_close();
}
END_TEST

/* At a real broker open positions are looked at with the book: nobody need send an order. */
START_TEST(test_loss_without_orders)
{
        world_open(&loss);
        (void)live("BUY 1 NSE:SBIN INTRADAY LIMIT 990", "one");
        positions(PNL("1050.00", "-1000.00", "0.00"));
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
        funds_refresh(world_account(0));
        world_rest();
        world_account(0)->loss = (struct loss){}; /* the positions are known, the loss is not */
        unsigned before = wire_calls(world.wires[0], BROKER_POSITIONS);
        world_pass(LOSS_WATCH_US - 1);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_POSITIONS), before);
        ck_assert_int_eq(status().tripped, PROBLEM_NONE);
        world_pass(SECONDS(8));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_POSITIONS), before + 1);
        ck_assert_int_eq(status().tripped, PROBLEM_MAX_DAILY_LOSS);
        world_close();
}
END_TEST

/* Who repeats what is refused uses up nothing of the broker's rate. */
START_TEST(test_refused_asks_nobody)
{
        world_open(&(struct world_options){
                .limits = {.orders_per_day = 1, .max_daily_loss = RUPEES(1000)}});
        (void)live(BUY, "one");
        unsigned funds = wire_calls(world.wires[0], BROKER_FUNDS);
        for (unsigned i = 0; i < 5; i++) {
                clock_fake_advance(FUNDS_REFRESH_US + 1);
                ck_assert_int_eq(tried(BUY), PROBLEM_MAX_ORDERS_PER_DAY);
                world_rest();
        }
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_FUNDS), funds);
        /* What passes keeps the snapshot young. */
        world.accounts[0].limits.orders_per_day = 2;
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_FUNDS), funds + 1);
        world_close();
}
END_TEST

/* A session that began the day before shows that day's positions. */
START_TEST(test_loss_of_yesterday)
{
        world_open(&loss);
        positions(PNL("1050.00", "-2000.00", "0.00"));
        clock_fake_advance(SECONDS(86400));
        world.accounts[0].paper = false;
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        ck_assert(!status().day_pnl_known);
        world_account(0)->session_since_us = clock_wall_us();
        clock_fake_advance(FUNDS_STALE_US + 1);
        ck_assert_int_eq(tried(BUY), PROBLEM_MAX_DAILY_LOSS);
        world.accounts[0].paper = true;
        world_close();
}
END_TEST

static void reject(unsigned n)
{
        wire_say(world.wires[0], BROKER_PLACE, 422,
                 "{\"error\":{\"code\":\"SELF_TRADE\",\"message\":\"no\"}}");
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_eq(place(BUY, "one", NULL)->answer.status, 422);
        wire_say(world.wires[0], BROKER_PLACE, 200, NULL);
}

START_TEST(test_storm)
{
        world_open(&storm);
        const char *id = live("BUY 1 NSE:SBIN INTRADAY LIMIT 990", "one");
        reject(2);
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        clock_fake_advance(SECONDS(60));
        reject(2);
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        reject(1);
        struct placed *p = place(BUY, "one", NULL);
        ck_assert_int_eq(placed_problem(p), PROBLEM_REJECT_STORM);
        ck_assert_int_eq(p->answer.status, 429);
        ck_assert_int_eq(p->answer.retry_after_s, 300);
        ck_assert_int_eq(tried(BUY), PROBLEM_REJECT_STORM);
        ck_assert_int_eq(placed_problem(validate(BUY, "two")), PROBLEM_NONE);
        ck_assert_int_eq(status().tripped, PROBLEM_REJECT_STORM);
        ck_assert_int_eq(status().tripped_until_us, clock_wall_us() + SECONDS(300));
        /* What takes risk away passes. */
        positions(PNL("1050.00", "0.00", "0.00"));
        ck_assert_int_eq(tried(SELL), PROBLEM_NONE);
        const struct order_change less = {.has_quantity = true, .quantity = 1};
        ck_assert_int_eq(modify(id, less)->answer.status, 200);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_int_eq(audit_count(AUDIT_ACCOUNT_TRIPPED), 1);
        clock_fake_advance(SECONDS(270));
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        ck_assert_int_eq(status().tripped, PROBLEM_NONE);
        /* It is counted anew, however long the window is. */
        world.accounts[0].limits.storm_window_us = SECONDS(3600);
        ck_assert_int_eq(storm_take_up(world_account(0)), 0);
        reject(3);
        clock_fake_advance(SECONDS(300));
        reject(2);
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        world_close();
}
END_TEST

/* What the session's end or the broker's rate refuses says nothing about the orders. */
START_TEST(test_storm_of_what)
{
        world_open(&storm);
        for (unsigned i = 0; i < 5; i++) {
                storm_note(world_account(0), PROBLEM_SESSION_REQUIRED);
                storm_note(world_account(0), PROBLEM_BROKER_RATE);
        }
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        for (unsigned i = 0; i < 3; i++)
                storm_note(world_account(0), PROBLEM_PRICE_BAND);
        ck_assert_int_eq(tried(BUY), PROBLEM_REJECT_STORM);
        ck_assert_int_eq(storm_take_up(world_account(0)), 0); /* a reload: counted anew */
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        for (unsigned i = 0; i < 2; i++)
                storm_note(world_account(0), PROBLEM_PRICE_BAND);
        ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
        world_close();
}
END_TEST

/* Taken by the broker, refused in its book. */
START_TEST(test_storm_in_the_book)
{
        world_open(&storm);
        for (unsigned i = 0; i < 3; i++) {
                char words[64];
                snprintf(words, sizeof(words), "BUY 1 NSE:SBIN INTRADAY LIMIT 99%u", i);
                const char *id = live(words, "one");
                struct open_leg *l = open_leg_find(&world.o->open_legs, shown_leg(id, 0)->tag);
                struct book_order row = {.status = ORDER_STATUS_REJECTED,
                                         .quantity = l->quantity,
                                         .price = l->price,
                                         .type = l->type};
                ck_assert_int_eq(tried(BUY), PROBLEM_NONE);
                text_copy(row.broker_order_id, sizeof(row.broker_order_id), l->broker_order_id);
                ck_assert(open_leg_update(l, &row));
        }
        ck_assert_int_eq(tried(BUY), PROBLEM_REJECT_STORM);
        world_close();
}
END_TEST

SUITE("trips", test_loss, test_loss_computed, test_loss_by_quote, test_loss_unknown,
      test_loss_without_orders, test_refused_asks_nobody, test_loss_of_yesterday, test_storm,
      test_storm_of_what, test_storm_in_the_book)
