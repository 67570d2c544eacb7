#include "suite.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"

static struct json_object *parse(const char *s)
{
        struct json_object *o = NULL;
        struct json_fault fault;

        ck_assert_int_eq(json_parse(s, strlen(s), NULL, &o, &fault), 0);
        return o;
}

START_TEST(getters)
{
        _cleanup_(json_freep) struct json_object *o =
                parse("{\"s\":\"text\",\"e\":\"\",\"i\":42,\"n\":null,\"b\":true,\"f\":false,"
                      "\"d\":812.50,\"w\":5.0,\"x\":1e3,\"a\":[],\"o\":{}}");
        const char *s = "untouched";
        int64_t i = 77;
        bool b = false;

        ck_assert_int_eq(json_get_string(o, "s", &s), 0);
        ck_assert_str_eq(s, "text");
        ck_assert_int_eq(json_get_string(o, "e", &s), 0);
        ck_assert_str_eq(s, "");
        ck_assert_int_eq(json_get_string(o, "n", &s), 1);
        ck_assert_int_eq(json_get_string(o, "absent", &s), 1);
        ck_assert_int_eq(json_get_string(o, "i", &s), -EINVAL);
        ck_assert_int_eq(json_get_string(o, "o", &s), -EINVAL);
        ck_assert_str_eq(s, "");

        ck_assert_int_eq(json_get_int(o, "i", 0, 100, &i), 0);
        ck_assert_int_eq(i, 42);
        ck_assert_int_eq(json_get_int(o, "i", 0, 41, &i), -ERANGE);
        ck_assert_int_eq(json_get_int(o, "i", 43, 100, &i), -ERANGE);
        ck_assert_int_eq(json_get_int(o, "s", 0, 100, &i), -EINVAL);
        ck_assert_int_eq(json_get_int(o, "d", 0, 1000, &i), -EINVAL);
        ck_assert_int_eq(json_get_int(o, "b", 0, 1000, &i), -EINVAL);
        ck_assert_int_eq(json_get_int(o, "n", 0, 1000, &i), 1);
        ck_assert_int_eq(i, 42);
        ck_assert_int_eq(json_get_int(o, "w", 0, 1000, &i), 0);
        ck_assert_int_eq(i, 5);
        ck_assert_int_eq(json_get_int(o, "x", 0, 1000, &i), 0);
        ck_assert_int_eq(i, 1000);

        ck_assert_int_eq(json_get_bool(o, "b", &b), 0);
        ck_assert(b);
        ck_assert_int_eq(json_get_bool(o, "f", &b), 0);
        ck_assert(!b);
        ck_assert_int_eq(json_get_bool(o, "i", &b), -EINVAL);
        ck_assert_int_eq(json_get_bool(o, "s", &b), -EINVAL);
        ck_assert_int_eq(json_get_bool(o, "absent", &b), 1);
}
END_TEST

START_TEST(getters_on_what_is_no_object)
{
        _cleanup_(json_freep) struct json_object *array = parse("[1]");
        const char *s;
        int64_t i;
        bool b;

        ck_assert_int_eq(json_get_string(array, "0", &s), -EINVAL);
        ck_assert_int_eq(json_get_int(array, "0", 0, 1, &i), -EINVAL);
        ck_assert_int_eq(json_get_decimal(array, "0", &i), -EINVAL);
        ck_assert_int_eq(json_get_bool(array, "0", &b), -EINVAL);
        ck_assert_int_eq(json_get_string(NULL, "0", &s), 1);
        ck_assert_int_eq(json_value_int(NULL, 0, 1, &i), 1);
        ck_assert_int_eq(json_value_decimal(NULL, &i), 1);
}
END_TEST

