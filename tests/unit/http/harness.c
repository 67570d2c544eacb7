#include "harness.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "base/metrics.h"
#include "domain/meter.h"

#define ANSWER_TIMEOUT_MS 5000

/* libh2o never frees the queue it makes for each context (88 bytes, once in the life of a process).
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
        return "leak:h2o_multithread_create_queue\n";
}

static struct {
        pthread_t thread;
        bool running, draining;
        struct harness_options options;
        struct loop *loop;
        struct metrics *metrics;
        struct orchestrator *orchestrator;
        struct http *http;
        struct secret *token;
        struct account accounts[2];
        struct loop_work drain, call;
        void (*fn)(void);
        pthread_barrier_t start, ready, called, stopped;
        int listener, port;
        char path[108];
} server;

static bool server_drained(void *userdata)
{
        return http_drained(server.http) && fake.running == 0;
}

static void on_drain(struct loop_work *w)
{
        http_drain(server.http);
        http_close_idle(server.http);
        loop_stop(server.loop);
}

static void on_call(struct loop_work *w)
{
        server.fn();
        pthread_barrier_wait(&server.called);
}

static void make_accounts(void)
{
        static const char *const names[] = {"demo", "second"};

        for (unsigned i = 0; i < 2; i++) {
                struct account *a = &server.accounts[i];
                *a = (struct account){.paper = true, .broker = "paper"};
                snprintf(a->id, sizeof(a->id), "paper:%s", names[i]);
                text_copy(a->name, sizeof(a->name), names[i]);
                a->limits.max_order_value = 1000000 * DECIMAL_ONE;
                a->market_policy = (struct market_policy){MARKET_PROTECT, DECIMAL_ONE};
        }
}

static void fill_options(struct http_options *o)
{
        o->loop = server.loop;
        o->orchestrator = server.orchestrator;
        o->metrics = server.metrics;
        o->listeners = &server.listener;
        o->n_listeners = 1;
        o->version = "0.1.0";
        if (!server.options.no_token)
                o->api_token = server.token;
        if (o->max_connections == 0)
                o->max_connections = 64;
        if (o->request_timeout_us == 0)
                o->request_timeout_us = 5 * USEC_PER_SEC;
}

static void serve(void)
{
        struct http_options *o = &server.options.http;
        struct text faults = TEXT_NULL;

        make_accounts();
        ck_assert_int_eq(loop_new(&server.loop), 0);
        ck_assert_int_eq(metrics_new(meter_table, _METER_MAX, &server.metrics), 0);
        struct fake_options fakes = {server.loop, server.accounts,
                                     server.options.one_account ? 1 : 2};
        server.orchestrator = fake_new(&fakes);
        server.token = secret_new(TOKEN, strlen(TOKEN));
        fill_options(o);
        int r = http_new(o, &faults, &server.http);
        ck_assert_msg(r == 0, "%s", text_str(&faults));
        http_start(server.http);
        pthread_barrier_wait(&server.ready);
        ck_assert_int_eq(loop_run(server.loop, server_drained, NULL), 0);

        server.http = http_free(server.http);
        fake_free(server.orchestrator);
        metrics_free(server.metrics);
        secret_free(server.token);
        loop_free(server.loop);
        text_done(&faults);
}

/* The thread outlives its servers: h2o keeps memory for the next connections in thread-local lists,
 * which a leak checker can only see as long as there is the thread. */
static void *server_thread(void *unused)
{
        for (;;) {
                pthread_barrier_wait(&server.start);
                serve();
                pthread_barrier_wait(&server.stopped);
        }
        return NULL;
}

static void start_thread(void)
{
        pthread_barrier_init(&server.start, NULL, 2);
        pthread_barrier_init(&server.ready, NULL, 2);
        pthread_barrier_init(&server.called, NULL, 2);
        pthread_barrier_init(&server.stopped, NULL, 2);
        ck_assert_int_eq(pthread_create(&server.thread, NULL, server_thread, NULL), 0);
        server.running = true;
}

