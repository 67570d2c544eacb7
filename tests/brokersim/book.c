#include "brokersim/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/margin.h"

void book_init(struct book *b, struct market *m, unsigned max)
{
        int64_t now = clock_wall_us();

        b->market = m;
        b->max = max;
        /* Ids of one day do not come again after a restart. */
        b->serial = (uint64_t)clock_ist(now).second * 1000;
}

static void user_clear(struct user *u)
{
        for (unsigned i = 0; i < u->n_entries; i++) {
                list_unlink(&u->entries[i]->link);
                free(u->entries[i]);
        }
        free(u->entries);
        free(u->deals);
        free(u->stakes);
        u->entries = NULL;
        u->deals = NULL;
        u->stakes = NULL;
        u->n_entries = u->size_entries = u->n_deals = u->size_deals = 0;
        u->n_stakes = u->size_stakes = 0;
        u->blocked = u->used = u->realised = 0;
        for (unsigned i = 0; i < u->n_holdings; i++)
                u->holdings[i].sold = 0;
}

void book_clear(struct book *b, struct accounts *a)
{
        HASH_CLEAR(hh, b->entries);
        for (unsigned i = 0; i < a->n_users; i++)
                user_clear(a->users[i]);
        b->n = 0;
}

void book_done(struct book *b)
{
        HASH_CLEAR(hh, b->entries);
}

struct entry *book_find(const struct book *b, const struct user *u, const char *id)
{
        struct entry *e;

        HASH_FIND_STR(b->entries, id, e);
        return e && (!u || e->user == u) ? e : NULL;
}

/* Arrays of a user grow by doubling; without memory the simulator ends, as h2o does. */
static void *grow(void *array, unsigned n, unsigned *size, size_t element)
{
        if (n < *size)
                return array;
        *size = *size ? 2 * *size : 64;
        void *grown = realloc(array, *size * element);
        if (!grown)
                abort();
        return grown;
}

/* --- rules --------------------------------------------------------------------------------------
 */

enum refusal book_check(const struct book *b, const struct ticket *t)
{
        const struct instrument *i = t->listing->i;
        bool limit = t->type == ORDER_TYPE_LIMIT || t->type == ORDER_TYPE_STOP_LIMIT;
        bool stop = t->type == ORDER_TYPE_STOP || t->type == ORDER_TYPE_STOP_LIMIT;

        if (i->lot <= 0 || !margin_product_allowed(i, t->product))
                return REFUSAL_PRODUCT;
        if (!b->market->open && !t->amo)
                return REFUSAL_CLOSED;
        if (t->quantity <= 0 || t->quantity % i->lot != 0)
                return REFUSAL_LOT;
        if ((i->freeze > 0 && t->quantity > i->freeze) || t->quantity > QUANTITY_MAX_SIM)
                return REFUSAL_FREEZE;
        if ((limit && (t->price <= 0 || t->price % i->tick != 0)) ||
            (stop && (t->trigger <= 0 || t->trigger % i->tick != 0)))
                return REFUSAL_TICK;
        if (limit && (t->price < instrument_band_low(i) || t->price > instrument_band_high(i) ||
                      t->price > PRICE_MAX_SIM))
                return REFUSAL_BAND;
        if (t->type == ORDER_TYPE_STOP_LIMIT &&
            (t->side == SIDE_BUY ? t->price < t->trigger : t->price > t->trigger))
                return REFUSAL_TRIGGER;
        return REFUSAL_NONE;
}

/* --- positions and money ------------------------------------------------------------------------
 */

static struct stake *find_stake(const struct user *u, const struct listing *l, enum product p)
{
        for (unsigned i = 0; i < u->n_stakes; i++)
                if (u->stakes[i].listing == l && u->stakes[i].product == p)
                        return &u->stakes[i];
        return NULL;
}

int64_t stake_realised(const struct stake *s)
{
        int64_t closed = s->bought < s->sold ? s->bought : s->sold;

        return closed == 0 ? 0
                           : closed * (average_of(s->sold_value, s->sold) -
                                       average_of(s->bought_value, s->bought));
}

int64_t stake_unrealised(const struct stake *s)
{
        int64_t net = stake_net(s);

        return net > 0   ? net * (s->listing->last - average_of(s->bought_value, s->bought))
               : net < 0 ? net * (s->listing->last - average_of(s->sold_value, s->sold))
                         : 0;
}

static struct holding_row *find_holding(struct user *u, const struct listing *l)
{
        for (unsigned i = 0; i < u->n_holdings; i++)
                if (u->holdings[i].listing == l)
                        return &u->holdings[i];
        return NULL;
}

int64_t ticket_margin(const struct user *u, const struct ticket *t)
{
        const struct stake *s = find_stake(u, t->listing, t->product);
        int64_t net = s ? stake_net(s) : 0;
        int64_t closes = t->side == SIDE_BUY ? (net < 0 ? -net : 0) : (net > 0 ? net : 0);
        int64_t opens = t->quantity > closes ? t->quantity - closes : 0;
        int64_t price = t->price > 0 ? t->price : t->trigger > 0 ? t->trigger : t->listing->last;

        return margin_required(t->listing->i, t->side, t->product, opens, price, 0);
}

