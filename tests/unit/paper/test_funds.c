#include "floor.h"

#include <string.h>

static const struct floor_options still = {.funds = RUPEES(1000000), .seed = 7};

static void check_funds(struct floor *f, int64_t available, int64_t used, int64_t total,
                        int64_t realised, int64_t unrealised)
{
        floor_call(f, "GET", "funds", NULL);
        ck_assert_int_eq(floor_money(f, "available"), available);
        ck_assert_int_eq(floor_money(f, "used"), used);
        ck_assert_int_eq(floor_money(f, "total"), total);
        ck_assert_int_eq(floor_money(f, "realised_pnl"), realised);
        ck_assert_int_eq(floor_money(f, "unrealised_pnl"), unrealised);
}

/* The only position, or none. */
static bool position(struct floor *f)
{
        floor_call(f, "GET", "positions", NULL);
        unsigned n = floor_count(f, "positions");
        ck_assert_uint_le(n, 1);
        if (n)
                floor_pick(f, "positions", 0);
        return n;
}

static void set_price(const char *symbol, int64_t close)
{
        floor_instrument(symbol)->previous_close = close;
}

START_TEST(delivery_buy_blocks_all_of_it)
{
        struct floor f;
        floor_open(&f, &still);
        check_funds(&f, RUPEES(1000000), 0, RUPEES(1000000), 0, 0);
        const char *id = floor_place(&f, "BUY 100 NSE:SBIN CNC LIMIT 790.00");
        check_funds(&f, RUPEES(921000), RUPEES(79000), RUPEES(1000000), 0, 0);
        floor_cancel(&f, id);
        check_funds(&f, RUPEES(1000000), 0, RUPEES(1000000), 0, 0);
        floor_place(&f, "BUY 100 NSE:SBIN CNC LIMIT 810.00"); /* fills at 800 */
        check_funds(&f, RUPEES(920000), RUPEES(80000), RUPEES(1000000), 0, 0);
        floor_place(&f, "BUY 1150 NSE:SBIN CNC MARKET");
        ck_assert_int_eq(f.status, 200); /* to the last rupee */
        check_funds(&f, 0, RUPEES(1000000), RUPEES(1000000), 0, 0);
        floor_place(&f, "BUY 1 NSE:IDEA CNC MARKET");
        ck_assert_str_eq(floor_code(&f), "INSUFFICIENT_FUNDS");
        ck_assert_ptr_nonnull(
                strstr(text_str(&f.body), "Required margin is 13.90 but available margin is 0.00"));
        floor_close(&f);
}
END_TEST

START_TEST(delivery_sells_what_was_bought_today_and_never_short)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 100 NSE:SBIN CNC MARKET");
        floor_place(&f, "SELL 60 NSE:SBIN CNC LIMIT 850.00"); /* rests and holds 60 */
        floor_place(&f, "SELL 41 NSE:SBIN CNC MARKET");
        ck_assert_str_eq(floor_code(&f), "INSUFFICIENT_HOLDINGS");
        ck_assert_ptr_nonnull(strstr(text_str(&f.body), "40 of NSE:SBIN can be sold, 41 asked"));
        set_price("NSE:SBIN", RUPEES(820));
        clock_fake_advance(USEC_PER_SEC);
        floor_place(&f, "SELL 40 NSE:SBIN CNC MARKET");
        ck_assert_int_eq(f.status, 200);
        check_funds(&f, RUPEES(1000800) - RUPEES(48000), RUPEES(48000), RUPEES(1000800),
                    RUPEES(800), RUPEES(1200));
        ck_assert(position(&f));
        ck_assert_int_eq(floor_int(&f, "quantity"), 60);
        ck_assert_str_eq(floor_text(&f, "average_price"), "800.00");
        ck_assert_str_eq(floor_text(&f, "realised_pnl"), "800.00");
        ck_assert_str_eq(floor_text(&f, "unrealised_pnl"), "1200.00");
        ck_assert_int_eq(floor_int(&f, "buy_quantity"), 100);
        ck_assert_int_eq(floor_int(&f, "sell_quantity"), 40);
        set_price("NSE:SBIN", RUPEES(800));
        floor_close(&f);
}
END_TEST

