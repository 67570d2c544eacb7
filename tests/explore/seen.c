#include "seen.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

#define FIRST_SIZE (UINT64_C(1) << 16)

struct seen {
        uint64_t *values; /* 0: free */
        uint64_t size, n;
};

struct seen *seen_new(void)
{
        struct seen *s = calloc(1, sizeof(*s));
        assert(s);
        s->size = FIRST_SIZE;
        s->values = calloc(s->size, sizeof(*s->values));
        assert(s->values);
        return s;
}

void seen_free(struct seen *s)
{
        free(s->values);
        free(s);
}

static uint64_t *place(const struct seen *s, uint64_t value)
{
        uint64_t i = (value ^ value >> 29) & (s->size - 1);
        while (s->values[i] && s->values[i] != value)
                i = (i + 1) & (s->size - 1);
        return &s->values[i];
}

static void grow(struct seen *s)
{
        struct seen larger = {.size = s->size * 2, .n = s->n};
        larger.values = calloc(larger.size, sizeof(*larger.values));
        assert(larger.values);
        for (uint64_t i = 0; i < s->size; i++)
                if (s->values[i])
                        *place(&larger, s->values[i]) = s->values[i];
        free(s->values);
        *s = larger;
}

bool seen_add(struct seen *s, uint64_t value)
{
        value += value == 0;
        if (s->n * 2 > s->size)
                grow(s);
        uint64_t *at = place(s, value);
        if (*at)
                return false;
        *at = value;
        s->n++;
        return true;
}

uint64_t seen_count(const struct seen *s)
{
        return s->n;
}
