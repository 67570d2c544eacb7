#include "domain/contracts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"

#define CONTRACTS_HEADER                                                                       \
        "exchange,underlying,name,on_index,kind,expiry,count,lot,tick,freeze,band,level,step," \
        "strikes"
enum {
        C_EXCHANGE,
        C_UNDERLYING,
        C_NAME,
        C_ON_INDEX,
        C_KIND,
        C_EXPIRY,
        C_COUNT,
        C_LOT,
        C_TICK,
        C_FREEZE,
        C_BAND,
        C_LEVEL,
        C_STEP,
        C_STRIKES
};

/* How many months or weeks are tried for one line before it is given up. */
#define CANDIDATES_MAX 36

#define DAYS_A_YEAR     365
#define CARRY_PER_MILLE 65 /* a year: what a future costs above its underlying */
/* A price at the money is 0.4 × volatility × level × √years; the volatility is 14 %. */
#define AT_THE_MONEY_PER_MILLE 56

static const char *const derivative_exchanges[] = {"NFO", "BFO", "CDS", "MCX", NULL};
static const char *const kinds[] = {"FUT", "OPT", NULL};
enum { KIND_FUTURE, KIND_OPTION };
static const char *const weekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                     "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

struct expiry_rule {
        enum {
                EXPIRY_WEEKLY,     /* each `number`-day of the week */
                EXPIRY_LAST,       /* the last such day of the month */
                EXPIRY_DAY,        /* the `number`-th of the month */
                EXPIRY_BEFORE_END, /* `number` trading days before the month's last one */
        } kind;
        int number;
};

struct rule {
        char name[INSTRUMENT_NAME_SIZE / 2];
        unsigned kind;
        struct expiry_rule expiry;
        int64_t count;
        int64_t level, step, strikes;
        struct instrument model; /* what all contracts of the line share */
};

/* What earlier lines made: a monthly line does not repeat the expiries of a weekly one. */
struct made {
        enum exchange exchange;
        unsigned kind;
        int expiry;
        char underlying[sizeof(((struct instrument *)0)->underlying)];
};

struct maker {
        struct csv csv;
        int day;
        const struct calendar *calendar;
        const struct ticks *ticks;
        int (*add)(void *userdata, struct csv *at, const struct instrument *i);
        void *userdata;
        unsigned n_rules, n_made;
        struct made made[CONTRACTS_RULES_MAX * CONTRACTS_EXPIRIES_MAX];
};

static int weekday_from(const char *s, size_t n)
{
        for (int i = 0; i < (int)ELEMENTS(weekdays); i++)
                if (n == 3 && memcmp(s, weekdays[i], 3) == 0)
                        return i;
        return -EINVAL;
}

static int expiry_rule_read(struct csv *c, struct expiry_rule *ret)
{
        static const char weekly[] = "weekly:", monthly[] = "monthly:";
        const char *s = c->cells[C_EXPIRY].s;
        size_t n = c->cells[C_EXPIRY].n;
        int64_t number;
        int weekday;

        if (n > sizeof(weekly) - 1 && memcmp(s, weekly, sizeof(weekly) - 1) == 0) {
                weekday = weekday_from(s + sizeof(weekly) - 1, n - (sizeof(weekly) - 1));
                *ret = (struct expiry_rule){EXPIRY_WEEKLY, weekday};
                if (weekday >= 0)
                        return 0;
        } else if (n > sizeof(monthly) - 1 && memcmp(s, monthly, sizeof(monthly) - 1) == 0) {
                s += sizeof(monthly) - 1;
                n -= sizeof(monthly) - 1;
                weekday = weekday_from(s, n);
                if (weekday >= 0) {
                        *ret = (struct expiry_rule){EXPIRY_LAST, weekday};
                        return 0;
                }
                if (s[0] == '-' && text_parse_int(s + 1, n - 1, 0, 9, &number) == 0) {
                        *ret = (struct expiry_rule){EXPIRY_BEFORE_END, (int)number};
                        return 0;
                }
                if (text_parse_int(s, n, 1, 28, &number) == 0) {
                        *ret = (struct expiry_rule){EXPIRY_DAY, (int)number};
                        return 0;
                }
        }
        return csv_cell_fault(c, C_EXPIRY,
                              "weekly:TUE, monthly:TUE (the last), monthly:19 or monthly:-2");
}

static int rule_read_options(struct csv *c, struct rule *rule)
{
        int r;

        if (rule->kind == KIND_FUTURE) {
                if (!csv_is(c, C_STEP, "-"))
                        return csv_cell_fault(c, C_STEP, "- for a future");
                if (!csv_is(c, C_STRIKES, "-"))
                        return csv_cell_fault(c, C_STRIKES, "- for a future");
                return 0;
        }
        if ((r = csv_decimal(c, C_STEP, 1, rule->level, &rule->step)) < 0 ||
            (r = csv_int(c, C_STRIKES, 0, CONTRACTS_STRIKES_MAX, &rule->strikes)) < 0)
                return r;
        if (rule->step * (rule->strikes + 1) >= rule->level)
                return csv_cell_fault(c, C_STRIKES, "fewer: the lowest strike is not above zero");
        return 0;
}

