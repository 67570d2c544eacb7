/* What can be traded: the instruments of the market data files, each with the names by which every
 * broker knows it, its last price and the orders that rest on it. */
#pragma once

#include <uthash.h>

#include "base/list.h"
#include "domain/instruments.h"

#define MARKET_FAULT_SIZE 512
#define LISTING_NAME_SIZE (2 * SYMBOL_SIZE)
#define LIQUIDITY_ENDLESS INT64_MAX

struct listing {
        const struct instrument *i;
        unsigned token;                 /* the exchange's; unique within an exchange */
        char fyers[LISTING_NAME_SIZE];  /* "NSE:SBIN-EQ" */
        char fy_token[24];              /* "10100000003045" */
        char hdfc[LISTING_NAME_SIZE];   /* "NSE|SBINXXEQNR": its exchange, its security_id */
        char mstock[LISTING_NAME_SIZE]; /* "NSE:SBIN-EQ" */
        char by_token_key[24];          /* "NSE|3045": the parent exchange */
        int64_t last;                   /* 1e-4 rupee */
        int64_t liquidity;              /* what may still be filled, exchange units */
        struct list resting;            /* entries of the book (book.h) */
        UT_hash_handle by_symbol, by_fyers, by_hdfc, by_mstock, by_token;
};

struct market {
        struct calendar *calendar;
        struct instruments *instruments;
        struct listing *listings;
        unsigned n_listings;
        struct listing *symbols, *fyers, *hdfc, *mstock, *tokens;
        int day; /* the set was made for, IST */
        bool open;
};

/* 0, -ENOMEM, or -EBADMSG with the reason in `fault`. */
int market_load(struct market *m, const char *dir, char fault[static MARKET_FAULT_SIZE]);
void market_done(struct market *m);

struct listing *market_by_symbol(const struct market *m, const char *key); /* "NSE:SBIN" */
struct listing *market_by_fyers(const struct market *m, const char *key);
struct listing *market_by_hdfc(const struct market *m, const char *key);
struct listing *market_by_mstock(const struct market *m, const char *key);
/* "NSE|3045". In BSE and NSE a derivative's token differs from every share's. */
struct listing *market_by_token(const struct market *m, const char *key);

/* NSE for NFO and CDS, BSE for BFO, MCX. */
const char *parent_exchange(enum exchange e);
/* "NSE|SBINXXEQNR" → "SBINXXEQNR". */
const char *behind(const char *key, char separator);
