/* The file of ORDO_ENV_FILE: what is read, what is refused, who wins. */
#include <sys/stat.h>

#include "base/clock.h"
#include "fixture.h"

#define TOKEN "correct-horse-battery-staple"

static struct fixture f;
static char path[128];

static void write_file(const char *text, size_t n, mode_t mode)
{
        text_copy(path, sizeof(path), fixture_file(&f, "ordo.env", text, n, mode));
        fixture_set(&f, "ORDO_ENV_FILE", path);
}

static void begin(const char *text)
{
        fixture_init(&f);
        write_file(text, strlen(text), 0600);
}

static void expect_line(bool warning, const char *name, unsigned line, const char *detail)
{
        char source[160];
        snprintf(source, sizeof(source), "%s:%u", path, line);
        fixture_expect(&f, warning, name, source, detail);
        ck_assert(f.faults.list[0].remedy[0]);
}

START_TEST(test_values)
{
        begin("# a comment\n"
              "\n"
              "; another\r\n"
              "ORDO_LISTEN=127.0.0.1:9000\n"
              "  ORDO_LOG_LEVEL = debug \t\r\n"
              "ORDO_ACCOUNTS='paper:a,paper:b'\n"
              "ORDO_ALLOWED_HOSTS=\"desk.example.org\"\n"
              "ORDO_API_TOKEN='with#hash$and\\backslash\"'\n"
              "ORDO_PAPER_A_FUNDS=5.00\n"
              "ORDO_LOG_ACCESS=\n"
              "ORDO_ORDER_DEADLINE=9s"); /* no line feed at the end */
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        const struct config *c = f.config;
        ck_assert_str_eq(c->env_file, path);
        ck_assert_str_eq(c->listen, "127.0.0.1:9000");
        ck_assert(c->listen_given);
        ck_assert_int_eq(c->log_level, LOG_DEBUG);
        ck_assert_uint_eq(c->n_accounts, 2);
        ck_assert_str_eq(c->allowed_hosts[0], "desk.example.org");
        ck_assert(secret_equal(c->api_token, "with#hash$and\\backslash\"", 24));
        ck_assert_int_eq(c->accounts[0].paper_funds, 50000);
        ck_assert(!c->log_access);
        ck_assert_int_eq(c->order_deadline_us, 9 * USEC_PER_SEC);
        fixture_done(&f);
}
END_TEST

static const struct {
        const char *text, *detail;
        unsigned line;
} broken[] = {
        {"ORDO_LOG", "The line is not NAME=value.", 1},
        {"\n\nexport ORDO_LOG=text\n", "The line is not NAME=value.", 3},
        {"=text", "The line is not NAME=value.", 1},
        {"ORDO-LOG=text", "The line is not NAME=value.", 1},
        {"1ORDO_LOG=text", "The line is not NAME=value.", 1},
        {"ordo_log=text", "The line is not NAME=value.", 1},
        {"ORDO_LOG=text # as on a terminal", "There is a comment behind the value.", 1},
        {"ORDO_LOG=te\\xt", "The value has a sign that programs read differently.", 1},
        {"ORDO_LOG=$LOG", "The value has a sign that programs read differently.", 1},
        {"ORDO_LOG=te'x't", "The value has a sign that programs read differently.", 1},
        {"ORDO_LOG=`date`", "The value has a sign that programs read differently.", 1},
        {"ORDO_LOG='text", "The value begins with a quotation mark and does not end with it.", 1},
        {"ORDO_LOG='text' # x", "The value begins with a quotation mark and does not end with it.",
         1},
        {"ORDO_LOG='", "The value begins with a quotation mark and does not end with it.", 1},
        {"ORDO_LOG=\"te\\\"xt\"",
         "Inside the quotation marks is a sign that programs read differently.", 1},
        {"ORDO_LOG=\"$HOME\"",
         "Inside the quotation marks is a sign that programs read differently.", 1},
        {"ORDO_LOG='a'b'", "Inside the quotation marks is a sign that programs read differently.",
         1},
        {"ORDO_LOG=text\nORDO_LOG=json\n", "ORDO_LOG stands on line 1 already.", 2},
        {"ORDO_ENV_FILE=/etc/other", "The file cannot name itself.", 1},
};

START_TEST(test_broken_line)
{
        begin(broken[_i].text);
        ck_assert_int_eq(fixture_load(&f), 1);
        expect_line(false, "ORDO_ENV_FILE", broken[_i].line, broken[_i].detail);
        fixture_done(&f);
}
END_TEST

START_TEST(test_all_faults_at_once)
{
        begin("ORDO_LOG_LEVEL=loud\nORDO_LOG\nORDO_LISTN=1\nORDO_PAPER_X_FUNDS=1\nTZ=UTC\n");
        ck_assert_int_eq(fixture_load(&f), 1);
        ck_assert_uint_eq(f.faults.errors, 3);
        ck_assert_uint_eq(f.faults.n, 5);
        struct text t = TEXT_NULL;
        config_faults_print(&f.faults, &t);
        static const char *const each[] = {"ORDO_LOG_LEVEL (from ", "ordo.env:1)", "ordo.env:2)",
                                           "ORDO_LISTN (from ",     "ordo.env:3)", "ordo.env:4)",
                                           "warning: TZ (from ",    "ordo.env:5)"};
        for (size_t i = 0; i < ELEMENTS(each); i++)
                ck_assert_msg(strstr(text_str(&t), each[i]), "%s in %s", each[i], text_str(&t));
        text_done(&t);
        fixture_done(&f);
}
END_TEST

