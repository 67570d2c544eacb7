/* HDFC Securities: the security master (§3), one CSV file for all segments. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "broker/hdfc.h"

enum {
        EXCHANGE,
        SECURITY_ID,
        SEGMENT,
        EXPIRY,
        STRIKE,
        OPTION,
        LOT,
        TICK,
        CLOSE,
        TOKEN,
        NAME,
        UNDERLYING
};
static const char *const columns[] = {
        [EXCHANGE] = "exchange",
        [SECURITY_ID] = "security_id",
        [SEGMENT] = "instrument_segment",
        [EXPIRY] = "expiry_date",
        [STRIKE] = "strike_price",
        [OPTION] = "option_type",
        [LOT] = "lot_size",
        [TICK] = "tick_size",
        [CLOSE] = "close_price",
        [TOKEN] = "exch_security_id",
        [NAME] = "symbol_name",
        [UNDERLYING] = "underline_symbol",
        NULL,
};
static const char *const files[] = {"/security-master", NULL};

static bool ends_in(const char *s, size_t n, const char *text)
{
        size_t k = strlen(text);
        return n > k && memcmp(s + n - k, text, k) == 0;
}

static bool all_digits(const char *s, size_t n)
{
        return n > 0 && text_only(s, n, "0123456789");
}

bool hdfc_underlying(const char *id, size_t n, char *ret, size_t size)
{
        if (ends_in(id, n, "EQEQNR") || ends_in(id, n, "EQEQTT"))
                n -= 6;
        else if (ends_in(id, n, "EQNR") || ends_in(id, n, "EQTT"))
                return false; /* a code of shares: its letters are not the symbol's */
        /* The numbers of contracts; the BSE's have a B in front. */
        if (n == 0 || all_digits(id, n) || (id[0] == 'B' && all_digits(id + 1, n - 1)))
                return false;
        return text_copy_bytes(ret, size, id, n);
}

/* --- days --- */

