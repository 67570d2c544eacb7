/* Every gate refuses what it must, with its code, and lets the rest pass. */
#include "world.h"

#include "base/clock.h"
#include "orchestrator/placing.h"

struct gate_case {
        const char *words;
        enum problem problem;
};

static void check(const struct world_options *o, const struct gate_case *cases, size_t n)
{
        world_open(o);
        for (size_t i = 0; i < n; i++) {
                struct placed *p = validate(cases[i].words, "one");
                ck_assert_msg(placed_problem(p) == cases[i].problem, "%s: %d %s", cases[i].words,
                              p->answer.problem, p->body);
        }
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 0);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}

START_TEST(test_instrument)
{
        static const struct gate_case cases[] = {
                {"BUY 10 NSE:NOBODY CNC LIMIT 1000", PROBLEM_INSTRUMENT_UNKNOWN},
                {"BUY 10 NSE:NIFTY_50 CNC LIMIT 1000", PROBLEM_INSTRUMENT_UNKNOWN},
                {"BUY 66 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000", PROBLEM_LOT_SIZE},
                {"BUY 1820 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000", PROBLEM_FREEZE_QUANTITY},
                {"BUY 10 NSE:SBIN CNC LIMIT 1000.01", PROBLEM_TICK_SIZE},
                {"BUY 10 NSE:SBIN CNC STOP_LIMIT 1000 1000.01", PROBLEM_TICK_SIZE},
                {"BUY 10 NSE:SBIN MARGIN LIMIT 1000", PROBLEM_PRODUCT_UNSUPPORTED},
                {"BUY 65 NFO:NIFTY29DEC26FUT CNC LIMIT 24000", PROBLEM_PRODUCT_UNSUPPORTED},
                {"BUY 10 NSE:SBIN CNC LIMIT 1000", PROBLEM_NONE},
                {"BUY 10 NSE:SBIN CNC STOP_LIMIT 1100 1099", PROBLEM_NONE},
        };
        check(&(struct world_options){.funds = RUPEES(1000000000)}, cases, ELEMENTS(cases));
}
END_TEST

START_TEST(test_limits)
{
        static const struct gate_case cases[] = {
                {"BUY 101 NSE:SBIN CNC LIMIT 1000", PROBLEM_MAX_ORDER_QUANTITY},
                {"BUY 100 NSE:SBIN CNC LIMIT 1050", PROBLEM_MAX_ORDER_VALUE},
                {"BUY 1 NSE:SBIN CNC LIMIT 1110", PROBLEM_PRICE_COLLAR},
                {"SELL 1 NSE:SBIN INTRADAY LIMIT 980", PROBLEM_PRICE_COLLAR},
                {"SELL 1 NSE:SBIN INTRADAY LIMIT 1140", PROBLEM_NONE},
                {"BUY 1 NSE:SBIN CNC LIMIT 1090", PROBLEM_NONE},
                {"BUY 10 NSE:SBIN CNC LIMIT 1000", PROBLEM_NONE},
        };
        check(&(struct world_options){.limits = {.max_order_quantity = 100,
                                                 .max_order_value = RUPEES(100000),
                                                 .price_collar_percent = 50000}},
              cases, ELEMENTS(cases));
}
END_TEST

START_TEST(test_limits_off)
{
        static const struct gate_case cases[] = {
                {"BUY 101 NSE:SBIN CNC LIMIT 1000", PROBLEM_NONE},
                {"BUY 1 NSE:SBIN CNC LIMIT 1150", PROBLEM_NONE},
        };
        check(&(struct world_options){.limits_off = true,
                                      .limits = {.max_order_quantity = 100,
                                                 .orders_per_day = 1,
                                                 .price_collar_percent = 50000}},
              cases, ELEMENTS(cases));
}
END_TEST

START_TEST(test_market_policies)
{
        static const struct gate_case reject[] = {
                {"BUY 1 NSE:SBIN CNC MARKET", PROBLEM_MARKET_ORDER_REFUSED},
                {"BUY 1 NSE:SBIN CNC STOP 0 1100", PROBLEM_MARKET_ORDER_REFUSED},
                {"BUY 1 NSE:SBIN CNC LIMIT 1000", PROBLEM_NONE},
        };
        static const struct gate_case broker[] = {{"BUY 1 NSE:SBIN CNC MARKET", PROBLEM_NONE}};
        check(&(struct world_options){.policy = "reject"}, reject, ELEMENTS(reject));
        check(&(struct world_options){.policy = "broker"}, broker, ELEMENTS(broker));
}
END_TEST

static const struct leg *placed_leg(const char *words, const char *policy)
{
        struct placed *p = place_begin(words, "one", NULL);
        struct order *o = LIST_ENTRY(world.o->operations.prev, struct placing, link)->order;
        if (policy) {
                o->market_policy_given = true;
                ck_assert_int_eq(market_policy_parse(policy, strlen(policy), &o->market_policy), 0);
        }
        world_until(&p->done);
        return p->answer.order_id[0] ? shown_leg(p->answer.order_id, 0) : NULL;
}

