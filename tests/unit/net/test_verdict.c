#include "suite.h"

#include <curl/curl.h>

#include "net/verdict.h"

/* Models of every row of "was it sent?"; `error` is tried with every code libcurl has. */
static const struct {
        const char *what;
        struct attempt e;
        enum verdict verdict;
        bool may_have_left, complete_reply;
} rows[] = {
        {"never reached the socket", {.error = 1}, VERDICT_NOT_SENT},
        {"stopped at the last moment",
         {.departures = 0, .error = 1, .status = 0},
         VERDICT_NOT_SENT},
        {"the first write failed", {.departures = 1, .error = 1}, VERDICT_NOT_SENT},
        {"both first writes failed", {.departures = 2, .error = 1}, VERDICT_NOT_SENT},
        {"left, nothing came",
         {.departures = 1, .handed_over = true, .bytes = 130, .error = 1},
         VERDICT_UNCERTAIN,
         true},
        {"left, not counted",
         {.departures = 1, .handed_over = true, .error = 1},
         VERDICT_UNCERTAIN,
         true},
        {"counted, not noted", {.departures = 1, .bytes = 1, .error = 1}, VERDICT_UNCERTAIN, true},
        {"left, reply broke off",
         {.departures = 1, .handed_over = true, .bytes = 130, .error = 1, .status = 200},
         VERDICT_UNCERTAIN,
         true},
        {"left twice",
         {.departures = 2, .handed_over = true, .bytes = 260, .error = 1},
         VERDICT_UNCERTAIN,
         true},
        {"bytes although never let go", {.bytes = 130, .error = 1}, VERDICT_UNCERTAIN, true},
        {"complete",
         {.departures = 1, .handed_over = true, .bytes = 130, .status = 200},
         VERDICT_ANSWERED,
         true,
         true},
        {"complete, not counted",
         {.departures = 1, .handed_over = true, .status = 200},
         VERDICT_ANSWERED,
         true,
         true},
        {"complete 5xx",
         {.departures = 1, .handed_over = true, .bytes = 1, .status = 503},
         VERDICT_ANSWERED,
         true,
         true},
        {"complete, lowest",
         {.departures = 1, .bytes = 1, .status = 200},
         VERDICT_ANSWERED,
         true,
         true},
        {"complete, highest",
         {.departures = 1, .bytes = 1, .status = 599},
         VERDICT_ANSWERED,
         true,
         true},
        {"interim only", {.departures = 1, .bytes = 1, .status = 199}, VERDICT_UNCERTAIN, true},
        {"no such status", {.departures = 1, .bytes = 1, .status = 600}, VERDICT_UNCERTAIN, true},
        {"no status", {.departures = 1, .handed_over = true, .bytes = 1}, VERDICT_UNCERTAIN, true},
        {"a reply to nothing", {.departures = 1, .status = 200}, VERDICT_UNCERTAIN, true},
        {"a reply without leave",
         {.handed_over = true, .bytes = 9, .status = 200},
         VERDICT_UNCERTAIN,
         true},
        {"success of nothing", {}, VERDICT_UNCERTAIN, true},
};

START_TEST(each_row)
{
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                struct attempt e = rows[i].e;
                int codes = e.error ? CURL_LAST : 1;
                for (int code = 0; code < codes; code++) {
                        struct http_facts f = {.started_us = 1, .sent_us = 2, .error = "kept"};
                        if (e.error)
                                e.error = code ? code : -1; /* -1: the multi was lost */
                        ck_assert_msg(verdict_judge(&e, &f) == rows[i].verdict, "%s", rows[i].what);
                        ck_assert_msg(f.may_have_left == rows[i].may_have_left, "%s", rows[i].what);
                        ck_assert_msg(f.complete_reply == rows[i].complete_reply, "%s",
                                      rows[i].what);
                        ck_assert_int_eq(f.bytes_sent, e.bytes);
                        ck_assert_int_eq(f.started_us, 1);
                        ck_assert_int_eq(f.sent_us, 2);
                        ck_assert_str_eq(f.error, "kept");
                }
        }
}
END_TEST

/* Whatever the facts: "not sent" only when nothing points to a byte that left, "answered" only with
 * both. */
START_TEST(all_combinations)
{
        static const int errors[] = {0, -1, 7, 23, 28, 42, 52, 55, 56},
                         statuses[] = {0, 100, 200, 500, 999};

        for (unsigned departures = 0; departures < 3; departures++)
                for (int handed = 0; handed < 2; handed++)
                        for (int64_t bytes = 0; bytes < 2; bytes++)
                                for (size_t i = 0; i < ELEMENTS(errors); i++)
                                        for (size_t k = 0; k < ELEMENTS(statuses); k++) {
                                                struct attempt e = {departures, handed, bytes,
                                                                    errors[i], statuses[k]};
                                                struct http_facts f = {};
                                                bool left = handed || bytes, ok = errors[i] == 0;
                                                bool final =
                                                        statuses[k] == 200 || statuses[k] == 500;
                                                enum verdict v = verdict_judge(&e, &f);
                                                ck_assert((v == VERDICT_NOT_SENT) ==
                                                          (!left && !ok));
                                                ck_assert((v == VERDICT_ANSWERED) ==
                                                          (departures && left && ok && final));
                                        }
}
END_TEST

START_TEST(names)
{
        ck_assert_str_eq(verdict_name(VERDICT_ANSWERED), "answered");
        ck_assert_str_eq(verdict_name(VERDICT_NOT_SENT), "not_sent");
        ck_assert_str_eq(verdict_name(VERDICT_UNCERTAIN), "uncertain");
        ck_assert_ptr_null(verdict_name(_VERDICT_MAX));
}
END_TEST

SUITE("verdict", each_row, all_combinations, names)