/* 1 … 12, or 0. */
static int month_of(const char *s)
{
        static const char months[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";

        for (int m = 0; m < 12; m++)
                if (strncasecmp(s, months + m * 3, 3) == 0)
                        return m + 1;
        return 0;
}

/* At most four digits. The number of them. */
static size_t take_number(const char *s, size_t n, int *ret)
{
        size_t k = 0;

        *ret = 0;
        for (; k < n && k < 4 && isdigit((unsigned char)s[k]); k++)
                *ret = *ret * 10 + (s[k] - '0');
        return k;
}

int hdfc_day(const char *s, size_t n)
{
        int64_t number;
        int a, b, c, day = 0;

        if (n == 8 && text_parse_int(s, n, 0, 99999999, &number) == 0)
                return clock_day_valid((int)number) ? (int)number : 0;
        size_t k = take_number(s, n, &a);
        if (k == 4 && n == 10 && s[4] == '-' && s[7] == '-' && take_number(s + 5, 2, &b) == 2 &&
            take_number(s + 8, 2, &c) == 2) {
                day = a * 10000 + b * 100 + c;
        } else if ((k == 1 || k == 2) && n >= k + 7 && strchr(" -", s[k]) && s[k + 4] == s[k]) {
                size_t year = take_number(s + k + 5, n - k - 5, &c);
                b = month_of(s + k + 1);
                if (year != n - k - 5 || (year != 2 && year != 4) || b == 0)
                        return 0;
                day = (year == 2 ? 2000 + c : c) * 10000 + b * 100 + a;
        }
        return clock_day_valid(day) ? day : 0;
}

/* --- rows --- */

/* Whole numbers are paise, those with a point rupees. */
static int read_tick(const struct broker_cell *c, int64_t *ret)
{
        char text[24] = "0"; /* ".0025" */

        if (c->n == 0 || c->n + 2 > sizeof(text))
                return -EINVAL;
        bool leads = c->s[0] == '.';
        text_copy_bytes(text + leads, sizeof(text) - leads, c->s, c->n);
        if (decimal_parse_rounded(text, strlen(text), ret) < 0 || *ret < 0 ||
            *ret > DECIMAL_MAX / 100)
                return -EINVAL;
        if (!memchr(c->s, '.', c->n))
                *ret /= 100;
        return 0;
}

static int read_lot(const struct broker_cell *c, int64_t *ret)
{
        if (decimal_parse(c->s, c->n, ret) < 0 || *ret % DECIMAL_ONE)
                return -EINVAL;
        *ret /= DECIMAL_ONE;
        return *ret < 1 || *ret > QUANTITY_MAX ? -EINVAL : 0;
}

static bool join(char *ret, size_t size, const char *front, char between,
                 const struct broker_cell *c)
{
        size_t n = strlen(front);

        if (n + 1 + c->n >= size)
                return false;
        memcpy(ret, front, n);
        ret[n] = between;
        return text_copy_bytes(ret + n + 1, size - n - 1, c->s, c->n);
}

/* The names that the broker's API has for it; "DUMMY…" tokens cannot be quoted. */
static int read_names(const struct broker_cell *cells, struct scrip *s)
{
        const struct broker_cell *id = &cells[SECURITY_ID], *token = &cells[TOKEN];
        const char *exchange = exchange_name(s->instrument.exchange);

        if (s->instrument.segment == SEGMENT_INDEX)
                exchange = s->instrument.exchange == EXCHANGE_BSE ? "BSE_INDEX" : "NSE_INDEX";
        if (id->n == 0 ||
            !join(s->key, sizeof(s->key), exchange_name(s->instrument.exchange), ':', id))
                return -EINVAL;
        if (all_digits(token->s, token->n) &&
            !join(s->token, sizeof(s->token), exchange, ':', token))
                return -EINVAL;
        return 0;
}

/* Of the series of a share the one that is traded day by day comes first (§3, helpers). -1: none
 * that is a share. */
static int rank_of(const struct broker_cell *id, const struct broker_cell *name)
{
        if (ends_in(id->s, id->n, "EQNR") || ends_in(id->s, id->n, "EQTT"))
                return id->n == 10 ? 0 : 1;
        bool plain = id->n == name->n && memcmp(id->s, name->s, id->n) == 0;
        if (!plain && (ends_in(id->s, id->n, "NR") || ends_in(id->s, id->n, "TT")))
                return -1;
        return 2;
}

static bool is_index(const struct broker_cell *cells)
{
        int64_t token;

        if (text_parse_int(cells[TOKEN].s, cells[TOKEN].n, 0, INT64_MAX, &token) < 0)
                return false;
        return broker_cell_is(&cells[EXCHANGE], "NSE") ? token >= 26000 && token <= 26999
                                                       : token < 1000;
}

static void to_upper(char *s)
{
        for (; *s; s++)
                *s = (char)toupper((unsigned char)*s);
}

static int cash_row(const struct broker_cell *cells, struct scrip *s, unsigned *ret_rank)
{
        struct instrument *i = &s->instrument;
        const struct broker_cell *name = &cells[NAME];
        char symbol[SYMBOL_NAME_SIZE];
        bool index = is_index(cells);
        int rank = index ? 0 : rank_of(&cells[SECURITY_ID], name);

        i->exchange = broker_cell_is(&cells[EXCHANGE], "NSE") ? EXCHANGE_NSE : EXCHANGE_BSE;
        i->segment = index ? SEGMENT_INDEX : SEGMENT_EQUITY;
        /* No symbol, a bond or a fund: nothing that one asks for by a symbol. */
        if (rank < 0 || name->n == 0 || (rank == 2 && !all_digits(cells[TOKEN].s, cells[TOKEN].n)))
                return 0;
        if (!text_copy_bytes(symbol, sizeof(symbol), name->s, name->n))
                return 0;
        if (read_names(cells, s) < 0)
                return -EINVAL;
        if (index) {
                if (read_tick(&cells[TICK], &i->tick) < 0 || i->tick == 0)
                        i->tick = DECIMAL_ONE / 20;
        } else if (read_tick(&cells[TICK], &i->tick) < 0 || i->tick == 0 ||
                   read_lot(&cells[LOT], &i->lot) < 0) {
                return -EINVAL;
        }
        i->intraday_allowed = !index;
        *ret_rank = (unsigned)rank;
        to_upper(symbol);
        return instrument_make_symbol(i, symbol);
}

static size_t without_blanks(const char *s, size_t n)
{
        while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '-'))
                n--;
        return n;
}

/* The month at `at` is one of a date, not letters of a name: a number stands beside it. The length
 * of what is before the date, or 0. */
static size_t date_begins(const struct broker_cell *name, size_t at, int day, int year)
{
        size_t front = without_blanks(name->s, at), behind = at + 3;
        int number;

        if (front >= 2 && take_number(name->s + front - 2, 2, &number) == 2 &&
            (number == day || number == year))
                return without_blanks(name->s, front - 2);
        while (behind < name->n && (name->s[behind] == ' ' || name->s[behind] == '-'))
                behind++;
        return behind < name->n && isdigit((unsigned char)name->s[behind]) ? front : 0;
}

