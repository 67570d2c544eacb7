/* The day's symbols (§3): six files of CSV without a header.
 *
 * A share's symbol is its ticker without the series ("NSE:SBIN-EQ" → NSE:SBIN); of one share in two
 * series the one that trades as usual is the symbol. Debentures and other series of an issuer keep
 * theirs ("NSE:NHAI-N1"), for without it they would be confused with its share.
 *
 * Currency and commodity: orders count in lots, so what a lot holds must be known. "Minimum lot"
 * says it, unless it is 1, which may as well mean "one lot": then it is the exchange's own size of
 * the contract, and where that is not known the contract is not listed, because a quantity that is
 * wrong by a thousand is worse than a contract that is missing. Prices that are not in rupees
 * (EURUSD) have no place here. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "broker/fyers.h"

/* In the order of the files. NSE_COM has no exchange here. */
static const char *const files[] = {"/NSE_CM.csv", "/BSE_CM.csv",  "/NSE_FO.csv", "/BSE_FO.csv",
                                    "/NSE_CD.csv", "/MCX_COM.csv", NULL};
static const enum exchange exchanges[] = {EXCHANGE_NSE, EXCHANGE_BSE, EXCHANGE_NFO,
                                          EXCHANGE_BFO, EXCHANGE_CDS, EXCHANGE_MCX};

enum column {
        COLUMN_FYTOKEN,
        COLUMN_DESCRIPTION,
        COLUMN_TYPE,
        COLUMN_LOT,
        COLUMN_TICK,
        COLUMN_ISIN,
        COLUMN_SESSION,
        COLUMN_UPDATED,
        COLUMN_EXPIRY,
        COLUMN_TICKER,
        COLUMN_EXCHANGE,
        COLUMN_SEGMENT,
        COLUMN_TOKEN,
        COLUMN_UNDERLYING,
        COLUMN_UNDERLYING_TOKEN,
        COLUMN_STRIKE,
        COLUMN_OPTION,
        _COLUMN_MAX
};
static const char *const columns[_COLUMN_MAX + 1] = {
        "fyToken",          "description", "type",   "lot",      "tick",    "isin",  "session",
        "updated",          "expiry",      "ticker", "exchange", "segment", "token", "underlying",
        "underlying token", "strike",      "option", NULL};

/* Types of instruments (§3). */
enum {
        TYPE_INDEX = 10,
        TYPE_FUTIDX = 11,
        TYPE_OPTIDX = 14,
        TYPE_OPTSTK = 15,
        TYPE_FUTCUR = 16,
        TYPE_OPTCUR = 19,
        TYPE_FUTCOM = 30,
        TYPE_OPTFUT = 31,
        TYPE_OPTCOM = 32
};

#define LOT_MAX    INT64_C(10000000)
#define EXPIRY_MAX INT64_C(7258118400) /* the year 2200 */
#define RANK_LAST  99U

/* Some write 65.0, and a tick or strike as a machine computed it. */
static bool cell_decimal(const struct broker_cell *c, int64_t *ret)
{
        return decimal_parse_rounded(c->s, c->n, ret) == 0;
}

static bool cell_number(const struct broker_cell *c, int64_t min, int64_t max, int64_t *ret)
{
        int64_t value;
        if (!cell_decimal(c, &value) || value % DECIMAL_ONE)
                return false;
        *ret = value / DECIMAL_ONE;
        return *ret >= min && *ret <= max;
}

/* Names are for people: what is no visible ASCII is a blank. */
static void cell_name(const struct broker_cell *c, char *ret, size_t size)
{
        size_t n = 0;
        for (; n < c->n && n + 1 < size; n++)
                ret[n] = c->s[n] >= ' ' && c->s[n] < 0x7f ? c->s[n] : ' ';
        ret[n] = '\0';
}

/* Visible ASCII that fits, or false. */
static bool cell_text(const struct broker_cell *c, char *ret, size_t size)
{
        return c->n < size && !memchr(c->s, '\0', c->n) && text_copy_bytes(ret, size, c->s, c->n) &&
               fyers_visible(ret);
}

/* --- shares and indices --- */

/* Series whose symbol is the share's own, the usual one first; `whole`: positions have to be
 * delivered, nothing of them can be sold on the same day. */
