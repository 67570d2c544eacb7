/* Everything that can be wrong with one variable: name, source, detail and remedy, word for word.
 */
#include "fixture.h"

#define LONG_TOKEN "correct-horse-battery-staple"

static const struct {
        const char *variable; /* NAME=value */
        const char *name;     /* NULL: that of the variable */
        const char *source;   /* NULL: "environment" */
        const char *detail;
        const char *remedy;
} cases[] = {
        /* where to listen */
        {"ORDO_LISTEN=8080", NULL, NULL, "It does not end in a port, a number from 0 to 65535.",
         "Write 127.0.0.1:8080, [::1]:8080 or unix:/run/ordo/http.sock."},
        {"ORDO_LISTEN=127.0.0.1:http", NULL, NULL,
         "It does not end in a port, a number from 0 to 65535.", NULL},
        {"ORDO_LISTEN=127.0.0.1:65536", NULL, NULL,
         "It does not end in a port, a number from 0 to 65535.", NULL},
        {"ORDO_LISTEN=127.0.0.1:-1", NULL, NULL,
         "It does not end in a port, a number from 0 to 65535.", NULL},
        {"ORDO_LISTEN=127.0.0.1:", NULL, NULL,
         "It does not end in a port, a number from 0 to 65535.", NULL},
        {"ORDO_LISTEN=localhost:8080", NULL, NULL,
         "The part before the port is not a numeric address ([…] around IPv6).", NULL},
        {"ORDO_LISTEN=:8080", NULL, NULL,
         "The part before the port is not a numeric address ([…] around IPv6).", NULL},
        {"ORDO_LISTEN=::1:8080", NULL, NULL,
         "The part before the port is not a numeric address ([…] around IPv6).", NULL},
        {"ORDO_LISTEN=[127.0.0.1]:8080", NULL, NULL,
         "The part before the port is not a numeric address ([…] around IPv6).", NULL},
        {"ORDO_LISTEN=[]:8080", NULL, NULL,
         "The part before the port is not a numeric address ([…] around IPv6).", NULL},
        {"ORDO_LISTEN=unix:run/http.sock", NULL, NULL,
         "The path of the unix socket is not absolute.", NULL},
        {"ORDO_LISTEN=unix:", NULL, NULL, "The path of the unix socket is not absolute.", NULL},
        {"ORDO_LISTEN=unix:/1234567890123456789012345678901234567890123456789012345678901234567890"
         "12345678901234567890123456789012345678901234567890",
         NULL, NULL, "The path of the unix socket is longer than 107 bytes.", NULL},
        {"ORDO_LISTEN=0.0.0.0:8080", NULL, NULL,
         "Plain HTTP on an address that is not loopback would show the token to the network.",
         "Set ORDO_TLS_CERT and ORDO_TLS_KEY, or ORDO_BEHIND_PROXY=yes when a proxy ends TLS."},
        {"ORDO_LISTEN=[::]:8080", NULL, NULL,
         "Plain HTTP on an address that is not loopback would show the token to the network.",
         NULL},
        {"ORDO_LISTEN=192.0.2.7:80", NULL, NULL,
         "Plain HTTP on an address that is not loopback would show the token to the network.",
         NULL},
        {"ORDO_LISTEN=[::ffff:127.0.0.1]:80", NULL, NULL,
         "Plain HTTP on an address that is not loopback would show the token to the network.",
         NULL},
        {"ORDO_TLS_CERT=tls.crt", NULL, NULL, "\"tls.crt\" is not an absolute path.",
         "Write the path from the root, beginning with a slash."},
        {"ORDO_TLS_KEY=/proc/self/auxv", NULL, NULL, "There is a key but no certificate.",
         "Set ORDO_TLS_CERT too."},
        {"ORDO_TLS_CERT=/etc/hostname", NULL, NULL, "There is a certificate but no key.",
         "Set ORDO_TLS_KEY too."},
        {"ORDO_TLS_CLIENT_CA=/etc/hostname", NULL, NULL,
         "Client certificates need TLS, and there is no certificate.",
         "Set ORDO_TLS_CERT and ORDO_TLS_KEY too."},
        {"ORDO_BEHIND_PROXY=maybe", NULL, NULL, "\"maybe\" is neither yes nor no.",
         "Write yes or no."},
        {"ORDO_BEHIND_PROXY=YES", NULL, NULL, "\"YES\" is neither yes nor no.", NULL},
        {"ORDO_ALLOWED_HOSTS=ordo.example.org:8080", NULL, NULL,
         "Item 1, \"ordo.example.org:8080\", is not of the form needed.",
         "Separate items by commas; one is written like ordo.example.org."},
        {"ORDO_ALLOWED_HOSTS=a.example,,b.example", NULL, NULL,
         "Item 2, \"\", is not of the form needed.", NULL},
        {"ORDO_ALLOWED_HOSTS=*.example.org", NULL, NULL,
         "Item 1, \"*.example.org\", is not of the form needed.", NULL},
        {"ORDO_CORS_ORIGINS=*", NULL, NULL, "Item 1, \"*\", is not of the form needed.",
         "Separate items by commas; one is written like https://desk.example.org."},
        {"ORDO_CORS_ORIGINS=https://desk.example.org/", NULL, NULL,
         "Item 1, \"https://desk.example.org/\", is not of the form needed.", NULL},
        {"ORDO_CORS_ORIGINS=https://desk.example.org,desk.example.org", NULL, NULL,
         "Item 2, \"desk.example.org\", is not of the form needed.", NULL},
        {"ORDO_CORS_ORIGINS=https://desk.example.org:0", NULL, NULL,
         "Item 1, \"https://desk.example.org:0\", is not of the form needed.", NULL},
        {"ORDO_MAX_CONNECTIONS=0", NULL, NULL, "0 is out of range.",
         "Give 1 to 65536 connections."},
        {"ORDO_MAX_CONNECTIONS=65537", NULL, NULL, "65537 is out of range.", NULL},
        {"ORDO_MAX_CONNECTIONS=99999999999999999999", NULL, NULL,
         "99999999999999999999 is out of range.", NULL},
        {"ORDO_MAX_CONNECTIONS=12x", NULL, NULL, "\"12x\" is not a whole number.",
         "Give 1 to 65536 connections."},
        {"ORDO_MAX_CONNECTIONS= 12", NULL, NULL, "\" 12\" is not a whole number.", NULL},
        {"ORDO_MAX_CONNECTIONS=0x10", NULL, NULL, "\"0x10\" is not a whole number.", NULL},
        {"ORDO_MAX_CONNECTIONS=1e3", NULL, NULL, "\"1e3\" is not a whole number.", NULL},
        {"ORDO_REQUEST_TIMEOUT=10", NULL, NULL, "\"10\" is not a duration with its unit.",
         "Give 1s to 5m (number and ms, s, m, h or d)."},
        {"ORDO_REQUEST_TIMEOUT=10 s", NULL, NULL, "\"10 s\" is not a duration with its unit.",
         NULL},
        {"ORDO_REQUEST_TIMEOUT=999ms", NULL, NULL, "999ms is out of range.", NULL},
        {"ORDO_REQUEST_TIMEOUT=301s", NULL, NULL, "301s is out of range.", NULL},
        {"ORDO_REQUEST_TIMEOUT=9223372036854775807d", NULL, NULL,
         "9223372036854775807d is out of range.", NULL},
        {"ORDO_REQUEST_TIMEOUT=s", NULL, NULL, "\"s\" is not a duration with its unit.", NULL},
        {"ORDO_REQUEST_TIMEOUT=-5s", NULL, NULL, "\"-5s\" is not a duration with its unit.", NULL},

        /* callers */
        {"ORDO_API_TOKEN=short", NULL, NULL, "It is too short: 5 bytes.", "Give 16 to 1024 bytes."},
        {"ORDO_API_TOKEN=123456789012345", NULL, NULL, "It is too short: 15 bytes.", NULL},
        {"ORDO_API_TOKEN=correct horse battery staple", NULL, NULL,
         "Byte 8 is not a printable ASCII character.",
         "Use letters, digits and signs without spaces, for example the output of: openssl rand "
         "-hex 32"},
        {"ORDO_API_TOKEN=correct-horse-battery-stäple", NULL, NULL,
         "Byte 25 is not a printable ASCII character.", NULL},
        {"ORDO_API_TOKEN=correct\thorse-battery-staple", NULL, NULL,
         "Byte 8 is a control character.", "Write the value as plain text in one line."},
        {"ORDO_API_TOKEN_FILE=/nonexistent/token", "ORDO_API_TOKEN", "/nonexistent/token",
         "It cannot be read: No such file or directory.",
         "Check that the file exists and that the user of ordod may read it."},
        {"ORDO_API_TOKEN_FILE=/tmp", "ORDO_API_TOKEN", "/tmp", "It is not a regular file.",
         "Give a regular file of 1 to 4096 bytes with nothing but the secret."},
        {"ORDO_API_TOKEN_FILE=/dev/null", "ORDO_API_TOKEN", "/dev/null",
         "It is not a regular file.", NULL},
        {"ORDO_API_KEYS_FILE=keys.json", NULL, NULL, "\"keys.json\" is not an absolute path.",
         NULL},
        {"ORDO_API_RATE=-1", NULL, NULL, "-1 is out of range.",
         "Give 0 to 1000000 requests per second; 0 lifts the limit."},
        {"ORDO_METRICS_PUBLIC=2", NULL, NULL, "\"2\" is neither yes nor no.", NULL},
        {"ORDO_STATUS_PUBLIC=y", NULL, NULL, "\"y\" is neither yes nor no.", NULL},

        /* orders */
        {"ORDO_ACCOUNTS=demo", NULL, NULL, "\"demo\" is not an account.",
         "Write broker:name, separated by commas; a name is a letter and up to 15 letters or "
         "digits, lower case."},
        {"ORDO_ACCOUNTS=paper:Demo", NULL, NULL, "\"paper:Demo\" is not an account.", NULL},
        {"ORDO_ACCOUNTS=paper:1st", NULL, NULL, "\"paper:1st\" is not an account.", NULL},
        {"ORDO_ACCOUNTS=paper:", NULL, NULL, "\"paper:\" is not an account.", NULL},
        {"ORDO_ACCOUNTS=paper:abcdefghijklmnopq", NULL, NULL,
         "\"paper:abcdefghijklmnopq\" is not an account.", NULL},
        {"ORDO_ACCOUNTS=paper:demo,", NULL, NULL, "\"\" is not an account.", NULL},
        {"ORDO_ACCOUNTS=paper:demo paper:second", NULL, NULL,
         "\"paper:demo paper:second\" is not an account.", NULL},
        {"ORDO_ACCOUNTS=paper:demo,paper:demo", NULL, NULL, "\"paper:demo\" is listed twice.",
         "List every account once."},
        {"ORDO_ACCOUNTS=paper:demo,upstox:main", NULL, NULL, "There is no broker \"upstox\".",
         "This release knows: paper, fyers, hdfc, mstock."},
        {"ORDO_PAPER_DEMO_CLIENT_ID=XA00001", NULL, NULL, "It is an option of real accounts only.",
         "Remove it; paper:demo is a paper account."},
        {"ORDO_LIMITS=no", NULL, NULL, "\"no\" is not one of its words.", "Write on or off."},
        {"ORDO_ORDER_DEADLINE=61s", NULL, NULL, "61s is out of range.", NULL},
        {"ORDO_IDEMPOTENCY_REQUIRED=sure", NULL, NULL, "\"sure\" is neither yes nor no.", NULL},
        {"ORDO_IDEMPOTENCY_TTL=31d", NULL, NULL, "31d is out of range.",
         "Give 1h to 30d (number and ms, s, m, h or d)."},

        /* places */
        {"ORDO_STATE_DIR=state", NULL, NULL, "\"state\" is not an absolute path.", NULL},
        {"ORDO_STATE_DIR=/etc/hostname", NULL, NULL,
         "Ordo cannot keep its state there: /etc/hostname: not a directory.",
         "Name a directory that the user of ordod may write to."},
        {"ORDO_STATE_DIR=/etc/hostname/ordo", NULL, NULL,
         "Ordo cannot keep its state there: /etc/hostname/ordo: Not a directory.", NULL},
        {"ORDO_DATABASE_URL=host=db user=ordo password=secret", NULL, NULL,
         "It does not name a database that Ordo knows.",
         "Write postgresql://user@host/database, or leave it unset: then the ledger is SQLite, "
         "ordo.db in the state directory."},
        {"ORDO_DATABASE_URL=mysql://db/ordo", NULL, NULL,
         "It does not name a database that Ordo knows.", NULL},
        {"ORDO_MARKET_DIR=/nonexistent/market", NULL, NULL,
         "/nonexistent/market cannot be read: No such file or directory.",
         "Check the path, and that the user of ordod may read it."},
        {"ORDO_MIGRATIONS_DIR=/nonexistent/migrations", NULL, NULL,
         "/nonexistent/migrations cannot be read: No such file or directory.", NULL},
        {"ORDO_VAULT_KEY=00112233", NULL, NULL, "It is not a key of 32 bytes.",
         "Give 64 hexadecimal digits (openssl rand -hex 32)."},
        {"ORDO_VAULT_KEY=0123456789abcdef0123456789abcdef", NULL, NULL,
         "It is not a key of 32 bytes.", NULL},
        {"ORDO_VAULT_KEY=g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", NULL,
         NULL, "It is not a key of 32 bytes.", NULL},

        /* audit and log */
        {"ORDO_AUDIT_SEGMENT_SIZE=16MB", NULL, NULL, "\"16MB\" is not a size.",
         "Give 64KiB to 1GiB (number and KiB, MiB or GiB)."},
        {"ORDO_AUDIT_SEGMENT_SIZE=65535", NULL, NULL, "65535 is out of range.", NULL},
        {"ORDO_AUDIT_SEGMENT_SIZE=9007199254740993GiB", NULL, NULL,
         "9007199254740993GiB is out of range.", NULL},
        {"ORDO_AUDIT_RETENTION_DAYS=0", NULL, NULL, "0 is out of range.", "Give 1 to 36500 days."},
        {"ORDO_LOG=syslog", NULL, NULL, "\"syslog\" is not one of its words.",
         "Write auto, journal, json or text."},
        {"ORDO_LOG_LEVEL=verbose", NULL, NULL, "\"verbose\" is not one of its words.",
         "Write debug, info, notice, warning or err."},
        {"ORDO_LOG_ACCESS=all", NULL, NULL, "\"all\" is neither yes nor no.", NULL},
        {"ORDO_DRAIN_TIMEOUT=0s", NULL, NULL, "0s is out of range.", NULL},

        /* accounts */
        {"ORDO_PAPER_DEMO_FUNDS=1e6", NULL, NULL, "\"1e6\" is not a decimal number.",
         "Give 0 to 1000000000000 rupees."},
        {"ORDO_PAPER_DEMO_FUNDS=0.00001", NULL, NULL, "0.00001 has more than four decimal places.",
         NULL},
        {"ORDO_PAPER_DEMO_FUNDS=-1", NULL, NULL, "-1 is out of range.", NULL},
        {"ORDO_PAPER_DEMO_FUNDS=1,000", NULL, NULL, "\"1,000\" is not a decimal number.", NULL},
        {"ORDO_PAPER_DEMO_MARKET=random", NULL, NULL, "\"random\" is not one of its words.",
         "Write live or static."},
        {"ORDO_PAPER_DEMO_MARKET_POLICY=protect(", NULL, NULL, "\"protect(\" is not a policy.",
         "Write reject, broker or protect(percent), for example protect(1)."},
        {"ORDO_PAPER_DEMO_SESSION_HOURS=never", NULL, NULL, "\"never\" is not one of its words.",
         "Write pass or refuse."},
        {"ORDO_PAPER_DEMO_MAX_ORDER_VALUE=lots", NULL, NULL, "\"lots\" is not a decimal number.",
         "Give 0 to 1000000000000 rupees; 0 lifts the limit."},
        {"ORDO_PAPER_DEMO_MAX_ORDER_QUANTITY=1.5", NULL, NULL, "\"1.5\" is not a whole number.",
         NULL},
        {"ORDO_PAPER_DEMO_ORDERS_PER_SECOND=11", NULL, NULL,
         "More than 10 orders a second at an exchange need a registered algorithm.",
         "Set it to 1 to 10, or the account's ALGO_REGISTERED=yes."},
        {"ORDO_PAPER_DEMO_ORDERS_PER_SECOND=0", NULL, NULL,
         "More than 10 orders a second at an exchange need a registered algorithm.", NULL},
        {"ORDO_PAPER_DEMO_ORDERS_PER_SECOND=1001", NULL, NULL, "1001 is out of range.", NULL},
        {"ORDO_PAPER_DEMO_PRICE_COLLAR=100.5", NULL, NULL, "100.5 is out of range.",
         "Give 0 to 100 percent; 0 lifts the limit."},
        {"ORDO_PAPER_DEMO_PRICE_COLLAR=10%", NULL, NULL, "\"10%\" is not a decimal number.", NULL},
        {"ORDO_PAPER_DEMO_REPEAT_WINDOW_MS=1s", NULL, NULL, "\"1s\" is not a whole number.",
         "Give 0 to 3600000 milliseconds; 0 lifts the limit."},

        /* texts that must not reach a log as they are */
        {"ORDO_LOG=te\nxt", NULL, NULL, "Byte 3 is a control character.",
         "Write the value as plain text in one line."},
        {"ORDO_LOG=\xff\xfe", NULL, NULL, "It is not valid UTF-8.", NULL},
        {"ORDO_LOG=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL,
         NULL, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…\" is not one of its words.", NULL},
};

