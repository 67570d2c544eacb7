/* Three brokers' instruments at once, 200,000 each, on a thread beside a loop: how long it takes,
 * what it costs the loop, what memory stays, what looking one up costs. In a child, whose memory is
 * its own. SQLite must not have been used before: what it is told for all of a process comes first.
 */
#pragma once

#include "ordo-bench-load.h"

#define MASTERS_BROKERS 3
#define MASTERS_ROWS    200000

struct masters_figures {
        double load_ms; /* the slowest of them */
        /* How late a timer of 1 ms was, by the same loop: alone; beside another process that loads
         * the same, with which it shares nothing but the machine; beside the thread that does. */
        struct spread idle, floor, loading;
        double work_ms; /* the most processor time the loop took from one tick to the next */
        double rss_mb;  /* of the whole child, afterwards */
        /* Looking up what was not asked for lately; "ms" are microseconds. */
        struct spread by_symbol, by_key;
};

/* `place`: where the files are made and removed. */
int masters_measure(const char *place, struct masters_figures *ret);
