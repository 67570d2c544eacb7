/* A token bucket: as many requests at once as a second may hold, refilled evenly. Pure; the caller
 * brings the monotonic time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate {
        int64_t filled_us; /* monotonic; 0: never used, full */
        int64_t tokens;    /* millionths of a request */
};

/* Takes one. False: there is none, and `*ret_wait_s` says in how many seconds (at least 1) there
 * is. */
bool rate_take(struct rate *r, int64_t per_second, int64_t now_us, int64_t *ret_wait_s);
int64_t rate_left(const struct rate *r);
