/* What the files of this folder share about the server. h2o's side is behind `struct server`. */
#pragma once

#include "base/list.h"
#include "http/auth.h"
#include "http/exchange.h"
#include "http/http.h"
#include "http/sse.h"

struct series;

#define EXCHANGES_SPARE_MAX 64          /* kept for the next requests */
#define EXCHANGE_OUT_KEEP   (64U << 10) /* bytes of answer a spare one may keep */
#define STATUS_COUNT        24

/* One accepted socket. Freed when h2o closes it. */
struct connection {
        struct list link;
        struct http *http;
        void *sock;                     /* h2o_socket_t */
        void *tls;                      /* SSL_CTX, counted: h2o keeps a bare pointer */
        struct http_exchange *exchange; /* the request it is busy with */
        struct address address;
        bool has_address;
};

/* Series of one route, found once. */
struct route_meters {
        struct series *duration;
        struct series *requests[STATUS_COUNT];
};

struct http {
        struct http_options options;
        struct auth auth;
        struct server *server; /* server.c */
        struct list connections;
        unsigned n_connections;
        uint64_t n_accepted;
        struct list live, spare; /* of struct http_exchange */
        unsigned n_spare;
        struct streams streams;
        struct route_meters *meters; /* one per route, and one for requests without a route */
        struct series *open_connections;
        char rate_policy[48];
        char docs_policy[320];
        bool draining;
};

/* exchange.c: h2o's handler; `context` is its h2o_handler_t, `request` its h2o_req_t. */
int exchange_take(struct http *h, void *request);
void exchange_dispose(struct http_exchange *x); /* frees a spare one */
void exchange_put_constant(void *request);      /* the headers of every answer */

/* access.c */
int access_new(struct http *h);
void access_record(struct http *h, void *request); /* h2o_req_t, just before it goes */
const char *status_reason(int status);
/* docs.c: the Content-Security-Policy of the page, which names the hashes of its one style and one
 * script. */
void docs_policy(char *buf, size_t size);
