#include "orchestrator/book.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/absence.h"
#include "orchestrator/book_rows.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

/* When an unresolved leg is looked for, counted from when its outcome became unknown (orders.md
 * §3). */
static const int64_t schedule_ms[] = {500, 1000, 2000, 4000, 8000, 15000, 30000, 60000, 120000};
#define BOOK_RETRY_US INT64_C(1000000) /* after a read that failed */

struct book_reader {
        struct account_state *account;
        struct loop_timer timer;
        struct call call;
        bool started, armed, reading, failed;
        bool wanted;              /* somebody wants it read soon */
        bool looks;               /* the timer only asks whether the market is open */
        bool told;                /* that it cannot be read */
        char error[MESSAGE_SIZE]; /* of the last read; "" */
        int64_t due_us;           /* monotonic, when armed */
        unsigned number;          /* of reads */
        int64_t began_us;         /* monotonic, of the running or last read */
        int64_t began_wall_us;
        int64_t complete_wall_us; /* when the last complete one began; 0 never */
        struct list waiting;      /* struct book_wait */
};

static void schedule(struct book_reader *b);

/* --- reading --- */

static void answer(struct book_reader *b, const struct broker_result *r,
                   const struct book_read *read)
{
        LIST_FOREACH (it, &b->waiting) {
                struct book_wait *w = LIST_ENTRY(it, struct book_wait, link);
                if (w->number > b->number)
                        continue;
                list_unlink(it);
                w->as_of_us = b->failed ? 0 : b->began_wall_us;
                w->adopted = read->adopted;
                w->updated = read->updated;
                w->problem = !b->failed ? PROBLEM_NONE
                             : r->problem == PROBLEM_NONE || r->problem == PROBLEM_OUTCOME_UNKNOWN
                                     ? PROBLEM_BROKER_UNREACHABLE
                                     : r->problem;
                text_copy(w->message, sizeof(w->message), b->failed ? r->message : "");
                w->done(w); /* may free it */
        }
}

static void say_unread(const struct book_reader *b)
{
        const struct account_state *a = b->account;
        const char *id = a->account->id;

        log_event(
                LOG_ERR, EVENT_BOOK,
                LOG_FIELDS({"ORDO_ACCOUNT", id}, {"ORDO_ACTION", "book"},
                           {"ORDO_STATUS", "unread"}),
                a->ready ? "the order book of %s cannot be read: %s; what changes there is not seen"
                         : "the order book of %s cannot be read: %s; no order is taken until it is",
                id, b->error);
}

static void say_read(const struct book_reader *b)
{
        const char *id = b->account->account->id;

        log_event(
                LOG_NOTICE, EVENT_BOOK,
                LOG_FIELDS({"ORDO_ACCOUNT", id}, {"ORDO_ACTION", "book"}, {"ORDO_STATUS", "read"}),
                "the order book of %s can be read again", id);
}

/* A read that fails once is nothing while an earlier one is fresh. Without a session, and at the
 * end of the daemon, nobody expects it. */
static void tell(struct book_reader *b, const struct broker_result *r)
{
        const struct account_state *a = b->account;

        if (!b->failed) {
                b->error[0] = '\0';
                if (b->told)
                        say_read(b);
                b->told = false;
                return;
        }
        text_copy(b->error, sizeof(b->error),
                  r->message[0] ? r->message : "the broker gave no usable answer");
        bool fresh = clock_wall_us() - b->complete_wall_us < BOOK_OLD_US;
        if (b->told || fresh || a->session != SESSION_STATE_ACTIVE || a->orchestrator->draining)
                return;
        say_unread(b);
        b->told = true;
}

