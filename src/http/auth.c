#include "http/auth.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

static int auth_add_token(struct keyring *ring, const struct secret *token, struct text *ret_faults)
{
        uint8_t hash[KEY_HASH_SIZE];
        struct api_key *key;

        key_hash(secret_bytes(token), secret_size(token), hash);
        for (unsigned i = 0; i < ring->n; i++)
                if (sodium_memcmp(ring->keys[i].hash, hash, sizeof(hash)) == 0) {
                        text_addf(ret_faults, "the key %s holds the token of ORDO_API_TOKEN\n",
                                  ring->keys[i].name);
                        return 1;
                }
        int r = keyring_add(ring, &key);
        if (r == -ENOSPC) {
                text_addf(ret_faults, "a key file may hold %d keys\n", KEYS_MAX - 1);
                return 1;
        }
        if (r < 0)
                return r;
        text_copy(key->name, sizeof(key->name), KEY_API_TOKEN);
        memcpy(key->hash, hash, sizeof(hash));
        key->scopes = SCOPE_ALL;
        return 0;
}

int auth_load(const struct secret *token, const char *path, struct text *ret_faults,
              struct keyring **ret)
{
        _cleanup_(keyring_unrefp) struct keyring *ring = NULL;

        int r = path ? keyring_load(path, ret_faults, &ring) : keyring_new(&ring);
        if (r == 0 && token)
                r = auth_add_token(ring, token, ret_faults);
        if (r != 0)
                return r;
        *ret = TAKE(ring);
        return 0;
}

void auth_swap(struct auth *a, struct keyring *fresh)
{
        for (unsigned i = 0; a->keyring && i < fresh->n; i++) {
                const struct api_key *old = keyring_find(a->keyring, fresh->keys[i].name);
                if (old)
                        fresh->keys[i].rate = old->rate;
        }
        keyring_unref(a->keyring);
        a->keyring = fresh;
}

/* The token behind "Bearer "; NULL: the header has another form. */
static const char *bearer(const char *s, size_t n, size_t *ret_size)
{
        static const char scheme[] = "bearer ";
        size_t i = sizeof(scheme) - 1;

        if (n <= i || strncasecmp(s, scheme, i) != 0)
                return NULL;
        while (i < n && s[i] == ' ')
                i++;
        *ret_size = n - i;
        return i < n && !memchr(s + i, ' ', n - i) ? s + i : NULL;
}

/* Compares with every key, found or not, so that time tells nothing about where a match lies. */
static struct api_key *auth_find(const struct keyring *ring, const char *token, size_t n)
{
        struct api_key *found = NULL;
        uint8_t hash[KEY_HASH_SIZE];

        key_hash(token, n, hash);
        for (unsigned i = 0; i < ring->n; i++)
                if (sodium_memcmp(ring->keys[i].hash, hash, sizeof(hash)) == 0)
                        found = &ring->keys[i];
        return found;
}

static bool address_allowed(const struct api_key *key, const struct address *address)
{
        for (unsigned i = 0; i < key->n_networks; i++)
                if (address && network_holds(&key->networks[i], address))
                        return true;
        return key->n_networks == 0;
}

enum problem auth_check(struct auth *a, const struct auth_request *r, struct auth_answer *ret)
{
        size_t size = 0;

        *ret = (struct auth_answer){};
        const char *token = r->authorization ? bearer(r->authorization, r->size, &size) : NULL;
        struct api_key *key = token ? auth_find(a->keyring, token, size) : NULL;

        if (!r->authorization)
                ret->reason = "missing";
        else if (!token)
                ret->reason = "malformed";
        else if (!key)
                ret->reason = "unknown";
        else if (key->expires_us && r->wall_us >= key->expires_us)
                ret->reason = "expired";
        if (ret->reason) {
                if (r->authorization && r->address &&
                    !throttle_failed(&a->throttle, r->address, r->mono_us, &ret->retry_after_s))
                        return PROBLEM_AUTH_THROTTLED;
                return PROBLEM_UNAUTHORIZED;
        }
        ret->key = key;
        if (!address_allowed(key, r->address)) {
                ret->reason = "address";
                return PROBLEM_ADDRESS_FORBIDDEN;
        }
        if (!(key->scopes & r->scope)) {
                ret->reason = "scope";
                return PROBLEM_FORBIDDEN;
        }
        return PROBLEM_NONE;
}
