/* What adapters share when they read replies. */
#pragma once

#include "base/json.h"
#include "broker/broker.h"

/* Nobody knows what came of it; for a read: it cannot be used. */
void reading_unknown(struct broker_result *r, const char *what);
/* The broker's definite no; `code` and `message` are its own words (may be NULL). */
void reading_rejected(struct broker_result *r, enum problem problem, const char *code,
                      const char *message);
/* The body as JSON. 0; 1: it is none, and `r` says so; -ENOMEM. */
int reading_json(const struct http_reply *reply, struct json_object **ret, struct broker_result *r);

/* One row of a list into a zeroed struct: 0; 1 leave it out; -EINVAL it cannot be read. */
typedef int reading_row_fn(const struct broker_call *c, struct json_object *row, void *to);
/* The rows of an array, `size` bytes each. 0; 1: no array, or a row that cannot be read: then there
 * are none, because half a book is no book; -ENOMEM. */
int reading_rows(const struct broker_call *c, struct json_object *list, size_t size,
                 reading_row_fn *read, void **ret, unsigned *ret_n);

/* A row's instrument by the broker's name for it. What no master lists gets that name behind the
 * exchange's, as far as it fits, so that no row is ever lost. True: it is listed. */
bool reading_scrip(const struct broker_call *c, enum scrip_by by, const char *name,
                   enum exchange fallback, struct scrip *ret);

/* A moment without a zone, in IST, by a format of strptime() in English. 0 or -EINVAL. */
int reading_time(const char *s, const char *format, int64_t *ret_us);

/* The claims of a JSON Web Token, unverified: it came from the broker over TLS, and only tells when
 * it ends and whose it is. `*ret` is the payload; 0, -EINVAL, -ENOMEM. */
int reading_jwt(const char *token, struct json_object **ret);