START_TEST(decimals_keep_their_digits)
{
        static const struct {
                const char *document;
                int r;
                int64_t value;
        } cases[] = {
                {"{\"p\":812.50}", 0, 8125000},
                {"{\"p\":\"812.50\"}", 0, 8125000},
                {"{\"p\":0.1}", 0, 1000},
                {"{\"p\":99999999999999.9999}", 0, DECIMAL_MAX - 1},
                {"{\"p\":-99999999999999.9999}", 0, 1 - DECIMAL_MAX},
                {"{\"p\":88.0025}", 0, 880025},
                {"{\"p\":1e3}", 0, 10000000},
                {"{\"p\":8.125E2}", 0, 8125000},
                {"{\"p\":-0}", 0, 0},
                {"{\"p\":-0.0}", 0, 0},
                {"{\"p\":100000000000000}", 0, DECIMAL_MAX},
                {"{\"p\":100000000000001}", -ERANGE, 0},
                {"{\"p\":9223372036854775807}", -ERANGE, 0},
                {"{\"p\":1e400}", -ERANGE, 0},
                {"{\"p\":-1e99999999999}", -ERANGE, 0},
                {"{\"p\":1e-400}", -EINVAL, 0},
                {"{\"p\":0.00001}", -EINVAL, 0},
                {"{\"p\":812.50000000000000001}", -EINVAL, 0}, /* a double would round it */
                {"{\"p\":\"812.50000000000000001\"}", -EINVAL, 0},
                {"{\"p\":\"1e3\"}", -EINVAL, 0},
                {"{\"p\":\"\"}", -EINVAL, 0},
                {"{\"p\":\" 1\"}", -EINVAL, 0},
                {"{\"p\":\"999999999999999999\"}", -ERANGE, 0},
                {"{\"p\":true}", -EINVAL, 0},
                {"{\"p\":[1]}", -EINVAL, 0},
                {"{\"p\":{}}", -EINVAL, 0},
                {"{\"p\":null}", 1, 0},
                {"{}", 1, 0},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_(json_freep) struct json_object *o = parse(cases[i].document);
                int64_t value = 77;
                int r = json_get_decimal(o, "p", &value);
                ck_assert_msg(r == cases[i].r, "%s: %d", cases[i].document, r);
                ck_assert_msg(value == (r == 0 ? cases[i].value : 77), "%s: %lld",
                              cases[i].document, (long long)value);
        }
}
END_TEST

START_TEST(integers_do_not_saturate)
{
        _cleanup_(json_freep) struct json_object *o =
                parse("[9223372036854775807,-9223372036854775808,1e17,1e300,123456789012345.5]");
        int64_t i = 0;

        ck_assert_int_eq(json_value_int(json_object_array_get_idx(o, 0), INT64_MIN, INT64_MAX, &i),
                         0);
        ck_assert_int_eq(i, INT64_MAX);
        ck_assert_int_eq(json_value_int(json_object_array_get_idx(o, 1), INT64_MIN, INT64_MAX, &i),
                         0);
        ck_assert_int_eq(i, INT64_MIN);
        for (size_t k = 2; k < 5; k++)
                ck_assert_int_eq(
                        json_value_int(json_object_array_get_idx(o, k), INT64_MIN, INT64_MAX, &i),
                        -ERANGE);
}
END_TEST

START_TEST(top_level_scalars)
{
        _cleanup_(json_freep) struct json_object *number = parse("12.5");
        _cleanup_(json_freep) struct json_object *string = parse("\"x\"");
        int64_t value;

        ck_assert_int_eq(json_value_decimal(number, &value), 0);
        ck_assert_int_eq(value, 125000);
        ck_assert_str_eq(json_object_get_string(string), "x");
        ck_assert_ptr_null(parse("null"));
}
END_TEST

