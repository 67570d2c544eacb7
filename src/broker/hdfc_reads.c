/* HDFC Securities: order book, trades, funds, holdings, positions, profile, prices (§5–§7). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "broker/hdfc.h"
#include "broker/reading.h"

#define NAME_SIZE 64

/* --- requests --- */

/* "NFO:45012" → "NSE", "45012": contracts are asked for under the parent exchange, indices under
 * their own word. False: the scrip cannot be quoted. */
static bool split_token(const struct scrip *s, char ret_exchange[static NAME_SIZE],
                        const char **ret_token)
{
        const char *colon = strchr(s->token, ':');

        if (!colon || !colon[1])
                return false;
        *ret_token = colon + 1;
        text_copy_bytes(ret_exchange, NAME_SIZE, s->token, (size_t)(colon - s->token));
        if (strcmp(ret_exchange, "NFO") == 0)
                text_copy(ret_exchange, NAME_SIZE, "NSE");
        else if (strcmp(ret_exchange, "BFO") == 0)
                text_copy(ret_exchange, NAME_SIZE, "BSE");
        return true;
}

static int request_quotes(const struct broker_call *c, struct http_request *r)
{
        struct json_writer w = JSON_WRITER(&r->body);
        char exchange[NAME_SIZE];
        const char *token;
        unsigned n = 0;

        r->method = "PUT";
        json_object_begin(&w, NULL);
        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->n_scrips; i++) {
                if (!split_token(c->scrips[i], exchange, &token))
                        continue;
                json_object_begin(&w, NULL);
                json_put_string(&w, "exchange", exchange);
                json_put_string(&w, "token", token);
                json_object_finish(&w);
                n++;
        }
        json_array_finish(&w);
        json_object_finish(&w);
        return n > 0 ? hdfc_url(c, r, "/oapi/v1/fetch-ltp", NULL) : -EINVAL;
}

int hdfc_request_read(const struct broker_call *c, struct http_request *r)
{
        switch (c->op) {
        case BROKER_BOOK:
                return hdfc_url(c, r, "/oapi/v1/orders", NULL);
        case BROKER_ORDER:
                if (!c->leg || !*c->leg->broker_order_id)
                        return -EINVAL;
                return hdfc_url(c, r, "/oapi/v1/orders", c->leg->broker_order_id);
        case BROKER_TRADES:
                return hdfc_url(c, r, "/oapi/v1/trades", NULL);
        case BROKER_FUNDS:
                return hdfc_url(c, r, "/oapi/v1/user/margins", NULL);
        case BROKER_HOLDINGS:
                return hdfc_url(c, r, "/oapi/v1/portfolio/holdings", NULL);
        case BROKER_POSITIONS:
                return hdfc_url(c, r, "/oapi/v1/portfolio/cumulative-positions", NULL);
        case BROKER_PROFILE:
                return hdfc_url(c, r, "/oapi/v3/user/profile", NULL);
        case BROKER_QUOTES:
                return request_quotes(c, r);
        default:
                return -ENOTSUP;
        }
}

/* --- whose row it is --- */

static const struct word exchanges[] = {
        {EXCHANGE_NSE, "NSE"},
        {EXCHANGE_BSE, "BSE"},
        {EXCHANGE_NFO, "NFO"},
        {EXCHANGE_BFO, "BFO"},
        {EXCHANGE_CDS, "CDS"},
        {EXCHANGE_MCX, "MCX"},
        {},
};
/* +1: futures, options of shares and indices; 2: of currencies; 0: none */
static const struct word segments[] = {
        {0, "EQUITY"}, {1, "FUTIDX"}, {1, "OPTIDX"}, {1, "FUTSTK"}, {1, "OPTSTK"},
        {2, "FUTCUR"}, {2, "OPTCUR"}, {1, "FUTCOM"}, {1, "OPTFUT"}, {},
};
static const struct word calls[] = {{1, "CE"}, {1, "CALL"}, {0, "PE"}, {0, "PUT"}, {}};

