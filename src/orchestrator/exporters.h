/* Who exports this ledger's audit, and how far: each daemon has its own files, and a record may
 * leave the ledger only when all of them have it. A daemon tells it once an hour by a row of the
 * ledger (guest "audit", one for each state directory); one that has told nothing for
 * EXPORTERS_FORGET_US counts no more, so that a daemon that is gone for good does not hold the
 * records for ever. Loop thread. */
#pragma once

#include "base/id.h"
#include "store/store.h"

struct orchestrator;

/* The longest that records stay in the ledger for the sake of a daemon that is away. */
#define EXPORTERS_FORGET_US (30 * 86400 * INT64_C(1000000))
#define EXPORTERS_SWEEP_MAX 16 /* rows that are taken away at once */

struct exporters {
        struct orchestrator *o;
        char self[UUID_SIZE]; /* this state directory, in table guest_rows */
        int64_t exported;
        int64_t lowest; /* of all that count */
        unsigned n_gone;
        char gone[EXPORTERS_SWEEP_MAX][UUID_SIZE]; /* those that count no more */
        struct store_riders_load load;
        struct store_append put;
        struct list riders;
        /* `up_to` is the last record that every daemon has; `job` failed: not known */
        void (*done)(struct exporters *e, const struct store_job *job, int64_t up_to);
};

/* Finds the name of this state directory, and makes one where there is none. */
int exporters_init(struct exporters *e, struct orchestrator *o);
/* Tells the others that records up to `exported` are in the files here, and asks how far they are.
 * One at a time. */
void exporters_ask(struct exporters *e, int64_t exported);
