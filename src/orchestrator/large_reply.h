/* Large replies of brokers, the day's order book above all: they are read on a thread of their own,
 * because a few thousand rows would hold up the loop for tens of milliseconds, and with it every
 * order. An adapter's reply() is a pure function over buffers; what it looks up is found in this
 * thread's own opening of the broker's instruments.
 *
 * One door each: the loop hands a reply over and does not touch it, nor where the result goes,
 * until it comes back as loop work. */
#pragma once

#include "broker/broker.h"
#include "loop/loop.h"

struct account_state;
struct large_replies;
struct orchestrator;

#define LARGE_REPLY_SIZE (32U << 10) /* below, handing over costs more than it saves */

/* Embedded in who waits for it. */
struct large_reply {
        /* in; everything is borrowed, the arrays of `result` are the owner's as ever */
        const struct broker *broker;
        const struct broker_call *call; /* its source is not asked */
        const struct http_reply *reply;
        struct broker_result *result; /* zeroed */
        void (*done)(struct large_reply *r);
        /* out: 0; a negative errno: it could not be read here, `result` is as it was */
        int error;
        /* its own */
        struct list link;
        struct loop_work back;
        const char *master; /* the file; NULL: the broker has none, or none is loaded */
        uint64_t version;
};

int large_replies_new(struct orchestrator *o);
/* Waits for the one that is being read; the others are dropped, nobody is told any more. */
void large_replies_free(struct orchestrator *o);
/* For a read whose reply is worth it: `done` comes later, on the loop. False: read it yourself. */
bool large_reply_read(struct account_state *a, struct large_reply *r);
