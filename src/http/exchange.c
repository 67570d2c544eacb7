/* One request between h2o and the handlers.
 *
 *   h2o ─ on_req ─► intake ─► checks ─► handler ─► answer ─► h2o writes ─► dispose
 *                                        │   ▲                               ▲
 *                                        ▼   │ done                          │
 *                                     orchestrator                  the client left
 *
 * h2o's request is embedded in its connection and used again: a stale pointer would answer somebody
 * else's request. So the exchange lives outside of h2o's pool; the pool holds a link whose disposal
 * clears x->req. */
#include "http/exchange.h"

#include <sys/socket.h>

#include <h2o.h>

#include "base/clock.h"
#include "http/checks.h"
#include "http/server.h"

struct exchange_link {
        struct http_exchange *exchange;
};

struct exchange_generator {
        h2o_generator_t super; /* first: h2o hands back a pointer to it */
        struct http_exchange *exchange;
};

struct orchestrator *exchange_orchestrator(const struct http_exchange *x)
{
        return x->http->options.orchestrator;
}

const struct http_options *exchange_options(const struct http_exchange *x)
{
        return &x->http->options;
}

static struct http_exchange *exchange_new(struct http *h)
{
        struct http_exchange *x;

        if (list_empty(&h->spare)) {
                x = calloc(1, sizeof(*x));
                if (!x)
                        return NULL;
        } else {
                x = LIST_ENTRY(h->spare.next, struct http_exchange, link);
                list_unlink(&x->link);
                h->n_spare--;
                memset(x, 0, offsetof(struct http_exchange, out));
                text_clear(&x->out);
        }
        list_append(&h->live, &x->link);
        x->http = h;
        x->started_us = clock_mono_us();
        x->correlation_id[0] = '\0';
        faults_init(&x->faults);
        return x;
}

void exchange_dispose(struct http_exchange *x)
{
        list_unlink(&x->link);
        text_done(&x->out);
        text_done(&x->scratch);
        free(x);
}

static void exchange_release(struct http_exchange *x)
{
        struct http *h = x->http;

        query_done(&x->query);
        json_freep(&x->json);
        x->keyring = keyring_unref(x->keyring);
        if (h->n_spare >= EXCHANGES_SPARE_MAX) {
                exchange_dispose(x);
                return;
        }
        if (x->out.size > EXCHANGE_OUT_KEEP)
                text_done(&x->out);
        text_done(&x->scratch);
        list_unlink(&x->link);
        list_append(&h->spare, &x->link);
        h->n_spare++;
}

void exchange_begin(struct http_exchange *x)
{
        x->working = true;
}

bool exchange_end(struct http_exchange *x)
{
        x->working = false;
        if (x->req)
                return true;
        exchange_release(x);
        return false;
}

static void on_pool_dispose(void *p)
{
        struct http_exchange *x = ((struct exchange_link *)p)->exchange;

        x->req = NULL;
        x->connection->exchange = NULL;
        x->connection = NULL;
        if (x->released)
                x->released(x);
        if (!x->working)
                exchange_release(x);
}

/* Remembers a header, and its name when it is there already. */
static void note(struct slice *slot, const h2o_header_t *header, const char *name,
                 const char **repeated)
{
        if (slot->base)
                *repeated = name;
        *slot = (struct slice){header->value.base, header->value.len};
}

#define REPEATED(name) name " is given more than once."

static void intake_header(struct http_exchange *x, struct intake *in, const h2o_header_t *header)
{
        const h2o_iovec_t *name = header->name;

        if (name == &H2O_TOKEN_AUTHORIZATION->buf)
                note(&in->authorization, header, REPEATED("Authorization"), &in->repeated);
        else if (name == &H2O_TOKEN_CONTENT_TYPE->buf)
                note(&in->content_type, header, REPEATED("Content-Type"), &in->repeated);
        else if (name == &H2O_TOKEN_CONTENT_ENCODING->buf)
                in->content_encoding = (struct slice){header->value.base, header->value.len};
        else if (name == &H2O_TOKEN_X_FORWARDED_FOR->buf)
                in->forwarded = (struct slice){header->value.base, header->value.len};
        else if (h2o_memis(name->base, name->len, H2O_STRLIT("idempotency-key")))
                note(&in->idempotency_key, header, REPEATED("Idempotency-Key"), &in->repeated);
        else if (h2o_memis(name->base, name->len, H2O_STRLIT("x-correlation-id")))
                note(&in->correlation_id, header, REPEATED("X-Correlation-ID"), &in->repeated);
        else if (h2o_memis(name->base, name->len, H2O_STRLIT("origin")))
                note(&x->origin, header, REPEATED("Origin"), &in->repeated);
        else if (h2o_memis(name->base, name->len, H2O_STRLIT("last-event-id")))
                note(&x->last_event_id, header, REPEATED("Last-Event-ID"), &in->repeated);
        else if (h2o_memis(name->base, name->len, H2O_STRLIT("access-control-request-method")))
                in->asks_method = true;
}

