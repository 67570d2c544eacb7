#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/loading.h"

#define UNREGISTERED_PER_SECOND 10 /* the regulator's ceiling without a registered algorithm */

static void check_listen(struct loading *l)
{
        struct config *c = l->config;
        if (!c->listen)
                return;
        const char *source = c->listen_given ? source_name(l, "ORDO_LISTEN") : "default",
                   *detail = NULL;
        if (!listen_parse(c->listen, &c->listen_address, &c->listen_address_size, &detail)) {
                fault_remedy(fault_error(l->faults, "ORDO_LISTEN", source, "%s", detail),
                             "Write 127.0.0.1:8080, [::1]:8080 or unix:/run/ordo/http.sock.");
                return;
        }
        if (!listen_is_local(&c->listen_address) && !c->tls_cert && !c->behind_proxy)
                fault_remedy(fault_error(l->faults, "ORDO_LISTEN", source,
                                         "Plain HTTP on an address that is not loopback would "
                                         "show the token to the network."),
                             "Set ORDO_TLS_CERT and ORDO_TLS_KEY, or ORDO_BEHIND_PROXY=yes when a "
                             "proxy ends TLS.");
}

static void check_tls(struct loading *l)
{
        const struct config *c = l->config;
        if (c->tls_cert && !c->tls_key)
                fault_remedy(fault_error(l->faults, "ORDO_TLS_CERT",
                                         source_name(l, "ORDO_TLS_CERT"),
                                         "There is a certificate but no key."),
                             "Set ORDO_TLS_KEY too.");
        if (c->tls_key && !c->tls_cert)
                fault_remedy(fault_error(l->faults, "ORDO_TLS_KEY", source_name(l, "ORDO_TLS_KEY"),
                                         "There is a key but no certificate."),
                             "Set ORDO_TLS_CERT too.");
        if (c->tls_client_ca && !c->tls_cert)
                fault_remedy(fault_error(l->faults, "ORDO_TLS_CLIENT_CA",
                                         source_name(l, "ORDO_TLS_CLIENT_CA"),
                                         "Client certificates need TLS, and there is no "
                                         "certificate."),
                             "Set ORDO_TLS_CERT and ORDO_TLS_KEY too.");
        struct stat st;
        if (c->tls_key && stat(c->tls_key, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)))
                fault_remedy(fault_warning(l->faults, "ORDO_TLS_KEY",
                                           source_name(l, "ORDO_TLS_KEY"),
                                           "The key is readable by others (mode %04o).",
                                           (unsigned)(st.st_mode & 07777)),
                             "chmod 600 the file.");
}

/* The directory itself, or the nearest one above it that exists, must be one we may write to. */
static void check_state_dir(struct loading *l)
{
        const char *given = source_environment(l->environ_, "ORDO_STATE_DIR");
        const char *source = given ? source_name(l, "ORDO_STATE_DIR") : "default";
        if (!l->config->state_dir)
                return;
        _cleanup_(freep) char *path = strdup(l->config->state_dir);
        struct stat st;
        while (path && stat(path, &st) < 0) {
                char *slash = strrchr(path, '/');
                if (errno != ENOENT || !slash || slash[1] == '\0')
                        break;
                slash[slash == path ? 1 : 0] = '\0';
        }
        if (!path)
                return;
        const char *what = NULL;
        if (stat(path, &st) < 0)
                what = strerror(errno);
        else if (!S_ISDIR(st.st_mode))
                what = "not a directory";
        else if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0)
                what = strerror(errno);
        char shown[SHOWN_SIZE];
        if (what)
                fault_remedy(fault_error(l->faults, "ORDO_STATE_DIR", source,
                                         "Ordo cannot keep its state there: %s: %s.",
                                         value_shown(path, strlen(path), shown), what),
                             "Name a directory that the user of ordod may write to.");
}

static void check_readable(struct loading *l, const struct option *o, const struct account *account,
                           void *object)
{
        const char *path = *(char **)((char *)object + o->offset);
        char name[OPTION_NAME_SIZE];
        option_name(o, account, name);
        if (!path || !source_environment(l->environ_, name) ||
            faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
                return;
        int error = errno;
        char shown[SHOWN_SIZE];
        fault_remedy(fault_error(l->faults, name, source_name(l, name), "%s cannot be read: %s.",
                                 value_shown(path, strlen(path), shown), strerror(error)),
                     "Check the path, and that the user of ordod may read it.");
}

static void check_files(struct loading *l, const struct option *o)
{
        if (!(o->flags & OPTION_PER_ACCOUNT)) {
                check_readable(l, o, NULL, l->config);
                return;
        }
        for (unsigned i = 0; i < l->config->n_accounts; i++)
                check_readable(l, o, &l->drafts[i].account, &l->drafts[i]);
}

static const char *name_of(const struct account_draft *d, const char *option,
                           char buf[static OPTION_NAME_SIZE])
{
        buf[0] = '\0';
        for (unsigned i = 0; i < n_options; i++)
                if (text_equal(options[i].name, option))
                        option_name(&options[i], &d->account, buf);
        return buf;
}

static void check_rates(struct loading *l, const struct account_draft *d)
{
        int64_t rate = d->account.limits.orders_per_second;
        char name[OPTION_NAME_SIZE];

        if (d->algo_registered)
                return;
        name_of(d, "ORDERS_PER_SECOND", name);
        if (rate == 0 || rate > UNREGISTERED_PER_SECOND)
                fault_remedy(fault_error(l->faults, name, source_name(l, name),
                                         "More than %d orders a second at an exchange need a "
                                         "registered algorithm.",
                                         UNREGISTERED_PER_SECOND),
                             "Set it to 1 to %d, or the account's ALGO_REGISTERED=yes.",
                             UNREGISTERED_PER_SECOND);
        name_of(d, "BROKER_RATES", name);
        if (d->account.access.rates.n > 0)
                fault_remedy(fault_error(l->faults, name, source_name(l, name),
                                         "Other rates than the broker's need an algorithm that is "
                                         "registered with the exchange."),
                             "Leave it out, or set the account's ALGO_REGISTERED=yes.");
}

void config_check(struct loading *l)
{
        for (unsigned i = 0; i < n_options; i++)
                if (options[i].flags & OPTION_READABLE)
                        check_files(l, &options[i]);
        check_tls(l);
        check_listen(l);
        check_state_dir(l);
        for (unsigned i = 0; i < l->config->n_accounts; i++)
                check_rates(l, &l->drafts[i]);
        access_check(l);
}
