/* Stopping, bounded in time.
 *
 *   asked ─► lingering ─► draining ─► the loop ends
 *
 * While it lingers, nobody new is let in, but who is in may send one more request: a client that
 * sent it on a kept connection just before we stopped must not lose it. Every answer ends its
 * connection, so the lingering is over when all have gone, and at the latest after STOP_LINGER_US.
 * Then what is idle is closed, and what still runs has the rest of the time. Asked twice, the loop
 * ends now. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

#define STOP_LINGER_US INT64_C(1000000)

struct stop_left {
        unsigned operations, connections;
};

struct stop {
        struct loop *loop;
        int64_t limit_us;
        void (*linger)(void *userdata); /* accept nobody, end each connection with its answer */
        void (*drain)(void *userdata);  /* close what is idle, begin nothing new */
        struct stop_left (*left)(void *userdata);
        void *userdata;

        struct loop_timer timer;
        int64_t linger_until_us, until_us; /* monotonic; 0: not asked, or over */
        int64_t told_us;
};

/* The members above are filled in. `why`: for STATUS and the journal. */
void stop_ask(struct stop *s, const char *why);
bool stop_asked(const struct stop *s);
void stop_done(struct stop *s);
