/* Counters, gauges and histograms, printed as Prometheus text. The engine knows no metric of Ordo:
 * the program hands it one table (domain/meter.h). Series are made on first use and found by their
 * label values; hot paths keep the pointer. Loop thread only; other threads report through their
 * jobs. */
#pragma once

#include <stdint.h>

#include "base/text.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
        const char *name;
        const char *help;
        const char *labels; /* "route,method,status" or "" */
        enum metric_type type;
};

#define METRICS_LABELS_MAX 4
#define METRICS_SERIES_MAX 4096 /* in all; beyond it one shared series is returned and counted */

struct metrics;
struct series;

int metrics_new(const struct metric *table, unsigned n, struct metrics **ret);
struct metrics *metrics_free(struct metrics *m);
/* Label values in the order of the table, NULL-terminated. Never NULL. */
struct series *metrics_series(struct metrics *m, unsigned metric, ...) __attribute__((sentinel));
void series_add(struct series *s, double delta);
void series_set(struct series *s, double value);
void series_set_int(struct series *s, int64_t value);
void series_set_us(struct series *s, int64_t us);     /* in seconds */
void series_observe_us(struct series *s, int64_t us); /* histograms are in seconds */
void series_observe(struct series *s, double value);
double series_value(const struct series *s); /* a histogram: its count */
/* The whole exposition, process metrics included (RSS, fds, CPU, start time). */
void metrics_print(struct metrics *m, struct text *ret);
