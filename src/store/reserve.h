/* A file that keeps room on the disk for outcomes: an order that has reached a broker must be
 * recorded even when the disk has filled up meanwhile (orders.md §7). Given up once it is needed,
 * made again when there is room. Without it no new intent is written. Store thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RESERVE_SIZE     (16U << 20)
#define RESERVE_RETRY_US INT64_C(1000000)
#define RESERVE_SUFFIX   ".reserve"

struct reserve {
        char *path;
        bool held;
        int64_t tried_us; /* monotonic */
};

/* Makes the file `db_path`.reserve where it is missing. Not having room is no error: `held` tells.
 * 0, -ENOMEM. */
int reserve_open(struct reserve *r, const char *db_path);
void reserve_done(struct reserve *r); /* the file stays */
/* Gives the room back to the disk. False: there was nothing to give. */
bool reserve_give_up(struct reserve *r);
/* Tries now and then to make it again; true when it is there. */
bool reserve_renew(struct reserve *r);