START_TEST(test_one_fault)
{
        struct fixture f;
        fixture_init(&f);
        char *copy = strdup(cases[_i].variable), *equals = strchr(copy, '=');
        *equals = '\0';
        fixture_set(&f, copy, equals + 1);
        ck_assert_int_eq(fixture_load(&f), 1);
        ck_assert_ptr_null(f.config);
        fixture_expect(&f, false, cases[_i].name ?: copy, cases[_i].source ?: "environment",
                       cases[_i].detail);
        if (cases[_i].remedy)
                ck_assert_str_eq(f.faults.list[0].remedy, cases[_i].remedy);
        free(copy);
        fixture_done(&f);
}
END_TEST

START_TEST(test_all_together)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LOG", "x");
        fixture_set(&f, "ORDO_API_RATE", "x");
        fixture_set(&f, "ORDO_NONSENSE", "x");
        fixture_set(&f, "ORDO_PAPER_DEMO_FUNDS", "x");
        fixture_set(&f, "ORDO_TLS_KEY", "/proc/self/auxv");
        fixture_set(&f, "ORDO_PAPER_OTHER_FUNDS", "1");
        ck_assert_int_eq(fixture_load(&f), 1);
        ck_assert_uint_eq(f.faults.n, 6);
        ck_assert_uint_eq(f.faults.errors, 5);
        ck_assert_uint_eq(f.faults.omitted, 0);
        fixture_done(&f);
}
END_TEST

