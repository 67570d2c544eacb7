#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"

#define T 5000

/* Stands before libc's for libcurl too: the next send() to a peer fails so, once. */
static __thread int next_send_error;
ssize_t send(int fd, const void *data, size_t n, int flags)
{
        if (next_send_error) {
                errno = next_send_error;
                next_send_error = 0;
                return -1;
        }
        return syscall(SYS_sendto, fd, data, n, flags, NULL, 0);
}

static void expect_not_sent(const struct rig_call *c)
{
        ck_assert_uint_eq(c->ended, 1);
        ck_assert_int_eq(c->http.verdict, VERDICT_NOT_SENT);
        ck_assert(!c->http.facts.may_have_left && !c->http.facts.complete_reply);
        ck_assert_int_eq(c->http.facts.sent_us, 0);
        ck_assert_int_eq(c->http.facts.bytes_sent, 0);
        ck_assert_int_gt(c->http.facts.ended_us, 0);
        ck_assert_str_ne(c->http.facts.error, "");
        ck_assert_uint_eq(c->http.reply.body.len, 0);
}

static void start_alone(struct rig *r, struct httpc_options o)
{
        rig_start_with(r, NULL, 0, NULL, o);
}

/* A bound port; listening only when `backlog` >= 0. */
static int own_port(int backlog, char url[static 64])
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        if (backlog >= 0)
                ck_assert_int_eq(listen(fd, backlog), 0);
        getsockname(fd, (struct sockaddr *)&a, &size);
        snprintf(url, 64, "http://127.0.0.1:%u/x", ntohs(a.sin_port));
        return fd;
}

START_TEST(refused_connection)
{
        char url[64];
        int fd = own_port(-1, url);
        struct rig r;
        struct rig_call c;

        start_alone(&r, (struct httpc_options){});
        rig_do(&r, &c, "POST", url, "{}", T);
        expect_not_sent(&c);
        ck_assert_uint_eq(c.may_leave, 0);
        rig_call_done(&c);
        rig_stop(&r);
        close(fd);
}
END_TEST

START_TEST(a_host_that_does_not_resolve)
{
        struct rig r;
        struct rig_call c;

        start_alone(&r, (struct httpc_options){});
        rig_do(&r, &c, "POST", "https://no-such-host.invalid/x", "{}", 3000);
        expect_not_sent(&c);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

/* A listener whose queue is full: the kernel answers no SYN. */
static void expect_connect_timeout(struct httpc_options o, int timeout_ms)
{
        char url[64];
        unsigned port = 0;
        int listener = own_port(0, url), fillers[4];
        struct rig r;
        struct rig_call c;

        sscanf(url, "http://127.0.0.1:%u", &port);
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)port)};
        for (size_t i = 0; i < ELEMENTS(fillers); i++) {
                fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                connect(fillers[i], (struct sockaddr *)&a, sizeof(a));
        }
        start_alone(&r, o);
        rig_do(&r, &c, "POST", url, "{}", timeout_ms);
        expect_not_sent(&c);
        int64_t took_us = c.http.facts.ended_us - c.http.facts.started_us;
        ck_assert_int_ge(took_us, 90 * USEC_PER_MS);
        ck_assert_int_lt(took_us, 2 * USEC_PER_SEC);
        rig_call_done(&c);
        rig_stop(&r);
        for (size_t i = 0; i < ELEMENTS(fillers); i++)
                close(fillers[i]);
        close(listener);
}

START_TEST(connect_timeout)
{
        expect_connect_timeout((struct httpc_options){.connect_timeout_us = 100 * USEC_PER_MS}, T);
}
END_TEST

START_TEST(deadline_while_connecting)
{
        expect_connect_timeout((struct httpc_options){}, 100);
}
END_TEST

START_TEST(tls_to_a_plain_server)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}};
        char url[64];
        struct rig r;
        struct rig_call c;

        rig_start(&r, steps, 1);
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/x", r.server.port);
        rig_do(&r, &c, "POST", url, "{}", 500); /* the server waits for the end of a head */
        expect_not_sent(&c);
        ck_assert_uint_eq(script_requests(&r.server), 0);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

