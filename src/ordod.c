/* The daemon's table of contents: configuration, log, market, store, brokers, orchestrator, http,
 * loop; and in reverse to stop. Nothing is decided here. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "config/config.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "http/http.h"
#include "loop/loop.h"
#include "net/httpc.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/market.h"
#include "orchestrator/orchestrator.h"
#include "orchestrator/status.h"
#include "paper/paper.h"
#include "service/activation.h"
#include "service/notify.h"
#include "http/token.h"
#include "store/store.h"

#define EXIT_CONFIG   1
#define DRAIN_TICK_US INT64_C(10000)
#define PAPER_SEED                                                                               \
        UINT64_C(0x4f72646f) /* the same market on every start, so that a book makes sense after \
                                it */
#define NEW_DAY_CHECK_US (30 * USEC_PER_SEC)

struct daemon {
        struct config *config;
        struct loop *loop;
        struct metrics *metrics;
        struct market *market,
                *old_market; /* the old one lives for a day: quotes may borrow from it */
        struct store *store;
        struct paper *paper;
        struct httpc *transports[ACCOUNTS_MAX];
        struct orchestrator *orchestrator;
        struct http *http;
        struct secret *api_token;
        sd_event_source *signals[5];
        struct loop_timer drain, watchdog, new_day;
        int64_t drain_until_us;

        struct kill_request kill;
        char kill_correlation[UUID_SIZE];
        bool kill_runs;
        struct store_append mark; /* started, stopped, reloaded */
        struct audit_record mark_audit;

        struct service_sockets sockets;
        char status[SERVICE_ADDRESS_SIZE + 64];
        int64_t watchdog_us;
        struct store_job probe;
        bool probe_runs;
};

static int usage(FILE *to)
{
        (void)fputs(
                "Usage: ordod [--check-config | --version | --help]\n\n"
                "The Ordo gateway. It is configured by ORDO_* variables of the environment; see\n"
                "ordo.env(5), or docs/options.md in the source. With none it serves one paper\n"
                "account on 127.0.0.1:8080.\n\n"
                "  --check-config  report every error of the configuration and exit\n"
                "  --version       print the version and exit\n"
                "  --help          print this and exit\n",
                to);
        return to == stdout ? EXIT_SUCCESS : EXIT_CONFIG;
}

/* --- configuration --- */

static int load_config(struct config **ret, bool say_ok)
{
        struct config_faults faults = {};
        struct text out = TEXT_NULL;
        int r = config_load(environ, &faults, ret);

        config_faults_print(&faults, &out);
        if (out.len > 0)
                (void)fputs(text_str(&out), stderr);
        text_done(&out);
        if (r == 0 && say_ok)
                printf("The configuration is good: %u account%s.\n", (*ret)->n_accounts,
                       (*ret)->n_accounts == 1 ? "" : "s");
        return r;
}

static int make_state_dir(const char *dir)
{
        struct text path = TEXT_NULL;
        int r = 0;
        text_add(&path, dir);
        for (char *p = path.data + 1; r == 0; p++) {
                if (*p != '/' && *p != '\0')
                        continue;
                char c = *p;
                *p = '\0';
                if (mkdir(path.data, 0700) < 0 && errno != EEXIST)
                        r = -errno;
                *p = c;
                if (c == '\0')
                        break;
        }
        text_done(&path);
        return r;
}

/* --- signals --- */

