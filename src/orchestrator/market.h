/* The market data files of a directory, loaded: the calendar and the day's set of instruments. */
#pragma once

#include "base/cleanup.h"
#include "domain/calendar.h"
#include "domain/instruments.h"

struct market {
        struct calendar *calendar;
        struct instruments *instruments;
        int day; /* the instruments are of this IST day */
        /* the owner's, once there is a newer one */
        struct market *older;
        int64_t retired_us; /* monotonic */
};

#define MARKET_FILE_MAX   (64U << 20)
#define MARKET_FAULT_SIZE 256

/* Blocking: before the loop turns, or on a small directory. -EBADMSG or another negative errno with
 * one sentence that names the file in `fault`. */
int market_load(const char *dir, int day, char fault[static MARKET_FAULT_SIZE],
                struct market **ret);
struct market *market_free(struct market *m);
DEFINE_CLEANUP(struct market *, market_free)
