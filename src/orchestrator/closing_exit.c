/* Squaring positions off: one protected order against each at a time, at most a freeze quantity of
 * it; the rest follows when that one is over and the positions were read again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "orchestrator/closing.h"
#include "orchestrator/state.h"

/* --- one order --- */

static enum kill_block block_of(const struct leg *leg)
{
        switch (leg->problem) {
        case PROBLEM_NO_REFERENCE_PRICE:
                return KILL_BLOCK_NO_PRICE;
        case PROBLEM_MARKET_CLOSED:
                return KILL_BLOCK_MARKET_CLOSED;
        case PROBLEM_SESSION_REQUIRED:
                return KILL_BLOCK_NO_SESSION;
        case PROBLEM_LEG_UNRESOLVED:
                return KILL_BLOCK_UNRESOLVED_LEG;
        default:
                return KILL_BLOCK_REFUSED;
        }
}

static void over(struct closing_task *t, bool filled)
{
        struct closing *c = t->closing;
        c->acted_us = clock_mono_us();
        t->unfilled = filled ? 0 : t->unfilled + 1;
        t->next_us = 0;
        closing_task_set(t, KILL_STATE_WAITING, KILL_BLOCK_NONE, "");
}

static void refused(struct closing_task *t, const struct leg *leg, const struct answer *a)
{
        const char *message = leg && leg->broker_message[0] ? leg->broker_message
                              : leg && leg->message[0]      ? leg->message
                                                            : a->detail;
        closing_task_set(t, KILL_STATE_BLOCKED, leg ? block_of(leg) : KILL_BLOCK_REFUSED, message);
        t->next_us = clock_mono_us() + closing_again_us(++t->unfilled);
}

static void placed(struct place_request *r)
{
        struct closing_task *t = CONTAINER_OF(r, struct closing_task, request);
        struct closing *c = t->closing;
        const struct order *order = r->answer.order;
        const struct leg *leg = order && order->n_legs ? &order->legs[0] : NULL;
        struct open_leg *l =
                leg ? open_leg_find(&c->account->orchestrator->open_legs, leg->tag) : NULL;

        t->placing = false;
        c->acted_us = clock_mono_us();
        if (leg)
                text_copy(t->shown.broker_order_id, sizeof(t->shown.broker_order_id),
                          leg->broker_order_id);
        if (l && !closing_leg_over(l))
                closing_hold(t, l);
        else if (leg && leg->outcome == OUTCOME_ACCEPTED)
                over(t, leg->status == ORDER_STATUS_FILLED);
        else
                refused(t, leg, &r->answer);
        closing_soon(c);
}

/* Further away with each order that did not fill. */
static int64_t percent_of(const struct closing_task *t)
{
        struct market_policy mine = t->closing->account->account->market_policy;
        int64_t first =
                mine.kind == MARKET_PROTECT && mine.percent > 0 ? mine.percent : CLOSING_PERCENT;
        unsigned steps =
                t->unfilled < CLOSING_PERCENT_STEPS ? t->unfilled + 1 : CLOSING_PERCENT_STEPS;
        return first * (int64_t)steps;
}

static void place(struct closing_task *t, int64_t quantity)
{
        struct closing *c = t->closing;
        const struct kill_task *s = &t->shown;
        struct order *order = NULL;

        if (order_new(1, &order) < 0)
                return;
        text_copy(order->symbol, sizeof(order->symbol), s->symbol);
        order->side = s->quantity > 0 ? SIDE_SELL : SIDE_BUY;
        order->type = ORDER_TYPE_MARKET;
        order->market_policy = (struct market_policy){MARKET_PROTECT, percent_of(t)};
        order->market_policy_given = true;
        order->product = s->product;
        order->validity = VALIDITY_DAY;
        order->quantity = quantity;
        order->reduce_only = true;
        order->legs[0].multiplier = DECIMAL_ONE;
        text_copy(order->legs[0].account, sizeof(order->legs[0].account), s->account);
        uuid_make(t->correlation);
        t->request = (struct place_request){
                .caller = {.key_name = CLOSING_ACTOR,
                           .correlation_id = t->correlation,
                           .admin = true},
                .order = order,
                .done = placed,
        };
        t->placing = true;
        t->next_us = t->answered_us = 0;
        t->sent_us = clock_mono_us();
        t->shown.side = order->side;
        t->shown.tries++;
        closing_task_set(t, KILL_STATE_SQUARING, KILL_BLOCK_NONE, "");
        place_exit(c->account->orchestrator, &t->request);
        text_copy(t->shown.order_id, sizeof(t->shown.order_id), order->id);
}