START_TEST(waiting_for_a_connection)
{
        static const struct script_step steps[] = {{SCRIPT_STALL}};
        struct rig r;
        struct rig_call first, c;

        rig_start_with(&r, steps, 1, NULL, (struct httpc_options){.max_connections = 1});
        rig_call(&r, &first, "POST", "/1", "{}", 400);
        rig_send(&first);
        rig_call(&r, &c, "POST", "/2", "{}", 200);
        rig_send(&c);
        rig_wait(&r);
        ck_assert_int_eq(first.http.verdict, VERDICT_UNCERTAIN);
        expect_not_sent(&c);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        rig_call_done(&first);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

START_TEST(refused_at_the_last_moment)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY});
        rig_call(&r, &c, "POST", "/x", "{}", T);
        c.refuse = true;
        rig_send(&c);
        rig_wait(&r);
        expect_not_sent(&c);
        ck_assert_uint_eq(c.may_leave, 1);
        while (script_connections(&r.server) == 0) /* it was that late */
                rig_sleep(&r, 2);
        ck_assert_uint_eq(script_requests(&r.server), 0);
        rig_call_done(&c);
        rig_do(&r, &c, "POST", "/x", "{}", T); /* and the next one is not harmed */
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

START_TEST(urls_that_may_not_be_called)
{
        static const char *const urls[] = {
                "http://example.com/x",
                "http://10.0.0.1/",
                "ftp://127.0.0.1/x",
                "file:///etc/passwd",
                "http://user:pw@127.0.0.1/",
                "https://",
                "no scheme",
                "",
                "http://127.0.0.1.example/",
                "/path without a base",
        };
        struct rig r;

        start_alone(&r, (struct httpc_options){});
        for (size_t i = 0; i < ELEMENTS(urls); i++) {
                struct rig_call c;
                rig_do(&r, &c, "POST", urls[i], "{}", T);
                expect_not_sent(&c);
                rig_call_done(&c);
        }
        rig_stop(&r);
}
END_TEST

START_TEST(options_that_may_not_be)
{
        static const struct httpc_options bad[] = {
                {.base_url = "http://broker.example"},
                {.base_url = "broker"},
                {.base_url = ""},
                {.egress_address = "eth0"},
                {.egress_address = "127.0.0.1x"},
                {.egress_address = ""},
        };
        struct loop *loop;

        ck_assert_int_eq(loop_new(&loop), 0);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                struct httpc *h = NULL;
                ck_assert_int_eq(httpc_new_curl(loop, &bad[i], &h), -EINVAL);
                ck_assert_ptr_null(h);
        }
        loop_free(loop);
}
END_TEST

START_TEST(no_time_left)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY});
        for (int ms = -1; ms <= 0; ms++) {
                rig_do(&r, &c, "POST", "/x", "{}", ms);
                expect_not_sent(&c);
                rig_call_done(&c);
        }
        ck_assert_uint_eq(script_connections(&r.server), 0);
        rig_stop(&r);
}
END_TEST

START_TEST(egress_address_that_is_not_ours)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}};
        struct rig r;
        struct rig_call c;

        rig_start_with(&r, steps, 1, NULL, (struct httpc_options){.egress_address = "192.0.2.1"});
        rig_do(&r, &c, "POST", "/x", "{}", T);
        expect_not_sent(&c);
        ck_assert_uint_eq(script_connections(&r.server), 0);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

START_TEST(the_first_write_fails)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY});
        for (int reused = 0; reused < 2; reused++) {
                next_send_error = EPIPE;
                rig_do(&r, &c, "POST", "/x", "{}", T);
                expect_not_sent(&c);
                ck_assert_uint_eq(script_requests(&r.server), (unsigned)reused);
                rig_call_done(&c);
                rig_do(&r, &c, "POST", "/x", "{}", T);
                ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
                rig_call_done(&c);
        }
        rig_stop(&r);
}
END_TEST

/* libcurl counts nothing as sent then, although it sends everything a moment later. */
START_TEST(the_first_write_would_block)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_STALL});
        next_send_error = EAGAIN;
        rig_do(&r, &c, "POST", "/x", "{}", 300);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        ck_assert_int_eq(c.http.verdict, VERDICT_UNCERTAIN);
        ck_assert(c.http.facts.may_have_left);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

SUITE("net: not sent", refused_connection, a_host_that_does_not_resolve, connect_timeout,
      deadline_while_connecting, tls_to_a_plain_server, waiting_for_a_connection,
      refused_at_the_last_moment, urls_that_may_not_be_called, options_that_may_not_be,
      no_time_left, egress_address_that_is_not_ours, the_first_write_fails,
      the_first_write_would_block)
