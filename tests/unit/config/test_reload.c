/* What a running daemon takes up of a new configuration, and what waits for a restart. */
#include "base/clock.h"
#include "config/options.h"
#include "fixture.h"

#define TOKEN "correct-horse-battery-staple"

static struct fixture before, after;
static struct config_changes changes;

static void begin(void)
{
        fixture_init(&before);
        fixture_init(&after);
        /* The same state, or each would have other defaults. */
        fixture_set(&before, "ORDO_STATE_DIR", before.dir);
        fixture_set(&after, "ORDO_STATE_DIR", before.dir);
}

static void change(const char *name, const char *old, const char *fresh)
{
        if (old)
                fixture_set(&before, name, old);
        if (fresh)
                fixture_set(&after, name, fresh);
}

static void take_up(void)
{
        ck_assert_int_eq(fixture_load(&before), 0);
        ck_assert_int_eq(fixture_load(&after), 0);
        config_take_up(before.config, after.config, &changes);
}

static void end(void)
{
        config_changes_done(&changes);
        fixture_done(&before);
        fixture_done(&after);
}

static void expect(const char *taken, const char *waiting)
{
        ck_assert_str_eq(text_str(&changes.taken), taken);
        ck_assert_str_eq(text_str(&changes.waiting), waiting);
}

START_TEST(test_nothing)
{
        begin();
        change("ORDO_API_TOKEN", TOKEN, TOKEN);
        change("ORDO_ALLOWED_HOSTS", "a.example,b.example", "a.example, b.example");
        change("ORDO_LOG_LEVEL", NULL, "info"); /* the default */
        take_up();
        expect("", "");
        end();
}
END_TEST

START_TEST(test_taken_up)
{
        begin();
        change("ORDO_ALLOWED_HOSTS", "a.example", "a.example,b.example");
        change("ORDO_API_TOKEN", TOKEN, TOKEN "2");
        change("ORDO_API_RATE", NULL, "7");
        change("ORDO_STATUS_PUBLIC", "no", "yes");
        change("ORDO_LOG_LEVEL", "debug", NULL);
        change("ORDO_DRAIN_TIMEOUT", NULL, "5s");
        take_up();
        expect("ORDO_ALLOWED_HOSTS ORDO_API_TOKEN ORDO_API_RATE ORDO_STATUS_PUBLIC ORDO_LOG_LEVEL "
               "ORDO_DRAIN_TIMEOUT",
               "");
        const struct config *c = before.config, *old = after.config;
        ck_assert_str_eq(c->allowed_hosts[1], "b.example");
        ck_assert_ptr_null(c->allowed_hosts[2]);
        ck_assert(secret_equal(c->api_token, TOKEN "2", strlen(TOKEN) + 1));
        ck_assert_int_eq(c->api_rate, 7);
        ck_assert(c->status_public);
        ck_assert_int_eq(c->log_level, LOG_INFO);
        ck_assert_int_eq(c->drain_timeout_us, 5 * USEC_PER_SEC);
        /* What was there is kept by the other one, for whoever still uses it. */
        ck_assert(secret_equal(old->api_token, TOKEN, strlen(TOKEN)));
        ck_assert_ptr_null(old->allowed_hosts[1]);
        end();
}
END_TEST

START_TEST(test_waits_for_a_restart)
{
        begin();
        change("ORDO_LISTEN", NULL, "127.0.0.1:9000");
        change("ORDO_ACCOUNTS", "paper:demo", "paper:demo,paper:b");
        change("ORDO_LOG", NULL, "json");
        change("ORDO_PAPER_DEMO_FUNDS", NULL, "5.00");
        change("ORDO_REQUEST_TIMEOUT", NULL, "5s");
        change("ORDO_BEHIND_PROXY", NULL, "yes");
        take_up();
        expect("", "ORDO_LISTEN ORDO_BEHIND_PROXY ORDO_REQUEST_TIMEOUT ORDO_ACCOUNTS ORDO_LOG "
                   "ORDO_PAPER_DEMO_FUNDS");
        ck_assert_str_eq(before.config->listen, "127.0.0.1:8080");
        ck_assert_uint_eq(before.config->n_accounts, 1);
        ck_assert_int_eq(before.config->request_timeout_us, 10 * USEC_PER_SEC);
        end();
}
END_TEST

