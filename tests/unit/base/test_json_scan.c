#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

/* In memory of exactly its size, so that a sanitizer sees a read beyond the end. */
static int scan(const char *s, size_t n, const struct json_limits *limits, struct json_fault *ret)
{
        char *exact = malloc(n ? n : 1);

        memcpy(exact, s, n);
        int r = json_scan(exact, n, limits, ret);
        free(exact);
        return r;
}

START_TEST(good_documents)
{
        static const char *const good[] = {
                "{}",
                "[]",
                " \t\r\n{ } \n",
                "0",
                "-0",
                "null",
                "true",
                "false",
                "\"\"",
                "12.50",
                "1e5",
                "1E-5",
                "1.5e+10",
                "1e999999999",
                "0.00000000000000000000000000001",
                "9223372036854775807",
                "-9223372036854775808",
                "{\"a\":1,\"b\":[1,2,{\"a\":null}],\"c\":{\"a\":true}}",
                "[ 1 , 2 , [ ] , { } ]",
                "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20b9\\uD83D\\uDE00\"",
                "\"\xc3\xa9\xe2\x82\xb9\xf0\x9f\x98\x80\x7f\"",
                "{\"\":1}",
                "{\"a\":1,\"A\":2,\"a \":3}",
                "[{\"a\":1},{\"a\":1}]",
                "{\"a\":{\"a\":{\"a\":1}}}",
                "[[[[[[[[]]]]]]]]",
        };

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                struct json_fault fault = {};
                int r = scan(good[i], strlen(good[i]), NULL, &fault);
                ck_assert_msg(r == 0, "%s: \"%s\" %s", good[i], fault.pointer, fault.detail);
                struct json_object *o = NULL; /* json-c agrees */
                r = json_parse(good[i], strlen(good[i]), NULL, &o, &fault);
                ck_assert_msg(r == 0, "%s: %s", good[i], fault.detail);
                json_object_put(o);
        }
}
END_TEST

