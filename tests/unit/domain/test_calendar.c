#include "suite.h"

#include <time.h>

#include "market.h"

#include "base/clock.h"

#define AT(hour, minute) (((hour)*60 + (minute)) * 60)

static const struct instrument auction_share = {
        .exchange = EXCHANGE_NSE, .segment = SEGMENT_EQUITY, .closing_auction = true};
static const struct instrument plain_share = {.exchange = EXCHANGE_NSE, .segment = SEGMENT_EQUITY};
static const struct instrument bse_share = {
        .exchange = EXCHANGE_BSE, .segment = SEGMENT_EQUITY, .closing_auction = true};
static const struct instrument nifty = {
        .exchange = EXCHANGE_NFO, .segment = SEGMENT_FUTURE, .expiry = 20261229};
static const struct instrument old_nifty = {
        .exchange = EXCHANGE_NFO, .segment = SEGMENT_FUTURE, .expiry = 20260728};
static const struct instrument dollar = {
        .exchange = EXCHANGE_CDS, .segment = SEGMENT_FUTURE, .expiry = 20261126};
static const struct instrument crude = {.exchange = EXCHANGE_MCX, .segment = SEGMENT_FUTURE};

static struct calendar *calendar;

static void setup(void)
{
        calendar = market_calendar();
}

static void teardown(void)
{
        calendar = calendar_free(calendar);
}

/* Open from the first to the last second, and not a second more. */
static void check_hours(const struct instrument *i, int day, int open, int close)
{
        int64_t second = USEC_PER_SEC;

        ck_assert(!calendar_open(calendar, i, clock_from_ist(day, open) - 1));
        ck_assert(calendar_open(calendar, i, clock_from_ist(day, open)));
        ck_assert(calendar_open(calendar, i, clock_from_ist(day, close) - 1));
        ck_assert(!calendar_open(calendar, i, clock_from_ist(day, close)));
        ck_assert(!calendar_open(calendar, i, clock_from_ist(day, close) + second));
        ck_assert_int_eq(calendar_close_of(calendar, i, day), clock_from_ist(day, close));
}

static void check_closed(const struct instrument *i, int day)
{
        for (int hour = 0; hour < 24; hour++)
                ck_assert(!calendar_open(calendar, i, clock_from_ist(day, AT(hour, 30))));
        ck_assert_int_eq(calendar_close_of(calendar, i, day), 0);
}

START_TEST(hours_of_an_ordinary_monday)
{
        setup();
        check_hours(&auction_share, 20261123, AT(9, 15), AT(15, 15));
        check_hours(&bse_share, 20261123, AT(9, 15), AT(15, 15));
        check_hours(&plain_share, 20261123, AT(9, 15), AT(15, 30));
        check_hours(&nifty, 20261123, AT(9, 15), AT(15, 40));
        check_hours(&dollar, 20261123, AT(9, 0), AT(17, 0));
        check_hours(&crude, 20261123, AT(9, 0), AT(23, 55));
        teardown();
}
END_TEST

START_TEST(hours_before_the_closing_auction_came)
{
        setup();
        check_hours(&auction_share, 20260731, AT(9, 15), AT(15, 30));
        check_hours(&auction_share, 20260803, AT(9, 15), AT(15, 15));
        check_hours(&nifty, 20260731, AT(9, 15), AT(15, 30));
        check_hours(&nifty, 20260803, AT(9, 15), AT(15, 40));
        teardown();
}
END_TEST

START_TEST(commodities_follow_the_american_summer)
{
        setup();
        check_hours(&crude, 20260306, AT(9, 0), AT(23, 55));
        check_hours(&crude, 20260309, AT(9, 0), AT(23, 30));
        check_hours(&crude, 20261030, AT(9, 0), AT(23, 30));
        check_hours(&crude, 20261102, AT(9, 0), AT(23, 55));
        check_hours(&crude, 20270312, AT(9, 0), AT(23, 55));
        check_hours(&crude, 20270315, AT(9, 0), AT(23, 30));
        teardown();
}
END_TEST

START_TEST(holidays_of_one_exchange_and_of_all)
{
        setup();
        check_closed(&auction_share, 20261124);
        check_closed(&nifty, 20261124);
        check_hours(&crude, 20261124, AT(17, 0), AT(23, 55)); /* the evening only */
        check_hours(&crude, 20260101, AT(9, 0), AT(17, 0));   /* the morning only */
        check_closed(&crude, 20261225);
        check_closed(&dollar, 20260401); /* banks only */
        check_hours(&plain_share, 20260401, AT(9, 15), AT(15, 30));
        ck_assert(!calendar_trading_day(calendar, EXCHANGE_NSE, 20261124));
        ck_assert(calendar_trading_day(calendar, EXCHANGE_MCX, 20261124));
        ck_assert(!calendar_trading_day(calendar, EXCHANGE_MCX, 20261002));
        teardown();
}
END_TEST

START_TEST(weekends)
{
        setup();
        check_closed(&auction_share, 20261121);
        check_closed(&auction_share, 20261122);
        check_closed(&crude, 20261121);
        /* Sunday, Union Budget */
        check_hours(&auction_share, 20260201, AT(9, 15), AT(15, 30));
        check_hours(&nifty, 20260201, AT(9, 15), AT(15, 30));
        check_closed(&crude, 20260201);
        ck_assert(calendar_trading_day(calendar, EXCHANGE_BSE, 20260201));
        teardown();
}
END_TEST

