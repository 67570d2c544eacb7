/* What the options become, and where secrets come from. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "fixture.h"

#define TOKEN     "correct-horse-battery-staple"
#define HEX_KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeFF"
#define RUPEES(n) (INT64_C(n) * DECIMAL_ONE)

START_TEST(test_defaults)
{
        struct fixture f;
        fixture_init(&f);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        const struct config *c = f.config;
        ck_assert_str_eq(c->listen, "127.0.0.1:8080");
        ck_assert(!c->listen_given);
        ck_assert_ptr_null(c->api_token);
        ck_assert_ptr_null(c->vault_key);
        ck_assert_ptr_null(c->database_url);
        ck_assert_ptr_null(c->tls_cert);
        ck_assert_ptr_null(c->allowed_hosts[0]);
        ck_assert_str_eq(c->state_dir, f.dir);
        ck_assert(text_starts(c->api_keys_file, f.dir));
        ck_assert_ptr_nonnull(strstr(c->market_dir, "/ordo/market"));
        ck_assert_ptr_nonnull(strstr(c->migrations_dir, "/ordo/migrations"));
        ck_assert_int_eq(c->log_target, LOG_TARGET_AUTO);
        ck_assert_int_eq(c->log_level, LOG_INFO);
        ck_assert(!c->log_access && !c->behind_proxy && !c->limits_off);
        ck_assert(!c->metrics_public && !c->status_public && c->idempotency_required);
        ck_assert_int_eq(c->api_rate, 100);
        ck_assert_int_eq(c->max_connections, 1024);
        ck_assert_int_eq(c->request_timeout_us, 10 * USEC_PER_SEC);
        ck_assert_int_eq(c->order_deadline_us, 12 * USEC_PER_SEC);
        ck_assert_int_eq(c->idempotency_ttl_us, 86400 * USEC_PER_SEC);
        ck_assert_int_eq(c->drain_timeout_us, 20 * USEC_PER_SEC);
        ck_assert_int_eq(c->audit_segment_bytes, 16 << 20);
        ck_assert_int_eq(c->audit_retention_days, 1826);
        ck_assert_uint_eq(c->n_accounts, 1);
        fixture_done(&f);
}
END_TEST

START_TEST(test_default_account)
{
        struct fixture f;
        fixture_init(&f);
        ck_assert_int_eq(fixture_load(&f), 0);
        const struct account *a = &f.config->accounts[0];
        ck_assert_str_eq(a->id, "paper:demo");
        ck_assert_str_eq(a->broker, "paper");
        ck_assert_str_eq(a->name, "demo");
        ck_assert(a->paper && !a->enforce_session_hours && !a->paper_static_market);
        ck_assert_int_eq(a->paper_funds, RUPEES(10000000));
        ck_assert_int_eq(a->market_policy.kind, MARKET_PROTECT);
        ck_assert_int_eq(a->market_policy.percent, DECIMAL_ONE);
        ck_assert_int_eq(a->limits.max_order_value, RUPEES(1000000));
        ck_assert_int_eq(a->limits.max_order_quantity, 100000);
        ck_assert_int_eq(a->limits.max_open_orders, 200);
        ck_assert_int_eq(a->limits.max_daily_value, RUPEES(10000000));
        ck_assert_int_eq(a->limits.orders_per_second, 9);
        ck_assert_int_eq(a->limits.orders_per_minute, 200);
        ck_assert_int_eq(a->limits.orders_per_day, 3000);
        ck_assert_int_eq(a->limits.price_collar_percent, 10 * DECIMAL_ONE);
        ck_assert_int_eq(a->limits.repeat_window_us, USEC_PER_SEC);
        ck_assert(!a->self_cross_pass && !a->owner);
        ck_assert_int_eq(a->limits.max_daily_loss, RUPEES(100000));
        ck_assert_int_eq(a->collar_without_quote, COLLAR_CASH);
        ck_assert_int_eq(a->limits.max_modifications, 20);
        ck_assert_int_eq(a->limits.max_orders_per_trade, 50);
        ck_assert_int_eq(a->limits.orders_per_trade_floor, 500);
        ck_assert_int_eq(a->limits.storm_rejections, 10);
        ck_assert_int_eq(a->limits.storm_window_us, 60 * USEC_PER_SEC);
        ck_assert_int_eq(a->limits.storm_pause_us, 300 * USEC_PER_SEC);
        fixture_done(&f);
}
END_TEST

START_TEST(test_every_kind_of_value)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_API_TOKEN", TOKEN);
        fixture_set(&f, "ORDO_VAULT_KEY", HEX_KEY);
        fixture_set(&f, "ORDO_ALLOWED_HOSTS", "a.example , b.example");
        fixture_set(&f, "ORDO_CORS_ORIGINS", "https://x.example:8443,http://y");
        fixture_set(&f, "ORDO_LOG", "json");
        fixture_set(&f, "ORDO_LOG_LEVEL", "debug");
        fixture_set(&f, "ORDO_LOG_ACCESS", "on");
        fixture_set(&f, "ORDO_METRICS_PUBLIC", "1");
        fixture_set(&f, "ORDO_IDEMPOTENCY_REQUIRED", "false");
        fixture_set(&f, "ORDO_REQUEST_TIMEOUT", "1500ms");
        fixture_set(&f, "ORDO_IDEMPOTENCY_TTL", "2d");
        fixture_set(&f, "ORDO_AUDIT_SEGMENT_SIZE", "64KiB");
        fixture_set(&f, "ORDO_API_KEYS_FILE", "/does/not/exist/yet.json");
        ck_assert_int_eq(fixture_load(&f), 0);
        const struct config *c = f.config;
        ck_assert(secret_equal(c->api_token, TOKEN, strlen(TOKEN)));
        ck_assert_uint_eq(secret_size(c->vault_key), 32);
        ck_assert_uint_eq(((const uint8_t *)secret_bytes(c->vault_key))[31], 0xff);
        ck_assert_str_eq(c->allowed_hosts[0], "a.example");
        ck_assert_str_eq(c->allowed_hosts[1], "b.example");
        ck_assert_ptr_null(c->allowed_hosts[2]);
        ck_assert_str_eq(c->cors_origins[1], "http://y");
        ck_assert_int_eq(c->log_target, LOG_TARGET_JSON);
        ck_assert_int_eq(c->log_level, LOG_DEBUG);
        ck_assert(c->log_access && c->metrics_public && !c->idempotency_required);
        ck_assert_int_eq(c->request_timeout_us, 1500 * USEC_PER_MS);
        ck_assert_int_eq(c->idempotency_ttl_us, 2 * 86400 * USEC_PER_SEC);
        ck_assert_int_eq(c->audit_segment_bytes, 65536);
        ck_assert_str_eq(c->api_keys_file, "/does/not/exist/yet.json");
        fixture_done(&f);
}
END_TEST

START_TEST(test_accounts)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_ACCOUNTS", "paper:demo, paper:second");
        fixture_set(&f, "ORDO_PAPER_SECOND_FUNDS", "250000.50");
        fixture_set(&f, "ORDO_PAPER_SECOND_MARKET", "static");
        fixture_set(&f, "ORDO_PAPER_SECOND_MARKET_POLICY", "reject");
        fixture_set(&f, "ORDO_PAPER_SECOND_SESSION_HOURS", "refuse");
        fixture_set(&f, "ORDO_PAPER_SECOND_ORDERS_PER_SECOND", "25");
        fixture_set(&f, "ORDO_PAPER_SECOND_ALGO_REGISTERED", "yes");
        fixture_set(&f, "ORDO_PAPER_SECOND_REPEAT_WINDOW_MS", "0");
        fixture_set(&f, "ORDO_PAPER_SECOND_PRICE_COLLAR", "2.5");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        ck_assert_uint_eq(f.config->n_accounts, 2);
        const struct account *a = &f.config->accounts[1];
        ck_assert_str_eq(a->id, "paper:second");
        ck_assert_int_eq(a->paper_funds, RUPEES(250000) + 5000);
        ck_assert(a->paper_static_market && a->enforce_session_hours);
        ck_assert_int_eq(a->market_policy.kind, MARKET_REJECT);
        ck_assert_int_eq(a->limits.orders_per_second, 25);
        ck_assert_int_eq(a->limits.repeat_window_us, 0);
        ck_assert_int_eq(a->limits.price_collar_percent, 25000);
        ck_assert_int_eq(f.config->accounts[0].limits.orders_per_second, 9);
        fixture_done(&f);
}
END_TEST

START_TEST(test_limits_off)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LIMITS", "off");
        fixture_set(&f, "ORDO_PAPER_DEMO_MAX_ORDER_VALUE", "5");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(f.config->limits_off);
        static const struct account_limits none;
        ck_assert_mem_eq(&f.config->accounts[0].limits, &none, sizeof(none));
        ck_assert_int_eq(f.config->accounts[0].paper_funds, RUPEES(10000000));
        fixture_done(&f);
}
END_TEST

static const struct {
        const char *listen;
        int family;
        int port;
        const char *path;
} addresses[] = {
        {"127.0.0.1:8080", AF_INET, 8080, NULL},   {"127.9.8.7:0", AF_INET, 0, NULL},
        {"[::1]:8443", AF_INET6, 8443, NULL},      {"unix:/run/o.sock", AF_UNIX, 0, "/run/o.sock"},
        {"127.0.0.1:65535", AF_INET, 65535, NULL},
};

START_TEST(test_listen)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LISTEN", addresses[_i].listen);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(f.config->listen_given);
        const struct sockaddr_storage *s = &f.config->listen_address;
        ck_assert_int_eq(s->ss_family, addresses[_i].family);
        if (s->ss_family == AF_INET) {
                const struct sockaddr_in *in = (const struct sockaddr_in *)s;
                ck_assert_int_eq(ntohs(in->sin_port), addresses[_i].port);
                ck_assert_uint_eq(f.config->listen_address_size, sizeof(*in));
        } else if (s->ss_family == AF_INET6) {
                const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)s;
                ck_assert_int_eq(ntohs(in6->sin6_port), addresses[_i].port);
                ck_assert_uint_eq(f.config->listen_address_size, sizeof(*in6));
        } else {
                ck_assert_str_eq(((const struct sockaddr_un *)s)->sun_path, addresses[_i].path);
        }
        fixture_done(&f);
}
END_TEST

START_TEST(test_other_address_behind_proxy)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LISTEN", "0.0.0.0:8080");
        fixture_set(&f, "ORDO_BEHIND_PROXY", "yes");
        ck_assert_int_eq(fixture_load(&f), 0);
        fixture_done(&f);
}
END_TEST

START_TEST(test_other_address_with_tls)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LISTEN", "[::]:8443");
        fixture_set(&f, "ORDO_TLS_CERT", fixture_file(&f, "c", "x", 1, 0644));
        fixture_set(&f, "ORDO_TLS_KEY", fixture_file(&f, "k", "x", 1, 0600));
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_done(&f);
}
END_TEST

START_TEST(test_open_tls_key_warns)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_TLS_CERT", fixture_file(&f, "c", "x", 1, 0644));
        fixture_set(&f, "ORDO_TLS_KEY", fixture_file(&f, "k", "x", 1, 0640));
        ck_assert_int_eq(fixture_load(&f), 0);
        fixture_expect(&f, true, "ORDO_TLS_KEY", "environment",
                       "The key is readable by others (mode 0640).");
        fixture_done(&f);
}
END_TEST

/* The order of preference, and the warning about what is not used. */
static void all_sources(struct fixture *f, bool credential, bool file, bool variable)
{
        fixture_init(f);
        char path[96];
        snprintf(path, sizeof(path), "%s/cred", f->dir);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        fixture_set(f, "CREDENTIALS_DIRECTORY", path);
        if (credential)
                fixture_file(f, "cred/ORDO_API_TOKEN", "from-the-credential\n", 20, 0440);
        if (file)
                fixture_set(f, "ORDO_API_TOKEN_FILE",
                            fixture_file(f, "token", "from-the-token-file\n", 20, 0600));
        if (variable)
                fixture_set(f, "ORDO_API_TOKEN", "from-the-environment");
        ck_assert_int_eq(fixture_load(f), 0);
}

