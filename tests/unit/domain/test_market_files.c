#include "suite.h"

#include "market.h"

#include <errno.h>

#define SESSIONS "exchange,class,days,from,to,open,close,evening\n"
#define HOLIDAYS "date,exchange,closed,name\n"
#define TICKS    "kind,up_to,tick\n"
#define INSTRUMENTS \
        "exchange,symbol,name,isin,series,lot,tick,previous_close,band,closing_auction\n"
#define CONTRACTS                                                                              \
        "exchange,underlying,name,on_index,kind,expiry,count,lot,tick,freeze,band,level,step," \
        "strikes\n"
#define GOOD_TICKS "share,-,0.05\nindex_future,-,0.05\n"

/* A text with its own NULs. */
#define TEXT(s)                  \
        {                        \
                s, sizeof(s) - 1 \
        }
struct bad {
        struct {
                const char *s;
                size_t n;
        } text;
        const char *fault;
};

static const struct bad bad_sessions[] = {
        {TEXT(""),
         "sessions.csv:1: the header must be exchange,class,days,from,to,open,close,evening"},
        {TEXT("# only a comment\n"),
         "sessions.csv:2: the header must be exchange,class,days,from,to,open,close,evening"},
        {TEXT("exchange,class,days,from,to,open,close\n"),
         "sessions.csv:1: the header must be exchange,class,days,from,to,open,close,evening"},
        {TEXT("\xef\xbb\xbf" SESSIONS),
         "sessions.csv:1: the header must be exchange,class,days,from,to,open,close,evening"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,-,09:15,15:30\n"),
         "sessions.csv:2: 7 columns where 8 are expected"},
        {TEXT(SESSIONS "\n#\nNSE,all,weekdays,2026-01-01,-,09:15,15:30,-,\n"),
         "sessions.csv:4: 9 columns where 8 are expected"},
        {TEXT(SESSIONS "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n"), "sessions.csv:2: too many columns"},
        {TEXT(SESSIONS "NYSE,all,weekdays,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: exchange must be one of NSE BSE NFO BFO CDS MCX"},
        {TEXT(SESSIONS "NSE,some,weekdays,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: class must be one of all auction expiry"},
        {TEXT(SESSIONS "NSE,all,sundays,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: days must be one of weekdays special"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-02-29,-,09:15,15:30,-\n"),
         "sessions.csv:2: from must be a date YYYY-MM-DD"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-1-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: from must be a date YYYY-MM-DD"},
        {TEXT(SESSIONS "NSE,all,weekdays,20a6-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: from must be a date YYYY-MM-DD"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,,09:15,15:30,-\n"),
         "sessions.csv:2: to must be a date YYYY-MM-DD"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-02,2026-01-01,09:15,15:30,-\n"),
         "sessions.csv:2: to must be a date not before the first one, or -"},
        {TEXT(SESSIONS "NSE,all,special,2026-11-08,-,18:00,19:00,-\n"),
         "sessions.csv:2: to must be a date: special days end"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,-,9:15,15:30,-\n"),
         "sessions.csv:2: open must be a time HH:MM"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,-,09:15,24:00,-\n"),
         "sessions.csv:2: close must be a time HH:MM"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,-,09:15,15:60,-\n"),
         "sessions.csv:2: close must be a time HH:MM"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,-,15:30,09:15,-\n"),
         "sessions.csv:2: close must be later than the opening"},
        {TEXT(SESSIONS "MCX,all,weekdays,2026-01-01,-,09:00,23:30,08:00\n"),
         "sessions.csv:2: evening must be between opening and close, or -"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,-,09:15,15:30,-\n"
                       "NSE,auction,weekdays,2026-01-01,-,09:15,15:15,-\n"
                       "NSE,all,weekdays,2027-01-01,2027-12-31,09:15,15:30,-\n"),
         "sessions.csv:4: the dates overlap with an earlier line"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-01-01,2026-12-31,09:15,15:30,-\n"
                       "NSE,all,weekdays,2026-12-31,-,09:15,15:30,-\n"),
         "sessions.csv:3: the dates overlap with an earlier line"},
        {TEXT(SESSIONS "NSE,all,weekdays,2026-12-31,-,09:15,15:30,-\n"
                       "NSE,all,weekdays,2026-01-01,2026-12-31,09:15,15:30,-\n"),
         "sessions.csv:3: the dates overlap with an earlier line"},
        {TEXT(SESSIONS "NSE,all,week\0days,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: the line is not UTF-8 text"},
        {TEXT(SESSIONS "NSE,all,\xff,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: the line is not UTF-8 text"},
        {TEXT(SESSIONS " NSE,all,weekdays,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: exchange must be one of NSE BSE NFO BFO CDS MCX"},
        {TEXT(SESSIONS "\"NSE\",all,weekdays,2026-01-01,-,09:15,15:30,-\n"),
         "sessions.csv:2: exchange must be one of NSE BSE NFO BFO CDS MCX"},
};

static const struct bad bad_holidays[] = {
        {TEXT("date,exchange,session,name\n"),
         "holidays.csv:1: the header must be date,exchange,closed,name"},
        {TEXT(HOLIDAYS "24-11-2026,NSE,full,Gurpurb\n"),
         "holidays.csv:2: date must be a date YYYY-MM-DD"},
        {TEXT(HOLIDAYS "2026-11-31,NSE,full,Gurpurb\n"),
         "holidays.csv:2: date must be a date YYYY-MM-DD"},
        {TEXT(HOLIDAYS "2026-11-24,,full,Gurpurb\n"),
         "holidays.csv:2: exchange must be one of NSE BSE NFO BFO CDS MCX"},
        {TEXT(HOLIDAYS "2026-11-24,NSE,half,Gurpurb\n"),
         "holidays.csv:2: closed must be one of full morning evening"},
        {TEXT(HOLIDAYS "2026-11-24,NSE,morning,Gurpurb\n"),
         "holidays.csv:2: closed must be full: this exchange has no evening session"},
        {TEXT(HOLIDAYS "2026-11-24,CDS,evening,Gurpurb\n"),
         "holidays.csv:2: closed must be full: this exchange has no evening session"},
        {TEXT(HOLIDAYS "2026-11-24,NSE,full,\n"), "holidays.csv:2: name must be given"},
        {TEXT(HOLIDAYS "2026-11-24,NSE,full,Gurpurb\n# again\n2026-11-24,NSE,full,Gurpurb"),
         "holidays.csv:4: this date and exchange has an earlier line"},
        {TEXT(HOLIDAYS "2026-11-24,NSE,full,Guru, Nanak\n"),
         "holidays.csv:2: 5 columns where 4 are expected"},
};

static const struct bad bad_ticks[] = {
        {TEXT(TICKS), "ticks.csv:1: share has no last row with - for all higher prices"},
        {TEXT(TICKS "share,-,0.05\n"),
         "ticks.csv:2: index_future has no last row with - for all higher prices"},
        {TEXT(TICKS "share,250,0.05\nindex_future,-,0.05\n"),
         "ticks.csv:3: share has no last row with - for all higher prices"},
        {TEXT(TICKS "bond,-,0.05\n"), "ticks.csv:2: kind must be one of share index_future"},
        {TEXT(TICKS "share,1000,0.05\nshare,250,0.01\n"),
         "ticks.csv:3: up_to must be above the one before it"},
        {TEXT(TICKS "share,-,0.05\nshare,-,0.05\n"),
         "ticks.csv:3: up_to must be above the one before it"},
        {TEXT(TICKS "share,250,0\n"),
         "ticks.csv:2: tick must be a decimal from 0.0001 to 100000000000000"},
        {TEXT(TICKS "share,-,0.00001\n"),
         "ticks.csv:2: tick must be a decimal from 0.0001 to 100000000000000"},
        {TEXT(TICKS "share,-,five\n"),
         "ticks.csv:2: tick must be a decimal from 0.0001 to 100000000000000"},
        {TEXT(TICKS "share,1e3,1\n"),
         "ticks.csv:2: up_to must be a decimal from 0.0001 to 99999999999999.9999"},
};

#define SYMBOL_FAULT "symbol must be 1 to 39 of A-Z 0-9 & - . and inner spaces"
#define PRICE_RANGE  "a decimal from 0.0001 to 100000000000"
static const struct bad bad_instruments[] = {
        {TEXT("symbol\n"), "instruments.csv:1: the header must be exchange,symbol,name,isin,series,"
                           "lot,tick,previous_close,band,closing_auction"},
        {TEXT(INSTRUMENTS "NFO,SBIN,State Bank,INE062A01020,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: exchange must be one of NSE BSE"},
        {TEXT(INSTRUMENTS "NSE,sbin,State Bank,INE062A01020,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: " SYMBOL_FAULT},
        {TEXT(INSTRUMENTS "NSE,,State Bank,INE062A01020,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: " SYMBOL_FAULT},
        {TEXT(INSTRUMENTS "NSE,AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD,S,,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: " SYMBOL_FAULT},
        {TEXT(INSTRUMENTS
              "NSE,SBIN,AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEEEFFFFFFFFFFGGGG,"
              ",EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: name must be at most 63 bytes long"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,INE062A01021,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: isin must be an ISIN with its check digit, or empty"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,INE062A0102,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: isin must be an ISIN with its check digit, or empty"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,INE06-A01020,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:2: isin must be an ISIN with its check digit, or empty"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,XX,1,-,1050,20,yes\n"),
         "instruments.csv:2: series must be one of EQ BE INDEX"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,0,-,1050,20,yes\n"),
         "instruments.csv:2: lot must be a whole number from 1 to 2147483647"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1.5,-,1050,20,yes\n"),
         "instruments.csv:2: lot must be a whole number from 1 to 2147483647"},
        {TEXT(INSTRUMENTS "NSE,NIFTY 50,Nifty,,INDEX,1,0.05,24400,-,no\n"),
         "instruments.csv:2: lot must be a whole number from 0 to 0"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,0,1050,20,yes\n"),
         "instruments.csv:2: tick must be " PRICE_RANGE},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,-,-1050,20,yes\n"),
         "instruments.csv:2: previous_close must be " PRICE_RANGE},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,-,99999999999999999999,20,yes\n"),
         "instruments.csv:2: previous_close must be " PRICE_RANGE},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,-,1050,0,yes\n"),
         "instruments.csv:2: band must be a whole number from 1 to 100"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,-,1050,101,yes\n"),
         "instruments.csv:2: band must be a whole number from 1 to 100"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,-,1050,20,maybe\n"),
         "instruments.csv:2: closing_auction must be yes or no"},
        {TEXT(INSTRUMENTS "NSE,SBIN,State Bank,,EQ,1,-,1050,20,yes\n\n"
                          "NSE,ITC,ITC,,EQ,1,-,269,20,yes\n"
                          "NSE,SBIN,State Bank again,,EQ,1,-,1050,20,yes\n"),
         "instruments.csv:5: a symbol that an earlier line has: NSE:SBIN"},
};

#define EXPIRY_FAULT                                                                         \
        "contracts.csv:2: expiry must be weekly:TUE, monthly:TUE (the last), monthly:19 or " \
        "monthly:-2"
static const struct bad bad_contracts[] = {
        {TEXT(CONTRACTS "NSE,NIFTY,Nifty,yes,FUT,monthly:TUE,3,65,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: exchange must be one of NFO BFO CDS MCX"},
        {TEXT(CONTRACTS "NFO,nifty,Nifty,yes,FUT,monthly:TUE,3,65,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: underlying must be a symbol: A-Z 0-9 & - ."},
        {TEXT(CONTRACTS
              "NFO,ABCDEFGHIJKLMNOPQRSTUVWX,Nifty,yes,FUT,monthly:TUE,3,65,-,1,1,1,-,-\n"),
         "contracts.csv:2: underlying must be at most 23 bytes long"},
        {TEXT(CONTRACTS "NFO,ABCDEFGHIJKLMNOPQRSTUVW,Long,no,OPT,monthly:TUE,3,65,0.05,-,10,"
                        "99999999999,0.0001,1\n"),
         "contracts.csv:2: underlying must be shorter: the symbols become too long"},
        {TEXT(CONTRACTS "NFO,NIFTY,A name of more than thirty-one bytes,yes,FUT,monthly:TUE,3,65,-,"
                        "1800,10,24400,-,-\n"),
         "contracts.csv:2: name must be at most 31 bytes long"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,1,FUT,monthly:TUE,3,65,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: on_index must be yes or no"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,SWAP,monthly:TUE,3,65,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: kind must be one of FUT OPT"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,daily,3,65,-,1800,10,24400,-,-\n"), EXPIRY_FAULT},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,weekly:,3,65,-,1800,10,24400,-,-\n"),
         EXPIRY_FAULT},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,weekly:Tue,3,65,-,1800,10,24400,-,-\n"),
         EXPIRY_FAULT},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:29,3,65,-,1800,10,24400,-,-\n"),
         EXPIRY_FAULT},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:0,3,65,-,1800,10,24400,-,-\n"),
         EXPIRY_FAULT},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:-,3,65,-,1800,10,24400,-,-\n"),
         EXPIRY_FAULT},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,0,65,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: count must be a whole number from 1 to 12"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,13,65,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: count must be a whole number from 1 to 12"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,3,,-,1800,10,24400,-,-\n"),
         "contracts.csv:2: lot must be a whole number from 1 to 2147483647"},
        {TEXT(CONTRACTS "CDS,USDINR,Dollar,no,FUT,monthly:-2,3,1000,-,-,10,88.5,-,-\n"),
         "contracts.csv:2: tick must be a decimal; - is for futures on an index"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,OPT,monthly:TUE,3,65,-,-,10,24400,50,5\n"),
         "contracts.csv:2: tick must be a decimal; - is for futures on an index"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,3,65,-,64,10,24400,-,-\n"),
         "contracts.csv:2: freeze must be a whole number from 65 to 1099511627776"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,3,65,-,1800,no,24400,-,-\n"),
         "contracts.csv:2: band must be a whole number from 1 to 100"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,3,65,-,1800,10,0,-,-\n"),
         "contracts.csv:2: level must be a decimal from 0.0001 to 100000000000"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,3,65,-,1800,10,24400,50,-\n"),
         "contracts.csv:2: step must be - for a future"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,FUT,monthly:TUE,3,65,-,1800,10,24400,-,5\n"),
         "contracts.csv:2: strikes must be - for a future"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,OPT,monthly:TUE,3,65,0.05,1800,10,24400,-,5\n"),
         "contracts.csv:2: step must be a decimal from 0.0001 to 24400"},
        {TEXT(CONTRACTS "NFO,NIFTY,Nifty,yes,OPT,monthly:TUE,3,65,0.05,1800,10,24400,50,11\n"),
         "contracts.csv:2: strikes must be a whole number from 0 to 10"},
        {TEXT(CONTRACTS "NFO,X,X,no,OPT,monthly:TUE,3,65,0.05,1800,10,10,1,9\n"),
         "contracts.csv:2: strikes must be fewer: the lowest strike is not above zero"},
        {TEXT(CONTRACTS "NFO,AB,Ab,no,FUT,monthly:TUE,1,1,1,-,-,100,-,-\n"
                        "# a comment counts as a line\n"
                        "NFO,AB,Ab,no,FUT,monthly:TUE,1,1,1,-,-,100,-,-\n"
                        "NFO,AB,Ab,no,FUT,weekly:TUE,1,1,1,-,100%,100,-,-\n"),
         "contracts.csv:5: band must be a whole number from 1 to 100"},
};

static void check_calendar(const struct bad *b, bool sessions)
{
        struct csv_source s = market_file("sessions.csv"), h = market_file("holidays.csv");
        struct calendar *c = NULL;
        char fault[256] = "";
        /* no byte beyond the text: ASan watches */
        char *copy = malloc(b->text.n ? b->text.n : 1);

        memcpy(copy, b->text.s, b->text.n);
        int r = calendar_new(sessions ? copy : s.data, sessions ? b->text.n : s.size,
                             sessions ? h.data : copy, sessions ? h.size : b->text.n, fault,
                             sizeof(fault), &c);
        free(copy);
        ck_assert_str_eq(fault, b->fault);
        ck_assert_int_eq(r, -EBADMSG);
        ck_assert_ptr_null(c);
}

START_TEST(sessions)
{
        for (size_t i = 0; i < ELEMENTS(bad_sessions); i++)
                check_calendar(&bad_sessions[i], true);
}
END_TEST

START_TEST(holidays)
{
        for (size_t i = 0; i < ELEMENTS(bad_holidays); i++)
                check_calendar(&bad_holidays[i], false);
}
END_TEST

static void check_set(const struct bad *b, const char *name)
{
        _cleanup_(calendar_freep) struct calendar *c = market_calendar();
        struct instruments_sources s = {
                {"instruments.csv", INSTRUMENTS, sizeof(INSTRUMENTS) - 1},
                {"ticks.csv", TICKS GOOD_TICKS, sizeof(TICKS GOOD_TICKS) - 1},
                {"contracts.csv", CONTRACTS, sizeof(CONTRACTS) - 1},
        };
        struct instruments *set = NULL;
        char fault[256] = "";
        char *copy = malloc(b->text.n ? b->text.n : 1);

        memcpy(copy, b->text.s, b->text.n);
        struct csv_source *one = name[0] == 'i'   ? &s.instruments
                                 : name[0] == 't' ? &s.ticks
                                                  : &s.contracts;
        *one = (struct csv_source){name, copy, b->text.n};
        int r = instruments_new(&s, 20261123, c, fault, sizeof(fault), &set);
        free(copy);
        ck_assert_str_eq(fault, b->fault);
        ck_assert_int_eq(r, -EBADMSG);
        ck_assert_ptr_null(set);
}

START_TEST(ticks)
{
        for (size_t i = 0; i < ELEMENTS(bad_ticks); i++)
                check_set(&bad_ticks[i], "ticks.csv");
}
END_TEST

START_TEST(instruments)
{
        for (size_t i = 0; i < ELEMENTS(bad_instruments); i++)
                check_set(&bad_instruments[i], "instruments.csv");
}
END_TEST

START_TEST(contracts)
{
        for (size_t i = 0; i < ELEMENTS(bad_contracts); i++)
                check_set(&bad_contracts[i], "contracts.csv");
}
END_TEST

/* Numbers of lines are bounded, and so is a line. */
START_TEST(too_much)
{
        static char text[400000];
        struct bad b = {.text = {.s = text}};
        size_t n = (size_t)sprintf(text, "%s", SESSIONS);

        for (int i = 0; i <= CALENDAR_SESSIONS_MAX; i++)
                n += (size_t)sprintf(text + n, "NSE,all,weekdays,%d-01-01,%d-12-31,09:15,15:30,-\n",
                                     2026 + i, 2026 + i);
        b.text.n = n;
        b.fault = "sessions.csv:258: more than 256 sessions";
        check_calendar(&b, true);

        n = (size_t)sprintf(text, "%s", HOLIDAYS);
        for (int i = 0; i <= CALENDAR_HOLIDAYS_MAX; i++)
                n += (size_t)sprintf(text + n, "%04d-01-%02d,NSE,full,x\n", 2026 + i / 28,
                                     1 + i % 28);
        b.text.n = n;
        b.fault = "holidays.csv:4098: more than 4096 holidays";
        check_calendar(&b, false);

        n = (size_t)sprintf(text, "%s", SESSIONS);
        memset(text + n, '#', CSV_LINE_MAX + 1);
        b.text.n = n + CSV_LINE_MAX + 1;
        b.fault = "sessions.csv:2: the line is longer than 1024 bytes";
        check_calendar(&b, true);

        n = (size_t)sprintf(text, "%s", TICKS);
        for (int i = 0; i <= 64; i++)
                n += (size_t)sprintf(text + n, "share,%d,1\n", i + 1);
        b.text.n = n;
        b.fault = "ticks.csv:66: more than 64 rows of one kind";
        check_set(&b, "ticks.csv");

        n = (size_t)sprintf(text, "%s", CONTRACTS);
        for (int i = 0; i <= 256; i++)
                n += (size_t)sprintf(text + n, "NFO,X%03d,X,no,FUT,monthly:TUE,1,1,1,-,-,9,-,-\n",
                                     i);
        b.text.n = n;
        b.fault = "contracts.csv:258: more than 256 lines of rules";
        check_set(&b, "contracts.csv");
}
END_TEST

/* A fault is cut to the buffer it is given. */
START_TEST(a_small_buffer_for_the_fault)
{
        struct calendar *c = NULL;
        char fault[16];

        ck_assert_int_eq(calendar_new("x", 1, "", 0, fault, sizeof(fault), &c), -EBADMSG);
        ck_assert_str_eq(fault, "sessions.csv:1:");
}
END_TEST

SUITE("market files", sessions, holidays, ticks, instruments, contracts, too_much,
      a_small_buffer_for_the_fault)
