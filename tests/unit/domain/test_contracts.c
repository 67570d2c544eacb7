#include "suite.h"

#include "market.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/contracts.h"

#define TICKS_TEXT                        \
        "kind,up_to,tick\nshare,-,0.05\n" \
        "index_future,15000,0.05\nindex_future,30000,0.10\nindex_future,-,0.20\n"
#define CONTRACTS_HEAD                                                                         \
        "exchange,underlying,name,on_index,kind,expiry,count,lot,tick,freeze,band,level,step," \
        "strikes\n"
#define INSTRUMENTS_HEAD \
        "exchange,symbol,name,isin,series,lot,tick,previous_close,band,closing_auction\n"

static struct instruments *make(const struct calendar *c, int day, const char *contracts)
{
        struct instruments_sources s = {
                {"instruments.csv", INSTRUMENTS_HEAD, strlen(INSTRUMENTS_HEAD)},
                {"ticks.csv", TICKS_TEXT, strlen(TICKS_TEXT)},
                {"contracts.csv", contracts, strlen(contracts)},
        };
        struct instruments *set = NULL;
        char fault[256] = "";

        int r = instruments_new(&s, day, c, fault, sizeof(fault), &set);
        ck_assert_msg(r == 0, "%s", fault);
        return set;
}

static void check_has(const struct instruments *set, const char *symbol, int expiry)
{
        const struct instrument *i = instruments_find(set, symbol);

        ck_assert_msg(i, "%s is missing", symbol);
        ck_assert_int_eq(i->expiry, expiry);
}

/* All expiries of one line, on one day of building. */
static void check_expiries(int day, const char *exchange, const char *rule, unsigned n,
                           const char *const *symbols)
{
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        char text[512];

        snprintf(text, sizeof(text), CONTRACTS_HEAD "%s,X,X,no,FUT,%s,%u,1,1,-,-,100,-,-\n",
                 exchange, rule, n);
        _cleanup_(instruments_freep) struct instruments *set = make(c, day, text);
        ck_assert_uint_eq(instruments_count(set), n);
        for (unsigned i = 0; i < n; i++)
                ck_assert_msg(instruments_find(set, symbols[i]), "%d %s: %s is missing", day, rule,
                              symbols[i]);
}
#define EXPIRIES(day, exchange, rule, ...)                                       \
        do {                                                                     \
                const char *const symbols[] = {__VA_ARGS__};                     \
                check_expiries(day, exchange, rule, ELEMENTS(symbols), symbols); \
        } while (0)

START_TEST(weekly_expiries_around_the_holiday_of_24_november)
{
        EXPIRIES(20261123, "NFO", "weekly:TUE", "NFO:X23NOV26FUT", "NFO:X01DEC26FUT");
        EXPIRIES(20261124, "NFO", "weekly:TUE", "NFO:X01DEC26FUT", "NFO:X08DEC26FUT");
        EXPIRIES(20261118, "NFO", "weekly:TUE", "NFO:X23NOV26FUT");
        EXPIRIES(20261117, "NFO", "weekly:TUE", "NFO:X17NOV26FUT", "NFO:X23NOV26FUT");
        EXPIRIES(20261109, "NFO", "weekly:TUE", "NFO:X09NOV26FUT"); /* the 10th is shut */
        EXPIRIES(20261123, "BFO", "weekly:THU", "BFO:X26NOV26FUT", "BFO:X03DEC26FUT");
        EXPIRIES(20261122, "NFO", "weekly:TUE", "NFO:X23NOV26FUT"); /* a Sunday */
}
END_TEST

START_TEST(monthly_expiries)
{
        EXPIRIES(20261123, "NFO", "monthly:TUE", "NFO:X23NOV26FUT", "NFO:X29DEC26FUT",
                 "NFO:X25JAN27FUT"); /* 26 January is a holiday */
        EXPIRIES(20261124, "NFO", "monthly:TUE", "NFO:X29DEC26FUT", "NFO:X25JAN27FUT",
                 "NFO:X23FEB27FUT");
        EXPIRIES(20261123, "BFO", "monthly:THU", "BFO:X26NOV26FUT", "BFO:X31DEC26FUT",
                 "BFO:X28JAN27FUT");
        EXPIRIES(20261128, "BFO", "monthly:THU", "BFO:X31DEC26FUT");
        EXPIRIES(20280201, "NFO", "monthly:TUE", "NFO:X29FEB28FUT"); /* leap day */
}
END_TEST

START_TEST(expiries_at_the_end_of_the_year)
{
        EXPIRIES(20261229, "NFO", "monthly:TUE", "NFO:X29DEC26FUT", "NFO:X25JAN27FUT");
        EXPIRIES(20261230, "NFO", "monthly:TUE", "NFO:X25JAN27FUT", "NFO:X23FEB27FUT");
        EXPIRIES(20261230, "NFO", "weekly:TUE", "NFO:X05JAN27FUT", "NFO:X12JAN27FUT");
        EXPIRIES(20261231, "BFO", "weekly:THU", "BFO:X31DEC26FUT", "BFO:X07JAN27FUT");
        EXPIRIES(20271231, "NFO", "monthly:TUE", "NFO:X25JAN28FUT", "NFO:X29FEB28FUT");
}
END_TEST

