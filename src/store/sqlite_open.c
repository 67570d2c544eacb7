/* Opening and closing: the lock, the file, the pragmas, the first look. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/ledger_copy.h"

#define LOCK_SUFFIX     ".lock"
#define CACHE_KIB       "8000"
#define BUSY_TIMEOUT_MS 1000
/* After a crash a ledger up to this size is checked page by page before it is used; a larger one
 * would make the start too slow, `ordoctl backup` checks it. */
#define QUICK_CHECK_MAX (8 << 20)
/* A WAL that grew beyond this is cut back when it starts again. */
#define WAL_KEEP "67108864"

/* One connection belongs to one thread; nobody asks SQLite for statistics of its memory. */
static void configure(void)
{
        sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        if (sqlite3_initialize() == SQLITE_OK)
                sqlite_register_vfs();
}

void sqlite_configure(void)
{
        static pthread_once_t configured = PTHREAD_ONCE_INIT;
        (void)pthread_once(&configured, configure);
}

const char *sqlite_path(const char *url)
{
        return url + strlen("sqlite:");
}

static int fail(char *error, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(char *error, int r, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(error, STORE_ERROR_SIZE, format, args);
        va_end(args);
        return r;
}

static int open_failure(struct sqlite *s, int rc, char error[static STORE_ERROR_SIZE])
{
        enum store_result r = sqlite_failure(s, rc, error);
        if ((rc & 0xff) == SQLITE_NOTADB)
                return fail(error, -EBADMSG, "%s is not a database: restore a backup", s->path);
        if ((rc & 0xff) == SQLITE_READONLY)
                return fail(error, -EROFS, "%s cannot be written: see its owner and mode", s->path);
        switch (r) {
        case STORE_CORRUPT:
                return -EBADMSG;
        case STORE_FULL:
                return -ENOSPC;
        case STORE_UNAVAILABLE:
                return -EBUSY;
        default:
                return -EIO;
        }
}

static int keep(int *fd)
{
        int kept = *fd;
        *fd = -1;
        return kept;
}

/* The kernel drops the lock with the process, however it dies; the file stays. */
int sqlite_lock(const char *ledger, char error[static STORE_ERROR_SIZE])
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_(freep) char *path = NULL;
        char pid[24] = "";

        if (asprintf(&path, "%s" LOCK_SUFFIX, ledger) < 0)
                return -ENOMEM;
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
                int r = -errno;
                return fail(error, r, "%s: %s: its directory must exist and be writable", path,
                            strerror(-r));
        }
        if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
                int r = -errno;
                if (r != -EAGAIN && r != -EACCES)
                        return fail(error, r, "%s: %s", path, strerror(-r));
                ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
                pid[n > 0 ? n : 0] = '\0';
                pid[strcspn(pid, "\n")] = '\0';
                return fail(error, -EBUSY, "%s is held by process %s: stop that one first", ledger,
                            pid[0] ? pid : "(unknown)");
        }
        int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
                /* only the name of the holder is lost */
        }
        return keep(&fd);
}

/* SQLite would make it readable for others where the umask is lax; its other files get the same
 * mode. */
static int create_file(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        struct stat st;
        if (stat(s->path, &st) == 0)
                return 0;
        _cleanup_(closep) int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : file_sync_directory(s->path);
        return r < 0 ? fail(error, r, "%s: %s", s->path, strerror(-r)) : 0;
}

