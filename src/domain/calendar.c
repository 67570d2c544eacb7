#include "domain/calendar.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "domain/csv.h"

#define DAY_FOREVER 99991231

#define SESSIONS_HEADER "exchange,class,days,from,to,open,close,evening"
enum { S_EXCHANGE, S_CLASS, S_DAYS, S_FROM, S_TO, S_OPEN, S_CLOSE, S_EVENING };

#define HOLIDAYS_HEADER "date,exchange,closed,name"
enum { H_DATE, H_EXCHANGE, H_CLOSED, H_NAME };

/* From the widest to the narrowest: the narrowest that fits an instrument counts. */
enum session_class { CLASS_ALL, CLASS_AUCTION, CLASS_EXPIRY, _CLASS_MAX };
static const char *const session_classes[] = {"all", "auction", "expiry", NULL};

enum session_days { DAYS_WEEKDAYS, DAYS_SPECIAL, _DAYS_MAX };
static const char *const session_days[] = {"weekdays", "special", NULL};

enum closed { CLOSED_FULL, CLOSED_MORNING, CLOSED_EVENING, CLOSED_NOT };
static const char *const closed_words[] = {"full", "morning", "evening", NULL};

struct session {
        enum exchange exchange;
        enum session_class class;
        enum session_days days;
        int from, to;
        int open, close; /* seconds of the day */
        int evening;     /* where an evening session begins; 0: it has none */
};

struct holiday {
        int day;
        enum exchange exchange;
        enum closed closed;
};

struct calendar {
        unsigned n_sessions, n_holidays;
        struct session sessions[CALENDAR_SESSIONS_MAX];
        struct holiday *holidays; /* sorted by day and exchange */
};

static int holiday_compare(const void *a, const void *b)
{
        const struct holiday *x = a, *y = b;

        if (x->day != y->day)
                return x->day < y->day ? -1 : 1;
        return (int)x->exchange - (int)y->exchange;
}

static int csv_exchange(struct csv *c, unsigned column, enum exchange *ret)
{
        int e = exchange_from(c->cells[column].s, c->cells[column].n);
        if (e < 0)
                return csv_cell_fault(c, column, "one of NSE BSE NFO BFO CDS MCX");
        *ret = (enum exchange)e;
        return 0;
}

static int session_read(struct csv *csv, struct session *s)
{
        int r;

        if ((r = csv_exchange(csv, S_EXCHANGE, &s->exchange)) < 0 ||
            (r = csv_word(csv, S_CLASS, session_classes)) < 0)
                return r;
        s->class = (enum session_class)r;
        if ((r = csv_word(csv, S_DAYS, session_days)) < 0)
                return r;
        s->days = (enum session_days)r;
        if ((r = csv_day(csv, S_FROM, &s->from)) < 0)
                return r;
        s->to = DAY_FOREVER;
        if (!csv_is(csv, S_TO, "-") && (r = csv_day(csv, S_TO, &s->to)) < 0)
                return r;
        if ((r = csv_second(csv, S_OPEN, &s->open)) < 0 ||
            (r = csv_second(csv, S_CLOSE, &s->close)) < 0)
                return r;
        if (!csv_is(csv, S_EVENING, "-") && (r = csv_second(csv, S_EVENING, &s->evening)) < 0)
                return r;

        if (s->to < s->from)
                return csv_cell_fault(csv, S_TO, "a date not before the first one, or -");
        if (s->days == DAYS_SPECIAL && s->to == DAY_FOREVER)
                return csv_cell_fault(csv, S_TO, "a date: special days end");
        if (s->close <= s->open)
                return csv_cell_fault(csv, S_CLOSE, "later than the opening");
        if (s->evening != 0 && (s->evening <= s->open || s->evening >= s->close))
                return csv_cell_fault(csv, S_EVENING, "between opening and close, or -");
        return 0;
}

