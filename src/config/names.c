#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "config/loading.h"

#define PREFIX "ORDO_"

/* Edit distance, row by row. Both strings are shorter than OPTION_NAME_SIZE. */
static unsigned distance(const char *a, const char *b)
{
        unsigned row[OPTION_NAME_SIZE];
        size_t n = strlen(a), m = strlen(b);
        for (unsigned j = 0; j <= m; j++)
                row[j] = j;
        for (unsigned i = 1; i <= n; i++) {
                unsigned corner = row[0]; /* of the row above */
                row[0] = i;
                for (unsigned j = 1; j <= m; j++) {
                        unsigned above = row[j], left = row[j - 1];
                        unsigned best = corner + (a[i - 1] != b[j - 1]);
                        if (above + 1 < best)
                                best = above + 1;
                        if (left + 1 < best)
                                best = left + 1;
                        corner = above;
                        row[j] = best;
                }
        }
        return row[m];
}

/* ordoctl's, and often set in the same shell. */
#define CONFIG_CLIENT_URL "ORDO_URL"

struct nearest {
        const char *wanted;
        unsigned distance;
        char name[OPTION_NAME_SIZE];
};

static void compare(struct nearest *n, const char *candidate)
{
        unsigned d = distance(n->wanted, candidate);
        /* ORDO_TOKEN means ORDO_API_TOKEN, however far it is in letters. */
        if (strlen(n->wanted) >= sizeof(PREFIX) + 2 &&
            strstr(candidate + strlen(PREFIX), n->wanted + strlen(PREFIX)))
                d = 1;
        if (d < n->distance) {
                n->distance = d;
                text_copy(n->name, sizeof(n->name), candidate);
        }
}

static void compare_option(struct nearest *n, const struct option *o, const struct account *account)
{
        char name[OPTION_NAME_SIZE], file[OPTION_NAME_SIZE + sizeof(FILE_SUFFIX)];
        option_name(o, account, name);
        compare(n, name);
        snprintf(file, sizeof(file), "%s" FILE_SUFFIX, name);
        if (option_secret(o))
                compare(n, file);
}

/* The nearest name that could have been meant, or "". */
static void find_nearest(const struct loading *l, const char *wanted, struct nearest *n)
{
        *n = (struct nearest){.wanted = wanted};
        size_t length = strlen(wanted);
        if (length >= OPTION_NAME_SIZE)
                return;
        n->distance = (unsigned)(length - strlen(PREFIX)) / 3 + 2;
        for (unsigned i = 0; i < n_options; i++) {
                if (!(options[i].flags & OPTION_PER_ACCOUNT)) {
                        compare_option(n, &options[i], NULL);
                        continue;
                }
                for (unsigned a = 0; a < l->config->n_accounts; a++)
                        if (option_of_account(&options[i], &l->drafts[a].account))
                                compare_option(n, &options[i], &l->drafts[a].account);
        }
}

static const struct option *find_global(const char *name)
{
        for (unsigned i = 0; i < n_options; i++)
                if (!(options[i].flags & OPTION_PER_ACCOUNT) && text_equal(options[i].name, name))
                        return &options[i];
        return NULL;
}

/* "ORDO_PAPER_DEMO_FUNDS" → the option, and the account it speaks of. */
static const struct option *find_account_option(const char *name, struct account *ret)
{
        for (unsigned b = 0; config_brokers[b].slug; b++) {
                const char *slug = config_brokers[b].slug;
                size_t broker = strlen(slug);
                const char *s = name + strlen(PREFIX);
                if (strncasecmp(s, slug, broker) != 0 || s[broker] != '_')
                        continue;
                s += broker + 1;
                size_t n = strcspn(s, "_");
                *ret = (struct account){};
                text_copy(ret->broker, sizeof(ret->broker), slug);
                ret->paper = text_equal(slug, "paper");
                if (n == 0 || s[n] != '_' || !text_copy_bytes(ret->name, sizeof(ret->name), s, n))
                        continue;
                for (char *c = ret->name; *c; c++)
                        *c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
                snprintf(ret->id, sizeof(ret->id), "%s:%s", ret->broker, ret->name);
                for (unsigned i = 0; i < n_options; i++) {
                        char full[OPTION_NAME_SIZE];
                        option_name(&options[i], ret, full);
                        if (options[i].flags & OPTION_PER_ACCOUNT && text_equal(full, name))
                                return &options[i];
                }
        }
        return NULL;
}

