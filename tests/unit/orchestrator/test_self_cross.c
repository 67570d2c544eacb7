/* No order of a person trades against another one of the same person. The market stands at 1050. */
#include "world.h"

#include "base/clock.h"

static struct account *account(unsigned i)
{
        return &world.accounts[i];
}

static enum problem tried(const char *words, const char *accounts)
{
        return placed_problem(validate(words, accounts));
}

START_TEST(test_limits_meet)
{
        world_open(&(struct world_options){});
        const char *id = live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        struct placed *p = validate("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "one");
        ck_assert_int_eq(placed_problem(p), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 999", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY MARKET", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000.1", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1000", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("SELL 1 NSE:TCS INTRADAY LIMIT 900", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 999", "two"), PROBLEM_NONE);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 999", "one"), PROBLEM_NONE);
        world_close();
}
END_TEST

/* Passed on as it is, a market order takes any price. */
START_TEST(test_market_order_meets_all)
{
        world_open(&(struct world_options){.policy = "broker"});
        (void)live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY MARKET", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY MARKET", "one"), PROBLEM_NONE);
        world_close();
}
END_TEST

/* A stop meets what waits behind its trigger, not what the market takes on the way to it. */
START_TEST(test_stops)
{
        world_open(&(struct world_options){});
        (void)live("SELL 10 NSE:SBIN INTRADAY STOP_LIMIT 995 1000", "one");
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1020", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY MARKET", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 1000", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 995", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY LIMIT 994", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN INTRADAY STOP_LIMIT 1101 1100", "one"),
                         PROBLEM_NONE);
        (void)live("SELL 10 NSE:TCS INTRADAY LIMIT 3200", "one");
        ck_assert_int_eq(tried("BUY 1 NSE:TCS INTRADAY STOP_LIMIT 3210 3150", "one"),
                         PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("BUY 1 NSE:TCS INTRADAY STOP_LIMIT 3190 3150", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:TCS INTRADAY STOP_LIMIT 3260 3250", "one"), PROBLEM_NONE);
        world_close();
}
END_TEST

/* What has traded meanwhile is no order any more, though nobody has read the book since. */
START_TEST(test_filled_meanwhile)
{
        world_open(&(struct world_options){});
        const char *id = live("BUY 10 NSE:SBIN INTRADAY LIMIT 1060", "one");
        struct open_leg *l = open_leg_find(&world.o->open_legs, shown_leg(id, 0)->tag);
        if (l) { /* as at a broker whose answer has no state */
                l->status = ORDER_STATUS_OPEN;
                l->filled_quantity = 0;
        }
        unsigned reads = wire_calls(world.wires[0], BROKER_BOOK);
        ck_assert_int_eq(tried("SELL 10 NSE:SBIN INTRADAY LIMIT 1060", "one"), PROBLEM_NONE);
        ck_assert_uint_le(wire_calls(world.wires[0], BROKER_BOOK), reads + 1);
        /* A book that cannot be read shows nothing new: what is known holds. */
        (void)live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_BROKEN);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "one"), PROBLEM_SELF_CROSS);
        world_close();
}
END_TEST

/* Somebody's of the same account, placed by hand: as the last book showed it. */
START_TEST(test_external)
{
        world_open(&(struct world_options){});
        struct book_order row = {.broker_order_id = "B7",
                                 .symbol = "NSE:SBIN",
                                 .side = SIDE_BUY,
                                 .quantity = 5,
                                 .price = RUPEES(1000),
                                 .status = ORDER_STATUS_OPEN};
        struct account_state *a = world_account(0);
        wire_script(world.wires[0], BROKER_BOOK, 1, 100, FATE_BROKEN); /* what is known stays */
        external_begin(&a->external, clock_wall_us());
        external_add(&a->external, &row);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1001", "one"), PROBLEM_NONE);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "two"), PROBLEM_NONE);
        row.status = ORDER_STATUS_TRIGGER_PENDING;
        row.trigger_price = RUPEES(990);
        external_begin(&a->external, clock_wall_us());
        external_add(&a->external, &row);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 995", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 989", "one"), PROBLEM_NONE);
        row.status = ORDER_STATUS_FILLED;
        external_begin(&a->external, clock_wall_us());
        external_add(&a->external, &row);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 995", "one"), PROBLEM_NONE);
        world_close();
}
END_TEST

/* What is on its way counts before anybody knows what became of it. */
START_TEST(test_in_flight)
{
        world_open(&(struct world_options){});
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one", "k");
        world_rest();
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "one"), PROBLEM_SELF_CROSS);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&p->done);
        world_close();
}
END_TEST

START_TEST(test_modification)
{
        world_open(&(struct world_options){});
        const char *id = live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        (void)live("SELL 10 NSE:SBIN INTRADAY LIMIT 1080", "one");
        const struct order_change near = {.has_price = true, .price = RUPEES(1079)},
                                  over = {.has_price = true, .price = RUPEES(1080)};
        ck_assert_ptr_nonnull(strstr(modify(id, over)->body, "SELF_CROSS"));
        ck_assert_int_eq(shown_leg(id, 0)->effective.price, RUPEES(1000));
        /* A modification that runs: the order is what it was, or what it is to be. */
        const struct order_change away = {.has_price = true, .price = RUPEES(1020)};
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_HELD);
        struct amended *m = amend_begin(AMEND_MODIFY, id, away);
        world_rest();
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1020", "one"), PROBLEM_SELF_CROSS);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1021", "one"), PROBLEM_NONE);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&m->done);
        ck_assert_int_eq(modify(id, near)->answer.status, 200);
        world_close();
}
END_TEST

START_TEST(test_owner_and_option)
{
        static char one[] = "ramesh", two[] = "ramesh", other[] = "sita";
        world_open(&(struct world_options){});
        (void)live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        account(0)->owner = one;
        account(1)->owner = other;
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "two"), PROBLEM_NONE);
        account(1)->owner = two;
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "two"), PROBLEM_SELF_CROSS);
        /* Simulated money does not meet real one. */
        account(0)->paper = false;
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "two"), PROBLEM_NONE);
        account(0)->paper = true;
        account(1)->self_cross_pass = true;
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY LIMIT 1000", "two"), PROBLEM_NONE);
        world_close();
}
END_TEST

SUITE("self_cross", test_limits_meet, test_market_order_meets_all, test_stops,
      test_filled_meanwhile, test_external, test_in_flight, test_modification,
      test_owner_and_option)