static void on_drain(struct loop_timer *t)
{
        struct daemon *d = CONTAINER_OF(t, struct daemon, drain);
        if (http_drained(d->http) && orchestrator_idle(d->orchestrator)) {
                loop_stop(d->loop);
        } else if (clock_mono_us() >= d->drain_until_us) {
                log_warning("stopping with %u operations and %u connections left",
                            orchestrator_in_flight(d->orchestrator), http_connections(d->http));
                loop_stop(d->loop);
        } else {
                service_status("stopping: %u operations, %u connections",
                               orchestrator_in_flight(d->orchestrator), http_connections(d->http));
                service_extend_timeout(d->config->drain_timeout_us);
                (void)loop_timer_set(d->loop, &d->drain, DRAIN_TICK_US);
        }
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct daemon *d = userdata;
        if (d->drain_until_us) {
                loop_stop(d->loop); /* asked twice: now */
                return 0;
        }
        log_event(LOG_NOTICE, EVENT_STOPPING, NULL, 0, "ordod is stopping");
        service_stopping();
        d->drain_until_us = clock_mono_us() + d->config->drain_timeout_us;
        orchestrator_drain(d->orchestrator);
        http_drain(d->http);
        (void)loop_timer_set(d->loop, &d->drain, 0);
        return 0;
}

static void marked(struct store_job *job)
{
        struct daemon *d = CONTAINER_OF(job, struct daemon, mark.job);
        audit_record_done(&d->mark_audit);
        d->mark_audit = (struct audit_record){};
}

static void fill_mark(struct daemon *d, enum audit_action action, const char *outcome)
{
        d->mark_audit = (struct audit_record){
                .action = action,
                .component = "ordod",
                .actor = "ordod",
                .outcome = outcome,
                .at_us = clock_wall_us(),
        };
        text_add(&d->mark_audit.payload, "{\"version\":\"" ORDO_VERSION "\"}");
        d->mark = (struct store_append){
                .job = {.op = STORE_APPEND, .done = marked}, .audit = &d->mark_audit, .n_audit = 1};
}

static int reload(void *userdata, struct text *ret_faults)
{
        struct daemon *d = userdata;
        service_reloading();
        int r = http_reload_keys(d->http, ret_faults);
        if (!d->mark_audit.at_us) {
                fill_mark(d, AUDIT_RELOADED, r == 0 ? "done" : "refused");
                store_submit(d->store, &d->mark.job);
        }
        if (r == 0)
                log_event(LOG_NOTICE, EVENT_RELOADED, NULL, 0, "the API keys were read again");
        else
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0,
                          "nothing was changed, the keys file has faults: %s",
                          text_str(ret_faults));
        service_ready(d->status);
        return r;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct text faults = TEXT_NULL;
        (void)reload(userdata, &faults);
        text_done(&faults);
        return 0;
}

static void killed(struct kill_request *r)
{
        struct daemon *d = CONTAINER_OF(r, struct daemon, kill);
        d->kill_runs = false;
}

static int on_halt(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct daemon *d = userdata;
        if (d->kill_runs)
                return 0;
        d->kill_runs = true;
        uuid_make(d->kill_correlation);
        d->kill = (struct kill_request){
                .caller = {.key_name = "signal", .correlation_id = d->kill_correlation},
                .level = KILL_LEVEL_HALT,
                .scope = "global",
                .reason = "SIGUSR1",
                .done = killed,
        };
        killswitch_set(d->orchestrator, &d->kill);
        return 0;
}

