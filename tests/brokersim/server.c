#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "brokersim/request.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"

#define ACCEPTS_PER_TURN 32
#define SLEEP_MAX_MS     200 /* how late a signal may be noticed */
#define BACKLOG          1024
#define FILLERS          2 /* a listener whose queue is for one has room for one more at most */

struct listener {
        struct server *server;
        struct sockaddr_storage address;
        socklen_t size;
        char url[96];
        bool tls;
        h2o_socket_t *sock;    /* NULL: closed */
        int mute[1 + FILLERS]; /* a listener that accepts nothing, and what fills its queue; 0 */
        h2o_accept_ctx_t accept;
};

struct server {
        struct sim *sim;
        h2o_globalconf_t config;
        h2o_context_t context;
        SSL_CTX *tls[CERTIFICATES_MAX];
        unsigned n_tls, shown;
        struct listener listeners[LISTENERS_MAX];
        unsigned n_listeners;
        struct list connections, timers;
        struct timer recovery;
};

struct handler {
        h2o_handler_t super;
        struct server *server;
};

/* --- time ---------------------------------------------------------------------------------------
 */

void server_after(struct server *v, struct timer *t, int64_t delay_us)
{
        t->at_us = clock_mono_us() + delay_us;
        struct list *before = v->timers.prev;
        while (before != &v->timers && LIST_ENTRY(before, struct timer, link)->at_us > t->at_us)
                before = before->prev;
        list_init(&t->link);
        list_prepend(before, &t->link); /* behind `before` */
}

void server_forget(struct timer *t)
{
        if (t->link.next)
                list_unlink(&t->link);
}

/* How many fired. */
static unsigned fire_timers(struct server *v)
{
        int64_t now = clock_mono_us();
        unsigned n = 0;

        while (!list_empty(&v->timers)) {
                struct timer *t = LIST_ENTRY(v->timers.next, struct timer, link);
                if (t->at_us > now)
                        break;
                list_unlink(&t->link);
                t->fire(t);
                n++;
        }
        return n;
}

static int32_t sleep_ms(const struct server *v)
{
        if (list_empty(&v->timers))
                return SLEEP_MAX_MS;
        int64_t left = LIST_ENTRY(v->timers.next, struct timer, link)->at_us - clock_mono_us();
        return left <= 0                                    ? 0
               : left > SLEEP_MAX_MS * (int64_t)USEC_PER_MS ? SLEEP_MAX_MS
                                                            : (int32_t)((left + 999) / USEC_PER_MS);
}

void server_run(struct server *v, const volatile int *stop)
{
        while (!*stop) {
                unsigned n = fire_timers(v);
                /* What was done outside of h2o's callbacks is finished in its next turn. */
                (void)h2o_evloop_run(v->context.loop, n > 0 ? 0 : sleep_ms(v));
        }
}

/* --- requests -----------------------------------------------------------------------------------
 */

static struct bytes header_of(const h2o_req_t *req, const h2o_token_t *token)
{
        ssize_t i = h2o_find_header(&req->headers, token, -1);

        return i < 0 ? (struct bytes){}
                     : (struct bytes){req->headers.entries[i].value.base,
                                      req->headers.entries[i].value.len};
}

static void read_peer(struct call *c, const h2o_req_t *req)
{
        struct sockaddr_storage peer;

        if (req->conn->callbacks->get_peername(req->conn, (void *)&peer) == 0)
                return;
        const void *address = peer.ss_family == AF_INET6
                                      ? (void *)&((struct sockaddr_in6 *)&peer)->sin6_addr
                                      : (void *)&((struct sockaddr_in *)&peer)->sin_addr;
        if (!inet_ntop(peer.ss_family, address, c->peer, sizeof(c->peer)))
                c->peer[0] = '\0';
}

