/* Every answered request, counted and (by option) recorded. h2o calls when a request is disposed
 * of: the bytes have been given to the kernel, or the client has gone. */
#include <errno.h>

#include <h2o.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "http/server.h"

static const struct {
        int status;
        const char *reason, *text;
} statuses[] = {
        {200, "OK", "200"},
        {201, "Created", "201"},
        {202, "Accepted", "202"},
        {204, "No Content", "204"},
        {207, "Multi-Status", "207"},
        {400, "Bad Request", "400"},
        {401, "Unauthorized", "401"},
        {403, "Forbidden", "403"},
        {404, "Not Found", "404"},
        {405, "Method Not Allowed", "405"},
        {409, "Conflict", "409"},
        {413, "Content Too Large", "413"},
        {414, "URI Too Long", "414"},
        {415, "Unsupported Media Type", "415"},
        {417, "Expectation Failed", "417"},
        {422, "Unprocessable Content", "422"},
        {423, "Locked", "423"},
        {424, "Failed Dependency", "424"},
        {429, "Too Many Requests", "429"},
        {500, "Internal Server Error", "500"},
        {503, "Service Unavailable", "503"},
};
_Static_assert(sizeof(statuses) / sizeof(statuses[0]) <= STATUS_COUNT, "one series per status");

#define ROUTE_NONE "none" /* the label of requests that found no route */

/* Index into the table; the last one (500) stands for a status that is not there. */
static unsigned status_index(int status)
{
        unsigned i;

        for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]) - 1; i++)
                if (statuses[i].status == status)
                        return i;
        return i;
}

const char *status_reason(int status)
{
        unsigned i = status_index(status);

        return statuses[i].status == status ? statuses[i].reason : "Unknown";
}

int access_new(struct http *h)
{
        struct metrics *m = h->options.metrics;

        h->meters = calloc(n_routes + 1, sizeof(*h->meters));
        if (!h->meters)
                return -ENOMEM;
        for (unsigned i = 0; i <= n_routes; i++)
                h->meters[i].duration =
                        metrics_series(m, METER_HTTP_DURATION,
                                       i < n_routes ? routes[i].pattern : ROUTE_NONE, NULL);
        return 0;
}

/* The method as a label: clients may not invent series. */
static const char *method_label(const h2o_req_t *req, const struct route *route)
{
        static const char *const methods[] = {"GET",    "HEAD",    "POST", "PATCH",
                                              "DELETE", "OPTIONS", "PUT"};
        const h2o_iovec_t *m = &req->input.method;

        if (route && h2o_memis(m->base, m->len, route->method, strlen(route->method)))
                return route->method;
        for (size_t i = 0; i < ELEMENTS(methods); i++)
                if (h2o_memis(m->base, m->len, methods[i], strlen(methods[i])))
                        return methods[i];
        return "other";
}

static void access_count(struct http *h, const struct route *route, const char *method, int status,
                         int64_t us)
{
        struct route_meters *meters = &h->meters[route ? (unsigned)(route - routes) : n_routes];
        unsigned i = status_index(status);
        struct series *s;

        if (route && method == route->method) {
                if (!meters->requests[i])
                        meters->requests[i] =
                                metrics_series(h->options.metrics, METER_HTTP_REQUESTS,
                                               route->pattern, method, statuses[i].text, NULL);
                s = meters->requests[i];
        } else {
                s = metrics_series(h->options.metrics, METER_HTTP_REQUESTS,
                                   route ? route->pattern : ROUTE_NONE, method, statuses[i].text,
                                   NULL);
        }
        series_add(s, 1);
        series_observe_us(meters->duration, us);
}

static void access_log(const struct http_exchange *x, const h2o_req_t *req, const char *method,
                       int status, int64_t us)
{
        const char *route = x && x->route ? x->route->pattern : ROUTE_NONE;
        char client[ADDRESS_TEXT_SIZE] = "", took[24], bytes[24], code[8];

        if (!log_enabled(LOG_INFO))
                return;
        if (x && x->connection && x->connection->has_address)
                address_print(&x->connection->address, client);
        snprintf(took, sizeof(took), "%lld", (long long)us);
        snprintf(bytes, sizeof(bytes), "%zu", req->bytes_sent);
        snprintf(code, sizeof(code), "%d", status);
        log_event(LOG_INFO, EVENT_ACCESS,
                  LOG_FIELDS({"ORDO_METHOD", method}, {"ORDO_ROUTE", route}, {"ORDO_STATUS", code},
                             {"ORDO_DURATION_US", took}, {"ORDO_BYTES", bytes},
                             {"ORDO_CLIENT", client}, {"ORDO_KEY", x ? x->caller.key_name : NULL},
                             {"ORDO_CORRELATION_ID", x ? x->correlation_id : NULL},
                             {"ORDO_CODE",
                              x && x->problem != PROBLEM_NONE ? problem_code(x->problem) : NULL}),
                  "%s %s %d", method, route, status);
}

void access_record(struct http *h, void *request)
{
        const h2o_req_t *req = request;
        const struct connection *c = req->conn->callbacks->get_socket(req->conn)->on_close.data;
        const struct http_exchange *x = c ? c->exchange : NULL;
        const struct route *route = x ? x->route : NULL;
        const char *method = method_label(req, route);
        int64_t us = x ? clock_mono_us() - x->started_us : 0;

        /* Without a status the client left before there was one. */
        if (req->res.status == 0)
                return;
        access_count(h, route, method, req->res.status, us);
        if (h->options.log_access)
                access_log(x, req, method, req->res.status, us);
}