START_TEST(holdings_of_yesterday_are_sold)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 100 NSE:SBIN CNC MARKET");
        clock_fake_advance(86400 * USEC_PER_SEC);
        check_funds(&f, RUPEES(920000), 0, RUPEES(920000), 0, 0);
        ck_assert(!position(&f));
        floor_call(&f, "GET", "holdings", NULL);
        ck_assert_uint_eq(floor_count(&f, "holdings"), 1);
        floor_pick(&f, "holdings", 0);
        ck_assert_int_eq(floor_int(&f, "quantity"), 100);
        ck_assert_str_eq(floor_text(&f, "average_price"), "800.00");
        set_price("NSE:SBIN", RUPEES(810));
        clock_fake_advance(USEC_PER_SEC);
        floor_call(&f, "GET", "holdings", NULL);
        floor_pick(&f, "holdings", 0);
        ck_assert_str_eq(floor_text(&f, "last_price"), "810.00");
        ck_assert_str_eq(floor_text(&f, "pnl"), "1000.00");
        /* 10 more today; 30 sold: first today's 10, then 20 of the holdings */
        floor_place(&f, "BUY 10 NSE:SBIN CNC MARKET");
        floor_place(&f, "SELL 30 NSE:SBIN CNC MARKET");
        ck_assert_uint_le(f.last_rider, 2);
        check_funds(&f, RUPEES(936200), 0, RUPEES(936200), RUPEES(200), 0);
        ck_assert(position(&f));
        ck_assert_int_eq(floor_int(&f, "quantity"), 0);
        ck_assert_int_eq(floor_int(&f, "sell_quantity"), 30);
        floor_call(&f, "GET", "holdings", NULL);
        floor_pick(&f, "holdings", 0);
        ck_assert_int_eq(floor_int(&f, "quantity"), 80);
        floor_place(&f, "SELL 81 NSE:SBIN CNC MARKET");
        ck_assert_str_eq(floor_code(&f), "INSUFFICIENT_HOLDINGS");
        floor_place(&f, "SELL 80 NSE:SBIN CNC MARKET");
        floor_call(&f, "GET", "holdings", NULL);
        ck_assert_uint_eq(floor_count(&f, "holdings"), 0);
        check_funds(&f, RUPEES(1001000), 0, RUPEES(1001000), RUPEES(1000), 0);
        set_price("NSE:SBIN", RUPEES(800));
        floor_close(&f);
}
END_TEST

START_TEST(intraday_short_and_back)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "SELL 100 NSE:SBIN INTRADAY MARKET");
        check_funds(&f, RUPEES(984000), RUPEES(16000), RUPEES(1000000), 0, 0);
        ck_assert(position(&f));
        ck_assert_int_eq(floor_int(&f, "quantity"), -100);
        set_price("NSE:SBIN", RUPEES(790));
        clock_fake_advance(USEC_PER_SEC);
        check_funds(&f, RUPEES(984000), RUPEES(16000), RUPEES(1000000), 0, RUPEES(1000));
        /* closing needs nothing, reversing needs the rest */
        floor_place(&f, "BUY 150 NSE:SBIN INTRADAY MARKET");
        check_funds(&f, RUPEES(1001000) - RUPEES(7900), RUPEES(7900), RUPEES(1001000), RUPEES(1000),
                    0);
        ck_assert(position(&f));
        ck_assert_int_eq(floor_int(&f, "quantity"), 50);
        ck_assert_str_eq(floor_text(&f, "average_price"), "790.00");
        set_price("NSE:SBIN", RUPEES(800));
        floor_close(&f);
}
END_TEST

START_TEST(exits_need_no_money)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 6250 NSE:SBIN INTRADAY MARKET"); /* all of it, at five times */
        check_funds(&f, 0, RUPEES(1000000), RUPEES(1000000), 0, 0);
        const char *id = floor_place(&f, "SELL 6250 NSE:SBIN INTRADAY LIMIT 805.00");
        ck_assert_int_eq(f.status, 200);
        check_funds(&f, 0, RUPEES(1000000), RUPEES(1000000), 0, 0);
        floor_place(&f, "SELL 1 NSE:SBIN INTRADAY LIMIT 805.00"); /* this one would open */
        ck_assert_str_eq(floor_code(&f), "INSUFFICIENT_FUNDS");
        floor_cancel(&f, id);
        floor_place(&f, "SELL 6250 NSE:SBIN INTRADAY MARKET");
        check_funds(&f, RUPEES(1000000), 0, RUPEES(1000000), 0, 0);
        floor_close(&f);
}
END_TEST

