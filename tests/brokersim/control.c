/* /_sim/: what the simulator has seen, and what it is to do next. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "brokersim/server.h"
#include "brokersim/sim.h"
#include "brokersim/users.h"

#define LISTED_MAX 100000 /* lines of one answer */

static void wrong(struct call *c, int status, const char *sentence)
{
        struct json_writer w = call_json(c, status);

        json_object_begin(&w, NULL);
        json_put_string(&w, "error", sentence);
        json_object_finish(&w);
}

static void done(struct call *c)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_put_bool(&w, "ok", true);
        json_object_finish(&w);
}

/* NULL: answered. */
static struct json_object *body_of(struct call *c)
{
        struct json_object *o = c->body.n > 0 ? call_body(c) : json_object_new_object();

        if (!o)
                wrong(c, 400, "The body is not a JSON object");
        return o;
}

/* --- the logs -----------------------------------------------------------------------------------
 */

static void put_receipt(struct json_writer *w, const struct receipt *r)
{
        json_object_begin(w, NULL);
        json_put_int(w, "number", (int64_t)r->number);
        json_put_time(w, "at", r->at_us);
        json_put_string(w, "broker", broker_name(r->broker));
        json_put_string(w, "operation", operation_name(r->operation));
        json_put_string(w, "client_id", r->user ? r->user->client_id : NULL);
        json_put_string(w, "peer", r->peer);
        json_put_string(w, "tag", r->tag);
        json_put_string(w, "symbol", r->listing ? r->listing->i->symbol : NULL);
        json_put_string(w, "side", side_name(r->side));
        json_put_int(w, "quantity", r->quantity);
        json_put_decimal(w, "price", r->price);
        json_put_string(w, "order_id", r->id[0] ? r->id : NULL);
        json_object_finish(w);
}

static void put_entry(struct json_writer *w, const struct entry *e, uint64_t number)
{
        json_object_begin(w, NULL);
        if (number > 0)
                json_put_int(w, "number", (int64_t)number);
        json_put_time(w, "at", e->placed_us);
        json_put_string(w, "broker", broker_name(e->user->broker));
        json_put_string(w, "client_id", e->user->client_id);
        json_put_string(w, "order_id", e->id);
        json_put_string(w, "tag", e->t.tag);
        json_put_string(w, "symbol", e->t.listing->i->symbol);
        json_put_string(w, "side", side_name(e->t.side));
        json_put_string(w, "type", order_type_name(e->t.type));
        json_put_string(w, "product", product_name(e->t.product));
        json_put_string(w, "validity", validity_name(e->t.validity));
        json_put_int(w, "quantity", e->t.quantity);
        json_put_decimal(w, "price", e->t.price);
        json_put_decimal(w, "trigger_price", e->t.trigger);
        json_put_string(w, "status", order_status_name(e->status));
        json_put_int(w, "filled_quantity", e->filled);
        json_put_decimal(w, "average_price", entry_average(e));
        json_put_int(w, "modified", e->modified);
        json_put_string(w, "message", e->message);
        json_object_finish(w);
}

/* Everything, or what came after `?after=NUMBER`. */
static uint64_t read_after(const struct call *c)
{
        char buf[32];
        int64_t n = 0;

        return call_query(c, "after", buf, sizeof(buf)) &&
                               text_parse_int(buf, strlen(buf), 0, INT64_MAX, &n) == 0
                       ? (uint64_t)n
                       : 0;
}

static void get_received(struct call *c)
{
        const struct journal *j = &c->sim->journal;
        uint64_t after = read_after(c);
        struct json_writer w = call_json(c, 200);
        unsigned n = 0;

        json_object_begin(&w, NULL);
        json_put_int(&w, "count", j->n_received);
        json_put_int(&w, "forgotten", (int64_t)j->forgotten);
        json_array_begin(&w, "received");
        for (unsigned i = 0; i < j->n_received && n < LISTED_MAX; i++)
                if (j->received[i].number > after) {
                        put_receipt(&w, &j->received[i]);
                        n++;
                }
        json_array_finish(&w);
        json_object_finish(&w);
}

