/* Whether a broker can be reached at all: one breaker for each account and class of routes. It
 * opens on the transport's evidence alone (no complete reply), never on what a broker says.
 *
 *            failures enough in the window
 *     closed ────────────────────────────► open ◄──────────────┐
 *        ▲                                  │ after a while     │ the probe failed
 *        │ a write that bypassed it         ▼                   │
 *        ├──── was answered ◄────────────── half open ──────────┘
 *        └──── the probe was answered ◄─────┘
 *
 * While it is not closed, new orders (or a client's reads) are refused; cancels, exits of the kill
 * switch, logins and the reading of books go as ever. The probe is a read, of the book.
 * Loop thread only. */
#pragma once

#include "orchestrator/call.h"
#include "orchestrator/rate_window.h"

enum breaker_class { BREAKER_ORDERS, BREAKER_READS, _BREAKER_MAX };
const char *breaker_class_name(enum breaker_class class); /* "orders" */

enum breaker_state { BREAKER_STATE_CLOSED, BREAKER_STATE_HALF_OPEN, BREAKER_STATE_OPEN };
const char *breaker_state_name(enum breaker_state state); /* "half_open" */

#define BREAKER_OPEN_US INT64_C(10000000) /* until it is tried again */

struct breaker {
        enum breaker_state state;
        struct rate_window failures; /* full: it opens */
        int64_t probe_us;            /* monotonic, when it is tried again */
};

struct breakers {
        struct breaker of[_BREAKER_MAX];
        struct loop_timer timer;
        struct call probe;
        bool probing;
};

int breakers_init(struct account_state *a);
void breakers_done(struct account_state *a);
/* The account's options have changed. -ENOMEM: it stays as it was. */
int breakers_take_up(struct account_state *a);
/* A call of the account's own session that was handed to the transport came to this. */
void breaker_note(struct account_state *a, enum broker_op op, bool answered);
/* Microseconds until it is worth trying again; 0: now. */
int64_t breaker_wait(const struct account_state *a, enum breaker_class class);
