/* Transactions, statements, errors.
 *
 * What a failed sync means. A commit writes its frames to the WAL, then syncs. When the sync fails
 * SQLite rolls back, but the frames lie in the file with a valid commit mark: this connection does
 * not see them, a recovery after a crash might. So after such a failure the connection is closed
 * and opened again, and the WAL is copied into the database, synced and truncated before anything
 * else happens. Then the chain's head tells whether the group is there, and it is said so; only
 * when even that cannot be done is the answer UNCERTAIN, and nothing is read or written until the
 * disk works again. Any other failure of a commit comes before its commit mark is whole: nothing
 * was written. */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"

static const char *const statements[_SQL_MAX] = {
#define X(name, text) [SQL_##name] = text,
        SQL_TABLE(X)
#undef X
};

static enum store_result result_of(int rc)
{
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_DONE:
        case SQLITE_ROW:
                return STORE_OK;
        case SQLITE_FULL:
                return STORE_FULL;
        case SQLITE_IOERR:
                return rc == SQLITE_IOERR_NOMEM ? STORE_UNAVAILABLE : STORE_CORRUPT;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
                return STORE_CORRUPT;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_INTERRUPT:
        case SQLITE_NOMEM:
                return STORE_UNAVAILABLE;
        default:
                return STORE_FAILED;
        }
}

enum store_result sqlite_failure(struct sqlite *s, int rc, char error[static STORE_ERROR_SIZE])
{
        int system_error = s->db && (rc & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(s->db) : 0;
        enum store_result r = result_of(rc);

        if (r == STORE_FULL)
                snprintf(error, STORE_ERROR_SIZE, "the disk of the ledger is full: make room");
        else if (rc == SQLITE_INTERRUPT)
                snprintf(error, STORE_ERROR_SIZE, "the query would take too long: narrow it");
        else if (system_error != 0)
                snprintf(error, STORE_ERROR_SIZE, "sqlite: %s: %s", sqlite3_errstr(rc),
                         strerror(system_error));
        else
                snprintf(error, STORE_ERROR_SIZE, "sqlite: %s (%d)%s",
                         s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc), rc,
                         (rc & 0xff) == SQLITE_CORRUPT ? ": restore a backup" : "");
        return r;
}

enum store_result sqlite_job_failure(struct sqlite *s, int rc, struct store_job *job)
{
        return sqlite_failure(s, rc, job->error);
}

/* After the disk had failed: see above. */
static enum store_result reconnect(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        if (sqlite_connect(s, error) < 0)
                return STORE_CORRUPT;
        int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        if (rc != SQLITE_OK) {
                enum store_result r = sqlite_failure(s, rc, error);
                sqlite_disconnect(s);
                return r;
        }
        if (sqlite_load_heads(s, error) < 0) {
                sqlite_disconnect(s);
                return STORE_CORRUPT;
        }
        return STORE_OK;
}

static enum store_result ensure_connected(struct sqlite *s, char error[static STORE_ERROR_SIZE])
{
        return s->db ? STORE_OK : reconnect(s, error);
}

static int prepare(struct sqlite *s, enum sql id)
{
        if (s->statements[id])
                return SQLITE_OK;
        return sqlite3_prepare_v3(s->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT,
                                  &s->statements[id], NULL);
}

sqlite3_stmt *sqlite_statement(struct sqlite *s, enum sql id, struct store_job *job,
                               enum store_result *ret)
{
        *ret = ensure_connected(s, job->error);
        if (*ret != STORE_OK)
                return NULL;
        int rc = prepare(s, id);
        if (rc != SQLITE_OK) {
                *ret = sqlite_job_failure(s, rc, job);
                return NULL;
        }
        return s->statements[id];
}

enum store_result sqlite_done(struct sqlite *s, sqlite3_stmt *statement, struct store_job *job)
{
        int rc = sqlite3_step(statement);
        enum store_result r = STORE_OK;
        if (rc != SQLITE_DONE)
                r = sqlite_job_failure(s, rc, job);
        sqlite3_reset(statement);
        return r;
}