/* A list that is full keeps the errors, and says how many there were. */
START_TEST(test_more_than_fit)
{
        struct fixture f;
        fixture_init(&f);
        char name[32];
        for (int i = 0; i < CONFIG_FAULTS_MAX; i++) {
                snprintf(name, sizeof(name), "ORDO_PAPER_P%d_FUNDS", i);
                fixture_set(&f, name, "1");
        }
        for (int i = 0; i < 3; i++) {
                snprintf(name, sizeof(name), "ORDO_ZZZZ%d", i);
                fixture_set(&f, name, "1");
        }
        ck_assert_int_eq(fixture_load(&f), 1);
        ck_assert_uint_eq(f.faults.n, CONFIG_FAULTS_MAX);
        ck_assert_uint_eq(f.faults.errors, 3);
        ck_assert_uint_eq(f.faults.omitted, 3);
        unsigned errors = 0;
        for (unsigned i = 0; i < f.faults.n; i++)
                errors += !f.faults.list[i].warning;
        ck_assert_uint_eq(errors, 3);
        struct text t = TEXT_NULL;
        config_faults_print(&f.faults, &t);
        ck_assert_ptr_nonnull(strstr(text_str(&t), "… and 3 more."));
        text_done(&t);
        fixture_done(&f);
}
END_TEST

