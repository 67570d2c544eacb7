#include "suite.h"

#include <string.h>

#include "rig.h"

#define T 5000

static void expect_uncertain(const struct rig_call *c)
{
        ck_assert_uint_eq(c->ended, 1);
        ck_assert_int_eq(c->http.verdict, VERDICT_UNCERTAIN);
        ck_assert(c->http.facts.may_have_left && !c->http.facts.complete_reply);
        ck_assert_int_gt(c->http.facts.sent_us, 0);
        ck_assert_int_gt(c->http.facts.bytes_sent, 0);
        ck_assert_str_ne(c->http.facts.error, "");
        ck_assert_int_eq(c->http.reply.status, 0);
        ck_assert_uint_eq(c->http.reply.body.len, 0);
        ck_assert_uint_eq(c->http.reply.n_headers, 0);
}

/* One write, one connection, one step: the server must have it once. */
static void one_write(struct script_step step, int timeout_ms, struct httpc_options o,
                      const char *error)
{
        struct rig r;
        struct rig_call c;

        rig_start_with(&r, &step, 1, NULL, o);
        rig_do(&r, &c, "POST", "/orders", "{\"quantity\":1}", timeout_ms);
        expect_uncertain(&c);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        ck_assert_uint_eq(script_connections(&r.server), 1);
        if (error)
                ck_assert_str_eq(c.http.facts.error, error);
        rig_call_done(&c);
        rig_stop(&r);
}

START_TEST(closed_after_reading)
{
        one_write((struct script_step){SCRIPT_CLOSE}, T, (struct httpc_options){}, NULL);
}
END_TEST

START_TEST(reset_after_reading)
{
        one_write((struct script_step){SCRIPT_RESET}, T, (struct httpc_options){}, NULL);
}
END_TEST

START_TEST(stalled_beyond_the_deadline)
{
        one_write((struct script_step){SCRIPT_STALL}, 150, (struct httpc_options){}, NULL);
}
END_TEST

START_TEST(dripping_beyond_the_deadline)
{
        one_write((struct script_step){SCRIPT_DRIP, SCRIPT_OK, 20}, 150, (struct httpc_options){},
                  NULL);
}
END_TEST

START_TEST(partial_replies)
{
        static const char *const texts[] = {
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a",
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
                "HTTP/1.1 2",
                "HTTP/1.1 100 Continue\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                one_write((struct script_step){SCRIPT_REPLY_CLOSE, texts[i]}, T,
                          (struct httpc_options){}, NULL);
}
END_TEST

START_TEST(garbage)
{
        one_write((struct script_step){SCRIPT_REPLY_CLOSE, "SSH-2.0-OpenSSH_9.2\r\n\x01\x02\x7f"},
                  T, (struct httpc_options){}, NULL);
        one_write((struct script_step){SCRIPT_REPLY_CLOSE, "HTTP/1.1 999 What\r\n\r\n"}, T,
                  (struct httpc_options){}, NULL);
}
END_TEST

START_TEST(a_body_that_is_too_large)
{
        static const struct httpc_options o = {.reply_max = 4096};

        one_write((struct script_step){SCRIPT_FLOOD_BODY}, T, o, "the reply is too large");
}
END_TEST

