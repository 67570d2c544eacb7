#include "http/checks.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "http/server.h"

/* Each check gives NONE, or the problem with (perhaps) its own words in `*detail`. */
typedef enum problem check_fn(struct http_exchange *x, const struct intake *in,
                              const char **detail);

static enum problem check_headers(struct http_exchange *x, const struct intake *in,
                                  const char **detail)
{
        const struct slice *id = &in->correlation_id;

        if (id->base && correlation_id_valid(id->base, id->size)) {
                text_copy_bytes(x->correlation_id, sizeof(x->correlation_id), id->base, id->size);
        } else {
                _Static_assert(UUID_SIZE <= CORRELATION_ID_SIZE, "a UUID is a correlation id");
                uuid_make(x->correlation_id);
        }
        x->caller.correlation_id = x->correlation_id;

        *detail = head_fault(&in->head, in->minor);
        if (*detail) {
                x->close = true;
                return PROBLEM_INVALID_HEADER;
        }
        if (in->repeated) {
                *detail = in->repeated;
                return PROBLEM_INVALID_HEADER;
        }
        if (id->base && !correlation_id_valid(id->base, id->size)) {
                *detail = "X-Correlation-ID must be 1 to 64 characters of A-Z, a-z, 0-9, dot, "
                          "underscore or dash.";
                return PROBLEM_INVALID_HEADER;
        }
        return PROBLEM_NONE;
}

static enum problem check_target(struct http_exchange *x, const struct intake *in,
                                 const char **detail)
{
        if (x->path.size + x->raw_query.size >= HTTP_TARGET_MAX)
                return PROBLEM_URI_TOO_LONG;
        return PROBLEM_NONE;
}

static enum problem check_host(struct http_exchange *x, const struct intake *in,
                               const char **detail)
{
        /* HTTP/1.0 may leave it out. */
        if (in->head.hosts == 0)
                return PROBLEM_NONE;
        if (host_allowed(in->host.base, in->host.size, exchange_options(x)->allowed_hosts))
                return PROBLEM_NONE;
        return PROBLEM_HOST_NOT_ALLOWED;
}

static enum problem check_route(struct http_exchange *x, const struct intake *in,
                                const char **detail)
{
        char allow[ROUTE_ALLOW_SIZE];

        switch (routes_find(x->method.base, x->method.size, x->path.base, x->path.size,
                            &x->found)) {
        case ROUTE_FOUND:
                x->route = x->found.route;
                return PROBLEM_NONE;
        case ROUTE_METHOD:
                exchange_header(x, "Allow", "%s", routes_allow(x->found.route, allow));
                return PROBLEM_METHOD_NOT_ALLOWED;
        case ROUTE_MALFORMED:
                *detail = "The path is not percent-encoded UTF-8.";
                return PROBLEM_INVALID_REQUEST;
        case ROUTE_UNKNOWN:
                break;
        }
        return PROBLEM_NOT_FOUND;
}

static void note_refused(struct http_exchange *x, const struct auth_answer *a,
                         const struct address *from, enum problem p)
{
        char text[ADDRESS_TEXT_SIZE] = "";

        series_add(metrics_series(x->http->options.metrics, METER_AUTH_FAILURES, a->reason, NULL),
                   1);
        /* A throttled address has had its lines in the log. */
        if (p == PROBLEM_AUTH_THROTTLED || strcmp(a->reason, "missing") == 0)
                return;
        if (from)
                address_print(from, text);
        log_event(LOG_WARNING, EVENT_AUTH_FAILED,
                  LOG_FIELDS({"ORDO_CORRELATION_ID", x->correlation_id}, {"ORDO_CLIENT", text},
                             {"ORDO_REASON", a->reason}, {"ORDO_ROUTE", x->route->pattern},
                             {"ORDO_KEY", a->key ? a->key->name : NULL}),
                  "refused a request from %s: %s", *text ? text : "an unknown address",
                  problem_title(p));
}

/* Whatever the key asks for shows that its program is alive. */
static void heard(struct http_exchange *x)
{
        const struct dead_man_rule rule = {.key_name = x->key->name,
                                           .accounts = x->key->accounts,
                                           .after_s = x->key->dead_man_s,
                                           .level = x->key->dead_man_level};
        dead_man_heard(x->http->options.orchestrator, &rule, x->route->flags & ROUTE_ARMS);
}

static enum problem check_token(struct http_exchange *x, const struct intake *in,
                                const char **detail)
{
        const struct http_options *o = exchange_options(x);
        struct address address;
        bool has_address = x->connection->has_address;
        struct auth_answer answer;

        if (exchange_public(o, x->route) && !in->authorization.base)
                return PROBLEM_NONE;
        if (x->route->scope == 0)
                return PROBLEM_NONE;
        address = x->connection->address;
        if (o->behind_proxy && in->forwarded.base &&
            address_forwarded(in->forwarded.base, in->forwarded.size, &address) == 0)
                has_address = true;
        struct auth_request request = {
                .authorization = in->authorization.base,
                .size = in->authorization.size,
                .address = has_address ? &address : NULL,
                .scope = x->route->scope,
                .wall_us = clock_wall_us(),
                .mono_us = x->started_us,
        };
        enum problem p = auth_check(&x->http->auth, &request, &answer);
        if (answer.key) {
                x->keyring = keyring_ref(x->http->auth.keyring);
                x->key = answer.key;
                x->caller.key_name = answer.key->name;
                x->caller.accounts = answer.key->accounts;
                x->caller.admin = answer.key->scopes & SCOPE_ADMIN;
        }
        if (p == PROBLEM_NONE) {
                heard(x);
                return p;
        }
        note_refused(x, &answer, request.address, p);
        if (p == PROBLEM_UNAUTHORIZED)
                exchange_header(x, "WWW-Authenticate", "Bearer realm=\"ordo\"%s",
                                in->authorization.base ? ", error=\"invalid_token\"" : "");
        if (p == PROBLEM_AUTH_THROTTLED)
                exchange_header(x, "Retry-After", "%lld", (long long)answer.retry_after_s);
        return p;
}

