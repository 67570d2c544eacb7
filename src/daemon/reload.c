/* Reading the configuration, keys, TLS files and the market's data again: everything is checked,
 * then exchanged. */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "http/reload.h"
#include "service/notify.h"

struct fresh {
        struct config *config;
        struct http_fresh http;
        struct market *market;
};

static void fresh_done(struct fresh *f)
{
        http_fresh_done(&f->http);
        market_free(f->market);
        config_free(f->config);
}

/* Warnings alone do not stop a reload, but somebody should see them. */
static void log_warnings(const struct config_faults *faults)
{
        for (unsigned i = 0; i < faults->n; i++) {
                const struct config_fault *f = &faults->list[i];
                if (f->warning)
                        log_event(LOG_WARNING, EVENT_CONFIG_REFUSED,
                                  LOG_FIELDS({"ORDO_OPTION", f->name}), "%s (from %s): %s %s",
                                  f->name, f->source, f->detail, f->remedy);
        }
}

/* 0; 1 with faults; negative errno. */
static int prepare(struct daemon *d, struct fresh *f, struct text *ret_faults)
{
        struct config_faults faults;
        struct http_options o;
        char fault[MARKET_FAULT_SIZE];

        int r = config_load(environ, &faults, &f->config);
        if (r < 0)
                return r;
        log_warnings(&faults);
        if (r > 0) {
                config_faults_list(&faults, ret_faults);
                return r;
        }
        r = daemon_open_token(d, f->config);
        if (r < 0) {
                text_addf(ret_faults, "%s/api-token: %s\n", d->config->state_dir, strerror(-r));
                return 1;
        }
        if (market_load(d->config->market_dir, clock_ist_day(clock_wall_us()), fault, &f->market) <
            0) {
                text_addf(ret_faults, "%s\n", fault);
                return 1;
        }
        daemon_http_options(d, f->config, &o);
        return http_fresh_new(d->http, &o, ret_faults, &f->http);
}

/* Nothing here can be refused. What was there goes with `f`. */
static void exchange(struct daemon *d, struct fresh *f, struct config_changes *ret)
{
        struct http_options http;
        struct orchestrator_options orchestrator;

        daemon_set_market(d, TAKE(f->market));
        config_take_up(d->config, f->config, ret);
        daemon_http_options(d, d->config, &http);
        http_take_up(d->http, &http, &f->http);
        daemon_orchestrator_options(d, d->config, &orchestrator);
        if (orchestrator_take_up(d->orchestrator, &orchestrator) < 0)
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0,
                          "some rate windows keep their sizes: out of memory");
        log_set_level(d->config->log_level);
        d->stop.limit_us = d->config->drain_timeout_us;
        d->idle.after_us = d->sockets.inherited ? d->config->idle_exit_us : 0;
        idle_start(&d->idle);
}

static void log_reloaded(const struct config_changes *c)
{
        const char *taken = text_str(&c->taken), *waiting = text_str(&c->waiting);

        log_event(LOG_NOTICE, EVENT_RELOADED,
                  LOG_FIELDS({"ORDO_CHANGED", *taken ? taken : NULL},
                             {"ORDO_RESTART_NEEDED", *waiting ? waiting : NULL}),
                  "keys and options were read again; changed: %s%s%s", *taken ? taken : "no option",
                  *waiting ? "; these wait for a restart: " : "", waiting);
}

static void log_refused(const struct text *faults, int r)
{
        log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0, "nothing was changed by the reload: %s",
                  faults->len > 0 ? text_str(faults) : strerror(r < 0 ? -r : EINVAL));
}

int daemon_reload(void *userdata, struct http_reload_report *ret)
{
        struct daemon *d = userdata;
        struct config_changes changes = {};
        struct fresh fresh = {};

        if (stop_asked(&d->stop)) {
                text_add(&ret->faults, "the daemon is stopping\n");
                return 1;
        }
        service_reloading();
        int r = prepare(d, &fresh, &ret->faults);
        if (r == 0) {
                exchange(d, &fresh, &changes);
                daemon_check_market(d);
                log_reloaded(&changes);
        } else {
                log_refused(&ret->faults, r);
        }
        mark_submit(d, AUDIT_RELOADED, r == 0 ? "done" : "refused", &changes);
        fresh_done(&fresh);
        ret->taken = changes.taken;
        ret->waiting = changes.waiting;
        service_ready(service_told());
        return r;
}
