/* h2o's side of the server: context, listeners, connections, draining. */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <h2o.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "http/reload.h"
#include "http/render.h"
#include "http/server.h"
#include "http/tls.h"
#include "orchestrator/quota.h"

#define ACCEPTS_PER_TURN  16    /* of one listener, before others get their turn */
#define UNACKNOWLEDGED_MS 30000 /* a peer that takes no bytes for so long is gone */

struct listener {
        struct http *http;
        h2o_socket_t *sock; /* NULL: closed */
        bool reading;
};

struct server {
        h2o_globalconf_t config;
        h2o_context_t context;
        h2o_accept_ctx_t accept;
        SSL_CTX *tls;
        bool ready; /* config and context are there */
        struct listener listeners[HTTP_LISTENERS_MAX];
        int fds[HTTP_LISTENERS_MAX]; /* not yet given to h2o; -1: given */
        unsigned n_listeners;
};

struct handler {
        h2o_handler_t super;
        struct http *http;
};

struct logger {
        h2o_logger_t super;
        struct http *http;
};

/* Answers that h2o makes by itself (a broken chunk, a body past every limit) get our form. */
struct own_errors {
        h2o_ostream_t super;
        h2o_iovec_t body;
};

static void own_errors_send(h2o_ostream_t *super, h2o_req_t *req, h2o_iovec_t *bufs, size_t n,
                            h2o_send_state_t state)
{
        struct own_errors *o = (struct own_errors *)super;
        bool head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));

        (void)bufs;
        (void)n;
        h2o_ostream_send_next(super, req, &o->body, head ? 0 : 1, state);
}

static enum problem own_error_problem(int status)
{
        switch (status) {
        case 413:
                return PROBLEM_PAYLOAD_TOO_LARGE;
        case 400:
        case 417:
                return PROBLEM_INVALID_HEADER;
        case 404:
                return PROBLEM_NOT_FOUND;
        default:
                return PROBLEM_OVERLOADED;
        }
}

static void own_errors_begin(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
        enum problem p = own_error_problem(req->res.status);
        _cleanup_(text_done) struct text t = TEXT_NULL;
        char id[UUID_SIZE];
        struct problem_view v = {
                .problem = p,
                .correlation_id = id,
                .detail = p == PROBLEM_INVALID_HEADER
                                  ? "The framing of the body (Content-Length, Transfer-Encoding, "
                                    "chunks) or Expect is not valid."
                                  : NULL,
        };

        (void)self;
        uuid_make(id);
        render_problem(&v, &t);
        struct own_errors *o = (void *)h2o_add_ostream(req, sizeof(*o), slot);
        o->super.do_send = own_errors_send;
        o->body = h2o_strdup(&req->pool, text_str(&t), t.len);
        req->res.status = problem_status(p);
        req->res.reason = status_reason(req->res.status);
        req->res.content_length = o->body.len;
        req->res.headers.size = 0;
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                       H2O_STRLIT(MIME_PROBLEM));
        exchange_put_constant(req);
        h2o_iovec_t kept = h2o_strdup(&req->pool, id, SIZE_MAX);
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("X-Correlation-ID"), 0,
                              NULL, kept.base, kept.len);
        h2o_setup_next_ostream(req, &o->super.next);
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
        return exchange_take(((struct handler *)self)->http, req);
}

static void on_log(h2o_logger_t *self, h2o_req_t *req)
{
        access_record(((struct logger *)self)->http, req);
}

static void listener_read(struct listener *l, bool read);

static void on_connection_closed(void *data)
{
        struct connection *c = data;
        struct http *h = c->http;

        list_unlink(&c->link);
        SSL_CTX_free(c->tls);
        free(c);
        h->n_connections--;
        if (!h->draining)
                for (unsigned i = 0; i < h->server->n_listeners; i++)
                        listener_read(&h->server->listeners[i], true);
}

/* False: nobody is waiting, or the connection could not be kept. */
static bool accept_one(struct listener *l)
{
        struct http *h = l->http;
        h2o_socket_t *sock = h2o_evloop_socket_accept(l->sock);
        struct sockaddr_storage peer;
        int timeout_ms = UNACKNOWLEDGED_MS;

        if (!sock)
                return false;
        struct connection *c = calloc(1, sizeof(*c));
        if (!c) {
                h2o_socket_close(sock);
                return false;
        }
        c->http = h;
        c->sock = sock;
        c->tls = h->server->tls;
        if (c->tls)
                SSL_CTX_up_ref(c->tls);
        c->has_address = h2o_socket_getpeername(sock, (struct sockaddr *)&peer) > 0 &&
                         address_of((struct sockaddr *)&peer, &c->address);
        list_append(&h->connections, &c->link);
        h->n_connections++;
        h->n_accepted++;
        sock->on_close.cb = on_connection_closed;
        sock->on_close.data = c;
        /* h2o has no timeout for writing. Fails on a unix socket, whose peer is on this host. */
        setsockopt(h2o_socket_get_fd(sock), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                   sizeof(timeout_ms));
        h2o_accept(&h->server->accept, sock);
        return true;
}

