#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

/* The scan and the parser agree; what was accepted is written and read again alike. */
static void scan_and_parse(const char *s, size_t n, const struct json_limits *limits)
{
        struct json_fault scanned = {}, parsed = {};
        struct json_object *o = NULL, *again = NULL;
        int scan = json_scan(s, n, limits, &scanned);
        int parse = json_parse(s, n, limits, &o, &parsed);

        assert(scan == parse && (scan == 0 || scan == 1));
        if (scan == 1) {
                assert(!o && parsed.detail[0]);
                assert(strcmp(scanned.detail, parsed.detail) == 0);
                assert(strcmp(scanned.pointer, parsed.pointer) == 0);
                assert(memchr(parsed.pointer, '\0', sizeof(parsed.pointer)));
                return;
        }
        const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
        assert(json_parse(text, strlen(text), limits, &again, &parsed) == 0);
        json_object_put(again);
        json_object_put(o);
}

static void get_all(const char *s, size_t n)
{
        struct json_fault fault;
        struct json_object *o = NULL;

        if (json_parse(s, n, NULL, &o, &fault) != 0)
                return;
        if (json_object_is_type(o, json_type_object)) {
                json_object_object_foreach(o, key, value)
                {
                        const char *string;
                        int64_t number = 7, decimal;
                        bool yes;
                        json_get_string(o, key, &string);
                        if (json_get_int(o, key, -10, 10, &number) == 0)
                                assert(number >= -10 && number <= 10);
                        json_get_decimal(o, key, &decimal);
                        json_get_bool(o, key, &yes);
                        json_value_int(value, INT64_MIN, INT64_MAX, &number);
                }
        }
        json_object_put(o);
}

/* Any UTF-8 without NUL becomes a string that the scan takes. */
static void quote(const char *s, size_t n)
{
        struct text t = {};
        struct json_fault fault;

        json_add_quoted(&t, s, n);
        if (!t.failed && text_utf8_valid(s, n) && !memchr(s, '\0', n))
                assert(json_scan(text_str(&t), t.len, NULL, &fault) == 0);
        text_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct json_limits wide = {32, 1U << 16}, narrow = {2, 4};
        const char *s = (const char *)data;

        scan_and_parse(s, size, NULL);
        scan_and_parse(s, size, &wide);
        scan_and_parse(s, size, &narrow);
        get_all(s, size);
        quote(s, size);
        return 0;
}
