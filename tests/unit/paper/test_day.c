#include "floor.h"

#include <stdio.h>
#include <string.h>

static const struct floor_options still = {.funds = RUPEES(10000000), .seed = 7};
static const struct floor_options hours = {
        .funds = RUPEES(10000000), .seed = 7, .live = true, .enforce_hours = true};

static void check_status(struct floor *f, const char *id, const char *status)
{
        floor_order(f, id);
        ck_assert_str_eq(floor_text(f, "status"), status);
}

static unsigned rows_of(const struct floor *f, const char *kind)
{
        unsigned n = 0;
        for (unsigned i = 0; i < f->n_rows; i++)
                n += !strcmp(f->rows[i].kind, kind);
        return n;
}

START_TEST(day_orders_expire_at_midnight)
{
        struct floor f;
        floor_open(&f, &still);
        const char *open = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        const char *stop = floor_place(&f, "BUY 10 NSE:SBIN CNC STOP - 810.00");
        const char *done = floor_place(&f, "BUY 10 NSE:SBIN CNC MARKET");
        clock_fake(floor_time(FLOOR_DAY, 23, 59, 59), 0);
        check_status(&f, open, "OPEN");
        int64_t before = clock_wall_us();
        clock_fake(floor_time(20261124, 0, 0, 0), 0);
        check_status(&f, open, "EXPIRED"); /* shown for one more day */
        check_status(&f, stop, "EXPIRED");
        char what[64];
        snprintf(what, sizeof(what), "orders/%s", done);
        floor_call(&f, "GET", what, NULL);
        ck_assert_str_eq(floor_code(&f), "ORDER_NOT_FOUND");
        snprintf(what, sizeof(what), "orders?since=%lld", (long long)before);
        floor_call(&f, "GET", what, NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 2);
        floor_call(&f, "GET", "trades", NULL);
        ck_assert_uint_eq(floor_count(&f, "trades"), 0);
        ck_assert_int_eq(floor_funds(&f, "used"), 0);
        ck_assert_str_eq(floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00"), "26112400000001");
        floor_restart(&f);
        check_status(&f, open, "EXPIRED");
        clock_fake(floor_time(20261125, 9, 0, 0), 0);
        snprintf(what, sizeof(what), "orders/%s", open);
        floor_call(&f, "GET", what, NULL);
        ck_assert_int_eq(f.status, 404);
        floor_close(&f);
}
END_TEST

static void delete_rows(bool disturbed)
{
        struct floor f;
        floor_open(&f, &(struct floor_options){.funds = RUPEES(900000000), .live = true});
        for (unsigned i = 0; i < 1300; i++)
                ck_assert_str_ne(floor_place(&f, "BUY 1 NSE:SBIN CNC MARKET"), "");
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET");
        clock_fake_advance(120 * USEC_PER_SEC);
        floor_call(&f, "GET", "funds", NULL);
        ck_assert_uint_eq(rows_of(&f, "order"), 1301);
        ck_assert_uint_gt(rows_of(&f, "trade"), 2);
        clock_fake_advance(86400 * USEC_PER_SEC);
        unsigned riders = 0;
        do {
                floor_call(&f, "GET", "funds", NULL);
                ck_assert_uint_le(f.last_rider, PAPER_PRUNE_MAX + 8);
                if (disturbed && riders == 1) /* a restart in the middle of it */
                        floor_restart(&f);
                if (disturbed && riders == 2) { /* one that was not stored comes again */
                        f.losing = true;
                        floor_call(&f, "GET", "funds", NULL);
                        f.losing = false;
                }
                riders++;
        } while (f.last_rider);
        ck_assert_uint_ge(riders, 3);
        ck_assert_uint_eq(rows_of(&f, "order"), 0);
        ck_assert_uint_eq(rows_of(&f, "trade"), 0);
        ck_assert_uint_eq(rows_of(&f, "account"), 2);
        ck_assert_uint_eq(rows_of(&f, "position"), 1);
        floor_close(&f);
}

START_TEST(rows_of_past_days_are_deleted)
{
        delete_rows(false);
        delete_rows(true);
}
END_TEST

START_TEST(intraday_is_squared_off_at_midnight)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "SELL 100 NSE:SBIN INTRADAY MARKET");
        floor_place(&f, "BUY 65 NFO:NIFTY29DEC26FUT MARGIN MARKET");
        floor_place(&f, "BUY 10 NSE:M&M MTF MARKET");
        clock_fake_advance(86400 * USEC_PER_SEC);
        floor_call(&f, "GET", "positions", NULL);
        ck_assert_uint_eq(floor_count(&f, "positions"),
                          2); /* carried: the future and the funded shares */
        floor_pick(&f, "positions", 0);
        ck_assert_str_eq(floor_text(&f, "symbol"), "NFO:NIFTY29DEC26FUT");
        ck_assert_int_eq(floor_int(&f, "quantity"), 65);
        ck_assert_int_eq(floor_int(&f, "buy_quantity"), 0);
        ck_assert_int_eq(floor_funds(&f, "total"), RUPEES(10000000));
        floor_place(&f, "SELL 65 NFO:NIFTY29DEC26FUT MARGIN MARKET");
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        floor_close(&f);
}
END_TEST

