/* The end of a trading day. Where session hours are enforced it is the close of the instrument;
 * else, for the market that never sleeps, midnight in India. What rests expires, intraday positions
 * are squared off at the last price, and so is whatever has reached its expiry. At midnight the day
 * rolls: delivered shares become holdings, today's sums are settled into the opening cash, and the
 * books are cleared. Orders that the roll found open stay for one more day as EXPIRED, so that
 * whoever watches them can read their end. */
#include "paper/entry.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

static int64_t end_us(const struct paper_book *b)
{
        const struct paper_account *a = b->account;
        const struct calendar *c = a->paper->options.calendar;
        if (!a->enforce_hours || !c)
                return clock_from_ist(clock_day_add(a->day, 1), 0);
        int64_t close = calendar_close_of(c, &b->listing->instrument, a->day);
        return close ? close : clock_from_ist(a->day, 0);
}

int64_t day_end_tick(const struct paper_book *b)
{
        return (end_us(b) - 1) / MARKET_TICK_US;
}

static int expire(struct paper_book *b)
{
        struct paper *p = b->account->paper;
        for (unsigned i = 0; i < _QUEUE_MAX; i++)
                while (b->queues[i].n) {
                        int r = dirty_reserve(p, 1);
                        if (r < 0)
                                return r;
                        paper_order_move(queue_best(&b->queues[i])->order, ORDER_STATUS_EXPIRED);
                }
        return 0;
}

/* An order of the exchange's own, so that positions stay the sum of the trades. */
static int square_off(struct paper_position *pos, int64_t tick)
{
        struct paper_book *b = pos->book;
        struct paper_account *a = b->account;
        int64_t size = pos->quantity < 0 ? -pos->quantity : pos->quantity;
        struct market m = listing_market(b->listing, a->still);
        int64_t price = market_last(&m, tick);
        if (price <= 0)
                price = decimal_muldiv(pos->cost, 1, size);
        struct entry e = {
                .side = pos->quantity > 0 ? SIDE_SELL : SIDE_BUY,
                .type = ORDER_TYPE_MARKET,
                .product = pos->product,
                .validity = VALIDITY_DAY,
                .quantity = size,
        };
        struct paper_order *o;
        _cleanup_(freep) struct live *live = calloc(1, sizeof(*live));
        int r = live ? slab_reserve(&a->trades) : -ENOMEM;
        if (r < 0 || (r = dirty_reserve(a->paper, 4)) < 0 || (r = paper_order_new(b, &e, &o)) < 0)
                return r;
        o->flags |= ORDER_SQUARE_OFF;
        o->reason = REASON_SQUARE_OFF;
        live_begin(o, TAKE(live), price, ++a->paper->sequence);
        paper_order_move(o, ORDER_STATUS_OPEN);
        return match_fill(o, size, price, tick * MARKET_TICK_US);
}

/* Trading in the book is over for the account's day. */
static int close_book(struct paper_book *b)
{
        int64_t tick = day_end_tick(b);
        const struct instrument *i = &b->listing->instrument;
        bool expired = i->expiry && i->expiry <= b->account->day;
        int r = expire(b);
        for (unsigned product = 0; r == 0 && product < _PRODUCT_MAX; product++) {
                struct paper_position *pos = b->positions[product];
                if (pos && pos->quantity && (product == PRODUCT_INTRADAY || expired))
                        r = square_off(pos, tick);
        }
        return r;
}

