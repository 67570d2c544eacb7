#include "http/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

bool percent_decode(const char *s, size_t n, char *dst)
{
        size_t len = 0;

        for (size_t i = 0; i < n; i++) {
                char c = s[i];
                if (c == '%') {
                        int high = n - i > 2 ? hex_value(s[i + 1]) : -1;
                        int low = n - i > 2 ? hex_value(s[i + 2]) : -1;
                        if (high < 0 || low < 0)
                                return false;
                        c = (char)(high * 16 + low);
                        i += 2;
                }
                if (c == '\0')
                        return false;
                dst[len++] = c;
        }
        dst[len] = '\0';
        return text_utf8_valid(dst, len);
}

void query_fault(struct faults *f, const char *name, const char *detail)
{
        char pointer[FAULT_POINTER_SIZE];

        faults_pointer(pointer, "", name);
        faults_add(f, pointer, "%s", detail);
}

static void query_take(struct query *q, const char *name, const char *value,
                       const char *const *names, struct faults *f)
{
        while (names && *names && strcmp(*names, name) != 0)
                names++;
        if (!names || !*names)
                query_fault(f, name, "is not a known parameter");
        else if (query_get(q, *names))
                query_fault(f, name, "is given more than once");
        else if (!value)
                query_fault(f, name, "needs a value");
        else if (!*value)
                query_fault(f, name, "must not be empty");
        else {
                q->parameters[q->n].name = *names;
                q->parameters[q->n++].value = value;
        }
}

int query_parse(struct query *q, const char *s, size_t n, const char *const *names,
                struct faults *f)
{
        *q = (struct query){};
        if (n == 0)
                return 0;
        /* One NUL for each name and each value: there are at most n of both. */
        q->buffer = malloc(2 * n + 2);
        if (!q->buffer)
                return -ENOMEM;

        char *to = q->buffer;
        for (size_t i = 0; i <= n && q->n < QUERY_PARAMETERS_MAX;) {
                const char *piece = s + i, *end = memchr(piece, '&', n - i);
                size_t size = end ? (size_t)(end - piece) : n - i;
                const char *equals = memchr(piece, '=', size);
                size_t name = equals ? (size_t)(equals - piece) : size;
                char *name_text = to, *value_text = to + name + 1;

                i += size + 1;
                if (name == 0) {
                        faults_add(f, "", "The query has a parameter without a name");
                        continue;
                }
                if (!percent_decode(piece, name, name_text) ||
                    (equals && !percent_decode(equals + 1, size - name - 1, value_text))) {
                        faults_add(f, "", "The query is not percent-encoded UTF-8");
                        continue;
                }
                to = value_text + (equals ? size - name : 0);
                query_take(q, name_text, equals ? value_text : NULL, names, f);
        }
        return 0;
}

void query_done(struct query *q)
{
        free(q->buffer);
        q->buffer = NULL;
        q->n = 0;
}

const char *query_get(const struct query *q, const char *name)
{
        for (unsigned i = 0; i < q->n; i++)
                if (strcmp(q->parameters[i].name, name) == 0)
                        return q->parameters[i].value;
        return NULL;
}

void query_int(const struct query *q, const char *name, int64_t min, int64_t max, int64_t *ret,
               struct faults *f)
{
        const char *s = query_get(q, name);
        char pointer[FAULT_POINTER_SIZE];

        if (!s || text_parse_int(s, strlen(s), min, max, ret) == 0)
                return;
        faults_pointer(pointer, "", name);
        faults_add(f, pointer, "must be a whole number from %lld to %lld", (long long)min,
                   (long long)max);
}

void query_time(const struct query *q, const char *name, int64_t *ret_wall_us, struct faults *f)
{
        const char *s = query_get(q, name);

        if (s && clock_parse(s, strlen(s), ret_wall_us) < 0)
                query_fault(f, name, "must be a time like 2026-11-23T09:15:00+05:30");
}

void query_word(const struct query *q, const char *name, int (*from)(const char *s, size_t n),
                int *ret, struct faults *f)
{
        const char *s = query_get(q, name);

        if (!s)
                return;
        int value = from(s, strlen(s));
        if (value < 0)
                query_fault(f, name, "is not a known word");
        else
                *ret = value;
}
