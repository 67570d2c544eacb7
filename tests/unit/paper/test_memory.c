#include "floor.h"

#include <errno.h>
#include <string.h>

/* The linker sends the library's allocations here (see meson.build); the n-th from now fails. */
static int left = -1;

void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static bool fails(void)
{
        return left >= 0 && left-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

static const struct floor_options live = {.funds = RUPEES(100000000), .seed = 9, .live = true};

/* The request with its n-th allocation failing. True: there was no n-th. */
static bool call_failing(struct floor *f, int nth, const char *method, const char *what,
                         const char *body)
{
        struct http_request q = {.method = method};
        struct http_reply a = {};
        struct rider *rider = NULL;
        text_addf(&q.url, "/paper%%3Aone/%s", what);
        if (body)
                text_add(&q.body, body);
        left = nth;
        int r = paper_serve(f->paper, &q, &a, &rider);
        bool whole = left >= 0;
        left = -1;
        ck_assert(r == 0 || (r == -ENOMEM && !rider));
        ck_assert(!whole || r == 0);
        if (r == 0)
                ck_assert_msg(a.status == 200 || a.status == 409, "%s", text_str(&a.body));
        floor_take(f, rider);
        http_request_done(&q);
        http_reply_done(&a);
        return whole;
}

/* Each allocation of each request fails once. What was begun is done or undone, nothing is lost of
 * what changed: the next rider has it. */
START_TEST(every_allocation_fails_once)
{
        static const struct {
                const char *method, *what, *body;
                int64_t later_us; /* first, that much time passes */
        } steps[] = {
                {"GET", "funds", NULL, 0},
                {"POST", "orders",
                 "{\"tag\":\"A\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"MARKET\","
                 "\"product\":\"CNC\",\"validity\":\"DAY\",\"quantity\":60000}",
                 0},
                {"POST", "orders",
                 "{\"tag\":\"B\",\"symbol\":\"NSE:IDEA\",\"side\":\"SELL\",\"type\":\"STOP\","
                 "\"product\":\"INTRADAY\",\"validity\":\"DAY\",\"quantity\":600,"
                 "\"trigger_price\":\"13.00\"}",
                 0},
                {"PUT", "orders/26112300000002", "{\"quantity\":700}", 0},
                {"GET", "trades", NULL, 60 * USEC_PER_SEC},
                {"GET", "positions", NULL, 0},
                {"GET", "orders?since=1", NULL, 0},
                {"GET", "quotes?symbols=NSE:M%26M", NULL, 0},
                {"DELETE", "orders/26112300000002", NULL, 0},
                {"POST", "orders",
                 "{\"tag\":\"C\",\"symbol\":\"NSE:SBIN\",\"side\":\"SELL\",\"type\":\"MARKET\","
                 "\"product\":\"INTRADAY\",\"validity\":\"DAY\",\"quantity\":10}",
                 0},
                {"GET", "holdings", NULL, 86400 * USEC_PER_SEC},
        };
        struct floor f;
        floor_open(&f, &live);
        floor_call(&f, "GET", "profile", NULL);
        for (unsigned i = 0; i < ELEMENTS(steps); i++) {
                clock_fake_advance(steps[i].later_us);
                for (int nth = 0;; nth++) {
                        ck_assert_int_lt(nth, 1000);
                        if (call_failing(&f, nth, steps[i].method, steps[i].what, steps[i].body))
                                break;
                        if (*steps[i].method == 'D')
                                break; /* done with the first that gets so far */
                }
                char *before = floor_picture(&f, "paper:one");
                floor_restart(&f);
                char *after = floor_picture(&f, "paper:one");
                ck_assert_msg(!strcmp(before, after), "step %u", i);
                free(before);
                free(after);
        }
        floor_call(&f, "GET", "holdings", NULL);
        floor_pick(&f, "holdings", 0);
        ck_assert_int_eq(floor_int(&f, "quantity"), 60000);
        floor_close(&f);
}
END_TEST

/* What was restored could not be put in place: no request is served from half of it. */
START_TEST(a_restore_that_fails_stays_failed)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET");
        for (int nth = 0;; nth++) {
                floor_restart(&f);
                struct http_request q = {.method = "GET"};
                struct http_reply a = {};
                struct rider *rider = NULL;
                text_add(&q.url, "/paper:one/orders");
                left = nth;
                int r = paper_serve(f.paper, &q, &a, &rider);
                bool whole = left >= 0;
                left = -1;
                floor_take(&f, rider);
                http_reply_done(&a);
                if (f.paper->failed) {
                        a = (struct http_reply){};
                        ck_assert_int_eq(r, -ENOMEM);
                        ck_assert_int_eq(paper_serve(f.paper, &q, &a, &rider), -ENOMEM);
                        http_reply_done(&a);
                }
                http_request_done(&q);
                if (whole)
                        break;
        }
        floor_close(&f);
}
END_TEST

START_TEST(building_one)
{
        struct paper_options o = {.find = floor_find};
        struct account a = {.id = "paper:one"};
        struct paper *p = NULL;
        left = 0;
        ck_assert_int_eq(paper_new(&o, &p), -ENOMEM);
        left = 1;
        ck_assert_int_eq(paper_new(&o, &p), 0);
        ck_assert_int_eq(paper_add_account(p, &a), -ENOMEM);
        left = -1;
        ck_assert_int_eq(paper_add_account(p, &a), 0);
        paper_free(p);
}
END_TEST

SUITE("paper memory", every_allocation_fails_once, a_restore_that_fails_stays_failed, building_one)
