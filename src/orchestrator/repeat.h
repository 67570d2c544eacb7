/* The orders of the last moments, by what makes two orders the same: an equal one inside the window
 * is taken for a mistake (orders.md §1.3). Grows with the orders that are inside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REPEAT_MAX (1U << 16) /* orders that are remembered; beyond it the oldest are forgotten */

struct repeat_entry {
        uint64_t hash;  /* 0: taken back */
        int64_t at_us;  /* monotonic */
        uint64_t older; /* number of the next older one in its bucket; 0: none */
};

struct repeat_window {
        int64_t span_us; /* 0: off */
        /* Entries have numbers from 1 on; number n lies at n % size. */
        struct repeat_entry *ring;
        uint64_t *buckets; /* number of the youngest; by hash % size */
        unsigned size;     /* a power of two */
        uint64_t first, next;
};

int repeat_init(struct repeat_window *w, int64_t span_us);
void repeat_done(struct repeat_window *w);
/* What is inside stays inside. */
int repeat_set_span(struct repeat_window *w, int64_t span_us);
/* True: an equal one was put so many microseconds ago. */
bool repeat_find(struct repeat_window *w, uint64_t hash, int64_t now_us, int64_t *ret_age_us);
void repeat_put(struct repeat_window *w, uint64_t hash, int64_t now_us);
/* It was not sent after all. */
void repeat_take_back(struct repeat_window *w, uint64_t hash);