START_TEST(expiries_by_date_and_by_the_end_of_the_month)
{
        EXPIRIES(20261123, "MCX", "monthly:19", "MCX:X18DEC26FUT", "MCX:X19JAN27FUT");
        EXPIRIES(20261219, "MCX", "monthly:19", "MCX:X19JAN27FUT"); /* 19 December: Saturday */
        EXPIRIES(20261123, "CDS", "monthly:-2", "CDS:X26NOV26FUT", "CDS:X29DEC26FUT");
        EXPIRIES(20261127, "CDS", "monthly:-2", "CDS:X29DEC26FUT");
        EXPIRIES(20261123, "CDS", "monthly:-0", "CDS:X30NOV26FUT", "CDS:X31DEC26FUT");
}
END_TEST

START_TEST(a_monthly_line_does_not_repeat_a_weekly_one)
{
        static const char text[] =
                CONTRACTS_HEAD "NFO,X,X,yes,OPT,weekly:TUE,1,1,0.05,-,-,1000,10,0\n"
                               "NFO,X,X,yes,OPT,monthly:TUE,1,1,0.05,-,-,1000,10,0\n"
                               "NFO,X,X,yes,FUT,monthly:TUE,1,1,0.05,-,-,1000,-,-\n"
                               "NFO,Y,Y,yes,OPT,monthly:TUE,1,1,0.05,-,-,1000,10,0\n";
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        _cleanup_(instruments_freep) struct instruments *set = make(c, 20261123, text);

        ck_assert_uint_eq(instruments_count(set), 7);
        check_has(set, "NFO:X23NOV261000CE", 20261123); /* weekly and monthly at once */
        check_has(set, "NFO:X29DEC261000PE", 20261229); /* so the month after */
        check_has(set, "NFO:X23NOV26FUT", 20261123);    /* another kind, another underlying */
        check_has(set, "NFO:Y23NOV261000CE", 20261123);
}
END_TEST

START_TEST(strikes_are_centred_and_written_short)
{
        static const char text[] = CONTRACTS_HEAD
                "NFO,ABC,Abc,no,OPT,monthly:TUE,1,100,0.05,-,-,101.5,2.5,2\n"
                "CDS,USDINR,Dollar,no,OPT,monthly:-2,1,1000,0.0025,-,-,88.6,0.25,1\n";
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        _cleanup_(instruments_freep) struct instruments *set = make(c, 20261123, text);

        ck_assert_uint_eq(instruments_count(set), 2 * 5 + 2 * 3);
        check_has(set, "NFO:ABC23NOV2697.5PE", 20261123);
        check_has(set, "NFO:ABC23NOV26100CE", 20261123);
        check_has(set, "NFO:ABC23NOV26102.5CE", 20261123);
        check_has(set, "NFO:ABC23NOV26105PE", 20261123);
        check_has(set, "NFO:ABC23NOV26107.5CE", 20261123);
        check_has(set, "CDS:USDINR26NOV2688.5CE", 20261126);
        const struct instrument *i = instruments_find(set, "NFO:ABC23NOV26102.5CE");
        ck_assert_int_eq(i->strike, 1025000);
        ck_assert(i->call);
        ck_assert(!i->on_index);
        ck_assert_int_eq((int)i->segment, SEGMENT_OPTION);
        ck_assert_str_eq(i->underlying, "ABC");
        ck_assert_str_eq(i->name, "Abc 23 NOV 2026 102.5CE");
        ck_assert(!instruments_find(set, "NFO:ABC23NOV26105PE")->call);
}
END_TEST

/* What the built-in set promises for every day. Plain assertions inside the loop: those of libcheck
 * are slow. */
static void check_shipped(const struct calendar *c, int day)
{
        _cleanup_(instruments_freep) struct instruments *set = market_instruments(c, day);
        static const char *const indices[] = {"NIFTY",      "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY",
                                              "NIFTYNXT50", "SENSEX",    "BANKEX",   "USDINR",
                                              "CRUDEOIL",   "GOLDM"};
        unsigned futures[ELEMENTS(indices)] = {}, options[ELEMENTS(indices)] = {};

        ck_assert_uint_le(instruments_count(set), 700);
        for (unsigned n = 0; n < instruments_count(set); n++) {
                const struct instrument *i = instruments_at(set, n);
                char symbol[SYMBOL_SIZE];
                enum exchange e;

                assert(symbol_parse(i->symbol, strlen(i->symbol), symbol, &e) == 0);
                assert(e == i->exchange);
                if (!instrument_derivative(i))
                        continue;
                assert(i->expiry >= day);
                assert(calendar_trading_day(c, i->exchange, i->expiry));
                assert(i->previous_close % i->tick == 0);
                assert(i->previous_close > i->tick);
                for (unsigned k = 0; k < ELEMENTS(indices); k++)
                        if (strcmp(i->underlying, indices[k]) == 0) {
                                futures[k] += i->segment == SEGMENT_FUTURE;
                                options[k] += i->segment == SEGMENT_OPTION;
                        }
        }
        for (unsigned k = 0; k < ELEMENTS(indices); k++) {
                ck_assert_uint_eq(futures[k], 3);
                ck_assert_uint_eq(options[k] > 0, k < 7);
                ck_assert_uint_le(options[k], 2 * 21 * 2);
        }
}

