/* A VFS over SQLite's own that joins the writes of the WAL. SQLite hands a commit over as two small
 * writes a page, at offsets that straddle the pages of the kernel; a group of orders is more than a
 * hundred of them. Here neighbouring writes are collected and go down as one. Sync first of all,
 * and whatever else depends on the bytes of the file, goes down only after what was collected.
 *
 * That is safe because a commit is published to readers and acknowledged after the sync of its
 * frames (synchronous=FULL). A write that fails late fails the sync in its stead, with the same
 * code, and the collected bytes are forgotten, as they belong to the transaction that is rolled
 * back.
 *
 * Not so the database: a checkpoint that stops before the end of the WAL counts its pages without a
 * sync, and from then on every other connection reads them from the file. They go down at once. */
#include "store/sqlite.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/fault.h"

#define JOIN_MAX (120U << 10) /* SQLite's own writes cannot do 128 KiB at once */

struct join_file {
        sqlite3_file base;
        char *bytes; /* NULL: not the WAL, writes are not joined */
        int n;
        sqlite3_int64 at;
        sqlite3_file real[]; /* of the VFS below, in its own size */
};

static struct join_file *join_of(sqlite3_file *f)
{
        return (struct join_file *)f;
}

/* SQLite knows one way of having no room; a quota and a limit on files are the same to an order. */
static int write_down(struct join_file *j, const void *bytes, int n, sqlite3_int64 at)
{
        int rc = j->real->pMethods->xWrite(j->real, bytes, n, at);
        if (rc == SQLITE_IOERR_WRITE && (errno == EDQUOT || errno == EFBIG))
                return SQLITE_FULL;
        return rc;
}

static int flush(struct join_file *j)
{
        int n = j->n;
        j->n = 0;
        return n > 0 ? write_down(j, j->bytes, n, j->at) : SQLITE_OK;
}

static int join_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
        struct join_file *j = join_of(f);
        int rc = SQLITE_OK;

        if (j->n > 0 && (at != j->at + j->n || (unsigned)(j->n + n) > JOIN_MAX))
                rc = flush(j);
        if (rc != SQLITE_OK)
                return rc;
        if (!j->bytes || (unsigned)n > JOIN_MAX)
                return write_down(j, bytes, n, at);
        if (j->n == 0)
                j->at = at;
        memcpy(j->bytes + j->n, bytes, (size_t)n);
        j->n += n;
        return SQLITE_OK;
}

static int join_close(sqlite3_file *f)
{
        struct join_file *j = join_of(f);
        int rc = flush(j), rc_close = j->real->pMethods->xClose(j->real);
        sqlite3_free(j->bytes);
        return rc != SQLITE_OK ? rc : rc_close;
}

/* What depends on the bytes of the file: first what was collected, then the call. SQLite heeds the
 * errors of all of these; it ignores those of xFileControl and xUnlock, which therefore write
 * nothing. */
#define AFTER_FLUSH(name, params, args)                                     \
        static int join_##name params                                       \
        {                                                                   \
                struct join_file *j = join_of(f);                           \
                int rc = flush(j);                                          \
                return rc != SQLITE_OK ? rc : j->real->pMethods->name args; \
        }
#define PASS(type, name, params, args)               \
        static type join_##name params               \
        {                                            \
                struct join_file *j = join_of(f);    \
                return j->real->pMethods->name args; \
        }
AFTER_FLUSH(xRead, (sqlite3_file * f, void *to, int n, sqlite3_int64 at), (j->real, to, n, at))
AFTER_FLUSH(xTruncate, (sqlite3_file * f, sqlite3_int64 size), (j->real, size))
AFTER_FLUSH(xFileSize, (sqlite3_file * f, sqlite3_int64 *ret), (j->real, ret))
static int join_xSync(sqlite3_file *f, int flags)
{
        struct join_file *j = join_of(f);
        int rc = flush(j);

        if (j->bytes)
                crash_point(CRASH_COMMIT_WRITTEN);
        return rc != SQLITE_OK ? rc : j->real->pMethods->xSync(j->real, flags);
}
PASS(int, xUnlock, (sqlite3_file * f, int level), (j->real, level))
PASS(int, xFileControl, (sqlite3_file * f, int op, void *arg), (j->real, op, arg))
PASS(int, xLock, (sqlite3_file * f, int level), (j->real, level))
PASS(int, xCheckReservedLock, (sqlite3_file * f, int *ret), (j->real, ret))
PASS(int, xSectorSize, (sqlite3_file * f), (j->real))
PASS(int, xDeviceCharacteristics, (sqlite3_file * f), (j->real))
PASS(int, xShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **ret),
     (j->real, page, size, extend, ret))
