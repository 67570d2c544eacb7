#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT_FIRST_SIZE 256

static size_t text_limit(const struct text *t)
{
        return t->max ? t->max : TEXT_MAX;
}

static int text_fail(struct text *t, int r)
{
        if (!t->failed)
                t->failed = r;
        return t->failed;
}

static int text_grow(struct text *t, size_t more)
{
        size_t limit = text_limit(t);

        if (t->len > limit || more > limit - t->len)
                return text_fail(t, -E2BIG);

        size_t need = t->len + more + 1;
        size_t size = t->size < TEXT_FIRST_SIZE ? TEXT_FIRST_SIZE : t->size;
        while (size < need)
                size *= 2;
        if (size > limit + 1)
                size = limit + 1;

        char *data = realloc(t->data, size);
        if (!data)
                return text_fail(t, -ENOMEM);
        data[t->len] = '\0';
        t->data = data;
        t->size = size;
        return 0;
}

static inline int text_room(struct text *t, size_t more)
{
        if (t->failed)
                return t->failed;
        if (more < t->size - t->len) /* one byte stays for the NUL; never true without memory */
                return 0;
        return text_grow(t, more);
}

void text_done(struct text *t)
{
        free(t->data);
        *t = (struct text){.max = t->max};
}

void text_clear(struct text *t)
{
        t->len = 0;
        t->failed = 0;
        if (t->data)
                t->data[0] = '\0';
}

int text_reserve(struct text *t, size_t more)
{
        return text_room(t, more);
}

void text_add_bytes(struct text *t, const char *s, size_t n)
{
        if (text_room(t, n) < 0)
                return;
        if (n)
                memcpy(t->data + t->len, s, n);
        t->len += n;
        t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
        text_add_bytes(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
        if (text_room(t, 1) < 0)
                return;
        t->data[t->len++] = c;
        t->data[t->len] = '\0';
}

void text_add_int(struct text *t, int64_t value)
{
        char buf[24];
        char *p = buf + sizeof(buf);
        uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

        do
                *--p = (char)('0' + rest % 10);
        while (rest /= 10);
        if (value < 0)
                *--p = '-';
        text_add_bytes(t, p, (size_t)(buf + sizeof(buf) - p));
}

void text_addf(struct text *t, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        text_addv(t, format, args);
        va_end(args);
}

void text_addv(struct text *t, const char *format, va_list args)
{
        if (text_room(t, 0) < 0)
                return;

        va_list again;
        va_copy(again, args);
        size_t room = t->size - t->len;
        int n = vsnprintf(t->data + t->len, room, format, args);
        if (n >= 0 && (size_t)n >= room) {
                t->data[t->len] = '\0';
                if (text_grow(t, (size_t)n) == 0)
                        n = vsnprintf(t->data + t->len, (size_t)n + 1, format, again);
        }
        va_end(again);

        if (n < 0)
                text_fail(t, -E2BIG); /* more than INT_MAX, the only way left */
        if (t->failed)
                t->data[t->len] = '\0';
        else
                t->len += (size_t)n;
}

void text_add_hex(struct text *t, const uint8_t *bytes, size_t n)
{
        static const char digits[] = "0123456789abcdef";

        if (n > text_limit(t) / 2) {
                text_fail(t, -E2BIG);
                return;
        }
        if (text_room(t, 2 * n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                t->data[t->len++] = digits[bytes[i] >> 4];
                t->data[t->len++] = digits[bytes[i] & 15];
        }
        t->data[t->len] = '\0';
}

static bool unreserved(unsigned char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
}

void text_add_urlencoded(struct text *t, const char *s)
{
        static const char digits[] = "0123456789ABCDEF";

        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;
                if (unreserved(c))
                        text_add_char(t, *s);
                else
                        text_add_bytes(t, (const char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
        }
}

const char *text_str(const struct text *t)
{
        return t->data ? t->data : "";
}

char *text_take(struct text *t)
{
        char *data = t->data;

        t->data = NULL;
        text_done(t);
        return data;
}

bool text_copy(char *dst, size_t size, const char *src)
{
        return text_copy_bytes(dst, size, src, strlen(src));
}

bool text_copy_bytes(char *dst, size_t size, const char *src, size_t n)
{
        if (size == 0)
                return false;

        size_t keep = n < size ? n : size - 1;
        memcpy(dst, src, keep);
        dst[keep] = '\0';
        return keep == n;
}

bool text_equal(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_only(const char *s, size_t n, const char *set)
{
        for (size_t i = 0; i < n; i++)
                if (s[i] == '\0' || !strchr(set, s[i]))
                        return false;
        return true;
}

static bool continues(unsigned char c)
{
        return (c & 0xc0) == 0x80;
}

size_t text_utf8_length(const char *bytes, size_t n)
{
        const unsigned char *s = (const unsigned char *)bytes;

        if (n == 0)
                return 0;
        if (s[0] < 0x80)
                return 1;
        if (s[0] >= 0xc2 && s[0] <= 0xdf)
                return n >= 2 && continues(s[1]) ? 2 : 0;
        if (s[0] >= 0xe0 && s[0] <= 0xef) {
                unsigned char least = s[0] == 0xe0 ? 0xa0 : 0x80; /* no overlong forms */
                unsigned char most = s[0] == 0xed ? 0x9f : 0xbf;  /* no surrogates */
                return n >= 3 && s[1] >= least && s[1] <= most && continues(s[2]) ? 3 : 0;
        }
        if (s[0] >= 0xf0 && s[0] <= 0xf4) {
                unsigned char least = s[0] == 0xf0 ? 0x90 : 0x80;
                unsigned char most = s[0] == 0xf4 ? 0x8f : 0xbf; /* U+10FFFF is the last */
                return n >= 4 && s[1] >= least && s[1] <= most && continues(s[2]) && continues(s[3])
                               ? 4
                               : 0;
        }
        return 0;
}

bool text_utf8_valid(const char *s, size_t n)
{
        for (size_t at = 0; at < n;) {
                size_t length = text_utf8_length(s + at, n - at);
                if (length == 0)
                        return false;
                at += length;
        }
        return true;
}

size_t text_utf8_cut(const char *s, size_t n, size_t max)
{
        if (n <= max)
                return n;
        while (max > 0 && continues((unsigned char)s[max]))
                max--;
        return max;
}

int text_parse_int(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret)
{
        bool negative = n > 0 && s[0] == '-';
        size_t at = negative ? 1 : 0;
        int64_t value = 0;
        bool overflow = false;

        if (at == n)
                return -EINVAL;
        for (; at < n; at++) {
                if (s[at] < '0' || s[at] > '9')
                        return -EINVAL;
                int digit = s[at] - '0';
                overflow |= __builtin_mul_overflow(value, 10, &value) ||
                            __builtin_add_overflow(value, negative ? -digit : digit, &value);
        }
        if (overflow || value < min || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}