static const struct {
        const char *document, *pointer, *detail;
} malformed[] = {
        {"", "", "empty"},
        {" ", "", "too early"},
        {"\n\t ", "", "too early"},
        {"{", "", "too early"},
        {"[", "/0", "too early"},
        {"[1", "", "too early"},
        {"[1,", "/1", "too early"},
        {"{\"a\"", "/a", "too early"},
        {"{\"a\":", "/a", "too early"},
        {"{\"a\":1", "", "too early"},
        {"{\"a\":1,", "", "too early"},
        {"{\"a", "", "too early"},
        {"\"abc", "", "too early"},
        {"\"abc\\", "", "too early"},
        {"\"abc\\u00", "", "too early"},
        {"{\"a\":{\"b\":[1,{\"c\":\"x", "/a/b/1/c", "too early"},
        {"{}{}", "", "behind the end"},
        {"{} x", "", "behind the end"},
        {"1 2", "", "behind the end"},
        {"null,", "", "behind the end"},
        {"\"a\"b", "", "behind the end"},
        {"[]]", "", "behind the end"},
        {"{,}", "", "member name"},
        {"{\"a\":1,}", "", "member name"},
        {"{a:1}", "", "member name"},
        {"{'a':1}", "", "member name"},
        {"{1:1}", "", "member name"},
        {"{\"a\":1 \"b\":2}", "", "comma or a closing brace"},
        {"{\"a\":{\"b\":1]}", "/a", "comma or a closing brace"},
        {"[1}", "", "comma or a closing bracket"},
        {"[1 2]", "", "comma or a closing bracket"},
        {"[1;2]", "", "comma or a closing bracket"},
        {"{\"a\" 1}", "/a", "colon"},
        {"{\"a\",1}", "/a", "colon"},
        {"{\"a\"::1}", "/a", "value was expected"},
        {"[,]", "/0", "value was expected"},
        {"[1,]", "/1", "value was expected"},
        {"[1,,2]", "/1", "value was expected"},
        {"{\"a\":}", "/a", "value was expected"},
        {"]", "", "value was expected"},
        {"}", "", "value was expected"},
        {":", "", "value was expected"},
        {"tru", "", "value was expected"},
        {"True", "", "value was expected"},
        {"nul", "", "value was expected"},
        {"truex", "", "behind the end"},
        {"NaN", "", "value was expected"},
        {"Infinity", "", "value was expected"},
        {"-Infinity", "", "not a number"},
        {"undefined", "", "value was expected"},
        {"'a'", "", "value was expected"},
        {"/* c */ 1", "", "value was expected"},
        {"{\"a\":1 // c\n}", "", "comma or a closing brace"},
        {"# c\n1", "", "value was expected"},
        {"\xef\xbb\xbf{}", "", "value was expected"},
        {"\x0c{}", "", "value was expected"},
        {"01", "", "not a number"},
        {"-01", "", "not a number"},
        {"00", "", "not a number"},
        {"+1", "", "value was expected"},
        {".5", "", "value was expected"},
        {"[5.]", "/0", "not a number"},
        {"[5.e1]", "/0", "not a number"},
        {"[-]", "/0", "not a number"},
        {"[1e]", "/0", "not a number"},
        {"[1e+]", "/0", "not a number"},
        {"[1.2.3]", "", "comma or a closing bracket"},
        {"[0x1F]", "", "comma or a closing bracket"},
        {"[1_000]", "", "comma or a closing bracket"},
        {"{\"quantity\":9223372036854775808}", "/quantity", "too many digits"},
        {"{\"quantity\":-9223372036854775809}", "/quantity", "too many digits"},
        {"[1,{\"q\":10000000000000000000000000000000}]", "/1/q", "too many digits"},
        {"{\"a\":1,\"a\":1}", "/a", "twice"},
        {"{\"a\":1,\"\\u0061\":1}", "/a", "twice"},
        {"{\"\\u20b9\":1,\"\xe2\x82\xb9\":1}", "/\xe2\x82\xb9", "twice"},
        {"{\"\":1,\"\":1}", "/", "twice"},
        {"{\"legs\":[{\"x\":1},{\"x\":1,\"y\":2,\"x\":3}]}", "/legs/1/x", "twice"},
        {"{\"a/b\":{\"m~n\":[x]}}", "/a~1b/m~0n/0", "value was expected"},
        {"{\"a\\/b\":{\"c\":x}}", "/a~1b/c", "value was expected"},
        {"{\"a\":\"\x01\"}", "/a", "control character"},
        {"{\"a\":\"x\ny\"}", "/a", "control character"},
        {"{\"a\tb\":1}", "", "control character"},
        {"{\"a\":\"\\x41\"}", "/a", "escape sequence"},
        {"{\"a\":\"\\'\"}", "/a", "escape sequence"},
        {"{\"a\":\"\\U0041\"}", "/a", "escape sequence"},
        {"{\"a\":\"\\u004g\"}", "/a", "hexadecimal"},
        {"{\"a\":\"\\u+041\"}", "/a", "hexadecimal"},
        {"{\"a\":\"\\u 041\"}", "/a", "hexadecimal"},
        {"{\"a\":\"\\u0000\"}", "/a", "U+0000"},
        {"{\"\\u0000\":1}", "", "U+0000"},
        {"{\"a\":\"\\ud800\"}", "/a", "surrogate"},
        {"{\"a\":\"\\ud800x\"}", "/a", "surrogate"},
        {"{\"a\":\"\\ud800\\n12345\"}", "/a", "surrogate"},
        {"{\"a\":\"\\ud800\\u0041\"}", "/a", "surrogate"},
        {"{\"a\":\"\\ud800\\ud800\"}", "/a", "surrogate"},
        {"{\"a\":\"\\ud800\\uzzzz\"}", "/a", "surrogate"},
        {"{\"a\":\"\\udc00\\ud800\"}", "/a", "surrogate"},
        {"{\"a\":\"\\udfff\"}", "/a", "surrogate"},
        {"{\"a\":\"\x80\"}", "/a", "UTF-8"},
        {"{\"a\":\"\xc0\xaf\"}", "/a", "UTF-8"},
        {"{\"a\":\"\xe0\x80\xaf\"}", "/a", "UTF-8"},
        {"{\"a\":\"\xed\xa0\x80\"}", "/a", "UTF-8"},
        {"{\"a\":\"\xf4\x90\x80\x80\"}", "/a", "UTF-8"},
        {"{\"a\":\"\xff\"}", "/a", "UTF-8"},
        {"{\"a\":\"\xe2\x82\"}", "/a", "UTF-8"},
        {"{\"\xc3\":1}", "", "UTF-8"},
        {"\xff\xfe{", "", "value was expected"},
        {"[[[[[[[[[]]]]]]]]]", "/0/0/0/0/0/0/0/0", "levels"},
        {"{\"a\":[[[[[[[{}]]]]]]]}", "/a/0/0/0/0/0/0/0", "levels"},
};