START_TEST(test_too_many_accounts)
{
        struct fixture f;
        fixture_init(&f);
        struct text t = TEXT_NULL;
        for (int i = 0; i <= ACCOUNTS_MAX; i++)
                text_addf(&t, "%spaper:a%d", i > 0 ? "," : "", i);
        fixture_set(&f, "ORDO_ACCOUNTS", text_str(&t));
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_ACCOUNTS", "environment",
                       "There are more than 64 accounts.");
        text_done(&t);
        fixture_done(&f);
}
END_TEST

START_TEST(test_too_many_items)
{
        struct fixture f;
        fixture_init(&f);
        struct text t = TEXT_NULL;
        for (int i = 0; i <= CONFIG_LIST_MAX; i++)
                text_addf(&t, "%sh%d.example", i > 0 ? "," : "", i);
        fixture_set(&f, "ORDO_ALLOWED_HOSTS", text_str(&t));
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_ALLOWED_HOSTS", "environment",
                       "There are more than 64 items.");
        text_done(&t);
        fixture_done(&f);
}
END_TEST

START_TEST(test_value_too_long)
{
        struct fixture f;
        fixture_init(&f);
        char *value = malloc(5001);
        memset(value, 'h', 5000);
        value[5000] = '\0';
        fixture_set(&f, "ORDO_ALLOWED_HOSTS", value);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_ALLOWED_HOSTS", "environment",
                       "The value is too long: 5000 bytes.");
        free(value);
        fixture_done(&f);
}
END_TEST

