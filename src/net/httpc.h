/* Sending one HTTP request, whatever carries it. Two transports: curl (HTTPS to brokers) and local
 * (an exchange inside this process). Both tell the same kind of evidence; the caller never learns
 * which of libcurl's 90 errors it was, only what it proves (verdict.h).
 *
 * `done` runs on the loop thread, exactly once per call: from a turn of the loop or from inside
 * httpc_free(), never from inside httpc_send(). It may free the call, send others and free the
 * httpc. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http_message.h"
#include "base/list.h"
#include "loop/loop.h"

struct rider; /* domain/rider.h; net only passes it on */
struct httpc; /* one per account: its own connections, its own source address */

/* What happened to the request: VERDICT_* with the facts behind it. */
enum verdict {
        VERDICT_ANSWERED,  /* a complete reply: `reply` is filled */
        VERDICT_NOT_SENT,  /* no byte of it left */
        VERDICT_UNCERTAIN, /* it may have left; no complete reply */
        _VERDICT_MAX
};
const char *verdict_name(enum verdict v);

struct http_facts {
        int64_t started_us, sent_us, ended_us; /* wall clock; 0 did not happen */
        int64_t bytes_sent; /* as far as the transport counts; what proves is may_have_left */
        bool may_have_left;
        bool complete_reply;
        bool resend_prevented; /* libcurl wanted to send it a second time by itself */
        char error[96];
};

struct http_call {
        struct list link; /* the transport's */
        struct http_request request;
        /* From httpc_send() to the last byte of the reply, everything in between included. Without
         * a positive rest of time the call ends as VERDICT_NOT_SENT. */
        int64_t timeout_us;
        size_t reply_max; /* of the body; 0: the transport's own. curl only */
        /* Asked at the last moment before the first byte leaves (kill switch); may be NULL. False:
         * the call ends as VERDICT_NOT_SENT. It must only look: no httpc_*() from inside it. */
        bool (*may_leave)(struct http_call *c);
        void (*done)(struct http_call *c);
        /* curl only; gets the body piece by piece, whatever the status, in the place of
         * `reply.body`; NULL: it is kept there. A negative errno ends the call. Must only take: no
         * httpc_*() from inside it. */
        int (*take_body)(struct http_call *c, const void *data, size_t n);
        /* out */
        enum verdict verdict;
        struct http_facts facts;
        struct http_reply reply; /* empty unless VERDICT_ANSWERED */
        struct rider *rider;     /* local only; the caller must settle it or hand it on */
        int64_t deadline_us;     /* the transport's, as `link` is */
        void *transport;         /* the transport's */
};
void http_call_done(struct http_call *c); /* frees what it holds, not itself */

/* An exchange in this process: takes a request, answers at once, on the loop thread. A negative
 * errno says that it broke while it served: nobody knows what it had done by then, so that is
 * VERDICT_UNCERTAIN. What the exchange refuses is a reply. */
struct local_service {
        int (*serve)(void *userdata, const struct http_request *request, struct http_reply *ret,
                     struct rider **ret_rider);
        void *userdata;
};

#define HTTPC_CONNECT_TIMEOUT_US (3 * USEC_PER_SEC)
#define HTTPC_CONNECTIONS        12
#define HTTPC_REPLY_HEAD_MAX     (64U << 10) /* bytes of status lines and headers */

/* Strings are copied. */
struct httpc_options {
        const char *base_url;       /* prefixed to URLs that begin with '/'; may be NULL */
        const char *ca_file;        /* PEM, trusted instead of the system's; NULL: the system's */
        const char *egress_address; /* numeric; NULL: the kernel's choice */
        int64_t connect_timeout_us; /* 0: HTTPC_CONNECT_TIMEOUT_US; TLS included */
        unsigned max_connections;   /* 0: HTTPC_CONNECTIONS; further calls wait, their time runs */
        size_t reply_max;           /* of the body; 0: HTTP_REPLY_MAX */
        /* Bytes of replies a second; 0: as fast as they come. With it libcurl also takes less at
         * once, so that a large reply on a fast line does not hold up the loop. */
        int64_t speed_max;
};

int httpc_new_local(struct loop *l, struct local_service service, struct httpc **ret);
/* URLs are https, or http to a loopback address or "localhost"; anything else ends as
 * VERDICT_NOT_SENT, and as -EINVAL here when it is the base URL, so does an egress address that is
 * none. Costs next to nothing until the first call. The process must ignore SIGPIPE. */
int httpc_new_curl(struct loop *l, const struct httpc_options *o, struct httpc **ret);
/* Ends running calls as the evidence says (their done is called before this returns), then frees.
 * What is sent from there ends as VERDICT_NOT_SENT. */
struct httpc *httpc_free(struct httpc *h);
DEFINE_CLEANUP(struct httpc *, httpc_free)

/* Takes the call until done. The caller must not free it before. */
void httpc_send(struct httpc *h, struct http_call *c);
unsigned httpc_running(const struct httpc *h);
const char *httpc_transport(const struct httpc *h); /* "local", "curl" */
