/* Placing an order.
 *
 *                       ┌──► asking (quote, funds) ──┐
 *                       │                            ▼
 *   received ─► gating ─┴─► reserving ─► calling ─► recording ─► done
 *       │          │            │           ▲           │
 *       │          │            │           └───────────┘  answered at the deadline, legs still out
 *       │          └─► looking ─► refusing ─────────────► done
 *       └──────────────────────► replaying ─────────────► done
 *
 * Suspended only in: asking (brokers), reserving, looking, refusing, replaying, recording (store), calling
 * (brokers). Once a leg is marked as sending there is no way to done but through recording. */
#include "orchestrator/operation.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "orchestrator/book.h"
#include "orchestrator/gate.h"
#include "orchestrator/place.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

#define PLACE_STATE_TABLE(X)                                                                       \
        X(RECEIVED, TO(GATING) | TO(REPLAYING) | TO(DONE))                                         \
        X(GATING, TO(ASKING) | TO(RESERVING) | TO(LOOKING) | TO(REFUSING) | TO(DONE))              \
        X(ASKING, TO(GATING))                                                                      \
        X(RESERVING, TO(CALLING) | TO(REPLAYING) | TO(DONE))                                       \
        X(CALLING, TO(RECORDING)) /* never straight to done */                                     \
        X(RECORDING, TO(CALLING) | TO(DONE))                                                       \
        X(LOOKING, TO(REPLAYING) | TO(REFUSING) | TO(DONE))                                        \
        X(REFUSING, TO(DONE))                                                                      \
        X(REPLAYING, TO(DONE))                                                                     \
        X(DONE, 0)

enum place_state {
#define X(name, next) PLACE_##name,
        PLACE_STATE_TABLE(X)
#undef X
};
#define TO(s) (1U << PLACE_##s)
static const unsigned place_next[] = {
#define X(name, next) [PLACE_##name] = (next),
        PLACE_STATE_TABLE(X)
#undef X
};
#undef TO

struct attempt {
        struct placing *placing;
        struct leg *leg;
        struct gate gate;
        struct call call;
        struct open_leg *open;
        bool passed, sent, answered, recorded;
};

struct placing {
        struct list link; /* orchestrator.operations, oldest first */
        struct orchestrator *o;
        struct place_request *request; /* NULL once answered */
        enum place_state state;
        struct order *order;
        struct attempt *attempts;
        unsigned n_out; /* legs at the brokers */
        bool expired, exit;
        int64_t started_us, deadline_us; /* monotonic */

        struct key *key;
        char scope[KEY_NAME_SIZE + 32]; /* of idempotency keys: who, method, route (orders.md §4) */
        char *key_text;                 /* scope and key, the name of the key in memory; NULL without one */
        const char *key_value;
        uint8_t fingerprint[FINGERPRINT_SIZE];

        struct loop_work work;
        struct quote_waiter quote_waiter;
        struct funds_waiter funds_waiter;
        union {
                struct store_intent intent;
                struct store_key_get look;
                struct store_append refusal;
                struct store_order_get replay;
        } job;
        struct store_outcome outcome;
        bool *changed;
        struct audit_record *audit;
        unsigned n_audit;
        struct list riders;
        struct text body;
        int status;
        enum problem cause;
};

static void place_gate(struct placing *p);
static void place_record(struct placing *p);
static void place_replay(struct placing *p, const char *order_id);

static void place_move(struct placing *p, enum place_state to)
{
        assert(place_next[p->state] & 1U << to);
        p->state = to;
}

static struct placing *placing_free(struct placing *p)
{
        if (!p)
                return NULL;
        list_unlink(&p->link);
        if (p->order && p->attempts)
                for (unsigned i = 0; i < p->order->n_legs; i++)
                        call_clear(&p->attempts[i].call);
        records_done(p->audit, p->n_audit);
        free(p->audit);
        free(p->changed);
        free(p->attempts);
        free(p->key_text);
        order_free(p->order);
        text_done(&p->body);
        free(p);
        return NULL;
}

/* Tells the client, once. */
static void place_answer(struct placing *p)
{
        struct place_request *r = TAKE(p->request);
        if (!r)
                return;
        r->done(r);
}

static void place_finish(struct placing *p)
{
        struct orchestrator *o = p->o;
        place_move(p, PLACE_DONE);
        if (p->key)
                keys_end(&o->keys, p->key, "", 0, NULL, 0);
        p->key = NULL;
        place_answer(p);
        o->n_operations--;
        placing_free(p);
}

