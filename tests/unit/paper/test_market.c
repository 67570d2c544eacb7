#include "floor.h"

#include <string.h>

static struct market market(const char *symbol, uint64_t seed)
{
        return market_of(floor_instrument(symbol), market_seed(seed, symbol), false);
}

START_TEST(prices_stay_near_the_close_and_on_the_grid)
{
        static const char *const symbols[] = {"NSE:SBIN",
                                              "NSE:IDEA",
                                              "NSE:M&M",
                                              "NFO:NIFTY29DEC26FUT",
                                              "NFO:NIFTY29DEC2626000CE",
                                              "MCX:CRUDEOIL18DEC26FUT"};
        for (unsigned s = 0; s < ELEMENTS(symbols); s++) {
                const struct instrument *i = floor_instrument(symbols[s]);
                struct market m = market(symbols[s], 42);
                int64_t lowest = INT64_MAX, highest = 0,
                        reach = i->previous_close * 15 / 1000 + i->tick;
                for (int64_t t = 7000000000; t < 7000000000 + 400000; t += 7) {
                        struct market_quote q = market_quote(&m, t);
                        ck_assert_int_eq(q.last % i->tick, 0);
                        ck_assert_int_le(llabs(q.last - i->previous_close), reach);
                        ck_assert(q.bid <= q.last && q.last < q.ask &&
                                  q.ask <= q.bid + 2 * i->tick);
                        ck_assert(q.bid_quantity > 0 && q.bid_quantity % i->lot == 0);
                        ck_assert(q.ask_quantity > 0 && q.ask_quantity % i->lot == 0);
                        ck_assert_int_le(q.ask, market_ceiling(&m));
                        if (q.last < lowest)
                                lowest = q.last;
                        if (q.last > highest)
                                highest = q.last;
                }
                ck_assert_int_gt(highest - lowest, i->previous_close / 200); /* it does move */
        }
}
END_TEST

START_TEST(same_seed_same_market)
{
        struct market a = market("NSE:SBIN", 1), b = market("NSE:SBIN", 1),
                      c = market("NSE:SBIN", 2);
        unsigned other = 0;
        for (int64_t t = 7000000000; t < 7000001000; t++) {
                ck_assert_int_eq(market_last(&a, t), market_last(&b, t));
                other += market_last(&a, t) != market_last(&c, t);
        }
        ck_assert_uint_gt(other, 900);
        ck_assert_uint_ne(market_seed(1, "NSE:SBIN"), market_seed(1, "BSE:SBIN"));
}
END_TEST

/* The leaps give what looking at every tick gives. */
START_TEST(next_is_what_a_walk_finds)
{
        static const int64_t widths[] = {0, 500, 1000, 5000, 20000, 60000, 100000, 130000};
        struct market m = market("NSE:SBIN", 99);
        uint64_t random = 1;
        for (unsigned i = 0; i < 400; i++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
                int64_t from = 7000000000 + (int64_t)(random >> 44);
                int64_t to = from + (int64_t)((random >> 20) % 40000);
                int64_t last = market_last(&m, from), width = widths[i % ELEMENTS(widths)];
                int64_t low = last - width, high = i % 3 ? last + width : INT64_MAX - 1,
                        walk = from;
                while (walk <= to && market_last(&m, walk) >= low && market_last(&m, walk) <= high)
                        walk++;
                ck_assert_int_eq(market_next(&m, from, to, low, high), walk);
        }
        ck_assert_int_eq(market_next(&m, 10, 9, 0, 1), 10);
}
END_TEST

START_TEST(range_of_the_day_grows_only)
{
        struct listing l = {.instrument = *floor_instrument("NSE:SBIN"),
                            .seed = market_seed(3, "NSE:SBIN")};
        struct market m = listing_market(&l, false);
        int64_t first = 7000000000, high = 0, low = INT64_MAX;
        for (int64_t t = first; t < first + 50000; t++) {
                int64_t last = market_last(&m, t);
                high = last > high ? last : high;
                low = last < low ? last : low;
                if (t % 1000 == 0) {
                        listing_range(&l, &m, first, t);
                        ck_assert_int_eq(l.high, high);
                        ck_assert_int_eq(l.low, low);
                }
        }
        struct listing fresh = {.instrument = l.instrument, .seed = l.seed};
        listing_range(&fresh, &m, first, first + 49000);
        ck_assert_int_eq(fresh.high, l.high);
        ck_assert_int_eq(fresh.low, l.low);
        ck_assert_int_eq(fresh.open, market_last(&m, first));
}
END_TEST

START_TEST(a_still_market_stands)
{
        struct market m = market_of(floor_instrument("NSE:SBIN"), 1, true);
        struct market_quote q = market_quote(&m, 7000000000);
        ck_assert(q.last == RUPEES(800) && q.bid == q.last && q.ask == q.last);
        ck_assert_int_eq(q.ask_quantity, QUANTITY_MAX);
        ck_assert_int_eq(market_next(&m, 5, 10, RUPEES(800), RUPEES(800)), 11);
        ck_assert_int_eq(market_next(&m, 5, 10, RUPEES(801), RUPEES(900)), 5);
        ck_assert_int_eq(market_ceiling(&m), RUPEES(800));
}
END_TEST

START_TEST(no_close_no_price)
{
        struct market m = market("NSE:NEW", 1);
        struct market_quote q = market_quote(&m, 7000000000);
        ck_assert(q.last == 0 && q.bid == 0 && q.ask == 0 && q.ask_quantity == 0);
        ck_assert_int_eq(market_next(&m, 5, 10, 1, 2), 11);
        ck_assert_int_eq(market_volume(&m, 100), 0);
}
END_TEST

START_TEST(a_narrow_band_holds_the_walk)
{
        struct instrument i = *floor_instrument("NSE:SBIN");
        i.band_percent = 1;
        struct market m = market_of(&i, 5, false);
        bool touched = false;
        for (int64_t t = 7000000000; t < 7002000000; t += 101) {
                struct market_quote q = market_quote(&m, t);
                ck_assert(q.last >= instrument_band_low(&i) && q.last <= instrument_band_high(&i));
                ck_assert(q.bid >= instrument_band_low(&i) && q.ask <= instrument_band_high(&i));
                touched |= q.last == instrument_band_low(&i) || q.last == instrument_band_high(&i);
        }
        ck_assert(touched);
}
END_TEST

SUITE("paper market", prices_stay_near_the_close_and_on_the_grid, same_seed_same_market,
      next_is_what_a_walk_finds, range_of_the_day_grows_only, a_still_market_stands,
      no_close_no_price, a_narrow_band_holds_the_walk)
