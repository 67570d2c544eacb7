#include "orchestrator/repeat.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_FIRST 64

static int allocate(struct repeat_window *w, unsigned size)
{
        struct repeat_entry *ring = malloc(size * sizeof(*ring));
        uint64_t *buckets = calloc(size, sizeof(*buckets));
        if (!ring || !buckets) {
                free(ring);
                free(buckets);
                return -ENOMEM;
        }
        w->ring = ring;
        w->buckets = buckets;
        w->size = size;
        return 0;
}

int repeat_init(struct repeat_window *w, int64_t span_us)
{
        *w = (struct repeat_window){.span_us = span_us, .first = 1, .next = 1};
        return span_us > 0 ? allocate(w, SIZE_FIRST) : 0;
}

void repeat_done(struct repeat_window *w)
{
        free(w->ring);
        free(w->buckets);
        *w = (struct repeat_window){};
}

int repeat_set_span(struct repeat_window *w, int64_t span_us)
{
        int r = span_us > 0 && !w->ring ? allocate(w, SIZE_FIRST) : 0;
        if (r >= 0)
                w->span_us = span_us;
        return r;
}

static struct repeat_entry *entry_at(const struct repeat_window *w, uint64_t number)
{
        return &w->ring[number % w->size];
}

static void append(struct repeat_window *w, uint64_t hash, int64_t at_us)
{
        uint64_t *bucket = &w->buckets[hash % w->size];
        *entry_at(w, w->next) =
                (struct repeat_entry){.hash = hash, .at_us = at_us, .older = *bucket};
        *bucket = w->next++;
}

/* Without memory for more, the oldest is forgotten. */
static void grow(struct repeat_window *w)
{
        struct repeat_window old = *w;
        if (old.size >= REPEAT_MAX || allocate(w, old.size * 2) < 0) {
                w->first++;
                return;
        }
        w->next = w->first;
        for (uint64_t n = old.first; n < old.next; n++)
                append(w, entry_at(&old, n)->hash, entry_at(&old, n)->at_us);
        free(old.ring);
        free(old.buckets);
}

static void expire(struct repeat_window *w, int64_t now_us)
{
        while (w->first < w->next && now_us - entry_at(w, w->first)->at_us >= w->span_us)
                w->first++;
}

static struct repeat_entry *find(const struct repeat_window *w, uint64_t hash)
{
        /* What is older than the first one is forgotten, and so is what it points to. */
        for (uint64_t n = w->buckets[hash % w->size]; n >= w->first; n = entry_at(w, n)->older)
                if (entry_at(w, n)->hash == hash)
                        return entry_at(w, n);
        return NULL;
}

bool repeat_find(struct repeat_window *w, uint64_t hash, int64_t now_us, int64_t *ret_age_us)
{
        if (w->span_us == 0)
                return false;
        expire(w, now_us);
        const struct repeat_entry *e = find(w, hash);
        if (e)
                *ret_age_us = now_us - e->at_us;
        return e;
}

void repeat_put(struct repeat_window *w, uint64_t hash, int64_t now_us)
{
        if (w->span_us == 0)
                return;
        expire(w, now_us);
        if (w->next - w->first == w->size)
                grow(w);
        append(w, hash, now_us);
}

void repeat_take_back(struct repeat_window *w, uint64_t hash)
{
        struct repeat_entry *e = w->span_us ? find(w, hash) : NULL;
        if (e)
                e->hash = 0;
}
