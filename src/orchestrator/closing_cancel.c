/* Cancelling what is open, the riskiest first. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "orchestrator/closing.h"
#include "orchestrator/state.h"

/* --- one order --- */

static void show_leg(struct closing_task *t, const struct open_leg *l)
{
        struct kill_task *s = &t->shown;
        if (l->filled_quantity > s->filled_quantity && s->kind == KILL_KIND_ORDER)
                t->closing->filled_us = clock_mono_us();
        s->quantity = l->quantity;
        s->filled_quantity = l->filled_quantity;
        text_copy(s->broker_order_id, sizeof(s->broker_order_id), l->broker_order_id);
}

static void refused(struct closing_task *t, const struct leg *leg)
{
        const char *message = leg->broker_message[0] ? leg->broker_message : leg->message;
        bool session = leg->problem == PROBLEM_SESSION_REQUIRED;

        if (leg->outcome == OUTCOME_REJECTED)
                closing_task_set(t, KILL_STATE_REFUSED, KILL_BLOCK_REFUSED, message);
        else
                closing_task_set(t, KILL_STATE_WAITING,
                                 session ? KILL_BLOCK_NO_SESSION : KILL_BLOCK_NONE, message);
        t->next_us = clock_mono_us() + closing_again_us(t->shown.tries);
}

static void acted(struct leg_act *act)
{
        struct closing_task *t = act->userdata;
        struct closing *c = t->closing;
        const struct leg *leg = &act->shown->legs[0];
        bool sent = leg->outcome == OUTCOME_ACCEPTED || leg->outcome == OUTCOME_UNKNOWN;

        running_end(c->account->orchestrator, &t->running);
        c->n_cancels--;
        c->acted_us = clock_mono_us();
        if (sent)
                t->next_us = c->acted_us + closing_again_us(t->shown.tries);
        else if (t->shown.kind == KILL_KIND_ORDER)
                refused(t, leg);
        else
                t->next_us = c->acted_us + closing_again_us(t->shown.tries);
        t->answered_us = leg->outcome == OUTCOME_ACCEPTED ? c->acted_us : 0;
        leg_act_free(TAKE(t->act));
        closing_soon(c);
}

void closing_cancel(struct closing_task *t)
{
        struct closing *c = t->closing;
        if (leg_act_new(&t->act, AMEND_CANCEL, t->leg) < 0)
                return;
        t->act->actor = CLOSING_ACTOR;
        t->act->correlation_id = CLOSING_ACTOR;
        t->act->done = acted;
        t->act->userdata = t;
        t->shown.tries++;
        if (t->shown.kind == KILL_KIND_ORDER)
                closing_task_set(t, KILL_STATE_CANCELLING, KILL_BLOCK_NONE, "");
        c->n_cancels++;
        running_begin(c->account->orchestrator, &t->running);
        leg_act_start(t->act);
}

bool closing_may_cancel(const struct closing_task *t)
{
        const struct closing *c = t->closing;
        return clock_mono_us() >= t->next_us && c->n_cancels < CLOSING_CANCELS_MAX &&
               (t->answered_us == 0 || c->book_us > t->answered_us);
}

static void end(struct closing_task *t)
{
        const struct open_leg *l = t->leg;
        enum kill_state state = l->status == ORDER_STATUS_FILLED      ? KILL_STATE_FILLED
                                : l->status == ORDER_STATUS_CANCELLED ? KILL_STATE_CANCELLED
                                                                      : KILL_STATE_ENDED;
        closing_task_set(t, state, KILL_BLOCK_NONE, "");
        closing_let_go(t);
}

static void follow(struct closing_task *t)
{
        struct open_leg *l = t->leg;
        bool owed = open_leg_unresolved(l) && l->cancel_owed;

        show_leg(t, l);
        if (t->act)
                return;
        if (closing_leg_over(l)) {
                end(t);
                return;
        }
        if (open_leg_unresolved(l) && t->shown.state != KILL_STATE_UNRESOLVED)
                closing_task_set(t, KILL_STATE_UNRESOLVED, KILL_BLOCK_NONE,
                                 l->state == LEG_STATE_NEEDS_OPERATOR
                                         ? "an operator must settle it"
                                         : "it is cancelled when it is found");
        /* What is owed to be cancelled waits for its book. */
        if (!owed && closing_may_cancel(t))
                closing_cancel(t);
}

/* --- all of them --- */

static bool is_exit(const struct closing *c, const struct open_leg *l)
{
        LIST_FOREACH (it, &c->tasks) {
                const struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (t->placing && strcmp(t->shown.order_id, l->order_id) == 0)
                        return true;
        }
        return false;
}

/* What may open or enlarge a position goes before what closes one: a stop must not go first, while
 * an entry may still fill. Then by what it is worth; one at the market may fill any moment. */
struct risk {
        struct open_leg *leg;
        bool closes;
        int64_t value;
};

static struct risk risk_of(struct open_leg *l)
{
        int64_t position = funds_position(l->account, l->symbol, l->product);
        int64_t price = l->price ? l->price : l->trigger_price;
        return (struct risk){
                .leg = l,
                .closes = position != 0 && (position > 0) == (l->side == SIDE_SELL),
                .value = price ? decimal_muldiv(price, l->quantity - l->filled_quantity, 1)
                               : INT64_MAX,
        };
}

static int by_risk(const void *x, const void *y)
{
        const struct risk *a = x, *b = y;
        if (a->closes != b->closes)
                return a->closes ? 1 : -1;
        if (a->value != b->value)
                return a->value > b->value ? -1 : 1;
        return strcmp(a->leg->tag, b->leg->tag);
}

static void take_up(struct closing *c, struct open_leg *l)
{
        struct closing_task *t = closing_task_new(c, KILL_KIND_ORDER);
        if (!t)
                return;
        struct kill_task *s = &t->shown;
        text_copy(s->order_id, sizeof(s->order_id), l->order_id);
        text_copy(s->symbol, sizeof(s->symbol), l->symbol);
        s->leg = l->number;
        s->side = l->side;
        s->product = l->product;
        s->filled_quantity = l->filled_quantity;
        closing_hold(t, l);
}

static void take_up_new(struct closing *c)
{
        struct account_state *a = c->account;
        unsigned n = 0;
        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                n += !l->closing && closing_leg_counts(l);
        }
        _cleanup_(freep) struct risk *list = n ? calloc(n, sizeof(*list)) : NULL;
        if (!list)
                return;
        n = 0;
        LIST_FOREACH (it, &a->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (!l->closing && closing_leg_counts(l) && !is_exit(c, l))
                        list[n++] = risk_of(l);
        }
        qsort(list, n, sizeof(*list), by_risk);
        for (unsigned i = 0; i < n; i++)
                take_up(c, list[i].leg);
}

void closing_cancel_legs(struct closing *c)
{
        take_up_new(c);
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (t->shown.kind == KILL_KIND_ORDER && t->leg)
                        follow(t);
        }
}
