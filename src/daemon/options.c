/* What the parts are told of a configuration, at the start and by a reload. */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "domain/event.h"
#include "http/token.h"

#define VAULT_KEY_FILE "vault-key" /* beside the ledger it seals for */

void daemon_orchestrator_options(struct daemon *d, const struct config *c,
                                 struct orchestrator_options *ret)
{
        *ret = (struct orchestrator_options){
                .loop = d->loop,
                .store = d->store,
                .metrics = d->metrics,
                .accounts = c->accounts,
                .n_accounts = c->n_accounts,
                .transports = d->transports,
                .instruments = d->market->instruments,
                .calendar = d->market->calendar,
                .vault = d->vault,
                .vault_key_beside = !c->vault_key,
                .state_dir = c->state_dir,
                .version = ORDO_VERSION,
                .order_deadline_us = c->order_deadline_us,
                .idempotency_ttl_us = c->idempotency_ttl_us,
                .limits_off = c->limits_off,
                .audit_segment_bytes = c->audit_segment_bytes,
                .audit_retention_days = c->audit_retention_days,
                .render = http_render_answer,
                .instances = d->instances,
                .evicted = daemon_evicted,
                .userdata = d,
        };
}

/* ORDO_LIMITS=off lifts the API's rate too while no real money is behind it (api.md). */
static bool all_on_paper(const struct config *c)
{
        for (unsigned i = 0; i < c->n_accounts; i++)
                if (!c->accounts[i].paper)
                        return false;
        return true;
}

void daemon_http_options(struct daemon *d, const struct config *c, struct http_options *ret)
{
        *ret = (struct http_options){
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
                .key_limits = &c->key_limits,
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
}

int daemon_open_token(struct daemon *d, const struct config *c)
{
        if (c->api_token || d->api_token)
                return 0;
        int r = token_load(d->config->state_dir, &d->api_token);
        if (r == -EBADMSG)
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0,
                          "%s/api-token holds no usable token; remove it to have a new one made",
                          d->config->state_dir);
        else if (r < 0)
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0,
                          "%s/api-token cannot be read or made: %s", d->config->state_dir,
                          strerror(-r));
        return r;
}

int daemon_open_vault(struct daemon *d)
{
        _cleanup_(secret_freep) struct secret *made = NULL;
        struct text path = TEXT_NULL;
        int r = 0;

        if (!d->config->vault_key) {
                text_addf(&path, "%s/" VAULT_KEY_FILE, d->config->state_dir);
                r = path.failed ? path.failed : vault_key_load(text_str(&path), &made);
                if (r == -ENOENT)
                        r = vault_key_create(text_str(&path), &made);
        }
        if (r == 0)
                r = vault_new(made ? made : d->config->vault_key, &d->vault);
        if (r < 0)
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED,
                          LOG_FIELDS({"ORDO_OPTION", "ORDO_VAULT_KEY"}),
                          "%s cannot be used as the vault's key: %s",
                          d->config->vault_key ? "ORDO_VAULT_KEY" : text_str(&path),
                          r == -EPERM    ? "others may read it"
                          : r == -EINVAL ? "it is not 64 hexadecimal digits"
                                         : strerror(-r));
        text_done(&path);
        return r;
}
