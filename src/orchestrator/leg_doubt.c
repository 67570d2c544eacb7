#include "orchestrator/leg_doubt.h"

#include <string.h>

#include "base/clock.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

#define ACTOR "reconcile"

void leg_doubt_modify(struct open_leg *l, const struct order_change *asked,
                      const struct order_change *change)
{
        l->modify_us = LEG_MODIFYING;
        l->modify_asked = *asked;
        l->modify_change = *change;
        l->modify_quantity = change->has_quantity ? change->quantity : 0;
        l->modify_price = change->has_price ? change->price : l->price;
}

void leg_doubt_cancel(struct open_leg *l, const char *actor)
{
        l->cancel_requested = true;
        l->cancel_us = LEG_CANCELLING;
        if (strcmp(actor, ACTOR) != 0)
                l->cancel_repeats = 0;
}

void leg_doubt_answered(struct open_leg *l, enum amend_kind kind, enum outcome outcome,
                        bool promised)
{
        bool open = outcome == OUTCOME_UNKNOWN || (promised && outcome == OUTCOME_NOT_SENT);
        int64_t since_us = open ? clock_mono_us() : 0;

        if (kind == AMEND_MODIFY) {
                l->modify_us = since_us;
                return;
        }
        l->cancel_us = since_us;
        /* Whoever asked is told that it is not cancelled: a later start must not do it either. */
        if (!open && outcome != OUTCOME_ACCEPTED)
                l->cancel_requested = false;
}

static bool made(const struct order_change *c, const struct book_order *row)
{
        return (!c->has_quantity || c->quantity == row->quantity) &&
               (!c->has_price || c->price == row->price) &&
               (!c->has_trigger_price || c->trigger_price == row->trigger_price) &&
               (!c->has_type || c->type == row->type);
}

static void tell(struct open_leg *l, struct leg_note *note, enum outcome outcome,
                 const char *message)
{
        text_copy(note->actor, sizeof(note->actor), ACTOR);
        note->must = true;
        note->outcome = outcome;
        text_copy(note->message, sizeof(note->message), message);
        (void)leg_write(l, note, NULL, NULL);
}

void leg_doubt_row(const struct book_read *r, const struct book_order *row, struct open_leg *l)
{
        struct leg_note note = {.action = AUDIT_MODIFY_ANSWERED};

        if (!l->modify_us || l->modify_us >= r->began_us)
                return;
        l->modify_us = 0;
        if (made(&l->modify_change, row)) {
                note.modified = true;
                note.change = l->modify_asked;
                tell(l, &note, OUTCOME_ACCEPTED, "the order book shows that it was made");
        } else {
                tell(l, &note, OUTCOME_NOT_PLACED,
                     "the order book shows that it was not made, or not yet; what it shows holds");
        }
}

void leg_doubt_settle(const struct book_read *r, struct open_leg *l)
{
        struct account_state *a = l->account;
        struct leg_note note = {.action = AUDIT_CANCEL_ANSWERED,
                                .problem = PROBLEM_OUTCOME_UNKNOWN};

        if (!l->cancel_us || l->cancel_us >= r->began_us)
                return;
        l->cancel_us = 0;
        /* The kill switch repeats its own. */
        if (order_status_terminal(l->status) ||
            killswitch_level(a->orchestrator, a->account->id) >= KILL_LEVEL_CANCEL)
                return;
        if (l->cancel_repeats < CANCEL_REPEATS_MAX) {
                l->cancel_repeats++;
                leg_act_cancel(l, ACTOR);
                return;
        }
        l->cancel_requested = false;
        tell(l, &note, OUTCOME_UNKNOWN,
             "the order is still live, and the cancel was repeated often enough; cancel it again, "
             "or at the broker");
}