START_TEST(test_no_state_dir)
{
        struct fixture f;
        fixture_init(&f);
        char *empty[] = {NULL};
        ck_assert_int_eq(config_load(empty, &f.faults, &f.config), 1);
        fixture_expect(&f, false, "ORDO_STATE_DIR", "default",
                       "There is no STATE_DIRECTORY, XDG_STATE_HOME or HOME to take the default "
                       "from.");
        fixture_done(&f);
}
END_TEST

/* As another user than the one who owns the directory. */
START_TEST(test_state_dir_not_writable)
{
        struct fixture f;
        fixture_init(&f);
        char path[96];
        snprintf(path, sizeof(path), "%s/closed/ordo", f.dir);
        fixture_set(&f, "ORDO_STATE_DIR", path);
        snprintf(path, sizeof(path), "%s/closed", f.dir);
        ck_assert_int_eq(mkdir(path, 0555), 0);
        ck_assert_int_eq(chmod(f.dir, 0755), 0);
        bool root = geteuid() == 0;
        if (root)
                ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_int_eq(fixture_load(&f), 1);
        if (root)
                ck_assert_int_eq(seteuid(0), 0);
        char detail[192];
        snprintf(detail, sizeof(detail), "Ordo cannot keep its state there: %s: Permission denied.",
                 path);
        fixture_expect(&f, false, "ORDO_STATE_DIR", "environment", detail);
        fixture_done(&f);
}
END_TEST

