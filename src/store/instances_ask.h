/* Between instances.c, which decides when, and instances_ask.c, which asks the server. Everything
 * here happens on the control thread (at the start on the one that opens the ledger, before it).
 */
#pragma once

#include <pthread.h>

#include "store/instances.h"
#include "store/postgres.h"

#define INSTANCES_ASK_US INT64_C(4000000) /* the longest that an answer is waited for */

struct instances {
        /* of both threads */
        pthread_mutex_t mutex; /* guards up to `work` */
        struct instances_news box;
        bool posted, stop;
        bool fresh;                /* the box has not been read */
        struct list asks, answers; /* struct instances_permit.link */
        struct loop_work work;
        _Atomic uint64_t obeyed;        /* the kill switch's epoch that holds in this daemon */
        _Atomic int64_t lease_until_us; /* monotonic */
        atomic_bool crowd, asked;
        int wake_fd;

        /* loop thread */
        struct loop *loop;
        void (*told)(void *userdata, struct instances_news *n);
        void *told_userdata;

        /* control thread */
        pthread_t thread;
        bool runs;
        char id[UUID_SIZE];
        char host[INSTANCE_HOST_SIZE];
        char *url;
        int64_t started_us;
        PGconn *conn; /* NULL: away */
        char why[STORE_ERROR_SIZE];
        int64_t try_us, beat_us, own_us; /* monotonic: when the next one is due */
        uint64_t said;                   /* of `obeyed`: what stands in the row */
        uint64_t shown;                  /* the epoch of the last switches that were handed over */
        unsigned n_accounts;
        struct {
                char id[ACCOUNT_SIZE];
                int64_t lock;
                bool kept; /* instances_options.kept */
                bool had;  /* owned before, and nobody else since */
        } accounts[ACCOUNTS_MAX];
        struct instances_news now;
        struct values values;
        unsigned long timeline; /* the newest that was met */
        bool joined;            /* its row was there once */
        bool hasty;             /* commits of this connection do not wait for the disk */
        int64_t connected_us;   /* monotonic */
};

/* Each: false when the connection is of no use any more; `error` says why. */
bool ask_settle(struct instances *i, char error[static STORE_ERROR_SIZE]);
/* Renews row and lease, reads what changed: the epoch, the switches, the newest record. */
bool ask_beat(struct instances *i, char error[static STORE_ERROR_SIZE]);
bool ask_members(struct instances *i, char error[static STORE_ERROR_SIZE]);
/* False, too, when there are INSTANCES_LIVE_MAX without this one. */
bool ask_room(struct instances *i, char error[static STORE_ERROR_SIZE]);
/* Takes the accounts that nobody owns. */
bool ask_accounts(struct instances *i, char error[static STORE_ERROR_SIZE]);
bool ask_owners(struct instances *i, char error[static STORE_ERROR_SIZE]);
/* Fills in what came of it. */
bool ask_permit(struct instances *i, struct instances_permit *p,
                char error[static STORE_ERROR_SIZE]);
void ask_leave(struct instances *i);
/* What a daemon announced. True: the server must be asked at once. */
bool ask_heard(struct instances *i, const char *words);