static void listen_unix(const char *path)
{
        struct sockaddr_un sa = {.sun_family = AF_UNIX};

        text_copy(sa.sun_path, sizeof(sa.sun_path), path);
        text_copy(server.path, sizeof(server.path), path);
        unlink(path);
        server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void listen_tcp(void)
{
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(sa);

        server.path[0] = '\0';
        server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
        ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&sa, &size), 0);
        server.port = ntohs(sa.sin_port);
}

void harness_start(const struct harness_options *o)
{
        signal(SIGPIPE, SIG_IGN);
        log_set_level(LOG_CRIT); /* standard output is the test's */
        memset(&fake, 0, sizeof(fake));
        fake.outcome = OUTCOME_ACCEPTED;
        server.options = *o;
        server.drain.run = on_drain;
        server.call.run = on_call;
        server.draining = false;
        if (o->unix_path)
                listen_unix(o->unix_path);
        else
                listen_tcp();
        ck_assert_int_eq(listen(server.listener, 128), 0);
        if (!server.running)
                start_thread();
        pthread_barrier_wait(&server.start);
        pthread_barrier_wait(&server.ready);
}

void harness_drain(void)
{
        server.draining = true;
        loop_post(server.loop, &server.drain);
}

void harness_stop(void)
{
        if (!server.draining)
                harness_drain();
        pthread_barrier_wait(&server.stopped);
}

void harness_call(void (*fn)(void))
{
        server.fn = fn;
        loop_post(server.loop, &server.call);
        pthread_barrier_wait(&server.called);
}

struct http *harness_http(void)
{
        return server.http;
}

struct orchestrator *harness_orchestrator(void)
{
        return server.orchestrator;
}

int harness_port(void)
{
        return server.port;
}

static unsigned connections_seen;

static void see_connections(void)
{
        connections_seen = http_connections(server.http);
}

unsigned harness_connections(void)
{
        harness_call(see_connections);
        return connections_seen;
}

void reply_done(struct reply *r)
{
        free(r->head);
        free(r->body);
        *r = (struct reply){};
}

const char *reply_header(const struct reply *r, const char *name)
{
        static char value[1024];
        size_t n = strlen(name);

        for (const char *line = r->head; line; line = strstr(line, "\r\n")) {
                line += *line == '\r' ? 2 : 0;
                if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
                        size_t len = strcspn(line + n + 1, "\r");
                        text_copy_bytes(value, sizeof(value), line + n + 2, len - 1);
                        return value;
                }
        }
        return NULL;
}

int client_connect(void)
{
        int fd, r;

        if (*server.path) {
                struct sockaddr_un sa = {.sun_family = AF_UNIX};
                text_copy(sa.sun_path, sizeof(sa.sun_path), server.path);
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                r = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
        } else {
                struct sockaddr_in sa = {.sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)server.port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                r = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
        }
        ck_assert_int_eq(r, 0);
        return fd;
}

void client_send(int fd, const void *bytes, size_t n)
{
        const char *p = bytes;

        while (n > 0) {
                ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
                if (done < 0)
                        return; /* the server closed: what it said is read next */
                p += done;
                n -= (size_t)done;
        }
}

void client_say(int fd, const char *s)
{
        client_send(fd, s, strlen(s));
}

/* 1 a byte, 0 the end, -1 time is over. */
static bool readable(int fd, int ms)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, ms) > 0;
}

static int read_byte(int fd, char *c, int ms)
{
        if (!readable(fd, ms))
                return -1;
        ssize_t n = read(fd, c, 1);
        return n == 1 ? 1 : 0;
}

static bool read_until(int fd, struct text *t, const char *end)
{
        char c;

        while (read_byte(fd, &c, ANSWER_TIMEOUT_MS) == 1) {
                text_add_char(t, c);
                if (t->len >= strlen(end) && strcmp(t->data + t->len - strlen(end), end) == 0)
                        return true;
        }
        return false;
}

static bool read_bytes(int fd, struct text *t, size_t n)
{
        char c;

        for (size_t i = 0; i < n; i++) {
                if (read_byte(fd, &c, ANSWER_TIMEOUT_MS) != 1)
                        return false;
                text_add_char(t, c);
        }
        return true;
}

