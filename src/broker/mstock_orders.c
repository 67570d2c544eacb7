/* m.Stock: what changes orders, and what one would block (§4, §8). */
#include "broker/mstock.h"

#include <errno.h>
#include <string.h>

static bool names_a_scrip(const struct broker_call *c)
{
        return c->scrip && strlen(c->scrip->key) > MSTOCK_EXCHANGE_LENGTH + 1 &&
               c->scrip->key[MSTOCK_EXCHANGE_LENGTH] == ':';
}

static void put_scrip(struct text *form, const struct scrip *s)
{
        char exchange[MSTOCK_EXCHANGE_LENGTH + 1];

        text_copy_bytes(exchange, sizeof(exchange), s->key, MSTOCK_EXCHANGE_LENGTH);
        mstock_put(form, "tradingsymbol", s->key + MSTOCK_EXCHANGE_LENGTH + 1);
        mstock_put(form, "exchange", exchange);
}

/* What place and modify have in common: "send 0 otherwise" (§4.1). */
static void put_terms(struct text *form, const struct order *o, const struct effective *e,
                      int64_t quantity)
{
        mstock_put(form, "transaction_type", word_text(mstock_sides, o->side));
        mstock_put(form, "order_type", word_text(mstock_types, (int)e->type));
        mstock_put_int(form, "quantity", quantity);
        mstock_put(form, "product", word_text(mstock_products, (int)o->product));
        mstock_put(form, "validity", word_text(mstock_validities, (int)o->validity));
        mstock_put_decimal(form, "price", e->price);
        mstock_put_decimal(form, "trigger_price", e->trigger_price);
        mstock_put_int(form, "disclosed_quantity", o->disclosed_quantity);
}

int mstock_request_place(const struct broker_call *c, struct http_request *r)
{
        if (!c->order || !c->leg || !*c->leg->tag || !names_a_scrip(c))
                return -EINVAL;
        int e = mstock_form(r, "POST");
        if (e < 0)
                return e;
        text_add(&r->url, "/orders/regular");
        put_scrip(&r->body, c->scrip);
        put_terms(&r->body, c->order, &c->leg->effective, c->leg->quantity);
        mstock_put(&r->body, "tag", c->leg->tag);
        return 0;
}

static int put_order_path(const struct broker_call *c, struct http_request *r)
{
        if (!c->leg || !*c->leg->broker_order_id)
                return -EINVAL;
        text_add(&r->url, "/orders/regular/");
        text_add_urlencoded(&r->url, c->leg->broker_order_id);
        return 0;
}

/* Every field replaces, the quantity too; as the total or as the remainder is not told, and of an
 * order that is partly filled these are not the same (§4.2). */
int mstock_request_modify(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;

        if (!o || !names_a_scrip(c))
                return -EINVAL;
        int e = put_order_path(c, r);
        if (e == 0 && c->leg->filled_quantity > 0)
                e = -ENOTSUP;
        if (e == 0)
                e = mstock_form(r, "PUT");
        if (e < 0)
                return e;
        const struct effective terms = {o->type, o->price, o->trigger_price};
        mstock_put(&r->body, "variety", "regular");
        put_scrip(&r->body, c->scrip);
        put_terms(&r->body, o, &terms, o->quantity);
        mstock_put(&r->body, "modqty_remng", "0");
        return 0;
}

int mstock_request_cancel(const struct broker_call *c, struct http_request *r)
{
        r->method = "DELETE";
        return put_order_path(c, r);
}

/* "0" and "None" are no order's id. One of another order is no answer to this call. */
int mstock_reply_order_id(const struct broker_call *c, struct json_object *data,
                          struct broker_result *r)
{
        struct json_object *value = mstock_member(data, "order_id");

        if (!json_object_is_type(value, json_type_string))
                return 1;
        const char *id = json_object_get_string(value);
        if (!*id || strcmp(id, "0") == 0 || strpbrk(id, " \t\r\n"))
                return 1;
        if (c->op != BROKER_PLACE && (!c->leg || strcmp(id, c->leg->broker_order_id) != 0))
                return 1;
        return !text_copy(r->broker_order_id, sizeof(r->broker_order_id), id);
}

int mstock_request_margin(const struct broker_call *c, struct http_request *r)
{
        const struct order *o = c->order;

        if (!o || !c->leg || !names_a_scrip(c))
                return -EINVAL;
        struct json_writer w = JSON_WRITER(&r->body);
        const struct effective *terms = &c->leg->effective;
        r->method = "POST";
        text_add(&r->url, "/margins/orders");
        json_object_begin(&w, NULL);
        json_put_bytes(&w, "exchange", c->scrip->key, MSTOCK_EXCHANGE_LENGTH);
        json_put_string(&w, "tradingsymbol", c->scrip->key + MSTOCK_EXCHANGE_LENGTH + 1);
        json_put_string(&w, "transaction_type", word_text(mstock_sides, o->side));
        json_put_string(&w, "variety", "regular");
        json_put_string(&w, "product", word_text(mstock_products, (int)o->product));
        json_put_string(&w, "order_type", word_text(mstock_types, (int)terms->type));
        json_put_int(&w, "quantity", c->leg->quantity);
        json_put_number(&w, "price", terms->price);
        json_put_number(&w, "trigger_price", terms->trigger_price);
        json_object_finish(&w);
        return http_request_header(r, "Content-Type", "application/json");
}

/* The charges are beside the total, not in it; `cash` is absurd in samples (§8). */
int mstock_reply_margin(const struct broker_call *c, struct json_object *data,
                        struct broker_result *r)
{
        static const struct field fields[] = {
                FIELD_DECIMAL("total", margin, required, FIELD_LOOSE),
                {},
        };
        (void)c;
        return fields_read(fields, data, &r->margin, NULL) < 0 || r->margin.required < 0;
}
