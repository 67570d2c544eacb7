/* The migrations of one driver: files NNNN_name.sql, numbered from 1 without gaps, forward only. An
 * applied one is recorded with the SHA-256 of its file. A first line `-- needs: N` says that
 * programs which know the schema up to N still run on this one (expand, then contract); without it
 * they refuse. */
#pragma once

#include "base/cleanup.h"
#include "store/store.h"

#define MIGRATION_NAME_SIZE     64
#define MIGRATION_CHECKSUM_SIZE 65
#define MIGRATION_FILE_MAX      (1U << 20)
#define MIGRATIONS_MAX          512

struct migration {
        int version;
        int needs;
        char name[MIGRATION_NAME_SIZE];
        char checksum[MIGRATION_CHECKSUM_SIZE];
        char *sql; /* NULL in a record of an applied one */
};

struct migrations {
        struct migration *items; /* by version: items[0] is 1 */
        unsigned n;
};

/* Reads `dir`/`driver`. 0; -ENOENT … with the text in `error`. */
int migrations_load(const char *dir, const char *driver, char error[static STORE_ERROR_SIZE],
                    struct migrations *ret);
void migrations_done(struct migrations *m);
/* Compares with what a database says was applied, by rising version. The number of pending ones;
 * -EPROTO: an applied file was edited, or the schema is newer than these files and needs more than
 * they know. */
int migrations_pending(const struct migrations *m, const struct migrations *applied,
                       char error[static STORE_ERROR_SIZE]);
/* Tells whoever opens the store that `verb` begins with item `i`. */
void migrations_tell(const struct store_options *o, const struct migrations *m, unsigned i,
                     const char *verb);
/* What a ledger in PostgreSQL says was applied; nothing: it has no schema yet. 0; negative errno.
 */
int migrations_applied(const char *url, char error[static STORE_ERROR_SIZE],
                       struct migrations *ret);