START_TEST(contracts_end_on_their_expiry)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "SELL 65 NFO:NIFTY23NOV26FUT MARGIN MARKET");
        clock_fake_advance(86400 * USEC_PER_SEC);
        floor_call(&f, "GET", "positions", NULL);
        ck_assert_uint_eq(floor_count(&f, "positions"), 0);
        ck_assert_int_eq(floor_funds(&f, "used"), 0);
        floor_close(&f);
}
END_TEST

START_TEST(several_days_at_once)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 100 NSE:SBIN CNC MARKET");
        floor_place(&f, "BUY 100 NSE:SBIN CNC LIMIT 790.00");
        clock_fake_advance(9 * 86400 * USEC_PER_SEC);
        floor_call(&f, "GET", "holdings", NULL);
        ck_assert_uint_eq(floor_count(&f, "holdings"), 1);
        ck_assert_str_eq(floor_place(&f, "SELL 100 NSE:SBIN CNC MARKET"), "26120200000001");
        ck_assert_int_eq(floor_funds(&f, "total"), RUPEES(10000000));
        floor_close(&f);
}
END_TEST

START_TEST(closed_market_refuses_when_hours_are_enforced)
{
        static const struct {
                int day, hour, minute;
                const char *words;
                bool open;
        } cases[] = {
                {20261123, 9, 14, "BUY 1 NSE:SBIN CNC MARKET", false},
                {20261123, 9, 15, "BUY 1 NSE:SBIN CNC MARKET", true},
                {20261123, 15, 29, "BUY 1 NSE:SBIN CNC MARKET", true},
                {20261123, 15, 30, "BUY 1 NSE:SBIN CNC MARKET", false},
                {20261123, 15, 30, "BUY 65 NFO:NIFTY29DEC26FUT MARGIN MARKET", true},
                {20261123, 15, 40, "BUY 65 NFO:NIFTY29DEC26FUT MARGIN MARKET", false},
                {20261123, 23, 54, "BUY 100 MCX:CRUDEOIL18DEC26FUT MARGIN MARKET", true},
                {20261124, 11, 0, "BUY 1 NSE:SBIN CNC MARKET", false},
                {20261128, 11, 0, "BUY 1 NSE:SBIN CNC MARKET", false},
        };
        struct floor f;
        clock_fake(floor_time(20261123, 9, 0, 0), 0);
        floor_open(&f, &hours);
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                clock_fake(floor_time(cases[i].day, cases[i].hour, cases[i].minute, 0), 0);
                floor_place(&f, cases[i].words);
                ck_assert_msg((f.status == 200) == cases[i].open, "%u: %s", i, text_str(&f.body));
                if (!cases[i].open)
                        ck_assert_str_eq(floor_code(&f), "MARKET_CLOSED");
        }
        floor_close(&f);
}
END_TEST

