/* The adapters, and the brokers that a configuration may name, are the same ones. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "config/options.h"

static const struct config_broker *configurable(const char *slug)
{
        for (const struct config_broker *b = config_brokers; b->slug; b++)
                if (strcmp(b->slug, slug) == 0)
                        return b;
        return NULL;
}

START_TEST(test_adapters_are_configurable)
{
        const struct broker *b;
        for (unsigned i = 0; (b = broker_at(i)); i++) {
                const struct config_broker *c = configurable(b->slug);
                ck_assert_msg(c != NULL, "%s is not in config_brokers", b->slug);
                ck_assert_ptr_eq(broker_find(b->slug), b);
                if (b->flags & BROKER_LOCAL) {
                        ck_assert_ptr_null(c->needs[0]);
                        continue;
                }
                ck_assert_str_eq(c->needs[0], "CLIENT_ID");
                ck_assert(b->default_base_url && b->n_logins > 0);
                ck_assert(strncmp(b->default_base_url, "https://", 8) == 0);
        }
        for (const struct config_broker *c = config_brokers; c->slug; c++)
                ck_assert_msg(broker_find(c->slug) != NULL, "there is no adapter %s", c->slug);
}
END_TEST

/* docs/brokers.md tells where each one is. */
START_TEST(test_page)
{
        char row[512], page[32768] = "";
        const struct broker *b;
        FILE *f = fopen(SOURCE_ROOT "/docs/brokers.md", "re");
        ck_assert_ptr_nonnull(f);
        size_t n = fread(page, 1, sizeof(page) - 1, f);
        fclose(f);
        ck_assert(n > 0 && n < sizeof(page) - 1);
        for (unsigned i = 0; (b = broker_at(i)); i++) {
                if (b->flags & BROKER_LOCAL)
                        continue;
                snprintf(row, sizeof(row), "\n| %s | `%s` | `%s` |\n", b->slug, b->default_base_url,
                         b->default_master_url);
                ck_assert_msg(strstr(page, row) != NULL, "not in docs/brokers.md: %s", row);
        }
}
END_TEST

/* What was configured comes before the broker's own. */
START_TEST(test_addresses)
{
        const struct broker b = {.default_base_url = "https://a",
                                 .default_master_url = "https://m"};
        struct account a = {};
        ck_assert_str_eq(broker_base_url(&b, &a), "https://a");
        ck_assert_str_eq(broker_master_url(&b, &a), "https://m");
        a.access.base_url = (char[]){"https://b"};
        ck_assert_str_eq(broker_base_url(&b, &a), "https://b");
        ck_assert_str_eq(broker_master_url(&b, &a), "https://m");
        a.access.master_url = (char[]){"https://n"};
        ck_assert_str_eq(broker_master_url(&b, &a), "https://n");
}
END_TEST

SUITE("broker/registry", test_adapters_are_configurable, test_page, test_addresses)
