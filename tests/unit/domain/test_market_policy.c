#include "suite.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "domain/order.h"

START_TEST(policies_round_trip)
{
        static const struct {
                const char *text;
                int kind;
                int64_t percent;
                const char *printed;
        } rows[] = {
                {"reject", MARKET_REJECT, 0, "reject"},
                {"broker", MARKET_BROKER, 0, "broker"},
                {"protect", MARKET_PROTECT, 10000, "protect(1)"},
                {"protect(0.5)", MARKET_PROTECT, 5000, "protect(0.5)"},
                {"protect(1.00)", MARKET_PROTECT, 10000, "protect(1)"},
                {"protect(20)", MARKET_PROTECT, 200000, "protect(20)"},
                {"protect(0.0001)", MARKET_PROTECT, 1, "protect(0.0001)"},
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                struct market_policy p;
                char buf[MARKET_POLICY_TEXT_SIZE];

                ck_assert_int_eq(market_policy_parse(rows[i].text, strlen(rows[i].text), &p), 0);
                ck_assert_int_eq((int)p.kind, rows[i].kind);
                ck_assert_int_eq(p.percent, rows[i].percent);
                ck_assert_str_eq(market_policy_print(&p, buf, sizeof(buf)), rows[i].printed);
        }
}
END_TEST

START_TEST(other_policies_are_refused)
{
        static const char *const bad[] = {
                "",
                "Reject",
                "protect ",
                "protect(",
                "protect()",
                "protect(1",
                "protect1)",
                "protect(0)",
                "protect(-1)",
                "protect(1%)",
                "protect(a)",
                "protect(1))",
                "rejec",
                "protect(0.00001)",
                "brokers",
                "protect(20.0001)",
                "protect(1e1)",
                "protect( 1)",
                "protect(99999999999999999999)",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                struct market_policy p = {.kind = MARKET_BROKER, .percent = 7};
                ck_assert_msg(market_policy_parse(bad[i], strlen(bad[i]), &p) == -EINVAL, "%s",
                              bad[i]);
                ck_assert_int_eq(p.percent, 7);
        }
}
END_TEST

START_TEST(printing_never_runs_over)
{
        struct market_policy p = {.kind = MARKET_PROTECT, .percent = 199999};
        char small[8];

        ck_assert_str_eq(market_policy_print(&p, small, sizeof(small)), "protect");
}
END_TEST

SUITE("market policy", policies_round_trip, other_policies_are_refused, printing_never_runs_over)
