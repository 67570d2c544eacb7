#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/vault.h"
#include "suite.h"

static struct vault *vault_of(uint8_t fill)
{
        uint8_t key[VAULT_KEY_SIZE];
        struct vault *v;

        memset(key, fill, sizeof(key));
        _cleanup_(secret_freep) struct secret *s = secret_new(key, sizeof(key));
        ck_assert_int_eq(vault_new(s, &v), 0);
        return v;
}

START_TEST(opens_what_it_sealed)
{
        _cleanup_(vault_freep) struct vault *v = vault_of(7);
        static const size_t sizes[] = {0, 1, 64, 4096, VAULT_VALUE_MAX};
        char bytes[VAULT_VALUE_MAX];

        memset(bytes, 'x', sizeof(bytes));
        for (unsigned i = 0; i < ELEMENTS(sizes); i++) {
                _cleanup_(secret_freep) struct secret *in = secret_new(bytes, sizes[i]);
                _cleanup_(secret_freep) struct secret *out = NULL;
                _cleanup_(freep) void *sealed = NULL;
                size_t n;
                ck_assert_int_eq(vault_seal(v, "sessions", "a:b", "token", in, &sealed, &n), 0);
                ck_assert_uint_eq(n, sizes[i] + VAULT_OVERHEAD);
                if (sizes[i] >= 64)
                        ck_assert_ptr_null(memmem(sealed, n, bytes, 16));
                ck_assert_int_eq(vault_open(v, "sessions", "a:b", "token", sealed, n, &out), 0);
                ck_assert(secret_equal(out, bytes, sizes[i]));
        }
}
END_TEST

START_TEST(two_seals_of_one_value_differ)
{
        _cleanup_(vault_freep) struct vault *v = vault_of(7);
        _cleanup_(secret_freep) struct secret *in = secret_new("token", 5);
        _cleanup_(freep) void *a = NULL;
        _cleanup_(freep) void *b = NULL;
        size_t n, m;

        ck_assert_int_eq(vault_seal(v, "t", "a", "c", in, &a, &n), 0);
        ck_assert_int_eq(vault_seal(v, "t", "a", "c", in, &b, &m), 0);
        ck_assert_uint_eq(n, m);
        ck_assert_mem_ne(a, b, n);
}
END_TEST

START_TEST(what_was_moved_or_changed_does_not_open)
{
        _cleanup_(vault_freep) struct vault *v = vault_of(7);
        _cleanup_(vault_freep) struct vault *other = vault_of(8);
        _cleanup_(secret_freep) struct secret *in = secret_new("token", 5);
        _cleanup_(freep) void *sealed = NULL;
        struct secret *out = NULL;
        size_t n;

        ck_assert_int_eq(vault_seal(v, "sessions", "a:b", "token", in, &sealed, &n), 0);
        ck_assert_int_eq(vault_open(v, "session", "a:b", "token", sealed, n, &out), -EBADMSG);
        ck_assert_int_eq(vault_open(v, "sessions", "a:c", "token", sealed, n, &out), -EBADMSG);
        ck_assert_int_eq(vault_open(v, "sessions", "a:b", "totp", sealed, n, &out), -EBADMSG);
        ck_assert_int_eq(vault_open(v, "sessionsa", ":b", "token", sealed, n, &out), -EBADMSG);
        ck_assert_int_eq(vault_open(other, "sessions", "a:b", "token", sealed, n, &out), -ENOKEY);
        ck_assert_mem_ne(vault_key_id(v), vault_key_id(other), VAULT_KEY_ID_SIZE);
        for (size_t i = 0; i < n; i++) {
                uint8_t *byte = (uint8_t *)sealed + i;
                *byte ^= 0x40;
                int r = vault_open(v, "sessions", "a:b", "token", sealed, n, &out);
                ck_assert_int_eq(r, i == 0 ? -EPROTO : i <= VAULT_KEY_ID_SIZE ? -ENOKEY : -EBADMSG);
                *byte ^= 0x40;
        }
        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(vault_open(v, "sessions", "a:b", "token", sealed, i, &out),
                                 -EBADMSG);
        ck_assert_ptr_null(out);
}
END_TEST