/* The length of a contract's name before the date in it ("NIFTY 29DEC26 …", "NIFTY26DEC…",
 * "NIFTY26D08…" are such); what the file has is not documented (§3). */
static size_t before_date(const struct broker_cell *name, int expiry)
{
        static const char letters[] = "123456789OND"; /* of the exchange's own weekly symbols */
        int month = expiry / 100 % 100, day = expiry % 100, year = expiry / 10000 % 100;
        char weekly[8];

        snprintf(weekly, sizeof(weekly), "%02d%c%02d", year % 100, letters[(month - 1) % 12],
                 day % 100);
        for (size_t at = 1; at + 3 <= name->n; at++) {
                size_t n = month_of(name->s + at) == month ? date_begins(name, at, day, year) : 0;
                if (n > 0)
                        return n;
                if (at + 5 <= name->n && memcmp(name->s + at, weekly, 5) == 0)
                        return without_blanks(name->s, at);
        }
        const char *blank = memchr(name->s, ' ', name->n);
        return blank ? (size_t)(blank - name->s) : name->n;
}

static bool find_underlying(const struct broker_cell *cells, struct instrument *i)
{
        const struct broker_cell *name = &cells[NAME], *id = &cells[UNDERLYING];

        if (!hdfc_underlying(name->s, before_date(name, i->expiry), i->underlying,
                             sizeof(i->underlying)) &&
            !hdfc_underlying(id->s, id->n, i->underlying, sizeof(i->underlying)))
                return false;
        to_upper(i->underlying);
        return true;
}

static int read_option(const struct broker_cell *cells, struct instrument *i)
{
        i->call = broker_cell_is(&cells[OPTION], "CE");
        if (!i->call && !broker_cell_is(&cells[OPTION], "PE"))
                return -EINVAL;
        if (decimal_parse(cells[STRIKE].s, cells[STRIKE].n, &i->strike) < 0 || i->strike <= 0)
                return -EINVAL;
        return 0;
}

static int contract_row(const struct broker_cell *cells, const char *segment, struct scrip *s)
{
        struct instrument *i = &s->instrument;

        i->exchange = broker_cell_is(&cells[EXCHANGE], "NSE") ? EXCHANGE_NFO : EXCHANGE_BFO;
        i->segment = segment[0] == 'O' ? SEGMENT_OPTION : SEGMENT_FUTURE;
        i->on_index = ends_in(segment, strlen(segment), "IDX");
        i->intraday_allowed = true;
        i->expiry = hdfc_day(cells[EXPIRY].s, cells[EXPIRY].n);
        if (!i->expiry || (i->segment == SEGMENT_OPTION && read_option(cells, i) < 0) ||
            read_tick(&cells[TICK], &i->tick) < 0 || i->tick == 0 ||
            read_lot(&cells[LOT], &i->lot) < 0 || read_names(cells, s) < 0)
                return -EINVAL;
        /* An order cannot do without the first, nobody finds it without the second. */
        if (cells[UNDERLYING].n == 0 || !find_underlying(cells, i))
                return 0;
        if (!join(s->detail, sizeof(s->detail), segment, ' ', &cells[UNDERLYING]))
                return -EINVAL;
        return instrument_make_symbol(i, "");
}

/* Currency and commodities are in the file, but not in the pages about orders. */
static int master_row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
                      unsigned *ret_rank)
{
        static const char *const contracts[] = {"FUTIDX", "FUTSTK", "OPTIDX", "OPTSTK"};
        const struct broker_cell *close = &cells[CLOSE];
        struct instrument *i = &ret->instrument;
        int r = 0;

        (void)file;
        if (!broker_cell_is(&cells[EXCHANGE], "NSE") && !broker_cell_is(&cells[EXCHANGE], "BSE"))
                return 0;
        if (broker_cell_is(&cells[SEGMENT], "EQUITY"))
                r = cash_row(cells, ret, ret_rank);
        for (size_t k = 0; k < ELEMENTS(contracts); k++)
                if (broker_cell_is(&cells[SEGMENT], contracts[k]))
                        r = contract_row(cells, contracts[k], ret);
        if (r != 1)
                return r;
        text_copy_bytes(i->name, sizeof(i->name), cells[NAME].s, cells[NAME].n);
        if (decimal_parse_rounded(close->s, close->n, &i->previous_close) < 0 ||
            i->previous_close < 0)
                i->previous_close = 0;
        return 1;
}

const struct broker_master hdfc_master = {
        .files = files,
        .has_header = true,
        .columns = columns,
        .rows_least = 20000,
        .row = master_row,
};
