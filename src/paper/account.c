#include "paper/exchange.h"

#include <errno.h>
#include <string.h>

int slab_reserve(struct slab *s)
{
        if (s->n < s->n_chunks * SLAB_CHUNK)
                return 0;
        void **chunks = reallocarray(s->chunks, s->n_chunks + 1, sizeof(*chunks));
        if (!chunks)
                return -ENOMEM;
        s->chunks = chunks;
        s->chunks[s->n_chunks] = calloc(SLAB_CHUNK, s->item);
        if (!s->chunks[s->n_chunks])
                return -ENOMEM;
        s->n_chunks++;
        return 0;
}

void *slab_add(struct slab *s)
{
        if (slab_reserve(s) < 0)
                return NULL;
        return slab_at(s, s->n++);
}

void *slab_at(const struct slab *s, uint32_t i)
{
        return (char *)s->chunks[i / SLAB_CHUNK] + (size_t)(i % SLAB_CHUNK) * s->item;
}

void slab_done(struct slab *s)
{
        for (uint32_t i = 0; i < s->n_chunks; i++)
                free(s->chunks[i]);
        free(s->chunks);
        *s = (struct slab){.item = s->item};
}

struct paper_account *account_find(struct paper *p, const char *id)
{
        for (struct paper_account *a = p->accounts; a; a = a->next)
                if (!strcmp(a->id, id))
                        return a;
        return NULL;
}

static void book_free(struct paper_book *b)
{
        for (unsigned i = 0; i < _QUEUE_MAX; i++)
                free(b->queues[i].items);
        for (unsigned i = 0; i < _PRODUCT_MAX; i++)
                free(b->positions[i]);
        free(b);
}

struct paper_account *account_free(struct paper_account *a)
{
        if (!a)
                return NULL;
        for (uint32_t i = 0; i < a->orders.n; i++)
                free(order_at(a, i)->live);
        struct paper_book *b, *next;
        HASH_ITER (hh, a->books, b, next) {
                HASH_DEL(a->books, b);
                book_free(b);
        }
        slab_done(&a->orders);
        slab_done(&a->trades);
        free(a->tags.slots);
        free(a->prune);
        free(a);
        return NULL;
}

int account_book(struct paper_account *a, struct listing *l, struct paper_book **ret)
{
        struct paper_book *b;
        HASH_FIND_PTR(a->books, &l, b);
        if (!b) {
                b = calloc(1, sizeof(*b));
                if (!b)
                        return -ENOMEM;
                b->listing = l;
                b->account = a;
                list_init(&b->resting);
                HASH_ADD_PTR(a->books, listing, b);
                if (!b->hh.tbl) {
                        free(b);
                        return -ENOMEM;
                }
        }
        *ret = b;
        return 0;
}

int book_position(struct paper_book *b, enum product product, struct paper_position **ret)
{
        struct paper_position *pos = b->positions[product];
        if (!pos) {
                pos = calloc(1, sizeof(*pos));
                if (!pos)
                        return -ENOMEM;
                pos->book = b;
                pos->product = (uint8_t)product;
                for (unsigned i = 0; i < _SIDE_MAX; i++)
                        list_init(&pos->live[i]);
                b->positions[product] = pos;
        }
        *ret = pos;
        return 0;
}

/* Numbers only grow, so the orders are sorted. */
struct paper_order *account_order(const struct paper_account *a, uint64_t id)
{
        uint32_t low = 0, high = a->orders.n;
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (order_at(a, middle)->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        struct paper_order *o = low < a->orders.n ? order_at(a, low) : NULL;
        return o && o->id == id ? o : NULL;
}

struct paper_trade *account_trade(const struct paper_account *a, uint64_t id)
{
        uint32_t low = 0, high = a->trades.n;
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (trade_at(a, middle)->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        struct paper_trade *t = low < a->trades.n ? trade_at(a, low) : NULL;
        return t && t->id == id ? t : NULL;
}

static uint32_t tag_slot(const struct paper_account *a, const char *tag)
{
        return (uint32_t)market_seed(a->paper->options.seed, tag) & (a->tags.size - 1);
}

struct paper_order *account_tag(const struct paper_account *a, const char *tag)
{
        if (a->tags.size == 0 || !*tag)
                return NULL;
        for (uint32_t i = tag_slot(a, tag); a->tags.slots[i]; i = (i + 1) & (a->tags.size - 1)) {
                struct paper_order *o = order_at(a, a->tags.slots[i] - 1);
                if (!strcmp(o->tag, tag))
                        return o;
        }
        return NULL;
}

/* At most three quarters full, so that a search ends soon. */
int tags_reserve(struct paper_account *a)
{
        if (a->tags.n < a->tags.size / 4 * 3)
                return 0;
        uint32_t size = a->tags.size ? a->tags.size * 2 : 64;
        uint32_t *slots = calloc(size, sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        struct tags old = a->tags;
        a->tags = (struct tags){.slots = slots, .size = size};
        for (uint32_t i = 0; i < old.size; i++)
                if (old.slots[i])
                        tags_add(a, old.slots[i] - 1);
        free(old.slots);
        return 0;
}

void tags_add(struct paper_account *a, uint32_t index)
{
        uint32_t i = tag_slot(a, order_at(a, index)->tag);
        while (a->tags.slots[i])
                i = (i + 1) & (a->tags.size - 1);
        a->tags.slots[i] = index + 1;
        a->tags.n++;
}
