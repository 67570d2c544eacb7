#include "suite.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"

#define UNTOUCHED 424242

struct parse_case {
        const char *s;
        int r;
        int64_t value;
};

static void check_parse(int (*parse)(const char *, size_t, int64_t *),
                        const struct parse_case *cases, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int64_t value = UNTOUCHED;
                int r = parse(cases[i].s, strlen(cases[i].s), &value);
                ck_assert_msg(r == cases[i].r, "\"%s\": %d", cases[i].s, r);
                int64_t expected = r == 0 ? cases[i].value : UNTOUCHED;
                ck_assert_msg(value == expected, "\"%s\": %lld", cases[i].s, (long long)value);
        }
}

START_TEST(parses)
{
        static const struct parse_case cases[] = {
                {"0", 0, 0},
                {"-0", 0, 0},
                {"0.0000", 0, 0},
                {"0.000000000000000000000000000000000000000", 0, 0},
                {"7", 0, 70000},
                {"812.50", 0, 8125000},
                {"812.5", 0, 8125000},
                {"-0.0025", 0, -25},
                {"0.0001", 0, 1},
                {"0.1000000000000000000000000000", 0, 1000},
                {"00812.50", 0, 8125000},
                {"000000000000000000000000000000000000001", 0, 10000},
                {"100000000000000", 0, DECIMAL_MAX},
                {"-100000000000000.0000", 0, -DECIMAL_MAX},
                {"99999999999999.9999", 0, DECIMAL_MAX - 1},
                {"100000000000000.0001", -ERANGE, 0},
                {"100000000000001", -ERANGE, 0},
                {"-100000000000001", -ERANGE, 0},
                {"999999999999999", -ERANGE, 0},
                {"9999999999999999", -ERANGE, 0},
                {"18446744073709551616", -ERANGE, 0},
                {"1000000000000000000000000000000000000000000000000000", -ERANGE, 0},
                {"1000000000000000000000000000.00001", -ERANGE, 0},
                {"0.00001", -EDOM, 0},
                {"1.00001", -EDOM, 0},
                {"-1.23456", -EDOM, 0},
                {"1.000000000000000000000000000000000000001", -EDOM, 0},
                {"", -EINVAL, 0},
                {"-", -EINVAL, 0},
                {".", -EINVAL, 0},
                {".5", -EINVAL, 0},
                {"5.", -EINVAL, 0},
                {"-.5", -EINVAL, 0},
                {"+1", -EINVAL, 0},
                {"--1", -EINVAL, 0},
                {" 1", -EINVAL, 0},
                {"1 ", -EINVAL, 0},
                {"1,000", -EINVAL, 0},
                {"1.2.3", -EINVAL, 0},
                {"1e3", -EINVAL, 0},
                {"0x10", -EINVAL, 0},
                {"nan", -EINVAL, 0},
                {"inf", -EINVAL, 0},
                {"1.00001x", -EINVAL, 0},
                {"10000000000000000000000000000x", -EINVAL, 0},
                {"\xd9\xa1", -EINVAL, 0},
        };

        check_parse(decimal_parse, cases, sizeof(cases) / sizeof(cases[0]));
        int64_t value;
        ck_assert_int_eq(decimal_parse("12.345", 4, &value), 0); /* never past n */
        ck_assert_int_eq(value, 123000);
        ck_assert_int_eq(decimal_parse("1\0", 2, &value), -EINVAL);
}
END_TEST

