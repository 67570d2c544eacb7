/* The ledger: orders, legs, idempotency keys, kill switch, sessions, audit, guests' rows. Blocking
 * drivers (driver.h) run on one store thread, which commits in groups: every job queued while a
 * commit was running shares the next one. A caller embeds a job in its own struct, fills the
 * inputs, submits it; `done` runs on the loop thread, never from inside store_submit(). Inputs must
 * live until then.
 *
 * A write job is atomic by itself (a savepoint inside the group): a conflict in one leaves the
 * others alone. `done` of a write runs after the group's commit is durable (synchronous=FULL), or
 * failed. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/secret.h"
#include "base/text.h"
#include "domain/audit_record.h"
#include "domain/order.h"
#include "domain/rider.h"
#include "loop/loop.h"

struct store;

/* Results. Driver-independent; the text behind a failure is in job.error. */
#define STORE_RESULT_TABLE(X)                                                               \
        X(OK)                                                                               \
        X(NOT_FOUND)       /* no such row */                                                \
        X(KEY_TAKEN)       /* the idempotency key exists: `found_*` of the job is filled */ \
        X(CLIENT_ID_TAKEN) /* client_order_id used on that account and day */               \
        X(STALE)           /* the row changed meanwhile (epoch, version) */                 \
        X(UNCERTAIN)       /* connection lost during commit: read back before deciding */   \
        X(UNAVAILABLE)     /* locked, away, timeout: nothing was written */                 \
        X(FULL)            /* disk full: nothing was written */                             \
        X(CORRUPT)         /* the database is damaged or read-only: nothing was written */  \
        X(FAILED)          /* anything else: nothing was written */
enum store_result {
#define X(name) STORE_##name,
        STORE_RESULT_TABLE(X)
#undef X
                _STORE_RESULT_MAX
};
const char *store_result_name(enum store_result r); /* "key_taken" */

enum store_op {
        STORE_INTENT,      /* struct store_intent */
        STORE_OUTCOME,     /* struct store_outcome */
        STORE_APPEND,      /* struct store_append: audit rows and riders alone */
        STORE_KILLSWITCH,  /* struct store_killswitch */
        STORE_SESSION_PUT, /* struct store_session */
        STORE_ORDER_GET,   /* struct store_order_get */
        STORE_ORDER_LIST,  /* struct store_order_list */
        STORE_KEY_GET,     /* struct store_key_get */
        STORE_AUDIT_LIST,  /* struct store_audit_list */
        STORE_AUDIT_PRUNE, /* struct store_audit_prune */
        STORE_RESTORE,     /* struct store_restore: what start-up needs, in one read */
        STORE_RIDERS_LOAD, /* struct store_riders_load */
        STORE_PROBE,       /* struct store_job alone: the watchdog's question */
        STORE_BACKUP,      /* struct store_backup; runs outside of a group */
        _STORE_OP_MAX
};

#define STORE_ERROR_SIZE 160

struct store_job {
        struct list link;
        enum store_op op;
        enum store_result result;
        char error[STORE_ERROR_SIZE];
        void (*done)(struct store_job *job); /* may be NULL */
        /* the store's: */
        int64_t queued_us;
        bool waited_for; /* by store_run() */
};

/* The write-ahead commit: order, legs that passed the gates (and the refused ones, for the record),
 * key, audit rows. Legs whose state is LEG_SENDING carry the mark in the same commit. */
struct store_intent {
        struct store_job job;
        const struct order *order;
        const char *idempotency_scope; /* "key name\nPOST\n/api/v1/orders"; NULL: no key */
        const char *idempotency_key;
        const uint8_t *fingerprint; /* FINGERPRINT_SIZE */
        int64_t key_expires_us;
        uint64_t killswitch_epoch;  /* STALE when the ledger's differs */
        struct audit_record *audit; /* n_audit of them; seq filled in */
        unsigned n_audit;
        /* on STORE_KEY_TAKEN: */
        char found_order_id[ID_SIZE];
        bool found_same_fingerprint;
};

/* The second commit, and every later change of legs: legs as they are now, the stored answer when
 * the order is finished, audit rows, the guest's rows. What a modify changes in the order itself
 * (type, validity, quantities, prices) is written once a leg counts a modification. */
struct store_outcome {
        struct store_job job;
        const struct order *order;
        const bool *changed;     /* per leg; NULL: all */
        int answer_status;       /* 0: leave the stored answer alone */
        const char *answer_body; /* verbatim, what a replay gives */
        size_t answer_size;
        struct audit_record *audit;
        unsigned n_audit;
        struct list *riders; /* of struct rider, or NULL; empty afterwards. Those of a job that
                                fails go first with the next job that has a list, even an empty one;
                                settled by the store, on the loop thread, before the done of the
                                job they were written with: true; at its end: false */
};

