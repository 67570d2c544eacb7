#include <string.h>

#include "http/exchange.h"
#include "http/handlers.h"
#include "http/render.h"

#define TRADES_DEFAULT    500
#define TRADES_MAX        500
#define TRADES_CURSOR_MAX 1000000000

static unsigned sections_of(enum account_query_kind kind)
{
        switch (kind) {
        case QUERY_FUNDS:
                return SECTION_FUNDS;
        case QUERY_HOLDINGS:
                return SECTION_HOLDINGS;
        case QUERY_POSITIONS:
                return SECTION_POSITIONS;
        default:
                return SECTION_FUNDS | SECTION_HOLDINGS | SECTION_POSITIONS;
        }
}

/* Accounts fail one by one: 200 when all are good, 207 when some are, and when none is, still 207:
 * every result names its own cause. */
static int results_status(const struct account_query *q)
{
        for (unsigned i = 0; i < q->n_results; i++)
                if (q->results[i].problem != PROBLEM_NONE)
                        return 207;
        return 200;
}

static void answer_trades(struct http_exchange *x, const struct account_query *q)
{
        struct json_writer w = JSON_WRITER(&x->out);
        int64_t limit = TRADES_DEFAULT, from = 0;

        /* They were checked before the query went out. */
        query_int(&x->query, "limit", 1, TRADES_MAX, &limit, &x->faults);
        query_int(&x->query, "cursor", 0, TRADES_CURSOR_MAX, &from, &x->faults);
        render_trades(&w, q->results, q->n_results, (unsigned)from, (unsigned)limit);
}

static void on_accounts(struct account_query *q)
{
        struct http_exchange *x = q->userdata;
        struct json_writer w = JSON_WRITER(&x->out);

        if (!exchange_end_well(x, q->problem, NULL))
                return;
        if (q->kind == QUERY_TRADES) {
                answer_trades(x, q);
        } else if (render_portfolio(&w, q->results, q->n_results, sections_of(q->kind)) < 0) {
                exchange_problem(x, PROBLEM_OVERLOADED, NULL);
                return;
        }
        exchange_answer(x, results_status(q), MIME_JSON);
}

static void ask(struct http_exchange *x, enum account_query_kind kind)
{
        struct account_query *q = &x->u.account;

        if (!exchange_accounts(x, &q->accounts))
                return;
        q->kind = kind;
        q->caller = x->caller;
        q->done = on_accounts;
        q->userdata = x;
        exchange_begin(x);
        query_accounts(exchange_orchestrator(x), q);
}

/* Trades come from the brokers in one piece: the cursor counts those that were shown. */
void handle_trades(struct http_exchange *x)
{
        int64_t value;

        query_int(&x->query, "limit", 1, TRADES_MAX, &value, &x->faults);
        query_int(&x->query, "cursor", 0, TRADES_CURSOR_MAX, &value, &x->faults);
        if (faults_any(&x->faults))
                exchange_faults(x, PROBLEM_INVALID_QUERY);
        else
                ask(x, QUERY_TRADES);
}

void handle_portfolio(struct http_exchange *x)
{
        ask(x, QUERY_PORTFOLIO);
}

void handle_funds(struct http_exchange *x)
{
        ask(x, QUERY_FUNDS);
}

void handle_holdings(struct http_exchange *x)
{
        ask(x, QUERY_HOLDINGS);
}

void handle_positions(struct http_exchange *x)
{
        ask(x, QUERY_POSITIONS);
}
