/* A rolling window: at most `cap` events inside any `span_us`. The moments of the last `cap` ones
 * are kept, so it is exact. A cap of zero is no limit. */
#pragma once

#include <stdint.h>

/* How many go before somebody: in a window of everything, in one of its exchange alone. */
struct rate_ahead {
        unsigned all, here;
};

struct rate_window {
        int64_t span_us;
        unsigned cap, next;
        int64_t *stamps; /* monotonic; ring of `cap`, the oldest at `next` */
};

int rate_window_init(struct rate_window *w, int64_t span_us, int64_t cap);
void rate_window_done(struct rate_window *w);
/* Keeps the youngest stamps that fit. -ENOMEM: it stays as it was. */
int rate_window_resize(struct rate_window *w, int64_t cap);
/* Microseconds until there is room for one and for `spare` more; 0: now. At least one may always
 * come at last, however small the window is. */
int64_t rate_window_wait(const struct rate_window *w, unsigned spare, int64_t now);
/* The same when `ahead` others come before it, as soon as they can. */
int64_t rate_window_turn(const struct rate_window *w, unsigned spare, unsigned ahead, int64_t now);
void rate_window_take(struct rate_window *w, int64_t now);
/* Takes out one stamp of that moment, if it is still there. */
void rate_window_give_back(struct rate_window *w, int64_t at_us);
void rate_window_clear(struct rate_window *w);
/* How many may come now; -1: no limit. */
int64_t rate_window_left(const struct rate_window *w);
