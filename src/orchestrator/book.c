#include "orchestrator/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/candidate.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

/* When an unresolved leg is looked for, counted from when its outcome became unknown (orders.md
 * §3). */
static const int64_t schedule_ms[] = {500, 1000, 2000, 4000, 8000, 15000, 30000, 60000, 120000};
#define BOOK_RETRY_US   INT64_C(1000000) /* after a read that failed */
#define BOOK_OVERLAP_US INT64_C(2000000) /* of one filtered read with the one before it */

struct book_reader {
        struct account_state *account;
        struct loop_timer timer;
        struct call call;
        bool started, armed, reading, failed;
        int64_t due_us;   /* monotonic, when armed */
        unsigned number;  /* of reads */
        int64_t began_us; /* monotonic, of the running or last read */
        int64_t began_wall_us;
        int64_t complete_wall_us;   /* when the last complete one began; 0 never */
        struct open_leg *by_number; /* of the account's, while a book is gone through */
};

static void schedule(struct book_reader *b);

static struct leg_note note_of(enum audit_action action)
{
        return (struct leg_note){.action = action, .actor = "reconcile"};
}

static void settle(struct open_leg *l, enum outcome outcome, enum confidence confidence,
                   enum problem problem, const char *message)
{
        struct leg_note note = note_of(AUDIT_LEG_RESOLVED);
        note.settles = note.must = true;
        note.confidence = confidence;
        note.problem = problem;
        text_copy(note.message, sizeof(note.message), message);
        l->outcome = outcome;
        open_leg_set_state(l, LEG_STATE_SETTLED);
        (void)leg_write(l, &note, NULL, NULL);
}

static void adopt(struct open_leg *l, const struct book_order *row, enum confidence confidence)
{
        struct account_state *a = l->account;
        bool refused = row->status == ORDER_STATUS_REJECTED;

        open_leg_update(l, row);
        book_claim(a, row->broker_order_id);
        settle(l, refused ? OUTCOME_REJECTED : OUTCOME_ACCEPTED, confidence,
               refused ? PROBLEM_BROKER_REJECTED : PROBLEM_NONE, refused ? row->message : "");
        bool owed = l->cancel_owed;
        l->cancel_owed = false;
        if (!order_status_terminal(l->status) &&
            (owed || (killswitch_level(a->orchestrator, a->account->id) >= KILL_LEVEL_CANCEL &&
                      !l->cancel_requested)))
                leg_act_cancel(l, "reconcile");
}

static void take_row(struct book_reader *b, struct open_leg *l, const struct book_order *row)
{
        if (l->in_operation)
                return;
        l->seen = b->number;
        if (open_leg_unresolved(l)) {
                adopt(l, row, CONFIDENCE_PROVEN);
        } else if (open_leg_update(l, row)) {
                struct leg_note note = note_of(AUDIT_LEG_UPDATED);
                (void)leg_write(l, &note, NULL, NULL);
        }
}

/* Whoever placed it, two orders are where one was asked for. */
static void two_with_one_tag(struct open_leg *l, const struct book_order *row)
{
        if (l->twice)
                return;
        l->twice = true;
        log_event(LOG_CRIT, EVENT_NEEDS_OPERATOR,
                  LOG_FIELDS({"ORDO_ACCOUNT", l->account->account->id},
                             {"ORDO_ORDER_ID", l->order_id}),
                  "%s: the book has two orders with the tag %s: %s and %s", l->account->account->id,
                  l->tag, l->broker_order_id, row->broker_order_id);
}

static struct open_leg *by_number(const struct book_reader *b, const char *broker_order_id)
{
        struct open_leg *l = NULL;
        if (broker_order_id[0])
                HASH_FIND(of_book, b->by_number, broker_order_id, strlen(broker_order_id), l);
        return l;
}

static void take_by_number(struct book_reader *b, const struct call *c)
{
        LIST_FOREACH (it, &b->account->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l->broker_order_id[0] && !by_number(b, l->broker_order_id))
                        HASH_ADD_KEYPTR(of_book, b->by_number, l->broker_order_id,
                                        strlen(l->broker_order_id), l);
        }
        for (unsigned i = 0; i < c->result.n_orders; i++) {
                const struct book_order *row = &c->result.orders[i];
                struct open_leg *l = by_number(b, row->broker_order_id);
                if (l)
                        take_row(b, l, row);
        }
}