static void read_ended(struct call *c)
{
        struct book_reader *b = CONTAINER_OF(c, struct book_reader, call);
        struct account_state *a = b->account;
        struct book_read read = {
                .account = a,
                .number = b->number,
                .began_us = b->began_us,
                .began_wall_us = b->began_wall_us,
                .since_us = c->broker.since_us,
                .rows = c->result.orders,
                .n = c->result.n_orders,
        };

        b->reading = false;
        b->failed = c->result.outcome != OUTCOME_ACCEPTED;
        if (!b->failed && a->owned)
                book_rows_take(&read);
        if (!b->failed) {
                b->complete_wall_us = b->began_wall_us;
                a->ready |= a->owned;
                loss_watch(a);
        }
        tell(b, &c->result);
        answer(b, &c->result, &read);
        call_clear(c);
        LIST_FOREACH (it, &a->open_legs)
                leg_writes_retry(LIST_ENTRY(it, struct open_leg, of_account));
        ledger_flush(a->orchestrator);
        schedule(b);
}

/* An exchange inside this process has our clock and our ledger: rows that did not change since the
 * last read cannot concern anybody, and before start only what is followed matters. Elsewhere the
 * whole book is read. */
static int64_t since(const struct book_reader *b)
{
        if (!(b->account->broker->flags & BROKER_LOCAL))
                return 0;
        bool first = b->complete_wall_us == 0;
        int64_t from = first ? b->began_wall_us : b->complete_wall_us;
        int today = clock_ist_day(b->began_wall_us);
        LIST_FOREACH (it, &b->account->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                bool whole = first || open_leg_unresolved(l) || l->dirty || l->day < today ||
                             l->modify_us || l->cancel_us;
                if (whole && l->since_us < from)
                        from = l->since_us;
        }
        return from;
}

/* The next time an unknown leg is looked for; once more when a read would prove that it is not
 * there. */
static void step(const struct book_reader *b, struct open_leg *l)
{
        if (l->state != LEG_STATE_UNKNOWN || l->next_read_us > b->began_us)
                return;
        unsigned n = l->reads < ELEMENTS(schedule_ms) ? l->reads++ : ELEMENTS(schedule_ms) - 1;
        l->next_read_us = b->began_us + schedule_ms[n] * USEC_PER_MS;
}

static void read_now(struct book_reader *b)
{
        if (b->reading)
                return;
        b->reading = true;
        b->wanted = false;
        b->number++;
        b->began_us = clock_mono_us();
        b->began_wall_us = clock_wall_us();
        LIST_FOREACH (it, &b->account->open_legs)
                step(b, LIST_ENTRY(it, struct open_leg, of_account));
        b->call = (struct call){
                .account = b->account,
                .broker = {.op = BROKER_BOOK, .since_us = since(b)},
                .done = read_ended,
                .passes_halt = true,
                .due = b->began_wall_us - b->complete_wall_us > BOOK_DUE_US,
        };
        call_start(&b->call);
}

static void fired(struct loop_timer *t)
{
        struct book_reader *b = CONTAINER_OF(t, struct book_reader, timer);
        b->armed = false;
        if (b->looks)
                schedule(b);
        else
                read_now(b);
}

/* --- when --- */

/* Somebody may place or fill an order there that we would not hear of otherwise. */
static bool watched(const struct account_state *a)
{
        return !(a->broker->flags & BROKER_LOCAL) && a->session == SESSION_STATE_ACTIVE;
}

static bool market_open(const struct account_state *a, int64_t wall_us)
{
        const int64_t moments[] = {wall_us, wall_us + BOOK_WATCH_BEFORE_US,
                                   wall_us - BOOK_WATCH_AFTER_US};

        for (unsigned i = 0; i < a->broker->n_capabilities; i++) {
                const struct instrument any = {.exchange = a->broker->capabilities[i].exchange};
                for (unsigned n = 0; n < ELEMENTS(moments); n++)
                        if (calendar_open(a->orchestrator->options.calendar, &any, moments[n]))
                                return true;
        }
        return false;
}

static int64_t live_due_us(const struct book_reader *b)
{
        return b->began_us +
               (b->account->broker->flags & BROKER_LOCAL ? BOOK_LOCAL_US : BOOK_REMOTE_US);
}

