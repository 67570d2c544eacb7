/* What changed becomes rows of a rider: an order (its first fill inside), further fills, a position
 * (with its holding), the account once a day. So a placed and filled order is two rows. A row is
 * text; '|' is between its fields, the first one is the version of the format; an empty position
 * has no row.
 *
 *   account   "state"          1, day, previous day, opening cash
 *   order     its id           1, symbol, tag, side, type, product, validity, status, flags,
 *                              reason, quantity, filled, price, trigger price, value, placed,
 *                              updated, sequence, block price; then of its first fill: id,
 *                              price, quantity, time
 *   trade     its id           1, order id, price, quantity, time
 *   position  symbol|product   1, quantity, cost, realised, released, bought, sold, holding,
 *                              cost of the holding
 *
 * A rider that was not stored marks its entities again: the next one carries them as they are by
 * then. */
#include "paper/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[_KIND_MAX] = {
        [KIND_ACCOUNT] = "account",
        [KIND_ORDER] = "order",
        [KIND_TRADE] = "trade",
        [KIND_POSITION] = "position",
};

int dirty_reserve(struct paper *p, unsigned more)
{
        if (p->size_dirty - p->n_dirty >= more)
                return 0;
        uint32_t size = p->size_dirty ? p->size_dirty * 2 : 16;
        while (size - p->n_dirty < more)
                size *= 2;
        struct dirty *dirty = reallocarray(p->dirty, size, sizeof(*dirty));
        if (!dirty)
                return -ENOMEM;
        p->dirty = dirty;
        p->size_dirty = size;
        return 0;
}

static void dirty_add(struct paper_account *a, enum kind kind, void *entity)
{
        struct paper *p = a->paper;
        p->dirty[p->n_dirty++] = (struct dirty){kind, a, entity};
}

void dirty_order(struct paper_order *o)
{
        if (!(o->flags & ORDER_DIRTY))
                dirty_add(o->book->account, KIND_ORDER, o);
        o->flags |= ORDER_DIRTY;
}

void dirty_trade(struct paper_account *a, struct paper_trade *t)
{
        if (!t->dirty)
                dirty_add(a, KIND_TRADE, t);
        t->dirty = true;
}

void dirty_position(struct paper_position *pos)
{
        if (!pos->dirty)
                dirty_add(pos->book->account, KIND_POSITION, pos);
        pos->dirty = true;
}

void dirty_account(struct paper_account *a)
{
        if (!a->dirty)
                dirty_add(a, KIND_ACCOUNT, a);
        a->dirty = true;
}

/* The orders and trades of the account are about to go. */
void dirty_forget_day(struct paper_account *a)
{
        struct paper *p = a->paper;
        uint32_t n = 0;
        for (uint32_t i = 0; i < p->n_dirty; i++) {
                const struct dirty *d = &p->dirty[i];
                bool goes = d->account == a && (d->kind == KIND_ORDER || d->kind == KIND_TRADE);
                if (!goes)
                        p->dirty[n++] = *d;
        }
        p->n_dirty = n;
}

int prune_reserve(struct paper_account *a, uint32_t more)
{
        if (a->size_prune - a->n_prune >= more)
                return 0;
        struct prune *prune = reallocarray(a->prune, (size_t)a->n_prune + more, sizeof(*prune));
        if (!prune)
                return -ENOMEM;
        a->prune = prune;
        a->size_prune = a->n_prune + more;
        return 0;
}

void prune_add(struct paper_account *a, uint64_t id, bool trade)
{
        a->prune[a->n_prune++] = (struct prune){.id = id, .trade = trade};
}

static void add(struct text *t, int64_t value)
{
        text_add_char(t, '|');
        text_add_int(t, value);
}

static void add_word(struct text *t, const char *word)
{
        text_add_char(t, '|');
        text_add(t, word);
}

static void add_fill(struct text *t, const struct paper_trade *trade)
{
        add(t, trade->price);
        add(t, trade->quantity);
        add(t, trade->at_us);
}

