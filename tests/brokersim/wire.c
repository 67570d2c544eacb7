/* Answers on the wire: the ordinary way through h2o, and all the ways that are wrong. What h2o
 * would not write is written to its socket past it, while it waits for the handler; in the end it
 * always gets an answer to send, into a socket that may have been shut before. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "brokersim/request.h"

#include "base/clock.h"

#define RESET_AFTER_US (20 * USEC_PER_MS) /* the half answer has arrived by then */
#define BLANKS_SIZE    (256U << 10)

static const char *reason_of(int status)
{
        static const struct {
                int status;
                const char *reason;
        } reasons[] = {
                {200, "OK"},
                {302, "Found"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {422, "Unprocessable Entity"},
                {429, "Too Many Requests"},
                {500, "Internal Server Error"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"},
        };
        for (size_t i = 0; i < ELEMENTS(reasons); i++)
                if (reasons[i].status == status)
                        return reasons[i].reason;
        return "Unknown";
}

/* --- as it should be ----------------------------------------------------------------------------
 */

static void add_headers(struct request *x)
{
        h2o_req_t *req = x->req;
        const struct call *c = &x->call;

        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, c->content_type,
                       strlen(c->content_type));
        if (c->location.len > 0)
                h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL,
                               text_str(&c->location), c->location.len);
        if (c->gzip)
                h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_ENCODING, NULL,
                               H2O_STRLIT("gzip"));
        if (x->faulty && x->rule.kind == FAULT_RATE_LIMIT && x->rule.retry_after >= 0) {
                char s[24], ms[32];
                int n = snprintf(s, sizeof(s), "%lld", (long long)x->rule.retry_after);
                int n_ms = snprintf(ms, sizeof(ms), "%lld", (long long)x->rule.retry_after * 1000);
                h2o_iovec_t kept = h2o_strdup(&req->pool, s, (size_t)n);
                h2o_iovec_t kept_ms = h2o_strdup(&req->pool, ms, (size_t)n_ms);
                h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("retry-after"), 0,
                                      NULL, kept.base, kept.len);
                h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-retry-after-ms"),
                                      0, NULL, kept_ms.base, kept_ms.len);
        }
}

void request_send(struct request *x)
{
        static h2o_generator_t generator;
        h2o_req_t *req = x->req;
        const struct call *c = &x->call;
        /* Freed with the request. */
        h2o_iovec_t body = h2o_iovec_init(text_str(&c->out), c->out.len);

        req->res.status = c->status;
        req->res.reason = reason_of(c->status);
        req->res.content_length = body.len;
        add_headers(x);
        h2o_start_response(req, &generator);
        h2o_send(req, &body, body.len == 0 || call_is(c, "HEAD") ? 0 : 1, H2O_SEND_STATE_FINAL);
}

static void send_now(struct timer *t)
{
        request_send(CONTAINER_OF(t, struct request, timer));
}

static void after(struct request *x, int64_t us, void (*fire)(struct timer *t))
{
        x->timer.fire = fire;
        server_after(x->sim->server, &x->timer, us);
}

void request_send_after(struct request *x, int64_t us)
{
        after(x, us, send_now);
}

/* --- past h2o -----------------------------------------------------------------------------------
 */

static h2o_socket_t *socket_of(struct request *x)
{
        return x->req->conn->callbacks->get_socket(x->req->conn);
}

/* The connection is over; h2o finds that out by writing. */
static void end_connection(struct request *x, bool reset)
{
        struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
        int fd = h2o_socket_get_fd(socket_of(x));

        /* Disconnecting a TCP socket sends a reset. */
        if (!reset || connect(fd, &nowhere, sizeof(nowhere)) < 0)
                (void)shutdown(fd, SHUT_RDWR);
        x->req->http1_is_persistent = 0;
        call_answer(&x->call, 200, "text/plain");
        request_send(x);
}

static void end_by_reset(struct timer *t)
{
        end_connection(CONTAINER_OF(t, struct request, timer), true);
}

static void end_by_close(struct timer *t)
{
        end_connection(CONTAINER_OF(t, struct request, timer), false);
}

/* One whole answer as it looks on the wire. */
static void print_answer(struct request *x)
{
        const struct call *c = &x->call;
        _cleanup_(text_done) struct text t = {.max = 2 * (size_t)FAULT_BYTES_MAX};

        text_addf(&t, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n", c->status,
                  reason_of(c->status), c->content_type, c->out.len);
        if (c->gzip)
                text_add(&t, "content-encoding: gzip\r\n");
        text_add(&t, "\r\n");
        text_add_bytes(&t, text_str(&c->out), c->out.len);
        x->wire = h2o_strdup(&x->req->pool, text_str(&t), t.len);
        x->written = 0;
}

