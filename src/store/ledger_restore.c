#include "store/ledger_restore.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/sqlite.h"

#define COPY_SUFFIX ".restoring"

/* With the database goes its WAL: alone it would be another database. The audit's files know
 * records that the backup does not have. */
static const char *const things[] = {"ordo.db", "ordo.db-wal", "ordo.db-shm", "audit"};

static int fail(char *error, int r, const char *path)
{
        snprintf(error, STORE_ERROR_SIZE, "%.120s: %s", path, strerror(-r));
        return r;
}

int ledger_restore_begin(struct ledger_restore *r, const char *path, const char *backup,
                         char error[static STORE_ERROR_SIZE])
{
        *r = (struct ledger_restore){.lock_fd = -1};
        r->path = strdup(path);
        if (!r->path || asprintf(&r->copy, "%s" COPY_SUFFIX, path) < 0) {
                r->copy = NULL;
                return fail(error, -ENOMEM, path);
        }
        r->lock_fd = sqlite_lock(path, error);
        if (r->lock_fd < 0)
                return r->lock_fd;
        /* Left behind by one that was killed. */
        if (unlink(r->copy) < 0 && errno != ENOENT)
                return fail(error, -errno, r->copy);
        return sqlite_copy(backup, r->copy, error);
}

static int move(const char *from_dir, const char *to_dir, const char *name)
{
        _cleanup_(text_done) struct text from = TEXT_NULL, to = TEXT_NULL;

        text_addf(&from, "%s/%s", from_dir, name);
        text_addf(&to, "%s/%s", to_dir, name);
        if (from.failed || to.failed)
                return -ENOMEM;
        return rename(text_str(&from), text_str(&to)) < 0 && errno != ENOENT ? -errno : 0;
}

static int move_all(const char *from_dir, const char *to_dir)
{
        for (unsigned i = 0; i < ELEMENTS(things); i++) {
                int r = move(from_dir, to_dir, things[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ledger_restore_put(struct ledger_restore *r, const char *aside,
                       char error[static STORE_ERROR_SIZE])
{
        _cleanup_(freep) char *copy_of_path = strdup(r->path);

        if (!copy_of_path)
                return fail(error, -ENOMEM, r->path);
        const char *dir = dirname(copy_of_path);
        if (mkdir(aside, 0700) < 0)
                return fail(error, -errno, aside);
        int result = move_all(dir, aside);
        if (result == 0 && rename(r->copy, r->path) < 0)
                result = -errno;
        if (result == 0)
                result = file_sync_directory(r->path);
        if (result == 0)
                return 0;
        fail(error, result, aside);
        if (move_all(aside, dir) == 0)
                (void)rmdir(aside);
        return result;
}

void ledger_restore_done(struct ledger_restore *r)
{
        if (r->copy && r->lock_fd >= 0)
                (void)unlink(r->copy);
        closep(&r->lock_fd);
        free(r->copy);
        free(r->path);
}
