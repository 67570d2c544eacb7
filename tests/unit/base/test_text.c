#include "suite.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

START_TEST(grows_and_terminates)
{
        struct text t = TEXT_NULL;

        ck_assert_str_eq(text_str(&t), "");
        for (int i = 0; i < 100000; i++)
                text_add_char(&t, (char)('a' + i % 26));
        ck_assert_uint_eq(t.len, 100000);
        ck_assert_uint_eq(strlen(t.data), 100000);
        ck_assert_int_eq(t.data[99999], 'a' + 99999 % 26);
        ck_assert_uint_le(t.size, 200001);
        text_clear(&t);
        ck_assert_uint_eq(t.len, 0);
        ck_assert_str_eq(text_str(&t), "");
        text_add(&t, "again");
        ck_assert_str_eq(text_str(&t), "again");
        text_done(&t);
        ck_assert_ptr_null(t.data);
        text_done(&t);
}
END_TEST

START_TEST(stops_at_its_maximum)
{
        struct text t = {.max = 10};

        text_add(&t, "0123456789");
        ck_assert_int_eq(t.failed, 0);
        ck_assert_uint_le(t.size, 11);
        text_add_char(&t, 'x');
        ck_assert_int_eq(t.failed, -E2BIG);
        ck_assert_str_eq(text_str(&t), "0123456789");
        text_add(&t, "");
        ck_assert_int_eq(t.failed, -E2BIG);
        text_clear(&t);
        ck_assert_int_eq(t.failed, 0);
        text_addf(&t, "%s", "01234567890");
        ck_assert_int_eq(t.failed, -E2BIG);
        ck_assert_uint_eq(t.len, 0);
        ck_assert_str_eq(text_str(&t), "");
        text_clear(&t);
        text_add_hex(&t, (const uint8_t *)"\x01\x02\x03\x04\x05\x06", 6);
        ck_assert_int_eq(t.failed, -E2BIG);
        ck_assert_uint_eq(t.len, 0);
        text_clear(&t);
        text_add_bytes(&t, "x", SIZE_MAX); /* no overflow in the sum */
        ck_assert_int_eq(t.failed, -E2BIG);
        text_done(&t);
        ck_assert_uint_eq(t.max, 10);
}
END_TEST

START_TEST(the_default_maximum_holds)
{
        struct text t = TEXT_NULL;

        ck_assert_int_eq(text_reserve(&t, TEXT_MAX), 0);
        ck_assert_int_eq(text_reserve(&t, TEXT_MAX + 1), -E2BIG);
        text_add(&t, "x");
        ck_assert_uint_eq(t.len, 0);
        text_done(&t);
}
END_TEST

START_TEST(nothing_is_added_after_a_failure)
{
        struct text t = {.max = 4};

        text_add(&t, "12345");
        text_add(&t, "1");
        text_add_char(&t, '1');
        text_add_int(&t, 1);
        text_addf(&t, "1");
        text_add_hex(&t, (const uint8_t *)"1", 1);
        text_add_urlencoded(&t, "1");
        ck_assert_int_eq(text_reserve(&t, 1), -E2BIG);
        ck_assert_uint_eq(t.len, 0);
        text_done(&t);
}
END_TEST

START_TEST(reserved_room_does_not_move)
{
        struct text t = TEXT_NULL;

        ck_assert_int_eq(text_reserve(&t, 1000), 0);
        const char *data = t.data;
        for (int i = 0; i < 1000; i++)
                text_add_char(&t, 'x');
        ck_assert_ptr_eq(t.data, data);
        text_done(&t);
}
END_TEST

