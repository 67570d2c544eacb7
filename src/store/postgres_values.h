/* Values in PostgreSQL's binary form: the parameters of one statement, and the cells of a result. A
 * parameter is one value, or an array to which rows are added. Store thread. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define VALUES_MAX 32

/* Of pg_type.h, which never change. */
#define POSTGRES_OID_BYTEA 17
#define POSTGRES_OID_INT8  20
#define POSTGRES_OID_TEXT  25

struct values {
        unsigned n; /* parameters: one behind the highest that was set */
        struct value {
                enum value_kind {
                        VALUE_NULL,
                        VALUE_SINGLE,
                        VALUE_INTS,
                        VALUE_TEXTS,
                        VALUE_BYTES,
                } kind;
                unsigned rows;
                struct text bytes;
        } items[VALUES_MAX];
};

void values_done(struct values *v);
/* Forgets all parameters and keeps their memory. */
void values_begin(struct values *v);
/* Single parameters, `i` from 0. */
void values_int(struct values *v, unsigned i, int64_t value);
void values_text(struct values *v, unsigned i, const char *s); /* NULL: null */
void values_bytes(struct values *v, unsigned i, const void *bytes, size_t n);
/* One more element of an array. What is not UTF-8 in a text becomes a question mark, byte by byte:
 * the server would refuse it, and an outcome must not be lost for a broker's strange letter. */
void values_add_int(struct values *v, unsigned i, int64_t value);
void values_add_text(struct values *v, unsigned i, const char *s); /* NULL: null */
void values_add_text_n(struct values *v, unsigned i, const char *s, size_t n);
void values_add_bytes(struct values *v, unsigned i, const void *bytes, size_t n); /* NULL: null */
/* Elements of the first array. */
unsigned values_rows(const struct values *v);
/* What PQsendQueryPrepared() wants; false: no memory, or too large. */
bool values_finish(struct values *v, const char *ret[static VALUES_MAX],
                   int lengths[static VALUES_MAX], int formats[static VALUES_MAX]);

/* Whole numbers of any width, booleans; 0 for null. */
int64_t cell_int(const PGresult *r, int row, int column);
static inline const char *cell_text(const PGresult *r, int row, int column)
{
        return PQgetvalue(r, row, column); /* ends in NUL; "" for null */
}
/* False: cut. */
bool cell_copy(const PGresult *r, int row, int column, char *dst, size_t size);
/* malloc'ed, a NUL behind it; NULL: no memory. */
void *cell_dup(const PGresult *r, int row, int column, size_t *ret_size);
