#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "domain/order.h"
#include "http/query.h"

/* Query strings: what is taken is known, there once, text, and the same when it is escaped and read
 * again. */

static const char *const names[] = {"accounts", "status", "symbol", "since",
                                    "limit",    "cursor", NULL};

static void check_parameters(const struct query *q)
{
        assert(q->n < ELEMENTS(names));
        for (unsigned i = 0; i < q->n; i++) {
                const char *value = q->parameters[i].value;
                unsigned known = 0;
                for (const char *const *n = names; *n; n++)
                        known += *n == q->parameters[i].name;
                assert(known == 1 && *value && text_utf8_valid(value, strlen(value)));
                assert(query_get(q, q->parameters[i].name) == value);
        }
}

static void read_again(const struct query *q)
{
        struct text t = TEXT_NULL;
        struct query again;
        struct faults f = {};

        for (unsigned i = 0; i < q->n; i++) {
                text_addf(&t, "%s%s=", i ? "&" : "", q->parameters[i].name);
                for (const char *c = q->parameters[i].value; *c; c++)
                        text_addf(&t, "%%%02x", (unsigned char)*c);
        }
        assert(!t.failed && query_parse(&again, text_str(&t), t.len, names, &f) == 0);
        assert(!faults_any(&f) && again.n == q->n);
        for (unsigned i = 0; i < q->n; i++)
                assert(strcmp(again.parameters[i].value, q->parameters[i].value) == 0);
        query_done(&again);
        text_done(&t);
}

static void read_values(const struct query *q)
{
        struct faults f = {};
        int64_t limit = 100, since = -1;
        int status = 0;

        query_int(q, "limit", 1, 500, &limit, &f);
        assert(limit >= 1 && limit <= 500);
        query_time(q, "since", &since, &f);
        query_word(q, "status", order_status_from, &status, &f);
        assert(status >= 0 && status < _ORDER_STATUS_MAX);
}

static void decode(const char *s, size_t n)
{
        char *out = malloc(n + 1);

        assert(out);
        if (percent_decode(s, n, out)) {
                size_t len = strnlen(out, n + 1);
                assert(len <= n && text_utf8_valid(out, len));
        }
        free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *s = (const char *)data;
        struct faults f = {}, none = {};
        struct query q;

        decode(s, size);
        assert(query_parse(&q, s, size, names, &f) == 0);
        check_parameters(&q);
        if (!faults_any(&f))
                read_again(&q);
        read_values(&q);
        query_done(&q);
        /* A route without parameters takes nothing. */
        assert(query_parse(&q, s, size, NULL, &none) == 0);
        assert(q.n == 0 && faults_any(&none) == (size > 0));
        query_done(&q);
        return 0;
}
