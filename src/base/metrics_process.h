/* What Prometheus expects to hear about every process, read from /proc/self (no other part of
 * /proc: the unit runs with ProcSubset=pid). Private to base/metrics.c. */
#pragma once

#include "base/text.h"

/* Seconds since 1970 at which this process started; 0 when it cannot be known. */
double metrics_process_start(void);
void metrics_process_print(struct text *t, double start_time);
