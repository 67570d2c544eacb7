/* Placing, changing and cancelling orders (§4), and what one would block (§8). Only the routes
 * named "sync", whose answer is the broker's and not its queue's. */
#include <errno.h>
#include <string.h>

#include "broker/fyers.h"
#include "broker/reading.h"

#define TAG_MAX        30
#define TAG_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

enum { CODE_ACCEPTED = 1101, CODE_MODIFIED = 1102, CODE_CANCELLED = 1103 };

/* Ids are strings but for a sample with a number (§14.5); one this short is no id. */
#define NUMBER_ID_MIN INT64_C(10000000)

static void put_word(struct json_writer *w, const char *key, const struct word *words, int value)
{
        const char *text = word_text(words, value);
        json_put_raw(w, key, text, strlen(text));
}

static bool has_limit(enum order_type t)
{
        return t == ORDER_TYPE_LIMIT || t == ORDER_TYPE_STOP_LIMIT;
}

static bool has_trigger(enum order_type t)
{
        return t == ORDER_TYPE_STOP || t == ORDER_TYPE_STOP_LIMIT;
}

/* In the broker's units. -EINVAL: it is not a whole number of them. */
static int units(const struct broker_call *c, int64_t quantity, int64_t *ret)
{
        int64_t unit = fyers_unit(c->scrip);
        if (quantity <= 0 || quantity % unit)
                return -EINVAL;
        *ret = quantity / unit;
        return 0;
}

/* What place and the margin calculator share. */
static int put_order(const struct broker_call *c, struct json_writer *w)
{
        const struct order *o = c->order;
        const struct leg *l = c->leg;
        int64_t quantity;

        if (!o || !l || !c->scrip || !*c->scrip->key || units(c, l->quantity, &quantity) < 0)
                return -EINVAL;
        json_put_string(w, "symbol", c->scrip->key);
        json_put_int(w, "qty", quantity);
        put_word(w, "type", fyers_types, l->effective.type);
        put_word(w, "side", fyers_sides, o->side);
        json_put_string(w, "productType", word_text(fyers_products, o->product));
        json_put_number(w, "limitPrice", has_limit(l->effective.type) ? l->effective.price : 0);
        json_put_number(w, "stopPrice",
                        has_trigger(l->effective.type) ? l->effective.trigger_price : 0);
        return 0;
}

static int request_place(const struct broker_call *c, struct http_request *r)
{
        struct json_writer w = JSON_WRITER(&r->body);
        const char *tag = c->leg ? c->leg->tag : "";
        size_t n = strlen(tag);

        if (n == 0 || n > TAG_MAX || !text_only(tag, n, TAG_CHARACTERS))
                return -EINVAL;
        r->method = "POST";
        json_object_begin(&w, NULL);
        int e = put_order(c, &w);
        if (e < 0)
                return e;
        json_put_int(&w, "disclosedQty", c->order->disclosed_quantity);
        json_put_string(&w, "validity", word_text(fyers_validities, c->order->validity));
        json_put_bool(&w, "offlineOrder", false);
        json_put_string(&w, "orderTag", tag);
        json_object_finish(&w);
        return 0;
}

/* A quantity that is left out stays (§4.2). While nothing is filled the total is the rest as well,
 * so it can be named; afterwards it is not told which of the two would be meant. */
static int put_quantity(const struct broker_call *c, struct json_writer *w)
{
        int64_t quantity;
        if (c->leg->filled_quantity > 0)
                return c->order->quantity == c->leg->quantity ? 0 : -ENOTSUP;
        int e = units(c, c->order->quantity, &quantity);
        if (e == 0)
                json_put_int(w, "qty", quantity);
        return e;
}

