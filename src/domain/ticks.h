/* Tick sizes that follow from the price level, from a data file (format in the head of
 * data/market/ticks.csv). */
#pragma once

#include <stdint.h>

#include "domain/csv.h"

#define TICKS_MAX 64 /* rows of one kind */

enum tick_kind { TICK_SHARE, TICK_INDEX_FUTURE, _TICK_KIND_MAX };

struct ticks {
        struct {
                unsigned n;
                struct {
                        int64_t up_to; /* this price included */
                        int64_t tick;
                } rows[TICKS_MAX];
        } kinds[_TICK_KIND_MAX];
};

/* 0, or -EBADMSG with "file:line: …". Each kind ends with a row for all prices above. */
int ticks_load(struct ticks *t, const struct csv_source *source, char *fault, size_t fault_size);
int64_t ticks_find(const struct ticks *t, enum tick_kind kind, int64_t price);
