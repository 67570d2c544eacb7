#include "suite.h"

#include <curl/curl.h>

#include "rig.h"

#define T 5000

/* The linker puts it before libcurl's (--wrap). */
static unsigned fail_actions;
CURLMcode __real_curl_multi_socket_action(CURLM *multi, curl_socket_t s, int bits, int *running);
CURLMcode __wrap_curl_multi_socket_action(CURLM *multi, curl_socket_t s, int bits, int *running);
CURLMcode __wrap_curl_multi_socket_action(CURLM *multi, curl_socket_t s, int bits, int *running)
{
        if (fail_actions > 0) {
                fail_actions--;
                return CURLM_INTERNAL_ERROR;
        }
        return __real_curl_multi_socket_action(multi, s, bits, running);
}

static void ended(struct rig_call *c, enum verdict v)
{
        ck_assert_uint_eq(c->ended, 1);
        ck_assert_str_eq(verdict_name(c->http.verdict), verdict_name(v));
        rig_call_done(c);
}

static void wait_for_writes(struct rig *r, unsigned n)
{
        while (script_writes(&r->server) < n)
                rig_sleep(r, 2);
}

START_TEST(free_ends_calls_by_their_evidence)
{
        struct rig r;
        struct rig_call sent, waiting, queued;

        static const struct script_step steps[] = {{SCRIPT_STALL}};
        rig_start_with(&r, steps, 1, NULL, (struct httpc_options){.max_connections = 1});
        rig_call(&r, &sent, "POST", "/sent", "{}", T);
        rig_call(&r, &waiting, "POST", "/waiting", "{}", T);
        rig_call(&r, &queued, "POST", "/queued", "{}", T);
        rig_send(&sent);
        wait_for_writes(&r, 1);
        rig_send(&waiting);
        rig_sleep(&r, 5);
        rig_send(&queued);
        ck_assert_uint_eq(httpc_running(r.httpc), 3);
        r.httpc = httpc_free(r.httpc);
        ended(&sent, VERDICT_UNCERTAIN);
        ended(&waiting, VERDICT_NOT_SENT);
        ended(&queued, VERDICT_NOT_SENT);
        rig_sleep(&r, 5); /* nothing of it is left in the loop */
        rig_stop(&r);
}
END_TEST

START_TEST(free_while_a_name_is_looked_up)
{
        struct rig r;
        struct rig_call c;

        rig_start_with(&r, NULL, 0, NULL, (struct httpc_options){});
        rig_call(&r, &c, "POST", "https://no-such-host.invalid/", "{}", T);
        rig_send(&c);
        rig_sleep(&r, 1);
        rig_stop(&r);
        ended(&c, VERDICT_NOT_SENT);
}
END_TEST

static void free_httpc(struct rig_call *c)
{
        c->rig->httpc = httpc_free(c->rig->httpc);
}

START_TEST(free_from_inside_done)
{
        struct rig r;
        struct rig_call first, other;

        RIG_START(&r, {SCRIPT_REPLY, NULL, 20}, {SCRIPT_STALL});
        rig_call(&r, &first, "POST", "/1", "{}", T);
        rig_call(&r, &other, "POST", "/2", "{}", T);
        first.then = free_httpc;
        rig_send(&first);
        wait_for_writes(&r, 1);
        rig_send(&other);
        rig_wait(&r);
        ended(&first, VERDICT_ANSWERED);
        ck_assert_uint_eq(other.ended, 1);
        ck_assert_int_ne(other.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&other);
        ck_assert_ptr_null(r.httpc);
        rig_stop(&r);
}
END_TEST

START_TEST(free_from_done_of_a_call_that_never_started)
{
        struct rig r;
        struct rig_call first, other;

        RIG_START(&r, {SCRIPT_REPLY});
        rig_call(&r, &first, "POST", "http://example.com/", "{}", T);
        rig_call(&r, &other, "POST", "/2", "{}", T);
        first.then = free_httpc;
        rig_send(&first);
        rig_send(&other);
        rig_wait(&r);
        ended(&first, VERDICT_NOT_SENT);
        ended(&other, VERDICT_NOT_SENT);
        rig_stop(&r);
}
END_TEST

static struct rig_call late;

static void send_late(struct rig_call *c)
{
        rig_call(c->rig, &late, "POST", "/late", "{}", T);
        rig_send(&late);
}

START_TEST(what_is_sent_while_freeing_is_not_sent)
{
        struct rig r;
        struct rig_call c;

        RIG_START(&r, {SCRIPT_STALL});
        rig_call(&r, &c, "POST", "/x", "{}", T);
        c.then = send_late;
        rig_send(&c);
        wait_for_writes(&r, 1);
        r.httpc = httpc_free(r.httpc);
        ended(&c, VERDICT_UNCERTAIN);
        ended(&late, VERDICT_NOT_SENT);
        rig_stop(&r);
}
END_TEST

START_TEST(a_lost_multi_ends_its_calls_and_is_replaced)
{
        struct rig r;
        struct rig_call sent, unsent, again;

        RIG_START(&r, {SCRIPT_STALL}, {SCRIPT_REPLY});
        rig_call(&r, &sent, "POST", "/sent", "{}", T);
        rig_send(&sent);
        wait_for_writes(&r, 1);
        rig_call(&r, &unsent, "POST", "/unsent", "{}", T);
        rig_send(&unsent);
        fail_actions = 1;
        rig_wait(&r);
        ended(&sent, VERDICT_UNCERTAIN);
        ended(&unsent, VERDICT_NOT_SENT);
        rig_do(&r, &again, "POST", "/again", "{}", T);
        ended(&again, VERDICT_ANSWERED);
        ck_assert_uint_eq(script_writes(&r.server), 2);
        rig_stop(&r);
}
END_TEST

/* The handle of a call is kept for the next one, with what libcurl counted for it. */
START_TEST(a_call_that_never_began_has_no_facts_of_the_last)
{
        struct rig r;
        struct rig_call first, unsent;

        RIG_START(&r, {SCRIPT_REPLY});
        rig_do(&r, &first, "POST", "/first", "{}", T);
        ended(&first, VERDICT_ANSWERED);
        rig_call(&r, &unsent, "POST", "/unsent", "{}", T);
        rig_send(&unsent);
        fail_actions = 1;
        rig_wait(&r);
        ck_assert_int_eq(unsent.http.facts.bytes_sent, 0);
        ck_assert(!unsent.http.facts.may_have_left);
        ended(&unsent, VERDICT_NOT_SENT);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        rig_stop(&r);
}
END_TEST

SUITE("net: ending", free_ends_calls_by_their_evidence, free_while_a_name_is_looked_up,
      free_from_inside_done, free_from_done_of_a_call_that_never_started,
      what_is_sent_while_freeing_is_not_sent, a_lost_multi_ends_its_calls_and_is_replaced,
      a_call_that_never_began_has_no_facts_of_the_last)
