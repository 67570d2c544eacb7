#include "orchestrator/placing.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"

/* --- refusals --- */

static void refusal_written(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.refusal.job);
        ledger_done(p->o, job, p->audit, p->n_audit);
        place_finish(p);
}

/* Nothing is sent and the key is not consumed; the refusal is a record. */
void place_refuse(struct placing *p)
{
        place_move(p, PLACE_REFUSING);
        p->order->id[0] = '\0';
        p->audit = calloc(1, sizeof(*p->audit));
        if (!p->audit || place_render(p) < 0) {
                place_fail(p, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        place_use_body(p);
        p->n_audit = 1;
        record_refused(&p->audit[0], p->order);
        for (unsigned i = 0; i < p->order->n_legs; i++)
                record_log_leg(EVENT_ORDER_REFUSED, LOG_NOTICE, p->order, &p->order->legs[i],
                               "order.refused", "", "");
        p->job.refusal =
                (struct store_append){.job.done = refusal_written, .audit = p->audit, .n_audit = 1};
        ledger_append(p->o, &p->job.refusal, &p->riders);
}

/* --- gates --- */

static void asked(struct placing *p)
{
        place_move(p, PLACE_GATING);
        place_gate(p);
}

static void quote_ready(struct quote_waiter *w)
{
        asked(CONTAINER_OF(w, struct placing, quote_waiter));
}

static void funds_ready(struct funds_waiter *w)
{
        asked(CONTAINER_OF(w, struct placing, funds_waiter));
}

static void book_ready(struct book_wait *w)
{
        asked(CONTAINER_OF(w, struct placing, book_waiter));
}

static void place_ask(struct placing *p, struct attempt *t, enum gate_answer need)
{
        /* Nothing is held while it waits, and what was checked may be different afterwards. */
        place_give_back(p);
        place_move(p, PLACE_ASKING);
        if (need == GATE_NEEDS_FUNDS) {
                t->gate.funds_asked = true;
                funds_wait(t->gate.account, &p->funds_waiter);
                return;
        }
        if (need == GATE_NEEDS_BOOK) {
                book_wait(t->gate.book_asked, &p->book_waiter);
                return;
        }
        t->gate.quote_asked = true;
        if (quote_wait(t->gate.account, t->gate.scrip, &p->quote_waiter) < 0) {
                place_move(p, PLACE_GATING);
                place_fail(p, PROBLEM_INTERNAL, "out of memory");
        }
}

static void refuse_leg(struct leg *leg, const struct gate *g)
{
        leg->state = LEG_STATE_REFUSED;
        leg->outcome = OUTCOME_NOT_SENT;
        leg->status = ORDER_STATUS_REJECTED;
        leg->problem = g->problem;
}

static void place_validated(struct placing *p)
{
        for (unsigned i = 0; i < p->order->n_legs; i++)
                if (p->attempts[i].passed) {
                        p->order->legs[i].outcome = OUTCOME_ACCEPTED;
                        p->order->legs[i].state = LEG_STATE_SETTLED;
                }
        place_give_back(p);
        p->order->id[0] = '\0';
        if (place_render(p) < 0) {
                place_fail(p, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        place_use_body(p);
        place_finish(p);
}

/* Every gate for every leg before any leg is sent. */
void place_gate(struct placing *p)
{
        unsigned passed = 0;
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (!t->passed && p->order->legs[i].state != LEG_STATE_REFUSED) {
                        t->gate.n_before = passed;
                        enum gate_answer r = gate_check(p->order, t->leg, &t->gate);
                        if (r != GATE_PASSED && r != GATE_REFUSED) {
                                place_ask(p, t, r);
                                return;
                        }
                        t->passed = r == GATE_PASSED;
                        if (!t->passed)
                                refuse_leg(t->leg, &t->gate);
                }
                passed += t->passed;
        }
        if (p->request->validate_only)
                place_validated(p);
        else if (passed == 0)
                place_look(p);
        else
                place_reserve(p);
}

/* --- begin --- */

static void place_begin(struct loop_work *w)
{
        struct placing *p = CONTAINER_OF(w, struct placing, work);
        struct place_request *r = p->request;
        struct orchestrator *o = p->o;

        if (p->key_text && !r->validate_only) {
                if (place_known_key(p))
                        return;
                p->key = keys_add(&o->keys, p->key_text, p->fingerprint);
                if (!p->key) {
                        place_fail(p, PROBLEM_INTERNAL, "out of memory");
                        return;
                }
        }
        if (o->draining && !p->exit) {
                place_fail(p, PROBLEM_SHUTTING_DOWN, "the daemon is stopping");
                return;
        }
        for (unsigned n = 0; n < p->order->n_legs; n++) {
                struct attempt *t = &p->attempts[n];
                t->placing = p;
                t->leg = &p->order->legs[n];
                t->gate.account = account_state(o, t->leg->account);
                if (!t->gate.account) {
                        place_fail(p, PROBLEM_ACCOUNT_NOT_FOUND, t->leg->account);
                        return;
                }
                t->gate.exit = p->exit;
                t->gate.quota = quota_find(o, r->caller.key_name);
                t->gate.turn.come = place_turn_came;
                t->gate.until_us = lane_until(p->started_us, p->deadline_us);
                if (account_scrip(t->gate.account, SCRIP_BY_SYMBOL, p->order->symbol, &t->scrip))
                        t->gate.scrip = &t->scrip;
        }
        place_move(p, PLACE_GATING);
        place_gate(p);
}

/* The first request with this key is decided: it answers this one, or leaves the key free. */
static void key_decided(struct key_waiter *w)
{
        struct placing *p = CONTAINER_OF(w, struct placing, key_waiter);
        loop_defer(p->o->loop, &p->work);
}

static void place_fill(struct placing *p)
{
        struct order *o = p->order;
        const struct caller *c = &p->request->caller;

        id_make(o->id);
        o->created_us = clock_wall_us();
        o->day = clock_ist_day(o->created_us);
        text_copy(o->key_name, sizeof(o->key_name), c->key_name);
        text_copy(o->correlation_id, sizeof(o->correlation_id), c->correlation_id);
        for (unsigned i = 0; i < o->n_legs; i++) {
                o->legs[i].number = i + 1;
                o->legs[i].state = LEG_STATE_INTENT;
                o->legs[i].quantity = o->quantity;
        }
        order_fingerprint(o, p->fingerprint);
}

static int place_scope(struct placing *p)
{
        const struct place_request *r = p->request;
        if (!r->idempotency_key)
                return 0;
        snprintf(p->scope, sizeof(p->scope), "%s\nPOST /api/v1/orders", r->caller.key_name);
        if (asprintf(&p->key_text, "%s\n%s", p->scope, r->idempotency_key) < 0) {
                p->key_text = NULL;
                return -ENOMEM;
        }
        p->key_value = r->idempotency_key;
        return 0;
}

static void place_start(struct orchestrator *o, struct place_request *r, bool exit)
{
        struct placing *p = calloc(1, sizeof(*p));
        r->answer = (struct answer){};
        assert(p); /* h2o aborts without memory too (models §6.1): there is no way to answer */
        p->o = o;
        p->request = r;
        p->exit = exit;
        p->order = TAKE(r->order);
        p->started_us = clock_mono_us();
        p->deadline_us = p->started_us + o->options.order_deadline_us;
        p->quote_waiter.ready = quote_ready;
        p->funds_waiter.ready = funds_ready;
        p->book_waiter.done = book_ready;
        p->key_waiter.go = key_decided;
        list_init(&p->key_waiter.link);
        list_init(&p->riders);
        list_append(&o->operations, &p->link);
        running_begin(o, &p->running);
        p->attempts = calloc(p->order->n_legs, sizeof(*p->attempts));
        assert(p->attempts);
        place_fill(p);
        int r2 = place_scope(p);
        assert(r2 >= 0);
        p->work.run = place_begin;
        loop_defer(o->loop, &p->work);
}

void operation_place(struct orchestrator *o, struct place_request *r)
{
        place_start(o, r, false);
}

void place_exit(struct orchestrator *o, struct place_request *r)
{
        place_start(o, r, true);
}