static const struct series {
        enum exchange exchange;
        const char *name;
        unsigned rank;
        bool whole;
} series_table[] = {
        {EXCHANGE_NSE, "EQ", 0, false}, {EXCHANGE_NSE, "BE", 1, true},
        {EXCHANGE_NSE, "BZ", 2, true},  {EXCHANGE_NSE, "SM", 3, false},
        {EXCHANGE_NSE, "ST", 4, true},  {EXCHANGE_NSE, "SZ", 5, true},
        {EXCHANGE_NSE, "RR", 6, false}, {EXCHANGE_NSE, "IV", 7, false},
        {EXCHANGE_NSE, "GB", 8, false}, {EXCHANGE_NSE, "GS", 9, false},
        {EXCHANGE_BSE, "A", 0, false},  {EXCHANGE_BSE, "B", 1, false},
        {EXCHANGE_BSE, "E", 2, false},  {EXCHANGE_BSE, "X", 3, false},
        {EXCHANGE_BSE, "M", 4, false},  {EXCHANGE_BSE, "T", 5, true},
        {EXCHANGE_BSE, "XT", 6, true},  {EXCHANGE_BSE, "Z", 7, true},
        {EXCHANGE_BSE, "ZP", 8, true},  {EXCHANGE_BSE, "MT", 9, true},
};

static const struct series *find_series(enum exchange e, const char *name)
{
        for (unsigned i = 0; i < ELEMENTS(series_table); i++)
                if (series_table[i].exchange == e && !strcmp(series_table[i].name, name))
                        return &series_table[i];
        return NULL;
}

/* The exchange's own names of the indices that everybody asks for. */
static const char *index_name(const char *name)
{
        static const struct {
                const char *ticker, *name;
        } names[] = {{"NIFTY50", "NIFTY 50"}, {"NIFTYBANK", "NIFTY BANK"}};
        for (unsigned i = 0; i < ELEMENTS(names); i++)
                if (!strcmp(names[i].ticker, name))
                        return names[i].name;
        return name;
}

/* 1; 0: the symbol does not fit here. */
static int read_share(const struct broker_cell *cells, int64_t type, const char *name,
                      struct scrip *s, unsigned *ret_rank)
{
        struct instrument *i = &s->instrument;
        char share[SCRIP_KEY_SIZE];
        const char *dash = strrchr(name, '-');

        if (!dash || dash == name)
                return -EINVAL;
        text_copy_bytes(share, sizeof(share), name, (size_t)(dash - name));
        if (type == TYPE_INDEX) {
                i->segment = SEGMENT_INDEX;
                i->lot = 0;
                return instrument_make_symbol(i, index_name(share));
        }
        const struct series *known = find_series(i->exchange, dash + 1);
        bool own = !known && i->exchange == EXCHANGE_NSE;
        i->segment = SEGMENT_EQUITY;
        i->intraday_allowed = known && !known->whole;
        *ret_rank = known ? known->rank : RANK_LAST;
        const struct broker_cell *isin = &cells[COLUMN_ISIN];
        if (isin->n == sizeof(i->isin) - 1)
                cell_text(isin, i->isin, sizeof(i->isin));
        return instrument_make_symbol(i, own ? name : share);
}

/* --- futures and options --- */

/* What a contract holds, in units of its price: the exchanges' sizes in November 2026. */
static const struct size {
        enum exchange exchange;
        const char *underlying;
        int64_t units;
} sizes[] = {
        {EXCHANGE_CDS, "USDINR", 1000},     {EXCHANGE_CDS, "EURINR", 1000},
        {EXCHANGE_CDS, "GBPINR", 1000},     {EXCHANGE_CDS, "JPYINR", 1000},
        {EXCHANGE_MCX, "CRUDEOIL", 100},    {EXCHANGE_MCX, "CRUDEOILM", 10},
        {EXCHANGE_MCX, "NATURALGAS", 1250}, {EXCHANGE_MCX, "NATGASMINI", 250},
        {EXCHANGE_MCX, "GOLD", 100},        {EXCHANGE_MCX, "GOLDM", 10},
        {EXCHANGE_MCX, "GOLDTEN", 1},       {EXCHANGE_MCX, "GOLDGUINEA", 1},
        {EXCHANGE_MCX, "GOLDPETAL", 1},     {EXCHANGE_MCX, "SILVER", 30},
        {EXCHANGE_MCX, "SILVERM", 5},       {EXCHANGE_MCX, "SILVERMIC", 1},
        {EXCHANGE_MCX, "COPPER", 2500},     {EXCHANGE_MCX, "ZINC", 5000},
        {EXCHANGE_MCX, "ZINCMINI", 1000},   {EXCHANGE_MCX, "ALUMINIUM", 5000},
        {EXCHANGE_MCX, "ALUMINI", 1000},    {EXCHANGE_MCX, "LEAD", 5000},
        {EXCHANGE_MCX, "LEADMINI", 1000},
};

