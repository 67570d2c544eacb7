/* Modifying, cancelling or settling an order that exists.
 *
 *   received ─► reading the order ─► acting on its legs (leg_act) ─► done
 *                              └───► resolving one leg ───────────► done */
#include "orchestrator/operation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/query.h"
#include "orchestrator/state.h"

void order_change_apply(struct order *o, const struct order_change *c)
{
        if (c->has_quantity)
                o->quantity = c->quantity;
        if (c->has_price)
                o->price = c->price;
        if (c->has_trigger_price)
                o->trigger_price = c->trigger_price;
        if (c->has_type)
                o->type = c->type;
        if (c->has_validity)
                o->validity = c->validity;
}

struct amending {
        struct orchestrator *o;
        struct amend_request *request;
        struct store_order_get get;
        struct order *order;
        struct list acts;
        unsigned n_out;
        struct open_leg *resolving;
        enum leg_state unresolved; /* what it was before */
        struct order *shown;       /* the answer: the order with the legs that were acted on */
        struct text body;
        int64_t started_us;
        struct loop_work work;
};

static void amend_finish(struct amending *m)
{
        struct amend_request *r = m->request;
        m->o->n_operations--;
        r->done(r);
        LIST_FOREACH (it, &m->acts) {
                leg_act_free(LIST_ENTRY(it, struct leg_act, link));
        }
        order_free(m->order);
        order_free(m->shown);
        text_done(&m->body);
        free(m);
}

static void amend_fail(struct amending *m, enum problem p, const char *pointer, const char *detail)
{
        struct answer *a = &m->request->answer;
        a->problem = p;
        text_copy(a->pointer, sizeof(a->pointer), pointer);
        text_copy(a->detail, sizeof(a->detail), detail);
        amend_finish(m);
}

static void answer(struct amending *m)
{
        struct answer *a = &m->request->answer;
        struct answer_view v = {
                .order = m->shown,
                .correlation_id = m->request->caller.correlation_id,
                .elapsed_us = clock_mono_us() - m->started_us,
        };
        a->status = order_http_status(m->shown, &v.cause);
        if (a->status == 201)
                a->status = 200;
        /* The operator's word was taken, whatever it says of the leg. */
        if (m->request->kind == AMEND_RESOLVE) {
                a->status = 200;
                v.cause = PROBLEM_NONE;
        }
        v.status = a->status;
        a->is_problem = v.cause != PROBLEM_NONE;
        text_copy(a->order_id, sizeof(a->order_id), m->shown->id);
        if (m->o->options.render(&v, &m->body) < 0) {
                amend_fail(m, PROBLEM_INTERNAL, "", "the answer could not be written");
                return;
        }
        a->body = text_str(&m->body);
        a->body_size = m->body.len;
        amend_finish(m);
}

/* --- acting on legs --- */

static int collate(struct amending *m)
{
        unsigned n = 0;
        LIST_FOREACH (it, &m->acts) {
                n++;
        }
        int r = order_new(n, &m->shown);
        if (r < 0)
                return r;
        struct leg *legs = m->shown->legs;
        *m->shown = *m->order;
        m->shown->legs = legs;
        m->shown->n_legs = n;
        n = 0;
        LIST_FOREACH (it, &m->acts) {
                legs[n++] = LIST_ENTRY(it, struct leg_act, link)->shown->legs[0];
        }
        return 0;
}

static void acted(struct leg_act *act)
{
        struct amending *m = act->userdata;
        if (--m->n_out > 0)
                return;
        if (collate(m) < 0)
                amend_fail(m, PROBLEM_INTERNAL, "", "out of memory");
        else
                answer(m);
}

static int add_act(struct amending *m, struct open_leg *l)
{
        struct leg_act *act = NULL;
        int r = leg_act_new(&act, m->request->kind, l);
        if (r < 0)
                return r;
        act->actor = m->request->caller.key_name;
        act->correlation_id = m->request->caller.correlation_id;
        act->done = acted;
        act->userdata = m;
        list_append(&m->acts, &act->link);
        m->n_out++;
        return 0;
}

