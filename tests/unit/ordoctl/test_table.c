#include "suite.h"

#include <string.h>

#include "ordoctl/table.h"

static const struct column columns[] = {{"NAME", "name", COLUMN_TEXT},
                                        {"N", "deep.n", COLUMN_NUMBER},
                                        {"STATE", "state", COLUMN_STATE},
                                        {"AT", "at", COLUMN_TIME}};

static char *print(struct table *t, const char *when_empty)
{
        static struct text out;
        text_clear(&out);
        table_print(t, when_empty, &out);
        ck_assert_int_eq(out.failed, 0);
        table_done(t);
        return out.data;
}

START_TEST(test_aligned)
{
        struct table t = TABLE(columns, false);
        table_add(&t, (const char *const[]){"a", "5", "ok", "2026-11-23T09:15:00.000123Z"});
        table_add(&t, (const char *const[]){"longer", "12345", NULL, "never"});
        ck_assert_str_eq(print(&t, NULL), "NAME        N  STATE  AT\n"
                                          "a           5  ok     2026-11-23 14:45:00\n"
                                          "longer  12345         never\n");
}
END_TEST

START_TEST(test_from_json)
{
        _cleanup_(json_freep) struct json_object *list = json_tokener_parse(
                "[{\"name\":\"x\",\"deep\":{\"n\":1.10},\"state\":true,\"at\":null},"
                "{\"name\":[\"a\",\"b\"],\"deep\":7}, 5, null]");
        struct table t = TABLE(columns, false);
        table_add_list(&t, list);
        ck_assert_uint_eq(t.n_rows, 4);
        ck_assert_str_eq(print(&t, NULL), "NAME     N  STATE\nx     1.10  yes\na,b\n\n\n");
        table_add_list(&t, NULL);
}
END_TEST

START_TEST(test_empty)
{
        struct table t = TABLE(columns, false);
        ck_assert_str_eq(print(&t, "There is nothing."), "There is nothing.\n");
        struct text out = TEXT_NULL;
        struct table u = TABLE(columns, false);
        table_print(&u, NULL, &out);
        ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(test_colour)
{
        struct table t = TABLE(columns, true);
        table_add(&t, (const char *const[]){"ok", NULL, "FILLED", NULL});
        table_add(&t, (const char *const[]){"x", NULL, "REJECTED", NULL});
        table_add(&t, (const char *const[]){"x", NULL, "whatever", NULL});
        const char *s = print(&t, NULL);
        ck_assert_ptr_nonnull(strstr(s, "\nok    \033[32mFILLED\033[0m\n"));
        ck_assert_ptr_nonnull(strstr(s, "\033[31mREJECTED\033[0m\n"));
        ck_assert_ptr_nonnull(strstr(s, "\nx     whatever\n"));
}
END_TEST

START_TEST(test_characters_not_bytes)
{
        static const struct column two[] = {{"A", "", COLUMN_TEXT}, {"B", "", COLUMN_TEXT}};
        struct table t = TABLE(two, false);
        table_add(&t, (const char *const[]){"₹é", "x"});
        table_add(&t, (const char *const[]){"abc", "x"});
        ck_assert_str_eq(print(&t, NULL), "A    B\n₹é   x\nabc  x\n");
}
END_TEST

START_TEST(test_nothing_moves_the_cursor)
{
        static const struct column one[] = {{"A", "", COLUMN_TEXT}};
        struct table t = TABLE(one, false);
        table_add(&t, (const char *const[]){"a\033[2J\nb\tc\x7f\xc2\x9b"
                                            "d\xff"});
        ck_assert_str_eq(print(&t, NULL), "A\na?[2J b c??d?\n");
}
END_TEST

START_TEST(test_cell_is_bounded)
{
        static const struct column one[] = {{"A", "", COLUMN_TEXT}};
        static char big[100000];
        struct text out = TEXT_NULL;
        struct table t = TABLE(one, false);
        memset(big, 'x', sizeof(big) - 1);
        table_add(&t, (const char *const[]){big});
        table_print(&t, NULL, &out);
        ck_assert(out.failed || out.len < 10000);
        table_done(&t);
        text_done(&out);
}
END_TEST

START_TEST(test_path)
{
        _cleanup_(json_freep) struct json_object *o =
                json_tokener_parse("{\"a\":{\"b\":{\"c\":3}}}");
        ck_assert_int_eq(json_object_get_int(json_at(o, "a.b.c")), 3);
        ck_assert_ptr_null(json_at(o, "a.x.c"));
        ck_assert_ptr_null(json_at(o, "a.b.c.d"));
        ck_assert_ptr_null(json_at(NULL, "a"));
        ck_assert_ptr_eq(json_at(o, ""), o);
}
END_TEST

SUITE("table", test_aligned, test_from_json, test_empty, test_colour, test_characters_not_bytes,
      test_nothing_moves_the_cursor, test_cell_is_bounded, test_path)
