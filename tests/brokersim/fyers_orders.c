#include <stdio.h>
#include <string.h>

#include "brokersim/fyers.h"
#include "domain/words.h"

/* `member` must be there unless `or_else` is (then it keeps its value). False: answered. */
static bool read_int(struct call *c, struct json_object *o, const char *member, int64_t min,
                     int64_t max, bool needed, int64_t *ret)
{
        int r = json_get_int(o, member, min, max, ret);
        char message[96];

        if (r == 0 || (r == 1 && !needed))
                return true;
        snprintf(message, sizeof(message), "%s is %s", member, r == 1 ? "required" : "not valid");
        fyers_error(c, 400, -50, message);
        return false;
}

static bool read_price(struct call *c, struct json_object *o, const char *member, bool needed,
                       int64_t *ret)
{
        struct json_object *v = NULL;
        bool there = json_object_object_get_ex(o, member, &v) && v;
        char message[96];

        /* Numbers only: a text is another client's mistake (§1). */
        if ((!there && !needed) || (there && !json_object_is_type(v, json_type_string) &&
                                    json_value_decimal(v, ret) == 0 && *ret >= 0))
                return true;
        snprintf(message, sizeof(message), "%s is %s", member, there ? "not valid" : "required");
        fyers_error(c, 400, -50, message);
        return false;
}

static bool read_bool(struct call *c, struct json_object *o, const char *member, bool *ret)
{
        char message[96];

        if (json_get_bool(o, member, ret) == 0)
                return true;
        snprintf(message, sizeof(message), "%s is required", member);
        fyers_error(c, 400, -50, message);
        return false;
}

static bool read_word(struct call *c, struct json_object *o, const char *member,
                      int (*from)(const char *s, size_t n), int *ret)
{
        const char *s = "";
        char message[96];

        if (json_get_string(o, member, &s) == 0 && (*ret = from(s, strlen(s))) >= 0)
                return true;
        snprintf(message, sizeof(message), "%s is not valid", member);
        fyers_error(c, 400, -50, message);
        return false;
}

static enum order_type type_of(int64_t code)
{
        return code == 1   ? ORDER_TYPE_LIMIT
               : code == 2 ? ORDER_TYPE_MARKET
               : code == 3 ? ORDER_TYPE_STOP
                           : ORDER_TYPE_STOP_LIMIT;
}

static bool read_tag(struct call *c, struct json_object *o, struct ticket *t)
{
        static const char letters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const char *tag = "";
        int r = json_get_string(o, "orderTag", &tag);

        if (r == 1 || (r == 0 && *tag == '\0'))
                return true;
        size_t n = r == 0 ? strlen(tag) : 0;
        if (n > 0 && n <= 30 && text_only(tag, n, letters) && strcmp(tag, "Untagged") != 0 &&
            strcmp(tag, c->user->client_id) != 0)
                return text_copy(t->tag, sizeof(t->tag), tag);
        fyers_error(c, 400, -50, "orderTag must be 1 to 30 letters and digits");
        return false;
}

/* False: answered. */
static bool read_ticket(struct call *c, struct json_object *o, struct ticket *t)
{
        const char *symbol = "";
        int64_t type = 0, side = 0;
        int product = 0, validity = 0;

        if (json_get_string(o, "symbol", &symbol) != 0 ||
            !(t->listing = market_by_fyers(&c->sim->market, symbol))) {
                fyers_error(c, 400, -300, "Please provide a valid symbol");
                return false;
        }
        if (!read_int(c, o, "qty", 1, QUANTITY_MAX_SIM, true, &t->quantity) ||
            !read_int(c, o, "type", 1, 4, true, &type) ||
            !read_int(c, o, "side", -1, 1, true, &side) ||
            !read_price(c, o, "limitPrice", true, &t->price) ||
            !read_price(c, o, "stopPrice", true, &t->trigger) ||
            !read_int(c, o, "disclosedQty", 0, QUANTITY_MAX_SIM, true, &t->disclosed) ||
            !read_word(c, o, "productType", product_from, &product) ||
            !read_word(c, o, "validity", validity_from, &validity) ||
            !read_bool(c, o, "offlineOrder", &t->amo) || !read_tag(c, o, t))
                return false;
        if (side == 0) {
                fyers_error(c, 400, -50, "side is not valid");
                return false;
        }
        t->quantity *= fyers_unit(t->listing);
        t->type = type_of(type);
        t->side = side == 1 ? SIDE_BUY : SIDE_SELL;
        t->product = (enum product)product;
        t->validity = (enum validity)validity;
        if (t->type == ORDER_TYPE_MARKET || t->type == ORDER_TYPE_STOP)
                t->price = 0;
        if (t->type == ORDER_TYPE_MARKET || t->type == ORDER_TYPE_LIMIT)
                t->trigger = 0;
        return true;
}