static int sessions_load(struct calendar *c, struct csv *csv)
{
        int r;

        while ((r = csv_next(csv)) > 0) {
                struct session s = {};

                if ((r = session_read(csv, &s)) < 0)
                        return r;
                if (c->n_sessions == CALENDAR_SESSIONS_MAX)
                        return csv_fault(csv, "more than %d sessions", CALENDAR_SESSIONS_MAX);
                for (unsigned i = 0; i < c->n_sessions; i++) {
                        const struct session *o = &c->sessions[i];

                        if (o->exchange == s.exchange && o->class == s.class && o->days == s.days &&
                            s.from <= o->to && o->from <= s.to)
                                return csv_fault(csv, "the dates overlap with an earlier line");
                }
                c->sessions[c->n_sessions++] = s;
        }
        return r;
}

/* The row for that day and, where there is one, for the narrowest class: special days before all
 * others. `classes` is a set of 1 << CLASS_…. */
static const struct session *session_find(const struct calendar *c, enum exchange e, int day,
                                          unsigned classes)
{
        const struct session *best = NULL;

        for (unsigned i = 0; i < c->n_sessions; i++) {
                const struct session *s = &c->sessions[i];

                if (s->exchange != e || day < s->from || day > s->to || !(classes & 1U << s->class))
                        continue;
                if (!best || s->days > best->days ||
                    (s->days == best->days && s->class > best->class))
                        best = s;
        }
        return best;
}

static int holiday_read(struct calendar *c, struct csv *csv, struct holiday *h)
{
        const struct session *s;
        int r;

        if ((r = csv_day(csv, H_DATE, &h->day)) < 0 ||
            (r = csv_exchange(csv, H_EXCHANGE, &h->exchange)) < 0 ||
            (r = csv_word(csv, H_CLOSED, closed_words)) < 0)
                return r;
        h->closed = (enum closed)r;
        if (csv->cells[H_NAME].n == 0)
                return csv_cell_fault(csv, H_NAME, "given");
        for (unsigned i = 0; i < c->n_holidays; i++)
                if (holiday_compare(&c->holidays[i], h) == 0)
                        return csv_fault(csv, "this date and exchange has an earlier line");
        if (h->closed == CLOSED_FULL)
                return 0;
        s = session_find(c, h->exchange, h->day, 1U << CLASS_ALL);
        if (!s || s->evening == 0)
                return csv_cell_fault(csv, H_CLOSED, "full: this exchange has no evening session");
        return 0;
}

static int holidays_load(struct calendar *c, struct csv *csv)
{
        unsigned size = 0;
        int r;

        while ((r = csv_next(csv)) > 0) {
                struct holiday h = {};

                if ((r = holiday_read(c, csv, &h)) < 0)
                        return r;
                if (c->n_holidays == CALENDAR_HOLIDAYS_MAX)
                        return csv_fault(csv, "more than %d holidays", CALENDAR_HOLIDAYS_MAX);
                if (c->n_holidays == size) {
                        size = size ? size * 2 : 64;
                        struct holiday *more = reallocarray(c->holidays, size, sizeof(*more));
                        if (!more)
                                return -ENOMEM;
                        c->holidays = more;
                }
                c->holidays[c->n_holidays++] = h;
        }
        if (r == 0 && c->n_holidays > 0)
                qsort(c->holidays, c->n_holidays, sizeof(c->holidays[0]), holiday_compare);
        return r;
}

int calendar_new(const char *sessions, size_t n_sessions, const char *holidays, size_t n_holidays,
                 char *fault, size_t fault_size, struct calendar **ret)
{
        _cleanup_(calendar_freep) struct calendar *c = calloc(1, sizeof(*c));
        struct csv csv;
        int r;

        if (!c)
                return -ENOMEM;
        csv = (struct csv){.source = {"sessions.csv", sessions, n_sessions},
                           .header = SESSIONS_HEADER,
                           .fault = fault,
                           .fault_size = fault_size};
        r = sessions_load(c, &csv);
        if (r < 0)
                return r;
        csv = (struct csv){.source = {"holidays.csv", holidays, n_holidays},
                           .header = HOLIDAYS_HEADER,
                           .fault = fault,
                           .fault_size = fault_size};
        r = holidays_load(c, &csv);
        if (r < 0)
                return r;
        *ret = TAKE(c);
        return 0;
}

