/* The keys file as text: reading it with all its faults, writing it in one step. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "http/keys.h"
#include "http/reader.h"

#define HASH_PREFIX "sha256:"

static const struct json_limits keys_limits = {.depth = 5, .members = 65536};

static void take_hash(struct reader *r, struct keyring *k, struct api_key *key)
{
        const char *hash, *end;
        size_t prefix = strlen(HASH_PREFIX), n;

        if (!reader_string(r, "hash", REQUIRED, prefix + 2 * KEY_HASH_SIZE, &hash))
                return;
        if (!text_starts(hash, HASH_PREFIX) || strlen(hash) != prefix + 2 * KEY_HASH_SIZE ||
            sodium_hex2bin(key->hash, KEY_HASH_SIZE, hash + prefix, 2 * KEY_HASH_SIZE, NULL, &n,
                           &end) != 0 ||
            n != KEY_HASH_SIZE) {
                reader_fault(r, "hash", "must be sha256: and 64 hexadecimal digits");
                return;
        }
        for (const struct api_key *other = k->keys; other != key; other++)
                if (sodium_memcmp(other->hash, key->hash, KEY_HASH_SIZE) == 0)
                        reader_fault(r, "hash", "belongs to another key already");
}

static void take_name(struct reader *r, struct keyring *k, struct api_key *key)
{
        const char *name;

        if (!reader_string(r, "name", REQUIRED, KEY_NAME_SIZE - 1, &name))
                return;
        if (!key_name_valid(name, strlen(name))) {
                reader_fault(
                        r, "name",
                        "must be letters, digits, dot, dash or underscore, and no reserved name");
                return;
        }
        if (keyring_find(k, name))
                reader_fault(r, "name", "is used twice");
        text_copy(key->name, sizeof(key->name), name);
}

/* A member that is an array of strings; `take` handles one. */
static int take_list(struct reader *r, const char *name, enum need need, struct api_key *key,
                     int (*take)(struct api_key *key, const char *s, size_t n),
                     const char *expected)
{
        struct json_object *list = NULL;
        char pointer[FAULT_POINTER_SIZE], item[FAULT_POINTER_SIZE + 24];

        if (!reader_has(r, name)) {
                if (need == REQUIRED)
                        reader_fault(r, name, "is required");
                return 0;
        }
        json_object_object_get_ex(r->object, name, &list);
        if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0) {
                reader_fault(r, name, "must be a list of at least one string");
                return 0;
        }
        faults_pointer(pointer, r->at, name);
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct json_object *value = json_object_array_get_idx(list, i);
                int result = -EINVAL;

                if (json_object_is_type(value, json_type_string))
                        result = take(key, json_object_get_string(value),
                                      (size_t)json_object_get_string_len(value));
                if (result == -ENOMEM)
                        return result;
                if (result < 0) {
                        snprintf(item, sizeof(item), "%s/%zu", pointer, i);
                        faults_add(r->faults, item, "%s", expected);
                }
        }
        return 0;
}

static int take_scope(struct api_key *key, const char *s, size_t n)
{
        int scope = scope_from(s, n);

        if (scope < 0 || (key->scopes & (unsigned)scope))
                return -EINVAL;
        key->scopes |= (unsigned)scope;
        return 0;
}

static void take_expiry(struct reader *r, struct api_key *key)
{
        const char *expires;

        if (reader_string(r, "expires", OPTIONAL, CLOCK_TEXT_SIZE, &expires) &&
            clock_parse(expires, strlen(expires), &key->expires_us) < 0)
                reader_fault(r, "expires", "must be a time like 2027-03-31T00:00:00+05:30");
}

static void take_dead_man(struct reader *r, struct api_key *key)
{
        const char *level = "CANCEL";
        char text[24];
        int64_t s = 0;

        if (!reader_has(r, "dead_man")) {
                if (reader_has(r, "dead_man_level"))
                        reader_fault(r, "dead_man_level", "needs dead_man");
                return;
        }
        if (!reader_int(r, "dead_man", REQUIRED, DEAD_MAN_MIN_S, DEAD_MAN_MAX_S, &s))
                return;
        (void)reader_string(r, "dead_man_level", OPTIONAL, sizeof("FLATTEN"), &level);
        snprintf(text, sizeof(text), "%lld", (long long)s);
        if (key_set_dead_man(key, text, level) < 0)
                reader_fault(r, "dead_man_level", "must be HALT, CANCEL or FLATTEN");
}

