#include "service/watchdog.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "service/notify.h"

static bool stuck(struct watchdog *w, char reason[static WATCHDOG_REASON_SIZE])
{
        if (w->asked) {
                snprintf(reason, WATCHDOG_REASON_SIZE,
                         "the store thread has not answered for %lld ms",
                         (long long)((clock_mono_us() - w->asked_us) / USEC_PER_MS));
                return true;
        }
        if (loop_turns(w->loop) == w->turns) {
                text_copy(reason, WATCHDOG_REASON_SIZE, "the HTTP side of the loop does not turn");
                return true;
        }
        return w->overdue(w->userdata, reason);
}

static void say(struct watchdog *w, const char *reason)
{
        bool was = w->reason[0];
        text_copy(w->reason, sizeof(w->reason), reason);
        if (!was && reason[0])
                log_event(LOG_CRIT, EVENT_WATCHDOG, LOG_FIELDS({"ORDO_REASON", reason}),
                          "no progress, and the watchdog is not told otherwise: %s", reason);
        else if (was && !reason[0])
                log_event(LOG_NOTICE, EVENT_WATCHDOG, NULL, 0,
                          "there is progress again; the watchdog is told so");
        if (reason[0])
                service_status("%s", reason);
}

static void watchdog_round(struct watchdog *w)
{
        char reason[WATCHDOG_REASON_SIZE] = "";
        w->late = stuck(w, reason);
        say(w, w->late ? reason : "");
        if (w->late)
                return;
        service_watchdog_ping();
        w->turns = loop_turns(w->loop);
        w->asked = true;
        w->asked_us = clock_mono_us();
        w->ask(w->userdata);
}

static void on_round(struct loop_timer *t)
{
        struct watchdog *w = CONTAINER_OF(t, struct watchdog, timer);
        (void)loop_timer_set(w->loop, t, w->period_us / 2);
        watchdog_round(w);
}

void watchdog_start(struct watchdog *w)
{
        w->timer.fire = on_round;
        w->period_us = service_watchdog_usec();
        w->turns = UINT64_MAX;
        if (w->period_us > 0)
                (void)loop_timer_set(w->loop, &w->timer, 0);
}

void watchdog_answered(struct watchdog *w)
{
        w->asked = false;
        if (w->late)
                (void)loop_timer_set(w->loop, &w->timer, 0);
}

const char *watchdog_reason(const struct watchdog *w)
{
        return w->reason[0] ? w->reason : NULL;
}

void watchdog_done(struct watchdog *w)
{
        loop_timer_done(&w->timer);
}