static enum problem check_rate(struct http_exchange *x, const struct intake *in,
                               const char **detail)
{
        int64_t per_second = exchange_options(x)->api_rate, wait_s = 0;

        if (!x->key || per_second <= 0)
                return PROBLEM_NONE;
        bool taken = rate_take(&x->key->rate, per_second, x->started_us, &wait_s);
        x->limited = true;
        x->rate_left = rate_left(&x->key->rate);
        if (taken || x->route->flags & ROUTE_NEVER_LIMITED)
                return PROBLEM_NONE;
        exchange_header(x, "Retry-After", "%lld", (long long)wait_s);
        return PROBLEM_RATE_LIMITED;
}

static enum problem check_body(struct http_exchange *x, const struct intake *in,
                               const char **detail)
{
        if (x->body.size > HTTP_BODY_MAX)
                return PROBLEM_PAYLOAD_TOO_LARGE;
        if (!(x->route->flags & ROUTE_BODY))
                return x->body.size > 0 ? PROBLEM_BODY_UNEXPECTED : PROBLEM_NONE;
        if (x->body.size == 0)
                return PROBLEM_BODY_REQUIRED;
        if (!in->content_type.base || in->content_encoding.base ||
            !content_type_json(in->content_type.base, in->content_type.size))
                return PROBLEM_UNSUPPORTED_MEDIA_TYPE;
        return PROBLEM_NONE;
}

static enum problem check_idempotency(struct http_exchange *x, const struct intake *in,
                                      const char **detail)
{
        const struct slice *key = &in->idempotency_key;

        if (!(x->route->flags & ROUTE_IDEMPOTENCY_KEY))
                return PROBLEM_NONE;
        if (!key->base)
                return exchange_options(x)->idempotency_required ? PROBLEM_IDEMPOTENCY_KEY_REQUIRED
                                                                 : PROBLEM_NONE;
        if (idempotency_key_parse(key->base, key->size, x->idempotency_key,
                                  sizeof(x->idempotency_key)) < 0)
                return PROBLEM_IDEMPOTENCY_KEY_INVALID;
        x->has_idempotency_key = true;
        return PROBLEM_NONE;
}

static enum problem check_query(struct http_exchange *x, const struct intake *in,
                                const char **detail)
{
        if (x->route->flags & ROUTE_QUERY_RAW || x->raw_query.size == 0)
                return PROBLEM_NONE;
        if (query_parse(&x->query, x->raw_query.base, x->raw_query.size, x->route->query,
                        &x->faults) < 0)
                return PROBLEM_OVERLOADED;
        return faults_any(&x->faults) ? PROBLEM_INVALID_QUERY : PROBLEM_NONE;
}

bool origin_listed(const struct http_options *o, struct slice origin)
{
        for (const char *const *p = o->cors_origins; origin.base && p && *p; p++)
                if (strlen(*p) == origin.size && memcmp(*p, origin.base, origin.size) == 0)
                        return true;
        return false;
}

/* A browser asks whether a page of a listed origin may call. The method is not looked at: a
 * preflight tells what the path allows. */
static bool preflight(struct http_exchange *x, const struct intake *in)
{
        char allow[ROUTE_ALLOW_SIZE];

        if (x->method.size != 7 || memcmp(x->method.base, "OPTIONS", 7) != 0 || !in->asks_method ||
            !origin_listed(exchange_options(x), x->origin) ||
            routes_find("OPTIONS", 7, x->path.base, x->path.size, &x->found) != ROUTE_METHOD)
                return false;
        exchange_header(x, "Access-Control-Allow-Methods", "%s",
                        routes_allow(x->found.route, allow));
        exchange_header(
                x, "Access-Control-Allow-Headers",
                "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Correlation-ID");
        exchange_header(x, "Access-Control-Max-Age", "600");
        exchange_answer(x, 204, NULL);
        return true;
}

bool checks_pass(struct http_exchange *x, const struct intake *in)
{
        static check_fn *const early[] = {check_headers, check_target, check_host};
        static check_fn *const late[] = {check_route, check_token, check_rate,
                                         check_body,  check_query, check_idempotency};
        const char *detail = NULL;
        enum problem p = PROBLEM_NONE;

        for (size_t i = 0; i < ELEMENTS(early) && p == PROBLEM_NONE; i++)
                p = early[i](x, in, &detail);
        if (p == PROBLEM_NONE && preflight(x, in))
                return false;
        for (size_t i = 0; i < ELEMENTS(late) && p == PROBLEM_NONE; i++)
                p = late[i](x, in, &detail);
        if (p == PROBLEM_NONE)
                return true;
        if (faults_any(&x->faults))
                exchange_faults(x, p);
        else
                exchange_problem(x, p, detail);
        return false;
}
