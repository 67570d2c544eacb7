#include "domain/words.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "domain/order.h"
#include "domain/outcome.h"

static int word_find(const char *const *words, int n_words, const char *s, size_t n)
{
        for (int i = 0; i < n_words; i++)
                if (strlen(words[i]) == n && memcmp(words[i], s, n) == 0)
                        return i;
        return -EINVAL;
}

#define WORD_SAME(w)        #w,
#define WORD_OTHER(w, text) text,
#define WORDS(PREFIX, name, TABLE, COLUMN)                                                \
        static const char *const name##_words[] = {TABLE(COLUMN)};                        \
        _Static_assert(sizeof(name##_words) / sizeof(name##_words[0]) == _##PREFIX##_MAX, \
                       #name " has a word for each member");                              \
        const char *name##_name(enum name value)                                          \
        {                                                                                 \
                assert(value < _##PREFIX##_MAX);                                          \
                return name##_words[value];                                               \
        }                                                                                 \
        int name##_from(const char *s, size_t n)                                          \
        {                                                                                 \
                return word_find(name##_words, _##PREFIX##_MAX, s, n);                    \
        }

WORDS(EXCHANGE, exchange, EXCHANGE_TABLE, WORD_SAME)
WORDS(SIDE, side, SIDE_TABLE, WORD_SAME)
WORDS(ORDER_TYPE, order_type, TYPE_TABLE, WORD_SAME)
WORDS(PRODUCT, product, PRODUCT_TABLE, WORD_SAME)
WORDS(VALIDITY, validity, VALIDITY_TABLE, WORD_SAME)
WORDS(ORDER_STATUS, order_status, ORDER_STATUS_TABLE, WORD_SAME)
WORDS(SEGMENT, segment, SEGMENT_TABLE, WORD_SAME)
WORDS(OUTCOME, outcome, OUTCOME_TABLE, WORD_OTHER)
WORDS(CONFIDENCE, confidence, CONFIDENCE_TABLE, WORD_OTHER)
WORDS(LEG_STATE, leg_state, LEG_STATE_TABLE, WORD_OTHER)
WORDS(OVERALL, overall, OVERALL_TABLE, WORD_OTHER)
