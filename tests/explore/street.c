#include "street.h"

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "picture.h"

const char *const street_fate_words[] = {
#define X(name, words) [STREET_##name] = (words),
        STREET_FATE_TABLE(X)
#undef X
};

struct street street;

/* What goes over the wire: the structs themselves. */
struct ask {
        enum broker_op op;
        char account[ACCOUNT_SIZE];
        struct book_order order;
};

struct say {
        enum outcome outcome;
        bool session_ended;
        enum problem problem;
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        unsigned n_orders; /* rows behind it */
};

struct flight {
        struct list link;
        struct httpc *wire;
        struct http_call *call;
        struct ask ask;
        bool held;
        bool never; /* held, and nobody has it */
        struct text reply;
};

struct httpc {
        struct list flights;
        bool freeing;
};

/* --- the adapter --- */

static int request(const struct broker_call *c, struct http_request *ret)
{
        struct ask a = {.op = c->op};
        text_copy(a.account, sizeof(a.account), c->account->id);
        if (c->leg) {
                const struct leg *l = c->leg;
                text_copy(a.order.tag, sizeof(a.order.tag), l->tag);
                text_copy(a.order.broker_order_id, sizeof(a.order.broker_order_id),
                          l->broker_order_id);
                a.order.quantity = l->quantity;
                a.order.type = l->effective.type;
                a.order.price = l->effective.price;
        }
        if (c->order) {
                text_copy(a.order.symbol, sizeof(a.order.symbol), c->order->symbol);
                a.order.side = c->order->side;
                a.order.product = c->order->product;
        }
        if (c->op == BROKER_MODIFY && c->order) {
                a.order.quantity = c->order->quantity;
                a.order.price = c->order->price;
                a.order.type = c->order->type;
        }
        if ((c->op == BROKER_CANCEL || c->op == BROKER_MODIFY) && !a.order.broker_order_id[0])
                return -EINVAL;
        ret->method = "ASK";
        text_add_bytes(&ret->body, (const char *)&a, sizeof(a));
        return ret->body.failed;
}

static int reply(const struct broker_call *c, const struct http_reply *r, struct broker_result *ret)
{
        struct say s;
        ret->outcome = OUTCOME_UNKNOWN;
        if (r->status != 200)
                return 0;
        memcpy(&s, r->body.data, sizeof(s));
        ret->outcome = s.outcome;
        ret->problem = s.problem;
        ret->session_ended = s.session_ended;
        text_copy(ret->broker_order_id, sizeof(ret->broker_order_id), s.broker_order_id);
        if (c->op == BROKER_BOOK && s.outcome == OUTCOME_ACCEPTED) {
                ret->orders = calloc(s.n_orders + 1, sizeof(*ret->orders));
                assert(ret->orders);
                memcpy(ret->orders, r->body.data + sizeof(s), s.n_orders * sizeof(*ret->orders));
                ret->n_orders = s.n_orders;
        }
        if (c->op == BROKER_FUNDS)
                ret->funds.available = ret->funds.total = INT64_C(1) << 50;
        return 0;
}

static const struct broker_capability capabilities[] = {
        {EXCHANGE_NSE, 1U << ORDER_TYPE_LIMIT, 1U << PRODUCT_CNC, 1U << VALIDITY_DAY, false},
};
static struct broker broker = {
        .slug = "street",
        .title = "Street",
        .session_ends = 8 * 60,
        .tag_max = 16,
        .capabilities = capabilities,
        .n_capabilities = 1,
        .quotes_max = 1,
        .request = request,
        .reply = reply,
};

const struct broker *broker_find(const char *slug)
{
        return &broker;
}

const struct broker *broker_at(unsigned i)
{
        return i == 0 ? &broker : NULL;
}

const char *broker_base_url(const struct broker *b, const struct account *a)
{
        return NULL;
}

const char *broker_master_url(const struct broker *b, const struct account *a)
{
        return NULL;
}

