/* One HTTP request to the daemon and its answer. Every call has a connection of its own: libcurl
 * silently repeats a request when a connection it re-used turns out dead, and repeating is for the
 * caller to decide. */
#pragma once

#include <curl/curl.h>

#include "base/json.h"
#include "ordoctl/endpoint.h"

#define CLIENT_CONNECT_MS 5000
#define CLIENT_TIMEOUT_MS 30000 /* above the daemon's own deadline of an order */
#define CLIENT_KEY_SIZE   256

struct client {
        struct endpoint endpoint;
        struct secret *token;
        CURL *curl;
        const struct ctl *ctl;
        char error[CURL_ERROR_SIZE];
};

struct request {
        const char *method;
        const char *path;        /* with query */
        const struct text *body; /* JSON, or NULL */
        const char *idempotency_key;
};

struct answer {
        long status;
        struct text body;
        struct json_object *json; /* NULL: the body is not JSON */
        long retry_after;         /* seconds; -1: not said */
        bool replayed;
};
void answer_done(struct answer *a);

enum client_result {
        CLIENT_ANSWERED,
        CLIENT_NOT_SENT, /* no connection was made */
        CLIENT_BROKEN,   /* the request may have arrived */
};

/* Opens c->client unless it is open. An exit code. */
int client_open(struct ctl *c);
struct client *client_close(struct client *client);
/* `client->error` says why there was no answer. */
enum client_result client_call(struct client *client, const struct request *r, struct answer *ret);

/* For streams: a handle with everything set but what to do with the body, and its headers. */
CURL *client_handle(struct client *client, const struct request *r,
                    struct curl_slist **ret_headers);
/* "cannot reach …" for the last call. Returns CTL_NETWORK. */
int client_unreachable(const struct client *client, enum client_result result);
