/* The books, read now because somebody asks: one read for each account, all at once; each has its
 * own result. */
#pragma once

#include "orchestrator/orchestrator.h"

struct reconcile_result {
        const struct account *account;
        enum problem problem; /* NONE: the book was read, and what it says was taken over */
        char message[MESSAGE_SIZE];
        int64_t as_of_us; /* wall clock: when the read began */
        /* by this read: lost orders found, orders with news; after it: orders that are not ours and
         * not over, legs whose outcome is not known */
        unsigned adopted, updated, external, unresolved;
};

struct reconcile_request {
        struct caller caller;
        const char *const *accounts; /* checked by the caller to exist; NULL: the caller's */
        void (*done)(struct reconcile_request *r);
        struct reconcile_result *results; /* out; freed after done */
        unsigned n_results;
        void *userdata;
};
void reconcile_books(struct orchestrator *o, struct reconcile_request *r);
