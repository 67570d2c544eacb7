/* Strict JSON over json-c, and a writer over text.
 *
 * json-c is lenient: it accepts duplicate keys, saturates huge integers, cuts keys at NUL and takes
 * comments. So the bytes are scanned first: one complete value, UTF-8, no duplicate keys, no NUL in
 * strings, depth and number of members bounded, every number in JSON's grammar. Only then does
 * json-c see them. Numbers keep their text (json_decimal() reads them exactly). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/text.h"

#define JSON_DEPTH_MAX   8
#define JSON_MEMBERS_MAX 512 /* members and elements in all, of a client's body */

struct json_limits {
        unsigned depth;   /* 0: JSON_DEPTH_MAX */
        unsigned members; /* 0: JSON_MEMBERS_MAX */
};

struct json_fault {
        char pointer[128]; /* RFC 6901; "" is the whole document */
        char detail[160];  /* one English sentence without a full stop; never echoes a value */
};

/* 0 clean; 1 fault filled; -ENOMEM. Allocates for the keys of a large document, within `members`.
 */
int json_scan(const char *s, size_t n, const struct json_limits *limits, struct json_fault *ret);
/* Scan, then parse. 0: `*ret` owned by the caller (json_object_put); 1: fault filled; -ENOMEM. */
int json_parse(const char *s, size_t n, const struct json_limits *limits, struct json_object **ret,
               struct json_fault *ret_fault);

static inline struct json_object *json_free(struct json_object *o)
{
        json_object_put(o);
        return NULL;
}
DEFINE_CLEANUP(struct json_object *, json_free)

/* Getters: 0 found; 1 absent or null; -EINVAL wrong type or not exact; -ERANGE out of bounds. */
int json_get_string(struct json_object *o, const char *key, const char **ret);
int json_get_int(struct json_object *o, const char *key, int64_t min, int64_t max, int64_t *ret);
/* JSON number or decimal string, exact. */
int json_get_decimal(struct json_object *o, const char *key, int64_t *ret);
int json_get_bool(struct json_object *o, const char *key, bool *ret);
int json_value_int(struct json_object *value, int64_t min, int64_t max, int64_t *ret);
int json_value_decimal(struct json_object *value, int64_t *ret);

/* Writer. Commas are put by the writer; keys are NULL inside arrays. Values of NULL write null. */
struct json_writer {
        struct text *text;
        bool comma;
};
#define JSON_WRITER(t)       \
        (struct json_writer) \
        {                    \
                .text = (t)  \
        }
void json_object_begin(struct json_writer *w, const char *key);
void json_object_finish(struct json_writer *w);
void json_array_begin(struct json_writer *w, const char *key);
void json_array_finish(struct json_writer *w);
void json_put_string(struct json_writer *w, const char *key, const char *value);
void json_put_bytes(struct json_writer *w, const char *key, const char *value, size_t n);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
void json_put_decimal(struct json_writer *w, const char *key, int64_t value); /* a string */
void json_put_number(struct json_writer *w, const char *key, int64_t value);  /* a number: 1000.5 */
void json_put_time(struct json_writer *w, const char *key, int64_t wall_us);  /* 0: null */
/* Milliseconds with one decimal place as a number, from microseconds: 1.1 */
void json_put_ms(struct json_writer *w, const char *key, int64_t us);
/* An array of strings, from words with a space between each two. */
void json_put_words(struct json_writer *w, const char *key, const char *words);
/* `raw` is already JSON. */
void json_put_raw(struct json_writer *w, const char *key, const char *raw, size_t n);
/* The escaped string with its quotes, no comma handling. */
void json_add_quoted(struct text *t, const char *s, size_t n);