static void on_accept(h2o_socket_t *sock, const char *error)
{
        struct listener *l = sock->data;
        struct http *h = l->http;

        if (error)
                return;
        for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
                if (h->n_connections >= h->options.max_connections) {
                        /* The kernel keeps the others waiting until one is closed. */
                        for (unsigned k = 0; k < h->server->n_listeners; k++)
                                listener_read(&h->server->listeners[k], false);
                        return;
                }
                if (!accept_one(l))
                        return;
        }
}

static void listener_read(struct listener *l, bool read)
{
        if (!l->sock || l->reading == read)
                return;
        l->reading = read;
        if (read)
                h2o_socket_read_start(l->sock, on_accept);
        else
                h2o_socket_read_stop(l->sock);
}

static void server_configure(struct http *h)
{
        struct server *s = h->server;
        const struct http_options *o = &h->options;

        h2o_config_init(&s->config);
        s->config.server_name = h2o_iovec_init(H2O_STRLIT(""));
        s->config.max_request_entity_size = HTTP_BODY_READ_MAX;
        s->config.http1.req_timeout = (uint64_t)(o->request_timeout_us / USEC_PER_MS);
        s->config.handshake_timeout = s->config.http1.req_timeout;
        s->config.http1.upgrade_to_http2 = 0;
        /* HTTP/2 is off; its goodbye timer would make disposing of the context abort (models §6.5).
         */
        s->config.http2.callbacks.request_shutdown = NULL;

        h2o_hostconf_t *host =
                h2o_config_register_host(&s->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
        h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
        h2o_pathconf_t *both[] = {path, &host->fallback_path};
        struct handler *handler = (void *)h2o_create_handler(path, sizeof(*handler));
        handler->super.on_req = on_req;
        handler->http = h;
        for (size_t i = 0; i < ELEMENTS(both); i++) {
                struct logger *logger = (void *)h2o_create_logger(both[i], sizeof(*logger));
                logger->super.log_access = on_log;
                logger->http = h;
                both[i]->error_log.emit_request_errors = 0;
        }
        h2o_create_filter(&host->fallback_path, sizeof(h2o_filter_t))->on_setup_ostream =
                own_errors_begin;
        h2o_context_init(&s->context, loop_h2o(o->loop), &s->config);
        s->accept =
                (h2o_accept_ctx_t){.ctx = &s->context, .hosts = s->config.hosts, .ssl_ctx = s->tls};
        s->ready = true;
}

static int server_new(struct http *h)
{
        struct server *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        h->server = s;
        s->n_listeners = h->options.n_listeners;
        for (unsigned i = 0; i < s->n_listeners; i++)
                s->fds[i] = h->options.listeners[i];
        return 0;
}

static struct server *server_free(struct server *s)
{
        if (!s)
                return NULL;
        for (unsigned i = 0; i < s->n_listeners; i++)
                if (s->fds[i] >= 0)
                        close(s->fds[i]);
        if (s->ready) {
                h2o_loop_t *loop = s->context.loop;
                h2o_context_dispose(&s->context);
                h2o_config_dispose(&s->config);
                /* Closed sockets are given back by the loop's next turn. */
                h2o_evloop_run(loop, 0);
        }
        SSL_CTX_free(s->tls);
        free(s);
        return NULL;
}

/* Every key may do from now on what the keys file says, or else the options. */
static int set_quotas(struct http *h)
{
        const struct keyring *ring = h->auth.keyring;
        int r = 0;

        for (unsigned i = 0; i < ring->n; i++) {
                const struct api_key *key = &ring->keys[i];
                int failed = quota_set(h->options.orchestrator, key->name,
                                       key->has_limits ? &key->limits : h->options.key_limits);
                r = failed < 0 ? failed : r;
        }
        return r;
}

/* What can fail before the first byte is served. */
static int http_prepare(struct http *h, struct text *ret_faults)
{
        const struct http_options *o = &h->options;
        struct keyring *ring = NULL;

        int r = auth_load(o->api_token, o->keys_file, ret_faults, &ring);
        if (r == 0)
                auth_swap(&h->auth, ring);
        int t = o->tls_cert && o->tls_key ? tls_new(o, ret_faults, &h->server->tls) : 0;
        if (r < 0 || t < 0)
                return r < 0 ? r : t;
        if (r > 0 || t > 0)
                return 1;
        r = set_quotas(h);
        if (r == 0)
                r = access_new(h);
        return r < 0 ? r : streams_init(&h->streams, h);
}

static void print_rate_policy(struct http *h)
{
        snprintf(h->rate_policy, sizeof(h->rate_policy), "\"api\";q=%lld;w=1",
                 (long long)h->options.api_rate);
}

int http_new(const struct http_options *o, struct text *ret_faults, struct http **ret)
{
        _cleanup_(http_freep) struct http *h = NULL;

        if (o->n_listeners <= HTTP_LISTENERS_MAX)
                h = calloc(1, sizeof(*h));
        if (h) {
                h->options = *o;
                list_init(&h->connections);
                list_init(&h->live);
                list_init(&h->spare);
                list_init(&h->streams.list);
        }
        if (!h || server_new(h) < 0) {
                for (unsigned i = 0; i < o->n_listeners; i++)
                        close(o->listeners[i]);
                return o->n_listeners > HTTP_LISTENERS_MAX ? -EINVAL : -ENOMEM;
        }
        int r = http_prepare(h, ret_faults);
        if (r != 0)
                return r;
        print_rate_policy(h);
        docs_policy(h->docs_policy, sizeof(h->docs_policy));
        h->open_connections = metrics_series(o->metrics, METER_HTTP_CONNECTIONS, NULL);
        server_configure(h);
        *ret = TAKE(h);
        return 0;
}

void http_start(struct http *h)
{
        struct server *s = h->server;

        for (unsigned i = 0; i < s->n_listeners; i++) {
                struct listener *l = &s->listeners[i];
                l->http = h;
                l->sock = h2o_evloop_socket_create(s->context.loop, s->fds[i],
                                                   H2O_SOCKET_FLAG_DONT_READ);
                s->fds[i] = -1;
                l->sock->data = l;
                listener_read(l, true);
        }
}

bool http_speaks_tls(const struct http *h)
{
        return h->server->tls;
}

static void take_up_options(struct http *h, const struct http_options *o)
{
        struct http_options *mine = &h->options;

        mine->api_token = o->api_token;
        mine->keys_file = o->keys_file;
        mine->tls_cert = o->tls_cert;
        mine->tls_key = o->tls_key;
        mine->tls_client_ca = o->tls_client_ca;
        mine->api_rate = o->api_rate;
        mine->key_limits = o->key_limits;
        mine->metrics_public = o->metrics_public;
        mine->status_public = o->status_public;
        mine->allowed_hosts = o->allowed_hosts;
        mine->cors_origins = o->cors_origins;
        mine->max_connections = o->max_connections;
        mine->idempotency_required = o->idempotency_required;
        mine->log_access = o->log_access;
}

void http_take_up(struct http *h, const struct http_options *o, struct http_fresh *f)
{
        struct server *s = h->server;

        auth_swap(&h->auth, TAKE(f->keyring));
        if (f->tls) {
                /* Connections keep the one they began with. */
                SSL_CTX_free(s->tls);
                s->tls = s->accept.ssl_ctx = TAKE(f->tls);
        }
        take_up_options(h, o);
        if (set_quotas(h) < 0)
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0,
                          "some limits of keys keep their rates: out of memory");
        print_rate_policy(h);
        streams_recheck(&h->streams);
        for (unsigned i = 0; i < s->n_listeners && !h->draining; i++)
                listener_read(&s->listeners[i], h->n_connections < h->options.max_connections);
}

