#include "service/stop.h"

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "service/notify.h"

#define TICK_US   INT64_C(10000)
#define TELL_US   USEC_PER_SEC
#define EXTEND_US (10 * USEC_PER_SEC) /* announced anew with every tell */

static void tell(struct stop *s, const struct stop_left *left, int64_t now_us)
{
        if (now_us < s->told_us + TELL_US)
                return;
        s->told_us = now_us;
        service_extend_timeout(EXTEND_US);
        service_status("stopping: %u operations and %u connections left, %lld s at most",
                       left->operations, left->connections,
                       (long long)((s->until_us - now_us + USEC_PER_SEC - 1) / USEC_PER_SEC));
}

static void on_tick(struct loop_timer *t)
{
        struct stop *s = CONTAINER_OF(t, struct stop, timer);
        struct stop_left left = s->left(s->userdata);
        int64_t now_us = clock_mono_us();

        if (s->linger_until_us && (left.connections == 0 || now_us >= s->linger_until_us)) {
                s->linger_until_us = 0;
                s->drain(s->userdata);
        }
        if (!s->linger_until_us && left.operations == 0 && left.connections == 0) {
                loop_stop(s->loop);
                return;
        }
        if (now_us >= s->until_us) {
                log_event(LOG_WARNING, EVENT_DRAIN_CUT, NULL, 0,
                          "stopping with %u operations and %u connections left", left.operations,
                          left.connections);
                loop_stop(s->loop);
                return;
        }
        tell(s, &left, now_us);
        (void)loop_timer_set(s->loop, &s->timer, TICK_US);
}

void stop_ask(struct stop *s, const char *why)
{
        if (stop_asked(s)) {
                loop_stop(s->loop);
                return;
        }
        service_stopping();
        log_event(LOG_NOTICE, EVENT_STOPPING, LOG_FIELDS({"ORDO_REASON", why}),
                  "ordod is stopping: %s", why);
        s->timer.fire = on_tick;
        s->until_us = clock_mono_us() + s->limit_us;
        s->linger_until_us = clock_mono_us() + STOP_LINGER_US;
        s->linger(s->userdata);
        (void)loop_timer_set(s->loop, &s->timer, 0);
}

bool stop_asked(const struct stop *s)
{
        return s->until_us != 0;
}

void stop_done(struct stop *s)
{
        loop_timer_done(&s->timer);
}
