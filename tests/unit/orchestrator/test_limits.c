/* Limits, rate windows, reservations, keys and quotes in memory, with a clock moved by hand. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct rate_ahead nobody;
static struct limits limits;
static struct account_limits set;
static char detail[MESSAGE_SIZE];
static int retry_s;

static void begin(const struct account_limits *s)
{
        int64_t now;
        ck_assert_int_eq(clock_parse("2026-11-23T23:59:00+05:30", 25, &now), 0);
        clock_fake(now, SECONDS(100));
        set = *s;
        ck_assert_int_eq(limits_init(&limits, LIMITS_OF_ACCOUNT, &set), 0);
}

/* As the gates do it, and the lane (lane.h). */
static enum problem take(const char *symbol, int64_t quantity, int64_t value, unsigned n_open)
{
        struct order o = {.quantity = quantity, .price = 100};
        struct leg l = {.quantity = quantity};
        text_copy(o.symbol, sizeof(o.symbol), symbol);
        retry_s = 0;
        detail[0] = '\0';
        int64_t wait_us =
                limits_wait(&limits, false, EXCHANGE_NSE, nobody, detail, sizeof(detail), 0);
        if (wait_us > 0) {
                retry_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
                return PROBLEM_ORDER_RATE;
        }
        enum problem p =
                limits_take(&limits, &o, &l, value, n_open, detail, sizeof(detail), &retry_s);
        if (p == PROBLEM_NONE)
                limits_count_call(&limits, EXCHANGE_NSE, clock_mono_us());
        return p;
}

/* What was taken at that moment. */
static void give_back(const char *symbol, int64_t quantity, int64_t value, int64_t taken_us)
{
        struct order o = {.quantity = quantity, .price = 100};
        struct leg l = {.quantity = quantity};
        text_copy(o.symbol, sizeof(o.symbol), symbol);
        limits_give_back(&limits, &o, &l, value);
        limits_uncount_call(&limits, EXCHANGE_NSE, taken_us);
}

START_TEST(test_no_limits)
{
        begin(&(struct account_limits){});
        for (unsigned i = 0; i < 1000; i++)
                ck_assert_int_eq(take("A", 1000000, RUPEES(1000000), i), PROBLEM_NONE);
        ck_assert_int_eq(limits_second_left(&limits), -1);
        ck_assert_int_eq(limits_orders_left(&limits), -1);
        ck_assert_int_eq(limits_value_left(&limits), -1);
        give_back("A", 1, 1, clock_mono_us());
        limits_done(&limits);
}
END_TEST

START_TEST(test_sizes)
{
        begin(&(struct account_limits){.max_order_quantity = 100,
                                       .max_order_value = 500,
                                       .max_daily_value = 800,
                                       .max_open_orders = 3,
                                       .orders_per_day = 3});
        ck_assert_int_eq(take("A", 101, 1, 0), PROBLEM_MAX_ORDER_QUANTITY);
        ck_assert_ptr_nonnull(strstr(detail, "101"));
        ck_assert_int_eq(take("A", 100, 501, 0), PROBLEM_MAX_ORDER_VALUE);
        ck_assert_int_eq(take("A", 100, 500, 3), PROBLEM_MAX_OPEN_ORDERS);
        ck_assert_int_eq(take("A", 100, 500, 2), PROBLEM_NONE);
        ck_assert_int_eq(take("A", 100, 301, 0), PROBLEM_MAX_DAILY_VALUE);
        ck_assert_int_eq(limits_value_left(&limits), 300);
        ck_assert_int_eq(take("A", 100, 300, 0), PROBLEM_NONE);
        ck_assert_int_eq(limits_value_left(&limits), 0);
        limits_not_traded(&limits, 300);
        ck_assert_int_eq(limits_value_left(&limits), 300);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(limits_orders_left(&limits), 0);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_MAX_ORDERS_PER_DAY);
        limits_done(&limits);
}
END_TEST

START_TEST(test_day_rolls)
{
        begin(&(struct account_limits){.max_daily_value = 800, .orders_per_day = 1});
        limits_restore(&limits, 20261123, 1, 700);
        ck_assert_int_eq(limits_orders_left(&limits), 0);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_MAX_ORDERS_PER_DAY);
        clock_fake_advance(SECONDS(61));
        ck_assert_int_eq(limits_orders_left(&limits), 1);
        ck_assert_int_eq(take("A", 1, 800, 0), PROBLEM_NONE);
        limits_done(&limits);
}
END_TEST

