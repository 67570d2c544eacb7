/* A backup in the place of the ledger, for tools. The daemon must be away: its lock is held from
 * begin to done. Functions block.
 *
 *   begin: the backup is copied beside the ledger, and the copy checked ─► the caller looks at the
 *   copy ─► put: what was there goes aside, the copy takes its place
 *
 * Until put() nothing of the ledger is touched, and when put() fails, it is as it was. */
#pragma once

#include "store/store.h"

struct ledger_restore {
        char *path, *copy;
        int lock_fd;
};

/* -EBUSY: a daemon runs; -ENOSPC; another negative errno. `error` says why. To be ended by done()
 * in every case. */
int ledger_restore_begin(struct ledger_restore *r, const char *path, const char *backup,
                         char error[static STORE_ERROR_SIZE]);
/* `aside`: a directory that is made; the old ledger and the audit beside it go there. */
int ledger_restore_put(struct ledger_restore *r, const char *aside,
                       char error[static STORE_ERROR_SIZE]);
void ledger_restore_done(struct ledger_restore *r);