START_TEST(test_protected)
{
        world_open(&(struct world_options){.policy = "protect(2)"});
        const struct leg *l = placed_leg("BUY 1 NSE:SBIN CNC MARKET", NULL);
        ck_assert_int_eq(l->effective.type, ORDER_TYPE_LIMIT);
        ck_assert_int_eq(l->effective.price, RUPEES(1071));
        l = placed_leg("BUY 1 NSE:SBIN CNC MARKET", "protect(1)");
        ck_assert_int_eq(l->effective.price, 10605000);
        l = placed_leg("BUY 1 NSE:SBIN CNC MARKET", "protect(5)");
        ck_assert_int_eq(l->effective.price, RUPEES(1071));
        l = placed_leg("BUY 1 NSE:SBIN CNC MARKET", "broker");
        ck_assert_int_eq(l->effective.type, ORDER_TYPE_LIMIT);
        ck_assert_ptr_null(placed_leg("BUY 1 NSE:SBIN CNC MARKET", "reject"));
        l = placed_leg("BUY 1 NSE:SBIN CNC STOP 0 1100", NULL);
        ck_assert_int_eq(l->effective.type, ORDER_TYPE_STOP_LIMIT);
        ck_assert_int_eq(l->effective.price, RUPEES(1122));
        ck_assert_int_eq(l->status, ORDER_STATUS_TRIGGER_PENDING);
        l = placed_leg("SELL 1 NSE:SBIN INTRADAY MARKET", NULL);
        ck_assert_int_eq(l->effective.price, RUPEES(1029));
        world_close();
}
END_TEST

START_TEST(test_closed)
{
        world_open(&(struct world_options){.hours = true});
        ck_assert_int_eq(placed_problem(validate("BUY 1 NSE:SBIN CNC LIMIT 1000", "one")),
                         PROBLEM_NONE);
        clock_fake_advance(SECONDS(12 * 3600));
        ck_assert_int_eq(placed_problem(validate("BUY 1 NSE:SBIN CNC LIMIT 1000", "one")),
                         PROBLEM_MARKET_CLOSED);
        world_close();
}
END_TEST

static enum problem disclosed(int64_t n, enum validity v, const char *words)
{
        struct placed *p = place_begin(words, "one", NULL);
        struct order *o = LIST_ENTRY(world.o->operations.prev, struct placing, link)->order;
        o->disclosed_quantity = n;
        o->validity = v;
        world_until(&p->done);
        return placed_problem(p);
}

START_TEST(test_disclosed)
{
        const char *words = "BUY 100 NSE:SBIN CNC LIMIT 1000";
        world_open(&(struct world_options){.funds = RUPEES(1000000000)});
        ck_assert_int_eq(disclosed(9, VALIDITY_DAY, words), PROBLEM_DISCLOSED_UNSUPPORTED);
        ck_assert_int_eq(disclosed(101, VALIDITY_DAY, words), PROBLEM_DISCLOSED_UNSUPPORTED);
        ck_assert_int_eq(disclosed(50, VALIDITY_IOC, words), PROBLEM_DISCLOSED_UNSUPPORTED);
        ck_assert_int_eq(
                disclosed(65, VALIDITY_DAY, "BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000"),
                PROBLEM_DISCLOSED_UNSUPPORTED);
        ck_assert_int_eq(disclosed(10, VALIDITY_DAY, words), PROBLEM_NONE);
        world_close();
}
END_TEST

static struct placed *reduce(const char *words)
{
        struct placed *p = place_begin(words, "one", NULL);
        LIST_ENTRY(world.o->operations.prev, struct placing, link)->order->reduce_only = true;
        world_until(&p->done);
        return p;
}

START_TEST(test_reduce_only)
{
        world_open(&(struct world_options){});
        ck_assert_int_eq(placed_problem(reduce("SELL 1 NSE:SBIN INTRADAY MARKET")),
                         PROBLEM_NOT_REDUCING);
        ck_assert_int_eq(place("BUY 5 NSE:SBIN INTRADAY MARKET", "one", NULL)->answer.status, 201);
        clock_fake_advance(1000);
        ck_assert_int_eq(placed_problem(reduce("SELL 6 NSE:SBIN INTRADAY MARKET")),
                         PROBLEM_NOT_REDUCING);
        clock_fake_advance(1000);
        ck_assert_int_eq(reduce("SELL 5 NSE:SBIN INTRADAY MARKET")->answer.status, 201);
        world_close();
}
END_TEST

START_TEST(test_session_and_support)
{
        world_open(&(struct world_options){});
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:one"), PROBLEM_NONE);
        ck_assert_int_eq(placed_problem(validate("BUY 1 NSE:SBIN CNC LIMIT 1000", "one")),
                         PROBLEM_SESSION_REQUIRED);
        struct broker_capability can[] = {{.exchange = EXCHANGE_NSE,
                                           .types = 1U << ORDER_TYPE_LIMIT,
                                           .products = 1U << PRODUCT_CNC}};
        world.broker.capabilities = can;
        world.broker.n_capabilities = 1;
        ck_assert_int_eq(placed_problem(validate("BUY 1 NSE:SBIN CNC MARKET", "two")),
                         PROBLEM_TYPE_UNSUPPORTED);
        ck_assert_int_eq(placed_problem(validate("BUY 1 NSE:SBIN CNC LIMIT 1000", "two")),
                         PROBLEM_VALIDITY_UNSUPPORTED);
        can[0].exchange = EXCHANGE_BSE;
        ck_assert_int_eq(placed_problem(validate("BUY 1 NSE:SBIN CNC LIMIT 1000", "two")),
                         PROBLEM_INSTRUMENT_NOT_TRADABLE);
        world_close();
}
END_TEST

SUITE("gates", test_instrument, test_limits, test_limits_off, test_market_policies, test_protected,
      test_closed, test_disclosed, test_reduce_only, test_session_and_support)
