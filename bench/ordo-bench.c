/* Measures ordod: one command, one table. Everything is on loopback and in a directory of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ordo-bench-masters.h"
#include "ordo-bench-postgres.h"
#include "ordo-bench.h"

#define EXIT_MISSED 1
#define EXIT_BROKEN 2

#define ACCOUNT      "paper:bench"
#define FAN_ACCOUNTS "paper:one,paper:two,paper:three"
#define FAN_TARGETS  "\"paper:one\",\"paper:two\",\"paper:three\""
#define TARGET       "\"" ACCOUNT "\""

#define ORDERS_1   4500
#define ORDERS_16  25000
#define ORDERS_64  70000
#define ORDERS_ALL 100000 /* with the warming up: the memory target is about these */
#define FAN_OUT    20000
#define READS      150000
#define BARE_1     20000
#define STARTS     7

/* docs/performance.md */
#define OWN_P50_MS          0.5
#define OWN_P99_MS          2
#define ORDERS_PER_SECOND   12000
#define POSTGRES_PER_SECOND 5000
#define POSTGRES_TIMES      2 /* of the floor, one connection */
#define REPLAYS_PER_SECOND  40000
#define STATUSES_PER_SECOND 40000
#define IDLE_ANON_MB        6
#define IDLE_RSS_MB         18
#define LOADED_ANON_MB      40
#define START_MS            50
#define COLD_START_MS       150
#define MASTER_LOAD_MS      3000
#define MASTER_STALL_MS     5
#define MASTERS_RSS_MB      30 /* with the idle daemon's 18: 48 */
#define MASTER_FIND_US      5

const unsigned bench_crowds[BENCH_CROWDS] = {1, 16, 64};
static const unsigned crowd_orders[] = {ORDERS_1, ORDERS_16, ORDERS_64};

/* --- requests
 * ------------------------------------------------------------------------------------------ */

struct order_request {
        const struct daemon *daemon;
        const char *targets;
        unsigned first_key;
        bool same_key;
};

/* The steps of the sequence are splitmix64's. */
uint64_t bench_scatter(uint64_t n)
{
        n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
        n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
        return n ^ n >> 31;
}