/* What has no number yet, or another one than the row that carries its tag. */
static void take_by_tag(struct book_reader *b, const struct call *c)
{
        struct orchestrator *o = b->account->orchestrator;
        for (unsigned i = 0; i < c->result.n_orders; i++) {
                const struct book_order *row = &c->result.orders[i];
                if (!row->tag[0] || by_number(b, row->broker_order_id))
                        continue;
                struct open_leg *l = open_leg_find(&o->open_legs, row->tag);
                if (!l || l->account != b->account)
                        continue;
                if (l->seen == b->number)
                        two_with_one_tag(l, row);
                else
                        take_row(b, l, row);
        }
}

/* For brokers that do not echo the tag: what is left of the lost orders. */
static void take_candidates(struct book_reader *b, const struct call *c)
{
        struct account_state *a = b->account;
        int64_t now_us = clock_wall_us();

        if (a->broker->flags & BROKER_ECHOES_TAG)
                return;
        for (unsigned i = 0; i < c->result.n_orders; i++)
                (void)sighting_note(&a->sightings, c->result.orders[i].broker_order_id, now_us);
        LIST_FOREACH (it, &a->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (!open_leg_unresolved(l) || l->in_operation || l->seen == b->number)
                        continue;
                const struct book_order *row =
                        candidate_row(a, l, c->result.orders, c->result.n_orders);
                if (!row)
                        continue;
                l->seen = b->number;
                adopt(l, row, CONFIDENCE_INFERRED);
        }
}

static void give_up(struct open_leg *l)
{
        struct leg_note note = note_of(AUDIT_LEG_NEEDS_OPERATOR);
        note.settles = note.must = true;
        note.problem = PROBLEM_OUTCOME_UNKNOWN;
        text_copy(note.message, sizeof(note.message),
                  "the order book does not tell; settle it with ordoctl or the resolve route");
        open_leg_set_state(l, LEG_STATE_NEEDS_OPERATOR);
        (void)leg_write(l, &note, NULL, NULL);
}

/* A leg that this read did not show. */
static void take_absence(struct book_reader *b, struct open_leg *l, int64_t since_us)
{
        if (l->in_operation || l->seen == b->number || since_us > l->since_us ||
            b->began_us < l->unresolved_us)
                return;
        bool proof = b->account->broker->flags & BROKER_BOOK_IS_PROOF;
        if (open_leg_unresolved(l)) {
                if (proof) {
                        l->status = ORDER_STATUS_REJECTED;
                        settle(l, OUTCOME_NOT_PLACED, CONFIDENCE_PROVEN, PROBLEM_NOT_PLACED,
                               "the order book is complete and does not have it");
                } else if (l->state != LEG_STATE_NEEDS_OPERATOR &&
                           l->reads >= ELEMENTS(schedule_ms)) {
                        give_up(l);
                }
        } else if (l->day < clock_ist_day(b->began_wall_us)) {
                struct leg_note note = note_of(AUDIT_LEG_UPDATED);
                l->status = ORDER_STATUS_EXPIRED;
                (void)leg_write(l, &note, NULL, NULL);
        }
}

static void read_ended(struct call *c)
{
        struct book_reader *b = CONTAINER_OF(c, struct book_reader, call);
        struct account_state *a = b->account;

        b->reading = false;
        b->failed = c->result.outcome != OUTCOME_ACCEPTED;
        if (!b->failed) {
                take_by_number(b, c);
                take_by_tag(b, c);
                HASH_CLEAR(of_book, b->by_number);
                take_candidates(b, c);
                LIST_FOREACH (it, &a->open_legs) {
                        struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                        if (l->modify_us < b->began_us)
                                l->modify_us = 0;
                        take_absence(b, l, c->broker.since_us);
                }
                b->complete_wall_us = b->began_wall_us;
                a->ready = true;
        }
        call_clear(c);
        LIST_FOREACH (it, &a->open_legs)
                leg_writes_retry(LIST_ENTRY(it, struct open_leg, of_account));
        ledger_flush(a->orchestrator);
        schedule(b);
}

