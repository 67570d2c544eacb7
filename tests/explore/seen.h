/* A set of numbers that grows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *s);
/* False: it was there. */
bool seen_add(struct seen *s, uint64_t value);
uint64_t seen_count(const struct seen *s);
