#include "orchestrator/placing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "orchestrator/book.h"
#include "orchestrator/record.h"

static enum order_status first_status(const struct leg *leg)
{
        return leg->effective.type == ORDER_TYPE_STOP ||
                               leg->effective.type == ORDER_TYPE_STOP_LIMIT
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

/* An answer with the number of another order was not the answer to this one: a connection or a
 * gateway has mixed them up. Its own may be live. */
static void claim_number(struct attempt *t)
{
        struct broker_result *r = &t->call.result;

        if (book_claim(t->gate.account, r->broker_order_id, t->placing->order->id))
                return;
        r->outcome = OUTCOME_UNKNOWN;
        r->problem = PROBLEM_OUTCOME_UNKNOWN;
        r->broker_order_id[0] = '\0';
        text_copy(r->message, sizeof(r->message), "the answer has the number of another order");
}

/* One attempt came to nothing and another one follows: its evidence goes into a record, which is
 * written with the outcome. Without memory for it the next attempt is made all the same. */
static void leg_failed(struct call *c)
{
        struct attempt *t = CONTAINER_OF(c, struct attempt, call);
        const struct order *o = t->placing->order;
        struct leg shown = *t->leg;

        if (!t->tries)
                t->tries = calloc(RETRIES_MAX, sizeof(*t->tries));
        if (!t->tries || t->n_tries == RETRIES_MAX)
                return;
        take_result(&shown, c);
        struct audit_record *a = &t->tries[t->n_tries++];
        record_attempt(a, broker_op_name(c->broker.op), o, &shown, o->key_name, o->correlation_id);
        a->account = t->leg->account; /* `shown` dies */
}

static void leg_answered(struct call *c)
{
        struct attempt *t = CONTAINER_OF(c, struct attempt, call);
        struct placing *p = t->placing;
        struct leg *leg = t->leg;

        claim_number(t);
        take_result(leg, c);
        if (leg->attempts > 0)
                leg->attempts = c->retry.n + 1;
        t->answered = true;
        gate_settle(p->order, leg, &t->gate);
        if (leg->outcome == OUTCOME_NOT_SENT || leg->outcome == OUTCOME_REJECTED)
                t->gate.problem = PROBLEM_NONE;
        /* Its turn did not come in time: as if the gate had known it. */
        if (leg->problem == PROBLEM_ORDER_RATE) {
                t->gate.problem = leg->problem;
                t->gate.retry_after_s = 1;
        }
        call_clear(c);
        p->n_out--;
        if (p->n_out == 0 && p->state == PLACE_CALLING)
                place_record(p);
}

static void prepare(struct attempt *t)
{
        struct placing *p = t->placing;
        t->call = (struct call){
                .account = t->gate.account,
                .broker = {.op = BROKER_PLACE,
                           .order = p->order,
                           .leg = t->leg,
                           .scrip = t->gate.scrip},
                .passes_halt = t->gate.passes_halt,
                .turn = &t->gate.turn,
                .until_us = p->deadline_us,
                .done = leg_answered,
                .failed = leg_failed,
        };
}

void place_send(struct attempt *t)
{
        prepare(t);
        call_start(&t->call);
}

void place_unsent(struct attempt *t, enum problem problem, const char *message)
{
        prepare(t);
        call_refuse(&t->call, problem, message);
}

void place_call(struct placing *p)
{
        place_move(p, PLACE_CALLING);
        if (p->key)
                keys_placed(p->key, p->order->id);
        /* No leg can end before all are begun: done callbacks come later (orchestrator.h). */
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (!t->passed)
                        continue;
                t->sent = true;
                p->n_out++;
                if (t->leg->state == LEG_STATE_SENDING)
                        place_send(t);
                else if (!t->gate.turn.waits)
                        place_turn_came(&t->gate.turn);
                else
                        crash_point(CRASH_WAIT_BEGIN);
        }
}