static void listener_close(struct listener *l)
{
        struct http *h = l->http;

        if (!l->sock)
                return;
        /* Who waits in a socket that nobody else holds would be cut off with it. */
        for (unsigned i = 0; !h->options.listeners_shared && i < SOMAXCONN && accept_one(l); i++)
                ;
        listener_read(l, false);
        h2o_socket_close(l->sock);
        l->sock = NULL;
}

void http_drain(struct http *h)
{
        struct server *s = h->server;

        if (h->draining)
                return;
        for (unsigned i = 0; i < s->n_listeners; i++)
                listener_close(&s->listeners[i]);
        h->draining = true;
        h2o_context_request_shutdown(&s->context);
        streams_end(&h->streams);
}

void http_close_idle(struct http *h)
{
        LIST_FOREACH (it, &h->connections) {
                const struct connection *c = LIST_ENTRY(it, struct connection, link);
                const h2o_socket_t *sock = c->sock;
                /* Half a request is one that is on its way: it has the time of a request. Nothing
                 * is lost of what the kernel has already: it is read before the end is. */
                if (!c->exchange && sock->input->size == 0)
                        shutdown(h2o_socket_get_fd(c->sock), SHUT_RD);
        }
}

bool http_drained(const struct http *h)
{
        return h->draining && h->n_connections == 0;
}

unsigned http_connections(const struct http *h)
{
        return h->n_connections;
}

uint64_t http_accepted(const struct http *h)
{
        return h->n_accepted;
}

struct http *http_free(struct http *h)
{
        if (!h)
                return NULL;
        if (h->server && h->server->ready && !h->draining)
                http_drain(h);
        if (h->draining)
                http_close_idle(h);
        /* A live exchange without a connection is one the orchestrator still works on. */
        if (h->n_connections > 0 || !list_empty(&h->live))
                return NULL;
        streams_done(&h->streams);
        LIST_FOREACH (it, &h->spare)
                exchange_dispose(LIST_ENTRY(it, struct http_exchange, link));
        h->auth.keyring = keyring_unref(h->auth.keyring);
        h->server = server_free(h->server);
        free(h->meters);
        free(h);
        return NULL;
}