START_TEST(test_windows)
{
        begin(&(struct account_limits){.orders_per_second = 2, .orders_per_minute = 3});
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        clock_fake_advance(SECONDS(1));
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(limits_second_left(&limits), 0);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_ORDER_RATE);
        ck_assert_int_eq(retry_s, 1);
        ck_assert_ptr_nonnull(strstr(detail, "1.1 s"));
        clock_fake_advance(100000);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        clock_fake_advance(SECONDS(2));
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_ORDER_RATE);
        ck_assert_int_eq(retry_s, 57);
        ck_assert_ptr_nonnull(strstr(detail, "60 s"));
        limits_done(&limits);
}
END_TEST

/* An older order is given back: the younger ones keep their own moments. */
START_TEST(test_give_back_in_the_middle)
{
        int64_t first;
        begin(&(struct account_limits){.orders_per_second = 3, .repeat_window_us = SECONDS(10)});
        ck_assert_int_eq(take("A", 1, 10, 0), PROBLEM_NONE);
        first = clock_mono_us();
        clock_fake_advance(SECONDS(1));
        ck_assert_int_eq(take("B", 1, 10, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("A", 1, 10, 0), PROBLEM_IDENTICAL_ORDER);
        give_back("A", 1, 10, first);
        ck_assert_int_eq(limits.day_orders, 1);
        ck_assert_int_eq(limits.day_value, 10);
        ck_assert_int_eq(limits_second_left(&limits), 2);
        clock_fake_advance(200000); /* A would be out of the window by now, B is not */
        ck_assert_int_eq(limits_second_left(&limits), 2);
        ck_assert_int_eq(take("A", 1, 10, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("C", 1, 10, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("D", 1, 10, 0), PROBLEM_ORDER_RATE);
        give_back("D", 1, 10, 12345); /* nobody's stamp */
        ck_assert_int_eq(limits_second_left(&limits), 0);
        limits_done(&limits);
}
END_TEST

/* The second is the regulator's, who counts at each exchange; the minute is the account's. */
START_TEST(test_second_of_each_exchange)
{
        static const struct rate_ahead five = {.all = 5, .here = 0};
        begin(&(struct account_limits){.orders_per_second = 3, .orders_per_minute = 5});
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(take("A", 1 + i, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("B", 1, 1, 0), PROBLEM_ORDER_RATE);
        ck_assert_str_eq(detail, "the account's limit is 3 orders at one exchange in 1.1 s");
        ck_assert_int_eq(limits_second_left(&limits), 0);
        ck_assert_int_eq(
                limits_wait(&limits, false, EXCHANGE_NFO, nobody, detail, sizeof(detail), 0), 0);
        ck_assert_int_eq(limits_wait(&limits, true, EXCHANGE_NFO, five, detail, sizeof(detail), 0),
                         0);
        ck_assert_int_gt(
                limits_wait(&limits, true, BROKER_RATE_ANYWHERE, nobody, detail, sizeof(detail), 0),
                0);
        for (unsigned i = 0; i < 2; i++)
                limits_count_call(&limits, EXCHANGE_NFO, clock_mono_us());
        ck_assert_int_gt(
                limits_wait(&limits, false, EXCHANGE_NFO, nobody, detail, sizeof(detail), 0), 0);
        ck_assert_str_eq(detail, "the account's limit is 5 orders in 60 s");
        limits_uncount_call(&limits, EXCHANGE_NFO, clock_mono_us());
        /* Nobody knows where: it counts everywhere. */
        limits_count_call(&limits, BROKER_RATE_ANYWHERE, clock_mono_us());
        ck_assert_int_eq(rate_window_left(&limits.second[EXCHANGE_MCX]), 2);
        ck_assert_int_eq(rate_window_left(&limits.second[EXCHANGE_NFO]), 1);
        limits_done(&limits);
}
END_TEST

/* A reload changes the sizes; what was taken counts on. */
START_TEST(test_take_up)
{
        begin(&(struct account_limits){.orders_per_second = 3});
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
                clock_fake_advance(100000);
        }
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_ORDER_RATE);
        set.orders_per_second = 5;
        set.orders_per_minute = 100;
        set.repeat_window_us = SECONDS(1);
        ck_assert_int_eq(limits_take_up(&limits), 0);
        ck_assert_int_eq(limits_second_left(&limits), 2);
        ck_assert_int_eq(rate_window_left(&limits.minute), 100);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        /* A quarter of five is left for cancels. */
        ck_assert_int_eq(take("C", 1, 1, 0), PROBLEM_ORDER_RATE);
        ck_assert_int_eq(
                limits_wait(&limits, true, EXCHANGE_NSE, nobody, detail, sizeof(detail), 0), 0);
        /* Smaller: the youngest are kept, so that it is no way around the limit. */
        set.orders_per_second = 2;
        ck_assert_int_eq(limits_take_up(&limits), 0);
        ck_assert_int_eq(take("C", 1, 1, 0), PROBLEM_ORDER_RATE);
        clock_fake_advance(LIMIT_SECOND_US - 100001);
        ck_assert_int_eq(take("C", 1, 1, 0), PROBLEM_ORDER_RATE);
        clock_fake_advance(100001);
        ck_assert_int_eq(take("C", 1, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("D", 1, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("E", 1, 1, 0), PROBLEM_ORDER_RATE);
        set.orders_per_second = 0;
        set.repeat_window_us = 0;
        ck_assert_int_eq(limits_take_up(&limits), 0);
        for (unsigned i = 0; i < 20; i++)
                ck_assert_int_eq(take("E", 1, 1, 0), PROBLEM_NONE);
        limits_done(&limits);
}
END_TEST

START_TEST(test_identical)
{
        begin(&(struct account_limits){.repeat_window_us = 500000});
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_IDENTICAL_ORDER);
        ck_assert_int_eq(retry_s, 1);
        ck_assert_int_eq(take("A", 2, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("B", 1, 1, 0), PROBLEM_NONE);
        clock_fake_advance(500000);
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        limits_done(&limits);
}
END_TEST

/* However many others there are inside the window, and however long it is. */
START_TEST(test_identical_among_many)
{
        begin(&(struct account_limits){.repeat_window_us = SECONDS(600)});
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        for (int64_t i = 2; i < 5000; i++) {
                clock_fake_advance(100000);
                ck_assert_int_eq(take("A", i, 1, 0), PROBLEM_NONE);
        }
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_IDENTICAL_ORDER);
        ck_assert_int_eq(take("A", 4000, 1, 0), PROBLEM_IDENTICAL_ORDER);
        give_back("A", 4000, 1, 0);
        ck_assert_int_eq(take("A", 4000, 1, 0), PROBLEM_NONE);
        clock_fake_advance(SECONDS(101)); /* the first 10 seconds are over */
        ck_assert_int_eq(take("A", 1, 1, 0), PROBLEM_NONE);
        ck_assert_int_eq(take("A", 1500, 1, 0), PROBLEM_IDENTICAL_ORDER);
        clock_fake_advance(SECONDS(601));
        for (int64_t i = 2; i < 5000; i++)
                ck_assert_int_eq(take("B", i, 1, 0), PROBLEM_NONE);
        limits_done(&limits);
}
END_TEST

START_TEST(test_repeat_window_is_bounded)
{
        struct repeat_window w;
        int64_t age;
        ck_assert_int_eq(repeat_init(&w, SECONDS(1)), 0);
        for (uint64_t i = 1; i <= REPEAT_MAX + 10; i++)
                repeat_put(&w, i * 0x9e3779b97f4a7c15U, 1000);
        ck_assert_uint_eq(w.size, REPEAT_MAX);
        ck_assert(!repeat_find(&w, 10 * 0x9e3779b97f4a7c15U, 1001, &age));
        ck_assert(repeat_find(&w, 11 * 0x9e3779b97f4a7c15U, 1001, &age));
        ck_assert_int_eq(age, 1);
        ck_assert(repeat_find(&w, (REPEAT_MAX + 10) * 0x9e3779b97f4a7c15U, 1001, &age));
        ck_assert(!repeat_find(&w, 11 * 0x9e3779b97f4a7c15U, 1000 + SECONDS(1), &age));
        repeat_done(&w);
        /* off */
        ck_assert_int_eq(repeat_init(&w, 0), 0);
        repeat_put(&w, 5, 1);
        ck_assert(!repeat_find(&w, 5, 1, &age));
        repeat_take_back(&w, 5);
        repeat_done(&w);
}
END_TEST

/* --- keys --- */

static struct key *add_key(struct keys *k, unsigned i)
{
        char text[32];
        uint8_t fingerprint[FINGERPRINT_SIZE] = {(uint8_t)i};
        snprintf(text, sizeof(text), "key %u", i);
        return keys_add(k, text, fingerprint);
}

START_TEST(test_keys)
{
        struct keys k;
        static char big[KEYS_FINISHED_BYTES / 2];
        keys_init(&k);
        for (unsigned i = 0; i < KEYS_FINISHED_MAX + 10; i++)
                keys_end(&k, add_key(&k, i), "order", 201, "body", 4);
        ck_assert_uint_eq(k.n_finished, KEYS_FINISHED_MAX);
        ck_assert_ptr_null(keys_find(&k, "key 9"));
        const struct key *kept = keys_find(&k, "key 10");
        ck_assert_ptr_nonnull(kept);
        ck_assert_str_eq(kept->body, "body");
        ck_assert_int_eq(kept->status, 201);
        memset(big, 'x', sizeof(big));
        for (unsigned i = 0; i < 3; i++)
                keys_end(&k, add_key(&k, 5000 + i), "order", 201, big, sizeof(big));
        ck_assert_uint_le(k.bytes, KEYS_FINISHED_BYTES);
        ck_assert_ptr_nonnull(keys_find(&k, "key 5002"));
        ck_assert_ptr_null(keys_find(&k, "key 5000"));
        keys_end(&k, add_key(&k, 6000), "", 0, NULL, 0);
        ck_assert_ptr_null(keys_find(&k, "key 6000"));
        (void)add_key(&k, 6001); /* still running at the end */
        keys_done(&k);
        ck_assert_ptr_null(k.by_text);
}
END_TEST

/* --- funds --- */

START_TEST(test_reservations)
{
        world_open(&(struct world_options){.funds = RUPEES(25000)});
        struct account_state *a = world_account(0);
        ck_assert_int_eq(funds_available(a), RUPEES(25000));
        struct placed *one = place_begin(REST, "one", NULL);
        struct placed *two = place_begin("BUY 11 NSE:SBIN CNC LIMIT 1000", "one", NULL);
        struct placed *three = place_begin("BUY 12 NSE:SBIN CNC LIMIT 1000", "one", NULL);
        world_until(&one->done);
        world_until(&two->done);
        world_until(&three->done);
        ck_assert_int_eq(one->answer.status, 201);
        ck_assert_int_eq(two->answer.status, 201);
        ck_assert_int_eq(three->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(three->body, "INSUFFICIENT_FUNDS"));
        world_rest();
        ck_assert_int_eq(a->funds.in_flight, 0);
        clock_fake_advance(SECONDS(2));
        funds_refresh(a);
        world_rest();
        ck_assert_int_eq(a->funds.settled_before + a->funds.settled_after, 0);
        ck_assert_int_eq(funds_available(a), RUPEES(4000));
        world_close();
}
END_TEST

/* Money of an order that was settled while a reading was under way counts until the next one. */
START_TEST(test_reading_under_way)
{
        world_open(&(struct world_options){.funds = RUPEES(25000)});
        struct account_state *a = world_account(0);
        wire_script(world.wires[0], BROKER_FUNDS, 1, 1, FATE_HELD);
        funds_refresh(a);
        world_rest();
        clock_fake_advance(1000);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        wire_say(world.wires[0], BROKER_FUNDS, 200,
                 "{\"available\":\"25000\",\"used\":\"0\",\"total\":\"25000\","
                 "\"realised_pnl\":\"0\",\"unrealised_pnl\":\"0\"}");
        wire_release(world.wires[0], FATE_SERVED);
        wire_say(world.wires[0], BROKER_FUNDS, 200, NULL);
        world_rest();
        ck_assert_int_eq(funds_available(a), RUPEES(15000));
        /* a reading that fails changes nothing */
        wire_script(world.wires[0], BROKER_FUNDS, 1, 1, FATE_GARBAGE);
        clock_fake_advance(1000);
        funds_refresh(a);
        world_rest();
        ck_assert_int_eq(funds_available(a), RUPEES(15000));
        world_close();
}
END_TEST

START_TEST(test_funds_that_cannot_be_read)
{
        world_open(&(struct world_options){.funds = RUPEES(25000)});
        world_sleep();
        world_boot();
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                wire_script(world.wires[i], BROKER_FUNDS, 1, 2, FATE_BROKEN);
        orchestrator_start(world.o);
        world_rest();
        ck_assert(!world_account(0)->funds.valid);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

/* --- quotes --- */

START_TEST(test_quotes)
{
        world_open(&(struct world_options){});
        struct account_state *a = world_account(0);
        ck_assert_int_eq(place("BUY 1 NSE:SBIN CNC MARKET", "one", NULL)->answer.status, 201);
        unsigned n = wire_calls(world.wires[0], BROKER_QUOTES);
        ck_assert_int_eq(place("BUY 1 NSE:SBIN CNC MARKET", "one", NULL)->answer.status, 201);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), n);
        clock_fake_advance(SECONDS(2));
        wire_script(world.wires[0], BROKER_QUOTES, 1, 1, FATE_BROKEN);
        struct placed *p = place("BUY 1 NSE:SBIN CNC MARKET", "one", NULL);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(p->body, "NO_REFERENCE_PRICE"));
        /* two that wait share one reading */
        n = wire_calls(world.wires[0], BROKER_QUOTES);
        struct placed *x = place_begin("BUY 1 NSE:SBIN CNC MARKET", "one", NULL);
        struct placed *y = place_begin("BUY 2 NSE:SBIN CNC MARKET", "one", NULL);
        world_until(&x->done);
        world_until(&y->done);
        ck_assert_int_eq(x->answer.status + y->answer.status, 402);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), n + 1);
        ck_assert_uint_eq(HASH_COUNT(a->quotes.by_symbol), 1);
        world_close();
}
END_TEST