/* --- one position --- */

struct in_the_way {
        unsigned live, unresolved;
        int64_t since_us; /* monotonic: of the newest unknown one */
        int64_t rest;     /* may still trade on the closing side */
};

static struct in_the_way in_the_way(const struct closing_task *t)
{
        const struct closing *c = t->closing;
        enum side side = t->shown.quantity > 0 ? SIDE_SELL : SIDE_BUY;
        const struct external_book *b = &c->account->external;
        struct in_the_way w = {.since_us = c->since_us};

        LIST_FOREACH (it, &c->account->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (!closing_leg_counts(l) || strcmp(l->symbol, t->shown.symbol) != 0)
                        continue;
                if (open_leg_unresolved(l)) {
                        w.unresolved++;
                        if (l->unresolved_us > w.since_us)
                                w.since_us = l->unresolved_us;
                } else {
                        w.live++;
                }
                if (l->side == side && l->product == t->shown.product)
                        w.rest += l->quantity - l->filled_quantity;
        }
        for (unsigned i = 0; i < b->n; i++) {
                const struct book_order *row = &b->rows[i];
                if (order_status_terminal(row->status) || strcmp(row->symbol, t->shown.symbol) != 0)
                        continue;
                w.live++;
                if (row->side == side && row->product == t->shown.product)
                        w.rest += row->quantity - row->filled_quantity;
        }
        return w;
}

static void square_off(struct closing_task *t)
{
        struct account_state *a = t->closing->account;
        int64_t held = llabs(t->shown.quantity), now = clock_mono_us();
        struct in_the_way w = in_the_way(t);
        struct scrip scrip;

        if (!account_scrip(a, SCRIP_BY_SYMBOL, t->shown.symbol, &scrip)) {
                closing_task_set(t, KILL_STATE_BLOCKED, KILL_BLOCK_UNLISTED,
                                 "the broker's instruments do not have it");
                return;
        }
        const struct instrument *i = &scrip.instrument;
        if (i->lot == 0 || held < i->lot) {
                closing_task_set(t, KILL_STATE_BLOCKED, KILL_BLOCK_BELOW_LOT,
                                 "less than a lot cannot be traded");
                return;
        }
        enum kill_block blocked = w.live         ? KILL_BLOCK_OPEN_ORDER
                                  : w.unresolved ? KILL_BLOCK_UNRESOLVED_LEG
                                                 : KILL_BLOCK_NONE;
        if (blocked && now < w.since_us + CLOSING_UNRESOLVED_US) {
                closing_task_set(t, KILL_STATE_WAITING, blocked,
                                 "an order in the instrument may still fill");
                return;
        }
        /* It does not end by itself: then what certainly reduces. */
        int64_t quantity = held - w.rest;
        if (i->freeze && quantity > i->freeze)
                quantity = i->freeze;
        quantity = quantity / i->lot * i->lot;
        if (quantity <= 0)
                closing_task_set(t, KILL_STATE_BLOCKED, blocked,
                                 "what is open or unknown may close it already");
        else
                place(t, quantity);
}

