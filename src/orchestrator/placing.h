/* Placing an order.
 *
 *                       ┌──► asking (quote, funds, book) ──► gating, anew
 *                       │
 *   received ─► gating ─┴─► reserving ─► calling ─► recording ─► done
 *       │          │         │      │       ▲           │
 *       │          │         │      │       └───────────┘  answered at the deadline, legs still out
 *       │          │         │      ├─► gating, anew: the kill switch moved meanwhile
 *       │          │         │      └─► doubting ◄─► recording ─► done (place_doubt.c)
 *       │          └─► looking ─► refusing ─────────────► done
 *       └──────────────────────► replaying ─────────────► done
 *
 * Each leg for itself, while the order is calling:
 *
 *   marked by the first commit ────────────────────► at its broker ─► answered
 *   waiting for its turn (lane.h) ─► being marked ──►┘     ▲
 *        └─► too late, halted, cancelled: not sent ────────┘
 *
 * Suspended only in: asking (brokers), reserving, looking, refusing, replaying, recording (store),
 * calling (brokers), doubting (store, timer). Once a leg is marked as sending there is no way to
 * done but through recording.
 */
#pragma once

#include "orchestrator/book.h"
#include "orchestrator/call.h"
#include "orchestrator/gate.h"
#include "orchestrator/place.h"
#include "orchestrator/state.h"

#define PLACE_STATE_TABLE(X)                                                             \
        X(RECEIVED, TO(GATING) | TO(REPLAYING) | TO(DONE))                               \
        X(GATING, TO(ASKING) | TO(RESERVING) | TO(LOOKING) | TO(REFUSING) | TO(DONE))    \
        X(ASKING, TO(GATING))                                                            \
        X(RESERVING, TO(GATING) | TO(CALLING) | TO(DOUBTING) | TO(REPLAYING) | TO(DONE)) \
        X(CALLING, TO(RECORDING)) /* never straight to done */                           \
        X(DOUBTING, TO(RECORDING) | TO(DONE))                                            \
        X(RECORDING, TO(CALLING) | TO(DOUBTING) | TO(DONE))                              \
        X(LOOKING, TO(REPLAYING) | TO(REFUSING) | TO(DONE))                              \
        X(REFUSING, TO(DONE))                                                            \
        X(REPLAYING, TO(DONE))                                                           \
        X(DONE, 0)

enum place_state {
#define X(name, next) PLACE_##name,
        PLACE_STATE_TABLE(X)
#undef X
};
struct attempt {
        struct placing *placing;
        struct leg *leg;
        struct scrip scrip; /* what the gate looks at, when it is listed */
        struct gate gate;
        struct call call;
        struct open_leg *open;
        struct audit_record *tries; /* attempts before the last one, RETRIES_MAX at most */
        unsigned n_tries;
        bool passed;
        bool sent; /* or waiting to be, or not any more: until it is answered it is out */
        bool answered, recorded;
};

struct placing {
        struct list link; /* orchestrator.operations, oldest first */
        struct running running;
        struct orchestrator *o;
        struct place_request *request; /* NULL once answered */
        enum place_state state;
        struct order *order;
        struct attempt *attempts;
        unsigned n_out;   /* legs at the brokers, or on their way */
        unsigned n_stale; /* first commits that the kill switch overtook */
        bool expired, exit, doubtful;
        unsigned n_doubts; /* times the ledger was asked whether it has the intent */
        struct loop_timer timer;
        int64_t started_us, deadline_us; /* monotonic */

        struct key *key;
        char scope[KEY_NAME_SIZE + 32]; /* of idempotency keys: who, method, route (orders.md §4) */
        char *key_text; /* scope and key, the name of the key in memory; NULL without one */
        const char *key_value;
        uint8_t fingerprint[FINGERPRINT_SIZE];

        struct loop_work work;
        struct key_waiter key_waiter;
        struct quote_waiter quote_waiter;
        struct funds_waiter funds_waiter;
        struct book_wait book_waiter;
        union {
                struct store_intent intent;
                struct store_key_get look;
                struct store_append refusal;
                struct store_order_get replay;
        } job;
        struct store_outcome outcome;
        bool *changed;
        struct audit_record *audit;
        unsigned n_audit;
        struct list riders;
        struct text body;
        int status;
        enum problem cause;
};

/* placing.c: one step, the end, the answer. */
void place_move(struct placing *p, enum place_state to);
/* Answers the client, once. */
void place_answer(struct placing *p);
/* Frees it, where it stands. */
struct placing *placing_free(struct placing *p);
/* The end: answers and frees. */
void place_finish(struct placing *p);
void place_fail(struct placing *p, enum problem problem, const char *detail);
/* Limits, funds and open legs as before: nothing was sent. Every leg that passed has to pass anew.
 */
void place_give_back(struct placing *p);
/* Renders the answer of the order as it stands; place_use_body() makes it the client's. */
int place_render(struct placing *p);
void place_use_body(struct placing *p);

/* place_key.c: what an idempotency key answers by itself. */
void place_count_key(struct placing *p, const char *result);
/* True when the key is known in memory: the request is over, or waits for the first one. */
bool place_known_key(struct placing *p);
void place_replay(struct placing *p, const char *order_id);
void place_mismatch(struct placing *p, const char *order_id);
/* Gates say no; but a replay is answered before any gate, so the ledger is asked for the key first.
 */
void place_look(struct placing *p);

/* place.c: gates. */
void place_gate(struct placing *p);
void place_refuse(struct placing *p);

/* place_intent.c: the first commit. */
void place_reserve(struct placing *p);
/* place_doubt.c: nobody knows whether the first commit is there. */
void place_doubt(struct placing *p);
void place_doubt_again(struct placing *p);
/* place_send.c: the brokers. Every leg that passed goes, or waits for its turn. */
void place_call(struct placing *p);
/* The leg is marked: it goes now. */
void place_send(struct attempt *t);
/* In the place of it: nothing was sent, and nothing will be. */
void place_unsent(struct attempt *t, enum problem problem, const char *message);
/* place_mark.c: legs that had to wait. */
void place_turn_came(struct turn *turn);
/* place_record.c: the second commit. */
void place_record(struct placing *p);
