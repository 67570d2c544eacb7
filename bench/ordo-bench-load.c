#include "ordo-bench-load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ANSWER_SIZE 65536
#define STALLED_MS  10000
#define ONCE_TIMEOUT         \
        {                    \
                .tv_sec = 10 \
        }
#define HEAD_END      "\r\n\r\n"
#define FAULT_EXCERPT 300

struct connection {
        int fd;
        SSL *tls; /* NULL: plain */
        int64_t sent_us;
        size_t filled;
        char answer[ANSWER_SIZE];
};

struct loading {
        const struct load *load;
        struct connection *connections;
        SSL_CTX *tls;
        int epoll_fd;
        unsigned sent, done, out;
        int64_t from_us, until_us, last_us;
        uint32_t *total_us, *own_us;
        struct text request;
        char *fault;
};

/* --- answers -------------------------------------------------------------------------------------
 */

struct answer {
        int status;
        const char *body;
        size_t body_size, size;
};

/* 0 complete, 1 more is needed, -EBADMSG. `data` is terminated. */
static int answer_parse(const char *data, size_t n, struct answer *ret)
{
        const char *end = memmem(data, n, HEAD_END, strlen(HEAD_END));
        if (!end)
                return n + 1 >= ANSWER_SIZE ? -EBADMSG : 1;
        if (strncmp(data, "HTTP/1.1 ", 9) != 0)
                return -EBADMSG;
        ret->status = atoi(data + 9);
        const char *line = data, *length = NULL;
        while (!length && (line = memchr(line, '\n', (size_t)(end - line))))
                if (strncasecmp(++line, "content-length:", 15) == 0)
                        length = line + 15;
        if (!length)
                return -EBADMSG;
        ret->body = end + strlen(HEAD_END);
        ret->body_size = strtoul(length, NULL, 10);
        ret->size = (size_t)(ret->body - data) + ret->body_size;
        if (ret->size >= ANSWER_SIZE)
                return -EBADMSG;
        return n >= ret->size ? 0 : 1;
}

/* The highest value of a member of that name, in microseconds; the answers are trusted to be small
 * and flat. */
static uint32_t member_us(const char *body, const char *name)
{
        double highest = 0;
        size_t n = strlen(name);
        for (const char *at = body; (at = strstr(at, name)); at += n)
                highest = strtod(at + n, NULL) > highest ? strtod(at + n, NULL) : highest;
        return (uint32_t)(highest * 1000 + 0.5);
}

static uint32_t own_time(const char *body)
{
        uint32_t elapsed = member_us(body, "\"elapsed_ms\":");
        uint32_t latency = member_us(body, "\"latency_ms\":");
        return elapsed > latency ? elapsed - latency : 0;
}

/* --- the load
 * -------------------------------------------------------------------------------------- */