struct store_append {
        struct store_job job;
        struct audit_record *audit;
        unsigned n_audit;
        struct list *riders;
};

struct store_killswitch {
        struct store_job job;
        const char *scope; /* "global", "broker:paper", "account:paper:demo" */
        int level;         /* 0 … 3 */
        const char *reason, *actor;
        int64_t at_us;
        struct audit_record *audit;
        unsigned n_audit;
        uint64_t epoch; /* out: the new one */
};

/* A broker session or another sealed thing of an account. `value` is already sealed (vault.h). */
struct store_session {
        struct store_job job;
        const char *account;
        const char *column; /* "token", "totp" */
        const void *value;  /* NULL: delete */
        size_t size;
        int64_t expires_us;
        struct audit_record *audit;
        unsigned n_audit;
};

/* What of an order's stored answer is wanted. */
enum store_answer { STORE_ANSWER_STATUS, STORE_ANSWER_BODY, STORE_ANSWER_NONE };

/* One order with its legs and, for replays, its stored answer. By id, by client_order_id (of a
 * day), or by tag. */
struct store_order_get {
        struct store_job job;
        const char *id;
        const char *client_order_id;
        int day;
        const char *account; /* with tag */
        const char *tag;
        enum store_answer answer;
        struct order *order; /* out, owned by the caller */
        int answer_status;   /* out; 0: not finished, or not asked for */
        char *answer_body;   /* out, free(); NULL unless asked for */
        size_t answer_size;
};

struct store_order_list {
        struct store_job job;
        const char *const
                *accounts;     /* NULL-terminated; NULL: all. A leg on one of them is enough */
        int status;            /* enum order_status of such a leg; -1: all */
        const char *symbol;    /* NULL: all */
        int64_t since_us;      /* created at or after */
        const char *before_id; /* cursor: ids below; newest first */
        unsigned limit;        /* 1 … 500 */
        bool unresolved_only;
        bool live_only;
        struct order **orders; /* out: at most `limit`, owned by the caller; store_orders_free() */
        unsigned n_orders;
        bool more;
};
void store_orders_free(struct order **orders, unsigned n);

/* A key without placing anything: is it known? */
struct store_key_get {
        struct store_job job;
        const char *scope, *key;
        uint8_t fingerprint[FINGERPRINT_SIZE]; /* out */
        char order_id[ID_SIZE];                /* out */
        int answer_status;                     /* out; 0: not finished */
        char *answer_body;                     /* out, free() */
        size_t answer_size;
};

struct store_audit_row {
        int64_t seq;
        int64_t at_us;
        enum audit_action action; /* _AUDIT_MAX: one that this program does not know */
        char account[ACCOUNT_SIZE];
        char order_id[ID_SIZE];
        char *record; /* the JSON line, hash included */
        size_t size;
};
struct store_audit_list {
        struct store_job job;
        int64_t after_seq;                               /* rows above */
        int64_t up_to_seq;                               /* 0: no bound */
        const char *correlation_id, *order_id, *account; /* NULL: any */
        int64_t since_us, until_us;                      /* 0: any */
        unsigned limit;                                  /* 1 … 4096 */
        struct store_audit_row *rows;                    /* out; store_audit_rows_free() */
        unsigned n_rows;
        bool more;
};
void store_audit_rows_free(struct store_audit_row *rows, unsigned n);

/* Deletes exported rows up to `seq` and older than `before_us`, never the newest one, at most
 * STORE_PRUNE_MAX of them: ask again while `deleted` says so. Also forgets a bounded number of
 * idempotency keys that have expired and whose order is resolved. */
#define STORE_PRUNE_MAX 4096
struct store_audit_prune {
        struct store_job job;
        int64_t up_to_seq, before_us;
        int64_t deleted; /* out */
};

/* What the orchestrator needs at start: legs that are not settled or live of today (whole orders),
 * counters of the day per account and per API key, kill switch rows, sessions, last audit number.
 */
