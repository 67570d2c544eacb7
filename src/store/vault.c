#include "store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"

#define FORM      1
#define AT_KEY_ID 1
#define AT_NONCE  (AT_KEY_ID + VAULT_KEY_ID_SIZE)
#define AT_TEXT   (AT_NONCE + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
#define HEX_SIZE  (2 * VAULT_KEY_SIZE)

_Static_assert(VAULT_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(VAULT_OVERHEAD == AT_TEXT + crypto_aead_xchacha20poly1305_ietf_ABYTES, "overhead");

struct vault {
        struct secret *key;
        uint8_t key_id[VAULT_KEY_ID_SIZE];
};

int vault_new(const struct secret *key, struct vault **ret)
{
        static const char purpose[] = "ordo vault key id";

        if (!key || secret_size(key) != VAULT_KEY_SIZE)
                return -EINVAL;
        if (sodium_init() < 0)
                return -EIO;
        _cleanup_(vault_freep) struct vault *v = calloc(1, sizeof(*v));
        if (!v)
                return -ENOMEM;
        v->key = secret_new(secret_bytes(key), VAULT_KEY_SIZE);
        if (!v->key)
                return -ENOMEM;
        /* keyed, so that the id of a key tells nothing else about it */
        uint8_t hash[crypto_generichash_BYTES];
        crypto_generichash(hash, sizeof(hash), (const uint8_t *)purpose, sizeof(purpose),
                           secret_bytes(v->key), VAULT_KEY_SIZE);
        memcpy(v->key_id, hash, sizeof(v->key_id));
        *ret = TAKE(v);
        return 0;
}

struct vault *vault_free(struct vault *v)
{
        if (!v)
                return NULL;
        secret_free(v->key);
        free(v);
        return NULL;
}

const uint8_t *vault_key_id(const struct vault *v)
{
        return v->key_id;
}

/* Each part with its NUL, so that no two places read alike. */
static void place(struct text *t, const char *table, const char *account, const char *column)
{
        text_add_bytes(t, table, strlen(table) + 1);
        text_add_bytes(t, account, strlen(account) + 1);
        text_add_bytes(t, column, strlen(column) + 1);
}

int vault_seal(const struct vault *v, const char *table, const char *account, const char *column,
               const struct secret *value, void **ret, size_t *ret_size)
{
        size_t n = secret_size(value);
        struct text where = TEXT_NULL;

        if (n > VAULT_VALUE_MAX)
                return -E2BIG;
        uint8_t *out = malloc(n + VAULT_OVERHEAD);
        place(&where, table, account, column);
        if (!out || where.failed) {
                free(out);
                text_done(&where);
                return -ENOMEM;
        }
        out[0] = FORM;
        memcpy(out + AT_KEY_ID, v->key_id, sizeof(v->key_id));
        randombytes_buf(out + AT_NONCE, AT_TEXT - AT_NONCE);
        crypto_aead_xchacha20poly1305_ietf_encrypt(out + AT_TEXT, NULL, secret_bytes(value), n,
                                                   (const uint8_t *)where.data, where.len, NULL,
                                                   out + AT_NONCE, secret_bytes(v->key));
        text_done(&where);
        *ret = out;
        *ret_size = n + VAULT_OVERHEAD;
        return 0;
}

int vault_open(const struct vault *v, const char *table, const char *account, const char *column,
               const void *sealed, size_t size, struct secret **ret)
{
        const uint8_t *in = sealed;
        struct text where = TEXT_NULL;

        if (size < VAULT_OVERHEAD || size > VAULT_OVERHEAD + VAULT_VALUE_MAX)
                return -EBADMSG;
        if (in[0] != FORM)
                return -EPROTO;
        if (memcmp(in + AT_KEY_ID, v->key_id, sizeof(v->key_id)) != 0)
                return -ENOKEY;
        size_t n = size - VAULT_OVERHEAD;
        uint8_t *plain = malloc(n + 1);
        place(&where, table, account, column);
        int r = !plain || where.failed ? -ENOMEM : 0;
        if (r == 0 &&
            crypto_aead_xchacha20poly1305_ietf_decrypt(
                    plain, NULL, NULL, in + AT_TEXT, size - AT_TEXT, (const uint8_t *)where.data,
                    where.len, in + AT_NONCE, secret_bytes(v->key)) != 0)
                r = -EBADMSG;
        if (r == 0) {
                *ret = secret_new(plain, n);
                r = *ret ? 0 : -ENOMEM;
        }
        if (plain)
                secret_wipe(plain, n);
        free(plain);
        text_done(&where);
        return r;
}

static int parse_key(const uint8_t *bytes, size_t n, struct secret **ret)
{
        uint8_t key[VAULT_KEY_SIZE];
        size_t size;

        if (n != VAULT_KEY_SIZE) {
                while (n > HEX_SIZE && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
                        n--;
                if (n != HEX_SIZE || sodium_hex2bin(key, sizeof(key), (const char *)bytes, n, NULL,
                                                    &size, NULL) != 0)
                        return -EINVAL;
                bytes = key;
        }
        *ret = secret_new(bytes, VAULT_KEY_SIZE);
        secret_wipe(key, sizeof(key));
        return *ret ? 0 : -ENOMEM;
}

int vault_key_load(const char *path, struct secret **ret)
{
        uint8_t bytes[HEX_SIZE + 8];
        struct stat st;

        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_mode & (S_IRWXO | S_IWGRP))
                return -EPERM;
        ssize_t n = file_read_bytes(fd, bytes, sizeof(bytes));
        if (n < 0)
                return (int)n;
        int r = parse_key(bytes, (size_t)n, ret);
        secret_wipe(bytes, sizeof(bytes));
        return r;
}

static int write_key(int fd, const uint8_t key[static VAULT_KEY_SIZE])
{
        char line[HEX_SIZE + 1];

        sodium_bin2hex(line, sizeof(line), key, VAULT_KEY_SIZE);
        line[HEX_SIZE] = '\n';
        int r = file_write(fd, line, sizeof(line));
        secret_wipe(line, sizeof(line));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

int vault_key_create(const char *path, struct secret **ret)
{
        uint8_t key[VAULT_KEY_SIZE];

        if (sodium_init() < 0)
                return -EIO;
        _cleanup_(closep) int fd =
                open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        randombytes_buf(key, sizeof(key));
        int r = write_key(fd, key);
        if (r == 0)
                r = file_sync_directory(path);
        if (r == 0) {
                *ret = secret_new(key, sizeof(key));
                r = *ret ? 0 : -ENOMEM;
        }
        secret_wipe(key, sizeof(key));
        if (r < 0)
                unlink(path);
        return r;
}
