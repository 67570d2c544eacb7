/* Last prices of an account's source, kept for a moment so that the order path does not ask for
 * each order. */
#pragma once

#include <uthash.h>

#include "domain/portfolio.h"
#include "orchestrator/call.h"

struct account_state;

#define QUOTE_FRESH_US  INT64_C(1000000)  /* what the price of an order may be made of */
#define QUOTE_KNOWN_US  INT64_C(30000000) /* what a price may be compared with */
#define QUOTE_CACHE_MAX 512               /* symbols of one account */

struct quote_waiter {
        struct list link;
        void (*ready)(struct quote_waiter *w); /* whether or not the read worked */
};

struct quote_entry {
        UT_hash_handle hh;
        char symbol[SYMBOL_SIZE];
        struct quote quote;
        int64_t as_of_us; /* monotonic; 0 never read */
        bool reading;
        struct scrip scrip;
        const struct scrip *asked; /* it; what the call names */
        struct call call;
        struct list waiters;
};

struct quote_cache {
        struct quote_entry *by_symbol;
};

/* NULL unless one not older than QUOTE_FRESH_US, QUOTE_KNOWN_US is there. */
const struct quote *quote_fresh(struct account_state *a, const char *symbol);
const struct quote *quote_known(struct account_state *a, const char *symbol);
/* Reads it (sharing a running read). -ENOMEM: nothing was begun. */
int quote_wait(struct account_state *a, const struct scrip *s, struct quote_waiter *w);
void quotes_done(struct account_state *a);
