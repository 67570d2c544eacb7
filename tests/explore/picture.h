/* A number for everything that can be seen of the world: two worlds with the same number go on
 * alike. What cannot be seen (notes that wait behind a write) is told apart by the multiset of what
 * has happened so far, which the search adds: only another order of the same events is taken for
 * the same. Times count from now, ids by their order. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED UINT64_C(0x9e3779b97f4a7c15)

uint64_t hash_int(uint64_t h, int64_t v);
uint64_t hash_bytes(uint64_t h, const void *p, size_t n);
uint64_t hash_text(uint64_t h, const char *s);

struct scene;
uint64_t picture(const struct scene *s);
/* Of what lasts: ledger, book, and what clients were told; without the time. */
uint64_t picture_of_end(const struct scene *s);