const struct broker_capability *broker_capability(const struct broker *b, enum exchange e)
{
        return e == EXCHANGE_NSE ? &capabilities[0] : NULL;
}

/* --- the book --- */

void street_begin(unsigned flags, unsigned a_second)
{
        static struct broker_rate rate = {.traffic = BROKER_TRAFFIC_ORDERS,
                                          .window_us = USEC_PER_SEC};
        void (*leaves)(const struct street_order *, enum broker_op) = street.leaves;
        street = (struct street){.flags = flags, .leaves = leaves};
        broker.flags = flags;
        rate.count = a_second;
        broker.rates = &rate;
        broker.n_rates = a_second > 0;
}

struct street_order *street_find(const char *tag)
{
        for (unsigned i = 0; i < street.n; i++)
                if (strcmp(street.orders[i].tag, tag) == 0)
                        return &street.orders[i];
        return NULL;
}

bool street_booked(const struct street_order *o)
{
        return o->bookings > 0 && o->booked_us <= clock_mono_us();
}

bool street_live(const struct street_order *o)
{
        return street_booked(o) && !order_status_terminal(o->row.status);
}

bool street_awaits(void)
{
        for (unsigned i = 0; i < street.n; i++)
                if (street.orders[i].bookings > 0 && !street_booked(&street.orders[i]))
                        return true;
        return false;
}

static struct street_order *by_number(const char *number)
{
        for (unsigned i = 0; i < street.n; i++)
                if (strcmp(street.orders[i].row.broker_order_id, number) == 0)
                        return &street.orders[i];
        return NULL;
}

static struct street_order *arrives(const struct ask *a)
{
        struct street_order *o = street_find(a->order.tag);
        if (!o) {
                assert(street.n < STREET_ORDERS_MAX);
                o = &street.orders[street.n++];
                *o = (struct street_order){.row = a->order, .booked_us = STREET_NEVER};
                text_copy(o->account, sizeof(o->account), a->account);
                text_copy(o->tag, sizeof(o->tag), a->order.tag);
                snprintf(o->row.broker_order_id, sizeof(o->row.broker_order_id), "B%u", street.n);
                if (!(street.flags & BROKER_ECHOES_TAG))
                        o->row.tag[0] = '\0';
        }
        o->departures++;
        street.leaves(o, BROKER_PLACE);
        return o;
}

static void book(struct street_order *o, int64_t delay_us)
{
        o->bookings++;
        o->booked_us = clock_mono_us() + delay_us;
        o->row.status = ORDER_STATUS_OPEN;
        o->row.placed_us = o->row.updated_us = clock_wall_us() + delay_us;
}

static void put(struct text *ret, const struct say *s)
{
        text_add_bytes(ret, (const char *)s, sizeof(*s));
}

static void serve_place(struct flight *f, enum street_fate fate)
{
        struct street_order *o = arrives(&f->ask);
        struct say s = {.outcome = OUTCOME_ACCEPTED};

        text_copy(s.broker_order_id, sizeof(s.broker_order_id), o->row.broker_order_id);
        if (fate == STREET_SERVED || fate == STREET_REPLY_LOST || fate == STREET_DONE_BROKEN ||
            fate == STREET_HELD)
                book(o, 0);
        else if (fate == STREET_LATE_8 || fate == STREET_LATE_90)
                book(o, (fate == STREET_LATE_8 ? 8 : 90) * USEC_PER_SEC);
        if (fate == STREET_REFUSED)
                s = (struct say){.outcome = OUTCOME_REJECTED, .problem = PROBLEM_BROKER_REJECTED};
        put(&f->reply, &s);
}

static bool does(enum street_fate fate)
{
        return fate == STREET_SERVED || fate == STREET_REPLY_LOST || fate == STREET_DONE_BROKEN ||
               fate == STREET_HELD;
}

