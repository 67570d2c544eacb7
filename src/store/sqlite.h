/* The SQLite driver, inside. One connection, its prepared statements kept for ever, and what a
 * transaction advances (the chain's head, the epoch) with a copy to go back to. Store thread. */
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "domain/audit_chain.h"
#include "store/columns.h"
#include "store/driver.h"
#include "store/reserve.h"
#include "store/results.h"
#include "store/sqlite_statements.h"

#define SQLITE_LEDGER_ID 0x4f72646f /* "Ordo", PRAGMA application_id */

struct sqlite_head {
        int64_t seq;
        uint8_t hash[AUDIT_HASH_SIZE];
        uint64_t epoch;
        int64_t order_row; /* of the last order; 0: not known, or there is none */
};

struct sqlite {
        sqlite3 *db; /* NULL: given up after an error of the disk, opened again before the next use
                      */
        char *path;
        int lock_fd;
        int schema_version;
        sqlite3_stmt *statements[_SQL_MAX];
        struct sqlite_head now, durable;
        struct text line; /* the audit record being written */
        struct reserve reserve;
        struct sqlite_wal {
                int pages; /* after the last commit */
                int next;  /* pages at which to try again after a failure */
                bool copying;
                pthread_t thread;
                atomic_bool copied; /* set by the thread, its last act */
        } wal;
        int64_t read_deadline_us; /* of the query that is running */
        int64_t swept_row;        /* where forgetting old keys goes on */
};

/* Turns a failure into a result, with words for the administrator. */
enum store_result sqlite_failure(struct sqlite *s, int rc, char error[static STORE_ERROR_SIZE]);
enum store_result sqlite_job_failure(struct sqlite *s, int rc, struct store_job *job);

/* Prepared once, reset, with nothing bound that must still be alive. NULL: `*ret` says why. */
sqlite3_stmt *sqlite_statement(struct sqlite *s, enum sql id, struct store_job *job,
                               enum store_result *ret);
/* Runs a statement that gives no rows and resets it. */
enum store_result sqlite_done(struct sqlite *s, sqlite3_stmt *statement, struct store_job *job);

static inline void sqlite_bind_text(sqlite3_stmt *st, int i, const char *value)
{
        sqlite3_bind_text(st, i, value, -1, SQLITE_STATIC);
}
/* "" for NULL. */
bool sqlite_column_copy(sqlite3_stmt *st, int i, char *dst, size_t size);

static inline sqlite3_stmt *sqlite_reset(sqlite3_stmt *st)
{
        sqlite3_reset(st);
        return NULL;
}
DEFINE_CLEANUP(sqlite3_stmt *, sqlite_reset)

static inline sqlite3 *sqlite_close(sqlite3 *db)
{
        sqlite3_close_v2(db);
        return NULL;
}
DEFINE_CLEANUP(sqlite3 *, sqlite_close)

/* sqlite_vfs.c: what the ledger's files are written through. */
#define SQLITE_VFS_NAME "ordo"
int sqlite_register_vfs(void);
/* SQLite for all of the process, with the first call; before anything is opened. */
void sqlite_configure(void);

/* sqlite_open.c: connects, checks, reads the heads. Errors as store_open()'s. */
int sqlite_connect(struct sqlite *s, char error[static STORE_ERROR_SIZE]);
void sqlite_disconnect(struct sqlite *s);
int sqlite_load_heads(struct sqlite *s, char error[static STORE_ERROR_SIZE]);
/* Lock, file, connection, migrations: `s` has its path and no lock yet; sqlite_shut() in any case.
 */
int sqlite_prepare(struct sqlite *s, const struct store_options *o,
                   char error[static STORE_ERROR_SIZE]);
int sqlite_open(const struct store_options *o, char error[static STORE_ERROR_SIZE], void **ret_db);
void sqlite_shut(void *db);
/* The path behind "sqlite:". */
const char *sqlite_path(const char *url);

/* sqlite_wal.c. Store thread; tend: between two groups; idle: nobody waits, may block. */
void sqlite_wal_watch(struct sqlite *s);
void sqlite_wal_tend(struct sqlite *s);
void sqlite_wal_idle(struct sqlite *s);
void sqlite_wal_wait(struct sqlite *s);

/* sqlite_schema.c */
int sqlite_migrate(struct sqlite *s, const struct store_options *o,
                   char error[static STORE_ERROR_SIZE]);

/* sqlite_open.c. One process at a time: a descriptor that holds the ledger until it is closed, or
 * negative errno. */
int sqlite_lock(const char *ledger, char error[static STORE_ERROR_SIZE]);
/* sqlite_backup.c: a verified copy; `path` must not exist. Any thread. 0 or -errno with the text.
 */
int sqlite_copy(const char *from, const char *path, char error[static STORE_ERROR_SIZE]);

/* sqlite_audit.c: writes `n` records as the next ones of the chain. */
enum store_result sqlite_write_audit(struct sqlite *s, struct audit_record *records, unsigned n,
                                     struct store_job *job);
/* sqlite_state.c */
enum store_result sqlite_write_riders(struct sqlite *s, struct list *riders, struct store_job *job);
/* sqlite_read.c: NOT_FOUND, or the order with its legs; `ret_row` may be NULL. */
enum store_result sqlite_load_order(struct sqlite *s, const char *id, struct store_job *job,
                                    struct order **ret, int64_t *ret_row);
/* What a replay is answered with; status 0: nothing yet. `*ret_body` is the caller's. */
enum store_result sqlite_load_answer(struct sqlite *s, int64_t order_row, struct store_job *job,
                                     int *ret_status, char **ret_body, size_t *ret_size);
/* Makes the query that follows end as UNAVAILABLE when it would hold up the orders for too long. */
void sqlite_read_limit(struct sqlite *s, bool on);

/* sqlite_keys.c. check: KEY_TAKEN fills the job; OK: the key may be taken. take: writes it. sweep:
 * forgets some that are past their time. */
struct sqlite_key {
        int64_t hash;
        int64_t old_row; /* of the order it is taken over from; 0: none */
};
enum store_result sqlite_check_key(struct sqlite *s, struct store_intent *in,
                                   struct sqlite_key *ret);
enum store_result sqlite_take_key(struct sqlite *s, struct store_intent *in,
                                  const struct sqlite_key *key, int64_t order_row);
enum store_result sqlite_sweep_keys(struct sqlite *s, struct store_job *job);

/* The ops. */
enum store_result sqlite_op_intent(void *db, struct store_job *job);
enum store_result sqlite_op_outcome(void *db, struct store_job *job);
enum store_result sqlite_op_append(void *db, struct store_job *job);
enum store_result sqlite_op_killswitch(void *db, struct store_job *job);
enum store_result sqlite_op_session_put(void *db, struct store_job *job);
enum store_result sqlite_op_order_get(void *db, struct store_job *job);
enum store_result sqlite_op_order_list(void *db, struct store_job *job);
enum store_result sqlite_op_key_get(void *db, struct store_job *job);
enum store_result sqlite_op_audit_list(void *db, struct store_job *job);
enum store_result sqlite_op_audit_prune(void *db, struct store_job *job);
enum store_result sqlite_op_restore(void *db, struct store_job *job);
enum store_result sqlite_op_riders_load(void *db, struct store_job *job);
enum store_result sqlite_op_backup(void *db, struct store_job *job);
