/* TLS ended in the daemon itself: 1.2 or newer, no HTTP/2, optionally only for clients with a certificate. */
#pragma once

#include <openssl/ssl.h>

#include "base/text.h"
#include "http/http.h"

/* 0; 1 the files are not usable, a line for each reason in `ret_faults`; -ENOMEM. */
int tls_new(const struct http_options *o, struct text *ret_faults, SSL_CTX **ret);
