#include "paper/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/json.h"

static const char *const reason_texts[_REASON_MAX] = {
        [REASON_SELF_TRADE] = "17080: the order was rejected to avoid self trade",
        [REASON_SQUARE_OFF] = "Squared off by the exchange",
};

static int64_t last_price(const struct paper_book *b)
{
        listing_refresh(b->account->paper, b->listing);
        struct market m = listing_market(b->listing, b->account->still);
        return market_last(&m, b->account->paper->now / MARKET_TICK_US);
}

void wire_put_result(struct text *t, const struct paper_order *o)
{
        struct json_writer w = JSON_WRITER(t);
        char id[ID_TEXT_SIZE];
        json_object_begin(&w, NULL);
        json_put_string(&w, "order_id", id_print(o->id, id));
        json_put_string(&w, "status", order_status_name(o->status));
        json_put_int(&w, "filled_quantity", o->filled);
        json_put_decimal(&w, "average_price", paper_order_average(o));
        json_object_finish(&w);
}

void wire_put_refusal(struct text *t, const struct refusal *r)
{
        struct json_writer w = JSON_WRITER(t);
        json_object_begin(&w, NULL);
        json_object_begin(&w, "error");
        json_put_string(&w, "code", r->code);
        json_put_string(&w, "message", r->message);
        json_object_finish(&w);
        json_object_finish(&w);
}

static void put_order(struct json_writer *w, const struct paper_order *o)
{
        char id[ID_TEXT_SIZE];
        json_object_begin(w, NULL);
        json_put_string(w, "order_id", id_print(o->id, id));
        json_put_string(w, "tag", o->tag);
        json_put_string(w, "symbol", o->book->listing->instrument.symbol);
        json_put_string(w, "side", side_name(o->side));
        json_put_string(w, "type", order_type_name(o->type));
        json_put_string(w, "product", product_name(o->product));
        json_put_string(w, "validity", validity_name(o->validity));
        json_put_int(w, "quantity", o->quantity);
        json_put_int(w, "filled_quantity", o->filled);
        json_put_decimal(w, "price", o->price);
        json_put_decimal(w, "trigger_price", o->trigger_price);
        json_put_decimal(w, "average_price", paper_order_average(o));
        json_put_string(w, "status", order_status_name(o->status));
        json_put_int(w, "placed_at", o->placed_us);
        json_put_int(w, "updated_at", o->updated_us);
        if (o->reason)
                json_put_string(w, "message", reason_texts[o->reason]);
        json_object_finish(w);
}

void wire_put_order(struct text *t, const struct paper_order *o)
{
        struct json_writer w = JSON_WRITER(t);
        put_order(&w, o);
}

static int by_id(const void *a, const void *b)
{
        const struct paper_order *x = *(const struct paper_order *const *)a;
        const struct paper_order *y = *(const struct paper_order *const *)b;
        return x->id < y->id ? -1 : x->id > y->id;
}

static void put_all_orders(struct json_writer *w, const struct paper_account *a)
{
        for (uint32_t i = 0; i < a->orders.n; i++)
                put_order(w, order_at(a, i));
}

/* Only as much of the book is looked at as has changed. */
static int put_orders_since(struct json_writer *w, const struct paper_account *a, int64_t since_us)
{
        uint32_t n = 0;
        const struct list *first = &a->updated;
        while (first->prev != &a->updated &&
               LIST_ENTRY(first->prev, struct paper_order, updated)->updated_us >= since_us) {
                first = first->prev;
                n++;
        }
        _cleanup_(freep) const struct paper_order **orders = calloc(n + 1, sizeof(*orders));
        if (!orders)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++, first = first->next)
                orders[i] = LIST_ENTRY(first, struct paper_order, updated);
        qsort(orders, n, sizeof(*orders), by_id);
        for (uint32_t i = 0; i < n; i++)
                put_order(w, orders[i]);
        return 0;
}