static int query_int(struct sqlite *s, const char *sql, int64_t *ret)
{
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(st);
        *ret = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        sqlite3_finalize(st);
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A file of ours, or an empty one. */
static int check_identity(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        int64_t id, tables;
        int rc = query_int(s, "PRAGMA application_id", &id);
        if (rc == SQLITE_OK)
                rc = query_int(s, "SELECT count(*) FROM sqlite_schema", &tables);
        if (rc != SQLITE_OK)
                return open_failure(s, rc, error);
        if (id == SQLITE_LEDGER_ID)
                return 0;
        if (id != 0 || tables > 0)
                return fail(error, -EBADMSG,
                            "%s is a database of another program: name another file", s->path);
        return 0;
}

static const char pragmas[] = "PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=FULL;"
                              "PRAGMA journal_size_limit=" WAL_KEEP ";"
                              "PRAGMA cache_size=-" CACHE_KIB ";"
                              "PRAGMA mmap_size=0;"
                              "PRAGMA temp_store=MEMORY;"
                              "PRAGMA trusted_schema=OFF;";

static int set_up(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        int r = check_identity(s, error); /* before the first change of the file */
        if (r < 0)
                return r;
        int rc = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : open_failure(s, rc, error);
}

int sqlite_connect(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        int rc = sqlite3_open_v2(s->path, &s->db, flags, SQLITE_VFS_NAME);

        int r = rc == SQLITE_OK ? set_up(s, error) : open_failure(s, rc, error);

        if (r < 0) {
                sqlite_disconnect(s);
                return r;
        }
        sqlite_wal_watch(s); /* instead of SQLite's own checkpoints */
        return 0;
}

void sqlite_disconnect(struct sqlite *s)
{
        sqlite_wal_wait(s);
        for (int i = 0; i < _SQL_MAX; i++) {
                sqlite3_finalize(s->statements[i]);
                s->statements[i] = NULL;
        }
        sqlite3_close(s->db);
        s->db = NULL;
}

/* SQLite removes the WAL when the last one closes properly: one that is there tells of a crash. */
static bool crashed(const struct sqlite *s)
{
        _cleanup_(freep) char *wal = NULL;
        struct stat st, db;
        if (asprintf(&wal, "%s-wal", s->path) < 0)
                return false;
        return stat(wal, &st) == 0 && st.st_size > 0 && stat(s->path, &db) == 0 &&
               db.st_size + st.st_size <= QUICK_CHECK_MAX;
}

static int quick_check(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
        if (rc != SQLITE_OK)
                return open_failure(s, rc, error);
        rc = sqlite3_step(st);
        const char *found = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
        bool ok = text_equal(found, "ok");
        if (!ok)
                fail(error, 0, "%s is damaged (%s): restore a backup", s->path,
                     found ? found : sqlite3_errmsg(s->db));
        sqlite3_finalize(st);
        return ok ? 0 : -EBADMSG;
}

static int load_chain(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        struct store_job job = {};
        enum store_result r;
        int64_t seq;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(s, SQL_AUDIT_LAST, &job, &r);
        if (!st)
                return fail(error, -EBADMSG, "%s", job.error);
        int rc = sqlite3_step(st);
        memset(&s->durable, 0, sizeof(s->durable));
        if (rc == SQLITE_DONE)
                return 0;
        if (rc != SQLITE_ROW)
                return open_failure(s, rc, error);
        s->durable.seq = sqlite3_column_int64(st, 0);
        const char *line = (const char *)sqlite3_column_text(st, 1);
        if (audit_chain_check(line, (size_t)sqlite3_column_bytes(st, 1), NULL, s->durable.hash,
                              &seq) != 0 ||
            seq != s->durable.seq)
                return fail(error, -EBADMSG,
                            "the last audit record (%lld) of %s was altered: restore a backup",
                            (long long)s->durable.seq, s->path);
        return 0;
}

int sqlite_load_heads(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        int64_t epoch;
        int r = load_chain(s, error);
        if (r < 0)
                return r;
        int rc = query_int(s, "SELECT epoch FROM killswitch_epoch", &epoch);
        if (rc != SQLITE_OK)
                return open_failure(s, rc, error);
        s->durable.epoch = (uint64_t)epoch;
        s->durable.order_row = 0; /* asked for with the first order */
        s->now = s->durable;
        return 0;
}

int sqlite_prepare(struct sqlite *s, const struct store_options *o,
                   char error[static STORE_ERROR_SIZE])
{
        sqlite_configure();
        int r = s->lock_fd = sqlite_lock(s->path, error);
        if (r >= 0)
                r = create_file(s, error);
        bool check = r == 0 && crashed(s);
        if (r == 0)
                r = sqlite_connect(s, error);
        if (r == 0 && check)
                r = quick_check(s, error);
        if (r == 0)
                r = sqlite_migrate(s, o, error);
        return r;
}

static int check_finished(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        int64_t tables;
        int rc = query_int(s,
                           "SELECT count(*) FROM sqlite_schema WHERE name='" LEDGER_COPY_TABLE "'",
                           &tables);
        if (rc != SQLITE_OK)
                return open_failure(s, rc, error);
        return tables == 0 ? 0 : fail(error, -EPROTO, LEDGER_COPY_UNFINISHED);
}

static int open_all(struct sqlite *s, const struct store_options *o,
                    char error[static STORE_ERROR_SIZE])
{
        int r = sqlite_prepare(s, o, error);
        if (r == 0)
                r = check_finished(s, error);
        if (r == 0)
                r = sqlite_load_heads(s, error);
        if (r == 0)
                r = reserve_open(&s->reserve, s->path);
        return r;
}

int sqlite_open(const struct store_options *o, char error[static STORE_ERROR_SIZE], void **ret_db)
{
        struct sqlite *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->lock_fd = -1;
        s->path = strdup(sqlite_path(o->url));
        int r = !s->path     ? -ENOMEM
                : s->path[0] ? open_all(s, o, error)
                             : fail(error, -EINVAL, "the database URL names no file");
        if (r < 0) {
                sqlite_shut(s);
                return r;
        }
        *ret_db = s;
        return 0;
}

void sqlite_shut(void *db)
{
        struct sqlite *s = db;
        sqlite_disconnect(s);
        reserve_done(&s->reserve);
        text_done(&s->line);
        closep(&s->lock_fd);
        free(s->path);
        free(s);
}