static void intake(struct http_exchange *x, h2o_req_t *req, struct intake *in)
{
        const h2o_socket_t *sock = x->connection->sock;
        size_t path = req->query_at != SIZE_MAX ? req->query_at : req->path.len;

        *in = (struct intake){.minor = (unsigned)req->version & 0xff};
        x->method = (struct slice){req->method.base, req->method.len};
        x->path = (struct slice){req->path.base, path};
        if (path < req->path.len)
                x->raw_query = (struct slice){req->path.base + path + 1, req->path.len - path - 1};
        x->body = (struct slice){req->entity.base, req->entity.base ? req->entity.len : 0};
        in->host = (struct slice){req->authority.base, req->authority.len};
        /* h2o gives the bytes of a request back only after the answer: its head is still there. */
        head_scan(sock->input->bytes, sock->input->size, &in->head);
        for (size_t i = 0; i < req->headers.size; i++)
                intake_header(x, in, &req->headers.entries[i]);
}

int exchange_take(struct http *h, void *request)
{
        h2o_req_t *req = request;
        struct connection *c = req->conn->callbacks->get_socket(req->conn)->on_close.data;
        struct http_exchange *x = exchange_new(h);
        struct intake in;

        if (!x) {
                req->http1_is_persistent = 0;
                return -1; /* h2o answers by itself */
        }
        struct exchange_link *link =
                h2o_mem_alloc_shared(&req->pool, sizeof(*link), on_pool_dispose);
        link->exchange = x;
        x->req = req;
        x->connection = c;
        c->exchange = x;
        intake(x, req, &in);
        if (checks_pass(x, &in))
                x->route->handle(x);
        return 0;
}

/* The headers of every answer. Names are written as they stand here. */
#define CONSTANT(name, value)                           \
        {                                               \
                &(h2o_iovec_t){H2O_STRLIT(name)}, NULL, \
                {                                       \
                        H2O_STRLIT(value)               \
                }                                       \
        }
static const h2o_header_t constant_headers[] = {
        CONSTANT("Cache-Control", "no-store"),
        CONSTANT("X-Content-Type-Options", "nosniff"),
        CONSTANT("Referrer-Policy", "no-referrer"),
        CONSTANT("X-Frame-Options", "DENY"),
};
static h2o_iovec_t policy_name = {H2O_STRLIT("Content-Security-Policy")};
static h2o_iovec_t correlation_name = {H2O_STRLIT("X-Correlation-ID")};
static h2o_iovec_t rate_policy_name = {H2O_STRLIT("RateLimit-Policy")};
static h2o_iovec_t rate_name = {H2O_STRLIT("RateLimit")};
static h2o_iovec_t origin_name = {H2O_STRLIT("Access-Control-Allow-Origin")};
static h2o_iovec_t expose_name = {H2O_STRLIT("Access-Control-Expose-Headers")};

#define RATE_VALUE_SIZE 40
#define POLICY_NOTHING  "default-src 'none'; frame-ancestors 'none'"
#define EXPOSED                                                                     \
        "Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, " \
        "X-Correlation-ID"

static void put(h2o_req_t *req, h2o_iovec_t *name, const char *value, size_t n)
{
        h2o_headers_t *headers = &req->res.headers;

        h2o_vector_reserve(&req->pool, headers, headers->size + 1);
        headers->entries[headers->size++] = (h2o_header_t){name, NULL, h2o_iovec_init(value, n)};
}

static void put_rate(struct http_exchange *x, h2o_req_t *req)
{
        char *value = h2o_mem_alloc_pool(&req->pool, RATE_VALUE_SIZE);
        int n = snprintf(value, RATE_VALUE_SIZE, "\"api\";r=%lld;t=1", (long long)x->rate_left);

        put(req, &rate_policy_name, x->http->rate_policy, strlen(x->http->rate_policy));
        put(req, &rate_name, value, (size_t)n);
}

static void put_origin(struct http_exchange *x, h2o_req_t *req)
{
        put(req, &origin_name, x->origin.base, x->origin.size);
        put(req, &expose_name, H2O_STRLIT(EXPOSED));
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_VARY, NULL, H2O_STRLIT("Origin"));
}

