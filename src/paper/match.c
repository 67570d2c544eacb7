/* Matching: price, then time, against the market's quotes. A fill is at the market's price, so
 * never worse than the limit; at one market tick no more is traded on a side than was shown. */
#include "paper/exchange.h"

#include <errno.h>

/* Orders without a price go before all limits. */
static int64_t rank_of(const struct paper_order *o)
{
        if (paper_order_acts_as(o) == ORDER_TYPE_MARKET)
                return INT64_MAX;
        return o->side == SIDE_BUY ? o->price : -o->price;
}

static struct queue *queue_for(const struct paper_order *o)
{
        enum order_type type = paper_order_acts_as(o);
        bool waits = type == ORDER_TYPE_STOP || type == ORDER_TYPE_STOP_LIMIT;
        unsigned stops = waits ? QUEUE_BUY_STOPS : QUEUE_BUYS;
        return &o->book->queues[stops + (o->side == SIDE_SELL)];
}

static bool marketable(const struct paper_order *o, const struct market_quote *q)
{
        if (paper_order_acts_as(o) == ORDER_TYPE_MARKET)
                return q->last > 0;
        return q->last > 0 && (o->side == SIDE_BUY ? o->price >= q->ask : o->price <= q->bid);
}

/* One trade, all of it or nothing. */
int match_fill(struct paper_order *o, int64_t quantity, int64_t price, int64_t at_us)
{
        struct paper_account *a = o->book->account;
        struct paper *p = a->paper;
        int r = dirty_reserve(p, 3);
        if (r < 0 || (r = slab_reserve(&a->trades)) < 0)
                return r;
        struct paper_trade *t = slab_add(&a->trades);
        *t = (struct paper_trade){
                .order = o,
                .id = id_of(a->day, ++p->trade_number),
                .price = price,
                .at_us = at_us,
                .quantity = (uint32_t)quantity,
        };
        if (o->first_trade)
                dirty_trade(a, t); /* the first one rides inside its order's row */
        else
                o->first_trade = a->trades.n;

        struct paper_position *pos = o->book->positions[o->product];
        pos->open_quantity[o->side] -= quantity;
        pos->open_value[o->side] -= quantity * o->live->block_price;
        o->filled += (uint32_t)quantity;
        o->value += price * quantity;
        position_fill(pos, o->side, quantity, price);
        dirty_position(pos);
        paper_order_move(o, o->filled == o->quantity ? ORDER_STATUS_FILLED
                                                     : ORDER_STATUS_PARTIALLY_FILLED);
        return 0;
}

/* Trades what it can of what the market shows at `tick`. */
static int trade_at_tick(struct paper_order *o, const struct market *m,
                         const struct market_quote *q, int64_t tick, int64_t at_us)
{
        struct paper_book *b = o->book;
        enum side side = o->side;
        if (!marketable(o, q) || b->account->trades.n >= PAPER_TRADES_MAX)
                return 0;
        if (b->taken_tick != tick) {
                b->taken_tick = tick;
                b->taken[SIDE_BUY] = b->taken[SIDE_SELL] = 0;
        }
        int64_t shown = side == SIDE_BUY ? q->ask_quantity : q->bid_quantity;
        int64_t quantity = m->still ? shown : shown - b->taken[side];
        if (quantity > o->quantity - o->filled)
                quantity = o->quantity - o->filled;
        if (quantity <= 0)
                return 0;
        int r = match_fill(o, quantity, side == SIDE_BUY ? q->ask : q->bid, at_us);
        if (r < 0)
                return r;
        b->taken[side] += quantity;
        return 0;
}

void match_rest(struct paper_order *o)
{
        if (!o->live)
                return;
        if (o->validity == VALIDITY_IOC && o->status != ORDER_STATUS_TRIGGER_PENDING) {
                paper_order_move(o, ORDER_STATUS_CANCELLED);
                return;
        }
        if (!o->live->queue) {
                bool waits = o->status == ORDER_STATUS_TRIGGER_PENDING;
                int64_t trigger = o->side == SIDE_BUY ? -o->trigger_price : o->trigger_price;
                queue_insert(o, queue_for(o), waits ? trigger : rank_of(o));
        }
}

/* An order that has just come in, changed, or fired: out of every queue, status OPEN,
 * PARTIALLY_FILLED or TRIGGER_PENDING. */
static int match_incoming(struct paper_order *o, const struct market *m,
                          const struct market_quote *q, int64_t tick, int64_t at_us)
{
        int r = queue_reserve(queue_for(o));
        if (r < 0 || (r = dirty_reserve(o->book->account->paper, 3)) < 0)
                return r;
        if (o->status != ORDER_STATUS_TRIGGER_PENDING)
                r = trade_at_tick(o, m, q, tick, at_us);
        match_rest(o);
        return r;
}

int match_order(struct paper_order *o)
{
        struct paper_account *a = o->book->account;
        struct market m = listing_market(o->book->listing, a->still);
        struct market_quote q = market_quote(&m, a->tick);
        return match_incoming(o, &m, &q, a->tick, a->paper->now);
}

/* It would meet an order of its own account: one that rests at its price or better, or one without
 * a price. */
