#include "wire.h"

#include <errno.h>

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct script {
        unsigned in, times;
        enum fate fate;
        int status;
        const char *body;
        unsigned calls, served;
};

struct httpc {
        struct loop *loop;
        struct local_service exchange;
        struct list queue, held;
        unsigned running;
        struct loop_work turn;
        bool turn_due;
        struct script scripts[_BROKER_OP_MAX];
        void (*before)(void *userdata);
        void *before_userdata;
};

void http_call_done(struct http_call *c)
{
        http_request_done(&c->request);
        http_reply_done(&c->reply);
}

static enum broker_op op_of(const struct http_request *r)
{
        static const struct {
                const char *method, *thing;
                enum broker_op op;
        } table[] = {
                {"POST", "/orders", BROKER_PLACE},       {"PUT", "/orders/", BROKER_MODIFY},
                {"DELETE", "/orders/", BROKER_CANCEL},   {"GET", "/orders", BROKER_BOOK},
                {"GET", "/funds", BROKER_FUNDS},         {"GET", "/holdings", BROKER_HOLDINGS},
                {"GET", "/positions", BROKER_POSITIONS}, {"GET", "/quotes", BROKER_QUOTES},
                {"GET", "/trades", BROKER_TRADES},
        };
        for (size_t i = 0; i < ELEMENTS(table); i++)
                if (strcmp(table[i].method, r->method) == 0 &&
                    strstr(text_str(&r->url), table[i].thing))
                        return table[i].op;
        assert(!"a request that nobody knows");
}

static void end(struct httpc *h, struct http_call *c, enum verdict v, const char *error)
{
        c->verdict = v;
        c->facts.ended_us = clock_wall_us();
        c->facts.may_have_left = v != VERDICT_NOT_SENT;
        c->facts.complete_reply = v == VERDICT_ANSWERED;
        if (v != VERDICT_ANSWERED) {
                http_reply_done(&c->reply);
                text_copy(c->facts.error, sizeof(c->facts.error), error);
        }
        list_unlink(&c->link);
        h->running--;
        c->done(c);
}

static void serve(struct httpc *h, struct http_call *c, enum broker_op op)
{
        struct script *s = &h->scripts[op];
        s->served++;
        int r = h->exchange.serve(h->exchange.userdata, &c->request, &c->reply, &c->rider);
        assert(r == 0);
}

static void answer(struct http_call *c, int status, const char *body)
{
        http_reply_done(&c->reply);
        c->reply.status = status;
        text_add(&c->reply.body, body);
}

static void meet(struct httpc *h, struct http_call *c, enum fate f)
{
        enum broker_op op = op_of(&c->request);
        const struct script *s = &h->scripts[op];

        if (op == BROKER_PLACE && h->before) {
                void (*before)(void *) = TAKE(h->before);
                before(h->before_userdata);
        }
        if (f == FATE_HELD) {
                list_unlink(&c->link);
                list_append(&h->held, &c->link);
                return;
        }
        if (f == FATE_NOT_SENT || (c->may_leave && !c->may_leave(c))) {
                end(h, c, VERDICT_NOT_SENT, "the connection was refused");
                return;
        }
        c->facts.sent_us = clock_wall_us();
        if (f == FATE_SERVED || f == FATE_REPLY_LOST || f == FATE_GARBAGE)
                serve(h, c, op);
        if (f == FATE_SERVED && s->body)
                answer(c, s->status, s->body);
        if (f == FATE_BROKEN)
                answer(c, 500, "{}");
        if (f == FATE_GARBAGE)
                answer(c, 200, "<html>");
        if (f == FATE_LOST || f == FATE_REPLY_LOST)
                end(h, c, VERDICT_UNCERTAIN, "the connection was reset");
        else
                end(h, c, VERDICT_ANSWERED, NULL);
}

static enum fate next_fate(struct httpc *h, const struct http_call *c)
{
        struct script *s = &h->scripts[op_of(&c->request)];
        s->calls++;
        if (s->in == 0 || --s->in > 0)
                return FATE_SERVED;
        if (--s->times > 0)
                s->in = 1;
        return s->fate;
}

static void turn(struct loop_work *w)
{
        struct httpc *h = CONTAINER_OF(w, struct httpc, turn);
        struct list now = LIST_INIT(now);

        h->turn_due = false;
        list_splice(&now, &h->queue);
        while (!list_empty(&now)) {
                struct http_call *c = LIST_ENTRY(now.next, struct http_call, link);
                enum fate f = next_fate(h, c);
                meet(h, c, c->deadline_us > clock_mono_us() ? f : FATE_NOT_SENT);
        }
}

struct httpc *wire_new(struct loop *l, struct local_service exchange)
{
        struct httpc *h = calloc(1, sizeof(*h));
        assert(h);
        h->loop = l;
        h->exchange = exchange;
        list_init(&h->queue);
        list_init(&h->held);
        list_init(&h->turn.link);
        h->turn.run = turn;
        return h;
}

/* There is no network in this world. */
int httpc_new_curl(struct loop *l, const struct httpc_options *o, struct httpc **ret)
{
        return -ENETUNREACH;
}

void httpc_send(struct httpc *h, struct http_call *c)
{
        c->facts = (struct http_facts){.started_us = clock_wall_us()};
        c->deadline_us = c->timeout_us > 0 ? clock_mono_us() + c->timeout_us : 0;
        c->rider = NULL;
        list_append(&h->queue, &c->link);
        h->running++;
        if (h->turn_due)
                return;
        h->turn_due = true;
        loop_defer(h->loop, &h->turn);
}

unsigned httpc_running(const struct httpc *h)
{
        return h->running;
}

const char *httpc_transport(const struct httpc *h)
{
        return "wire";
}

struct httpc *httpc_free(struct httpc *h)
{
        if (!h)
                return NULL;
        if (h->turn_due)
                list_unlink(&h->turn.link);
        h->turn_due = true; /* what is sent from here on is not begun */
        while (!list_empty(&h->held))
                end(h, LIST_ENTRY(h->held.next, struct http_call, link), VERDICT_UNCERTAIN,
                    "given up");
        while (!list_empty(&h->queue))
                end(h, LIST_ENTRY(h->queue.next, struct http_call, link), VERDICT_NOT_SENT,
                    "given up");
        free(h);
        return NULL;
}

void wire_script(struct httpc *h, enum broker_op op, unsigned nth, unsigned times, enum fate f)
{
        struct script *s = &h->scripts[op];
        s->in = nth;
        s->times = times;
        s->fate = f;
}

void wire_say(struct httpc *h, enum broker_op op, int status, const char *body)
{
        h->scripts[op].status = status;
        h->scripts[op].body = body;
}

void wire_release(struct httpc *h, enum fate f)
{
        struct list now = LIST_INIT(now);
        list_splice(&now, &h->held);
        while (!list_empty(&now))
                meet(h, LIST_ENTRY(now.next, struct http_call, link), f);
}

void wire_before_place(struct httpc *h, void (*fn)(void *userdata), void *userdata)
{
        h->before = fn;
        h->before_userdata = userdata;
}

unsigned wire_calls(const struct httpc *h, enum broker_op op)
{
        return h->scripts[op].calls;
}

unsigned wire_served(const struct httpc *h, enum broker_op op)
{
        return h->scripts[op].served;
}

unsigned wire_held(const struct httpc *h)
{
        unsigned n = 0;
        LIST_FOREACH (it, &h->held)
                n++;
        return n;
}
