#include "orchestrator/traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define MINUTE_US       (60 * USEC_PER_SEC)
#define DAY_US          (INT64_C(86400) * USEC_PER_SEC)
#define PAUSE_LEAST_S   1
#define PAUSE_DOUBLINGS 6   /* without a Retry-After: 1, 2, 4 … 64 s */
#define PAUSE_MOST_S    300 /* a broker that wants more is asked again after it */

/* Masters come from another server, and nobody counts them. */
static bool counts(const struct traffic_window *w, enum broker_op op, enum exchange at)
{
        bool order = op == BROKER_PLACE || op == BROKER_MODIFY || op == BROKER_CANCEL;

        switch (w->rate->traffic) {
        case BROKER_TRAFFIC_ORDERS:
                return order;
        case BROKER_TRAFFIC_EACH:
                return order && (at == w->exchange || at == BROKER_RATE_ANYWHERE);
        case BROKER_TRAFFIC_QUOTES:
                return op == BROKER_QUOTES;
        default:
                return op != BROKER_MASTER;
        }
}

static bool never_refused(enum broker_op op)
{
        return op == BROKER_LOGIN || op == BROKER_LOGOUT ||
               op == BROKER_PROFILE; /* whose session it is: a step of the login */
}

unsigned traffic_keep(const struct broker_rate *rate, enum traffic_rank rank)
{
        const bool shared = rate->traffic == BROKER_TRAFFIC_ALL;

        switch (rank) {
        case TRAFFIC_EXIT:
                return 0;
        case TRAFFIC_DUE:
                return shared ? TRAFFIC_LANE / 2 : 0; /* one of the lane's places stays */
        case TRAFFIC_ORDER:
                return TRAFFIC_LANE + (shared ? rate->count / TRAFFIC_DUE_PART : 0);
        default:
                return shared ? TRAFFIC_LANE + rate->count / TRAFFIC_READ_PART : 0;
        }
}

static int window_init(struct traffic_window *w, const struct broker_rate *rate)
{
        *w = (struct traffic_window){.rate = rate};
        if (rate->window_us >= DAY_US)
                return 0;
        return rate_window_init(&w->rolling, rate->window_us + TRAFFIC_SLACK_US, rate->count);
}

/* One window, or one for each exchange where the broker trades. */
static int windows_add(struct traffic *t, const struct broker *b, const struct broker_rate *rate)
{
        if (rate->traffic != BROKER_TRAFFIC_EACH)
                return window_init(&t->windows[t->n++], rate);
        for (unsigned i = 0; i < b->n_capabilities; i++) {
                struct traffic_window *w = &t->windows[t->n++];
                int r = window_init(w, rate);
                if (r < 0)
                        return r;
                w->exchange = b->capabilities[i].exchange;
        }
        return 0;
}

/* Orders that were agreed on as a whole are no more bound at each exchange either. */
static bool replaces(const struct broker_rates *agreed, enum broker_traffic traffic)
{
        for (unsigned i = 0; i < agreed->n; i++) {
                enum broker_traffic is = agreed->rates[i].traffic;
                if (is == traffic ||
                    (is == BROKER_TRAFFIC_ORDERS && traffic == BROKER_TRAFFIC_EACH))
                        return true;
        }
        return false;
}

int traffic_init(struct traffic *t, const struct broker *b, const struct broker_rates *agreed)
{
        int r = 0;

        *t = (struct traffic){};
        if (b->n_rates + agreed->n == 0)
                return 0;
        t->windows =
                calloc((b->n_rates + agreed->n) * (b->n_capabilities + 1), sizeof(*t->windows));
        if (!t->windows)
                return -ENOMEM;
        for (unsigned i = 0; i < b->n_rates && r == 0; i++)
                if (!replaces(agreed, b->rates[i].traffic))
                        r = windows_add(t, b, &b->rates[i]);
        for (unsigned i = 0; i < agreed->n && r == 0; i++)
                r = windows_add(t, b, &agreed->rates[i]);
        return r;
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

static int64_t day_wait(struct traffic_window *w, unsigned keep, unsigned ahead)
{
        roll(w);
        if (keep >= w->rate->count)
                keep = w->rate->count - 1;
        if (w->count + keep + ahead < w->rate->count)
                return 0;
        return clock_from_ist(clock_day_add(w->day, 1), 0) - clock_wall_us();
}

static void explain(const struct traffic_window *w, char *detail, size_t size)
{
        const struct broker_rate *rate = w->rate;
        bool each = rate->traffic == BROKER_TRAFFIC_EACH;

        snprintf(detail, size, "the broker allows %u %s%s in %" PRId64 " s, and they are used up",
                 rate->count, each ? "orders at " : broker_traffic_name(rate->traffic),
                 each ? exchange_name(w->exchange) : "", rate->window_us / USEC_PER_SEC);
}

static int64_t window_wait(struct traffic_window *w, unsigned keep, unsigned ahead, int64_t now)
{
        if (w->rolling.cap)
                return rate_window_turn(&w->rolling, keep, ahead, now);
        return day_wait(w, keep, ahead);
}

int64_t traffic_turn(struct traffic *t, enum broker_op op, enum exchange at, enum traffic_rank rank,
                     struct rate_ahead ahead, char *detail, size_t size)
{
        int64_t now = clock_mono_us(), longest = 0;

        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                if (!counts(w, op, at))
                        continue;
                bool each = w->rate->traffic == BROKER_TRAFFIC_EACH;
                int64_t wait = window_wait(w, traffic_keep(w->rate, rank),
                                           each ? ahead.here : ahead.all, now);
                if (wait <= longest)
                        continue;
                longest = wait;
                explain(w, detail, size);
        }
        int64_t until = op == BROKER_CANCEL ? t->cancels_paused_until_us : t->paused_until_us;
        if (until - now > longest) {
                longest = until - now;
                snprintf(detail, size, "the broker said that there were too many calls");
        }
        return longest;
}

