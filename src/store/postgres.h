/* The PostgreSQL driver, inside.
 *
 * Who owns what. There is one connection, and the store thread alone uses it (the thread that opens
 * the store before that one begins): writes and reads go over it one trip after the other, a trip
 * being statements sent at once (pipeline) and their results. Whoever needs another connection
 * (listening for other daemons' changes, a lock that lives as long as the daemon) makes one of its
 * own with postgres_dial(), and never sends anything over this one.
 *
 * A transaction that writes. It exists only between begin() and commit() or rollback() of one
 * group:
 *
 *   begin     connected, or UNAVAILABLE
 *   op        the job is noted, nothing is sent
 *   decide    trip 1: BEGIN, the ledger's lock, the ends of chain and tables, everything a job
 *             could be in conflict with. Each job gets its result. When the connection turns out to
 *             be lost, it is made again, once: nothing was sent that could be committed.
 *   commit    trip 2: what the jobs write, the mark of this writer, COMMIT.
 *
 * The lock is the one row of killswitch_epoch (FOR UPDATE), held from the first trip to the end.
 * So nothing that was looked up changes before it is written, by whatever daemon, and groups are
 * strung one behind another: by the time COMMIT is sent, its transaction is known to hold the lock.
 *
 * Doubt. A connection that is lost in trip 2 leaves open whether the group is there. It is read
 * back: connect again (to the server, or to what took its place), take the lock, which says that
 * the lost transaction is over, and read this writer's mark in table writers: it was raised in that
 * very transaction. As long as that fails, nothing else is done over a new connection, reads
 * included, so that a read never answers "not there" while a lost transaction may still end. */
#pragma once

#include <libpq-fe.h>
#include <stdatomic.h>

#include "base/id.h"
#include "domain/audit_chain.h"
#include "store/columns.h"
#include "store/driver.h"
#include "store/migrate.h"
#include "store/postgres_statements.h"
#include "store/postgres_values.h"
#include "store/results.h"

/* The advisory lock of whoever uses the ledger: shared by daemons, for the life of their connection
 * ("Ordo", and one more); alone by a copy. */
#define POSTGRES_HOLD_KEY "1332896880"
/* And of whoever changes its schema: "Ordo", as SQLite's application_id. */
#define POSTGRES_MIGRATE_KEY "1332896879"

#define POSTGRES_QUEUE_MAX (4 * STORE_GROUP_MAX) /* statements in one trip */

/* What a transaction advances: read under the lock at its begin, lost with it. */
struct postgres_head {
        int64_t seq;
        uint8_t hash[AUDIT_HASH_SIZE];
        uint64_t epoch;
        int64_t order_row; /* of the last order */
};

/* A job of the group that is running, and what the first trip told about it. */
struct postgres_entry {
        struct store_job *job;
        int64_t order_row; /* intents: the new one; outcomes: 0 when it is not there */
        int64_t key_hash;
        int64_t key_row; /* the order that has the key; 0: none */
        bool key_over;   /* and may lose it */
        bool client_id_taken;
};

struct postgres {
        PGconn *conn; /* NULL: away */
        char *url;
        int schema_version;

        /* the next try, and why the last one failed */
        int64_t try_us, wait_us;
        char why[STORE_ERROR_SIZE];

        unsigned long timeline; /* the newest that was met */
        char writer[UUID_SIZE];
        bool signed_in;           /* its row in table writers is there */
        int64_t mark;             /* of the last group that is known to be there */
        const atomic_bool *crowd; /* somebody listens; NULL: nobody asked for it */

        enum postgres_statement queued[POSTGRES_QUEUE_MAX];
        unsigned n_queued;
        bool broken; /* sending failed: the trip will say so */

        struct postgres_entry entries[STORE_GROUP_MAX];
        unsigned n_entries;
        bool in_transaction; /* BEGIN was sent, and the lock */
        bool committing;     /* this trip ends with COMMIT */
        bool careful;        /* each job by itself, to find the one that is to blame */
        struct postgres_head head;

        struct values values; /* of the statement that is being made */
        struct values own;    /* of what connecting sends, perhaps before that one */
        struct text line;     /* the audit record being written */
        int64_t swept_row;    /* where forgetting old keys goes on */
};

/* --- postgres_wire.c: a connection and its trips --- */

#define POSTGRES_TRIP_US (15 * USEC_PER_SEC)  /* the longest that an answer is waited for */
#define POSTGRES_SLOW_US (300 * USEC_PER_SEC) /* for what a start reads, and migrations */

/* 0, or -EINVAL with words that hold nothing of the URL. */
int postgres_check_url(const char *url, char error[static STORE_ERROR_SIZE]);
/* A new connection with Ordo's settings, that can be written to, out of pipeline mode. NULL:
 * `error` says why, without the URL. Any thread, blocking. */
