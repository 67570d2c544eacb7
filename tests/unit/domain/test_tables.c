#include "suite.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "domain/audit_record.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "domain/problem.h"

START_TEST(every_problem_comes_back)
{
        for (int i = 0; i < _PROBLEM_MAX; i++) {
                enum problem p = (enum problem)i;
                ck_assert_int_eq(problem_from_code(problem_code(p)), i);
                ck_assert_str_ne(problem_title(p), "");
                ck_assert_int_ge(problem_status(p), 200);
                ck_assert_int_lt(problem_status(p), 600);
                if (p == PROBLEM_NONE)
                        continue;
                /* titles are headings, meanings are sentences */
                const char *title = problem_title(p), *meaning = problem_meaning(p);
                ck_assert_int_ne(title[strlen(title) - 1], '.');
                ck_assert_int_eq(meaning[strlen(meaning) - 1], '.');
        }
        ck_assert_int_eq(problem_from_code("lot_size"), -EINVAL);
        ck_assert_int_eq(problem_from_code("LOT_SIZ"), -EINVAL);
        ck_assert_int_eq(problem_from_code(""), -EINVAL);
        ck_assert_int_eq(problem_from_code(NULL), -EINVAL);
}
END_TEST

START_TEST(problems_have_the_status_of_the_design)
{
        ck_assert_str_eq(problem_code(PROBLEM_LOT_SIZE), "LOT_SIZE");
        ck_assert_int_eq(problem_status(PROBLEM_KILL_SWITCH), 423);
        ck_assert_int_eq(problem_status(PROBLEM_SESSION_REQUIRED), 424);
        ck_assert_int_eq(problem_status(PROBLEM_BROKER_UNREACHABLE), 424);
        ck_assert_int_eq(problem_status(PROBLEM_ORDER_RATE), 429);
        ck_assert_int_eq(problem_status(PROBLEM_BREAKER_OPEN), 503);
        ck_assert_int_eq(problem_status(PROBLEM_IDEMPOTENCY_MISMATCH), 422);
        ck_assert_int_eq(problem_status(PROBLEM_OUTCOME_UNKNOWN), 202);
        ck_assert(problem_retry_safe(PROBLEM_BROKER_UNREACHABLE));
        ck_assert(!problem_retry_safe(PROBLEM_OUTCOME_UNKNOWN));
}
END_TEST

START_TEST(every_audit_action_comes_back)
{
        for (int i = 0; i < _AUDIT_MAX; i++)
                ck_assert_int_eq(audit_action_from(audit_action_name((enum audit_action)i)), i);
        ck_assert_str_eq(audit_action_name(AUDIT_LEG_NEEDS_OPERATOR), "leg.needs_operator");
        ck_assert_int_eq(audit_action_from("order"), -EINVAL);
        ck_assert_int_eq(audit_action_from(NULL), -EINVAL);
}
END_TEST

START_TEST(an_audit_record_gives_its_payload_back)
{
        struct audit_record r = {.action = AUDIT_STARTED};

        text_add(&r.payload, "{}");
        audit_record_done(&r);
        ck_assert_ptr_null(r.payload.data);
        audit_record_done(&r);
}
END_TEST

START_TEST(message_ids_are_distinct_random_uuids)
{
        static const char *const ids[] = {
#define X(name, id, text) id,
                EVENT_TABLE(X)
#undef X
        };

        for (size_t i = 0; i < ELEMENTS(ids); i++) {
                ck_assert_uint_eq(strlen(ids[i]), 32);
                ck_assert_uint_eq(strspn(ids[i], "0123456789abcdef"), 32);
                ck_assert_int_eq(ids[i][12], '4');                 /* a random UUID */
                ck_assert_ptr_nonnull(strchr("89ab", ids[i][16])); /* of RFC 4122 */
                for (size_t k = 0; k < i; k++)
                        ck_assert_str_ne(ids[i], ids[k]);
        }
}
END_TEST

START_TEST(metrics_follow_the_conventions)
{
        for (int i = 0; i < _METER_MAX; i++) {
                const struct metric *m = &meter_table[i];
                const char *total = strstr(m->name, "_total");
                const char *seconds = strstr(m->name, "_seconds");

                ck_assert_int_eq(strncmp(m->name, "ordo_", 5), 0);
                ck_assert_int_eq(m->type == METRIC_COUNTER, total && !total[6]);
                ck_assert(!seconds || !seconds[8]);
                ck_assert_str_ne(m->help, "");
                unsigned labels = m->labels[0] != '\0';
                for (const char *s = m->labels; *s; s++) {
                        ck_assert(*s == ',' || *s == '_' || islower((unsigned char)*s));
                        labels += *s == ',';
                }
                ck_assert_uint_le(labels, METRICS_LABELS_MAX);
                for (int k = 0; k < i; k++)
                        ck_assert_str_ne(m->name, meter_table[k].name);
        }
        ck_assert_str_eq(meter_table[METER_STORE_COMMIT].name, "ordo_store_commit_seconds");
        ck_assert_int_eq(meter_table[METER_BREAKER_STATE].type, METRIC_GAUGE);
}
END_TEST

SUITE("tables", every_problem_comes_back, problems_have_the_status_of_the_design,
      every_audit_action_comes_back, an_audit_record_gives_its_payload_back,
      message_ids_are_distinct_random_uuids, metrics_follow_the_conventions)
