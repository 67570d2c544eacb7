/* How each account's broker is reached: paper inside this process, the others by HTTPS, each
 * account with connections, trusted authorities and a source address of its own. */
#include "daemon/daemon.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/broker.h"
#include "domain/event.h"

static int refuse(const struct account *a, const char *option, const char *what, int r)
{
        log_event(LOG_ERR, EVENT_CONFIG_REFUSED,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->id}, {"ORDO_OPTION", option}), "%s: %s", a->id,
                  what);
        return r;
}

/* 0, or why nothing can leave from there. */
static int try_egress(const char *address)
{
        const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
        struct addrinfo *found;
        if (getaddrinfo(address, NULL, &numeric, &found) != 0)
                return -EADDRNOTAVAIL;
        _cleanup_(closep) int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ? -errno : 0;
        freeaddrinfo(found);
        return r;
}

/* The address may come later (an interface that is still being set up), and other accounts can do
 * without it; until then no call leaves, because libcurl binds before it connects. */
static void warn_egress(const struct account *a)
{
        int r = a->access.egress_address ? try_egress(a->access.egress_address) : 0;
        if (r < 0)
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED,
                          LOG_FIELDS({"ORDO_ACCOUNT", a->id}, {"ORDO_OPTION", "EGRESS_ADDRESS"}),
                          "%s: nothing can be sent from %s now: %s; give this machine the address, "
                          "or change the account's EGRESS_ADDRESS",
                          a->id, a->access.egress_address, strerror(-r));
}

static int open_transport(struct daemon *d, const struct account *a, struct httpc **ret)
{
        const struct local_service exchange = {.serve = paper_serve, .userdata = d->paper};
        const struct broker *b = broker_find(a->broker);
        if (!b)
                return refuse(a, "ORDO_ACCOUNTS", "this build has no adapter for the broker",
                              -EPROTONOSUPPORT);
        if (b->flags & BROKER_LOCAL)
                return httpc_new_local(d->loop, exchange, ret);
        const struct httpc_options o = {
                .base_url = broker_base_url(b, a),
                .ca_file = a->access.ca_file,
                .egress_address = a->access.egress_address,
        };
        warn_egress(a);
        int r = httpc_new_curl(d->loop, &o, ret);
        return r == -EINVAL ? refuse(a, "BASE_URL", "its address cannot be used", r) : r;
}

int daemon_open_transports(struct daemon *d)
{
        int r = 0;
        for (unsigned i = 0; i < d->config->n_accounts && r >= 0; i++)
                r = open_transport(d, &d->config->accounts[i], &d->transports[i]);
        return r;
}
