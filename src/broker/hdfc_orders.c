/* HDFC Securities: orders placed, modified, cancelled (§4). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "broker/hdfc.h"

#define ORDERS_PATH "/oapi/v1/orders/regular"

/* A price where the type has one, else 0. */
static void put_prices(struct json_writer *w, enum order_type type, int64_t price,
                       int64_t trigger_price)
{
        bool limited = type == ORDER_TYPE_LIMIT || type == ORDER_TYPE_STOP_LIMIT;
        bool stop = type == ORDER_TYPE_STOP || type == ORDER_TYPE_STOP_LIMIT;

        json_put_number(w, "price", limited ? price : 0);
        json_put_number(w, "trigger_price", stop ? trigger_price : 0);
}

/* The parent exchange: contracts are told apart by their segment. */
static const char *parent(enum exchange e)
{
        return e == EXCHANGE_BSE || e == EXCHANGE_BFO ? "BSE" : "NSE";
}

/* What an order spells out of a contract. -EINVAL: the scrip's detail is none. */
static int put_contract(struct json_writer *w, const struct scrip *s)
{
        const struct instrument *i = &s->instrument;
        const char *blank = strchr(s->detail, ' ');
        char expiry[16];

        if (!blank || blank == s->detail || !blank[1] || !clock_day_valid(i->expiry))
                return -EINVAL;
        json_put_bytes(w, "instrument_segment", s->detail, (size_t)(blank - s->detail));
        json_put_string(w, "underlying_symbol", blank + 1);
        snprintf(expiry, sizeof(expiry), "%d", i->expiry);
        json_put_string(w, "expiry_date", expiry);
        if (i->segment == SEGMENT_OPTION) {
                json_put_number(w, "strike_price", i->strike);
                json_put_string(w, "option_type", i->call ? "CE" : "PE");
        }
        return 0;
}

static int put_instrument(struct json_writer *w, const struct scrip *s)
{
        const char *colon = strchr(s->key, ':');

        if (!colon || !colon[1])
                return -EINVAL;
        json_put_string(w, "exchange", parent(s->instrument.exchange));
        json_put_string(w, "security_id", colon + 1);
        if (instrument_derivative(&s->instrument))
                return put_contract(w, s);
        json_put_string(w, "instrument_segment", "EQUITY");
        return 0;
}

static int request_place(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;
        const struct leg *l = c->leg;
        struct json_writer w = JSON_WRITER(&r->body);

        if (!o || !l || !c->scrip || !*l->tag)
                return -EINVAL;
        r->method = "POST";
        json_object_begin(&w, NULL);
        int e = put_instrument(&w, c->scrip);
        if (e < 0)
                return e;
        json_put_string(&w, "transaction_type", word_text(hdfc_sides, o->side));
        json_put_string(&w, "product", word_text(hdfc_products, o->product));
        json_put_int(&w, "quantity", l->quantity);
        json_put_string(&w, "order_type", word_text(hdfc_types, l->effective.type));
        put_prices(&w, l->effective.type, l->effective.price, l->effective.trigger_price);
        json_put_int(&w, "disclosed_quantity", o->disclosed_quantity);
        json_put_string(&w, "validity", word_text(hdfc_validities, o->validity));
        json_put_bool(&w, "amo", false);
        json_put_string(&w, "external_reference_number", l->tag);
        json_object_finish(&w);
        return hdfc_url(c, r, ORDERS_PATH, NULL);
}

/* Whether the quantity of a modification is the new total or the rest is not documented (§4.2), and
 * it must be sent: while nothing is filled both are the same. */
static int request_modify(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;
        struct json_writer w = JSON_WRITER(&r->body);

        if (!o || !c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        if (c->leg->filled_quantity > 0)
                return -ENOTSUP;
        r->method = "PUT";
        json_object_begin(&w, NULL);
        json_put_int(&w, "quantity", o->quantity);
        json_put_string(&w, "order_type", word_text(hdfc_types, o->type));
        json_put_string(&w, "validity", word_text(hdfc_validities, o->validity));
        json_put_int(&w, "disclosed_quantity", o->disclosed_quantity);
        json_put_string(&w, "product", word_text(hdfc_products, o->product));
        put_prices(&w, o->type, o->price, o->trigger_price);
        json_put_bool(&w, "amo", false);
        json_object_finish(&w);
        return hdfc_url(c, r, ORDERS_PATH, c->leg->broker_order_id);
}

int hdfc_request_order(const struct broker_call *c, struct http_request *r)
{
        if (c->op == BROKER_PLACE)
                return request_place(c, r);
        if (c->op == BROKER_MODIFY)
                return request_modify(c, r);
        if (!c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        r->method = "DELETE";
        return hdfc_url(c, r, ORDERS_PATH, c->leg->broker_order_id);
}

/* The order system has taken the cancellation, the exchange has not answered yet (§4.1): until the
 * book shows what came of it the order is what it was. */
static void keep_state(const struct leg *l, struct broker_result *r)
{
        r->has_state = true;
        r->status = l->status;
        r->filled_quantity = l->filled_quantity;
        r->average_price = l->average_price;
}

/* Success is the word and an order's id; a change must name the order that it was for. */
int hdfc_read_order(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        struct json_object *data = json_object_object_get(o, "data");
        const char *error = hdfc_text(o, "error");

        if (!hdfc_success(o) || !error || *error || !json_object_is_type(data, json_type_object) ||
            !hdfc_id(data, "order_id", r->broker_order_id))
                return 1;
        if (c->op == BROKER_PLACE || !c->leg)
                return 0;
        if (strcmp(c->leg->broker_order_id, r->broker_order_id) != 0)
                return 1;
        if (c->op == BROKER_CANCEL)
                keep_state(c->leg, r);
        return 0;
}