int64_t traffic_wait(struct traffic *t, enum broker_op op, enum traffic_rank rank, char *detail,
                     size_t size)
{
        return never_refused(op) ? 0
                                 : traffic_turn(t, op, BROKER_RATE_ANYWHERE, rank,
                                                (struct rate_ahead){}, detail, size);
}

int64_t traffic_take(struct traffic *t, enum broker_op op, enum exchange at)
{
        int64_t now = clock_mono_us();
        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                if (!counts(w, op, at))
                        continue;
                rate_window_take(&w->rolling, now);
                roll(w);
                w->count++;
        }
        return now;
}

void traffic_restore(struct traffic *t, int64_t at_us)
{
        for (unsigned i = 0; i < t->n; i++)
                if (counts(&t->windows[i], BROKER_PLACE, BROKER_RATE_ANYWHERE))
                        rate_window_take(&t->windows[i].rolling, at_us);
}

void traffic_restore_day(struct traffic *t, int64_t orders)
{
        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                roll(w);
                if (counts(w, BROKER_PLACE, BROKER_RATE_ANYWHERE))
                        w->count = orders;
        }
}

void traffic_assume_reads(struct traffic *t)
{
        int64_t now = clock_mono_us();
        for (unsigned i = 0; i < t->n; i++) {
                const struct broker_rate *rate = t->windows[i].rate;
                unsigned n = rate->count / TRAFFIC_READ_PART;
                unsigned keep = traffic_keep(rate, TRAFFIC_READ);
                if (rate->traffic == BROKER_TRAFFIC_ORDERS || rate->traffic == BROKER_TRAFFIC_EACH)
                        continue;
                if (rate->window_us < MINUTE_US)
                        n = rate->count > keep ? rate->count - keep : rate->count;
                for (; n > 0; n--)
                        rate_window_take(&t->windows[i].rolling, now);
        }
}

void traffic_give_back(struct traffic *t, enum broker_op op, enum exchange at, int64_t at_us)
{
        for (unsigned i = 0; i < t->n; i++) {
                struct traffic_window *w = &t->windows[i];
                if (!counts(w, op, at))
                        continue;
                rate_window_give_back(&w->rolling, at_us);
                if (w->count > 0)
                        w->count--;
        }
}

int64_t traffic_paused_us(const struct traffic *t)
{
        int64_t left = t->paused_until_us - clock_mono_us();
        return left > 0 ? left : 0;
}

/* What the broker asked for, or what the row of refusals makes of it. */
static int64_t pause_s(struct traffic *t, const char *retry_after)
{
        int64_t seconds;
        /* The other form of the header, a date, is not taken: no broker here sends it. */
        if (retry_after &&
            text_parse_int(retry_after, strlen(retry_after), 0, INT64_MAX, &seconds) >= 0)
                return seconds < PAUSE_LEAST_S  ? PAUSE_LEAST_S
                       : seconds > PAUSE_MOST_S ? PAUSE_MOST_S
                                                : seconds;
        if (traffic_paused_us(t) > 0)
                return 0; /* the others of a volley teach nothing new */
        seconds = PAUSE_LEAST_S << t->n_refusals;
        t->n_refusals += t->n_refusals < PAUSE_DOUBLINGS;
        return seconds;
}

void traffic_refused(struct traffic *t, const char *retry_after)
{
        int64_t now = clock_mono_us(), until = now + pause_s(t, retry_after) * USEC_PER_SEC;
        if (until > t->paused_until_us)
                t->paused_until_us = until;
        t->cancels_paused_until_us = now + PAUSE_LEAST_S * USEC_PER_SEC;
}

void traffic_answered(struct traffic *t)
{
        if (t->n_refusals > 0 && t->paused_until_us <= clock_mono_us())
                t->n_refusals = 0;
}
