#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "identity.h"
#include "rig.h"

#define T 5000 /* ms, generous: nothing here should need it */

START_TEST(get_brings_status_headers_body_and_facts)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY, "HTTP/1.1 429 Slow\r\nContent-Type: text/plain; q=1\r\n"
                                     "Retry-After:  7 \r\nX-Request-ID: abc\r\nServer: none\r\n"
                                     "Set-Cookie: secret=1\r\nContent-Length: 5\r\n\r\nhello"});
        rig_call(&r, &c, "GET", "/v1/book?day=1", NULL, T);
        ck_assert_int_eq(http_request_header(&c.http.request, "Authorization", "token x"), 0);
        ck_assert_int_eq(http_request_header(&c.http.request, "X-Empty", ""), 0);
        rig_send(&c);
        ck_assert_uint_eq(httpc_running(r.httpc), 1);
        rig_wait(&r);
        ck_assert_uint_eq(httpc_running(r.httpc), 0);
        ck_assert_uint_eq(c.ended, 1);
        ck_assert_uint_eq(c.may_leave, 1);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        ck_assert_int_eq(c.http.reply.status, 429);
        ck_assert_str_eq(text_str(&c.http.reply.body), "hello");
        ck_assert_str_eq(http_reply_find(&c.http.reply, "content-type"), "text/plain; q=1");
        ck_assert_str_eq(http_reply_find(&c.http.reply, "retry-after"), "7");
        ck_assert_str_eq(http_reply_find(&c.http.reply, "x-request-id"), "abc");
        ck_assert_ptr_null(http_reply_find(&c.http.reply, "set-cookie"));
        ck_assert(c.http.facts.complete_reply && c.http.facts.may_have_left);
        ck_assert(!c.http.facts.resend_prevented);
        ck_assert_int_gt(c.http.facts.bytes_sent, 0);
        ck_assert_int_gt(c.http.facts.started_us, 0);
        ck_assert_int_ge(c.http.facts.sent_us, c.http.facts.started_us);
        ck_assert_int_ge(c.http.facts.ended_us, c.http.facts.sent_us);
        ck_assert_ptr_nonnull(strstr(r.server.last, "GET /v1/book?day=1 HTTP/1.1\r\n"));
        ck_assert_ptr_nonnull(strstr(r.server.last, "\r\nAuthorization: token x\r\n"));
        ck_assert_ptr_nonnull(strstr(r.server.last, "\r\nX-Empty:\r\n"));
        ck_assert_ptr_null(strcasestr(r.server.last, "content-type"));
        ck_assert_ptr_null(strcasestr(r.server.last, "accept-encoding"));
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

START_TEST(each_method_carries_its_body)
{
        static const struct {
                const char *method, *body, *expect;
        } cases[] = {
                {"POST", "{\"a\":1}", "POST /x HTTP/1.1\r\n"},
                {"POST", NULL, "Content-Length: 0\r\n"},
                {"PUT", "abc", "PUT /x HTTP/1.1\r\n"},
                {"PATCH", "abc", "Content-Length: 3\r\n"},
                {"DELETE", NULL, "DELETE /x HTTP/1.1\r\n"},
                {"DELETE", "why", "\r\n\r\nwhy"},
        };
        struct rig r;

        RIG_START(&r, {SCRIPT_REPLY});
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct rig_call c;
                rig_call(&r, &c, cases[i].method, "/x", cases[i].body, T);
                http_request_header(&c.http.request, "Content-Type", "application/json");
                rig_send(&c);
                rig_wait(&r);
                ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
                ck_assert_msg(strstr(r.server.last, cases[i].expect), "%s", r.server.last);
                ck_assert_ptr_null(strstr(r.server.last, "urlencoded"));
                ck_assert_ptr_null(strstr(r.server.last, "Expect"));
                rig_call_done(&c);
        }
        ck_assert_uint_eq(script_connections(&r.server), 1); /* kept alive throughout */
        rig_stop(&r);
}
END_TEST