static struct request *current(h2o_socket_t *sock)
{
        return ((struct connection *)sock->on_close.data)->current;
}

static void write_next(struct timer *t);

static void on_written(h2o_socket_t *sock, const char *error)
{
        struct request *x = current(sock);

        if (error) {
                end_connection(x, false);
        } else if (x->rule.kind == FAULT_DUPLICATE) {
                request_send(x); /* the second one, and the connection lives on */
        } else if (x->rule.kind == FAULT_DRIP && x->written < x->wire.len) {
                after(x, x->rule.ms * USEC_PER_MS, write_next);
        } else if (x->rule.kind == FAULT_RESET) {
                after(x, RESET_AFTER_US, end_by_reset);
        } else {
                end_connection(x, false);
        }
}

static void write_some(struct request *x, size_t n)
{
        h2o_iovec_t part = h2o_iovec_init(x->wire.base + x->written, n);

        x->written += n;
        h2o_socket_write(socket_of(x), &part, 1, on_written);
}

static void write_next(struct timer *t)
{
        struct request *x = CONTAINER_OF(t, struct request, timer);
        size_t left = x->wire.len - x->written, chunk = (size_t)x->rule.chunk;

        write_some(x, left < chunk ? left : chunk);
}

/* --- a body without end -------------------------------------------------------------------------
 */

struct blanks {
        h2o_generator_t super;
        size_t left;
};

static const char *blanks(void)
{
        static char bytes[BLANKS_SIZE];

        if (!*bytes)
                memset(bytes, ' ', sizeof(bytes));
        return bytes;
}

static void blanks_proceed(h2o_generator_t *self, h2o_req_t *req)
{
        struct blanks *b = (struct blanks *)self;
        size_t n = b->left < BLANKS_SIZE ? b->left : BLANKS_SIZE;
        h2o_iovec_t part = h2o_iovec_init(blanks(), n);

        b->left -= n;
        h2o_send(req, &part, 1, b->left ? H2O_SEND_STATE_IN_PROGRESS : H2O_SEND_STATE_FINAL);
}

/* JSON may be followed by blanks: the reply is the right one, for whoever can hold it. */
static void send_huge(struct request *x)
{
        h2o_req_t *req = x->req;
        struct blanks *b = h2o_mem_alloc_pool(&req->pool, sizeof(*b));
        size_t total = (size_t)x->rule.bytes;
        h2o_iovec_t body = h2o_iovec_init(text_str(&x->call.out), x->call.out.len);

        if (total <= body.len) {
                request_send(x);
                return;
        }
        *b = (struct blanks){.super = {blanks_proceed, NULL}, .left = total - body.len};
        req->res.status = x->call.status;
        req->res.reason = reason_of(x->call.status);
        req->res.content_length = total;
        add_headers(x);
        h2o_start_response(req, &b->super);
        h2o_send(req, &body, body.len ? 1 : 0, H2O_SEND_STATE_IN_PROGRESS);
}

/* --- what is done later -------------------------------------------------------------------------
 */

/* The request again, when the client has long gone or has its answer. */
struct belated {
        struct timer timer;
        struct call call;
        unsigned resets; /* of the simulator, when it was put off */
        char *memory;    /* the bytes it refers to */
};

static struct bytes keep(char **at, struct bytes b)
{
        char *s = *at;

        if (b.n > 0)
                memcpy(s, b.s, b.n);
        *at += b.n;
        return (struct bytes){s, b.n};
}

static void book_belated(struct timer *t)
{
        struct belated *b = CONTAINER_OF(t, struct belated, timer);

        if (b->resets == b->call.sim->resets)
                b->call.route->answer(&b->call);
        text_done(&b->call.out);
        text_done(&b->call.location);
        free(b->memory);
        free(b);
}

static void book_later(struct request *x)
{
        const struct call *c = &x->call;
        size_t n = c->method.n + c->path.n + c->query.n + c->body.n + 1;
        struct belated *b = calloc(1, sizeof(*b));
        char *at;

        for (unsigned i = 0; i < _HEADER_MAX; i++)
                n += c->headers[i].n;
        at = malloc(n);
        if (!b || !at)
                abort();
        b->memory = at;
        b->resets = x->sim->resets;
        b->call = *c;
        b->call.out = b->call.location = TEXT_NULL;
        b->call.grant = NULL;
        b->call.dry = false;
        b->call.quiet = true;
        b->call.method = keep(&at, c->method);
        b->call.path = keep(&at, c->path);
        b->call.query = keep(&at, c->query);
        b->call.body = keep(&at, c->body);
        for (unsigned i = 0; i < _HEADER_MAX; i++)
                b->call.headers[i] = keep(&at, c->headers[i]);
        b->timer.fire = book_belated;
        server_after(x->sim->server, &b->timer, x->rule.book_after_ms * USEC_PER_MS);
}

