#include <stdio.h>
#include <string.h>

#include "config/loading.h"

static void brokers_print(struct text *ret)
{
        for (unsigned i = 0; config_brokers[i].slug; i++)
                text_addf(ret, "%s%s", i > 0 ? ", " : "", config_brokers[i].slug);
}

static bool broker_known(const char *s, size_t n)
{
        for (const struct config_broker *b = config_brokers; b->slug; b++)
                if (strlen(b->slug) == n && !memcmp(b->slug, s, n))
                        return true;
        return false;
}

static bool listed(const struct loading *l, const char *id)
{
        for (unsigned i = 0; i < l->config->n_accounts; i++)
                if (text_equal(l->drafts[i].account.id, id))
                        return true;
        return false;
}

static int refuse_broker(struct loading *l, const char *name, const char *source, const char *s,
                         size_t n)
{
        char shown[SHOWN_SIZE];
        _cleanup_(text_done) struct text known = TEXT_NULL;
        brokers_print(&known);
        fault_remedy(fault_error(l->faults, name, source, "There is no broker \"%s\".",
                                 value_shown(s, n, shown)),
                     "This release knows: %s.", text_str(&known));
        return 1;
}

static int add_account(struct loading *l, const char *name, const char *source, const char *s,
                       size_t n)
{
        char shown[SHOWN_SIZE], id[ACCOUNT_SIZE];
        value_shown(s, n, shown);
        const char *colon = memchr(s, ':', n);
        if (!colon || account_id_parse(s, n, id) < 0) {
                fault_remedy(
                        fault_error(l->faults, name, source, "\"%s\" is not an account.", shown),
                        "Write broker:name, separated by commas; a name is a letter and up to "
                        "15 letters or digits, lower case.");
                return 1;
        }
        size_t broker = (size_t)(colon - s);
        if (!broker_known(s, broker))
                return refuse_broker(l, name, source, s, broker);
        if (listed(l, id)) {
                fault_remedy(fault_error(l->faults, name, source, "\"%s\" is listed twice.", shown),
                             "List every account once.");
                return 1;
        }
        if (l->config->n_accounts == ACCOUNTS_MAX) {
                fault_remedy(fault_error(l->faults, name, source,
                                         "There are more than %d accounts.", ACCOUNTS_MAX),
                             "Leave some out.");
                return -1;
        }
        struct account *a = &l->drafts[l->config->n_accounts++].account;
        text_copy(a->id, sizeof(a->id), id);
        text_copy_bytes(a->broker, sizeof(a->broker), s, broker);
        text_copy_bytes(a->name, sizeof(a->name), colon + 1, n - broker - 1);
        a->paper = text_equal(a->broker, "paper");
        return 0;
}

int account_list_parse(struct loading *l, const char *name, const struct value *v)
{
        int wrong = 0;
        for (const char *s = v->data;; s++) {
                s += strspn(s, " ");
                size_t n = strcspn(s, ","), trimmed = n;
                while (trimmed > 0 && s[trimmed - 1] == ' ')
                        trimmed--;
                int r = add_account(l, name, v->source, s, trimmed);
                if (r < 0)
                        return 1;
                wrong |= r;
                s += n;
                if (*s == '\0')
                        return wrong;
        }
}