void exchange_put_constant(void *request)
{
        h2o_req_t *req = request;
        h2o_headers_t *headers = &req->res.headers;

        h2o_vector_reserve(&req->pool, headers, headers->size + 16);
        memcpy(headers->entries + headers->size, constant_headers, sizeof(constant_headers));
        headers->size += sizeof(constant_headers) / sizeof(constant_headers[0]);
}

static void put_headers(struct http_exchange *x, h2o_req_t *req, const char *mime)
{
        h2o_headers_t *headers = &req->res.headers;
        const char *policy =
                x->content_security_policy ? x->content_security_policy : POLICY_NOTHING;

        exchange_put_constant(req);
        put(req, &policy_name, policy, strlen(policy));
        put(req, &correlation_name, x->correlation_id, strlen(x->correlation_id));
        if (mime)
                h2o_add_header(&req->pool, headers, H2O_TOKEN_CONTENT_TYPE, NULL, mime,
                               strlen(mime));
        if (x->limited)
                put_rate(x, req);
        if (origin_listed(&x->http->options, x->origin))
                put_origin(x, req);
        for (unsigned i = 0; i < x->n_headers; i++)
                h2o_add_header_by_str(&req->pool, headers, x->headers[i].name,
                                      strlen(x->headers[i].name), 0, NULL, x->headers[i].value,
                                      strlen(x->headers[i].value));
}

static h2o_req_t *answer_begin(struct http_exchange *x, int status, const char *mime, size_t length)
{
        h2o_req_t *req = x->req;

        assert(!x->answered);
        x->answered = true;
        x->status = status;
        if (x->close || x->http->draining)
                req->http1_is_persistent = 0;
        req->res.status = status;
        req->res.reason = status_reason(status);
        req->res.content_length = length;
        put_headers(x, req, mime);
        return req;
}

static void answer_bytes(struct http_exchange *x, int status, const char *mime, const char *body,
                         size_t size)
{
        static h2o_generator_t generator; /* nothing to proceed with: one write says all */
        h2o_req_t *req = answer_begin(x, status, mime, status == 204 ? SIZE_MAX : size);
        h2o_iovec_t buf = h2o_iovec_init(body, size);
        bool empty = size == 0 || h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));

        h2o_start_response(req, &generator);
        h2o_send(req, &buf, empty ? 0 : 1, H2O_SEND_STATE_FINAL);
}

void exchange_answer(struct http_exchange *x, int status, const char *mime)
{
        /* A body that did not fit into memory is no answer at all. */
        if (x->out.failed && status != 500) {
                text_done(&x->out);
                x->n_headers = 0;
                exchange_problem(x, PROBLEM_INTERNAL, NULL);
                return;
        }
        answer_bytes(x, status, mime, text_str(&x->out), x->out.len);
}

void exchange_answer_static(struct http_exchange *x, const char *mime, const char *body,
                            size_t size, const char *content_security_policy)
{
        x->content_security_policy = content_security_policy;
        answer_bytes(x, 200, mime, body, size);
}

static void on_proceed(h2o_generator_t *super, h2o_req_t *req)
{
        struct http_exchange *x = ((struct exchange_generator *)super)->exchange;

        (void)req;
        x->writing = false;
        if (x->finishing)
                exchange_finish(x);
        else
                x->written(x);
}

void exchange_stream(struct http_exchange *x, const char *first, size_t n)
{
        h2o_req_t *req = answer_begin(x, 200, MIME_EVENTS, SIZE_MAX);
        struct exchange_generator *generator = h2o_mem_alloc_pool(&req->pool, sizeof(*generator));

        *generator = (struct exchange_generator){.super.proceed = on_proceed, .exchange = x};
        /* The end of a stream is the end of its connection: nothing of value is lost, and a client
         * of HTTP/1.0 cannot know it otherwise. */
        req->http1_is_persistent = 0;
        h2o_start_response(req, &generator->super);
        exchange_write(x, first, n);
}

void exchange_write(struct http_exchange *x, const char *data, size_t n)
{
        h2o_iovec_t buf = h2o_iovec_init(data, n);

        assert(x->req && !x->writing && n > 0);
        x->writing = true;
        h2o_send(x->req, &buf, 1, H2O_SEND_STATE_IN_PROGRESS);
}

void exchange_finish(struct http_exchange *x)
{
        if (x->finished)
                return;
        x->finished = !x->writing;
        if (x->finished)
                h2o_send(x->req, NULL, 0, H2O_SEND_STATE_FINAL);
        else
                x->finishing = true;
}

void exchange_abort(struct http_exchange *x)
{
        shutdown(h2o_socket_get_fd(x->connection->sock), SHUT_RDWR);
}
