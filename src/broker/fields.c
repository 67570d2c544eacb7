#include "broker/fields.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

const char *word_text(const struct word *words, int value)
{
        for (; words->text; words++)
                if (words->value == value)
                        return words->text;
        return NULL;
}

int word_value(const struct word *words, const char *text)
{
        for (; words->text; words++)
                if (strcmp(words->text, text) == 0)
                        return words->value;
        return -EINVAL;
}

static char folded(char c)
{
        if (c == '_' || c == '-')
                return ' ';
        return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool same_loose(const char *a, const char *b)
{
        while (*a && folded(*a) == folded(*b))
                a++, b++;
        return !*a && !*b;
}

int word_value_loose(const struct word *words, const char *text)
{
        for (; words->text; words++)
                if (same_loose(words->text, text))
                        return words->value;
        return -EINVAL;
}

static int64_t member_int64(const void *member)
{
        int64_t value;

        memcpy(&value, member, sizeof(value));
        return value;
}

static int member_int(const void *member)
{
        int value;

        memcpy(&value, member, sizeof(value));
        return value;
}

static bool member_is_zero(const struct field *f, const void *member)
{
        switch (f->type) {
        case FIELD_TYPE_STRING:
                return *(const char *)member == '\0';
        case FIELD_TYPE_WORD:
                return false; /* the first word of an enum is as good as the others */
        default:
                return member_int64(member) == 0;
        }
}

static void put(struct json_writer *w, const struct field *f, const char *text)
{
        if (f->flags & FIELD_AS_NUMBER)
                json_put_raw(w, f->key, text, strlen(text));
        else
                json_put_string(w, f->key, text);
}

void fields_write(const struct field *table, const void *from, struct json_writer *w)
{
        for (const struct field *f = table; f->key; f++) {
                const char *member = (const char *)from + f->offset;
                char buf[DECIMAL_TEXT_SIZE];
                const char *text;

                if (f->flags & FIELD_OPTIONAL && member_is_zero(f, member))
                        continue;
                switch (f->type) {
                case FIELD_TYPE_STRING:
                        json_put_string(w, f->key, member);
                        break;
                case FIELD_TYPE_INT:
                case FIELD_TYPE_TIME:
                        snprintf(buf, sizeof(buf), "%lld", (long long)member_int64(member));
                        put(w, f, buf);
                        break;
                case FIELD_TYPE_DECIMAL:
                        put(w, f, decimal_print(member_int64(member), buf));
                        break;
                case FIELD_TYPE_WORD:
                        text = word_text(f->words, member_int(member));
                        assert(text);
                        put(w, f, text);
                        break;
                }
        }
}

/* The text of a string or the digits of a number; NULL when the value is neither, or not what the
 * field takes. */
static const char *value_text(const struct field *f, struct json_object *value)
{
        bool number = f->flags & FIELD_AS_NUMBER;
        const char *text;

        switch (json_object_get_type(value)) {
        case json_type_string:
                if (number && !(f->flags & (FIELD_LENIENT | FIELD_LOOSE)))
                        return NULL;
                text = json_object_get_string(value);
                return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
        case json_type_int:
        case json_type_double:
                if (!number && !(f->flags & (FIELD_LENIENT | FIELD_LOOSE)))
                        return NULL;
                return json_object_get_string(value);
        default:
                return NULL;
        }
}

/* Numbers may be written like 1e3 or 5.0; in a string only digits will do. */
static int read_int(struct json_object *value, const char *text, int64_t min, int64_t max,
                    void *member)
{
        int64_t number;
        int r;

        if (json_object_is_type(value, json_type_string))
                r = text_parse_int(text, strlen(text), min, max, &number);
        else
                r = json_value_int(value, min, max, &number);
        if (r == 0)
                memcpy(member, &number, sizeof(number));
        return r;
}

static bool loosely_absent(struct json_object *value)
{
        static const char *const words[] = {"", "None", "NA", "-"};
        const char *s =
                json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        for (size_t i = 0; s && i < ELEMENTS(words); i++)
                if (strcmp(s, words[i]) == 0)
                        return true;
        return !value;
}

int loose_decimal(struct json_object *value, int64_t *ret)
{
        char digits[64];
        size_t n = 0;

        if (loosely_absent(value))
                return 1;
        switch (json_object_get_type(value)) {
        case json_type_string:
        case json_type_int:
        case json_type_double:
                break;
        default:
                return -EINVAL;
        }
        for (const char *s = json_object_get_string(value); *s; s++) {
                if (*s == ',')
                        continue;
                if (n == sizeof(digits))
                        return -EINVAL;
                digits[n++] = *s;
        }
        return decimal_parse_rounded(digits, n, ret);
}

/* 1: absent. */
static int read_loose(const struct field *f, struct json_object *value, void *member)
{
        int64_t number;
        int r = loose_decimal(value, &number);

        if (r != 0)
                return r;
        if (f->type == FIELD_TYPE_INT) {
                if (number % DECIMAL_ONE)
                        return -EINVAL;
                number /= DECIMAL_ONE;
        }
        memcpy(member, &number, sizeof(number));
        return 0;
}

static int read_value(const struct field *f, struct json_object *value, void *member)
{
        const char *text = value_text(f, value);
        int64_t decimal;
        int word, r;

        if (!text)
                return -EINVAL;
        switch (f->type) {
        case FIELD_TYPE_STRING:
                if (strlen(text) >= f->size)
                        return -ERANGE;
                text_copy(member, f->size, text);
                return 0;
        case FIELD_TYPE_INT:
                return read_int(value, text, -FIELD_INT_MAX, FIELD_INT_MAX, member);
        case FIELD_TYPE_TIME:
                return read_int(value, text, 0, FIELD_TIME_MAX, member);
        case FIELD_TYPE_DECIMAL:
                r = json_value_decimal(value, &decimal);
                if (r == 0)
                        memcpy(member, &decimal, sizeof(decimal));
                return r;
        case FIELD_TYPE_WORD:
                word = f->flags & FIELD_LOOSE ? word_value_loose(f->words, text)
                                              : word_value(f->words, text);
                if (word < 0)
                        return word;
                memcpy(member, &word, sizeof(word));
                return 0;
        }
        return -EINVAL;
}

static int read_field(const struct field *f, struct json_object *o, void *to)
{
        struct json_object *value = NULL;

        if (!json_object_is_type(o, json_type_object))
                return -EINVAL;
        if (!json_object_object_get_ex(o, f->key, &value) || !value ||
            (f->flags & FIELD_LOOSE && loosely_absent(value)))
                return f->flags & FIELD_OPTIONAL ? 0 : -EINVAL;
        if (f->flags & FIELD_LOOSE && (f->type == FIELD_TYPE_INT || f->type == FIELD_TYPE_DECIMAL))
                return read_loose(f, value, (char *)to + f->offset);
        return read_value(f, value, (char *)to + f->offset);
}

int fields_read(const struct field *table, struct json_object *o, void *to, const char **bad_key)
{
        for (const struct field *f = table; f->key; f++) {
                int r = read_field(f, o, to);

                if (r < 0) {
                        if (bad_key)
                                *bad_key = f->key;
                        return r;
                }
        }
        return 0;
}