static void put_order(struct text *out, unsigned n, const void *userdata)
{
        const struct order_request *o = userdata;
        uint64_t key = bench_scatter(o->first_key + (o->same_key ? 0 : n));
        char body[512];
        int size = snprintf(body, sizeof(body),
                            "{\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"LIMIT\","
                            "\"quantity\":1,\"price\":\"1050.00\",\"product\":\"CNC\","
                            "\"validity\":\"DAY\",\"targets\":[%s]}",
                            o->targets);
        text_addf(out,
                  "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                  "Authorization: Bearer %s\r\nIdempotency-Key: %016" PRIx64 "-%016" PRIx64 "\r\n"
                  "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                  o->daemon->port, o->daemon->token, key, bench_scatter(key), size, body);
}

static void put_get(struct text *out, const struct daemon *d, const char *path)
{
        text_addf(out, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n\r\n",
                  path, d->port, d->token);
}

static void put_status(struct text *out, unsigned n, const void *userdata)
{
        put_get(out, userdata, "/api/v1/status");
}

/* --- floors
 * ---------------------------------------------------------------------------------------------- */

static int measure_bare(struct bench *b)
{
        const struct daemon as_if = {.port = b->bare.port, .token = "0123456789abcdef0123456789ab"};
        const struct order_request order = {.daemon = &as_if, .targets = TARGET};

        for (unsigned i = 0; i < BENCH_CROWDS; i++) {
                const struct load load = {.port = b->bare.port,
                                          .connections = bench_crowds[i],
                                          .count = bench_crowds[i] == 1 ? BARE_1 : READS,
                                          .max_us = LOAD_MAX_US,
                                          .status = 201,
                                          .request = put_order,
                                          .userdata = &order};
                struct report_row row = {};
                int r = load_run(&load, &row.result, b->fault);
                if (r < 0)
                        return r;
                b->bare_ms[i] = 1000 / row.result.per_second;
                (void)snprintf(row.name, sizeof(row.name), "floor: bare libh2o, %u",
                               bench_crowds[i]);
                report_load(&b->report, &row);
        }
        return 0;
}

static int measure_floors(struct bench *b)
{
        struct spread sync;
        char name[REPORT_NAME_SIZE];

        int r = bare_start(&b->bare);
        if (r == 0)
                r = measure_bare(b);
        bare_done(&b->bare);
        if (r == 0)
                r = floor_sync(b->paths.place, &sync);
        if (r < 0)
                return r;
        report_value(&b->report, "floor: fdatasync of 4 KiB, p50", sync.p50_ms, "ms");
        report_value(&b->report, "floor: fdatasync of 4 KiB, p99", sync.p99_ms, "ms");
        if (b->paths.new_database)
                return bench_postgres_floors(b);
        for (unsigned i = 0; i < BENCH_CROWDS && r == 0; i++) {
                r = floor_commit(b->paths.place, bench_crowds[i], &b->commit[i]);
                (void)snprintf(name, sizeof(name), "floor: SQLite commit of %u row%s, p50",
                               bench_crowds[i], bench_crowds[i] == 1 ? "" : "s");
                report_value(&b->report, name, b->commit[i].p50_ms, "ms");
        }
        return r;
}

/* --- loads
 * ------------------------------------------------------------------------------------------------
 */

int bench_load(struct bench *b, struct load *load, const char *name, double floor_ms,
               struct load_result *ret)
{
        struct daemon_cpu from, to;
        load->port = b->daemon.port;
        load->max_us = LOAD_MAX_US;
        int r = daemon_cpu(&b->daemon, &from);
        if (r == 0)
                r = load_run(load, ret, b->fault);
        if (r == 0)
                r = daemon_cpu(&b->daemon, &to);
        if (r < 0 || !name)
                return r;
        struct report_row row = {.result = *ret,
                                 .own = load->own,
                                 .loop_us = (to.loop_ms - from.loop_ms) * 1000 / ret->done,
                                 .store_us = (to.store_ms - from.store_ms) * 1000 / ret->done,
                                 .floor_ms = floor_ms};
        (void)text_copy(row.name, sizeof(row.name), name);
        report_load(&b->report, &row);
        return 0;
}

double bench_order_floor_ms(const struct bench *b, unsigned crowd)
{
        return b->bare_ms[crowd] + ORDER_COMMITS * b->commit[crowd].p50_ms / bench_crowds[crowd];
}

static int load_orders(struct bench *b, const char *targets, unsigned crowd, unsigned count,
                       const char *name, struct load_result *ret)
{
        const struct order_request order = {
                .daemon = &b->daemon, .targets = targets, .first_key = b->orders};
        struct load load = {.connections = bench_crowds[crowd],
                            .count = count,
                            .status = 201,
                            .own = true,
                            .request = put_order,
                            .userdata = &order};
        int r = bench_load(b, &load, name, bench_order_floor_ms(b, crowd), ret);
        b->orders += r == 0 ? ret->done : 0;
        return r;
}

static int measure_orders(struct bench *b)
{
        struct load_result result;
        int r = load_orders(b, TARGET, 0, WARM_UP, NULL, &result);

        for (unsigned i = 0; i < BENCH_CROWDS && r == 0; i++) {
                char name[REPORT_NAME_SIZE];
                (void)snprintf(name, sizeof(name), "orders, %u", bench_crowds[i]);
                r = load_orders(b, TARGET, i, crowd_orders[i], name, &result);
                if (r == 0 && bench_crowds[i] == 1 && b->paths.new_database) {
                        report_target(&b->report, "an order beside its floor, one connection",
                                      result.total.p50_ms / bench_order_floor_ms(b, i), "times",
                                      REPORT_AT_MOST, POSTGRES_TIMES);
                } else if (r == 0 && bench_crowds[i] == 1) {
                        report_target(&b->report, "own time of an order, p50", result.own.p50_ms,
                                      "ms", REPORT_AT_MOST, OWN_P50_MS);
                        report_target(&b->report, "own time of an order, p99", result.own.p99_ms,
                                      "ms", REPORT_AT_MOST, OWN_P99_MS);
                }
        }
        if (r == 0)
                report_target(&b->report, "orders, 64 connections", result.per_second, "/s",
                              REPORT_AT_LEAST,
                              b->paths.new_database ? POSTGRES_PER_SECOND : ORDERS_PER_SECOND);
        return r;
}

static int measure_reads(struct bench *b)
{
        const struct order_request replay = {
                .daemon = &b->daemon, .targets = TARGET, .same_key = true};
        struct load replays = {.connections = 64,
                               .count = READS,
                               .status = 201,
                               .request = put_order,
                               .userdata = &replay};
        struct load statuses = {.connections = 64,
                                .count = READS,
                                .status = 200,
                                .request = put_status,
                                .userdata = &b->daemon};
        struct load first = replays;
        struct load_result result;

        /* Only the latest keys are in memory; this takes it there. */
        first.connections = first.count = 1;
        int r = bench_load(b, &first, NULL, 0, &result);
        if (r == 0)
                r = bench_load(b, &replays, "replays of a finished key, 64", b->bare_ms[2],
                               &result);
        if (r < 0)
                return r;
        report_target(&b->report, "replays, 64 connections", result.per_second, "/s",
                      REPORT_AT_LEAST, REPLAYS_PER_SECOND);
        r = bench_load(b, &statuses, "statuses, 64", b->bare_ms[2], &result);
        if (r == 0)
                report_target(&b->report, "statuses, 64 connections", result.per_second, "/s",
                              REPORT_AT_LEAST, STATUSES_PER_SECOND);
        return r;
}

static int measure_memory(struct bench *b, bool loaded)
{
        struct daemon_memory memory;
        char name[REPORT_NAME_SIZE];
        int r = daemon_memory(&b->daemon, &memory);
        if (r < 0)
                return r;
        if (!loaded) {
                report_target(&b->report, "idle, RssAnon", memory.anon_mb, "MB", REPORT_AT_MOST,
                              IDLE_ANON_MB);
                report_target(&b->report, "idle, VmRSS", memory.rss_mb, "MB", REPORT_AT_MOST,
                              IDLE_RSS_MB);
                return 0;
        }
        (void)snprintf(name, sizeof(name), "after %u orders, RssAnon", b->orders);
        /* A machine too slow for all of them has not shown what the target asks. */
        report_target(&b->report, name, memory.anon_mb, "MB",
                      b->orders >= ORDERS_ALL ? REPORT_AT_MOST : REPORT_PLAIN, LOADED_ANON_MB);
        (void)snprintf(name, sizeof(name), "after %u orders, VmRSS", b->orders);
        report_value(&b->report, name, memory.rss_mb, "MB");
        return 0;
}

/* --- starts
 * ------------------------------------------------------------------------------------------------
 */

/* The median of some starts on the state that is there, as an administrator's restart finds it. */
static int measure_restarts(struct bench *b, struct daemon_start *ret)
{
        uint32_t notified_us[STARTS], ready_us[STARTS];
        for (unsigned i = 0; i < STARTS; i++) {
                struct daemon_start start = {};
                int r = daemon_stop(&b->daemon);
                if (r == 0)
                        r = daemon_start(&b->daemon, &b->paths, ACCOUNT, &start);
                if (r < 0)
                        return r;
                notified_us[i] = (uint32_t)(start.notified_ms * 1000);
                ready_us[i] = (uint32_t)(start.ready_ms * 1000);
        }
        ret->notified_ms = spread_of(notified_us, STARTS).p50_ms;
        ret->ready_ms = spread_of(ready_us, STARTS).p50_ms;
        return 0;
}

static int measure_starts(struct bench *b)
{
        struct daemon_start first = {}, next = {};
        int r = daemon_start(&b->daemon, &b->paths, ACCOUNT, &first);
        if (r == 0)
                r = measure_restarts(b, &next);
        if (r < 0)
                return r;
        report_value(&b->report, "first start, which makes the ledger, to /ready", first.ready_ms,
                     "ms");
        report_value(&b->report, "start to READY=1", next.notified_ms, "ms");
        report_target(&b->report, "start to /ready", next.ready_ms, "ms", REPORT_AT_MOST, START_MS);
        return 0;
}

/* The median of some, with a ledger that is there. */
static int measure_cold_starts(struct bench *b)
{
        uint32_t us[STARTS];
        for (unsigned i = 0; i < STARTS; i++) {
                double ms = 0;
                int r = daemon_stop(&b->daemon);
                if (r == 0)
                        r = daemon_start_by_socket(&b->daemon, &b->paths, ACCOUNT, &ms);
                if (r < 0)
                        return r;
                us[i] = (uint32_t)(ms * 1000);
        }
        report_target(&b->report, "cold start from the socket to the first answer",
                      spread_of(us, STARTS).p50_ms, "ms", REPORT_AT_MOST, COLD_START_MS);
        return 0;
}

static int measure_loaded_start(struct bench *b)
{
        struct daemon_start start = {};
        int r = daemon_stop(&b->daemon);
        if (r == 0)
                r = daemon_start(&b->daemon, &b->paths, ACCOUNT, &start);
        if (r == 0)
                report_value(&b->report, "start with these orders, to /ready", start.ready_ms,
                             "ms");
        return r;
}

static void report_lateness(struct bench *b, const char *what, const struct spread *s)
{
        char name[REPORT_NAME_SIZE];

        (void)snprintf(name, sizeof(name), "%s, p99", what);
        report_value(&b->report, name, s->p99_ms, "ms");
        (void)snprintf(name, sizeof(name), "%s, p99.9", what);
        report_value(&b->report, name, s->p999_ms, "ms");
        (void)snprintf(name, sizeof(name), "%s, longest", what);
        report_value(&b->report, name, s->most_ms, "ms");
}

static int measure_masters(struct bench *b)
{
        struct masters_figures m = {};
        int r = masters_measure(b->paths.place, &m);
        if (r < 0)
                return r;
        report_target(&b->report, "200,000 instruments of each of 3 brokers, slowest", m.load_ms,
                      "ms", REPORT_AT_MOST, MASTER_LOAD_MS);
        report_lateness(b, "floor: loop late, idle", &m.idle);
        report_lateness(b, "floor: loop late, a process loads", &m.floor);
        report_lateness(b, "loop late while they load", &m.loading);
        report_target(&b->report, "beyond the floor beside a process, p99.9",
                      m.loading.p999_ms - m.floor.p999_ms, "ms", REPORT_AT_MOST, MASTER_STALL_MS);
        report_value(&b->report, "beyond the floor beside a process, longest",
                     m.loading.most_ms - m.floor.most_ms, "ms");
        report_target(&b->report, "longest stretch of work on the loop", m.work_ms, "ms",
                      REPORT_AT_MOST, MASTER_STALL_MS);
        report_target(&b->report, "memory of a process with these, VmRSS", m.rss_mb, "MB",
                      REPORT_AT_MOST, MASTERS_RSS_MB);
        report_target(&b->report, "one of them looked up by symbol, p50", m.by_symbol.p50_ms, "us",
                      REPORT_AT_MOST, MASTER_FIND_US);
        report_value(&b->report, "one of them looked up by symbol, p99", m.by_symbol.p99_ms, "us");
        report_target(&b->report, "one of them looked up by key, p50", m.by_key.p50_ms, "us",
                      REPORT_AT_MOST, MASTER_FIND_US);
        report_value(&b->report, "one of them looked up by key, p99", m.by_key.p99_ms, "us");
        return 0;
}

/* --- the whole
 * -----------------------------------------------------------------------------------------------
 */

/* A daemon started for the last time before a load has no one to tell that it is ready. */
static int daemon_fresh(struct bench *b, const char *accounts)
{
        int r = daemon_stop(&b->daemon);
        return r < 0 ? r : daemon_start(&b->daemon, &b->paths, accounts, NULL);
}

static int measure_fan_out(struct bench *b)
{
        struct load_result result;
        daemon_done(&b->daemon);
        b->orders = 0;
        int r = daemon_init(&b->daemon, &b->paths);
        if (r == 0)
                r = daemon_fresh(b, FAN_ACCOUNTS);
        if (r == 0)
                r = load_orders(b, FAN_TARGETS, 0, WARM_UP, NULL, &result);
        return r < 0 ? r
                     : load_orders(b, FAN_TARGETS, 2, FAN_OUT, "orders on 3 accounts, 64", &result);
}

static int measure_paper(struct bench *b)
{
        struct load_result result;
        int r = daemon_init(&b->daemon, &b->paths);
        if (r == 0)
                r = measure_starts(b);
        if (r == 0)
                r = measure_cold_starts(b);
        if (r == 0)
                r = daemon_fresh(b, ACCOUNT);
        if (r == 0)
                r = measure_memory(b, false);
        if (r == 0)
                r = measure_orders(b);
        if (r == 0 && b->orders < ORDERS_ALL)
                r = load_orders(b, TARGET, 2, ORDERS_ALL - b->orders, NULL, &result);
        if (r == 0)
                r = measure_memory(b, true);
        if (r == 0)
                r = measure_reads(b);
        if (r == 0)
                r = measure_loaded_start(b);
        return r < 0 ? r : measure_fan_out(b);
}

/* What --only names. */
enum section {
        SECTION_MASTERS = 1 << 0,
        SECTION_PAPER = 1 << 1,
        SECTION_BROKERS = 1 << 2,
        SECTION_ALL = SECTION_MASTERS | SECTION_PAPER | SECTION_BROKERS,
};

static int measure(struct bench *b, unsigned sections, const char *brokersim)
{
        int r = sections & SECTION_MASTERS ? measure_masters(b) : 0; /* the first to use SQLite */
        if (r == 0 && sections & ~SECTION_MASTERS)
                r = measure_floors(b);
        if (r == 0 && sections & SECTION_PAPER)
                r = measure_paper(b);
        if (r == 0 && sections & SECTION_BROKERS)
                r = bench_brokers(b, brokersim);
        return r;
}

static unsigned section_named(const char *name)
{
        return strcmp(name, "masters") == 0   ? SECTION_MASTERS
               : strcmp(name, "paper") == 0   ? SECTION_PAPER
               : strcmp(name, "brokers") == 0 ? SECTION_BROKERS
                                              : 0;
}

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
        asked_to_stop = number;
}

