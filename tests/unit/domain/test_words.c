#include "suite.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "domain/order.h"

/* Every member comes back from its word; nothing else does. */
#define ROUND_TRIP(PREFIX, name)                                                               \
        do {                                                                                   \
                for (int i = 0; i < _##PREFIX##_MAX; i++) {                                    \
                        char other[40];                                                        \
                        const char *word = name##_name((enum name)i);                          \
                        size_t n = strlen(word);                                               \
                        ck_assert_int_eq(name##_from(word, n), i);                             \
                        ck_assert_int_eq(name##_from(word, n - 1), -EINVAL);                   \
                        memcpy(other, word, n);                                                \
                        other[n] = ' ';                                                        \
                        ck_assert_int_eq(name##_from(other, n + 1), -EINVAL);                  \
                        other[0] = (char)(isupper((unsigned char)word[0]) ? tolower(word[0])   \
                                                                          : toupper(word[0])); \
                        ck_assert_int_eq(name##_from(other, n), -EINVAL);                      \
                }                                                                              \
                ck_assert_int_eq(name##_from("", 0), -EINVAL);                                 \
                ck_assert_int_eq(name##_from("NOPE", 4), -EINVAL);                             \
        } while (0)

START_TEST(every_word_comes_back)
{
        ROUND_TRIP(EXCHANGE, exchange);
        ROUND_TRIP(SIDE, side);
        ROUND_TRIP(ORDER_TYPE, order_type);
        ROUND_TRIP(PRODUCT, product);
        ROUND_TRIP(VALIDITY, validity);
        ROUND_TRIP(ORDER_STATUS, order_status);
        ROUND_TRIP(SEGMENT, segment);
        ROUND_TRIP(OUTCOME, outcome);
        ROUND_TRIP(CONFIDENCE, confidence);
        ROUND_TRIP(LEG_STATE, leg_state);
        ROUND_TRIP(OVERALL, overall);
}
END_TEST

START_TEST(words_are_spelled_as_in_the_api)
{
        ck_assert_str_eq(exchange_name(EXCHANGE_MCX), "MCX");
        ck_assert_str_eq(order_type_name(ORDER_TYPE_STOP_LIMIT), "STOP_LIMIT");
        ck_assert_str_eq(order_status_name(ORDER_STATUS_PARTIALLY_FILLED), "PARTIALLY_FILLED");
        ck_assert_str_eq(outcome_name(OUTCOME_NOT_SENT), "not_sent");
        ck_assert_str_eq(overall_name(OVERALL_PARTIAL_SUCCESS), "partial_success");
        ck_assert_str_eq(leg_state_name(LEG_STATE_NEEDS_OPERATOR), "needs_operator");
        ck_assert_str_eq(confidence_name(CONFIDENCE_INFERRED), "inferred");
}
END_TEST

/* The second column of those tables is the first one in lower case. */
START_TEST(lower_case_words_follow_their_members)
{
        static const char *const rows[][2] = {
#define X(member, text) {#member, text},
                OUTCOME_TABLE(X) CONFIDENCE_TABLE(X) LEG_STATE_TABLE(X) OVERALL_TABLE(X)
#undef X
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                char lower[40] = "";
                for (size_t k = 0; rows[i][0][k]; k++)
                        lower[k] = (char)tolower((unsigned char)rows[i][0][k]);
                ck_assert_str_eq(lower, rows[i][1]);
        }
}
END_TEST

START_TEST(a_nul_inside_is_no_word)
{
        ck_assert_int_eq(side_from("BUY\0", 4), -EINVAL);
        ck_assert_int_eq(side_from("BU\0", 3), -EINVAL);
}
END_TEST

START_TEST(four_statuses_are_terminal)
{
        static const bool terminal[_ORDER_STATUS_MAX] = {
                [ORDER_STATUS_FILLED] = true,
                [ORDER_STATUS_CANCELLED] = true,
                [ORDER_STATUS_REJECTED] = true,
                [ORDER_STATUS_EXPIRED] = true,
        };

        for (int i = 0; i < _ORDER_STATUS_MAX; i++)
                ck_assert_int_eq(!!order_status_terminal((enum order_status)i), terminal[i]);
}
END_TEST

SUITE("words", every_word_comes_back, words_are_spelled_as_in_the_api,
      lower_case_words_follow_their_members, a_nul_inside_is_no_word, four_statuses_are_terminal)
