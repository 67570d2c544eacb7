/* Copies a whole ledger from one kind of database to the other, for `ordoctl db copy`.
 *
 * Tables and columns are those that the two schemas list themselves, so that a migration needs no
 * change here; what the two do not have alike is refused. Rows go in the order of their keys, in
 * batches, each a transaction of the target; one that was stopped goes on behind the last row that
 * is there. As long as the copy is not finished the target holds table ledger_copy, a row for each
 * table, and no daemon starts on it. At the end both sides are read again, each table's rows
 * counted and digested in the order of their keys, the chain of the audit followed, and only when
 * all of that is equal does ledger_copy go.
 *
 * Both ends are held meanwhile as a daemon holds them. Blocking; one thread; memory for one batch
 * of rows at most. */
#pragma once

#include "base/cleanup.h"
#include "store/store.h"

#define LEDGER_NAME_SIZE   64
#define LEDGER_TABLES_MAX  32
#define LEDGER_DIGEST_SIZE 65 /* 256 bits of BLAKE2b in hexadecimal digits */

/* A batch ends at whichever comes first. */
#define LEDGER_BATCH_ROWS  5000
#define LEDGER_BATCH_BYTES (4U << 20)

struct ledger_copy {
        const char *from, *to; /* "sqlite:/path/ordo.db" or postgresql://… */
        const char *migrations_dir;
        bool restart; /* forget what an unfinished copy left in the target */
        /* After each batch of rows; may be NULL. `verb`: "copy", "verify". */
        void (*progress)(struct ledger_copy *c, const char *verb, const char *table, int64_t rows,
                         int64_t total);
        /* out */
        struct ledger_copied {
                char table[LEDGER_NAME_SIZE];
                char digest[LEDGER_DIGEST_SIZE]; /* the same on both sides */
                int64_t rows;
                int64_t copied; /* of them now, not by an earlier run */
        } tables[LEDGER_TABLES_MAX];
        unsigned n_tables;
        int64_t mended_texts; /* that were not UTF-8: their strange bytes became question marks */
        int64_t audit_records;
};

/* 0; -EBUSY: a daemon, or another copy, holds one of them; -EEXIST: the target is not empty;
 * -EBADMSG: the two are not equal after all, or the audit is broken; -EPROTO: their schemas do not
 * fit; -ECONNREFUSED: a server is away; other negative errno. `error` says what to do. */
int ledger_copy(struct ledger_copy *c, char error[static STORE_ERROR_SIZE]);

/* A URL of PostgreSQL with a password in it: nothing for a command line, where others could read
 * it. */
bool ledger_copy_url_tells_password(const char *url);

/* The table in the target while a copy is not finished. */
#define LEDGER_COPY_TABLE "ledger_copy"
/* What a daemon is told that finds it. */
#define LEDGER_COPY_UNFINISHED \
        "a copy into this ledger was begun and is not finished: run ordoctl db copy again"
