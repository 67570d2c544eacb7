#include <string.h>

#include "http/exchange.h"
#include "http/handlers.h"
#include "http/parse_order.h"
#include "http/render.h"

#define ORDERS_DEFAULT 100
#define ORDERS_MAX     500

static void on_placed(struct place_request *r)
{
        struct http_exchange *x = r->userdata;

        if (exchange_end(x))
                exchange_send(x, &r->answer);
}

static void place(struct http_exchange *x, bool validate_only)
{
        struct order *order;

        if (!exchange_json(x))
                return;
        enum problem p =
                parse_order(x->json, exchange_orchestrator(x), &x->caller, &x->faults, &order);
        if (p == PROBLEM_OVERLOADED) {
                exchange_problem(x, p, NULL);
                return;
        }
        if (p != PROBLEM_NONE) {
                exchange_faults(x, p);
                return;
        }
        x->u.place = (struct place_request){
                .caller = x->caller,
                .order = order,
                .idempotency_key = x->has_idempotency_key ? x->idempotency_key : NULL,
                .validate_only = validate_only,
                .done = on_placed,
                .userdata = x,
        };
        exchange_begin(x);
        operation_place(exchange_orchestrator(x), &x->u.place);
}

void handle_place(struct http_exchange *x)
{
        place(x, false);
}

void handle_validate(struct http_exchange *x)
{
        place(x, true);
}

static void on_amended(struct amend_request *r)
{
        struct http_exchange *x = r->userdata;

        if (exchange_end(x))
                exchange_send(x, &r->answer);
}

static void amend(struct http_exchange *x, enum amend_kind kind)
{
        struct amend_request *r = &x->u.amend;

        r->kind = kind;
        r->caller = x->caller;
        r->id = x->found.captures[0];
        r->done = on_amended;
        r->userdata = x;
        exchange_begin(x);
        operation_amend(exchange_orchestrator(x), r);
}

void handle_modify(struct http_exchange *x)
{
        if (!exchange_json(x))
                return;
        if (parse_change(x->json, &x->u.amend.change, &x->faults))
                amend(x, AMEND_MODIFY);
        else
                exchange_faults(x, PROBLEM_INVALID_REQUEST);
}

void handle_cancel(struct http_exchange *x)
{
        amend(x, AMEND_CANCEL);
}

void handle_resolve(struct http_exchange *x)
{
        const char *leg = x->found.captures[1];
        int64_t number;

        if (text_parse_int(leg, strlen(leg), 1, TARGETS_MAX, &number) < 0) {
                exchange_problem(x, PROBLEM_LEG_NOT_FOUND, NULL);
                return;
        }
        if (!exchange_json(x))
                return;
        x->u.amend.leg = (unsigned)number;
        if (parse_resolution(x->json, &x->u.amend, &x->faults))
                amend(x, AMEND_RESOLVE);
        else
                exchange_faults(x, PROBLEM_INVALID_REQUEST);
}

static void on_cancelled(struct cancel_many_request *r)
{
        struct http_exchange *x = r->userdata;
        struct json_writer w = JSON_WRITER(&x->out);

        if (!exchange_end(x))
                return;
        if (r->answer.problem != PROBLEM_NONE) {
                exchange_send(x, &r->answer);
                return;
        }
        int status = render_cancelled(&w, r->orders, r->n_orders);
        exchange_answer(x, status, MIME_JSON);
}

void handle_cancel_many(struct http_exchange *x)
{
        struct cancel_many_request *r = &x->u.cancel_many;

        if (!exchange_json(x))
                return;
        enum problem p = parse_cancel_many(x->json, exchange_orchestrator(x), &x->caller,
                                           x->accounts, r, &x->faults);
        if (p != PROBLEM_NONE) {
                exchange_faults(x, p);
                return;
        }
        r->caller = x->caller;
        r->done = on_cancelled;
        r->userdata = x;
        exchange_begin(x);
        operation_cancel_many(exchange_orchestrator(x), r);
}

static void on_order(struct order_query *q)
{
        struct http_exchange *x = q->userdata;
        struct json_writer w = JSON_WRITER(&x->out);

        if (!exchange_end_well(x, q->problem, NULL))
                return;
        render_order(&w, q->order);
        exchange_answer(x, 200, MIME_JSON);
}

void handle_order(struct http_exchange *x)
{
        struct order_query *q = &x->u.order;

        q->caller = x->caller;
        q->id = x->found.captures[0];
        q->done = on_order;
        q->userdata = x;
        exchange_begin(x);
        query_order(exchange_orchestrator(x), q);
}

static void on_orders(struct orders_query *q)
{
        struct http_exchange *x = q->userdata;
        struct json_writer w = JSON_WRITER(&x->out);

        if (!exchange_end_well(x, q->problem, NULL))
                return;
        render_orders(&w, q);
        exchange_answer(x, 200, MIME_JSON);
}

/* The cursor is the id of the last order that was shown. */
void handle_orders(struct http_exchange *x)
{
        struct orders_query *q = &x->u.orders;
        int64_t limit = ORDERS_DEFAULT;
        char symbol[SYMBOL_SIZE];
        enum exchange exchange;

        q->status = -1;
        query_word(&x->query, "status", order_status_from, &q->status, &x->faults);
        query_time(&x->query, "since", &q->since_us, &x->faults);
        query_int(&x->query, "limit", 1, ORDERS_MAX, &limit, &x->faults);
        q->limit = (unsigned)limit;
        q->symbol = query_get(&x->query, "symbol");
        if (q->symbol && symbol_parse(q->symbol, strlen(q->symbol), symbol, &exchange) < 0)
                query_fault(&x->faults, "symbol", "must be EXCHANGE:SYMBOL like NSE:SBIN");
        q->before_id = query_get(&x->query, "cursor");
        if (q->before_id && !id_valid(q->before_id, strlen(q->before_id)))
                query_fault(&x->faults, "cursor", "must be the next_cursor of an earlier answer");
        if (faults_any(&x->faults)) {
                exchange_faults(x, PROBLEM_INVALID_QUERY);
                return;
        }
        if (!exchange_accounts(x, &q->accounts))
                return;
        q->caller = x->caller;
        q->done = on_orders;
        q->userdata = x;
        exchange_begin(x);
        query_orders(exchange_orchestrator(x), q);
}

/* Accounts fail one by one, as those of a portfolio do. */
static void on_reconciled(struct reconcile_request *r)
{
        struct http_exchange *x = r->userdata;
        struct json_writer w = JSON_WRITER(&x->out);
        int status = 200;

        if (!exchange_end(x))
                return;
        for (unsigned i = 0; i < r->n_results; i++)
                if (r->results[i].problem != PROBLEM_NONE)
                        status = 207;
        render_reconciled(&w, r);
        exchange_answer(x, status, MIME_JSON);
}

void handle_reconcile(struct http_exchange *x)
{
        struct reconcile_request *r = &x->u.reconcile;

        if (!exchange_json(x))
                return;
        enum problem p = parse_accounts(x->json, exchange_orchestrator(x), &x->caller, x->accounts,
                                        &r->accounts, &x->faults);
        if (p != PROBLEM_NONE) {
                exchange_faults(x, p);
                return;
        }
        r->caller = x->caller;
        r->done = on_reconciled;
        r->userdata = x;
        exchange_begin(x);
        reconcile_books(exchange_orchestrator(x), r);
}
