/* The ledger's file, read beside a running daemon or without one, for tools: its migrations, its
 * audit rows, a verified copy. Never writes to it, takes no lock. Functions block. */
#pragma once

#include "base/cleanup.h"
#include "store/migrate.h"

struct ledger_file;

/* 0; -ENOENT; -EBADMSG not a ledger; another negative errno. `error` says which and why. */
int ledger_file_open(const char *path, char error[static STORE_ERROR_SIZE],
                     struct ledger_file **ret);
struct ledger_file *ledger_file_close(struct ledger_file *f);
DEFINE_CLEANUP(struct ledger_file *, ledger_file_close)

/* What was applied, by rising version; migrations_done() later. */
int ledger_file_migrations(struct ledger_file *f, char error[static STORE_ERROR_SIZE],
                           struct migrations *ret);
/* The first audit row above `after_seq`, valid until the next call: 1; 0 there is none; negative
 * errno. Each call sees the newest state, so that rows keep coming while a daemon writes. */
int ledger_file_audit_next(struct ledger_file *f, int64_t after_seq, int64_t *ret_seq,
                           const char **ret_line, size_t *ret_size);
/* A verified copy at `to`, which must not exist. */
int ledger_file_copy(const char *path, const char *to, char error[static STORE_ERROR_SIZE]);
