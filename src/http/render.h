/* Domain → JSON. Text out, nothing else: no parsing library, no h2o, no state. */
#pragma once

#include "base/json.h"
#include "base/text.h"
#include "domain/order.h"
#include "domain/problem.h"
#include "http/faults.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/query.h"
#include "orchestrator/reconcile.h"
#include "orchestrator/session.h"
#include "orchestrator/status.h"

struct problem_view {
        enum problem problem;
        const char *detail; /* NULL: the meaning of the code */
        const char *correlation_id;
        const struct faults *faults; /* NULL: none */
        const char *order_id;        /* NULL: none */
        const char *account;         /* NULL: none */
};
void render_problem(const struct problem_view *v, struct text *t);
/* The members every problem has, without the braces. `detail` NULL: the meaning of the code. */
void render_problem_head(struct json_writer *w, enum problem p, int status, const char *detail,
                         const char *correlation_id);

/* One whole order, as lists and GET hold it. */
void render_order(struct json_writer *w, const struct order *o);
/* {"orders": […], "external": […], "next_cursor": …} */
void render_orders(struct json_writer *w, const struct orders_query *q);
/* What became of cancelling many; the answer's status. */
int render_cancelled(struct json_writer *w, struct order *const *orders, unsigned n);

enum section { SECTION_FUNDS = 1, SECTION_HOLDINGS = 2, SECTION_POSITIONS = 4 };
/* Of the given sections: results per account and their sum. -ENOMEM. */
int render_portfolio(struct json_writer *w, const struct account_result *r, unsigned n,
                     unsigned sections);
/* Trades `from` … of all results together, at most `limit`. */
void render_trades(struct json_writer *w, const struct account_result *r, unsigned n, unsigned from,
                   unsigned limit);
/* {"results": […]} of books that were read. */
void render_reconciled(struct json_writer *w, const struct reconcile_request *r);
/* account, status, code, message, as_of: the head of every result. */
void render_result_head(struct json_writer *w, const struct account_result *r);

void render_session(struct json_writer *w, const char *key, const struct session_view *s);
void render_status(struct json_writer *w, const struct status *s, const struct orchestrator *o,
                   const struct caller *c);
void render_account(struct json_writer *w, const struct account *a);
struct dead_man_view;
/* Members of an object that is open. */
void render_dead_man(struct json_writer *w, const struct dead_man_view *d);
/* What the caller may see of it. */
void render_killswitch(struct json_writer *w, const struct orchestrator *o,
                       const struct caller *caller);

/* A string, or null for "". */
void render_word(struct json_writer *w, const char *key, const char *value);
/* A price or an amount that 0 says is not there: null then. */
void render_price(struct json_writer *w, const char *key, int64_t value);