bool match_self_trade(const struct paper_book *b, enum side side, bool market, int64_t price,
                      const struct market_quote *q)
{
        const struct live *best =
                queue_best(&b->queues[side == SIDE_BUY ? QUEUE_SELLS : QUEUE_BUYS]);
        if (!best)
                return false;
        if (best->rank == INT64_MAX)
                return true;
        if (side == SIDE_BUY)
                return best->order->price <= (market ? q->ask : price);
        return best->order->price >= (market ? q->bid : price);
}

static int fire(struct paper_order *o, const struct market *m, const struct market_quote *q,
                int64_t tick, int64_t at_us)
{
        struct paper *p = o->book->account->paper;
        bool market = o->type == ORDER_TYPE_STOP;
        int r = dirty_reserve(p, 3);
        if (r < 0 || (r = queue_reserve(&o->book->queues[QUEUE_BUYS + (o->side == SIDE_SELL)])) < 0)
                return r;
        if (match_self_trade(o->book, o->side, market, o->price, q)) {
                o->reason = REASON_SELF_TRADE;
                paper_order_move(o, ORDER_STATUS_REJECTED);
                return 0;
        }
        queue_remove(o);
        o->flags |= ORDER_TRIGGERED;
        o->live->sequence = ++p->sequence; /* its time is that of firing */
        paper_order_move(o, ORDER_STATUS_OPEN);
        return match_incoming(o, m, q, tick, at_us);
}

static int fire_stops(struct paper_book *b, const struct market *m, const struct market_quote *q,
                      int64_t tick, int64_t at_us)
{
        const struct live *l;
        int r = 0;
        while (r == 0 && (l = queue_best(&b->queues[QUEUE_BUY_STOPS])) &&
               q->last >= l->order->trigger_price)
                r = fire(l->order, m, q, tick, at_us);
        while (r == 0 && (l = queue_best(&b->queues[QUEUE_SELL_STOPS])) &&
               q->last <= l->order->trigger_price)
                r = fire(l->order, m, q, tick, at_us);
        return r;
}

static int match_tick(struct paper_book *b, const struct market *m, int64_t tick)
{
        struct market_quote q = market_quote(m, tick);
        int64_t at_us = tick * MARKET_TICK_US;
        if (q.last <= 0)
                return 0;
        for (unsigned i = QUEUE_BUYS; i <= QUEUE_SELLS; i++) {
                const struct live *l;
                while ((l = queue_best(&b->queues[i]))) {
                        uint32_t before = l->order->filled;
                        uint32_t quantity = l->order->quantity;
                        struct paper_order *o = l->order;
                        int r = trade_at_tick(o, m, &q, tick, at_us);
                        if (r < 0)
                                return r;
                        if (o->filled == before || o->filled < quantity)
                                break; /* not marketable, or the shown size is used up */
                }
        }
        return fire_stops(b, m, &q, tick, at_us);
}

/* Last prices strictly between the two move nothing in the book. The bid is never above the last
 * price and the ask never below it. False: an order without a price rests, every tick matters. */
static bool quiet_range(const struct paper_book *b, int64_t *ret_low, int64_t *ret_high)
{
        const struct live *buy = queue_best(&b->queues[QUEUE_BUYS]);
        const struct live *sell = queue_best(&b->queues[QUEUE_SELLS]);
        const struct live *above = queue_best(&b->queues[QUEUE_BUY_STOPS]);
        const struct live *below = queue_best(&b->queues[QUEUE_SELL_STOPS]);
        int64_t low = 0, high = INT64_MAX;
        if ((buy && buy->rank == INT64_MAX) || (sell && sell->rank == INT64_MAX))
                return false;
        if (buy)
                low = buy->order->price;
        if (below && below->order->trigger_price > low)
                low = below->order->trigger_price;
        if (sell)
                high = sell->order->price;
        if (above && above->order->trigger_price < high)
                high = above->order->trigger_price;
        *ret_low = low;
        *ret_high = high;
        return true;
}

/* Brings the book through the market's ticks `from` … `to`, as if it had been matched at each. */
int match_through(struct paper_book *b, int64_t from, int64_t to)
{
        listing_refresh(b->account->paper, b->listing);
        struct market m = listing_market(b->listing, b->account->still);
        if (m.still)
                return from <= to ? match_tick(b, &m, to) : 0;
        for (int64_t tick = from; tick <= to && book_rests(b); tick++) {
                int64_t low, high;
                if (b->account->trades.n >= PAPER_TRADES_MAX)
                        return 0;
                if (quiet_range(b, &low, &high))
                        tick = market_next(&m, tick, to, low + 1, high - 1);
                if (tick > to)
                        break;
                int r = match_tick(b, &m, tick);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* At most once per market tick, and only where something rests. */
int match_account(struct paper_account *a)
{
        int64_t tick = a->paper->now / MARKET_TICK_US;
        if (tick <= a->tick)
                return 0;
        LIST_FOREACH (it, &a->resting) {
                struct paper_book *b = LIST_ENTRY(it, struct paper_book, resting);
                int64_t end = day_end_tick(b);
                int r = match_through(b, a->tick + 1, tick < end ? tick : end);
                if (r < 0)
                        return r;
                if (!book_rests(b))
                        list_unlink(&b->resting);
        }
        a->tick = tick;
        return 0;
}
