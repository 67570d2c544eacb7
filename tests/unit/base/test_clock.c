#include "suite.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define T_2026_11_23 INT64_C(1795392000) /* midnight UTC, a Monday */

START_TEST(real_clocks_run)
{
        int64_t mono = clock_mono_us();
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        int64_t wall = clock_wall_us();
        ck_assert_int_ge(wall, ts.tv_sec * USEC_PER_SEC);
        ck_assert_int_lt(wall, (ts.tv_sec + 60) * USEC_PER_SEC);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        ck_assert_int_ge(clock_mono_us(), mono + 2000);
}
END_TEST

START_TEST(fake_clocks_stand_still)
{
        clock_fake(1000, 50);
        ck_assert_int_eq(clock_wall_us(), 1000);
        ck_assert_int_eq(clock_mono_us(), 50);
        clock_fake_advance(25);
        ck_assert_int_eq(clock_wall_us(), 1025);
        ck_assert_int_eq(clock_mono_us(), 75);
        clock_real();
        ck_assert_int_gt(clock_wall_us(), 2000);
}
END_TEST

START_TEST(prints)
{
        char buf[CLOCK_TEXT_SIZE];
        int64_t t = T_2026_11_23 * USEC_PER_SEC;

        ck_assert_str_eq(clock_print(t + 33300 * USEC_PER_SEC + 123, buf),
                         "2026-11-23T09:15:00.000123Z");
        ck_assert_str_eq(clock_print_ist(t + 33300 * USEC_PER_SEC + 999999, buf),
                         "2026-11-23T14:45:00+05:30");
        ck_assert_str_eq(clock_print(0, buf), "1970-01-01T00:00:00.000000Z");
        ck_assert_str_eq(clock_print_compact(86399 * USEC_PER_SEC + 999999, buf),
                         "19700101T235959Z");
        ck_assert_str_eq(clock_print(-1, buf), "1969-12-31T23:59:59.999999Z");
        ck_assert_str_eq(clock_print(INT64_C(951782400) * USEC_PER_SEC, buf),
                         "2000-02-29T00:00:00.000000Z");
        ck_assert_str_eq(clock_print_ist(t + 66600 * USEC_PER_SEC - 1, buf),
                         "2026-11-23T23:59:59+05:30");
        ck_assert_str_eq(clock_print_ist(t + 66600 * USEC_PER_SEC, buf),
                         "2026-11-24T00:00:00+05:30");
}
END_TEST

START_TEST(absurd_times_print_something)
{
        static const int64_t times[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, -1, 1};
        char buf[CLOCK_TEXT_SIZE];

        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                ck_assert_uint_eq(strlen(clock_print(times[i], buf)), 27);
                ck_assert_uint_eq(strlen(clock_print_ist(times[i], buf)), 25);
                struct ist ist = clock_ist(times[i]);
                ck_assert_int_ge(ist.second, 0);
                ck_assert_int_lt(ist.second, 86400);
                ck_assert_int_ge(ist.weekday, 0);
                ck_assert_int_le(ist.weekday, 6);
        }
}
END_TEST

START_TEST(parses)
{
        static const struct {
                const char *s;
                int64_t us; /* after T_2026_11_23 */
        } good[] = {
                {"2026-11-23T00:00:00Z", 0},
                {"2026-11-23t00:00:00z", 0},
                {"2026-11-23T05:30:00+05:30", 0},
                {"2026-11-22T19:00:00-05:00", 0},
                {"2026-11-23T00:00:00-00:00", 0},
                {"2026-11-23T23:59:00+23:59", 0},
                {"2026-11-23T00:00:00.5Z", 500000},
                {"2026-11-23T00:00:00.000001Z", 1},
                {"2026-11-23T00:00:00.123456789Z", 123456},
                {"2026-11-23T00:00:00.000000999Z", 0},
                {"2026-11-23T23:59:59.999999Z", 86400 * USEC_PER_SEC - 1},
                {"2026-11-23T09:15:00.000123+05:30", 13500 * USEC_PER_SEC + 123},
        };

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                int64_t us = 0;
                ck_assert_msg(clock_parse(good[i].s, strlen(good[i].s), &us) == 0, "%s", good[i].s);
                ck_assert_int_eq(us - T_2026_11_23 * USEC_PER_SEC, good[i].us);
        }
        int64_t us;
        ck_assert_int_eq(clock_parse("2024-02-29T00:00:00Z", 20, &us), 0);
        ck_assert_int_eq(clock_parse("2000-02-29T00:00:00Z", 20, &us), 0);
        ck_assert_int_eq(clock_parse("0001-01-01T00:00:00Z", 20, &us), 0);
        ck_assert_int_eq(us, INT64_C(-62135596800) * USEC_PER_SEC);
        ck_assert_int_eq(clock_parse("9999-12-31T23:59:59Z", 20, &us), 0);
        ck_assert_int_eq(us, INT64_C(253402300799) * USEC_PER_SEC);
}
END_TEST

