#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/json.h"

enum { PLAIN, ESCAPE, WIDE }; /* what a byte of a string needs */

static inline int kind(unsigned char c)
{
        if (c >= 0x80)
                return WIDE;
        return c < 0x20 || c == '"' || c == '\\' || c == 0x7f ? ESCAPE : PLAIN;
}

static void add_escaped(struct text *t, unsigned char c)
{
        static const char digits[] = "0123456789abcdef";
        static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
        const char *known = c ? strchr(from, c) : NULL;

        if (known)
                text_add_bytes(t, (const char[]){'\\', to[known - from]}, 2);
        else
                text_add_bytes(
                        t, (const char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
}

/* What is not UTF-8 becomes U+FFFD, byte by byte: the answer stays JSON whatever a broker sent. */
static void add_escaping(struct text *t, const char *s, size_t n)
{
        size_t done = 0, at = 0;

        while (at < n) {
                int needs = kind((unsigned char)s[at]);
                if (needs == PLAIN) {
                        at++;
                        continue;
                }
                size_t length = needs == WIDE ? text_utf8_length(s + at, n - at) : 0;
                if (length > 0) {
                        at += length;
                        continue;
                }
                text_add_bytes(t, s + done, at - done);
                if (needs == WIDE)
                        text_add(t, "\xef\xbf\xbd");
                else
                        add_escaped(t, (unsigned char)s[at]);
                done = ++at;
        }
        text_add_bytes(t, s + done, n - done);
}

static size_t plain_length(const char *s, size_t n)
{
        static const bool other[256] = {
                [0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x7f ... 0xff] = true};
        size_t at = 0;

        while (at < n && !other[(unsigned char)s[at]])
                at++;
        return at;
}

/* The quoted string with what stands before and after it ('\0': nothing). Most of what is written
 * are short strings without escapes: those take one look for room. */
static void add_quoted(struct text *t, char before, const char *s, size_t n, char after)
{
        if (text_reserve(t, n + 4) < 0)
                return;
        char *to = t->data + t->len;
        if (before)
                *to++ = before;
        *to++ = '"';
        if (plain_length(s, n) == n) {
                to = mempcpy(to, s, n);
        } else {
                t->len = (size_t)(to - t->data);
                add_escaping(t, s, n);
                if (text_reserve(t, 2) < 0)
                        return;
                to = t->data + t->len;
        }
        *to++ = '"';
        if (after)
                *to++ = after;
        *to = '\0';
        t->len = (size_t)(to - t->data);
}

void json_add_quoted(struct text *t, const char *s, size_t n)
{
        add_quoted(t, '\0', s, n, '\0');
}

static void begin_value(struct json_writer *w, const char *key)
{
        if (key)
                add_quoted(w->text, w->comma ? ',' : '\0', key, strlen(key), ':');
        else if (w->comma)
                text_add_char(w->text, ',');
        w->comma = true;
}

static void begin(struct json_writer *w, const char *key, char c)
{
        begin_value(w, key);
        text_add_char(w->text, c);
        w->comma = false;
}

static void finish(struct json_writer *w, char c)
{
        text_add_char(w->text, c);
        w->comma = true;
}

void json_object_begin(struct json_writer *w, const char *key)
{
        begin(w, key, '{');
}

void json_object_finish(struct json_writer *w)
{
        finish(w, '}');
}

void json_array_begin(struct json_writer *w, const char *key)
{
        begin(w, key, '[');
}

void json_array_finish(struct json_writer *w)
{
        finish(w, ']');
}

void json_put_string(struct json_writer *w, const char *key, const char *value)
{
        json_put_bytes(w, key, value, value ? strlen(value) : 0);
}

void json_put_bytes(struct json_writer *w, const char *key, const char *value, size_t n)
{
        if (!value) {
                json_put_null(w, key);
                return;
        }
        begin_value(w, key);
        json_add_quoted(w->text, value, n);
}

void json_put_words(struct json_writer *w, const char *key, const char *words)
{
        json_array_begin(w, key);
        while (*words) {
                size_t n = strcspn(words, " ");
                json_put_bytes(w, NULL, words, n);
                words += n + (words[n] == ' ');
        }
        json_array_finish(w);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
        begin_value(w, key);
        text_add_int(w->text, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
        json_put_raw(w, key, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json_writer *w, const char *key)
{
        json_put_raw(w, key, "null", 4);
}

void json_put_decimal(struct json_writer *w, const char *key, int64_t value)
{
        char buf[DECIMAL_TEXT_SIZE];

        json_put_string(w, key, decimal_print(value, buf));
}

void json_put_number(struct json_writer *w, const char *key, int64_t value)
{
        char buf[DECIMAL_TEXT_SIZE];
        const char *s = decimal_print_short(value, buf);

        json_put_raw(w, key, s, strlen(s));
}

void json_put_time(struct json_writer *w, const char *key, int64_t wall_us)
{
        char buf[CLOCK_TEXT_SIZE];

        if (wall_us)
                json_put_string(w, key, clock_print(wall_us, buf));
        else
                json_put_null(w, key);
}

void json_put_ms(struct json_writer *w, const char *key, int64_t us)
{
        uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
        uint64_t tenths = size / 100 + (size % 100 >= 50);

        begin_value(w, key);
        if (us < 0 && tenths)
                text_add_char(w->text, '-');
        text_add_int(w->text, (int64_t)(tenths / 10));
        text_add_bytes(w->text, (const char[]){'.', (char)('0' + tenths % 10)}, 2);
}

void json_put_raw(struct json_writer *w, const char *key, const char *raw, size_t n)
{
        begin_value(w, key);
        text_add_bytes(w->text, raw, n);
}