/* Rows older than this cannot concern anybody. */
static int64_t since(const struct book_reader *b)
{
        bool local = b->account->broker->flags & BROKER_LOCAL, first = b->complete_wall_us == 0;
        /* A local exchange has our clock and our ledger: before start only what is followed
         * matters. */
        int64_t from = first && local ? b->began_wall_us : b->complete_wall_us;
        int64_t overlap = local ? 0 : BOOK_OVERLAP_US;
        int today = clock_ist_day(b->began_wall_us);
        LIST_FOREACH (it, &b->account->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                bool whole = first || open_leg_unresolved(l) || l->dirty || l->day < today;
                if (whole && l->since_us < from)
                        from = l->since_us;
        }
        return from > overlap ? from - overlap : 0;
}

static void read_now(struct loop_timer *t)
{
        struct book_reader *b = CONTAINER_OF(t, struct book_reader, timer);
        b->armed = false;
        if (b->reading)
                return;
        b->reading = true;
        b->number++;
        b->began_us = clock_mono_us();
        b->began_wall_us = clock_wall_us();
        LIST_FOREACH (it, &b->account->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l->state == LEG_STATE_UNKNOWN && l->next_read_us <= b->began_us)
                        l->next_read_us =
                                b->began_us + schedule_ms[l->reads < ELEMENTS(schedule_ms)
                                                                  ? l->reads++
                                                                  : ELEMENTS(schedule_ms) - 1] *
                                                      USEC_PER_MS;
        }
        b->call = (struct call){
                .account = b->account,
                .broker = {.op = BROKER_BOOK, .since_us = since(b)},
                .done = read_ended,
                .passes_halt = true,
        };
        call_start(&b->call);
}

static void schedule(struct book_reader *b)
{
        struct account_state *a = b->account;
        int64_t now = clock_mono_us(), due = INT64_MAX;
        int64_t every = a->broker->flags & BROKER_LOCAL ? BOOK_LOCAL_US : BOOK_REMOTE_US;

        if (!b->started || b->reading)
                return;
        if (!a->ready)
                due = b->number == 0 ? now : b->began_us + BOOK_RETRY_US;
        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                int64_t at = b->began_us + every;
                if (l->in_operation)
                        continue;
                if (l->state == LEG_STATE_UNKNOWN)
                        at = l->next_read_us;
                if (at < due)
                        due = at;
        }
        if (due == INT64_MAX) {
                loop_timer_stop(&b->timer);
                b->armed = false;
                return;
        }
        if (b->failed && due < b->began_us + BOOK_RETRY_US)
                due = b->began_us + BOOK_RETRY_US;
        b->due_us = due;
        b->armed = loop_timer_set(a->orchestrator->loop, &b->timer, due > now ? due - now : 0) >= 0;
}

int book_init(struct account_state *a)
{
        a->book = calloc(1, sizeof(*a->book));
        if (!a->book)
                return -ENOMEM;
        a->book->account = a;
        a->book->timer.fire = read_now;
        return 0;
}

void book_done(struct account_state *a)
{
        if (!a->book)
                return;
        loop_timer_done(&a->book->timer);
        call_clear(&a->book->call);
        free(a->book);
        a->book = NULL;
}

void book_start(struct account_state *a)
{
        a->book->started = true;
        schedule(a->book);
}

void book_kick(struct account_state *a)
{
        /* Hot path: what is armed for live legs is soon enough for one more. */
        if (a->book->armed && a->book->due_us <= clock_mono_us() + BOOK_LOCAL_US)
                return;
        schedule(a->book);
}

void book_claim(struct account_state *a, const char *broker_order_id)
{
        if (broker_order_id[0] && !(a->broker->flags & BROKER_ECHOES_TAG))
                sighting_claim(&a->sightings, broker_order_id, clock_wall_us());
}

void book_reconcile(struct open_leg *l)
{
        l->in_operation = false;
        l->reads = 0;
        l->unresolved_us = clock_mono_us();
        l->next_read_us = clock_mono_us() + schedule_ms[l->reads++] * USEC_PER_MS;
        schedule(l->account->book);
}
