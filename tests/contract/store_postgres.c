/* PostgreSQL passes the contract, and what only it must do. */
#include "store_postgres.h"

#include <stdio.h>
#include <string.h>

#include "postgres_server.h"

static const char *url;

struct store_options postgres_options(void)
{
        return (struct store_options){.url = url, .migrations_dir = MIGRATIONS, .migrate = true};
}

void postgres_use(const char *other_url)
{
        url = other_url;
}

static void postgres_setup(void)
{
        url = postgres_server_database();
}

static void postgres_teardown(void)
{
}

static int suite_open(struct loop *loop, unsigned queue_max, char error[static STORE_ERROR_SIZE],
                      struct store **ret)
{
        struct store_options o = postgres_options();
        o.queue_max = queue_max;
        return store_open(loop, &o, error, ret);
}

static const struct suite_driver driver = {.name = "postgresql",
                                           .setup = postgres_setup,
                                           .teardown = postgres_teardown,
                                           .open = suite_open};

int main(void)
{
        const char *why = postgres_server_start("/tmp", false);
        if (why) {
                printf("1..0 # SKIP %s\n", why);
                return 0;
        }
        const TTest *own[32];
        unsigned n_open, n_loss;
        const TTest *const *open_tests = store_postgres_open_tests(&n_open);
        const TTest *const *loss_tests = store_postgres_loss_tests(&n_loss);

        memcpy(own, open_tests, n_open * sizeof(own[0]));
        memcpy(own + n_open, loss_tests, n_loss * sizeof(own[0]));
        int r = store_suite_main(&driver, own, n_open + n_loss);
        postgres_server_stop();
        return r;
}
