/* What no client library would send, byte by byte; and clients that are slow, rude or gone. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness.h"
#include "suite.h"

#define HEAD_OF(line) line " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " TOKEN "\r\n"
#define PLACE \
        HEAD_OF("POST /api/v1/orders") "Idempotency-Key: k\r\nContent-Type: application/json\r\n"

#define HEALTH  HEAD_OF("GET /health")
#define ORDERS  HEAD_OF("GET /api/v1/orders")
#define NOTHING HEAD_OF("GET /nothing")

/* Sends bytes on a new connection and expects a status and a piece of the body; then, by `closes`,
 * the end. */
static void raw_for(int line, const void *bytes, size_t n, int status, const char *text,
                    bool closes)
{
        int fd = client_connect();

        client_send(fd, bytes, n);
        struct reply r = client_read(fd, false);
        ck_assert_msg(r.status == status, "line %d: got %d: %s", line, r.status,
                      r.body ? r.body : "");
        ck_assert_msg(!text || strstr(r.body, text), "line %d: no %s in %s", line, text ? text : "",
                      r.body);
        ck_assert_msg(client_closed(fd, closes ? 3000 : 50) == closes, "line %d: closed or not",
                      line);
        reply_done(&r);
        close(fd);
}
#define RAW(s, ...) raw_for(__LINE__, s, sizeof(s) - 1, __VA_ARGS__)

/* The server still answers. */
static void alive(void)
{
        ASK("GET", "/health", NULL, NULL, 200, NULL);
}

