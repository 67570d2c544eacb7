#include "suite.h"

#include <errno.h>
#include <string.h>

#include "domain/account.h"

START_TEST(broker_and_name)
{
        static const char *const good[] = {
                "paper:demo",
                "a:b",
                "z9:a0",
                "mstock:abcdefghijklmnop",
                "abcdefghijklmno:abcdefghijklmnop" /* both as long as may be */,
        };

        for (size_t i = 0; i < ELEMENTS(good); i++) {
                char id[ACCOUNT_SIZE];
                ck_assert_int_eq(account_id_parse(good[i], strlen(good[i]), id), 0);
                ck_assert_str_eq(id, good[i]);
        }
}
END_TEST

START_TEST(anything_else_is_refused)
{
        static const char *const bad[] = {
                "",
                "paper",
                ":",
                "paper:",
                ":demo",
                "paper:demo:",
                "paper::demo",
                "Paper:demo",
                "paper:Demo",
                "1paper:demo",
                "paper:1demo",
                "paper:de-mo",
                "paper:de mo",
                " paper:demo",
                "paper:demo ",
                "paper:d\xc3\xa9mo",
                "abcdefghijklmnop:demo" /* slug of 16 */,
                "paper:abcdefghijklmnopq" /* name of 17 */,
                "pa_per:demo",
                "paper:demo\n",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                char id[ACCOUNT_SIZE] = "untouched";
                ck_assert_msg(account_id_parse(bad[i], strlen(bad[i]), id) == -EINVAL, "%s",
                              bad[i]);
                ck_assert_str_eq(id, "untouched");
        }
}
END_TEST

START_TEST(the_length_counts_not_the_nul)
{
        char id[ACCOUNT_SIZE];

        ck_assert_int_eq(account_id_parse("paper:demo,paper:two", 10, id), 0);
        ck_assert_str_eq(id, "paper:demo");
        ck_assert_int_eq(account_id_parse("paper:de\0o", 10, id), -EINVAL);
}
END_TEST

SUITE("account ids", broker_and_name, anything_else_is_refused, the_length_counts_not_the_nul)