#define POSTGRES_TLS_REFUSED "postgresql: TLS: " /* how `error` begins then: no trust, no TLS */
PGconn *postgres_dial(const char *url, char error[static STORE_ERROR_SIZE]);
/* False: the server writes on an older timeline than `*seen`, the newest that was met. It was the
 * primary before another one took over. A server that does not tell is believed. */
bool postgres_newest(PGconn *conn, unsigned long *seen, char error[static STORE_ERROR_SIZE]);
/* Of a failed result: what it means for the ledger, with words for the administrator. */
enum store_result postgres_failure(const PGresult *r, char error[static STORE_ERROR_SIZE]);

/* Puts a statement with p->values into the next trip. */
void postgres_queue(struct postgres *p, enum postgres_statement id);
void postgres_queue_own(struct postgres *p, enum postgres_statement id); /* with p->own */
/* Sends what is queued and takes the results, as many as were queued; `results` may be NULL. Not
 * OK: the first failure, no results, and p->conn is NULL when the connection is lost. */
enum store_result postgres_trip(struct postgres *p, int64_t patience_us, PGresult **results,
                                char error[static STORE_ERROR_SIZE]);
/* One statement with p->values outside of a transaction, connecting where needed; once more when
 * the connection was lost. */
enum store_result postgres_ask(struct postgres *p, enum postgres_statement id,
                               struct store_job *job, PGresult **ret);
/* The same with READ_LIMIT: longer, and it would hold up the orders behind it. */
enum store_result postgres_ask_briefly(struct postgres *p, enum postgres_statement id,
                                       struct store_job *job, PGresult **ret);
/* Rolls back what a failure has left open. */
void postgres_end(struct postgres *p);
void postgres_clear(PGresult **results, unsigned n);
static inline PGresult *postgres_free(PGresult *r)
{
        PQclear(r);
        return NULL;
}
DEFINE_CLEANUP(PGresult *, postgres_free)

/* --- postgres_link.c: being connected, and staying so --- */

/* Connected, prepared, and nothing in doubt. UNAVAILABLE: away, the next try comes later; CORRUPT:
 * the server has lost what was committed. */
enum store_result postgres_ensure(struct postgres *p, char error[static STORE_ERROR_SIZE]);
/* The connection is gone or of no use: the next one who needs it makes it again. */
void postgres_drop(struct postgres *p);
/* After a commit whose answer was lost: OK: it is there. UNAVAILABLE: it is not. UNCERTAIN: nobody
 * can tell yet. */
enum store_result postgres_read_back(struct postgres *p, char error[static STORE_ERROR_SIZE]);
int postgres_open(const struct store_options *o, char error[static STORE_ERROR_SIZE], void **ret);
void postgres_shut(void *db);

/* --- postgres_schema.c --- */

/* Over a connection of postgres_dial(). 1: something was applied, and the connection has other
 * settings now; 0: nothing was. Errors as store_open()'s. */
int postgres_migrate(PGconn *conn, const struct store_options *o, int *ret_version,
                     char error[static STORE_ERROR_SIZE]);

/* --- postgres_rights.c --- */

/* Gives the daemon's role what its statements need, and nothing else; where there is no such role,
 * or the caller does not own the schema, nothing. 0 or negative errno. */
int postgres_grant_rights(PGconn *conn, char error[static STORE_ERROR_SIZE]);
/* Whether the caller has all of it. -EBADMSG: not; the first one that is missing is named. */
int postgres_check_rights(PGconn *conn, char error[static STORE_ERROR_SIZE]);

/* --- postgres_group.c: the first trip; postgres_write.c: the second --- */

/* Begins the transaction where it is not begun, and gives the entries' jobs their results. */
enum store_result postgres_look(struct postgres *p, char error[static STORE_ERROR_SIZE]);
/* What the other daemons are to hear when the group is committed, if there are any: how far the
 * records go, and the kill switch's epoch. */
void postgres_announce(struct postgres *p);
/* Queues everything that the entries whose result is OK write. */
enum store_result postgres_write(struct postgres *p, char error[static STORE_ERROR_SIZE]);
/* Gives the jobs what their statements came to: the first `n` of p->queued. */
void postgres_written(struct postgres *p, PGresult *const *results, unsigned n);

/* --- reads --- */

enum store_result postgres_op_order_get(void *db, struct store_job *job);
enum store_result postgres_op_order_list(void *db, struct store_job *job);
enum store_result postgres_op_key_get(void *db, struct store_job *job);
enum store_result postgres_op_audit_list(void *db, struct store_job *job);
enum store_result postgres_op_restore(void *db, struct store_job *job);
enum store_result postgres_op_riders_load(void *db, struct store_job *job);

/* Orders out of a result of PG_LOAD, in its order; `*ret_orders` has room for `max`, the rest is
 * left. */
enum store_result postgres_read_orders(const PGresult *r, struct store_job *job, unsigned max,
                                       struct order **orders, unsigned *ret_n);
unsigned postgres_count_orders(const PGresult *r);
