#include "orchestrator/placing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "orchestrator/book.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/record.h"

/* What is in memory about the leg follows what is durable now. */
static void hand_over(struct attempt *t)
{
        struct open_leg *l = TAKE(t->open);
        if (!l)
                return;
        open_leg_set_state(l, t->leg->state);
        l->outcome = t->leg->outcome;
        l->status = t->leg->status;
        open_leg_fill(l, t->leg->filled_quantity, t->leg->average_price);
        l->denied = leg_denied(t->leg);
        l->answered = t->leg->outcome == OUTCOME_ACCEPTED;
        if (t->leg->state == LEG_STATE_UNKNOWN) {
                book_reconcile(l);
        } else {
                open_leg_number(l, t->leg->broker_order_id);
                l->in_operation = false;
                if (leg_live(t->leg))
                        book_kick(l->account);
        }
        /* A cancel may have waited for this. */
        leg_writes_go_on(l);
        open_leg_retire(l);
}

/* The outcome could not be made durable: it is not acknowledged. Reconcile reads it back from the
 * broker's book and writes it when the ledger is well again. */
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
                /* Another daemon that looks after the account waits for this one's word. */
                if (t->open)
                        t->open->dirty = peers_possible(p->o);
                hand_over(t);
        }
        if (p->request && place_render(p) == 0)
                place_use_body(p);
}

static void log_outcomes(struct placing *p)
{
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                const struct leg *leg = &p->order->legs[i];
                if (!p->changed[i])
                        continue;
                bool unknown = leg->outcome == OUTCOME_UNKNOWN;
                record_log_leg(unknown ? EVENT_LEG_UNKNOWN : EVENT_LEG_OUTCOME,
                               unknown ? LOG_WARNING : LOG_INFO, p->order, leg, "order.place", "",
                               "");
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

        crash_point(CRASH_PLACE_RECORDED);
        ledger_done(o, job, p->audit, p->n_audit);
        records_done(p->audit, p->n_audit);
        p->n_audit = 0;
        log_outcomes(p);
        if (job->result == STORE_OK) {
                for (unsigned i = 0; i < p->order->n_legs; i++) {
                        struct attempt *t = &p->attempts[i];
                        if (!p->changed[i])
                                continue;
                        if (t->open && p->outcome.answer_status != 0)
                                t->open->replayable = true;
                        hand_over(t);
                }
        } else {
                outcome_lost(p);
        }
        measure(p);
        if (p->key && p->outcome.answer_status && job->result == STORE_OK) {
                place_count_key(p, "first");
                keys_end(&o->keys, TAKE(p->key), p->order->id, p->status, text_str(&p->body),
                         p->body.len);
        }
        unsigned answered = 0, sent = 0;
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                answered += p->attempts[i].sent && p->attempts[i].recorded;
                sent += p->attempts[i].sent;
        }
        if (p->doubtful && job->result != STORE_OK) {
                place_doubt_again(p);
                return;
        }
        if (answered == sent) {
                place_finish(p);
                return;
        }
        place_move(p, PLACE_CALLING);
        place_answer(p);
        /* From now on a repeated key is answered with the current state, from the ledger. */
        if (p->key)
                keys_end(&o->keys, TAKE(p->key), "", 0, NULL, 0);
        if (p->n_out == 0)
                place_record(p);
}

/* Room for the records of every attempt of the legs that are written now. */
static bool make_room(struct placing *p)
{
        size_t n = p->order->n_legs;
        for (unsigned i = 0; i < p->order->n_legs; i++)
                n += p->attempts[i].n_tries;
        if (n == p->order->n_legs)
                return true;
        struct audit_record *audit = reallocarray(p->audit, n, sizeof(*audit));
        if (!audit)
                return false;
        p->audit = audit;
        return true;
}

static void take_tries(struct placing *p, struct attempt *t)
{
        for (unsigned i = 0; i < t->n_tries; i++)
                p->audit[p->n_audit++] = t->tries[i];
        t->n_tries = 0;
}

/* Writes the legs that were answered since the last time, and the answer once no leg is open. */
void place_record(struct placing *p)
{
        struct order *o = p->order;
        bool final = true;

        place_move(p, PLACE_RECORDING);
        bool room = make_room(p);
        crash_point(CRASH_PLACE_RESULT);
        for (unsigned i = 0; i < o->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                p->changed[i] = t->answered && !t->recorded;
                if (p->changed[i]) {
                        t->recorded = true;
                        if (room)
                                take_tries(p, t);
                        record_leg(&p->audit[p->n_audit++], AUDIT_LEG_OUTCOME, o, t->leg,
                                   o->key_name, o->correlation_id);
                }
                if (leg_unresolved(t->leg))
                        final = false;
        }
        int r = place_render(p);
        if (r == 0)
                place_use_body(p);
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
        LIST_FOREACH (it, &o->operations) {
                struct placing *p = LIST_ENTRY(it, struct placing, link);
                if (p->deadline_us > now)
                        break;
                if (p->state != PLACE_CALLING || p->expired)
                        continue;
                p->expired = true;
                place_record(p);
        }
}