/* Accounts are found by name, whatever their order is. */
START_TEST(test_accounts)
{
        begin();
        change("ORDO_ACCOUNTS", "paper:a,paper:b", "paper:b,paper:c");
        change("ORDO_PAPER_B_MAX_ORDER_QUANTITY", NULL, "5");
        change("ORDO_PAPER_B_MARKET_POLICY", NULL, "reject");
        change("ORDO_PAPER_B_SESSION_HOURS", NULL, "refuse");
        change("ORDO_PAPER_A_MAX_ORDER_QUANTITY", "6", NULL);
        take_up();
        expect("ORDO_PAPER_B_MARKET_POLICY ORDO_PAPER_B_SESSION_HOURS "
               "ORDO_PAPER_B_MAX_ORDER_QUANTITY",
               "ORDO_ACCOUNTS");
        const struct account *a = before.config->accounts;
        ck_assert_str_eq(a[0].id, "paper:a");
        ck_assert_int_eq(a[0].limits.max_order_quantity, 6); /* it stays as it was */
        ck_assert_str_eq(a[1].id, "paper:b");
        ck_assert_int_eq(a[1].limits.max_order_quantity, 5);
        ck_assert_int_eq(a[1].market_policy.kind, MARKET_REJECT);
        ck_assert(a[1].enforce_session_hours);
        end();
}
END_TEST

START_TEST(test_limits_off)
{
        begin();
        change("ORDO_LIMITS", "off", "on");
        take_up();
        ck_assert(text_starts(text_str(&changes.taken), "ORDO_LIMITS "));
        ck_assert(!before.config->limits_off);
        ck_assert_int_eq(before.config->accounts[0].limits.orders_per_second, 9);
        end();
}
END_TEST

/* A certificate may be replaced; but a plain listener does not begin to speak TLS, or cease to. */
START_TEST(test_tls)
{
        char a[128], b[128];
        begin();
        text_copy(a, sizeof(a), fixture_file(&before, "a.pem", "x", 1, 0600));
        text_copy(b, sizeof(b), fixture_file(&before, "b.pem", "x", 1, 0600));
        change("ORDO_TLS_CERT", a, b);
        change("ORDO_TLS_KEY", a, b);
        change("ORDO_TLS_CLIENT_CA", NULL, a);
        take_up();
        expect("ORDO_TLS_CERT ORDO_TLS_KEY ORDO_TLS_CLIENT_CA", "");
        ck_assert_str_eq(before.config->tls_cert, b);
        end();

        begin();
        text_copy(a, sizeof(a), fixture_file(&before, "a.pem", "x", 1, 0600));
        change("ORDO_TLS_CERT", NULL, a);
        change("ORDO_TLS_KEY", NULL, a);
        take_up();
        expect("", "ORDO_TLS_CERT ORDO_TLS_KEY");
        ck_assert_ptr_null(before.config->tls_cert);
        end();
}
END_TEST

/* Secrets are named, never shown. */
START_TEST(test_secrets)
{
        begin();
        change("ORDO_API_TOKEN", TOKEN, NULL);
        change("ORDO_VAULT_KEY", NULL,
               "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
        take_up();
        expect("ORDO_API_TOKEN", "ORDO_VAULT_KEY");
        ck_assert_ptr_null(before.config->api_token);
        ck_assert_ptr_null(before.config->vault_key);
        end();
}
END_TEST

/* A switch of protocol or of a path is one only for paths: the flag reads a pointer. */
START_TEST(test_flags)
{
        for (unsigned i = 0; i < n_options; i++)
                if (options[i].flags & OPTION_NO_SWITCH) {
                        ck_assert_int_eq(options[i].type, OPTION_PATH);
                        ck_assert(options[i].flags & OPTION_RELOADABLE);
                }
}
END_TEST

SUITE("config/reload", test_nothing, test_taken_up, test_waits_for_a_restart, test_accounts,
      test_limits_off, test_tls, test_secrets, test_flags)
