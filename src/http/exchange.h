/* One HTTP request and its answer. The only thing a handler sees; nothing of h2o shows.
 *
 * Life: made when h2o hands over a parsed request, lives while either side needs it: h2o until the
 * answer is written or the client has left, the orchestrator until its done callback. A handler
 * sets `working` by exchange_begin() before it hands the exchange's request to the orchestrator,
 * and the callback calls exchange_end() first: false means that the client has left and the
 * exchange may be gone.
 *
 * `body`, `path` and header values point into h2o's buffers: valid until the answer. What the
 * orchestrator borrows therefore lies in the exchange: `json`, `query`, `captures`, `accounts`,
 * `caller`. */
#pragma once

#include "base/json.h"
#include "base/list.h"
#include "base/text.h"
#include "http/faults.h"
#include "http/http.h"
#include "http/keys.h"
#include "http/query.h"
#include "http/routes.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/operation.h"
#include "orchestrator/query.h"
#include "orchestrator/reconcile.h"
#include "orchestrator/session.h"

#define EXCHANGE_HEADERS_MAX 4 /* of a single answer, beside the constant ones */
#define EXCHANGE_VALUE_SIZE  80

#define MIME_JSON    "application/json"
#define MIME_PROBLEM "application/problem+json"
#define MIME_HTML    "text/html; charset=utf-8"
#define MIME_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define MIME_EVENTS  "text/event-stream"

struct slice {
        const char *base; /* NULL: not there */
        size_t size;
};

struct exchange_header {
        const char *name; /* a literal */
        char value[EXCHANGE_VALUE_SIZE];
};

struct http_exchange {
        struct list link; /* http's live or spare ones */
        struct http *http;
        void *req; /* h2o_req_t; NULL: answered and written, or the client has left */
        struct connection *connection;
        bool working;       /* the orchestrator has it */
        bool answered;      /* the answer was begun */
        int64_t started_us; /* monotonic */

        /* the request */
        struct slice method, path, raw_query, body;
        struct slice origin, last_event_id;
        const struct route *route; /* NULL before or without one */
        struct keyring *keyring;   /* holds `key` alive */
        struct api_key *key;
        struct caller caller;
        bool has_idempotency_key;
        struct query query;
        struct json_object *json;

        /* the answer */
        int status;
        enum problem problem;
        unsigned n_headers;
        bool limited; /* a RateLimit header goes out */
        int64_t rate_left;
        bool close;                          /* the connection ends with this answer */
        const char *content_security_policy; /* NULL: nothing may be loaded */

        /* streaming */
        bool writing;   /* a write is in flight */
        bool finishing; /* end the stream when it is done */
        bool finished;  /* its end was handed to h2o, which says it once */
        void (*written)(struct http_exchange *x); /* the write is done */
        /* Called when h2o lets go of the request, in whatever way; also of ordinary ones. NULL:
         * nothing */
        void (*released)(struct http_exchange *x);
        void *userdata; /* the handler's */

        union {
                struct place_request place;
                struct amend_request amend;
                struct cancel_many_request cancel_many;
                struct order_query order;
                struct orders_query orders;
                struct account_query account;
                struct quotes_query quotes;
                struct audit_query audit;
                struct session_request session;
                struct report_request report;
                struct reconcile_request reconcile;
                struct kill_request kill;
        } u;

        /* From here on nothing is cleared when an exchange is used again. */
        struct text out; /* the answer's body; memory is kept */
        struct text
                scratch; /* what the orchestrator borrows and the request does not hold as it is */
        struct route_result found;
        struct exchange_header headers[EXCHANGE_HEADERS_MAX];
        char correlation_id[CORRELATION_ID_SIZE];
        char idempotency_key[IDEMPOTENCY_KEY_SIZE];
        const char *accounts[ACCOUNTS_MAX + 1];
        struct faults faults;
};

struct orchestrator *exchange_orchestrator(const struct http_exchange *x);
const struct http_options *exchange_options(const struct http_exchange *x);

/* The handler's side */

/* Hands the exchange to the orchestrator; the answer comes from a done callback. */
void exchange_begin(struct http_exchange *x);
/* First thing in a done callback. False: nobody is left to answer, and the exchange must not be
 * touched. */
bool exchange_end(struct http_exchange *x);
/* The same, and false too when the request came to a problem: that is answered. `detail` as for
 * exchange_problem(). */
bool exchange_end_well(struct http_exchange *x, enum problem p, const char *detail);

void exchange_header(struct http_exchange *x, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Sends x->out. */
void exchange_answer(struct http_exchange *x, int status, const char *mime);
/* Sends constant bytes that outlive the server. */
void exchange_answer_static(struct http_exchange *x, const char *mime, const char *body,
                            size_t size, const char *content_security_policy);
/* A problem without more; `detail` NULL: the meaning of the code. */
void exchange_problem(struct http_exchange *x, enum problem p, const char *detail);
/* With x->faults as `errors`. */
void exchange_faults(struct http_exchange *x, enum problem p);
/* What an operation came to. */
void exchange_send(struct http_exchange *x, const struct answer *a);

/* Parses the body into x->json; false: it was answered. */
bool exchange_json(struct http_exchange *x);
/* The account of the captures {broker}/{account}; NULL: it was answered. */
const struct account *exchange_account(struct http_exchange *x);
/* The parameter accounts=a,b into x->accounts; true unless it was answered. `*ret` is NULL without
 * it. */
bool exchange_accounts(struct http_exchange *x, const char *const **ret);

/* Streams. */
void exchange_stream(struct http_exchange *x, const char *first, size_t n);
void exchange_write(struct http_exchange *x, const char *data, size_t n); /* only while !writing */
void exchange_finish(struct http_exchange *x); /* an orderly end, after what is in flight */
void exchange_abort(struct http_exchange *x);  /* closes the connection: the client does not read */

/* Whether the route needs no token because of an option. */
bool exchange_public(const struct http_options *o, const struct route *r);
