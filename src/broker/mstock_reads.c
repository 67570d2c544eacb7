/* m.Stock: books, money, what is owned, quotes (§5 to §7). Text "None" stands for null everywhere,
 * and in the place of an empty list. */
#include "broker/mstock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

#define NAME_SIZE                                                                      \
        96 /* "NSE:" and a name of the broker's, longer than any that a scrip can have \
            */

/* --- instruments --- */

static const struct word exchanges[] = {
        {EXCHANGE_NSE, "NSE"},
        {EXCHANGE_BSE, "BSE"},
        {EXCHANGE_NFO, "NFO"},
        {EXCHANGE_BFO, "BFO"},
        {EXCHANGE_CDS, "CDS"},
        {EXCHANGE_MCX, "MCX"},
        {},
};

/* Where the derivatives of a stock exchange are listed. */
static enum exchange derivatives_of(enum exchange e)
{
        return e == EXCHANGE_NSE ? EXCHANGE_NFO : e == EXCHANGE_BSE ? EXCHANGE_BFO : e;
}

static bool find(const struct broker_call *c, enum scrip_by by, enum exchange e, const char *name,
                 struct scrip *ret)
{
        char key[NAME_SIZE];
        int n = snprintf(key, sizeof(key), "%s:%s", exchange_name(e), name);

        return *name && c->source.find && n > 0 && (size_t)n < sizeof(key) &&
               c->source.find(c->source.userdata, by, key, ret);
}

/* Without the series of one or two letters behind the last dash, or the whole of it. */
static size_t stem_length(const char *symbol)
{
        size_t n = strlen(symbol);

        for (size_t series = 1; series <= 2; series++)
                if (n > series + 1 && symbol[n - series - 1] == '-')
                        return n - series - 1;
        return n;
}

/* "INFY" and "INFY-EQ" are one share; so are "MCDOWELL-N" and "MCDOWELL-N-EQ". */
static bool same_share(const char *key, const char *symbol)
{
        const char *listed = key + MSTOCK_EXCHANGE_LENGTH + 1;
        size_t a[] = {strlen(listed), stem_length(listed)},
               b[] = {strlen(symbol), stem_length(symbol)};

        for (size_t i = 0; i < ELEMENTS(a); i++)
                for (size_t k = 0; k < ELEMENTS(b); k++)
                        if (a[i] == b[k] && strncmp(listed, symbol, a[i]) == 0)
                                return true;
        return false;
}

static void unlisted(const struct broker_call *c, enum exchange e, const char *name,
                     struct scrip *ret)
{
        const struct broker_call nowhere = {.account = c->account};

        (void)reading_scrip(&nowhere, SCRIP_BY_KEY, name, e, ret);
}

/* A row's instrument by exchange and symbol; the token only where both mean the same, because rows
 * of derivatives may name the wrong exchange (§14.10) and tokens are unique in one only. */
static void read_scrip(const struct broker_call *c, struct json_object *row, struct scrip *ret)
{
        const char *symbol = mstock_text(row, "tradingsymbol"),
                   *word = mstock_text(row, "exchange");
        int e = word_value_loose(exchanges, word);
        char name[NAME_SIZE];

        if (e < 0) {
                snprintf(name, sizeof(name), "%s.%s", word, symbol);
                unlisted(c, EXCHANGE_NSE, name, ret);
                return;
        }
        enum exchange exchange = (enum exchange)e;
        if (find(c, SCRIP_BY_KEY, exchange, symbol, ret) ||
            find(c, SCRIP_BY_KEY, derivatives_of(exchange), symbol, ret) ||
            (find(c, SCRIP_BY_TOKEN, exchange, mstock_text(row, "instrument_token"), ret) &&
             same_share(ret->key, symbol)))
                return;
        unlisted(c, exchange, *symbol ? symbol : mstock_text(row, "instrument_token"), ret);
}

/* A product that the broker's word does not name, or names by an unknown word, becomes one that is
 * never sent to that exchange: no order of ours is taken for it, and none is sent with it. */
