/* Back from rows: each is read as it comes, in any order; the first request puts them in place. */
#include "paper/exchange.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

struct row {
        const char *at, *end;
        bool bad;
};

static const char *next_field(struct row *r, size_t *ret_size)
{
        if (r->bad || r->at > r->end) {
                r->bad = true;
                *ret_size = 0;
                return "";
        }
        const char *field = r->at;
        const char *bar = memchr(field, '|', (size_t)(r->end - field));
        const char *end = bar ? bar : r->end;
        r->at = end + 1;
        *ret_size = (size_t)(end - field);
        return field;
}

static int64_t next_int(struct row *r, int64_t min, int64_t max)
{
        size_t n;
        int64_t value = min;
        const char *field = next_field(r, &n);
        if (text_parse_int(field, n, min, max, &value) < 0)
                r->bad = true;
        return value;
}

static int next_word(struct row *r, int (*from)(const char *, size_t))
{
        size_t n;
        const char *field = next_field(r, &n);
        int value = from(field, n);
        if (value < 0)
                r->bad = true;
        return value < 0 ? 0 : value;
}

static void next_text(struct row *r, char *dst, size_t size)
{
        size_t n;
        const char *field = next_field(r, &n);
        if (!text_copy_bytes(dst, size, field, n))
                r->bad = true;
}

/* text_parse_int() knows no sign. */
static int64_t next_signed(struct row *r)
{
        bool negative = r->at < r->end && *r->at == '-';
        r->at += negative;
        int64_t value = next_int(r, 0, INT64_MAX);
        return negative ? -value : value;
}

static int find_book(struct paper_account *a, const char *symbol, struct paper_book **ret)
{
        struct listing *l;
        int r = listing_restore(a->paper, symbol, &l);
        return r < 0 ? r : account_book(a, l, ret);
}

static void note_number(uint64_t *counter, uint64_t id)
{
        if (id % PAPER_ID_DAY > *counter)
                *counter = id % PAPER_ID_DAY;
}

static int add_trade(struct paper_account *a, uint64_t id, uint64_t order_id, struct row *row)
{
        struct paper_trade read = {.id = id, .order_id = order_id};
        read.price = next_int(row, 0, INT64_MAX);
        read.quantity = (uint32_t)next_int(row, 1, QUANTITY_MAX);
        read.at_us = next_int(row, 0, INT64_MAX);
        if (row->bad || row->at <= row->end)
                return -EBADMSG;
        struct paper_trade *t = slab_add(&a->trades);
        if (!t)
                return -ENOMEM;
        *t = read;
        return 0;
}

static int read_account(struct paper_account *a, struct row *row)
{
        int day = (int)next_int(row, 0, 99991231), previous = (int)next_int(row, 0, 99991231);
        int64_t opening = next_signed(row);
        if (row->bad || row->at <= row->end || !clock_day_valid(day))
                return -EBADMSG;
        a->day = day;
        a->previous_day = previous;
        a->opening = opening;
        a->restored = true;
        return 0;
}

static void read_order_fields(struct paper_order *o, struct live *live, struct row *row)
{
        next_text(row, o->tag, sizeof(o->tag));
        o->side = (uint8_t)next_word(row, side_from);
        o->type = (uint8_t)next_word(row, order_type_from);
        o->product = (uint8_t)next_word(row, product_from);
        o->validity = (uint8_t)next_word(row, validity_from);
        o->status = (uint8_t)next_word(row, order_status_from);
        o->flags = (uint8_t)next_int(row, 0, UINT8_MAX) & (uint8_t)~ORDER_DIRTY;
        o->reason = (uint8_t)next_int(row, 0, _REASON_MAX - 1);
        o->quantity = (uint32_t)next_int(row, 1, QUANTITY_MAX);
        o->filled = (uint32_t)next_int(row, 0, o->quantity);
        o->price = next_int(row, 0, PAPER_VALUE_MAX);
        o->trigger_price = next_int(row, 0, PAPER_VALUE_MAX);
        o->value = next_int(row, 0, INT64_MAX);
        o->placed_us = next_int(row, 0, INT64_MAX);
        o->updated_us = next_int(row, 0, INT64_MAX);
        live->sequence = (uint64_t)next_int(row, 0, INT64_MAX);
        live->block_price = next_int(row, 0, PAPER_VALUE_MAX);
}

