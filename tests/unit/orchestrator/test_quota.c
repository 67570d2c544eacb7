/* The limits of an API key, beside those of the accounts: each refuses with its own code and says
 * whose it is; what was not sent is given back; a cancel, and the kill switch, pass; the day
 * outlives a restart. */
#include "world.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

#define KEY  "tester" /* that of nobody_special */
#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct account_limits none;

static void open_with(const struct account_limits *accounts, const struct account_limits *key)
{
        world_open(&(struct world_options){.limits = *accounts});
        ck_assert_int_eq(quota_set(world.o, KEY, key), 0);
}

static struct quota_view left(void)
{
        struct quota_view v;
        ck_assert(quota_look(world.o, KEY, &v));
        return v;
}

/* With the code, for this key, whatever the account thinks. */
static struct placed *refused(const char *words, enum problem problem)
{
        struct placed *p = validate(words, "one");
        ck_assert_msg(placed_problem(p) == problem, "%s: %s", words, p->body);
        ck_assert_msg(strstr(world.message, "this key's"), "%s: %s", words, world.message);
        return p;
}

START_TEST(test_each)
{
        static const struct {
                struct account_limits set;
                const char *words;
                enum problem problem;
        } cases[] = {
                {{.max_order_quantity = 9}, REST, PROBLEM_MAX_ORDER_QUANTITY},
                {{.max_order_value = RUPEES(9999)}, REST, PROBLEM_MAX_ORDER_VALUE},
                {{.max_daily_value = RUPEES(9999)}, REST, PROBLEM_MAX_DAILY_VALUE},
                {{.price_collar_percent = 10000},
                 "BUY 1 NSE:SBIN CNC LIMIT 1110",
                 PROBLEM_PRICE_COLLAR},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                open_with(&none, &cases[i].set);
                (void)refused(cases[i].words, cases[i].problem);
                ck_assert_int_eq(quota_set(world.o, KEY, &none), 0);
                ck_assert_int_eq(placed_problem(validate(cases[i].words, "one")), PROBLEM_NONE);
                /* Somebody else's limits are nothing to this key. */
                ck_assert_int_eq(quota_set(world.o, "another", &cases[i].set), 0);
                ck_assert_int_eq(placed_problem(validate(cases[i].words, "one")), PROBLEM_NONE);
                world_close();
        }
}
END_TEST

START_TEST(test_counts)
{
        static const struct {
                struct account_limits set;
                enum problem problem;
                int retry_s;
        } cases[] = {
                {{.orders_per_second = 2}, PROBLEM_ORDER_RATE, 2},
                {{.orders_per_minute = 2}, PROBLEM_ORDER_RATE, 60},
                {{.orders_per_day = 2}, PROBLEM_MAX_ORDERS_PER_DAY, 0},
                {{.max_open_orders = 2}, PROBLEM_MAX_OPEN_ORDERS, 0},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                open_with(&none, &cases[i].set);
                /* At two accounts, where each by itself has room. */
                (void)live(REST, "one");
                (void)live(REST, "two");
                struct placed *p = refused(REST, cases[i].problem);
                ck_assert_int_eq(p->answer.retry_after_s, cases[i].retry_s);
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 1);
                world_close();
        }
}
END_TEST

START_TEST(test_repeats)
{
        open_with(&none, &(struct account_limits){.repeat_window_us = SECONDS(10)});
        /* One order for several accounts repeats nothing. */
        (void)live(REST, "one two");
        (void)refused(REST, PROBLEM_IDENTICAL_ORDER);
        ck_assert_int_eq(placed_problem(validate(REST, "three")), PROBLEM_NONE);
        clock_fake_advance(SECONDS(10));
        ck_assert_int_eq(placed_problem(validate(REST, "one")), PROBLEM_NONE);
        world_close();
}
END_TEST

/* The legs of one order count as they pass, before any of them is open. */
START_TEST(test_legs)
{
        open_with(&none, &(struct account_limits){.max_open_orders = 2});
        struct placed *p = place(REST, "one two three", NULL);
        ck_assert_int_eq(p->answer.status, 207);
        ck_assert_int_eq(placed_problem(p), PROBLEM_MAX_OPEN_ORDERS);
        ck_assert_uint_eq(quota_find(world.o, KEY)->n_open, 2);
        ck_assert_int_eq(left().open_left, 0);
        ck_assert_uint_eq(wire_calls(world.wires[2], BROKER_PLACE), 0);
        ck_assert_int_eq(cancel(p->answer.order_id)->answer.status, 200);
        ck_assert_int_eq(left().open_left, 2);
        world_close();
}
END_TEST