/* What a row says of its instrument. Texts are the row's, never NULL. */
struct named {
        const char *id, *exchange, *segment, *underlying, *symbol, *expiry, *option, *isin;
};

/* -EINVAL: one of them is no text. */
static int read_named(struct json_object *row, struct named *ret)
{
        *ret = (struct named){
                .id = hdfc_text(row, "security_id"),
                .exchange = hdfc_text(row, "exchange"),
                .segment = hdfc_text(row, "instrument_segment"),
                .underlying = hdfc_text(row, "underlying_symbol"),
                .symbol = hdfc_text(row, "tradingsymbol"),
                .expiry = hdfc_text(row, "expiry_date"),
                .option = hdfc_text(row, "option_type"),
                .isin = hdfc_text(row, "isin"),
        };
        return ret->id && ret->exchange && ret->segment && ret->underlying && ret->symbol &&
                               ret->expiry && ret->option && ret->isin
                       ? 0
                       : -EINVAL;
}

/* The exchange as we name it (§3); -EINVAL: not one of ours. */
static int exchange_of(const struct named *n)
{
        int e = word_value_loose(exchanges, n->exchange);
        int segment = word_value_loose(segments, n->segment);

        if (segment < 0)
                segment = *n->expiry != '\0';
        if (e == EXCHANGE_NSE && segment == 2)
                return EXCHANGE_CDS;
        if (e == EXCHANGE_NSE && segment == 1)
                return EXCHANGE_NFO;
        return e == EXCHANGE_BSE && segment != 0 ? EXCHANGE_BFO : e;
}

static bool find(const struct broker_call *c, enum scrip_by by, const char *exchange,
                 const char *name, struct scrip *ret)
{
        char text[NAME_SIZE];
        int n = snprintf(text, sizeof(text), "%s:%s", exchange, name);

        return *name && n > 0 && (size_t)n < sizeof(text) && c->source.find &&
               c->source.find(c->source.userdata, by, text, ret);
}

/* A contract by the name of its underlying: true when it is listed; `made` is its symbol else. */
static bool find_contract(const struct broker_call *c, const struct instrument *terms,
                          const char *name, struct scrip *ret, char made[static SYMBOL_SIZE])
{
        struct instrument i = *terms;

        if (!*name || !text_copy(i.underlying, sizeof(i.underlying), name) ||
            !instrument_make_symbol(&i, ""))
                return false;
        if (!*made)
                text_copy(made, SYMBOL_SIZE, i.symbol);
        return c->source.find && c->source.find(c->source.userdata, SCRIP_BY_SYMBOL, i.symbol, ret);
}

/* By its terms: the trade book names the underlying where others have the contract's code (§5).
 * `made` is "" when the terms do not tell. */
static bool find_by_terms(const struct broker_call *c, struct json_object *row,
                          const struct named *n, enum exchange e, struct scrip *ret,
                          char made[static SYMBOL_SIZE])
{
        const char *const names[] = {n->underlying, n->id, n->symbol};
        struct instrument i = {.exchange = e, .segment = SEGMENT_FUTURE};
        int call = word_value_loose(calls, n->option);
        char name[NAME_SIZE];

        *made = '\0';
        i.expiry = hdfc_day(n->expiry, strlen(n->expiry));
        if (!i.expiry || (call < 0 && strncasecmp(n->segment, "OPT", 3) == 0))
                return false;
        if (call >= 0) {
                i.segment = SEGMENT_OPTION;
                i.call = call;
                if (loose_decimal(json_object_object_get(row, "strike_price"), &i.strike) != 0 ||
                    i.strike <= 0)
                        return false;
        }
        for (size_t k = 0; k < ELEMENTS(names); k++) {
                struct scrip share;
                if (find(c, SCRIP_BY_KEY, "NSE", names[k], &share) &&
                    find_contract(c, &i, strchr(share.instrument.symbol, ':') + 1, ret, made))
                        return true;
                if (hdfc_underlying(names[k], strlen(names[k]), name, sizeof(name)) &&
                    find_contract(c, &i, name, ret, made))
                        return true;
        }
        return false;
}