static void write_order(const struct paper_account *a, const struct paper_order *o, struct text *t)
{
        add_word(t, o->book->listing->instrument.symbol);
        add_word(t, o->tag);
        add_word(t, side_name(o->side));
        add_word(t, order_type_name(o->type));
        add_word(t, product_name(o->product));
        add_word(t, validity_name(o->validity));
        add_word(t, order_status_name(o->status));
        add(t, o->flags & ~ORDER_DIRTY);
        add(t, o->reason);
        add(t, o->quantity);
        add(t, o->filled);
        add(t, o->price);
        add(t, o->trigger_price);
        add(t, o->value);
        add(t, o->placed_us);
        add(t, o->updated_us);
        add(t, o->live ? (int64_t)o->live->sequence : 0);
        add(t, o->live ? o->live->block_price : 0);
        if (o->first_trade) {
                const struct paper_trade *first = trade_at(a, o->first_trade - 1);
                add(t, (int64_t)first->id);
                add_fill(t, first);
        }
}

static void write_position(const struct paper_position *pos, struct text *t)
{
        const int64_t fields[] = {
                pos->quantity,     pos->cost,          pos->realised,         pos->released,
                pos->buy_quantity, pos->sell_quantity, pos->holding_quantity, pos->holding_cost,
        };
        bool empty = true;
        for (unsigned i = 0; i < ELEMENTS(fields); i++)
                empty = empty && fields[i] == 0;
        if (empty)
                return;
        text_add_char(t, '1');
        for (unsigned i = 0; i < ELEMENTS(fields); i++)
                add(t, fields[i]);
}

/* An empty text deletes the row. */
static void write_row(const struct dirty *d, char key[static 72], struct text *t)
{
        const struct paper_account *a = d->account;
        const struct paper_order *o = d->entity;
        const struct paper_trade *trade = d->entity;
        const struct paper_position *pos = d->entity;
        char id[ID_TEXT_SIZE];
        switch (d->kind) {
        case KIND_ACCOUNT:
                text_copy(key, 72, "state");
                text_add_char(t, '1');
                add(t, a->day);
                add(t, a->previous_day);
                add(t, a->opening);
                break;
        case KIND_ORDER:
                text_copy(key, 72, id_print(o->id, id));
                text_add_char(t, '1');
                write_order(a, o, t);
                break;
        case KIND_TRADE:
                text_copy(key, 72, id_print(trade->id, id));
                text_add_char(t, '1');
                add_word(t, id_print(trade->order->id, id));
                add_fill(t, trade);
                break;
        case KIND_POSITION:
                snprintf(key, 72, "%s|%s", pos->book->listing->instrument.symbol,
                         product_name(pos->product));
                write_position(pos, t);
                break;
        case _KIND_MAX:
                break;
        }
}

static int add_row(struct rider *r, const struct dirty *d)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;
        char key[72] = "";
        assert(d->kind < _KIND_MAX);
        write_row(d, key, &t);
        if (t.failed)
                return t.failed;
        size_t size = t.len;
        _cleanup_(freep) char *value = size ? text_take(&t) : NULL;
        int e = rider_add(r, d->account->id, kind_names[d->kind], key, value, size);
        if (e == 0)
                value = NULL;
        return e;
}

static int add_prunes(struct paper *p, struct rider *r)
{
        uint32_t left = PAPER_PRUNE_MAX;
        for (struct paper_account *a = p->accounts; a && left; a = a->next)
                for (uint32_t i = 0; i < a->n_prune && left; i++, left--) {
                        const struct prune *gone = &a->prune[a->n_prune - 1 - i];
                        char id[ID_TEXT_SIZE];
                        int e = rider_add(r, a->id,
                                          kind_names[gone->trade ? KIND_TRADE : KIND_ORDER],
                                          id_print(gone->id, id), NULL, 0);
                        if (e < 0)
                                return e;
                }
        return 0;
}

static void forget_prunes(struct paper *p)
{
        uint32_t left = PAPER_PRUNE_MAX;
        for (struct paper_account *a = p->accounts; a && left; a = a->next) {
                uint32_t n = a->n_prune < left ? a->n_prune : left;
                a->n_prune -= n;
                left -= n;
                if (a->n_prune == 0 && a->size_prune > PAPER_PRUNE_MAX) {
                        free(a->prune);
                        a->prune = NULL;
                        a->size_prune = 0;
                }
        }
}

static void set_clean(const struct dirty *d)
{
        switch (d->kind) {
        case KIND_ACCOUNT:
                d->account->dirty = false;
                break;
        case KIND_ORDER:
                ((struct paper_order *)d->entity)->flags &= (uint8_t)~ORDER_DIRTY;
                break;
        case KIND_TRADE:
                ((struct paper_trade *)d->entity)->dirty = false;
                break;
        case KIND_POSITION:
                ((struct paper_position *)d->entity)->dirty = false;
                break;
        case _KIND_MAX:
                break;
        }
}

