/* Accounts of real brokers: how they are reached, and what they cannot do without. */
#include "config/options.h"
#include "fixture.h"

#define SEED "JBSWY3DPEHPK3PXP"

static const char *const fyers[][2] = {
        {"ORDO_ACCOUNTS", "fyers:main"},
        {"ORDO_FYERS_MAIN_CLIENT_ID", "XA00001"},
        {"ORDO_FYERS_MAIN_API_KEY", "ABCD1234EF-100"},
        {"ORDO_FYERS_MAIN_API_SECRET", "s3cret"},
        {"ORDO_FYERS_MAIN_REDIRECT_URI", "https://desk.example.org/cb?x=1"},
        {"ORDO_FYERS_MAIN_PASSWORD", "korrekte Pferde, größer"},
        {"ORDO_FYERS_MAIN_USERNAME", "user@example.org"},
        {"ORDO_FYERS_MAIN_TOTP_SECRET", SEED "=="},
        {"ORDO_FYERS_MAIN_EGRESS_ADDRESS", "192.0.2.7"},
        {"ORDO_FYERS_MAIN_BASE_URL", "https://api.example.org:8443/v3/"},
        {"ORDO_FYERS_MAIN_MASTER_URL", "http://127.0.0.1:9/m"},
        {"ORDO_FYERS_MAIN_CA_FILE", "/dev/null"},
};

/* The environment of a fyers account, but for one variable; `value` NULL: without it. */
static void set_fyers(struct fixture *f, const char *name, const char *value)
{
        for (unsigned i = 0; i < ELEMENTS(fyers); i++)
                if (!name || strcmp(fyers[i][0], name) != 0)
                        fixture_set(f, fyers[i][0], fyers[i][1]);
        if (value)
                fixture_set(f, name, value);
}

static bool is(const struct secret *s, const char *text)
{
        return secret_equal(s, text, strlen(text));
}

START_TEST(test_whole_account)
{
        struct fixture f;
        fixture_init(&f);
        set_fyers(&f, NULL, NULL);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        const struct account *a = &f.config->accounts[0];
        const struct account_access *x = &a->access;
        ck_assert_str_eq(a->id, "fyers:main");
        ck_assert(!a->paper && a->enforce_session_hours);
        ck_assert_int_eq(a->paper_funds, 0);
        ck_assert_str_eq(x->client_id, "XA00001");
        ck_assert(is(x->api_key, "ABCD1234EF-100") && is(x->api_secret, "s3cret"));
        ck_assert(is(x->password, "korrekte Pferde, größer") && is(x->totp_secret, SEED "=="));
        ck_assert_str_eq(x->username, "user@example.org");
        ck_assert_str_eq(x->redirect_uri, "https://desk.example.org/cb?x=1");
        ck_assert_str_eq(x->base_url, "https://api.example.org:8443/v3");
        ck_assert_str_eq(x->master_url, "http://127.0.0.1:9/m");
        ck_assert_str_eq(x->egress_address, "192.0.2.7");
        ck_assert_str_eq(x->ca_file, "/dev/null");
        ck_assert_int_eq(a->limits.orders_per_second, 9);
        fixture_done(&f);
}
END_TEST

/* What the broker's own defaults fill stays empty. */
START_TEST(test_least)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_ACCOUNTS", "paper:demo,hdfc:me");
        fixture_set(&f, "ORDO_HDFC_ME_CLIENT_ID", "1234567");
        fixture_set(&f, "ORDO_HDFC_ME_API_KEY", "k");
        fixture_set(&f, "ORDO_HDFC_ME_API_SECRET", "s");
        fixture_set(&f, "ORDO_HDFC_ME_SESSION_HOURS", "pass");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        const struct account_access *x = &f.config->accounts[1].access;
        ck_assert_ptr_null(x->base_url);
        ck_assert_ptr_null(x->master_url);
        ck_assert_ptr_null(x->ca_file);
        ck_assert_ptr_null(x->egress_address);
        ck_assert_ptr_null(x->password);
        ck_assert(!f.config->accounts[1].enforce_session_hours);
        fixture_done(&f);
}
END_TEST