START_TEST(the_worse_side_is_blocked)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 100 NSE:SBIN INTRADAY LIMIT 790.00");
        check_funds(&f, RUPEES(984200), RUPEES(15800), RUPEES(1000000), 0, 0);
        floor_place(&f, "SELL 100 NSE:SBIN INTRADAY LIMIT 810.00");
        check_funds(&f, RUPEES(983800), RUPEES(16200), RUPEES(1000000), 0, 0);
        floor_close(&f);
}
END_TEST

START_TEST(futures_and_options)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "SELL 65 NFO:NIFTY29DEC26FUT MARGIN MARKET");
        int64_t margin = 65 * RUPEES(24400) / 100 * 13;
        check_funds(&f, RUPEES(1000000) - margin, margin, RUPEES(1000000), 0, 0);
        floor_place(&f, "BUY 65 NFO:NIFTY29DEC26FUT MARGIN MARKET");
        check_funds(&f, RUPEES(1000000), 0, RUPEES(1000000), 0, 0);
        floor_place(&f, "BUY 130 NFO:NIFTY29DEC2626000CE MARGIN MARKET"); /* premium */
        check_funds(&f, RUPEES(980500), RUPEES(19500), RUPEES(1000000), 0, 0);
        floor_place(&f,
                    "SELL 195 NFO:NIFTY29DEC2626000CE MARGIN MARKET"); /* short 65: by the strike */
        margin = 65 * RUPEES(26000) / 100 * 13;
        check_funds(&f, RUPEES(1000000) - margin, margin, RUPEES(1000000), 0, 0);
        floor_close(&f);
}
END_TEST

START_TEST(products_are_separate_positions)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 10 NSE:SBIN CNC MARKET");
        floor_place(&f, "SELL 10 NSE:SBIN INTRADAY MARKET");
        floor_place(&f, "BUY 10 NSE:SBIN MTF MARKET");
        floor_call(&f, "GET", "positions", NULL);
        ck_assert_uint_eq(floor_count(&f, "positions"), 3);
        check_funds(&f, RUPEES(986400), RUPEES(13600), RUPEES(1000000), 0, 0);
        floor_close(&f);
}
END_TEST

START_TEST(accounts_do_not_share)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        floor_call_as(&f, "paper:two", "GET", "orders", NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 0);
        floor_call_as(&f, "paper:two", "GET", "funds", NULL);
        ck_assert_int_eq(floor_money(&f, "used"), 0);
        floor_call_as(&f, "paper:two", "DELETE", "orders/26112300000001", NULL);
        ck_assert_int_eq(f.status, 404);
        floor_close(&f);
}
END_TEST

/* 3 at 800.00 and 4 at 800.05: 800.02857…; selling one by one gives every part of a paisa back. */
START_TEST(no_paisa_is_lost)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 3 NSE:SBIN CNC MARKET");
        set_price("NSE:SBIN", 8000500);
        clock_fake_advance(USEC_PER_SEC);
        floor_place(&f, "BUY 4 NSE:SBIN CNC MARKET");
        ck_assert(position(&f));
        ck_assert_str_eq(floor_text(&f, "average_price"), "800.0286");
        for (unsigned i = 0; i < 7; i++)
                floor_place(&f, "SELL 1 NSE:SBIN CNC MARKET");
        check_funds(&f, RUPEES(1000000) + 1500, 0, RUPEES(1000000) + 1500, 1500, 0);
        set_price("NSE:SBIN", RUPEES(800));
        floor_close(&f);
}
END_TEST

/* More exits than there is to close, at different prices: the dearest are taken to open. */
START_TEST(exits_beyond_the_position)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 100 NSE:SBIN INTRADAY MARKET");
        floor_place(&f, "SELL 100 NSE:SBIN INTRADAY LIMIT 805.00");
        check_funds(&f, RUPEES(984000), RUPEES(16000), RUPEES(1000000), 0, 0);
        floor_place(&f, "SELL 50 NSE:SBIN INTRADAY LIMIT 850.00");
        check_funds(&f, RUPEES(975500), RUPEES(24500), RUPEES(1000000), 0, 0);
        floor_close(&f);
}
END_TEST

SUITE("paper funds", delivery_buy_blocks_all_of_it,
      delivery_sells_what_was_bought_today_and_never_short, holdings_of_yesterday_are_sold,
      intraday_short_and_back, exits_need_no_money, the_worse_side_is_blocked, futures_and_options,
      products_are_separate_positions, accounts_do_not_share, no_paisa_is_lost,
      exits_beyond_the_position)
