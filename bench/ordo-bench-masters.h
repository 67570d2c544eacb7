/* Three brokers' instruments at once, 200,000 each, on a thread beside a loop: how long it takes,
 * how long the loop is held up, what memory stays, what looking one up costs. In a child, whose
 * memory is its own. */
#pragma once

#include "ordo-bench-load.h"

#define MASTERS_BROKERS 3
#define MASTERS_ROWS    200000

struct masters_figures {
        double load_ms;                  /* the slowest of them */
        double stall_ms;                 /* the longest of the loop, that it made itself */
        double late_ms;                  /* and with the waiting for a processor */
        double rss_mb;                   /* of the whole child, afterwards */
        double find_p50_us, find_p99_us; /* of symbols that were not asked for lately */
};

/* `place`: where the files are made and removed. */
int masters_measure(const char *place, struct masters_figures *ret);