PASS(int, xShmLock, (sqlite3_file * f, int offset, int n, int flags), (j->real, offset, n, flags))
PASS(void, xShmBarrier, (sqlite3_file * f), (j->real))
PASS(int, xShmUnmap, (sqlite3_file * f, int delete), (j->real, delete))

/* Version 2: with shared memory, without SQLite's mapped reads. */
static const sqlite3_io_methods join_methods = {
        .iVersion = 2,
        .xClose = join_close,
        .xRead = join_xRead,
        .xWrite = join_write,
        .xTruncate = join_xTruncate,
        .xSync = join_xSync,
        .xFileSize = join_xFileSize,
        .xLock = join_xLock,
        .xUnlock = join_xUnlock,
        .xCheckReservedLock = join_xCheckReservedLock,
        .xFileControl = join_xFileControl,
        .xSectorSize = join_xSectorSize,
        .xDeviceCharacteristics = join_xDeviceCharacteristics,
        .xShmMap = join_xShmMap,
        .xShmLock = join_xShmLock,
        .xShmBarrier = join_xShmBarrier,
        .xShmUnmap = join_xShmUnmap,
};

static int join_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
        sqlite3_vfs *below = vfs->pAppData;
        struct join_file *j = join_of(f);

        memset(j, 0, (size_t)vfs->szOsFile);
        int rc = below->xOpen(below, name, j->real, flags, ret_flags);
        if (rc != SQLITE_OK)
                return rc;
        if (flags & SQLITE_OPEN_WAL) {
                j->bytes = sqlite3_malloc(JOIN_MAX);
                if (!j->bytes) {
                        j->real->pMethods->xClose(j->real);
                        return SQLITE_NOMEM;
                }
        }
        j->base.pMethods = &join_methods;
        return SQLITE_OK;
}

static sqlite3_vfs joining;

/* The other functions of a VFS find what they need in the VFS they are given: the one below. */
#define BELOW(vfs) ((sqlite3_vfs *)(vfs)->pAppData)
static int below_delete(sqlite3_vfs *v, const char *name, int sync)
{
        return BELOW(v)->xDelete(BELOW(v), name, sync);
}
static int below_access(sqlite3_vfs *v, const char *name, int flags, int *ret)
{
        return BELOW(v)->xAccess(BELOW(v), name, flags, ret);
}
static int below_full_pathname(sqlite3_vfs *v, const char *name, int n, char *ret)
{
        return BELOW(v)->xFullPathname(BELOW(v), name, n, ret);
}
static int below_randomness(sqlite3_vfs *v, int n, char *ret)
{
        return BELOW(v)->xRandomness(BELOW(v), n, ret);
}
static int below_sleep(sqlite3_vfs *v, int us)
{
        return BELOW(v)->xSleep(BELOW(v), us);
}
static int below_time(sqlite3_vfs *v, sqlite3_int64 *ret)
{
        return BELOW(v)->xCurrentTimeInt64(BELOW(v), ret);
}
static int below_last_error(sqlite3_vfs *v, int n, char *ret)
{
        return BELOW(v)->xGetLastError(BELOW(v), n, ret);
}

int sqlite_register_vfs(void)
{
        sqlite3_vfs *below = sqlite3_vfs_find(NULL);

        joining = (sqlite3_vfs){
                .iVersion = 2,
                .szOsFile = (int)sizeof(struct join_file) + below->szOsFile,
                .mxPathname = below->mxPathname,
                .zName = SQLITE_VFS_NAME,
                .pAppData = below,
                .xOpen = join_open,
                .xDelete = below_delete,
                .xAccess = below_access,
                .xFullPathname = below_full_pathname,
                .xRandomness = below_randomness,
                .xSleep = below_sleep,
                .xGetLastError = below_last_error,
                .xCurrentTimeInt64 = below_time,
        };
        return sqlite3_vfs_register(&joining, 0);
}