static int close_ended_books(struct paper_account *a)
{
        struct paper_book *b, *next;
        HASH_ITER (hh, a->books, b, next) {
                int r = end_us(b) <= a->paper->now ? close_book(b) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static void settle_position(struct paper_position *pos)
{
        struct paper_account *a = pos->book->account;
        bool changes = pos->realised || pos->released || pos->buy_quantity || pos->sell_quantity;
        if (pos->product == PRODUCT_CNC && pos->quantity) {
                pos->holding_quantity += pos->quantity;
                pos->holding_cost += pos->cost;
                a->cash -= pos->cost;
                pos->quantity = pos->cost = 0;
                changes = true;
        }
        pos->realised = pos->released = pos->buy_quantity = pos->sell_quantity = 0;
        position_update(pos);
        if (changes)
                dirty_position(pos);
}

static bool carried_over(const struct paper_account *a, const struct paper_order *o)
{
        return o->status == ORDER_STATUS_EXPIRED && id_day(o->id) == a->day;
}

/* Moves the orders that stay into `kept` (room reserved) and everything else to the rows to delete.
 */
static void clear_books(struct paper_account *a, struct slab *kept)
{
        for (uint32_t i = 0; i < a->trades.n; i++) {
                const struct paper_trade *t = trade_at(a, i);
                if (t->order->first_trade != i + 1)
                        prune_add(a, t->id, true);
        }
        list_init(&a->updated);
        if (a->tags.slots)
                memset(a->tags.slots, 0, a->tags.size * sizeof(*a->tags.slots));
        a->tags.n = 0;
        for (uint32_t i = 0; i < a->orders.n; i++) {
                const struct paper_order *o = order_at(a, i);
                if (!carried_over(a, o)) {
                        prune_add(a, o->id, false);
                        continue;
                }
                struct paper_order *copy = slab_add(kept);
                *copy = *o;
                copy->first_trade = 0;
                copy->flags &= (uint8_t)~ORDER_DIRTY;
                list_init(&copy->updated);
                list_append(&a->updated, &copy->updated);
                dirty_order(copy);
        }
        slab_done(&a->orders);
        slab_done(&a->trades);
        a->orders = *kept;
        a->carried = kept->n;
        for (uint32_t i = 0; i < kept->n; i++)
                if (*order_at(a, i)->tag)
                        tags_add(a, i); /* they stay taken; there was room for them before */
}

static int reserve_roll(struct paper_account *a, struct slab *kept)
{
        uint32_t n = 0, positions = 0;
        for (uint32_t i = 0; i < a->orders.n; i++)
                n += carried_over(a, order_at(a, i));
        for (struct paper_book *b = a->books; b; b = b->hh.next)
                positions += _PRODUCT_MAX;
        int r = prune_reserve(a, a->orders.n + a->trades.n);
        if (r == 0)
                r = dirty_reserve(a->paper, n + positions + 1);
        for (kept->n = 0; r == 0 && kept->n_chunks * SLAB_CHUNK < n; kept->n += SLAB_CHUNK)
                r = slab_reserve(kept);
        kept->n = 0;
        return r;
}

static int roll(struct paper_account *a, int day)
{
        struct paper_book *b, *next;
        int r;
        LIST_FOREACH (it, &a->resting) {
                b = LIST_ENTRY(it, struct paper_book, resting);
                r = match_through(b, a->tick + 1, day_end_tick(b));
                if (r < 0)
                        return r;
                list_unlink(&b->resting);
        }
        HASH_ITER (hh, a->books, b, next) {
                listing_refresh(a->paper, b->listing);
                r = close_book(b);
                if (r < 0)
                        return r;
        }
        struct slab kept = {.item = sizeof(struct paper_order)};
        r = reserve_roll(a, &kept);
        if (r < 0) {
                slab_done(&kept);
                return r;
        }
        dirty_forget_day(a);
        clear_books(a, &kept);
        HASH_ITER (hh, a->books, b, next) {
                for (unsigned product = 0; product < _PRODUCT_MAX; product++)
                        if (b->positions[product])
                                settle_position(b->positions[product]);
        }
        a->opening = a->cash;
        a->previous_day = a->day;
        a->day = day;
        dirty_account(a);
        return 0;
}

/* A new day: every account leaves the old one before its numbers are used again. */
int day_roll(struct paper *p, int today)
{
        for (struct paper_account *a = p->accounts; a; a = a->next) {
                int r = a->day < today ? roll(a, today) : 0;
                if (r < 0)
                        return r;
        }
        if (p->day < today) {
                p->day = today;
                p->order_number = p->trade_number = 0;
        }
        p->day_end_us = clock_from_ist(clock_day_add(today, 1), 0);
        return 0;
}

int day_advance(struct paper_account *a)
{
        bool moved = a->tick < a->paper->now / MARKET_TICK_US;
        int r = match_account(a);
        if (r == 0 && moved && a->enforce_hours)
                r = close_ended_books(a);
        return r;
}
