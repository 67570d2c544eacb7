#include "suite.h"

#include <errno.h>

#include "base/cleanup.h"
#include "net/curl_url.h"

START_TEST(which_may_be_called)
{
        static const struct {
                const char *url;
                int r;
        } cases[] = {
                {"https://api.broker.example/v1", 0},
                {"https://10.0.0.1:8443", 0},
                {"http://localhost:1234/x", 0},
                {"http://127.0.0.1", 0},
                {"http://127.9.8.7:1/", 0},
                {"http://[::1]:80/", 0},
                {"HTTP://LOCALHOST/", -EINVAL}, /* one spelling is enough */
                {"http://localhost.example/", -EINVAL},
                {"http://128.0.0.1/", -EINVAL},
                {"http://0.0.0.0/", -EINVAL},
                {"http://[::2]/", -EINVAL},
                {"http://127.0.0.1@example.com/", -EINVAL},
                {"https://user@example.com/", -EINVAL},
                {"https://user:pw@example.com/", -EINVAL},
                {"ftp://localhost/", -EINVAL},
                {"//localhost/", -EINVAL},
                {"localhost", -EINVAL},
                {"", -EINVAL},
                {"https://", -EINVAL},
                {"https://a b/", -EINVAL},
                {"https://a/\r\nX: y", -EINVAL},
                {"https://a:99999/", -EINVAL},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                CURLU *u = NULL;
                ck_assert_msg(curl_url_check(cases[i].url, &u) == cases[i].r, "%s", cases[i].url);
                ck_assert((u != NULL) == (cases[i].r == 0));
                curl_url_cleanup(u);
        }
}
END_TEST

static int of_call(const char *base, const char *path, char **ret)
{
        struct text url = {}, buffer = {};
        CURLU *u = NULL;

        text_add(&url, path);
        int r = curl_url_of_call(base, &url, &buffer, &u);
        *ret = NULL;
        if (r == 0)
                curl_url_get(u, CURLUPART_URL, ret, 0);
        curl_url_cleanup(u);
        text_done(&url);
        text_done(&buffer);
        return r;
}

START_TEST(paths_go_behind_the_base)
{
        char *url;

        ck_assert_int_eq(of_call("https://a.example", "/x?y=%20z", &url), 0);
        ck_assert_str_eq(url, "https://a.example/x?y=%20z");
        curl_free(url);
        ck_assert_int_eq(of_call("https://a.example/v1", "/x", &url), 0);
        ck_assert_str_eq(url, "https://a.example/v1/x");
        curl_free(url);
        ck_assert_int_eq(of_call("https://a.example", "https://b.example/x", &url), 0);
        ck_assert_str_eq(url, "https://b.example/x");
        curl_free(url);
        ck_assert_int_eq(of_call(NULL, "/x", &url), -EINVAL);
        ck_assert_int_eq(of_call("https://a.example", "x", &url), -EINVAL);
        ck_assert_int_eq(of_call("https://a.example", "/x y", &url), -EINVAL);
}
END_TEST

SUITE("URLs", which_may_be_called, paths_go_behind_the_base)
