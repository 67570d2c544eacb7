/* Reading an account's order book: one read in flight serves every leg and everybody who waits for
 * it. What its rows say: book_rows.h.
 *
 *   idle ─► reading ─► (legs changed: one ledger write each) ─► idle, next read due
 *
 * It is read when a leg of ours is not over, when somebody asks, and while the market is open all
 * the time, so that what the broker shows by itself is seen: fills, orders placed by hand. */
#pragma once

#include "orchestrator/call.h"
#include "orchestrator/open_leg.h"

struct account_state;

#define BOOK_LOCAL_US  INT64_C(1000000) /* live legs at an exchange inside this process */
#define BOOK_REMOTE_US INT64_C(5000000)
/* No leg of ours is live, and the market is open. Two seconds of the ten in which everything is to
 * be seen are the read's own. */
#define BOOK_WATCH_US        INT64_C(8000000)
#define BOOK_WATCH_BEFORE_US (15 * 60 * USEC_PER_SEC) /* the exchange takes orders by then */
#define BOOK_WATCH_AFTER_US  (30 * 60 * USEC_PER_SEC) /* closing session; late reports */
#define BOOK_DUE_US          INT64_C(10000000)        /* so old it goes before new orders */
#define BOOK_OLD_US          INT64_C(30000000)        /* unread for so long: somebody is told */
#define BOOK_LOOK_US         (60 * USEC_PER_SEC)      /* how often it is asked whether it is open */

int book_init(struct account_state *a);
void book_done(struct account_state *a);
/* There is a new reason to read: a leg became live or unresolved. */
void book_kick(struct account_state *a);
/* The first read after start; orders are taken when it is complete. */
void book_start(struct account_state *a);
/* The account is this daemon's now: its book is read, and again from time to time. */
void book_own(struct account_state *a);
/* Reads it now, or when the read that runs is over. */
void book_read_soon(struct account_state *a);
/* A number of the broker is known to be that of an order of ours. False: it is another one's. */
bool book_claim(struct account_state *a, const char *broker_order_id, const char *order_id);
/* Reconcile takes the leg over: schedules its reads (0.5, 1, 2, 4, 8, 15, 30, 60, 120 s). */
void book_reconcile(struct open_leg *l);
/* All reads of that schedule have begun. */
bool book_searched(const struct open_leg *l);
/* Wall clock: when the last complete read began; 0 none yet. */
int64_t book_as_of_us(const struct account_state *a);

/* Why the last read failed; "": it did not. */
const char *book_error(const struct account_state *a);

/* Somebody waits for a read that begins after it was asked for. */
struct book_wait {
        struct list link;
        unsigned number; /* of the first read that will do */
        void (*done)(struct book_wait *w);
        /* out */
        enum problem problem; /* NONE: it was complete */
        char message[MESSAGE_SIZE];
        int64_t as_of_us; /* wall clock, when it began */
        unsigned adopted, updated;
};
/* The account must have a session. `done` later, never from inside. */
void book_wait(struct account_state *a, struct book_wait *w);
