/* What ordoctl finds by itself on a host where the package is installed. */
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/config.h"
#include "ordoctl/endpoint.h"
#include "ordoctl/host.h"

static char dir[64], env_file[96], state_dir[96], credentials[96], sock[96];
static const struct host host = {env_file, state_dir, credentials, sock};
static int listener = -1;

static void forget_environment(void)
{
        static const char *const names[] = {
                "ORDO_URL",       "ORDO_LISTEN",           "ORDO_TLS_CERT", "ORDO_API_TOKEN",
                "ORDO_STATE_DIR", "STATE_DIRECTORY",       "ORDO_ENV_FILE", "ORDO_API_TOKEN_FILE",
                "HOME",           "CREDENTIALS_DIRECTORY", "XDG_STATE_HOME"};
        for (size_t i = 0; i < ELEMENTS(names); i++)
                unsetenv(names[i]);
}

static void write_file(const char *path, const char *text)
{
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void install(void)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        forget_environment();
        strcpy(dir, "/tmp/ordoctl-host-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(env_file, sizeof(env_file), "%s/ordo.env", dir);
        snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
        snprintf(credentials, sizeof(credentials), "%s/credentials", dir);
        snprintf(sock, sizeof(sock), "%s/ordo.sock", dir);
        ck_assert_int_eq(mkdir(state_dir, 0700), 0);
        ck_assert_int_eq(mkdir(credentials, 0700), 0);
        strcpy(un.sun_path, sock);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
}

static void remove_all(void)
{
        char command[128];
        close(listener);
        snprintf(command, sizeof(command), "rm -rf '%s'", dir);
        ck_assert_int_eq(system(command), 0);
}

static void expect_env(const char *name, const char *value)
{
        const char *s = getenv(name);
        ck_assert_str_eq(s ? s : "", value ? value : "");
}

START_TEST(test_filled)
{
        write_file(env_file, "");
        host_fill(&host);
        expect_env("ORDO_ENV_FILE", env_file);
        expect_env("STATE_DIRECTORY", state_dir);
        expect_env("CREDENTIALS_DIRECTORY", credentials);
}
END_TEST

START_TEST(test_nothing_is_installed)
{
        static const struct host nowhere = {"/nonexistent/a", "/nonexistent/b", "/nonexistent/c",
                                            "/nonexistent/d"};
        host_fill(&nowhere);
        expect_env("ORDO_ENV_FILE", NULL);
        expect_env("STATE_DIRECTORY", NULL);
        expect_env("CREDENTIALS_DIRECTORY", NULL);
        ck_assert_ptr_null(host_socket(&nowhere));
        ck_assert_ptr_null(host_socket(NULL));
}
END_TEST

/* Somebody works with another daemon here: nothing of the host's is mixed into it. */
START_TEST(test_environment_holds)
{
        static const char *const names[] = {"ORDO_STATE_DIR", "STATE_DIRECTORY", "ORDO_ENV_FILE"};
        write_file(env_file, "");
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                forget_environment();
                setenv(names[i], "/elsewhere", 1);
                host_fill(&host);
                for (size_t k = 0; k < ELEMENTS(names); k++)
                        expect_env(names[k], k == i ? "/elsewhere" : NULL);
                expect_env("CREDENTIALS_DIRECTORY", NULL);
        }
}
END_TEST

START_TEST(test_what_may_not_be_read)
{
        if (geteuid() == 0)
                return; /* root may */
        write_file(env_file, "");
        ck_assert_int_eq(chmod(env_file, 0), 0);
        ck_assert_int_eq(chmod(state_dir, 0), 0);
        ck_assert_int_eq(chmod(sock, 0), 0);
        host_fill(&host);
        expect_env("ORDO_ENV_FILE", NULL);
        expect_env("STATE_DIRECTORY", NULL);
        ck_assert_ptr_null(host_socket(&host));
}
END_TEST

START_TEST(test_unix_socket_is_preferred)
{
        struct ctl ctl = {.host = &host};
        struct endpoint e;
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.unix_path, sock);
        ck_assert_ptr_nonnull(strstr(e.shown, "unix:"));
        /* A daemon that speaks TLS does so there too, and has a name in its certificate. */
        setenv("ORDO_TLS_CERT", "/x", 1);
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "https://127.0.0.1:8080");
        setenv("ORDO_LISTEN", "127.0.0.1:9000", 1);
        unsetenv("ORDO_TLS_CERT");
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "http://127.0.0.1:9000");
        /* A file of that name is no socket. */
        unsetenv("ORDO_LISTEN");
        ck_assert_int_eq(unlink(sock), 0);
        write_file(sock, "");
        ck_assert_int_eq(endpoint_find(&ctl, &e), CTL_OK);
        ck_assert_str_eq(e.base, "http://127.0.0.1:8080");
}
END_TEST

/* The token may stand in ordo.env, which is the daemon's environment and not ours. */
START_TEST(test_token_of_the_file)
{
        struct ctl ctl = {.host = &host};
        struct secret *s = NULL;
        char path[128];

        write_file(env_file, "ORDO_API_TOKEN='from-the-file'\nORDO_NONSENSE=1\nbroken line\n");
        host_fill(&host);
        ck_assert_int_eq(config_export_file(), 0);
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_OK);
        ck_assert_str_eq(secret_bytes(s), "from-the-file");
        s = secret_free(s);
        /* A variable of our own comes before it, and is not touched. */
        setenv("ORDO_API_TOKEN", "of-our-own", 1);
        ck_assert_int_eq(config_export_file(), 0);
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_OK);
        ck_assert_str_eq(secret_bytes(s), "of-our-own");
        s = secret_free(s);
        /* The credential of the service comes first, as for the daemon. */
        snprintf(path, sizeof(path), "%s/ORDO_API_TOKEN", credentials);
        write_file(path, "from-the-credential");
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_OK);
        ck_assert_str_eq(secret_bytes(s), "from-the-credential");
        secret_free(s);
}
END_TEST

START_TEST(test_token_of_the_state)
{
        struct ctl ctl = {.host = &host};
        struct secret *s = NULL;
        char path[128];

        host_fill(&host);
        snprintf(path, sizeof(path), "%s/api-token", state_dir);
        write_file(path, "made-at-the-first-start\n");
        ck_assert_int_eq(config_export_file(), 0); /* there is no file */
        ck_assert_int_eq(endpoint_token(&ctl, &s), CTL_OK);
        ck_assert_str_eq(secret_bytes(s), "made-at-the-first-start");
        secret_free(s);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("ordoctl/host");
        TCase *c = tcase_create("host");
        tcase_add_checked_fixture(c, install, remove_all);
        tcase_add_test(c, test_filled);
        tcase_add_test(c, test_nothing_is_installed);
        tcase_add_test(c, test_environment_holds);
        tcase_add_test(c, test_what_may_not_be_read);
        tcase_add_test(c, test_unix_socket_is_preferred);
        tcase_add_test(c, test_token_of_the_file);
        tcase_add_test(c, test_token_of_the_state);
        suite_add_tcase(s, c);
        return suite_run(s);
}
