#include "suite.h"

#include <errno.h>

#include "net/httpc.h"

#define CALLS 6

struct rider { /* net only passes it on */
        int unused;
};

struct fixture {
        struct loop *loop;
        struct httpc *httpc;
        unsigned served, pending;
        int serve_result, status;
        struct rider rider;
        char order[64]; /* of serving, by the last character of the path */
};

struct call {
        struct http_call http;
        struct fixture *f;
        unsigned ended, asked;
        bool refuse;
        void (*then)(struct call *c);
};

static int serve(void *userdata, const struct http_request *request, struct http_reply *ret,
                 struct rider **ret_rider)
{
        struct fixture *f = userdata;

        f->order[f->served++] = request->url.data[request->url.len - 1];
        ret->status = f->status;
        text_add(&ret->body, "{}");
        *ret_rider = &f->rider;
        return f->serve_result;
}

static void setup(struct fixture *f)
{
        *f = (struct fixture){.status = 200};
        ck_assert_int_eq(loop_new(&f->loop), 0);
        ck_assert_int_eq(httpc_new_local(f->loop, (struct local_service){serve, f}, &f->httpc), 0);
}

static void teardown(struct fixture *f)
{
        f->httpc = httpc_free(f->httpc);
        f->loop = loop_free(f->loop);
}

static void on_done(struct http_call *http)
{
        struct call *c = CONTAINER_OF(http, struct call, http);

        c->ended++;
        c->f->pending--;
        if (c->then)
                c->then(c);
}

static bool on_may_leave(struct http_call *http)
{
        struct call *c = CONTAINER_OF(http, struct call, http);

        c->asked++;
        return !c->refuse;
}

static void prepare(struct fixture *f, struct call *c, const char *path)
{
        *c = (struct call){.f = f};
        c->http.request.method = "POST";
        c->http.request.writes = true;
        text_add(&c->http.request.url, path);
        c->http.timeout_us = 5 * USEC_PER_SEC;
        c->http.done = on_done;
        c->http.may_leave = on_may_leave;
}

static void submit(struct call *c)
{
        c->f->pending++;
        httpc_send(c->f->httpc, &c->http);
        ck_assert_uint_eq(c->ended, 0);
}

static bool drained(void *userdata)
{
        return *(unsigned *)userdata == 0;
}

static void wait_all(struct fixture *f)
{
        loop_stop(f->loop);
        ck_assert_int_eq(loop_run(f->loop, drained, &f->pending), 0);
}

static void expect(struct call *c, enum verdict v)
{
        ck_assert_uint_eq(c->ended, 1);
        ck_assert_str_eq(verdict_name(c->http.verdict), verdict_name(v));
        ck_assert((c->http.facts.error[0] == '\0') == (v == VERDICT_ANSWERED));
        ck_assert((c->http.facts.sent_us > 0) == (v != VERDICT_NOT_SENT));
        ck_assert_int_gt(c->http.facts.ended_us, 0);
        http_call_done(&c->http);
}

START_TEST(served_in_order_in_the_next_turn)
{
        struct fixture f;
        struct call calls[CALLS];

        setup(&f);
        ck_assert_str_eq(httpc_transport(f.httpc), "local");
        for (int i = 0; i < CALLS; i++) {
                char path[] = {'/', (char)('a' + i), 0};
                prepare(&f, &calls[i], path);
                submit(&calls[i]);
        }
        ck_assert_uint_eq(f.served, 0);
        ck_assert_uint_eq(httpc_running(f.httpc), CALLS);
        wait_all(&f);
        ck_assert_str_eq(f.order, "abcdef");
        ck_assert_uint_eq(httpc_running(f.httpc), 0);
        for (int i = 0; i < CALLS; i++) {
                ck_assert_uint_eq(calls[i].asked, 1);
                ck_assert_int_eq(calls[i].http.reply.status, 200);
                ck_assert_str_eq(text_str(&calls[i].http.reply.body), "{}");
                ck_assert_ptr_eq(calls[i].http.rider, &f.rider);
                ck_assert(calls[i].http.facts.may_have_left && calls[i].http.facts.complete_reply);
                expect(&calls[i], VERDICT_ANSWERED);
        }
        teardown(&f);
}
END_TEST

