#include "orchestrator/absence.h"

#include "base/clock.h"
#include "orchestrator/book.h"
#include "orchestrator/candidate.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

static struct leg_note note_of(enum audit_action action, enum problem problem, const char *message)
{
        struct leg_note note = {.action = action,
                                .actor = "reconcile",
                                .settles = true,
                                .must = true,
                                .problem = problem};
        text_copy(note.message, sizeof(note.message), message);
        return note;
}

static void give_up(struct open_leg *l, const char *message)
{
        const struct leg_note note =
                note_of(AUDIT_LEG_NEEDS_OPERATOR, PROBLEM_OUTCOME_UNKNOWN, message);
        open_leg_set_state(l, LEG_STATE_NEEDS_OPERATOR);
        (void)leg_write(l, &note, NULL, NULL);
}

static void settle(struct open_leg *l, enum confidence confidence, const char *message)
{
        struct leg_note note = note_of(AUDIT_LEG_RESOLVED, PROBLEM_NOT_PLACED, message);
        note.confidence = confidence;
        l->outcome = OUTCOME_NOT_PLACED;
        l->status = ORDER_STATUS_REJECTED;
        open_leg_set_state(l, LEG_STATE_SETTLED);
        (void)leg_write(l, &note, NULL, NULL);
}

static bool echo_proven(const struct account_state *a, int64_t now_wall_us)
{
        return echo_state(&a->echo, clock_ist_day(now_wall_us)) == ECHO_PROVEN;
}

static int64_t span_us(const struct open_leg *l)
{
        return l->denied ? ABSENCE_DENIED_US : ABSENCE_US;
}

int64_t absence_due_us(const struct open_leg *l, int64_t now_wall_us)
{
        if (!l->absent_us || !echo_proven(l->account, now_wall_us))
                return INT64_MAX;
        return l->absent_us + span_us(l);
}

/* A row without a tag that looks like it, at a broker that does not promise the echo: whoever
 * placed that one, this one is not known to be missing. */
static bool looks_there(const struct book_read *r, const struct open_leg *l)
{
        return !(l->account->broker->flags & BROKER_ECHOES_TAG) &&
               candidate_row(l->account, l, r->rows, r->n);
}

static void end_day(struct open_leg *l)
{
        if (l->state != LEG_STATE_NEEDS_OPERATOR)
                give_up(l,
                        "its day is over, and the order book did not tell; settle it with ordoctl "
                        "or the resolve route");
}

void absence_sweep(struct orchestrator *o)
{
        int today = clock_ist_day(clock_wall_us());
        struct open_leg *l, *next;

        if (today == o->swept_day)
                return;
        o->swept_day = today;
        HASH_ITER (hh, o->open_legs.by_tag, l, next)
                if (l->account->owned && open_leg_unresolved(l) && !l->in_operation &&
                    l->day < today && !(l->account->broker->flags & BROKER_BOOK_IS_PROOF))
                        end_day(l);
}

static void take_unresolved(const struct book_read *r, struct open_leg *l)
{
        struct account_state *a = l->account;
        bool waits = l->state != LEG_STATE_NEEDS_OPERATOR;

        if (a->broker->flags & BROKER_BOOK_IS_PROOF) {
                settle(l, CONFIDENCE_PROVEN, "the order book is complete and does not have it");
                return;
        }
        if (l->day < clock_ist_day(r->began_wall_us)) {
                end_day(l);
                return;
        }
        if (!l->absent_us)
                l->absent_us = r->began_us;
        bool proven = echo_proven(a, r->began_wall_us),
             spanned = r->began_us - l->absent_us >= span_us(l);
        bool told = proven && spanned && !looks_there(r, l);
        if (told)
                settle(l, CONFIDENCE_INFERRED,
                       "the order book shows the tags of other orders, and not this one's");
        else if (waits && book_searched(l) && (!proven || spanned))
                give_up(l, "the order book does not tell; settle it with ordoctl or the resolve "
                           "route");
}

void absence_take(const struct book_read *r, struct open_leg *l)
{
        if (l->in_operation || l->seen == r->number || r->since_us > l->since_us ||
            r->began_us < l->unresolved_us)
                return;
        if (open_leg_unresolved(l)) {
                take_unresolved(r, l);
        } else if (l->day < clock_ist_day(r->began_wall_us) && !order_status_terminal(l->status)) {
                const struct leg_note note = {.action = AUDIT_LEG_UPDATED, .actor = "reconcile"};
                l->status = ORDER_STATUS_EXPIRED;
                (void)leg_write(l, &note, NULL, NULL);
        }
}
