/* A ledger that lacks records which the audit's files have, or has others in their place: an older
 * state of it was put back, or a standby took over that had lagged behind, and no daemon ran
 * meanwhile. Then keys that were used look unused, and orders at the brokers look like others'. The
 * kill switch goes to HALT, and /ready says why, until an administrator releases it, as after
 * `ordoctl restore`: no restart counts as consent. Then the files that know more are set aside, and
 * the export begins anew. */
#pragma once

#include <stdbool.h>

#include "orchestrator/killswitch.h"

struct audit;

struct older_ledger {
        bool found;     /* and the files were not set aside yet */
        bool halted;    /* the kill switch stood because of it */
        bool consented; /* and was released since */
        char reason[MESSAGE_SIZE], correlation[CORRELATION_ID_SIZE];
        struct kill_request request;
};

/* At start, before anything is exported; blocks. -EIO with the store's text: it cannot be read. */
int older_ledger_look(struct orchestrator *o, const struct audit *a,
                      char error[static STORE_ERROR_SIZE]);
void older_ledger_start(struct orchestrator *o);
/* Orders that raise risk are refused because of it. */
bool older_ledger_stands(const struct orchestrator *o);
/* True once: an administrator has released the kill switch, the files may be set aside. */
bool older_ledger_consented(struct orchestrator *o);
/* The files were set aside. */
void older_ledger_over(struct orchestrator *o);