START_TEST(contracts_end)
{
        setup();
        check_hours(&dollar, 20261125, AT(9, 0), AT(17, 0));
        check_hours(&dollar, 20261126, AT(9, 0), AT(12, 30)); /* its last day */
        check_closed(&dollar, 20261127);
        check_hours(&nifty, 20261229, AT(9, 15), AT(15, 40));
        check_closed(&nifty, 20261230);
        check_closed(&old_nifty, 20261123);
        teardown();
}
END_TEST

START_TEST(the_next_trading_day)
{
        static const struct {
                int day, next;
        } rows[] = {
                {20261120, 20261123}, /* Friday */
                {20261121, 20261123}, {20261122, 20261123},
                {20261123, 20261125},                       /* the holiday of the 24th */
                {20261224, 20261228},                       /* Christmas and the weekend */
                {20261231, 20270101}, {20260130, 20260201}, /* the Sunday */
                {20270125, 20270127}, {20280228, 20280229}, /* a leap year */
        };

        setup();
        for (size_t i = 0; i < ELEMENTS(rows); i++)
                ck_assert_int_eq(calendar_next_trading_day(calendar, rows[i].day), rows[i].next);
        teardown();
}
END_TEST

START_TEST(the_trading_day_before_a_holiday)
{
        setup();
        ck_assert_int_eq(calendar_on_or_before(calendar, EXCHANGE_NFO, 20261124), 20261123);
        ck_assert_int_eq(calendar_on_or_before(calendar, EXCHANGE_NFO, 20261123), 20261123);
        ck_assert_int_eq(calendar_on_or_before(calendar, EXCHANGE_MCX, 20261124), 20261124);
        ck_assert_int_eq(calendar_on_or_before(calendar, EXCHANGE_BFO, 20261227), 20261224);
        teardown();
}
END_TEST

START_TEST(before_the_table_begins_all_is_closed)
{
        setup();
        check_closed(&plain_share, 20251230);
        ck_assert_int_eq(calendar_next_trading_day(calendar, 20250102), 20250103);
        ck_assert_int_eq(calendar_on_or_before(calendar, EXCHANGE_NSE, 20250102), 20250102);
        teardown();
}
END_TEST

#define SESSIONS_HEAD "exchange,class,days,from,to,open,close,evening\n"
#define HOLIDAYS_HEAD "date,exchange,closed,name\n"

static void load(const char *sessions, const char *holidays)
{
        char fault[256] = "";
        int r = calendar_new(sessions, strlen(sessions), holidays, strlen(holidays), fault,
                             sizeof(fault), &calendar);

        ck_assert_msg(r == 0, "%s", fault);
}

/* One hour on the evening of a holiday, which is a Sunday, too; lines with carriage returns. */
START_TEST(muhurat)
{
        load(SESSIONS_HEAD "NSE,all,weekdays,2026-01-01,-,09:15,15:30,-\r\n"
                           "NSE,auction,weekdays,2026-01-01,-,09:15,15:15,-\r\n"
                           "# announced by circular\r\n"
                           "\r\n"
                           "NSE,all,special,2026-11-08,2026-11-10,18:00,19:00,-\r\n",
             HOLIDAYS_HEAD "2026-11-10,NSE,full,Diwali Balipratipada\n");
        check_hours(&plain_share, 20261108, AT(18, 0), AT(19, 0));
        check_hours(&auction_share, 20261108, AT(18, 0), AT(19, 0));
        check_hours(&auction_share, 20261110, AT(18, 0), AT(19, 0));
        check_hours(&auction_share, 20261111, AT(9, 15), AT(15, 15));
        ck_assert_int_eq(calendar_next_trading_day(calendar, 20261106), 20261108);
        teardown();
}
END_TEST

START_TEST(a_special_day_may_have_a_class_of_its_own)
{
        load(SESSIONS_HEAD "NSE,auction,special,2026-11-08,2026-11-08,18:00,18:45,-\n"
                           "NSE,all,special,2026-11-08,2026-11-08,18:00,19:00,-\n",
             HOLIDAYS_HEAD);
        check_hours(&auction_share, 20261108, AT(18, 0), AT(18, 45));
        check_hours(&plain_share, 20261108, AT(18, 0), AT(19, 0));
        check_closed(&crude, 20261108); /* no line at all */
        teardown();
}
END_TEST

/* The list of a year is there, or only what is sure by law. */
START_TEST(holidays_of_a_year)
{
        setup();
        ck_assert_uint_ge(calendar_holidays_of(calendar, EXCHANGE_NSE, 2026),
                          CALENDAR_HOLIDAYS_MIN);
        ck_assert_uint_eq(calendar_holidays_of(calendar, EXCHANGE_NSE, 2027), 1);
        ck_assert_uint_eq(calendar_holidays_of(calendar, EXCHANGE_NSE, 2028), 0);
        ck_assert_uint_eq(calendar_holidays_of(calendar, EXCHANGE_MCX, 2026), 4);
        teardown();
}
END_TEST

START_TEST(the_host_zone_does_not_matter)
{
        setenv("TZ", "America/New_York", 1);
        tzset();
        setup();
        check_hours(&auction_share, 20261123, AT(9, 15), AT(15, 15));
        ck_assert(calendar_open(calendar, &crude, clock_from_ist(20261123, AT(23, 54))));
        teardown();
}
END_TEST

SUITE("calendar", hours_of_an_ordinary_monday, hours_before_the_closing_auction_came,
      commodities_follow_the_american_summer, holidays_of_one_exchange_and_of_all, weekends,
      contracts_end, the_next_trading_day, the_trading_day_before_a_holiday,
      before_the_table_begins_all_is_closed, muhurat, a_special_day_may_have_a_class_of_its_own,
      holidays_of_a_year, the_host_zone_does_not_matter)
