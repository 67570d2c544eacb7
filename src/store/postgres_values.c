#include "store/postgres_values.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_BYTES_MAX ((size_t)256 << 20) /* of one parameter */

/* What an array begins with; every number in the order of the network. */
struct array_header {
        uint32_t dimensions, has_nulls, type, length, first;
};

void values_done(struct values *v)
{
        for (unsigned i = 0; i < VALUES_MAX; i++)
                text_done(&v->items[i].bytes);
}

void values_begin(struct values *v)
{
        for (unsigned i = 0; i < v->n; i++) {
                v->items[i].kind = VALUE_NULL;
                v->items[i].rows = 0;
                text_clear(&v->items[i].bytes);
        }
        v->n = 0;
}

static struct value *item(struct values *v, unsigned i, enum value_kind kind)
{
        struct value *x = &v->items[i];

        if (i >= v->n)
                v->n = i + 1;
        x->bytes.max = VALUES_BYTES_MAX;
        if (x->kind != VALUE_NULL)
                return x;
        x->kind = kind;
        if (kind > VALUE_SINGLE) {
                const struct array_header empty = {};
                text_add_bytes(&x->bytes, (const char *)&empty, sizeof(empty));
        }
        return x;
}

static void add_u32(struct text *t, uint32_t value)
{
        uint32_t wire = htobe32(value);
        text_add_bytes(t, (const char *)&wire, sizeof(wire));
}

static void add_u64(struct text *t, uint64_t value)
{
        uint64_t wire = htobe64(value);
        text_add_bytes(t, (const char *)&wire, sizeof(wire));
}

static void add_clean(struct text *t, const char *s, size_t n)
{
        if (text_utf8_valid(s, n)) {
                text_add_bytes(t, s, n);
                return;
        }
        for (size_t at = 0; at < n;) {
                size_t length = text_utf8_length(s + at, n - at);
                text_add_bytes(t, length ? s + at : "?", length ? length : 1);
                at += length ? length : 1;
        }
}

void values_int(struct values *v, unsigned i, int64_t value)
{
        add_u64(&item(v, i, VALUE_SINGLE)->bytes, (uint64_t)value);
}

void values_text(struct values *v, unsigned i, const char *s)
{
        struct value *x = item(v, i, s ? VALUE_SINGLE : VALUE_NULL);
        if (s)
                add_clean(&x->bytes, s, strlen(s));
}

void values_bytes(struct values *v, unsigned i, const void *bytes, size_t n)
{
        text_add_bytes(&item(v, i, VALUE_SINGLE)->bytes, bytes, n);
}

void values_add_int(struct values *v, unsigned i, int64_t value)
{
        struct value *x = item(v, i, VALUE_INTS);
        add_u32(&x->bytes, sizeof(value));
        add_u64(&x->bytes, (uint64_t)value);
        x->rows++;
}

void values_add_text_n(struct values *v, unsigned i, const char *s, size_t n)
{
        struct value *x = item(v, i, VALUE_TEXTS);
        add_u32(&x->bytes, (uint32_t)n); /* cleaning keeps the length */
        add_clean(&x->bytes, s, n);
        x->rows++;
}

static void add_null(struct value *x)
{
        add_u32(&x->bytes, UINT32_MAX);
        x->rows++;
}

void values_add_text(struct values *v, unsigned i, const char *s)
{
        if (s)
                values_add_text_n(v, i, s, strlen(s));
        else
                add_null(item(v, i, VALUE_TEXTS));
}

void values_add_bytes(struct values *v, unsigned i, const void *bytes, size_t n)
{
        struct value *x = item(v, i, VALUE_BYTES);
        if (!bytes) {
                add_null(x);
                return;
        }
        add_u32(&x->bytes, (uint32_t)n);
        text_add_bytes(&x->bytes, bytes, n);
        x->rows++;
}

unsigned values_rows(const struct values *v)
{
        return v->n > 0 ? v->items[0].rows : 0;
}

static void put_header(struct value *x)
{
        const struct array_header h = {
                .dimensions = htobe32(1),
                .has_nulls = htobe32(1), /* may have */
                .type = htobe32(x->kind == VALUE_INTS    ? POSTGRES_OID_INT8
                                : x->kind == VALUE_TEXTS ? POSTGRES_OID_TEXT
                                                         : POSTGRES_OID_BYTEA),
                .length = htobe32(x->rows),
                .first = htobe32(1),
        };
        memcpy(x->bytes.data, &h, sizeof(h));
}

bool values_finish(struct values *v, const char *ret[static VALUES_MAX],
                   int lengths[static VALUES_MAX], int formats[static VALUES_MAX])
{
        for (unsigned i = 0; i < v->n; i++) {
                struct value *x = &v->items[i];
                if (x->bytes.failed)
                        return false;
                if (x->kind > VALUE_SINGLE)
                        put_header(x);
                ret[i] = x->kind == VALUE_NULL ? NULL : text_str(&x->bytes);
                lengths[i] = (int)x->bytes.len;
                formats[i] = 1;
        }
        return true;
}

int64_t cell_int(const PGresult *r, int row, int column)
{
        const char *p = PQgetvalue(r, row, column);
        uint64_t wide;
        uint32_t narrow;

        switch (PQgetlength(r, row, column)) {
        case sizeof(wide):
                memcpy(&wide, p, sizeof(wide));
                return (int64_t)be64toh(wide);
        case sizeof(narrow):
                memcpy(&narrow, p, sizeof(narrow));
                return (int32_t)be32toh(narrow);
        case 1:
                return *p;
        default:
                return 0;
        }
}

bool cell_copy(const PGresult *r, int row, int column, char *dst, size_t size)
{
        return text_copy_bytes(dst, size, PQgetvalue(r, row, column),
                               (size_t)PQgetlength(r, row, column));
}

void *cell_dup(const PGresult *r, int row, int column, size_t *ret_size)
{
        size_t n = (size_t)PQgetlength(r, row, column);
        char *copy = malloc(n + 1);
        if (!copy)
                return NULL;
        memcpy(copy, PQgetvalue(r, row, column), n);
        copy[n] = '\0';
        *ret_size = n;
        return copy;
}
