#include "http/rate.h"

#include "base/clock.h"

#define TOKEN INT64_C(1000000)

bool rate_take(struct rate *r, int64_t per_second, int64_t now_us, int64_t *ret_wait_s)
{
        const int64_t full = per_second * TOKEN;

        /* A token's worth of time is as many microseconds as a token has parts: one multiplication.
         */
        if (r->filled_us == 0 || now_us - r->filled_us >= USEC_PER_SEC) {
                r->tokens = full;
        } else if (now_us > r->filled_us) {
                r->tokens += (now_us - r->filled_us) * per_second;
                if (r->tokens > full)
                        r->tokens = full;
        }
        r->filled_us = now_us;
        if (r->tokens < TOKEN) {
                *ret_wait_s = 1;
                return false;
        }
        r->tokens -= TOKEN;
        return true;
}

int64_t rate_left(const struct rate *r)
{
        return r->tokens / TOKEN;
}