static void place_fail(struct placing *p, enum problem problem, const char *detail)
{
        struct answer *a = &p->request->answer;
        a->problem = problem;
        text_copy(a->detail, sizeof(a->detail), detail);
        place_finish(p);
}

static void give_back(struct placing *p)
{
        for (unsigned i = 0; i < p->order->n_legs; i++)
                gate_give_back(p->order, &p->order->legs[i], &p->attempts[i].gate);
}

/* Renders the answer of the order as it stands. */
static int place_render(struct placing *p)
{
        struct answer_view v = {
                .order = p->order,
                .correlation_id = p->order->correlation_id,
                .elapsed_us = clock_mono_us() - p->started_us,
        };
        v.status = order_http_status(p->order, &v.cause);
        if (p->request && p->request->validate_only && v.status == 201)
                v.status = 200;
        p->status = v.status;
        p->cause = v.cause;
        text_clear(&p->body);
        return p->o->options.render(&v, &p->body);
}

static void use_body(struct placing *p)
{
        if (!p->request)
                return;
        struct answer *a = &p->request->answer;
        a->status = p->status;
        a->is_problem = p->cause != PROBLEM_NONE;
        a->body = text_str(&p->body);
        a->body_size = p->body.len;
        text_copy(a->order_id, sizeof(a->order_id), p->order->id);
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                const struct gate *g = &p->attempts[i].gate;
                if (g->problem == p->cause && g->retry_after_s > a->retry_after_s)
                        a->retry_after_s = g->retry_after_s;
                if (g->problem == p->cause && !a->pointer[0])
                        text_copy(a->pointer, sizeof(a->pointer), g->pointer);
        }
}

/* --- replays ------------------------------------------------------------------------------------ */

static void count_key(struct placing *p, const char *result)
{
        series_add(metrics_series(p->o->options.metrics, METER_IDEMPOTENCY, result, NULL), 1);
}

static void replay_body(struct placing *p, const char *order_id, int status, const char *body,
                        size_t size)
{
        struct answer *a = &p->request->answer;
        count_key(p, "replayed");
        a->status = status;
        a->is_problem = status >= 400;
        a->body = body;
        a->body_size = size;
        a->replayed = true;
        text_copy(a->order_id, sizeof(a->order_id), order_id);
        place_finish(p);
}

static void replay_read(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.replay.job);
        struct store_order_get *get = &p->job.replay;
        _cleanup_(order_freep) struct order *found = TAKE(get->order);
        _cleanup_(freep) char *body = TAKE(get->answer_body);

        if (!found) {
                place_fail(p, PROBLEM_STORE_UNAVAILABLE, job->error);
                return;
        }
        if (get->answer_status) {
                if (p->key)
                        keys_end(&p->o->keys, TAKE(p->key), found->id, get->answer_status, body,
                                 get->answer_size);
                replay_body(p, found->id, get->answer_status, body, get->answer_size);
                return;
        }
        /* Not finished: the current state. */
        open_legs_apply(&p->o->open_legs, found);
        struct answer_view v = {.order = found, .correlation_id = found->correlation_id};
        v.status = order_http_status(found, &v.cause);
        v.elapsed_us = clock_wall_us() - found->created_us;
        if (p->o->options.render(&v, &p->body) < 0) {
                place_fail(p, PROBLEM_INTERNAL, "the answer could not be written");
                return;
        }
        replay_body(p, found->id, v.status, text_str(&p->body), p->body.len);
}

static void place_replay(struct placing *p, const char *order_id)
{
        char id[ID_SIZE];
        text_copy(id, sizeof(id), order_id);
        place_move(p, PLACE_REPLAYING);
        text_copy(p->order->id, sizeof(p->order->id), id);
        p->job.replay = (struct store_order_get){
                .job = {.op = STORE_ORDER_GET, .done = replay_read}, .id = p->order->id};
        store_submit(p->o->store, &p->job.replay.job);
}

static void place_mismatch(struct placing *p, const char *order_id)
{
        count_key(p, "mismatch");
        text_copy(p->request->answer.order_id, ID_SIZE, order_id);
        place_fail(p, PROBLEM_IDEMPOTENCY_MISMATCH, "the key was used for a request that differs");
}

