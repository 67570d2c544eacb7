#include <string.h>

#include "broker/broker.h"

/* Every adapter there is; a new one adds its line here. */
extern const struct broker broker_fyers;
extern const struct broker broker_hdfc;
extern const struct broker broker_mstock;
extern const struct broker broker_paper;

static const struct broker *const brokers[] = {
        &broker_fyers,
        &broker_hdfc,
        &broker_mstock,
        &broker_paper,
};

const struct broker *broker_find(const char *slug)
{
        for (unsigned i = 0; i < ELEMENTS(brokers); i++)
                if (strcmp(brokers[i]->slug, slug) == 0)
                        return brokers[i];
        return NULL;
}

const struct broker *broker_at(unsigned i)
{
        return i < ELEMENTS(brokers) ? brokers[i] : NULL;
}

const char *broker_base_url(const struct broker *b, const struct account *a)
{
        return a->access.base_url ? a->access.base_url : b->default_base_url;
}

const char *broker_master_url(const struct broker *b, const struct account *a)
{
        return a->access.master_url ? a->access.master_url : b->default_master_url;
}

const struct broker_capability *broker_capability(const struct broker *b, enum exchange e)
{
        for (unsigned i = 0; i < b->n_capabilities; i++)
                if (b->capabilities[i].exchange == e)
                        return &b->capabilities[i];
        return NULL;
}
