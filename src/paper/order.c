/* The life of one order.
 *
 *   placed ─┬──────────────────────────► OPEN ──────► PARTIALLY_FILLED ──┬─► FILLED
 *           │                            ▲ │ └─────────────┼─ ▲ ─┼───────┘
 *           └─► TRIGGER_PENDING ─────────┘ │               │  └──┘ more fills
 *                 │  │   fires, modified   │               │
 *                 │  └─────────────────────┴───────────────┴─► CANCELLED (by cancel, IOC)
 *                 │                                            EXPIRED   (by the day's end)
 *                 └─► REJECTED (fires, but would meet an order of its own account)
 *
 * An order that is refused at the door has no number and is not in the book. The last four states
 * are final: the order leaves its queue, its blocks are released, and only its row of the day's
 * book remains. */
#include "paper/entry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

#define TO(state) (1U << ORDER_STATUS_##state)
static const unsigned legal_moves[_ORDER_STATUS_MAX] = {
        [ORDER_STATUS_PENDING] = TO(OPEN) | TO(TRIGGER_PENDING), /* being made */
        [ORDER_STATUS_TRIGGER_PENDING] = TO(OPEN) | TO(CANCELLED) | TO(EXPIRED) | TO(REJECTED),
        [ORDER_STATUS_OPEN] = TO(PARTIALLY_FILLED) | TO(FILLED) | TO(CANCELLED) | TO(EXPIRED),
        [ORDER_STATUS_PARTIALLY_FILLED] =
                TO(PARTIALLY_FILLED) | TO(FILLED) | TO(CANCELLED) | TO(EXPIRED),
};

uint64_t id_of(int day, uint64_t number)
{
        return (uint64_t)(day % 1000000) * PAPER_ID_DAY + number;
}

int id_day(uint64_t id)
{
        return 20000000 + (int)(id / PAPER_ID_DAY);
}

const char *id_print(uint64_t id, char buf[static ID_TEXT_SIZE])
{
        char *at = buf + 14;
        *at = '\0';
        while (at > buf) {
                *--at = (char)('0' + id % 10);
                id /= 10;
        }
        return buf;
}

int id_parse(const char *s, size_t n, uint64_t *ret)
{
        int64_t id;
        if (n != 14 || !text_only(s, n, "0123456789") ||
            text_parse_int(s, n, 0, INT64_MAX, &id) < 0)
                return -EINVAL;
        *ret = (uint64_t)id;
        return 0;
}

/* A number, a row in the day's book, nothing else yet. */
int paper_order_new(struct paper_book *b, const struct entry *e, struct paper_order **ret)
{
        struct paper_account *a = b->account;
        struct paper *p = a->paper;
        int r = slab_reserve(&a->orders);
        if (r < 0 || (r = tags_reserve(a)) < 0 || (r = dirty_reserve(p, 2)) < 0)
                return r;
        struct paper_order *o = slab_add(&a->orders);
        *o = (struct paper_order){
                .id = id_of(a->day, ++p->order_number),
                .book = b,
                .price = e->price,
                .trigger_price = e->trigger_price,
                .placed_us = p->now,
                .updated_us = p->now,
                .quantity = (uint32_t)e->quantity,
                .side = (uint8_t)e->side,
                .type = (uint8_t)e->type,
                .product = (uint8_t)e->product,
                .validity = (uint8_t)e->validity,
                .status = ORDER_STATUS_PENDING,
        };
        memcpy(o->tag, e->tag, sizeof(o->tag));
        list_init(&o->updated);
        if (*o->tag)
                tags_add(a, a->orders.n - 1);
        paper_order_touch(o);
        *ret = o;
        return 0;
}

/* The row changed: it is written with the next rider and is the newest for who asks what is new. */
void paper_order_touch(struct paper_order *o)
{
        struct paper_account *a = o->book->account;
        o->updated_us = a->paper->now;
        list_unlink(&o->updated);
        list_append(&a->updated, &o->updated);
        dirty_order(o);
}

void paper_order_move(struct paper_order *o, enum order_status to)
{
        assert(legal_moves[o->status] & (1U << to));
        o->status = (uint8_t)to;
        if (order_status_terminal(to))
                live_end(o);
        paper_order_touch(o);
}

