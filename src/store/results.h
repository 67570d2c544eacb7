/* What drivers fill the results of jobs with. */
#pragma once

#include "store/driver.h"

/* Room for one more at the end of a growing array; doubles at powers of two. */
bool results_grow(void **items, unsigned n, size_t size);
#define GROW(items, n) results_grow((void **)&(items), n, sizeof((items)[0]))

enum store_result results_no_memory(struct store_job *job);
/* Adds a leg to the day of its account and of the key that placed it. False: no memory. */
bool results_count(struct store_restore *v, const char *account, const char *key_name,
                   int64_t worth, int64_t modifications, int64_t filled_quantity);
