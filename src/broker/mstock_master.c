/* m.Stock: the master of instruments (§3), one CSV file with a header. The columns' names are sure,
 * what stands in instrument_type is not: EQ FUT CE PE, or the exchange's OPTIDX and so on. */
#include "broker/mstock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

#define WORD_SIZE 64

enum column { TOKEN, SYMBOL, NAME, EXPIRY, STRIKE, TICK, LOT, TYPE, SEGMENT, EXCHANGE };
static const char *const columns[] = {
        [TOKEN] = "instrument_token",
        [SYMBOL] = "tradingsymbol",
        [NAME] = "name",
        [EXPIRY] = "expiry",
        [STRIKE] = "strike",
        [TICK] = "tick_size",
        [LOT] = "lot_size",
        [TYPE] = "instrument_type",
        [SEGMENT] = "segment",
        [EXCHANGE] = "exchange",
        NULL,
};
static const char *const files[] = {"/instruments/scriptmaster", NULL};

static bool cell_starts(const struct broker_cell *c, const char *s)
{
        return strlen(s) <= c->n && memcmp(c->s, s, strlen(s)) == 0;
}

static bool cell_ends(const struct broker_cell *c, const char *s)
{
        size_t n = strlen(s);

        return n <= c->n && memcmp(c->s + c->n - n, s, n) == 0;
}

static int cell_decimal(const struct broker_cell *c, int64_t *ret)
{
        if (c->n == 0) {
                *ret = 0;
                return 0;
        }
        return decimal_parse_rounded(c->s, c->n, ret);
}

/* 50 or 50.0 */
static int cell_quantity(const struct broker_cell *c, int64_t *ret)
{
        int64_t value;
        int r = cell_decimal(c, &value);

        if (r < 0 || value < 0 || value % DECIMAL_ONE || value / DECIMAL_ONE > QUANTITY_MAX)
                return -EINVAL;
        *ret = value / DECIMAL_ONE;
        return 0;
}

static int read_expiry(const struct broker_cell *c, int *ret)
{
        int64_t year, month, day;

        if (c->n != 10 || c->s[4] != '-' || c->s[7] != '-' ||
            text_parse_int(c->s, 4, 2000, 2999, &year) < 0 ||
            text_parse_int(c->s + 5, 2, 1, 12, &month) < 0 ||
            text_parse_int(c->s + 8, 2, 1, 31, &day) < 0)
                return -EINVAL;
        *ret = (int)(year * 10000 + month * 100 + day);
        return clock_day_valid(*ret) ? 0 : -EINVAL;
}

/* --- shares --- */

/* What stands behind the last dash of a share: the NSE's series, the BSE's groups. `rank` orders
 * those that may stand beside each other for one share. */
struct series {
        enum exchange exchange;
        const char *text;
        unsigned rank;
        bool trade_to_trade;
};
static const struct series series[] = {
        {EXCHANGE_NSE, "EQ", 0, false}, {EXCHANGE_NSE, "BE", 1, true},
        {EXCHANGE_NSE, "BZ", 2, true},  {EXCHANGE_NSE, "SM", 3, false},
        {EXCHANGE_NSE, "ST", 4, true},  {EXCHANGE_NSE, "SZ", 5, true},
        {EXCHANGE_BSE, "A", 0, false},  {EXCHANGE_BSE, "B", 0, false},
        {EXCHANGE_BSE, "X", 1, false},  {EXCHANGE_BSE, "T", 2, true},
        {EXCHANGE_BSE, "XT", 2, true},  {EXCHANGE_BSE, "Z", 3, true},
        {EXCHANGE_BSE, "M", 4, false},  {EXCHANGE_BSE, "MT", 5, true},
        {EXCHANGE_BSE, "E", 6, false},
};

/* The symbol without its series, and what the series tells. */
static void split_series(enum exchange e, char *symbol, struct instrument *i, unsigned *ret_rank)
{
        char *dash = strrchr(symbol, '-');

        i->intraday_allowed = true;
        *ret_rank = 0;
        for (size_t k = 0; dash && dash > symbol && k < ELEMENTS(series); k++)
                if (series[k].exchange == e && strcmp(dash + 1, series[k].text) == 0) {
                        *dash = '\0';
                        *ret_rank = series[k].rank;
                        i->intraday_allowed = !series[k].trade_to_trade;
                        return;
                }
}

static int read_share(const struct broker_cell *cells, struct instrument *i, unsigned *ret_rank)
{
        char symbol[WORD_SIZE];

        if (!text_copy_bytes(symbol, sizeof(symbol), cells[SYMBOL].s, cells[SYMBOL].n))
                return 0;
        i->segment = SEGMENT_EQUITY;
        split_series(i->exchange, symbol, i, ret_rank);
        /* names with other characters than the exchanges' symbols have are of debt and the like */
        return instrument_make_symbol(i, symbol);
}

/* --- derivatives --- */

static const char *const indices[] = {
        "NIFTY",  "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50",
        "SENSEX", "BANKEX",    "SENSEX50", "INDIAVIX",
};

static bool is_future(const struct broker_cell *cells)
{
        return cell_starts(&cells[TYPE], "FUT");
}

static bool is_option(const struct broker_cell *cells)
{
        return broker_cell_is(&cells[TYPE], "CE") || broker_cell_is(&cells[TYPE], "PE") ||
               cell_starts(&cells[TYPE], "OPT");
}

/* What stands behind the underlying in a symbol of the NSE's form: the month, or of a weekly
 * contract month and day, strike, kind. */
