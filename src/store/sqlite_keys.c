/* Idempotency keys: found by a short hash, decided by their text, forgotten when their time is
 * over. */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SWEEP_KEYS 2000 /* looked at in one call of the prune */

static sqlite3_stmt *find_key(struct sqlite *s, int64_t hash, const char *scope, const char *key,
                              struct store_job *job, enum store_result *ret)
{
        sqlite3_stmt *st = sqlite_statement(s, SQL_KEY_GET, job, ret);
        if (!st)
                return NULL;
        sqlite3_bind_int64(st, 1, hash);
        sqlite_bind_text(st, 2, key);
        sqlite_bind_text(st, 3, scope);
        return st;
}

static enum store_result delete_key(struct sqlite *s, int64_t order_row, struct store_job *job)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_KEY_DELETE, job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, order_row);
        return sqlite_done(s, st, job);
}

/* Past its time, and nothing of its order is unsettled: the key may be used again. */
static enum store_result key_expired(struct sqlite *s, int64_t order_row, int64_t expires_us,
                                     struct store_job *job, bool *ret)
{
        enum store_result r = STORE_OK;

        *ret = false;
        if (expires_us > clock_wall_us())
                return r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_UNSETTLED, job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, order_row);
        int rc = sqlite3_step(st);
        *ret = rc == SQLITE_DONE;
        if (rc != SQLITE_DONE && rc != SQLITE_ROW)
                r = sqlite_job_failure(s, rc, job);
        sqlite3_reset(st);
        return r;
}

enum store_result sqlite_check_key(struct sqlite *s, struct store_intent *in,
                                   struct sqlite_key *ret)
{
        enum store_result r;
        *ret = (struct sqlite_key){
                .hash = column_key_hash(in->idempotency_scope, in->idempotency_key)};
        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                find_key(s, ret->hash, in->idempotency_scope, in->idempotency_key, &in->job, &r);
        if (!st)
                return r;
        int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
                return STORE_OK;
        if (rc != SQLITE_ROW)
                return sqlite_job_failure(s, rc, &in->job);

        sqlite_column_copy(st, 0, in->found_order_id, sizeof(in->found_order_id));
        in->found_same_fingerprint =
                sqlite3_column_bytes(st, 1) == FINGERPRINT_SIZE &&
                memcmp(sqlite3_column_blob(st, 1), in->fingerprint, FINGERPRINT_SIZE) == 0;
        int64_t expires_us = sqlite3_column_int64(st, 2), row = sqlite3_column_int64(st, 3);
        bool expired;
        r = key_expired(s, row, expires_us, &in->job, &expired);
        if (r != STORE_OK)
                return r;
        ret->old_row = expired ? row : 0;
        return expired ? STORE_OK : STORE_KEY_TAKEN;
}

enum store_result sqlite_take_key(struct sqlite *s, struct store_intent *in,
                                  const struct sqlite_key *key, int64_t order_row)
{
        enum store_result r = key->old_row ? delete_key(s, key->old_row, &in->job) : STORE_OK;
        if (r != STORE_OK)
                return r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_KEY_INSERT, &in->job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, key->hash);
        sqlite_bind_text(st, 2, in->idempotency_key);
        sqlite_bind_text(st, 3, in->idempotency_scope);
        sqlite3_bind_int64(st, 4, order_row);
        sqlite3_bind_blob(st, 5, in->fingerprint, FINGERPRINT_SIZE, SQLITE_STATIC);
        sqlite3_bind_int64(st, 6, in->key_expires_us);
        return sqlite_done(s, st, &in->job);
}

enum store_result sqlite_op_key_get(void *db, struct store_job *job)
{
        struct store_key_get *k = CONTAINER_OF(job, struct store_key_get, job);
        enum store_result r;

        k->answer_body = NULL;
        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                find_key(db, column_key_hash(k->scope, k->key), k->scope, k->key, job, &r);
        if (!st)
                return r;
        int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
                return STORE_NOT_FOUND;
        if (rc != SQLITE_ROW)
                return sqlite_job_failure(db, rc, job);
        bool expired;
        sqlite_column_copy(st, 0, k->order_id, sizeof(k->order_id));
        if (sqlite3_column_bytes(st, 1) != FINGERPRINT_SIZE)
                return store_fail(job, STORE_CORRUPT, "a fingerprint has a wrong size");
        memcpy(k->fingerprint, sqlite3_column_blob(st, 1), FINGERPRINT_SIZE);
        int64_t row = sqlite3_column_int64(st, 3);
        r = key_expired(db, row, sqlite3_column_int64(st, 2), job, &expired);
        if (r != STORE_OK)
                return r;
        if (expired)
                return STORE_NOT_FOUND;
        return sqlite_load_answer(db, row, job, &k->answer_status, &k->answer_body,
                                  &k->answer_size);
}

/* Looks at the next keys, oldest first, and collects those that may go: a statement must not delete
 * from under its own cursor. The last one seen is where the next call goes on; none left: from the
 * start. */
static enum store_result collect_keys(struct sqlite *s, struct store_job *job,
                                      int64_t old[static SWEEP_KEYS], unsigned *ret_n)
{
        enum store_result r;
        unsigned seen = 0;
        int64_t row = 0;
        int rc;

        *ret_n = 0;
        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(s, SQL_KEY_SWEEP, job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, s->swept_row);
        sqlite3_bind_int(st, 2, SWEEP_KEYS);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW && r == STORE_OK) {
                bool expired;
                row = sqlite3_column_int64(st, 0);
                r = key_expired(s, row, sqlite3_column_int64(st, 1), job, &expired);
                if (r == STORE_OK && expired)
                        old[(*ret_n)++] = row;
                seen++;
        }
        s->swept_row = seen == SWEEP_KEYS ? row : 0;
        if (r == STORE_OK && rc != SQLITE_DONE)
                r = sqlite_job_failure(s, rc, job);
        return r;
}

enum store_result sqlite_sweep_keys(struct sqlite *s, struct store_job *job)
{
        unsigned n;
        _cleanup_(freep) int64_t *old = calloc(SWEEP_KEYS, sizeof(*old));
        if (!old)
                return store_fail(job, STORE_UNAVAILABLE, "out of memory");
        enum store_result r = collect_keys(s, job, old, &n);
        for (unsigned i = 0; i < n && r == STORE_OK; i++)
                r = delete_key(s, old[i], job);
        return r;
}