/* Delivery sells what is there: holdings, and what was bought today. */
static bool can_deliver(struct user *u, const struct ticket *t)
{
        if (t->side != SIDE_SELL || t->product == PRODUCT_INTRADAY ||
            t->listing->i->segment != SEGMENT_EQUITY)
                return true;
        const struct holding_row *h = find_holding(u, t->listing);
        const struct stake *s = find_stake(u, t->listing, t->product);
        int64_t has = (h ? h->quantity : 0) + (s ? stake_net(s) : 0);
        LIST_FOREACH (it, &t->listing->resting) {
                const struct entry *e = LIST_ENTRY(it, struct entry, link);
                if (e->user == u && e->t.side == SIDE_SELL && e->t.product == t->product)
                        has -= entry_open(e);
        }
        return has >= t->quantity;
}

static void block(struct entry *e, int64_t amount)
{
        e->user->blocked += amount - e->blocked;
        e->blocked = amount;
}

static void stake_add(struct user *u, const struct ticket *t, int64_t quantity, int64_t price)
{
        struct stake *s = find_stake(u, t->listing, t->product);

        if (!s) {
                u->stakes = grow(u->stakes, u->n_stakes, &u->size_stakes, sizeof(*u->stakes));
                s = &u->stakes[u->n_stakes++];
                *s = (struct stake){.listing = t->listing, .product = t->product};
        }
        int64_t realised = stake_realised(s);
        if (t->side == SIDE_BUY) {
                s->bought += quantity;
                s->bought_value += quantity * price;
        } else {
                s->sold += quantity;
                s->sold_value += quantity * price;
        }
        u->realised += stake_realised(s) - realised;
        int64_t net = stake_net(s);
        int64_t used = margin_required(t->listing->i, net >= 0 ? SIDE_BUY : SIDE_SELL, t->product,
                                       net >= 0 ? net : -net,
                                       net >= 0 ? average_of(s->bought_value, s->bought)
                                                : average_of(s->sold_value, s->sold),
                                       0);
        u->used += used - s->used;
        s->used = used;
}

/* --- matching -----------------------------------------------------------------------------------
 */

static void end(struct entry *e, enum order_status s)
{
        e->status = s;
        e->updated_us = clock_wall_us();
        list_unlink(&e->link);
        block(e, 0);
}

int64_t book_fill(struct book *b, struct entry *e, int64_t quantity, int64_t price)
{
        struct user *u = e->user;
        int64_t open = entry_open(e);

        if (quantity > open)
                quantity = open;
        if (quantity <= 0)
                return 0;
        e->filled += quantity;
        e->value += quantity * price;
        e->updated_us = clock_wall_us();
        u->deals = grow(u->deals, u->n_deals, &u->size_deals, sizeof(*u->deals));
        u->deals[u->n_deals++] = (struct deal){
                .entry = e,
                .number = ++b->deals,
                .quantity = quantity,
                .price = price,
                .at_us = e->updated_us,
        };
        stake_add(u, &e->t, quantity, price);
        if (e->filled == e->t.quantity) {
                end(e, ORDER_STATUS_FILLED);
        } else {
                block(e, decimal_muldiv(e->blocked, e->t.quantity - e->filled,
                                        e->t.quantity - e->filled + quantity));
                e->status = ORDER_STATUS_PARTIALLY_FILLED;
        }
        return quantity;
}

static bool marketable(const struct entry *e)
{
        const struct ticket *t = &e->t;
        int64_t last = t->listing->last;

        if (t->type == ORDER_TYPE_MARKET || t->type == ORDER_TYPE_STOP)
                return true;
        return t->side == SIDE_BUY ? t->price >= last : t->price <= last;
}

static void match(struct book *b, struct entry *e)
{
        struct listing *l = e->t.listing;
        bool stop = e->t.type == ORDER_TYPE_STOP || e->t.type == ORDER_TYPE_STOP_LIMIT;

        if (order_status_terminal(e->status) || !b->market->open || l->last <= 0)
                return;
        if (stop && !e->triggered) {
                if (e->t.side == SIDE_BUY ? l->last < e->t.trigger : l->last > e->t.trigger)
                        return;
                e->triggered = true;
                e->status = ORDER_STATUS_OPEN;
                e->updated_us = clock_wall_us();
        }
        if (marketable(e) && l->liquidity > 0) {
                int64_t n = l->liquidity < entry_open(e) ? l->liquidity : entry_open(e);
                if (l->liquidity != LIQUIDITY_ENDLESS)
                        l->liquidity -= n;
                (void)book_fill(b, e, n, l->last);
        }
        if (e->t.validity == VALIDITY_IOC && !order_status_terminal(e->status)) {
                e->cancelled = entry_open(e);
                end(e, ORDER_STATUS_CANCELLED);
        }
}

