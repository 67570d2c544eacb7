#include "brokersim/market.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/file.h"

static const char months[][4] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                 "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

const char *parent_exchange(enum exchange e)
{
        switch (e) {
        case EXCHANGE_BSE:
        case EXCHANGE_BFO:
                return "BSE";
        case EXCHANGE_MCX:
                return "MCX";
        default:
                return "NSE";
        }
}

const char *behind(const char *key, char separator)
{
        const char *at = strchr(key, separator);
        return at ? at + 1 : key;
}

/* --- names (each broker's sheet, §3) ------------------------------------------------------------
 */

/* "26DEC" for the last expiry of a month, "26D08" for the ones before it. */
static void print_expiry(const struct market *m, const struct instrument *i, char buf[static 8])
{
        int year = i->expiry / 10000 % 100, month = i->expiry / 100 % 100, day = i->expiry % 100;
        bool monthly = i->segment == SEGMENT_FUTURE;

        /* Futures exist for months only: an option that ends with one is a month's. */
        for (unsigned k = 0; k < instruments_count(m->instruments) && !monthly; k++) {
                const struct instrument *f = instruments_at(m->instruments, k);
                monthly = f->segment == SEGMENT_FUTURE && f->expiry == i->expiry &&
                          strcmp(f->underlying, i->underlying) == 0;
        }
        if (monthly)
                snprintf(buf, 8, "%02d%s", year, months[(month - 1) % 12]);
        else
                snprintf(buf, 8, "%02d%c%02d", year, "123456789OND"[(month - 1) % 12], day % 100);
}

static void print_contract(const struct market *m, const struct instrument *i, char *buf, size_t n)
{
        char strike[DECIMAL_TEXT_SIZE], expiry[8];

        print_expiry(m, i, expiry);
        snprintf(buf, n, "%s%s%s%s", i->underlying, expiry,
                 i->segment == SEGMENT_OPTION ? decimal_print_short(i->strike, strike) : "",
                 i->segment == SEGMENT_FUTURE ? "FUT"
                 : i->call                    ? "CE"
                                              : "PE");
}

static void name_fyers(const struct market *m, struct listing *l)
{
        const struct instrument *i = l->i;
        const char *name = behind(i->symbol, ':'), *parent = parent_exchange(i->exchange);
        char contract[SYMBOL_SIZE], *w;
        int segment = i->exchange == EXCHANGE_NFO || i->exchange == EXCHANGE_BFO ? 11
                      : i->exchange == EXCHANGE_CDS                              ? 12
                      : i->exchange == EXCHANGE_MCX                              ? 20
                                                                                 : 10;
        int exchange = *parent == 'B' ? 12 : *parent == 'M' ? 11 : 10;

        snprintf(l->fy_token, sizeof(l->fy_token), "%d%d%06d%u", exchange, segment,
                 i->expiry % 1000000, l->token);
        if (instrument_derivative(i)) {
                print_contract(m, i, contract, sizeof(contract));
                snprintf(l->fyers, sizeof(l->fyers), "%s:%s", parent, contract);
        } else if (i->segment == SEGMENT_INDEX) {
                snprintf(l->fyers, sizeof(l->fyers), "%s:%s-INDEX", parent, name);
                for (char *r = w = l->fyers; (*w = *r); r++)
                        w += *r != ' ';
        } else {
                snprintf(l->fyers, sizeof(l->fyers), "%s:%s-%s", parent, name,
                         i->exchange == EXCHANGE_BSE ? "A"
                         : i->intraday_allowed       ? "EQ"
                                                     : "BE");
        }
}

static void name_mstock(const struct market *m, struct listing *l)
{
        const struct instrument *i = l->i;
        const char *name = behind(i->symbol, ':');
        char contract[SYMBOL_SIZE];

        if (instrument_derivative(i)) {
                print_contract(m, i, contract, sizeof(contract));
                snprintf(l->mstock, sizeof(l->mstock), "%s:%s", exchange_name(i->exchange),
                         contract);
        } else if (i->segment == SEGMENT_INDEX) {
                snprintf(l->mstock, sizeof(l->mstock), "%s", i->symbol);
        } else {
                snprintf(l->mstock, sizeof(l->mstock), "%s:%s-%s", exchange_name(i->exchange), name,
                         i->exchange == EXCHANGE_BSE ? "A"
                         : i->intraday_allowed       ? "EQ"
                                                     : "BE");
        }
}

/* Shares: six characters and the class; shorter names are filled up, and where two come out equal
 * the whole name stands. */
