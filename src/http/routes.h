/* The one table of routes. Everything that depends on a route (404, 405 with Allow, scope, what a
 * body or a query may be, metrics) is read from here, and a test holds the table against the
 * OpenAPI document. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CAPTURES_MAX     2
#define CAPTURE_SIZE     80 /* decoded, terminated; longer ones fit no id there is */
#define ROUTE_ALLOW_SIZE 64

struct http_exchange;

enum route_flag {
        ROUTE_BODY = 1 << 0,           /* a JSON body is required; without it none is allowed */
        ROUTE_QUERY_RAW = 1 << 1,      /* the handler takes the query as it is */
        ROUTE_METRICS_PUBLIC = 1 << 2, /* needs no token by option */
        ROUTE_STATUS_PUBLIC = 1 << 3,
        ROUTE_IDEMPOTENCY_KEY = 1 << 4, /* the header means something here */
        ROUTE_NEVER_LIMITED = 1 << 5,   /* counts, and passes when the key's requests are used up */
        ROUTE_ARMS = 1 << 6,            /* the key's dead-man timer: it may add risk */
};

struct route {
        const char *method;
        const char *pattern; /* "/api/v1/orders/{id}" */
        unsigned scope;      /* enum scope; 0: public */
        unsigned flags;
        void (*handle)(struct http_exchange *x);
        const char *const *query; /* known parameters, NULL-terminated; NULL: none */
};

extern const struct route routes[];
extern const unsigned n_routes;

enum route_match { ROUTE_FOUND, ROUTE_UNKNOWN, ROUTE_METHOD, ROUTE_MALFORMED };

struct route_result {
        const struct route *route; /* FOUND; METHOD: one of the path's */
        char captures[CAPTURES_MAX][CAPTURE_SIZE];
};

/* `path` is raw, without the query. HEAD finds the route of GET. MALFORMED: a bad percent-escape.
 */
enum route_match routes_find(const char *method, size_t method_size, const char *path, size_t n,
                             struct route_result *ret);
/* The methods of a route's path: "GET, HEAD, POST". */
const char *routes_allow(const struct route *r, char buf[static ROUTE_ALLOW_SIZE]);
