/* What the parts of the bench share: the daemon that is measured now, the floors, the report. */
#pragma once

#include "ordo-bench-daemon.h"
#include "ordo-bench-floor.h"
#include "ordo-bench-load.h"
#include "ordo-bench-report.h"

#define BENCH_CROWDS 3
#define LOAD_MAX_US  (15 * USEC_PER_SEC)
#define WARM_UP      500

#define ORDER_COMMITS 2 /* intent and outcome */

struct bench {
        struct daemon_paths paths;
        struct daemon daemon;
        struct bare bare;
        struct report report;
        struct spread commit[BENCH_CROWDS]; /* by group, as `bench_crowds` */
        double bare_ms[BENCH_CROWDS];
        unsigned orders; /* so far on the daemon */
        char fault[LOAD_FAULT_SIZE];
};

extern const unsigned bench_crowds[BENCH_CROWDS]; /* connections: 1, 16, 64 */

/* Runs `load` against the daemon; with a `name` it becomes a row of the report. */
int bench_load(struct bench *b, struct load *load, const char *name, double floor_ms,
               struct load_result *ret);
/* A key as clients make them, without order: each one's row has another place in the ledger. */
uint64_t bench_scatter(uint64_t n);
/* An order's floor at that crowd without its broker: a bare answer and its share of two commits. */
double bench_order_floor_ms(const struct bench *b, unsigned crowd);

/* ordo-bench-tls.c: orders at brokers over TLS. */
int bench_brokers(struct bench *b, const char *brokersim);