bool sqlite_column_copy(sqlite3_stmt *st, int i, char *dst, size_t size)
{
        const char *value = (const char *)sqlite3_column_text(st, i);
        return text_copy_bytes(dst, size, value ? value : "", (size_t)sqlite3_column_bytes(st, i));
}

static int run(struct sqlite *s, enum sql id)
{
        int rc = prepare(s, id);
        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(s->statements[id]);
        sqlite3_reset(s->statements[id]);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static enum store_result op_begin(void *db, char error[static STORE_ERROR_SIZE])
{
        struct sqlite *s = db;

        enum store_result r = ensure_connected(s, error);
        if (r != STORE_OK)
                return r;
        sqlite_wal_tend(s);
        int rc = run(s, SQL_BEGIN);
        return rc == SQLITE_OK ? STORE_OK : sqlite_failure(s, rc, error);
}

static void op_rollback(void *db)
{
        struct sqlite *s = db;

        s->now = s->durable;
        if (s->db && !sqlite3_get_autocommit(s->db))
                sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum store_result settle_doubt(struct sqlite *s, enum store_result r,
                                      char error[static STORE_ERROR_SIZE])
{
        struct sqlite_head wanted = s->now;
        char again[STORE_ERROR_SIZE];
        bool marked = wanted.seq != s->durable.seq;

        sqlite_disconnect(s);
        if (reconnect(s, again) != STORE_OK || !marked) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the sync of a commit failed: whether it was written is not known");
                return STORE_UNCERTAIN;
        }
        if (s->durable.seq == wanted.seq &&
            memcmp(s->durable.hash, wanted.hash, sizeof(wanted.hash)) == 0)
                return STORE_OK;
        return r;
}

static enum store_result op_commit(void *db, char error[static STORE_ERROR_SIZE])
{
        struct sqlite *s = db;

        crash_point(CRASH_COMMIT_BEGIN);
        int rc = run(s, SQL_COMMIT);

        if (rc == SQLITE_OK) {
                s->durable = s->now;
                return STORE_OK;
        }
        enum store_result r = sqlite_failure(s, rc, error);
        if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
                return settle_doubt(s, r, error);
        return r;
}

static bool op_strained(void *db)
{
        struct sqlite *s = db;
        return !reserve_renew(&s->reserve);
}

static bool op_relieve(void *db)
{
        struct sqlite *s = db;
        return reserve_give_up(&s->reserve);
}

static void op_idle(void *db)
{
        struct sqlite *s = db;
        if (s->db)
                sqlite_wal_idle(s);
}

static int op_schema_version(void *db)
{
        struct sqlite *s = db;
        return s->schema_version;
}

static enum store_result op_probe(void *db, struct store_job *job)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(db, SQL_PROBE, job, &r);
        if (!st)
                return r;
        int rc = sqlite3_step(st);
        r = rc == SQLITE_ROW ? STORE_OK : sqlite_job_failure(db, rc, job);
        sqlite3_reset(st);
        return r;
}

const struct store_driver store_sqlite = {
        .name = "sqlite",
        .open = sqlite_open,
        .close = sqlite_shut,
        .schema_version = op_schema_version,
        .begin = op_begin,
        .commit = op_commit,
        .rollback = op_rollback,
        .strained = op_strained,
        .relieve = op_relieve,
        .idle = op_idle,
        .op =
                {
                        [STORE_INTENT] = sqlite_op_intent,
                        [STORE_OUTCOME] = sqlite_op_outcome,
                        [STORE_APPEND] = sqlite_op_append,
                        [STORE_KILLSWITCH] = sqlite_op_killswitch,
                        [STORE_SESSION_PUT] = sqlite_op_session_put,
                        [STORE_ORDER_GET] = sqlite_op_order_get,
                        [STORE_ORDER_LIST] = sqlite_op_order_list,
                        [STORE_KEY_GET] = sqlite_op_key_get,
                        [STORE_AUDIT_LIST] = sqlite_op_audit_list,
                        [STORE_AUDIT_PRUNE] = sqlite_op_audit_prune,
                        [STORE_RESTORE] = sqlite_op_restore,
                        [STORE_RIDERS_LOAD] = sqlite_op_riders_load,
                        [STORE_PROBE] = op_probe,
                        [STORE_BACKUP] = sqlite_op_backup,
                },
};
