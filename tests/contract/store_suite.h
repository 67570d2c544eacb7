/* What every driver of the ledger must do, in one suite. A driver's test program says how to open a
 * new ledger and the same one again, and adds what only it can do. */
#pragma once

#include "suite.h"

#include "base/clock.h"
#include "store/store.h"

struct suite_driver {
        const char *name;
        /* A new, empty ledger for the test that begins, and its end. */
        void (*setup)(void);
        void (*teardown)(void);
        /* Opens it (again); `queue_max` 0: as usual. */
        int (*open)(struct loop *loop, unsigned queue_max, char error[static STORE_ERROR_SIZE],
                    struct store **ret);
};

/* The whole main(): the contract, then `own` tests of the driver. With TEST_CONTRACT_ONLY in the
 * environment the contract alone. */
int store_suite_main(const struct suite_driver *d, const TTest *const own[], unsigned n_own);

/* The same without the contract. */
int store_suite_own(const struct suite_driver *d, const char *title, const TTest *const own[],
                    unsigned n_own);

/* For the tests: one open ledger with a loop. */
struct ledger {
        struct loop *loop;
        struct store *store;
};
extern struct ledger ledger;
void ledger_reopen(void);
/* Submits and turns the loop until it is done. */
enum store_result ledger_submit(struct store_job *job);
/* Turns the loop until `n` jobs of ledger_done() have ended since the last call. */
void ledger_wait(unsigned n);
void ledger_done(struct store_job *job);
/* Holds the store thread, so that what is submitted next shares one group; then lets go. Something
 * must have been submitted, and be waited for, before the next hold. */
void ledger_hold(void);
void ledger_release(void);

/* A plausible order; every account gets a leg in state SENDING. Freed by the caller. */
struct order *new_order(const char *const *accounts);
struct order *new_order_on(const char *account);
/* Accepts every leg: settled, OPEN, with evidence. */
void accept_order(struct order *o);

/* An intent with one audit row, everything inside; intent_done() when it has ended. */
struct intent {
        struct store_intent in;
        struct audit_record audit;
        uint8_t fingerprint[FINGERPRINT_SIZE];
};
void intent_init(struct intent *i, const struct order *o, const char *key);
void intent_done(struct intent *i);
enum store_result put_intent(const struct order *o, const char *key);
/* All legs, one audit row. */
struct outcome_job {
        struct store_outcome out;
        struct audit_record audit;
};
void outcome_init(struct outcome_job *j, const struct order *o, int answer_status,
                  const char *answer);
void outcome_done(struct outcome_job *j);
enum store_result put_outcome(const struct order *o, int answer_status, const char *answer);
enum store_result get_order(const char *id, struct order **ret);
/* Everything that a GET shows must be alike. */
void assert_same_order(const struct order *a, const struct order *b);
/* The chain from its first row to its last; returns the number of rows. */
int64_t assert_chain(void);
#define SCOPE     "tester\nPOST\n/api/v1/orders"
#define EPOCH_NEW 1 /* of a new ledger */