START_TEST(a_large_body_arrives_whole)
{
        enum { SIZE = 100 * 1000 };
        struct rig r;
        struct rig_call c;
        char *body = calloc(1, SIZE + 1);

        memset(body, 'a', SIZE);
        RIG_START(&r, {SCRIPT_REPLY});
        rig_do(&r, &c, "POST", "/x", body, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        free(body);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

struct taken {
        struct rig_call call;
        size_t n;
        unsigned pieces;
};

static int take_piece(struct http_call *c, const void *data, size_t n)
{
        struct taken *t = (struct taken *)CONTAINER_OF(c, struct rig_call, http);
        t->n += n;
        t->pieces++;
        return t->n > 1500000 ? -ENOSPC : 0;
}

/* A body that is taken piece by piece is not kept, and no faster than was asked. */
START_TEST(a_body_may_be_taken_in_pieces)
{
        static char reply[1300000];
        static struct script_step steps[] = {{SCRIPT_REPLY, reply}, {SCRIPT_FLOOD_BODY}};
        struct taken t = {};
        struct rig r;

        int n = snprintf(reply, sizeof(reply),
                         "HTTP/1.1 200 OK\r\n"
                         "Content-Length: 1200000\r\n\r\n");
        memset(reply + n, 'x', 1200000);
        rig_start_with(&r, steps, 2, NULL, (struct httpc_options){.speed_max = 800000});
        int64_t from_us = clock_mono_us();
        rig_call(&r, &t.call, "GET", "/", NULL, T);
        t.call.http.take_body = take_piece;
        rig_send(&t.call);
        rig_wait(&r);
        ck_assert_int_eq(t.call.http.verdict, VERDICT_ANSWERED);
        ck_assert_uint_eq(t.n, 1200000);
        ck_assert_uint_gt(t.pieces, 10);
        ck_assert_uint_eq(t.call.http.reply.body.len, 0);
        ck_assert_int_gt(clock_mono_us() - from_us, 400000);
        rig_call_done(&t.call);

        /* whoever takes it may have enough */
        rig_call(&r, &t.call, "GET", "/", NULL, T);
        t.call.http.take_body = take_piece;
        rig_send(&t.call);
        rig_wait(&r);
        ck_assert_int_eq(t.call.http.verdict, VERDICT_UNCERTAIN);
        ck_assert_str_eq(t.call.http.facts.error, "the reply could not be kept");
        rig_call_done(&t.call);
        rig_stop(&r);
}
END_TEST

START_TEST(odd_but_whole_replies_are_answers)
{
        static const struct {
                struct script_step step;
                int status;
                const char *body;
        } cases[] = {
                {{SCRIPT_REPLY, "HTTP/1.1 204 None\r\n\r\n"}, 204, ""},
                {{SCRIPT_REPLY, "HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\noops"}, 502, "oops"},
                {{SCRIPT_REPLY, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\nHTTP/1.1: trailer\r\n\r\n"},
                 200,
                 "abcde"},
                {{SCRIPT_REPLY, "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n" SCRIPT_OK}, 200, "{}"},
                {{SCRIPT_REPLY, "HTTP/1.1 302 Go\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"},
                 302,
                 ""},
                {{SCRIPT_REPLY_CLOSE, "HTTP/1.1 200 OK\r\n\r\nuntil the end"},
                 200,
                 "until the end"},
                {{SCRIPT_DRIP, SCRIPT_OK, 1}, 200, "{}"},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct rig r;
                struct rig_call c;
                rig_start(&r, &cases[i].step, 1);
                rig_do(&r, &c, "POST", "/x", "{}", T);
                ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
                ck_assert_int_eq(c.http.reply.status, cases[i].status);
                ck_assert_str_eq(text_str(&c.http.reply.body), cases[i].body);
                ck_assert_ptr_null(http_reply_find(&c.http.reply, "x-early"));
                ck_assert_uint_eq(script_requests(&r.server), 1); /* no redirect followed */
                rig_call_done(&c);
                rig_stop(&r);
        }
}
END_TEST

START_TEST(many_at_once_share_a_bounded_number_of_connections)
{
        static struct rig_call calls[RIG_CALLS_MAX];
        static const struct script_step steps[] = {{SCRIPT_REPLY, NULL, 2}};
        struct rig r;

        rig_start_with(&r, steps, 1, NULL, (struct httpc_options){.max_connections = 4});
        for (unsigned i = 0; i < RIG_CALLS_MAX; i++) {
                rig_call(&r, &calls[i], i % 2 ? "POST" : "GET", "/x", i % 2 ? "{}" : NULL, T);
                rig_send(&calls[i]);
        }
        ck_assert_uint_eq(httpc_running(r.httpc), RIG_CALLS_MAX);
        rig_wait(&r);
        for (unsigned i = 0; i < RIG_CALLS_MAX; i++) {
                ck_assert_uint_eq(calls[i].ended, 1);
                ck_assert_int_eq(calls[i].http.verdict, VERDICT_ANSWERED);
                rig_call_done(&calls[i]);
        }
        ck_assert_uint_le(script_connections(&r.server), 4);
        ck_assert_uint_eq(script_writes(&r.server), RIG_CALLS_MAX / 2);
        rig_stop(&r);
}
END_TEST

START_TEST(only_the_first_headers_are_kept)
{
        struct text head = {};
        struct rig r;
        struct rig_call c;

        text_add(&head, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
        for (int i = 0; i < 3 * HTTP_HEADERS_MAX; i++)
                text_addf(&head, "X-Number-%d: %d\r\n", i, i);
        text_add(&head, "\r\n");
        const struct script_step step = {SCRIPT_REPLY, text_str(&head)};
        rig_start(&r, &step, 1);
        rig_do(&r, &c, "GET", "/x", NULL, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        ck_assert_uint_eq(c.http.reply.n_headers, HTTP_HEADERS_MAX);
        ck_assert_str_eq(http_reply_find(&c.http.reply, "x-number-0"), "0");
        rig_call_done(&c);
        rig_stop(&r);
        text_done(&head);
}
END_TEST

/* From inside done: the next call, on the connection that just became free. */
static struct rig_call second;

static void send_second(struct rig_call *c)
{
        rig_call(c->rig, &second, "POST", "/second", "{}", T);
        rig_send(&second);
}

START_TEST(done_may_send_again)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY});
        rig_call(&r, &c, "POST", "/first", "{}", T);
        c.then = send_second;
        rig_send(&c);
        rig_wait(&r);
        ck_assert_int_eq(second.http.verdict, VERDICT_ANSWERED);
        ck_assert_ptr_nonnull(strstr(r.server.last, "POST /second"));
        ck_assert_uint_eq(script_connections(&r.server), 1);
        rig_call_done(&c);
        rig_call_done(&second);
        rig_stop(&r);
}
END_TEST

#define REPLY(body) "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" body

/* A second reply to an earlier request is not the reply to the next one. */
static void second_reply(SSL_CTX *tls, const char *ca_file)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY_TWICE, REPLY("first")},
                                                   {SCRIPT_REPLY, REPLY("other")},
                                                   {SCRIPT_REPLY_TWICE, REPLY("third")},
                                                   {SCRIPT_REPLY, REPLY("final")}};
        static const char *const methods[] = {"POST", "POST", "GET", "GET"};
        static const char *const bodies[] = {"first", "other", "third", "final"};
        struct rig r;
        struct rig_call c;

        rig_start_with(&r, steps, 4, tls, (struct httpc_options){.ca_file = ca_file});
        for (int i = 0; i < 4; i++) {
                rig_do(&r, &c, methods[i], "/x", i < 2 ? "{}" : NULL, T);
                ck_assert_msg(c.http.verdict == VERDICT_ANSWERED, "%s", c.http.facts.error);
                ck_assert_str_eq(text_str(&c.http.reply.body), bodies[i]);
                rig_call_done(&c);
                rig_sleep(&r, 60);
        }
        ck_assert_uint_eq(script_requests(&r.server), 4);
        /* The others were used again. */
        ck_assert_uint_eq(script_connections(&r.server), 3);
        rig_stop(&r);
}

START_TEST(a_second_reply_answers_nobody)
{
        struct identity id;

        second_reply(NULL, NULL);
        identity_new(&id, "DNS:localhost", 2);
        second_reply(id.server, id.ca_file);
        identity_free(&id);
}
END_TEST

SUITE("net: answered", get_brings_status_headers_body_and_facts, a_body_may_be_taken_in_pieces,
      each_method_carries_its_body, a_large_body_arrives_whole, odd_but_whole_replies_are_answers,
      many_at_once_share_a_bounded_number_of_connections, only_the_first_headers_are_kept,
      done_may_send_again, a_second_reply_answers_nobody)