/* Secrets of accounts take the ways of all secrets: a credential before a file. */
START_TEST(test_secrets_from_files)
{
        struct fixture f;
        fixture_init(&f);
        set_fyers(&f, "ORDO_FYERS_MAIN_API_SECRET", NULL);
        fixture_set(&f, "CREDENTIALS_DIRECTORY", f.dir);
        fixture_file(&f, "ORDO_FYERS_MAIN_API_SECRET", "sealed\n", 7, 0400);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        ck_assert(is(f.config->accounts[0].access.api_secret, "sealed"));
        fixture_done(&f);

        fixture_init(&f);
        set_fyers(&f, "ORDO_FYERS_MAIN_TOTP_SECRET", NULL);
        fixture_set(&f, "ORDO_FYERS_MAIN_TOTP_SECRET_FILE",
                    fixture_file(&f, "seed", SEED "\n", sizeof(SEED), 0400));
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        ck_assert(is(f.config->accounts[0].access.totp_secret, SEED));
        fixture_done(&f);
}
END_TEST

static const struct {
        const char *name; /* behind ORDO_FYERS_MAIN_ */
        const char *value;
        const char *detail;
} wrong[] = {
        {"CLIENT_ID", "XA 1", "\"XA 1\" is not of the form needed."},
        {"CLIENT_ID", "123456789012345678901234567890123", "It is too long: 33 bytes."},
        {"API_KEY", "a b", "Byte 2 is not a printable ASCII character."},
        {"PASSWORD", "a\001", "Byte 2 is a control character."},
        {"TOTP_SECRET", "JBSWY3DPEHPK3PX1", "It is not of the form needed."},
        {"TOTP_SECRET", "JBSW Y3DP EHPK 3PXP", "It is not of the form needed."},
        {"TOTP_SECRET", "JBSWY3DP", "It is too short: 8 bytes."},
        {"EGRESS_ADDRESS", "eth0", "\"eth0\" is not of the form needed."},
        {"EGRESS_ADDRESS", "192.0.2", "\"192.0.2\" is not of the form needed."},
        {"BASE_URL", "api.example.org", "It begins with neither https:// nor http://."},
        {"BASE_URL", "ftp://api.example.org", "It begins with neither https:// nor http://."},
        {"BASE_URL", "http://api.example.org",
         "Plain http is for this machine only; to others it would show secrets."},
        {"BASE_URL", "http://128.0.0.1:80",
         "Plain http is for this machine only; to others it would show secrets."},
        {"BASE_URL", "http://127.0.0.1.example.org",
         "Plain http is for this machine only; to others it would show secrets."},
        {"BASE_URL", "https://user:pw@example.org",
         "A user or password does not belong into an address."},
        {"BASE_URL", "http://127.0.0.1@example.org",
         "A user or password does not belong into an address."},
        {"BASE_URL", "https://", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://a:0", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://a:", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://a:65536", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://a b", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://[::1", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://[::1]8", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://[a]", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://a\\b", "What stands before the path is not host or host:port."},
        {"BASE_URL", "https://a/x?y=1", "It must end before \"?\" and \"#\"."},
        {"BASE_URL", "https://a/#x", "It must end before \"?\" and \"#\"."},
        {"BASE_URL", "https://a/x y",
         "It holds a letter that stands in no address; write it as %XX."},
        {"REDIRECT_URI", "https://a/x#y", "It must end before \"#\"."},
        {"BROKER_RATES", "orders", "\"orders\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:50", "\"orders:50\" is not a rate, or one too many."},
        {"BROKER_RATES", "books:5/1s", "\"books:5/1s\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:50/1s,", "\"\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:0/1s", "\"orders:0/1s\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:100001/1s",
         "\"orders:100001/1s\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:5/99ms", "\"orders:5/99ms\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:5/61m", "\"orders:5/61m\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:5/2d", "\"orders:5/2d\" is not a rate, or one too many."},
        {"BROKER_RATES",
         "calls:1/1s,calls:2/1s,calls:3/1s,calls:4/1s,calls:5/1s,calls:6/1s,calls:7/1s,"
         "calls:8/1s,calls:9/1s",
         "\"calls:9/1s\" is not a rate, or one too many."},
        {"BROKER_RATES", "orders:50/1s",
         "Other rates than the broker's need an algorithm that is registered with the exchange."},
        {"REDIRECT_URI", "https://a/?x y",
         "It holds a letter that stands in no address; write it as %XX."},
        {"REDIRECT_URI", "http://desk.example.org/",
         "Plain http is for this machine only; to others it would show secrets."},
        {"CA_FILE", "ca.crt", "\"ca.crt\" is not an absolute path."},
        {"CA_FILE", "/nonexistent/ca.crt",
         "/nonexistent/ca.crt cannot be read: No such file or directory."},
};

START_TEST(test_wrong_values)
{
        for (unsigned i = 0; i < ELEMENTS(wrong); i++) {
                struct fixture f;
                char name[OPTION_NAME_SIZE];
                snprintf(name, sizeof(name), "ORDO_FYERS_MAIN_%s", wrong[i].name);
                fixture_init(&f);
                set_fyers(&f, name, wrong[i].value);
                ck_assert_int_eq(fixture_load(&f), 1);
                fixture_expect(&f, false, name, "environment", wrong[i].detail);
                /* A secret is in no message. */
                if (strstr(name, "SECRET"))
                        ck_assert_ptr_null(strstr(f.faults.list[0].remedy, wrong[i].value));
                fixture_done(&f);
        }
}
END_TEST

START_TEST(test_rates)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_FYERS_MAIN_ALGO_REGISTERED", "yes");
        set_fyers(&f, "ORDO_FYERS_MAIN_BROKER_RATES",
                  "orders:100000/100ms, quotes:1/1h,calls:7/1d,exchange-orders:5/1s");
        ck_assert_int_eq(fixture_load(&f), 0);
        const struct broker_rates *r = &f.config->accounts[0].access.rates;
        ck_assert_uint_eq(r->n, 4);
        ck_assert_int_eq(r->rates[3].traffic, BROKER_TRAFFIC_EACH);
        ck_assert_uint_eq(r->rates[3].count, 5);
        ck_assert_int_eq(r->rates[0].traffic, BROKER_TRAFFIC_ORDERS);
        ck_assert_uint_eq(r->rates[0].count, 100000);
        ck_assert_int_eq(r->rates[0].window_us, 100000);
        ck_assert_int_eq(r->rates[1].traffic, BROKER_TRAFFIC_QUOTES);
        ck_assert_uint_eq(r->rates[1].count, 1);
        ck_assert_int_eq(r->rates[1].window_us, INT64_C(3600000000));
        ck_assert_int_eq(r->rates[2].traffic, BROKER_TRAFFIC_ALL);
        ck_assert_uint_eq(r->rates[2].count, 7);
        ck_assert_int_eq(r->rates[2].window_us, INT64_C(86400000000));
        fixture_done(&f);
}
END_TEST

