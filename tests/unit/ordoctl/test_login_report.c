#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "ordoctl/login_report.h"

static int code(unsigned ok, unsigned failed, unsigned skipped)
{
        static struct login_report r;
        r.n = 0;
        while (ok-- > 0)
                r.lines[r.n++].end = LOGIN_OK;
        while (failed-- > 0)
                r.lines[r.n++].end = LOGIN_FAILED;
        while (skipped-- > 0)
                r.lines[r.n++].end = LOGIN_SKIPPED;
        return login_report_exit(&r);
}

START_TEST(test_exit)
{
        ck_assert_int_eq(code(0, 0, 0), CTL_OK);
        ck_assert_int_eq(code(2, 0, 0), CTL_OK);
        ck_assert_int_eq(code(0, 1, 0), CTL_REFUSED);
        ck_assert_int_eq(code(1, 1, 0), CTL_PARTIAL);
        ck_assert_int_eq(code(1, 0, 1), CTL_INPUT_MISSING);
        ck_assert_int_eq(code(0, 0, 1), CTL_INPUT_MISSING);
        ck_assert_int_eq(code(0, 1, 1), CTL_REFUSED);
        ck_assert_int_eq(code(1, 1, 1), CTL_PARTIAL);
}
END_TEST

START_TEST(test_log_file)
{
        static struct login_report r = {
                .lines = {{"paper:demo", LOGIN_OK, "logged in"}, {"x:y", LOGIN_FAILED, "a \"b\""}},
                .n = 2};
        char path[] = "/tmp/ordoctl-log-XXXXXX", line[512];
        struct json_fault fault;

        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        closep(&fd);
        ck_assert_int_eq(login_report_append(&r, path), CTL_OK);
        ck_assert_int_eq(login_report_append(&r, path), CTL_OK);
        FILE *f = fopen(path, "r");
        unsigned n = 0;
        while (fgets(line, sizeof(line), f)) {
                _cleanup_(json_freep) struct json_object *o = NULL;
                ck_assert_int_eq(json_parse(line, strlen(line), NULL, &o, &fault), 0);
                ck_assert_ptr_nonnull(json_at(o, "timestamp"));
                ck_assert_str_eq(json_object_get_string(json_at(o, "account")),
                                 r.lines[n++ % 2].account);
        }
        ck_assert_uint_eq(n, 4);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(remove(path), 0);
        ck_assert_int_eq(login_report_append(&r, "/nonexistent/log"), CTL_USAGE);
}
END_TEST

SUITE("login_report", test_exit, test_log_file)
