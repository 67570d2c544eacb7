/* Orders at brokers over TLS: what Ordo adds to the broker's time with every gate on, and how many
 * it carries. The floor is the same load at the same broker without Ordo. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ordo-bench-brokers.h"
#include "ordo-bench.h"

#define ORDERS_1    2000
#define ORDERS_FAN  1500
#define ORDERS_64   12000
#define ORDERS_MORE 27000 /* with those before: books of 5000 orders each */
#define ORDERS_BOOK 1000
#define DIRECT_1    5000
#define DIRECT_64   40000
#define TLS_WARM_UP 100
#define QUANTITIES  97

/* docs/performance.md */
#define TLS_OWN_P50_MS        0.6
#define TLS_OWN_P99_MS        2
#define TLS_FAN_P50_MS        0.9
#define TLS_ORDERS_PER_SECOND 8000

static const char *const single[] = {"\"fyers:main\"", "\"hdfc:main\"", "\"mstock:main\""};
static const char *const single_names[] = {"fyers", "hdfc", "mstock"};
static const char *const fan[] = {"\"fyers:main\",\"hdfc:main\",\"mstock:main\""};
static const char *const crowd[BROKERS_CROWD] = {
        "\"mstock:crowd1\"", "\"mstock:crowd2\"", "\"mstock:crowd3\"", "\"mstock:crowd4\"",
        "\"mstock:crowd5\"", "\"mstock:crowd6\"", "\"mstock:crowd7\"", "\"mstock:crowd8\""};

struct request {
        const struct daemon *daemon;
        const char *const *targets; /* in turns */
        unsigned n_targets, first;
};

/* No two alike for long: an order that equals one of the last second is a mistake to Ordo, and one
 * of the same quantity as one that is on its way would not be known from it in m.Stock's book. All
 * of them fill at once, at 1050. */
