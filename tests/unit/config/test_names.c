/* Names that are not options: what is refused, what only warns, and what was meant. */
#include "fixture.h"

static const struct {
        const char *name;
        bool warning;
        const char *detail;
        const char *remedy;
} cases[] = {
#define UNKNOWN false, "There is no option of this name."
        {"ORDO_LISTN", UNKNOWN, "Did you mean ORDO_LISTEN?"},
        {"ORDO_LISETN", UNKNOWN, "Did you mean ORDO_LISTEN?"},
        {"ORDO_ACCOUNT", UNKNOWN, "Did you mean ORDO_ACCOUNTS?"},
        {"ORDO_LOGLEVEL", UNKNOWN, "Did you mean ORDO_LOG_LEVEL?"},
        {"ORDO_TOKEN", UNKNOWN, "Did you mean ORDO_API_TOKEN?"},
        {"ORDO_API_TOKEN_FIL", UNKNOWN, "Did you mean ORDO_API_TOKEN_FILE?"},
        {"ORDO_VAULT_KEYFILE", UNKNOWN, "Did you mean ORDO_VAULT_KEY_FILE?"},
        {"ORDO_PAPER_DEMO_FUND", UNKNOWN, "Did you mean ORDO_PAPER_DEMO_FUNDS?"},
        {"ORDO_PAPER_DEMO_MAX_ORDERS_VALUE", UNKNOWN,
         "Did you mean ORDO_PAPER_DEMO_MAX_ORDER_VALUE?"},
        {"ORDO_PAPERDEMO_FUNDS", UNKNOWN, "Did you mean ORDO_PAPER_DEMO_FUNDS?"},
        {"ORDO_FUNDS", UNKNOWN, "Did you mean ORDO_PAPER_DEMO_FUNDS?"},
        {"ORDO_listen", UNKNOWN, "Remove it; docs/options.md lists the names."},
        {"ORDO_PAPER_demo_FUNDS", UNKNOWN, "Did you mean ORDO_PAPER_DEMO_FUNDS?"},
        {"ORDO_QQQQQQQQ", UNKNOWN, "Remove it; docs/options.md lists the names."},
        {"ORDO_", UNKNOWN, "Remove it; docs/options.md lists the names."},
        {"ORDO_FYERS_MAIN_APP_ID", UNKNOWN, "Remove it; docs/options.md lists the names."},
        {"ORDO_LISTEN_FILE", false, "ORDO_LISTEN is not a secret, so it cannot come from a file.",
         "Set the variable ORDO_LISTEN."},
        {"ORDO_PAPER_DEMO_FUNDS_FILE", false,
         "ORDO_PAPER_DEMO_FUNDS is not a secret, so it cannot come from a file.",
         "Set the variable ORDO_PAPER_DEMO_FUNDS."},
        {"ORDO_PAPER_SAVINGS_FUNDS", true,
         "The account paper:savings is not in ORDO_ACCOUNTS, so this has no effect.",
         "Add paper:savings to ORDO_ACCOUNTS, or remove the variable."},
        {"ORDO_PAPER_DEM_FUNDS", true,
         "The account paper:dem is not in ORDO_ACCOUNTS, so this has no effect.",
         "Add paper:dem to ORDO_ACCOUNTS, or did you mean ORDO_PAPER_DEMO_FUNDS?"},
};

START_TEST(test_name)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, cases[_i].name, "1");
        ck_assert_int_eq(fixture_load(&f), cases[_i].warning ? 0 : 1);
        fixture_expect(&f, cases[_i].warning, cases[_i].name, "environment", cases[_i].detail);
        ck_assert_str_eq(f.faults.list[0].remedy, cases[_i].remedy);
        fixture_done(&f);
}
END_TEST

/* Other programs' variables are none of our business, and neither is what has no "=". */
START_TEST(test_not_ours)
{
        struct fixture f;
        fixture_init(&f);
        fixture_set(&f, "ORDOX", "1");
        fixture_set(&f, "XORDO_LISTEN", "1");
        f.environ_[f.n++] = strdup("ORDO_WITHOUT_EQUALS_SIGN");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_done(&f);
}
END_TEST

START_TEST(test_long_name)
{
        struct fixture f;
        fixture_init(&f);
        char name[3000] = "ORDO_";
        memset(name + 5, 'A', sizeof(name) - 6);
        fixture_set(&f, name, "1");
        ck_assert_int_eq(fixture_load(&f), 1);
        ck_assert_uint_eq(strlen(f.faults.list[0].name), sizeof(f.faults.list[0].name) - 1);
        fixture_done(&f);
}
END_TEST

static void credential(struct fixture *f, const char *name)
{
        fixture_init(f);
        fixture_file(f, name, "x", 1, 0400);
        fixture_set(f, "CREDENTIALS_DIRECTORY", f->dir);
}

START_TEST(test_unknown_credential)
{
        struct fixture f;
        credential(&f, "ORDO_API_TOKE");
        ck_assert_int_eq(fixture_load(&f), 1);
        char source[96];
        snprintf(source, sizeof(source), "credential %s", f.dir);
        fixture_expect(&f, false, "ORDO_API_TOKE", source, "There is no option of this name.");
        ck_assert_str_eq(f.faults.list[0].remedy, "Did you mean ORDO_API_TOKEN?");
        fixture_done(&f);
}
END_TEST

START_TEST(test_credential_that_is_no_secret)
{
        struct fixture f;
        credential(&f, "ORDO_LISTEN");
        ck_assert_int_eq(fixture_load(&f), 1);
        char source[96];
        snprintf(source, sizeof(source), "credential %s", f.dir);
        fixture_expect(&f, false, "ORDO_LISTEN", source,
                       "ORDO_LISTEN is not a secret, so it cannot come from a file.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_foreign_credential)
{
        struct fixture f;
        credential(&f, "db-password");
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("config/names");
        TCase *c = tcase_create("names");
        tcase_add_loop_test(c, test_name, 0, ELEMENTS(cases));
        tcase_add_test(c, test_not_ours);
        tcase_add_test(c, test_long_name);
        tcase_add_test(c, test_unknown_credential);
        tcase_add_test(c, test_credential_that_is_no_secret);
        tcase_add_test(c, test_foreign_credential);
        suite_add_tcase(s, c);
        return suite_run(s);
}
