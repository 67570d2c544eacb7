#include "domain/instruments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/text.h"
#include "domain/contracts.h"
#include "domain/ticks.h"

#define INSTRUMENTS_HEADER \
        "exchange,symbol,name,isin,series,lot,tick,previous_close,band,closing_auction"
enum {
        I_EXCHANGE,
        I_SYMBOL,
        I_NAME,
        I_ISIN,
        I_SERIES,
        I_LOT,
        I_TICK,
        I_PREVIOUS_CLOSE,
        I_BAND,
        I_CLOSING_AUCTION
};

static const char *const cash_exchanges[] = {"NSE", "BSE", NULL};
static const char *const series_words[] = {"EQ", "BE", "INDEX", NULL};
enum { SERIES_NORMAL, SERIES_TRADE_TO_TRADE, SERIES_INDEX };

struct instruments {
        unsigned n;
        struct instrument *rows; /* sorted by symbol */
};

/* Rows while they are collected: with the place each came from, for faults. */
struct build_row {
        struct instrument instrument;
        const char *file;
        unsigned line;
};

struct build {
        unsigned n, size;
        struct build_row *rows;
};

static int build_add(void *userdata, struct csv *at, const struct instrument *i)
{
        struct build *b = userdata;

        if (b->n == INSTRUMENTS_MAX)
                return csv_fault(at, "more than %d instruments", INSTRUMENTS_MAX);
        if (b->n == b->size) {
                unsigned size = b->size ? b->size * 2 : 256;
                struct build_row *rows = reallocarray(b->rows, size, sizeof(*rows));
                if (!rows)
                        return -ENOMEM;
                b->rows = rows;
                b->size = size;
        }
        b->rows[b->n++] = (struct build_row){*i, at->source.name, at->line};
        return 0;
}

/* Two letters, nine letters or digits, and a check digit (Luhn over the digits of base 36). */
static bool isin_valid(const char *s, size_t n)
{
        int sum = 0, place = 0;

        if (n != 12 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' || s[11] < '0' ||
            s[11] > '9')
                return false;
        for (int i = 11; i >= 0; i--) {
                int value;

                if (s[i] >= '0' && s[i] <= '9')
                        value = s[i] - '0';
                else if (s[i] >= 'A' && s[i] <= 'Z')
                        value = s[i] - 'A' + 10;
                else
                        return false;
                do {
                        int digit = value % 10 * (place++ % 2 + 1);

                        sum += digit / 10 + digit % 10;
                        value /= 10;
                } while (value > 0);
        }
        return sum % 10 == 0;
}

static int share_read_names(struct csv *c, struct instrument *i)
{
        char symbol[SYMBOL_SIZE];
        int r;

        if ((r = csv_word(c, I_EXCHANGE, cash_exchanges)) < 0)
                return r;
        int n = snprintf(symbol, sizeof(symbol), "%s:%.*s", cash_exchanges[r],
                         (int)c->cells[I_SYMBOL].n, c->cells[I_SYMBOL].s);
        if (n < 0 || (size_t)n >= sizeof(symbol) ||
            symbol_parse(symbol, (size_t)n, i->symbol, &i->exchange) < 0)
                return csv_cell_fault(c, I_SYMBOL, "1 to 39 of A-Z 0-9 & - . and inner spaces");
        if ((r = csv_text(c, I_NAME, i->name, sizeof(i->name))) < 0)
                return r;
        if (c->cells[I_ISIN].n > 0) {
                if (!isin_valid(c->cells[I_ISIN].s, c->cells[I_ISIN].n))
                        return csv_cell_fault(c, I_ISIN, "an ISIN with its check digit, or empty");
                text_copy_bytes(i->isin, sizeof(i->isin), c->cells[I_ISIN].s, c->cells[I_ISIN].n);
        }
        return 0;
}

static int share_read_market(struct csv *c, const struct ticks *ticks, struct instrument *i)
{
        int64_t band;
        int r;

        int series = csv_word(c, I_SERIES, series_words);
        if (series < 0)
                return series;
        i->segment = series == SERIES_INDEX ? SEGMENT_INDEX : SEGMENT_EQUITY;
        i->intraday_allowed = series == SERIES_NORMAL;
        if (series == SERIES_INDEX)
                r = csv_int(c, I_LOT, 0, 0, &i->lot);
        else
                r = csv_int(c, I_LOT, 1, INT32_MAX, &i->lot);
        if (r < 0 ||
            (r = csv_decimal(c, I_PREVIOUS_CLOSE, 1, DECIMAL_MAX / 1000, &i->previous_close)) < 0)
                return r;
        if (csv_is(c, I_TICK, "-"))
                i->tick = ticks_find(ticks, TICK_SHARE, i->previous_close);
        else if ((r = csv_decimal(c, I_TICK, 1, DECIMAL_MAX / 1000, &i->tick)) < 0)
                return r;
        if (!csv_is(c, I_BAND, "dynamic") && !csv_is(c, I_BAND, "-")) {
                if ((r = csv_int(c, I_BAND, 1, 100, &band)) < 0)
                        return r;
                i->band_percent = (int)band;
        }
        return csv_yes(c, I_CLOSING_AUCTION, &i->closing_auction);
}