static int read_order(struct paper_account *a, uint64_t id, struct row *row)
{
        struct paper_order read = {.id = id};
        struct live waiting = {};
        struct paper_position *pos;
        char symbol[SYMBOL_SIZE];
        next_text(row, symbol, sizeof(symbol));
        read_order_fields(&read, &waiting, row);
        if (row->bad || !*symbol)
                return -EBADMSG;
        int r = find_book(a, symbol, &read.book);
        if (r < 0 || (r = book_position(read.book, read.product, &pos)) < 0 ||
            (r = slab_reserve(&a->orders)) < 0)
                return r;
        if (row->at <= row->end) {
                uint64_t trade = (uint64_t)next_int(row, 0, INT64_MAX);
                r = add_trade(a, trade, id, row);
                if (r < 0)
                        return r;
                note_number(&a->paper->trade_number, trade);
        }
        if (!order_status_terminal(read.status)) {
                read.live = calloc(1, sizeof(*read.live));
                if (!read.live)
                        return -ENOMEM;
                *read.live = waiting;
        }
        if (waiting.sequence > a->paper->sequence)
                a->paper->sequence = waiting.sequence;
        struct paper_order *o = slab_add(&a->orders);
        *o = read;
        list_init(&o->updated);
        return 0;
}

static int read_position(struct paper_account *a, const char *key, struct row *row)
{
        char symbol[SYMBOL_SIZE];
        const char *bar = strrchr(key, '|');
        struct paper_book *b;
        struct paper_position *pos;
        int64_t fields[8];
        for (unsigned i = 0; i < ELEMENTS(fields); i++)
                fields[i] = next_signed(row);
        int product = bar ? product_from(bar + 1, strlen(bar + 1)) : -EINVAL;
        if (row->bad || row->at <= row->end || product < 0 || bar == key ||
            !text_copy_bytes(symbol, sizeof(symbol), key, (size_t)(bar - key)))
                return -EBADMSG;
        int r = find_book(a, symbol, &b);
        if (r < 0 || (r = book_position(b, (enum product)product, &pos)) < 0)
                return r;
        pos->quantity = fields[0];
        pos->cost = fields[1];
        pos->realised = fields[2];
        pos->released = fields[3];
        pos->buy_quantity = fields[4];
        pos->sell_quantity = fields[5];
        pos->holding_quantity = fields[6];
        pos->holding_cost = fields[7];
        return 0;
}

int paper_restore(void *paper, const char *account, const char *kind, const char *key,
                  const void *value, size_t size)
{
        struct paper *p = paper;
        struct paper_account *a = account_find(p, account);
        struct row row = {.at = value, .end = value ? (const char *)value + size : NULL};
        uint64_t id, order_id;
        char text[ID_TEXT_SIZE];
        if (!value || next_int(&row, 0, INT64_MAX) != 1 || row.bad)
                return -EBADMSG;
        if (!strcmp(kind, "account"))
                return a ? read_account(a, &row) : 0;
        if (!strcmp(kind, "position"))
                return a ? read_position(a, key, &row) : 0;
        if (id_parse(key, strlen(key), &id) < 0)
                return -EBADMSG;
        /* The numbers of an account that is no longer configured are taken all the same. */
        if (!strcmp(kind, "order")) {
                note_number(&p->order_number, id);
                return a ? read_order(a, id, &row) : 0;
        }
        if (strcmp(kind, "trade") != 0)
                return -EBADMSG;
        note_number(&p->trade_number, id);
        if (!a)
                return 0;
        next_text(&row, text, sizeof(text));
        if (row.bad || id_parse(text, strlen(text), &order_id) < 0)
                return -EBADMSG;
        return add_trade(a, id, order_id, &row);
}

static int order_by_id(const void *a, const void *b)
{
        const struct paper_order *x = *(struct paper_order *const *)a;
        const struct paper_order *y = *(struct paper_order *const *)b;
        return x->id < y->id ? -1 : x->id > y->id;
}

static int order_by_update(const void *a, const void *b)
{
        const struct paper_order *x = *(struct paper_order *const *)a;
        const struct paper_order *y = *(struct paper_order *const *)b;
        if (x->updated_us != y->updated_us)
                return x->updated_us < y->updated_us ? -1 : 1;
        return order_by_id(a, b);
}

static int trade_by_id(const void *a, const void *b)
{
        const struct paper_trade *x = *(struct paper_trade *const *)a;
        const struct paper_trade *y = *(struct paper_trade *const *)b;
        return x->id < y->id ? -1 : x->id > y->id;
}