void book_move(struct book *b, struct listing *l, int64_t price)
{
        struct list now = LIST_INIT(now);

        l->last = price;
        list_splice(&now, &l->resting);
        while (!list_empty(&now)) {
                struct entry *e = LIST_ENTRY(now.next, struct entry, link);
                list_unlink(&e->link);
                list_append(&l->resting, &e->link);
                match(b, e);
        }
}

/* --- orders -------------------------------------------------------------------------------------
 */

static void make_ids(struct book *b, struct entry *e)
{
        unsigned day = (unsigned)(b->market->day % 1000000);
        unsigned long long n = ++b->serial % 100000000;

        snprintf(e->id, sizeof(e->id),
                 e->user->broker == BROKER_MSTOCK ? "1000%06u%08llu" : "%06u%08llu", day, n);
        snprintf(e->exchange_id, sizeof(e->exchange_id), "11%06u%08llu", day, n);
}

static void refuse(struct book *b, struct entry *e, enum refusal why, int64_t needed)
{
        e->status = ORDER_STATUS_REJECTED;
        e->exchange_id[0] = '\0';
        if (b->words)
                b->words(e, why, needed, e->message, sizeof(e->message));
}

struct entry *book_place(struct book *b, struct user *u, const struct ticket *t,
                         enum refusal *ret_why)
{
        struct entry *e = b->n < b->max ? calloc(1, sizeof(*e)) : NULL;
        enum refusal why = book_check(b, t);
        int64_t needed = why == REFUSAL_NONE ? ticket_margin(u, t) : 0;

        if (!e)
                return NULL;
        if (why == REFUSAL_NONE && !can_deliver(u, t))
                why = REFUSAL_HOLDINGS;
        if (why == REFUSAL_NONE && needed > 0 && needed > user_available(u))
                why = REFUSAL_FUNDS;
        e->user = u;
        e->t = *t;
        e->placed_us = e->updated_us = clock_wall_us();
        list_init(&e->link);
        make_ids(b, e);
        u->entries = grow(u->entries, u->n_entries, &u->size_entries, sizeof(struct entry *));
        u->entries[u->n_entries++] = e;
        HASH_ADD_STR(b->entries, id, e);
        b->n++;
        *ret_why = why;
        if (why != REFUSAL_NONE) {
                refuse(b, e, why, needed);
                return e;
        }
        bool stop = t->type == ORDER_TYPE_STOP || t->type == ORDER_TYPE_STOP_LIMIT;
        e->status = stop ? ORDER_STATUS_TRIGGER_PENDING : ORDER_STATUS_OPEN;
        list_append(&t->listing->resting, &e->link);
        block(e, needed);
        match(b, e);
        return e;
}

enum refusal book_modify(struct book *b, struct entry *e, const struct ticket *t)
{
        struct ticket open = *t;

        if (order_status_terminal(e->status))
                return REFUSAL_FINAL;
        enum refusal why = book_check(b, t);
        if (why == REFUSAL_NONE && t->quantity <= e->filled)
                why = REFUSAL_LOT;
        open.quantity = t->quantity - e->filled;
        int64_t needed = why == REFUSAL_NONE ? ticket_margin(e->user, &open) : 0;
        if (why == REFUSAL_NONE && needed > user_available(e->user) + e->blocked)
                why = REFUSAL_FUNDS;
        if (why != REFUSAL_NONE)
                return why;
        bool stop = t->type == ORDER_TYPE_STOP || t->type == ORDER_TYPE_STOP_LIMIT;
        e->t = *t;
        e->modified++;
        e->updated_us = clock_wall_us();
        if (!e->triggered)
                e->status = stop            ? ORDER_STATUS_TRIGGER_PENDING
                            : e->filled > 0 ? ORDER_STATUS_PARTIALLY_FILLED
                                            : ORDER_STATUS_OPEN;
        block(e, needed);
        match(b, e);
        return REFUSAL_NONE;
}

enum refusal book_cancel(struct book *b, struct entry *e, const char *message)
{
        (void)b;
        if (order_status_terminal(e->status))
                return REFUSAL_FINAL;
        e->cancelled = entry_open(e);
        end(e, ORDER_STATUS_CANCELLED);
        (void)text_copy(e->message, sizeof(e->message), message);
        return REFUSAL_NONE;
}

void book_flip(struct book *b, struct entry *e, enum order_status s, const char *message)
{
        if (message)
                (void)text_copy(e->message, sizeof(e->message), message);
        if (s == ORDER_STATUS_FILLED) {
                (void)book_fill(b, e, entry_open(e), e->t.listing->last);
        } else if (order_status_terminal(s)) {
                if (s != ORDER_STATUS_REJECTED)
                        e->cancelled = e->t.quantity - e->filled;
                end(e, s);
        } else {
                e->status = s;
                e->cancelled = 0;
                e->updated_us = clock_wall_us();
                list_unlink(&e->link);
                if (s != ORDER_STATUS_PENDING)
                        list_append(&e->t.listing->resting, &e->link);
        }
}
