/* What the cases of tests/fixtures/fyers cannot say: the address of the browser, and orders that
 * are filled in part. */
#include "suite.h"

#include <errno.h>
#include <string.h>

#include "broker/broker.h"

static struct account account_with(const char *key, char *redirect)
{
        return (struct account){.id = "fyers:main",
                                .access = {.api_key = key ? secret_new(key, strlen(key)) : NULL,
                                           .redirect_uri = redirect}};
}

static void check_url(const char *key, char *redirect, const char *state, const char *expected)
{
        struct account a = account_with(key, redirect);
        const struct broker *b = broker_find("fyers");
        struct text url = TEXT_NULL;

        ck_assert_int_eq(b->logins[0].method, BROKER_LOGIN_REDIRECT);
        int r = b->logins[0].url(&a, state, &url);
        ck_assert_int_eq(r, expected ? 0 : -EINVAL);
        if (expected)
                ck_assert_str_eq(text_str(&url), expected);
        text_done(&url);
        secret_free(a.access.api_key);
}

START_TEST(the_browser_is_sent_to_the_login)
{
        static char redirect[] = "http://127.0.0.1:8080/api/v1/auth/callback/fyers/main?a=1&b";

        check_url("ABCD1234EF-100", redirect, "S t/1",
                  "/api/v3/generate-authcode?client_id=ABCD1234EF-100&redirect_uri=http%3A%2F%2F127"
                  ".0.0.1%3A8080%2Fapi%2Fv1%2Fauth%2Fcallback%2Ffyers%2Fmain%3Fa%3D1%26b&response_"
                  "type=code&state=S%20t%2F1");
        check_url(NULL, redirect, "s", NULL);
        check_url("ABCD1234EF-100", NULL, "s", NULL);
        check_url("ABCD1234EF-100", redirect, NULL, NULL);
}
END_TEST

/* `code` in that query is a number; only auth_code is what comes back. */
START_TEST(the_browser_brings_the_code_back)
{
        const struct broker_callback *c = &broker_find("fyers")->callback;

        ck_assert_str_eq(c->code_keys[0], "auth_code");
        ck_assert_ptr_null(c->code_keys[1]);
        ck_assert_str_eq(c->state_key, "state");
        ck_assert_str_eq(c->status_key, "s");
        ck_assert_str_eq(c->status_ok, "ok");
}
END_TEST

/* The body of a modification to `quantity` of an order of 10, and what request() returned. */
static int modify(int64_t filled, int64_t quantity, enum validity validity, const char *body)
{
        const struct broker *b = broker_find("fyers");
        struct account a = account_with("KEY-100", NULL);
        struct secret *token = secret_new("t", 1);
        struct leg leg = {.quantity = 10, .filled_quantity = filled, .broker_order_id = "17"};
        struct order order = {.type = ORDER_TYPE_LIMIT,
                              .price = 1000000,
                              .quantity = quantity,
                              .validity = validity,
                              .n_legs = 1,
                              .legs = &leg};
        const struct scrip scrip = {.instrument = {.lot = 1}, .key = "NSE:SBIN-EQ"};
        const struct broker_call call = {.op = BROKER_MODIFY,
                                         .account = &a,
                                         .token = token,
                                         .order = &order,
                                         .leg = &leg,
                                         .scrip = &scrip};
        struct http_request q = {};

        int r = b->request(&call, &q);
        if (r == 0)
                ck_assert_str_eq(text_str(&q.body), body);
        http_request_done(&q);
        secret_free(a.access.api_key);
        secret_free(token);
        return r;
}

/* Whether the broker means the total or the rest is not told (sheet §4.2). */
START_TEST(the_quantity_of_a_part_filled_order_stays)
{
        ck_assert_int_eq(modify(0, 12, VALIDITY_DAY,
                                "{\"id\":\"17\",\"type\":1,\"qty\":12,\"limitPrice\":100}"),
                         0);
        ck_assert_int_eq(
                modify(4, 10, VALIDITY_DAY, "{\"id\":\"17\",\"type\":1,\"limitPrice\":100}"), 0);
        ck_assert_int_eq(modify(4, 12, VALIDITY_DAY, ""), -ENOTSUP);
}
END_TEST

/* It cannot be changed (§4.2), and what rests in the book is of the day. */
START_TEST(the_validity_stays)
{
        ck_assert_int_eq(modify(0, 10, VALIDITY_IOC, ""), -ENOTSUP);
}
END_TEST

/* §10: 10 a second, 200 a minute, 100,000 a day, of all calls together. */
START_TEST(rates_are_within_the_brokers_own)
{
        const struct broker *b = broker_find("fyers");
        bool second = false, minute = false, day = false;

        for (unsigned i = 0; i < b->n_rates; i++) {
                const struct broker_rate *r = &b->rates[i];
                bool all = r->traffic == BROKER_TRAFFIC_ALL;
                second |= all && r->window_us == 1000000 && r->count <= 10;
                minute |= all && r->window_us == 60000000 && r->count <= 200;
                day |= all && r->window_us == 86400000000 && r->count <= 100000;
        }
        ck_assert(second && minute && day);
        ck_assert_uint_eq(b->quotes_max, 50);
        ck_assert_int_eq(b->session_ends, 360);
}
END_TEST

/* What §13 calls unsupported is refused before anything is built. */
START_TEST(capabilities_leave_out_what_is_unsupported)
{
        const struct broker *b = broker_find("fyers");

        for (int e = 0; e < _EXCHANGE_MAX; e++) {
                const struct broker_capability *c = broker_capability(b, (enum exchange)e);
                bool cash = e == EXCHANGE_NSE || e == EXCHANGE_BSE;
                ck_assert_ptr_nonnull(c);
                ck_assert_int_eq(!!(c->products & 1U << PRODUCT_CNC), cash);
                ck_assert_int_eq(!!(c->products & 1U << PRODUCT_MTF), cash);
                ck_assert_int_eq(!!(c->products & 1U << PRODUCT_MARGIN), !cash);
                ck_assert(c->products & 1U << PRODUCT_INTRADAY);
                ck_assert_int_eq(c->disclosed, cash);
                ck_assert_int_eq(!!(c->validities & 1U << VALIDITY_IOC), e != EXCHANGE_MCX);
                ck_assert(c->validities & 1U << VALIDITY_DAY);
        }
}
END_TEST

SUITE("broker/fyers", the_browser_is_sent_to_the_login, the_browser_brings_the_code_back,
      the_quantity_of_a_part_filled_order_stays, the_validity_stays,
      rates_are_within_the_brokers_own, capabilities_leave_out_what_is_unsupported)