/* Drop-ins of the unit and `docker run -e` set variables of the environment. */
START_TEST(test_environment_comes_first)
{
        begin("ORDO_LOG_LEVEL=debug\nORDO_LOG=json\nORDO_LOG_ACCESS=yes\n");
        fixture_set(&f, "ORDO_LOG_LEVEL", "err");
        fixture_set(&f, "ORDO_LOG", ""); /* counts as not set */
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_int_eq(f.config->log_level, LOG_ERR);
        ck_assert_int_eq(f.config->log_target, LOG_TARGET_JSON);
        ck_assert(f.config->log_access);
        ck_assert_uint_eq(f.faults.n, 1);
        ck_assert(f.faults.list[0].warning);
        ck_assert_str_eq(f.faults.list[0].name, "ORDO_LOG_LEVEL");
        ck_assert_str_eq(f.faults.list[0].source, "environment");
        fixture_done(&f);
}
END_TEST

/* Credential, file of the secret, variable: wherever the variable stands. */
START_TEST(test_secrets)
{
        begin("");
        fixture_file(&f, "token", TOKEN "-1\n", strlen(TOKEN) + 3, 0600);
        char text[256];
        snprintf(text, sizeof(text), "ORDO_API_TOKEN=%s-2\nORDO_API_TOKEN_FILE=%s/token\n", TOKEN,
                 f.dir);
        fixture_file(&f, "ordo.env", text, strlen(text), 0600);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(secret_equal(f.config->api_token, TOKEN "-1", strlen(TOKEN) + 2));
        ck_assert_uint_eq(f.faults.n, 1);
        ck_assert_ptr_nonnull(strstr(f.faults.list[0].detail, "ordo.env:1"));

        char dir[96];
        snprintf(dir, sizeof(dir), "%s/credentials", f.dir);
        ck_assert_int_eq(mkdir(dir, 0700), 0);
        fixture_file(&f, "credentials/ORDO_API_TOKEN", TOKEN "-0", strlen(TOKEN) + 2, 0600);
        fixture_set(&f, "CREDENTIALS_DIRECTORY", dir);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert(secret_equal(f.config->api_token, TOKEN "-0", strlen(TOKEN) + 2));
        ck_assert_uint_eq(f.faults.n, 2);
        fixture_done(&f);
}
END_TEST

START_TEST(test_readable_by_others)
{
        fixture_init(&f);
        const char *text = "ORDO_LOG=text\nORDO_API_TOKEN=" TOKEN "\n";
        write_file(text, strlen(text), 0644);
        ck_assert_int_eq(fixture_load(&f), 0);
        expect_line(true, "ORDO_API_TOKEN", 2,
                    "The file holds a secret and is readable by everybody.");
        /* Its group may. Without a secret everybody may. */
        fixture_file(&f, "ordo.env", text, strlen(text), 0640);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_file(&f, "ordo.env", "ORDO_LOG=text\n", strlen("ORDO_LOG=text\n"), 0644);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        fixture_done(&f);
}
END_TEST

START_TEST(test_no_file)
{
        fixture_init(&f);
        fixture_set(&f, "ORDO_ENV_FILE", "/nonexistent/ordo.env");
        ck_assert_int_eq(fixture_load(&f), 0); /* an administrator may have removed it */
        fixture_expect(&f, true, "ORDO_ENV_FILE", "/nonexistent/ordo.env",
                       "There is no such file.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_not_a_file)
{
        fixture_init(&f);
        fixture_set(&f, "ORDO_ENV_FILE", f.dir);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_ENV_FILE", f.dir,
                       "It cannot be read: it is not a regular file.");
        fixture_done(&f);

        fixture_init(&f);
        char fifo[96];
        snprintf(fifo, sizeof(fifo), "%s/fifo", f.dir);
        ck_assert_int_eq(mkfifo(fifo, 0600), 0);
        fixture_set(&f, "ORDO_ENV_FILE", fifo);
        ck_assert_int_eq(fixture_load(&f), 1); /* and does not wait for a writer */
        fixture_done(&f);

        fixture_init(&f);
        fixture_set(&f, "ORDO_ENV_FILE", "ordo.env");
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_ENV_FILE", "environment",
                       "\"ordo.env\" is not an absolute path.");
        fixture_done(&f);
}
END_TEST

START_TEST(test_not_text)
{
        static const char *const texts[] = {"ORDO_LOG=te\0xt", "ORDO_LOG=t\xff\xff\xffxt"};
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                fixture_init(&f);
                write_file(texts[i], 14, 0600);
                ck_assert_int_eq(fixture_load(&f), 1);
                fixture_expect(&f, false, "ORDO_ENV_FILE", path, "The file is not text.");
                fixture_done(&f);
        }
}
END_TEST

START_TEST(test_too_large)
{
        static char text[(64 << 10) + 2];
        memset(text, '#', sizeof(text));
        fixture_init(&f);
        write_file(text, (64 << 10) + 1, 0600);
        ck_assert_int_eq(fixture_load(&f), 1);
        fixture_expect(&f, false, "ORDO_ENV_FILE", path,
                       "It cannot be read: it is larger than 64 KiB.");
        fixture_file(&f, "ordo.env", text, 64 << 10, 0600);
        ck_assert_int_eq(fixture_load(&f), 0);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("config/env_file");
        TCase *c = tcase_create("env_file");
        tcase_add_test(c, test_values);
        tcase_add_loop_test(c, test_broken_line, 0, ELEMENTS(broken));
        tcase_add_test(c, test_all_faults_at_once);
        tcase_add_test(c, test_environment_comes_first);
        tcase_add_test(c, test_secrets);
        tcase_add_test(c, test_readable_by_others);
        tcase_add_test(c, test_no_file);
        tcase_add_test(c, test_not_a_file);
        tcase_add_test(c, test_not_text);
        tcase_add_test(c, test_too_large);
        suite_add_tcase(s, c);
        return suite_run(s);
}