int wire_put_orders(struct text *t, const struct paper_account *a, int64_t since_us)
{
        struct json_writer w = JSON_WRITER(t);
        int r = 0;
        json_object_begin(&w, NULL);
        json_put_int(&w, "as_of", a->paper->now);
        json_array_begin(&w, "orders");
        if (since_us > 0)
                r = put_orders_since(&w, a, since_us);
        else
                put_all_orders(&w, a);
        json_array_finish(&w);
        json_object_finish(&w);
        return r;
}

void wire_put_trades(struct text *t, const struct paper_account *a)
{
        struct json_writer w = JSON_WRITER(t);
        char id[ID_TEXT_SIZE];
        json_object_begin(&w, NULL);
        json_array_begin(&w, "trades");
        for (uint32_t i = 0; i < a->trades.n; i++) {
                const struct paper_trade *trade = trade_at(a, i);
                const struct paper_order *o = trade->order;
                json_object_begin(&w, NULL);
                json_put_string(&w, "trade_id", id_print(trade->id, id));
                json_put_string(&w, "order_id", id_print(o->id, id));
                json_put_string(&w, "tag", o->tag);
                json_put_string(&w, "symbol", o->book->listing->instrument.symbol);
                json_put_string(&w, "side", side_name(o->side));
                json_put_string(&w, "product", product_name(o->product));
                json_put_int(&w, "quantity", trade->quantity);
                json_put_decimal(&w, "price", trade->price);
                json_put_int(&w, "at", trade->at_us);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

void wire_put_funds(struct text *t, const struct paper_account *a)
{
        struct json_writer w = JSON_WRITER(t);
        int64_t realised = 0, unrealised = 0;
        for (const struct paper_book *b = a->books; b; b = b->hh.next) {
                int64_t last = last_price(b);
                for (unsigned i = 0; i < _PRODUCT_MAX; i++)
                        if (b->positions[i]) {
                                realised += b->positions[i]->realised;
                                unrealised += position_unrealised(b->positions[i], last);
                        }
        }
        json_object_begin(&w, NULL);
        json_put_decimal(&w, "available", a->cash - a->used);
        json_put_decimal(&w, "used", a->used);
        json_put_decimal(&w, "total", a->cash);
        json_put_decimal(&w, "realised_pnl", realised);
        json_put_decimal(&w, "unrealised_pnl", unrealised);
        json_object_finish(&w);
}

static void put_holding(struct json_writer *w, const struct paper_position *pos)
{
        int64_t last = last_price(pos->book);
        json_object_begin(w, NULL);
        json_put_string(w, "symbol", pos->book->listing->instrument.symbol);
        json_put_int(w, "quantity", pos->holding_quantity);
        json_put_decimal(w, "average_price",
                         decimal_muldiv(pos->holding_cost, 1, pos->holding_quantity));
        json_put_decimal(w, "last_price", last);
        json_put_decimal(w, "pnl",
                         last ? decimal_muldiv(last, pos->holding_quantity, 1) - pos->holding_cost
                              : 0);
        json_object_finish(w);
}

static void put_position(struct json_writer *w, const struct paper_position *pos)
{
        int64_t last = last_price(pos->book);
        int64_t size = pos->quantity < 0 ? -pos->quantity : pos->quantity;
        json_object_begin(w, NULL);
        json_put_string(w, "symbol", pos->book->listing->instrument.symbol);
        json_put_string(w, "product", product_name(pos->product));
        json_put_int(w, "quantity", pos->quantity);
        json_put_decimal(w, "average_price", size ? decimal_muldiv(pos->cost, 1, size) : 0);
        json_put_decimal(w, "last_price", last);
        json_put_decimal(w, "realised_pnl", pos->realised);
        json_put_decimal(w, "unrealised_pnl", position_unrealised(pos, last));
        json_put_int(w, "buy_quantity", pos->buy_quantity);
        json_put_int(w, "sell_quantity", pos->sell_quantity);
        json_object_finish(w);
}

static int by_symbol(const void *a, const void *b)
{
        const struct paper_book *x = *(const struct paper_book *const *)a;
        const struct paper_book *y = *(const struct paper_book *const *)b;
        return strcmp(x->listing->instrument.symbol, y->listing->instrument.symbol);
}

int wire_put_positions(struct text *t, const struct paper_account *a, bool holdings)
{
        struct json_writer w = JSON_WRITER(t);
        unsigned n = HASH_COUNT(a->books), at = 0;
        _cleanup_(freep) const struct paper_book **books = calloc(n + 1, sizeof(*books));
        if (!books)
                return -ENOMEM;
        for (const struct paper_book *b = a->books; b; b = b->hh.next)
                books[at++] = b;
        qsort(books, n, sizeof(*books), by_symbol);
        json_object_begin(&w, NULL);
        json_array_begin(&w, holdings ? "holdings" : "positions");
        for (unsigned i = 0; i < n * _PRODUCT_MAX; i++) {
                const struct paper_position *pos =
                        books[i / _PRODUCT_MAX]->positions[i % _PRODUCT_MAX];
                if (!pos)
                        continue;
                if (holdings && pos->holding_quantity)
                        put_holding(&w, pos);
                if (!holdings && (pos->quantity || pos->buy_quantity || pos->sell_quantity))
                        put_position(&w, pos);
        }
        json_array_finish(&w);
        json_object_finish(&w);
        return 0;
}

static void put_quote(struct json_writer *w, struct paper_account *a, struct listing *l)
{
        int64_t now = a->paper->now, tick = now / MARKET_TICK_US;
        int64_t first =
                (clock_from_ist(clock_ist_day(now), 0) + MARKET_TICK_US - 1) / MARKET_TICK_US;
        struct market m = listing_market(l, a->still);
        struct market_quote q = market_quote(&m, tick);
        int64_t high = instrument_band_high(&l->instrument);
        if (first > tick)
                first = tick;
        listing_range(l, &m, first, tick);
        json_object_begin(w, NULL);
        json_put_string(w, "symbol", l->instrument.symbol);
        json_put_decimal(w, "last", q.last);
        json_put_decimal(w, "bid", q.bid);
        json_put_decimal(w, "ask", q.ask);
        json_put_int(w, "bid_quantity", q.bid_quantity);
        json_put_int(w, "ask_quantity", q.ask_quantity);
        json_put_decimal(w, "open", l->open);
        json_put_decimal(w, "high", l->high);
        json_put_decimal(w, "low", l->low);
        json_put_decimal(w, "close", l->instrument.previous_close);
        json_put_int(w, "volume", market_volume(&m, tick - first));
        json_put_decimal(w, "lower_circuit", instrument_band_low(&l->instrument));
        json_put_decimal(w, "upper_circuit", high == INT64_MAX ? 0 : high);
        json_put_int(w, "at", now);
        json_object_finish(w);
}

/* Symbols that are not known are left out. */
int wire_put_quotes(struct text *t, struct paper_account *a, const char *query,
                    struct refusal *ret_refusal)
{
        struct json_writer w = JSON_WRITER(t);
        char symbol[SYMBOL_SIZE];
        struct listing *l;
        if (!text_starts(query, "symbols="))
                return refuse(ret_refusal, 400, "INVALID_REQUEST", "symbols is missing");
        query += strlen("symbols=");
        json_object_begin(&w, NULL);
        json_array_begin(&w, "quotes");
        for (unsigned n = 0; *query; n++) {
                if (n == PAPER_QUOTES_MAX || wire_next_symbol(&query, symbol) < 0)
                        return refuse(ret_refusal, 400, "INVALID_REQUEST", "symbols is not valid");
                int r = listing_get(a->paper, symbol, &l);
                if (r < 0)
                        return r;
                if (r == 0)
                        put_quote(&w, a, l);
        }
        json_array_finish(&w);
        json_object_finish(&w);
        return 0;
}

void wire_put_profile(struct text *t, const struct paper_account *a)
{
        struct json_writer w = JSON_WRITER(t);
        json_object_begin(&w, NULL);
        json_put_string(&w, "account", a->id);
        json_put_string(&w, "market", a->still ? "static" : "live");
        json_object_finish(&w);
}
