#include "orchestrator/rate_window.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

void rate_window_clear(struct rate_window *w)
{
        for (unsigned i = 0; i < w->cap; i++)
                w->stamps[i] = INT64_MIN / 2;
}

int rate_window_init(struct rate_window *w, int64_t span_us, int64_t cap)
{
        *w = (struct rate_window){.span_us = span_us, .cap = (unsigned)cap};
        if (cap == 0)
                return 0;
        w->stamps = malloc((size_t)cap * sizeof(*w->stamps));
        if (!w->stamps)
                return -ENOMEM;
        rate_window_clear(w);
        return 0;
}

void rate_window_done(struct rate_window *w)
{
        free(w->stamps);
        *w = (struct rate_window){};
}

int64_t rate_window_wait(const struct rate_window *w, unsigned spare, int64_t now)
{
        if (w->cap == 0)
                return 0;
        if (spare >= w->cap)
                spare = w->cap - 1;
        int64_t free_at = w->stamps[(w->next + spare) % w->cap] + w->span_us;
        return free_at > now ? free_at - now : 0;
}

int64_t rate_window_turn(const struct rate_window *w, unsigned spare, unsigned ahead, int64_t now)
{
        if (w->cap == 0)
                return 0;
        if (spare >= w->cap)
                spare = w->cap - 1;
        unsigned at_once = w->cap - spare;
        int64_t round_us = ahead / at_once * w->span_us;
        return round_us + rate_window_wait(w, spare + ahead % at_once, now);
}

void rate_window_take(struct rate_window *w, int64_t now)
{
        if (w->cap == 0)
                return;
        w->stamps[w->next] = now;
        w->next = (w->next + 1) % w->cap;
}

/* The younger stamps move up. */
void rate_window_give_back(struct rate_window *w, int64_t at_us)
{
        for (unsigned n = 1; n <= w->cap; n++) {
                unsigned i = (w->next + w->cap - n) % w->cap;
                if (w->stamps[i] != at_us)
                        continue;
                for (; n > 1; n--) {
                        unsigned younger = (i + 1) % w->cap;
                        w->stamps[i] = w->stamps[younger];
                        i = younger;
                }
                w->next = i;
                w->stamps[i] = INT64_MIN / 2;
                return;
        }
}

int64_t rate_window_left(const struct rate_window *w)
{
        if (w->cap == 0)
                return -1;
        int64_t now = clock_mono_us(), left = 0;
        for (unsigned i = 0; i < w->cap; i++)
                left += w->stamps[i] + w->span_us <= now;
        return left;
}

int rate_window_resize(struct rate_window *w, int64_t cap)
{
        struct rate_window fresh;

        if (w->cap == (unsigned)cap)
                return 0;
        int r = rate_window_init(&fresh, w->span_us, cap);
        if (r < 0)
                return r;
        for (unsigned n = w->cap < fresh.cap ? w->cap : fresh.cap; n > 0; n--)
                rate_window_take(&fresh, w->stamps[(w->next + w->cap - n) % w->cap]);
        free(w->stamps);
        *w = fresh;
        return 0;
}
