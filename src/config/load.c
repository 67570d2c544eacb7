#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/loading.h"

static struct loading *loading_free(struct loading *l)
{
        if (l) {
                for (unsigned i = 0; i < n_options; i++)
                        for (unsigned a = 0; a < ACCOUNTS_MAX; a++)
                                if (options[i].flags & OPTION_PER_ACCOUNT)
                                        option_free(&options[i], &l->drafts[a]);
                config_free(l->config);
                env_file_done(&l->file);
        }
        free(l);
        return NULL;
}
DEFINE_CLEANUP(struct loading *, loading_free)

static int apply(struct loading *l, const struct option *o, const char *name, const struct value *v,
                 void *object)
{
        if (o->type == OPTION_ACCOUNT)
                return account_list_parse(l, name, v);
        return value_set(l->faults, o, name, v, object);
}

/* The default is written as a user would write it, and takes the same way in. */
static int apply_default(struct loading *l, const struct option *o, const char *name,
                         const struct account *account, struct value *v, void *object)
{
        const char *fallback = option_fallback(o, account);
        if (!fallback)
                return 0;
        text_copy(v->source, sizeof(v->source), "default");
        text_copy(v->data, sizeof(v->data), fallback);
        v->size = strlen(v->data);
        v->from_file = false;
        return apply(l, o, name, v, object);
}

/* -ENOMEM, or 0 even when faults were added. */
static int load_option(struct loading *l, const struct option *o, const struct account *account,
                       void *object, bool *ret_given)
{
        char name[OPTION_NAME_SIZE];
        option_name(o, account, name);
        struct value v;
        int r = source_find(l, o, name, &v);
        bool given = r == 1;
        *ret_given = r != 0;
        if (given)
                r = apply(l, o, name, &v, object);
        /* The default stands in for a wrong value too: its consequences are not faults of their
         * own. */
        if (r != -ENOMEM && (!given || (r == 1 && o->type != OPTION_ACCOUNT)))
                r = apply_default(l, o, name, account, &v, object);
        if (option_secret(o))
                secret_wipe(&v, sizeof(v));
        return r == -ENOMEM ? r : 0;
}

static int load_all(struct loading *l)
{
        bool given;
        for (unsigned i = 0; i < n_options; i++) {
                const struct option *o = &options[i];
                if (o->flags & OPTION_PER_ACCOUNT)
                        continue;
                int r = load_option(l, o, NULL, l->config, &given);
                if (r < 0)
                        return r;
        }
        for (unsigned a = 0; a < l->config->n_accounts; a++) {
                struct account_draft *d = &l->drafts[a];
                for (unsigned i = 0; i < n_options; i++) {
                        const struct option *o = &options[i];
                        if (!option_of_account(o, &d->account))
                                continue;
                        int r = load_option(l, o, &d->account, d, &d->given[i]);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int join(char **member, const char *a, const char *b)
{
        if (*member)
                return 0;
        return asprintf(member, "%s%s", a, b) < 0 ? (*member = NULL, -ENOMEM) : 0;
}

/* systemd separates several state directories by colons; the first is ours. */
static int default_state_dir(struct loading *l)
{
        struct config *c = l->config;
        const char *systemd = source_environment(l->environ_, "STATE_DIRECTORY");
        const char *xdg = source_environment(l->environ_, "XDG_STATE_HOME");
        const char *home = source_environment(l->environ_, "HOME");
        if (c->state_dir || source_environment(l->environ_, "ORDO_STATE_DIR"))
                return 0;
        if (systemd) {
                c->state_dir = strndup(systemd, strcspn(systemd, ":"));
                return c->state_dir ? 0 : -ENOMEM;
        }
        if (xdg && xdg[0] == '/')
                return join(&c->state_dir, xdg, "/ordo");
        if (home && home[0] == '/')
                return join(&c->state_dir, home, "/.local/state/ordo");
        fault_remedy(fault_error(l->faults, "ORDO_STATE_DIR", "default",
                                 "There is no STATE_DIRECTORY, XDG_STATE_HOME or HOME to take the "
                                 "default from."),
                     "Set ORDO_STATE_DIR to a directory that Ordo may write to.");
        return 0;
}

static int load_defaults(struct loading *l)
{
        struct config *c = l->config;
        int r = default_state_dir(l);
        if (r == 0)
                r = join(&c->market_dir, ORDO_DATADIR, "/market");
        if (r == 0)
                r = join(&c->migrations_dir, ORDO_DATADIR, "/migrations");
        if (r == 0 && c->state_dir)
                r = join(&c->api_keys_file, c->state_dir, "/keys.json");
        return r;
}

static void take_accounts(struct loading *l)
{
        struct config *c = l->config;
        for (unsigned i = 0; i < c->n_accounts; i++) {
                c->accounts[i] = l->drafts[i].account;
                l->drafts[i] = (struct account_draft){};
                if (c->limits_off && c->accounts[i].paper)
                        c->accounts[i].limits = (struct account_limits){};
        }
}

int config_export_file(void)
{
        _cleanup_(loading_freep) struct loading *l = calloc(1, sizeof(*l));
        _cleanup_(freep) struct config_faults *faults = calloc(1, sizeof(*faults));
        if (!l || !faults)
                return -ENOMEM;
        l->environ_ = environ;
        l->faults = faults;
        int r = env_file_load(l);
        return r < 0 ? r : env_file_export(&l->file);
}

int config_load(char *const *environ_, struct config_faults *faults, struct config **ret)
{
        *ret = NULL;
        memset(faults, 0, sizeof(*faults));
        _cleanup_(loading_freep) struct loading *l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->environ_ = environ_;
        l->faults = faults;
        l->config = calloc(1, sizeof(*l->config));
        if (!l->config)
                return -ENOMEM;
        int r = env_file_load(l);
        l->config->listen_given = source_environment(l->environ_, "ORDO_LISTEN") != NULL;
        if (r == 0)
                r = load_all(l);
        if (r == 0)
                r = load_defaults(l);
        if (r < 0)
                return r;
        names_check(l);
        config_check(l);
        if (faults->errors > 0)
                return 1;
        take_accounts(l);
        *ret = TAKE(l->config);
        return 0;
}
