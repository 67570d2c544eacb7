#include "service/idle.h"

#include "base/clock.h"

#define LOOK_US_MAX (30 * USEC_PER_SEC)

static void on_look(struct loop_timer *t)
{
        struct idle *i = CONTAINER_OF(t, struct idle, timer);
        int64_t now_us = clock_mono_us();
        uint64_t count = i->count;

        if (i->busy(i->userdata, &count) || count != i->count)
                i->since_us = now_us;
        i->count = count;
        int64_t left_us = i->since_us + i->after_us - now_us;
        if (left_us <= 0) {
                i->leave(i->userdata);
                return;
        }
        (void)loop_timer_set(i->loop, t, left_us < LOOK_US_MAX ? left_us : LOOK_US_MAX);
}

void idle_start(struct idle *i)
{
        i->timer.fire = on_look;
        if (i->after_us <= 0) {
                loop_timer_stop(&i->timer);
                return;
        }
        i->since_us = clock_mono_us();
        (void)loop_timer_set(i->loop, &i->timer, 0);
}

void idle_done(struct idle *i)
{
        loop_timer_done(&i->timer);
}