START_TEST(integers)
{
        static const struct {
                int64_t value;
                const char *text;
        } cases[] = {
                {0, "0"},
                {7, "7"},
                {-7, "-7"},
                {10, "10"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct text t = TEXT_NULL;
                text_add_int(&t, cases[i].value);
                ck_assert_str_eq(text_str(&t), cases[i].text);
                text_done(&t);
        }
}
END_TEST

START_TEST(formats_longer_than_the_room)
{
        struct text t = TEXT_NULL;
        char long_one[5000];

        memset(long_one, 'y', sizeof(long_one) - 1);
        long_one[sizeof(long_one) - 1] = '\0';
        text_addf(&t, "%d:", 5);
        text_addf(&t, "%s|%s", long_one, "end");
        ck_assert_uint_eq(t.len, 2 + 4999 + 4);
        ck_assert_str_eq(t.data + t.len - 5, "y|end");
        text_done(&t);
}
END_TEST

START_TEST(encodings)
{
        struct text t = TEXT_NULL;

        text_add_hex(&t, (const uint8_t *)"\x00\x7f\xff", 3);
        ck_assert_str_eq(text_str(&t), "007fff");
        text_clear(&t);
        text_add_urlencoded(&t, "aZ09-._~ /?&=+%\xe2\x82\xb9\x01");
        ck_assert_str_eq(text_str(&t), "aZ09-._~%20%2F%3F%26%3D%2B%25%E2%82%B9%01");
        text_done(&t);
}
END_TEST

START_TEST(taking_the_buffer)
{
        struct text t = TEXT_NULL;

        ck_assert_ptr_null(text_take(&t));
        text_add(&t, "mine");
        char *mine = text_take(&t);
        ck_assert_str_eq(mine, "mine");
        ck_assert_ptr_null(t.data);
        ck_assert_uint_eq(t.len, 0);
        text_add(&t, "next");
        ck_assert_str_eq(text_str(&t), "next");
        free(mine);
        text_done(&t);
}
END_TEST

START_TEST(fixed_buffers)
{
        char buf[4] = "xxx";

        ck_assert(text_copy(buf, sizeof(buf), "abc"));
        ck_assert_str_eq(buf, "abc");
        ck_assert(!text_copy(buf, sizeof(buf), "abcd"));
        ck_assert_str_eq(buf, "abc");
        ck_assert(text_copy(buf, sizeof(buf), ""));
        ck_assert_str_eq(buf, "");
        ck_assert(!text_copy_bytes(buf, 1, "a", 1));
        ck_assert_str_eq(buf, "");
        buf[0] = 'k';
        ck_assert(!text_copy(buf, 0, ""));
        ck_assert_int_eq(buf[0], 'k');
}
END_TEST

START_TEST(comparisons)
{
        ck_assert(text_equal(NULL, NULL));
        ck_assert(!text_equal(NULL, ""));
        ck_assert(!text_equal("", NULL));
        ck_assert(text_equal("a", "a"));
        ck_assert(!text_equal("a", "ab"));
        ck_assert(text_starts("abc", "ab"));
        ck_assert(text_starts("abc", ""));
        ck_assert(!text_starts("ab", "abc"));
        ck_assert(text_only("0101", 4, "01"));
        ck_assert(text_only("", 0, "01"));
        ck_assert(!text_only("012", 3, "01"));
        ck_assert(!text_only("0\0", 2, "01"));
}
END_TEST

START_TEST(utf8)
{
        static const struct {
                const char *s;
                bool valid;
        } cases[] = {
                {"", true},
                {"plain", true},
                {"\xc2\x80", true},
                {"\xdf\xbf", true},
                {"\xe0\xa0\x80", true},
                {"\xe2\x82\xb9 100", true},
                {"\xed\x9f\xbf", true},
                {"\xee\x80\x80", true},
                {"\xf0\x90\x80\x80", true},
                {"\xf4\x8f\xbf\xbf", true},
                {"\x80", false},
                {"\xbf", false},
                {"\xc0\x80", false},
                {"\xc1\xbf", false},
                {"\xc2", false},
                {"\xc2 ", false},
                {"\xe0\x80\x80", false},
                {"\xe0\x9f\xbf", false},
                {"\xe2\x82", false},
                {"\xe2\x82 ", false},
                {"\xed\xa0\x80", false},
                {"\xed\xbf\xbf", false},
                {"\xf0\x8f\xbf\xbf", false},
                {"\xf0\x90\x80", false},
                {"\xf4\x90\x80\x80", false},
                {"\xf5\x80\x80\x80", false},
                {"\xf8\x88\x80\x80\x80", false},
                {"\xff", false},
                {"good\xfe", false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t n = strlen(cases[i].s);
                char *exact = malloc(n + 1); /* so that a read beyond the end is seen */
                memcpy(exact, cases[i].s, n);
                ck_assert_msg(text_utf8_valid(exact, n) == cases[i].valid, "case %zu", i);
                free(exact);
        }
        ck_assert(text_utf8_valid("a\0b", 3));
}
END_TEST

START_TEST(cutting_between_characters)
{
        const char *s = "a\xe2\x82\xb9z"; /* a, rupee sign, z */

        ck_assert_uint_eq(text_utf8_cut(s, 5, 9), 5);
        ck_assert_uint_eq(text_utf8_cut(s, 5, 5), 5);
        ck_assert_uint_eq(text_utf8_cut(s, 5, 4), 4);
        ck_assert_uint_eq(text_utf8_cut(s, 5, 3), 1);
        ck_assert_uint_eq(text_utf8_cut(s, 5, 2), 1);
        ck_assert_uint_eq(text_utf8_cut(s, 5, 1), 1);
        ck_assert_uint_eq(text_utf8_cut(s, 5, 0), 0);
        ck_assert_uint_eq(text_utf8_cut("\x80\x80", 2, 1), 0);
}
END_TEST

START_TEST(parsing_integers)
{
        static const struct {
                const char *s;
                int64_t min, max;
                int r;
                int64_t value;
        } cases[] = {
                {"0", 0, 10, 0, 0},
                {"10", 0, 10, 0, 10},
                {"11", 0, 10, -ERANGE, 0},
                {"-1", 0, 10, -ERANGE, 0},
                {"-1", -1, 10, 0, -1},
                {"-0", 0, 10, 0, 0},
                {"007", 0, 10, 0, 7},
                {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
                {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
                {"9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0},
                {"-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0},
                {"99999999999999999999999999", INT64_MIN, INT64_MAX, -ERANGE, 0},
                {"99999999999999999999999999x", INT64_MIN, INT64_MAX, -EINVAL, 0},
                {"", 0, 10, -EINVAL, 0},
                {"-", -10, 10, -EINVAL, 0},
                {"+1", 0, 10, -EINVAL, 0},
                {" 1", 0, 10, -EINVAL, 0},
                {"1 ", 0, 10, -EINVAL, 0},
                {"1.0", 0, 10, -EINVAL, 0},
                {"0x1", 0, 10, -EINVAL, 0},
                {"--1", -10, 10, -EINVAL, 0},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t value = 77;
                int r = text_parse_int(cases[i].s, strlen(cases[i].s), cases[i].min, cases[i].max,
                                       &value);
                ck_assert_msg(r == cases[i].r, "\"%s\": %d", cases[i].s, r);
                ck_assert_int_eq(value, r == 0 ? cases[i].value : 77);
        }
        int64_t value;
        ck_assert_int_eq(text_parse_int("123", 2, 0, 1000, &value), 0);
        ck_assert_int_eq(value, 12);
        ck_assert_int_eq(text_parse_int("1\0", 2, 0, 1000, &value), -EINVAL);
}
END_TEST

SUITE("text", grows_and_terminates, stops_at_its_maximum, the_default_maximum_holds,
      nothing_is_added_after_a_failure, reserved_room_does_not_move, integers,
      formats_longer_than_the_room, encodings, taking_the_buffer, fixed_buffers, comparisons, utf8,
      cutting_between_characters, parsing_integers)