static void read_request(struct request *x)
{
        h2o_req_t *req = x->req;
        struct call *c = &x->call;

        c->sim = x->sim;
        read_peer(c, req);
        c->method = (struct bytes){req->method.base, req->method.len};
        c->body = (struct bytes){req->entity.base ? req->entity.base : "", req->entity.len};
        c->path = (struct bytes){req->path.base, req->path.len};
        if (req->query_at != SIZE_MAX) {
                c->path.n = req->query_at;
                c->query = (struct bytes){req->path.base + req->query_at + 1,
                                          req->path.len - req->query_at - 1};
        }
        c->headers[HEADER_AUTHORIZATION] = header_of(req, H2O_TOKEN_AUTHORIZATION);
        c->headers[HEADER_USER_AGENT] = header_of(req, H2O_TOKEN_USER_AGENT);
        c->headers[HEADER_CONTENT_TYPE] = header_of(req, H2O_TOKEN_CONTENT_TYPE);
        c->headers[HEADER_ACCEPT_ENCODING] = header_of(req, H2O_TOKEN_ACCEPT_ENCODING);
        c->headers[HEADER_ACCEPT] = header_of(req, H2O_TOKEN_ACCEPT);
        ssize_t i = h2o_find_header_by_str(&req->headers, H2O_STRLIT("x-mirae-version"), -1);
        if (i >= 0)
                c->headers[HEADER_MIRAE_VERSION] = (struct bytes){
                        req->headers.entries[i].value.base, req->headers.entries[i].value.len};
}

static void request_dispose(void *p)
{
        struct request *x = p;

        server_forget(&x->timer);
        if (x->connection)
                x->connection->current = NULL;
        text_done(&x->call.out);
        text_done(&x->call.location);
}

static struct connection *find_connection(struct server *v, h2o_req_t *req)
{
        h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

        return sock ? sock->on_close.data : NULL;
}

static void answer_broker(struct request *x)
{
        struct call *c = &x->call;
        struct sim *s = x->sim;

        if (!sim_route(s, c, c->path)) {
                request_send(x);
                return;
        }
        x->faulty =
                faults_take(&s->faults, c->wire->broker, c->route->operation, c->user, &x->rule);
        if (x->faulty) {
                request_misbehave(x);
                return;
        }
        c->route->answer(c);
        if (c->wire->packs)
                call_pack(c);
        if (s->latency_us > 0) {
                request_send_after(x, s->latency_us);
        } else {
                request_send(x);
        }
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
        struct server *v = ((struct handler *)self)->server;
        struct request *x = h2o_mem_alloc_shared(&req->pool, sizeof(*x), request_dispose);

        memset(x, 0, sizeof(*x));
        x->req = req;
        x->sim = v->sim;
        x->call.out.max = FAULT_BYTES_MAX;
        x->connection = find_connection(v, req);
        if (x->connection)
                x->connection->current = x;
        read_request(x);
        if (x->call.path.n >= 5 && memcmp(x->call.path.s, "/_sim", 5) == 0) {
                if (x->connection)
                        x->connection->control = true;
                control_answer(&x->call);
                request_send(x);
        } else {
                answer_broker(x);
        }
        return 0;
}

/* --- connections --------------------------------------------------------------------------------
 */

static void on_connection_closed(void *data)
{
        struct connection *c = data;

        list_unlink(&c->link);
        free(c);
}