static int sorted(const struct slab *s, int (*order)(const void *, const void *), void ***ret)
{
        void **items = calloc(s->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        for (uint32_t i = 0; i < s->n; i++)
                items[i] = slab_at(s, i);
        qsort(items, s->n, sizeof(*items), order);
        *ret = items;
        return 0;
}

/* Expired by the last roll, and nobody may have read it yet. */
static bool stays(const struct paper_account *a, const struct paper_order *o)
{
        int day = id_day(o->id);
        return day >= a->day || (o->status == ORDER_STATUS_EXPIRED && day >= a->previous_day);
}

static int place_orders(struct paper_account *a)
{
        struct slab kept = {.item = sizeof(struct paper_order)};
        _cleanup_(freep) void **items = NULL;
        int r = sorted(&a->orders, order_by_id, &items);
        for (uint32_t i = 0; r == 0 && i < a->orders.n; i++) {
                struct paper_order *o = items[i];
                if (!stays(a, o)) {
                        free(o->live);
                        o->live = NULL;
                        r = prune_reserve(a, 1);
                        if (r == 0)
                                prune_add(a, o->id, false);
                        continue;
                }
                r = slab_reserve(&kept);
                if (r == 0) {
                        struct paper_order *copy = slab_add(&kept);
                        *copy = *o;
                        list_init(&copy->updated);
                        o->live = NULL;
                        a->carried += id_day(o->id) < a->day;
                }
        }
        for (uint32_t i = 0; i < a->orders.n; i++)
                free(order_at(a, i)->live);
        slab_done(&a->orders);
        a->orders = kept;
        for (uint32_t i = 0; r == 0 && i < a->orders.n; i++)
                if (*order_at(a, i)->tag && (r = tags_reserve(a)) == 0)
                        tags_add(a, i);
        return r;
}

static int place_trades(struct paper_account *a)
{
        struct slab kept = {.item = sizeof(struct paper_trade)};
        _cleanup_(freep) void **items = NULL;
        int r = sorted(&a->trades, trade_by_id, &items);
        for (uint32_t i = 0; r == 0 && i < a->trades.n; i++) {
                const struct paper_trade *t = items[i];
                struct paper_order *o = account_order(a, t->order_id);
                if (!o || id_day(t->id) < a->day) {
                        r = prune_reserve(a, 1);
                        if (r == 0)
                                prune_add(a, t->id, true);
                        continue;
                }
                r = slab_reserve(&kept);
                if (r < 0)
                        break;
                struct paper_trade *copy = slab_add(&kept);
                *copy = *t;
                copy->order = o;
                if (!o->first_trade)
                        o->first_trade = kept.n;
        }
        slab_done(&a->trades);
        a->trades = kept;
        return r;
}

static int place_live(struct paper_account *a)
{
        for (uint32_t i = 0; i < a->orders.n; i++) {
                struct paper_order *o = order_at(a, i);
                if (!o->live)
                        continue;
                uint64_t sequence = o->live->sequence;
                for (unsigned q = 0; q < _QUEUE_MAX; q++) {
                        int r = queue_reserve(&o->book->queues[q]);
                        if (r < 0)
                                return r;
                }
                live_begin(o, o->live, o->live->block_price, sequence);
                match_rest(o);
        }
        return 0;
}

/* The order of changes, and with it how far the books were matched: every request brings them up to
 * its own moment first. */
static int place_updates(struct paper_account *a)
{
        _cleanup_(freep) void **items = NULL;
        int r = sorted(&a->orders, order_by_update, &items);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < a->orders.n; i++)
                list_append(&a->updated, &((struct paper_order *)items[i])->updated);
        a->tick = a->paper->now / MARKET_TICK_US;
        if (a->orders.n) {
                struct paper_order *latest = items[a->orders.n - 1];
                if (latest->updated_us / MARKET_TICK_US < a->tick)
                        a->tick = latest->updated_us / MARKET_TICK_US;
        }
        for (uint32_t i = 0; i < a->trades.n; i++) {
                const struct paper_trade *t = trade_at(a, i);
                if (t->at_us / MARKET_TICK_US != a->tick || t->order->flags & ORDER_SQUARE_OFF)
                        continue;
                t->order->book->taken_tick = a->tick;
                t->order->book->taken[t->order->side] += t->quantity;
        }
        return 0;
}

static int finish_account(struct paper_account *a)
{
        struct paper *p = a->paper;
        int r = dirty_reserve(p, 1);
        if (r < 0)
                return r;
        if (!a->restored) {
                a->day = p->day;
                dirty_account(a);
        }
        a->cash = a->opening;
        for (struct paper_book *b = a->books; b; b = b->hh.next) {
                listing_refresh(p, b->listing);
                for (unsigned product = 0; product < _PRODUCT_MAX; product++)
                        if (b->positions[product]) {
                                a->cash += position_flow(b->positions[product]);
                                position_update(b->positions[product]);
                        }
        }
        if ((r = place_orders(a)) < 0 || (r = place_trades(a)) < 0 || (r = place_live(a)) < 0)
                return r;
        return place_updates(a);
}

int restore_finish(struct paper *p)
{
        int today = clock_ist_day(p->now);
        p->day = 0;
        for (const struct paper_account *a = p->accounts; a; a = a->next)
                if (a->restored && a->day > p->day)
                        p->day = a->day;
        if (p->day == 0)
                p->day = today;
        for (struct paper_account *a = p->accounts; a; a = a->next) {
                int r = finish_account(a);
                if (r < 0)
                        return r;
        }
        p->ready = true;
        return 0;
}
