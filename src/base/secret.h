/* A secret: bytes that are locked where possible, wiped when freed, compared in constant time, and
 * that nothing here can print. Whoever must hand one to a library calls secret_bytes() on the spot.
 * Do not copy what it returns into anything that is logged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct secret;

/* Copies. NULL when out of memory. The caller still owns (and should wipe) `bytes`. */
struct secret *secret_new(const void *bytes, size_t n);
struct secret *secret_free(struct secret *s);
const void *secret_bytes(const struct secret *s); /* NUL-terminated beyond size */
size_t secret_size(const struct secret *s);
/* False when either is NULL. Time depends on the sizes only. */
bool secret_equal(const struct secret *a, const void *bytes, size_t n);
void secret_wipe(void *bytes, size_t n);

DEFINE_CLEANUP(struct secret *, secret_free)
