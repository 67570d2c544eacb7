/* What the kill switch owes to the ledger: one write after another, in the order they were said. A
 * write that fails is answered so, and stays; it is tried again until the ledger has it, because
 * what was said is in force. */
#pragma once

#include "orchestrator/killswitch.h"
#include "store/store.h"

#define KILL_WRITES_MAX \
        256 /* beyond it goes what was said again since; more than there are scopes */

struct kill_writes {
        struct orchestrator *o;
        struct list list; /* struct kill_write, oldest first */
        unsigned n;
        bool running; /* the first of them */
        /* After each try, on the loop thread. */
        void (*tried)(struct kill_writes *all, const struct store_killswitch *put);
};

void kill_writes_init(struct kill_writes *all, struct orchestrator *o);
void kill_writes_done(struct kill_writes *all);
/* Takes a change that is in force already; answers `r`. */
void kill_write(struct kill_writes *all, struct kill_request *r, int64_t at_us);
/* Tries again what is left. */
void kill_writes_retry(struct kill_writes *all);
/* The ledger's word on this scope is older than ours. */
bool kill_writes_owe(const struct kill_writes *all, const char *scope);
