/* Everything that is checked before a route's handler runs. Knows no h2o: exchange.c lays out what
 * it found in the request. */
#pragma once

#include "http/exchange.h"
#include "http/head.h"

struct intake {
        unsigned minor; /* of HTTP/1.x */
        struct head head;
        struct slice host, authorization, content_type, content_encoding, idempotency_key;
        struct slice correlation_id, forwarded;
        bool asks_method;     /* Access-Control-Request-Method is there: a preflight */
        const char *repeated; /* name of a header that may stand once and stands twice; NULL */
};

/* True: the handler may run. False: it was answered. */
bool checks_pass(struct http_exchange *x, const struct intake *in);
bool origin_listed(const struct http_options *o, struct slice origin);