static int rule_read_market(struct maker *m, struct rule *rule)
{
        struct instrument *i = &rule->model;
        struct csv *c = &m->csv;
        int64_t band;
        int r;

        if ((r = csv_int(c, C_COUNT, 1, CONTRACTS_EXPIRIES_MAX, &rule->count)) < 0 ||
            (r = csv_int(c, C_LOT, 1, INT32_MAX, &i->lot)) < 0 ||
            (r = csv_decimal(c, C_LEVEL, 1, DECIMAL_MAX / 1000, &rule->level)) < 0)
                return r;
        if (!csv_is(c, C_TICK, "-")) {
                if ((r = csv_decimal(c, C_TICK, 1, rule->level, &i->tick)) < 0)
                        return r;
        } else if (i->on_index && rule->kind == KIND_FUTURE) {
                i->tick = ticks_find(m->ticks, TICK_INDEX_FUTURE, rule->level);
        } else {
                return csv_cell_fault(c, C_TICK, "a decimal; - is for futures on an index");
        }
        if (!csv_is(c, C_FREEZE, "-") &&
            (r = csv_int(c, C_FREEZE, i->lot, INT64_C(1) << 40, &i->freeze)) < 0)
                return r;
        if (!csv_is(c, C_BAND, "-")) {
                if ((r = csv_int(c, C_BAND, 1, 100, &band)) < 0)
                        return r;
                i->band_percent = (int)band;
        }
        return 0;
}

static int rule_read(struct maker *m, struct rule *rule)
{
        struct instrument *i = &rule->model;
        struct csv *c = &m->csv;
        char symbol[SYMBOL_SIZE], probe[SYMBOL_SIZE];
        enum exchange e;
        int r;

        if ((r = csv_word(c, C_EXCHANGE, derivative_exchanges)) < 0)
                return r;
        i->exchange = (enum exchange)exchange_from(derivative_exchanges[r], 3);
        if ((r = csv_text(c, C_UNDERLYING, i->underlying, sizeof(i->underlying))) < 0)
                return r;
        snprintf(probe, sizeof(probe), "%s:%s", derivative_exchanges[i->exchange - EXCHANGE_NFO],
                 i->underlying);
        if (symbol_parse(probe, strlen(probe), symbol, &e) < 0)
                return csv_cell_fault(c, C_UNDERLYING, "a symbol: A-Z 0-9 & - .");
        if ((r = csv_text(c, C_NAME, rule->name, sizeof(rule->name))) < 0 ||
            (r = csv_yes(c, C_ON_INDEX, &i->on_index)) < 0 || (r = csv_word(c, C_KIND, kinds)) < 0)
                return r;
        rule->kind = (unsigned)r;
        i->segment = rule->kind == KIND_FUTURE ? SEGMENT_FUTURE : SEGMENT_OPTION;
        i->intraday_allowed = true;
        if ((r = expiry_rule_read(c, &rule->expiry)) < 0 || (r = rule_read_market(m, rule)) < 0)
                return r;
        return rule_read_options(c, rule);
}

static int weekday_of(int day)
{
        return clock_ist(clock_from_ist(day, 0)).weekday;
}

static int month_end(int year, int month)
{
        int next = month == 12 ? (year + 1) * 10000 + 101 : year * 10000 + (month + 1) * 100 + 1;

        return clock_day_add(next, -1);
}

/* The n-th date of the rule, counted from the week or month of `day`, before holidays are looked
 * at. */
static int expiry_nominal(const struct expiry_rule *rule, int day, int n)
{
        if (rule->kind == EXPIRY_WEEKLY)
                return clock_day_add(day, (rule->number - weekday_of(day) + 7) % 7 + 7 * n);

        int month = day / 100 % 100 - 1 + n;
        int year = day / 10000 + month / 12;
        month = month % 12 + 1;
        if (rule->kind == EXPIRY_DAY)
                return (year * 100 + month) * 100 + rule->number;
        int end = month_end(year, month);
        if (rule->kind == EXPIRY_LAST)
                return clock_day_add(end, -((weekday_of(end) - rule->number + 7) % 7));
        return end;
}

/* A holiday moves an expiry to the trading day before. */
static int expiry_of(const struct maker *m, const struct rule *rule, int n)
{
        enum exchange e = rule->model.exchange;
        int day = calendar_on_or_before(m->calendar, e, expiry_nominal(&rule->expiry, m->day, n));

        for (int i = 0; rule->expiry.kind == EXPIRY_BEFORE_END && i < rule->expiry.number; i++)
                day = calendar_on_or_before(m->calendar, e, clock_day_add(day, -1));
        return day;
}

static bool expiry_made(const struct maker *m, const struct rule *rule, int expiry)
{
        for (unsigned i = 0; i < m->n_made; i++)
                if (m->made[i].expiry == expiry && m->made[i].kind == rule->kind &&
                    m->made[i].exchange == rule->model.exchange &&
                    strcmp(m->made[i].underlying, rule->model.underlying) == 0)
                        return true;
        return false;
}