static bool read_product(const char *word, enum exchange e, enum product *ret)
{
        int product = word_value_loose(mstock_products, word);
        bool shares = e == EXCHANGE_NSE || e == EXCHANGE_BSE;

        *ret = product >= 0 ? (enum product)product : shares ? PRODUCT_MARGIN : PRODUCT_MTF;
        return product >= 0;
}

/* --- the order book --- */

/* The rules of §5; what a filled quantity adds to them is in read_status(). */
static const struct word statuses[] = {
        {ORDER_STATUS_FILLED, "TRADED"},
        {ORDER_STATUS_FILLED, "TRADE CONFIRMED"},
        {ORDER_STATUS_FILLED, "COMPLETE"},
        {ORDER_STATUS_FILLED, "EXECUTED"},
        {ORDER_STATUS_OPEN, "PENDING"},
        {ORDER_STATUS_OPEN, "O PENDING"},
        {ORDER_STATUS_OPEN, "OPEN"},
        {ORDER_STATUS_OPEN, "CONFIRMED"},
        {ORDER_STATUS_OPEN, "O MODIFIED"},
        {ORDER_STATUS_OPEN, "MODIFIED"},
        {ORDER_STATUS_OPEN, "CANCEL PENDING"},
        {ORDER_STATUS_OPEN, "TRIGGERED"},
        {ORDER_STATUS_TRIGGER_PENDING, "TRIGGER PENDING"},
        {ORDER_STATUS_REJECTED, "REJECTED"},
        {ORDER_STATUS_REJECTED, "AMO REJECTED"},
        {ORDER_STATUS_CANCELLED, "CANCELLED"},
        {ORDER_STATUS_CANCELLED, "O CANCELLED"},
        {ORDER_STATUS_EXPIRED, "EXPIRED"},
        {ORDER_STATUS_EXPIRED, "LAPSED"},
        {ORDER_STATUS_PENDING, "PUT ORDER REQ RECEIVED"},
        {ORDER_STATUS_PENDING, "VALIDATION PENDING"},
        {ORDER_STATUS_PENDING, "TRANSIT"},
        {},
};

static enum order_status read_status(const char *word, const struct book_order *b)
{
        int status = word_value_loose(statuses, word);
        bool stop = b->type == ORDER_TYPE_STOP || b->type == ORDER_TYPE_STOP_LIMIT;
        bool partly = b->filled_quantity > 0 && b->filled_quantity < b->quantity;

        if (status < 0)
                return ORDER_STATUS_PENDING;
        /* until the quantities agree it is not over */
        if (status == ORDER_STATUS_FILLED && b->filled_quantity < b->quantity)
                status = ORDER_STATUS_OPEN;
        if (status == ORDER_STATUS_OPEN && partly)
                return ORDER_STATUS_PARTIALLY_FILLED;
        if (status == ORDER_STATUS_OPEN && stop && b->filled_quantity == 0 &&
            strcasecmp(word, "pending") == 0)
                return ORDER_STATUS_TRIGGER_PENDING;
        return (enum order_status)status;
}

/* A type is told by its prices when its word is unknown. */
static bool read_type(const char *word, struct book_order *b)
{
        int type = word_value_loose(mstock_types, word);

        if (type >= 0)
                b->type = (enum order_type)type;
        else if (b->trigger_price > 0)
                b->type = b->price > 0 ? ORDER_TYPE_STOP_LIMIT : ORDER_TYPE_STOP;
        else
                b->type = b->price > 0 ? ORDER_TYPE_LIMIT : ORDER_TYPE_MARKET;
        return type >= 0;
}

/* Text, or a list with one text; a tag that does not fit is none of ours. */
static void read_tag(struct json_object *row, struct book_order *b)
{
        struct json_object *tag = mstock_member(row, "tag");

        if (json_object_is_type(tag, json_type_array) && json_object_array_length(tag) == 1)
                tag = json_object_array_get_idx(tag, 0);
        if (json_object_is_type(tag, json_type_string) &&
            !text_copy(b->tag, sizeof(b->tag), json_object_get_string(tag)))
                *b->tag = '\0';
}

