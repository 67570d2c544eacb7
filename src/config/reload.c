/* What of a new configuration a running daemon takes up. */
#include <string.h>

#include "config/options.h"

/* Bytes of the member itself. */
static size_t member_size(const struct option *o)
{
        switch (o->type) {
        case OPTION_BOOL:
        case OPTION_CHOICE:
                return sizeof(bool);
        case OPTION_ENUM:
                return sizeof(int);
        case OPTION_LIST:
                return sizeof(char * [CONFIG_LIST_MAX + 1]);
        case OPTION_POLICY:
                return sizeof(struct market_policy);
        case OPTION_RATES:
                return sizeof(struct broker_rates);
        case OPTION_INT:
        case OPTION_DURATION:
        case OPTION_BYTES:
        case OPTION_DECIMAL:
                return sizeof(int64_t);
        default:
                return sizeof(void *);
        }
}

static bool same_text(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_secret(const struct secret *a, const struct secret *b)
{
        return a == b || (b && secret_equal(a, secret_bytes(b), secret_size(b)));
}

static bool same_list(char *const *a, char *const *b)
{
        for (; *a && *b; a++, b++)
                if (strcmp(*a, *b) != 0)
                        return false;
        return *a == *b;
}

static bool same_accounts(const struct config *a, const struct config *b)
{
        if (a->n_accounts != b->n_accounts)
                return false;
        for (unsigned i = 0; i < a->n_accounts; i++)
                if (strcmp(a->accounts[i].id, b->accounts[i].id) != 0)
                        return false;
        return true;
}

static bool same(const struct option *o, const void *a, const void *b)
{
        switch (o->type) {
        case OPTION_STRING:
        case OPTION_PATH:
        case OPTION_URL:
        case OPTION_ADDRESS:
                return same_text(*(char *const *)a, *(char *const *)b);
        case OPTION_SECRET:
        case OPTION_KEY:
                return same_secret(*(struct secret *const *)a, *(struct secret *const *)b);
        case OPTION_LIST:
                return same_list(a, b);
        case OPTION_POLICY: {
                const struct market_policy *p = a, *q = b;
                return p->kind == q->kind && p->percent == q->percent;
        }
        case OPTION_RATES: {
                const struct broker_rates *p = a, *q = b;
                return p->n == q->n && memcmp(p->rates, q->rates, p->n * sizeof(p->rates[0])) == 0;
        }
        default:
                return memcmp(a, b, member_size(o)) == 0;
        }
}

static void exchange(char *a, char *b, size_t n)
{
        for (; n > 0; n--, a++, b++) {
                char c = *a;
                *a = *b;
                *b = c;
        }
}

static void take_up(const struct option *o, const struct account *account, void *mine, void *fresh,
                    struct config_changes *ret)
{
        char name[OPTION_NAME_SIZE];
        char *a = (char *)mine + o->offset, *b = (char *)fresh + o->offset;

        if (same(o, a, b))
                return;
        option_name(o, account, name);
        bool now = o->flags & OPTION_RELOADABLE;
        if (o->flags & OPTION_NO_SWITCH && !*(char **)a != !*(char **)b)
                now = false;
        struct text *list = now ? &ret->taken : &ret->waiting;
        text_addf(list, "%s%s", list->len > 0 ? " " : "", name);
        if (now)
                exchange(a, b, member_size(o));
}

static void take_up_account(struct account *mine, struct account *fresh, struct config_changes *ret)
{
        for (unsigned i = 0; i < n_options; i++) {
                const struct option *o = &options[i];
                /* What lies beyond the account was for the checks. */
                if (option_of_account(o, mine) && o->offset < sizeof(*mine))
                        take_up(o, mine, mine, fresh, ret);
        }
}

void config_take_up(struct config *c, struct config *fresh, struct config_changes *ret)
{
        *ret = (struct config_changes){};
        for (unsigned i = 0; i < n_options; i++) {
                const struct option *o = &options[i];
                if (o->flags & OPTION_PER_ACCOUNT)
                        continue;
                if (o->type != OPTION_ACCOUNT)
                        take_up(o, NULL, c, fresh, ret);
                else if (!same_accounts(c, fresh))
                        text_addf(&ret->waiting, "%s%s", ret->waiting.len > 0 ? " " : "", o->name);
        }
        for (unsigned i = 0; i < c->n_accounts; i++)
                for (unsigned k = 0; k < fresh->n_accounts; k++)
                        if (strcmp(c->accounts[i].id, fresh->accounts[k].id) == 0)
                                take_up_account(&c->accounts[i], &fresh->accounts[k], ret);
}

void config_changes_done(struct config_changes *c)
{
        text_done(&c->taken);
        text_done(&c->waiting);
}
