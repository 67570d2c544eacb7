/* Leaving after a quiet time, when a socket unit starts us again at the next connection. Whoever
 * comes while we leave waits in the manager's socket. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct idle {
        struct loop *loop;
        int64_t after_us; /* 0: never */
        /* True: there is work. `*ret_count` grows with whatever was done since the last look. */
        bool (*busy)(void *userdata, uint64_t *ret_count);
        void (*leave)(void *userdata);
        void *userdata;

        struct loop_timer timer;
        uint64_t count;
        int64_t since_us;
};

void idle_start(struct idle *i); /* and again when `after_us` has changed */
void idle_done(struct idle *i);