static void make_end(const struct instrument *i, bool weekly, char *buf, size_t size)
{
        static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                             "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
        int year = i->expiry / 10000 % 100, month = i->expiry / 100 % 100;
        char strike[DECIMAL_TEXT_SIZE] = "", date[8];

        if (i->segment == SEGMENT_OPTION)
                decimal_print_short(i->strike, strike);
        if (weekly)
                snprintf(date, sizeof(date), "%c%02d", "123456789OND"[month - 1],
                         i -> expiry % 100);
        else
                snprintf(date, sizeof(date), "%s", months[month - 1]);
        snprintf(buf, size, "%02d%s%s%s", year, date, strike,
                 i->segment == SEGMENT_FUTURE ? "FUT"
                 : i->call                    ? "CE"
                                              : "PE");
}

/* The name, when the symbol begins with it; a name of another kind (it is described in no source)
 * leaves the symbol, but for what the other fields say that it ends with. */
static bool read_underlying(const struct broker_cell *cells, struct instrument *i)
{
        const struct broker_cell *name = &cells[NAME], *symbol = &cells[SYMBOL];
        char end[WORD_SIZE];

        if (name->n > 0 && name->n < symbol->n && memcmp(symbol->s, name->s, name->n) == 0)
                return text_copy_bytes(i->underlying, sizeof(i->underlying), name->s, name->n);
        for (int weekly = 0; weekly < 2; weekly++) {
                make_end(i, weekly, end, sizeof(end));
                if (cell_ends(symbol, end) && symbol->n > strlen(end))
                        return text_copy_bytes(i->underlying, sizeof(i->underlying), symbol->s,
                                               symbol->n - strlen(end));
        }
        return false;
}

static int read_derivative(const struct broker_cell *cells, struct instrument *i)
{
        bool future = is_future(cells);
        bool call = broker_cell_is(&cells[TYPE], "CE") ||
                    (!broker_cell_is(&cells[TYPE], "PE") && cell_ends(&cells[SYMBOL], "CE"));

        if (!future && !call && !broker_cell_is(&cells[TYPE], "PE") &&
            !cell_ends(&cells[SYMBOL], "PE"))
                return -EINVAL;
        i->segment = future ? SEGMENT_FUTURE : SEGMENT_OPTION;
        i->call = !future && call;
        i->intraday_allowed = true;
        if (read_expiry(&cells[EXPIRY], &i->expiry) < 0)
                return -EINVAL;
        if (!future && (cell_decimal(&cells[STRIKE], &i->strike) < 0 || i->strike <= 0))
                return -EINVAL;
        if (!read_underlying(cells, i))
                return -EINVAL;
        for (size_t k = 0; k < ELEMENTS(indices); k++)
                i->on_index |= strcmp(indices[k], i->underlying) == 0;
        return instrument_make_symbol(i, i->underlying) ? 1 : -EINVAL;
}

/* --- rows --- */

/* 0: an exchange that is not served. The rows of derivatives may name the stock exchange (§14.10).
 */
static bool read_exchange(const struct broker_cell *cells, bool derivative, enum exchange *ret)
{
        if (broker_cell_is(&cells[EXCHANGE], derivative ? "NFO" : "NSE") ||
            (derivative && broker_cell_is(&cells[EXCHANGE], "NSE")))
                *ret = derivative ? EXCHANGE_NFO : EXCHANGE_NSE;
        else if (broker_cell_is(&cells[EXCHANGE], derivative ? "BFO" : "BSE") ||
                 (derivative && broker_cell_is(&cells[EXCHANGE], "BSE")))
                *ret = derivative ? EXCHANGE_BFO : EXCHANGE_BSE;
        else
                return false;
        return true;
}

static bool is_index(const struct broker_cell *cells)
{
        return cell_starts(&cells[TYPE], "IND") || cell_starts(&cells[SEGMENT], "IND") ||
               broker_cell_is(&cells[TYPE], "AMXIDX");
}

static bool put_name(char *to, size_t size, const struct instrument *i,
                     const struct broker_cell *cell)
{
        char text[WORD_SIZE];
        int n = text_copy_bytes(text, sizeof(text), cell->s, cell->n)
                        ? snprintf(to, size, "%s:%s", exchange_name(i->exchange), text)
                        : -1;

        return cell->n > 0 && n > 0 && (size_t)n < size;
}

static int read_row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
                    unsigned *ret_rank)
{
        struct instrument *i = &ret->instrument;
        bool derivative = is_future(cells) || is_option(cells);

        (void)file;
        if (cells[SYMBOL].n == 0 || cells[EXCHANGE].n == 0)
                return -EINVAL;
        if (is_index(cells) || !read_exchange(cells, derivative, &i->exchange))
                return 0;
        if (cell_quantity(&cells[LOT], &i->lot) < 0 || cell_decimal(&cells[TICK], &i->tick) < 0 ||
            i->tick < 0 || !put_name(ret->key, sizeof(ret->key), i, &cells[SYMBOL]) ||
            !put_name(ret->token, sizeof(ret->token), i, &cells[TOKEN]))
                return -EINVAL;
        if (i->lot == 0 || i->tick == 0)
                return 0;
        text_copy_bytes(i->name, sizeof(i->name), cells[NAME].s,
                        text_utf8_cut(cells[NAME].s, cells[NAME].n, sizeof(i->name) - 1));
        return derivative ? read_derivative(cells, i) : read_share(cells, i, ret_rank);
}

const struct broker_master mstock_master = {
        .files = files,
        .needs_session = true,
        .has_header = true,
        .columns = columns,
        .rows_least = 1000,
        .row = read_row,
};

int mstock_request_master(const struct broker_call *c, struct http_request *r)
{
        if (c->step >= ELEMENTS(files) - 1)
                return -EINVAL;
        text_add(&r->url, files[c->step]);
        return 0;
}