static void get_booked(struct call *c)
{
        const struct journal *j = &c->sim->journal;
        uint64_t after = read_after(c);
        struct json_writer w = call_json(c, 200);
        unsigned n = 0;

        json_object_begin(&w, NULL);
        json_put_int(&w, "count", j->n_booked);
        json_put_int(&w, "forgotten", (int64_t)j->forgotten);
        json_array_begin(&w, "booked");
        for (unsigned i = 0; i < j->n_booked && n < LISTED_MAX; i++)
                if (j->booked[i].number > after) {
                        put_entry(&w, j->booked[i].entry, j->booked[i].number);
                        n++;
                }
        json_array_finish(&w);
        json_object_finish(&w);
}

static void put_calls(struct json_writer *w, const char *name, const uint64_t calls[_OPERATION_MAX])
{
        json_object_begin(w, name);
        for (int o = 0; o < _OPERATION_MAX; o++)
                json_put_int(w, operation_name((enum operation)o), (int64_t)calls[o]);
        json_object_finish(w);
}

/* Of every broker, or those with a good session of the account `?client_id=`. */
static void get_calls(struct call *c)
{
        char client[USER_FIELD_SIZE];
        bool one = call_query(c, "client_id", client, sizeof(client));
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        for (int b = 0; b < _BROKER_MAX && !one; b++)
                put_calls(&w, broker_name((enum broker_name)b), c->sim->journal.calls[b]);
        for (unsigned i = 0; i < c->sim->accounts.n_users && one; i++) {
                const struct user *u = c->sim->accounts.users[i];
                if (strcmp(u->client_id, client) == 0)
                        put_calls(&w, broker_name(u->broker), u->calls);
        }
        json_object_finish(&w);
}

static void post_reset(struct call *c)
{
        struct sim *s = c->sim;
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        const char *what = "all";

        if (!o)
                return;
        if (json_get_string(o, "what", &what) < 0 ||
            (strcmp(what, "all") != 0 && strcmp(what, "logs") != 0 && strcmp(what, "faults") != 0 &&
             strcmp(what, "sessions") != 0)) {
                wrong(c, 400, "what is all, logs, faults or sessions");
                return;
        }
        bool all = strcmp(what, "all") == 0;
        if (all || strcmp(what, "logs") == 0)
                journal_clear(&s->journal);
        if (all || strcmp(what, "faults") == 0) {
                faults_clear(&s->faults);
                server_recover(s->server);
        }
        if (strcmp(what, "sessions") == 0)
                grants_end(&s->accounts, NULL);
        if (all) {
                s->resets++;
                book_clear(&s->book, &s->accounts);
                s->market.open = true;
                for (unsigned i = 0; i < s->market.n_listings; i++) {
                        struct listing *l = &s->market.listings[i];
                        l->last = l->i->previous_close;
                        l->liquidity = LIQUIDITY_ENDLESS;
                }
        }
        done(c);
}

/* --- accounts -----------------------------------------------------------------------------------
 */

/* By `broker` and `client_id`; without the latter the broker's first. NULL: answered. */
static struct user *user_of(struct call *c, struct json_object *o)
{
        struct accounts *a = &c->sim->accounts;
        const char *broker = "", *client = NULL;
        int b = json_get_string(o, "broker", &broker) == 0 ? broker_from(broker) : -1;

        if (b >= 0 && json_get_string(o, "client_id", &client) == 1)
                for (unsigned i = 0; i < a->n_users; i++)
                        if ((int)a->users[i]->broker == b)
                                return a->users[i];
        struct user *u = b >= 0 && client ? user_by_client(a, (enum broker_name)b, client) : NULL;
        if (!u)
                wrong(c, 404, "There is no such broker and client_id");
        return u;
}

static void get_users(struct call *c)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_array_begin(&w, "users");
        for (unsigned i = 0; i < c->sim->accounts.n_users; i++)
                users_put(c->sim, c->sim->accounts.users[i], &w);
        json_array_finish(&w);
        json_object_finish(&w);
}

static void post_users(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        const char *why = NULL;

        if (!o)
                return;
        const struct user *u = users_from_json(c->sim, o, &why);
        if (!u) {
                wrong(c, 400, why);
                return;
        }
        struct json_writer w = call_json(c, 200);
        users_put(c->sim, u, &w);
}

static void post_token(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        struct user *u = o ? user_of(c, o) : NULL;

        if (!u)
                return;
        const struct grant *g = users_token(c->sim, u);
        if (!g) {
                wrong(c, 500, "No token could be made");
                return;
        }
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_string(&w, "access_token", g->token);
        json_put_time(&w, "expires_at", g->expires_us);
        json_object_finish(&w);
}