static int shares_load(struct build *b, const struct csv_source *source, const struct ticks *ticks,
                       char *fault, size_t fault_size)
{
        struct csv c = {.source = *source,
                        .header = INSTRUMENTS_HEADER,
                        .fault = fault,
                        .fault_size = fault_size};
        int r;

        while ((r = csv_next(&c)) > 0) {
                struct instrument i = {};

                if ((r = share_read_names(&c, &i)) < 0 ||
                    (r = share_read_market(&c, ticks, &i)) < 0 || (r = build_add(b, &c, &i)) < 0)
                        return r;
        }
        return r;
}

static int build_row_compare(const void *a, const void *b)
{
        const struct build_row *x = a, *y = b;

        int r = strcmp(x->instrument.symbol, y->instrument.symbol);
        return r ? r : (x->line > y->line) - (x->line < y->line);
}

/* Sorts, refuses duplicates, and cuts the rows to what is kept. */
static int build_finish(struct build *b, char *fault, size_t fault_size, struct instruments **ret)
{
        _cleanup_(instruments_freep) struct instruments *set = calloc(1, sizeof(*set));

        if (!set)
                return -ENOMEM;
        set->rows = calloc(b->n ? b->n : 1, sizeof(*set->rows));
        if (!set->rows)
                return -ENOMEM;
        if (b->n > 0)
                qsort(b->rows, b->n, sizeof(b->rows[0]), build_row_compare);
        for (unsigned i = 0; i < b->n; i++) {
                const struct build_row *row = &b->rows[i];

                if (i > 0 &&
                    strcmp(row->instrument.symbol, b->rows[i - 1].instrument.symbol) == 0) {
                        struct csv at = {.source.name = row->file,
                                         .line = row->line,
                                         .fault = fault,
                                         .fault_size = fault_size};
                        return csv_fault(&at, "a symbol that an earlier line has: %s",
                                         row->instrument.symbol);
                }
                set->rows[set->n++] = row->instrument;
        }
        *ret = TAKE(set);
        return 0;
}

int instruments_new(const struct instruments_sources *s, int day, const struct calendar *calendar,
                    char *fault, size_t fault_size, struct instruments **ret)
{
        struct ticks ticks = {};
        struct build b = {};

        int r = ticks_load(&ticks, &s->ticks, fault, fault_size);
        if (r == 0)
                r = shares_load(&b, &s->instruments, &ticks, fault, fault_size);
        if (r == 0)
                r = contracts_make(&s->contracts, day, calendar, &ticks, fault, fault_size,
                                   build_add, &b);
        if (r == 0)
                r = build_finish(&b, fault, fault_size, ret);
        free(b.rows);
        return r;
}

struct instruments *instruments_free(struct instruments *set)
{
        if (set) {
                free(set->rows);
                free(set);
        }
        return NULL;
}

unsigned instruments_count(const struct instruments *set)
{
        return set->n;
}

const struct instrument *instruments_at(const struct instruments *set, unsigned i)
{
        return i < set->n ? &set->rows[i] : NULL;
}

static int symbol_compare(const void *symbol, const void *row)
{
        return strcmp(symbol, ((const struct instrument *)row)->symbol);
}

const struct instrument *instruments_find(const struct instruments *set, const char *symbol)
{
        return bsearch(symbol, set->rows, set->n, sizeof(set->rows[0]), symbol_compare);
}

/* From the best to the worst; at the same rank shares and indices come before derivatives. */
enum rank { RANK_EXACT, RANK_PREFIX, RANK_INSIDE, _RANK_MAX };
_Static_assert(INSTRUMENTS_PLACES == _RANK_MAX * 2, "each rank has two places");

static enum rank rank_of(const struct instrument *i, const char *query, size_t n)
{
        const char *name = strchr(i->symbol, ':') + 1;

        if (strcasecmp(i->symbol, query) == 0 || strcasecmp(name, query) == 0)
                return RANK_EXACT;
        if (strncasecmp(i->symbol, query, n) == 0 || strncasecmp(name, query, n) == 0)
                return RANK_PREFIX;
        if (strcasestr(i->symbol, query) || strcasestr(i->name, query))
                return RANK_INSIDE;
        return _RANK_MAX;
}

unsigned instruments_place(const struct instrument *i, const char *query, size_t n_query)
{
        enum rank rank = rank_of(i, query, n_query);
        return rank == _RANK_MAX ? INSTRUMENTS_PLACES : rank * 2 + instrument_derivative(i);
}

unsigned instruments_search(const struct instruments *set, const char *query, int exchange,
                            unsigned limit, const struct instrument **ret)
{
        uint32_t found[INSTRUMENTS_PLACES][INSTRUMENTS_SEARCH_MAX];
        unsigned n_found[INSTRUMENTS_PLACES] = {};
        size_t n_query = strlen(query);
        unsigned n = 0;

        if (limit > INSTRUMENTS_SEARCH_MAX)
                limit = INSTRUMENTS_SEARCH_MAX;
        for (unsigned i = 0; i < set->n && n_found[0] < limit; i++) {
                const struct instrument *row = &set->rows[i];

                if (exchange >= 0 && row->exchange != (enum exchange)exchange)
                        continue;
                unsigned place = instruments_place(row, query, n_query);
                if (place < INSTRUMENTS_PLACES && n_found[place] < limit)
                        found[place][n_found[place]++] = i;
        }
        for (unsigned place = 0; place < INSTRUMENTS_PLACES; place++)
                for (unsigned i = 0; i < n_found[place] && n < limit; i++)
                        ret[n++] = &set->rows[found[place][i]];
        return n;
}
