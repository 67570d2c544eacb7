/* What an account of a real broker cannot do without, by the table of the brokers. What was given
 * with a fault is not missing besides. */
#include <stdio.h>
#include <string.h>

#include "config/loading.h"

#define NAMES_SIZE 128

static const struct config_broker *find_broker(const char *slug)
{
        const struct config_broker *b = config_brokers;
        while (b->slug && !text_equal(b->slug, slug))
                b++;
        return b;
}

/* Index of an account's option by the last part of its name. */
static unsigned find_option(const char *name, size_t n)
{
        unsigned i = 0;
        while (i < n_options &&
               (!(options[i].flags & OPTION_REAL_ONLY) || strlen(options[i].name) != n ||
                memcmp(options[i].name, name, n) != 0))
                i++;
        return i;
}

/* `needs` is "A" or "A|B": true when one of them is given. `ret` gets all their whole names. */
static bool is_given(const struct account_draft *d, const char *needs, char ret[static NAMES_SIZE])
{
        bool given = false;
        size_t used = 0;
        ret[0] = '\0';
        for (const char *s = needs; *s; s += *s == '|') {
                size_t n = strcspn(s, "|");
                unsigned i = find_option(s, n);
                char name[OPTION_NAME_SIZE];
                s += n;
                if (i == n_options)
                        continue;
                given |= d->given[i];
                option_name(&options[i], &d->account, name);
                int r = snprintf(ret + used, NAMES_SIZE - used, "%s%s", used > 0 ? " or " : "",
                                 name);
                if (r > 0 && (size_t)r < NAMES_SIZE - used)
                        used += (size_t)r;
        }
        return given;
}

static void check_need(struct loading *l, const struct account_draft *d, const char *needs)
{
        char names[NAMES_SIZE], first[OPTION_NAME_SIZE];
        if (is_given(d, needs, names))
                return;
        text_copy_bytes(first, sizeof(first), names, strcspn(names, " "));
        fault_remedy(fault_error(l->faults, first, source_name(l, "ORDO_ACCOUNTS"),
                                 "The account %s cannot be used without it.", d->account.id),
                     "Set %s, or take %s out of ORDO_ACCOUNTS; docs/brokers.md says more.", names,
                     d->account.id);
}

/* One client twice would count its money twice, and take the other's orders for strange ones. */
static void check_client(struct loading *l, unsigned index)
{
        const struct account *a = &l->drafts[index].account;
        for (unsigned i = 0; i < index; i++) {
                const struct account *b = &l->drafts[i].account;
                if (!a->access.client_id || !b->access.client_id ||
                    !text_equal(a->broker, b->broker) ||
                    !text_equal(a->access.client_id, b->access.client_id))
                        continue;
                char name[OPTION_NAME_SIZE];
                option_name(&options[find_option("CLIENT_ID", strlen("CLIENT_ID"))], a, name);
                fault_remedy(fault_error(l->faults, name, source_name(l, name),
                                         "%s is the same client.", b->id),
                             "Name each client of a broker in one account only.");
        }
}

void access_check(struct loading *l)
{
        for (unsigned a = 0; a < l->config->n_accounts; a++) {
                const struct account_draft *d = &l->drafts[a];
                const struct config_broker *b = find_broker(d->account.broker);
                for (const char *const *needs = b->needs; *needs; needs++)
                        check_need(l, d, *needs);
                if (d->given[find_option("PASSWORD", strlen("PASSWORD"))])
                        check_need(l, d, "USERNAME");
                check_client(l, a);
        }
}