static void post_expire(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        struct user *u = o ? user_of(c, o) : NULL;

        if (!u)
                return;
        grants_end(&c->sim->accounts, u);
        done(c);
}

/* --- market and orders --------------------------------------------------------------------------
 */

/* Every price that is moved fills what it reaches. */
static void post_price(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        const char *symbol = "";
        int64_t price = 0, liquidity = 0;
        struct listing *l;

        if (!o)
                return;
        if (json_get_string(o, "symbol", &symbol) != 0 ||
            !(l = market_by_symbol(&c->sim->market, symbol))) {
                wrong(c, 404, "There is no such symbol; it is written as in Ordo, NSE:SBIN");
                return;
        }
        int has_price = json_get_decimal(o, "price", &price);
        int has_liquidity = json_get_int(o, "liquidity", -1, QUANTITY_MAX_SIM, &liquidity);
        if (has_price < 0 || has_liquidity < 0 || (has_price == 0 && price <= 0) ||
            price > PRICE_MAX_SIM || (has_price == 1 && has_liquidity == 1)) {
                wrong(c, 400,
                      "price is a decimal above 0; liquidity what may be filled, -1 endless");
                return;
        }
        if (has_liquidity == 0)
                l->liquidity = liquidity < 0 ? LIQUIDITY_ENDLESS : liquidity;
        book_move(&c->sim->book, l, has_price == 0 ? price : l->last);
        done(c);
}

static void post_market(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);

        if (!o)
                return;
        if (json_get_bool(o, "open", &c->sim->market.open) != 0) {
                wrong(c, 400, "open is true or false");
                return;
        }
        done(c);
}

