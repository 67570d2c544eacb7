/* The watchdog that proves work (models §5.4). Twice in the manager's period it asks three
 * questions, and only when each has a good answer the manager hears of it:
 *
 *   has the store thread answered what it was asked in the round before?
 *   has the HTTP side of the loop gone round since then?
 *   is no operation older than it may be?
 *
 * Otherwise it says why, in the journal and in STATUS, and lets the manager's period run out, which
 * ends the process. An answer that comes late is taken at once, so that a store thread that is only
 * slow has nearly the whole period. Loop thread only. */
#pragma once

#include "base/text.h"
#include "loop/loop.h"

#define WATCHDOG_REASON_SIZE 160

struct watchdog {
        struct loop *loop;
        /* Asks the store thread; it answers by watchdog_answered(). */
        void (*ask)(void *userdata);
        /* True: an operation has been running for too long; `reason` says which. */
        bool (*overdue)(void *userdata, char reason[static WATCHDOG_REASON_SIZE]);
        void *userdata;

        struct loop_timer timer;
        int64_t period_us; /* the manager's; 0: off */
        bool asked, late;
        int64_t asked_us; /* monotonic */
        uint64_t turns;
        char reason[WATCHDOG_REASON_SIZE]; /* why the manager hears nothing; "" */
};

/* The members above are filled in. Does nothing when the manager has no watchdog. */
void watchdog_start(struct watchdog *w);
void watchdog_answered(struct watchdog *w);
/* For STATUS; NULL: all is well. */
const char *watchdog_reason(const struct watchdog *w);
void watchdog_done(struct watchdog *w);
