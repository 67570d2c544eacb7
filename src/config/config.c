#include "config/config.h"
#include "config/options.h"

struct config *config_free(struct config *c)
{
        if (!c)
                return NULL;
        for (unsigned i = 0; i < n_options; i++) {
                const struct option *o = &options[i];
                if (o->flags & OPTION_PER_ACCOUNT)
                        continue;
                void *member = (char *)c + o->offset;
                switch (o->type) {
                case OPTION_STRING:
                case OPTION_PATH:
                case OPTION_URL:
                        free(*(char **)member);
                        break;
                case OPTION_SECRET:
                case OPTION_KEY:
                        secret_free(*(struct secret **)member);
                        break;
                case OPTION_LIST:
                        for (char **item = member; *item; item++)
                                free(*item);
                        break;
                default:
                        break;
                }
        }
        free(c);
        return NULL;
}
