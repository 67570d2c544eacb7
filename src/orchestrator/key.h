/* Idempotency keys in memory: those whose first request still runs, and the answers of the most
 * recent ones that are finished. The ledger holds all of them; this only saves it the question. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "base/list.h"
#include "domain/order.h"

#define KEYS_FINISHED_MAX   1024
#define KEYS_FINISHED_BYTES (2U << 20) /* of stored bodies in all */
#define KEY_TEXT_SIZE       (KEY_NAME_SIZE + IDEMPOTENCY_KEY_SIZE + 32)

/* A repeated request that came before it was decided whether the first one is an order at all, or
 * only a replay itself. `go` is called once, when that is known. */
struct key_waiter {
        struct list link;
        void (*go)(struct key_waiter *w);
};

struct key {
        UT_hash_handle hh;
        struct list link; /* finished ones, oldest first */
        uint8_t fingerprint[FINGERPRINT_SIZE];
        char order_id[ID_SIZE];
        bool running;
        bool placed;         /* the first request's intent is durable: repeats are in flight */
        bool doubtful;       /* nobody knows yet whether it is; nothing of it was or will be sent */
        struct list waiting; /* struct key_waiter, until placed or ended */
        int status;
        char *body;
        size_t size;
        char text[]; /* scope, newline, key */
};

struct keys {
        struct key *by_text;
        struct list finished;
        unsigned n_finished;
        size_t bytes;
};

void keys_init(struct keys *k);
void keys_done(struct keys *k);
struct key *keys_find(struct keys *k, const char *text);
/* A running one. NULL when out of memory. */
struct key *keys_add(struct keys *k, const char *text, const uint8_t *fingerprint);
/* The intent is durable under this order id. */
void keys_placed(struct key *key, const char *order_id);
/* The intent may be durable; repeats are told to come again. */
void keys_doubt(struct key *key);
/* The first request is over: with `body` (copied) it is kept as finished for a while, without it is
 * forgotten. */
void keys_end(struct keys *k, struct key *key, const char *order_id, int status, const char *body,
              size_t size);
/* The kept answer of this order is not true any more: the ledger has another one. */
void keys_forget(struct keys *k, const char *order_id);
