#include "http/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static const char *const reserved_names[] = {KEY_API_TOKEN, "operator", "reconcile",  "ordod",
                                             "callback",    "signal",   "killswitch", "dead-man"};

static const struct {
        enum scope scope;
        const char *name;
} scopes[] = {{SCOPE_READ, "read"}, {SCOPE_TRADE, "trade"}, {SCOPE_ADMIN, "admin"}};

const char *scope_name(enum scope one)
{
        for (size_t i = 0; i < ELEMENTS(scopes); i++)
                if (scopes[i].scope == one)
                        return scopes[i].name;
        return "";
}

int scope_from(const char *s, size_t n)
{
        for (size_t i = 0; i < ELEMENTS(scopes); i++)
                if (strlen(scopes[i].name) == n && memcmp(scopes[i].name, s, n) == 0)
                        return (int)scopes[i].scope;
        return -EINVAL;
}

static void key_done(struct api_key *key)
{
        free(key->account_ids);
        free(key->accounts);
        free(key->networks);
}

int keyring_new(struct keyring **ret)
{
        struct keyring *k = calloc(1, sizeof(*k));

        if (!k)
                return -ENOMEM;
        k->refs = 1;
        *ret = k;
        return 0;
}

struct keyring *keyring_ref(struct keyring *k)
{
        k->refs++;
        return k;
}

struct keyring *keyring_unref(struct keyring *k)
{
        if (!k || --k->refs > 0)
                return NULL;
        for (unsigned i = 0; i < k->n; i++)
                key_done(&k->keys[i]);
        free(k->keys);
        free(k);
        return NULL;
}

struct api_key *keyring_find(const struct keyring *k, const char *name)
{
        for (unsigned i = 0; i < k->n; i++)
                if (strcmp(k->keys[i].name, name) == 0)
                        return &k->keys[i];
        return NULL;
}

int keyring_add(struct keyring *k, struct api_key **ret)
{
        if (k->n >= KEYS_MAX)
                return -ENOSPC;
        if (k->n == k->size) {
                unsigned size = k->size > 0 ? 2 * k->size : 4;
                struct api_key *keys = reallocarray(k->keys, size, sizeof(*keys));
                if (!keys)
                        return -ENOMEM;
                k->keys = keys;
                k->size = size;
        }
        *ret = &k->keys[k->n++];
        **ret = (struct api_key){};
        return 0;
}

bool keyring_remove(struct keyring *k, const char *name)
{
        struct api_key *key = keyring_find(k, name);

        if (!key)
                return false;
        key_done(key);
        size_t behind = (size_t)(k->keys + k->n - (key + 1));
        memmove(key, key + 1, behind * sizeof(*key));
        k->n--;
        return true;
}

bool key_name_valid(const char *s, size_t n)
{
        if (n == 0 || n >= KEY_NAME_SIZE ||
            !text_only(s, n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"))
                return false;
        for (size_t i = 0; i < ELEMENTS(reserved_names); i++)
                if (strlen(reserved_names[i]) == n && memcmp(reserved_names[i], s, n) == 0)
                        return false;
        return true;
}

/* The orchestrator's words; ordoctl does not have its code. */
static const char *const levels[] = {
#define X(w) #w,
        KILL_LEVEL_TABLE(X)
#undef X
};

int key_set_dead_man(struct api_key *key, const char *seconds, const char *level)
{
        size_t n = strlen(seconds);
        int64_t s;

        if (n > 1 && seconds[n - 1] == 's')
                n--;
        if (text_parse_int(seconds, n, DEAD_MAN_MIN_S, DEAD_MAN_MAX_S, &s) < 0)
                return -EINVAL;
        for (unsigned i = KILL_LEVEL_HALT; i < ELEMENTS(levels); i++)
                if (strcmp(levels[i], level) == 0) {
                        key->dead_man_s = s;
                        key->dead_man_level = (enum kill_level)i;
                        return 0;
                }
        return -EINVAL;
}

int key_set_limit(struct api_key *key, const char *limit, size_t n)
{
        int r = key_limit_parse(limit, n, &key->limits);

        if (r == 0)
                key->has_limits = true;
        return r;
}

const char *key_dead_man_level(const struct api_key *key)
{
        return levels[key->dead_man_level];
}

int key_allow_account(struct api_key *key, const char *id, size_t n)
{
        char account[ACCOUNT_SIZE];

        if (account_id_parse(id, n, account) < 0 || key->n_accounts >= ACCOUNTS_MAX)
                return -EINVAL;
        for (unsigned i = 0; i < key->n_accounts; i++)
                if (strcmp(key->account_ids[i], account) == 0)
                        return -EINVAL;
        if (!key->account_ids) {
                key->account_ids = calloc(ACCOUNTS_MAX, sizeof(*key->account_ids));
                key->accounts = calloc(ACCOUNTS_MAX + 1, sizeof(*key->accounts));
                if (!key->account_ids || !key->accounts)
                        return -ENOMEM;
        }
        memcpy(key->account_ids[key->n_accounts], account, sizeof(account));
        key->accounts[key->n_accounts] = key->account_ids[key->n_accounts];
        key->n_accounts++;
        return 0;
}

int key_allow_network(struct api_key *key, const char *cidr, size_t n)
{
        struct network net;

        if (network_parse(cidr, n, &net) < 0 || key->n_networks >= KEY_NETWORKS_MAX)
                return -EINVAL;
        if (!key->networks) {
                key->networks = calloc(KEY_NETWORKS_MAX, sizeof(*key->networks));
                if (!key->networks)
                        return -ENOMEM;
        }
        key->networks[key->n_networks++] = net;
        return 0;
}

void key_make_token(char ret_token[static KEY_TOKEN_SIZE])
{
        static const char prefix[] = "ordo_";
        uint8_t random[32];

        _Static_assert(KEY_TOKEN_SIZE == sizeof(prefix) + 43, "prefix and 32 bytes in base64url");
        randombytes_buf(random, sizeof(random));
        memcpy(ret_token, prefix, sizeof(prefix));
        sodium_bin2base64(ret_token + sizeof(prefix) - 1, KEY_TOKEN_SIZE - sizeof(prefix) + 1,
                          random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        sodium_memzero(random, sizeof(random));
}

void key_hash(const void *token, size_t n, uint8_t ret[static KEY_HASH_SIZE])
{
        _Static_assert(KEY_HASH_SIZE == crypto_hash_sha256_BYTES, "SHA-256");
        crypto_hash_sha256(ret, token, n);
}