static bool find_share(const struct broker_call *c, const struct named *n, enum exchange e,
                       struct scrip *ret)
{
        const char *exchange = exchange_name(e);

        /* A code that is not listed is a bond's or a fund's; these carry the issuer's symbol. */
        if (*n->id)
                return find(c, SCRIP_BY_SYMBOL, exchange, n->id, ret);
        if (*n->isin && c->source.find &&
            c->source.find(c->source.userdata, SCRIP_BY_ISIN, n->isin, ret))
                return true;
        return find(c, SCRIP_BY_SYMBOL, exchange, n->symbol, ret);
}

static const char *first_of(const char *a, const char *b, const char *c)
{
        return *a ? a : *b ? b : c;
}

/* A row's symbol; what is not listed keeps the broker's name. -EINVAL: it has none. */
static int read_symbol(const struct broker_call *c, struct json_object *row,
                       char ret[static SYMBOL_SIZE])
{
        struct named n;
        struct scrip s;
        char made[SYMBOL_SIZE] = "", name[NAME_SIZE];

        if (read_named(row, &n) < 0 || !*first_of(n.id, n.isin, n.symbol))
                return -EINVAL;
        int e = exchange_of(&n);
        if (e < 0) { /* a fund, say: never one of ours */
                snprintf(name, sizeof(name), "%s.%s", *n.exchange ? n.exchange : "?",
                         first_of(n.id, n.isin, n.symbol));
                reading_scrip(c, SCRIP_BY_KEY, name, EXCHANGE_NSE, &s);
        } else if (!find(c, SCRIP_BY_KEY, exchange_name((enum exchange)e), n.id, &s) &&
                   !(e == EXCHANGE_NSE || e == EXCHANGE_BSE
                             ? find_share(c, &n, (enum exchange)e, &s)
                             : find_by_terms(c, row, &n, (enum exchange)e, &s, made))) {
                reading_scrip(c, SCRIP_BY_KEY, first_of(n.id, n.isin, n.symbol), (enum exchange)e,
                              &s);
        }
        text_copy(ret, SYMBOL_SIZE, *made && !*s.key ? made : s.instrument.symbol);
        return 0;
}

/* --- words --- */

/* A word of the row: -EINVAL when it is none at all, `unknown` when it is not listed. */
static int read_word(struct json_object *row, const char *key, const struct word *words,
                     int unknown, int *ret)
{
        const char *text;

        if (json_get_string(row, key, &text) != 0)
                return -EINVAL;
        int value = word_value_loose(words, text);
        *ret = value < 0 ? unknown : value;
        return 0;
}

/* A product that is not listed becomes one that is never sent to that exchange: it hides no order,
 * no order of ours is taken for it, and none is sent with it. */
static int read_product(struct json_object *row, const char *symbol, enum product *ret)
{
        bool shares = text_starts(symbol, "NSE:") || text_starts(symbol, "BSE:");
        int product;

        if (read_word(row, "product", hdfc_products, shares ? PRODUCT_MARGIN : PRODUCT_MTF,
                      &product) < 0)
                return -EINVAL;
        *ret = (enum product)product;
        return 0;
}

static int read_side(struct json_object *row, enum side *ret)
{
        int side;

        if (read_word(row, "transaction_type", hdfc_sides, -1, &side) < 0 || side < 0)
                return -EINVAL;
        *ret = (enum side)side;
        return 0;
}

static int64_t read_moment(struct json_object *row, const char *key)
{
        int64_t at_us;
        const char *text;

        if (json_get_string(row, key, &text) != 0 ||
            reading_time(text, "%d/%m/%Y %H:%M:%S", &at_us) < 0 || at_us < 0)
                return 0;
        return at_us;
}

/* --- order book --- */