static int connect_to(uint16_t port)
{
        const struct sockaddr_in to = {.sin_family = AF_INET,
                                       .sin_port = htons(port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
                int r = -errno;
                close(fd);
                return r;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        return fd;
}

static int complain(struct loading *l, int r, const char *what, const char *data, size_t n)
{
        n = n > FAULT_EXCERPT ? FAULT_EXCERPT : n;
        (void)snprintf(l->fault, LOAD_FAULT_SIZE, "%s: %.*s", what, (int)n, data);
        return r;
}

static ssize_t write_out(struct connection *c, const char *data, size_t n)
{
        return c->tls ? SSL_write(c->tls, data, (int)n) : send(c->fd, data, n, MSG_NOSIGNAL);
}

/* -1 with EAGAIN when there is nothing. */
static ssize_t read_in(struct connection *c, char *data, size_t n)
{
        if (!c->tls)
                return recv(c->fd, data, n, MSG_DONTWAIT);
        int got = SSL_read(c->tls, data, (int)n);
        if (got > 0)
                return got;
        int error = SSL_get_error(c->tls, got);
        if (error == SSL_ERROR_ZERO_RETURN)
                return 0;
        errno = error == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
        return -1;
}

/* A request is far smaller than the socket's buffer, so it goes out as a whole. */
static int send_next(struct loading *l, struct connection *c)
{
        text_clear(&l->request);
        l->load->request(&l->request, l->sent, l->load->userdata);
        if (l->request.failed)
                return l->request.failed;
        c->filled = 0;
        c->sent_us = clock_mono_us();
        ssize_t n = write_out(c, l->request.data, l->request.len);
        if (n != (ssize_t)l->request.len)
                return complain(l, n < 0 ? -errno : -EIO, "a request could not be sent", "", 0);
        l->sent++;
        l->out++;
        return 0;
}

static int take_answer(struct loading *l, struct connection *c, const struct answer *a)
{
        l->last_us = clock_mono_us();
        l->out--;
        if (a->status != l->load->status)
                return complain(l, -EBADMSG, "unexpected answer", a->body, a->body_size);
        l->total_us[l->done] = (uint32_t)(l->last_us - c->sent_us);
        if (l->load->own)
                l->own_us[l->done] = own_time(a->body);
        l->done++;
        return l->sent < l->load->count && l->last_us < l->until_us ? send_next(l, c) : 0;
}

static int on_readable(struct loading *l, struct connection *c)
{
        struct answer a;
        ssize_t n = read_in(c, c->answer + c->filled, ANSWER_SIZE - 1 - c->filled);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR
                               ? 0
                               : complain(l, -errno, "a connection broke", "", 0);
        if (n == 0)
                return complain(l, -ECONNRESET, "a connection was closed", c->answer, c->filled);
        c->filled += (size_t)n;
        c->answer[c->filled] = '\0';
        int r = answer_parse(c->answer, c->filled, &a);
        if (r < 0)
                return complain(l, r, "not an answer", c->answer, c->filled);
        return r > 0 ? 0 : take_answer(l, c, &a);
}

/* The handshake is not measured: it is over before the first request. */
static int secure(struct loading *l, struct connection *c)
{
        if (!l->load->tls)
                return 0;
        c->tls = SSL_new(l->tls);
        if (!c->tls || SSL_set_fd(c->tls, c->fd) != 1 || SSL_connect(c->tls) != 1)
                return -EPROTO;
        return fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int open_connections(struct loading *l)
{
        int r = 0;

        for (unsigned i = 0; i < l->load->connections; i++) {
                struct connection *c = &l->connections[i];
                struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
                c->fd = connect_to(l->load->port);
                if (c->fd < 0)
                        return complain(l, c->fd, "cannot connect", strerror(-c->fd),
                                        FAULT_EXCERPT);
                r = secure(l, c);
                if (r < 0)
                        return complain(l, r, "no TLS", "", 0);
                if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0)
                        return -errno;
        }
        return 0;
}

static int turn(struct loading *l)
{
        struct epoll_event events[LOAD_CONNECTIONS_MAX];
        int r = 0;

        int n = epoll_wait(l->epoll_fd, events, LOAD_CONNECTIONS_MAX, STALLED_MS);
        if (n == 0)
                return complain(l, -ETIMEDOUT, "no answer in 10 s", "", 0);
        if (n < 0)
                return -errno; /* a signal ends the bench */
        for (int i = 0; i < n && r == 0; i++)
                r = on_readable(l, events[i].data.ptr);
        return r;
}

static int run(struct loading *l)
{
        int r = open_connections(l);

        l->from_us = l->last_us = clock_mono_us();
        l->until_us = l->from_us + l->load->max_us;
        for (unsigned i = 0; i < l->load->connections && l->sent < l->load->count && r == 0; i++)
                r = send_next(l, &l->connections[i]);
        while (l->out > 0 && r == 0)
                r = turn(l);
        return r;
}

static int compare(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
        return (x > y) - (x < y);
}

struct spread spread_of(uint32_t *values, unsigned n)
{
        if (n == 0)
                return (struct spread){};
        qsort(values, n, sizeof(*values), compare);
        return (struct spread){
                .p50_ms = values[(uint64_t)n * 50 / 100] / 1000.0,
                .p99_ms = values[(uint64_t)n * 99 / 100] / 1000.0,
                .p999_ms = values[(uint64_t)n * 999 / 1000] / 1000.0,
                .most_ms = values[n - 1] / 1000.0,
        };
}

int load_run(const struct load *load, struct load_result *ret, char fault[static LOAD_FAULT_SIZE])
{
        struct loading l = {.load = load, .fault = fault, .epoll_fd = -1};
        int r = -ENOMEM;

        fault[0] = '\0';
        l.connections = calloc(load->connections, sizeof(*l.connections));
        l.total_us = calloc(load->count, sizeof(*l.total_us));
        l.own_us = calloc(load->count, sizeof(*l.own_us));
        l.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        l.tls = load->tls ? SSL_CTX_new(TLS_client_method()) : NULL;
        if (l.connections && l.total_us && l.own_us && l.epoll_fd >= 0 && !load->tls == !l.tls)
                r = run(&l);
        if (r == 0) {
                int64_t us = l.last_us - l.from_us;
                *ret = (struct load_result){
                        .done = l.done,
                        .per_second = us > 0 ? l.done * 1e6 / (double)us : 0,
                        .total = spread_of(l.total_us, l.done),
                        .own = spread_of(l.own_us, load->own ? l.done : 0),
                };
        } else if (!fault[0]) {
                (void)snprintf(fault, LOAD_FAULT_SIZE, "%s", strerror(-r));
        }
        for (unsigned i = 0; l.connections && i < load->connections; i++) {
                SSL_free(l.connections[i].tls);
                if (l.connections[i].fd > 0)
                        close(l.connections[i].fd);
        }
        SSL_CTX_free(l.tls);
        closep(&l.epoll_fd);
        text_done(&l.request);
        free(l.connections);
        free(l.total_us);
        free(l.own_us);
        return r;
}

/* --- one request
 * ------------------------------------------------------------------------------------ */

static int exchange_once(int fd, const char *request, char *data, struct text *ret_answer)
{
        static const struct timeval timeout = ONCE_TIMEOUT;
        struct answer a;
        size_t filled = 0;

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
                return -errno;
        for (;;) {
                ssize_t n = recv(fd, data + filled, ANSWER_SIZE - 1 - filled, 0);
                if (n <= 0)
                        return n < 0 ? -errno : -ECONNRESET;
                filled += (size_t)n;
                data[filled] = '\0';
                int r = answer_parse(data, filled, &a);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
        }
        if (ret_answer)
                text_add_bytes(ret_answer, data, a.size);
        return a.status;
}

int load_once(uint16_t port, const char *request, struct text *ret_answer)
{
        _cleanup_(freep) char *data = malloc(ANSWER_SIZE);
        if (!data)
                return -ENOMEM;
        int fd = connect_to(port);
        if (fd < 0)
                return fd;
        int r = exchange_once(fd, request, data, ret_answer);
        close(fd);
        return r;
}