START_TEST(a_body_of_exactly_the_limit_is_an_answer)
{
        static const struct script_step steps[] = {
                {SCRIPT_REPLY, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678"},
                {SCRIPT_REPLY, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789"},
        };
        struct rig r;
        struct rig_call c;

        rig_start_with(&r, steps, 2, NULL, (struct httpc_options){.reply_max = 8});
        rig_do(&r, &c, "POST", "/x", "{}", T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&c);
        rig_do(&r, &c, "POST", "/x", "{}", T);
        expect_uncertain(&c);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

START_TEST(a_head_that_is_too_large)
{
        one_write((struct script_step){SCRIPT_FLOOD_HEAD}, T, (struct httpc_options){},
                  "the head of the reply is too large");
}
END_TEST

/* Whether libcurl could write before it learned of the close is a race; both ends of it are right.
 */
START_TEST(closed_before_reading)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_CLOSE_UNREAD});
        rig_do(&r, &c, "POST", "/x", "{}", T);
        if (c.http.facts.may_have_left)
                expect_uncertain(&c);
        else
                ck_assert_int_eq(c.http.verdict, VERDICT_NOT_SENT);
        ck_assert_uint_eq(script_requests(&r.server), 0);
        ck_assert_uint_eq(script_connections(&r.server), 1);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

/* The heart of the matter: on a re-used connection libcurl would send the order a second time. */
static void reused_connection(enum script_action action, const char *method, bool bare)
{
        const struct script_step steps[] = {{SCRIPT_REPLY}, {action}, {SCRIPT_REPLY}};
        struct rig r;
        struct rig_call c;

        rig_start(&r, steps, 3);
        rig_do(&r, &c, "GET", "/warm", NULL, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&c);
        rig_do(&r, &c, method, "/orders", bare ? NULL : "{\"quantity\":1}", T);
        expect_uncertain(&c);
        ck_assert(c.http.facts.resend_prevented);
        ck_assert_uint_eq(c.may_leave, 1);
        rig_sleep(&r, 50);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        rig_call_done(&c);
        rig_do(&r, &c, "GET", "/after", NULL, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&c);
        rig_stop(&r);
}

START_TEST(a_write_never_leaves_twice)
{
        reused_connection(SCRIPT_CLOSE, "POST", false);
        reused_connection(SCRIPT_RESET, "POST", false);
        reused_connection(SCRIPT_CLOSE, "PUT", false);
        reused_connection(SCRIPT_CLOSE, "DELETE", true);
        reused_connection(SCRIPT_RESET, "DELETE", true);
}
END_TEST

START_TEST(a_read_may_be_repeated)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY}, {SCRIPT_CLOSE}, {SCRIPT_REPLY});
        rig_do(&r, &c, "GET", "/warm", NULL, T);
        rig_call_done(&c);
        rig_do(&r, &c, "GET", "/book", NULL, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        ck_assert(!c.http.facts.resend_prevented);
        ck_assert_uint_eq(script_requests(&r.server), 3);
        rig_call_done(&c);
        rig_stop(&r);
}
END_TEST

/* libcurl gives up at the sixth repetition of one handle, whichever calls they belonged to. */
START_TEST(repetitions_are_not_counted_from_call_to_call)
{
        struct rig r;
        struct rig_call c;

#define REPEATED {SCRIPT_CLOSE}, {SCRIPT_REPLY}
        RIG_START(&r, {SCRIPT_REPLY}, REPEATED, REPEATED, REPEATED, REPEATED, REPEATED, REPEATED,
                  REPEATED);
        for (int i = 0; i < 8; i++) {
                rig_do(&r, &c, "GET", "/book", NULL, T);
                ck_assert_str_eq(verdict_name(c.http.verdict), "answered");
                rig_call_done(&c);
        }
        ck_assert_uint_eq(script_requests(&r.server), 15);
        rig_stop(&r);
}
END_TEST

/* An idle connection that the server closed before anything was sent on it again is no obstacle. */
START_TEST(a_connection_closed_while_idle)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_REPLY_CLOSE}, {SCRIPT_REPLY});
        for (int i = 0; i < 2; i++) {
                rig_do(&r, &c, "POST", "/x", "{}", T);
                ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
                rig_call_done(&c);
                rig_sleep(&r, 30);
        }
        ck_assert_uint_eq(script_writes(&r.server), 2);
        rig_stop(&r);
}
END_TEST

SUITE("net: uncertain", closed_after_reading, reset_after_reading, stalled_beyond_the_deadline,
      dripping_beyond_the_deadline, partial_replies, garbage, a_body_that_is_too_large,
      a_body_of_exactly_the_limit_is_an_answer, a_head_that_is_too_large, closed_before_reading,
      a_write_never_leaves_twice, a_read_may_be_repeated,
      repetitions_are_not_counted_from_call_to_call, a_connection_closed_while_idle)
