/* Reading: the books (§5), funds, holdings and positions (§6), quotes (§7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "broker/fyers.h"
#include "broker/reading.h"

/* --- requests --- */

static int request_quotes(const struct broker_call *c, struct http_request *r)
{
        if (c->n_scrips == 0)
                return -EINVAL;
        text_add(&r->url, "/data/quotes?symbols=");
        for (unsigned i = 0; i < c->n_scrips; i++) {
                if (!*c->scrips[i]->key)
                        return -EINVAL;
                if (i > 0)
                        text_add_char(&r->url, ',');
                fyers_put_ticker(&r->url, c->scrips[i]->key);
        }
        return 0;
}

static int request_order(const struct broker_call *c, struct http_request *r)
{
        if (!c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        text_add(&r->url, "/api/v3/orders?id=");
        text_add_urlencoded(&r->url, c->leg->broker_order_id);
        return 0;
}

static int request_master(const struct broker_call *c, struct http_request *r)
{
        for (unsigned i = 0; fyers_master.files[i]; i++)
                if (i == c->step) {
                        text_add(&r->url, fyers_master.files[i]);
                        return 0;
                }
        return -EINVAL;
}

int fyers_request_read(const struct broker_call *c, struct http_request *r)
{
        static const char *const paths[_BROKER_OP_MAX] = {
                [BROKER_BOOK] = "/api/v3/orders",         [BROKER_TRADES] = "/api/v3/tradebook",
                [BROKER_FUNDS] = "/api/v3/funds",         [BROKER_HOLDINGS] = "/api/v3/holdings",
                [BROKER_POSITIONS] = "/api/v3/positions", [BROKER_PROFILE] = "/api/v3/profile",
                [BROKER_LOGOUT] = "/api/v3/logout",
        };
        switch (c->op) {
        case BROKER_QUOTES:
                return request_quotes(c, r);
        case BROKER_ORDER:
                return request_order(c, r);
        case BROKER_MASTER:
                return request_master(c, r);
        default:
                if (!paths[c->op])
                        return -ENOTSUP;
                if (c->op == BROKER_LOGOUT)
                        r->method = "POST";
                text_add(&r->url, paths[c->op]);
                return 0;
        }
}

/* --- what rows share --- */

struct place {
        char symbol[SCRIP_KEY_SIZE];
        int64_t exchange, segment;
        enum side side;
};

/* A row's instrument, by its ticker; what no master lists is shown under its exchange's name. */
static void find_scrip(const struct broker_call *c, const struct place *p, struct scrip *ret)
{
        const char *colon = strchr(p->symbol, ':');
        int e = fyers_exchange(p->exchange, p->segment);

        if (c->source.find && c->source.find(c->source.userdata, SCRIP_BY_KEY, p->symbol, ret))
                return;
        if (e < 0 && colon)
                e = exchange_from(p->symbol, (size_t)(colon - p->symbol));
        reading_scrip(c, SCRIP_BY_KEY, colon ? colon + 1 : p->symbol,
                      e < 0 ? EXCHANGE_NSE : (enum exchange)e, ret);
}

/* Of cover, bracket and other products there is none of ours: they are of the kind that their
 * segment has, so that no row is lost. */
static enum product product_of(struct json_object *row, const struct scrip *s)
{
        const char *word = fyers_string(row, "productType");
        int product = word_value(fyers_products, word);

        if (product >= 0)
                return (enum product)product;
        if (!strcmp(word, "CO") || !strcmp(word, "BO"))
                return PRODUCT_INTRADAY;
        bool share =
                s->instrument.exchange == EXCHANGE_NSE || s->instrument.exchange == EXCHANGE_BSE;
        return share ? PRODUCT_CNC : PRODUCT_MARGIN;
}

/* Ours comes back as "1:tag" (§5); what is longer than ours is somebody else's. */
static void take_tag(struct json_object *row, char ret[static TAG_SIZE])
{
        const char *tag = fyers_string(row, "orderTag");
        if (!text_starts(tag, "1:") || !strcmp(tag + 2, "Untagged") ||
            !text_copy(ret, TAG_SIZE, tag + 2))
                ret[0] = '\0';
}

/* A time in another form is no reason to lose an order. */
static int64_t time_of(struct json_object *row)
{
        int64_t us = 0;
        return reading_time(fyers_string(row, "orderDateTime"), "%d-%b-%Y %H:%M:%S", &us) == 0 ? us
                                                                                               : 0;
}

/* In exchange units. -EINVAL beyond what an account can have. */
static int scale(int64_t *quantity, const struct scrip *s)
{
        int64_t n = *quantity;
        if (n < -QUANTITY_MAX || n > QUANTITY_MAX ||
            __builtin_mul_overflow(n, fyers_unit(s), quantity) || *quantity < -FIELD_INT_MAX ||
            *quantity > FIELD_INT_MAX)
                return -EINVAL;
        return 0;
}

#define LOOSE    (FIELD_AS_NUMBER | FIELD_LOOSE)
#define IF_TOLD  (LOOSE | FIELD_OPTIONAL)
#define ANY_TEXT FIELD_LENIENT

/* --- orders --- */

struct order_row {
        struct place place;
        char id[BROKER_ORDER_ID_SIZE];
        int64_t quantity, filled;
        int64_t price, trigger, average;
};

static const struct field place_fields[] = {
        FIELD_STRING("symbol", place, symbol, 0),
        FIELD_INT("exchange", place, exchange, IF_TOLD),
        FIELD_INT("segment", place, segment, IF_TOLD),
        FIELD_WORD("side", place, side, fyers_sides, LOOSE),
        {},
};
static const struct field order_fields[] = {
        FIELD_STRING("id", order_row, id, ANY_TEXT),
        FIELD_INT("qty", order_row, quantity, LOOSE),
        FIELD_INT("filledQty", order_row, filled, LOOSE),
        FIELD_DECIMAL("limitPrice", order_row, price, IF_TOLD),
        FIELD_DECIMAL("stopPrice", order_row, trigger, IF_TOLD),
        FIELD_DECIMAL("tradedPrice", order_row, average, IF_TOLD),
        {},
};

struct coded {
        int64_t code;
};
static const struct field status_fields[] = {FIELD_INT("status", coded, code, LOOSE), {}};
static const struct field type_fields[] = {FIELD_INT("type", coded, code, LOOSE), {}};

/* A type beyond the table is what its prices say. */
static enum order_type type_of(struct json_object *row, const struct order_row *o)
{
        static const enum order_type types[] = {0, ORDER_TYPE_LIMIT, ORDER_TYPE_MARKET,
                                                ORDER_TYPE_STOP, ORDER_TYPE_STOP_LIMIT};
        struct coded type = {};

        if (fields_read(type_fields, row, &type, NULL) == 0 && type.code > 0 &&
            type.code < (int64_t)ELEMENTS(types))
                return types[type.code];
        if (o->trigger > 0)
                return o->price > 0 ? ORDER_TYPE_STOP_LIMIT : ORDER_TYPE_STOP;
        return o->price > 0 ? ORDER_TYPE_LIMIT : ORDER_TYPE_MARKET;
}

static enum order_status working(const struct book_order *o)
{
        if (o->filled_quantity > 0)
                return ORDER_STATUS_PARTIALLY_FILLED;
        return o->type == ORDER_TYPE_STOP || o->type == ORDER_TYPE_STOP_LIMIT
                       ? ORDER_STATUS_TRIGGER_PENDING
                       : ORDER_STATUS_OPEN;
}

/* -EINVAL: there is none. One beyond the table may be live: pending. */
static int status_of(struct json_object *row, const struct book_order *o)
{
        struct json_object *value;
        struct coded status = {};

        if (!json_object_object_get_ex(row, "status", &value) ||
            !(json_object_is_type(value, json_type_int) ||
              json_object_is_type(value, json_type_string)))
                return -EINVAL;
        if (fields_read(status_fields, row, &status, NULL) < 0)
                return ORDER_STATUS_PENDING;
        switch (status.code) {
        case 1:
                return ORDER_STATUS_CANCELLED;
        case 2:
                return ORDER_STATUS_FILLED;
        case 5:
                return ORDER_STATUS_REJECTED;
        case 6:
                return working(o);
        case 7:
                return o->validity == VALIDITY_IOC ? ORDER_STATUS_CANCELLED : ORDER_STATUS_EXPIRED;
        default:
                return ORDER_STATUS_PENDING; /* 3 is reserved, 4 on its way to the exchange */
        }
}

static bool sane(const struct order_row *o)
{
        return fyers_visible(o->id) && o->quantity >= 0 && o->filled >= 0 &&
               o->filled <= o->quantity && o->price >= 0 && o->trigger >= 0 && o->average >= 0;
}

static int read_order(const struct broker_call *c, struct json_object *row, void *to)
{
        struct book_order *o = to;
        struct order_row read = {};
        struct scrip s;

        if (fields_read(place_fields, row, &read.place, NULL) < 0 ||
            fields_read(order_fields, row, &read, NULL) < 0 || !sane(&read))
                return -EINVAL;
        find_scrip(c, &read.place, &s);
        if (scale(&read.quantity, &s) < 0 || scale(&read.filled, &s) < 0)
                return -EINVAL;
        memcpy(o->broker_order_id, read.id, sizeof(read.id));
        memcpy(o->symbol, s.instrument.symbol, sizeof(o->symbol));
        take_tag(row, o->tag);
        o->side = read.place.side;
        o->type = type_of(row, &read);
        o->product = product_of(row, &s);
        o->validity =
                !strcmp(fyers_string(row, "orderValidity"), "IOC") ? VALIDITY_IOC : VALIDITY_DAY;
        o->quantity = read.quantity;
        o->filled_quantity = read.filled;
        o->price = read.price;
        o->trigger_price = read.trigger;
        o->average_price = read.filled > 0 ? read.average : 0;
        o->placed_us = time_of(row);
        const char *message = fyers_string(row, "message");
        text_copy_bytes(o->message, sizeof(o->message), message,
                        text_utf8_cut(message, strlen(message), sizeof(o->message) - 1));
        int status = status_of(row, o);
        if (status < 0)
                return status;
        o->status = (enum order_status)status;
        return 0;
}

/* One order was asked for: others that come with it are left out. */
static int read_asked(const struct broker_call *c, struct json_object *row, void *to)
{
        struct book_order *o = to;
        int r = read_order(c, row, to);
        return r == 0 && (!c->leg || strcmp(o->broker_order_id, c->leg->broker_order_id) != 0) ? 1
                                                                                               : r;
}

/* --- trades --- */

struct trade_row {
        struct place place;
        char id[BROKER_ORDER_ID_SIZE], order[BROKER_ORDER_ID_SIZE];
        int64_t quantity, price;
};

static const struct field trade_fields[] = {
        FIELD_STRING("tradeNumber", trade_row, id, ANY_TEXT),
        FIELD_STRING("orderNumber", trade_row, order, ANY_TEXT),
        FIELD_INT("tradedQty", trade_row, quantity, LOOSE),
        FIELD_DECIMAL("tradePrice", trade_row, price, LOOSE),
        {},
};

static int read_trade(const struct broker_call *c, struct json_object *row, void *to)
{
        struct trade *t = to;
        struct trade_row read = {};
        struct scrip s;

        if (fields_read(place_fields, row, &read.place, NULL) < 0 ||
            fields_read(trade_fields, row, &read, NULL) < 0 || !fyers_visible(read.id) ||
            !fyers_visible(read.order) || read.quantity <= 0 || read.price < 0)
                return -EINVAL;
        find_scrip(c, &read.place, &s);
        if (scale(&read.quantity, &s) < 0)
                return -EINVAL;
        memcpy(t->trade_id, read.id, sizeof(read.id));
        memcpy(t->broker_order_id, read.order, sizeof(read.order));
        memcpy(t->symbol, s.instrument.symbol, sizeof(t->symbol));
        take_tag(row, t->tag);
        t->side = read.place.side;
        t->product = product_of(row, &s);
        t->quantity = read.quantity;
        t->price = read.price;
        t->at_us = time_of(row);
        return 0;
}

/* --- holdings and positions: a closed position has no side --- */

struct holding_row {
        int64_t quantity, left, average, last, pnl;
};

static const struct field owned_fields[] = {
        FIELD_STRING("symbol", place, symbol, 0),
        FIELD_INT("exchange", place, exchange, IF_TOLD),
        FIELD_INT("segment", place, segment, IF_TOLD),
        {},
};
static const struct field holding_fields[] = {
        FIELD_INT("quantity", holding_row, quantity, LOOSE),
        FIELD_INT("remainingQuantity", holding_row, left, IF_TOLD),
        FIELD_DECIMAL("costPrice", holding_row, average, LOOSE),
        FIELD_DECIMAL("ltp", holding_row, last, IF_TOLD),
        FIELD_DECIMAL("pl", holding_row, pnl, IF_TOLD),
        {},
};

/* `quantity` is of the morning, what is left after today's sales is what there is (§6). */
static int read_holding(const struct broker_call *c, struct json_object *row, void *to)
{
        struct holding *h = to;
        struct holding_row read = {.left = INT64_MIN};
        struct place place = {};
        struct scrip s;

        if (fields_read(owned_fields, row, &place, NULL) < 0 ||
            fields_read(holding_fields, row, &read, NULL) < 0)
                return -EINVAL;
        find_scrip(c, &place, &s);
        memcpy(h->symbol, s.instrument.symbol, sizeof(h->symbol));
        h->quantity = read.left == INT64_MIN ? read.quantity : read.left;
        h->average_price = read.average;
        h->last_price = read.last;
        h->pnl = read.pnl;
        return scale(&h->quantity, &s);
}

static const struct field position_fields[] = {
        FIELD_INT("netQty", position, quantity, LOOSE),
        FIELD_DECIMAL("netAvg", position, average_price, LOOSE),
        FIELD_DECIMAL("ltp", position, last_price, IF_TOLD),
        FIELD_DECIMAL("realized_profit", position, realised_pnl, IF_TOLD),
        FIELD_DECIMAL("unrealized_profit", position, unrealised_pnl, IF_TOLD),
        FIELD_INT("dayBuyQty", position, buy_quantity, LOOSE),
        FIELD_INT("daySellQty", position, sell_quantity, LOOSE),
        {},
};

static int read_position(const struct broker_call *c, struct json_object *row, void *to)
{
        struct position *p = to;
        struct place place = {};
        struct scrip s;

        if (fields_read(owned_fields, row, &place, NULL) < 0 ||
            fields_read(position_fields, row, p, NULL) < 0)
                return -EINVAL;
        find_scrip(c, &place, &s);
        memcpy(p->symbol, s.instrument.symbol, sizeof(p->symbol));
        p->product = product_of(row, &s);
        if (scale(&p->quantity, &s) < 0 || scale(&p->buy_quantity, &s) < 0)
                return -EINVAL;
        return scale(&p->sell_quantity, &s);
}

/* --- quotes --- */

static const struct field quote_fields[] = {
        FIELD_DECIMAL("lp", quote, last, LOOSE),
        FIELD_DECIMAL("bid", quote, bid, IF_TOLD),
        FIELD_DECIMAL("ask", quote, ask, IF_TOLD),
        FIELD_DECIMAL("open_price", quote, open, IF_TOLD),
        FIELD_DECIMAL("high_price", quote, high, IF_TOLD),
        FIELD_DECIMAL("low_price", quote, low, IF_TOLD),
        FIELD_DECIMAL("prev_close_price", quote, close, IF_TOLD),
        FIELD_INT("volume", quote, volume, IF_TOLD),
        {},
};

static const struct scrip *asked_for(const struct broker_call *c, const char *ticker)
{
        for (unsigned i = 0; i < c->n_scrips; i++)
                if (!strcmp(c->scrips[i]->key, ticker))
                        return c->scrips[i];
        return NULL;
}

/* Each has an `s` of its own: an unknown symbol spoils nothing. `tt` is the day's, not the tick's,
 * so the time is not told. */
static int read_quote(const struct broker_call *c, struct json_object *row, void *to)
{
        const struct scrip *s = asked_for(c, fyers_string(row, "n"));
        struct json_object *values = NULL;
        struct quote *q = to;

        if (!s || strcmp(fyers_string(row, "s"), "ok") != 0)
                return 1;
        json_object_object_get_ex(row, "v", &values);
        if (fields_read(quote_fields, values, q, NULL) < 0 || q->last < 0)
                return -EINVAL;
        memcpy(q->symbol, s->instrument.symbol, sizeof(q->symbol));
        return 0;
}

/* --- funds --- */

enum { FUND_TOTAL = 1, FUND_USED = 2, FUND_REALISED = 4, FUND_AVAILABLE = 10, _FUND_MAX = 11 };

struct fund_row {
        int64_t id, equity, commodity;
};

static const struct field fund_fields[] = {
        FIELD_INT("id", fund_row, id, LOOSE),
        FIELD_DECIMAL("equityAmount", fund_row, equity, LOOSE),
        FIELD_DECIMAL("commodityAmount", fund_row, commodity, IF_TOLD),
        {},
};

static int read_fund(const struct broker_call *c, struct json_object *row, void *to)
{
        return fields_read(fund_fields, row, to, NULL);
}

/* By number, for titles are for people. What is available has the collateral in it. */
static int read_funds(const struct broker_call *c, struct json_object *list,
                      struct broker_result *r)
{
        int64_t amounts[_FUND_MAX] = {};
        bool told[_FUND_MAX] = {};
        _cleanup_(freep) void *data = NULL;
        unsigned n = 0;

        int e = reading_rows(c, list, sizeof(struct fund_row), read_fund, &data, &n);
        if (e != 0)
                return e;
        const struct fund_row *rows = data;
        for (unsigned i = 0; i < n; i++) {
                int64_t id = rows[i].id, sum = rows[i].equity + rows[i].commodity;
                if (id <= 0 || id >= _FUND_MAX)
                        continue;
                if (told[id] || sum > DECIMAL_MAX || sum < -DECIMAL_MAX)
                        return 1;
                told[id] = true;
                amounts[id] = sum;
        }
        if (!told[FUND_AVAILABLE] || !told[FUND_USED])
                return 1;
        r->funds = (struct funds){
                .available = amounts[FUND_AVAILABLE],
                .used = amounts[FUND_USED],
                .total = told[FUND_TOTAL] ? amounts[FUND_TOTAL]
                                          : amounts[FUND_AVAILABLE] + amounts[FUND_USED],
                .realised_pnl = amounts[FUND_REALISED],
        };
        return r->funds.total > DECIMAL_MAX || r->funds.total < -DECIMAL_MAX;
}

/* --- the lists --- */

#define READ(array, function)                                                                 \
        do {                                                                                  \
                e = reading_rows(c, list, sizeof(*r->array), function, &rows, &r->n_##array); \
                r->array = rows;                                                              \
        } while (0)

int fyers_read_list(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        static const char *const keys[_BROKER_OP_MAX] = {
                [BROKER_BOOK] = "orderBook",    [BROKER_ORDER] = "orderBook",
                [BROKER_TRADES] = "tradeBook",  [BROKER_FUNDS] = "fund_limit",
                [BROKER_HOLDINGS] = "holdings", [BROKER_POSITIONS] = "netPositions",
                [BROKER_QUOTES] = "d",
        };
        struct json_object *list = NULL;
        void *rows = NULL;
        int e = 1;

        if (!keys[c->op] || !json_object_object_get_ex(o, keys[c->op], &list))
                return 1;
        switch (c->op) {
        case BROKER_BOOK:
                READ(orders, read_order);
                break;
        case BROKER_ORDER:
                READ(orders, read_asked);
                /* An id that the book does not have has a code of its own; this tells nothing. */
                if (e == 0 && r->n_orders == 0)
                        e = 1;
                break;
        case BROKER_TRADES:
                READ(trades, read_trade);
                break;
        case BROKER_HOLDINGS:
                READ(holdings, read_holding);
                break;
        case BROKER_POSITIONS:
                READ(positions, read_position);
                break;
        case BROKER_QUOTES:
                READ(quotes, read_quote);
                break;
        default:
                e = read_funds(c, list, r);
        }
        if (e == 0)
                r->outcome = OUTCOME_ACCEPTED;
        return e;
}