static bool read_chunks(int fd, struct text *t)
{
        for (;;) {
                _cleanup_(text_done) struct text line = TEXT_NULL, skip = TEXT_NULL;
                if (!read_until(fd, &line, "\r\n"))
                        return false;
                size_t n = strtoul(line.data, NULL, 16);
                if (!read_bytes(fd, t, n) || !read_bytes(fd, &skip, 2))
                        return false;
                if (n == 0)
                        return true;
        }
}

struct reply client_read(int fd, bool head_only)
{
        struct text head = TEXT_NULL, body = TEXT_NULL;
        struct reply r = {};

        if (!read_until(fd, &head, "\r\n\r\n")) {
                text_done(&head);
                return r;
        }
        r.head = text_take(&head);
        r.status = atoi(r.head + 9);
        const char *length = reply_header(&r, "content-length");
        if (head_only || r.status == 204 || r.status == 100)
                r.complete = true;
        else if (length)
                r.complete = read_bytes(fd, &body, strtoul(length, NULL, 10));
        else
                r.complete = read_chunks(fd, &body);
        r.body_size = body.len;
        text_add_char(&body, '\0');
        r.body = text_take(&body);
        return r;
}

bool client_closed(int fd, int ms)
{
        char c;

        return read_byte(fd, &c, ms) == 0;
}

bool client_expect(int fd, const char *text, int ms)
{
        int64_t end = clock_mono_us() + ms * USEC_PER_MS;
        const size_t wanted = strlen(text);
        char buf[65536];
        size_t kept = 0; /* the last bytes of what came before: `text` may begin in them */

        /* Looks before it takes: what stands behind `text` is for whoever reads next. */
        while (clock_mono_us() < end && readable(fd, ms)) {
                ssize_t n = recv(fd, buf + kept, sizeof(buf) - kept, MSG_PEEK);
                if (n <= 0)
                        return false;
                const char *found = memmem(buf, kept + (size_t)n, text, wanted);
                size_t take = found ? (size_t)(found - buf) + wanted - kept : (size_t)n;
                if (recv(fd, buf + kept, take, 0) != (ssize_t)take)
                        return false;
                if (found)
                        return true;
                size_t all = kept + (size_t)n;
                kept = all < wanted - 1 ? all : wanted - 1;
                /* Valgrind takes a checked memmove() for a copy, which must not overlap. */
                for (size_t i = 0; i < kept; i++)
                        buf[i] = buf[all - kept + i];
        }
        return false;
}

struct reply ask_bytes(const char *method, const char *target, const char *headers,
                       const char *body, size_t n)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;
        int fd = client_connect();

        if (!headers)
                headers = "";
        text_addf(&t, "%s %s HTTP/1.1\r\n", method, target);
        if (!strcasestr(headers, "host:"))
                text_add(&t, "Host: 127.0.0.1\r\n");
        if (!strcasestr(headers, "authorization:"))
                text_add(&t, "Authorization: Bearer " TOKEN "\r\n");
        if (body && !strcasestr(headers, "content-type:"))
                text_add(&t, "Content-Type: application/json\r\n");
        if (body && !strcasestr(headers, "content-length:"))
                text_addf(&t, "Content-Length: %zu\r\n", n);
        text_add(&t, headers);
        text_add(&t, "\r\n");
        if (body)
                text_add_bytes(&t, body, n);
        client_send(fd, t.data, t.len);
        struct reply r = client_read(fd, strcmp(method, "HEAD") == 0);
        close(fd);
        return r;
}

struct reply ask(const char *method, const char *target, const char *headers, const char *body)
{
        return ask_bytes(method, target, headers, body, body ? strlen(body) : 0);
}

void ask_for(int line, const char *method, const char *target, const char *headers,
             const char *body, int status, const char *text)
{
        struct reply r = ask(method, target, headers, body);

        ck_assert_msg(r.complete && r.status == status, "line %d: %s %s gave %d: %s", line, method,
                      target, r.status, r.body ? r.body : "");
        ck_assert_msg(!text || strstr(r.body, text), "line %d: no %s in %s", line, text ? text : "",
                      r.body);
        reply_done(&r);
}
