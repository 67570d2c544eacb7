#include "suite.h"

#include <errno.h>

#include "market.h"

#include "base/decimal.h"

static struct calendar *calendar;
static struct instruments *set;

static void setup(void)
{
        calendar = market_calendar();
        set = market_instruments(calendar, 20261123);
}

static void teardown(void)
{
        set = instruments_free(set);
        calendar = calendar_free(calendar);
}

START_TEST(the_shipped_shares)
{
        setup();
        unsigned shares = 0, indices = 0;
        for (unsigned n = 0; n < instruments_count(set); n++) {
                const struct instrument *i = instruments_at(set, n);

                ck_assert_ptr_eq(instruments_find(set, i->symbol), i);
                if (n > 0)
                        ck_assert_int_lt(strcmp(instruments_at(set, n - 1)->symbol, i->symbol), 0);
                ck_assert_int_gt(i->tick, 0);
                ck_assert_int_gt(i->previous_close, 0);
                if (i->segment == SEGMENT_EQUITY) {
                        shares++;
                        ck_assert_uint_eq(strlen(i->isin), 12);
                        ck_assert_int_eq(i->lot, 1);
                        /* derivatives bring a dynamic band and the closing auction together */
                        ck_assert_int_eq(i->closing_auction, i->band_percent == 0);
                        ck_assert(i->intraday_allowed);
                } else if (i->segment == SEGMENT_INDEX) {
                        indices++;
                        ck_assert_int_eq(i->lot, 0);
                }
        }
        ck_assert_uint_eq(shares, 62);
        ck_assert_uint_eq(indices, 3);
        ck_assert_ptr_null(instruments_at(set, instruments_count(set)));
        teardown();
}
END_TEST

START_TEST(ticks_follow_the_price)
{
        static const struct {
                const char *symbol;
                int64_t tick;
        } rows[] = {
                {"NSE:IDEA", 100},      {"NSE:JIOFIN", 100},      {"NSE:ITC", 500},
                {"NSE:MAXHEALTH", 500}, {"NSE:SBIN", 1000},       {"NSE:LT", 1000},
                {"NSE:TITAN", 5000},    {"NSE:APOLLOHOSP", 5000}, {"NSE:BAJAJ-AUTO", 10000},
                {"NSE:MARUTI", 10000},  {"NSE:PAGEIND", 50000},   {"NSE:MRF", 50000},
                {"NSE:NIFTY 50", 500},  {"BSE:SENSEX", 100},
        };

        setup();
        for (size_t i = 0; i < ELEMENTS(rows); i++)
                ck_assert_msg(instruments_find(set, rows[i].symbol)->tick == rows[i].tick, "%s",
                              rows[i].symbol);
        teardown();
}
END_TEST

static int64_t tick_at(const char *price)
{
        static const char ticks[] =
                "kind,up_to,tick\nshare,249.9999,0.01\nshare,1000,0.05\nshare,5000,0.10\n"
                "share,10000,0.50\nshare,20000,1.00\nshare,-,5.00\nindex_future,-,0.05\n";
        char rows[256];
        int n = snprintf(rows, sizeof(rows),
                         "exchange,symbol,name,isin,series,lot,tick,previous_close,band,"
                         "closing_auction\nNSE,X,X,,EQ,1,-,%s,-,no\n",
                         price);
        static const char contracts[] =
                "exchange,underlying,name,on_index,kind,expiry,count,lot,tick,freeze,band,level,"
                "step,strikes\n";
        struct instruments_sources s = {{"instruments.csv", rows, (size_t)n},
                                        {"ticks.csv", ticks, sizeof(ticks) - 1},
                                        {"contracts.csv", contracts, sizeof(contracts) - 1}};
        struct instruments *one = NULL;
        char fault[256] = "";

        ck_assert_msg(instruments_new(&s, 20261123, calendar, fault, sizeof(fault), &one) == 0,
                      "%s", fault);
        int64_t tick = instruments_find(one, "NSE:X")->tick;
        instruments_free(one);
        return tick;
}

