/* Modifying, cancelling or settling an order that exists.
 *
 *                                    ┌──► asking (quote, funds, book) ──► gating, anew
 *   received ─► reading the order ─► gating ─► acting on its legs (leg_act) ─► done
 *                              ├───► acting (cancel) ──────────────────────► done
 *                              └───► resolving one leg ────────────────────► done
 *
 * The legs of a modification pass the gates of a new order, each by itself; a refused one is part
 * of the answer. */
#include "orchestrator/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/book.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/query.h"
#include "orchestrator/record.h"
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
        struct running running;
        struct orchestrator *o;
        struct amend_request *request;
        struct store_order_get get;
        struct order *order;
        struct list acts;
        unsigned n_out; /* legs at the brokers, and the record of those that were refused */
        struct open_leg *resolving;
        enum leg_state unresolved; /* what it was before */
        struct order *shown;       /* the answer: the order with the legs that were acted on */
        struct text body;
        int64_t started_us;
        struct quote_waiter quote_waiter;
        struct funds_waiter funds_waiter;
        struct book_wait book_waiter;
        struct store_append refusals;
        struct audit_record *audit; /* of the legs that gates refused */
        unsigned n_audit;
        struct list riders;
};

static void amend_finish(struct amending *m)
{
        struct amend_request *r = m->request;
        running_end(m->o, &m->running);
        r->done(r);
        LIST_FOREACH (it, &m->acts) {
                leg_act_free(LIST_ENTRY(it, struct leg_act, link));
        }
        records_done(m->audit, m->n_audit);
        free(m->audit);
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
        LIST_FOREACH (it, &m->acts) {
                const struct gate *g = &LIST_ENTRY(it, struct leg_act, link)->gate;
                if (g->problem == v.cause && g->retry_after_s > a->retry_after_s)
                        a->retry_after_s = g->retry_after_s;
        }
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

static void part_done(struct amending *m)
{
        if (--m->n_out > 0)
                return;
        if (collate(m) < 0)
                amend_fail(m, PROBLEM_INTERNAL, "", "out of memory");
        else
                answer(m);
}

static void acted(struct leg_act *act)
{
        part_done(act->userdata);
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

static bool set_fault(struct fault *f, const char *pointer, enum order_type type, const char *what)
{
        snprintf(f->detail, sizeof(f->detail), "%s %s", order_type_name(type), what);
        f->problem = PROBLEM_INVALID_REQUEST;
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
                return set_fault(f, "/price", type, "needs a price");
        if (stop && trigger == 0)
                return set_fault(f, "/trigger_price", type, "needs a trigger price");
        if (!limit && c->has_price)
                return set_fault(f, "/price", type, "has no price");
        if (!stop && c->has_trigger_price)
                return set_fault(f, "/trigger_price", type, "has no trigger price");
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

static int64_t multiplier_of(const struct order *o, const struct open_leg *l)
{
        for (unsigned i = 0; i < o->n_legs; i++)
                if (o->legs[i].number == l->number)
                        return o->legs[i].multiplier;
        return DECIMAL_ONE;
}

/* Makes `shown` the order that the leg would be. */
static bool intend(struct amending *m, struct leg_act *act, struct fault *f)
{
        struct order *o = act->shown;
        const struct order *now = m->order;

        leg_act_follow(act);
        act->asked = act->change = m->request->change;
        if (bad_terms(&act->change, act->leg, f))
                return false;
        o->validity = now->validity;
        o->disclosed_quantity = now->disclosed_quantity;
        o->reduce_only = now->reduce_only;
        o->market_policy_given = now->market_policy_given;
        o->market_policy = now->market_policy;
        order_change_apply(o, &act->change);
        /* The client names the order's total; otherwise it is the leg's own. */
        o->legs[0].multiplier =
                act->change.has_quantity ? multiplier_of(now, act->leg) : DECIMAL_ONE;
        return true;
}

/* What passed is what is sent: a protected price, the leg's share of the total. */
static void settle_terms(struct leg_act *act)
{
        const struct leg *leg = &act->shown->legs[0];
        struct order_change *c = &act->change;

        c->quantity = leg->quantity;
        c->has_type = c->has_price = c->has_trigger_price = true;
        c->type = leg->effective.type;
        c->price = leg->effective.price;
        c->trigger_price = leg->effective.trigger_price;
}

static enum gate_answer gate_leg(struct amending *m, struct leg_act *act)
{
        act->gate.account = act->leg->account;
        act->gate.modified = act->leg;
        act->gate.quota = quota_find(m->o, m->request->caller.key_name);
        act->gate.scrip = leg_act_scrip(act);
        enum gate_answer r = gate_check(act->shown, &act->shown->legs[0], &act->gate);
        if (r == GATE_PASSED)
                settle_terms(act);
        return r;
}

/* --- gates --- */

static bool refused(const struct leg_act *act)
{
        return act->shown->legs[0].state == LEG_STATE_REFUSED;
}

static void refusals_written(struct store_job *job)
{
        struct amending *m = CONTAINER_OF(job, struct amending, refusals.job);
        ledger_done(m->o, job, m->audit, m->n_audit);
        part_done(m);
}

/* The record says what was asked, the answer what the leg still is. */
static void refuse(struct amending *m, struct leg_act *act)
{
        const struct caller *c = &m->request->caller;
        struct leg *leg = &act->shown->legs[0];

        leg->state = LEG_STATE_REFUSED;
        leg->problem = act->gate.problem;
        record_modify_refused(&m->audit[m->n_audit++], act->shown, c->key_name, c->correlation_id);
        leg_act_follow(act);
        leg->state = LEG_STATE_REFUSED;
        leg->outcome = OUTCOME_NOT_SENT;
        record_log_leg(EVENT_ORDER_REFUSED, LOG_NOTICE, act->shown, leg, "modify.refused",
                       c->key_name, c->correlation_id);
}

static void write_refusals(struct amending *m)
{
        if (m->n_audit == 0)
                return;
        m->n_out++;
        m->refusals = (struct store_append){
                .job.done = refusals_written, .audit = m->audit, .n_audit = m->n_audit};
        ledger_append(m->o, &m->refusals, &m->riders);
}

static void begin_acts(struct amending *m)
{
        LIST_FOREACH (it, &m->acts) {
                m->n_out += !refused(LIST_ENTRY(it, struct leg_act, link));
        }
        write_refusals(m);
        /* done comes later than the loop: nothing in it frees an act. */
        LIST_FOREACH (it, &m->acts) {
                struct leg_act *act = LIST_ENTRY(it, struct leg_act, link);
                if (!refused(act))
                        leg_act_start(act);
        }
}

/* Nothing is held while it waits, and what was checked may be different afterwards. */
static void ask(struct amending *m, struct leg_act *act, enum gate_answer need)
{
        LIST_FOREACH (it, &m->acts) {
                struct leg_act *other = LIST_ENTRY(it, struct leg_act, link);
                gate_give_back(other->shown, &other->shown->legs[0], &other->gate);
        }
        if (need == GATE_NEEDS_FUNDS) {
                act->gate.funds_asked = true;
                funds_wait(act->gate.account, &m->funds_waiter);
                return;
        }
        if (need == GATE_NEEDS_BOOK) {
                book_wait(act->gate.book_asked, &m->book_waiter);
                return;
        }
        act->gate.quote_asked = true;
        if (quote_wait(act->gate.account, act->gate.scrip, &m->quote_waiter) < 0)
                amend_fail(m, PROBLEM_INTERNAL, "", "out of memory");
}

/* Every gate for every leg before anything is sent. */
static void gate(struct amending *m)
{
        struct fault f = {};
        LIST_FOREACH (it, &m->acts) {
                struct leg_act *act = LIST_ENTRY(it, struct leg_act, link);
                if (refused(act) || act->gate.taken)
                        continue;
                if (!intend(m, act, &f)) {
                        amend_fail(m, f.problem, f.pointer, f.detail);
                        return;
                }
                enum gate_answer r = gate_leg(m, act);
                if (r == GATE_REFUSED) {
                        refuse(m, act);
                } else if (r != GATE_PASSED) {
                        ask(m, act, r);
                        return;
                }
        }
        begin_acts(m);
}

static void quote_ready(struct quote_waiter *w)
{
        gate(CONTAINER_OF(w, struct amending, quote_waiter));
}

static void funds_ready(struct funds_waiter *w)
{
        gate(CONTAINER_OF(w, struct amending, funds_waiter));
}

static void book_ready(struct book_wait *w)
{
        gate(CONTAINER_OF(w, struct amending, book_waiter));
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
                open_leg_number(l, "");
                open_leg_set_state(l, m->unresolved);
                amend_fail(m, p, "", "the ledger cannot be written");
                return;
        }
        if (m->resolving->outcome == OUTCOME_ACCEPTED)
                leg_act_cancel_due(m->resolving, "reconcile");
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
                open_leg_number(l, r->broker_order_id);
        book_claim(l->account, l->broker_order_id, l->order_id);
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
        bool modify = m->request->kind == AMEND_MODIFY;
        if (modify)
                m->audit = calloc(m->order->n_legs, sizeof(*m->audit));
        if ((modify && !m->audit) || collect(m) < 0) {
                amend_fail(m, PROBLEM_INTERNAL, "", "out of memory");
                return;
        }
        if (list_empty(&m->acts)) {
                amend_fail(m, PROBLEM_ORDER_NOT_OPEN, "", "no leg of this order is live");
                return;
        }
        if (modify)
                gate(m);
        else
                begin_acts(m);
}

/* The ledger cannot be read. A cancel takes risk away, so that it does not wait for that: what is
 * live is known in memory. */
static bool collect_from_memory(struct amending *m)
{
        const struct amend_request *r = m->request;
        struct open_leg *l, *next;

        HASH_ITER (hh, m->o->open_legs.by_tag, l, next)
                if (text_equal(l->order_id, r->id) && !order_status_terminal(l->status) &&
                    caller_may_use(&r->caller, l->account->account->id) && add_act(m, l) < 0)
                        return false;
        return !list_empty(&m->acts) &&
               order_copy(LIST_ENTRY(m->acts.next, struct leg_act, link)->shown, &m->order) == 0;
}

static void unread(struct amending *m, const char *error)
{
        if (m->request->kind == AMEND_CANCEL && collect_from_memory(m))
                begin_acts(m);
        else
                amend_fail(m, PROBLEM_STORE_UNAVAILABLE, "", error);
}

static void got(struct store_job *job)
{
        struct amending *m = CONTAINER_OF(job, struct amending, get.job);
        m->order = TAKE(m->get.order);
        if (job->result != STORE_OK && job->result != STORE_NOT_FOUND)
                unread(m, job->error);
        else if (!m->order || !order_narrow(m->order, &m->request->caller))
                amend_fail(m, PROBLEM_ORDER_NOT_FOUND, "", "no order has this id");
        else if (m->request->kind == AMEND_RESOLVE)
                resolve(m);
        else
                act(m);
}

void operation_amend(struct orchestrator *o, struct amend_request *r)
{
        if (r->kind == AMEND_CANCEL && text_starts(r->id, EXTERNAL_ID_PREFIX)) {
                operation_cancel_external(o, r);
                return;
        }
        struct amending *m = calloc(1, sizeof(*m));
        r->answer = (struct answer){};
        if (!m)
                abort();
        m->o = o;
        m->request = r;
        m->started_us = clock_mono_us();
        m->quote_waiter.ready = quote_ready;
        m->funds_waiter.ready = funds_ready;
        m->book_waiter.done = book_ready;
        list_init(&m->acts);
        list_init(&m->riders);
        running_begin(o, &m->running);
        order_lookup(&m->get, r->id);
        m->get.job.done = got;
        store_submit(o->store, &m->get.job);
}