struct calendar *calendar_free(struct calendar *c)
{
        if (c) {
                free(c->holidays);
                free(c);
        }
        return NULL;
}

static int weekday_of(int day)
{
        return clock_ist(clock_from_ist(day, 0)).weekday;
}

/* The hours of that day for these classes; false when it is closed. */
static bool hours_of(const struct calendar *c, enum exchange e, int day, unsigned classes,
                     int *ret_open, int *ret_close)
{
        const struct session *s = session_find(c, e, day, classes);
        if (!s)
                return false;
        *ret_open = s->open;
        *ret_close = s->close;
        if (s->days == DAYS_SPECIAL)
                return true;

        int weekday = weekday_of(day);
        if (weekday == 0 || weekday == 6)
                return false;
        struct holiday key = {.day = day, .exchange = e};
        const struct holiday *h = NULL;
        if (c->n_holidays > 0)
                h = bsearch(&key, c->holidays, c->n_holidays, sizeof(key), holiday_compare);
        switch (h ? h->closed : CLOSED_NOT) {
        case CLOSED_FULL:
                return false;
        case CLOSED_MORNING:
                *ret_open = s->evening;
                return s->evening != 0;
        case CLOSED_EVENING:
                *ret_close = s->evening ? s->evening : s->close;
                return true;
        case CLOSED_NOT:
                return true;
        }
        return false;
}

static bool hours_of_instrument(const struct calendar *c, const struct instrument *i, int day,
                                int *ret_open, int *ret_close)
{
        unsigned classes = 1U << CLASS_ALL;

        if (i->expiry != 0 && day > i->expiry)
                return false;
        if (i->closing_auction)
                classes |= 1U << CLASS_AUCTION;
        if (i->expiry == day)
                classes |= 1U << CLASS_EXPIRY;
        return hours_of(c, i->exchange, day, classes, ret_open, ret_close);
}

unsigned calendar_holidays_of(const struct calendar *c, enum exchange e, int year)
{
        unsigned n = 0;

        for (unsigned i = 0; i < c->n_holidays; i++)
                n += c->holidays[i].exchange == e && c->holidays[i].day / 10000 == year &&
                     c->holidays[i].closed == CLOSED_FULL;
        return n;
}

bool calendar_trading_day(const struct calendar *c, enum exchange e, int day)
{
        int open, close;

        return hours_of(c, e, day, 1U << CLASS_ALL, &open, &close);
}

bool calendar_open(const struct calendar *c, const struct instrument *i, int64_t wall_us)
{
        struct ist now = clock_ist(wall_us);
        int open, close;

        return hours_of_instrument(c, i, now.day, &open, &close) && now.second >= open &&
               now.second < close;
}

int calendar_next_trading_day(const struct calendar *c, int day)
{
        int next = day;

        for (int n = 0; n < CALENDAR_SEARCH_DAYS; n++) {
                next = clock_day_add(next, 1);
                if (calendar_trading_day(c, EXCHANGE_NSE, next))
                        return next;
        }
        return clock_day_add(day, 1);
}

int calendar_on_or_before(const struct calendar *c, enum exchange e, int day)
{
        int before = day;

        for (int n = 0; n < CALENDAR_SEARCH_DAYS; n++) {
                if (calendar_trading_day(c, e, before))
                        return before;
                before = clock_day_add(before, -1);
        }
        return day;
}

int64_t calendar_close_of(const struct calendar *c, const struct instrument *i, int day)
{
        int open, close;

        if (!hours_of_instrument(c, i, day, &open, &close))
                return 0;
        return clock_from_ist(day, close);
}
