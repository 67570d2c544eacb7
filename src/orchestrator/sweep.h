/* What is looked at from time to time, because nothing else would tell: operations that are over
 * their deadline four times a second; once a second, whether the ledger can be written again, what
 * waits for that, and what an ended day leaves behind. Loop thread. */
#pragma once

#include "loop/loop.h"

struct orchestrator;

struct sweep {
        struct loop_timer timer;
        int64_t looked_us; /* monotonic, when all of it was looked at */
};

void sweep_start(struct orchestrator *o);
/* Twice does no harm. */
void sweep_stop(struct orchestrator *o);