static int request_modify(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;
        struct json_writer w = JSON_WRITER(&r->body);

        if (!o || !c->scrip)
                return -EINVAL;
        /* The validity cannot be changed, and what rests in the book is of the day. */
        if (o->validity != VALIDITY_DAY)
                return -ENOTSUP;
        r->method = "PATCH";
        json_object_begin(&w, NULL);
        json_put_string(&w, "id", c->leg->broker_order_id);
        put_word(&w, "type", fyers_types, o->type);
        int e = put_quantity(c, &w);
        if (e < 0)
                return e;
        if (has_limit(o->type))
                json_put_number(&w, "limitPrice", o->price);
        if (has_trigger(o->type))
                json_put_number(&w, "stopPrice", o->trigger_price);
        json_object_finish(&w);
        return 0;
}

static int request_cancel(const struct broker_call *c, struct http_request *r)
{
        struct json_writer w = JSON_WRITER(&r->body);
        r->method = "DELETE";
        json_object_begin(&w, NULL);
        json_put_string(&w, "id", c->leg->broker_order_id);
        json_object_finish(&w);
        return 0;
}

int fyers_request_order(const struct broker_call *c, struct http_request *r)
{
        if (!c->leg || (c->op != BROKER_PLACE && !*c->leg->broker_order_id))
                return -EINVAL;
        text_add(&r->url, "/api/v3/orders/sync");
        return c->op == BROKER_PLACE    ? request_place(c, r)
               : c->op == BROKER_MODIFY ? request_modify(c, r)
                                        : request_cancel(c, r);
}

int fyers_request_margin(const struct broker_call *c, struct http_request *r)
{
        struct json_writer w = JSON_WRITER(&r->body);
        r->method = "POST";
        text_add(&r->url, "/api/v3/multiorder/margin");
        json_object_begin(&w, NULL);
        json_array_begin(&w, "data");
        json_object_begin(&w, NULL);
        int e = put_order(c, &w);
        if (e < 0)
                return e;
        json_put_int(&w, "stopLoss", 0);
        json_put_int(&w, "takeProfit", 0);
        json_object_finish(&w);
        json_array_finish(&w);
        json_object_finish(&w);
        return 0;
}

static bool read_id(struct json_object *o, char ret[static BROKER_ORDER_ID_SIZE])
{
        struct json_object *value;
        int64_t number;

        if (!json_object_object_get_ex(o, "id", &value))
                return false;
        if (json_object_is_type(value, json_type_int)) {
                if (json_value_int(value, NUMBER_ID_MIN, FIELD_INT_MAX, &number) != 0)
                        return false;
        } else if (!json_object_is_type(value, json_type_string)) {
                return false;
        }
        const char *s = json_object_get_string(value);
        return fyers_visible(s) && text_copy(ret, BROKER_ORDER_ID_SIZE, s);
}

static bool code_fits(enum broker_op op, int64_t code)
{
        switch (op) {
        case BROKER_PLACE:
                return code == CODE_ACCEPTED;
        case BROKER_MODIFY:
                return code == CODE_ACCEPTED || code == CODE_MODIFIED;
        default:
                return code == CODE_CANCELLED;
        }
}

/* A success is one with its own code and an id; for an order that exists, with that order's. */
void fyers_read_order(const struct broker_call *c, struct json_object *o, int64_t code,
                      struct broker_result *r)
{
        char id[BROKER_ORDER_ID_SIZE] = "";
        bool fits = code_fits(c->op, code) && read_id(o, id);

        if (fits && c->op != BROKER_PLACE)
                fits = c->leg && !strcmp(id, c->leg->broker_order_id);
        if (!fits) {
                reading_unknown(r, "The answer says ok but not to what");
                return;
        }
        memcpy(r->broker_order_id, id, sizeof(id));
        r->outcome = OUTCOME_ACCEPTED;
}

static const struct field margin_fields[] = {
        FIELD_DECIMAL("margin_new_order", margin, required, FIELD_LOOSE),
        {},
};

void fyers_read_margin(struct json_object *o, struct broker_result *r)
{
        struct json_object *data = NULL;
        struct margin m = {};

        json_object_object_get_ex(o, "data", &data);
        if (fields_read(margin_fields, data, &m, NULL) < 0 || m.required < 0) {
                reading_unknown(r, "The margin could not be read");
                return;
        }
        r->margin = m;
        r->outcome = OUTCOME_ACCEPTED;
}
