/* The query of a request, decoded strictly: known parameters, each once, each with a value,
 * percent-encoded UTF-8. A plus sign is a plus sign (so that "+05:30" needs no escape); a space is
 * %20. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/faults.h"

#define QUERY_PARAMETERS_MAX 16

struct query {
        unsigned n;
        struct {
                const char *name; /* of the table */
                const char *value;
        } parameters[QUERY_PARAMETERS_MAX];
        char *buffer; /* holds the values */
};

/* `names`: NULL-terminated, or NULL: none is known. 0, -ENOMEM; what is wrong is in `f`. */
int query_parse(struct query *q, const char *s, size_t n, const char *const *names,
                struct faults *f);
void query_done(struct query *q);

const char *query_get(const struct query *q, const char *name); /* NULL */
/* These leave `*ret` alone when the parameter is absent or wrong. */
void query_int(const struct query *q, const char *name, int64_t min, int64_t max, int64_t *ret,
               struct faults *f);
void query_time(const struct query *q, const char *name, int64_t *ret_wall_us, struct faults *f);
void query_word(const struct query *q, const char *name, int (*from)(const char *s, size_t n),
                int *ret, struct faults *f);
void query_fault(struct faults *f, const char *name, const char *detail);

/* Decodes `n` bytes into `dst` (n + 1 bytes), terminates. False: a bad escape, NUL, or not UTF-8.
 */
bool percent_decode(const char *s, size_t n, char *dst);