static int take_signals(struct daemon *d)
{
        static const struct {
                int number;
                sd_event_signal_handler_t handler;
        } table[] = {
                {SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR1, on_halt}};
        for (unsigned i = 0; i < ELEMENTS(table); i++) {
                int r = sd_event_add_signal(loop_event(d->loop), &d->signals[i], table[i].number,
                                            table[i].handler, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Before the first thread starts, so that all of them have them blocked. */
static void block_signals(void)
{
        const struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* --- the watchdog proves that loop and store thread move --- */

static void probed(struct store_job *job)
{
        struct daemon *d = CONTAINER_OF(job, struct daemon, probe);
        d->probe_runs = false;
}

static void on_watchdog(struct loop_timer *t)
{
        struct daemon *d = CONTAINER_OF(t, struct daemon, watchdog);
        if (d->probe_runs) {
                service_status("the store thread does not answer");
        } else {
                service_watchdog_ping();
                d->probe_runs = true;
                d->probe = (struct store_job){.op = STORE_PROBE, .done = probed};
                store_submit(d->store, &d->probe);
        }
        (void)loop_timer_set(d->loop, &d->watchdog, d->watchdog_us / 2);
}

/* --- a new market day --- */

static void on_new_day(struct loop_timer *t)
{
        struct daemon *d = CONTAINER_OF(t, struct daemon, new_day);
        char fault[MARKET_FAULT_SIZE];
        int today = clock_ist_day(clock_wall_us());

        (void)loop_timer_set(d->loop, t, NEW_DAY_CHECK_US);
        if (today == d->market->day)
                return;
        struct market *m = NULL;
        if (market_load(d->config->market_dir, today, fault, &m) < 0) {
                log_error("yesterday's instruments stay in use: %s", fault);
                return;
        }
        market_free(d->old_market);
        d->old_market = d->market;
        d->market = m;
        orchestrator_set_instruments(d->orchestrator, m->instruments);
}

/* --- parts --- */

static const struct instrument *find_instrument(void *userdata, const char *symbol)
{
        struct daemon *d = userdata;
        return instruments_find(d->market->instruments, symbol);
}

static int open_market(struct daemon *d)
{
        char fault[MARKET_FAULT_SIZE];
        int r = market_load(d->config->market_dir, clock_ist_day(clock_wall_us()), fault,
                            &d->market);
        if (r < 0)
                log_error("the market data cannot be used (ORDO_MARKET_DIR): %s", fault);
        return r;
}

static int open_store(struct daemon *d)
{
        char error[STORE_ERROR_SIZE];
        struct text url = TEXT_NULL;
        text_addf(&url, "sqlite:%s/ordo.db", d->config->state_dir);
        const struct store_options o = {
                .url = d->config->database_url ? d->config->database_url : text_str(&url),
                .migrations_dir = d->config->migrations_dir,
                .migrate = true,
        };
        service_extend_timeout(60 * USEC_PER_SEC);
        int r = store_open(d->loop, &o, error, &d->store);
        text_done(&url);
        if (r < 0)
                log_event(LOG_CRIT, EVENT_STORE_FAILED, NULL, 0, "the ledger cannot be opened: %s",
                          error);
        return r;
}

/* The simulated exchange: accounts first, then what the ledger kept of their books. */
static int open_paper(struct daemon *d)
{
        const struct paper_options o = {.seed = PAPER_SEED,
                                        .find = find_instrument,
                                        .userdata = d,
                                        .calendar = d->market->calendar};
        int r = paper_new(&o, &d->paper);
        for (unsigned i = 0; i < d->config->n_accounts && r >= 0; i++)
                if (d->config->accounts[i].paper)
                        r = paper_add_account(d->paper, &d->config->accounts[i]);
        if (r < 0)
                return r;
        struct store_riders_load load = {.job.op = STORE_RIDERS_LOAD,
                                         .guest = "paper",
                                         .row = paper_restore,
                                         .userdata = d->paper};
        if (store_run(d->store, &load.job) != STORE_OK) {
                log_error("the paper books cannot be read: %s", load.job.error);
                return -EBADMSG;
        }
        return 0;
}

static int open_transports(struct daemon *d)
{
        const struct local_service exchange = {.serve = paper_serve, .userdata = d->paper};
        for (unsigned i = 0; i < d->config->n_accounts; i++) {
                const struct broker *b = broker_find(d->config->accounts[i].broker);
                int r = b && b->flags & BROKER_LOCAL
                                ? httpc_new_local(d->loop, exchange, &d->transports[i])
                                : -EPROTONOSUPPORT;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int open_orchestrator(struct daemon *d)
{
        char error[STORE_ERROR_SIZE];
        const struct config *c = d->config;
        const struct orchestrator_options o = {
                .loop = d->loop,
                .store = d->store,
                .metrics = d->metrics,
                .accounts = c->accounts,
                .n_accounts = c->n_accounts,
                .transports = d->transports,
                .instruments = d->market->instruments,
                .calendar = d->market->calendar,
                .state_dir = c->state_dir,
                .version = ORDO_VERSION,
                .order_deadline_us = c->order_deadline_us,
                .idempotency_ttl_us = c->idempotency_ttl_us,
                .limits_off = c->limits_off,
                .audit_segment_bytes = c->audit_segment_bytes,
                .audit_retention_days = c->audit_retention_days,
                .render = http_render_answer,
        };
        int r = orchestrator_new(&o, error, &d->orchestrator);
        if (r < 0)
                log_error("the ledger's state cannot be taken up: %s", error);
        return r;
}

/* ORDO_LIMITS=off lifts the API's rate too while no real money is behind it (api.md). */
static bool all_on_paper(const struct config *c)
{
        for (unsigned i = 0; i < c->n_accounts; i++)
                if (!c->accounts[i].paper)
                        return false;
        return true;
}

static int open_http(struct daemon *d)
{
        const struct config *c = d->config;
        struct text faults = TEXT_NULL;
        const struct http_options o = {
                .loop = d->loop,
                .orchestrator = d->orchestrator,
                .metrics = d->metrics,
                .listeners = d->sockets.fds,
                .n_listeners = d->sockets.n,
                .tls_cert = c->tls_cert,
                .tls_key = c->tls_key,
                .tls_client_ca = c->tls_client_ca,
                .api_token = c->api_token ? c->api_token : d->api_token,
                .keys_file = c->api_keys_file,
                .api_rate = all_on_paper(c) && c->limits_off ? 0 : c->api_rate,
                .metrics_public = c->metrics_public,
                .status_public = c->status_public,
                .allowed_hosts = (const char *const *)c->allowed_hosts,
                .cors_origins = (const char *const *)c->cors_origins,
                .behind_proxy = c->behind_proxy,
                .max_connections = c->max_connections,
                .request_timeout_us = c->request_timeout_us,
                .idempotency_required = c->idempotency_required,
                .log_access = c->log_access,
                .version = ORDO_VERSION,
                .reload = reload,
                .userdata = d,
        };
        int r = http_new(&o, &faults, &d->http);
        d->sockets.n = 0; /* taken over */
        if (r > 0) {
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0, "%s", text_str(&faults));
                r = -EINVAL;
        }
        text_done(&faults);
        return r;
}

static int open_sockets(struct daemon *d)
{
        const struct config *c = d->config;
        char fault[SERVICE_FAULT_SIZE] = "out of memory";
        const struct service_listen listen = {
                .address = (const struct sockaddr *)&c->listen_address,
                .address_size = c->listen_address_size,
                .given = c->listen_given,
                .guarded = c->tls_cert || c->behind_proxy,
        };
        int r = service_sockets_open(&listen, &d->sockets, fault);
        if (r == 0)
                return 0;
        log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0, "cannot listen: %s", fault);
        return r < 0 ? r : -EADDRNOTAVAIL;
}

static int open_token(struct daemon *d)
{
        int r = token_load(d->config->state_dir, &d->api_token);
        if (r == -EBADMSG)
                log_error("%s/api-token holds no usable token; remove it to have a new one made",
                          d->config->state_dir);
        else if (r < 0)
                log_error("%s/api-token cannot be read or made: %s", d->config->state_dir,
                          strerror(-r));
        return r;
}

static int open_all(struct daemon *d)
{
        int r = loop_new(&d->loop);
        if (r >= 0)
                r = take_signals(d);
        if (r >= 0)
                r = metrics_new(meter_table, _METER_MAX, &d->metrics);
        if (r >= 0)
                r = open_market(d);
        if (r >= 0)
                r = open_store(d);
        if (r >= 0)
                r = open_paper(d);
        if (r >= 0)
                r = open_transports(d);
        if (r >= 0)
                r = open_orchestrator(d);
        if (r >= 0 && !d->config->api_token)
                r = open_token(d);
        if (r >= 0)
                r = open_sockets(d);
        return r < 0 ? r : open_http(d);
}

static void start(struct daemon *d)
{
        d->drain.fire = on_drain;
        d->watchdog.fire = on_watchdog;
        d->new_day.fire = on_new_day;
        fill_mark(d, AUDIT_STARTED, "done");
        store_submit(d->store, &d->mark.job);
        orchestrator_start(d->orchestrator);
        http_start(d->http);
        (void)loop_timer_set(d->loop, &d->new_day, NEW_DAY_CHECK_US);
        d->watchdog_us = service_watchdog_usec();
        if (d->watchdog_us > 0)
                (void)loop_timer_set(d->loop, &d->watchdog, d->watchdog_us / 2);
        (void)snprintf(d->status, sizeof(d->status), "serving %u accounts on %s",
                       d->config->n_accounts, d->sockets.addresses[0]);
        service_ready(d->status);
        log_event(LOG_NOTICE, EVENT_STARTED, LOG_FIELDS({"ORDO_VERSION", ORDO_VERSION}),
                  "ordod " ORDO_VERSION " is ready: %s", d->status);
}

static void close_all(struct daemon *d)
{
        loop_timer_done(&d->drain);
        loop_timer_done(&d->watchdog);
        loop_timer_done(&d->new_day);
        if (d->store && d->orchestrator && !d->mark_audit.at_us) {
                fill_mark(d, AUDIT_STOPPED, "done");
                (void)store_run(d->store, &d->mark.job);
                audit_record_done(&d->mark_audit);
        }
        d->http = http_free(d->http);
        /* Calls that still run end here by their evidence; the store takes what that leads to. */
        for (unsigned i = 0; d->config && i < d->config->n_accounts; i++)
                d->transports[i] = httpc_free(d->transports[i]);
        d->store = store_close(d->store);
        d->orchestrator = orchestrator_free(d->orchestrator);
        paper_free(d->paper);
        market_free(d->market);
        market_free(d->old_market);
        metrics_free(d->metrics);
        secret_free(d->api_token);
        for (unsigned i = 0; i < ELEMENTS(d->signals); i++)
                sd_event_source_unref(d->signals[i]);
        service_sockets_done(&d->sockets);
        loop_free(d->loop);
        config_free(d->config);
}

/* Little memory, but an arena each for loop, store and log thread: sharing one, loop and store wait
 * for each other so often that it costs a fifth of the orders. Freed memory goes back. And no cores: libraries' buffers with secrets cannot be wiped (operations.md "Units"). */
static void set_process(void)
{
        const struct rlimit none = {0, 0};
        (void)mallopt(M_ARENA_MAX, 3);
        (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)umask(0077);
        block_signals();
}

int main(int argc, char **argv)
{
        struct daemon d = {};
        bool check = argc == 2 && strcmp(argv[1], "--check-config") == 0;

        if (argc == 2 && strcmp(argv[1], "--version") == 0) {
                puts("ordod " ORDO_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc == 2 && strcmp(argv[1], "--help") == 0)
                return usage(stdout);
        if (argc > 1 && !check)
                return usage(stderr);
        if (load_config(&d.config, check) != 0)
                return EXIT_CONFIG;
        if (check) {
                config_free(d.config);
                return EXIT_SUCCESS;
        }
        set_process();
        int r = make_state_dir(d.config->state_dir);
        if (r < 0) {
                (void)fprintf(stderr, "ordod: %s cannot be made: %s; set ORDO_STATE_DIR\n",
                              d.config->state_dir, strerror(-r));
                return EXIT_CONFIG;
        }
        (void)log_start(d.config->log_target, d.config->log_level, "ordod");
        r = open_all(&d);
        if (r >= 0) {
                start(&d);
                r = loop_run(d.loop, NULL, NULL);
        } else {
                service_failed(-r, "cannot start, see the journal");
                log_error("ordod cannot start: %s", strerror(-r));
        }
        close_all(&d);
        log_stop();
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