START_TEST(refuses)
{
        static const char *const bad[] = {
                "",
                "2026",
                "2026-11-23",
                "2026-11-23T00:00:00",
                "2026-11-23T00:00Z",
                "2026-11-23 00:00:00Z",
                "2026-11-23T00:00:00 Z",
                "2026-11-23T00:00:00ZZ",
                "2026-11-23T00:00:00Z ",
                " 2026-11-23T00:00:00Z",
                "2026-11-23T00:00:00.Z",
                "2026-11-23T00:00:00.1234567890Z",
                "2026-11-23T00:00:00,5Z",
                "2026-11-23T00:00:00.5",
                "2026-11-23T24:00:00Z",
                "2026-11-23T23:60:00Z",
                "2026-11-23T23:59:60Z",
                "2026-00-23T00:00:00Z",
                "2026-13-23T00:00:00Z",
                "2026-11-00T00:00:00Z",
                "2026-11-31T00:00:00Z",
                "2026-02-29T00:00:00Z",
                "2100-02-29T00:00:00Z",
                "0000-01-01T00:00:00Z",
                "20261-1-23T00:00:00Z",
                "2026-1-023T00:00:00Z",
                "-026-11-23T00:00:00Z",
                "2026-11-23T+1:00:00Z",
                "2026-11-23T00:00:00+5:30",
                "2026-11-23T00:00:00+0530",
                "2026-11-23T00:00:00+05",
                "2026-11-23T00:00:00+24:00",
                "2026-11-23T00:00:00+05:60",
                "2026-11-23T00:00:00+05:30Z",
                "2026-11-23T00:00:00+",
                "2026/11/23T00:00:00Z",
        };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                int64_t us = 5;
                size_t n = strlen(bad[i]);
                char *exact = malloc(n + 1);
                memcpy(exact, bad[i], n);
                ck_assert_msg(clock_parse(exact, n, &us) == -EINVAL, "\"%s\"", bad[i]);
                ck_assert_int_eq(us, 5);
                free(exact);
        }
}
END_TEST

START_TEST(parses_what_it_prints)
{
        for (int64_t us = -4000000000123456; us < 9000000000000000; us += 77777777777777) {
                char buf[CLOCK_TEXT_SIZE];
                int64_t back;
                clock_print(us, buf);
                ck_assert_int_eq(clock_parse(buf, strlen(buf), &back), 0);
                ck_assert_int_eq(back, us);
        }
}
END_TEST

START_TEST(agrees_with_the_c_library)
{
        for (int64_t s = -2000000000; s < 200000000000; s += 86400 * 131 + 3601) {
                time_t t = (time_t)s;
                struct tm tm;
                char expected[64], buf[CLOCK_TEXT_SIZE];
                gmtime_r(&t, &tm);
                strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
                ck_assert_str_eq(clock_print(s * USEC_PER_SEC, buf), expected);
                ck_assert_int_eq(clock_ist((s - 19800) * USEC_PER_SEC).weekday, tm.tm_wday);
        }
}
END_TEST

START_TEST(the_market_day)
{
        /* Midnight in Kolkata is 18:30 UTC of the day before. */
        int64_t midnight = (T_2026_11_23 - 19800) * USEC_PER_SEC;
        struct ist before = clock_ist(midnight - 1), at = clock_ist(midnight);

        ck_assert_int_eq(before.day, 20261122);
        ck_assert_int_eq(before.weekday, 0);
        ck_assert_int_eq(before.second, 86399);
        ck_assert_int_eq(at.day, 20261123);
        ck_assert_int_eq(at.weekday, 1);
        ck_assert_int_eq(at.second, 0);
        ck_assert_int_eq(clock_ist_day(midnight), 20261123);
        ck_assert_int_eq(clock_from_ist(20261123, 0), midnight);
        ck_assert_int_eq(clock_from_ist(20261123, 33300),
                         midnight + 33300 * USEC_PER_SEC); /* 09:15 */
        ck_assert_int_eq(clock_ist(clock_from_ist(20261123, 33300)).second, 33300);
}
END_TEST

START_TEST(days)
{
        ck_assert_int_eq(clock_day_add(20261130, 1), 20261201);
        ck_assert_int_eq(clock_day_add(20261231, 1), 20270101);
        ck_assert_int_eq(clock_day_add(20270101, -1), 20261231);
        ck_assert_int_eq(clock_day_add(20240228, 1), 20240229);
        ck_assert_int_eq(clock_day_add(20240229, 1), 20240301);
        ck_assert_int_eq(clock_day_add(20260228, 1), 20260301);
        ck_assert_int_eq(clock_day_add(20240229, 366), 20250301);
        ck_assert_int_eq(clock_day_add(20261123, 0), 20261123);
        ck_assert_int_eq(clock_day_add(20000101, 10000), 20270519);

        static const int good[] = {20261123, 20240229, 20000229, 19700101, 99991231};
        static const int bad[] = {0,        -20261123, 20261100, 20260023, 20261323, 20261131,
                                  20260229, 21000229,  19691231, 2026112,  202611230};
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
                ck_assert_msg(clock_day_valid(good[i]), "%d", good[i]);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(!clock_day_valid(bad[i]), "%d", bad[i]);
}
END_TEST

SUITE("clock", real_clocks_run, fake_clocks_stand_still, prints, absurd_times_print_something,
      parses, refuses, parses_what_it_prints, agrees_with_the_c_library, the_market_day, days)
