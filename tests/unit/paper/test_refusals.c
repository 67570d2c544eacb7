#include "floor.h"

#include <errno.h>
#include <string.h>

static const struct floor_options still = {.funds = RUPEES(100000), .seed = 7};

START_TEST(each_rule_refuses_with_its_numbers)
{
        static const struct {
                const char *words, *code, *text; /* the message holds `text` */
        } cases[] = {
                {"BUY 1 NSE:NOPE CNC MARKET", "UNKNOWN_SYMBOL", "NSE:NOPE"},
                {"BUY 1 NSE:NEW CNC MARKET", "NO_REFERENCE_PRICE", "NSE:NEW"},
                {"BUY 1 NSE:SBIN MARGIN MARKET", "PRODUCT", "MARGIN"},
                {"BUY 65 NFO:NIFTY29DEC26FUT CNC MARKET", "PRODUCT", "CNC"},
                {"BUY 1 NSE:M&M INTRADAY MARKET", "PRODUCT", "INTRADAY"},
                {"BUY 66 NFO:NIFTY29DEC26FUT MARGIN MARKET", "LOT_SIZE",
                 "66 is not a multiple of the lot 65"},
                {"BUY 1820 NFO:NIFTY29DEC26FUT MARGIN MARKET", "FREEZE_QUANTITY",
                 "1820 is above the freeze quantity 1800"},
                {"BUY 65 NFO:NIFTY29DEC2626000CE MARGIN STOP - 160.00", "TYPE", "16052"},
                {"BUY 1 NSE:SBIN CNC LIMIT", "PRICE", "price is needed"},
                {"BUY 1 NSE:SBIN CNC LIMIT 800.01", "TICK_SIZE",
                 "800.01 is not a multiple of tick size 0.05"},
                {"BUY 1 NSE:SBIN CNC LIMIT 719.95", "PRICE_BAND", "lower circuit limit 720.00"},
                {"BUY 1 NSE:SBIN CNC LIMIT 880.05", "PRICE_BAND", "upper circuit limit 880.00"},
                {"BUY 1 NSE:SBIN CNC STOP - 800.00", "TRIGGER_PRICE",
                 "above the last price 800.00"},
                {"SELL 1 NSE:SBIN INTRADAY STOP - 800.00", "TRIGGER_PRICE",
                 "below the last price 800.00"},
                {"BUY 1 NSE:SBIN CNC STOP - 810.01", "TICK_SIZE", "trigger price 810.01"},
                {"BUY 1 NSE:SBIN CNC STOP - 900.00", "PRICE_BAND", "trigger price 900.00"},
                {"BUY 1 NSE:SBIN CNC STOP_LIMIT 809.00 810.00", "TRIGGER_PRICE",
                 "must not be below"},
                {"SELL 1 NSE:SBIN INTRADAY STOP_LIMIT 791.00 790.00", "TRIGGER_PRICE",
                 "must not be above"},
                {"BUY 126 NSE:SBIN CNC MARKET", "INSUFFICIENT_FUNDS",
                 "Required margin is 100800.00 but available margin is 100000.00"},
                {"BUY 65 NFO:NIFTY29DEC26FUT MARGIN MARKET", "INSUFFICIENT_FUNDS",
                 "Required margin is 206180.00 but"},
                {"SELL 65 NFO:NIFTY29DEC2626000CE MARGIN MARKET", "INSUFFICIENT_FUNDS",
                 "Required margin is 219700.00 but"},
                {"SELL 626 NSE:SBIN INTRADAY MARKET", "INSUFFICIENT_FUNDS",
                 "Required margin is 100160.00"},
                {"SELL 1 NSE:SBIN CNC MARKET", "INSUFFICIENT_HOLDINGS",
                 "0 of NSE:SBIN can be sold, 1 asked"},
                {"SELL 1 NSE:SBIN MTF MARKET", "INSUFFICIENT_HOLDINGS", "0 of NSE:SBIN"},
                {"BUY 1000000000 NSE:M&M CNC LIMIT 3410.00", "INSUFFICIENT_FUNDS",
                 "3410000000000.00"},
        };
        struct floor f;
        floor_open(&f, &still);
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                const char *id = floor_place(&f, cases[i].words);
                ck_assert_msg(!*id && !strcmp(floor_code(&f), cases[i].code) &&
                                      strstr(text_str(&f.body), cases[i].text),
                              "%s: %.200s", cases[i].words, text_str(&f.body));
                ck_assert_int_eq(f.status, 422);
        }
        floor_place(&f,
                    "BUY 1 NSE:NEW CNC LIMIT 10.00"); /* without a price of its own it only rests */
        ck_assert_str_eq(floor_text(&f, "status"), "OPEN");
        floor_close(&f);
}
END_TEST

START_TEST(an_index_and_the_expired_are_not_traded)
{
        struct floor f;
        floor_open(&f, &still);
        const char *body = "{\"tag\":\"A\",\"symbol\":\"NSE:NIFTY 50\",\"side\":\"BUY\","
                           "\"type\":\"MARKET\",\"product\":\"INTRADAY\",\"validity\":\"DAY\","
                           "\"quantity\":1}";
        floor_call(&f, "POST", "orders", body);
        ck_assert_str_eq(floor_code(&f), "NOT_TRADABLE");
        clock_fake(floor_time(20261124, 10, 0, 0), 0);
        floor_place(&f, "BUY 65 NFO:NIFTY23NOV26FUT MARGIN MARKET");
        ck_assert_str_eq(floor_code(&f), "NOT_TRADABLE");
        floor_close(&f);
}
END_TEST