static void load_rates(struct fixture *f, const char *dir, const char *rates)
{
        fixture_init(f);
        fixture_set(f, "ORDO_FYERS_MAIN_ALGO_REGISTERED", "yes");
        fixture_set(f, "ORDO_STATE_DIR", dir ?: f->dir);
        set_fyers(f, "ORDO_FYERS_MAIN_BROKER_RATES", rates);
        ck_assert_int_eq(fixture_load(f), 0);
}

/* Not taken up by a reload: the windows of a running account stay. */
START_TEST(test_rates_reload)
{
        struct fixture before, same, after;
        struct config_changes changes;

        load_rates(&before, NULL, "orders:50/1s");
        load_rates(&same, before.dir, "orders:50/1s");
        load_rates(&after, before.dir, "orders:51/1s");
        config_take_up(before.config, same.config, &changes);
        ck_assert_str_eq(text_str(&changes.waiting), "");
        config_changes_done(&changes);
        config_take_up(before.config, after.config, &changes);
        ck_assert_str_eq(text_str(&changes.taken), "");
        ck_assert_str_eq(text_str(&changes.waiting), "ORDO_FYERS_MAIN_BROKER_RATES");
        ck_assert_uint_eq(before.config->accounts[0].access.rates.rates[0].count, 50);
        config_changes_done(&changes);
        fixture_done(&before);
        fixture_done(&same);
        fixture_done(&after);
}
END_TEST