/* One paragraph a fault, and no line that a value could have made. */
START_TEST(test_print)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDO_LOG", "x");
        fixture_set(&f, "ORDO_PAPER_OTHER_FUNDS", "1");
        fixture_set(&f, "ORDO_A\nB", "1");
        fixture_load(&f);
        struct text t = TEXT_NULL;
        config_faults_print(&f.faults, &t);
        ck_assert_str_eq(text_str(&t),
                         "error: ORDO_LOG (from environment)\n"
                         "    \"x\" is not one of its words.\n"
                         "    Write auto, journal, json or text.\n"
                         "\n"
                         "warning: ORDO_PAPER_OTHER_FUNDS (from environment)\n"
                         "    The account paper:other is not in ORDO_ACCOUNTS, so this has no "
                         "effect.\n"
                         "    Add paper:other to ORDO_ACCOUNTS, or remove the variable.\n"
                         "\n"
                         "error: ORDO_A?B (from environment)\n"
                         "    There is no option of this name.\n"
                         "    Remove it; docs/options.md lists the names.\n"
                         "\n");
        text_done(&t);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("config/faults");
        TCase *c = tcase_create("faults");
        tcase_add_loop_test(c, test_one_fault, 0, ELEMENTS(cases));
        tcase_add_test(c, test_all_together);
        tcase_add_test(c, test_more_than_fit);
        tcase_add_test(c, test_too_many_accounts);
        tcase_add_test(c, test_too_many_items);
        tcase_add_test(c, test_value_too_long);
        tcase_add_test(c, test_no_state_dir);
        tcase_add_test(c, test_state_dir_not_writable);
        tcase_add_test(c, test_print);
        suite_add_tcase(s, c);
        return suite_run(s);
}
