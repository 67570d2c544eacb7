/* The one loop: h2o's evloop outside, sd-event inside it (models §6.2, recipe 7). Everything of
 * Ordo that must not block runs on its thread. Other threads have one door: loop_post().
 *
 * A callback is never invoked from inside the call that registered it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/list.h"

struct loop;
struct st_h2o_evloop_t; /* h2o_loop_t of the evloop build; http/server.c alone looks inside */

int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *l);
DEFINE_CLEANUP(struct loop *, loop_free)

sd_event *loop_event(struct loop *l); /* borrowed */
struct st_h2o_evloop_t *loop_h2o(struct loop *l);

/* Turns until loop_stop() was called and `drained(userdata)` (may be NULL, asked once a turn) says
 * true. Forgets the stop when it returns, so that it can be called again. */
int loop_run(struct loop *l, bool (*drained)(void *userdata), void *userdata);
void loop_stop(struct loop *l);
bool loop_stopping(const struct loop *l);
uint64_t loop_turns(const struct loop *l); /* for the watchdog */

/* Work handed to the loop thread: embed it, set `run`, post it once; it may be posted again from
 * `run` on. loop_post() may be called from every thread, loop_defer() on the loop thread only
 * (no wake-up, no lock). FIFO. */
struct loop_work {
        struct list link;
        void (*run)(struct loop_work *w);
};
void loop_post(struct loop *l, struct loop_work *w);
void loop_defer(struct loop *l, struct loop_work *w);

/* A one-shot CLOCK_MONOTONIC timer; embed it. loop_timer_set() re-arms; `fire` runs at the time or
 * a little (≤ 1 ms) later. loop_timer_done() is safe on a zeroed struct. */
struct loop_timer {
        sd_event_source *source;
        void (*fire)(struct loop_timer *t);
};
int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_us); /* ≤ 0: now */
void loop_timer_stop(struct loop_timer *t);
void loop_timer_done(struct loop_timer *t);
