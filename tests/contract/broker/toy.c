/* Toy Securities: the example of docs/adapters.md, a broker that does not exist. It takes and
 * answers JSON, logs in with a one-time password, and lists its instruments in one CSV file.
 *
 * A scrip's key is the broker's code ("SBIN-EQ"); token and detail are not used.
 * Unsure (§3 of its page): whether 409 was executed, so it is UNKNOWN. */
#include "toy.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "broker/fields.h"
#include "broker/reading.h"

#define TYPES      (1U << ORDER_TYPE_MARKET | 1U << ORDER_TYPE_LIMIT)
#define PRODUCTS   (1U << PRODUCT_CNC | 1U << PRODUCT_INTRADAY)
#define VALIDITIES (1U << VALIDITY_DAY)

static const struct broker_capability capabilities[] = {
        {EXCHANGE_NSE, TYPES, PRODUCTS, VALIDITIES, false},
};

/* --- the broker's words --- */

static const struct word sides[] = {{SIDE_BUY, "B"}, {SIDE_SELL, "S"}, {}};
static const struct word types[] = {{ORDER_TYPE_MARKET, "MKT"}, {ORDER_TYPE_LIMIT, "LMT"}, {}};
static const struct word products[] = {{PRODUCT_CNC, "DELIVERY"}, {PRODUCT_INTRADAY, "MIS"}, {}};
static const struct word statuses[] = {
        {ORDER_STATUS_OPEN, "open"},
        {ORDER_STATUS_FILLED, "done"},
        {ORDER_STATUS_CANCELLED, "cancelled"},
        {ORDER_STATUS_REJECTED, "rejected"},
        {},
};
static const struct word refusals[] = {
        {PROBLEM_INSUFFICIENT_FUNDS, "E10"},
        {PROBLEM_LOT_SIZE, "E11"},
        {PROBLEM_ORDER_NOT_OPEN, "E20"},
        {},
};

static const struct field order_fields[] = {
        FIELD_STRING("id", book_order, broker_order_id, 0),
        FIELD_STRING("ref", book_order, tag, FIELD_OPTIONAL),
        FIELD_WORD("side", book_order, side, sides, 0),
        FIELD_WORD("type", book_order, type, types, 0),
        FIELD_WORD("product", book_order, product, products, 0),
        FIELD_INT("qty", book_order, quantity, FIELD_AS_NUMBER),
        FIELD_INT("done", book_order, filled_quantity, FIELD_AS_NUMBER),
        FIELD_DECIMAL("price", book_order, price, FIELD_OPTIONAL | FIELD_AS_NUMBER),
        FIELD_WORD("status", book_order, status, statuses, 0),
        {},
};
static const struct field funds_fields[] = {
        FIELD_DECIMAL("cash", funds, available, FIELD_LOOSE),
        FIELD_DECIMAL("blocked", funds, used, FIELD_LOOSE),
        {},
};

/* --- requests --- */

static int request_login(const struct broker_call *c, struct http_request *r)
{
        struct json_writer w = JSON_WRITER(&r->body);

        if (!c->otp || !c->account->access.client_id)
                return -EINVAL;
        r->method = "POST";
        text_add(&r->url, "/login");
        json_object_begin(&w, NULL);
        json_put_string(&w, "user", c->account->access.client_id);
        json_put_bytes(&w, "otp", secret_bytes(c->otp), secret_size(c->otp));
        json_object_finish(&w);
        return 0;
}

static int request_place(const struct broker_call *c, struct http_request *r)
{
        struct json_writer w = JSON_WRITER(&r->body);

        if (!c->order || !c->leg || !c->scrip || !*c->leg->tag)
                return -EINVAL;
        r->method = "POST";
        text_add(&r->url, "/orders");
        json_object_begin(&w, NULL);
        json_put_string(&w, "ref", c->leg->tag);
        json_put_string(&w, "scrip", c->scrip->key);
        json_put_string(&w, "side", word_text(sides, c->order->side));
        json_put_string(&w, "type", word_text(types, c->leg->effective.type));
        json_put_string(&w, "product", word_text(products, c->order->product));
        json_put_int(&w, "qty", c->leg->quantity);
        if (c->leg->effective.price)
                json_put_decimal(&w, "price", c->leg->effective.price);
        json_object_finish(&w);
        return 0;
}