static void get_orders(struct call *c)
{
        char client[USER_FIELD_SIZE], broker[32];
        bool by_client = call_query(c, "client_id", client, sizeof(client));
        bool by_broker = call_query(c, "broker", broker, sizeof(broker));
        struct json_writer w = call_json(c, 200);
        unsigned n = 0;

        json_object_begin(&w, NULL);
        json_array_begin(&w, "orders");
        for (unsigned i = 0; i < c->sim->accounts.n_users; i++) {
                const struct user *u = c->sim->accounts.users[i];
                if ((by_client && strcmp(client, u->client_id) != 0) ||
                    (by_broker && strcmp(broker, broker_name(u->broker)) != 0))
                        continue;
                for (unsigned k = 0; k < u->n_entries && n < LISTED_MAX; k++, n++)
                        put_entry(&w, u->entries[k], 0);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

/* `{"order_id", "fill": 5, "price": "812.50"}` or `{"order_id", "status": "REJECTED", "message"}`
 */
static void post_order(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        const char *id = "", *status = NULL, *message = NULL;
        struct book *b = &c->sim->book;
        int64_t fill = 0, price = 0;
        struct entry *e;

        if (!o)
                return;
        if (json_get_string(o, "order_id", &id) != 0 || !(e = book_find(b, NULL, id))) {
                wrong(c, 404, "There is no such order");
                return;
        }
        int s = json_get_string(o, "status", &status) == 0
                        ? order_status_from(status, strlen(status))
                        : -1;
        if ((status && s < 0) || json_get_string(o, "message", &message) < 0 ||
            json_get_int(o, "fill", 1, QUANTITY_MAX_SIM, &fill) < 0 ||
            json_get_decimal(o, "price", &price) < 0 || (!status && fill == 0)) {
                wrong(c, 400, "Either fill (and price), or status (and message)");
                return;
        }
        if (fill > 0)
                (void)book_fill(b, e, fill,
                                price > 0        ? price
                                : e->t.price > 0 ? e->t.price
                                                 : e->t.listing->last);
        if (status)
                book_flip(b, e, (enum order_status)s, message);
        struct json_writer w = call_json(c, 200);
        put_entry(&w, e, 0);
}

/* An order that was placed elsewhere: on the phone, at the broker's desk. */
static void post_place(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        struct user *u = o ? user_of(c, o) : NULL;
        const char *symbol = "", *side = "", *tag = "";
        struct ticket t = {.type = ORDER_TYPE_LIMIT, .product = PRODUCT_CNC};
        enum refusal why = REFUSAL_NONE;

        if (!u)
                return;
        int s = json_get_string(o, "side", &side) == 0 ? side_from(side, strlen(side)) : -1;
        if (json_get_string(o, "symbol", &symbol) != 0 || s < 0 ||
            !(t.listing = market_by_symbol(&c->sim->market, symbol)) ||
            json_get_int(o, "quantity", 1, QUANTITY_MAX_SIM, &t.quantity) != 0 ||
            json_get_decimal(o, "price", &t.price) != 0 || json_get_string(o, "tag", &tag) < 0) {
                wrong(c, 400, "symbol, side, quantity and price are required");
                return;
        }
        if (instrument_derivative(t.listing->i))
                t.product = PRODUCT_MARGIN;
        t.side = (enum side)s;
        (void)text_copy(t.tag, sizeof(t.tag), tag);
        struct entry *e = book_place(&c->sim->book, u, &t, &why);
        if (!e) {
                wrong(c, 500, "The book is full");
                return;
        }
        e->not_by_api = true;
        struct json_writer w = call_json(c, 200);
        put_entry(&w, e, 0);
}

/* --- faults -------------------------------------------------------------------------------------
 */

static void get_faults(struct call *c)
{
        struct json_writer w = call_json(c, 200);

        faults_put(&c->sim->faults, &w);
}

/* What the listeners do at once. False: they cannot. */
static bool begin(struct server *v, const struct fault_rule *r)
{
        if (r->kind == FAULT_REFUSE)
                server_refuse(v, r->ms);
        if (r->kind == FAULT_UNREACHABLE)
                server_mute(v, r->ms);
        return r->kind != FAULT_CERTIFICATE || server_show(v, (unsigned)r->number, r->ms) == 0;
}

static void post_faults(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = body_of(c);
        const char *why = NULL;

        if (!o)
                return;
        const struct fault_rule *r = faults_add(&c->sim->faults, o, &why);
        if (!r) {
                wrong(c, 400, why);
                return;
        }
        if (!begin(c->sim->server, r)) {
                wrong(c, 400, "number is that of a --tls-cert, from 1");
                return;
        }
        if (r->kind == FAULT_CLOSE_BEFORE)
                server_drop_idle(c->sim->server);
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_int(&w, "id", r->id);
        json_object_finish(&w);
}

static void delete_faults(struct call *c)
{
        faults_clear(&c->sim->faults);
        server_recover(c->sim->server);
        done(c);
}

/* --- routes -------------------------------------------------------------------------------------
 */

static void get_root(struct call *c);

static const struct {
        const char *method, *path;
        void (*answer)(struct call *c);
} routes[] = {
        {"GET", "/_sim/", get_root},
        {"GET", "/_sim/received", get_received},
        {"GET", "/_sim/booked", get_booked},
        {"GET", "/_sim/calls", get_calls},
        {"GET", "/_sim/orders", get_orders},
        {"GET", "/_sim/users", get_users},
        {"GET", "/_sim/faults", get_faults},
        {"POST", "/_sim/reset", post_reset},
        {"POST", "/_sim/users", post_users},
        {"POST", "/_sim/token", post_token},
        {"POST", "/_sim/expire", post_expire},
        {"POST", "/_sim/price", post_price},
        {"POST", "/_sim/market", post_market},
        {"POST", "/_sim/order", post_order},
        {"POST", "/_sim/place", post_place},
        {"POST", "/_sim/faults", post_faults},
        {"DELETE", "/_sim/faults", delete_faults},
};

static void get_root(struct call *c)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_put_string(&w, "name", "ordo-brokersim");
        json_put_string(&w, "version", ORDO_VERSION);
        json_put_time(&w, "now", clock_wall_us());
        json_put_bool(&w, "market_open", c->sim->market.open);
        json_put_int(&w, "instruments", c->sim->market.n_listings);
        json_put_int(&w, "orders", c->sim->book.n);
        json_array_begin(&w, "routes");
        for (size_t i = 0; i < ELEMENTS(routes); i++) {
                char line[64];
                snprintf(line, sizeof(line), "%s %s", routes[i].method, routes[i].path);
                json_put_string(&w, NULL, line);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

void control_answer(struct call *c)
{
        bool known = false;

        for (size_t i = 0; i < ELEMENTS(routes); i++) {
                if (strlen(routes[i].path) != c->path.n ||
                    memcmp(routes[i].path, c->path.s, c->path.n) != 0)
                        continue;
                known = true;
                if (call_is(c, routes[i].method)) {
                        routes[i].answer(c);
                        text_add_char(&c->out, '\n'); /* people read it in terminals */
                        return;
                }
        }
        wrong(c, known ? 405 : 404,
              known ? "Not with this method" : "GET /_sim/ lists what there is");
}
