#include "suite.h"

#include <errno.h>
#include <string.h>

#include "broker/fields.h"
#include "domain/words.h"

struct row {
        char id[9];
        int64_t count;
        int64_t price;
        enum side side;
        int64_t at_us;
};

static const struct word sides[] = {
        {SIDE_BUY, "B"}, {SIDE_SELL, "S"}, {SIDE_SELL, "SHORT"}, {0, NULL}};
static const struct word signs[] = {{SIDE_BUY, "1"}, {SIDE_SELL, "-1"}, {0, NULL}};

static const struct field texts[] = {
        FIELD_STRING("id", row, id, 0),        FIELD_INT("count", row, count, 0),
        FIELD_DECIMAL("price", row, price, 0), FIELD_WORD("side", row, side, sides, 0),
        FIELD_TIME("at", row, at_us, 0),       {.key = NULL},
};
static const struct field numbers[] = {
        FIELD_STRING("id", row, id, 0),
        FIELD_INT("count", row, count, FIELD_AS_NUMBER),
        FIELD_DECIMAL("price", row, price, FIELD_AS_NUMBER),
        FIELD_WORD("side", row, side, signs, FIELD_AS_NUMBER),
        FIELD_TIME("at", row, at_us, FIELD_AS_NUMBER),
        {.key = NULL},
};
static const struct field lenient[] = {
        FIELD_STRING("id", row, id, FIELD_LENIENT),
        FIELD_INT("count", row, count, FIELD_LENIENT),
        FIELD_DECIMAL("price", row, price, FIELD_LENIENT),
        FIELD_WORD("side", row, side, signs, FIELD_LENIENT),
        FIELD_TIME("at", row, at_us, FIELD_LENIENT),
        {.key = NULL},
};
static const struct field optional[] = {
        FIELD_STRING("id", row, id, FIELD_OPTIONAL),
        FIELD_INT("count", row, count, FIELD_OPTIONAL),
        FIELD_DECIMAL("price", row, price, FIELD_OPTIONAL),
        FIELD_WORD("side", row, side, sides, FIELD_OPTIONAL),
        FIELD_TIME("at", row, at_us, FIELD_OPTIONAL),
        {.key = NULL},
};

static const struct row sample = {.id = "a\"b\\c",
                                  .count = -12,
                                  .price = 8125000,
                                  .side = SIDE_SELL,
                                  .at_us = 1795432100000123};

static void check_written(const struct field *table, const struct row *row, const char *expected)
{
        struct text t = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&t);

        json_object_begin(&w, NULL);
        fields_write(table, row, &w);
        json_object_finish(&w);
        ck_assert_str_eq(text_str(&t), expected);
        text_done(&t);
}

static int read_text(const struct field *table, const char *json, struct row *row, const char **bad)
{
        _cleanup_(json_freep) struct json_object *o = NULL;
        struct json_fault fault = {};

        int r = json_parse(json, strlen(json), NULL, &o, &fault);
        ck_assert_msg(r == 0, "%s: %s", json, fault.detail);
        return fields_read(table, o, row, bad);
}

START_TEST(writing)
{
        struct row zero = {};

        check_written(texts, &sample,
                      "{\"id\":\"a\\\"b\\\\c\",\"count\":\"-12\",\"price\":\"812.50\","
                      "\"side\":\"S\",\"at\":\"1795432100000123\"}");
        check_written(numbers, &sample,
                      "{\"id\":\"a\\\"b\\\\c\",\"count\":-12,\"price\":812.50,\"side\":-1,"
                      "\"at\":1795432100000123}");
        check_written(optional, &zero, "{\"side\":\"B\"}");
        check_written(texts, &zero,
                      "{\"id\":\"\",\"count\":\"0\",\"price\":\"0.00\",\"side\":\"B\","
                      "\"at\":\"0\"}");
}
END_TEST

/* Writing goes between other members. */
START_TEST(writing_inside_an_object)
{
        static const struct field one[] = {FIELD_INT("n", row, count, FIELD_AS_NUMBER),
                                           {.key = NULL}};
        struct text t = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&t);

        json_object_begin(&w, NULL);
        json_put_bool(&w, "before", true);
        fields_write(one, &sample, &w);
        json_put_bool(&w, "after", true);
        json_object_finish(&w);
        ck_assert_str_eq(text_str(&t), "{\"before\":true,\"n\":-12,\"after\":true}");
        text_done(&t);
}
END_TEST

