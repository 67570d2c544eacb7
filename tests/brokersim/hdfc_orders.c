#include <stdio.h>
#include <string.h>

#include "brokersim/hdfc.h"

/* A word of one of our enums in the broker's spelling. False: another one. */
static bool read_word(struct json_object *o, const char *member, const char *(*word)(int),
                      int n_words, int *ret)
{
        const char *s = "";

        if (json_get_string(o, member, &s) != 0)
                return false;
        for (int i = 0; i < n_words; i++)
                if (strcasecmp(s, word(i)) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

static const char *type_word(int i)
{
        return hdfc_type((enum order_type)i);
}
static const char *product_word(int i)
{
        return hdfc_product((enum product)i);
}
static const char *side_word(int i)
{
        return side_name((enum side)i);
}
static const char *validity_word(int i)
{
        return validity_name((enum validity)i);
}

/* A price that may be left out: 0. */
static bool read_price(struct json_object *o, const char *member, int64_t *ret)
{
        int r = json_get_decimal(o, member, ret);

        return (r == 0 && *ret >= 0) || r == 1;
}

/* What price goes with the type; the rest is 0. */
static const char *settle_prices(struct ticket *t)
{
        if (t->type == ORDER_TYPE_MARKET || t->type == ORDER_TYPE_STOP)
                t->price = 0;
        else if (t->price == 0)
                return "price is required";
        if (t->type == ORDER_TYPE_MARKET || t->type == ORDER_TYPE_LIMIT)
                t->trigger = 0;
        else if (t->trigger == 0)
                return "trigger_price is required";
        return NULL;
}

/* Derivative orders spell out the contract (§4.1); NULL: they do. */
static const char *check_contract(const struct call *c, struct json_object *o,
                                  const struct instrument *i)
{
        const char *s = "";
        int64_t strike = 0;
        char expiry[16];

        if (json_get_string(o, "instrument_segment", &s) != 0 || strcmp(s, hdfc_segment(i)) != 0)
                return "instrument_segment is not valid";
        if (!instrument_derivative(i))
                return NULL;
        print_day(i->expiry, "YMd", expiry, sizeof(expiry));
        if (json_get_string(o, "expiry_date", &s) != 0 || strcmp(s, expiry) != 0)
                return "expiry_date is not valid";
        if (json_get_string(o, "underlying_symbol", &s) != 0 ||
            strcmp(s, hdfc_underlying(&c->sim->market, i)) != 0)
                return "underlying_symbol is not valid";
        if (i->segment != SEGMENT_OPTION)
                return NULL;
        if (json_get_decimal(o, "strike_price", &strike) != 0 || strike != i->strike)
                return "strike_price is not valid";
        if (json_get_string(o, "option_type", &s) != 0 || strcmp(s, i->call ? "CE" : "PE") != 0)
                return "option_type is not valid";
        return NULL;
}

/* Text or integer, both are sent (§4.1). NULL: fine. */
static const char *read_reference(struct json_object *o, struct ticket *t)
{
        struct json_object *v = NULL;

        if (!json_object_object_get_ex(o, "external_reference_number", &v) || !v)
                return NULL;
        const char *s = json_object_get_string(v);
        size_t n = strlen(s);
        if (n == 0 || n > 20 || !text_only(s, n, "0123456789"))
                return "external_reference_number must be at most 20 digits";
        (void)text_copy(t->tag, sizeof(t->tag), s);
        return NULL;
}

/* NULL: an order that is worth asking the market about. */
static const char *read_ticket(const struct call *c, struct json_object *o, struct ticket *t)
{
        const char *exchange = "", *security = "";
        char key[LISTING_NAME_SIZE];
        int side = 0, type = 0, product = 0, validity = 0;
        const char *wrong;

        if (json_get_string(o, "exchange", &exchange) != 0 ||
            json_get_string(o, "security_id", &security) != 0)
                return "exchange and security_id are required";
        snprintf(key, sizeof(key), "%s|%s", exchange, security);
        if (!(t->listing = market_by_hdfc(&c->sim->market, key)))
                return "1008 InvalidSymbol";
        if ((wrong = check_contract(c, o, t->listing->i)) || (wrong = read_reference(o, t)))
                return wrong;
        if (!read_word(o, "transaction_type", side_word, _SIDE_MAX, &side))
                return "transaction_type is not valid";
        if (!read_word(o, "order_type", type_word, _ORDER_TYPE_MAX, &type))
                return "order_type is not valid";
        if (!read_word(o, "product", product_word, _PRODUCT_MAX, &product))
                return "product is not valid";
        if (!read_word(o, "validity", validity_word, _VALIDITY_MAX, &validity))
                return "validity is not valid";
        if (json_get_int(o, "quantity", 1, QUANTITY_MAX_SIM, &t->quantity) != 0)
                return "quantity is not valid";
        if (!read_price(o, "price", &t->price) || !read_price(o, "trigger_price", &t->trigger))
                return "price or trigger_price is not valid";
        if (json_get_int(o, "disclosed_quantity", 0, QUANTITY_MAX_SIM, &t->disclosed) < 0 ||
            json_get_bool(o, "amo", &t->amo) < 0)
                return "disclosed_quantity or amo is not valid";
        t->side = (enum side)side;
        t->type = (enum order_type)type;
        t->product = (enum product)product;
        t->validity = (enum validity)validity;
        return settle_prices(t);
}

static void answer_order(struct call *c, const char *id)
{
        struct json_writer w = hdfc_ok(c);

        json_object_begin(&w, "data");
        json_put_string(&w, "order_id", id);
        json_object_finish(&w);
        json_object_finish(&w);
}

/* The id says that the order system took it; what risk and exchange say stands in the book (§4.1).
 */
void hdfc_place(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        struct ticket t = {};
        enum refusal why = REFUSAL_NONE;

        const char *wrong = o ? read_ticket(c, o, &t) : "The body is not a JSON object";
        if (wrong) {
                sim_receive(c, &t, "");
                hdfc_error(c, 400, wrong);
                return;
        }
        const struct entry *e = sim_place(c, &t, &why);
        if (e)
                answer_order(c, e->id);
}

/* NULL: answered. */
static struct entry *find_entry(struct call *c)
{
        struct entry *e = book_find(&c->sim->book, c->user, c->argument);

        if (!e)
                hdfc_error(c, 404, "8001 Order not found");
        return e;
}

void hdfc_modify(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        struct entry *e = find_entry(c);
        const char *wrong = NULL;
        int type = 0, validity = 0;

        if (!e)
                return;
        struct ticket t = e->t;
        /* All of it is replaced (§4.2). */
        if (!o || json_get_int(o, "quantity", 1, QUANTITY_MAX_SIM, &t.quantity) != 0)
                wrong = "quantity is required";
        else if (!read_word(o, "order_type", type_word, _ORDER_TYPE_MAX, &type))
                wrong = "order_type is required";
        else if (!read_word(o, "validity", validity_word, _VALIDITY_MAX, &validity))
                wrong = "validity is required";
        else if (!read_price(o, "price", &t.price) || !read_price(o, "trigger_price", &t.trigger))
                wrong = "price or trigger_price is not valid";
        if (!wrong) {
                t.type = (enum order_type)type;
                t.validity = (enum validity)validity;
                wrong = settle_prices(&t);
        }
        if (wrong) {
                hdfc_error(c, 400, wrong);
                return;
        }
        enum refusal why = sim_modify(c, e, &t);
        if (why == REFUSAL_NONE)
                answer_order(c, e->id);
        else
                hdfc_error(c, 422, refusal_sentence(BROKER_HDFC, why));
}

void hdfc_cancel(struct call *c)
{
        struct entry *e = find_entry(c);

        if (!e)
                return;
        enum refusal why = sim_cancel(c, e, "");
        if (why == REFUSAL_NONE)
                answer_order(c, e->id);
        else
                hdfc_error(c, 422, refusal_sentence(BROKER_HDFC, why));
}