START_TEST(parses_exponents)
{
        static const struct parse_case cases[] = {
                {"1e3", 0, 10000000},
                {"1E+3", 0, 10000000},
                {"8.125e2", 0, 8125000},
                {"8125e-1", 0, 8125000},
                {"1e-4", 0, 1},
                {"10e-5", 0, 1},
                {"0e999999999999999999999", 0, 0},
                {"0.0e-5", 0, 0},
                {"1e14", 0, DECIMAL_MAX},
                {"0.00000000000000000001e34", 0, DECIMAL_MAX},
                {"1000000000000000000000000e-24", 0, 10000},
                {"1e15", -ERANGE, 0},
                {"1e99999999999999999999999999999", -ERANGE, 0},
                {"-1e400", -ERANGE, 0},
                {"1e-5", -EDOM, 0},
                {"1e-99999999999999999999999999", -EDOM, 0},
                {"1.00001e0", -EDOM, 0},
                {"1e", -EINVAL, 0},
                {"1e+", -EINVAL, 0},
                {"1e-", -EINVAL, 0},
                {"e5", -EINVAL, 0},
                {"1e5.0", -EINVAL, 0},
                {"1e5e5", -EINVAL, 0},
                {"1.e5", -EINVAL, 0},
                {"812.50", 0, 8125000},
        };

        check_parse(decimal_parse_json, cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(prints)
{
        static const struct {
                int64_t value;
                const char *full, *brief;
        } cases[] = {
                {0, "0.00", "0"},
                {1, "0.0001", "0.0001"},
                {-1, "-0.0001", "-0.0001"},
                {10, "0.001", "0.001"},
                {100, "0.01", "0.01"},
                {1000, "0.10", "0.1"},
                {10000, "1.00", "1"},
                {8125000, "812.50", "812.5"},
                {880025, "88.0025", "88.0025"},
                {-25, "-0.0025", "-0.0025"},
                {260000000, "26000.00", "26000"},
                {1025000, "102.50", "102.5"},
                {DECIMAL_MAX, "100000000000000.00", "100000000000000"},
                {INT64_MAX, "922337203685477.5807", "922337203685477.5807"},
                {INT64_MIN, "-922337203685477.5808", "-922337203685477.5808"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char buf[DECIMAL_TEXT_SIZE];
                ck_assert_str_eq(decimal_print(cases[i].value, buf), cases[i].full);
                ck_assert_str_eq(decimal_print_short(cases[i].value, buf), cases[i].brief);
        }
}
END_TEST

START_TEST(what_is_printed_parses_back)
{
        uint64_t state = 88172645463325252u;

        for (int i = 0; i < 5000; i++) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                int64_t value = (int64_t)(state % (2 * (uint64_t)DECIMAL_MAX + 1)) - DECIMAL_MAX;
                if (i & 1)
                        value %= 10000000;
                char buf[DECIMAL_TEXT_SIZE];
                int64_t back = 0;
                decimal_print(value, buf);
                ck_assert_int_eq(decimal_parse(buf, strlen(buf), &back), 0);
                ck_assert_int_eq(back, value);
                decimal_print_short(value, buf);
                ck_assert_int_eq(decimal_parse_json(buf, strlen(buf), &back), 0);
                ck_assert_int_eq(back, value);
        }
}
END_TEST

START_TEST(multiplies_and_divides)
{
        static const struct {
                int64_t a, b, divisor, result;
        } cases[] = {
                {6, 7, 1, 42},
                {1, 1, 2, 1}, /* half away from zero */
                {-1, 1, 2, -1},
                {1, -1, 2, -1},
                {1, 1, -2, -1},
                {-1, 1, -2, 1},
                {1, 1, 3, 0},
                {2, 1, 3, 1},
                {-1, 1, 3, 0},
                {-2, 1, 3, -1},
                {5, 1, 10, 1},
                {4, 1, 10, 0},
                {-5, 1, 10, -1},
                {0, INT64_MIN, 3, 0},
                {8125000, 15000, 10000, 12187500},
                {DECIMAL_MAX, 1, 1, DECIMAL_MAX},
                {DECIMAL_MAX, DECIMAL_MAX, DECIMAL_MAX, DECIMAL_MAX},
                {DECIMAL_MAX, 2, 1, DECIMAL_MAX},
                {DECIMAL_MAX, -2, 1, -DECIMAL_MAX},
                {INT64_MIN, INT64_MIN, 1, DECIMAL_MAX},
                {INT64_MIN, INT64_MAX, 1, -DECIMAL_MAX},
                {INT64_MIN, 1, INT64_MIN, 1},
                {INT64_MAX, 1, INT64_MIN, -1},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ck_assert_msg(decimal_muldiv(cases[i].a, cases[i].b, cases[i].divisor) ==
                                      cases[i].result,
                              "case %zu", i);
}
END_TEST

SUITE("decimal", parses, parses_exponents, prints, what_is_printed_parses_back,
      multiplies_and_divides)