static struct closing_task *task_of(struct closing *c, const struct position *p)
{
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (t->shown.kind == KILL_KIND_POSITION && t->shown.product == p->product &&
                    strcmp(t->shown.symbol, p->symbol) == 0)
                        return t;
        }
        struct closing_task *t = closing_task_new(c, KILL_KIND_POSITION);
        if (t) {
                text_copy(t->shown.symbol, sizeof(t->shown.symbol), p->symbol);
                t->shown.product = p->product;
        }
        return t;
}

/* --- the reading before each order --- */

static void compare(struct closing *c)
{
        const struct funds_cache *f = &c->account->funds;
        LIST_FOREACH (it, &c->tasks)
                LIST_ENTRY(it, struct closing_task, link)->seen = false;
        for (unsigned i = 0; i < f->n_positions; i++) {
                const struct position *p = &f->positions[i];
                struct closing_task *t = closing_squares(p) ? task_of(c, p) : NULL;
                if (!t)
                        continue;
                t->seen = true;
                t->shown.quantity = p->quantity;
        }
}

static void positions_read(struct funds_waiter *w)
{
        struct closing *c = CONTAINER_OF(w, struct closing, funds);
        int64_t now = clock_mono_us();

        c->reading_funds = false;
        if (c->level == KILL_LEVEL_FLATTEN && c->account->funds.as_of_us >= c->funds_asked_us) {
                compare(c);
                LIST_FOREACH (it, &c->tasks) {
                        struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                        if (t->shown.kind != KILL_KIND_POSITION || t->placing || t->leg)
                                continue;
                        if (t->seen && now >= t->next_us) {
                                square_off(t);
                        } else if (!t->seen && t->shown.state != KILL_STATE_FLAT) {
                                t->shown.quantity = 0;
                                closing_task_set(t, KILL_STATE_FLAT, KILL_BLOCK_NONE, "");
                        }
                }
        }
        closing_soon(c);
}

static void read_positions(struct closing *c)
{
        int64_t last = c->acted_us > c->filled_us ? c->acted_us : c->filled_us;
        int64_t now = clock_mono_us();
        bool lag_over = last == 0 || now >= last + CLOSING_LAG_US;
        int64_t every = closing_proven(c) ? CLOSING_WATCH_US : CLOSING_READ_US;

        if (c->reading_funds || !lag_over || c->account->session != SESSION_STATE_ACTIVE ||
            (c->funds_asked_us && now < c->funds_asked_us + every))
                return;
        c->reading_funds = true;
        c->funds_asked_us = now;
        funds_wait(c->account, &c->funds);
}

/* --- the order that is out --- */

static void follow(struct closing_task *t)
{
        struct open_leg *l = t->leg;
        bool late = clock_mono_us() >= t->sent_us + CLOSING_REPRICE_US;

        if (l->filled_quantity > t->shown.filled_quantity)
                t->closing->filled_us = clock_mono_us();
        t->shown.filled_quantity = l->filled_quantity;
        if (t->act)
                return;
        if (closing_leg_over(l)) {
                bool filled = l->status == ORDER_STATUS_FILLED;
                closing_let_go(t);
                t->shown.filled_quantity = 0;
                over(t, filled);
        } else if (open_leg_unresolved(l)) {
                if (t->shown.state != KILL_STATE_UNRESOLVED)
                        closing_task_set(t, KILL_STATE_UNRESOLVED, KILL_BLOCK_UNRESOLVED_LEG,
                                         "the order against it has no known outcome yet");
        } else if (late && closing_may_cancel(t)) {
                closing_task_set(t, KILL_STATE_SQUARING, KILL_BLOCK_NONE,
                                 "it did not fill and is cancelled, to be priced anew");
                closing_cancel(t);
        }
}

void closing_exits(struct closing *c)
{
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (t->shown.kind == KILL_KIND_POSITION && t->leg)
                        follow(t);
        }
        read_positions(c);
}

void closing_exits_init(struct closing *c)
{
        c->funds.ready = positions_read;
        list_init(&c->funds.link);
}