/* What is a matter of form is refused at once and gets no id; the rest is the risk system's. */
static bool formal(enum refusal why)
{
        return why == REFUSAL_LOT || why == REFUSAL_TICK || why == REFUSAL_TRIGGER ||
               why == REFUSAL_PRODUCT;
}

static void answer_order(struct call *c, int code, const char *message, const char *id)
{
        char whole[128];

        snprintf(whole, sizeof(whole), "%s. Your Order Ref.No.%s", message, id);
        struct json_writer w = fyers_ok(c, code, whole);
        json_put_string(&w, "id", id);
        json_object_finish(&w);
}

static void answer_refused(struct call *c, const char *message, const char *id)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_put_string(&w, "s", "error");
        json_put_int(&w, "code", -99);
        json_put_string(&w, "message", message);
        json_put_string(&w, "id", id);
        json_object_finish(&w);
}

void fyers_place(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        struct ticket t = {};
        enum refusal why = REFUSAL_NONE;

        if (!o || !read_ticket(c, o, &t)) {
                sim_receive(c, &t, "");
                if (!o)
                        fyers_error(c, 400, -50, "The body is not a JSON object");
                return;
        }
        why = book_check(&c->sim->book, &t);
        if (formal(why)) {
                sim_receive(c, &t, "");
                fyers_error(c, 400, -50, refusal_sentence(BROKER_FYERS, why));
                return;
        }
        const struct entry *e = sim_place(c, &t, &why);
        if (!e)
                return;
        if (why != REFUSAL_NONE)
                answer_refused(c, e->message, e->id);
        else
                answer_order(c, 1101, "Order submitted successfully", e->id);
}

/* NULL: answered. */
static struct entry *find_entry(struct call *c, struct json_object *o)
{
        const char *id = c->argument;
        struct entry *e;

        if (o && json_get_string(o, "id", &id) != 0)
                id = "";
        e = book_find(&c->sim->book, c->user, id);
        if (!e)
                fyers_error(c, 400, -51, "Invalid order id");
        return e;
}

void fyers_modify(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        int64_t type = 0, quantity = 0;
        struct entry *e;

        if (!o) {
                fyers_error(c, 400, -50, "The body is not a JSON object");
                return;
        }
        if (!(e = find_entry(c, o)))
                return;
        struct ticket t = e->t;
        if (!read_int(c, o, "type", 1, 4, true, &type) ||
            !read_int(c, o, "qty", 1, QUANTITY_MAX_SIM, false, &quantity) ||
            !read_price(c, o, "limitPrice", false, &t.price) ||
            !read_price(c, o, "stopPrice", false, &t.trigger) ||
            !read_int(c, o, "disclosedQty", 0, QUANTITY_MAX_SIM, false, &t.disclosed))
                return;
        t.type = type_of(type);
        if (quantity)
                t.quantity = quantity * fyers_unit(t.listing);
        enum refusal why = sim_modify(c, e, &t);
        if (why == REFUSAL_NONE)
                answer_order(c, 1102, "Order modified successfully", e->id);
        else if (formal(why))
                fyers_error(c, 400, -50, refusal_sentence(BROKER_FYERS, why));
        else
                answer_refused(c, refusal_sentence(BROKER_FYERS, why), e->id);
}

void fyers_cancel(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = *c->argument ? NULL : call_body(c);
        struct entry *e;

        if (!o && !*c->argument) {
                fyers_error(c, 400, -50, "The body is not a JSON object");
                return;
        }
        if (!(e = find_entry(c, o)))
                return;
        enum refusal why = sim_cancel(c, e, "");
        if (why == REFUSAL_NONE)
                answer_order(c, 1103, "Order cancelled successfully", e->id);
        else
                answer_refused(c, refusal_sentence(BROKER_FYERS, why), e->id);
}