/* Cancel and modify: of what is not open any more they are refused. */
static void serve_amend(struct flight *f, enum street_fate fate)
{
        const struct ask *a = &f->ask;
        struct street_order *o = by_number(a->order.broker_order_id);
        struct say s = {.outcome = OUTCOME_ACCEPTED};

        if (a->op == BROKER_CANCEL)
                street.cancels++;
        else
                street.modifies++;
        if (o && a->op == BROKER_MODIFY)
                street.leaves(o, BROKER_MODIFY);
        if (!o || !street_live(o)) {
                s = (struct say){.outcome = OUTCOME_REJECTED, .problem = PROBLEM_ORDER_NOT_OPEN};
        } else if (does(fate) && a->op == BROKER_CANCEL) {
                o->row.status = ORDER_STATUS_CANCELLED;
        } else if (does(fate)) {
                o->row.quantity = a->order.quantity;
                o->row.price = a->order.price;
                o->row.type = a->order.type;
        }
        put(&f->reply, &s);
}

static void serve_book(struct flight *f)
{
        struct say s = {.outcome = OUTCOME_ACCEPTED};
        for (unsigned i = 0; i < street.n; i++)
                s.n_orders += street_booked(&street.orders[i]) &&
                              strcmp(street.orders[i].account, f->ask.account) == 0;
        put(&f->reply, &s);
        for (unsigned i = 0; i < street.n; i++)
                if (street_booked(&street.orders[i]) &&
                    strcmp(street.orders[i].account, f->ask.account) == 0)
                        text_add_bytes(&f->reply, (const char *)&street.orders[i].row,
                                       sizeof(struct book_order));
}

static void serve(struct flight *f, enum street_fate fate)
{
        const struct say fine = {.outcome = OUTCOME_ACCEPTED};
        switch (f->ask.op) {
        case BROKER_PLACE:
                serve_place(f, fate);
                break;
        case BROKER_CANCEL:
        case BROKER_MODIFY:
                serve_amend(f, fate);
                break;
        case BROKER_BOOK:
                serve_book(f);
                break;
        default:
                put(&f->reply, &fine);
                break;
        }
}

/* --- the wire --- */

void http_call_done(struct http_call *c)
{
        http_request_done(&c->request);
        http_reply_done(&c->reply);
}

struct httpc *street_wire_new(void)
{
        struct httpc *h = calloc(1, sizeof(*h));
        assert(h);
        list_init(&h->flights);
        return h;
}

int httpc_new_curl(struct loop *l, const struct httpc_options *o, struct httpc **ret)
{
        return -ENETUNREACH;
}

const char *httpc_transport(const struct httpc *h)
{
        return "street";
}

unsigned httpc_running(const struct httpc *h)
{
        unsigned n = 0;
        LIST_FOREACH (it, &h->flights)
                n++;
        return n;
}

void httpc_send(struct httpc *h, struct http_call *c)
{
        struct flight *f = calloc(1, sizeof(*f));
        assert(f && c->request.body.len == sizeof(f->ask));
        memcpy(&f->ask, c->request.body.data, sizeof(f->ask));
        c->facts = (struct http_facts){.started_us = clock_wall_us()};
        c->deadline_us = c->timeout_us > 0 ? clock_mono_us() + c->timeout_us : 0;
        c->rider = NULL;
        f->wire = h;
        f->call = c;
        list_append(&h->flights, &f->link);
}

static void end(struct flight *f, enum verdict v, int status)
{
        struct http_call *c = f->call;
        c->verdict = v;
        c->facts.ended_us = clock_wall_us();
        c->facts.may_have_left = v != VERDICT_NOT_SENT;
        c->facts.complete_reply = v == VERDICT_ANSWERED;
        if (v == VERDICT_ANSWERED) {
                c->reply.status = status;
                if (status == 200)
                        text_add_bytes(&c->reply.body, f->reply.data, f->reply.len);
        }
        list_unlink(&f->link);
        text_done(&f->reply);
        free(f);
        c->done(c);
}

