/* Failed attempts per address: after a few the address is told to wait, and nothing is looked up or
 * logged for it meanwhile. A bounded table; when full the entry that is quiet for longest goes. A
 * good token always passes (tokens have 256 bits: guessing is hopeless, but a cron job with an old
 * token must not be able to lock out the trader's program on the same host). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/address.h"

#define THROTTLE_ENTRIES   1024
#define THROTTLE_WAYS      4 /* an address has this many places in the table */
#define THROTTLE_FAILURES  10
#define THROTTLE_WINDOW_US INT64_C(60000000)

struct throttle {
        struct throttle_entry {
                struct address address;
                int64_t since_us; /* monotonic; 0: empty */
                unsigned failures;
        } entries[THROTTLE_ENTRIES];
};

/* Counts one. False: too many in this window; `*ret_wait_s` says when it ends. */
bool throttle_failed(struct throttle *t, const struct address *a, int64_t now_us,
                     int64_t *ret_wait_s);