/* False: nobody can say how many units the contract holds, or they are not priced in rupees. */
static bool size_contract(struct instrument *i)
{
        size_t n = strlen(i->underlying);
        if (i->exchange == EXCHANGE_CDS && (n < 3 || strcmp(i->underlying + n - 3, "INR") != 0))
                return false;
        if ((i->exchange != EXCHANGE_CDS && i->exchange != EXCHANGE_MCX) || i->lot > 1)
                return true;
        for (unsigned k = 0; k < ELEMENTS(sizes); k++)
                if (sizes[k].exchange == i->exchange &&
                    !strcmp(sizes[k].underlying, i->underlying)) {
                        i->lot = sizes[k].units;
                        return true;
                }
        return false;
}

static bool type_fits(enum exchange e, int64_t type)
{
        if (e == EXCHANGE_CDS)
                return type == TYPE_FUTCUR || type == TYPE_OPTCUR;
        if (e == EXCHANGE_MCX)
                return type == TYPE_FUTIDX || (type >= TYPE_FUTCOM && type <= TYPE_OPTCOM);
        return type >= TYPE_FUTIDX && type <= TYPE_OPTSTK;
}

static int read_contract(const struct broker_cell *cells, int64_t type, struct scrip *s)
{
        struct instrument *i = &s->instrument;
        const struct broker_cell *option = &cells[COLUMN_OPTION], *strike = &cells[COLUMN_STRIKE];
        int64_t expiry;

        if (!type_fits(i->exchange, type))
                return 0;
        i->call = broker_cell_is(option, "CE");
        i->segment = i->call || broker_cell_is(option, "PE") ? SEGMENT_OPTION : SEGMENT_FUTURE;
        if ((i->segment == SEGMENT_FUTURE && !broker_cell_is(option, "XX")) ||
            !cell_number(&cells[COLUMN_EXPIRY], 1, EXPIRY_MAX, &expiry) ||
            !cell_text(&cells[COLUMN_UNDERLYING], i->underlying, sizeof(i->underlying)))
                return -EINVAL;
        if (i->segment == SEGMENT_OPTION && (!cell_decimal(strike, &i->strike) || i->strike <= 0))
                return -EINVAL;
        i->expiry = clock_ist_day(expiry * USEC_PER_SEC);
        i->on_index = type == TYPE_FUTIDX || type == TYPE_OPTIDX;
        i->intraday_allowed = true;
        return size_contract(i) && instrument_make_symbol(i, "");
}

static int read_row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
                    unsigned *ret_rank)
{
        struct instrument *i = &ret->instrument;
        const struct broker_cell *tick = &cells[COLUMN_TICK];
        int64_t exchange, segment, type;

        if (!cell_number(&cells[COLUMN_EXCHANGE], 0, 99, &exchange) ||
            !cell_number(&cells[COLUMN_SEGMENT], 0, 99, &segment) ||
            !cell_number(&cells[COLUMN_TYPE], 0, 99, &type) ||
            fyers_exchange(exchange, segment) != (int)exchanges[file] ||
            !cell_text(&cells[COLUMN_TICKER], ret->key, sizeof(ret->key)) ||
            !cell_text(&cells[COLUMN_FYTOKEN], ret->token, sizeof(ret->token)))
                return -EINVAL;
        const char *colon = strchr(ret->key, ':');
        if (!colon)
                return -EINVAL;
        if (!cell_number(&cells[COLUMN_LOT], -1, LOT_MAX, &i->lot) ||
            !cell_decimal(tick, &i->tick) || i->tick < 0)
                return -EINVAL;
        i->exchange = exchanges[file];
        bool index = segment == FYERS_CASH && type == TYPE_INDEX;
        if (!index && (i->lot <= 0 || i->tick <= 0))
                return 0;
        cell_name(&cells[COLUMN_DESCRIPTION], i->name, sizeof(i->name));
        return segment == FYERS_CASH ? read_share(cells, type, colon + 1, ret, ret_rank)
                                     : read_contract(cells, type, ret);
}

const struct broker_master fyers_master = {
        .files = files,
        .columns = columns,
        .rows_least = 1000,
        .row = read_row,
};
