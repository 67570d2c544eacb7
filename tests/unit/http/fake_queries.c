/* The reads of the fake orchestrator that ask brokers and records. */
#include "fake_state.h"

#include <stdio.h>
#include <string.h>

#include "domain/instruments.h"
#include "orchestrator/dead_man.h"
#include "orchestrator/query.h"
#include "orchestrator/quota.h"
#include "orchestrator/reconcile.h"

static void answer_reconcile(struct orchestrator *o, void *request)
{
        struct reconcile_request *r = request;
        struct reconcile_result results[2] = {{.account = &o->options.accounts[0],
                                               .as_of_us = FAKE_TIME,
                                               .adopted = 1,
                                               .external = 2}};

        r->results = results;
        r->n_results = 1;
        if (fake.problem) {
                results[r->n_results] =
                        (struct reconcile_result){.account = &o->options.accounts[1],
                                                  .problem = (enum problem)fake.problem,
                                                  .message = "no session"};
                r->n_results++;
        }
        r->done(r);
}

void reconcile_books(struct orchestrator *o, struct reconcile_request *r)
{
        snprintf(fake_last_text, sizeof(fake_last_text), "first=%s",
                 r->accounts ? r->accounts[0] : "-");
        fake_later(o, answer_reconcile, r);
}

static void answer_accounts(struct orchestrator *o, void *request)
{
        struct account_query *q = request;
        struct account_result results[2] = {};
        struct holding holdings[2] = {{.symbol = "NSE:SBIN",
                                       .quantity = 10,
                                       .average_price = 8000000,
                                       .last_price = 8100000,
                                       .pnl = 1000000},
                                      {.symbol = "NSE:SBIN",
                                       .quantity = 30,
                                       .average_price = 8400000,
                                       .last_price = 8100000,
                                       .pnl = -9000000}};
        struct position positions[2] = {{.symbol = "NSE:INFY",
                                         .product = PRODUCT_INTRADAY,
                                         .quantity = 5,
                                         .average_price = 15000000},
                                        {.symbol = "NSE:INFY",
                                         .product = PRODUCT_INTRADAY,
                                         .quantity = -5,
                                         .average_price = 15100000}};
        struct trade trades[2] = {{.trade_id = "t1",
                                   .broker_order_id = "b1",
                                   .symbol = "NSE:SBIN",
                                   .quantity = 4,
                                   .price = 8125000,
                                   .at_us = FAKE_TIME},
                                  {.trade_id = "t2",
                                   .broker_order_id = "b2",
                                   .symbol = "NSE:SBIN",
                                   .side = SIDE_SELL,
                                   .quantity = 6,
                                   .price = 8125500,
                                   .at_us = FAKE_TIME}};

        for (unsigned i = 0; i < o->options.n_accounts && i < 2; i++)
                results[i] = (struct account_result){
                        .account = &o->options.accounts[i],
                        .as_of_us = FAKE_TIME,
                        .funds = {.available = 100000000000, .total = 100000000000},
                        .holdings = &holdings[i],
                        .n_holdings = 1,
                        .positions = &positions[i],
                        .n_positions = 1,
                        .trades = &trades[i],
                        .n_trades = 1};
        q->results = results;
        q->n_results = o->options.n_accounts < 2 ? o->options.n_accounts : 2;
        if (fake.problem == PROBLEM_SESSION_REQUIRED) {
                results[1].problem = PROBLEM_SESSION_REQUIRED;
                text_copy(results[1].message, MESSAGE_SIZE, "no session");
        } else {
                q->problem = (enum problem)fake.problem;
        }
        q->done(q);
}

void query_accounts(struct orchestrator *o, struct account_query *q)
{
        fake_later(o, answer_accounts, q);
}

static void answer_quotes(struct orchestrator *o, void *request)
{
        struct quotes_query *q = request;
        struct quote quotes[QUOTES_MAX] = {};
        bool unknown = false;

        for (unsigned i = 0; i < q->n_symbols; i++) {
                unknown |= !instruments_find(o->instruments, q->symbols[i]);
                text_copy(quotes[i].symbol, SYMBOL_SIZE, q->symbols[i]);
                quotes[i].last = 8125000;
                quotes[i].at_us = FAKE_TIME;
        }
        q->problem = unknown ? PROBLEM_INSTRUMENT_UNKNOWN : (enum problem)fake.problem;
        q->source = "paper:demo";
        q->quotes = quotes;
        q->n_quotes = q->n_symbols;
        q->done(q);
}

void query_quotes(struct orchestrator *o, struct quotes_query *q)
{
        fake_later(o, answer_quotes, q);
}

static void answer_audit(struct orchestrator *o, void *request)
{
        static char record[] = "{\"seq\":7,\"action\":\"order.intent\"}";
        struct audit_query *q = request;
        struct store_audit_row row = {
                .seq = 7, .at_us = FAKE_TIME, .record = record, .size = sizeof(record) - 1};

        q->problem = (enum problem)fake.problem;
        q->rows = &row;
        q->n_rows = 1;
        q->more = q->limit == 1;
        q->done(q);
}

void query_audit(struct orchestrator *o, struct audit_query *q)
{
        fake_later(o, answer_audit, q);
}

/* --- dead-man timers: none --- */

void dead_man_heard(struct orchestrator *o, const struct dead_man_rule *rule, bool trades)
{
}

bool dead_man_disarm(struct orchestrator *o, const char *key_name)
{
        return false;
}

bool dead_man_look(const struct orchestrator *o, const char *key_name, unsigned n,
                   struct dead_man_view *ret)
{
        return false;
}

/* --- limits of keys: one for all of them --- */

static struct quota quota;

struct quota *quota_of(struct orchestrator *o, const char *key_name)
{
        return &quota;
}

int quota_set(struct orchestrator *o, const char *key_name, const struct account_limits *set)
{
        if (set)
                quota.set = *set;
        return 0;
}

bool quota_look(const struct orchestrator *o, const char *key_name, struct quota_view *ret)
{
        *ret = (struct quota_view){.set = quota.set,
                                   .second_left = -1,
                                   .minute_left = -1,
                                   .day_left = 7,
                                   .value_left = -1,
                                   .open_left = -1};
        return true;
}
