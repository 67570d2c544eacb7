/* The one table: loads beside their floors, single values, and what was promised. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "ordo-bench-load.h"

#define REPORT_ROWS_MAX   24
#define REPORT_VALUES_MAX 64
#define REPORT_NAME_SIZE  64

struct report_row {
        char name[REPORT_NAME_SIZE];
        struct load_result result;
        bool own;
        double loop_us, store_us; /* of the daemon's threads, for each request; 0: there is none */
        double floor_ms;          /* 1 / the highest rate there could be; 0: this row is a floor */
};

enum report_bound {
        REPORT_PLAIN, /* only told */
        REPORT_AT_MOST,
        REPORT_AT_LEAST,
};

struct report_value {
        char name[REPORT_NAME_SIZE];
        const char *unit;
        double value, target;
        enum report_bound bound;
};

struct report {
        struct report_row rows[REPORT_ROWS_MAX];
        struct report_value values[REPORT_VALUES_MAX];
        unsigned n_rows, n_values;
        double seconds;
};

/* Everything measured goes in here; more than fits is a fault of the bench and asserted. */
void report_load(struct report *r, const struct report_row *row);
void report_value(struct report *r, const char *name, double value, const char *unit);
void report_target(struct report *r, const char *name, double value, const char *unit,
                   enum report_bound bound, double target);

unsigned report_misses(const struct report *r);
void report_print(const struct report *r, FILE *to);
int report_print_json(const struct report *r, FILE *to);
