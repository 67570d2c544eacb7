/* Sending one HTTP request, whatever carries it. Two transports: curl (HTTPS to brokers) and local (an
 * exchange inside this process). Both tell the same kind of evidence; the caller never learns which of
 * libcurl's 90 errors it was, only what it proves (verdict.h).
 *
 * `done` runs on the loop thread, never from inside httpc_send(), exactly once per call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
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
        int64_t bytes_sent;
        bool may_have_left;
        bool complete_reply;
        bool resend_prevented; /* libcurl wanted to send it a second time by itself (models §7.1) */
        char error[96];
};

struct http_call {
        struct list link; /* the transport's */
        struct http_request request;
        int64_t timeout_us;
        /* Asked at the last moment before the first byte leaves (kill switch); may be NULL. False: the call
         * ends as VERDICT_NOT_SENT. */
        bool (*may_leave)(struct http_call *c);
        void (*done)(struct http_call *c);
        /* out */
        enum verdict verdict;
        struct http_facts facts;
        struct http_reply reply;
        struct rider *rider; /* local only; the caller must settle it or hand it on */
        struct loop_work work; /* the transport's */
        void *transport;       /* the transport's */
};
void http_call_done(struct http_call *c); /* frees what it holds, not itself */

/* An exchange in this process: takes a request, answers at once, on the loop thread. */
struct local_service {
        int (*serve)(void *userdata, const struct http_request *request, struct http_reply *ret,
                     struct rider **ret_rider);
        void *userdata;
};

struct httpc_options {
        const char *base_url;       /* scheme and host, prefixed to paths; plain http only to loopback */
        const char *ca_file;        /* NULL: the system's */
        const char *egress_address; /* NULL: the kernel's choice */
        int64_t connect_timeout_us; /* 0: 3 s */
        unsigned max_connections;   /* 0: 8 */
        size_t reply_max;           /* 0: HTTP_REPLY_MAX */
};

int httpc_new_local(struct loop *l, struct local_service service, struct httpc **ret);
int httpc_new_curl(struct loop *l, const struct httpc_options *o, struct httpc **ret);
/* Ends running calls as the evidence says (done is called), then frees. */
struct httpc *httpc_free(struct httpc *h);
DEFINE_CLEANUP(struct httpc *, httpc_free)

/* Takes the call until done. The caller must not free it before. */
void httpc_send(struct httpc *h, struct http_call *c);
unsigned httpc_running(const struct httpc *h);
const char *httpc_transport(const struct httpc *h); /* "local", "curl" */