START_TEST(ticks_at_the_borders)
{
        setup();
        ck_assert_int_eq(tick_at("0.05"), 100);
        ck_assert_int_eq(tick_at("249.99"), 100);
        ck_assert_int_eq(tick_at("250"), 500);
        ck_assert_int_eq(tick_at("1000"), 500);
        ck_assert_int_eq(tick_at("1000.05"), 1000);
        ck_assert_int_eq(tick_at("5000"), 1000);
        ck_assert_int_eq(tick_at("5000.10"), 5000);
        ck_assert_int_eq(tick_at("10000"), 5000);
        ck_assert_int_eq(tick_at("10000.50"), 10000);
        ck_assert_int_eq(tick_at("20000"), 10000);
        ck_assert_int_eq(tick_at("20001"), 50000);
        ck_assert_int_eq(tick_at("133000"), 50000);
        teardown();
}
END_TEST

START_TEST(finding_is_exact)
{
        setup();
        ck_assert_str_eq(instruments_find(set, "NSE:M&M")->name, "Mahindra & Mahindra Ltd.");
        ck_assert_str_eq(instruments_find(set, "NSE:SBIN")->isin, "INE062A01020");
        ck_assert_int_eq(instruments_find(set, "NSE:GVT&D")->band_percent, 20);
        ck_assert_ptr_null(instruments_find(set, "NSE:sbin"));
        ck_assert_ptr_null(instruments_find(set, "BSE:SBIN"));
        ck_assert_ptr_null(instruments_find(set, "SBIN"));
        ck_assert_ptr_null(instruments_find(set, ""));
        ck_assert_ptr_null(instruments_find(set, "NSE:SBIN "));
        ck_assert_ptr_null(instruments_find(set, "ZZZ:ZZZ"));
        teardown();
}
END_TEST

static unsigned search(const char *query, int exchange, unsigned limit,
                       const struct instrument **ret)
{
        unsigned n = instruments_search(set, query, exchange, limit, ret);

        ck_assert_uint_le(n, limit);
        for (unsigned i = 0; i < n; i++) {
                ck_assert(exchange < 0 || (int)ret[i]->exchange == exchange);
                for (unsigned k = 0; k < i; k++)
                        ck_assert_ptr_ne(ret[i], ret[k]);
        }
        return n;
}

START_TEST(search_order)
{
        const struct instrument *found[64];

        setup();
        /* exact first, then what begins so, then what holds it */
        ck_assert_uint_eq(search("m&m", -1, 64, found), 2);
        ck_assert_str_eq(found[0]->symbol, "NSE:M&M");
        ck_assert_str_eq(found[1]->symbol, "NSE:M&MFIN");
        ck_assert_uint_eq(search("TATA", -1, 64, found), 6);
        ck_assert_str_eq(found[0]->symbol, "NSE:TATACONSUM");
        ck_assert_str_eq(found[1]->symbol, "NSE:TATAPOWER");
        ck_assert_str_eq(found[2]->symbol, "NSE:TATASTEEL");
        ck_assert_str_eq(found[3]->symbol, "NSE:TCS"); /* by name: Tata Consultancy … */
        ck_assert_str_eq(found[4]->symbol, "NSE:TMCV");
        ck_assert_str_eq(found[5]->symbol, "NSE:TMPV");
        /* an index before the derivatives on it */
        ck_assert_uint_eq(search("nifty", -1, 64, found), 64);
        ck_assert_str_eq(found[0]->symbol, "NSE:NIFTY 50");
        ck_assert_str_eq(found[1]->symbol, "NSE:NIFTY BANK");
        ck_assert_int_eq((int)found[2]->exchange, EXCHANGE_NFO);
        ck_assert_int_eq(strncmp(found[2]->symbol, "NFO:NIFTY", 9), 0);
        /* with the exchange, as in an order */
        ck_assert_uint_eq(search("nse:sbi", -1, 64, found), 2);
        ck_assert_str_eq(found[0]->symbol, "NSE:SBILIFE");
        ck_assert_str_eq(found[1]->symbol, "NSE:SBIN");
        ck_assert_uint_eq(search("NSE:SBIN", -1, 64, found), 1);
        ck_assert_uint_eq(search("state bank", -1, 64, found), 1);
        ck_assert_str_eq(found[0]->symbol, "NSE:SBIN");
        teardown();
}
END_TEST

