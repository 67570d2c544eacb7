#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "http/head.h"
#include "http/rate.h"
#include "http/throttle.h"
#include "suite.h"

static const char *fault_of(const char *raw, unsigned minor)
{
        struct head h;

        head_scan(raw, strlen(raw), &h);
        return head_fault(&h, minor);
}

START_TEST(scan)
{
        ck_assert_ptr_null(fault_of("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 1));
        ck_assert_ptr_null(fault_of("\r\nGET / HTTP/1.1\r\nHOST: a\r\n\r\n", 1));
        ck_assert_ptr_null(fault_of("GET / HTTP/1.0\r\n\r\n", 0));
        ck_assert_ptr_null(fault_of("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n", 1));
        /* Names that only begin so, and bytes behind the head, are not counted. */
        ck_assert_ptr_null(fault_of(
                "GET / HTTP/1.1\r\nhost: a\r\nhost-x: b\r\n\r\n\r\nhost: c\r\nhost: d\r\n", 1));
        ck_assert_ptr_nonnull(strstr(fault_of("GET / HTTP/1.1\r\n\r\n", 1), "missing"));
        ck_assert_ptr_nonnull(strstr(fault_of("GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", 1),
                                     "Host is given"));
        ck_assert_ptr_nonnull(
                strstr(fault_of("GET / HTTP/1.1\r\nhost: a\r\n x\r\n\r\n", 1), "obsolete"));
        ck_assert_ptr_nonnull(strstr(fault_of("GET / HTTP/1.1\r\nhost: a\n\r\n", 1), "carriage"));
        ck_assert_ptr_nonnull(strstr(fault_of("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: "
                                              "1\r\ntransfer-encoding: chunked\r\n\r\n",
                                              1),
                                     "exclude"));
        ck_assert_ptr_nonnull(strstr(fault_of("GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: "
                                              "chunked\r\ntransfer-encoding: chunked\r\n\r\n",
                                              1),
                                     "Transfer-Encoding is given"));
        ck_assert_ptr_nonnull(
                strstr(fault_of("GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 0), "1.0"));
}
END_TEST

static bool json_type(const char *s)
{
        return content_type_json(s, strlen(s));
}

START_TEST(content_type)
{
        ck_assert(json_type("application/json"));
        ck_assert(json_type("Application/JSON"));
        ck_assert(json_type("application/json;charset=utf-8"));
        ck_assert(json_type("application/json ; Charset=\"UTF-8\" "));
        ck_assert(!json_type(""));
        ck_assert(!json_type("application/json;"));
        ck_assert(!json_type("application/json; charset"));
        ck_assert(!json_type("application/json, text/plain"));
        ck_assert(!json_type("application/json; charset=utf-16"));
        ck_assert(!json_type("application/json+x"));
}
END_TEST

START_TEST(idempotency_key)
{
        char long_key[300], buf[256];

        ck_assert_int_eq(idempotency_key_parse("abc", 3, buf, sizeof(buf)), 0);
        ck_assert_str_eq(buf, "abc");
        ck_assert_int_eq(idempotency_key_parse("\"a,~!\"", 6, buf, sizeof(buf)), 0);
        ck_assert_str_eq(buf, "a,~!");
        memset(long_key, 'k', sizeof(long_key));
        ck_assert_int_eq(idempotency_key_parse(long_key, 255, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse(long_key, 256, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse("", 0, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse("\"", 1, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse("\"\"", 2, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse("a\"b", 3, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse("a\tb", 3, buf, sizeof(buf)), 0);
        ck_assert_int_lt(idempotency_key_parse("a\x7f", 2, buf, sizeof(buf)), 0);
}
END_TEST

START_TEST(token_bucket)
{
        struct rate r = {};
        int64_t wait, now = 5 * USEC_PER_SEC;

        for (int i = 0; i < 10; i++)
                ck_assert(rate_take(&r, 10, now, &wait));
        ck_assert_int_eq(rate_left(&r), 0);
        ck_assert(!rate_take(&r, 10, now, &wait));
        ck_assert_int_eq(wait, 1);
        /* A tenth of a second is one more. */
        ck_assert(!rate_take(&r, 10, now + 99999, &wait));
        ck_assert(rate_take(&r, 10, now + 100000, &wait));
        ck_assert(!rate_take(&r, 10, now + 100001, &wait));
        /* However long the pause: never more than a second's worth. */
        ck_assert(rate_take(&r, 10, now + 1000 * USEC_PER_SEC, &wait));
        ck_assert_int_eq(rate_left(&r), 9);
        /* A clock that stands still gives nothing, nor takes anything. */
        ck_assert(rate_take(&r, 10, now + 1000 * USEC_PER_SEC, &wait));
        ck_assert_int_eq(rate_left(&r), 8);
}
END_TEST

static struct address numbered(uint32_t n)
{
        struct address a = {};

        memcpy(a.bytes + 12, &n, sizeof(n));
        return a;
}

START_TEST(failures_are_throttled)
{
        static struct throttle t;
        struct address a = numbered(1), b = numbered(2);
        int64_t wait = 0, now = USEC_PER_SEC;

        for (unsigned i = 0; i < THROTTLE_FAILURES; i++)
                ck_assert(throttle_failed(&t, &a, now, &wait));
        ck_assert(!throttle_failed(&t, &a, now + 10 * USEC_PER_SEC, &wait));
        ck_assert_int_eq(wait, 50);
        ck_assert(throttle_failed(&t, &b, now, &wait));
        ck_assert(throttle_failed(&t, &a, now + THROTTLE_WINDOW_US, &wait));
        /* Very many addresses cost no memory and lock nobody out. */
        for (uint32_t i = 10; i < 100000; i++) {
                a = numbered(i);
                ck_assert(throttle_failed(&t, &a, now + 4 * THROTTLE_WINDOW_US, &wait));
        }
}
END_TEST

SUITE("http/head", scan, content_type, idempotency_key, token_bucket, failures_are_throttled)
