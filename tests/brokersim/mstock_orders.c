#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "brokersim/mstock.h"

static const char *type_word(int i)
{
        return mstock_type((enum order_type)i);
}
static const char *product_word(int i)
{
        return mstock_product((enum product)i);
}
static const char *side_word(int i)
{
        return side_name((enum side)i);
}
static const char *validity_word(int i)
{
        return validity_name((enum validity)i);
}

static bool read_word(const struct call *c, const char *field, const char *(*word)(int),
                      int n_words, int *ret)
{
        char s[32];

        if (!call_form(c, field, s, sizeof(s)))
                return false;
        for (int i = 0; i < n_words; i++)
                if (strcmp(s, word(i)) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

/* A field that may be left out or empty: 0. */
static bool read_price(const struct call *c, const char *field, int64_t *ret)
{
        char s[32];

        *ret = 0;
        return !call_form(c, field, s, sizeof(s)) || !*s ||
               (decimal_parse(s, strlen(s), ret) == 0 && *ret >= 0);
}

static bool read_quantity(const struct call *c, const char *field, int64_t min, int64_t *ret)
{
        char s[32];

        *ret = 0;
        if (!call_form(c, field, s, sizeof(s)) || !*s)
                return min == 0;
        return text_parse_int(s, strlen(s), min, QUANTITY_MAX_SIM, ret) == 0;
}

static struct listing *find_symbol(const struct call *c, const char *exchange, const char *symbol)
{
        char key[2 * LISTING_NAME_SIZE];

        snprintf(key, sizeof(key), "%s:%s", exchange, symbol);
        struct listing *l = market_by_mstock(&c->sim->market, key);
        return l && l->i->lot > 0 ? l : NULL;
}

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

static bool is_form(const struct call *c)
{
        static const char form[] = "application/x-www-form-urlencoded";
        struct bytes h = c->headers[HEADER_CONTENT_TYPE];

        return h.n >= sizeof(form) - 1 && strncasecmp(h.s, form, sizeof(form) - 1) == 0;
}

/* What is in a place and in a modification. NULL: fine. */
static const char *read_terms(const struct call *c, struct ticket *t)
{
        int type = 0, validity = 0;

        if (!is_form(c))
                return "Content-Type must be application/x-www-form-urlencoded";
        if (!read_word(c, "order_type", type_word, _ORDER_TYPE_MAX, &type))
                return "order_type is not valid";
        if (!read_word(c, "validity", validity_word, _VALIDITY_MAX, &validity))
                return "validity is not valid";
        if (!read_quantity(c, "quantity", 1, &t->quantity))
                return "quantity is not valid";
        if (!read_quantity(c, "disclosed_quantity", 0, &t->disclosed) ||
            (t->disclosed > 0 && t->disclosed * 10 <= t->quantity * 3))
                return "disclosed_quantity must be 0 or above 30 % of quantity";
        if (!read_price(c, "price", &t->price) || !read_price(c, "trigger_price", &t->trigger))
                return "price or trigger_price is not valid";
        t->type = (enum order_type)type;
        t->validity = (enum validity)validity;
        return settle_prices(t);
}

static const char *read_ticket(const struct call *c, struct ticket *t)
{
        char exchange[8], symbol[LISTING_NAME_SIZE];
        int side = 0, product = 0;

        if (strcmp(c->argument, "regular") != 0 && strcmp(c->argument, "amo") != 0)
                return "variety is not valid";
        t->amo = c->argument[0] == 'a';
        (void)call_form(c, "tag", t->tag, sizeof(t->tag));
        if (!call_form(c, "exchange", exchange, sizeof(exchange)) ||
            !call_form(c, "tradingsymbol", symbol, sizeof(symbol)) ||
            !(t->listing = find_symbol(c, exchange, symbol)))
                return "Invalid tradingsymbol";
        const char *wrong = read_terms(c, t);
        if (wrong)
                return wrong;
        if (!read_word(c, "transaction_type", side_word, _SIDE_MAX, &side))
                return "transaction_type is not valid";
        if (!read_word(c, "product", product_word, _PRODUCT_MAX, &product))
                return "product is not valid";
        t->side = (enum side)side;
        t->product = (enum product)product;
        return NULL;
}

/* Two shapes occur (§4.1): a place is answered in an array of one, the rest without. */
static void answer_order(struct call *c, const char *id, bool in_array)
{
        struct json_writer w = call_json(c, 200);

        if (in_array)
                json_array_begin(&w, NULL);
        json_object_begin(&w, NULL);
        json_put_string(&w, "status", "success");
        json_object_begin(&w, "data");
        json_put_string(&w, "order_id", id);
        json_object_finish(&w);
        json_object_finish(&w);
        if (in_array)
                json_array_finish(&w);
}

void mstock_place(struct call *c)
{
        struct ticket t = {};
        enum refusal why = REFUSAL_NONE;
        const char *wrong = read_ticket(c, &t);

        if (wrong) {
                sim_receive(c, &t, "");
                mstock_error(c, 400, "InputException", wrong);
                return;
        }
        const struct entry *e = sim_place(c, &t, &why);
        if (e)
                answer_order(c, e->id, true);
}

/* NULL: answered. */
static struct entry *find_entry(struct call *c)
{
        struct entry *e = book_find(&c->sim->book, c->user, c->argument);

        if (!e)
                mstock_error(c, 400, "InputException", "Order not found");
        return e;
}

void mstock_modify(struct call *c)
{
        struct entry *e = find_entry(c);

        if (!e)
                return;
        struct ticket t = e->t;
        const char *wrong = read_terms(c, &t);
        if (wrong) {
                mstock_error(c, 400, "InputException", wrong);
                return;
        }
        enum refusal why = sim_modify(c, e, &t);
        if (why == REFUSAL_NONE)
                answer_order(c, e->id, false);
        else
                mstock_error(c, 200, "MiraeException", refusal_sentence(BROKER_MSTOCK, why));
}

void mstock_cancel(struct call *c)
{
        struct entry *e = find_entry(c);

        if (!e)
                return;
        enum refusal why = sim_cancel(c, e, "");
        if (why == REFUSAL_NONE)
                answer_order(c, e->id, false);
        else
                mstock_error(c, 200, "MiraeException", refusal_sentence(BROKER_MSTOCK, why));
}

void mstock_cancel_all(struct call *c)
{
        for (unsigned i = 0; i < c->user->n_entries; i++)
                if (!order_status_terminal(c->user->entries[i]->status))
                        (void)sim_cancel(c, c->user->entries[i], "");
        struct json_writer w = mstock_ok(c);
        json_put_null(&w, "data");
        json_object_finish(&w);
}

/* --- margin: the one request in JSON (§8) -------------------------------------------------------
 */

static bool read_json_word(struct json_object *o, const char *member, const char *(*word)(int),
                           int n_words, int *ret)
{
        const char *s = "";

        if (json_get_string(o, member, &s) != 0)
                return false;
        for (*ret = 0; *ret < n_words; ++*ret)
                if (strcmp(s, word(*ret)) == 0)
                        return true;
        return false;
}

static const char *read_margin(const struct call *c, struct json_object *o, struct ticket *t)
{
        const char *exchange = "", *symbol = "";
        int side = 0, product = 0;

        if (json_get_string(o, "exchange", &exchange) != 0 ||
            json_get_string(o, "tradingsymbol", &symbol) != 0 ||
            !(t->listing = find_symbol(c, exchange, symbol)))
                return "Invalid tradingsymbol";
        if (!read_json_word(o, "transaction_type", side_word, _SIDE_MAX, &side) ||
            !read_json_word(o, "product", product_word, _PRODUCT_MAX, &product))
                return "transaction_type or product is not valid";
        if (json_get_int(o, "quantity", 1, QUANTITY_MAX_SIM, &t->quantity) != 0 ||
            json_get_decimal(o, "price", &t->price) < 0)
                return "quantity or price is not valid";
        t->side = (enum side)side;
        t->product = (enum product)product;
        return NULL;
}

void mstock_margins(struct call *c)
{
        static const char *const zeros[] = {"span", "exposure", "option_premium", "additional",
                                            "bo"};
        static const char *const charges[] = {"transaction_tax", "exchange_turnover_charge",
                                              "sebi_turnover_charge", "brokerage", "stamp_duty"};
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        struct ticket t = {};
        const char *wrong = o ? read_margin(c, o, &t) : "The body is not a JSON object";

        if (wrong) {
                mstock_error(c, 400, "InputException", wrong);
                return;
        }
        int64_t total = ticket_margin(c->user, &t);
        struct json_writer w = mstock_ok(c);
        json_object_begin(&w, "data");
        json_put_string(&w, "type", "equity");
        json_put_string(&w, "tradingsymbol", behind(t.listing->mstock, ':'));
        json_put_string(&w, "exchange", exchange_name(t.listing->i->exchange));
        for (size_t i = 0; i < ELEMENTS(zeros); i++)
                json_put_int(&w, zeros[i], 0);
        json_put_raw(&w, "cash", "8834812.345678", 14); /* absurd at the broker too (§8) */
        json_put_number(&w, "var", total);
        json_object_begin(&w, "pnl");
        json_put_int(&w, "realised", 0);
        json_put_int(&w, "unrealised", 0);
        json_object_finish(&w);
        json_put_int(&w, "leverage", 1);
        json_object_begin(&w, "charges");
        for (size_t i = 0; i < ELEMENTS(charges); i++)
                json_put_int(&w, charges[i], 0);
        json_put_string(&w, "transaction_tax_type", "stt");
        json_object_begin(&w, "gst");
        json_put_int(&w, "igst", 0);
        json_put_int(&w, "cgst", 0);
        json_put_int(&w, "sgst", 0);
        json_put_int(&w, "total", 0);
        json_object_finish(&w);
        json_put_int(&w, "total", 0);
        json_object_finish(&w);
        json_put_number(&w, "total", total);
        json_object_finish(&w);
        json_object_finish(&w);
}
