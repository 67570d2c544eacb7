#include "suite.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "domain/instrument.h"

START_TEST(symbols)
{
        static const struct {
                const char *s;
                enum exchange e;
        } good[] = {
                {"NSE:SBIN", EXCHANGE_NSE},
                {"NSE:M&M", EXCHANGE_NSE},
                {"NSE:BAJAJ-AUTO", EXCHANGE_NSE},
                {"NSE:NIFTY 50", EXCHANGE_NSE},
                {"BSE:A", EXCHANGE_BSE},
                {"NSE:360ONE", EXCHANGE_NSE},
                {"NFO:NIFTY29DEC2626000CE", EXCHANGE_NFO},
                {"NFO:ABCAPITAL29SEP26102.5CE", EXCHANGE_NFO},
                {"BFO:SENSEX31DEC26FUT", EXCHANGE_BFO},
                {"CDS:USDINR29DEC26FUT", EXCHANGE_CDS},
                {"MCX:CRUDEOIL18DEC26FUT", EXCHANGE_MCX},
                {"NSE:ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABC", EXCHANGE_NSE}, /* 39 */
        };

        for (size_t i = 0; i < ELEMENTS(good); i++) {
                char symbol[SYMBOL_SIZE];
                enum exchange e;
                ck_assert_msg(symbol_parse(good[i].s, strlen(good[i].s), symbol, &e) == 0, "%s",
                              good[i].s);
                ck_assert_str_eq(symbol, good[i].s);
                ck_assert_int_eq((int)e, (int)good[i].e);
        }
}
END_TEST

START_TEST(what_is_no_symbol)
{
        static const char *const bad[] = {
                "",
                "SBIN",
                ":SBIN",
                "NSE:",
                "NSE",
                "nse:SBIN",
                "NSE:sbin",
                "NYSE:IBM",
                "NSE::SBIN",
                "NSE:SB:IN",
                "NSE: SBIN",
                "NSE:SBIN ",
                "NSE: ",
                "NSE:SB_IN",
                "NSE:SB/IN",
                "NSE:SB%IN",
                "NSE:S\xc3\x84",
                "NSE:SBIN\n",
                " NSE:SBIN",
                "NSE :SBIN",
                "NSE:'; DROP",
                "NSE:ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCD", /* 40 */
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                char symbol[SYMBOL_SIZE];
                enum exchange e;
                ck_assert_msg(symbol_parse(bad[i], strlen(bad[i]), symbol, &e) == -EINVAL, "%s",
                              bad[i]);
        }
        char symbol[SYMBOL_SIZE];
        enum exchange e;
        ck_assert_int_eq(symbol_parse("NSE:SB\0N", 8, symbol, &e), -EINVAL);
}
END_TEST

START_TEST(bands_are_rounded_inwards)
{
        struct instrument i = {.previous_close = 1003300, .band_percent = 5, .tick = 500};

        /* 100.33: 95.3135 and 105.3465 on a grid of 0.05 */
        ck_assert_int_eq(instrument_band_low(&i), 953500);
        ck_assert_int_eq(instrument_band_high(&i), 1053000);
        i.band_percent = 20;
        i.previous_close = 1000000;
        ck_assert_int_eq(instrument_band_low(&i), 800000);
        ck_assert_int_eq(instrument_band_high(&i), 1200000);
        i.band_percent = 0;
        ck_assert_int_eq(instrument_band_low(&i), 0);
        ck_assert_int_eq(instrument_band_high(&i), INT64_MAX);
        i.band_percent = 20;
        i.previous_close = 0; /* nothing to measure from */
        ck_assert_int_eq(instrument_band_low(&i), 0);
        ck_assert_int_eq(instrument_band_high(&i), INT64_MAX);
}
END_TEST

START_TEST(rounding_to_the_grid)
{
        static const struct {
                int64_t tick, price, down, up;
        } rows[] = {
                {1000, 10001000, 10001000, 10001000},
                {1000, 10001001, 10001000, 10002000},
                {1000, 10001999, 10001000, 10002000},
                {25, 885024, 885000, 885025},
                {50000, 1, 0, 50000},
                {500, 0, 0, 0},
                {500, -1, -500, 0},
                {500, -500, -500, -500},
                {0, 12345, 12345, 12345},
        };

        for (size_t k = 0; k < ELEMENTS(rows); k++) {
                struct instrument i = {.tick = rows[k].tick};
                ck_assert_int_eq(instrument_round_to_tick(&i, rows[k].price, false), rows[k].down);
                ck_assert_int_eq(instrument_round_to_tick(&i, rows[k].price, true), rows[k].up);
        }
}
END_TEST

START_TEST(derivatives)
{
        for (int s = 0; s < _SEGMENT_MAX; s++) {
                struct instrument i = {.segment = (enum segment)s};
                ck_assert_int_eq(instrument_derivative(&i),
                                 s == SEGMENT_FUTURE || s == SEGMENT_OPTION);
        }
}
END_TEST

SUITE("instrument", symbols, what_is_no_symbol, bands_are_rounded_inwards, rounding_to_the_grid,
      derivatives)
