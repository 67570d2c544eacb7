#include "orchestrator/traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define DAY_US        (INT64_C(86400) * USEC_PER_SEC)
#define PAUSE_LEAST_S 1
#define PAUSE_MOST_S  300 /* a broker that wants more is asked again after it */

/* Masters come from another server, and nobody counts them. */
static bool counts(const struct broker_rate *rate, enum broker_op op)
{
        switch (rate->traffic) {
        case BROKER_TRAFFIC_ORDERS:
                return op == BROKER_PLACE || op == BROKER_MODIFY || op == BROKER_CANCEL;
        case BROKER_TRAFFIC_QUOTES:
                return op == BROKER_QUOTES;
        default:
                return op != BROKER_MASTER;
        }
}

static bool never_refused(enum broker_op op)
{
        return op == BROKER_CANCEL || op == BROKER_LOGIN || op == BROKER_LOGOUT ||
               op == BROKER_PROFILE; /* whose session it is: a step of the login */
}

/* What must stay free after this call. */
static unsigned spare(const struct broker_rate *rate, enum broker_op op)
{
        if (op == BROKER_PLACE || op == BROKER_MODIFY)
                return TRAFFIC_LANE;
        return rate->traffic == BROKER_TRAFFIC_ALL ? TRAFFIC_LANE + rate->count / TRAFFIC_READ_PART
                                                   : 0;
}

static int window_init(struct traffic_window *w, const struct broker_rate *rate)
{
        *w = (struct traffic_window){.rate = rate};
        if (rate->window_us >= DAY_US)
                return 0;
        return rate_window_init(&w->rolling, rate->window_us + TRAFFIC_SLACK_US, rate->count);
}

int traffic_init(struct traffic *t, const struct broker *b)
{
        *t = (struct traffic){};
        if (b->n_rates == 0)
                return 0;
        t->windows = calloc(b->n_rates, sizeof(*t->windows));
        if (!t->windows)
                return -ENOMEM;
        for (unsigned i = 0; i < b->n_rates; i++) {
                int r = window_init(&t->windows[t->n++], &b->rates[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

void traffic_done(struct traffic *t)
{
        for (unsigned i = 0; i < t->n; i++)
                rate_window_done(&t->windows[i].rolling);
        free(t->windows);
        *t = (struct traffic){};
}

static void roll(struct traffic_window *w)
{
        int today = clock_ist_day(clock_wall_us());
        if (w->day != today) {
                w->day = today;
                w->count = 0;
        }
}

static int64_t day_wait(struct traffic_window *w, unsigned keep)
{
        roll(w);
        if (keep >= w->rate->count)
                keep = w->rate->count - 1;
        if (w->count + keep < w->rate->count)
                return 0;
        return clock_from_ist(clock_day_add(w->day, 1), 0) - clock_wall_us();
}

static void explain(const struct broker_rate *rate, char *detail, size_t size)
{
        static const char *const what[] = {
                [BROKER_TRAFFIC_ORDERS] = "orders",
                [BROKER_TRAFFIC_QUOTES] = "quotes",
                [BROKER_TRAFFIC_ALL] = "calls",
        };
        snprintf(detail, size, "the broker allows %u %s in %" PRId64 " s, and they are used up",
                 rate->count, what[rate->traffic], rate->window_us / USEC_PER_SEC);
}

int64_t traffic_wait(struct traffic *t, enum broker_op op, char *detail, size_t size)
{
        int64_t now = clock_mono_us(), longest = 0;
        if (never_refused(op))
                return 0;
        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                if (!counts(w->rate, op))
                        continue;
                unsigned keep = spare(w->rate, op);
                int64_t wait = w->rolling.cap ? rate_window_wait(&w->rolling, keep, now)
                                              : day_wait(w, keep);
                if (wait <= longest)
                        continue;
                longest = wait;
                explain(w->rate, detail, size);
        }
        if (t->paused_until_us - now > longest) {
                longest = t->paused_until_us - now;
                snprintf(detail, size, "the broker said that there were too many calls");
        }
        return longest;
}

int64_t traffic_take(struct traffic *t, enum broker_op op)
{
        int64_t now = clock_mono_us();
        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                if (!counts(w->rate, op))
                        continue;
                rate_window_take(&w->rolling, now);
                roll(w);
                w->count++;
        }
        return now;
}

void traffic_give_back(struct traffic *t, enum broker_op op, int64_t at_us)
{
        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                if (!counts(w->rate, op))
                        continue;
                rate_window_give_back(&w->rolling, at_us);
                if (w->count > 0)
                        w->count--;
        }
}

void traffic_refused(struct traffic *t, const char *retry_after)
{
        int64_t seconds = PAUSE_LEAST_S;
        /* The other form of the header, a date, is not taken: no broker here sends it. */
        if (retry_after &&
            text_parse_int(retry_after, strlen(retry_after), 0, INT64_MAX, &seconds) < 0)
                seconds = PAUSE_LEAST_S;
        seconds = seconds < PAUSE_LEAST_S  ? PAUSE_LEAST_S
                  : seconds > PAUSE_MOST_S ? PAUSE_MOST_S
                                           : seconds;
        int64_t until = clock_mono_us() + seconds * USEC_PER_SEC;
        if (until > t->paused_until_us)
                t->paused_until_us = until;
}
