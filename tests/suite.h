/* Every unit test is one program with one suite; it prints TAP, so that each case counts by itself.
 * Assertions and cases come from libcheck. */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <check.h>
#include <stdlib.h>

static inline int suite_run(Suite *s)
{
        SRunner *runner = srunner_create(s);
        srunner_set_tap(runner, "/dev/stdout");
        srunner_run_all(runner, CK_SILENT);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SUITE("text", test_add, test_copy) is the whole main(). */
#define SUITE(title, ...)                                                       \
        int main(void)                                                          \
        {                                                                       \
                Suite *s = suite_create(title);                                 \
                const TTest *const tests[] = {__VA_ARGS__};                     \
                for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) { \
                        TCase *c = tcase_create(tests[i]->name);                \
                        tcase_set_timeout(c, 60);                               \
                        tcase_add_test(c, tests[i]);                            \
                        suite_add_tcase(s, c);                                  \
                }                                                               \
                return suite_run(s);                                            \
        }
