/* Who asks, and may he: bearer token → key → scope, address, expiry. Knows no h2o. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "domain/problem.h"
#include "http/keys.h"
#include "http/throttle.h"

struct auth {
        struct keyring *keyring; /* of the file, and the api token's */
        struct throttle throttle;
};

/* Builds the ring from both sources; `token` and `path` may be NULL. As keyring_load(). */
int auth_load(const struct secret *token, const char *path, struct text *ret_faults,
              struct keyring **ret);
/* The new ring takes the place of the old one; keys of the same name keep their rate. */
void auth_swap(struct auth *a, struct keyring *fresh);

struct auth_request {
        const char *authorization; /* the header's value; NULL: none */
        size_t size;
        const struct address *address; /* NULL: unknown */
        unsigned scope;                /* needed: one bit */
        int64_t wall_us, mono_us;
};

struct auth_answer {
        struct api_key *key; /* of a->keyring; NULL unless the token is known and not expired */
        const char
                *reason; /* of a refused token, for metrics: "missing", "malformed", "unknown", … */
        int64_t retry_after_s;
};

/* NONE, UNAUTHORIZED, FORBIDDEN, ADDRESS_FORBIDDEN or AUTH_THROTTLED. */
enum problem auth_check(struct auth *a, const struct auth_request *r, struct auth_answer *ret);