#define ORDER(rest) \
        "{\"tag\":\"A\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"product\":\"CNC\"," rest

START_TEST(malformed_bodies)
{
        static const char *const bodies[] = {
                "",
                "[]",
                "null",
                "{",
                "{}",
                "\"x\"",
                "{\"tag\":\"A\",\"tag\":\"B\"}",
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\"}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":0}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":-1}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1.5}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1000000001}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":"
                      "99999999999999999999}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":\"1\"}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":null}"),
                ORDER("\"type\":\"market\",\"validity\":\"DAY\",\"quantity\":1}"),
                ORDER("\"type\":7,\"validity\":\"DAY\",\"quantity\":1}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"GTC\",\"quantity\":1}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1,\"more\":1}"),
                ORDER("\"type\":\"LIMIT\",\"validity\":\"DAY\",\"quantity\":1,\"price\":\"-1\"}"),
                ORDER("\"type\":\"LIMIT\",\"validity\":\"DAY\",\"quantity\":1,\"price\":\"1e9\"}"),
                ORDER("\"type\":\"LIMIT\",\"validity\":\"DAY\",\"quantity\":1,\"price\":\"0."
                      "00001\"}"),
                ORDER("\"type\":\"LIMIT\",\"validity\":\"DAY\",\"quantity\":1,\"price\":"
                      "99999999999999999}"),
                ORDER("\"type\":\"LIMIT\",\"validity\":\"DAY\",\"quantity\":1,\"price\":true}"),
                ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1,\"disclosed_"
                      "quantity\":-1}"),
                "{\"tag\":\"A|B\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"product\":\"CNC\","
                "\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1}",
                "{\"tag\":\"ABCDEFGHIJKLMNOPQRSTU\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\","
                "\"product\":\"CNC\",\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1}",
                "{\"tag\":\"A\",\"symbol\":\"NSE:0123456789012345678901234567890123456789\","
                "\"side\":\"BUY\",\"product\":\"CNC\",\"type\":\"MARKET\",\"validity\":\"DAY\","
                "\"quantity\":1}",
        };
        struct floor f;
        floor_open(&f, &still);
        for (unsigned i = 0; i < ELEMENTS(bodies); i++) {
                floor_call(&f, "POST", "orders", bodies[i]);
                ck_assert_msg(f.status == 400, "%s: %d %.100s", bodies[i], f.status,
                              text_str(&f.body));
        }
        char *big = malloc(PAPER_ORDERS_MAX);
        memset(big, ' ', PAPER_ORDERS_MAX - 1);
        big[PAPER_ORDERS_MAX - 1] = '\0';
        floor_call(&f, "POST", "orders", big);
        ck_assert_int_eq(f.status, 413);
        free(big);
        floor_call(&f, "GET", "orders", NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 0);
        floor_close(&f);
}
END_TEST

START_TEST(disclosed_quantity)
{
        static const struct {
                const char *rest;
                bool fine;
        } cases[] = {
                {"\"quantity\":100,\"disclosed_quantity\":10,\"validity\":\"DAY\"", true},
                {"\"quantity\":100,\"disclosed_quantity\":100,\"validity\":\"DAY\"", true},
                {"\"quantity\":100,\"disclosed_quantity\":9,\"validity\":\"DAY\"", false},
                {"\"quantity\":100,\"disclosed_quantity\":101,\"validity\":\"DAY\"", false},
                {"\"quantity\":100,\"disclosed_quantity\":50,\"validity\":\"IOC\"", false},
        };
        struct floor f;
        struct text t = TEXT_NULL;
        floor_open(&f, &still);
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                text_clear(&t);
                text_addf(&t,
                          "{\"tag\":\"D%u\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":"
                          "\"LIMIT\",\"price\":\"730\",\"product\":\"INTRADAY\",%s}",
                          i, cases[i].rest);
                floor_call(&f, "POST", "orders", text_str(&t));
                ck_assert_msg((f.status == 200) == cases[i].fine, "%s", text_str(&t));
        }
        text_done(&t);
        floor_close(&f);
}
END_TEST

START_TEST(an_account_has_so_many_orders_a_day)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 1 NSE:SBIN CNC LIMIT 790.00");
        struct paper_account *a = account_find(f.paper, "paper:one");
        uint32_t n = a->orders.n;
        a->orders.n = PAPER_ORDERS_MAX; /* as if; the count is asked before anything is looked at */
        floor_call(&f, "POST", "orders",
                   ORDER("\"type\":\"MARKET\",\"validity\":\"DAY\",\"quantity\":1}"));
        ck_assert_str_eq(floor_code(&f), "BOOK_FULL");
        a->orders.n = n;
        floor_close(&f);
}
END_TEST

START_TEST(accounts_are_checked)
{
        struct paper *p = NULL;

        struct floor f;
        floor_open(&f, &still);
        struct account a = {.id = "paper:three", .paper_funds = PAPER_FUNDS_MAX + 1};
        ck_assert_int_eq(paper_add_account(f.paper, &a), -ERANGE);
        a.paper_funds = -1;
        ck_assert_int_eq(paper_add_account(f.paper, &a), -ERANGE);
        a.paper_funds = 0;
        ck_assert_int_eq(paper_add_account(f.paper, &a), 0);
        ck_assert_int_eq(paper_add_account(f.paper, &a), -EEXIST);
        floor_close(&f);

        ck_assert_ptr_null(paper_free(p));
}
END_TEST

SUITE("paper refusals", each_rule_refuses_with_its_numbers, an_index_and_the_expired_are_not_traded,
      malformed_bodies, disclosed_quantity, an_account_has_so_many_orders_a_day,
      accounts_are_checked)