static unsigned n_ready;

static void on_quote(struct quote_waiter *w)
{
        n_ready++;
}

START_TEST(test_quote_cache_is_bounded)
{
        static struct quote_waiter waiters[QUOTE_CACHE_MAX + 40];
        static struct scrip scrips[QUOTE_CACHE_MAX + 40];
        world_open(&(struct world_options){});
        struct account_state *a = world_account(0);
        for (unsigned i = 0; i < ELEMENTS(waiters); i++) {
                snprintf(scrips[i].instrument.symbol, SYMBOL_SIZE, "NSE:S%u", i);
                waiters[i].ready = on_quote;
                ck_assert_int_eq(quote_wait(a, &scrips[i], &waiters[i]), 0);
                if (i % 16 == 0)
                        world_rest();
        }
        world_rest();
        ck_assert_uint_eq(n_ready, ELEMENTS(waiters));
        ck_assert_uint_le(HASH_COUNT(a->quotes.by_symbol), QUOTE_CACHE_MAX + 16);
        world_close();
}
END_TEST

/* Nothing is held while a leg of another account waits for its quote or funds. */
START_TEST(test_nothing_held_while_asking)
{
        world_open(&(struct world_options){.limits = {.max_open_orders = 1}});
        ck_assert_int_eq(place("BUY 1 NSE:IDEA CNC LIMIT 13", "three", NULL)->answer.status, 201);
        clock_fake_advance(SECONDS(2));
        wire_script(world.wires[1], BROKER_QUOTES, 1, 1, FATE_HELD);
        struct placed *p = place_begin("BUY 1 NSE:SBIN CNC MARKET", "one two", NULL);
        world_rest();
        ck_assert_int_eq(world_account(0)->limits.day_orders, 0);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        wire_release(world.wires[1], FATE_SERVED);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 207);
        ck_assert_ptr_nonnull(strstr(p->body, "MAX_OPEN_ORDERS"));
        world_close();
}
END_TEST

/* Orders that are on their way count as open. */
START_TEST(test_open_orders_together)
{
        world_open(&(struct world_options){.limits = {.max_open_orders = 2}});
        struct placed *p[4];
        unsigned accepted = 0;
        for (unsigned i = 0; i < 4; i++)
                p[i] = place_begin(REST, "one", NULL);
        for (unsigned i = 0; i < 4; i++) {
                world_until(&p[i]->done);
                accepted += p[i]->answer.status == 201;
        }
        ck_assert_uint_eq(accepted, 2);
        world_close();
}
END_TEST

SUITE("limits", test_no_limits, test_sizes, test_day_rolls, test_windows,
      test_give_back_in_the_middle, test_second_of_each_exchange, test_take_up, test_identical,
      test_identical_among_many, test_repeat_window_is_bounded, test_keys, test_reservations,
      test_reading_under_way, test_funds_that_cannot_be_read, test_quotes,
      test_quote_cache_is_bounded, test_nothing_held_while_asking, test_open_orders_together)
