/* The broker's desk: what it asks before an order, a change or a cancel reaches the book. */
#include "paper/entry.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"

static int check_account(const struct paper_account *a, const struct entry *e, struct refusal *ret)
{
        if (account_tag(a, e->tag))
                return refuse(ret, 409, "DUPLICATE_TAG", "An order with the tag %s is in the book",
                              e->tag);
        if (a->orders.n - a->carried >= PAPER_ORDERS_MAX)
                return refuse(ret, 422, "BOOK_FULL", "The account has had its %u orders of the day",
                              PAPER_ORDERS_MAX);
        if (a->trades.n >= PAPER_TRADES_MAX)
                return refuse(ret, 422, "BOOK_FULL", "The account has had its %u trades of the day",
                              PAPER_TRADES_MAX);
        return 0;
}

static int check_session(const struct paper_account *a, const struct listing *l,
                         struct refusal *ret)
{
        const struct calendar *c = a->paper->options.calendar;
        if (!a->enforce_hours || !c || calendar_open(c, &l->instrument, a->paper->now))
                return 0;
        return refuse(ret, 422, "MARKET_CLOSED", "16278: the market for %s is closed",
                      l->instrument.symbol);
}

static int check_self_trade(const struct paper_book *b, const struct entry *e, struct refusal *ret)
{
        const struct paper_account *a = b->account;
        bool market = e->type == ORDER_TYPE_MARKET;
        if (!market && e->type != ORDER_TYPE_LIMIT)
                return 0; /* asked when it fires */
        struct market m = listing_market(b->listing, a->still);
        struct market_quote q = market_quote(&m, a->tick);
        if (!match_self_trade(b, e->side, market, e->price, &q))
                return 0;
        return refuse(ret, 422, "SELF_TRADE", "17080: the order was rejected to avoid self trade");
}

static int check_means(const struct paper_position *pos, enum side side, int64_t quantity,
                       int64_t block_price, struct refusal *ret)
{
        const struct paper_account *a = pos->book->account;
        if (side == SIDE_SELL && product_delivers(pos->product) &&
            quantity > position_sellable(pos))
                return refuse(ret, 422, "INSUFFICIENT_HOLDINGS",
                              "Insufficient holdings: %lld of %s can be sold, %lld asked",
                              (long long)position_sellable(pos),
                              pos->book->listing->instrument.symbol, (long long)quantity);
        int64_t required = position_used_with(pos, side, quantity, block_price) - pos->used;
        int64_t available = a->cash - a->used;
        if (required <= 0 || required <= available)
                return 0;
        char need[DECIMAL_TEXT_SIZE], have[DECIMAL_TEXT_SIZE];
        return refuse(ret, 422, "INSUFFICIENT_FUNDS",
                      "Insufficient funds. Required margin is %s but available margin is %s",
                      decimal_print(required, need), decimal_print(available, have));
}

