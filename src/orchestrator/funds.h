/* What an account can spend and holds, as last read, less what is reserved for orders since
 * (orders.md §1.2: a cached snapshot with local reservation, never a live call per order). A
 * reservation lives until a snapshot that was begun after its order was settled. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/portfolio.h"
#include "orchestrator/call.h"

struct account_state;

#define FUNDS_REFRESH_US \
        INT64_C(1000000) /* a snapshot this old is read anew while orders come in */
#define FUNDS_DUE_US      INT64_C(15000000) /* one this old goes before new orders */
#define FUNDS_STALE_US    INT64_C(30000000) /* one older than this is not relied on: orders wait */
#define POSITION_FRESH_US INT64_C(5000000)  /* "reducing" needs positions not older than this */

struct funds_waiter {
        struct list link;
        int64_t since_us;                      /* monotonic: an older reading does not answer it */
        void (*ready)(struct funds_waiter *w); /* whether or not the read worked */
};

struct funds_cache {
        bool valid;
        int64_t as_of_us; /* monotonic, when the read began */
        struct funds funds;
        struct position *positions;
        unsigned n_positions;
        int64_t in_flight;       /* 1e-4 rupee reserved by orders that run */
        int64_t last_settled_us; /* monotonic: an older reading does not show what that order did */
        int64_t settled_before,
                settled_after; /* … by settled ones, before and since the running read began */
        /* the running read */
        bool reading;
        unsigned pending;
        int64_t began_us;
        struct call funds_call, positions_call;
        struct list waiters;
};

void funds_init(struct account_state *a);
void funds_done(struct account_state *a);
/* Begins a read unless one runs. */
void funds_refresh(struct account_state *a);
/* The same when there is a snapshot, older than FUNDS_REFRESH_US. */
void funds_keep_young(struct account_state *a);
/* `ready` after a read that begins now or, when one is running, after it. */
void funds_wait(struct account_state *a, struct funds_waiter *w);

/* There is a snapshot that may be relied on. */
bool funds_known(const struct account_state *a);
int64_t funds_available(const struct account_state *a);
void funds_reserve(struct account_state *a, int64_t amount);
/* The order ended: `sent` false gives the money back at once. */
void funds_settle(struct account_state *a, int64_t amount, bool sent);
/* Signed position of one product, 0 none, as last read. */
int64_t funds_position(const struct account_state *a, const char *symbol, enum product product);
/* The reading is young enough to prove that an order reduces, and no order came to an end since. */
bool funds_positions_proven(const struct account_state *a);
