#include "orchestrator/book_rows.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "domain/meter.h"
#include "orchestrator/absence.h"
#include "orchestrator/book.h"
#include "orchestrator/candidate.h"
#include "orchestrator/late_row.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/leg_doubt.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

static struct leg_note note_of(enum audit_action action)
{
        return (struct leg_note){.action = action, .actor = "reconcile"};
}

static void count(struct account_state *a, enum meter meter)
{
        series_add(metrics_series(a->orchestrator->options.metrics, meter, a->account->id, NULL),
                   1);
}

void book_adopt(struct open_leg *l, const struct book_order *row, enum confidence confidence,
                bool late)
{
        bool refused = row->status == ORDER_STATUS_REJECTED;
        struct leg_note note = note_of(late && !refused ? AUDIT_LEG_LATE : AUDIT_LEG_RESOLVED);

        crash_point(CRASH_ADOPT_BEGIN);
        (void)open_leg_update(l, row);
        book_claim(l->account, row->broker_order_id, l->order_id);
        note.settles = note.must = true;
        note.answers_anew = late;
        note.confidence = confidence;
        note.problem = refused ? PROBLEM_BROKER_REJECTED : PROBLEM_NONE;
        text_copy(note.message, sizeof(note.message), refused ? row->message : "");
        l->outcome = refused ? OUTCOME_REJECTED : OUTCOME_ACCEPTED;
        open_leg_set_state(l, LEG_STATE_SETTLED);
        if (late && !refused) {
                l->account->n_late++;
                count(l->account, METER_LATE_ORDERS);
        }
        (void)leg_write(l, &note, NULL, NULL);
        leg_act_cancel_due(l, "reconcile");
}

/* Whoever placed it, two orders are where one was asked for. */
void book_twin(struct open_leg *l, const char *broker_order_id)
{
        struct leg_note note = note_of(AUDIT_LEG_TWIN);

        if (l->twice)
                return;
        l->twice = true;
        l->account->n_twins++;
        count(l->account, METER_TWIN_ORDERS);
        note.must = note.says = true;
        snprintf(note.message, sizeof(note.message),
                 "the order book has a second order with its tag: %s", broker_order_id);
        (void)leg_write(l, &note, NULL, NULL);
}

static void take_row(struct book_read *r, struct open_leg *l, const struct book_order *row)
{
        if (l->in_operation)
                return;
        bool shown = text_equal(row->tag, l->tag);
        if (shown || l->answered)
                echo_note(&l->account->echo, clock_ist_day(r->began_wall_us), shown);
        l->seen = r->number;
        if (open_leg_unresolved(l)) {
                r->adopted++;
                book_adopt(l, row, CONFIDENCE_PROVEN, false);
                return;
        }
        leg_doubt_row(r, row, l);
        if (open_leg_update(l, row)) {
                struct leg_note note = note_of(AUDIT_LEG_UPDATED);
                r->updated++;
                (void)leg_write(l, &note, NULL, NULL);
        }
        /* Asked for before the start, and nobody knows what came of it. */
        if (l->cancel_owed && l->state == LEG_STATE_SETTLED)
                leg_act_cancel_due(l, "reconcile");
        leg_doubt_settle(r, l);
}

static struct open_leg *by_number(const struct book_read *r, const char *broker_order_id)
{
        struct open_leg *l = NULL;
        if (broker_order_id[0])
                HASH_FIND(of_book, r->by_number, broker_order_id, strlen(broker_order_id), l);
        return l;
}

static void take_by_number(struct book_read *r)
{
        LIST_FOREACH (it, &r->account->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l->broker_order_id[0] && !by_number(r, l->broker_order_id))
                        HASH_ADD_KEYPTR(of_book, r->by_number, l->broker_order_id,
                                        strlen(l->broker_order_id), l);
        }
        for (unsigned i = 0; i < r->n; i++) {
                struct open_leg *l = by_number(r, r->rows[i].broker_order_id);
                if (l)
                        take_row(r, l, &r->rows[i]);
        }
}

/* What has no number yet, or another one than the row that carries its tag. */
static void take_by_tag(struct book_read *r)
{
        struct account_state *a = r->account;
        for (unsigned i = 0; i < r->n; i++) {
                const struct book_order *row = &r->rows[i];
                if (!row->tag[0] || by_number(r, row->broker_order_id))
                        continue;
                struct open_leg *l = open_leg_find(&a->orchestrator->open_legs, row->tag);
                if (!l || l->account != a)
                        continue;
                if (l->seen == r->number)
                        book_twin(l, row->broker_order_id);
                else
                        take_row(r, l, row);
        }
}

/* For brokers that do not echo the tag: what is left of the lost orders. */
static void take_candidates(struct book_read *r)
{
        struct account_state *a = r->account;

        if (a->broker->flags & BROKER_ECHOES_TAG ||
            echo_state(&a->echo, clock_ist_day(r->began_wall_us)) == ECHO_PROVEN)
                return;
        LIST_FOREACH (it, &a->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (!open_leg_unresolved(l) || l->in_operation || l->seen == r->number)
                        continue;
                const struct book_order *row = candidate_row(a, l, r->rows, r->n);
                if (!row)
                        continue;
                l->seen = r->number;
                r->adopted++;
                book_adopt(l, row, CONFIDENCE_INFERRED, false);
        }
}

static bool is_external(const struct book_read *r, const struct book_order *row)
{
        struct account_state *a = r->account;
        struct open_leg *l =
                row->tag[0] ? open_leg_find(&a->orchestrator->open_legs, row->tag) : NULL;

        if (by_number(r, row->broker_order_id) ||
            sighting_ours(&a->sightings, row->broker_order_id))
                return false;
        if (l && l->account == a)
                return l->twice; /* it has the second one's number */
        if (row->tag[0] && late_row_watch(a, row))
                return false;
        return a->orchestrator->day_orders.known && !candidate_pending(a, row);
}

/* A book that commits with our ledger has nothing late in it, and nobody else's. */
static bool ours_alone(const struct account_state *a)
{
        return a->broker->flags & BROKER_BOOK_IS_PROOF;
}

static void take_others(struct book_read *r)
{
        struct account_state *a = r->account;

        if (ours_alone(a))
                return;
        external_begin(&a->external, r->began_wall_us);
        for (unsigned i = 0; i < r->n; i++) {
                const struct book_order *row = &r->rows[i];
                if (is_external(r, row))
                        external_add(&a->external, row);
        }
}

void book_rows_take(struct book_read *r)
{
        struct account_state *a = r->account;

        /* Since when it was there nobody knows: at the latest, since the read began. */
        for (unsigned i = 0; i < r->n && !ours_alone(a); i++)
                (void)sighting_note(&a->sightings, r->rows[i].broker_order_id, r->began_wall_us);
        take_by_number(r);
        take_by_tag(r);
        take_candidates(r);
        take_others(r);
        HASH_CLEAR(of_book, r->by_number);
        LIST_FOREACH (it, &a->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                absence_take(r, l);
        }
}