START_TEST(the_close_ends_the_day_when_hours_are_enforced)
{
        struct floor f;
        floor_open(&f, &hours);
        const char *resting = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 750.00");
        const char *future = floor_place(&f, "BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 22500.00");
        floor_place(&f, "BUY 10 NSE:SBIN INTRADAY MARKET");
        clock_fake(floor_time(FLOOR_DAY, 15, 29, 59), 0);
        check_status(&f, resting, "OPEN");
        clock_fake(floor_time(FLOOR_DAY, 15, 30, 0), 0);
        check_status(&f, resting, "EXPIRED");
        check_status(&f, future, "OPEN");
        floor_call(&f, "GET", "positions", NULL);
        floor_pick(&f, "positions", 0);
        ck_assert_int_eq(floor_int(&f, "quantity"), 0);
        ck_assert_int_eq(floor_int(&f, "sell_quantity"), 10);
        floor_call(&f, "GET", "trades", NULL);
        ck_assert_uint_eq(floor_count(&f, "trades"), 2);
        floor_pick(&f, "trades", 1);
        int64_t price = floor_money(&f, "price");
        ck_assert_str_eq(floor_text(&f, "side"), "SELL");
        ck_assert_str_eq(floor_text(&f, "tag"), "");
        struct market m =
                market_of(floor_instrument("NSE:SBIN"), market_seed(7, "NSE:SBIN"), false);
        ck_assert_int_eq(price,
                         market_last(&m, floor_time(FLOOR_DAY, 15, 30, 0) / MARKET_TICK_US - 1));
        const char *id = "26112300000004";
        floor_order(&f, id);
        ck_assert_str_eq(floor_text(&f, "message"), "Squared off by the exchange");
        clock_fake(floor_time(FLOOR_DAY, 15, 40, 0), 0);
        check_status(&f, future, "EXPIRED");
        clock_fake(floor_time(FLOOR_DAY, 18, 0, 0), 0);
        floor_call(&f, "GET", "trades", NULL);
        ck_assert_uint_eq(floor_count(&f, "trades"), 2); /* once is enough */
        floor_restart(&f);
        check_status(&f, future, "EXPIRED");
        floor_close(&f);
}
END_TEST

/* Nobody asked between morning and evening. The market went on behind the close, to where the order
 * would have traded; but trading had ended. */
START_TEST(no_trade_behind_the_close)
{
        int64_t now = floor_time(FLOOR_DAY, 10, 0, 0) / MARKET_TICK_US, lowest = 0, later = 0;
        int64_t close = floor_time(FLOOR_DAY, 15, 30, 0) / MARKET_TICK_US;
        struct floor_options o = hours;
        for (o.seed = 1; later >= lowest - 2000; o.seed++) {
                struct market m = market_of(floor_instrument("NSE:SBIN"),
                                            market_seed(o.seed, "NSE:SBIN"), false);
                lowest = later = INT64_MAX;
                for (int64_t t = now; t < close + 4 * 3600 * 8; t++) {
                        int64_t *least = t < close ? &lowest : &later, last = market_last(&m, t);
                        *least = last < *least ? last : *least;
                }
        }
        o.seed--;
        struct floor f;
        char words[96], price[DECIMAL_TEXT_SIZE];
        floor_open(&f, &o);
        snprintf(words, sizeof(words), "BUY 1 NSE:SBIN CNC LIMIT %s",
                 decimal_print(lowest - 500, price));
        const char *never = floor_place(&f, words);
        snprintf(words, sizeof(words), "BUY 1 NSE:SBIN CNC LIMIT %s",
                 decimal_print(lowest + 1000, price));
        const char *before = floor_place(&f, words);
        clock_fake(floor_time(FLOOR_DAY, 23, 30, 0), 0);
        check_status(&f, never, "EXPIRED");
        check_status(&f, before, "FILLED");
        floor_call(&f, "GET", "trades", NULL);
        ck_assert_uint_eq(floor_count(&f, "trades"), 1);
        floor_pick(&f, "trades", 0);
        ck_assert_int_lt(floor_int(&f, "at"), floor_time(FLOOR_DAY, 15, 30, 0));
        floor_close(&f);
}
END_TEST

SUITE("paper day", day_orders_expire_at_midnight, rows_of_past_days_are_deleted,
      intraday_is_squared_off_at_midnight, contracts_end_on_their_expiry, several_days_at_once,
      closed_market_refuses_when_hours_are_enforced, the_close_ends_the_day_when_hours_are_enforced,
      no_trade_behind_the_close)