static const struct field order_fields[] = {
        FIELD_INT("quantity", book_order, quantity, FIELD_LOOSE),
        FIELD_INT("filled_quantity", book_order, filled_quantity, FIELD_LOOSE),
        FIELD_DECIMAL("price", book_order, price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("trigger_price", book_order, trigger_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("average_price", book_order, average_price, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

/* §5. */
static const struct word statuses[] = {
        {ORDER_STATUS_FILLED, "TRADED"},
        {ORDER_STATUS_FILLED, "EXECUTED"},
        {ORDER_STATUS_FILLED, "COMPLETE"},
        {ORDER_STATUS_FILLED, "COMPLETED"},
        {ORDER_STATUS_FILLED, "FULLY EXECUTED"},
        {ORDER_STATUS_REJECTED, "REJECTED"},
        {ORDER_STATUS_CANCELLED, "CANCELLED"},
        {ORDER_STATUS_CANCELLED, "CANCELED"},
        {ORDER_STATUS_CANCELLED, "CANCEL CONFIRMED"},
        {ORDER_STATUS_EXPIRED, "EXPIRED"}, /* not in §5, but no other meaning */
        {ORDER_STATUS_TRIGGER_PENDING, "TRIGGER PENDING"},
        {ORDER_STATUS_TRIGGER_PENDING, "SL TRIGGER PENDING"},
        {ORDER_STATUS_OPEN, "PENDING"},
        {ORDER_STATUS_OPEN, "OPEN"},
        {ORDER_STATUS_OPEN, "PLACED"},
        {ORDER_STATUS_OPEN, "ACCEPTED"},
        {ORDER_STATUS_OPEN, "CONFIRMED"},
        {ORDER_STATUS_OPEN, "RECEIVED"},
        {ORDER_STATUS_OPEN, "MODIFIED"},
        {ORDER_STATUS_OPEN, "MODIFY PENDING"},
        {ORDER_STATUS_OPEN, "CANCEL PENDING"},
        {ORDER_STATUS_OPEN, "OPEN PENDING"},
        {ORDER_STATUS_OPEN, "CANCEL REJECTED"}, /* only that action failed */
        {ORDER_STATUS_OPEN, "MODIFY REJECTED"},
        {ORDER_STATUS_PARTIALLY_FILLED, "PARTIALLY TRADED"},
        {ORDER_STATUS_PARTIALLY_FILLED, "PARTIAL TRADE"},
        {ORDER_STATUS_PENDING, "PUT ORDER REQ RECEIVED"},
        {ORDER_STATUS_PENDING, "VALIDATION PENDING"},
        {ORDER_STATUS_PENDING, "TRANSIT"},
        {ORDER_STATUS_PENDING, "AFTER MARKET ORDER REQ RECEIVED"},
        {},
};

/* The word, held against the quantities: an order counts as over only where the two agree. What was
 * filled in part was not rejected. */
static enum order_status settle_status(const struct book_order *o, int word, int64_t cancelled)
{
        int64_t rest = o->quantity - o->filled_quantity;

        if (o->quantity > 0 && rest <= 0)
                return ORDER_STATUS_FILLED;
        if (word == ORDER_STATUS_EXPIRED)
                return ORDER_STATUS_EXPIRED;
        if (word == ORDER_STATUS_REJECTED || word == ORDER_STATUS_CANCELLED)
                return o->filled_quantity > 0 ? ORDER_STATUS_CANCELLED : (enum order_status)word;
        if ((word < 0 || word == ORDER_STATUS_FILLED) && cancelled > 0 && cancelled == rest)
                return ORDER_STATUS_CANCELLED;
        if (o->filled_quantity > 0)
                return ORDER_STATUS_PARTIALLY_FILLED;
        if (word < 0)
                return ORDER_STATUS_PENDING;
        return word == ORDER_STATUS_FILLED || word == ORDER_STATUS_PARTIALLY_FILLED
                       ? ORDER_STATUS_OPEN
                       : (enum order_status)word;
}

static int read_status(struct json_object *row, struct book_order *o)
{
        int64_t cancelled = 0;
        int word;

        if (read_word(row, "status", statuses, -1, &word) < 0 ||
            loose_decimal(json_object_object_get(row, "cancelled_quantity"), &cancelled) < 0)
                return -EINVAL;
        o->status = settle_status(o, word, cancelled / DECIMAL_ONE);
        return 0;
}

/* A type that is not listed shows in its prices. */
static int read_type(struct json_object *row, struct book_order *o)
{
        int type, by_prices = o->trigger_price && o->price ? ORDER_TYPE_STOP_LIMIT
                              : o->trigger_price           ? ORDER_TYPE_STOP
                              : o->price                   ? ORDER_TYPE_LIMIT
                                                           : ORDER_TYPE_MARKET;

        if (read_word(row, "order_type", hdfc_types, by_prices, &type) < 0)
                return -EINVAL;
        o->type = (enum order_type)type;
        return 0;
}

/* The reference is ours when it is digits; whether it comes back is not known (§5). */
static void read_tag(struct json_object *row, struct book_order *o)
{
        const char *text = hdfc_text(row, "external_reference_number");

        if (text && *text && text_only(text, strlen(text), "0123456789") &&
            strlen(text) < sizeof(o->tag))
                text_copy(o->tag, sizeof(o->tag), text);
}

static void read_message(struct json_object *row, struct book_order *o)
{
        static const char *const keys[] = {"status_message", "status_message_raw"};

        for (size_t i = 0; i < ELEMENTS(keys) && !*o->message; i++) {
                const char *text = hdfc_text(row, keys[i]);
                text_copy(o->message, sizeof(o->message), text ? text : "");
        }
}

static int read_order(const struct broker_call *c, struct json_object *row, void *to)
{
        struct book_order *o = to;
        const char *validity = hdfc_text(row, "validity");

        if (!hdfc_id(row, "order_id", o->broker_order_id) ||
            fields_read(order_fields, row, o, NULL) < 0 || o->quantity < 0 ||
            o->filled_quantity < 0 || o->price < 0 || o->trigger_price < 0 ||
            o->average_price < 0 || read_symbol(c, row, o->symbol) < 0 ||
            read_side(row, &o->side) < 0 || read_product(row, o->symbol, &o->product) < 0 ||
            read_type(row, o) < 0 || read_status(row, o) < 0 || !validity)
                return -EINVAL;
        /* One order was asked for by its id. */
        if (c->op == BROKER_ORDER && c->leg &&
            strcmp(c->leg->broker_order_id, o->broker_order_id) != 0)
                return 1;
        o->validity = word_value_loose(hdfc_validities, validity) == VALIDITY_IOC ? VALIDITY_IOC
                                                                                  : VALIDITY_DAY;
        o->placed_us = read_moment(row, "order_timestamp");
        read_tag(row, o);
        read_message(row, o);
        return 0;
}

/* --- trades --- */

static const struct field trade_fields[] = {
        FIELD_INT("filled_quantity", trade, quantity, FIELD_LOOSE),
        FIELD_DECIMAL("average_price", trade, price, FIELD_LOOSE),
        {},
};

static int read_trade(const struct broker_call *c, struct json_object *row, void *to)
{
        struct trade *t = to;

        if (!hdfc_id(row, "trade_id", t->trade_id) ||
            !hdfc_id(row, "order_id", t->broker_order_id) ||
            fields_read(trade_fields, row, t, NULL) < 0 || t->quantity < 0 || t->price < 0 ||
            read_symbol(c, row, t->symbol) < 0 || read_side(row, &t->side) < 0 ||
            read_product(row, t->symbol, &t->product) < 0)
                return -EINVAL;
        t->at_us = read_moment(row, "fill_timestamp");
        return t->quantity == 0; /* nothing was traded */
}

/* --- funds, holdings, positions, profile --- */

static const struct field funds_fields[] = {
        FIELD_DECIMAL("total_available_limit", funds, available, FIELD_LOOSE),
        FIELD_DECIMAL("total_utilised_limit", funds, used, FIELD_LOOSE),
        FIELD_DECIMAL("total_limit", funds, total, FIELD_LOOSE),
        {},
};
static const struct field holding_fields[] = {
        FIELD_INT("quantity", holding, quantity, FIELD_LOOSE),
        FIELD_DECIMAL("average_price", holding, average_price, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

/* The broker's spelling of a position: "quantity" and "qty" (§6). */
struct net {
        int64_t net, buy, sell, buy_price, sell_price, realised;
};
static const struct field net_fields[] = {
        FIELD_INT("net_qty", net, net, FIELD_LOOSE),
        FIELD_INT("t_day_buy_quantity", net, buy, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_INT("t_day_sell_qty", net, sell, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("average_buy_price", net, buy_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("average_sell_price", net, sell_price, FIELD_LOOSE | FIELD_OPTIONAL),
        FIELD_DECIMAL("realised_pl_overall_position", net, realised, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

static int read_funds(struct json_object *data, struct broker_result *r)
{
        struct json_object *equity = NULL;

        if (!json_object_is_type(data, json_type_object) ||
            !json_object_object_get_ex(data, "equity", &equity))
                return 1;
        return fields_read(funds_fields, equity, &r->funds, NULL) < 0;
}

/* close_price is the day before's, so there is neither a last price nor a profit. */
static int read_holding(const struct broker_call *c, struct json_object *row, void *to)
{
        struct holding *h = to;

        if (fields_read(holding_fields, row, h, NULL) < 0 || read_symbol(c, row, h->symbol) < 0)
                return -EINVAL;
        return h->quantity == 0;
}

static int read_position(const struct broker_call *c, struct json_object *row, void *to)
{
        struct position *p = to;
        struct net n = {};

        if (fields_read(net_fields, row, &n, NULL) < 0 || read_symbol(c, row, p->symbol) < 0 ||
            read_product(row, p->symbol, &p->product) < 0)
                return -EINVAL;
        p->quantity = n.net;
        p->average_price = n.net > 0 ? n.buy_price : n.net < 0 ? n.sell_price : 0;
        p->realised_pnl = n.realised;
        p->buy_quantity = n.buy;
        p->sell_quantity = n.sell;
        return 0;
}

static int read_profile(struct json_object *data, struct broker_result *r)
{
        if (json_object_is_type(data, json_type_array))
                data = json_object_array_length(data) == 1 ? json_object_array_get_idx(data, 0)
                                                           : NULL;
        const char *id =
                json_object_is_type(data, json_type_object) ? hdfc_text(data, "user_id") : NULL;
        return !id || !*id || !text_copy(r->client_id, sizeof(r->client_id), id);
}

/* --- prices --- */

static const struct field price_fields[] = {
        FIELD_DECIMAL("ltp", quote, last, FIELD_LOOSE),
        FIELD_DECIMAL("prev_close", quote, close, FIELD_LOOSE | FIELD_OPTIONAL),
        {},
};

/* A bare token is another instrument's in another segment, and the reply does not name the segment.
 * A contract's previous close tells: the master has it too. Settlement and last price may differ a
 * little. */
static bool same_close(const struct scrip *s, int64_t close)
{
        int64_t ours = s->instrument.previous_close;
        int64_t more = close > ours ? close : ours, less = close > ours ? ours : close;

        return !instrument_derivative(&s->instrument) || close <= 0 || ours <= 0 ||
               more - less <= 5 * DECIMAL_ONE || more / 2 <= less;
}

/* Could this row be the scrip's? An index may be answered under its exchange. */
static bool answers(const struct scrip *s, const char *exchange, const char *token, bool exactly)
{
        char asked[NAME_SIZE];
        const char *number;
        size_t n = strcspn(exchange, "_");

        if (!split_token(s, asked, &number) || strcmp(number, token) != 0)
                return false;
        return exactly ? strcasecmp(asked, exchange) == 0
                       : strcspn(asked, "_") == n && strncasecmp(asked, exchange, n) == 0;
}

/* The scrip that a row is about; NULL: none that was asked for, or more than one. */
static const struct scrip *asked_for(const struct broker_call *c, const char *exchange,
                                     const char *token, int64_t close)
{
        for (int exactly = 1; exactly >= 0; exactly--) {
                const struct scrip *found = NULL;
                unsigned n = 0, n_equal = 0;
                for (unsigned i = 0; i < c->n_scrips; i++) {
                        const struct scrip *s = c->scrips[i];
                        if (!answers(s, exchange, token, exactly) || !same_close(s, close))
                                continue;
                        bool equal = close > 0 && s->instrument.previous_close == close;
                        if (equal || n_equal == 0)
                                found = s;
                        n_equal += equal;
                        n++;
                }
                if (n == 1 || n_equal == 1)
                        return found;
                if (n > 1)
                        return NULL;
        }
        return NULL;
}

static int read_price(const struct broker_call *c, struct json_object *row, void *to)
{
        struct quote *q = to;
        const char *exchange = hdfc_text(row, "exchange"), *token = hdfc_text(row, "token");

        if (fields_read(price_fields, row, q, NULL) < 0 || !exchange || !token || !*token)
                return -EINVAL;
        const struct scrip *s = asked_for(c, exchange, token, q->close);
        if (!s || q->last <= 0 || q->close < 0)
                return 1;
        text_copy(q->symbol, sizeof(q->symbol), s->instrument.symbol);
        return 0;
}

/* Of an instrument that comes twice the first row stays. */
static void drop_repeated(struct broker_result *r)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < r->n_quotes; i++) {
                unsigned k = 0;
                while (k < kept && strcmp(r->quotes[k].symbol, r->quotes[i].symbol) != 0)
                        k++;
                if (k == kept)
                        r->quotes[kept++] = r->quotes[i];
        }
        r->n_quotes = kept;
}

/* --- which --- */

/* Nothing to list is null beside a success. */
static int read_rows(const struct broker_call *c, struct json_object *list, size_t size,
                     reading_row_fn *read, void **ret, unsigned *ret_n)
{
        *ret = NULL;
        *ret_n = 0;
        return list ? reading_rows(c, list, size, read, ret, ret_n) : 0;
}

static int read_orders(const struct broker_call *c, struct json_object *list,
                       struct broker_result *r)
{
        void *rows;
        int e = read_rows(c, list, sizeof(*r->orders), read_order, &rows, &r->n_orders);

        r->orders = rows;
        if (e == 0 && c->op == BROKER_ORDER && r->n_orders == 0)
                return 1;
        return e;
}

static int read_rows_of(const struct broker_call *c, struct json_object *data,
                        struct broker_result *r)
{
        void *rows = NULL;
        int e;

        switch (c->op) {
        case BROKER_TRADES:
                e = read_rows(c, data, sizeof(*r->trades), read_trade, &rows, &r->n_trades);
                r->trades = rows;
                return e;
        case BROKER_HOLDINGS:
                e = read_rows(c, data, sizeof(*r->holdings), read_holding, &rows, &r->n_holdings);
                r->holdings = rows;
                return e;
        case BROKER_POSITIONS:
                if (data && !json_object_object_get_ex(data, "net", &data))
                        return 1;
                e = read_rows(c, data, sizeof(*r->positions), read_position, &rows,
                              &r->n_positions);
                r->positions = rows;
                return e;
        case BROKER_QUOTES:
                if (!data)
                        return 1;
                e = read_rows(c, data, sizeof(*r->quotes), read_price, &rows, &r->n_quotes);
                r->quotes = rows;
                drop_repeated(r);
                return e;
        default:
                return 1;
        }
}

int hdfc_read_list(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        struct json_object *data = NULL;
        bool bare = c->op == BROKER_QUOTES || c->op == BROKER_PROFILE;

        if (!json_object_object_get_ex(o, "data", &data) ||
            !(hdfc_success(o) || (bare && *(hdfc_text(o, "status") ?: "?") == '\0')))
                return 1;
        switch (c->op) {
        case BROKER_BOOK:
        case BROKER_ORDER:
                return read_orders(c, data, r);
        case BROKER_FUNDS:
                return read_funds(data, r);
        case BROKER_PROFILE:
                return read_profile(data, r);
        default:
                return read_rows_of(c, data, r);
        }
}
