/* A bounded, growing string. Writers append and look once, at the end, whether everything fitted:
 * after the first failure (`-ENOMEM`, or `-E2BIG` past `max`) all further appends do nothing. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
        char *data; /* always NUL-terminated once something was added; NULL before */
        size_t len;
        size_t size;
        size_t max; /* 0: TEXT_MAX */
        int failed; /* 0, -ENOMEM or -E2BIG */
};

#define TEXT_MAX (16U << 20)
#define TEXT_NULL     \
        (struct text) \
        {             \
        }

void text_done(struct text *t);
/* Empties it for re-use, keeps the memory, forgets the failure. */
void text_clear(struct text *t);
/* Makes room for `more` bytes beyond `len`, so that appending them cannot fail. */
int text_reserve(struct text *t, size_t more);

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const char *s, size_t n);
void text_add_char(struct text *t, char c);
void text_add_int(struct text *t, int64_t value);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *t, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));
/* `n` bytes as lower-case hexadecimal digits. */
void text_add_hex(struct text *t, const uint8_t *bytes, size_t n);
/* Percent-encodes everything but unreserved characters of RFC 3986. */
void text_add_urlencoded(struct text *t, const char *s);

/* "" when nothing was added. */
const char *text_str(const struct text *t);
/* Hands the buffer over to the caller (free()); NULL when nothing was ever added. */
char *text_take(struct text *t);

/* Fixed buffers: copies `src` into `dst[size]`; true when it fitted (else truncated, terminated).
 */
bool text_copy(char *dst, size_t size, const char *src);
bool text_copy_bytes(char *dst, size_t size, const char *src, size_t n);
bool text_equal(const char *a, const char *b); /* both may be NULL */
bool text_starts(const char *s, const char *prefix);
/* Every byte of `s[n]` is in `set`. */
bool text_only(const char *s, size_t n, const char *set);
bool text_utf8_valid(const char *s, size_t n);
/* Bytes of the well-formed UTF-8 sequence that `s[n]` begins with; 0 when there is none. */
size_t text_utf8_length(const char *s, size_t n);
/* At most `max` bytes of `s[n]`, ending between two characters. */
size_t text_utf8_cut(const char *s, size_t n, size_t max);
/* Whole string, decimal digits, in range; 0 or -EINVAL / -ERANGE. Never reads past `n`. */
int text_parse_int(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret);