START_TEST(limits)
{
        _cleanup_(vault_freep) struct vault *v = vault_of(7);
        static char big[VAULT_VALUE_MAX + 1];
        _cleanup_(secret_freep) struct secret *in = secret_new(big, sizeof(big));
        _cleanup_(secret_freep) struct secret *short_key = secret_new(big, VAULT_KEY_SIZE - 1);
        struct vault *none = NULL;
        void *sealed = NULL;
        size_t n;

        ck_assert_int_eq(vault_seal(v, "t", "a", "c", in, &sealed, &n), -E2BIG);
        ck_assert_int_eq(vault_new(short_key, &none), -EINVAL);
        ck_assert_int_eq(vault_new(NULL, &none), -EINVAL);
        ck_assert_ptr_null(vault_free(NULL));
}
END_TEST

static char path[] = "/tmp/ordo-vault-XXXXXX/key";

static void make_directory(void)
{
        char *slash = strrchr(path, '/');
        *slash = '\0';
        memcpy(slash - 6, "XXXXXX", 6);
        ck_assert_ptr_nonnull(mkdtemp(path));
        *slash = '/';
}

static void remove_directory(void)
{
        char *slash = strrchr(path, '/');
        unlink(path);
        *slash = '\0';
        rmdir(path);
        *slash = '/';
}

START_TEST(a_key_file_is_made_once)
{
        _cleanup_(secret_freep) struct secret *made = NULL;
        _cleanup_(secret_freep) struct secret *read = NULL;
        struct secret *none = NULL;
        struct stat st;

        make_directory();
        ck_assert_int_eq(vault_key_load(path, &none), -ENOENT);
        umask(0);
        ck_assert_int_eq(vault_key_create(path, &made), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        ck_assert_int_eq(vault_key_create(path, &none), -EEXIST);
        ck_assert_int_eq(vault_key_load(path, &read), 0);
        ck_assert(secret_equal(read, secret_bytes(made), secret_size(made)));
        chmod(path, 0644);
        ck_assert_int_eq(vault_key_load(path, &none), -EPERM);
        remove_directory();
        ck_assert_int_eq(vault_key_create("/nonexistent/key", &none), -ENOENT);
        ck_assert_ptr_null(none);
}
END_TEST

START_TEST(keys_in_files)
{
#define HEX32 "00112233445566778899aabbccddeeff"
        static const struct {
                const char *text;
                int expected;
        } cases[] = {
                {HEX32 HEX32, 0},
                {HEX32 HEX32 "\n", 0},
                {HEX32 HEX32 "\r\n", 0},
                {HEX32, 0}, /* 32 raw bytes */
                {"", -EINVAL},
                {HEX32 "\n", -EINVAL},
                {HEX32 HEX32 "0", -EINVAL},
                {HEX32 HEX32 "00000000000", -EINVAL},
                {HEX32 HEX32 " \n", -EINVAL},
                {"zz112233445566778899aabbccddeeff" HEX32, -EINVAL},
        };

        make_directory();
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(secret_freep) struct secret *key = NULL;
                int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
                ck_assert_int_eq(write(fd, cases[i].text, strlen(cases[i].text)),
                                 (ssize_t)strlen(cases[i].text));
                close(fd);
                int r = vault_key_load(path, &key);
                ck_assert_msg(r == cases[i].expected, "case %u: %d", i, r);
                ck_assert((key != NULL) == (r == 0));
                if (key)
                        ck_assert_uint_eq(secret_size(key), VAULT_KEY_SIZE);
        }
        remove_directory();
        struct secret *none = NULL;
        ck_assert_int_eq(vault_key_load("/tmp", &none), -EINVAL);
}
END_TEST

SUITE("vault", opens_what_it_sealed, two_seals_of_one_value_differ,
      what_was_moved_or_changed_does_not_open, limits, a_key_file_is_made_once, keys_in_files)