START_TEST(test_credential_wins)
{
        struct fixture f;
        all_sources(&f, true, true, true);
        ck_assert(secret_equal(f.config->api_token, "from-the-credential", 19));
        ck_assert_uint_eq(f.faults.n, 2);
        char source[160];
        snprintf(source, sizeof(source), "credential %s/cred/ORDO_API_TOKEN", f.dir);
        ck_assert_str_eq(f.faults.list[0].source, source);
        ck_assert_str_eq(f.faults.list[0].detail,
                         "It is also given by ORDO_API_TOKEN_FILE, which is not used.");
        ck_assert_str_eq(f.faults.list[1].detail,
                         "It is also given by the environment, which is not used.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_file_before_variable)
{
        struct fixture f;
        all_sources(&f, false, true, true);
        ck_assert(secret_equal(f.config->api_token, "from-the-token-file", 19));
        char source[160];
        snprintf(source, sizeof(source), "%s/token", f.dir);
        fixture_expect(&f, true, "ORDO_API_TOKEN", source,
                       "It is also given by the environment, which is not used.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_credential_and_variable)
{
        struct fixture f;
        all_sources(&f, true, false, true);
        ck_assert(secret_equal(f.config->api_token, "from-the-credential", 19));
        ck_assert_uint_eq(f.faults.n, 1);
        fixture_done(&f);
}
END_TEST

START_TEST(test_each_source_alone)
{
        static const char *const expected[] = {"from-the-credential", "from-the-token-file",
                                               "from-the-environment"};
        struct fixture f;
        all_sources(&f, _i == 0, _i == 1, _i == 2);
        ck_assert(secret_equal(f.config->api_token, expected[_i], strlen(expected[_i])));
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_done(&f);
}
END_TEST

/* A credential that is broken is not passed over in silence. */
START_TEST(test_broken_credential)
{
        struct fixture f;
        fixture_init(&f);
        fixture_file(&f, "ORDO_API_TOKEN", "", 0, 0400);
        fixture_set(&f, "CREDENTIALS_DIRECTORY", f.dir);
        ck_assert_int_eq(fixture_load(&f), 1);
        char source[160];
        snprintf(source, sizeof(source), "credential %s/ORDO_API_TOKEN", f.dir);
        fixture_expect(&f, false, "ORDO_API_TOKEN", source, "The file is empty.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_missing_credentials_directory)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "CREDENTIALS_DIRECTORY", "/nonexistent");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_done(&f);
}
END_TEST

START_TEST(test_open_secret_file_warns)
{
        static const mode_t modes[] = {0640, 0604, 0644};
        struct fixture f;
        fixture_init(&f);
        const char *path = fixture_file(&f, "token", TOKEN, strlen(TOKEN), modes[_i]);
        fixture_set(&f, "ORDO_API_TOKEN_FILE", path);
        ck_assert_int_eq(fixture_load(&f), 0);
        char detail[96];
        snprintf(detail, sizeof(detail), "The file of a secret is readable by others (mode %04o).",
                 (unsigned)modes[_i]);
        fixture_expect(&f, true, "ORDO_API_TOKEN", path, detail);
        ck_assert_str_eq(f.faults.list[0].remedy, "chmod 600 the file.");
        fixture_done(&f);
}
END_TEST

/* One newline is the editor's; more belong to the value, which they spoil. */
START_TEST(test_newlines)
{
        struct fixture f;
        fixture_init(&f);
        const char *path = fixture_file(&f, "token", TOKEN "\n\n", strlen(TOKEN) + 2, 0600);
        fixture_set(&f, "ORDO_API_TOKEN_FILE", path);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_API_TOKEN", path, "Byte 29 is a control character.");
        fixture_file(&f, "token", TOKEN "\n", strlen(TOKEN) + 1, 0600);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(secret_equal(f.config->api_token, TOKEN, strlen(TOKEN)));
        fixture_done(&f);
}
END_TEST

START_TEST(test_nul_in_file)
{
        struct fixture f;
        fixture_init(&f);
        const char *path = fixture_file(&f, "token", TOKEN "\0more", strlen(TOKEN) + 5, 0600);
        fixture_set(&f, "ORDO_API_TOKEN_FILE", path);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_API_TOKEN", path, "Byte 29 is a control character.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_secret_file_size)
{
        struct fixture f;
        fixture_init(&f);
        char big[4097];
        memset(big, 'x', sizeof(big));
        const char *path = fixture_file(&f, "token", big, 4097, 0600);
        fixture_set(&f, "ORDO_API_TOKEN_FILE", path);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_API_TOKEN", path, "The file is too large for a secret.");
        fixture_file(&f, "token", big, 4096, 0600);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_API_TOKEN", path, "It is too long: 4096 bytes.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_fifo_does_not_block)
{
        struct fixture f;
        fixture_init(&f);
        char path[96];
        snprintf(path, sizeof(path), "%s/fifo", f.dir);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        fixture_set(&f, "ORDO_API_TOKEN_FILE", path);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_API_TOKEN", path, "It is not a regular file.");
        fixture_done(&f);
}
END_TEST

/* 32 bytes are a key as they are, even when the last one looks like a newline. */
START_TEST(test_raw_key)
{
        static const char raw[33] = "0123456789abcdef0123456789abcde\n";
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_VAULT_KEY_FILE", fixture_file(&f, "key", raw, 32, 0600));
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(secret_equal(f.config->vault_key, raw, 32));
        static const char odd[33] = "\0\001\002\377456789abcdef0123456789abcdef";
        fixture_file(&f, "key", odd, 32, 0600);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(secret_equal(f.config->vault_key, odd, 32));
        fixture_file(&f, "key", HEX_KEY "\n", 65, 0600);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(secret_size(f.config->vault_key), 32);
        const char *path = fixture_file(&f, "key", raw, 31, 0600);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_VAULT_KEY", path, "It is not a key of 32 bytes.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_empty_counts_as_unset)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LISTEN", "");
        fixture_set(&f, "ORDO_API_TOKEN", "");
        fixture_set(&f, "ORDO_API_TOKEN_FILE", "");
        fixture_set(&f, "ORDO_ACCOUNTS", "");
        fixture_set(&f, "ORDO_MAX_CONNECTIONS", "");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        ck_assert(!f.config->listen_given);
        ck_assert_int_eq(f.config->max_connections, 1024);
        fixture_done(&f);
}
END_TEST

START_TEST(test_variable_twice)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_API_RATE", "7");
        fixture_set(&f, "ORDO_API_RATE", "8");
        ck_assert_int_eq(fixture_load(&f), 0);
        fixture_expect(&f, true, "ORDO_API_RATE", "environment",
                       "It is also given by a second variable of this name, which is not used.");
        ck_assert_int_eq(f.config->api_rate, 7);
        fixture_done(&f);
}
END_TEST

static const struct {
        const char *variables[3];
        const char *state_dir;
} places[] = {
        {{"STATE_DIRECTORY=/tmp/ordo-config/a:/tmp/ordo-config/b", "HOME=/tmp/ordo-config/h"},
         "/tmp/ordo-config/a"},
        {{"XDG_STATE_HOME=/tmp/ordo-config/x", "HOME=/tmp/ordo-config/h"},
         "/tmp/ordo-config/x/ordo"},
        {{"XDG_STATE_HOME=relative", "HOME=/tmp/ordo-config/h"},
         "/tmp/ordo-config/h/.local/state/ordo"},
        {{"HOME=/tmp/ordo-config/h"}, "/tmp/ordo-config/h/.local/state/ordo"},
        {{"ORDO_STATE_DIR=/tmp/ordo-config/o", "STATE_DIRECTORY=/tmp/ordo-config/a",
          "HOME=/tmp/ordo-config/h"},
         "/tmp/ordo-config/o"},
};

START_TEST(test_state_dir)
{
        char *environ_[4] = {};
        for (unsigned i = 0; i < 3; i++)
                environ_[i] = (char *)places[_i].variables[i];
        struct config_faults faults;
        struct config *c = NULL;
        ck_assert_int_eq(config_load(environ_, &faults, &c), 0);
        ck_assert_str_eq(c->state_dir, places[_i].state_dir);
        config_free(c);
}
END_TEST

/* Whatever is wrong with a secret, none of it is in what is printed. */
START_TEST(test_secrets_are_not_printed)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_API_TOKEN", "hunter2 hunter2 hunter2");
        fixture_set(&f, "ORDO_VAULT_KEY", "hunter2");
        fixture_set(&f, "ORDO_DATABASE_URL", "mysql://ordo:hunter2@db/ordo");
        ck_assert_int_eq(fixture_load(&f), 1);
        ck_assert_uint_eq(f.faults.errors, 3);
        struct text t = TEXT_NULL;
        config_faults_print(&f.faults, &t);
        ck_assert_ptr_null(strstr(text_str(&t), "hunter2"));
        text_done(&t);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("config/load");
        TCase *c = tcase_create("load");
        tcase_add_test(c, test_defaults);
        tcase_add_test(c, test_default_account);
        tcase_add_test(c, test_every_kind_of_value);
        tcase_add_test(c, test_accounts);
        tcase_add_test(c, test_limits_off);
        tcase_add_loop_test(c, test_listen, 0, ELEMENTS(addresses));
        tcase_add_test(c, test_other_address_behind_proxy);
        tcase_add_test(c, test_other_address_with_tls);
        tcase_add_test(c, test_open_tls_key_warns);
        tcase_add_test(c, test_credential_wins);
        tcase_add_test(c, test_file_before_variable);
        tcase_add_test(c, test_credential_and_variable);
        tcase_add_loop_test(c, test_each_source_alone, 0, 3);
        tcase_add_test(c, test_broken_credential);
        tcase_add_test(c, test_missing_credentials_directory);
        tcase_add_loop_test(c, test_open_secret_file_warns, 0, 3);
        tcase_add_test(c, test_newlines);
        tcase_add_test(c, test_nul_in_file);
        tcase_add_test(c, test_secret_file_size);
        tcase_add_test(c, test_fifo_does_not_block);
        tcase_add_test(c, test_raw_key);
        tcase_add_test(c, test_empty_counts_as_unset);
        tcase_add_test(c, test_variable_twice);
        tcase_add_loop_test(c, test_state_dir, 0, ELEMENTS(places));
        tcase_add_test(c, test_secrets_are_not_printed);
        suite_add_tcase(s, c);
        return suite_run(s);
}
