/* One call as a libcurl easy handle: what it is told, and what it saw. Kept for re-use when the
 * call is over. */
#pragma once

#include <curl/curl.h>

#include "net/curl_port.h"
#include "net/verdict.h"

struct curl_settings {
        char *base_url;  /* without a slash at the end; NULL: none */
        char *ca_file;   /* NULL: the system's */
        char *interface; /* in CURLOPT_INTERFACE's form; NULL: the kernel's choice */
        long ip_resolve; /* CURL_IPRESOLVE_*, the family of the interface */
        long connect_timeout_ms;
        unsigned max_connections;
        size_t reply_max;
        int64_t speed_max;
};
/* 0, -ENOMEM, -EINVAL. */
int curl_settings_init(struct curl_settings *s, const struct httpc_options *o);
void curl_settings_done(struct curl_settings *s);

struct transfer {
        struct list link; /* the idle ones' */
        CURL *easy;
        CURLU *url;
        struct curl_slist *headers;
        const struct curl_settings *settings; /* of the client, like the ports */
        struct ports *ports;
        struct http_call *call; /* NULL when idle */
        size_t reply_max;
        size_t head_size, body_size;
        bool head_ended;
        bool stale;   /* stopped before it left, because its connection is not to be trusted */
        bool renewed; /* after that it was told to take a new one, and would go on so */
        struct attempt attempt;
        const char *complaint; /* why a callback of ours stopped it; NULL: it did not */
        char error[CURL_ERROR_SIZE];
};

/* With the share, the settings and the ports of a client, which outlive it. 0, -ENOMEM, -EINVAL. */
int transfer_new(const struct curl_settings *s, CURLSH *share, struct ports *ports,
                 struct transfer **ret);
struct transfer *transfer_free(struct transfer *t);
DEFINE_CLEANUP(struct transfer *, transfer_free)
/* Makes the handle ready to be added to a multi. 0; -ENOMEM; -EINVAL with `complaint` filled. */
int transfer_prepare(struct transfer *t, struct http_call *c);
/* After it left its multi: makes a stale one, of which nothing left, ready for a new connection. 0;
 * -EINVAL when it is not stale; -ENOMEM. */
int transfer_refresh(struct transfer *t);
/* After it left its multi: completes the evidence. `code` < 0: the multi was lost or given up. */
void transfer_collect(struct transfer *t, int code);
/* What to tell about a transfer without a reply; valid until it is reset. */
const char *transfer_error(const struct transfer *t);
/* After it was collected: it went out once and was answered. Only such a handle may be used again:
 * libcurl's count of repetitions, among other things, goes on from call to call. */
bool transfer_plain(const struct transfer *t);
/* Forgets the call, keeps the handle and what it was told for all calls. */
void transfer_reset(struct transfer *t);