START_TEST(writes_everything)
{
        struct text t = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&t);

        json_object_begin(&w, NULL);
        json_put_string(&w, "s", "a\"b");
        json_put_string(&w, "none", NULL);
        json_put_bytes(&w, "n", "a\0b", 3);
        json_put_int(&w, "i", -5);
        json_put_bool(&w, "t", true);
        json_put_bool(&w, "f", false);
        json_put_null(&w, "z");
        json_put_decimal(&w, "d", 8125000);
        json_put_time(&w, "at", INT64_C(1795425300000123));
        json_put_time(&w, "never", 0);
        json_put_raw(&w, "raw", "[1,2]", 5);
        json_array_begin(&w, "a");
        json_put_int(&w, NULL, 1);
        json_put_string(&w, NULL, "x");
        json_object_begin(&w, NULL);
        json_object_finish(&w);
        json_array_begin(&w, NULL);
        json_array_finish(&w);
        json_object_begin(&w, NULL);
        json_put_int(&w, "k\n", 1);
        json_object_finish(&w);
        json_array_finish(&w);
        json_put_int(&w, "end", 0);
        json_object_finish(&w);
        ck_assert_str_eq(text_str(&t),
                         "{\"s\":\"a\\\"b\",\"none\":null,\"n\":\"a\\u0000b\",\"i\":-5,\"t\":true,"
                         "\"f\":false,\"z\":null,\"d\":\"812.50\","
                         "\"at\":\"2026-11-23T09:15:00.000123Z\",\"never\":null,\"raw\":[1,2],"
                         "\"a\":[1,\"x\",{},[],{\"k\\n\":1}],\"end\":0}");
        text_done(&t);
}
END_TEST

START_TEST(writes_milliseconds)
{
        static const struct {
                int64_t us;
                const char *text;
        } cases[] = {
                {0, "0.0"},
                {49, "0.0"},
                {50, "0.1"},
                {99, "0.1"},
                {1000, "1.0"},
                {1049, "1.0"},
                {1050, "1.1"},
                {999949, "999.9"},
                {999950, "1000.0"},
                {-1050, "-1.1"},
                {-10, "0.0"},
                {INT64_MAX, "9223372036854775.8"},
                {INT64_MIN, "-9223372036854775.8"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct text t = TEXT_NULL;
                struct json_writer w = JSON_WRITER(&t);
                json_put_ms(&w, NULL, cases[i].us);
                ck_assert_str_eq(text_str(&t), cases[i].text);
                text_done(&t);
        }
}
END_TEST

START_TEST(writes_words)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&t);

        json_object_begin(&w, NULL);
        json_put_words(&w, "none", "");
        json_put_words(&w, "one", "A");
        json_put_words(&w, "more", "A \"B C");
        json_object_finish(&w);
        ck_assert_str_eq(text_str(&t), "{\"none\":[],\"one\":[\"A\"],"
                                       "\"more\":[\"A\",\"\\\"B\",\"C\"]}");
}
END_TEST

START_TEST(quotes_anything)
{
        struct text t = TEXT_NULL;
        char all[256];

        json_add_quoted(&t, "\b\f\n\r\t\x01\x1f\x7f/\\\"", 11);
        ck_assert_str_eq(text_str(&t), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f/\\\\\\\"\"");
        text_clear(&t);
        json_add_quoted(&t, "\xe2\x82\xb9 \xe2\x82 \xff\xc3\xa9", 10);
        ck_assert_str_eq(text_str(&t), "\"\xe2\x82\xb9 \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd"
                                       "\xc3\xa9\"");

        for (int i = 0; i < 256; i++)
                all[i] = (char)i;
        for (int i = 0; i < 256; i++) { /* from any byte on, what comes out is JSON */
                struct json_fault fault;
                text_clear(&t);
                json_add_quoted(&t, all + i, (size_t)(256 - i));
                int r = json_scan(t.data, t.len, NULL, &fault);
                ck_assert(r == 0 || (i == 0 && strstr(fault.detail, "U+0000")));
        }
        text_done(&t);
}
END_TEST

START_TEST(a_full_text_is_noticed_once_at_the_end)
{
        struct text t = {.max = 16};
        struct json_writer w = JSON_WRITER(&t);

        json_object_begin(&w, NULL);
        for (int i = 0; i < 100; i++)
                json_put_string(&w, "key", "a long value that will not fit");
        json_object_finish(&w);
        ck_assert_int_eq(t.failed, -E2BIG);
        ck_assert_uint_le(t.len, 16);
        text_done(&t);
}
END_TEST

SUITE("json", getters, getters_on_what_is_no_object, decimals_keep_their_digits,
      integers_do_not_saturate, top_level_scalars, writes_everything, writes_milliseconds,
      writes_words, quotes_anything, a_full_text_is_noticed_once_at_the_end)
