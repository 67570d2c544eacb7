/* What a local exchange changed while it served one request, to be committed in the same
 * transaction as the outcome that request leads to. The store neither knows nor cares what the rows
 * mean: it keeps one value per (guest, account, kind, key), replaces or deletes it, and gives all
 * of them back at start.
 *
 * A rider is made by the exchange, travels with the reply, and is handed to exactly one store job.
 * When that fails, the store keeps it for the next one: what an exchange did has happened, and what
 * it does later is derived from it, so that rows are stored in the order they were made, without a
 * gap. rider_settle() tells the exchange, on the loop thread, whether the rows are durable; a rider
 * that is never stored must be settled as false. Riders must be queued in the order they were made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct rider_row {
        const char *account; /* borrowed from the exchange, lives as long as it does */
        char kind[12];       /* "order", "trade", "account" … */
        char key[72];
        void *value; /* owned; NULL deletes the row */
        size_t size;
};

struct rider {
        struct list link;  /* for whoever holds several */
        const char *guest; /* "paper", a literal */
        unsigned n_rows, size_rows;
        struct rider_row *rows;
        void (*settled)(struct rider *r, bool durable); /* may be NULL */
        void *userdata;
};

int rider_new(const char *guest, struct rider **ret);
/* Takes `value` (malloc'ed) on success. */
int rider_add(struct rider *r, const char *account, const char *kind, const char *key, void *value,
              size_t size);
/* Calls settled(), frees. NULL is fine. Returns NULL. */
struct rider *rider_settle(struct rider *r, bool durable);
