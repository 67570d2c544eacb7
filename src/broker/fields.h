/* Table-driven mapping between domain structs and a broker's JSON: one row per field, in both
 * directions, so that an adapter is tables and little code. The macros fail to compile when the
 * member's type is wrong. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/json.h"

/* One word of ours and the broker's spelling of it. Ends with text NULL. Reading compares exactly;
 * the first row with the value is written. */
struct word {
        int value;
        const char *text;
};

enum field_type {
        FIELD_TYPE_STRING,
        FIELD_TYPE_INT,
        FIELD_TYPE_DECIMAL,
        FIELD_TYPE_WORD,
        FIELD_TYPE_TIME
};
/* Reading takes exactly the JSON type that is written, unless LENIENT. */
enum field_flag {
        FIELD_OPTIONAL = 1 << 0, /* reading: absence (and null) is fine, the member stays as it is;
                                  * writing: zero values and "" are left out */
        FIELD_AS_NUMBER =
                1 << 1,         /* a JSON number, not a string; also for words like "1" and "-1" */
        FIELD_LENIENT = 1 << 2, /* reading: number or text, either will do */
        /* Reading what a broker prints for people: number or text, thousands' commas, decimals
         * rounded to four places, integers written 5.0; "", "None", "NA" and "-" count as absent.
         */
        FIELD_LOOSE = 1 << 3,
};

#define FIELD_INT_MAX  INT64_C(1000000000000000)   /* either way from zero */
#define FIELD_TIME_MAX INT64_C(253402300800000000) /* the year 10000 */

struct field {
        const char *key;
        enum field_type type;
        unsigned flags;
        size_t offset;
        size_t size;              /* of a string member */
        const struct word *words; /* WORD */
};

/* 0 as a constant expression, or a compile error. */
#define FIELD_REQUIRE(condition, text)              \
        (0 * sizeof(struct {                        \
                 _Static_assert((condition), text); \
                 int x;                             \
         }))
#define FIELD_MEMBER(s, m) (((struct s *)0)->m)
#define FIELD_MEMBER_IS(s, m, t)                                                       \
        FIELD_REQUIRE(__builtin_types_compatible_p(__typeof__(FIELD_MEMBER(s, m)), t), \
                      "field " #m " has another type")
#define FIELD_STRING(k, s, m, f)                                                   \
        {                                                                          \
                .key = (k), .type = FIELD_TYPE_STRING, .flags = (f),               \
                .offset = offsetof(struct s, m) +                                  \
                          FIELD_MEMBER_IS(s, m, char[sizeof(FIELD_MEMBER(s, m))]), \
                .size = sizeof(FIELD_MEMBER(s, m))                                 \
        }
#define FIELD_INT(k, s, m, f)                                                    \
        {                                                                        \
                .key = (k), .type = FIELD_TYPE_INT, .flags = (f),                \
                .offset = offsetof(struct s, m) + FIELD_MEMBER_IS(s, m, int64_t) \
        }
#define FIELD_DECIMAL(k, s, m, f)                                                \
        {                                                                        \
                .key = (k), .type = FIELD_TYPE_DECIMAL, .flags = (f),            \
                .offset = offsetof(struct s, m) + FIELD_MEMBER_IS(s, m, int64_t) \
        }
#define FIELD_WORD(k, s, m, w, f)                                                  \
        {                                                                          \
                .key = (k), .type = FIELD_TYPE_WORD, .flags = (f),                 \
                .offset = offsetof(struct s, m) +                                  \
                          FIELD_REQUIRE(sizeof(FIELD_MEMBER(s, m)) == sizeof(int), \
                                        "field " #m " is no enum"),                \
                .words = (w)                                                       \
        }
/* Microseconds of the wall clock as an integer. */
#define FIELD_TIME(k, s, m, f)                                                   \
        {                                                                        \
                .key = (k), .type = FIELD_TYPE_TIME, .flags = (f),               \
                .offset = offsetof(struct s, m) + FIELD_MEMBER_IS(s, m, int64_t) \
        }

/* Tables end with key NULL. A word that the table of words does not have is a fault of the adapter
 * and asserted; capabilities keep such orders away. */
void fields_write(const struct field *table, const void *from, struct json_writer *w);
/* 0; -EINVAL or -ERANGE: `bad_key` (may be NULL) names the field. Strings that do not fit are
 * -ERANGE, unknown words and strings with a NUL inside -EINVAL. */
int fields_read(const struct field *table, struct json_object *o, void *to, const char **bad_key);
const char *word_text(const struct word *words, int value); /* NULL unknown */
int word_value(const struct word *words, const char *text); /* -EINVAL unknown */
/* The same without regard to case, "_" and "-" being blanks, for brokers that are not consistent.
 */
int word_value_loose(const struct word *words, const char *text);
/* A number as FIELD_LOOSE reads it: 0; 1 absent; -EINVAL, -ERANGE. */
int loose_decimal(struct json_object *value, int64_t *ret);
