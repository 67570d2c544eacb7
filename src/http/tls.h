/* TLS ended in the daemon itself: 1.2 or newer, no HTTP/2, optionally only for clients with a
 * certificate. */
#pragma once

#include "base/text.h"
#include "http/http.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* 0; 1 the files are not usable, a line for each reason in `ret_faults`; -ENOMEM. */
int tls_new(const struct http_options *o, struct text *ret_faults, struct ssl_ctx_st **ret);
struct ssl_ctx_st *tls_free(struct ssl_ctx_st *ctx); /* NULL is fine */