START_TEST(test_tighter_binds)
{
        open_with(
                &(struct account_limits){.max_order_quantity = 20, .price_collar_percent = 20000},
                &(struct account_limits){.max_order_quantity = 10, .price_collar_percent = 50000});
        (void)refused("BUY 11 NSE:SBIN CNC LIMIT 1000", PROBLEM_MAX_ORDER_QUANTITY);
        struct placed *p = validate("BUY 21 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert_int_eq(placed_problem(p), PROBLEM_MAX_ORDER_QUANTITY);
        ck_assert_ptr_nonnull(strstr(world.message, "the account's"));
        p = validate("BUY 1 NSE:SBIN CNC LIMIT 1090", "one");
        ck_assert_int_eq(placed_problem(p), PROBLEM_PRICE_COLLAR);
        ck_assert_ptr_nonnull(strstr(world.message, "the account's"));
        world_close();
}
END_TEST

/* What the key refuses, the account has not taken; what was not sent, neither has. */
START_TEST(test_given_back)
{
        static const struct account_limits account = {.orders_per_day = 5,
                                                      .max_daily_value = RUPEES(50000)};
        static const struct account_limits key = {.orders_per_day = 3,
                                                  .orders_per_minute = 3,
                                                  .max_order_quantity = 10,
                                                  .max_daily_value = RUPEES(30000)};
        open_with(&account, &key);
        (void)refused("BUY 11 NSE:SBIN CNC LIMIT 1000", PROBLEM_MAX_ORDER_QUANTITY);
        ck_assert_int_eq(placed_problem(validate(REST, "one")), PROBLEM_NONE);
        wire_script(world.wires[0], BROKER_PLACE, 1, 10, FATE_NOT_SENT);
        ck_assert_int_ne(place(REST, "one", NULL)->answer.status, 201);
        ck_assert_int_eq(limits_orders_left(&world_account(0)->limits), 5);
        ck_assert_int_eq(limits_value_left(&world_account(0)->limits), RUPEES(50000));
        ck_assert_int_eq(left().day_left, 3);
        ck_assert_int_eq(left().minute_left, 3);
        ck_assert_int_eq(left().value_left, RUPEES(30000));
        (void)live(REST, "two");
        ck_assert_int_eq(left().day_left, 2);
        ck_assert_int_eq(left().minute_left, 2);
        ck_assert_int_eq(left().value_left, RUPEES(20000));
        world_close();
}
END_TEST

START_TEST(test_rejected)
{
        open_with(&none,
                  &(struct account_limits){.orders_per_day = 3, .max_daily_value = RUPEES(30000)});
        wire_say(world.wires[0], BROKER_PLACE, 400,
                 "{\"error\":{\"code\":\"ORDER_VALUE\",\"message\":\"too much\"}}");
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 422);
        ck_assert_int_eq(left().day_left, 2);
        ck_assert_int_eq(left().value_left, RUPEES(30000));
        world_close();
}
END_TEST

/* A modification counts for the key that asks for it, with what it adds. */
START_TEST(test_modified)
{
        const struct order_change more = {.has_quantity = true, .quantity = 12},
                                  less = {.has_quantity = true, .quantity = 5},
                                  much = {.has_quantity = true, .quantity = 16};
        open_with(&none, &(struct account_limits){.max_order_quantity = 15,
                                                  .max_daily_value = RUPEES(14000),
                                                  .orders_per_day = 4,
                                                  .orders_per_second = 4});
        const char *id = live(REST, "one");
        ck_assert_ptr_nonnull(strstr(modify(id, much)->body, "MAX_ORDER_QUANTITY"));
        ck_assert_int_eq(modify(id, more)->answer.status, 200);
        ck_assert_int_eq(left().value_left, RUPEES(2000));
        ck_assert_int_eq(modify(id, less)->answer.status, 200);
        ck_assert_int_eq(left().value_left, RUPEES(2000));
        ck_assert_int_eq(left().day_left, 1);
        ck_assert_int_eq(left().second_left, 1);
        world_close();
}
END_TEST

