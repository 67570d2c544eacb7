#include "suite.h"

#include <string.h>

#include "ordoctl/arguments.h"
#include "ordoctl/commands.h"

static struct ctl ctl;

#define READ(...)                                                            \
        ({                                                                   \
                const char *argv_[] = {"ordoctl", __VA_ARGS__};              \
                arguments_read(ELEMENTS(argv_), (char *const *)argv_, &ctl); \
        })

START_TEST(test_operands_and_options)
{
        ck_assert_int_eq(READ("order", "buy", "--price", "10.50", "NSE:SBIN", "5", "--validate"),
                         CTL_OK);
        ck_assert_str_eq(ctl.command->name, "order");
        ck_assert_uint_eq(ctl.n_operands, 3);
        ck_assert_str_eq(ctl.operands[1], "NSE:SBIN");
        ck_assert_str_eq(ctl_option(&ctl, "price"), "10.50");
        ck_assert(ctl_flag(&ctl, "validate"));
        ck_assert(!ctl_flag(&ctl, "reduce-only"));
        ck_assert_ptr_null(ctl_option(&ctl, "trigger"));
}
END_TEST

START_TEST(test_equals_sign)
{
        ck_assert_int_eq(READ("order", "buy", "NSE:SBIN", "5", "--client-id=a=b"), CTL_OK);
        ck_assert_str_eq(ctl_option(&ctl, "client-id"), "a=b");
        ck_assert_int_eq(READ("order", "buy", "NSE:SBIN", "5", "--client-id="), CTL_USAGE);
        ck_assert_int_eq(READ("status", "--json=no"), CTL_USAGE);
}
END_TEST

START_TEST(test_global_options_stand_before_too)
{
        ck_assert_int_eq(READ("--url", "unix:/x", "--json", "status"), CTL_OK);
        ck_assert(ctl.json);
        ck_assert_str_eq(ctl_option(&ctl, "url"), "unix:/x");
        ck_assert_int_eq(READ("--price", "1", "order", "buy", "NSE:SBIN", "5"), CTL_USAGE);
}
END_TEST

START_TEST(test_two_dashes_end_options)
{
        ck_assert_int_eq(READ("show", "--", "--json"), CTL_OK);
        ck_assert_str_eq(ctl.operands[0], "--json");
        ck_assert(!ctl.json);
        ck_assert_int_eq(READ("show", "-x"), CTL_USAGE);
        ck_assert_int_eq(READ("show", "-"), CTL_OK);
}
END_TEST

START_TEST(test_missing_and_too_many)
{
        ck_assert_int_eq(READ("show"), CTL_USAGE);
        ck_assert_int_eq(READ("show", "a", "b"), CTL_USAGE);
        ck_assert_int_eq(READ("show", "--url"), CTL_USAGE);
        ck_assert_int_eq(READ("show", "a", "--url", "x", "--url", "y"), CTL_USAGE);
        ck_assert_int_eq(READ("nonsense"), CTL_USAGE);
        ck_assert_int_eq(READ("show", "--help"), CTL_OK);
}
END_TEST

START_TEST(test_no_command)
{
        ck_assert_int_eq(READ("--help"), CTL_OK);
        ck_assert_ptr_null(ctl.command);
}
END_TEST

START_TEST(test_more_than_fit)
{
        const char *argv[ARGUMENTS_MAX + 8];
        argv[0] = "ordoctl";
        argv[1] = "quote";
        for (size_t i = 2; i < ELEMENTS(argv); i++)
                argv[i] = "NSE:SBIN";
        ck_assert_int_eq(arguments_read(ELEMENTS(argv), (char *const *)argv, &ctl), CTL_USAGE);
        for (size_t i = 2; i < ELEMENTS(argv); i++)
                argv[i] = "--account=paper:demo";
        argv[1] = "orders";
        ck_assert_int_eq(arguments_read(ELEMENTS(argv), (char *const *)argv, &ctl), CTL_USAGE);
}
END_TEST

START_TEST(test_items_of_repeated_lists)
{
        const char *const expected[] = {"a:b", "c:d", "", "e:f"};
        const char *at = NULL, *item;
        unsigned i = 0, n = 0;
        size_t size;

        ck_assert_int_eq(READ("orders", "--account", "a:b", "--limit", "5", "--account=c:d,,e:f"),
                         CTL_OK);
        while ((item = ctl_next_item(&ctl, "account", &i, &at, &size))) {
                ck_assert_uint_lt(n, ELEMENTS(expected));
                ck_assert_uint_eq(size, strlen(expected[n]));
                ck_assert_int_eq(memcmp(item, expected[n++], size), 0);
        }
        ck_assert_uint_eq(n, ELEMENTS(expected));
}
END_TEST

SUITE("arguments", test_operands_and_options, test_equals_sign,
      test_global_options_stand_before_too, test_two_dashes_end_options, test_missing_and_too_many,
      test_no_command, test_more_than_fit, test_items_of_repeated_lists)
