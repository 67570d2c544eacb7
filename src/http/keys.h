/* The keys file: who may call, with what, from where, until when. It holds hashes only; a token is
 * shown once, when it is made. Knows nothing of the server, so that `ordoctl key` can use it.
 *
 *   {"keys": [{"name": "desk", "hash": "sha256:<64 hex digits>", "scopes": ["read", "trade"],
 *              "accounts": ["paper:demo"], "cidrs": ["192.0.2.0/24"], "expires":
 * "2027-03-31T00:00:00+05:30"}]}
 *
 * accounts, cidrs and expires may be left out or null: all accounts, every address, for ever.
 * "limits": {"max_order_value": "50000.00", "orders_per_day": 100}, names as in key_limit.c: those
 * of this key alone, in place of the options'. "dead_man": seconds, with "dead_man_level" (CANCEL
 * unless given): see dead_man.h. SHA-256 without salt or stretching is right here, because a token
 * is 256 random bits and cannot be guessed from its hash. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "domain/account.h"
#include "domain/order.h"
#include "http/address.h"
#include "http/key_limit.h"
#include "http/rate.h"
#include "orchestrator/dead_man.h"

#define KEYS_MAX         256
#define KEYS_FILE_MAX    (1U << 20)
#define KEY_NETWORKS_MAX 32
#define KEY_HASH_SIZE    32
#define KEY_TOKEN_SIZE   49          /* "ordo_", 43 characters of base64url, NUL */
#define KEY_API_TOKEN    "api-token" /* the name of the key in ORDO_API_TOKEN */

enum scope {
        SCOPE_READ = 1 << 0,
        SCOPE_TRADE = 1 << 1,
        SCOPE_ADMIN = 1 << 2,
        SCOPE_ALL = SCOPE_READ | SCOPE_TRADE | SCOPE_ADMIN,
};
const char *scope_name(enum scope one);  /* "read" */
int scope_from(const char *s, size_t n); /* -EINVAL */

struct api_key {
        char name[KEY_NAME_SIZE];
        uint8_t hash[KEY_HASH_SIZE];
        unsigned scopes;
        char (*account_ids)[ACCOUNT_SIZE]; /* n_accounts of them; NULL: all */
        unsigned n_accounts;
        const char *
                *accounts; /* the same, NULL-terminated, as struct caller wants them; NULL: all */
        struct network *networks; /* NULL: every address */
        unsigned n_networks;
        int64_t expires_us; /* wall clock; 0: never */
        int64_t dead_man_s; /* silent for longer after it has traded: the kill switch; 0: no */
        enum kill_level dead_man_level;
        bool has_limits; /* then `limits` holds for it, and not the options' */
        struct account_limits limits;
        struct rate rate; /* run time: the server's */
};

/* Counted, because a request keeps the key it came with while the file is read anew. */
struct keyring {
        unsigned refs;
        unsigned n, size;
        struct api_key *keys;
};

int keyring_new(struct keyring **ret);
struct keyring *keyring_ref(struct keyring *k);
struct keyring *keyring_unref(struct keyring *k); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct keyring *, keyring_unref)

/* All faults, a line each, in `ret_faults`; `where` names the source in them. 0; 1 there are
 * faults; -ENOMEM. */
int keyring_parse(const char *text, size_t n, const char *where, struct text *ret_faults,
                  struct keyring **ret);
/* As keyring_parse(). A file that others than its owner may write to is refused; one that is not
 * there holds no keys. */
int keyring_load(const char *path, struct text *ret_faults, struct keyring **ret);
/* Replaces the file in one step (mode 0600). Negative errno. */
int keyring_save(const char *path, const struct keyring *k);
void keyring_print(const struct keyring *k, struct text *ret);

struct api_key *keyring_find(const struct keyring *k, const char *name); /* NULL */
/* Appends an empty key: borrowed, until the next one is added. -ENOSPC, -ENOMEM. */
int keyring_add(struct keyring *k, struct api_key **ret);
bool keyring_remove(struct keyring *k, const char *name);

/* 1 … 32 of A-Za-z0-9._-, and none of the names that stand for Ordo itself in the audit. */
/* "60", "60s": between DEAD_MAN_MIN_S and DEAD_MAN_MAX_S; "HALT", "CANCEL", "FLATTEN". -EINVAL. */
int key_set_dead_man(struct api_key *key, const char *seconds, const char *level);
const char *key_dead_man_level(const struct api_key *key);
/* "max_order_value=50000.00". -EINVAL. */
int key_set_limit(struct api_key *key, const char *limit, size_t n);
bool key_name_valid(const char *s, size_t n);
/* -EINVAL for a malformed or doubled id, -ENOMEM. */
int key_allow_account(struct api_key *key, const char *id, size_t n);
int key_allow_network(struct api_key *key, const char *cidr, size_t n);
void key_make_token(char ret_token[static KEY_TOKEN_SIZE]);
void key_hash(const void *token, size_t n, uint8_t ret[static KEY_HASH_SIZE]);