static bool is_listed(const struct loading *l, const struct account *account)
{
        for (unsigned i = 0; i < l->config->n_accounts; i++)
                if (text_equal(l->drafts[i].account.id, account->id))
                        return true;
        return false;
}

static void report_unlisted(struct loading *l, const char *name, const char *source,
                            const struct account *account)
{
        struct config_fault *f = fault_warning(l->faults, name, source,
                                               "The account %s is not in ORDO_ACCOUNTS, so this "
                                               "has no effect.",
                                               account->id);
        if (!f)
                return;
        struct nearest near;
        find_nearest(l, name, &near);
        if (near.name[0] && near.distance <= 2)
                fault_remedy(f, "Add %s to ORDO_ACCOUNTS, or did you mean %s?", account->id,
                             near.name);
        else
                fault_remedy(f, "Add %s to ORDO_ACCOUNTS, or remove the variable.", account->id);
}

static void report_unknown(struct loading *l, const char *name, const char *source)
{
        if (text_equal(name, CONFIG_CLIENT_URL))
                return;
        struct config_fault *f =
                fault_error(l->faults, name, source, "There is no option of this name.");
        if (!f)
                return;
        struct nearest near;
        find_nearest(l, name, &near);
        if (near.name[0])
                fault_remedy(f, "Did you mean %s?", near.name);
        else
                fault_remedy(f, "Remove it; docs/options.md lists the names.");
}

static void report_no_file(struct loading *l, const char *name, const char *source,
                           const char *option)
{
        fault_remedy(fault_error(l->faults, name, source,
                                 "%s is not a secret, so it cannot come from a file.", option),
                     "Set the variable %s.", option);
}

static void report_other_kind(struct loading *l, const char *name, const char *source,
                              const struct account *account)
{
        fault_remedy(fault_error(l->faults, name, source, "It is an option of %s accounts only.",
                                 account->paper ? "real" : "paper"),
                     "Remove it; %s is a %s account.", account->id,
                     account->paper ? "paper" : "real");
}

/* `file`: the name stands for a file (a credential), so only a secret may have it. */
static void name_check(struct loading *l, const char *name, const char *source, bool file)
{
        struct account account;
        const struct option *o = find_global(name);
        if (o && file && !option_secret(o)) {
                report_no_file(l, name, source, name);
                return;
        }
        if (o)
                return;
        o = find_account_option(name, &account);
        if (o && file && !option_secret(o))
                report_no_file(l, name, source, name);
        else if (o && !is_listed(l, &account))
                report_unlisted(l, name, source, &account);
        else if (o && !option_of_account(o, &account))
                report_other_kind(l, name, source, &account);
        else if (!o)
                report_unknown(l, name, source);
}

static void variable_check(struct loading *l, const char *name)
{
        size_t n = strlen(name), suffix = strlen(FILE_SUFFIX);
        char base[OPTION_NAME_SIZE];
        struct account account;
        if (n > suffix && text_equal(name + n - suffix, FILE_SUFFIX) && !find_global(name) &&
            text_copy_bytes(base, sizeof(base), name, n - suffix)) {
                const struct option *o = find_global(base);
                if (!o)
                        o = find_account_option(base, &account);
                if (o && !option_secret(o)) {
                        report_no_file(l, name, source_name(l, name), base);
                        return;
                }
                if (o) {
                        name_check(l, base, source_name(l, name), true);
                        return;
                }
        }
        name_check(l, name, source_name(l, name), false);
}

static void credentials_check(struct loading *l)
{
        const char *path = source_environment(l->environ_, "CREDENTIALS_DIRECTORY");
        DIR *dir = path ? opendir(path) : NULL;
        if (!dir)
                return;
        for (struct dirent *d; (d = readdir(dir));) {
                if (!text_starts(d->d_name, PREFIX))
                        continue;
                char source[128];
                snprintf(source, sizeof(source), "credential %.100s", path);
                name_check(l, d->d_name, source, true);
        }
        closedir(dir);
}

void names_check(struct loading *l)
{
        for (char *const *e = l->environ_; *e; e++) {
                const char *equals = strchr(*e, '=');
                if (!equals || !text_starts(*e, PREFIX))
                        continue;
                char *name = strndup(*e, (size_t)(equals - *e));
                if (!name)
                        return;
                variable_check(l, name);
                free(name);
        }
        credentials_check(l);
}
