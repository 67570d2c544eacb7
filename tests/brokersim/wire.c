/* Answers on the wire: the ordinary way through h2o, and all the ways that are wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "brokersim/request.h"

#include "base/clock.h"

static const char *reason_of(int status)
{
        switch (status) {
        case 200:
                return "OK";
        case 302:
                return "Found";
        case 400:
                return "Bad Request";
        case 401:
                return "Unauthorized";
        case 403:
                return "Forbidden";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 409:
                return "Conflict";
        case 429:
                return "Too Many Requests";
        case 500:
                return "Internal Server Error";
        case 502:
                return "Bad Gateway";
        case 503:
                return "Service Unavailable";
        case 504:
                return "Gateway Timeout";
        default:
                return "Unknown";
        }
}

void request_send(struct request *x)
{
        static h2o_generator_t generator;
        h2o_req_t *req = x->req;
        struct call *c = &x->call;
        bool head = call_is(c, "HEAD");
        /* Freed with the request. */
        h2o_iovec_t body = h2o_iovec_init(text_str(&c->out), c->out.len);

        req->res.status = c->status;
        req->res.reason = reason_of(c->status);
        req->res.content_length = body.len;
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, c->content_type,
                       strlen(c->content_type));
        if (c->location.len > 0)
                h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL,
                               text_str(&c->location), c->location.len);
        if (c->gzip)
                h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_ENCODING, NULL,
                               H2O_STRLIT("gzip"));
        if (x->faulty && x->rule.kind == FAULT_RATE_LIMIT && x->rule.retry_after >= 0) {
                char after[24];
                int n = snprintf(after, sizeof(after), "%lld", (long long)x->rule.retry_after);
                h2o_iovec_t kept = h2o_strdup(&req->pool, after, (size_t)n);
                h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("retry-after"), 0,
                                      NULL, kept.base, kept.len);
        }
        h2o_start_response(req, &generator);
        h2o_send(req, &body, head || body.len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

h2o_iovec_t request_print(struct request *x, bool closes)
{
        const struct call *c = &x->call;
        _cleanup_(text_done) struct text t = {.max = 2 * FAULT_BYTES_MAX};

        text_addf(&t, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                  c->status, reason_of(c->status), c->content_type, c->out.len,
                  closes ? "Connection: close\r\n" : "");
        text_add_bytes(&t, text_str(&c->out), c->out.len);
        return h2o_strdup(&x->req->pool, text_str(&t), t.len);
}

void request_misbehave(struct request *x)
{
        x->call.route->answer(&x->call);
        request_send(x);
}