START_TEST(test_good_addresses)
{
        static const char *const good[] = {"http://localhost", "http://[::1]:8080/x",
                                           "http://127.9.9.9:1/", "https://[2001:db8::1]/",
                                           "https://api-t1.example.in/a%20b/~c"};
        for (unsigned i = 0; i < ELEMENTS(good); i++) {
                struct fixture f;
                fixture_init(&f);
                set_fyers(&f, "ORDO_FYERS_MAIN_BASE_URL", good[i]);
                ck_assert_int_eq(fixture_load(&f), 0);
                size_t n = strlen(good[i]);
                n -= good[i][n - 1] == '/';
                ck_assert_uint_eq(strlen(f.config->accounts[0].access.base_url), n);
                ck_assert(text_starts(good[i], f.config->accounts[0].access.base_url));
                fixture_done(&f);
        }
}
END_TEST

static const struct {
        const char *account, *missing, *remedy;
} needs[] = {
        {"fyers:main", "ORDO_FYERS_MAIN_CLIENT_ID", "ORDO_FYERS_MAIN_CLIENT_ID"},
        {"fyers:main", "ORDO_FYERS_MAIN_API_KEY", "ORDO_FYERS_MAIN_API_KEY"},
        {"fyers:main", "ORDO_FYERS_MAIN_API_SECRET", "ORDO_FYERS_MAIN_API_SECRET"},
        {"fyers:main", "ORDO_FYERS_MAIN_REDIRECT_URI", "ORDO_FYERS_MAIN_REDIRECT_URI"},
        {"fyers:main", "ORDO_FYERS_MAIN_USERNAME", "ORDO_FYERS_MAIN_USERNAME"},
};

START_TEST(test_needed)
{
        for (unsigned i = 0; i < ELEMENTS(needs); i++) {
                struct fixture f;
                fixture_init(&f);
                set_fyers(&f, needs[i].missing, NULL);
                ck_assert_int_eq(fixture_load(&f), 1);
                fixture_expect(&f, false, needs[i].missing, "environment",
                               "The account fyers:main cannot be used without it.");
                char remedy[192];
                snprintf(remedy, sizeof(remedy),
                         "Set %s, or take fyers:main out of ORDO_ACCOUNTS; docs/brokers.md says "
                         "more.",
                         needs[i].remedy);
                ck_assert_str_eq(f.faults.list[0].remedy, remedy);
                fixture_done(&f);
        }
}
END_TEST

START_TEST(test_one_of_two_needed)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_ACCOUNTS", "mstock:me");
        fixture_set(&f, "ORDO_MSTOCK_ME_CLIENT_ID", "MA0000000");
        fixture_set(&f, "ORDO_MSTOCK_ME_API_KEY", "EXAMPLEKEY@@");
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_MSTOCK_ME_TOTP_SECRET", "environment",
                       "The account mstock:me cannot be used without it.");
        ck_assert_str_eq(f.faults.list[0].remedy,
                         "Set ORDO_MSTOCK_ME_TOTP_SECRET or ORDO_MSTOCK_ME_PASSWORD, or take "
                         "mstock:me out of ORDO_ACCOUNTS; docs/brokers.md says more.");
        fixture_set(&f, "ORDO_MSTOCK_ME_PASSWORD", "p");
        fixture_set(&f, "ORDO_MSTOCK_ME_USERNAME", "u");
        ck_assert_int_eq(fixture_load(&f), 0);
        fixture_done(&f);
}
END_TEST

START_TEST(test_same_client_twice)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_ACCOUNTS", "hdfc:a,hdfc:b,fyers:main");
        for (char name = 'A'; name <= 'B'; name++) {
                char variable[64];
                const char *const last[] = {"CLIENT_ID", "API_KEY", "API_SECRET"};
                for (unsigned i = 0; i < ELEMENTS(last); i++) {
                        snprintf(variable, sizeof(variable), "ORDO_HDFC_%c_%s", name, last[i]);
                        fixture_set(&f, variable, "XA00001");
                }
        }
        for (unsigned i = 1; i < ELEMENTS(fyers); i++) /* the same word at another broker */
                fixture_set(&f, fyers[i][0], fyers[i][1]);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_HDFC_B_CLIENT_ID", "environment",
                       "hdfc:a is the same client.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_paper_option_of_a_real_account)
{
        struct fixture f;
        fixture_init(&f);
        set_fyers(&f, "ORDO_FYERS_MAIN_FUNDS", "5");
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_FYERS_MAIN_FUNDS", "environment",
                       "It is an option of paper accounts only.");
        fixture_done(&f);
}
END_TEST

