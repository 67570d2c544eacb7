/* One group: the jobs the store thread took at once. Writes share one transaction, in the order
 * they were submitted; reads follow it, so that nobody reads what might yet be rolled back. Store
 * thread. */
#pragma once

#include "store/driver.h"

struct group {
        const struct store_driver *driver;
        void *db;
        struct store_job *jobs[STORE_GROUP_MAX];
        unsigned n;
        /* Riders of jobs that failed, from one group to the next: what they tell has happened, and
         * later ones were derived from it, so that they go first with the next job that can have
         * them. */
        struct list carried;
        /* out: */
        unsigned committed; /* writes in a transaction that is durable now */
        int64_t commit_us;
        enum store_result failure; /* the worst of the group that is the ledger's fault, OK: none */
        char error[STORE_ERROR_SIZE];
};

/* Runs every job and sets its result. */
void group_run(struct group *g);
/* The riders that travel with a job; NULL: none can. */
struct list *group_riders(struct store_job *job);
/* The audit records that are written with a job. */
struct audit_record *group_audit(struct store_job *job, unsigned *ret_n);