static void name_hdfc(const struct market *m, struct listing *l)
{
        const struct instrument *i = l->i;
        const char *parent = parent_exchange(i->exchange);
        char code[LISTING_NAME_SIZE - 4];
        struct listing *other;
        size_t n = 0;

        if (instrument_derivative(i)) {
                snprintf(code, sizeof(code), "%s%u", i->exchange == EXCHANGE_BFO ? "B" : "",
                         l->token);
        } else if (i->segment == SEGMENT_INDEX) {
                /* Contracts name the index by what they call it: NIFTY, not NIFTY 50. */
                const char *name = behind(i->symbol, ':');
                snprintf(code, sizeof(code), "%sEQEQNR",
                         text_equal(name, "NIFTY 50")     ? "NIFTY"
                         : text_equal(name, "NIFTY BANK") ? "BANKNIFTY"
                                                          : name);
        } else {
                for (const char *c = behind(i->symbol, ':'); *c && n < 6; c++)
                        if ((*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9'))
                                code[n++] = *c;
                while (n < 6)
                        code[n++] = 'X';
                snprintf(code + n, sizeof(code) - n, "%s", i->intraday_allowed ? "EQNR" : "EQTT");
        }
        snprintf(l->hdfc, sizeof(l->hdfc), "%s|%s", parent, code);
        HASH_FIND(by_hdfc, m->hdfc, l->hdfc, strlen(l->hdfc), other);
        if (other)
                snprintf(l->hdfc, sizeof(l->hdfc), "%s|%sEQNR", parent, behind(i->symbol, ':'));
}

/* Shares from 1001, contracts from 40001; indices as the exchanges have them (mstock.md §3). */
static unsigned make_token(const struct instrument *i, unsigned *share, unsigned *contract)
{
        if (i->segment != SEGMENT_INDEX)
                return instrument_derivative(i) ? ++*contract : ++*share;
        const char *name = behind(i->symbol, ':');
        return text_equal(name, "NIFTY 50")     ? 26000
               : text_equal(name, "NIFTY BANK") ? 26009
               : text_equal(name, "SENSEX")     ? 51
                                                : 26900 + ++*share % 99;
}

/* --- loading ------------------------------------------------------------------------------------
 */

enum { SESSIONS, HOLIDAYS, INSTRUMENTS, TICKS, CONTRACTS, _FILES };

static int read_file(const char *dir, const char *name, struct text *ret, char *fault)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;

        text_addf(&path, "%s/%s", dir, name);
        _cleanup_(closep) int fd = open(text_str(&path), O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : file_read(fd, ret);
        if (r < 0)
                snprintf(fault, MARKET_FAULT_SIZE, "%s: %s", text_str(&path), strerror(-r));
        return r;
}

static int build(struct market *m, const char *const *names, const struct text *files, char *fault)
{
        struct csv_source s[_FILES];

        for (unsigned i = 0; i < _FILES; i++)
                s[i] = (struct csv_source){names[i], text_str(&files[i]), files[i].len};
        int r = calendar_new(s[SESSIONS].data, s[SESSIONS].size, s[HOLIDAYS].data, s[HOLIDAYS].size,
                             fault, MARKET_FAULT_SIZE, &m->calendar);
        const struct instruments_sources sources = {
                .instruments = s[INSTRUMENTS], .ticks = s[TICKS], .contracts = s[CONTRACTS]};
        return r < 0 ? r
                     : instruments_new(&sources, m->day, m->calendar, fault, MARKET_FAULT_SIZE,
                                       &m->instruments);
}

static int list_all(struct market *m)
{
        unsigned share = 1000, contract = 40000;

        m->n_listings = instruments_count(m->instruments);
        m->listings = calloc(m->n_listings, sizeof(*m->listings));
        if (!m->listings)
                return -ENOMEM;
        for (unsigned k = 0; k < m->n_listings; k++) {
                struct listing *l = &m->listings[k];
                l->i = instruments_at(m->instruments, k);
                l->last = l->i->previous_close;
                l->liquidity = LIQUIDITY_ENDLESS;
                list_init(&l->resting);
                l->token = make_token(l->i, &share, &contract);
                name_fyers(m, l);
                name_mstock(m, l);
                name_hdfc(m, l);
                snprintf(l->by_token_key, sizeof(l->by_token_key), "%s|%u",
                         parent_exchange(l->i->exchange), l->token);
                HASH_ADD_KEYPTR(by_symbol, m->symbols, l->i->symbol, strlen(l->i->symbol), l);
                HASH_ADD_KEYPTR(by_fyers, m->fyers, l->fyers, strlen(l->fyers), l);
                HASH_ADD_KEYPTR(by_hdfc, m->hdfc, l->hdfc, strlen(l->hdfc), l);
                HASH_ADD_KEYPTR(by_mstock, m->mstock, l->mstock, strlen(l->mstock), l);
                HASH_ADD_KEYPTR(by_token, m->tokens, l->by_token_key, strlen(l->by_token_key), l);
        }
        return 0;
}

int market_load(struct market *m, const char *dir, char fault[static MARKET_FAULT_SIZE])
{
        static const char *const names[_FILES] = {"sessions.csv", "holidays.csv", "instruments.csv",
                                                  "ticks.csv", "contracts.csv"};
        struct text files[_FILES] = {};
        int r = 0;

        m->day = clock_ist_day(clock_wall_us());
        m->open = true;
        for (unsigned i = 0; i < _FILES && r == 0; i++)
                r = read_file(dir, names[i], &files[i], fault);
        if (r == 0)
                r = build(m, names, files, fault);
        for (unsigned i = 0; i < _FILES; i++)
                text_done(&files[i]);
        return r < 0 ? r : list_all(m);
}

void market_done(struct market *m)
{
        HASH_CLEAR(by_symbol, m->symbols);
        HASH_CLEAR(by_fyers, m->fyers);
        HASH_CLEAR(by_hdfc, m->hdfc);
        HASH_CLEAR(by_mstock, m->mstock);
        HASH_CLEAR(by_token, m->tokens);
        free(m->listings);
        m->listings = NULL;
        m->instruments = instruments_free(m->instruments);
        m->calendar = calendar_free(m->calendar);
}

#define FINDER(name, handle, head)                                    \
        struct listing *name(const struct market *m, const char *key) \
        {                                                             \
                struct listing *l;                                    \
                HASH_FIND(handle, m->head, key, strlen(key), l);      \
                return l;                                             \
        }
FINDER(market_by_symbol, by_symbol, symbols)
FINDER(market_by_fyers, by_fyers, fyers)
FINDER(market_by_hdfc, by_hdfc, hdfc)
FINDER(market_by_mstock, by_mstock, mstock)
FINDER(market_by_token, by_token, tokens)
