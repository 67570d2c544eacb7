#include "suite.h"

#include <string.h>

#include "identity.h"
#include "rig.h"

#define T 5000

START_TEST(a_trusted_server_answers)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}};
        struct identity id;
        struct rig r;
        struct rig_call c;

        identity_new(&id, "DNS:localhost", 2);
        rig_start_with(&r, steps, 1, id.server, (struct httpc_options){.ca_file = id.ca_file});
        for (int i = 0; i < 3; i++) {
                rig_do(&r, &c, "POST", "/x", "{}", T);
                ck_assert_msg(c.http.verdict == VERDICT_ANSWERED, "%s", c.http.facts.error);
                ck_assert_str_eq(text_str(&c.http.reply.body), "{}");
                rig_call_done(&c);
        }
        ck_assert_uint_eq(script_connections(&r.server), 1);
        rig_stop(&r);
        identity_free(&id);
}
END_TEST

/* Nothing left, and the reason is one that a person can act on. */
static void expect_untrusted(const char *names, long days, const char *ca_file, const char *reason)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}};
        struct identity id;
        struct rig r;
        struct rig_call c;

        identity_new(&id, names, days);
        rig_start_with(&r, steps, 1, id.server,
                       (struct httpc_options){.ca_file = ca_file ? ca_file : id.ca_file});
        rig_do(&r, &c, "POST", "/x", "{}", T);
        ck_assert_int_eq(c.http.verdict, VERDICT_NOT_SENT);
        ck_assert_msg(strstr(c.http.facts.error, reason) != NULL, "%s", c.http.facts.error);
        ck_assert_int_eq(c.http.facts.bytes_sent, 0);
        ck_assert(!c.http.facts.may_have_left);
        ck_assert_uint_eq(c.may_leave, 0);
        ck_assert_uint_eq(script_requests(&r.server), 0);
        rig_call_done(&c);
        rig_stop(&r);
        identity_free(&id);
}

START_TEST(an_untrusted_server_gets_nothing)
{
        struct identity other;

        identity_new(&other, "DNS:localhost", 2);
        expect_untrusted("DNS:localhost", 2, other.ca_file, "self-signed certificate");
        expect_untrusted("DNS:broker.example", 2, NULL, "no alternative certificate subject name");
        expect_untrusted("DNS:localhost", -1, NULL, "certificate has expired");
        expect_untrusted("DNS:localhost", 2, "/nonexistent/ca.pem", "error setting certificate");
        identity_free(&other);
}
END_TEST

START_TEST(a_write_never_leaves_twice_over_tls)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}, {SCRIPT_CLOSE}, {SCRIPT_REPLY}};
        struct identity id;
        struct rig r;
        struct rig_call c;

        identity_new(&id, "DNS:localhost", 2);
        rig_start_with(&r, steps, 3, id.server, (struct httpc_options){.ca_file = id.ca_file});
        rig_do(&r, &c, "GET", "/warm", NULL, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&c);
        rig_do(&r, &c, "POST", "/orders", "{}", T);
        ck_assert_int_eq(c.http.verdict, VERDICT_UNCERTAIN);
        rig_call_done(&c);
        rig_sleep(&r, 50);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        rig_stop(&r);
        identity_free(&id);
}
END_TEST

SUITE("net: TLS", a_trusted_server_answers, an_untrusted_server_gets_nothing,
      a_write_never_leaves_twice_over_tls)