struct flip {
        struct timer timer;
        struct sim *sim;
        char id[ENTRY_ID_SIZE], message[ENTRY_MESSAGE_SIZE];
        enum order_status status;
};

static void flip_now(struct timer *t)
{
        struct flip *f = CONTAINER_OF(t, struct flip, timer);
        struct entry *e = book_find(&f->sim->book, NULL, f->id);

        if (e)
                book_flip(&f->sim->book, e, f->status, f->message);
        free(f);
}

static void flip_later(struct request *x)
{
        struct flip *f = x->call.placed[0] ? calloc(1, sizeof(*f)) : NULL;

        if (!f)
                return;
        f->sim = x->sim;
        f->status = (enum order_status)x->rule.order_status;
        (void)text_copy(f->id, sizeof(f->id), x->call.placed);
        (void)text_copy(f->message, sizeof(f->message), x->rule.text);
        f->timer.fire = flip_now;
        server_after(x->sim->server, &f->timer, x->rule.ms * USEC_PER_MS);
}

/* --- every fault --------------------------------------------------------------------------------
 */

static bool writes(enum operation o)
{
        return o == OPERATION_PLACE || o == OPERATION_MODIFY || o == OPERATION_CANCEL;
}

/* Orders are received in any case, and booked as the rule says; `out` has the right answer after
 * it, if there is one. */
static void carry_out(struct request *x)
{
        struct call *c = &x->call;
        const struct fault_rule *r = &x->rule;

        if (!writes(c->route->operation) && !r->book) {
                call_json(c, 200);
                return;
        }
        c->dry = !r->book || r->book_after_ms > 0;
        c->route->answer(c);
        if (r->book && r->book_after_ms > 0)
                book_later(x);
}

static void answer_text(struct call *c, int status, const char *type, const char *text,
                        const char *or_else)
{
        call_answer(c, status, type);
        text_add(&c->out, *text ? text : or_else);
}

/* What takes the place of the right answer. False: the right one is sent, in some wrong way. */
static bool replace_answer(struct request *x)
{
        static const char page[] =
                "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n"
                "<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n";
        struct call *c = &x->call;
        const struct fault_rule *r = &x->rule;
        struct text t = {.max = (size_t)FAULT_BYTES_MAX};

        switch (r->kind) {
        case FAULT_ERROR:
        case FAULT_RATE_LIMIT:
                c->wire->fail(c, r->status,
                              *r->text                      ? r->text
                              : r->kind == FAULT_RATE_LIMIT ? "request limit reached"
                                                            : "Something went wrong");
                return true;
        case FAULT_GARBAGE:
                answer_text(c, r->status, "application/json", r->text, "{\"s\":\"o\xff\x01[,}");
                return true;
        case FAULT_HTML:
                answer_text(c, r->status, "text/html", r->text, page);
                return true;
        case FAULT_EXPIRED:
                c->wire->expired(c);
                return true;
        case FAULT_UNACKNOWLEDGED:
                c->wire->perhaps(c);
                return true;
        case FAULT_WRONG_TYPES:
                faults_wrong_types(&c->out, &t);
                text_done(&c->out);
                c->out = t;
                return true;
        case FAULT_FLIP:
                flip_later(x);
                return true;
        default:
                return false;
        }
}

void request_misbehave(struct request *x)
{
        const struct fault_rule *r = &x->rule;

        carry_out(x);
        if (replace_answer(x)) {
                request_send_after(x, r->kind == FAULT_FLIP ? 0 : r->ms * USEC_PER_MS);
                return;
        }
        switch (r->kind) {
        case FAULT_STALL:
                after(x, r->ms * USEC_PER_MS, end_by_close);
                break;
        case FAULT_LATE:
                request_send_after(x, r->ms * USEC_PER_MS);
                break;
        case FAULT_CLOSE_AFTER:
                after(x, r->ms * USEC_PER_MS, end_by_close);
                break;
        case FAULT_RESET_AFTER:
                after(x, r->ms * USEC_PER_MS, end_by_reset);
                break;
        case FAULT_HUGE:
                send_huge(x);
                break;
        case FAULT_RESET:
        case FAULT_TRUNCATE:
                print_answer(x);
                write_some(x, x->wire.len / 2);
                break;
        case FAULT_DRIP:
                print_answer(x);
                write_next(&x->timer);
                break;
        case FAULT_DUPLICATE:
                print_answer(x);
                write_some(x, x->wire.len);
                break;
        default:
                request_send(x);
        }
}
