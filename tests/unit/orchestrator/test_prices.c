/* What a price is compared with: a quote that may be relied on, the day before, the day's band. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

#define COLLAR 50000 /* 5 % */

static const struct world_options collared = {.limits = {.price_collar_percent = COLLAR}};

static enum problem tried(const char *words)
{
        return placed_problem(validate(words, "one"));
}

static unsigned quotes(void)
{
        return wire_calls(world.wires[0], BROKER_QUOTES);
}

/* The reply to a question for one symbol. */
static void quoted(const char *symbol, const char *last, const char *close, const char *band)
{
        static char body[512];
        snprintf(
                body, sizeof(body),
                "{\"quotes\":[{\"symbol\":\"%s\",\"last\":\"%s\",\"bid\":\"0\",\"ask\":\"0\","
                "\"bid_quantity\":0,\"ask_quantity\":0,\"open\":\"0\",\"high\":\"0\",\"low\":\"0\","
                "\"close\":\"%s\",\"volume\":0,%s,\"at\":0}]}",
                symbol, last, close, band);
        wire_say(world.wires[0], BROKER_QUOTES, 200, body);
        clock_fake_advance(QUOTE_KNOWN_US + 1);
}

#define NO_BAND "\"lower_circuit\":\"0\",\"upper_circuit\":\"0\""

/* One read serves the orders of half a minute. */
START_TEST(test_age)
{
        world_open(&collared);
        unsigned before = quotes();
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1102"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1103"), PROBLEM_PRICE_COLLAR);
        clock_fake_advance(QUOTE_KNOWN_US);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1102"), PROBLEM_NONE);
        ck_assert_uint_eq(quotes(), before + 1);
        clock_fake_advance(1);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1102"), PROBLEM_NONE);
        ck_assert_uint_eq(quotes(), before + 2);
        /* An older one lets pass, and refuses nothing. */
        clock_fake_advance(QUOTE_FRESH_US + 1);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1103"), PROBLEM_PRICE_COLLAR);
        ck_assert_uint_eq(quotes(), before + 3);
        /* The price of a market order is made of a younger one. */
        clock_fake_advance(QUOTE_FRESH_US + 1);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC MARKET"), PROBLEM_NONE);
        ck_assert_uint_eq(quotes(), before + 4);
        world_close();
}
END_TEST

START_TEST(test_without_quote)
{
        world_open(&collared);
        /* No trade today: the day before; no answer: what the list of instruments tells of it. */
        quoted("NSE:SBIN", "0", "900.00", NO_BAND);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 945"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 946"), PROBLEM_PRICE_COLLAR);
        clock_fake_advance(QUOTE_KNOWN_US + 1);
        wire_say(world.wires[0], BROKER_QUOTES, 500, "down");
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1102"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1103"), PROBLEM_PRICE_COLLAR);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC MARKET"), PROBLEM_NO_REFERENCE_PRICE);
        world_close();
}
END_TEST

/* Nothing at all is known of what it is worth. */
START_TEST(test_no_price)
{
        static const struct {
                enum collar_without_quote rule;
                enum problem cash, future;
        } cases[] = {
                {COLLAR_CASH, PROBLEM_NONE, PROBLEM_NO_REFERENCE_PRICE},
                {COLLAR_PASS, PROBLEM_NONE, PROBLEM_NONE},
                {COLLAR_REFUSE, PROBLEM_NO_REFERENCE_PRICE, PROBLEM_NO_REFERENCE_PRICE},
        };
        world_open(&(struct world_options){.funds = RUPEES(1000000000),
                                           .limits = {.price_collar_percent = COLLAR}});
        const char *symbols[] = {"NSE:SBIN", "NFO:NIFTY29DEC26FUT"};
        for (unsigned i = 0; i < ELEMENTS(symbols); i++) {
                struct instrument *listed = (struct instrument *)instruments_find(
                        world.o->options.instruments, symbols[i]);
                listed->previous_close = 0;
        }
        wire_say(world.wires[0], BROKER_QUOTES, 500, "down");
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                world.accounts[0].collar_without_quote = cases[i].rule;
                ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1103"), cases[i].cash);
                ck_assert_int_eq(tried("BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000"),
                                 cases[i].future);
        }
        /* Without a collar nobody asks. */
        world.accounts[0].limits.price_collar_percent = 0;
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1103"), PROBLEM_NONE);
        world_close();
}
END_TEST

START_TEST(test_band)
{
        world_open(&(struct world_options){.limits = {.price_collar_percent = 200000}});
        quoted("NSE:SBIN", "1050.00", "1000.00",
               "\"lower_circuit\":\"1000.00\",\"upper_circuit\":\"1060.00\"");
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1000"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 999"), PROBLEM_PRICE_BAND);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1060"), PROBLEM_NONE);
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC LIMIT 1060.1"), PROBLEM_PRICE_BAND);
        ck_assert_int_eq(tried("SELL 1 NSE:SBIN INTRADAY STOP_LIMIT 1000 999"), PROBLEM_PRICE_BAND);
        /* Protection stays inside. */
        ck_assert_int_eq(tried("BUY 1 NSE:SBIN CNC MARKET"), PROBLEM_NONE);
        const char *id = live("BUY 1 NSE:SBIN CNC LIMIT 1001", "one");
        const struct order_change c = {.has_price = true, .price = RUPEES(1061)};
        ck_assert_ptr_nonnull(strstr(modify(id, c)->body, "PRICE_BAND"));
        world_close();
}
END_TEST

/* On its last day a contract ends at the close, also where the hours are not looked at. */
START_TEST(test_expired_at_the_close)
{
        int64_t now;
        world_open(&(struct world_options){.funds = RUPEES(1000000000)});
        ck_assert_int_eq(clock_parse("2026-12-29T15:39:59+05:30", 25, &now), 0);
        clock_fake_advance(now - clock_wall_us());
        world.accounts[0].paper = false;
        ck_assert_int_eq(tried("BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000"), PROBLEM_NONE);
        clock_fake_advance(SECONDS(1));
        ck_assert_int_eq(tried("BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000"),
                         PROBLEM_INSTRUMENT_NOT_TRADABLE);
        world.accounts[0].paper = true;
        world_close();
}
END_TEST

SUITE("prices", test_age, test_without_quote, test_no_price, test_band, test_expired_at_the_close)