static int reserve_queues(struct paper_book *b)
{
        for (unsigned i = 0; i < _QUEUE_MAX; i++) {
                int r = queue_reserve(&b->queues[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int desk_place(struct paper_account *a, const struct entry *e, struct paper_order **ret,
               struct refusal *ret_refusal)
{
        struct listing *l;
        struct paper_book *b;
        struct paper_position *pos;
        struct paper_order *o;
        int r = check_account(a, e, ret_refusal);
        if (r)
                return r;
        r = listing_get(a->paper, e->symbol, &l);
        if (r < 0)
                return r;
        if (r > 0)
                return refuse(ret_refusal, 422, "UNKNOWN_SYMBOL", "16012: %s is not a known symbol",
                              e->symbol);
        r = entry_check(e, l, a->still, a->paper->now, false, ret_refusal);
        if (r || (r = check_session(a, l, ret_refusal)))
                return r;
        if ((r = account_book(a, l, &b)) < 0 || (r = book_position(b, e->product, &pos)) < 0 ||
            (r = reserve_queues(b)) < 0)
                return r;
        struct market m = listing_market(l, a->still);
        int64_t block_price = entry_block_price(e, &m);
        r = check_self_trade(b, e, ret_refusal);
        if (r || (r = check_means(pos, e->side, e->quantity, block_price, ret_refusal)))
                return r;

        _cleanup_(freep) struct live *live = calloc(1, sizeof(*live));
        if (!live)
                return -ENOMEM;
        r = paper_order_new(b, e, &o);
        if (r < 0)
                return r;
        live_begin(o, TAKE(live), block_price, ++a->paper->sequence);
        bool waits = e->type == ORDER_TYPE_STOP || e->type == ORDER_TYPE_STOP_LIMIT;
        paper_order_move(o, waits ? ORDER_STATUS_TRIGGER_PENDING : ORDER_STATUS_OPEN);
        *ret = o;
        return match_order(o);
}

static int check_change(const struct paper_order *o, const struct entry *e, struct refusal *ret)
{
        bool was_stop = o->type == ORDER_TYPE_STOP || o->type == ORDER_TYPE_STOP_LIMIT;
        bool is_stop = e->type == ORDER_TYPE_STOP || e->type == ORDER_TYPE_STOP_LIMIT;
        if (o->flags & ORDER_TRIGGERED) {
                if (e->type != o->type || e->trigger_price != o->trigger_price)
                        return refuse(
                                ret, 422, "MODIFY",
                                "16115: the stop has fired, its type and trigger are settled");
        } else if (is_stop && !was_stop) {
                return refuse(ret, 422, "MODIFY",
                              "16115: an order at the market cannot become a stop");
        }
        if (e->quantity <= o->filled)
                return refuse(ret, 422, "MODIFY",
                              "16115: quantity %lld must be above the %u already filled",
                              (long long)e->quantity, o->filled);
        return 0;
}

/* The order's own blocks are taken out while the new ones are checked. */
static int check_new_means(struct paper_order *o, int64_t remaining, int64_t block_price,
                           struct refusal *ret)
{
        struct paper_position *pos = o->book->positions[o->product];
        int64_t old = o->quantity - o->filled, old_price = o->live->block_price;
        pos->open_quantity[o->side] -= old;
        pos->open_value[o->side] -= old * old_price;
        o->live->block_price = 0;
        int r = check_means(pos, o->side, remaining, block_price, ret);
        pos->open_quantity[o->side] += old;
        pos->open_value[o->side] += old * old_price;
        o->live->block_price = old_price;
        return r;
}

static void apply(struct paper_order *o, const struct entry *e, int64_t block_price)
{
        struct paper_position *pos = o->book->positions[o->product];
        bool loses_time = e->price != o->price || e->trigger_price != o->trigger_price ||
                          e->type != (enum order_type)o->type || e->quantity > o->quantity;
        int64_t old = o->quantity - o->filled, now = e->quantity - o->filled;
        pos->open_quantity[o->side] += now - old;
        pos->open_value[o->side] += now * block_price - old * o->live->block_price;
        o->live->block_price = block_price;
        if (loses_time)
                o->live->sequence = ++o->book->account->paper->sequence;
        o->quantity = (uint32_t)e->quantity;
        o->price = e->price;
        o->trigger_price = e->trigger_price;
        o->type = (uint8_t)e->type;
        o->validity = (uint8_t)e->validity;
        position_update(pos);
}

int desk_modify(struct paper_order *o, const struct entry *e, struct refusal *ret_refusal)
{
        struct paper_book *b = o->book;
        struct paper_account *a = b->account;
        if (!o->live)
                return refuse(ret_refusal, 409, "ORDER_NOT_OPEN", "16115: the order is %s",
                              order_status_name(o->status));
        int r = check_change(o, e, ret_refusal);
        if (r)
                return r;
        listing_refresh(a->paper, b->listing);
        bool triggered = o->flags & ORDER_TRIGGERED;
        struct entry acting = *e;
        if (triggered)
                acting.type = e->type == ORDER_TYPE_STOP ? ORDER_TYPE_MARKET : ORDER_TYPE_LIMIT;
        r = entry_check(&acting, b->listing, a->still, a->paper->now, triggered, ret_refusal);
        if (r || (r = check_session(a, b->listing, ret_refusal)))
                return r;
        struct market m = listing_market(b->listing, a->still);
        int64_t block_price = entry_block_price(&acting, &m);
        if ((r = check_self_trade(b, &acting, ret_refusal)) ||
            (r = check_new_means(o, e->quantity - o->filled, block_price, ret_refusal)))
                return r;
        if ((r = reserve_queues(b)) < 0 || (r = dirty_reserve(a->paper, 3)) < 0)
                return r;
        queue_remove(o);
        apply(o, e, block_price);
        if (o->status == ORDER_STATUS_TRIGGER_PENDING &&
            (e->type == ORDER_TYPE_MARKET || e->type == ORDER_TYPE_LIMIT))
                paper_order_move(o, ORDER_STATUS_OPEN);
        else
                paper_order_touch(o);
        return match_order(o);
}

int desk_cancel(struct paper_order *o, struct refusal *ret_refusal)
{
        if (!o->live)
                return refuse(ret_refusal, 409, "ORDER_NOT_OPEN", "16115: the order is %s",
                              order_status_name(o->status));
        int r = dirty_reserve(o->book->account->paper, 1);
        if (r < 0)
                return r;
        paper_order_move(o, ORDER_STATUS_CANCELLED);
        return 0;
}
