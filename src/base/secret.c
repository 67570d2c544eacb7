#include <string.h>

#include <sodium.h>

#include "base/secret.h"

struct secret {
        unsigned char *bytes; /* sodium_malloc(): guard pages, mlock where the limit allows */
        size_t size;
};

struct secret *secret_new(const void *bytes, size_t n)
{
        if (sodium_init() < 0 || n == SIZE_MAX)
                return NULL;

        _cleanup_(secret_freep) struct secret *s = calloc(1, sizeof(*s));
        if (!s)
                return NULL;
        s->bytes = sodium_malloc(n + 1);
        if (!s->bytes)
                return NULL;
        if (n)
                memcpy(s->bytes, bytes, n);
        s->bytes[n] = '\0';
        s->size = n;
        return TAKE(s);
}

struct secret *secret_free(struct secret *s)
{
        if (s)
                sodium_free(s->bytes); /* wipes */
        free(s);
        return NULL;
}

const void *secret_bytes(const struct secret *s)
{
        return s->bytes;
}

size_t secret_size(const struct secret *s)
{
        return s->size;
}

bool secret_equal(const struct secret *a, const void *bytes, size_t n)
{
        return a && bytes && a->size == n && sodium_memcmp(a->bytes, bytes, n) == 0;
}

void secret_wipe(void *bytes, size_t n)
{
        if (n)
                sodium_memzero(bytes, n);
}
