#include "store/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"

#define NEEDS "-- needs: "

static int read_file(int dir, const char *name, char **ret, size_t *ret_size)
{
        struct text text = {.max = MIGRATION_FILE_MAX};
        _cleanup_(closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : file_read(fd, &text);
        if (r == 0) {
                *ret_size = text.len;
                *ret = text.len > 0 ? text_take(&text) : strdup("");
                r = *ret ? 0 : -ENOMEM;
        }
        text_done(&text);
        return r;
}

static bool is_migration(const char *name)
{
        size_t n = strlen(name);
        for (int i = 0; i < 4; i++)
                if (!isdigit((unsigned char)name[i]))
                        return false;
        return name[4] == '_' && n > 9 && n - 9 < MIGRATION_NAME_SIZE &&
               strcmp(name + n - 4, ".sql") == 0;
}

static int only_migrations(const struct dirent *entry)
{
        return is_migration(entry->d_name);
}

static int load_one(int dir, const char *file, struct migration *m)
{
        uint8_t hash[crypto_hash_sha256_BYTES];
        int64_t needs;
        size_t size = 0;

        int r = read_file(dir, file, &m->sql, &size);
        if (r < 0)
                return r;
        crypto_hash_sha256(hash, (const unsigned char *)m->sql, size);
        sodium_bin2hex(m->checksum, sizeof(m->checksum), hash, sizeof(hash));
        text_copy_bytes(m->name, sizeof(m->name), file + 5, strlen(file) - 9);
        m->needs = m->version;
        if (text_starts(m->sql, NEEDS)) {
                const char *s = m->sql + strlen(NEEDS);
                r = text_parse_int(s, strcspn(s, "\n"), 1, m->version, &needs);
                if (r < 0)
                        return r;
                m->needs = (int)needs;
        }
        return 0;
}

static int load_all(int dir, struct dirent **entries, int n, char *error, struct migrations *ret)
{
        ret->items = calloc((size_t)n, sizeof(*ret->items));
        if (!ret->items)
                return -ENOMEM;
        for (int i = 0; i < n; i++) {
                int64_t number;
                const char *file = entries[i]->d_name;
                struct migration *m = &ret->items[ret->n++];
                m->version = i + 1;
                if (text_parse_int(file, 4, m->version, m->version, &number) < 0) {
                        snprintf(error, STORE_ERROR_SIZE,
                                 "migration %04d is missing before %.60s: "
                                 "install the program again",
                                 m->version, file);
                        return -EPROTO;
                }
                int r = load_one(dir, file, m);
                if (r < 0) {
                        snprintf(error, STORE_ERROR_SIZE, "migration %.70s: %s", file,
                                 strerror(-r));
                        return r;
                }
        }
        return 0;
}

int migrations_load(const char *dir, const char *driver, char error[static STORE_ERROR_SIZE],
                    struct migrations *ret)
{
        _cleanup_(freep) char *path = NULL;
        struct dirent **entries = NULL;
        struct migrations found = {};
        _cleanup_(closep) int fd = -1;

        if (asprintf(&path, "%s/%s", dir, driver) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int n = fd < 0 ? -1 : scandir(path, &entries, only_migrations, alphasort);
        if (n < 0) {
                int r = -errno;
                snprintf(error, STORE_ERROR_SIZE, "migrations in %s: %s", path, strerror(-r));
                return r;
        }
        int r = 0;
        if (n == 0 || n > MIGRATIONS_MAX) {
                snprintf(error, STORE_ERROR_SIZE, "%s holds %d migrations", path, n);
                r = -ENOENT;
        }
        if (r == 0)
                r = load_all(fd, entries, n, error, &found);
        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
        if (r < 0)
                migrations_done(&found);
        else
                *ret = found;
        return r;
}

void migrations_done(struct migrations *m)
{
        for (unsigned i = 0; i < m->n; i++)
                free(m->items[i].sql);
        free(m->items);
        *m = (struct migrations){};
}

int migrations_pending(const struct migrations *m, const struct migrations *applied,
                       char error[static STORE_ERROR_SIZE])
{
        int known = (int)m->n;

        for (unsigned i = 0; i < applied->n; i++) {
                const struct migration *a = &applied->items[i];
                if (a->version != (int)i + 1) {
                        snprintf(error, STORE_ERROR_SIZE,
                                 "the record of migration %u is missing: "
                                 "restore a backup",
                                 i + 1);
                        return -EPROTO;
                }
                if (a->version <= known && strcmp(a->checksum, m->items[i].checksum) != 0) {
                        snprintf(error, STORE_ERROR_SIZE,
                                 "migration %04d_%s was edited after it was "
                                 "applied: install the original file again",
                                 a->version, m->items[i].name);
                        return -EPROTO;
                }
                if (a->version > known && a->needs > known) {
                        snprintf(error, STORE_ERROR_SIZE,
                                 "the schema is version %u and this program "
                                 "knows %d: install the newer release, or restore the backup "
                                 "before-%04d",
                                 applied->n, known, known + 1);
                        return -EPROTO;
                }
        }
        return applied->n >= m->n ? 0 : known - (int)applied->n;
}

void migrations_tell(const struct store_options *o, const struct migrations *m, unsigned i,
                     const char *verb)
{
        const struct store_migrating step = {.verb = verb,
                                             .name = m->items[i].name,
                                             .version = m->items[i].version,
                                             .of = (int)m->n};
        if (o->migrating)
                o->migrating(o->userdata, &step);
}