static int collect(struct amending *m)
{
        for (unsigned i = 0; i < m->order->n_legs; i++) {
                struct open_leg *l = open_leg_find(&m->o->open_legs, m->order->legs[i].tag);
                if (!l || order_status_terminal(l->status))
                        continue;
                bool live = l->outcome == OUTCOME_ACCEPTED && !l->in_operation;
                if (!live && m->request->kind == AMEND_MODIFY)
                        continue;
                int r = add_act(m, l);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- what a modification may be --- */

struct fault {
        enum problem problem;
        const char *pointer;
        char detail[160];
};

static bool set_fault(struct fault *f, enum problem p, const char *pointer, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
static bool set_fault(struct fault *f, enum problem p, const char *pointer, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(f->detail, sizeof(f->detail), format, args);
        va_end(args);
        f->problem = p;
        f->pointer = pointer;
        return true;
}

/* Type and prices must still fit each other. Completes the change: prices a type has no use for go.
 */
static bool bad_terms(struct order_change *c, const struct open_leg *l, struct fault *f)
{
        enum order_type type = c->has_type ? c->type : l->type;
        int64_t price = c->has_price ? c->price : l->price;
        int64_t trigger = c->has_trigger_price ? c->trigger_price : l->trigger_price;
        bool limit = type == ORDER_TYPE_LIMIT || type == ORDER_TYPE_STOP_LIMIT;
        bool stop = type == ORDER_TYPE_STOP || type == ORDER_TYPE_STOP_LIMIT;

        if (limit && price == 0)
                return set_fault(f, PROBLEM_INVALID_REQUEST, "/price", "%s needs a price",
                                 order_type_name(type));
        if (stop && trigger == 0)
                return set_fault(f, PROBLEM_INVALID_REQUEST, "/trigger_price",
                                 "%s needs a trigger price", order_type_name(type));
        if (!limit && c->has_price)
                return set_fault(f, PROBLEM_INVALID_REQUEST, "/price", "%s has no price",
                                 order_type_name(type));
        if (!stop && c->has_trigger_price)
                return set_fault(f, PROBLEM_INVALID_REQUEST, "/trigger_price",
                                 "%s has no trigger price", order_type_name(type));
        if (c->has_type && !limit && l->price) {
                c->has_price = true;
                c->price = 0;
        }
        if (c->has_type && !stop && l->trigger_price) {
                c->has_trigger_price = true;
                c->trigger_price = 0;
        }
        return false;
}

static bool off_grid(const struct instrument *i, const struct order_change *c, struct fault *f)
{
        char tick[DECIMAL_TEXT_SIZE];
        const char *pointer = c->has_price && c->price % i->tick ? "/price"
                              : c->has_trigger_price && c->trigger_price % i->tick
                                      ? "/trigger_price"
                                      : NULL;
        return pointer &&
               set_fault(f, PROBLEM_TICK_SIZE, pointer, "not a multiple of the tick of %s",
                         decimal_print(i->tick, tick));
}

static bool bad_quantity(const struct instrument *i, const struct open_leg *l,
                         struct order_change *c, int64_t multiplier, struct fault *f)
{
        const struct account_state *a = l->account;
        int64_t limit = a->account->limits.max_order_quantity;
        if (!c->has_quantity)
                return false;
        if (multiplier == DECIMAL_ONE && c->quantity % i->lot)
                return set_fault(f, PROBLEM_LOT_SIZE, "/quantity",
                                 "%" PRId64 " is not a multiple of the lot of %" PRId64,
                                 c->quantity, i->lot);
        c->quantity = (int64_t)((__int128)c->quantity * multiplier / DECIMAL_ONE) / i->lot * i->lot;
        if (c->quantity == 0)
                return set_fault(f, PROBLEM_MULTIPLIER_ROUNDS_TO_ZERO, "/quantity",
                                 "less than one lot of %" PRId64, i->lot);
        if (c->quantity <= l->filled_quantity)
                return set_fault(f, PROBLEM_MODIFY_UNSUPPORTED, "/quantity",
                                 "%" PRId64 " are filled already", l->filled_quantity);
        if (i->freeze && c->quantity > i->freeze)
                return set_fault(f, PROBLEM_FREEZE_QUANTITY, "/quantity",
                                 "above the freeze quantity of %" PRId64, i->freeze);
        if (!a->unlimited && limit && c->quantity > limit)
                return set_fault(f, PROBLEM_MAX_ORDER_QUANTITY, "/quantity",
                                 "above the account's limit of %" PRId64, limit);
        return false;
}

static bool adds_risk(const struct open_leg *l, const struct order_change *c)
{
        bool smaller = c->has_quantity && c->quantity < l->quantity && !c->has_price &&
                       !c->has_trigger_price && !c->has_type;
        return !smaller;
}

static bool above_value(const struct open_leg *l, const struct order_change *c, struct fault *f)
{
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];
        int64_t limit = l->account->account->limits.max_order_value;
        int64_t price = c->has_price ? c->price : l->price;
        int64_t value = decimal_muldiv(price, c->has_quantity ? c->quantity : l->quantity, 1);
        if (l->account->unlimited || !limit || value <= limit)
                return false;
        return set_fault(f, PROBLEM_MAX_ORDER_VALUE, c->has_price ? "/price" : "/quantity",
                         "order value %s is above the account's limit of %s",
                         decimal_print(value, a), decimal_print(limit, b));
}

static bool bad_change(struct amending *m, struct leg_act *act, struct fault *f)
{
        struct open_leg *l = act->leg;
        const struct instrument *i = instruments_find(m->o->options.instruments, l->symbol);
        int64_t multiplier = DECIMAL_ONE;

        act->change = m->request->change;
        act->order_quantity = act->change.quantity;
        for (unsigned n = 0; n < m->order->n_legs; n++)
                if (m->order->legs[n].number == l->number)
                        multiplier = m->order->legs[n].multiplier;
        if (!(l->account->broker->flags & BROKER_CAN_MODIFY))
                return set_fault(f, PROBLEM_MODIFY_UNSUPPORTED, "", "%s cannot modify orders",
                                 l->account->broker->title);
        if (!i)
                return set_fault(f, PROBLEM_INSTRUMENT_UNKNOWN, "", "%s is not known", l->symbol);
        if (bad_terms(&act->change, l, f) || off_grid(i, &act->change, f) ||
            bad_quantity(i, l, &act->change, multiplier, f) || above_value(l, &act->change, f))
                return true;
        /* The quantity is the leg's by now. */
        return killswitch_level(m->o, l->account->account->id) >= KILL_LEVEL_HALT &&
               adds_risk(l, &act->change) &&
               set_fault(f, PROBLEM_KILL_SWITCH, "",
                         "while halted only a smaller quantity is possible");
}

/* --- resolving --- */

static void resolved(void *userdata, enum problem p)
{
        struct amending *m = userdata;
        if (p != PROBLEM_NONE) {
                /* What an operator says counts when it is durable, and not before. */
                struct open_leg *l = m->resolving;
                l->outcome = OUTCOME_UNKNOWN;
                l->status = ORDER_STATUS_PENDING;
                l->broker_order_id[0] = '\0';
                open_leg_set_state(l, m->unresolved);
                amend_fail(m, p, "", "the ledger cannot be written");
                return;
        }
        m->shown = TAKE(m->order);
        answer(m);
}

static void resolve(struct amending *m)
{
        const struct amend_request *r = m->request;
        struct leg *leg = NULL;
        for (unsigned i = 0; i < m->order->n_legs; i++)
                if (m->order->legs[i].number == r->leg)
                        leg = &m->order->legs[i];
        if (!leg) {
                amend_fail(m, PROBLEM_LEG_NOT_FOUND, "", "the order has no such leg");
                return;
        }
        struct open_leg *l = open_leg_find(&m->o->open_legs, leg->tag);
        if (!l || l->in_operation || !open_leg_unresolved(l)) {
                amend_fail(m, PROBLEM_LEG_ALREADY_SETTLED, "", "the outcome of this leg is known");
                return;
        }
        struct leg_note n = {.action = AUDIT_LEG_RESOLVED, .settles = true};
        n.confidence = CONFIDENCE_PROVEN;
        n.problem = r->outcome == OUTCOME_REJECTED     ? PROBLEM_BROKER_REJECTED
                    : r->outcome == OUTCOME_NOT_PLACED ? PROBLEM_NOT_PLACED
                                                       : PROBLEM_NONE;
        text_copy(n.actor, sizeof(n.actor), r->caller.key_name);
        text_copy(n.correlation_id, sizeof(n.correlation_id), r->caller.correlation_id);
        text_copy(n.message, sizeof(n.message), r->reason);
        m->resolving = l;
        m->unresolved = l->state;
        l->outcome = r->outcome;
        l->status = r->outcome == OUTCOME_ACCEPTED ? ORDER_STATUS_OPEN : ORDER_STATUS_REJECTED;
        if (r->outcome == OUTCOME_ACCEPTED)
                text_copy(l->broker_order_id, sizeof(l->broker_order_id), r->broker_order_id);
        open_leg_set_state(l, LEG_STATE_SETTLED);
        open_leg_apply(l, leg);
        leg->confidence = n.confidence;
        leg->problem = n.problem;
        text_copy(leg->message, sizeof(leg->message), n.message);
        if (leg_write(l, &n, resolved, m) < 0)
                amend_fail(m, PROBLEM_INTERNAL, "", "out of memory");
}

/* --- begin --- */

static void act(struct amending *m)
{
        struct fault f = {};
        if (collect(m) < 0) {
                amend_fail(m, PROBLEM_INTERNAL, "", "out of memory");
                return;
        }
        if (m->n_out == 0) {
                amend_fail(m, PROBLEM_ORDER_NOT_OPEN, "", "no leg of this order is live");
                return;
        }
        if (m->request->kind == AMEND_MODIFY) {
                LIST_FOREACH (it, &m->acts) {
                        if (bad_change(m, LIST_ENTRY(it, struct leg_act, link), &f)) {
                                amend_fail(m, f.problem, f.pointer, f.detail);
                                return;
                        }
                }
        }
        /* done comes later than the loop: nothing in it frees an act. */
        LIST_FOREACH (it, &m->acts) {
                leg_act_start(LIST_ENTRY(it, struct leg_act, link));
        }
}

static void got(struct store_job *job)
{
        struct amending *m = CONTAINER_OF(job, struct amending, get.job);
        free(TAKE(m->get.answer_body));
        m->order = TAKE(m->get.order);
        if (job->result != STORE_OK && job->result != STORE_NOT_FOUND)
                amend_fail(m, PROBLEM_STORE_UNAVAILABLE, "", job->error);
        else if (!m->order || !order_narrow(m->order, &m->request->caller))
                amend_fail(m, PROBLEM_ORDER_NOT_FOUND, "", "no order has this id");
        else if (m->request->kind == AMEND_RESOLVE)
                resolve(m);
        else
                act(m);
}

void operation_amend(struct orchestrator *o, struct amend_request *r)
{
        struct amending *m = calloc(1, sizeof(*m));
        r->answer = (struct answer){};
        if (!m)
                abort();
        m->o = o;
        m->request = r;
        m->started_us = clock_mono_us();
        list_init(&m->acts);
        o->n_operations++;
        order_lookup(&m->get, r->id);
        m->get.job.done = got;
        store_submit(o->store, &m->get.job);
}