START_TEST(search_is_bounded)
{
        static const struct instrument *found[INSTRUMENTS_SEARCH_MAX + 1];
        char long_query[4096];

        setup();
        ck_assert_uint_eq(search("", -1, 5, found), 5);
        ck_assert_uint_eq(search("", -1, 0, found), 0);
        ck_assert_uint_eq(search("SBIN", EXCHANGE_BSE, 5, found), 0);
        ck_assert_uint_eq(search("sensex", EXCHANGE_BSE, 5, found), 1);
        ck_assert_uint_eq(search("sensex", EXCHANGE_BFO, 5, found), 5);
        found[INSTRUMENTS_SEARCH_MAX] = (const struct instrument *)&set;
        ck_assert_uint_eq(instruments_search(set, "", -1, UINT32_MAX, found),
                          INSTRUMENTS_SEARCH_MAX);
        ck_assert_ptr_eq(found[INSTRUMENTS_SEARCH_MAX], (const void *)&set);
        memset(long_query, 'A', sizeof(long_query));
        long_query[sizeof(long_query) - 1] = '\0';
        ck_assert_uint_eq(search(long_query, -1, 5, found), 0);
        ck_assert_uint_eq(search("%s\xff\x01", -1, 5, found), 0);
        teardown();
}
END_TEST

static const char large_head[] =
        "exchange,symbol,name,isin,series,lot,tick,previous_close,band,closing_auction\n";

/* `n` shares in an order that is not theirs. */
static int make_large(int n, char *fault, size_t fault_size, struct instruments **ret)
{
        static const char ticks[] = "kind,up_to,tick\nshare,-,0.05\nindex_future,-,0.05\n";
        static const char contracts[] =
                "exchange,underlying,name,on_index,kind,expiry,count,lot,tick,freeze,band,level,"
                "step,strikes\n";
        char *rows = malloc(sizeof(large_head) + (size_t)n * 40);
        size_t at = sizeof(large_head) - 1;

        ck_assert_ptr_nonnull(rows);
        memcpy(rows, large_head, sizeof(large_head));

        for (int i = 0; i < n; i++)
                at += (size_t)sprintf(rows + at, "NSE,S%06d,S,,EQ,1,-,100,-,no\n",
                                      (int)((int64_t)i * 7919 % n));
        struct instruments_sources s = {{"instruments.csv", rows, at},
                                        {"ticks.csv", ticks, sizeof(ticks) - 1},
                                        {"contracts.csv", contracts, sizeof(contracts) - 1}};
        int r = instruments_new(&s, 20261123, calendar, fault, fault_size, ret);
        free(rows);
        return r;
}

START_TEST(a_large_set)
{
        enum { N = 200000 };
        struct instruments *large = NULL;
        char fault[256] = "", symbol[SYMBOL_SIZE];

        setup();
        ck_assert_msg(make_large(N, fault, sizeof(fault), &large) == 0, "%s", fault);
        ck_assert_uint_eq(instruments_count(large), N);
        for (int i = 0; i < N; i++) { /* the assertions of libcheck are too slow for this */
                sprintf(symbol, "NSE:S%06d", i);
                assert(instruments_find(large, symbol) == instruments_at(large, (unsigned)i));
        }
        instruments_free(large);
        teardown();
}
END_TEST

START_TEST(too_large_a_set)
{
        struct instruments *large = NULL;
        char fault[256] = "";

        setup();
        ck_assert_int_eq(make_large(INSTRUMENTS_MAX + 1, fault, sizeof(fault), &large), -EBADMSG);
        ck_assert_str_eq(fault, "instruments.csv:500002: more than 500000 instruments");
        ck_assert_ptr_null(large);
        teardown();
}
END_TEST

SUITE("instruments", the_shipped_shares, ticks_follow_the_price, ticks_at_the_borders,
      finding_is_exact, search_order, search_is_bounded, a_large_set, too_large_a_set)
