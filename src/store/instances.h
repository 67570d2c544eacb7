/* The other daemons over the same ledger: who is there, who looks after which account, and what has
 * changed. With SQLite there are none: the ledger is this daemon's alone.
 *
 * A thread of its own has a connection of its own (the control connection) and does four things:
 *
 *   - It renews this daemon's row, and with it the lease: until it ends orders may be sent. A
 *     daemon that is cut off from the ledger, or whose loop hangs, has no lease and sends nothing.
 *   - It holds an advisory lock for each account that this daemon owns. Lock, session and
 *     connection end together, so that another daemon takes over.
 *   - It listens: every group that a daemon commits is announced, with the number of its last
 *     record and the kill switch's epoch. What is missed is found by the renewal, twice a second.
 *   - It carries the kill switch: a change is read here and handed to the loop, which obeys it and
 *     says so by instances_obey(); the others read that in the row.
 *
 * Everything is handed over as news; the loop thread alone looks at them. */
#pragma once

#include <stdatomic.h>

#include "domain/account.h"
#include "store/store.h"

#define INSTANCES_LIVE_MAX      16 /* another one does not start */
#define INSTANCES_MAX           64 /* with those that died a moment ago */
#define INSTANCES_BEAT_US       INT64_C(500000)
#define INSTANCES_LEASE_US      INT64_C(2000000)
#define INSTANCES_LEASE_EDGE_US INT64_C(500000)  /* after which a lease is over for everybody */
#define INSTANCES_DEAD_US       INT64_C(5000000) /* unseen for so long: its session is ended */
#define INSTANCES_OWN_US        INT64_C(2000000) /* how often accounts without an owner are tried */
#define INSTANCE_HOST_SIZE      64

struct instances;

struct instance {
        char id[UUID_SIZE];
        char host[INSTANCE_HOST_SIZE];
        int64_t pid;
        int64_t started_us, seen_us; /* the server's wall clock */
        uint64_t epoch;              /* of the kill switch that it obeys */
        bool self;
        bool barred; /* its lease is over: it sends nothing until it has obeyed everything */
};

/* What is so at one moment. */
struct instances_news {
        bool connected;
        unsigned connections; /* how many there have been: one more, and it was lost meanwhile */
        bool evicted; /* the others took this daemon for dead, and have taken over what it did: it
                         must end without sending anything more */
        unsigned n;
        struct instance list[INSTANCES_MAX]; /* those with a lease first, the oldest first */
        int64_t audit_seq;                   /* of the newest record that is known of */
        bool owned[ACCOUNTS_MAX];            /* by this daemon: for each account of the options */
        char owner[ACCOUNTS_MAX][UUID_SIZE]; /* whoever; "" nobody that lives */
        /* the kill switch, when it is another one than in the last news; NULL: it is not */
        struct store_killswitch_row *switches;
        unsigned n_switches;
        uint64_t epoch; /* of the ledger */
};

struct instances_options {
        const char *url; /* of PostgreSQL */
        struct loop *loop;
        const char *const *accounts; /* ids, n_accounts of them, borrowed until it starts */
        /* for each: its book is in a daemon's memory, and read at the start alone, so that nobody
         * takes it over later */
        const bool *kept;
        unsigned n_accounts;
};

/* Makes the daemon's id; nothing is connected yet. -ENOMEM, -errno. */
int instances_new(const struct instances_options *o, struct instances **ret);
/* Once the ledger is open: connects, and is among the others when it returns. -EHOSTUNREACH:
 * `error` says why. */
int instances_start(struct instances *i, char error[static STORE_ERROR_SIZE]);
/* Leaves in good order: gives the accounts back, takes its row away. */
struct instances *instances_free(struct instances *i);

const char *instances_id(const struct instances *i);
/* True while somebody else is there: the ledger's driver announces what it writes. */
const atomic_bool *instances_crowd(const struct instances *i);

/* A call to a broker asks for its place in the account's rates, which all daemons share. */
#define INSTANCES_RATES_MAX 24
struct instances_rate {
        int64_t span_us;
        int64_t cap;      /* calls inside of it, this one among them */
        int64_t ops;      /* bits: which calls count */
        int64_t exchange; /* -1: any */
};
struct instances_permit {
        struct list link;               /* of instances, until done */
        unsigned account;               /* its place in the options */
        int64_t op, exchange, anywhere; /* the last: what stands for an exchange nobody knows */
        struct instances_rate rates[INSTANCES_RATES_MAX];
        unsigned n_rates;
        void (*done)(struct instances_permit *p); /* from the loop */
        /* out */
        bool failed;      /* the ledger does not answer */
        int64_t wait_us;  /* 0: granted; else until it is worth asking again */
        int64_t asked_us; /* monotonic: the stamp is not older */
};

/* Before the loop turns: the kill switch of this epoch holds; waits a moment for the first lease.
 * What is so then, without switches. */
void instances_enter(struct instances *i, uint64_t epoch, struct instances_news *ret);

/* --- loop thread --- */

/* `fn` is called with all that is new; the news live until it returns. */
void instances_listen(struct instances *i, void (*fn)(void *userdata, struct instances_news *n),
                      void *userdata);
/* The kill switch of this epoch holds in this daemon. */
void instances_obey(struct instances *i, uint64_t epoch);
/* Orders may be sent. */
bool instances_leased(const struct instances *i);
void instances_ask_permit(struct instances *i, struct instances_permit *p);
/* Asks for news soon. */
void instances_look(struct instances *i);
