#include "orchestrator/storm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/state.h"
#include "orchestrator/trip.h"

int storm_init(struct account_state *a)
{
        const struct account_limits *set = &a->account->limits;
        a->storm = (struct storm){};
        return rate_window_init(&a->storm.rejections, set->storm_window_us, set->storm_rejections);
}

void storm_done(struct account_state *a)
{
        rate_window_done(&a->storm.rejections);
}

int storm_take_up(struct account_state *a)
{
        struct storm old = a->storm;

        int r = storm_init(a);
        if (r < 0) {
                a->storm = old;
                return r;
        }
        rate_window_done(&old.rejections);
        return 0;
}

/* What another order would not meet: the session and the rate have their own remedies. */
static bool of_the_orders(enum problem why)
{
        return why != PROBLEM_SESSION_REQUIRED && why != PROBLEM_BROKER_RATE &&
               why != PROBLEM_ORDER_NOT_OPEN;
}

/* After the pause it is counted anew. */
static void pause_now(struct account_state *a)
{
        (void)storm_take_up(a);
        a->storm.until_us = clock_mono_us() + a->account->limits.storm_pause_us;
}

void storm_heard(struct account_state *a)
{
        if (!storm_wait(a))
                pause_now(a);
}

void storm_note(struct account_state *a, enum problem why)
{
        const struct account_limits *set = &a->account->limits;
        struct storm *s = &a->storm;
        int64_t now = clock_mono_us();
        char words[MESSAGE_SIZE];

        if (set->storm_rejections == 0 || a->unlimited || !of_the_orders(why))
                return;
        rate_window_take(&s->rejections, now);
        if (storm_wait(a) || rate_window_wait(&s->rejections, 0, now) == 0)
                return;
        pause_now(a);
        snprintf(words, sizeof(words),
                 "the broker rejected %" PRId64 " orders in %" PRId64 " s; for %" PRId64
                 " s only orders that reduce a position pass",
                 set->storm_rejections, set->storm_window_us / USEC_PER_SEC,
                 set->storm_pause_us / USEC_PER_SEC);
        trip_tell(a, PROBLEM_REJECT_STORM, words);
}

int64_t storm_wait(const struct account_state *a)
{
        int64_t left = a->storm.until_us - clock_mono_us();
        return a->storm.until_us && left > 0 ? left : 0;
}
