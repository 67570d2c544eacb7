/* Orders in a broker's book that are not ours: placed by hand, by another program, or doubled by
 * somebody on the way. They are kept as the last complete book read showed them, shown, and can be
 * cancelled; nothing of them is in the ledger but the record of a cancellation. */
#pragma once

#include "orchestrator/call.h"
#include "orchestrator/progress.h"

struct account_state;

#define EXTERNAL_ID_PREFIX "external:" /* then account, colon, the broker's number */
#define EXTERNAL_MAX       500 /* rows kept of one account, the newest; the others are counted */

struct external_book {
        struct book_order *rows;
        unsigned n, room;
        unsigned total;   /* with those there was no room for */
        unsigned open;    /* of the total: not over */
        int64_t as_of_us; /* wall clock: when the read began; 0: none yet */
};

/* A new read begins to be gone through; rows of orders that are not ours follow. */
void external_begin(struct external_book *b, int64_t as_of_us);
void external_add(struct external_book *b, const struct book_order *row);
/* NULL: the book has no such row. Good until the next read. */
const struct book_order *external_find(const struct external_book *b, const char *broker_order_id);
void external_done(struct external_book *b);
/* An order with one leg, in the form that adapters and answers take; no id of ours. */
int external_order(const struct account_state *a, const struct book_order *row, struct order **ret);

/* Cancels one, once. The record of it is written before and after; the call goes out even when the
 * ledger cannot take the first one, as it takes risk away. */
struct external_cancel {
        /* in: borrowed until done, the row is copied */
        struct account_state *account;
        struct book_order row;
        const char *actor, *correlation_id;
        void (*done)(struct external_cancel *c);
        void *userdata;
        /* out: what came of it; the book tells whether it is really over */
        enum outcome outcome;
        enum problem problem;
        int retry_after_s;
        char broker_code[BROKER_CODE_SIZE];
        char message[MESSAGE_SIZE];
        /* private */
        struct running running;
        struct order *order; /* in the form that adapters take */
        struct call call;
        struct store_append put;
        struct audit_record audit;
        struct list riders;
};
/* `done` later, never from inside; then the book is read again. */
void external_cancel(struct external_cancel *c);