/* Whatever is used up: a cancel goes, and so does what the kill switch sends. */
START_TEST(test_exits_pass)
{
        open_with(&none, &(struct account_limits){.orders_per_second = 2,
                                                  .orders_per_day = 2,
                                                  .max_daily_value = RUPEES(60000)});
        const char *id = live(REST, "one");
        ck_assert_int_eq(place("BUY 20 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
        (void)refused(REST, PROBLEM_ORDER_RATE);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_int_eq(left().second_left, 0);
        ck_assert_int_eq(kill_set(KILL_LEVEL_FLATTEN, "account:paper:one", false), PROBLEM_NONE);
        for (unsigned i = 0; i < 40; i++) {
                clock_fake_advance(SECONDS(1) / 2);
                killswitch_start(world.o);
                world_rest();
        }
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 3);
        ck_assert_int_eq(funds_position(world_account(0), "NSE:SBIN", PRODUCT_INTRADAY), 0);
        ck_assert_int_eq(left().day_left, 0);
        world_close();
}
END_TEST

START_TEST(test_restart)
{
        static const struct account_limits key = {
                .orders_per_day = 5, .max_daily_value = RUPEES(50000), .max_open_orders = 3};
        open_with(&none, &key);
        const char *id = live(REST, "one two");
        const struct order_change more = {.has_quantity = true, .quantity = 12};
        ck_assert_int_eq(modify(id, more)->answer.status, 200);
        ck_assert_int_eq(left().day_left, 1);
        world_crash();
        ck_assert_int_eq(quota_set(world.o, KEY, &key), 0);
        ck_assert_int_eq(left().day_left, 1);
        ck_assert_int_eq(left().value_left, RUPEES(26000));
        ck_assert_int_eq(left().open_left, 1);
        clock_fake_advance(SECONDS(86400));
        ck_assert_int_eq(left().day_left, 5);
        ck_assert_int_eq(left().value_left, RUPEES(50000));
        world_close();
}
END_TEST

/* A new limit looks at what was counted without one; a key that nobody knows has none. */
START_TEST(test_set_late)
{
        open_with(&none, &none);
        (void)live(REST, "one");
        ck_assert_int_eq(left().day_left, -1);
        ck_assert_int_eq(left().open_left, -1);
        ck_assert_int_eq(quota_set(world.o, KEY, &(struct account_limits){.orders_per_day = 1}), 0);
        (void)refused(REST, PROBLEM_MAX_ORDERS_PER_DAY);
        struct quota_view v;
        ck_assert(!quota_look(world.o, "nobody", &v));
        /* An account's own limits are not a key's. */
        ck_assert_int_eq(
                quota_set(world.o, KEY,
                          &(struct account_limits){.max_daily_loss = 1, .max_modifications = 1}),
                0);
        ck_assert_int_eq(left().set.max_daily_loss, 0);
        ck_assert_int_eq(left().set.max_modifications, 0);
        world_close();
}
END_TEST

START_TEST(test_limits_off)
{
        world_open(&(struct world_options){.limits_off = true});
        ck_assert_int_eq(quota_set(world.o, KEY, &(struct account_limits){.max_order_quantity = 1}),
                         0);
        ck_assert_int_eq(placed_problem(validate(REST, "one")), PROBLEM_NONE);
        world_close();
}
END_TEST

START_TEST(test_too_many)
{
        char name[KEY_NAME_SIZE];
        open_with(&none, &none);
        for (unsigned i = HASH_COUNT(world.o->quotas); i < QUOTAS_MAX; i++) {
                snprintf(name, sizeof(name), "key-%u", i);
                ck_assert_int_eq(quota_set(world.o, name, &none), 0);
        }
        ck_assert_int_eq(quota_set(world.o, "one-more", &none), -ENOSPC);
        ck_assert_int_eq(quota_set(world.o, KEY, &none), 0);
        world_close();
}
END_TEST

SUITE("quota", test_each, test_counts, test_repeats, test_legs, test_tighter_binds, test_given_back,
      test_rejected, test_modified, test_exits_pass, test_restart, test_set_late, test_limits_off,
      test_too_many)
