#include "http/throttle.h"

#include <string.h>

#include "base/clock.h"

/* FNV-1a. An attacker who steers addresses into one set only makes his own entries replace each
 * other. */
static unsigned throttle_set(const struct address *a)
{
        uint32_t h = 2166136261U;

        for (unsigned i = 0; i < sizeof(a->bytes); i++)
                h = (h ^ a->bytes[i]) * 16777619U;
        return (h % (THROTTLE_ENTRIES / THROTTLE_WAYS)) * THROTTLE_WAYS;
}

bool throttle_failed(struct throttle *t, const struct address *a, int64_t now_us,
                     int64_t *ret_wait_s)
{
        struct throttle_entry *set = &t->entries[throttle_set(a)], *e = NULL, *oldest = set;

        for (unsigned i = 0; i < THROTTLE_WAYS && !e; i++) {
                if (set[i].since_us != 0 && memcmp(&set[i].address, a, sizeof(*a)) == 0)
                        e = &set[i];
                else if (set[i].since_us < oldest->since_us)
                        oldest = &set[i];
        }
        if (!e) {
                e = oldest;
                e->since_us = 0;
                e->address = *a;
        }
        if (e->since_us == 0 || now_us - e->since_us >= THROTTLE_WINDOW_US) {
                e->since_us = now_us;
                e->failures = 0;
        }
        if (e->failures < THROTTLE_FAILURES) {
                e->failures++;
                return true;
        }
        *ret_wait_s =
                (THROTTLE_WINDOW_US - (now_us - e->since_us) + USEC_PER_SEC - 1) / USEC_PER_SEC;
        return false;
}