/* MARKET or LIMIT for whatever may trade now; the stop types for what still waits. */
enum order_type paper_order_acts_as(const struct paper_order *o)
{
        if (o->type != ORDER_TYPE_STOP && o->type != ORDER_TYPE_STOP_LIMIT)
                return o->type;
        if (!(o->flags & ORDER_TRIGGERED))
                return o->type;
        return o->type == ORDER_TYPE_STOP ? ORDER_TYPE_MARKET : ORDER_TYPE_LIMIT;
}

int64_t paper_order_average(const struct paper_order *o)
{
        return o->filled ? decimal_muldiv(o->value, 1, o->filled) : 0;
}

/* From here on it counts in its position's open orders, and owns `l`. */
void live_begin(struct paper_order *o, struct live *l, int64_t block_price, uint64_t sequence)
{
        *l = (struct live){.order = o, .block_price = block_price, .sequence = sequence};
        struct paper_position *pos = o->book->positions[o->product];
        list_append(&pos->live[o->side], &l->of_position);
        o->live = l;
        pos->open_quantity[o->side] += o->quantity - o->filled;
        pos->open_value[o->side] += (o->quantity - o->filled) * block_price;
        position_update(pos);
}

void live_end(struct paper_order *o)
{
        struct live *l = o->live;
        struct paper_position *pos = o->book->positions[o->product];
        if (l->queue)
                queue_remove(o);
        pos->open_quantity[o->side] -= o->quantity - o->filled;
        pos->open_value[o->side] -= (o->quantity - o->filled) * l->block_price;
        list_unlink(&l->of_position);
        o->live = NULL;
        free(l);
        position_update(pos);
}

/* Room for one more at the end. */
int queue_reserve(struct queue *q)
{
        if (q->first + q->n < q->size)
                return 0;
        if (q->first > q->size / 2) {
                memmove(q->items, q->items + q->first, q->n * sizeof(struct live *));
                q->first = 0;
                return 0;
        }
        uint32_t size = q->size ? q->size * 2 : 4;
        struct live **items = reallocarray(q->items, size, sizeof(struct live *));
        if (!items)
                return -ENOMEM;
        q->items = items;
        q->size = size;
        return 0;
}

/* The place of (rank, sequence): behind everything that is better. */
static uint32_t queue_place(const struct queue *q, const struct live *l)
{
        uint32_t low = 0, high = q->n;
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                const struct live *other = q->items[q->first + middle];
                if (other->rank > l->rank ||
                    (other->rank == l->rank && other->sequence < l->sequence))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* Room was reserved. */
void queue_insert(struct paper_order *o, struct queue *q, int64_t rank)
{
        struct live *l = o->live;
        struct paper_book *b = o->book;
        assert(!l->queue && q->first + q->n < q->size);
        l->rank = rank;
        uint32_t at = queue_place(q, l);
        struct live **items = q->items + q->first;
        if (q->first > 0 && at < q->n / 2) {
                memmove(items - 1, items, at * sizeof(struct live *));
                items--;
                q->first--;
        } else {
                memmove(items + at + 1, items + at, (q->n - at) * sizeof(struct live *));
        }
        items[at] = l;
        q->n++;
        l->queue = q;
        if (list_empty(&b->resting))
                list_append(&b->account->resting, &b->resting);
}

void queue_remove(struct paper_order *o)
{
        struct live *l = o->live;
        struct queue *q = l->queue;
        uint32_t at = queue_place(q, l);
        struct live **items = q->items + q->first;
        assert(at < q->n && items[at] == l);
        q->n--;
        if (at < q->n / 2) {
                memmove(items + 1, items, at * sizeof(struct live *));
                q->first++;
        } else {
                memmove(items + at, items + at + 1, (q->n - at) * sizeof(struct live *));
        }
        if (q->n == 0)
                q->first = 0;
        l->queue = NULL;
}

bool book_rests(const struct paper_book *b)
{
        for (unsigned i = 0; i < _QUEUE_MAX; i++)
                if (b->queues[i].n)
                        return true;
        return false;
}