START_TEST(malformed_documents)
{
        for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
                struct json_fault fault;
                memset(&fault, 'x', sizeof(fault));
                const char *document = malformed[i].document;
                int r = scan(document, strlen(document), NULL, &fault);
                ck_assert_msg(r == 1, "%s: %d", document, r);
                ck_assert_msg(strcmp(fault.pointer, malformed[i].pointer) == 0,
                              "%s: pointer \"%s\"", document, fault.pointer);
                ck_assert_msg(strstr(fault.detail, malformed[i].detail), "%s: \"%s\"", document,
                              fault.detail);
                ck_assert(fault.detail[strlen(fault.detail) - 1] != '.');

                struct json_object *o = (struct json_object *)&fault;
                ck_assert_int_eq(json_parse(document, strlen(document), NULL, &o, &fault), 1);
                ck_assert_ptr_eq(o, &fault); /* untouched */
        }
}
END_TEST

START_TEST(nul_bytes)
{
        struct json_fault fault;

        ck_assert_int_eq(scan("\0", 1, NULL, &fault), 1);
        ck_assert_int_eq(scan("{}\0", 3, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "");
        ck_assert_int_eq(scan("{\"a\":\"x\0y\"}", 11, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/a");
        ck_assert_int_eq(scan("{\"a\0b\":1}", 9, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "");
        ck_assert_int_eq(scan("[\"\\\0\"]", 6, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/0");
}
END_TEST

START_TEST(every_prefix_is_refused)
{
        static const char document[] =
                "{\"symbol\":\"NSE:X\",\"legs\":[{\"a\":-1.5e-3,\"\\u20b9\":\"\\ud83d\\ude00\"},"
                "[true,false,null]],\"\xe2\x82\xb9\":\"\xf0\x9f\x98\x80\"}";
        struct json_fault fault;

        ck_assert_int_eq(scan(document, sizeof(document) - 1, NULL, &fault), 0);
        for (size_t n = 0; n < sizeof(document) - 1; n++)
                ck_assert_msg(scan(document, n, NULL, &fault) == 1, "%zu bytes", n);
}
END_TEST

START_TEST(limits)
{
        static const struct json_limits tight = {.depth = 2, .members = 3}, deep = {.depth = 40};
        struct json_fault fault;

        ck_assert_int_eq(scan("[[1,2]]", 7, &tight, &fault), 0);
        ck_assert_int_eq(scan("[[1,2,3]]", 9, &tight, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/0/2");
        ck_assert_str_eq(fault.detail, "the document has more than 3 members and elements");
        ck_assert_int_eq(scan("{\"a\":1,\"b\":2,\"c\":3}", 19, &tight, &fault), 0);
        ck_assert_int_eq(scan("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", 25, &tight, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/d");
        ck_assert_int_eq(scan("[[[]]]", 6, &tight, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/0/0");
        ck_assert_str_eq(fault.detail, "the document has more than 2 levels");

        char nested[200] = {};
        memset(nested, '[', 40);
        memset(nested + 40, ']', 40);
        struct json_object *o;
        ck_assert_int_eq(json_parse(nested, 80, &deep, &o, &fault), 0);
        json_object_put(o);
        memset(nested, '[', 41);
        memset(nested + 41, ']', 41);
        ck_assert_int_eq(scan(nested, 82, &deep, &fault), 1);
}
END_TEST

START_TEST(a_million_brackets)
{
        size_t n = 1000000;
        char *s = malloc(n);
        struct json_fault fault;

        memset(s, '[', n);
        ck_assert_int_eq(json_scan(s, n, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/0/0/0/0/0/0/0/0");
        for (size_t i = 0; i + 5 <= n; i += 5)
                memcpy(s + i, "{\"a\":", 5);
        ck_assert_int_eq(json_scan(s, n, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/a/a/a/a/a/a/a/a");
        free(s);
}
END_TEST

START_TEST(duplicates_among_many)
{
        static const struct json_limits wide = {.members = 100000};
        struct text t = TEXT_NULL;
        struct json_fault fault;

        text_add_char(&t, '{');
        for (int i = 0; i < 50000; i++)
                text_addf(&t, "\"key%d\":%d,", i, i);
        size_t n = t.len;
        text_add(&t, "\"last\":1}");
        ck_assert_int_eq(json_scan(t.data, t.len, &wide, &fault), 0);
        ck_assert_int_eq(json_scan(t.data, t.len, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/key512");

        t.len = n;
        text_add(&t, "\"key31234\":1}");
        ck_assert_int_eq(json_scan(t.data, t.len, &wide, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/key31234");
        ck_assert_str_eq(fault.detail, "the member appears twice");
        text_done(&t);
}
END_TEST

/* What was closed is forgotten, also when the set has grown meanwhile; what is open is not. */
START_TEST(duplicates_around_closed_objects)
{
        static const struct json_limits wide = {.members = 100000};
        struct text t = TEXT_NULL;
        struct json_fault fault;

        text_add(&t, "{\"rows\":[");
        for (int i = 0; i < 300; i++) {
                text_add(&t, i > 0 ? ",{\"id\":1" : "{\"id\":1");
                for (int k = 0; k < i; k++)
                        text_addf(&t, ",\"k%d\":{\"id\":2}", k);
                text_add_char(&t, '}');
        }
        text_add_char(&t, ']');
        size_t n = t.len;
        text_add(&t, ",\"k7\":0,\"id\":0}");
        ck_assert_int_eq(json_scan(t.data, t.len, &wide, &fault), 0);
        t.len = n;
        text_add(&t, ",\"k7\":0,\"rows\":0}");
        ck_assert_int_eq(json_scan(t.data, t.len, &wide, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/rows");
        t.len = n - 2; /* in the last row again */
        text_add(&t, ",\"k298\":0}]}");
        ck_assert_int_eq(json_scan(t.data, t.len, &wide, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/rows/299/k298");
        text_done(&t);
}
END_TEST

START_TEST(pointers_are_cut_between_names)
{
        struct text t = TEXT_NULL;
        struct json_fault fault;

        text_add(&t, "{\"a\":{\"");
        for (int i = 0; i < 300; i++)
                text_add(&t, "\xe2\x82\xb9");
        text_add(&t, "\":{\"b\":x}}}");
        ck_assert_int_eq(json_scan(t.data, t.len, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/a");

        text_clear(&t);
        text_add(&t, "{\"");
        for (int i = 0; i < 63; i++) /* 126 bytes once they are escaped, and the slash */
                text_add_char(&t, '~');
        text_add(&t, "\":x}");
        ck_assert_int_eq(json_scan(t.data, t.len, NULL, &fault), 1);
        ck_assert_uint_eq(strlen(fault.pointer), 127);
        text_clear(&t);
        text_add(&t, "{\"");
        for (int i = 0; i < 64; i++)
                text_add_char(&t, '~');
        text_add(&t, "\":x}");
        ck_assert_int_eq(json_scan(t.data, t.len, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "");
        text_done(&t);
}
END_TEST

START_TEST(a_large_document)
{
        static const struct json_limits wide = {.members = 1000000};
        struct text t = TEXT_NULL;
        struct json_fault fault;

        text_add_char(&t, '[');
        for (int i = 0; i < 100000; i++)
                text_addf(&t, "%s{\"symbol\":\"S%d\",\"price\":%d.05}", i ? "," : "", i, i);
        text_add_char(&t, ']');
        struct json_object *o = NULL;
        ck_assert_int_eq(json_parse(t.data, t.len, &wide, &o, &fault), 0);
        ck_assert_uint_eq(json_object_array_length(o), 100000);
        json_object_put(o);
        ck_assert_int_eq(json_scan(t.data, t.len, NULL, &fault), 1);
        ck_assert_str_eq(fault.pointer, "/170/price"); /* 171 elements, 2 * 171 names: 513 */
        text_done(&t);
}
END_TEST

SUITE("json_scan", good_documents, malformed_documents, nul_bytes, every_prefix_is_refused, limits,
      a_million_brackets, duplicates_among_many, duplicates_around_closed_objects,
      pointers_are_cut_between_names, a_large_document)
