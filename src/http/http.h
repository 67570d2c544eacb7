/* The outside face: an HTTP/1.1 server over one orchestrator. The one public header of this folder
 * (and keys.h, for ordoctl). Loop thread only.
 *
 * Order of checks of a request: correlation id and head → host → route → method → token → rate →
 * body → query. Then the route's handler parses, asks the orchestrator, and answers in its done
 * callback. A client that leaves cancels nothing; it only loses the answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/text.h"
#include "loop/loop.h"
#include "orchestrator/orchestrator.h"

#define HTTP_BODY_MAX      65536U       /* bytes a body may hold */
#define HTTP_BODY_READ_MAX (256U << 10) /* read and answered with our problem; above: cut off */
#define HTTP_TARGET_MAX    8192U        /* bytes of path and query */
#define HTTP_LISTENERS_MAX 16U

struct http;

struct http_reload_report {
        struct text faults;  /* lines */
        struct text taken;   /* names of options that have changed, separated by blanks */
        struct text waiting; /* of those that change with a restart only */
};
void http_reload_report_done(struct http_reload_report *r);

/* Everything is borrowed for the life of the server but the listeners, which are taken over. */
struct http_options {
        struct loop *loop;
        struct orchestrator *orchestrator;
        struct metrics *metrics;
        const int *listeners; /* listening, close-on-exec; never shut down, systemd may hold a
                                 duplicate */
        unsigned n_listeners;
        bool listeners_shared; /* the service manager holds them too, for the next start */
        const char *tls_cert, *tls_key,
                *tls_client_ca;         /* PEM files; NULL: plain HTTP, no client CA */
        const struct secret *api_token; /* the key "api-token" with every scope; may be NULL */
        const char *keys_file;          /* NULL: none (keys.h) */
        int64_t api_rate;               /* requests per second and key; 0: off */
        const struct account_limits *key_limits; /* of keys without their own (quota.h) */
        bool metrics_public, status_public;
        const char *const
                *allowed_hosts;          /* NULL-terminated or NULL: addresses and localhost only */
        const char *const *cors_origins; /* NULL-terminated or NULL: CORS is off */
        /* The peer is a proxy: the client is the last address of X-Forwarded-For. */
        bool behind_proxy;
        int64_t max_connections;
        int64_t request_timeout_us; /* idle, head and body together */
        bool idempotency_required;
        bool log_access;
        const char *version;
        /* POST /api/v1/admin/reload: 0 done; 1 nothing was changed, the report has a line for each
         * reason; negative errno. Expected to use reload.h. */
        int (*reload)(void *userdata, struct http_reload_report *ret);
        void *userdata;
};

/* 0; 1 the keys file or the TLS files are not usable, `ret_faults` has a line for each reason;
 * negative errno. The listeners are taken over in every case. Nothing is accepted before
 * http_start(). */
int http_new(const struct http_options *o, struct text *ret_faults, struct http **ret);
void http_start(struct http *h);

bool http_speaks_tls(const struct http *h);

/* Closes the listeners and ends event streams. Every answer from now on ends its connection; a
 * connection that is open may still bring one request, because its client may have sent it before
 * it could know. */
void http_drain(struct http *h);
/* Closes the connections that bring none, some time after http_drain(). */
void http_close_idle(struct http *h);
bool http_drained(const struct http *h); /* no connection is left */
unsigned http_connections(const struct http *h);
uint64_t http_accepted(const struct http *h); /* connections since the start */

/* To be called when drained and when the orchestrator is idle. Otherwise the memory is left to the
 * end of the process, because h2o cannot take back a request it has handed out. */
struct http *http_free(struct http *h);
DEFINE_CLEANUP(struct http *, http_free)

/* answer_render_fn: the body of the answer to a placed, modified or cancelled order. Equal views
 * give equal bytes. 0, -ENOMEM, -E2BIG. */
int http_render_answer(const struct answer_view *v, struct text *ret);
