/* The parts of the daemon, opened one upon the other, and closed in reverse. */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "domain/meter.h"
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
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED,
                          LOG_FIELDS({"ORDO_OPTION", "ORDO_MARKET_DIR"}),
                          "the market data cannot be used (ORDO_MARKET_DIR): %s", fault);
        return r;
}

/* Before the ledger is opened: it is signed with this daemon's id. */
static int make_instances(struct daemon *d)
{
        const char *accounts[ACCOUNTS_MAX];
        bool kept[ACCOUNTS_MAX];
        const struct instances_options o = {.url = d->config->database_url,
                                            .loop = d->loop,
                                            .accounts = accounts,
                                            .kept = kept,
                                            .n_accounts = d->config->n_accounts};

        if (!o.url || !store_is_postgres(o.url))
                return 0;
        for (unsigned i = 0; i < o.n_accounts; i++) {
                accounts[i] = d->config->accounts[i].id;
                kept[i] = d->config->accounts[i].paper;
        }
        int r = instances_new(&o, &d->instances);
        if (r >= 0)
                log_set_instance(instances_id(d->instances));
        return r;
}

static int join_instances(struct daemon *d)
{
        char error[STORE_ERROR_SIZE];

        if (!d->instances)
                return 0;
        int r = instances_start(d->instances, error);
        if (r < 0)
                log_event(LOG_CRIT, EVENT_STORE_FAILED, NULL, 0,
                          "the daemon cannot join the others of the ledger: %s", error);
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
                .migrate = !d->config->database_url || d->config->auto_migrate,
                .writer = d->instances ? instances_id(d->instances) : NULL,
                .crowd = d->instances ? instances_crowd(d->instances) : NULL,
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
                log_event(LOG_CRIT, EVENT_STORE_FAILED, NULL, 0,
                          "the paper books cannot be read: %s", load.job.error);
                return -EBADMSG;
        }
        return 0;
}

/* What it was about to do the others have settled in another way. */
void daemon_evicted(void *userdata)
{
        log_event(LOG_CRIT, EVENT_EVICTED, NULL, 0,
                  "the other daemons have not seen this one for too long and have taken over: it "
                  "ends, and begins anew");
        log_stop();
        _exit(EXIT_FAILURE);
}

static int open_orchestrator(struct daemon *d)
{
        char error[STORE_ERROR_SIZE];
        struct orchestrator_options o;
        daemon_orchestrator_options(d, d->config, &o);
        int r = orchestrator_new(&o, error, &d->orchestrator);
        if (r < 0)
                log_event(LOG_CRIT, EVENT_STORE_FAILED, NULL, 0,
                          "the ledger's state cannot be taken up: %s", error);
        return r;
}

static int open_http(struct daemon *d)
{
        _cleanup_(text_done) struct text faults = TEXT_NULL;
        struct http_options o;
        daemon_http_options(d, d->config, &o);
        int r = http_new(&o, &faults, &d->http);
        d->sockets.n = 0; /* taken over */
        if (r > 0) {
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0, "%s", text_str(&faults));
                r = -EINVAL;
        }
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
                r = make_instances(d);
        if (r >= 0)
                r = open_store(d);
        if (r >= 0)
                r = join_instances(d);
        if (r >= 0)
                r = open_paper(d);
        if (r >= 0)
                r = daemon_open_transports(d);
        if (r >= 0)
                r = daemon_open_vault(d);
        if (r >= 0)
                r = open_orchestrator(d);
        if (r >= 0)
                r = daemon_open_token(d, d->config);
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
        d->instances = instances_free(d->instances);
        d->orchestrator = orchestrator_free(d->orchestrator);
        paper_free(d->paper);
        daemon_free_market(d);
        metrics_free(d->metrics);
        secret_free(d->api_token);
        vault_free(d->vault);
        service_signals_done(&d->signals);
        service_sockets_done(&d->sockets);
        loop_free(d->loop);
        config_free(d->config);
}
