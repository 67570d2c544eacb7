/* One request to one broker: the adapter's bytes, the transport, the adapter's reading of the
 * reply, metrics and the account's last-call facts. It decides nothing; whoever started it looks at
 * `result.outcome`. Embedded in the caller's struct; `done` runs once, never from inside
 * call_start(). */
#pragma once

#include "broker/broker.h"
#include "net/httpc.h"
#include "orchestrator/lane.h"
#include "orchestrator/large_reply.h"
#include "orchestrator/retry.h"
#include "orchestrator/traffic.h"

struct account_state;

#define CALL_TIMEOUT_US      INT64_C(10000000)
#define CALL_READ_TIMEOUT_US INT64_C(8000000)
#define CALL_TURN_US         INT64_C(5000000) /* a read waits for its turn in the broker's rates */
#define CALL_TURNS_MAX       64               /* waiting at one account */
/* Placements and modifications of one account that are at its broker at once; the next ones wait
 * for an answer. Fewer than the connections there may be (HTTPC_CONNECTIONS): cancels and reads
 * have the rest. */
#define CALL_WRITES_MAX 8
/* Bytes of a day's orders, or trades, in one reply; others: HTTP_REPLY_MAX. Brokers write 700 to
 * 1000 bytes a row: 20,000 orders with long reasons, and a third more. */
#define CALL_BOOK_MAX (32U << 20)

struct call {
        struct account_state *account;
        struct broker_call broker; /* op and what it needs; account and token are filled in */
        bool passes_halt;          /* a verified reducing order, or not an order at all */
        bool due; /* a read that Ordo needs, and has been without for too long: goes before orders
                   */
        struct turn *turn; /* PLACE, MODIFY: the place in the lane, granted. CANCEL: waits for its
                              own */
        int64_t until_us;  /* monotonic, when it is over; 0: by operation */
        /* Of a session that is not the account's: one that is being checked, or that is given up.
         * NULL: the account's own, which must be there. */
        const struct secret *token;
        void (*done)(struct call *c);
        /* May be NULL: an attempt failed in a way that lets it go again; it is still as it ended.
         */
        void (*failed)(struct call *c);

        uint64_t generation; /* out: of the session that it was sent with */

        struct http_call http;
        struct broker_result result;
        int retry_after_s; /* of PROBLEM_BROKER_RATE */
        struct list waiting;
        int64_t wait_until_us; /* monotonic */
        struct turn own_turn;  /* of a cancel */
        int64_t permit_us;     /* monotonic: when its permit was stamped; 0: it has none */
        struct retry retry;
        bool writing; /* one of CALL_WRITES_MAX */
        struct large_reply large;
        struct loop_work work;
};

void call_start(struct call *c);
/* In the place of call_start(): ends it without a request, as not sent. */
void call_refuse(struct call *c, enum problem problem, const char *message);
/* permit.c: it may go now, or it may not. */
void call_permitted(struct call *c);
void call_forbidden(struct call *c, enum problem problem, int64_t wait_us, const char *message);
/* retry.c: the time between two attempts is over. */
void call_again(struct call *c);
/* Ends the calls that wait for their turn. */
void calls_give_up(struct account_state *a);
void call_evidence(const struct call *c, struct evidence *ret);
/* Its rank in the broker's rates. */
enum traffic_rank call_rank(const struct call *c);
int64_t call_latency_us(const struct call *c);
/* Frees what it holds; may be started again afterwards. */
void call_clear(struct call *c);
