/* A tradable thing and the rules of its market: tick, lot, freeze quantity, price band. Plain data;
 * a set of them (domain/instruments.h) owns them, everyone else borrows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/words.h"

#define SYMBOL_NAME_SIZE     40                     /* behind the colon */
#define SYMBOL_SIZE          (SYMBOL_NAME_SIZE + 4) /* "NSE:" */
#define INSTRUMENT_NAME_SIZE 64

struct instrument {
        char symbol[SYMBOL_SIZE]; /* canonical: "NSE:SBIN", "NFO:NIFTY29DEC2626000CE" */
        char name[INSTRUMENT_NAME_SIZE];
        char isin[13];
        char underlying[24]; /* "" for shares; "NIFTY" */
        enum exchange exchange;
        enum segment segment;
        int expiry;             /* 20261229; 0: none */
        int64_t strike;         /* 1e-4 rupee; 0: none */
        bool call;              /* options */
        int64_t lot;            /* exchange units; 0: not tradable (an index) */
        int64_t tick;           /* 1e-4 rupee */
        int64_t freeze;         /* the most one order may carry, exchange units; 0: none known */
        int64_t previous_close; /* 1e-4 rupee */
        int band_percent;       /* daily price band; 0: none */
        bool on_index;          /* derivatives: the underlying is an index */
        bool closing_auction;   /* continuous trading ends early, for the closing auction */
        bool intraday_allowed;  /* false in trade-to-trade series */
};

/* "NSE:SBIN": exchange of the table, one colon, name of 1 … 39 characters of A-Z 0-9 & - . and
 * inner spaces. 0 or -EINVAL. */
int symbol_parse(const char *s, size_t n, char ret[static SYMBOL_SIZE],
                 enum exchange *ret_exchange);

/* That of a symbol; _EXCHANGE_MAX where it has none, or is empty. */
enum exchange symbol_exchange(const char *s);

static inline bool instrument_derivative(const struct instrument *i)
{
        return i->segment == SEGMENT_FUTURE || i->segment == SEGMENT_OPTION;
}
/* Fills `symbol`: the exchange and, for shares and indices, `name`; for derivatives underlying,
 * expiry and strike ("NFO:NIFTY26NOV26FUT", "NFO:NIFTY26NOV2625000CE"). False: no symbol fits. */
bool instrument_make_symbol(struct instrument *i, const char *name);
int64_t instrument_band_low(const struct instrument *i);  /* 0: no band */
int64_t instrument_band_high(const struct instrument *i); /* INT64_MAX: no band */
/* The nearest price on the tick grid that is not below (`up`) or not above the given one. */
int64_t instrument_round_to_tick(const struct instrument *i, int64_t price, bool up);
