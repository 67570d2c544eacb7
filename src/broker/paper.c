/* The paper broker: Ordo's own simulated exchange (docs/paper.md), an adapter like any other. */
#include "broker/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "broker/fields.h"
#include "broker/reading.h"

/* A whole day's book in one reply: 200,000 orders of 17 members. */
#define REPLY_MEMBERS_MAX 4000000U
#define REPLY_DEPTH_MAX   5U

#define ALL_TYPES                                                                   \
        (1U << ORDER_TYPE_MARKET | 1U << ORDER_TYPE_LIMIT | 1U << ORDER_TYPE_STOP | \
         1U << ORDER_TYPE_STOP_LIMIT)
#define SHARE_PRODUCTS      (1U << PRODUCT_CNC | 1U << PRODUCT_INTRADAY | 1U << PRODUCT_MTF)
#define DERIVATIVE_PRODUCTS (1U << PRODUCT_INTRADAY | 1U << PRODUCT_MARGIN)
#define ALL_VALIDITIES      (1U << VALIDITY_DAY | 1U << VALIDITY_IOC)

static const struct broker_capability capabilities[] = {
        {EXCHANGE_NSE, ALL_TYPES, SHARE_PRODUCTS, ALL_VALIDITIES, true},
        {EXCHANGE_BSE, ALL_TYPES, SHARE_PRODUCTS, ALL_VALIDITIES, true},
        {EXCHANGE_NFO, ALL_TYPES, DERIVATIVE_PRODUCTS, ALL_VALIDITIES, false},
        {EXCHANGE_BFO, ALL_TYPES, DERIVATIVE_PRODUCTS, ALL_VALIDITIES, false},
        {EXCHANGE_CDS, ALL_TYPES, DERIVATIVE_PRODUCTS, ALL_VALIDITIES, true},
        {EXCHANGE_MCX, ALL_TYPES, DERIVATIVE_PRODUCTS, ALL_VALIDITIES, true},
};

/* The exchange speaks Ordo's own words. */
#define ROW(PREFIX, w)      {PREFIX##_##w, #w},
#define SIDE_ROW(w)         ROW(SIDE, w)
#define ORDER_TYPE_ROW(w)   ROW(ORDER_TYPE, w)
#define PRODUCT_ROW(w)      ROW(PRODUCT, w)
#define VALIDITY_ROW(w)     ROW(VALIDITY, w)
#define ORDER_STATUS_ROW(w) ROW(ORDER_STATUS, w)
static const struct word sides[] = {SIDE_TABLE(SIDE_ROW){}};
static const struct word types[] = {TYPE_TABLE(ORDER_TYPE_ROW){}};
static const struct word products[] = {PRODUCT_TABLE(PRODUCT_ROW){}};
static const struct word validities[] = {VALIDITY_TABLE(VALIDITY_ROW){}};
static const struct word statuses[] = {ORDER_STATUS_TABLE(ORDER_STATUS_ROW){}};

/* What a place or modify says of the order; the tag and the leg's own values are written beside it.
 */