static int64_t square_root(int64_t x)
{
        int64_t root = 0;

        for (int64_t bit = INT64_C(1) << 31; bit > 0; bit >>= 1)
                if ((root + bit) * (root + bit) <= x)
                        root += bit;
        return root;
}

/* A plausible price: intrinsic value, and a time value that grows with the square root of the time
 * left and fades with the distance from the level: peak ÷ (1 + x + x²), x being the distance in
 * twice the peak. Its slope stays under one, so that a higher strike never makes a call dearer. */
static int64_t option_price(const struct rule *rule, const struct instrument *i, int64_t days)
{
        const int64_t scale = 1000000;
        int64_t root = square_root(days * scale * scale / DAYS_A_YEAR);
        int64_t peak = decimal_muldiv(rule->level, AT_THE_MONEY_PER_MILLE * root, 1000 * scale);
        int64_t away = rule->level - i->strike;
        int64_t worth = i->call ? away : -away;
        int64_t value = 0;

        if (peak > 0) {
                int64_t x = decimal_muldiv(away < 0 ? -away : away, DECIMAL_ONE, 2 * peak);

                value = decimal_muldiv(peak, DECIMAL_ONE,
                                       DECIMAL_ONE + x + decimal_muldiv(x, x, DECIMAL_ONE));
        }
        int64_t price = instrument_round_to_tick(i, value + (worth > 0 ? worth : 0), true);
        return price < 2 * i->tick ? 2 * i->tick : price;
}

static int contract_add(struct maker *m, const struct rule *rule, struct instrument *i,
                        const char *end)
{
        if (!instrument_make_symbol(i, NULL))
                return csv_cell_fault(&m->csv, C_UNDERLYING,
                                      "shorter: the symbols become too long");
        snprintf(i->name, sizeof(i->name), "%s %02d %s %04d %s", rule->name, i->expiry % 100,
                 months[i->expiry / 100 % 100 - 1], i->expiry / 10000,
                 i->segment == SEGMENT_FUTURE ? "future" : end);
        return m->add(m->userdata, &m->csv, i);
}

static int contracts_of_expiry(struct maker *m, const struct rule *rule, int expiry)
{
        int64_t days =
                (clock_from_ist(expiry, 0) - clock_from_ist(m->day, 0)) / (86400 * USEC_PER_SEC);
        struct instrument i = rule->model;

        i.expiry = expiry;
        if (rule->kind == KIND_FUTURE) {
                int64_t carry =
                        decimal_muldiv(rule->level, CARRY_PER_MILLE * days, 1000 * DAYS_A_YEAR);
                i.previous_close = instrument_round_to_tick(&i, rule->level + carry, false);
                return contract_add(m, rule, &i, "FUT");
        }
        int64_t middle = (rule->level + rule->step / 2) / rule->step * rule->step;
        for (int64_t n = -rule->strikes; n <= rule->strikes; n++) {
                char strike[DECIMAL_TEXT_SIZE], end[DECIMAL_TEXT_SIZE + 2];

                i.strike = middle + n * rule->step;
                decimal_print_short(i.strike, strike);
                for (int call = 0; call < 2; call++) {
                        i.call = call;
                        /* On its last day a contract still has some hours. */
                        i.previous_close = option_price(rule, &i, days > 0 ? days : 1);
                        snprintf(end, sizeof(end), "%s%s", strike, call ? "CE" : "PE");
                        int r = contract_add(m, rule, &i, end);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int contracts_of_rule(struct maker *m, const struct rule *rule)
{
        int64_t left = rule->count;

        for (int n = 0; n < CANDIDATES_MAX && left > 0; n++) {
                int expiry = expiry_of(m, rule, n);

                if (expiry < m->day || expiry_made(m, rule, expiry))
                        continue;
                int r = contracts_of_expiry(m, rule, expiry);
                if (r < 0)
                        return r;
                struct made *made = &m->made[m->n_made++];
                *made = (struct made){rule->model.exchange, rule->kind, expiry, ""};
                text_copy(made->underlying, sizeof(made->underlying), rule->model.underlying);
                left--;
        }
        return 0;
}

int contracts_make(const struct csv_source *source, int day, const struct calendar *calendar,
                   const struct ticks *ticks, char *fault, size_t fault_size,
                   int (*add)(void *userdata, struct csv *at, const struct instrument *i),
                   void *userdata)
{
        _cleanup_(freep) struct maker *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->csv = (struct csv){.source = *source,
                              .header = CONTRACTS_HEADER,
                              .fault = fault,
                              .fault_size = fault_size};
        m->day = day;
        m->calendar = calendar;
        m->ticks = ticks;
        m->add = add;
        m->userdata = userdata;
        while ((r = csv_next(&m->csv)) > 0) {
                struct rule rule = {};

                if (m->n_rules++ == CONTRACTS_RULES_MAX)
                        return csv_fault(&m->csv, "more than %d lines of rules",
                                         CONTRACTS_RULES_MAX);
                if ((r = rule_read(m, &rule)) < 0 || (r = contracts_of_rule(m, &rule)) < 0)
                        return r;
        }
        return r;
}
