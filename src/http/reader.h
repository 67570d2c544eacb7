/* Reading one JSON object of a client's body, strictly: each reader takes one member, reports what
 * is wrong with it under its pointer, and says whether a good value is there. Strings belong to the
 * object. An explicit null is as good as absent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "http/faults.h"

struct reader {
        struct json_object *object;
        const char *at; /* pointer of the object: "" or "/targets/0" */
        struct faults *faults;
};

enum need { OPTIONAL, REQUIRED };

/* `value` must be an object without members other than `names` (NULL-terminated). False: it is no
 * object, and nothing may be read. */
bool reader_open(struct reader *r, struct json_object *value, const char *at,
                 const char *const *names, struct faults *f);

bool reader_string(struct reader *r, const char *key, enum need need, size_t max, const char **ret);
bool reader_int(struct reader *r, const char *key, enum need need, int64_t min, int64_t max,
                int64_t *ret);
/* 0 < value ≤ max. */
bool reader_decimal(struct reader *r, const char *key, enum need need, int64_t max, int64_t *ret);
bool reader_bool(struct reader *r, const char *key, bool *ret);
/* One of the words `from` knows; `name` gives them, in order, for the message. */
bool reader_word(struct reader *r, const char *key, enum need need,
                 int (*from)(const char *s, size_t n), const char *(*name)(unsigned i), int *ret);
bool reader_has(const struct reader *r, const char *key); /* there and not null */
void reader_fault(struct reader *r, const char *key, const char *detail);

/* The names of words as reader_word() wants them: READER_WORDS(side, SIDE) makes reader_side(). */
#define READER_WORDS(word, MAX)                                             \
        static const char *reader_##word(unsigned i)                        \
        {                                                                   \
                return i < _##MAX##_MAX ? word##_name((enum word)i) : NULL; \
        }