START_TEST(the_shipped_set_never_expires)
{
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();

        for (int day = 20261101, n = 0; n < 500; n += 7, day = clock_day_add(day, 7))
                check_shipped(c, day);
}
END_TEST

START_TEST(the_examples_of_the_documentation_exist)
{
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        _cleanup_(instruments_freep) struct instruments *set = market_instruments(c, 20261123);

        check_has(set, "NFO:NIFTY29DEC26FUT", 20261229);
        check_has(set, "NFO:NIFTY29DEC2626000CE", 20261229);
        check_has(set, "NFO:NIFTY23NOV2624400PE", 20261123);
        check_has(set, "BFO:SENSEX31DEC2678300CE", 20261231);
        check_has(set, "CDS:USDINR29DEC26FUT", 20261229);
        check_has(set, "MCX:CRUDEOIL18DEC26FUT", 20261218);
        const struct instrument *i = instruments_find(set, "NFO:NIFTY29DEC26FUT");
        ck_assert_int_eq(i->lot, 65);
        ck_assert_int_eq(i->freeze, 1800);
        ck_assert_int_eq(i->tick, 1000); /* by the level of the index */
        ck_assert(i->on_index);
        /* 24400 and 6.5 % a year for 36 days */
        ck_assert_int_eq(i->previous_close, INT64_C(245564000));
        ck_assert_int_eq(instruments_find(set, "BFO:SENSEX31DEC26FUT")->tick, 2000);
        ck_assert_int_eq(instruments_find(set, "NFO:MIDCPNIFTY29DEC26FUT")->tick, 500);
        ck_assert_int_eq(instruments_find(set, "CDS:USDINR29DEC26FUT")->lot, 1000);
        ck_assert_int_eq(instruments_find(set, "CDS:USDINR29DEC26FUT")->tick, 25);
}
END_TEST

static int64_t close_of(const struct instruments *set, const char *symbol)
{
        const struct instrument *i = instruments_find(set, symbol);

        ck_assert_msg(i, "%s is missing", symbol);
        return i->previous_close;
}

/* No price lets one buy money for less than it is. */
START_TEST(option_prices_are_plausible)
{
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        _cleanup_(instruments_freep) struct instruments *set = market_instruments(c, 20261123);
        int64_t call_before = INT64_MAX, put_before = 0;

        for (int strike = 22400; strike <= 26400; strike += 200) {
                char symbol[SYMBOL_SIZE];

                snprintf(symbol, sizeof(symbol), "NFO:NIFTY29DEC26%dCE", strike);
                int64_t call = close_of(set, symbol);
                snprintf(symbol, sizeof(symbol), "NFO:NIFTY29DEC26%dPE", strike);
                int64_t put = close_of(set, symbol);
                int64_t intrinsic = (24400 - strike) * DECIMAL_ONE;

                ck_assert_int_lt(call, call_before);
                ck_assert_int_gt(put, put_before);
                ck_assert_int_ge(call, intrinsic);
                ck_assert_int_ge(put, -intrinsic);
                ck_assert_int_le(llabs(call - put - intrinsic), 500); /* parity, within a tick */
                call_before = call;
                put_before = put;
        }
        /* more time, more value */
        ck_assert_int_gt(close_of(set, "NFO:NIFTY29DEC2624400CE"),
                         2 * close_of(set, "NFO:NIFTY23NOV2624400CE"));
        /* 0.4 × 14 % × 24400 × √(36/365) */
        ck_assert_int_eq(close_of(set, "NFO:NIFTY29DEC2624400CE"), 4291500);
}
END_TEST

START_TEST(cheap_options_keep_two_ticks)
{
        static const char text[] = CONTRACTS_HEAD "NFO,X,X,no,OPT,weekly:TUE,1,1,0.05,-,-,10,1,8\n";
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        _cleanup_(instruments_freep) struct instruments *set = make(c, 20261123, text);

        ck_assert_int_eq(close_of(set, "NFO:X23NOV2618CE"), 1000);
        ck_assert_int_eq(close_of(set, "NFO:X23NOV262PE"), 1000);
}
END_TEST

SUITE("contracts", weekly_expiries_around_the_holiday_of_24_november, monthly_expiries,
      expiries_at_the_end_of_the_year, expiries_by_date_and_by_the_end_of_the_month,
      a_monthly_line_does_not_repeat_a_weekly_one, strikes_are_centred_and_written_short,
      the_shipped_set_never_expires, the_examples_of_the_documentation_exist,
      option_prices_are_plausible, cheap_options_keep_two_ticks)