/* When this leg wants the book read. */
static int64_t leg_due_us(const struct book_reader *b, const struct open_leg *l, int64_t wall_us)
{
        if (l->in_operation)
                return INT64_MAX;
        if (l->state == LEG_STATE_UNKNOWN) {
                int64_t proof = absence_due_us(l, wall_us);
                return proof > b->began_us && proof < l->next_read_us ? proof : l->next_read_us;
        }
        /* Of an ended day: no book tells of it any more. */
        if (l->state == LEG_STATE_NEEDS_OPERATOR && l->day < clock_ist_day(wall_us))
                return INT64_MAX;
        return live_due_us(b);
}

static int64_t due_us(const struct book_reader *b, int64_t now_us)
{
        const struct account_state *a = b->account;
        int64_t due = INT64_MAX, wall_us = clock_wall_us();

        if (b->wanted || !list_empty(&b->waiting) || (!a->ready && b->number == 0))
                return now_us;
        if (!a->ready)
                due = b->began_us + BOOK_RETRY_US;
        else if (watched(a) && market_open(a, wall_us))
                due = b->began_us + BOOK_WATCH_US;
        LIST_FOREACH (it, &a->open_legs) {
                int64_t at = leg_due_us(b, LIST_ENTRY(it, struct open_leg, of_account), wall_us);
                due = at < due ? at : due;
        }
        if (b->failed && due < b->began_us + BOOK_RETRY_US)
                due = b->began_us + BOOK_RETRY_US;
        return due;
}

static void schedule(struct book_reader *b)
{
        struct account_state *a = b->account;
        int64_t now = clock_mono_us();

        if (!b->started || b->reading)
                return;
        /* Whoever looks after the account reads it; here only who asks for it. */
        if (!a->owned && list_empty(&b->waiting)) {
                loop_timer_stop(&b->timer);
                b->armed = false;
                return;
        }
        int64_t due = due_us(b, now);
        b->looks = watched(a) && due > now + BOOK_LOOK_US;
        if (b->looks)
                due = now + BOOK_LOOK_US;
        if (due == INT64_MAX) {
                loop_timer_stop(&b->timer);
                b->armed = false;
                return;
        }
        b->due_us = due;
        b->armed = loop_timer_set(a->orchestrator->loop, &b->timer, due > now ? due - now : 0) >= 0;
}

/* --- from outside --- */

int book_init(struct account_state *a)
{
        a->book = calloc(1, sizeof(*a->book));
        if (!a->book)
                return -ENOMEM;
        a->book->account = a;
        a->book->timer.fire = fired;
        list_init(&a->book->waiting);
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

void book_own(struct account_state *a)
{
        a->book->wanted = true;
        schedule(a->book);
}

void book_kick(struct account_state *a)
{
        /* Hot path: what is armed for live legs is soon enough for one more. All legs are walked
         * for the first one only, not for each. */
        if (a->ready && a->book->armed && a->book->due_us <= live_due_us(a->book))
                return;
        schedule(a->book);
}

void book_read_soon(struct account_state *a)
{
        a->book->wanted = true;
        schedule(a->book);
}

bool book_claim(struct account_state *a, const char *broker_order_id, const char *order_id)
{
        return !broker_order_id[0] ||
               sighting_claim(&a->sightings, broker_order_id, order_id, clock_wall_us());
}

void book_reconcile(struct open_leg *l)
{
        l->in_operation = false;
        l->reads = 0;
        l->absent_us = 0;
        l->unresolved_us = clock_mono_us();
        l->next_read_us = clock_mono_us() + schedule_ms[l->reads++] * USEC_PER_MS;
        schedule(l->account->book);
}

bool book_searched(const struct open_leg *l)
{
        return l->reads >= ELEMENTS(schedule_ms);
}

int64_t book_as_of_us(const struct account_state *a)
{
        return a->book->complete_wall_us;
}

const char *book_error(const struct account_state *a)
{
        return a->book->error;
}

void book_wait(struct account_state *a, struct book_wait *w)
{
        w->number = a->book->number + 1;
        list_append(&a->book->waiting, &w->link);
        schedule(a->book);
}
