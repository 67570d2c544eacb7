#include "suite.h"

#include <errno.h>
#include <stdio.h>

#include "base/http_message.h"

START_TEST(headers_are_copied)
{
        struct http_request r = {.method = "POST"};
        char name[] = "Authorization", value[] = "Bearer x";

        ck_assert_int_eq(http_request_header(&r, name, value), 0);
        name[0] = value[0] = '?';
        ck_assert_uint_eq(r.n_headers, 1);
        ck_assert_str_eq(r.headers[0].name, "Authorization");
        ck_assert_str_eq(r.headers[0].value, "Bearer x");
        text_add(&r.url, "https://example.invalid/");
        text_add(&r.body, "{}");
        http_request_done(&r);
        ck_assert_uint_eq(r.n_headers, 0);
        ck_assert_ptr_null(r.url.data);
        ck_assert_ptr_null(r.headers[0].name);
        http_request_done(&r);
}
END_TEST

START_TEST(no_header_smuggles_another)
{
        static const struct {
                const char *name, *value;
        } bad[] = {
                {"", "x"},    {"A\r", "x"},       {"A\nB", "x"}, {"A:", "x"},  {"A B", "x"},
                {"A\t", "x"}, {"A", "x\r\nB: y"}, {"A", "x\n"},  {"A", "\rx"},
        };
        struct http_request r = {};

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(http_request_header(&r, bad[i].name, bad[i].value), -EINVAL);
        ck_assert_uint_eq(r.n_headers, 0);
        ck_assert_int_eq(http_request_header(&r, "A", ""), 0);
        http_request_done(&r);
}
END_TEST

START_TEST(the_table_is_bounded)
{
        struct http_reply r = {};
        char name[16];

        for (int i = 0; i < HTTP_HEADERS_MAX; i++) {
                snprintf(name, sizeof(name), "h%d", i);
                ck_assert_int_eq(http_reply_header(&r, name, name), 0);
        }
        ck_assert_int_eq(http_reply_header(&r, "more", "x"), -ENOBUFS);
        ck_assert_str_eq(http_reply_find(&r, "h15"), "h15");
        ck_assert_ptr_null(http_reply_find(&r, "more"));
        http_reply_done(&r);
        ck_assert_ptr_null(http_reply_find(&r, "h1"));
}
END_TEST

START_TEST(the_first_of_two_is_found)
{
        struct http_reply r = {};

        ck_assert_int_eq(http_reply_header(&r, "retry-after", "1"), 0);
        ck_assert_int_eq(http_reply_header(&r, "retry-after", "2"), 0);
        ck_assert_str_eq(http_reply_find(&r, "retry-after"), "1");
        ck_assert_ptr_null(http_reply_find(&r, "retry"));
        http_reply_done(&r);
}
END_TEST

SUITE("http_message", headers_are_copied, no_header_smuggles_another, the_table_is_bounded,
      the_first_of_two_is_found)
