/* A scrip: an instrument as one broker lists it, with the facts that the broker's own master gives
 * (its lot, its tick) and the names by which the broker's API knows it. Plain data; who needs it
 * keeps a copy, so that a new day's master disturbs nobody. */
#pragma once

#include <stdbool.h>

#include "domain/instrument.h"

#define SCRIP_KEY_SIZE    48
#define SCRIP_TOKEN_SIZE  32
#define SCRIP_DETAIL_SIZE 48

struct scrip {
        struct instrument instrument;
        /* Each adapter's own form (its head comment tells it); unique at that broker. "": none. */
        char key[SCRIP_KEY_SIZE];       /* what orders and books name it by */
        char token[SCRIP_TOKEN_SIZE];   /* what quotes or positions name it by */
        char detail[SCRIP_DETAIL_SIZE]; /* what else the adapter needs to order it */
};

enum scrip_by { SCRIP_BY_SYMBOL, SCRIP_BY_KEY, SCRIP_BY_TOKEN, SCRIP_BY_ISIN };

/* Where adapters and gates look instruments up. `find` copies; false: the broker does not list it.
 * By ISIN the NSE's comes before the BSE's. */
struct scrip_source {
        bool (*find)(void *userdata, enum scrip_by by, const char *text, struct scrip *ret);
        void *userdata;
};
