/* One HTTP request to a broker and its reply, as plain bytes. Adapters fill and read these; net
 * sends them; base holds the shapes because neither of the two may include the other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define HTTP_HEADERS_MAX 16
#define HTTP_REPLY_MAX   (8U << 20) /* bytes of an ordinary reply; masters are streamed elsewhere */

struct http_header {
        char *name;
        char *value;
};

struct http_request {
        const char *method; /* a literal */
        struct text url;    /* scheme, host, path, query; for a local exchange only the path */
        struct http_header headers[HTTP_HEADERS_MAX];
        unsigned n_headers;
        struct text body;
        bool writes; /* may change something at the broker: net never lets it leave twice */
};

struct http_reply {
        int status;
        struct http_header headers[HTTP_HEADERS_MAX]; /* the first few that matter, lower case */
        unsigned n_headers;
        struct text body;
};

void http_request_done(struct http_request *r);
/* Copies both. 0, -ENOMEM, -ENOBUFS when the table is full, -EINVAL for CR, LF or NUL. */
int http_request_header(struct http_request *r, const char *name, const char *value);
void http_reply_done(struct http_reply *r);
int http_reply_header(struct http_reply *r, const char *name, const char *value);
const char *http_reply_find(const struct http_reply *r, const char *lower_case_name);
