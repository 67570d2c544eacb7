/* The parts of the daemon, opened one upon the other, and closed in reverse. */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "broker/broker.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "http/token.h"
#include "service/notify.h"
#include "service/patience.h"

#define PAPER_SEED                                                                               \
        UINT64_C(0x4f72646f) /* the same market on every start, so that a book makes sense after \
                                it */
#define PATIENCE_SPAN_US  (60 * USEC_PER_SEC)
#define PATIENCE_LIMIT_US (3600 * USEC_PER_SEC) /* a ledger that takes longer needs an operator */

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
        /* A migration copies the ledger first and may rewrite it: on this thread, for minutes. */
        struct patience patience;
        patience_begin(&patience, "opening the ledger", PATIENCE_SPAN_US, PATIENCE_LIMIT_US);
        int r = store_open(d->loop, &o, error, &d->store);
        patience_end(&patience);
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
                .listeners_shared = d->sockets.inherited,
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
                .reload = daemon_reload,
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

int daemon_open(struct daemon *d)
{
        int r = loop_new(&d->loop);
        if (r >= 0)
                r = service_signals_take(&d->signals, d->loop, daemon_signals, d);
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

void daemon_close(struct daemon *d)
{
        daemon_rest(d);
        if (d->store && d->orchestrator)
                mark_write(d, AUDIT_STOPPED, "done");
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
        service_signals_done(&d->signals);
        service_sockets_done(&d->sockets);
        loop_free(d->loop);
        config_free(d->config);
}
