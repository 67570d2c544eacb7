#include "orchestrator/leg_act.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/fault.h"
#include "orchestrator/book.h"
#include "orchestrator/leg_doubt.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

/* What may have changed since the act was begun: the order may have been found, modified, filled.
 */
void leg_act_follow(struct leg_act *act)
{
        const struct open_leg *l = act->leg;
        struct order *o = act->shown;
        o->type = l->type;
        o->quantity = l->quantity;
        o->price = l->price;
        o->trigger_price = l->trigger_price;
        open_leg_apply(l, &o->legs[0]);
}

/* The leg as an order of its own, from memory: what adapters need and what the answer shows. */
static int show(struct leg_act *act)
{
        const struct open_leg *l = act->leg;
        int r = order_new(1, &act->shown);
        if (r < 0)
                return r;
        struct order *o = act->shown;
        struct leg *leg = &o->legs[0];
        text_copy(o->id, sizeof(o->id), l->order_id);
        text_copy(o->symbol, sizeof(o->symbol), l->symbol);
        o->day = l->day;
        o->created_us = l->since_us;
        o->side = l->side;
        o->product = l->product;
        o->validity = VALIDITY_DAY;
        leg->number = l->number;
        leg->multiplier = DECIMAL_ONE;
        text_copy(leg->account, sizeof(leg->account), l->account->account->id);
        text_copy(leg->tag, sizeof(leg->tag), l->tag);
        leg_act_follow(act);
        return 0;
}

static void turn_came(struct turn *turn);

int leg_act_new(struct leg_act **ret, enum amend_kind kind, struct open_leg *leg)
{
        _cleanup_(freep) struct leg_act *act = calloc(1, sizeof(*act));
        if (!act)
                return -ENOMEM;
        list_init(&act->link);
        act->kind = kind;
        act->leg = leg;
        act->gate.turn.come = turn_came;
        int64_t now = clock_mono_us();
        act->gate.until_us =
                lane_until(now, now + leg->account->orchestrator->options.order_deadline_us);
        int r = show(act);
        if (r < 0)
                return r;
        leg->pins++;
        *ret = TAKE(act);
        return 0;
}

struct leg_act *leg_act_free(struct leg_act *act)
{
        if (!act)
                return NULL;
        list_unlink(&act->link);
        if (act->shown)
                gate_give_back(act->shown, &act->shown->legs[0], &act->gate);
        if (act->leg) {
                act->leg->pins--;
                open_leg_retire(act->leg);
        }
        call_clear(&act->call);
        order_free(act->shown);
        free(act);
        return NULL;
}

static struct leg_note note_of(const struct leg_act *act, enum audit_action action)
{
        struct leg_note n = {.action = action};
        text_copy(n.actor, sizeof(n.actor), act->actor);
        text_copy(n.correlation_id, sizeof(n.correlation_id), act->correlation_id);
        return n;
}

static void finish(struct leg_act *act)
{
        act->done(act);
}

static void answer_written(void *userdata, enum problem p)
{
        struct leg_act *act = userdata;
        struct leg *leg = &act->shown->legs[0];
        crash_point(CRASH_ACT_RECORDED);
        if (p != PROBLEM_NONE && leg->outcome == OUTCOME_ACCEPTED) {
                /* Done at the broker, not durable here: the next book read will write it. */
                leg->outcome = OUTCOME_UNKNOWN;
                leg->state = LEG_STATE_UNKNOWN;
                leg->problem = PROBLEM_OUTCOME_UNKNOWN;
        }
        book_kick(act->leg->account);
        finish(act);
}