struct httpc *httpc_free(struct httpc *h)
{
        if (!h)
                return NULL;
        while (!list_empty(&h->flights)) {
                struct flight *f = LIST_ENTRY(h->flights.next, struct flight, link);
                end(f, f->held ? VERDICT_UNCERTAIN : VERDICT_NOT_SENT, 0);
        }
        free(h);
        return NULL;
}

static void held_ends(struct flight *f, enum street_fate fate)
{
        assert(fate == STREET_SERVED || fate == STREET_REPLY_LOST || fate == STREET_DONE_BROKEN);
        if (fate == STREET_REPLY_LOST || f->never)
                end(f, VERDICT_UNCERTAIN, 0);
        else
                end(f, VERDICT_ANSWERED, fate == STREET_DONE_BROKEN ? 500 : 200);
}

void flight_meet(struct flight *f, enum street_fate fate)
{
        struct http_call *c = f->call;
        if (f->held) {
                held_ends(f, fate);
                return;
        }
        if (fate == STREET_NOT_SENT || (c->may_leave && !c->may_leave(c))) {
                end(f, VERDICT_NOT_SENT, 0);
                return;
        }
        c->facts.sent_us = clock_wall_us();
        serve(f, fate);
        if (fate == STREET_SESSION_OVER) {
                const struct say s = {.outcome = OUTCOME_REJECTED,
                                      .session_ended = true,
                                      .problem = PROBLEM_SESSION_REQUIRED};
                text_clear(&f->reply);
                put(&f->reply, &s);
        }
        if (fate == STREET_HELD || fate == STREET_STALLED) {
                f->held = true;
                f->never = fate == STREET_STALLED;
        } else if (fate == STREET_SERVED || fate == STREET_REFUSED || fate == STREET_SESSION_OVER) {
                end(f, VERDICT_ANSWERED, 200);
        } else if (fate == STREET_BROKEN || fate == STREET_DONE_BROKEN) {
                end(f, VERDICT_ANSWERED, 500);
        } else {
                end(f, VERDICT_UNCERTAIN, 0);
        }
}

void flight_expire(struct flight *f)
{
        end(f, f->held ? VERDICT_UNCERTAIN : VERDICT_NOT_SENT, 0);
}

unsigned street_flights(struct httpc *const *wires, unsigned n_wires, struct flight **ret,
                        unsigned max)
{
        unsigned n = 0;
        for (unsigned i = 0; i < n_wires; i++)
                LIST_FOREACH (it, &wires[i]->flights) {
                        assert(n < max);
                        ret[n++] = LIST_ENTRY(it, struct flight, link);
                }
        return n;
}

enum broker_op flight_op(const struct flight *f)
{
        return f->ask.op;
}

bool flight_held(const struct flight *f)
{
        return f->held;
}

bool flight_lost(const struct flight *f)
{
        return f->never;
}

const char *flight_what(const struct flight *f)
{
        static char words[96];
        snprintf(words, sizeof(words), "%s%s%s at %s%s", broker_op_name(f->ask.op),
                 f->ask.order.tag[0] ? " of " : "", f->ask.order.tag, f->ask.account,
                 f->held ? ", which the broker has," : "");
        return words;
}

int64_t flight_deadline_us(const struct flight *f)
{
        return f->call->deadline_us;
}

const struct http_call *flight_call(const struct flight *f)
{
        return f->call;
}

uint64_t flight_hash(const struct flight *f)
{
        uint64_t h = hash_bytes(HASH_SEED, f->ask.account, strlen(f->ask.account));
        h = hash_int(h, f->ask.op);
        h = hash_text(h, f->ask.order.tag);
        h = hash_int(h, f->ask.order.quantity);
        h = hash_int(h, f->ask.order.price);
        h = hash_int(h, f->held + 2 * f->never);
        h = hash_int(h, f->call->deadline_us - clock_mono_us());
        return f->held ? hash_bytes(h, f->reply.data, f->reply.len) : h;
}