struct store_restore {
        struct store_job job;
        int day;
        struct order *
                *orders; /* out: every order of `day` with a leg that is live or not settled, and
                            every order of any day with an unsettled leg; store_orders_free() */
        unsigned n_orders;
        struct store_day_count {
                char account[ACCOUNT_SIZE];
                int64_t orders; /* legs with an intent today, and their modifications */
                int64_t traded; /* legs with an intent today that have traded, at least in part */
                int64_t value;  /* 1e-4 rupee of accepted legs: quantity × (average, price or 0) */
        } * counts;
        unsigned n_counts;
        struct store_key_count {
                char key_name[KEY_NAME_SIZE]; /* that placed the order */
                int64_t orders, value;        /* as of an account */
        } * key_counts;
        unsigned n_key_counts;
        struct store_killswitch_row {
                char scope[64];
                int level;
                char reason[MESSAGE_SIZE];
                char actor[KEY_NAME_SIZE];
                int64_t at_us;
        } * killswitch;
        unsigned n_killswitch;
        uint64_t killswitch_epoch;
        struct store_session_row {
                char account[ACCOUNT_SIZE];
                char column[16];
                void *value;
                size_t size;
                int64_t expires_us;
        } * sessions;
        unsigned n_sessions;
        int64_t audit_seq;
        /* in: since when (wall clock) it is asked what went to brokers; 0: it is not asked */
        int64_t sent_since_us;
        struct store_sent { /* orders, modifies, cancels that may have been sent; in no order */
                char account[ACCOUNT_SIZE];
                int64_t at_us; /* INT64_MAX: nobody knows when, perhaps a moment ago */
        } * sent;
        unsigned n_sent;
};
#define STORE_SENT_MAX 100000 /* rows of orders, and as many records, that are looked at for it */
void store_restore_done(struct store_restore *r);

struct store_riders_load {
        struct store_job job;
        const char *guest;
        /* called on the store thread, row by row, before done */
        int (*row)(void *userdata, const char *account, const char *kind, const char *key,
                   const void *value, size_t size);
        void *userdata;
};

/* Runs on a thread of its own, so that no order waits for it; one at a time, another ends as
 * UNAVAILABLE. */
struct store_backup {
        struct store_job job;
        const char *path; /* must not exist; verified by opening and checking it */
};

struct store_migrating {
        const char *verb; /* "copy": SQLite's file is, first; "migrate" */
        const char *name; /* of the migration */
        int version, of;
};

struct store_options {
        const char *url;            /* "sqlite:/path/ordo.db" or postgresql://… */
        const char *migrations_dir; /* holds sqlite/ and postgres/ */
        bool migrate;       /* apply what is pending; otherwise an older schema is refused */
        unsigned queue_max; /* 0: STORE_QUEUE_MAX; beyond it jobs end as UNAVAILABLE */
        /* before each step of a migration, which may take long; on the thread that opens; NULL */
        void (*migrating)(void *userdata, const struct store_migrating *step);
        void *userdata;
        /* where other daemons may use the ledger, too (instances.h); NULL: this is the only one */
        const char *writer; /* the id of this one */
        const atomic_bool *crowd;
};
#define STORE_QUEUE_MAX 65536
#define STORE_GROUP_MAX 512 /* jobs in one commit */

struct store_driver; /* driver.h */

bool store_is_postgres(const char *url); /* else it is SQLite */

/* Opens, locks, migrates, checks; starts the thread. On failure `error` says why and what to do.
 * 0; -EBUSY another process holds it (named in error); -EBADMSG damaged; -EPROTO schema unknown or
 * an applied migration was edited; other negative errno. */
/* `loop` may be NULL when only store_run() is used. */
int store_open(struct loop *loop, const struct store_options *o,
               char error[static STORE_ERROR_SIZE], struct store **ret);
/* With a driver of the caller's (tests). */
int store_open_driver(struct loop *loop, const struct store_driver *d,
                      const struct store_options *o, char error[static STORE_ERROR_SIZE],
                      struct store **ret);
/* Finishes what is queued, joins the thread. Done callbacks that were not delivered yet are
 * delivered. */
struct store *store_close(struct store *s);

void store_submit(struct store *s, struct store_job *job);
/* The same without a loop, for start-up and offline tools: returns when it is done. `done` is not
 * called; riders are settled before it returns. */
enum store_result store_run(struct store *s, struct store_job *job);

struct store_stats {
        unsigned queued; /* not delivered yet */
        uint64_t commits, jobs;
        uint64_t errors[_STORE_RESULT_MAX];
        enum store_result last_failure; /* OK once a write has succeeded again */
        char last_error[STORE_ERROR_SIZE];
        int64_t oldest_queued_us; /* monotonic stamp; 0: none */
};
/* Loop thread. */
void store_stats(struct store *s, struct store_stats *ret);
/* Called on the loop thread after each group: jobs in it and microseconds of its commit. */
void store_on_commit(struct store *s, void (*fn)(void *userdata, unsigned jobs, int64_t us),
                     void *userdata);
const char *store_driver_name(const struct store *s); /* "sqlite" */
int store_schema_version(const struct store *s);
