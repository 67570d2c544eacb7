/* Copies of the whole ledger while it is in use, over a connection of their own: a reader does not
 * hold up the writer. The copy is one file without a WAL, checked before anyone hears of it. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define COPY_TRIES 100 /* of 100 ms, while the source is locked by a recovery */

static int copy_failure(sqlite3 *db, int rc, const char *path, char *error)
{
        snprintf(error, STORE_ERROR_SIZE, "backup %.80s: %.60s", path,
                 db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
        return (rc & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
}

/* All pages in one step: the read lock is held throughout, so that writers cannot make it start
 * again. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
        sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
        if (!b)
                return sqlite3_errcode(to);
        for (int i = 0; i < COPY_TRIES; i++) {
                int rc = sqlite3_backup_step(b, -1);
                if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
                        break;
                sqlite3_sleep(100);
        }
        return sqlite3_backup_finish(b);
}

static int check_copy(sqlite3 *db)
{
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &st, NULL);
        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(st);
        bool ok = rc == SQLITE_ROW && text_equal((const char *)sqlite3_column_text(st, 0), "ok");
        int rc_end = sqlite3_finalize(st);
        if (rc_end != SQLITE_OK)
                return rc_end;
        return ok ? SQLITE_OK : SQLITE_CORRUPT;
}

/* The chain's end must be readable in the copy: it is what a restore goes on from. */
static int check_chain(sqlite3 *db)
{
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t seq;
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(db, "SELECT record FROM audit ORDER BY seq DESC LIMIT 1", -1,
                                    &st, NULL);
        if (rc != SQLITE_OK)
                return rc;
        bool ok = true;
        if (sqlite3_step(st) == SQLITE_ROW)
                ok = audit_chain_check((const char *)sqlite3_column_text(st, 0),
                                       (size_t)sqlite3_column_bytes(st, 0), NULL, hash, &seq) == 0;
        rc = sqlite3_finalize(st);
        return rc != SQLITE_OK ? rc : ok ? SQLITE_OK : SQLITE_CORRUPT;
}

static int copy(const char *from_path, const char *path, char *error)
{
        _cleanup_(sqlite_closep) sqlite3 *from = NULL;
        _cleanup_(sqlite_closep) sqlite3 *to = NULL;

        int rc =
                sqlite3_open_v2(from_path, &from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc != SQLITE_OK)
                return copy_failure(from, rc, path, error);
        sqlite3_busy_timeout(from, 1000);
        rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(to, "PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;", NULL, NULL,
                                  NULL);
        if (rc == SQLITE_OK)
                rc = copy_pages(from, to);
        if (rc == SQLITE_OK) /* the copied header says WAL */
                rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = check_copy(to);
        if (rc == SQLITE_OK)
                rc = check_chain(to);
        return rc == SQLITE_OK ? 0 : copy_failure(to, rc, path, error);
}

static int sync_file(int fd, const char *path)
{
        return fsync(fd) < 0 ? -errno : file_sync_directory(path);
}

int sqlite_copy(const char *from, const char *path, char error[static STORE_ERROR_SIZE])
{
        int r = 0;
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
                r = -errno;
                snprintf(error, STORE_ERROR_SIZE, "backup %.80s: %s", path, strerror(-r));
                return r;
        }
        r = copy(from, path, error);
        if (r == 0) {
                r = sync_file(fd, path);
                if (r < 0)
                        snprintf(error, STORE_ERROR_SIZE, "backup %.80s: %s", path, strerror(-r));
        }
        close(fd);
        if (r < 0)
                unlink(path);
        return r;
}

enum store_result sqlite_op_backup(void *db, struct store_job *job)
{
        struct store_backup *b = CONTAINER_OF(job, struct store_backup, job);
        const struct sqlite *s = db; /* only what never changes: the store thread uses it now */

        int r = sqlite_copy(s->path, b->path, job->error);
        if (r == 0)
                return STORE_OK;
        return r == -ENOSPC ? STORE_FULL : STORE_FAILED;
}