static void take_state(struct leg_act *act)
{
        const struct broker_result *r = &act->call.result;
        struct open_leg *l = act->leg;
        const struct order_change *c = &act->change;

        if (r->outcome != OUTCOME_ACCEPTED)
                return;
        if (act->kind == AMEND_MODIFY) {
                if (c->has_quantity)
                        l->quantity = c->quantity;
                if (c->has_price)
                        l->price = c->price;
                if (c->has_trigger_price)
                        l->trigger_price = c->trigger_price;
                if (c->has_type)
                        l->type = c->type;
                act->note.modified = true;
                act->note.change = act->asked;
        }
        /* A broker that has only taken a cancellation tells no state: the book will, and until then
         * the order may still fill. */
        if (r->has_state) {
                l->status = r->status;
                open_leg_fill(l, r->filled_quantity, r->average_price);
        }
}

static void alone_done(struct leg_act *act)
{
        leg_act_free(act);
}

/* The record of an attempt that was not sent; what came of the act in the end has one of its own.
 */
static void failed(struct call *c)
{
        struct leg_act *act = CONTAINER_OF(c, struct leg_act, call);
        const struct account_state *a = act->leg->account;
        struct leg shown = act->shown->legs[0];
        struct audit_record record;

        shown.outcome = c->result.outcome;
        shown.problem = c->result.problem;
        text_copy(shown.message, sizeof(shown.message), c->result.message);
        call_evidence(c, &shown.evidence);
        record_attempt(&record, broker_op_name(c->broker.op), act->shown, &shown, act->actor,
                       act->correlation_id);
        record.account = a->account->id;
        ledger_note(a->orchestrator, &record);
}

static void called(struct call *c)
{
        struct leg_act *act = CONTAINER_OF(c, struct leg_act, call);
        const struct broker_result *r = &c->result;
        struct leg *leg = &act->shown->legs[0];

        act->note = note_of(act, act->kind == AMEND_MODIFY ? AUDIT_MODIFY_ANSWERED
                                                           : AUDIT_CANCEL_ANSWERED);
        take_state(act);
        leg_doubt_answered(act->leg, act->kind, r->outcome, act->done == alone_done);
        open_leg_apply(act->leg, leg);
        leg->outcome = r->outcome;
        leg->problem = r->problem;
        gate_settle(act->shown, leg, &act->gate);
        leg->state = r->outcome == OUTCOME_UNKNOWN ? LEG_STATE_UNKNOWN : LEG_STATE_SETTLED;
        leg->latency_us = call_latency_us(c);
        leg->updated_us = clock_wall_us();
        text_copy(leg->broker_code, sizeof(leg->broker_code), r->broker_code);
        text_copy(r->outcome == OUTCOME_REJECTED ? leg->broker_message : leg->message, MESSAGE_SIZE,
                  r->message);
        act->note.must = true;
        act->note.outcome = r->outcome;
        act->note.problem = r->problem;
        text_copy(act->note.broker_code, sizeof(act->note.broker_code), r->broker_code);
        text_copy(act->note.message, sizeof(act->note.message), leg->message);
        text_copy(act->note.broker_message, sizeof(act->note.broker_message), leg->broker_message);
        call_evidence(c, &act->note.evidence);
        call_clear(c);
        crash_point(CRASH_ACT_RESULT);
        if (leg_write(act->leg, &act->note, answer_written, act) < 0)
                answer_written(act, PROBLEM_INTERNAL);
}

const struct scrip *leg_act_scrip(struct leg_act *act)
{
        bool listed =
                account_scrip(act->leg->account, SCRIP_BY_SYMBOL, act->shown->symbol, &act->scrip);
        return listed ? &act->scrip : NULL;
}

static void go_on(struct leg_act *act);

static void call_broker(struct leg_act *act)
{
        bool modify = act->kind == AMEND_MODIFY;

        leg_act_follow(act);
        if (modify)
                order_change_apply(act->shown, &act->change);
        act->call = (struct call){
                .account = act->leg->account,
                .broker = {.op = modify ? BROKER_MODIFY : BROKER_CANCEL,
                           .order = act->shown,
                           .leg = &act->shown->legs[0],
                           .scrip = leg_act_scrip(act)},
                .passes_halt = !modify || act->gate.passes_halt,
                .turn = modify ? &act->gate.turn : NULL,
                .done = called,
                .failed = failed,
        };
        if (modify && act->gate.turn.problem != PROBLEM_NONE)
                call_refuse(&act->call, act->gate.turn.problem, act->gate.turn.message);
        else
                call_start(&act->call);
}

