#include "suite.h"

#include "base/decimal.h"
#include "domain/margin.h"

#define RUPEES(x) (INT64_C(x) * DECIMAL_ONE)

static const struct instrument share = {
        .exchange = EXCHANGE_NSE, .segment = SEGMENT_EQUITY, .intraday_allowed = true};
static const struct instrument index_future = {
        .exchange = EXCHANGE_NFO, .segment = SEGMENT_FUTURE, .on_index = true};
static const struct instrument share_future = {.exchange = EXCHANGE_NFO, .segment = SEGMENT_FUTURE};
static const struct instrument currency_future = {.exchange = EXCHANGE_CDS,
                                                  .segment = SEGMENT_FUTURE};
static const struct instrument oil_future = {.exchange = EXCHANGE_MCX, .segment = SEGMENT_FUTURE};
static const struct instrument index_call = {.exchange = EXCHANGE_BFO,
                                             .segment = SEGMENT_OPTION,
                                             .on_index = true,
                                             .call = true,
                                             .strike = RUPEES(26000)};
static const struct instrument share_put = {
        .exchange = EXCHANGE_NFO, .segment = SEGMENT_OPTION, .strike = RUPEES(1000)};

START_TEST(the_table)
{
        static const struct {
                const struct instrument *i;
                enum side side;
                enum product product;
                int64_t quantity, price, underlying, margin;
        } rows[] = {
                {&share, SIDE_BUY, PRODUCT_CNC, 10, RUPEES(812), 0, RUPEES(8120)},
                {&share, SIDE_SELL, PRODUCT_CNC, 10, RUPEES(812), 0, 0},
                {&share, SIDE_BUY, PRODUCT_MTF, 10, RUPEES(812), 0, RUPEES(4060)},
                {&share, SIDE_SELL, PRODUCT_MTF, 10, RUPEES(812), 0, 0},
                {&share, SIDE_BUY, PRODUCT_INTRADAY, 10, RUPEES(812), 0, RUPEES(1624)},
                {&share, SIDE_SELL, PRODUCT_INTRADAY, 10, RUPEES(812), 0, RUPEES(1624)},
                {&index_future, SIDE_BUY, PRODUCT_MARGIN, 65, RUPEES(24400), 0, RUPEES(206180)},
                {&index_future, SIDE_SELL, PRODUCT_INTRADAY, 65, RUPEES(24400), 0, RUPEES(206180)},
                {&share_future, SIDE_SELL, PRODUCT_MARGIN, 100, RUPEES(1000), 0, RUPEES(22000)},
                {&currency_future, SIDE_BUY, PRODUCT_MARGIN, 1000, 885000, 0, RUPEES(4425)},
                {&oil_future, SIDE_BUY, PRODUCT_MARGIN, 100, RUPEES(6000), 0, RUPEES(60000)},
                /* the buyer pays the premium, whatever the underlying */
                {&index_call, SIDE_BUY, PRODUCT_MARGIN, 20, 4291500, RUPEES(78300), 85830000},
                /* the seller posts a part of the underlying, or of the strike where that is unknown
                 */
                {&index_call, SIDE_SELL, PRODUCT_MARGIN, 20, 4291500, RUPEES(25000), RUPEES(65000)},
                {&index_call, SIDE_SELL, PRODUCT_MARGIN, 20, 4291500, 0, RUPEES(67600)},
                {&share_put, SIDE_SELL, PRODUCT_INTRADAY, 100, RUPEES(20), 0, RUPEES(22000)},
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                int64_t margin =
                        margin_required(rows[i].i, rows[i].side, rows[i].product, rows[i].quantity,
                                        rows[i].price, rows[i].underlying);
                ck_assert_msg(margin == rows[i].margin, "row %zu: %lld", i, (long long)margin);
        }
}
END_TEST

START_TEST(never_negative_and_never_overflowing)
{
        ck_assert_int_eq(margin_required(&share, SIDE_BUY, PRODUCT_CNC, 0, RUPEES(1), 0), 0);
        ck_assert_int_eq(margin_required(&share, SIDE_BUY, PRODUCT_CNC, -5, RUPEES(1), 0), 0);
        ck_assert_int_eq(margin_required(&share, SIDE_BUY, PRODUCT_CNC, 5, 0, 0), 0);
        ck_assert_int_eq(margin_required(&share, SIDE_BUY, PRODUCT_CNC, 5, -1, 0), 0);
        ck_assert_int_eq(margin_required(&share, SIDE_BUY, PRODUCT_CNC, INT64_MAX, INT64_MAX, 0),
                         DECIMAL_MAX);
        ck_assert_int_eq(
                margin_required(&index_call, SIDE_SELL, PRODUCT_MARGIN, INT64_MAX, 1, INT64_MAX),
                DECIMAL_MAX / 100 * 13);
}
END_TEST

START_TEST(products)
{
        static const struct instrument trade_to_trade = {.segment = SEGMENT_EQUITY};
        static const struct instrument level = {.segment = SEGMENT_INDEX, .intraday_allowed = true};
        static const struct {
                const struct instrument *i;
                bool cnc, intraday, margin, mtf;
        } rows[] = {
                {&share, true, true, false, true},
                {&trade_to_trade, true, false, false, true},
                {&index_future, false, true, true, false},
                {&share_put, false, true, true, false},
                {&level, false, false, false, false},
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                ck_assert_int_eq(margin_product_allowed(rows[i].i, PRODUCT_CNC), rows[i].cnc);
                ck_assert_int_eq(margin_product_allowed(rows[i].i, PRODUCT_INTRADAY),
                                 rows[i].intraday);
                ck_assert_int_eq(margin_product_allowed(rows[i].i, PRODUCT_MARGIN), rows[i].margin);
                ck_assert_int_eq(margin_product_allowed(rows[i].i, PRODUCT_MTF), rows[i].mtf);
        }
}
END_TEST

SUITE("margin", the_table, never_negative_and_never_overflowing, products)