/* Without SA_RESTART: what waits ends with EINTR, and everything is tidied up. */
static void take_signals(void)
{
        const struct sigaction stop = {.sa_handler = on_signal};
        (void)sigaction(SIGINT, &stop, NULL);
        (void)sigaction(SIGTERM, &stop, NULL);
}

static int usage(FILE *to, int code)
{
        (void)fputs(
                "Usage: ordo-bench [--json] [--check] [--only SECTION] [--ordod PATH]\n"
                "                  [--brokersim PATH] [--state-in DIR] [--store STORE]\n\n"
                "Measures ordod beside what the machine and the libraries need by themselves.\n\n"
                "  --json          print one JSON object instead of the table\n"
                "  --check         exit with 1 when a target is missed\n"
                "  --only SECTION  masters, paper or brokers; may be repeated\n"
                "  --ordod PATH    the daemon to measure (default: of this build)\n"
                "  --brokersim PATH\n"
                "                  the brokers to measure with (default: of this build)\n"
                "  --state-in DIR  where the ledger is made and removed (default: the build's\n"
                "                  directory); it decides which disk is measured\n"
                "  --store STORE   sqlite (the default) or postgres: a server of the bench's own\n",
                to);
        return code;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                                {"check", no_argument, NULL, 'c'},
                                                {"ordod", required_argument, NULL, 'o'},
                                                {"state-in", required_argument, NULL, 's'},
                                                {"only", required_argument, NULL, 'n'},
                                                {"store", required_argument, NULL, 't'},
                                                {"brokersim", required_argument, NULL, 'b'},
                                                {"help", no_argument, NULL, 'h'},
                                                {}};
        static struct bench b = {.paths = {.ordod = BENCH_ORDOD,
                                           .market_dir = BENCH_SOURCE "/data/market",
                                           .migrations_dir = BENCH_SOURCE "/migrations",
                                           .place = BENCH_PLACE}};
        const char *brokersim = BENCH_BROKERSIM;
        bool json = false, check = false, postgres = false;
        unsigned sections = 0;

        for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
                if (c == 'h')
                        return usage(stdout, EXIT_SUCCESS);
                json |= c == 'j';
                check |= c == 'c';
                if (c == 'o')
                        b.paths.ordod = optarg;
                if (c == 's')
                        b.paths.place = optarg;
                if (c == 'b')
                        brokersim = optarg;
                if (c == 'n')
                        sections |= section_named(optarg);
                postgres |= c == 't' && strcmp(optarg, "postgres") == 0;
                if (c == 't' && !postgres && strcmp(optarg, "sqlite") != 0)
                        return usage(stderr, EXIT_BROKEN);
                if (c == '?' || (c == 'n' && !section_named(optarg)))
                        return usage(stderr, EXIT_BROKEN);
        }
        if (optind < argc)
                return usage(stderr, EXIT_BROKEN);
        take_signals();
        int64_t from_us = clock_mono_us();
        int r = postgres ? bench_postgres_start(&b) : 0;
        if (r == 0)
                r = measure(&b, sections ? sections : SECTION_ALL, brokersim);
        bare_done(&b.bare);
        daemon_done(&b.daemon);
        if (b.paths.new_database)
                bench_postgres_stop();
        b.report.seconds = (double)(clock_mono_us() - from_us) / USEC_PER_SEC;
        if (r == 0 && json)
                r = report_print_json(&b.report, stdout);
        else if (r == 0)
                report_print(&b.report, stdout);
        if (r < 0) {
                (void)fprintf(stderr, "ordo-bench: %s\n",
                              asked_to_stop ? "stopped"
                              : b.fault[0]  ? b.fault
                                            : strerror(-r));
                return EXIT_BROKEN;
        }
        return check && report_misses(&b.report) > 0 ? EXIT_MISSED : EXIT_SUCCESS;
}
