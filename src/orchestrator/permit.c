#include "orchestrator/permit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "orchestrator/call.h"
#include "orchestrator/state.h"

struct permit {
        struct instances_permit ask;
        struct list link;
        struct call *call;
        struct permits *queue;
        int64_t until_us; /* monotonic; 0: it never gives up */
};

static void next(struct permits *q);

/* --- which windows --- */

static void add(struct instances_permit *p, int64_t span_us, int64_t cap, int64_t keep, int64_t ops,
                int64_t exchange)
{
        if (p->n_rates == INSTANCES_RATES_MAX || cap == 0)
                return;
        p->rates[p->n_rates++] = (struct instances_rate){
                .span_us = span_us + PERMIT_US,
                .cap = cap > keep ? cap - keep : 1,
                .ops = ops,
                .exchange = exchange,
        };
}

#define BIT(op)  (INT64_C(1) << (op))
#define WRITES   (BIT(BROKER_PLACE) | BIT(BROKER_MODIFY) | BIT(BROKER_CANCEL))
#define EVERYONE (BIT(_BROKER_OP_MAX) - 1 - BIT(BROKER_MASTER))

static int64_t ops_of(enum broker_traffic traffic)
{
        switch (traffic) {
        case BROKER_TRAFFIC_ORDERS:
        case BROKER_TRAFFIC_EACH:
                return WRITES;
        case BROKER_TRAFFIC_QUOTES:
                return BIT(BROKER_QUOTES);
        default:
                return EVERYONE;
        }
}

static void add_broker(struct instances_permit *p, const struct traffic *t, enum broker_op op,
                       enum exchange at, enum traffic_rank rank)
{
        for (unsigned i = 0; i < t->n; i++) {
                const struct traffic_window *w = &t->windows[i];
                const bool each = w->rate->traffic == BROKER_TRAFFIC_EACH;
                if (!w->rolling.cap || !(ops_of(w->rate->traffic) & BIT(op)) ||
                    (each && at != w->exchange && at != BROKER_RATE_ANYWHERE))
                        continue;
                add(p, w->rolling.span_us, w->rolling.cap, traffic_keep(w->rate, rank),
                    ops_of(w->rate->traffic), each ? (int64_t)w->exchange : -1);
        }
}

static void add_limits(struct instances_permit *p, const struct limits *l, enum exchange at,
                       bool urgent)
{
        const int64_t lane = l->set->orders_per_second / 4;

        add(p, LIMIT_SECOND_US, l->set->orders_per_second,
            urgent              ? 0
            : lane < LIMIT_LANE ? lane
                                : LIMIT_LANE,
            WRITES, at == BROKER_RATE_ANYWHERE ? -1 : (int64_t)at);
        if (!urgent)
                add(p, LIMIT_MINUTE_US, l->set->orders_per_minute, 0, WRITES, -1);
}

/* Logins are stamped, and never wait. */
static bool waits(enum broker_op op)
{
        return op != BROKER_LOGIN && op != BROKER_LOGOUT && op != BROKER_PROFILE;
}

static void describe(struct permit *p)
{
        const struct call *c = p->call;
        struct account_state *a = c->account;
        const enum broker_op op = c->broker.op;
        const bool urgent = c->turn && c->turn->urgent;
        const enum exchange at = c->turn ? c->turn->at : BROKER_RATE_ANYWHERE;

        p->ask.op = op;
        p->ask.exchange = at;
        p->ask.anywhere = BROKER_RATE_ANYWHERE;
        p->ask.account = (unsigned)(a - a->orchestrator->accounts);
        p->ask.n_rates = 0;
        if (!waits(op))
                return;
        add_broker(&p->ask, &a->traffic, op, at, call_rank(c));
        if (c->turn && !a->unlimited && (!urgent || op == BROKER_CANCEL))
                add_limits(&p->ask, &a->limits, at, urgent);
}

/* --- asking --- */

static bool alone(const struct orchestrator *o)
{
        return o->peers.n <= 1;
}