START_TEST(a_round_trip)
{
        static const struct field *const tables[] = {texts, numbers, lenient, optional};

        for (size_t i = 0; i < ELEMENTS(tables); i++) {
                struct text t = TEXT_NULL;
                struct json_writer w = JSON_WRITER(&t);
                struct row row = {};
                const char *bad = NULL;

                json_object_begin(&w, NULL);
                fields_write(tables[i], &sample, &w);
                json_object_finish(&w);
                ck_assert_int_eq(read_text(tables[i], text_str(&t), &row, &bad), 0);
                ck_assert_ptr_null(bad);
                ck_assert_str_eq(row.id, sample.id);
                ck_assert_int_eq(row.count, sample.count);
                ck_assert_int_eq(row.price, sample.price);
                ck_assert_int_eq((int)row.side, (int)sample.side);
                ck_assert_int_eq(row.at_us, sample.at_us);
                text_done(&t);
        }
}
END_TEST

START_TEST(the_type_is_the_one_that_is_written)
{
        static const char as_texts[] =
                "{\"id\":\"x\",\"count\":\"5\",\"price\":\"1.5\",\"side\":\"-1\",\"at\":\"7\"}";
        static const char as_numbers[] =
                "{\"id\":17,\"count\":5,\"price\":1.50,\"side\":-1,\"at\":7}";
        struct row row = {};
        const char *bad;

        ck_assert_int_eq(read_text(numbers, as_texts, &row, &bad), -EINVAL);
        ck_assert_str_eq(bad, "count");
        ck_assert_int_eq(read_text(texts, as_numbers, &row, &bad), -EINVAL);
        ck_assert_str_eq(bad, "id");
        ck_assert_int_eq(read_text(lenient, as_texts, &row, &bad), 0);
        ck_assert_int_eq(read_text(lenient, as_numbers, &row, &bad), 0);
        ck_assert_str_eq(row.id, "17");
        ck_assert_int_eq(row.count, 5);
        ck_assert_int_eq(row.price, 15000);
        ck_assert_int_eq((int)row.side, SIDE_SELL);
        ck_assert_int_eq(row.at_us, 7);
}
END_TEST

START_TEST(absent_and_null)
{
        struct row row;
        const char *bad;

        memcpy(&row, &sample, sizeof(row)); /* padding, too: it is compared below */
        ck_assert_int_eq(read_text(optional, "{}", &row, &bad), 0);
        ck_assert_int_eq(read_text(optional,
                                   "{\"id\":null,\"count\":null,\"price\":null,\"side\":null,"
                                   "\"at\":null,\"more\":[]}",
                                   &row, &bad),
                         0);
        ck_assert_mem_eq(&row, &sample, sizeof(row));
        ck_assert_int_eq(read_text(texts, "{}", &row, &bad), -EINVAL);
        ck_assert_str_eq(bad, "id");
        ck_assert_int_eq(read_text(texts, "{\"id\":\"x\",\"count\":null}", &row, &bad), -EINVAL);
        ck_assert_str_eq(bad, "count");
        ck_assert_int_eq(read_text(texts, "{}", &row, NULL), -EINVAL);
}
END_TEST

START_TEST(what_is_no_object)
{
        static const char *const values[] = {"[]", "[{}]", "\"id\"", "7", "null", "true"};
        struct row row = {};

        for (size_t i = 0; i < ELEMENTS(values); i++) {
                ck_assert_int_eq(read_text(optional, values[i], &row, NULL), -EINVAL);
                ck_assert_int_eq(read_text(texts, values[i], &row, NULL), -EINVAL);
        }
}
END_TEST

