/* The order book as the kill switch needs it: read after whatever was sent, for what is still open,
 * and at FLATTEN for the orders in it that are not ours, which are cancelled, too. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/closing.h"
#include "orchestrator/state.h"

/* --- reading --- */

static void book_read(struct book_wait *w)
{
        struct closing *c = CONTAINER_OF(w, struct closing, book);
        c->reading_book = false;
        c->book_failed = w->problem != PROBLEM_NONE;
        if (!c->book_failed)
                c->book_us = c->book_asked_us;
        closing_soon(c);
}

void closing_read_book(struct closing *c)
{
        int64_t now = clock_mono_us();
        bool nothing_done = c->level < KILL_LEVEL_FLATTEN && c->acted_us == 0;
        int64_t every = closing_proven(c) ? CLOSING_WATCH_US : CLOSING_READ_US;

        if (c->reading_book || nothing_done || c->account->session != SESSION_STATE_ACTIVE ||
            (c->book_asked_us && now < c->book_asked_us + every))
                return;
        c->reading_book = true;
        c->book_asked_us = now;
        c->book = (struct book_wait){.done = book_read};
        book_wait(c->account, &c->book);
}

bool closing_book_proves(const struct closing *c)
{
        if (c->level < KILL_LEVEL_FLATTEN)
                return c->acted_us == 0 || c->book_us >= c->acted_us;
        return c->book_us >= c->since_us && c->book_us >= c->acted_us &&
               c->account->external.open == 0;
}

/* --- orders that are not ours --- */

static void cancelled(struct external_cancel *e)
{
        struct closing_task *t = e->userdata;
        struct closing *c = t->closing;

        c->n_cancels--;
        c->acted_us = clock_mono_us();
        t->answered_us = e->outcome == OUTCOME_ACCEPTED ? c->acted_us : 0;
        t->next_us = c->acted_us + closing_again_us(t->shown.tries);
        if (e->outcome == OUTCOME_REJECTED)
                closing_task_set(t, KILL_STATE_REFUSED, KILL_BLOCK_REFUSED, e->message);
        else if (e->outcome == OUTCOME_NOT_SENT)
                closing_task_set(t, KILL_STATE_WAITING,
                                 e->problem == PROBLEM_SESSION_REQUIRED ? KILL_BLOCK_NO_SESSION
                                                                        : KILL_BLOCK_NONE,
                                 e->message);
        free(TAKE(t->external));
        closing_soon(c);
}

static void cancel(struct closing_task *t, const struct book_order *row)
{
        struct closing *c = t->closing;
        t->external = calloc(1, sizeof(*t->external));
        if (!t->external)
                return;
        *t->external = (struct external_cancel){
                .account = c->account,
                .row = *row,
                .actor = CLOSING_ACTOR,
                .correlation_id = CLOSING_ACTOR,
                .done = cancelled,
                .userdata = t,
        };
        t->shown.tries++;
        c->n_cancels++;
        closing_task_set(t, KILL_STATE_CANCELLING, KILL_BLOCK_NONE, "");
        external_cancel(t->external);
}

static void end(struct closing_task *t, const struct book_order *row)
{
        enum kill_state state = !row                                    ? KILL_STATE_ENDED
                                : row->status == ORDER_STATUS_FILLED    ? KILL_STATE_FILLED
                                : row->status == ORDER_STATUS_CANCELLED ? KILL_STATE_CANCELLED
                                                                        : KILL_STATE_ENDED;
        closing_task_set(t, state, KILL_BLOCK_NONE,
                         row ? "" : "the book does not show it any more");
}

static void follow(struct closing_task *t)
{
        struct closing *c = t->closing;
        const struct book_order *row =
                external_find(&c->account->external, t->shown.broker_order_id);

        if (row && row->filled_quantity > t->shown.filled_quantity) {
                t->shown.filled_quantity = row->filled_quantity;
                c->filled_us = clock_mono_us();
        }
        if (t->external || closing_task_over(t))
                return;
        if (!row || order_status_terminal(row->status))
                end(t, row);
        else if (closing_may_cancel(t))
                cancel(t, row);
}

static struct closing_task *task_of(struct closing *c, const struct book_order *row)
{
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (t->shown.kind == KILL_KIND_EXTERNAL &&
                    text_equal(t->shown.broker_order_id, row->broker_order_id))
                        return t;
        }
        return NULL;
}

static void take_up(struct closing *c, const struct book_order *row)
{
        struct closing_task *t = closing_task_new(c, KILL_KIND_EXTERNAL);
        if (!t)
                return;
        struct kill_task *s = &t->shown;
        text_copy(s->broker_order_id, sizeof(s->broker_order_id), row->broker_order_id);
        text_copy(s->symbol, sizeof(s->symbol), row->symbol);
        s->side = row->side;
        s->product = row->product;
        s->quantity = row->quantity;
        s->filled_quantity = row->filled_quantity;
}

void closing_cancel_external(struct closing *c)
{
        const struct external_book *b = &c->account->external;
        for (unsigned i = 0; i < b->n; i++)
                if (!order_status_terminal(b->rows[i].status) && !task_of(c, &b->rows[i]))
                        take_up(c, &b->rows[i]);
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (t->shown.kind == KILL_KIND_EXTERNAL)
                        follow(t);
        }
}