static void cut(int fd)
{
        struct linger at_once = {.l_onoff = 1};

        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static bool accept_one(struct listener *l)
{
        struct server *v = l->server;
        h2o_socket_t *sock = h2o_evloop_socket_accept(l->sock);
        int on = 1;

        if (!sock)
                return false;
        if (faults_take_connection(&v->sim->faults)) {
                cut(h2o_socket_get_fd(sock));
                h2o_socket_close(sock);
                return true;
        }
        struct connection *c = calloc(1, sizeof(*c));
        if (!c)
                abort();
        c->sock = sock;
        list_append(&v->connections, &c->link);
        sock->on_close.cb = on_connection_closed;
        sock->on_close.data = c;
        (void)setsockopt(h2o_socket_get_fd(sock), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        l->accept = (h2o_accept_ctx_t){.ctx = &v->context,
                                       .hosts = v->config.hosts,
                                       .ssl_ctx = l->tls ? v->tls[v->shown] : NULL};
        h2o_accept(&l->accept, sock);
        return true;
}

static void on_accept(h2o_socket_t *sock, const char *error)
{
        struct listener *l = sock->data;

        for (unsigned i = 0; !error && l->sock && i < ACCEPTS_PER_TURN; i++)
                if (!accept_one(l))
                        return;
}

void server_drop_idle(struct server *v)
{
        LIST_FOREACH (it, &v->connections) {
                struct connection *c = LIST_ENTRY(it, struct connection, link);
                if (!c->control && !c->current)
                        (void)shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
        }
}

/* --- listening ----------------------------------------------------------------------------------
 */

/* The socket; or a negative errno. */
static int bind_listener(struct listener *l, int backlog)
{
        int on = 1,
            fd = socket(l->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
            bind(fd, (struct sockaddr *)&l->address, l->size) < 0 || listen(fd, backlog) < 0 ||
            getsockname(fd, (struct sockaddr *)&l->address, &l->size) < 0) {
                int r = -errno;
                if (fd >= 0)
                        close(fd);
                return r;
        }
        return fd;
}

static int open_listener(struct listener *l)
{
        int fd = bind_listener(l, BACKLOG);

        if (fd < 0)
                return fd;
        l->sock = h2o_evloop_socket_create(l->server->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
        l->sock->data = l;
        h2o_socket_read_start(l->sock, on_accept);
        return 0;
}

static void close_listener(struct listener *l)
{
        if (l->sock) {
                h2o_socket_read_stop(l->sock);
                h2o_socket_close(l->sock);
                l->sock = NULL;
        }
        for (unsigned i = 0; i < ELEMENTS(l->mute); i++) {
                if (l->mute[i] > 0)
                        close(l->mute[i]);
                l->mute[i] = 0;
        }
}

static void complain(const struct listener *l, int r)
{
        if (r < 0)
                fprintf(stderr, "ordo-brokersim: %s: %s\n", l->url, strerror(-r));
}

void server_recover(struct server *v)
{
        server_forget(&v->recovery);
        v->shown = 0;
        for (unsigned i = 0; i < v->n_listeners; i++) {
                struct listener *l = &v->listeners[i];
                if (l->sock)
                        continue;
                close_listener(l);
                complain(l, open_listener(l));
        }
}

static void recover(struct timer *t)
{
        server_recover(CONTAINER_OF(t, struct server, recovery));
}

static void recover_after(struct server *v, int64_t ms)
{
        server_drop_idle(v);
        server_forget(&v->recovery);
        v->recovery.fire = recover;
        server_after(v, &v->recovery, ms * USEC_PER_MS);
}

void server_refuse(struct server *v, int64_t ms)
{
        for (unsigned i = 0; i < v->n_listeners; i++)
                close_listener(&v->listeners[i]);
        recover_after(v, ms);
}

/* Linux drops the first packet of a connection when the queue of those not yet accepted is full. */
static int mute_listener(struct listener *l)
{
        close_listener(l);
        int fd = bind_listener(l, 0);
        if (fd < 0)
                return fd;
        l->mute[0] = fd;
        for (unsigned i = 1; i < ELEMENTS(l->mute); i++) {
                fd = socket(l->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (fd < 0)
                        return -errno;
                l->mute[i] = fd;
                if (connect(fd, (struct sockaddr *)&l->address, l->size) < 0 &&
                    errno != EINPROGRESS)
                        return -errno;
        }
        return 0;
}

void server_mute(struct server *v, int64_t ms)
{
        for (unsigned i = 0; i < v->n_listeners; i++)
                complain(&v->listeners[i], mute_listener(&v->listeners[i]));
        recover_after(v, ms);
}

int server_show(struct server *v, unsigned number, int64_t ms)
{
        if (number == 0 || number > v->n_tls)
                return -ENOENT;
        server_recover(v);
        v->shown = number - 1;
        recover_after(v, ms);
        return 0;
}

/* "127.0.0.1:7700" or "[::1]:7700". */
static bool read_address(struct listener *l, const char *address)
{
        struct sockaddr_in *in = (void *)&l->address;
        struct sockaddr_in6 *in6 = (void *)&l->address;
        const char *colon = strrchr(address, ':');
        size_t n = colon ? (size_t)(colon - address) : 0;
        bool v6 = n > 2 && address[0] == '[' && colon[-1] == ']';
        char host[INET6_ADDRSTRLEN];
        int64_t port = 0;

        if (!colon || !text_copy_bytes(host, sizeof(host), address + v6, n - 2 * v6) ||
            text_parse_int(colon + 1, strlen(colon + 1), 0, 65535, &port) != 0)
                return false;
        l->address.ss_family = v6 ? AF_INET6 : AF_INET;
        l->size = v6 ? sizeof(*in6) : sizeof(*in);
        *(v6 ? &in6->sin6_port : &in->sin_port) = htons((uint16_t)port);
        return inet_pton(l->address.ss_family, host,
                         v6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr) == 1;
}

int server_listen(struct server *v, const char *address, bool tls, char fault[SERVER_FAULT_MAX])
{
        struct listener *l = &v->listeners[v->n_listeners];

        if (v->n_listeners == LISTENERS_MAX || !read_address(l, address)) {
                snprintf(fault, SERVER_FAULT_MAX, "%s: an address is like 127.0.0.1:7700", address);
                return -1;
        }
        if (tls && v->n_tls == 0) {
                snprintf(fault, SERVER_FAULT_MAX, "%s: TLS needs --tls-cert and --tls-key",
                         address);
                return -1;
        }
        l->server = v;
        l->tls = tls;
        int r = open_listener(l);
        if (r < 0) {
                snprintf(fault, SERVER_FAULT_MAX, "%s: %s", address, strerror(-r));
                return -1;
        }
        /* The port stands at one place in both families. */
        snprintf(l->url, sizeof(l->url), "%s://%.*s:%u", tls ? "https" : "http",
                 (int)(strrchr(address, ':') - address), address,
                 ntohs(((struct sockaddr_in *)&l->address)->sin_port));
        v->n_listeners++;
        return 0;
}

int server_tls(struct server *v, const char *cert, const char *key, char fault[SERVER_FAULT_MAX])
{
        const char *wrong = NULL;

        if (v->n_tls == CERTIFICATES_MAX) {
                snprintf(fault, SERVER_FAULT_MAX, "%s: there are %d certificates already", cert,
                         CERTIFICATES_MAX);
                return -1;
        }
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        if (!ctx)
                abort();
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_num_tickets(ctx, 0);
        if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
                wrong = cert;
        else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
                wrong = key;
        if (wrong) {
                unsigned long e = ERR_get_error();
                snprintf(fault, SERVER_FAULT_MAX, "%s: %s", wrong,
                         e ? ERR_reason_error_string(e) : "not usable");
                SSL_CTX_free(ctx);
                return -1;
        }
        v->tls[v->n_tls++] = ctx;
        return 0;
}

const char *server_url(const struct server *v, unsigned i)
{
        return i < v->n_listeners ? v->listeners[i].url : NULL;
}

/* --- beginning and end --------------------------------------------------------------------------
 */

struct server *server_new(struct sim *s)
{
        struct server *v = calloc(1, sizeof(*v));

        if (!v)
                abort();
        v->sim = s;
        list_init(&v->connections);
        list_init(&v->timers);
        h2o_config_init(&v->config);
        v->config.server_name = h2o_iovec_init(H2O_STRLIT("brokersim"));
        v->config.max_request_entity_size = SERVER_BODY_MAX;
        v->config.http1.req_timeout = SERVER_IDLE_MS;
        v->config.http1.upgrade_to_http2 = 0;
        v->config.http2.callbacks.request_shutdown = NULL;
        h2o_hostconf_t *host =
                h2o_config_register_host(&v->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
        h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
        struct handler *handler = (void *)h2o_create_handler(path, sizeof(*handler));
        handler->super.on_req = on_req;
        handler->server = v;
        h2o_context_init(&v->context, h2o_evloop_create(), &v->config);
        return v;
}

/* Connections are left to the end of the process: what they wait for may never come. */
struct server *server_free(struct server *v)
{
        for (unsigned i = 0; i < v->n_tls; i++)
                SSL_CTX_free(v->tls[i]);
        return NULL;
}