static void read_moments(struct json_object *row, struct book_order *b)
{
        b->placed_us = mstock_time(mstock_text(row, "order_timestamp"));
        b->updated_us = mstock_time(mstock_text(row, "exchange_update_timestamp"));
        if (!b->updated_us)
                b->updated_us = mstock_time(mstock_text(row, "exchange_timestamp"));
        if (!b->updated_us)
                b->updated_us = b->placed_us;
}

/* The words that no table has, in front of the broker's own message. */
static void note(struct text *t, bool known, const char *what, const char *word)
{
        if (!known)
                text_addf(t, "%s%s \"%s\"", t->len > 0 ? "; " : "", what, word);
}

static void read_message(struct json_object *row, struct text *t, struct book_order *b)
{
        const char *words = mstock_text(row, "status_message");

        if (!*words)
                words = mstock_text(row, "status_message_raw");
        if (*words && t->len > 0)
                text_add(t, "; ");
        text_add(t, words);
        text_copy_bytes(b->message, sizeof(b->message), text_str(t),
                        text_utf8_cut(text_str(t), t->len, sizeof(b->message) - 1));
}

static const struct field order_fields[] = {
        FIELD_STRING("order_id", book_order, broker_order_id, FIELD_LENIENT | FIELD_LOOSE),
        FIELD_WORD("transaction_type", book_order, side, mstock_sides, FIELD_LOOSE),
        FIELD_INT("quantity", book_order, quantity, FIELD_LOOSE),
        FIELD_INT("filled_quantity", book_order, filled_quantity, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("price", book_order, price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("trigger_price", book_order, trigger_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("average_price", book_order, average_price, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

static int read_order(const struct broker_call *c, struct json_object *row, void *to)
{
        struct book_order *b = to;
        struct scrip scrip;
        struct text message = TEXT_NULL;

        if (fields_read(order_fields, row, b, NULL) < 0 || b->quantity < 0 ||
            b->filled_quantity < 0 || b->price < 0 || b->trigger_price < 0 || b->average_price < 0)
                return -EINVAL;
        read_scrip(c, row, &scrip);
        memcpy(b->symbol, scrip.instrument.symbol, sizeof(b->symbol));
        const char *type = mstock_text(row, "order_type"), *product = mstock_text(row, "product"),
                   *validity = mstock_text(row, "validity"), *status = mstock_text(row, "status");
        note(&message, read_type(type, b), "order type", type);
        note(&message, read_product(product, scrip.instrument.exchange, &b->product), "product",
             product);
        int v = word_value_loose(mstock_validities, validity);
        b->validity = v >= 0 ? (enum validity)v : VALIDITY_DAY;
        note(&message, v >= 0, "validity", validity);
        b->status = read_status(status, b);
        note(&message, word_value_loose(statuses, status) >= 0, "status", status);
        read_tag(row, b);
        read_moments(row, b);
        read_message(row, &message, b);
        int e = message.failed;
        text_done(&message);
        return e == -ENOMEM ? e : 0;
}

/* --- lists --- */

/* Nothing in the place of a list is an empty one. */
static int read_list(const struct broker_call *c, struct json_object *list, size_t size,
                     reading_row_fn *read, void **ret, unsigned *ret_n)
{
        if (!list) {
                *ret_n = 0;
                return 0;
        }
        return reading_rows(c, list, size, read, ret, ret_n);
}

int mstock_reply_book(const struct broker_call *c, struct json_object *data,
                      struct broker_result *r)
{
        void *rows = NULL;
        int e = read_list(c, data, sizeof(*r->orders), read_order, &rows, &r->n_orders);

        r->orders = rows;
        return e;
}

/* The one order out of the book (§5). */
int mstock_reply_order(const struct broker_call *c, struct json_object *data,
                       struct broker_result *r)
{
        int e = mstock_reply_book(c, data, r);

        if (e != 0 || !c->leg)
                return e ? e : 1;
        for (unsigned i = 0; i < r->n_orders; i++)
                if (strcmp(r->orders[i].broker_order_id, c->leg->broker_order_id) == 0) {
                        memmove(&r->orders[0], &r->orders[i], sizeof(r->orders[0]));
                        r->n_orders = 1;
                        return 0;
                }
        broker_result_done(r);
        reading_rejected(r, PROBLEM_ORDER_NOT_FOUND, NULL, "The order is not in the day's book");
        return 0;
}

static const struct field trade_fields[] = {
        FIELD_STRING("TRADE_NUMBER", trade, trade_id, FIELD_LENIENT | FIELD_LOOSE),
        FIELD_STRING("ORDER_NUMBER", trade, broker_order_id, FIELD_LENIENT | FIELD_LOOSE),
        FIELD_WORD("BUY_SELL", trade, side, mstock_sides, FIELD_LOOSE),
        FIELD_INT("QUANTITY", trade, quantity, FIELD_LOOSE),
        FIELD_DECIMAL("PRICE", trade, price, FIELD_LOOSE),
        {},
};

static bool is_derivative(struct json_object *row)
{
        const char *segment = mstock_text(row, "SEGMENT");

        return strcasecmp(segment, "D") == 0 ||
               (!*segment && (text_starts(mstock_text(row, "INSTRUMENT_NAME"), "FUT") ||
                              text_starts(mstock_text(row, "INSTRUMENT_NAME"), "OPT")));
}

/* SEC_ID is a token; which of the two symbols is the master's is not told. */
static void read_trade_scrip(const struct broker_call *c, struct json_object *row,
                             struct scrip *ret)
{
        const char *symbol = mstock_text(row, "SYMBOL"), *full = mstock_text(row, "FULL_SYMBOL"),
                   *word = mstock_text(row, "EXCHANGE");
        int e = word_value_loose(exchanges, word);
        char name[NAME_SIZE];

        if (e < 0) {
                snprintf(name, sizeof(name), "%s.%s", word, *full ? full : symbol);
                unlisted(c, EXCHANGE_NSE, name, ret);
                return;
        }
        enum exchange exchange =
                is_derivative(row) ? derivatives_of((enum exchange)e) : (enum exchange)e;
        if (find(c, SCRIP_BY_TOKEN, exchange, mstock_text(row, "SEC_ID"), ret) ||
            find(c, SCRIP_BY_KEY, exchange, full, ret) ||
            find(c, SCRIP_BY_KEY, exchange, symbol, ret))
                return;
        unlisted(c, exchange, *full ? full : symbol, ret);
}

static int read_trade(const struct broker_call *c, struct json_object *row, void *to)
{
        struct trade *t = to;
        struct scrip scrip;

        if (fields_read(trade_fields, row, t, NULL) < 0 || t->quantity < 0 || t->price < 0)
                return -EINVAL;
        read_trade_scrip(c, row, &scrip);
        memcpy(t->symbol, scrip.instrument.symbol, sizeof(t->symbol));
        (void)read_product(mstock_text(row, "PRODUCT"), scrip.instrument.exchange, &t->product);
        t->at_us = mstock_time(mstock_text(row, "ORDER_DATE_TIME"));
        return 0;
}

int mstock_reply_trades(const struct broker_call *c, struct json_object *data,
                        struct broker_result *r)
{
        void *rows = NULL;
        int e = read_list(c, data, sizeof(*r->trades), read_trade, &rows, &r->n_trades);

        r->trades = rows;
        return e;
}

/* --- money --- */

/* A list of one object; of several the one for all segments. NULL: neither. */
static struct json_object *funds_row(struct json_object *data)
{
        if (json_object_is_type(data, json_type_object))
                return data;
        if (!json_object_is_type(data, json_type_array))
                return NULL;
        size_t n = json_object_array_length(data);
        for (size_t i = 0; i < n; i++) {
                struct json_object *row = json_object_array_get_idx(data, i);
                if (n == 1 || strcmp(mstock_text(row, "SEG"), "A") == 0)
                        return row;
        }
        return NULL;
}

int mstock_reply_funds(const struct broker_call *c, struct json_object *data,
                       struct broker_result *r)
{
        static const struct field fields[] = {
                FIELD_DECIMAL("AVAILABLE_BALANCE", funds, available, FIELD_LOOSE),
                FIELD_DECIMAL("AMOUNT_UTILIZED", funds, used, FIELD_LOOSE | FIELD_OPTIONAL),
                FIELD_DECIMAL("REALISED_PROFITS", funds, realised_pnl,
                              FIELD_LOOSE | FIELD_OPTIONAL),
                FIELD_DECIMAL("MTM_COMBINED", funds, unrealised_pnl, FIELD_LOOSE | FIELD_OPTIONAL),
                {},
        };
        (void)c;
        if (fields_read(fields, funds_row(data), &r->funds, NULL) < 0)
                return 1;
        r->funds.total = r->funds.available + r->funds.used;
        return r->funds.total > DECIMAL_MAX || r->funds.total < -DECIMAL_MAX;
}

/* That the funds could be read is what there is to know of a session. */
int mstock_reply_profile(const struct broker_call *c, struct json_object *data,
                         struct broker_result *r)
{
        return mstock_reply_funds(c, data, r);
}

/* --- what is owned --- */

/* The symbol is the company's name. Of two exchanges with that token the one whose list has the
 * same name; else it stays what the broker calls it. */
static void read_holding_scrip(const struct broker_call *c, struct json_object *row,
                               struct scrip *ret)
{
        const char *name = mstock_text(row, "tradingsymbol"), *isin = mstock_text(row, "isin"),
                   *token = mstock_text(row, "instrument_token");
        int e = word_value_loose(exchanges, mstock_text(row, "exchange"));
        struct scrip other;

        if (*isin && c->source.find && c->source.find(c->source.userdata, SCRIP_BY_ISIN, isin, ret))
                return;
        if (e >= 0) {
                if (!find(c, SCRIP_BY_TOKEN, (enum exchange)e, token, ret))
                        unlisted(c, (enum exchange)e, *name ? name : isin, ret);
                return;
        }
        bool nse = find(c, SCRIP_BY_TOKEN, EXCHANGE_NSE, token, ret);
        bool bse = find(c, SCRIP_BY_TOKEN, EXCHANGE_BSE, token, &other);
        if (nse && (!bse || (*name && strcasecmp(ret->instrument.name, name) == 0)))
                return;
        if (bse && (!nse || (*name && strcasecmp(other.instrument.name, name) == 0)))
                *ret = other;
        else
                unlisted(c, EXCHANGE_NSE, *isin ? isin : *name ? name : token, ret);
}

static const struct field holding_fields[] = {
        FIELD_INT("quantity", holding, quantity, FIELD_LOOSE),
        FIELD_DECIMAL("average_price", holding, average_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("last_price", holding, last_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("pnl", holding, pnl, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

static int read_holding(const struct broker_call *c, struct json_object *row, void *to)
{
        struct holding *h = to;
        struct scrip scrip;

        if (fields_read(holding_fields, row, h, NULL) < 0)
                return -EINVAL;
        read_holding_scrip(c, row, &scrip);
        memcpy(h->symbol, scrip.instrument.symbol, sizeof(h->symbol));
        return 0;
}

int mstock_reply_holdings(const struct broker_call *c, struct json_object *data,
                          struct broker_result *r)
{
        void *rows = NULL;
        int e = read_list(c, data, sizeof(*r->holdings), read_holding, &rows, &r->n_holdings);

        r->holdings = rows;
        return e;
}

/* Today's quantities where the row has them, else all (§6). */
static const struct field position_fields[] = {
        FIELD_INT("quantity", position, quantity, FIELD_LOOSE),
        FIELD_DECIMAL("average_price", position, average_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("last_price", position, last_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("realised", position, realised_pnl, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("unrealised", position, unrealised_pnl, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_INT("buy_quantity", position, buy_quantity, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_INT("sell_quantity", position, sell_quantity, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_INT("day_buy_quantity", position, buy_quantity, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_INT("day_sell_quantity", position, sell_quantity, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

static int read_position(const struct broker_call *c, struct json_object *row, void *to)
{
        struct position *p = to;
        struct scrip scrip;

        if (fields_read(position_fields, row, p, NULL) < 0)
                return -EINVAL;
        read_scrip(c, row, &scrip);
        memcpy(p->symbol, scrip.instrument.symbol, sizeof(p->symbol));
        (void)read_product(mstock_text(row, "product"), scrip.instrument.exchange, &p->product);
        return 0;
}

int mstock_reply_positions(const struct broker_call *c, struct json_object *data,
                           struct broker_result *r)
{
        void *rows = NULL;

        if (data && (!json_object_is_type(data, json_type_object) ||
                     !json_object_object_get_ex(data, "net", NULL)))
                return 1;
        int e = read_list(c, mstock_member(data, "net"), sizeof(*r->positions), read_position,
                          &rows, &r->n_positions);
        r->positions = rows;
        return e;
}

/* --- quotes --- */

static int read_quote(const struct scrip *s, struct json_object *row, struct quote *q)
{
        static const struct field fields[] = {
                FIELD_DECIMAL("last_price", quote, last, FIELD_LOOSE),
                {},
        };
        static const struct field ohlc_fields[] = {
                FIELD_DECIMAL("open", quote, open, FIELD_LOOSE | FIELD_OPTIONAL),
                FIELD_DECIMAL("high", quote, high, FIELD_LOOSE | FIELD_OPTIONAL),
                FIELD_DECIMAL("low", quote, low, FIELD_LOOSE | FIELD_OPTIONAL),
                FIELD_DECIMAL("close", quote, close, FIELD_LOOSE | FIELD_OPTIONAL),
                {},
        };
        struct json_object *ohlc = mstock_member(row, "ohlc");

        if (fields_read(fields, row, q, NULL) < 0 ||
            (ohlc && fields_read(ohlc_fields, ohlc, q, NULL) < 0) || q->last < 0)
                return 1;
        memcpy(q->symbol, s->instrument.symbol, sizeof(q->symbol));
        return 0;
}

/* What the broker does not know is left out of `data`, or "None" there. */
int mstock_reply_quotes(const struct broker_call *c, struct json_object *data,
                        struct broker_result *r)
{
        if (data && !json_object_is_type(data, json_type_object))
                return 1;
        r->quotes = calloc(c->n_scrips + 1U, sizeof(*r->quotes));
        if (!r->quotes)
                return -ENOMEM;
        for (unsigned i = 0; i < c->n_scrips; i++) {
                struct json_object *row = mstock_member(data, c->scrips[i]->key);
                if (!row)
                        continue;
                if (read_quote(c->scrips[i], row, &r->quotes[r->n_quotes]) != 0)
                        return 1;
                r->n_quotes++;
        }
        return 0;
}

/* --- requests --- */

int mstock_request_quotes(const struct broker_call *c, struct http_request *r)
{
        if (c->n_scrips == 0)
                return -EINVAL;
        text_add(&r->url, "/instruments/quote/ohlc");
        for (unsigned i = 0; i < c->n_scrips; i++) {
                if (!*c->scrips[i]->key)
                        return -EINVAL;
                text_add(&r->url, i == 0 ? "?i=" : "&i=");
                text_add_urlencoded(&r->url, c->scrips[i]->key);
        }
        return 0;
}

int mstock_request_list(const struct broker_call *c, struct http_request *r)
{
        static const char *const paths[_BROKER_OP_MAX] = {
                [BROKER_BOOK] = "/orders",
                [BROKER_ORDER] = "/orders",
                [BROKER_TRADES] = "/tradebook",
                [BROKER_FUNDS] = "/user/fundsummary",
                [BROKER_PROFILE] = "/user/fundsummary",
                [BROKER_HOLDINGS] = "/portfolio/holdings",
                [BROKER_POSITIONS] = "/portfolio/positions",
        };
        if (c->op == BROKER_ORDER && (!c->leg || !*c->leg->broker_order_id))
                return -EINVAL;
        text_add(&r->url, paths[c->op]);
        return 0;
}
