#include "http/routes.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "http/handlers.h"
#include "http/keys.h"
#include "http/query.h"

#define PARAMETERS(...)           \
        (const char *const[])     \
        {                         \
                __VA_ARGS__, NULL \
        }
#define API     "/api/v1"
#define SESSION API "/auth/{broker}/{account}"

/* Patterns without a capture stand before those that would also match. The first lines are asked
 * for most. */
const struct route routes[] = {
        {"POST", API "/orders", SCOPE_TRADE, ROUTE_BODY | ROUTE_IDEMPOTENCY_KEY | ROUTE_ARMS,
         handle_place, NULL},
        {"GET", API "/orders", SCOPE_READ, 0, handle_orders,
         PARAMETERS("accounts", "status", "symbol", "since", "limit", "cursor")},
        {"GET", API "/status", SCOPE_READ, ROUTE_STATUS_PUBLIC, handle_status, NULL},
        {"POST", API "/orders/validate", SCOPE_TRADE, ROUTE_BODY, handle_validate, NULL},
        {"POST", API "/orders/cancel", SCOPE_TRADE, ROUTE_BODY, handle_cancel_many, NULL},
        {"GET", API "/orders/{id}", SCOPE_READ, 0, handle_order, NULL},
        {"PATCH", API "/orders/{id}", SCOPE_TRADE, ROUTE_BODY | ROUTE_ARMS, handle_modify, NULL},
        {"DELETE", API "/orders/{id}", SCOPE_TRADE, 0, handle_cancel, NULL},
        {"POST", API "/orders/{id}/legs/{leg}/resolve", SCOPE_ADMIN, ROUTE_BODY, handle_resolve,
         NULL},
        {"GET", API "/trades", SCOPE_READ, 0, handle_trades,
         PARAMETERS("accounts", "limit", "cursor")},
        {"GET", API "/portfolio", SCOPE_READ, 0, handle_portfolio, PARAMETERS("accounts")},
        {"GET", API "/funds", SCOPE_READ, 0, handle_funds, PARAMETERS("accounts")},
        {"GET", API "/holdings", SCOPE_READ, 0, handle_holdings, PARAMETERS("accounts")},
        {"GET", API "/positions", SCOPE_READ, 0, handle_positions, PARAMETERS("accounts")},
        {"GET", API "/quotes", SCOPE_READ, 0, handle_quotes, PARAMETERS("symbols", "account")},
        {"GET", API "/instruments", SCOPE_READ, 0, handle_instruments,
         PARAMETERS("q", "exchange", "limit")},
        {"GET", API "/killswitch", SCOPE_READ, 0, handle_killswitch, NULL},
        {"POST", API "/killswitch", SCOPE_TRADE, ROUTE_BODY | ROUTE_NEVER_LIMITED,
         handle_killswitch_set, NULL},
        {"POST", API "/killswitch/heartbeat", SCOPE_TRADE, ROUTE_NEVER_LIMITED, handle_heartbeat,
         NULL},
        {"DELETE", API "/killswitch/heartbeat", SCOPE_TRADE, ROUTE_NEVER_LIMITED, handle_disarm,
         PARAMETERS("key")},
        {"GET", API "/events", SCOPE_READ, 0, handle_events, PARAMETERS("accounts", "types")},
        {"POST", API "/accounts/reconcile", SCOPE_TRADE, ROUTE_BODY, handle_reconcile, NULL},
        {"GET", API "/accounts", SCOPE_READ, 0, handle_accounts, NULL},
        {"GET", API "/jobs", SCOPE_READ, 0, handle_jobs, NULL},
        {"GET", API "/audit", SCOPE_ADMIN, 0, handle_audit,
         PARAMETERS("correlation_id", "order_id", "account", "since", "until", "limit", "cursor")},
        {"POST", API "/admin/reload", SCOPE_ADMIN, 0, handle_reload, NULL},
        {"POST", API "/auth/report", SCOPE_TRADE, ROUTE_BODY, handle_report, NULL},
        {"GET", API "/auth/callback/{broker}/{account}", 0, ROUTE_QUERY_RAW, handle_callback, NULL},
        {"POST", SESSION "/login", SCOPE_TRADE, 0, handle_login, NULL},
        {"POST", SESSION "/complete", SCOPE_TRADE, ROUTE_BODY, handle_complete, NULL},
        {"GET", SESSION, SCOPE_READ, 0, handle_session, NULL},
        {"DELETE", SESSION, SCOPE_TRADE, 0, handle_logout, NULL},
        {"GET", "/health", 0, 0, handle_health, NULL},
        {"GET", "/ready", 0, 0, handle_ready, NULL},
        {"GET", "/metrics", SCOPE_READ, ROUTE_METRICS_PUBLIC, handle_metrics, NULL},
        {"GET", "/openapi.json", 0, 0, handle_openapi, NULL},
        {"GET", "/docs", 0, 0, handle_docs, NULL},
};
const unsigned n_routes = ELEMENTS(routes);

