#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ordoctl/arguments.h"
#include "ordoctl/endpoint.h"

static struct endpoint e;

START_TEST(test_forms)
{
        static const struct {
                const char *s, *base, *path;
                bool tls;
        } cases[] = {
                {"127.0.0.1:8080", "http://127.0.0.1:8080", "", false},
                {"127.0.0.1:8080", "https://127.0.0.1:8080", "", true},
                {"[::1]:8080", "http://[::1]:8080", "", false},
                {"0.0.0.0:80", "http://127.0.0.1:80", "", false},
                {"[::]:80", "http://[::1]:80", "", false},
                {"localhost:80", "http://localhost:80", "", false},
                {"https://ordo.example", "https://ordo.example", "", false},
                {"http://127.0.0.1:1///", "http://127.0.0.1:1", "", true},
                {"unix:/run/ordo.sock", "http://localhost", "/run/ordo.sock", true},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                ck_assert(endpoint_parse(cases[i].s, cases[i].tls, &e));
                ck_assert_str_eq(e.base, cases[i].base);
                ck_assert_str_eq(e.unix_path, cases[i].path);
        }
}
END_TEST

START_TEST(test_nonsense)
{
        static const char *const cases[] = {"",
                                            "8080",
                                            ":8080",
                                            "127.0.0.1",
                                            "127.0.0.1:0",
                                            "127.0.0.1:65536",
                                            "127.0.0.1:80x",
                                            "unix:relative",
                                            "unix:",
                                            "http://",
                                            "https:///",
                                            "ftp://127.0.0.1:21",
                                            "http://user:secret@127.0.0.1",
                                            "http://127.0.0.1/?a=b",
                                            "http://a b",
                                            "http://a\r\nX: y"};
        char longest[2 * ENDPOINT_SIZE];

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                ck_assert_msg(!endpoint_parse(cases[i], false, &e), "%s", cases[i]);
        memset(longest, 'a', sizeof(longest));
        memcpy(longest, "http://", 7);
        longest[sizeof(longest) - 1] = '\0';
        ck_assert(!endpoint_parse(longest, false, &e));
}
END_TEST

static struct ctl ctl;

static void forget_environment(void)
{
        static const char *const names[] = {"ORDO_URL",
                                            "ORDO_LISTEN",
                                            "ORDO_TLS_CERT",
                                            "ORDO_API_TOKEN",
                                            "ORDO_API_TOKEN_FILE",
                                            "ORDO_STATE_DIR",
                                            "STATE_DIRECTORY",
                                            "XDG_STATE_HOME",
                                            "HOME",
                                            "CREDENTIALS_DIRECTORY"};
        for (size_t i = 0; i < ELEMENTS(names); i++)
                unsetenv(names[i]);
        ctl = (struct ctl){};
}

START_TEST(test_where_the_address_comes_from)
{
        forget_environment();
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "http://127.0.0.1:8080");
        setenv("ORDO_LISTEN", "127.0.0.1:1", 1);
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "http://127.0.0.1:1");
        setenv("ORDO_TLS_CERT", "/x", 1);
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "https://127.0.0.1:1");
        setenv("ORDO_URL", "http://127.0.0.1:2", 1);
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "http://127.0.0.1:2");
        ctl.options[ctl.n_options++] = (struct option_value){"url", "unix:/x"};
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.unix_path, "/x");
        ctl.options[0].value = "nonsense";
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_USAGE);
}
END_TEST

static char dir[] = "/tmp/ordoctl-test-XXXXXX";

static const char *put(const char *name, const char *text)
{
        static char path[128];
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
        return path;
}

static void expect(const char *token)
{
        _cleanup_(secret_freep) struct secret *s = NULL;
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_OK);
        ck_assert_str_eq(secret_bytes(s), token);
}

START_TEST(test_where_the_token_comes_from)
{
        struct secret *s = NULL;

        forget_environment();
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_USAGE);
        setenv("ORDO_STATE_DIR", dir, 1);
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_USAGE);
        put("api-token", "from-state\n");
        expect("from-state");
        setenv("ORDO_API_TOKEN", "from-variable", 1);
        expect("from-variable");
        setenv("ORDO_API_TOKEN", "", 1);
        expect("from-state");
        setenv("ORDO_API_TOKEN_FILE", put("a", "from-file\r\n"), 1);
        expect("from-file");
        setenv("CREDENTIALS_DIRECTORY", dir, 1);
        expect("from-file");
        put("ORDO_API_TOKEN", "from-credential");
        expect("from-credential");
        ctl.options[ctl.n_options++] = (struct option_value){"token-file", put("b", "from-option")};
        expect("from-option");
        put("b", "");
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_USAGE);
        put("b", "a\nX-Evil: header");
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_USAGE);
        ck_assert_ptr_null(s);
}
END_TEST

SUITE("endpoint", test_forms, test_nonsense, test_where_the_address_comes_from,
      test_where_the_token_comes_from)
