/* Seals what must not lie readable in the ledger: broker tokens, login secrets. XChaCha20-Poly1305
 * with a random nonce; table, account and column are authenticated with it, so that a sealed value
 * moved to another place does not open. A sealed value names its key (the id is a hash of the key),
 * so that keys can be changed one day while old values still open.
 *
 *   byte 0       1: this form
 *   bytes 1-8    key id
 *   bytes 9-32   nonce
 *   rest         ciphertext with its 16-byte tag */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define VAULT_KEY_SIZE    32
#define VAULT_KEY_ID_SIZE 8
#define VAULT_OVERHEAD    (1 + VAULT_KEY_ID_SIZE + 24 + 16)
#define VAULT_VALUE_MAX   65536 /* bytes of one secret */

struct vault;

/* Copies `key`. 0; -EINVAL: not VAULT_KEY_SIZE bytes; -ENOMEM. */
int vault_new(const struct secret *key, struct vault **ret);
struct vault *vault_free(struct vault *v);
DEFINE_CLEANUP(struct vault *, vault_free)

const uint8_t *vault_key_id(const struct vault *v); /* VAULT_KEY_ID_SIZE bytes */

/* `*ret` is free()'d by the caller. 0, -E2BIG, -ENOMEM. */
int vault_seal(const struct vault *v, const char *table, const char *account, const char *column,
               const struct secret *value, void **ret, size_t *ret_size);
/* 0; -EBADMSG: damaged, or sealed for another place; -ENOKEY: sealed with another key; -EPROTO: a
 * form that this program does not know; -ENOMEM. */
int vault_open(const struct vault *v, const char *table, const char *account, const char *column,
               const void *sealed, size_t size, struct secret **ret);

/* The key in `path` (64 hex digits, or 32 raw bytes as a credential may hold). 0; -ENOENT; -EINVAL:
 * neither of the two; -EPERM: others may read it; other negative errno. */
int vault_key_load(const char *path, struct secret **ret);
/* Makes a new key in a file of its own: never over another one, 0600, synced. 0; -EEXIST; other
 * errno. */
int vault_key_create(const char *path, struct secret **ret);
