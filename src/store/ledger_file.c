#include "store/ledger_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite.h"

#define BUSY_TIMEOUT_MS 2000
#define ROWS_AT_ONCE    512

struct ledger_row {
        int64_t seq;
        char *line;
        size_t size;
};

struct ledger_file {
        sqlite3 *db;
        sqlite3_stmt *rows;
        struct ledger_row page[ROWS_AT_ONCE];
        unsigned n_page, at;
        int64_t page_after; /* the row that was asked for last */
};

static int fail(struct ledger_file *f, int rc, char *error)
{
        snprintf(error, STORE_ERROR_SIZE, "%.150s",
                 f->db ? sqlite3_errmsg(f->db) : sqlite3_errstr(rc));
        switch (rc & 0xff) {
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
                return -EBADMSG;
        case SQLITE_BUSY:
                return -EBUSY;
        default:
                return -EIO;
        }
}

static void forget_page(struct ledger_file *f)
{
        for (unsigned i = 0; i < f->n_page; i++)
                free(f->page[i].line);
        f->n_page = f->at = 0;
}

static int check_identity(struct ledger_file *f, const char *path, char *error)
{
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(f->db, "PRAGMA application_id", -1, &st, NULL);
        int id = 0;

        if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
                id = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        if (rc != SQLITE_ROW)
                return fail(f, rc, error);
        if (id == SQLITE_LEDGER_ID)
                return 0;
        snprintf(error, STORE_ERROR_SIZE, "%.120s is not a ledger of Ordo", path);
        return -EBADMSG;
}

int ledger_file_open(const char *path, char error[static STORE_ERROR_SIZE],
                     struct ledger_file **ret)
{
        if (access(path, R_OK) < 0) {
                int r = -errno;
                snprintf(error, STORE_ERROR_SIZE, "%.120s: %s", path, strerror(-r));
                return r;
        }
        _cleanup_(ledger_file_closep) struct ledger_file *f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        int rc = sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc != SQLITE_OK)
                return fail(f, rc, error);
        sqlite3_busy_timeout(f->db, BUSY_TIMEOUT_MS);
        int r = check_identity(f, path, error);
        if (r < 0)
                return r;
        *ret = TAKE(f);
        return 0;
}

struct ledger_file *ledger_file_close(struct ledger_file *f)
{
        if (!f)
                return NULL;
        forget_page(f);
        sqlite3_finalize(f->rows);
        sqlite3_close(f->db);
        free(f);
        return NULL;
}

int ledger_file_migrations(struct ledger_file *f, char error[static STORE_ERROR_SIZE],
                           struct migrations *ret)
{
        sqlite3_stmt *st = NULL;
        struct migrations found = {.items = calloc(MIGRATIONS_MAX, sizeof(*found.items))};

        if (!found.items)
                return -ENOMEM;
        int rc = sqlite3_prepare_v2(f->db,
                                    "SELECT version,needs,name,checksum FROM schema_migrations "
                                    "ORDER BY version",
                                    -1, &st, NULL);
        while (rc == SQLITE_OK && found.n < MIGRATIONS_MAX &&
               (rc = sqlite3_step(st)) == SQLITE_ROW) {
                struct migration *m = &found.items[found.n++];
                m->version = sqlite3_column_int(st, 0);
                m->needs = sqlite3_column_int(st, 1);
                sqlite_column_copy(st, 2, m->name, sizeof(m->name));
                sqlite_column_copy(st, 3, m->checksum, sizeof(m->checksum));
                rc = SQLITE_OK;
        }
        sqlite3_finalize(st);
        if (rc != SQLITE_OK && rc != SQLITE_DONE) {
                migrations_done(&found);
                return fail(f, rc, error);
        }
        *ret = found;
        return 0;
}

/* A daemon that starts or checkpoints may hold the file for a moment: SQLite waits for that itself.
 */
static int read_page(struct ledger_file *f, int64_t after_seq)
{
        int rc = SQLITE_OK;

        forget_page(f);
        if (!f->rows)
                rc = sqlite3_prepare_v2(f->db,
                                        "SELECT seq,record FROM audit WHERE seq>?1 ORDER BY seq "
                                        "LIMIT ?2",
                                        -1, &f->rows, NULL);
        if (rc != SQLITE_OK)
                return -EIO;
        sqlite3_bind_int64(f->rows, 1, after_seq);
        sqlite3_bind_int(f->rows, 2, ROWS_AT_ONCE);
        while ((rc = sqlite3_step(f->rows)) == SQLITE_ROW) {
                struct ledger_row *row = &f->page[f->n_page];
                row->seq = sqlite3_column_int64(f->rows, 0);
                row->size = (size_t)sqlite3_column_bytes(f->rows, 1);
                row->line = malloc(row->size + 1);
                if (!row->line)
                        break;
                if (row->size > 0)
                        memcpy(row->line, sqlite3_column_blob(f->rows, 1), row->size);
                row->line[row->size] = '\0';
                f->n_page++;
        }
        sqlite3_reset(f->rows);
        return rc == SQLITE_DONE ? 0 : rc == SQLITE_ROW ? -ENOMEM : -EIO;
}

int ledger_file_audit_next(struct ledger_file *f, int64_t after_seq, int64_t *ret_seq,
                           const char **ret_line, size_t *ret_size)
{
        /* What was read in advance serves as long as one goes on in order. */
        while (f->at < f->n_page && f->page[f->at].seq <= after_seq)
                f->at++;
        if (f->at == f->n_page || after_seq < f->page_after) {
                int r = read_page(f, after_seq);
                if (r < 0)
                        return r;
        }
        f->page_after = after_seq;
        if (f->at == f->n_page)
                return 0;
        *ret_seq = f->page[f->at].seq;
        *ret_line = f->page[f->at].line;
        *ret_size = f->page[f->at].size;
        return 1;
}

int ledger_file_copy(const char *path, const char *to, char error[static STORE_ERROR_SIZE])
{
        return sqlite_copy(path, to, error);
}
