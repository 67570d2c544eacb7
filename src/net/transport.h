/* What httpc.c and the transports share. A transport embeds struct httpc as its first member.
 *
 *   queue ─(next turn)─► started ─► ended: done()
 *     └──────────────────────────────►┘
 * httpc_send() only queues; everything else happens in turns, in the order of sending. */
#pragma once

#include "net/httpc.h"
#include "net/verdict.h"

struct transport {
        const char *name;
        /* Takes a call that is linked in `started`; may end it at once. */
        void (*start)(struct httpc *h, struct http_call *c);
        /* After the queue was started; may be NULL. */
        void (*turn)(struct httpc *h);
        /* Ends a started call by its evidence; NULL when start() always ends it. */
        void (*abandon)(struct httpc *h, struct http_call *c);
        void (*destroy)(struct httpc *h);
};

struct httpc {
        struct loop *loop;
        const struct transport *transport;
        struct list queue, started;
        unsigned queued, running; /* running: both lists */
        struct loop_work turn;
        bool turn_due;
        bool freeing;
        unsigned holds; /* frames on the stack that still need it */
};

void httpc_init(struct httpc *h, struct loop *l, const struct transport *t);
/* One more turn soon; loop thread, from anywhere. */
void httpc_schedule(struct httpc *h);
/* Judges, fills the facts, calls done. `error` (may be NULL) is copied. The caller holds the httpc.
 */
void httpc_end(struct httpc *h, struct http_call *c, const struct attempt *e, const char *error);
/* Between the two, httpc_free() from inside a done callback leaves the memory alone. */
void httpc_hold(struct httpc *h);
void httpc_release(struct httpc *h);
