#include "http/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

void faults_init(struct faults *f)
{
        f->n = f->more = 0;
}

bool faults_any(const struct faults *f)
{
        return f->n > 0;
}

unsigned faults_count(const struct faults *f)
{
        return f->n + f->more;
}

void faults_add(struct faults *f, const char *pointer, const char *format, ...)
{
        va_list args;

        if (f->n >= FAULTS_MAX) {
                f->more++;
                return;
        }
        struct fault *fault = &f->list[f->n++];
        text_copy(fault->pointer, sizeof(fault->pointer), pointer);
        va_start(args, format);
        vsnprintf(fault->detail, sizeof(fault->detail), format, args);
        va_end(args);
}

/* The longest prefix of `s` that ends between two characters of UTF-8 and has at most `max` bytes.
 */
static size_t whole_characters(const char *s, size_t max)
{
        size_t n = 0;

        while (n < max && s[n])
                n++;
        while (s[n] && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
                n--;
        return n;
}

void faults_pointer(char buf[static FAULT_POINTER_SIZE], const char *base, const char *key)
{
        size_t len = whole_characters(base, FAULT_POINTER_SIZE - 2);
        for (size_t i = 0; i < len; i++)
                buf[i] = base[i];
        buf[len++] = '/';

        /* Every byte of the key may become two. */
        size_t n = whole_characters(key, (FAULT_POINTER_SIZE - 1 - len) / 2);
        for (size_t i = 0; i < n; i++) {
                if (key[i] == '~' || key[i] == '/') {
                        buf[len++] = '~';
                        buf[len++] = key[i] == '~' ? '0' : '1';
                } else {
                        buf[len++] = key[i];
                }
        }
        buf[len] = '\0';
}
