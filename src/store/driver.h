/* What a ledger's database must do: blocking functions, called by store.c on the store thread alone
 * (open and close on the thread that opens and closes the store, backup on a thread of its own).
 *
 * Writes come in groups: begin(), the op of each job, commit(). The op of a job says what came of
 * it: OK                                  its changes are in the transaction NOT_FOUND … STALE
 * documented; this job wrote nothing, the transaction is sound anything else the transaction is
 * spoiled: rollback() follows. After FAILED the job alone is to blame and the group runs again
 * without it. `job->result` is the store's and final only after commit() has returned OK.
 *
 * A driver for which each question is a journey has decide(): its ops note the job and return OK,
 * and decide() gives every job of the group its result. When decide() or commit() then ends as
 * FAILED, nobody knows whose fault it is: the group runs again with careful(true), in which an op
 * does all by itself and says what came of it.
 *
 * The head of the audit chain, the kill switch's epoch and everything else a transaction advances
 * belong to the driver; rollback() takes them back. */
#pragma once

#include "store/store.h"

struct store_driver {
        const char *name; /* "sqlite" */

        /* Opens, locks, migrates, checks. Results as store_open()'s. */
        int (*open)(const struct store_options *o, char error[static STORE_ERROR_SIZE],
                    void **ret_db);
        void (*close)(void *db);
        int (*schema_version)(void *db);

        enum store_result (*begin)(void *db, char error[static STORE_ERROR_SIZE]);
        enum store_result (*commit)(void *db, char error[static STORE_ERROR_SIZE]);
        void (*rollback)(void *db);

        /* One function per op; the text behind a failure goes to job->error. Reads run outside of a
         * transaction of writes. STORE_BACKUP's may run while the store thread uses the same `db`.
         */
        enum store_result (*op[_STORE_OP_MAX])(void *db, struct store_job *job);

        /* The rest may be NULL. See above. */
        enum store_result (*decide)(void *db, char error[static STORE_ERROR_SIZE]);
        void (*careful)(void *db, bool on);
        /* Room is so short that only outcomes may be written. */
        bool (*strained)(void *db);
        /* A group ended as FULL: gives up what is kept for outcomes. True: trying again is worth
         * it. */
        bool (*relieve)(void *db);
        /* Nothing has been queued for a while: a good moment for housekeeping. */
        void (*idle)(void *db);
};

#define STORE_THREAD_STACK (256U << 10)

extern const struct store_driver store_sqlite, store_postgres;

bool store_op_writes(enum store_op op);
/* A result that leaves the transaction sound. */
bool store_result_sound(enum store_result r);
/* Sets job->error and returns `r`. */
enum store_result store_fail(struct store_job *job, enum store_result r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
