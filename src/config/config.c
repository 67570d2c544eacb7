#include "config/config.h"

#include <string.h>

#include "config/options.h"

void option_free(const struct option *o, void *object)
{
        void *member = (char *)object + o->offset;
        switch (o->type) {
        case OPTION_URL: /* may hold a password */
                if (*(char **)member)
                        explicit_bzero(*(char **)member, strlen(*(char **)member));
                __attribute__((fallthrough));
        case OPTION_STRING:
        case OPTION_PATH:
        case OPTION_ADDRESS:
                free(TAKE(*(char **)member));
                break;
        case OPTION_SECRET:
        case OPTION_KEY:
                secret_free(TAKE(*(struct secret **)member));
                break;
        case OPTION_LIST:
                for (char **item = member; *item; item++)
                        free(TAKE(*item));
                break;
        default:
                break;
        }
}

struct config *config_free(struct config *c)
{
        if (!c)
                return NULL;
        for (unsigned i = 0; i < n_options; i++) {
                const struct option *o = &options[i];
                if (!(o->flags & OPTION_PER_ACCOUNT))
                        option_free(o, c);
                else if (o->offset < sizeof(struct account))
                        for (unsigned a = 0; a < c->n_accounts; a++)
                                option_free(o, &c->accounts[a]);
        }
        free(c);
        return NULL;
}