START_TEST(heads)
{
        harness_start(&(struct harness_options){});
        RAW("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200, "ok", false);
        RAW("\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200, "ok", false);
        RAW("garbage\r\n\r\n", 400, "Bad Request", true);
        RAW("GET /health\r\n\r\n", 400, "Bad Request", true);
        RAW("GET /hea\0lth HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, NULL, true);
        RAW("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n", 400, NULL, true);
        RAW("GET /health HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", 400, NULL, true);
        RAW("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n", 400, "INVALID_HEADER",
            true);
        RAW("GET /health HTTP/1.1\nHost: 127.0.0.1\n\n", 400, "INVALID_HEADER", true);
        RAW("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nhost: 127.0.0.1\r\n\r\n", 400,
            "INVALID_HEADER", true);
        RAW("GET /health HTTP/1.1\r\n\r\n", 400, "Host is missing", true);
        RAW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, NULL, true);
        RAW("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, "
            "HTTP2-Settings\r\nUpgrade: h2c\r\n"
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
            200, "ok", true);
        RAW("GET http://127.0.0.1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404, "NOT_FOUND",
            false);
        RAW("OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404, "NOT_FOUND", false);
        RAW("GET /health?\r\n\r\n", 400, NULL, true);
        alive();
        harness_stop();
}
END_TEST

START_TEST(old_http)
{
        harness_start(&(struct harness_options){});
        RAW("GET /health HTTP/1.0\r\n\r\n", 200, "ok", true);
        RAW("GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n", 200, "ok",
            false);
        RAW("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 200, "ok",
            true);
        RAW("POST /api/v1/orders HTTP/1.0\r\nHost: 127.0.0.1\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\n",
            400, "INVALID_HEADER", true);
        harness_stop();
}
END_TEST

START_TEST(framing)
{
        harness_start(&(struct harness_options){});
        RAW(PLACE "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}", 400, "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
            "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: -1\r\n\r\n", 400, "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: 0x10\r\n\r\n", 400, "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: 99999999999999999999999\r\n\r\n", 400, "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: 1000000000\r\n\r\n", 413, "PAYLOAD_TOO_LARGE", true);
        RAW(PLACE "Transfer-Encoding: gzip\r\n\r\n", 400, "INVALID_HEADER", true);
        RAW(PLACE "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "INVALID_HEADER", true);
        RAW(PLACE "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400, "INVALID_HEADER",
            true);
        RAW(PLACE "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n", 400, "INVALID_HEADER",
            true);
        RAW(PLACE "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n", 400,
            "INVALID_HEADER", true);
        RAW(PLACE "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "INVALID_REQUEST",
            false);
        RAW(PLACE "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n", 400,
            "INVALID_REQUEST", false);
        RAW(PLACE "Expect: something\r\nContent-Length: 2\r\n\r\n{}", 400, "INVALID_HEADER", true);
        RAW(PLACE "Content-Length: 0\r\n\r\n", 400, "BODY_REQUIRED", false);
        ck_assert_int_eq(fake.placed, 0);
        alive();
        harness_stop();
}
END_TEST

START_TEST(expect_continue)
{
        harness_start(&(struct harness_options){});
        int fd = client_connect();
        client_say(fd, PLACE "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        struct reply r = client_read(fd, true);
        ck_assert_int_eq(r.status, 100);
        reply_done(&r);
        client_say(fd, "{}");
        r = client_read(fd, false);
        ck_assert_int_eq(r.status, 400);
        reply_done(&r);
        close(fd);
        harness_stop();
}
END_TEST

START_TEST(large_heads)
{
        _cleanup_(text_done) struct text t = TEXT_NULL, many = TEXT_NULL;

        harness_start(&(struct harness_options){});
        text_add(&t, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Big: ");
        for (unsigned i = 0; i < 500000; i++)
                text_add_char(&t, 'a');
        text_add(&t, "\r\n\r\n");
        raw_for(__LINE__, t.data, t.len, 400, NULL, true);
        text_add(&many, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        for (unsigned i = 0; i < 200; i++)
                text_addf(&many, "X-%u: a\r\n", i);
        text_add(&many, "\r\n");
        raw_for(__LINE__, many.data, many.len, 400, NULL, true);
        alive();
        harness_stop();
}
END_TEST

START_TEST(pipelining)
{
        static const char requests[] =
                HEALTH "X-Correlation-ID: one\r\n\r\n" PLACE
                       "X-Correlation-ID: two\r\nContent-Length: 2\r\n\r\n{}" ORDERS
                       "X-Correlation-ID: three\r\n\r\n" NOTHING "X-Correlation-ID: four\r\n\r\n";

        harness_start(&(struct harness_options){});
        int fd = client_connect();
        client_say(fd, requests);
        static const char *const ids[] = {"one", "two", "three", "four"};
        static const int statuses[] = {200, 400, 200, 404};
        for (unsigned i = 0; i < 4; i++) {
                struct reply r = client_read(fd, false);
                ck_assert_int_eq(r.status, statuses[i]);
                ck_assert_str_eq(reply_header(&r, "x-correlation-id"), ids[i]);
                reply_done(&r);
        }
        close(fd);
        harness_stop();
}
END_TEST

START_TEST(many_requests_on_one_connection)
{
        harness_start(&(struct harness_options){});
        int fd = client_connect();
        for (unsigned i = 0; i < 500; i++) {
                client_say(fd, i % 2 ? HEAD_OF("GET /api/v1/orders/client:mean-rev-0042") "\r\n"
                                     : PLACE "Content-Length: " ORDER_LENGTH "\r\n\r\n" ORDER);
                struct reply r = client_read(fd, false);
                ck_assert_int_eq(r.status, (i % 2 ? 200 : 201));
                reply_done(&r);
        }
        close(fd);
        harness_stop();
}
END_TEST

START_TEST(truncated_and_slow)
{
        harness_start(&(struct harness_options){.http.request_timeout_us = 300 * USEC_PER_MS});
        int fd = client_connect();
        client_say(fd, PLACE "Content-Length: 100\r\n\r\n{\"symbol\"");
        ck_assert(client_closed(fd, 3000));
        close(fd);
        fd = client_connect();
        client_say(fd, "GET /health HTTP/1.1\r\nHost: 12");
        ck_assert(client_closed(fd, 3000));
        close(fd);
        fd = client_connect();
        client_say(fd, PLACE "Transfer-Encoding: chunked\r\n\r\n5\r\n{");
        ck_assert(client_closed(fd, 3000));
        close(fd);
        /* A drop every 100 ms does not buy more time. */
        fd = client_connect();
        for (unsigned i = 0; i < 10 && !client_closed(fd, 0); i++) {
                client_say(fd, "G");
                usleep(100000);
        }
        ck_assert(client_closed(fd, 1000));
        close(fd);
        /* A body that ends with the connection. */
        fd = client_connect();
        client_say(fd, PLACE "Content-Length: 100\r\n\r\n{\"symbol\"");
        shutdown(fd, SHUT_WR);
        ck_assert(client_closed(fd, 1000));
        close(fd);
        ck_assert_int_eq(fake.placed, 0);
        alive();
        harness_stop();
}
END_TEST

static void wait_for(atomic_int *value, int wanted)
{
        for (unsigned i = 0; i < 2000 && *value != wanted; i++)
                usleep(1000);
        ck_assert_int_eq(*value, wanted);
}

START_TEST(client_leaves_while_we_work)
{
        harness_start(&(struct harness_options){});
        fake.hold = 1;
        for (unsigned i = 0; i < 8; i++) {
                int fd = client_connect();
                client_say(fd, PLACE "Content-Length: " ORDER_LENGTH "\r\n\r\n" ORDER);
                wait_for(&fake.placed, (int)i + 1);
                if (i % 2) {
                        struct linger hard = {1, 0};
                        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
                }
                close(fd);
        }
        ck_assert_int_eq(fake.running, 8);
        fake_release(harness_orchestrator());
        wait_for(&fake.running, 0);
        for (unsigned i = 0; i < 2000 && harness_connections() > 0; i++)
                usleep(1000);
        ck_assert_uint_eq(harness_connections(), 0);
        alive();
        harness_stop();
}
END_TEST

START_TEST(client_shuts_its_side)
{
        harness_start(&(struct harness_options){});
        int fd = client_connect();
        client_say(fd, PLACE "Content-Length: " ORDER_LENGTH "\r\n\r\n" ORDER);
        shutdown(fd, SHUT_WR);
        struct reply r = client_read(fd, false);
        ck_assert_int_eq(r.status, 201);
        reply_done(&r);
        close(fd);
        harness_stop();
}
END_TEST

START_TEST(connection_limit)
{
        int fds[5];

        harness_start(&(struct harness_options){.http.max_connections = 4});
        for (unsigned i = 0; i < 5; i++) {
                fds[i] = client_connect();
                client_say(fds[i], HEALTH "\r\n");
        }
        for (unsigned i = 0; i < 4; i++) {
                struct reply r = client_read(fds[i], false);
                ck_assert_int_eq(r.status, 200);
                reply_done(&r);
        }
        /* The fifth waits in the kernel until one leaves. */
        ck_assert(!client_expect(fds[4], "HTTP/1.1 200", 200));
        close(fds[0]);
        struct reply r = client_read(fds[4], false);
        ck_assert_int_eq(r.status, 200);
        reply_done(&r);
        for (unsigned i = 1; i < 5; i++)
                close(fds[i]);
        harness_stop();
}
END_TEST

START_TEST(drain)
{
        harness_start(&(struct harness_options){});
        int idle = client_connect(), busy = client_connect();
        client_say(idle, HEALTH "\r\n");
        struct reply r = client_read(idle, false);
        ck_assert_int_eq(r.status, 200);
        reply_done(&r);
        fake.hold = 1;
        client_say(busy, PLACE "Content-Length: " ORDER_LENGTH "\r\n\r\n" ORDER);
        wait_for(&fake.placed, 1);
        harness_drain();
        ck_assert(client_closed(idle, 2000));
        usleep(50000);
        fake_release(harness_orchestrator());
        r = client_read(busy, false);
        ck_assert_int_eq(r.status, 201);
        ck_assert_str_eq(reply_header(&r, "connection"), "close");
        reply_done(&r);
        ck_assert(client_closed(busy, 2000));
        close(idle);
        close(busy);
        harness_stop();
}
END_TEST

SUITE("http/wire", heads, old_http, framing, expect_continue, large_heads, pipelining,
      many_requests_on_one_connection, truncated_and_slow, client_leaves_while_we_work,
      client_shuts_its_side, connection_limit, drain)