struct capture {
        const char *base;
        size_t size;
};

/* Walks pattern and path together; "{name}" takes what is there up to the next slash, at least one
 * byte. */
static bool route_matches(const char *pattern, const char *path, size_t n,
                          struct capture captures[static CAPTURES_MAX], unsigned *ret_n)
{
        const char *end = path + n;
        unsigned found = 0;

        while (*pattern) {
                if (*pattern == '{') {
                        const char *slash = memchr(path, '/', (size_t)(end - path));
                        const char *stop = slash ? slash : end;
                        if (stop == path || found == CAPTURES_MAX)
                                return false;
                        captures[found++] = (struct capture){path, (size_t)(stop - path)};
                        path = stop;
                        pattern = strchr(pattern, '}') + 1;
                } else if (path == end || *path++ != *pattern++) {
                        return false;
                }
        }
        *ret_n = found;
        return path == end;
}

static bool method_is(const char *method, const char *s, size_t n)
{
        return strlen(method) == n && memcmp(method, s, n) == 0;
}

enum route_match routes_find(const char *method, size_t method_size, const char *path, size_t n,
                             struct route_result *ret)
{
        struct capture captures[CAPTURES_MAX];
        char decoded[3 * CAPTURE_SIZE];
        unsigned found = 0;

        ret->route = NULL;
        for (unsigned i = 0; i < n_routes && !ret->route; i++)
                if (route_matches(routes[i].pattern, path, n, captures, &found))
                        ret->route = &routes[i];
        if (!ret->route)
                return ROUTE_UNKNOWN;
        for (unsigned i = 0; i < found; i++) {
                if (captures[i].size >= sizeof(decoded))
                        return ROUTE_UNKNOWN;
                if (!percent_decode(captures[i].base, captures[i].size, decoded))
                        return ROUTE_MALFORMED;
                if (!text_copy(ret->captures[i], CAPTURE_SIZE, decoded))
                        return ROUTE_UNKNOWN;
        }
        if (method_is("HEAD", method, method_size)) {
                method = "GET";
                method_size = 3;
        }
        const char *pattern = ret->route->pattern;
        for (const struct route *r = routes; r < routes + n_routes; r++)
                if (method_is(r->method, method, method_size) && strcmp(r->pattern, pattern) == 0) {
                        ret->route = r;
                        return ROUTE_FOUND;
                }
        return ROUTE_METHOD;
}

const char *routes_allow(const struct route *r, char buf[static ROUTE_ALLOW_SIZE])
{
        size_t len = 0;

        for (const struct route *other = routes; other < routes + n_routes; other++) {
                if (strcmp(other->pattern, r->pattern) != 0)
                        continue;
                const char *method =
                        strcmp(other->method, "GET") == 0 ? "GET, HEAD" : other->method;
                if (len > 0) {
                        buf[len++] = ',';
                        buf[len++] = ' ';
                }
                memcpy(buf + len, method, strlen(method) + 1);
                len += strlen(method);
        }
        return buf;
}