static void turn_came(struct turn *turn)
{
        struct gate *g = CONTAINER_OF(turn, struct gate, turn);
        struct leg_act *act = CONTAINER_OF(g, struct leg_act, gate);
        if (act->intended)
                go_on(act);
}

static void unanswered(struct leg_act *act, enum leg_state state, enum outcome outcome,
                       enum problem p, const char *message)
{
        struct leg *leg = &act->shown->legs[0];
        gate_give_back(act->shown, leg, &act->gate);
        if (act->kind == AMEND_MODIFY)
                act->leg->modify_us = 0;
        else
                act->leg->cancel_us = 0;
        leg->outcome = outcome;
        leg->state = state;
        leg->problem = p;
        text_copy(leg->message, sizeof(leg->message), message);
        finish(act);
}

/* What the leg has become meanwhile decides. */
static void go_on(struct leg_act *act)
{
        struct open_leg *l = act->leg;

        if (open_leg_unresolved(l)) {
                l->cancel_owed = act->kind == AMEND_CANCEL;
                unanswered(act, LEG_STATE_UNKNOWN, OUTCOME_UNKNOWN, PROBLEM_OUTCOME_UNKNOWN,
                           "the order's own outcome is not known yet; it is cancelled when it is "
                           "found");
        } else if (order_status_terminal(l->status)) {
                open_leg_apply(l, &act->shown->legs[0]);
                unanswered(act, LEG_STATE_SETTLED, OUTCOME_REJECTED, PROBLEM_ORDER_NOT_OPEN,
                           "the order is over");
        } else {
                call_broker(act);
        }
}

static void intent_written(void *userdata, enum problem p)
{
        struct leg_act *act = userdata;

        crash_point(CRASH_ACT_INTENT);
        if (p != PROBLEM_NONE && act->kind == AMEND_MODIFY) {
                /* Refused: a leg whose intent is durable must not answer 5xx, this one has none. */
                unanswered(act, LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_STORE_UNAVAILABLE,
                           "the ledger cannot be written");
                return;
        }
        act->intended = true;
        if (!act->gate.turn.waits)
                go_on(act);
}

void leg_act_start(struct leg_act *act)
{
        struct leg_note n =
                note_of(act, act->kind == AMEND_MODIFY ? AUDIT_MODIFY_INTENT : AUDIT_CANCEL_INTENT);
        if (act->kind == AMEND_CANCEL) {
                leg_doubt_cancel(act->leg, act->actor);
                lane_look(act->leg->account); /* the leg may still wait for its turn */
        } else {
                leg_doubt_modify(act->leg, &act->asked, &act->change);
        }
        n.change = act->change;
        crash_point(CRASH_ACT_BEGIN);
        if (leg_write(act->leg, &n, intent_written, act) < 0)
                abort();
}

void leg_act_cancel(struct open_leg *l, const char *actor)
{
        struct leg_act *act = NULL;
        if (leg_act_new(&act, AMEND_CANCEL, l) < 0)
                return;
        act->actor = actor;
        act->correlation_id = "";
        act->done = alone_done;
        leg_act_start(act);
}

void leg_act_cancel_due(struct open_leg *l, const char *actor)
{
        struct account_state *a = l->account;
        bool owed = l->cancel_owed;

        l->cancel_owed = false;
        if (!order_status_terminal(l->status) &&
            (owed || (killswitch_level(a->orchestrator, a->account->id) >= KILL_LEVEL_CANCEL &&
                      !l->cancel_requested)))
                leg_act_cancel(l, actor);
}