static void put_order(struct text *out, unsigned i, const void *userdata)
{
        const struct request *q = userdata;
        unsigned n = q->first + i, of_account = n / q->n_targets;
        uint64_t key = bench_scatter(n);
        char body[512];
        int size = snprintf(body, sizeof(body),
                            "{\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"LIMIT\","
                            "\"quantity\":%u,\"price\":\"%u.00\",\"product\":\"CNC\","
                            "\"validity\":\"DAY\",\"targets\":[%s]}",
                            1 + of_account % QUANTITIES, 1050 + of_account / QUANTITIES % 100,
                            q->targets[n % q->n_targets]);

        text_addf(out,
                  "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                  "Authorization: Bearer %s\r\nIdempotency-Key: %016" PRIx64 "-%016" PRIx64 "\r\n"
                  "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                  q->daemon->port, q->daemon->token, key, bench_scatter(key), size, body);
}

/* What Ordo sends to m.Stock for such an order. */
static void put_direct(struct text *out, unsigned n, const void *userdata)
{
        static const char body[] =
                "tradingsymbol=SBIN-EQ&exchange=NSE&transaction_type=BUY&order_type=LIMIT"
                "&quantity=1&product=CNC&validity=DAY&price=1050.00&trigger_price=0"
                "&disclosed_quantity=0&tag=ORDO";
        text_addf(out,
                  "POST /mstock/openapi/typea/orders/regular HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                  "Authorization: token SIMmstock+Key/01@@:%s\r\nX-Mirae-Version: 1\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  (const char *)userdata, sizeof(body) - 1, body);
}

static int measure_direct(struct bench *b, const struct brokers *at, unsigned connections,
                          unsigned count, double *ret_ms)
{
        _cleanup_(text_done) struct text token = TEXT_NULL;
        struct report_row row = {};
        int r = brokers_token(at, "mstock", &token);
        if (r < 0)
                return r;
        const struct load load = {.port = at->tls_port,
                                  .tls = true,
                                  .connections = connections,
                                  .count = count,
                                  .max_us = LOAD_MAX_US,
                                  .status = 200,
                                  .request = put_direct,
                                  .userdata = text_str(&token)};
        r = load_run(&load, &row.result, b->fault);
        if (r < 0)
                return r;
        *ret_ms = 1000 / row.result.per_second;
        (void)snprintf(row.name, sizeof(row.name), "floor: broker without Ordo, %u", connections);
        report_load(&b->report, &row);
        return 0;
}

static int load_orders(struct bench *b, struct request *q, unsigned connections, unsigned count,
                       const char *name, double floor_ms, struct load_result *ret)
{
        struct load load = {.connections = connections,
                            .count = count,
                            .status = 201,
                            .own = true,
                            .request = put_order,
                            .userdata = q};
        int r = bench_load(b, &load, name, floor_ms, ret);
        q->first += count;
        return r;
}

static void report_own(struct bench *b, const char *what, const struct load_result *result,
                       double p50, double p99)
{
        char name[REPORT_NAME_SIZE];

        (void)snprintf(name, sizeof(name), "own time over TLS, %s, p50", what);
        report_target(&b->report, name, result->own.p50_ms, "ms", REPORT_AT_MOST, p50);
        (void)snprintf(name, sizeof(name), "own time over TLS, %s, p99", what);
        report_target(&b->report, name, result->own.p99_ms, "ms",
                      p99 > 0 ? REPORT_AT_MOST : REPORT_PLAIN, p99);
}

static int measure_own(struct bench *b, double direct_ms)
{
        const double floor_ms = bench_order_floor_ms(b, 0) + direct_ms;
        struct request q = {.daemon = &b->daemon, .n_targets = 1};
        struct load_result result;
        char name[REPORT_NAME_SIZE];
        int r = 0;

        for (unsigned i = 0; i < ELEMENTS(single) && r == 0; i++) {
                q.targets = &single[i];
                r = load_orders(b, &q, 1, TLS_WARM_UP, NULL, 0, &result);
                (void)snprintf(name, sizeof(name), "orders at %s over TLS, 1", single_names[i]);
                if (r == 0)
                        r = load_orders(b, &q, 1, ORDERS_1, name, floor_ms, &result);
                if (r == 0)
                        report_own(b, single_names[i], &result, TLS_OWN_P50_MS, TLS_OWN_P99_MS);
        }
        q.targets = fan;
        if (r == 0)
                r = load_orders(b, &q, 1, ORDERS_FAN, "orders at all three over TLS, 1", floor_ms,
                                &result);
        if (r == 0)
                report_own(b, "all three", &result, TLS_FAN_P50_MS, 0);
        return r;
}

static int measure_crowd(struct bench *b, double direct_ms)
{
        const double floor_ms = bench_order_floor_ms(b, BENCH_CROWDS - 1) + direct_ms;
        struct request q = {.daemon = &b->daemon, .targets = crowd, .n_targets = BROKERS_CROWD};
        struct load_result result;

        q.first = 100000; /* keys that were not used before */
        int r = load_orders(b, &q, 64, 10 * TLS_WARM_UP, NULL, 0, &result);
        if (r == 0)
                r = load_orders(b, &q, 64, ORDERS_64, "orders at 8 accounts over TLS, 64", floor_ms,
                                &result);
        if (r == 0)
                report_target(&b->report, "orders over TLS, 64 connections", result.per_second,
                              "/s", REPORT_AT_LEAST, TLS_ORDERS_PER_SECOND);
        /* Every five seconds each account's book is read, and every order in it was filled since:
         * the longer this lasts, the more of the time goes into that. */
        if (r == 0)
                r = load_orders(b, &q, 64, ORDERS_MORE, "the same beside books that grow, 64",
                                floor_ms, &result);
        if (r < 0)
                return r;
        /* Every account has a book of some thousand orders now. What the loop does with them at a
         * stretch, an order that comes meanwhile waits for. */
        r = load_orders(b, &q, 1, ORDERS_BOOK, "orders beside large order books, 1", floor_ms,
                        &result);
        if (r == 0) {
                report_own(b, "large order books", &result, TLS_OWN_P50_MS, 0);
                report_target(&b->report, "own time over TLS, large order books, most",
                              result.own.most_ms, "ms", REPORT_PLAIN, 0);
        }
        return r;
}

static int measure_at(struct bench *b, struct brokers *at, const char *brokersim)
{
        double one_ms = 0, crowd_ms = 0;
        struct daemon_paths paths = b->paths;

        int r = brokers_start(at, brokersim, paths.market_dir, paths.place);
        if (r == 0)
                r = measure_direct(b, at, 1, DIRECT_1, &one_ms);
        if (r == 0)
                r = measure_direct(b, at, 64, DIRECT_64, &crowd_ms);
        if (r == 0)
                r = brokers_empty(at);
        daemon_done(&b->daemon);
        if (r == 0)
                r = daemon_init(&b->daemon, &paths);
        paths.env_file = at->env_file;
        if (r == 0)
                r = daemon_start(&b->daemon, &paths, brokers_accounts(), NULL);
        if (r == 0)
                r = brokers_log_in(at, &b->daemon, b->fault);
        if (r == 0)
                r = measure_own(b, one_ms);
        return r < 0 ? r : measure_crowd(b, crowd_ms);
}

int bench_brokers(struct bench *b, const char *brokersim)
{
        struct brokers at = {};
        int r = measure_at(b, &at, brokersim);
        daemon_done(&b->daemon);
        brokers_done(&at);
        return r;
}
