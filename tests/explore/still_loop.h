/* The loop of the explorer, in place of loop/loop.c: no clock of its own, no descriptors, one
 * thread. Posted work runs when it is told to; a timer fires when the explorer has moved the clock
 * to it. */
#pragma once

#include "loop/loop.h"

struct loop *still_loop_new(void);
/* Runs what was posted or deferred, and what comes of it, until nothing is left. */
void still_loop_run(struct loop *l);
/* When the next timer is due (monotonic); INT64_MAX: none is set. */
int64_t still_loop_due(const struct loop *l);
/* Fires one timer that is due; false: none is. */
bool still_loop_fire(struct loop *l);
/* Every timer that is set, in the order in which they will fire. */
void still_loop_each(const struct loop *l,
                     void (*fn)(void *userdata, void (*fire)(struct loop_timer *t), int64_t due_us),
                     void *userdata);
