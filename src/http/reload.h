/* A reload in two steps: what can fail, and the exchange. Loop thread only. */
#pragma once

#include "http/http.h"

struct keyring;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

struct http_fresh {
        struct keyring *keyring;
        struct ssl_ctx_st *tls; /* NULL: the server speaks none */
};

/* Reads the keys and the TLS files that `o` names. 0; 1 they have faults, a line for each; negative
 * errno. */
int http_fresh_new(const struct http *h, const struct http_options *o, struct text *ret_faults,
                   struct http_fresh *ret);
void http_fresh_done(struct http_fresh *f);
/* Takes `f` over, and the options of `o` that need no new server. */
void http_take_up(struct http *h, const struct http_options *o, struct http_fresh *f);
