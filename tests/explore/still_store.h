/* The store of the explorer, in place of store/store.c: the real groups (store/group.c) over the
 * fake ledger, without the thread. A job waits until the explorer says what becomes of it: first it
 * is run, later the loop hears of it; in between the daemon may die. */
#pragma once

#include "contract/fake_store.h"
#include "store/store.h"

enum ledger_fate {
        LEDGER_OK,
        LEDGER_UNAVAILABLE,  /* nothing was written, or read */
        LEDGER_LOST_WRITTEN, /* the connection was lost during the commit; it was written */
        LEDGER_LOST_AWAY,    /* the same; it was not */
        _LEDGER_FATE_MAX,
};

struct store *still_store_new(struct fake_store *fake);
/* Jobs that were not run end as UNAVAILABLE and touch nothing; all are delivered. */
struct store *still_store_free(struct store *s);
/* The next job to be run; NULL. */
const struct store_job *still_store_waiting(const struct store *s);
/* One that was run and not delivered: the next is not run before it is. */
const struct store_job *still_store_ran(const struct store *s);
void still_store_run(struct store *s, enum ledger_fate f);
void still_store_deliver(struct store *s);
void still_store_each(const struct store *s,
                      void (*fn)(void *userdata, const struct store_job *job, bool ran),
                      void *userdata);