/* None of them, in an empty object, is a way to have the options' not hold. */
static void take_limits(struct reader *r, struct api_key *key)
{
        const char *names[KEY_LIMITS + 1] = {};
        char at[FAULT_POINTER_SIZE];
        struct json_object *value = NULL;
        struct reader in;

        if (!reader_has(r, "limits"))
                return;
        for (size_t i = 0; i < KEY_LIMITS; i++)
                names[i] = key_limits[i].name;
        json_object_object_get_ex(r->object, "limits", &value);
        faults_pointer(at, r->at, "limits");
        if (!reader_open(&in, value, at, names, r->faults))
                return;
        key->has_limits = true;
        for (size_t i = 0; i < KEY_LIMITS; i++) {
                const struct key_limit *k = &key_limits[i];
                int64_t given = 0;
                bool good = k->decimal ? reader_decimal(&in, k->name, OPTIONAL, k->max, &given)
                                       : reader_int(&in, k->name, OPTIONAL, 1, k->max, &given);
                if (good)
                        *key_limit_at(k, &key->limits) = given * k->scale;
        }
}

static int take_key(struct json_object *value, const char *at, struct keyring *k, struct faults *f)
{
        static const char *const names[] = {"name",   "hash",    "scopes",   "accounts",
                                            "cidrs",  "expires", "dead_man", "dead_man_level",
                                            "limits", NULL};
        struct api_key *key;
        struct reader r;

        if (!reader_open(&r, value, at, names, f))
                return 0;
        int result = keyring_add(k, &key);
        if (result == -ENOSPC) {
                faults_add(f, at, "is one too many: a file may hold %d keys", KEYS_MAX);
                return 0;
        }
        if (result < 0)
                return result;
        take_hash(&r, k, key);
        take_name(&r, k, key);
        take_expiry(&r, key);
        take_dead_man(&r, key);
        take_limits(&r, key);
        result = take_list(&r, "scopes", REQUIRED, key, take_scope,
                           "must be read, trade or admin, each once");
        if (result == 0)
                result = take_list(&r, "accounts", OPTIONAL, key, key_allow_account,
                                   "must be an account like paper:demo, each once");
        if (result == 0)
                result = take_list(
                        &r, "cidrs", OPTIONAL, key, key_allow_network,
                        "must be a network like 192.0.2.0/24 without bits behind the prefix");
        return result;
}

static int take_keys(struct json_object *root, struct keyring *k, struct faults *f)
{
        static const char *const names[] = {"keys", NULL};
        struct json_object *list = NULL;
        struct reader r;
        char at[32];

        if (!reader_open(&r, root, "", names, f))
                return 0;
        if (!json_object_object_get_ex(root, "keys", &list) ||
            !json_object_is_type(list, json_type_array)) {
                reader_fault(&r, "keys", "must be a list of keys");
                return 0;
        }
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                snprintf(at, sizeof(at), "/keys/%zu", i);
                int result = take_key(json_object_array_get_idx(list, i), at, k, f);
                if (result < 0)
                        return result;
        }
        return 0;
}

int keyring_parse(const char *text, size_t n, const char *where, struct text *ret_faults,
                  struct keyring **ret)
{
        _cleanup_(json_freep) struct json_object *root = NULL;
        _cleanup_(keyring_unrefp) struct keyring *k = NULL;
        struct json_fault malformed;
        struct faults f;

        int r = json_parse(text, n, &keys_limits, &root, &malformed);
        if (r < 0)
                return r;
        faults_init(&f);
        if (r > 0) {
                faults_add(&f, malformed.pointer, "%s", malformed.detail);
        } else {
                r = keyring_new(&k);
                if (r == 0)
                        r = take_keys(root, k, &f);
                if (r < 0)
                        return r;
        }
        for (unsigned i = 0; i < f.n; i++)
                text_addf(ret_faults, "%s: %s %s\n", where,
                          *f.list[i].pointer ? f.list[i].pointer : "the file", f.list[i].detail);
        if (f.more > 0)
                text_addf(ret_faults, "%s: and %u more\n", where, f.more);
        if (faults_any(&f))
                return 1;
        *ret = TAKE(k);
        return 0;
}