/* True when the key answers the request by itself. */
static bool place_known_key(struct placing *p)
{
        struct key *k = keys_find(&p->o->keys, p->key_text);
        if (!k)
                return false;
        if (memcmp(k->fingerprint, p->fingerprint, FINGERPRINT_SIZE) != 0) {
                place_mismatch(p, k->order_id);
        } else if (k->running) {
                count_key(p, "in_flight");
                p->request->answer.retry_after_s = 1;
                text_copy(p->request->answer.order_id, ID_SIZE, k->order_id);
                place_fail(p, PROBLEM_IDEMPOTENCY_IN_FLIGHT, "the first request is still running");
        } else {
                replay_body(p, k->order_id, k->status, k->body, k->size);
        }
        return true;
}

/* --- refusals ----------------------------------------------------------------------------------- */

static void refusal_written(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.refusal.job);
        ledger_done(p->o, job, p->audit, p->n_audit);
        place_finish(p);
}

/* Nothing is sent and the key is not consumed; the refusal is a record. */
static void place_refuse(struct placing *p)
{
        place_move(p, PLACE_REFUSING);
        p->order->id[0] = '\0';
        p->audit = calloc(1, sizeof(*p->audit));
        if (!p->audit || place_render(p) < 0) {
                place_fail(p, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        use_body(p);
        p->n_audit = 1;
        record_refused(&p->audit[0], p->order);
        for (unsigned i = 0; i < p->order->n_legs; i++)
                record_log_leg(EVENT_ORDER_REFUSED, LOG_NOTICE, p->order, &p->order->legs[i],
                               "order.refused");
        p->job.refusal = (struct store_append){
                .job.done = refusal_written, .audit = p->audit, .n_audit = 1};
        ledger_append(p->o, &p->job.refusal, &p->riders);
}

static void looked(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.look.job);
        struct store_key_get *look = &p->job.look;
        free(TAKE(look->answer_body));

        if (job->result == STORE_NOT_FOUND) {
                place_refuse(p);
        } else if (job->result != STORE_OK) {
                place_fail(p, PROBLEM_STORE_UNAVAILABLE, job->error);
        } else if (memcmp(look->fingerprint, p->fingerprint, FINGERPRINT_SIZE) != 0) {
                place_mismatch(p, look->order_id);
        } else {
                place_replay(p, look->order_id);
        }
}

/* Gates say no; but a replay is answered before any gate, so the ledger is asked for the key first. */
static void place_look(struct placing *p)
{
        if (!p->key_value) {
                place_refuse(p);
                return;
        }
        place_move(p, PLACE_LOOKING);
        p->job.look = (struct store_key_get){
                .job = {.op = STORE_KEY_GET, .done = looked}, .scope = p->scope, .key = p->key_value};
        store_submit(p->o->store, &p->job.look.job);
}

/* --- gates -------------------------------------------------------------------------------------- */

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

static void place_ask(struct placing *p, struct attempt *t, enum gate_answer need)
{
        place_move(p, PLACE_ASKING);
        if (need == GATE_NEEDS_FUNDS) {
                t->gate.funds_asked = true;
                funds_wait(t->gate.account, &p->funds_waiter);
                return;
        }
        t->gate.quote_asked = true;
        if (quote_wait(t->gate.account, t->gate.instrument, &p->quote_waiter) < 0) {
                place_move(p, PLACE_GATING);
                give_back(p);
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
        give_back(p);
        for (unsigned i = 0; i < p->order->n_legs; i++)
                if (p->attempts[i].passed) {
                        p->order->legs[i].outcome = OUTCOME_ACCEPTED;
                        p->order->legs[i].state = LEG_STATE_SETTLED;
                }
        p->order->id[0] = '\0';
        if (place_render(p) < 0) {
                place_fail(p, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        use_body(p);
        place_finish(p);
}

static void place_reserve(struct placing *p);

/* Every gate for every leg before any leg is sent. */
static void place_gate(struct placing *p)
{
        unsigned passed = 0;
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (!t->passed && p->order->legs[i].state != LEG_STATE_REFUSED) {
                        enum gate_answer r = gate_check(p->o, p->order, t->leg, &t->gate);
                        if (r == GATE_NEEDS_QUOTE || r == GATE_NEEDS_FUNDS) {
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

/* --- the first commit ---------------------------------------------------------------------------- */

static void place_call(struct placing *p);

static void unreserve(struct placing *p, enum problem problem, const char *detail)
{
        give_back(p);
        place_fail(p, problem, detail);
}

static void reread(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.replay.job);
        order_free(TAKE(p->job.replay.order));
        free(TAKE(p->job.replay.answer_body));
        if (job->result == STORE_OK)
                place_call(p);
        else
                unreserve(p, PROBLEM_STORE_UNAVAILABLE, job->error);
}

/* The connection was lost during the commit: nothing is sent before the ledger says that the intent is there. */
static void place_reread(struct placing *p)
{
        p->job.replay = (struct store_order_get){
                .job = {.op = STORE_ORDER_GET, .done = reread}, .id = p->order->id};
        store_submit(p->o->store, &p->job.replay.job);
}

/* The kill switch changed between the gates and the commit: the gates decide again. */
static void place_regate(struct placing *p)
{
        give_back(p);
        free(TAKE(p->audit));
        free(TAKE(p->changed));
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (!t->passed)
                        continue;
                t->passed = t->gate.funds_asked = t->gate.quote_asked = false;
                t->leg->state = LEG_STATE_INTENT;
        }
        place_move(p, PLACE_GATING);
        place_gate(p);
}

static void reserved(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.intent.job);
        struct store_intent *intent = &p->job.intent;

        ledger_done(p->o, job, p->audit, p->n_audit);
        records_done(p->audit, p->n_audit);
        p->n_audit = 0;
        switch (job->result) {
        case STORE_OK:
                place_call(p);
                break;
        case STORE_KEY_TAKEN:
                give_back(p);
                if (intent->found_same_fingerprint)
                        place_replay(p, intent->found_order_id);
                else
                        place_mismatch(p, intent->found_order_id);
                break;
        case STORE_CLIENT_ID_TAKEN:
                text_copy(p->request->answer.pointer, sizeof(p->request->answer.pointer),
                          "/client_order_id");
                unreserve(p, PROBLEM_CLIENT_ORDER_ID_TAKEN,
                          "this client_order_id was used today on one of the accounts");
                break;
        case STORE_STALE:
                place_regate(p);
                break;
        case STORE_UNCERTAIN:
                place_reread(p);
                break;
        default:
                unreserve(p, ledger_problem(job->result), job->error);
                break;
        }
}

static void place_reserve(struct placing *p)
{
        struct order *o = p->order;
        int64_t now = clock_wall_us();

        place_move(p, PLACE_RESERVING);
        p->audit = calloc(o->n_legs, sizeof(*p->audit));
        p->changed = calloc(o->n_legs, sizeof(*p->changed));
        if (!p->audit || !p->changed) {
                unreserve(p, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        for (unsigned i = 0; i < o->n_legs; i++) {
                struct leg *leg = &o->legs[i];
                leg->updated_us = now;
                if (!p->attempts[i].passed)
                        continue;
                tag_make(leg->tag);
                leg->state = LEG_STATE_SENDING;
                leg->status = ORDER_STATUS_PENDING;
                leg->sending_us = now;
                leg->attempts = 1;
        }
        if (p->key)
                text_copy(p->key->order_id, sizeof(p->key->order_id), o->id);
        p->n_audit = 1;
        record_intent(&p->audit[0], o);
        p->job.intent = (struct store_intent){
                .job = {.op = STORE_INTENT, .done = reserved},
                .order = o,
                .idempotency_scope = p->key_value ? p->scope : NULL,
                .idempotency_key = p->key_value,
                .fingerprint = p->fingerprint,
                .key_expires_us = place_key_expiry(p->o, now),
                .killswitch_epoch = killswitch_epoch(p->o),
                .audit = p->audit,
                .n_audit = 1,
        };
        store_submit(p->o->store, &p->job.intent.job);
}

/* --- the brokers --------------------------------------------------------------------------------- */

static enum order_status first_status(const struct leg *leg)
{
        return leg->effective.type == ORDER_TYPE_STOP || leg->effective.type == ORDER_TYPE_STOP_LIMIT
                       ? ORDER_STATUS_TRIGGER_PENDING
                       : ORDER_STATUS_OPEN;
}

static void take_result(struct leg *leg, const struct call *c)
{
        const struct broker_result *r = &c->result;

        leg->outcome = r->outcome;
        leg->problem = r->problem;
        leg->latency_us = call_latency_us(c);
        leg->updated_us = clock_wall_us();
        call_evidence(c, &leg->evidence);
        text_copy(leg->broker_code, sizeof(leg->broker_code), r->broker_code);
        text_copy(leg->broker_order_id, sizeof(leg->broker_order_id), r->broker_order_id);
        leg->state = r->outcome == OUTCOME_UNKNOWN ? LEG_STATE_UNKNOWN : LEG_STATE_SETTLED;
        if (r->outcome == OUTCOME_REJECTED)
                text_copy(leg->broker_message, sizeof(leg->broker_message), r->message);
        else if (r->outcome != OUTCOME_ACCEPTED)
                text_copy(leg->message, sizeof(leg->message), r->message);
        if (r->outcome == OUTCOME_ACCEPTED) {
                leg->confidence = CONFIDENCE_PROVEN;
                leg->status = r->has_state ? r->status : first_status(leg);
                leg->filled_quantity = r->has_state ? r->filled_quantity : 0;
                leg->average_price = r->has_state ? r->average_price : 0;
        } else if (r->outcome != OUTCOME_UNKNOWN) {
                leg->status = ORDER_STATUS_REJECTED;
        }
}

static void leg_answered(struct call *c)
{
        struct attempt *t = CONTAINER_OF(c, struct attempt, call);
        struct placing *p = t->placing;
        struct leg *leg = t->leg;

        take_result(leg, c);
        t->answered = true;
        gate_settle(&t->gate, leg->outcome == OUTCOME_ACCEPTED || leg->outcome == OUTCOME_UNKNOWN);
        if (leg->outcome == OUTCOME_NOT_SENT || leg->outcome == OUTCOME_REJECTED)
                t->gate.problem = PROBLEM_NONE;
        call_clear(c);
        p->n_out--;
        if (p->n_out == 0 && p->state == PLACE_CALLING)
                place_record(p);
}

static void place_call(struct placing *p)
{
        place_move(p, PLACE_CALLING);
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (!t->passed)
                        continue;
                t->open = open_leg_add(&p->o->open_legs, t->gate.account, p->order, t->leg);
                if (t->open)
                        t->open->in_operation = true;
                t->sent = true;
                t->call = (struct call){
                        .account = t->gate.account,
                        .broker = {.op = BROKER_PLACE,
                                   .order = p->order,
                                   .leg = t->leg,
                                   .instrument = t->gate.instrument},
                        .passes_halt = t->gate.passes_halt,
                        .timeout_us = p->deadline_us - clock_mono_us(),
                        .done = leg_answered,
                };
                p->n_out++;
        }
        /* No call can end before all are begun: done callbacks come later (orchestrator.h). */
        for (unsigned i = 0; i < p->order->n_legs; i++)
                if (p->attempts[i].sent)
                        call_start(&p->attempts[i].call);
}

/* --- the second commit ---------------------------------------------------------------------------- */

/* What is in memory about the leg follows what is durable now. */
static void hand_over(struct placing *p, struct attempt *t)
{
        struct open_leg *l = t->open;
        if (!l)
                return;
        t->open = NULL;
        if (t->leg->state == LEG_STATE_UNKNOWN) {
                open_leg_set_state(l, LEG_STATE_UNKNOWN);
                l->outcome = OUTCOME_UNKNOWN;
                book_reconcile(l);
        } else if (leg_live(t->leg)) {
                open_leg_set_state(l, LEG_STATE_SETTLED);
                l->outcome = t->leg->outcome;
                l->status = t->leg->status;
                l->filled_quantity = t->leg->filled_quantity;
                l->average_price = t->leg->average_price;
                text_copy(l->broker_order_id, sizeof(l->broker_order_id), t->leg->broker_order_id);
                l->in_operation = false;
                book_kick(l->account);
        } else {
                open_leg_remove(&p->o->open_legs, l);
        }
}

/* The outcome could not be made durable: it is not acknowledged. Reconcile reads it back from the broker's book
 * and writes it when the ledger is well again. */
static void outcome_lost(struct placing *p)
{
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (!p->changed[i])
                        continue;
                t->leg->state = LEG_STATE_UNKNOWN;
                t->leg->outcome = OUTCOME_UNKNOWN;
                t->leg->problem = PROBLEM_OUTCOME_UNKNOWN;
                t->leg->status = ORDER_STATUS_PENDING;
                t->leg->filled_quantity = t->leg->average_price = 0;
                hand_over(p, t);
        }
        if (p->request && place_render(p) == 0)
                use_body(p);
}

static void log_outcomes(struct placing *p)
{
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                const struct leg *leg = &p->order->legs[i];
                if (!p->changed[i])
                        continue;
                bool unknown = leg->outcome == OUTCOME_UNKNOWN;
                record_log_leg(unknown ? EVENT_LEG_UNKNOWN : EVENT_LEG_OUTCOME,
                               unknown ? LOG_WARNING : LOG_INFO, p->order, leg, "order.place");
        }
}

static void measure(struct placing *p)
{
        int64_t slowest = 0;
        for (unsigned i = 0; i < p->order->n_legs; i++)
                if (p->order->legs[i].latency_us > slowest)
                        slowest = p->order->legs[i].latency_us;
        if (!p->request)
                return;
        series_observe_us(p->o->overhead, clock_mono_us() - p->started_us - slowest);
        series_add(p->o->orders[order_overall(p->order)], 1);
}

static void recorded(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, outcome.job);
        struct orchestrator *o = p->o;

        ledger_done(o, job, p->audit, p->n_audit);
        records_done(p->audit, p->n_audit);
        p->n_audit = 0;
        log_outcomes(p);
        if (job->result == STORE_OK) {
                for (unsigned i = 0; i < p->order->n_legs; i++)
                        if (p->changed[i])
                                hand_over(p, &p->attempts[i]);
        } else {
                outcome_lost(p);
        }
        measure(p);
        if (p->key && p->outcome.answer_status && job->result == STORE_OK) {
                count_key(p, "first");
                keys_end(&o->keys, TAKE(p->key), p->order->id, p->status, text_str(&p->body),
                         p->body.len);
        }
        unsigned answered = 0, sent = 0;
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                answered += p->attempts[i].sent && p->attempts[i].recorded;
                sent += p->attempts[i].sent;
        }
        if (answered == sent) {
                place_finish(p);
                return;
        }
        place_move(p, PLACE_CALLING);
        place_answer(p);
        if (p->n_out == 0)
                place_record(p);
}

/* Writes the legs that were answered since the last time, and the answer once no leg is open. */
static void place_record(struct placing *p)
{
        struct order *o = p->order;
        bool final = true;

        place_move(p, PLACE_RECORDING);
        for (unsigned i = 0; i < o->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                p->changed[i] = t->answered && !t->recorded;
                if (p->changed[i]) {
                        t->recorded = true;
                        record_leg(&p->audit[p->n_audit++], AUDIT_LEG_OUTCOME, o, t->leg, o->key_name,
                                   o->correlation_id);
                }
                if (leg_unresolved(t->leg))
                        final = false;
        }
        int r = place_render(p);
        if (r == 0)
                use_body(p);
        p->outcome = (struct store_outcome){
                .job.done = recorded,
                .order = o,
                .changed = p->changed,
                .audit = p->audit,
                .n_audit = p->n_audit,
        };
        if (final && r == 0) {
                p->outcome.answer_status = p->status;
                p->outcome.answer_body = text_str(&p->body);
                p->outcome.answer_size = p->body.len;
        }
        ledger_outcome(p->o, &p->outcome, &p->riders);
}

void place_sweep(struct orchestrator *o)
{
        int64_t now = clock_mono_us();
        LIST_FOREACH(it, &o->operations)
        {
                struct placing *p = LIST_ENTRY(it, struct placing, link);
                if (p->deadline_us > now)
                        break;
                if (p->state != PLACE_CALLING || p->expired)
                        continue;
                p->expired = true;
                place_record(p);
        }
}

/* --- begin --------------------------------------------------------------------------------------- */

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
        const struct instrument *i = instruments_find(o->options.instruments, p->order->symbol);
        for (unsigned n = 0; n < p->order->n_legs; n++) {
                struct attempt *t = &p->attempts[n];
                t->placing = p;
                t->leg = &p->order->legs[n];
                t->gate.instrument = i;
                t->gate.exit = p->exit;
                t->gate.account = account_state(o, t->leg->account);
                if (!t->gate.account) {
                        place_fail(p, PROBLEM_ACCOUNT_NOT_FOUND, t->leg->account);
                        return;
                }
        }
        place_move(p, PLACE_GATING);
        place_gate(p);
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
        list_init(&p->riders);
        list_append(&o->operations, &p->link);
        o->n_operations++;
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
