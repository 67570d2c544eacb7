#include <string.h>

#include "domain/words.h"
#include "http/query.h"
#include "http/reader.h"
#include "http/routes.h"
#include "suite.h"

static const char *const names[] = {"limit", "q", "since", "status", NULL};

static struct query q;
static struct faults f;

static void parse(const char *s)
{
        query_done(&q);
        faults_init(&f);
        ck_assert_int_eq(query_parse(&q, s, strlen(s), names, &f), 0);
}

START_TEST(good)
{
        int64_t limit = 7, since = 0;
        int status = -1;

        parse("limit=500&q=M%26M+1%20%C3%A9&since=2026-11-23T09:15:00+05:30&status=OPEN");
        ck_assert(!faults_any(&f));
        ck_assert_str_eq(query_get(&q, "q"), "M&M+1 \xc3\xa9");
        query_int(&q, "limit", 1, 500, &limit, &f);
        query_time(&q, "since", &since, &f);
        query_word(&q, "status", order_status_from, &status, &f);
        ck_assert(!faults_any(&f));
        ck_assert_int_eq(limit, 500);
        ck_assert_int_eq(since, 1795405500000000);
        ck_assert_int_eq(status, ORDER_STATUS_OPEN);
        parse("");
        ck_assert(!faults_any(&f));
        ck_assert_ptr_null(query_get(&q, "q"));
        query_int(&q, "limit", 1, 500, &limit, &f);
        ck_assert_int_eq(limit, 500);
        query_done(&q);
}
END_TEST

START_TEST(bad)
{
        static const char *const queries[] = {"x=1",   "q",     "q=",       "q=1&q=1",    "=1",
                                              "&",     "q=1&",  "q=%",      "q=%4",       "q=%4g",
                                              "q=%00", "q=%ff", "%71%00=1", "q=%ed%a0%80"};

        for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
                parse(queries[i]);
                ck_assert_msg(faults_any(&f), "%s", queries[i]);
        }
        query_done(&q);
}
END_TEST

START_TEST(very_many)
{
        struct text t = TEXT_NULL;

        for (unsigned i = 0; i < 2000; i++)
                text_add(&t, "x=1&");
        parse(t.data);
        ck_assert_uint_eq(f.n, FAULTS_MAX);
        ck_assert_uint_eq(faults_count(&f), 2001);
        text_done(&t);
        query_done(&q);
}
END_TEST

START_TEST(pointers)
{
        char buf[FAULT_POINTER_SIZE], key[300];

        faults_pointer(buf, "", "a");
        ck_assert_str_eq(buf, "/a");
        faults_pointer(buf, "/targets/0", "a/b~c");
        ck_assert_str_eq(buf, "/targets/0/a~1b~0c");
        memset(key, '~', sizeof(key));
        key[sizeof(key) - 1] = '\0';
        faults_pointer(buf, "", key);
        ck_assert_uint_lt(strlen(buf), sizeof(buf));
        /* Cut between characters, never inside one. */
        for (unsigned shift = 0; shift < 3; shift++) {
                memset(key, 'a', shift);
                for (unsigned i = shift; i + 3 < sizeof(key); i += 3)
                        memcpy(key + i, "\xe2\x82\xac", 4);
                faults_pointer(buf, "", key);
                ck_assert(text_utf8_valid(buf, strlen(buf)));
        }
}
END_TEST

static enum route_match find(const char *method, const char *path, struct route_result *r)
{
        return routes_find(method, strlen(method), path, strlen(path), r);
}

START_TEST(routing)
{
        char allow[ROUTE_ALLOW_SIZE];
        struct route_result r;

        ck_assert_int_eq(find("GET", "/health", &r), ROUTE_FOUND);
        ck_assert_int_eq(find("HEAD", "/health", &r), ROUTE_FOUND);
        ck_assert_str_eq(r.route->method, "GET");
        ck_assert_int_eq(find("GET", "/api/v1/orders/client%3Aa", &r), ROUTE_FOUND);
        ck_assert_str_eq(r.captures[0], "client:a");
        ck_assert_int_eq(find("POST", "/api/v1/orders/7/legs/3/resolve", &r), ROUTE_FOUND);
        ck_assert_str_eq(r.captures[0], "7");
        ck_assert_str_eq(r.captures[1], "3");
        ck_assert_int_eq(find("GET", "/api/v1/auth/callback/paper/demo", &r), ROUTE_FOUND);
        ck_assert_str_eq(r.route->pattern, "/api/v1/auth/callback/{broker}/{account}");
        /* A literal path is itself, not an id. */
        ck_assert_int_eq(find("GET", "/api/v1/orders/validate", &r), ROUTE_METHOD);
        ck_assert_str_eq(routes_allow(r.route, allow), "POST");
        ck_assert_int_eq(find("get", "/health", &r), ROUTE_METHOD);
        ck_assert_int_eq(find("", "/health", &r), ROUTE_METHOD);
        static const char *const unknown[] = {"",
                                              "/",
                                              "health",
                                              "/health/",
                                              "/healt",
                                              "/healthy",
                                              "/api/v1/orders//legs/1/resolve",
                                              "/api/v1/orders/1/2",
                                              "/api/v1/auth/paper",
                                              "/API/v1/orders"};
        for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
                ck_assert_msg(find("GET", unknown[i], &r) == ROUTE_UNKNOWN, "%s", unknown[i]);
        ck_assert_int_eq(find("GET", "/api/v1/orders/%2", &r), ROUTE_MALFORMED);
}
END_TEST

/* Every pattern is found by itself, and its methods are told apart. */
START_TEST(the_table)
{
        struct route_result r;

        for (unsigned i = 0; i < n_routes; i++) {
                ck_assert_int_eq(find(routes[i].method, routes[i].pattern, &r), ROUTE_FOUND);
                ck_assert_ptr_eq(r.route, &routes[i]);
                for (unsigned k = 0; routes[i].query && routes[i].query[k]; k++)
                        ck_assert_uint_lt(k, QUERY_PARAMETERS_MAX);
        }
}
END_TEST

SUITE("http/query", good, bad, very_many, pointers, routing, the_table)