static const struct field result_fields[] = {
        FIELD_STRING("order_id", broker_result, broker_order_id, 0),
        FIELD_WORD("status", broker_result, status, statuses, 0),
        FIELD_INT("filled_quantity", broker_result, filled_quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("average_price", broker_result, average_price, 0),
        {},
};
static const struct field order_fields[] = {
        FIELD_STRING("order_id", book_order, broker_order_id, 0),
        FIELD_STRING("tag", book_order, tag, 0),
        FIELD_STRING("symbol", book_order, symbol, 0),
        FIELD_WORD("side", book_order, side, sides, 0),
        FIELD_WORD("type", book_order, type, types, 0),
        FIELD_WORD("product", book_order, product, products, 0),
        FIELD_WORD("validity", book_order, validity, validities, 0),
        FIELD_INT("quantity", book_order, quantity, FIELD_AS_NUMBER),
        FIELD_INT("filled_quantity", book_order, filled_quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("price", book_order, price, 0),
        FIELD_DECIMAL("trigger_price", book_order, trigger_price, 0),
        FIELD_DECIMAL("average_price", book_order, average_price, 0),
        FIELD_WORD("status", book_order, status, statuses, 0),
        FIELD_TIME("placed_at", book_order, placed_us, FIELD_AS_NUMBER),
        FIELD_TIME("updated_at", book_order, updated_us, FIELD_AS_NUMBER),
        FIELD_STRING("message", book_order, message, FIELD_OPTIONAL),
        {},
};
static const struct field trade_fields[] = {
        FIELD_STRING("trade_id", trade, trade_id, 0),
        FIELD_STRING("order_id", trade, broker_order_id, 0),
        FIELD_STRING("tag", trade, tag, 0),
        FIELD_STRING("symbol", trade, symbol, 0),
        FIELD_WORD("side", trade, side, sides, 0),
        FIELD_WORD("product", trade, product, products, 0),
        FIELD_INT("quantity", trade, quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("price", trade, price, 0),
        FIELD_TIME("at", trade, at_us, FIELD_AS_NUMBER),
        {},
};
static const struct field funds_fields[] = {
        FIELD_DECIMAL("available", funds, available, 0),
        FIELD_DECIMAL("used", funds, used, 0),
        FIELD_DECIMAL("total", funds, total, 0),
        FIELD_DECIMAL("realised_pnl", funds, realised_pnl, 0),
        FIELD_DECIMAL("unrealised_pnl", funds, unrealised_pnl, 0),
        {},
};
static const struct field holding_fields[] = {
        FIELD_STRING("symbol", holding, symbol, 0),
        FIELD_INT("quantity", holding, quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("average_price", holding, average_price, 0),
        FIELD_DECIMAL("last_price", holding, last_price, 0),
        FIELD_DECIMAL("pnl", holding, pnl, 0),
        {},
};
static const struct field position_fields[] = {
        FIELD_STRING("symbol", position, symbol, 0),
        FIELD_WORD("product", position, product, products, 0),
        FIELD_INT("quantity", position, quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("average_price", position, average_price, 0),
        FIELD_DECIMAL("last_price", position, last_price, 0),
        FIELD_DECIMAL("realised_pnl", position, realised_pnl, 0),
        FIELD_DECIMAL("unrealised_pnl", position, unrealised_pnl, 0),
        FIELD_INT("buy_quantity", position, buy_quantity, FIELD_AS_NUMBER),
        FIELD_INT("sell_quantity", position, sell_quantity, FIELD_AS_NUMBER),
        {},
};
static const struct field quote_fields[] = {
        FIELD_STRING("symbol", quote, symbol, 0),
        FIELD_DECIMAL("last", quote, last, 0),
        FIELD_DECIMAL("bid", quote, bid, 0),
        FIELD_DECIMAL("ask", quote, ask, 0),
        FIELD_INT("bid_quantity", quote, bid_quantity, FIELD_AS_NUMBER),
        FIELD_INT("ask_quantity", quote, ask_quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("open", quote, open, 0),
        FIELD_DECIMAL("high", quote, high, 0),
        FIELD_DECIMAL("low", quote, low, 0),
        FIELD_DECIMAL("close", quote, close, 0),
        FIELD_INT("volume", quote, volume, FIELD_AS_NUMBER),
        FIELD_DECIMAL("lower_circuit", quote, lower_circuit, 0),
        FIELD_DECIMAL("upper_circuit", quote, upper_circuit, 0),
        FIELD_TIME("at", quote, at_us, FIELD_AS_NUMBER),
        {},
};

/* The exchange's refusals. DUPLICATE_TAG is not among them: the book already has an order with our
 * tag, so what became of the leg has to be read there. */
static const struct word refusals[] = {
        {PROBLEM_INSUFFICIENT_FUNDS, "INSUFFICIENT_FUNDS"},
        {PROBLEM_INSTRUMENT_UNKNOWN, "UNKNOWN_SYMBOL"},
        {PROBLEM_INSTRUMENT_NOT_TRADABLE, "NOT_TRADABLE"},
        {PROBLEM_LOT_SIZE, "LOT_SIZE"},
        {PROBLEM_TICK_SIZE, "TICK_SIZE"},
        {PROBLEM_FREEZE_QUANTITY, "FREEZE_QUANTITY"},
        {PROBLEM_PRODUCT_UNSUPPORTED, "PRODUCT"},
        {PROBLEM_TYPE_UNSUPPORTED, "TYPE"},
        {PROBLEM_DISCLOSED_UNSUPPORTED, "DISCLOSED_QUANTITY"},
        {PROBLEM_MARKET_CLOSED, "MARKET_CLOSED"},
        {PROBLEM_NO_REFERENCE_PRICE, "NO_REFERENCE_PRICE"},
        {PROBLEM_ORDER_NOT_OPEN, "ORDER_NOT_OPEN"},
        {PROBLEM_ORDER_NOT_FOUND, "ORDER_NOT_FOUND"},
        {PROBLEM_MODIFY_UNSUPPORTED, "MODIFY"},
        {},
};

static void put_path(struct http_request *r, const struct account *a, const char *thing,
                     const char *id)
{
        text_add_char(&r->url, '/');
        text_add_urlencoded(&r->url, a->id);
        text_add_char(&r->url, '/');
        text_add(&r->url, thing);
        if (id) {
                text_add_char(&r->url, '/');
                text_add_urlencoded(&r->url, id);
        }
}

static void put_prices(struct json_writer *w, int64_t price, int64_t trigger_price)
{
        if (price)
                json_put_decimal(w, "price", price);
        if (trigger_price)
                json_put_decimal(w, "trigger_price", trigger_price);
}

static int request_place(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;
        const struct leg *l = c->leg;
        if (!o || !l || !*l->tag)
                return -EINVAL;
        struct json_writer w = JSON_WRITER(&r->body);
        r->method = "POST";
        put_path(r, c->account, "orders", NULL);
        json_object_begin(&w, NULL);
        json_put_string(&w, "tag", l->tag);
        json_put_string(&w, "symbol", o->symbol);
        json_put_string(&w, "side", side_name(o->side));
        json_put_string(&w, "type", order_type_name(l->effective.type));
        json_put_string(&w, "product", product_name(o->product));
        json_put_string(&w, "validity", validity_name(o->validity));
        json_put_int(&w, "quantity", l->quantity);
        put_prices(&w, l->effective.price, l->effective.trigger_price);
        if (o->disclosed_quantity)
                json_put_int(&w, "disclosed_quantity", o->disclosed_quantity);
        json_object_finish(&w);
        return 0;
}

static int request_modify(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;
        if (!o || !c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        struct json_writer w = JSON_WRITER(&r->body);
        r->method = "PUT";
        put_path(r, c->account, "orders", c->leg->broker_order_id);
        json_object_begin(&w, NULL);
        json_put_string(&w, "type", order_type_name(o->type));
        json_put_string(&w, "validity", validity_name(o->validity));
        json_put_int(&w, "quantity", o->quantity);
        put_prices(&w, o->price, o->trigger_price);
        json_object_finish(&w);
        return 0;
}

static int request_order(const struct broker_call *c, struct http_request *r)
{
        if (!c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        r->method = c->op == BROKER_CANCEL ? "DELETE" : "GET";
        put_path(r, c->account, "orders", c->leg->broker_order_id);
        return 0;
}

static int request_quotes(const struct broker_call *c, struct http_request *r)
{
        if (c->n_scrips == 0)
                return -EINVAL;
        put_path(r, c->account, "quotes", NULL);
        text_add(&r->url, "?symbols=");
        for (unsigned i = 0; i < c->n_scrips; i++) {
                if (i > 0)
                        text_add_char(&r->url, ',');
                text_add_urlencoded(&r->url, c->scrips[i]->instrument.symbol);
        }
        return 0;
}

static int request_list(const struct broker_call *c, struct http_request *r)
{
        static const char *const things[_BROKER_OP_MAX] = {
                [BROKER_BOOK] = "orders",         [BROKER_TRADES] = "trades",
                [BROKER_FUNDS] = "funds",         [BROKER_HOLDINGS] = "holdings",
                [BROKER_POSITIONS] = "positions", [BROKER_PROFILE] = "profile",
        };
        if (!things[c->op])
                return -ENOTSUP;
        put_path(r, c->account, things[c->op], NULL);
        if (c->op == BROKER_BOOK && c->since_us > 0) {
                text_add(&r->url, "?since=");
                text_add_int(&r->url, c->since_us);
        }
        return 0;
}

static int paper_request(const struct broker_call *c, struct http_request *ret)
{
        int r;
        if (c->op >= _BROKER_OP_MAX || !c->account)
                return -EINVAL;
        ret->method = "GET";
        ret->writes = broker_op_writes(c->op);
        switch (c->op) {
        case BROKER_PLACE:
                r = request_place(c, ret);
                break;
        case BROKER_MODIFY:
                r = request_modify(c, ret);
                break;
        case BROKER_CANCEL:
        case BROKER_ORDER:
                r = request_order(c, ret);
                break;
        case BROKER_QUOTES:
                r = request_quotes(c, ret);
                break;
        default:
                r = request_list(c, ret);
        }
        if (r == 0 && (ret->url.failed || ret->body.failed))
                r = ret->url.failed ? ret->url.failed : ret->body.failed;
        return r;
}

/* {"error":{"code","message"}} with a status of the 4xx: the exchange's definite no. */
static void read_refusal(struct json_object *o, struct broker_result *r)
{
        struct json_object *error;
        const char *code, *message;
        if (!json_object_object_get_ex(o, "error", &error) ||
            !json_object_is_type(error, json_type_object) ||
            json_get_string(error, "code", &code) != 0 || !*code ||
            json_get_string(error, "message", &message) != 0) {
                reading_unknown(r, "The refusal could not be read");
                return;
        }
        text_copy(r->broker_code, sizeof(r->broker_code), code);
        text_copy(r->message, sizeof(r->message), message);
        if (!strcmp(code, "DUPLICATE_TAG")) {
                r->outcome = OUTCOME_UNKNOWN;
                r->problem = PROBLEM_OUTCOME_UNKNOWN;
                return;
        }
        int problem = word_value(refusals, code);
        r->outcome = OUTCOME_REJECTED;
        r->problem = problem < 0 ? PROBLEM_BROKER_REJECTED : (enum problem)problem;
}

static bool result_sane(const struct broker_result *r)
{
        return *r->broker_order_id && r->filled_quantity >= 0 && r->average_price >= 0;
}

static void read_result(struct json_object *o, struct broker_result *r)
{
        struct broker_result read = {};
        if (fields_read(result_fields, o, &read, NULL) < 0 || !result_sane(&read)) {
                reading_unknown(r, "The answer could not be read");
                return;
        }
        memcpy(r->broker_order_id, read.broker_order_id, sizeof(r->broker_order_id));
        r->status = read.status;
        r->filled_quantity = read.filled_quantity;
        r->average_price = read.average_price;
        r->has_state = true;
        r->outcome = OUTCOME_ACCEPTED;
}

/* The rows of a list into an array of `size` bytes each. 0; -ENOMEM; 1 unreadable: then nothing of
 * it is given away. */
static int read_rows(struct json_object *o, const char *key, const struct field *table, size_t size,
                     void **ret, unsigned *ret_n)
{
        struct json_object *list;
        if (!json_object_object_get_ex(o, key, &list) ||
            !json_object_is_type(list, json_type_array))
                return 1;
        size_t n = json_object_array_length(list);
        _cleanup_(freep) char *rows = calloc(n + 1, size);
        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                struct json_object *row = json_object_array_get_idx(list, i);
                if (!json_object_is_type(row, json_type_object) ||
                    fields_read(table, row, rows + i * size, NULL) < 0)
                        return 1;
        }
        *ret = TAKE(rows);
        *ret_n = (unsigned)n;
        return 0;
}

static int read_one_order(struct json_object *o, struct broker_result *r)
{
        r->orders = calloc(1, sizeof(*r->orders));
        if (!r->orders)
                return -ENOMEM;
        r->n_orders = 1;
        return fields_read(order_fields, o, r->orders, NULL) < 0;
}

static int read_list(enum broker_op op, struct json_object *o, struct broker_result *r)
{
        void *rows = NULL;
        int e;
        switch (op) {
        case BROKER_BOOK:
                e = read_rows(o, "orders", order_fields, sizeof(*r->orders), &rows, &r->n_orders);
                r->orders = rows;
                return e;
        case BROKER_ORDER:
                return read_one_order(o, r);
        case BROKER_TRADES:
                e = read_rows(o, "trades", trade_fields, sizeof(*r->trades), &rows, &r->n_trades);
                r->trades = rows;
                return e;
        case BROKER_HOLDINGS:
                e = read_rows(o, "holdings", holding_fields, sizeof(*r->holdings), &rows,
                              &r->n_holdings);
                r->holdings = rows;
                return e;
        case BROKER_POSITIONS:
                e = read_rows(o, "positions", position_fields, sizeof(*r->positions), &rows,
                              &r->n_positions);
                r->positions = rows;
                return e;
        case BROKER_QUOTES:
                e = read_rows(o, "quotes", quote_fields, sizeof(*r->quotes), &rows, &r->n_quotes);
                r->quotes = rows;
                return e;
        case BROKER_FUNDS:
                return fields_read(funds_fields, o, &r->funds, NULL) < 0;
        default:
                return 0; /* PROFILE: that it could be read is all there is to know */
        }
}

static int paper_reply(const struct broker_call *c, const struct http_reply *reply,
                       struct broker_result *ret)
{
        static const struct json_limits limits = {REPLY_DEPTH_MAX, REPLY_MEMBERS_MAX};
        _cleanup_(json_freep) struct json_object *o = NULL;
        struct json_fault fault;
        bool refused = reply->status >= 400 && reply->status < 500;
        if (reply->status != 200 && !refused) {
                reading_unknown(ret, "The exchange answered with an unexpected status");
                return 0;
        }
        int r = json_parse(text_str(&reply->body), reply->body.len, &limits, &o, &fault);
        if (r < 0)
                return r;
        if (r > 0 || !json_object_is_type(o, json_type_object)) {
                reading_unknown(ret, "The answer is not a JSON object");
                return 0;
        }
        if (refused) {
                read_refusal(o, ret);
                return 0;
        }
        if (broker_op_writes(c->op)) {
                read_result(o, ret);
                return 0;
        }
        r = read_list(c->op, o, ret);
        if (r < 0)
                return r;
        if (r > 0) {
                broker_result_done(ret);
                reading_unknown(ret, "The answer could not be read");
                return 0;
        }
        ret->outcome = OUTCOME_ACCEPTED;
        return 0;
}

const struct broker broker_paper = {
        .slug = "paper",
        .title = "Paper",
        .flags = BROKER_ECHOES_TAG | BROKER_BOOK_IS_PROOF | BROKER_LOCAL | BROKER_CAN_MODIFY,
        .quotes_max = 50,
        .tag_max = TAG_SIZE - 1,
        .capabilities = capabilities,
        .n_capabilities = ELEMENTS(capabilities),
        .request = paper_request,
        .reply = paper_reply,
};