START_TEST(refusal_at_the_last_moment)
{
        struct fixture f;
        struct call c;

        setup(&f);
        prepare(&f, &c, "/x");
        c.refuse = true;
        submit(&c);
        ck_assert_uint_eq(c.asked, 0);
        wait_all(&f);
        ck_assert_uint_eq(f.served, 0);
        ck_assert_ptr_null(c.http.rider);
        expect(&c, VERDICT_NOT_SENT);
        teardown(&f);
}
END_TEST

START_TEST(a_broken_exchange_is_uncertain)
{
        static const int results[] = {-ENOMEM, -EIO, -EINVAL};

        for (size_t i = 0; i < ELEMENTS(results); i++) {
                struct fixture f;
                struct call c;
                setup(&f);
                f.serve_result = results[i];
                prepare(&f, &c, "/x");
                submit(&c);
                wait_all(&f);
                ck_assert_int_eq(c.http.reply.status, 0); /* half a reply is none */
                ck_assert_uint_eq(c.http.reply.body.len, 0);
                ck_assert_ptr_eq(c.http.rider, &f.rider); /* the caller settles it */
                expect(&c, VERDICT_UNCERTAIN);
                teardown(&f);
        }
}
END_TEST

START_TEST(a_reply_without_status_is_uncertain)
{
        struct fixture f;
        struct call c;

        setup(&f);
        f.status = 0;
        prepare(&f, &c, "/x");
        submit(&c);
        wait_all(&f);
        expect(&c, VERDICT_UNCERTAIN);
        teardown(&f);
}
END_TEST

START_TEST(no_time_left)
{
        struct fixture f;
        struct call none, passed;

        setup(&f);
        prepare(&f, &none, "/x");
        none.http.timeout_us = 0;
        submit(&none);
        clock_fake(1000, 1000);
        prepare(&f, &passed, "/x");
        passed.http.timeout_us = 10;
        submit(&passed);
        clock_fake_advance(10);
        wait_all(&f);
        clock_real();
        ck_assert_uint_eq(f.served, 0);
        expect(&none, VERDICT_NOT_SENT);
        expect(&passed, VERDICT_NOT_SENT);
        teardown(&f);
}
END_TEST

static struct call next;

static void send_next(struct call *c)
{
        prepare(c->f, &next, "/n");
        submit(&next);
}

START_TEST(done_may_send_again)
{
        struct fixture f;
        struct call c;

        setup(&f);
        prepare(&f, &c, "/c");
        c.then = send_next;
        submit(&c);
        wait_all(&f);
        ck_assert_str_eq(f.order, "cn");
        expect(&c, VERDICT_ANSWERED);
        expect(&next, VERDICT_ANSWERED);
        teardown(&f);
}
END_TEST

START_TEST(free_ends_what_is_queued)
{
        struct fixture f;
        struct call a, b;

        setup(&f);
        prepare(&f, &a, "/a");
        a.then = send_next; /* sent while freeing: ends alike */
        submit(&a);
        prepare(&f, &b, "/b");
        submit(&b);
        f.httpc = httpc_free(f.httpc);
        ck_assert_uint_eq(f.served, 0);
        expect(&a, VERDICT_NOT_SENT);
        expect(&b, VERDICT_NOT_SENT);
        expect(&next, VERDICT_NOT_SENT);
        wait_all(&f); /* the loop has forgotten it */
        teardown(&f);
}
END_TEST

static void free_httpc(struct call *c)
{
        c->f->httpc = httpc_free(c->f->httpc);
}

START_TEST(free_from_inside_done)
{
        struct fixture f;
        struct call a, b;

        setup(&f);
        prepare(&f, &a, "/a");
        prepare(&f, &b, "/b");
        a.then = free_httpc;
        submit(&a);
        submit(&b);
        wait_all(&f);
        ck_assert_str_eq(f.order, "a");
        expect(&a, VERDICT_ANSWERED);
        expect(&b, VERDICT_NOT_SENT);
        teardown(&f);
}
END_TEST

SUITE("local transport", served_in_order_in_the_next_turn, refusal_at_the_last_moment,
      a_broken_exchange_is_uncertain, a_reply_without_status_is_uncertain, no_time_left,
      done_may_send_again, free_ends_what_is_queued, free_from_inside_done)
