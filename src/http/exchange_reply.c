/* The handlers' side of an exchange: what needs no h2o. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"
#include "domain/meter.h"
#include "http/exchange.h"
#include "http/render.h"
#include "http/server.h"

bool exchange_public(const struct http_options *o, const struct route *r)
{
        return r->scope == 0 || (r->flags & ROUTE_METRICS_PUBLIC && o->metrics_public) ||
               (r->flags & ROUTE_STATUS_PUBLIC && o->status_public);
}

void exchange_header(struct http_exchange *x, const char *name, const char *format, ...)
{
        va_list args;

        if (x->n_headers == EXCHANGE_HEADERS_MAX)
                return;
        struct exchange_header *header = &x->headers[x->n_headers++];
        header->name = name;
        va_start(args, format);
        vsnprintf(header->value, sizeof(header->value), format, args);
        va_end(args);
}

static void exchange_put_problem(struct http_exchange *x, const struct problem_view *v)
{
        x->problem = v->problem;
        series_add(metrics_series(x->http->options.metrics, METER_ERRORS, problem_code(v->problem),
                                  "http", NULL),
                   1);
        text_clear(&x->out);
        render_problem(v, &x->out);
        exchange_answer(x, problem_status(v->problem), MIME_PROBLEM);
}

void exchange_problem(struct http_exchange *x, enum problem p, const char *detail)
{
        struct problem_view v = {
                .problem = p, .detail = detail, .correlation_id = x->correlation_id};

        exchange_put_problem(x, &v);
}

void exchange_faults(struct http_exchange *x, enum problem p)
{
        struct problem_view v = {
                .problem = p, .correlation_id = x->correlation_id, .faults = &x->faults};

        exchange_put_problem(x, &v);
}

bool exchange_end_well(struct http_exchange *x, enum problem p, const char *detail)
{
        if (!exchange_end(x))
                return false;
        if (p != PROBLEM_NONE)
                exchange_problem(x, p, detail);
        return p == PROBLEM_NONE;
}

void exchange_send(struct http_exchange *x, const struct answer *a)
{
        if (*a->order_id)
                exchange_header(x, "Location", "/api/v1/orders/%s", a->order_id);
        if (a->retry_after_s > 0)
                exchange_header(x, "Retry-After", "%d", a->retry_after_s);
        if (a->problem != PROBLEM_NONE) {
                struct problem_view v = {.problem = a->problem,
                                         .detail = *a->detail ? a->detail : NULL,
                                         .correlation_id = x->correlation_id,
                                         .order_id = *a->order_id ? a->order_id : NULL};
                if (*a->pointer) {
                        faults_add(&x->faults, a->pointer, "%s",
                                   *a->detail ? a->detail : problem_title(a->problem));
                        v.faults = &x->faults;
                }
                exchange_put_problem(x, &v);
                return;
        }
        if (a->replayed)
                exchange_header(x, "Idempotent-Replayed", "true");
        text_clear(&x->out);
        text_add_bytes(&x->out, a->body, a->body_size);
        exchange_answer(x, a->status, a->is_problem ? MIME_PROBLEM : MIME_JSON);
}

bool exchange_json(struct http_exchange *x)
{
        struct json_fault fault;

        int r = json_parse(x->body.base, x->body.size, NULL, &x->json, &fault);
        if (r == 0)
                return true;
        if (r < 0) {
                exchange_problem(x, PROBLEM_OVERLOADED, NULL);
                return false;
        }
        faults_add(&x->faults, fault.pointer, "%s", fault.detail);
        exchange_faults(x, PROBLEM_MALFORMED_JSON);
        return false;
}

const struct account *exchange_account(struct http_exchange *x)
{
        char id[ACCOUNT_SIZE];
        const struct account *account = NULL;

        int n = snprintf(id, sizeof(id), "%s:%s", x->found.captures[0], x->found.captures[1]);
        if (n > 0 && (size_t)n < sizeof(id)) {
                if (!caller_may_use(&x->caller, id)) {
                        exchange_problem(x, PROBLEM_ACCOUNT_FORBIDDEN, NULL);
                        return NULL;
                }
                account = orchestrator_account(exchange_orchestrator(x), id);
        }
        if (!account)
                exchange_problem(x, PROBLEM_ACCOUNT_NOT_FOUND, NULL);
        return account;
}

/* One account of a list; the problem it makes, with its fault noted. */
static enum problem exchange_list_account(struct http_exchange *x, const char *s, size_t n,
                                          unsigned *count)
{
        char id[ACCOUNT_SIZE];

        if (account_id_parse(s, n, id) < 0) {
                query_fault(&x->faults, "accounts",
                            "must be accounts like paper:demo, separated by commas");
                return PROBLEM_INVALID_QUERY;
        }
        if (!caller_may_use(&x->caller, id)) {
                query_fault(&x->faults, "accounts", "names an account that this key may not use");
                return PROBLEM_ACCOUNT_FORBIDDEN;
        }
        const struct account *account = orchestrator_account(exchange_orchestrator(x), id);
        if (!account) {
                query_fault(&x->faults, "accounts", "names an account that does not exist");
                return PROBLEM_ACCOUNT_NOT_FOUND;
        }
        for (unsigned i = 0; i < *count; i++)
                if (x->accounts[i] == account->id) {
                        query_fault(&x->faults, "accounts", "names an account twice");
                        return PROBLEM_INVALID_QUERY;
                }
        x->accounts[(*count)++] = account->id;
        return PROBLEM_NONE;
}

bool exchange_accounts(struct http_exchange *x, const char *const **ret)
{
        const char *s = query_get(&x->query, "accounts");
        unsigned count = 0;

        *ret = NULL;
        if (!s)
                return true;
        for (;;) {
                size_t n = strcspn(s, ",");
                /* No account twice and all of them known: there are never more than ACCOUNTS_MAX.
                 */
                enum problem p = exchange_list_account(x, s, n, &count);
                if (p != PROBLEM_NONE) {
                        exchange_faults(x, p);
                        return false;
                }
                if (!s[n])
                        break;
                s += n + 1;
        }
        x->accounts[count] = NULL;
        *ret = x->accounts;
        return true;
}