static void go(struct permit *p, int64_t stamp_us)
{
        struct call *c = p->call;
        struct permits *q = p->queue;

        list_unlink(&p->link);
        free(p);
        c->permit_us = stamp_us;
        call_permitted(c);
        next(q);
}

static void give_up(struct permit *p, enum problem problem, int64_t wait_us, const char *message)
{
        struct call *c = p->call;
        struct permits *q = p->queue;

        list_unlink(&p->link);
        free(p);
        call_forbidden(c, problem, wait_us, message);
        next(q);
}

static void come(struct instances_permit *ask)
{
        struct permit *p = CONTAINER_OF(ask, struct permit, ask);
        struct permits *q = p->queue;
        const int64_t now = clock_mono_us();
        const bool write = p->call->turn;

        q->asking = false;
        /* Nobody can join the ledger while it is away: who was alone still is. */
        if (ask->failed && ((write && p->call->passes_halt) || alone(q->account->orchestrator)))
                go(p, 0);
        else if (ask->failed)
                give_up(p, write ? PROBLEM_STORE_UNAVAILABLE : PROBLEM_BROKER_RATE, USEC_PER_SEC,
                        "the rates that the daemons share cannot be read from the ledger");
        else if (ask->wait_us == 0)
                go(p, ask->asked_us);
        else if (p->until_us && now + ask->wait_us > p->until_us)
                give_up(p, write ? PROBLEM_ORDER_RATE : PROBLEM_BROKER_RATE, ask->wait_us,
                        "its turn in the rates that the daemons share did not come in time; "
                        "nothing was sent");
        else if (q->queue.next != &p->link)
                next(q); /* one that is due came in before it */
        else if (loop_timer_set(q->account->orchestrator->loop, &q->timer, ask->wait_us) < 0)
                give_up(p, PROBLEM_INTERNAL, ask->wait_us, "out of memory");
}

static void next(struct permits *q)
{
        struct orchestrator *o = q->account->orchestrator;

        if (q->asking || list_empty(&q->queue))
                return;
        struct permit *p = LIST_ENTRY(q->queue.next, struct permit, link);
        q->asking = true;
        describe(p);
        instances_ask_permit(o->peers.instances, &p->ask);
}

static void again(struct loop_timer *t)
{
        next(CONTAINER_OF(t, struct permits, timer));
}

bool permit_wait(struct call *c)
{
        struct account_state *a = c->account;

        c->permit_us = 0;
        if (!peers_possible(a->orchestrator) || a->broker->flags & BROKER_LOCAL ||
            c->broker.op == BROKER_MASTER)
                return false;
        enum permit_class class = !c->turn          ? PERMIT_READS
                                  : c->turn->urgent ? PERMIT_EXITS
                                                    : PERMIT_WRITES;
        struct permit *p = calloc(1, sizeof(*p));
        if (!p)
                abort();
        p->call = c;
        p->queue = &a->permits[class];
        p->ask.done = come;
        p->until_us = class == PERMIT_EXITS ? 0
                      : class == PERMIT_WRITES
                              ? (c->turn->until_us ? c->turn->until_us : c->until_us)
                              : clock_mono_us() + CALL_TURN_US;
        if (c->due)
                list_prepend(&p->queue->queue, &p->link);
        else
                list_append(&p->queue->queue, &p->link);
        next(p->queue);
        return true;
}

bool permit_stale(const struct call *c)
{
        return c->permit_us && clock_mono_us() - c->permit_us > PERMIT_US;
}

void permits_init(struct account_state *a)
{
        for (int i = 0; i < _PERMIT_MAX; i++) {
                a->permits[i] = (struct permits){.account = a, .timer.fire = again};
                list_init(&a->permits[i].queue);
        }
}

void permits_done(struct account_state *a)
{
        for (int i = 0; i < _PERMIT_MAX; i++) {
                loop_timer_done(&a->permits[i].timer);
                LIST_FOREACH (it, &a->permits[i].queue) {
                        list_unlink(it);
                        free(LIST_ENTRY(it, struct permit, link));
                }
        }
}