static int dirty_everything(struct paper *p)
{
        for (struct paper_account *a = p->accounts; a; a = a->next) {
                uint32_t books = HASH_COUNT(a->books);
                int r = dirty_reserve(p, a->orders.n + a->trades.n + books * _PRODUCT_MAX + 1);
                if (r < 0)
                        return r;
                dirty_account(a);
                for (uint32_t i = 0; i < a->orders.n; i++)
                        dirty_order(order_at(a, i));
                for (uint32_t i = 0; i < a->trades.n; i++)
                        if (trade_at(a, i)->order->first_trade != i + 1)
                                dirty_trade(a, trade_at(a, i));
                for (struct paper_book *b = a->books; b; b = b->hh.next)
                        for (unsigned product = 0; product < _PRODUCT_MAX; product++)
                                if (b->positions[product])
                                        dirty_position(b->positions[product]);
        }
        p->rewrite = false;
        return 0;
}

static struct paper_position *position_of_key(struct paper_account *a, const char *key)
{
        char symbol[SYMBOL_SIZE];
        const char *bar = strrchr(key, '|');
        struct listing *l;
        struct paper_book *b;
        if (!bar || !text_copy_bytes(symbol, sizeof(symbol), key, (size_t)(bar - key)))
                return NULL;
        HASH_FIND_STR(a->paper->listings, symbol, l);
        HASH_FIND_PTR(a->books, &l, b);
        int product = product_from(bar + 1, strlen(bar + 1));
        return b && product >= 0 ? b->positions[product] : NULL;
}

static int dirty_again(struct paper *p, const struct rider_row *row)
{
        struct paper_account *a = account_find(p, row->account);
        struct paper_order *o;
        struct paper_trade *t;
        struct paper_position *pos;
        uint64_t id = 0;
        bool trade = !strcmp(row->kind, kind_names[KIND_TRADE]);
        int r = dirty_reserve(p, 1);
        if (!a || r < 0)
                return r;
        if (!strcmp(row->kind, kind_names[KIND_ACCOUNT])) {
                dirty_account(a);
        } else if (!strcmp(row->kind, kind_names[KIND_POSITION])) {
                pos = position_of_key(a, row->key);
                if (pos)
                        dirty_position(pos);
        } else if (id_parse(row->key, strlen(row->key), &id) == 0 && !row->value) {
                r = prune_reserve(a, 1);
                if (r == 0)
                        prune_add(a, id, trade);
        } else if (trade) {
                t = account_trade(a, id);
                if (t)
                        dirty_trade(a, t);
        } else {
                o = account_order(a, id);
                if (o)
                        dirty_order(o);
        }
        return r;
}

static void settled(struct rider *r, bool durable)
{
        struct paper *p = r->userdata;
        if (durable)
                return;
        for (unsigned i = 0; i < r->n_rows; i++)
                if (dirty_again(p, &r->rows[i]) < 0)
                        p->rewrite = true;
}

/* Everything that is dirty, as one rider; NULL when nothing is. On failure it all stays dirty. */
int persist_collect(struct paper *p, struct rider **ret)
{
        bool prunes = false;
        int r = p->rewrite ? dirty_everything(p) : 0;
        for (const struct paper_account *a = p->accounts; a && !prunes; a = a->next)
                prunes = a->n_prune > 0;
        *ret = NULL;
        if (r < 0 || (p->n_dirty == 0 && !prunes))
                return r;
        struct rider *rider;
        r = rider_new("paper", &rider);
        if (r < 0)
                return r;
        for (uint32_t i = 0; r == 0 && i < p->n_dirty; i++)
                r = add_row(rider, &p->dirty[i]);
        if (r == 0 && prunes)
                r = add_prunes(p, rider);
        if (r < 0) {
                rider_settle(rider, false);
                return r;
        }
        rider->settled = settled;
        rider->userdata = p;
        for (uint32_t i = 0; i < p->n_dirty; i++)
                set_clean(&p->dirty[i]);
        p->n_dirty = 0;
        if (prunes)
                forget_prunes(p);
        *ret = rider;
        return 0;
}
