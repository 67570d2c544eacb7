#include "orchestrator/external.h"

#include <errno.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/json.h"
#include "orchestrator/book.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

/* --- what the book shows --- */

void external_begin(struct external_book *b, int64_t as_of_us)
{
        b->n = b->total = b->open = 0;
        b->as_of_us = as_of_us;
}

static bool grow(struct external_book *b)
{
        unsigned room = b->room ? 2 * b->room : 16;
        struct book_order *rows = reallocarray(b->rows, room, sizeof(*rows));
        if (!rows)
                return false;
        b->rows = rows;
        b->room = room;
        return true;
}

/* Without room the oldest one goes: what is open and new matters. */
void external_add(struct external_book *b, const struct book_order *row)
{
        b->total++;
        b->open += !order_status_terminal(row->status);
        if (b->n < EXTERNAL_MAX && (b->n < b->room || grow(b))) {
                b->rows[b->n++] = *row;
                return;
        }
        struct book_order *oldest = NULL;
        for (unsigned i = 0; i < b->n; i++) {
                struct book_order *it = &b->rows[i];
                bool over = order_status_terminal(it->status);
                bool more = oldest && order_status_terminal(oldest->status) == over
                                    ? it->placed_us < oldest->placed_us
                                    : over;
                if (!oldest || more)
                        oldest = it;
        }
        if (oldest &&
            (!order_status_terminal(row->status) || order_status_terminal(oldest->status)))
                *oldest = *row;
}

const struct book_order *external_find(const struct external_book *b, const char *broker_order_id)
{
        for (unsigned i = 0; i < b->n; i++)
                if (text_equal(b->rows[i].broker_order_id, broker_order_id))
                        return &b->rows[i];
        return NULL;
}

void external_done(struct external_book *b)
{
        free(b->rows);
        *b = (struct external_book){};
}

/* --- cancelling one --- */

static void finish(struct external_cancel *c)
{
        running_end(c->account->orchestrator, &c->running);
        book_read_soon(c->account);
        order_free(TAKE(c->order));
        c->done(c); /* may free it */
}

/* What the record says of it: never more than the broker's row and answer. */
static void put_payload(const struct external_cancel *c, struct text *ret)
{
        struct json_writer w = JSON_WRITER(ret);

        json_object_begin(&w, NULL);
        json_put_string(&w, "broker_order_id", c->row.broker_order_id);
        json_put_string(&w, "symbol", c->row.symbol);
        json_put_string(&w, "side", side_name(c->row.side));
        json_put_int(&w, "quantity", c->row.quantity);
        json_put_int(&w, "filled_quantity", c->row.filled_quantity);
        if (c->problem != PROBLEM_NONE)
                json_put_string(&w, "code", problem_code(c->problem));
        if (c->broker_code[0])
                json_put_string(&w, "broker_code", c->broker_code);
        if (c->message[0])
                json_put_string(&w, "message", c->message);
        json_object_finish(&w);
}

static void write_record(struct external_cancel *c, enum audit_action action,
                         void (*done)(struct store_job *job))
{
        struct text payload = TEXT_NULL;

        put_payload(c, &payload);
        record_act(&c->audit, action, c->actor, c->correlation_id, c->account->account->id,
                   c->outcome == OUTCOME_NONE ? NULL : outcome_name(c->outcome),
                   text_str(&payload));
        text_done(&payload);
        c->put = (struct store_append){.job.done = done, .audit = &c->audit, .n_audit = 1};
        ledger_append(c->account->orchestrator, &c->put, &c->riders);
}

static void written(struct external_cancel *c, const struct store_job *job)
{
        ledger_done(c->account->orchestrator, job, &c->audit, 1);
        audit_record_done(&c->audit);
        c->audit = (struct audit_record){};
}

static void answer_written(struct store_job *job)
{
        struct external_cancel *c = CONTAINER_OF(job, struct external_cancel, put.job);

        written(c, job);
        finish(c);
}

static void called(struct call *call)
{
        struct external_cancel *c = CONTAINER_OF(call, struct external_cancel, call);
        const struct broker_result *r = &call->result;

        c->outcome = r->outcome;
        c->problem = r->problem;
        c->retry_after_s = call->retry_after_s;
        text_copy(c->broker_code, sizeof(c->broker_code), r->broker_code);
        text_copy(c->message, sizeof(c->message), r->message);
        call_clear(call);
        write_record(c, AUDIT_EXTERNAL_ANSWERED, answer_written);
}

static void intent_written(struct store_job *job)
{
        struct external_cancel *c = CONTAINER_OF(job, struct external_cancel, put.job);
        struct account_state *a = c->account;

        written(c, job);
        c->call = (struct call){
                .account = a,
                .broker = {.op = BROKER_CANCEL, .order = c->order, .leg = &c->order->legs[0]},
                .passes_halt = true,
                .done = called,
        };
        call_start(&c->call);
}

int external_order(const struct account_state *a, const struct book_order *row, struct order **ret)
{
        int r = order_new(1, ret);
        if (r < 0)
                return r;
        struct order *o = *ret;
        struct leg *leg = &o->legs[0];
        text_copy(o->symbol, sizeof(o->symbol), row->symbol);
        o->side = row->side;
        o->type = row->type;
        o->product = row->product;
        o->validity = row->validity;
        o->quantity = leg->quantity = row->quantity;
        o->price = leg->effective.price = row->price;
        o->trigger_price = leg->effective.trigger_price = row->trigger_price;
        leg->effective.type = row->type;
        leg->number = 1;
        leg->multiplier = DECIMAL_ONE;
        leg->status = row->status;
        leg->filled_quantity = row->filled_quantity;
        leg->average_price = row->average_price;
        text_copy(leg->account, sizeof(leg->account), a->account->id);
        text_copy(leg->broker_order_id, sizeof(leg->broker_order_id), row->broker_order_id);
        return 0;
}

void external_cancel(struct external_cancel *c)
{
        c->outcome = OUTCOME_NONE;
        c->problem = PROBLEM_NONE;
        c->retry_after_s = 0;
        c->broker_code[0] = c->message[0] = '\0';
        list_init(&c->riders);
        if (external_order(c->account, &c->row, &c->order) < 0)
                abort();
        running_begin(c->account->orchestrator, &c->running);
        write_record(c, AUDIT_EXTERNAL_CANCEL, intent_written);
}
