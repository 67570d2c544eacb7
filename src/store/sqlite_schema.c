/* Migrations on SQLite: each in a transaction with its record, after a verified copy of what was
 * there. */
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/migrate.h"

static const char record_table[] =
        "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER NOT NULL PRIMARY KEY, "
        "needs INTEGER NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL, "
        "applied_us INTEGER NOT NULL) STRICT";

static int schema_failure(struct sqlite *s, int rc, char error[static STORE_ERROR_SIZE])
{
        return sqlite_failure(s, rc, error) == STORE_FULL ? -ENOSPC : -EBADMSG;
}

static void read_applied(sqlite3_stmt *st, struct migrations *ret)
{
        while (ret->n < MIGRATIONS_MAX && sqlite3_step(st) == SQLITE_ROW) {
                struct migration *m = &ret->items[ret->n++];
                m->version = sqlite3_column_int(st, 0);
                m->needs = sqlite3_column_int(st, 1);
                sqlite_column_copy(st, 2, m->name, sizeof(m->name));
                sqlite_column_copy(st, 3, m->checksum, sizeof(m->checksum));
        }
}

static int load_applied(struct sqlite *s, struct migrations *ret,
                        char error[static STORE_ERROR_SIZE])
{
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(s->db,
                                    "SELECT version,needs,name,checksum FROM "
                                    "schema_migrations ORDER BY version",
                                    -1, &st, NULL);
        if (rc == SQLITE_ERROR) /* no such table: a new file */
                return 0;
        if (rc != SQLITE_OK)
                return schema_failure(s, rc, error);
        ret->items = calloc(MIGRATIONS_MAX, sizeof(*ret->items));
        if (ret->items)
                read_applied(st, ret);
        rc = sqlite3_finalize(st);
        if (!ret->items)
                return -ENOMEM;
        return rc == SQLITE_OK ? 0 : schema_failure(s, rc, error);
}

static int record(struct sqlite *s, const struct migration *m)
{
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(s->db,
                                    "INSERT INTO schema_migrations "
                                    "(version,needs,name,checksum,applied_us) VALUES "
                                    "(?1,?2,?3,?4,?5)",
                                    -1, &st, NULL);
        if (rc != SQLITE_OK)
                return rc;
        sqlite3_bind_int(st, 1, m->version);
        sqlite3_bind_int(st, 2, m->needs);
        sqlite_bind_text(st, 3, m->name);
        sqlite_bind_text(st, 4, m->checksum);
        sqlite3_bind_int64(st, 5, clock_wall_us());
        sqlite3_step(st);
        return sqlite3_finalize(st);
}

static int apply(struct sqlite *s, const struct migration *m, char error[static STORE_ERROR_SIZE])
{
        char identity[64];
        snprintf(identity, sizeof(identity), "PRAGMA application_id=%d", SQLITE_LEDGER_ID);

        int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(s->db, record_table, NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(s->db, identity, NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(s->db, m->sql, NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = record(s, m);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                return 0;
        char why[STORE_ERROR_SIZE];
        int r = schema_failure(s, rc, why);
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        snprintf(error, STORE_ERROR_SIZE, "migration %04d_%s: %.70s", m->version, m->name, why);
        return r;
}

/* ordo.db.before-NNNN, replacing what an attempt that failed left behind. */
static int copy_before(struct sqlite *s, int version, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(freep) char *path = NULL;
        char why[STORE_ERROR_SIZE] = "";

        if (asprintf(&path, "%s.before-%04d", s->path, version) < 0)
                return -ENOMEM;
        unlink(path);
        int r = sqlite_copy(s->path, path, why);
        if (r < 0)
                snprintf(error, STORE_ERROR_SIZE, "no backup before the migration: %.110s", why);
        return r;
}

static int migrate(struct sqlite *s, const struct store_options *o, const struct migrations *files,
                   const struct migrations *applied, char error[static STORE_ERROR_SIZE])
{
        int pending = migrations_pending(files, applied, error);

        if (pending < 0)
                return pending;
        s->schema_version = (int)applied->n;
        if (pending == 0)
                return 0;
        if (!o->migrate) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the schema is version %u and this program needs "
                         "%u: run ordoctl migrate up",
                         applied->n, files->n);
                return -EPROTO;
        }
        if (applied->n > 0)
                migrations_tell(o, files, applied->n, "copy");
        int r = applied->n > 0 ? copy_before(s, (int)applied->n + 1, error) : 0;
        for (unsigned i = applied->n; i < files->n && r == 0; i++) {
                migrations_tell(o, files, i, "migrate");
                r = apply(s, &files->items[i], error);
                if (r == 0)
                        s->schema_version = files->items[i].version;
        }
        return r;
}

int sqlite_migrate(struct sqlite *s, const struct store_options *o,
                   char error[static STORE_ERROR_SIZE])
{
        struct migrations files = {}, applied = {};

        int r = migrations_load(o->migrations_dir, "sqlite", error, &files);
        if (r == 0)
                r = load_applied(s, &applied, error);
        if (r == 0)
                r = migrate(s, o, &files, &applied, error);
        migrations_done(&files);
        migrations_done(&applied);
        return r;
}
