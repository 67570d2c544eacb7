#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/http_message.h"
#include "base/secret.h"

/* Requests and replies carry tokens and passwords: what is freed is wiped. */
static void text_wipe(struct text *t)
{
        if (t->data)
                secret_wipe(t->data, t->size);
        text_done(t);
}

static void headers_done(struct http_header *headers, unsigned *n)
{
        for (unsigned i = 0; i < *n; i++) {
                secret_wipe(headers[i].value, strlen(headers[i].value));
                free(headers[i].value);
                free(headers[i].name);
                headers[i] = (struct http_header){};
        }
        *n = 0;
}

static int headers_add(struct http_header *headers, unsigned *n, const char *name,
                       const char *value)
{
        if (!*name || strpbrk(name, "\r\n: \t") || strpbrk(value, "\r\n"))
                return -EINVAL;
        if (*n == HTTP_HEADERS_MAX)
                return -ENOBUFS;

        _cleanup_(freep) char *name_copy = strdup(name);
        _cleanup_(freep) char *value_copy = strdup(value);
        if (!name_copy || !value_copy)
                return -ENOMEM;
        headers[(*n)++] = (struct http_header){TAKE(name_copy), TAKE(value_copy)};
        return 0;
}

void http_request_done(struct http_request *r)
{
        text_wipe(&r->url);
        text_wipe(&r->body);
        headers_done(r->headers, &r->n_headers);
        *r = (struct http_request){};
}

int http_request_header(struct http_request *r, const char *name, const char *value)
{
        return headers_add(r->headers, &r->n_headers, name, value);
}

void http_reply_done(struct http_reply *r)
{
        text_wipe(&r->body);
        headers_done(r->headers, &r->n_headers);
        *r = (struct http_reply){};
}

int http_reply_header(struct http_reply *r, const char *name, const char *value)
{
        return headers_add(r->headers, &r->n_headers, name, value);
}

const char *http_reply_find(const struct http_reply *r, const char *lower_case_name)
{
        for (unsigned i = 0; i < r->n_headers; i++)
                if (strcasecmp(r->headers[i].name, lower_case_name) == 0)
                        return r->headers[i].value;
        return NULL;
}