/* What belongs to a session or a connection waits for a restart. */
START_TEST(test_reload)
{
        static const char *const fresh[][2] = {
                {"ORDO_FYERS_MAIN_CLIENT_ID", "XA00002"},
                {"ORDO_FYERS_MAIN_API_KEY", "other"},
                {"ORDO_FYERS_MAIN_API_SECRET", "other"},
                {"ORDO_FYERS_MAIN_REDIRECT_URI", "https://other.example.org/"},
                {"ORDO_FYERS_MAIN_USERNAME", "other"},
                {"ORDO_FYERS_MAIN_PASSWORD", "other"},
                {"ORDO_FYERS_MAIN_TOTP_SECRET", SEED SEED},
                {"ORDO_FYERS_MAIN_EGRESS_ADDRESS", "::1"},
                {"ORDO_FYERS_MAIN_BASE_URL", "https://other.example.org"},
                {"ORDO_FYERS_MAIN_MASTER_URL", "https://other.example.org"},
                {"ORDO_FYERS_MAIN_CA_FILE", "/dev/zero"},
                {"ORDO_FYERS_MAIN_SESSION_HOURS", "pass"},
        };
        struct fixture before, after;
        struct config_changes changes;
        fixture_init(&before);
        fixture_init(&after);
        set_fyers(&before, "STATE_DIRECTORY", before.dir);
        fixture_set(&after, "ORDO_STATE_DIR", before.dir);
        fixture_set(&after, "ORDO_ACCOUNTS", "fyers:main");
        for (unsigned i = 0; i < ELEMENTS(fresh); i++)
                fixture_set(&after, fresh[i][0], fresh[i][1]);
        ck_assert_int_eq(fixture_load(&before), 0);
        ck_assert_int_eq(fixture_load(&after), 0);
        config_take_up(before.config, after.config, &changes);
        ck_assert_str_eq(text_str(&changes.taken),
                         "ORDO_FYERS_MAIN_SESSION_HOURS ORDO_FYERS_MAIN_REDIRECT_URI "
                         "ORDO_FYERS_MAIN_USERNAME ORDO_FYERS_MAIN_PASSWORD "
                         "ORDO_FYERS_MAIN_TOTP_SECRET");
        ck_assert_str_eq(text_str(&changes.waiting),
                         "ORDO_FYERS_MAIN_CLIENT_ID ORDO_FYERS_MAIN_API_KEY "
                         "ORDO_FYERS_MAIN_API_SECRET ORDO_FYERS_MAIN_EGRESS_ADDRESS "
                         "ORDO_FYERS_MAIN_BASE_URL ORDO_FYERS_MAIN_MASTER_URL "
                         "ORDO_FYERS_MAIN_CA_FILE");
        const struct account_access *x = &before.config->accounts[0].access;
        ck_assert(is(x->password, "other") && is(x->totp_secret, SEED SEED));
        ck_assert(is(x->api_key, "ABCD1234EF-100"));
        ck_assert_str_eq(x->base_url, "https://api.example.org:8443/v3");
        config_changes_done(&changes);
        fixture_done(&before);
        fixture_done(&after);
}
END_TEST

/* The table names nothing that is no option. */
START_TEST(test_table)
{
        for (const struct config_broker *b = config_brokers; b->slug; b++)
                for (const char *const *need = b->needs; *need; need++) {
                        char copy[64], *save;
                        ck_assert(text_copy(copy, sizeof(copy), *need));
                        for (char *word = strtok_r(copy, "|", &save); word;
                             word = strtok_r(NULL, "|", &save)) {
                                unsigned i = 0;
                                while (i < n_options && (!(options[i].flags & OPTION_REAL_ONLY) ||
                                                         strcmp(options[i].name, word) != 0))
                                        i++;
                                ck_assert_msg(i < n_options, "%s needs %s", b->slug, word);
                        }
                }
}
END_TEST

SUITE("config/access", test_whole_account, test_least, test_secrets_from_files, test_wrong_values,
      test_rates, test_rates_reload, test_good_addresses, test_needed, test_one_of_two_needed,
      test_same_client_twice, test_paper_option_of_a_real_account, test_reload, test_table)
