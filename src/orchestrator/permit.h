/* Where several daemons share a ledger, a call also needs a permit: its place in the account's
 * rates, stamped in the ledger, so that all daemons together keep them. It comes after the daemon's
 * own windows (lane.h, traffic.h), right before the call goes:
 *
 *   leaving ─► asked ─► granted: it goes          failed: an exit goes, anything else does not,
 *                 ▲  └─► full: it waits ─┐                unless no other daemon was there
 *                 └──────────────────────┘
 *
 * The windows in the ledger are longer by the time that a permit is good for; a write that has not
 * begun to leave by then is not sent, and asks anew. An exchange inside the process has one daemon,
 * and needs none. Loop thread only. */
#pragma once

#include "base/list.h"
#include "loop/loop.h"

struct account_state;
struct call;

#define PERMIT_US INT64_C(250000) /* from the stamp to the first byte */

enum permit_class { PERMIT_EXITS, PERMIT_WRITES, PERMIT_READS, _PERMIT_MAX };

struct permits {
        struct account_state *account;
        struct list queue; /* struct permit.link: the first of them is being asked for */
        bool asking;
        struct loop_timer timer;
};

void permits_init(struct account_state *a);
void permits_done(struct account_state *a);
/* The call goes by call_permitted(), or ends by call_forbidden(), later; false: it needs none. */
bool permit_wait(struct call *c);
/* A write begins to leave: its permit is too old. */
bool permit_stale(const struct call *c);