/* One hostile value at a time, in the place of one good one. */
START_TEST(hostile_values)
{
        static const struct {
                const char *key, *value;
                int r;
        } rows[] = {
                {"id", "\"123456789\"", -ERANGE}, /* one character too long */
                {"id", "123456789", -ERANGE},
                {"id", "true", -EINVAL},
                {"id", "[\"x\"]", -EINVAL},
                {"id", "{}", -EINVAL},
                {"count", "\"\"", -EINVAL},
                {"count", "\" 5\"", -EINVAL},
                {"count", "\"5 \"", -EINVAL},
                {"count", "\"+5\"", -EINVAL},
                {"count", "\"0x10\"", -EINVAL},
                {"count", "\"1e3\"", -EINVAL},
                {"count", "\"5.0\"", -EINVAL},
                {"count", "5.5", -EINVAL},
                {"count", "1000000000000001", -ERANGE},
                {"count", "-1000000000000001", -ERANGE},
                {"count", "\"9223372036854775808\"", -ERANGE},
                {"count", "\"99999999999999999999999999\"", -ERANGE},
                {"count", "1e30", -ERANGE},
                {"count", "true", -EINVAL},
                {"count", "[5]", -EINVAL},
                {"price", "\"\"", -EINVAL},
                {"price", "\"1,000.00\"", -EINVAL},
                {"price", "\"812.5 \"", -EINVAL},
                {"price", "\"812.50001\"", -EINVAL},
                {"price", "812.50001", -EINVAL},
                {"price", "\"NaN\"", -EINVAL},
                {"price", "\"-\"", -EINVAL},
                {"price", "1e40", -ERANGE},
                {"price", "\"999999999999999999999\"", -ERANGE},
                {"price", "false", -EINVAL},
                {"side", "\"\"", -EINVAL},
                {"side", "\"2\"", -EINVAL},
                {"side", "\" 1\"", -EINVAL},
                {"side", "0", -EINVAL},
                {"side", "1.0", -EINVAL},
                {"side", "{}", -EINVAL},
                {"at", "-1", -ERANGE},
                {"at", "\"-1\"", -ERANGE},
                {"at", "253402300800000001", -ERANGE},
                {"at", "\"2026-11-23T09:15:00Z\"", -EINVAL},
                {"at", "true", -EINVAL},
        };
        static const char *const keys[] = {"id", "count", "price", "side", "at"};
        static const char *const good[] = {"\"x\"", "5", "1.5", "1", "7"};

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                struct text t = TEXT_NULL;
                struct json_writer w = JSON_WRITER(&t);
                struct row row = sample;
                const char *bad = NULL;

                json_object_begin(&w, NULL);
                for (size_t k = 0; k < ELEMENTS(keys); k++) {
                        const char *value =
                                strcmp(keys[k], rows[i].key) == 0 ? rows[i].value : good[k];
                        json_put_raw(&w, keys[k], value, strlen(value));
                }
                json_object_finish(&w);
                int r = read_text(lenient, text_str(&t), &row, &bad);
                ck_assert_msg(r == rows[i].r, "%s: %d", text_str(&t), r);
                ck_assert_str_eq(bad, rows[i].key);
                text_done(&t);
        }
}
END_TEST

/* json_parse() lets no NUL through, but an object may come from elsewhere. */
START_TEST(a_nul_inside_a_string)
{
        static const struct field one[] = {FIELD_STRING("id", row, id, 0), {.key = NULL}};
        _cleanup_(json_freep) struct json_object *o = json_object_new_object();
        struct row row = sample;

        json_object_object_add(o, "id", json_object_new_string_len("a\0b", 3));
        ck_assert_int_eq(fields_read(one, o, &row, NULL), -EINVAL);
        ck_assert_str_eq(row.id, sample.id);
}
END_TEST

START_TEST(a_string_that_just_fits)
{
        static const struct field one[] = {FIELD_STRING("id", row, id, 0), {.key = NULL}};
        struct row row = sample;

        ck_assert_int_eq(read_text(one, "{\"id\":\"12345678\"}", &row, NULL), 0);
        ck_assert_str_eq(row.id, "12345678");
        ck_assert_int_eq(row.count, sample.count);
        ck_assert_int_eq(read_text(one, "{\"id\":\"123456789\"}", &row, NULL), -ERANGE);
        ck_assert_str_eq(row.id, "12345678");
}
END_TEST

START_TEST(whole_numbers_in_other_spellings)
{
        static const struct field one[] = {FIELD_INT("count", row, count, FIELD_AS_NUMBER),
                                           {.key = NULL}};
        struct row row = {};

        ck_assert_int_eq(read_text(one, "{\"count\":5.0}", &row, NULL), 0);
        ck_assert_int_eq(row.count, 5);
        ck_assert_int_eq(read_text(one, "{\"count\":1e3}", &row, NULL), 0);
        ck_assert_int_eq(row.count, 1000);
        ck_assert_int_eq(read_text(one, "{\"count\":1000000000000000}", &row, NULL), 0);
        ck_assert_int_eq(row.count, FIELD_INT_MAX);
}
END_TEST

START_TEST(words)
{
        ck_assert_str_eq(word_text(sides, SIDE_SELL), "S"); /* the first one is written */
        ck_assert_ptr_null(word_text(sides, 7));
        ck_assert_int_eq(word_value(sides, "SHORT"), SIDE_SELL); /* all are read */
        ck_assert_int_eq(word_value(sides, "s"), -EINVAL);
        ck_assert_int_eq(word_value(sides, ""), -EINVAL);
}
END_TEST

SUITE("fields", writing, writing_inside_an_object, a_round_trip,
      the_type_is_the_one_that_is_written, absent_and_null, what_is_no_object, hostile_values,
      a_nul_inside_a_string, a_string_that_just_fits, whole_numbers_in_other_spellings, words)