static int request_cancel(const struct broker_call *c, struct http_request *r)
{
        if (!c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        r->method = "DELETE";
        text_add(&r->url, "/orders/");
        text_add_urlencoded(&r->url, c->leg->broker_order_id);
        return 0;
}

static int request_op(const struct broker_call *c, struct http_request *r)
{
        switch (c->op) {
        case BROKER_LOGIN:
                return request_login(c, r);
        case BROKER_PLACE:
                return request_place(c, r);
        case BROKER_CANCEL:
                return request_cancel(c, r);
        case BROKER_BOOK:
                text_add(&r->url, "/orders");
                return 0;
        case BROKER_FUNDS:
                text_add(&r->url, "/funds");
                return 0;
        case BROKER_MASTER:
                text_add(&r->url, "/scrips.csv");
                return 0;
        default:
                return -ENOTSUP;
        }
}

static int toy_request(const struct broker_call *c, struct http_request *ret)
{
        int r;

        ret->method = "GET";
        ret->writes = broker_op_writes(c->op);
        r = request_op(c, ret);
        if (r == 0 && ret->body.len > 0)
                r = http_request_header(ret, "Content-Type", "application/json");
        if (r == 0 && c->token)
                r = http_request_header(ret, "X-Token", secret_bytes(c->token));
        if (r == 0)
                r = ret->url.failed ? ret->url.failed : ret->body.failed;
        return r;
}

/* --- replies --- */

static int read_order(const struct broker_call *c, struct json_object *row, void *to)
{
        struct book_order *o = to;
        struct scrip scrip;
        const char *key;

        if (fields_read(order_fields, row, o, NULL) < 0 || !*o->broker_order_id ||
            o->quantity < 0 || o->filled_quantity < 0 || o->price < 0 ||
            json_get_string(row, "scrip", &key) != 0)
                return -EINVAL;
        reading_scrip(c, SCRIP_BY_KEY, key, EXCHANGE_NSE, &scrip);
        memcpy(o->symbol, scrip.instrument.symbol, sizeof(o->symbol));
        return 0;
}

static void read_refusal(struct json_object *o, struct broker_result *r)
{
        const char *code, *message;

        if (json_get_string(o, "code", &code) != 0 || !*code ||
            json_get_string(o, "message", &message) != 0) {
                reading_unknown(r, "The refusal could not be read");
                return;
        }
        int problem = word_value(refusals, code);
        reading_rejected(r, problem < 0 ? PROBLEM_BROKER_REJECTED : (enum problem)problem, code,
                         message);
}

/* A place or a cancel names the order that it acted on. 0, or 1: unreadable. */
static int read_order_id(struct json_object *o, struct broker_result *r)
{
        const char *id;

        if (json_get_string(o, "id", &id) != 0 || !*id || strlen(id) >= BROKER_ORDER_ID_SIZE)
                return 1;
        text_copy(r->broker_order_id, sizeof(r->broker_order_id), id);
        return 0;
}

/* Whose session it is has to be told: here, or by the profile. */
static int read_token(struct json_object *o, struct broker_result *r)
{
        const char *token, *user;

        if (json_get_string(o, "token", &token) != 0 || !*token ||
            json_get_string(o, "user", &user) != 0 || !*user ||
            !text_copy(r->client_id, sizeof(r->client_id), user))
                return 1;
        r->login = BROKER_LOGIN_DONE;
        r->token = secret_new(token, strlen(token));
        return r->token ? 0 : -ENOMEM;
}

static int read_book(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        struct json_object *list = NULL;
        void *rows = NULL;

        json_object_object_get_ex(o, "orders", &list);
        int e = reading_rows(c, list, sizeof(*r->orders), read_order, &rows, &r->n_orders);
        r->orders = rows;
        return e;
}

/* 0; 1 unreadable; -ENOMEM. */
static int read_op(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        switch (c->op) {
        case BROKER_LOGIN:
                return read_token(o, r);
        case BROKER_PLACE:
        case BROKER_CANCEL:
                return read_order_id(o, r);
        case BROKER_BOOK:
                return read_book(c, o, r);
        default:
                return fields_read(funds_fields, o, &r->funds, NULL) < 0;
        }
}

static int toy_reply(const struct broker_call *c, const struct http_reply *reply,
                     struct broker_result *ret)
{
        _cleanup_(json_freep) struct json_object *o = NULL;

        if (reply->status == 401 && c->op != BROKER_LOGIN) {
                reading_rejected(ret, PROBLEM_SESSION_REQUIRED, "401", "The session is over");
                ret->session_ended = true;
                return 0;
        }
        if (reply->status != 200 && reply->status != 400) {
                reading_unknown(ret, "The broker answered with an unexpected status");
                return 0;
        }
        int r = reading_json(reply, &o, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!json_object_is_type(o, json_type_object)) {
                reading_unknown(ret, "The answer is not a JSON object");
                return 0;
        }
        if (reply->status == 400) {
                read_refusal(o, ret);
                return 0;
        }
        r = read_op(c, o, ret);
        if (r < 0)
                return r;
        if (r > 0)
                reading_unknown(ret, "The answer could not be read");
        else
                ret->outcome = OUTCOME_ACCEPTED;
        return 0;
}

/* --- instruments --- */

enum { CODE, NAME, LOT, TICK };
static const char *const columns[] = {
        [CODE] = "code", [NAME] = "name", [LOT] = "lot", [TICK] = "tick", NULL};
static const char *const files[] = {"/scrips.csv", NULL};

static int master_row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
                      unsigned *ret_rank)
{
        const struct broker_cell *code = &cells[CODE];
        struct instrument *i = &ret->instrument;
        char name[SYMBOL_NAME_SIZE];

        (void)file;
        (void)ret_rank;
        if (code->n < 4 || memcmp(code->s + code->n - 3, "-EQ", 3) != 0)
                return 0; /* not a share */
        if (!text_copy_bytes(ret->key, sizeof(ret->key), code->s, code->n) ||
            !text_copy_bytes(name, sizeof(name), code->s, code->n - 3) ||
            text_parse_int(cells[LOT].s, cells[LOT].n, 1, INT32_MAX, &i->lot) < 0 ||
            decimal_parse(cells[TICK].s, cells[TICK].n, &i->tick) < 0 || i->tick <= 0)
                return -EINVAL;
        text_copy_bytes(i->name, sizeof(i->name), cells[NAME].s, cells[NAME].n);
        i->exchange = EXCHANGE_NSE;
        i->segment = SEGMENT_EQUITY;
        i->intraday_allowed = true;
        return instrument_make_symbol(i, name) ? 1 : -EINVAL;
}

static const struct broker_master master = {
        .files = files,
        .has_header = true,
        .columns = columns,
        .rows_least = 1000,
        .row = master_row,
};

static const struct broker_login_way logins[] = {{.method = BROKER_LOGIN_OTP}};
static const struct broker_rate rates[] = {{BROKER_TRAFFIC_ORDERS, 10, 1000000}};

const struct broker broker_toy = {
        .slug = "toy",
        .title = "Toy Securities",
        .flags = BROKER_ECHOES_TAG,
        .logins = logins,
        .n_logins = ELEMENTS(logins),
        .session_ends = 6 * 60,
        .default_base_url = "https://api.toy.example",
        .default_master_url = "https://files.toy.example",
        .master = &master,
        .rates = rates,
        .n_rates = ELEMENTS(rates),
        .tag_max = 16,
        .capabilities = capabilities,
        .n_capabilities = ELEMENTS(capabilities),
        .request = toy_request,
        .reply = toy_reply,
};