/* 0, or negative errno; what is wrong otherwise is in `why`. */
static int read_file(const char *path, struct text *ret, const char **ret_why)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                *ret_why = "is not a regular file";
        else if (st.st_mode & (S_IWGRP | S_IWOTH))
                *ret_why = "may be written to by others; run chmod go-w on it";
        else if (st.st_size > KEYS_FILE_MAX)
                *ret_why = "is too large";
        if (*ret_why)
                return 0;
        return file_read(fd, ret);
}

#define NO_KEYS "{\"keys\":[]}"

int keyring_load(const char *path, struct text *ret_faults, struct keyring **ret)
{
        _cleanup_(text_done) struct text text = {.max = KEYS_FILE_MAX};
        const char *why = NULL;

        int r = read_file(path, &text, &why);
        if (r == -ENOMEM)
                return r;
        /* The file need not exist: a key may be added later, and a reload finds it. */
        if (r == -ENOENT)
                return keyring_parse(NO_KEYS, strlen(NO_KEYS), path, ret_faults, ret);
        if (r < 0)
                why = r == -E2BIG ? "is too large" : strerror(-r);
        if (why) {
                text_addf(ret_faults, "%s: %s\n", path, why);
                return 1;
        }
        return keyring_parse(text_str(&text), text.len, path, ret_faults, ret);
}

static void print_limits(struct json_writer *w, const struct api_key *key)
{
        json_object_begin(w, "limits");
        for (size_t i = 0; i < KEY_LIMITS; i++) {
                int64_t value = key_limit_value(&key_limits[i], &key->limits);
                if (value && key_limits[i].decimal)
                        json_put_decimal(w, key_limits[i].name, value);
                else if (value)
                        json_put_int(w, key_limits[i].name, value);
        }
        json_object_finish(w);
}

static void print_key(struct json_writer *w, const struct api_key *key)
{
        char hash[sizeof(HASH_PREFIX) + 2 * KEY_HASH_SIZE], net[NETWORK_TEXT_SIZE];
        char text[CLOCK_TEXT_SIZE];

        memcpy(hash, HASH_PREFIX, sizeof(HASH_PREFIX));
        sodium_bin2hex(hash + sizeof(HASH_PREFIX) - 1, 2 * KEY_HASH_SIZE + 1, key->hash,
                       KEY_HASH_SIZE);
        json_object_begin(w, NULL);
        json_put_string(w, "name", key->name);
        json_put_string(w, "hash", hash);
        json_array_begin(w, "scopes");
        for (unsigned s = SCOPE_READ; s < SCOPE_ALL; s <<= 1)
                if (key->scopes & s)
                        json_put_string(w, NULL, scope_name((enum scope)s));
        json_array_finish(w);
        if (key->account_ids) {
                json_array_begin(w, "accounts");
                for (unsigned i = 0; i < key->n_accounts; i++)
                        json_put_string(w, NULL, key->account_ids[i]);
                json_array_finish(w);
        }
        if (key->networks) {
                json_array_begin(w, "cidrs");
                for (unsigned i = 0; i < key->n_networks; i++) {
                        network_print(&key->networks[i], net);
                        json_put_string(w, NULL, net);
                }
                json_array_finish(w);
        }
        if (key->dead_man_s) {
                json_put_int(w, "dead_man", key->dead_man_s);
                json_put_string(w, "dead_man_level", key_dead_man_level(key));
        }
        if (key->has_limits)
                print_limits(w, key);
        if (key->expires_us)
                json_put_string(w, "expires", clock_print(key->expires_us, text));
        json_object_finish(w);
}

void keyring_print(const struct keyring *k, struct text *ret)
{
        struct json_writer w = JSON_WRITER(ret);

        json_object_begin(&w, NULL);
        json_array_begin(&w, "keys");
        for (unsigned i = 0; i < k->n; i++)
                print_key(&w, &k->keys[i]);
        json_array_finish(&w);
        json_object_finish(&w);
        text_add_char(ret, '\n');
}

int keyring_save(const char *path, const struct keyring *k)
{
        _cleanup_(text_done) struct text text = TEXT_NULL;

        keyring_print(k, &text);
        return text.failed ? text.failed : file_replace(path, text_str(&text), text.len);
}
