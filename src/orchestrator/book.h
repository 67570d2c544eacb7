/* Reading an account's order book: one read in flight serves every leg that waits for it. It adopts
 * unresolved legs, follows live ones, and settles what a complete book proves to be absent
 * (orders.md §3). A row is a leg's by the broker's number, else by our tag; where a broker does not
 * echo the tag, an order whose number was lost is looked for by what was ordered (candidate.h).
 *
 *   idle ─► reading ─► (legs changed: one ledger write each) ─► idle, next read due
 */
#pragma once

#include "orchestrator/call.h"
#include "orchestrator/open_leg.h"

struct account_state;

#define BOOK_LOCAL_US  INT64_C(1000000) /* live legs at an exchange inside this process */
#define BOOK_REMOTE_US INT64_C(5000000)

int book_init(struct account_state *a);
void book_done(struct account_state *a);
/* There is a new reason to read: a leg became live or unresolved. */
void book_kick(struct account_state *a);
/* The first read after start; orders are taken when it is complete. */
void book_start(struct account_state *a);
/* A number of the broker is known to be that of an order of ours. */
void book_claim(struct account_state *a, const char *broker_order_id);
/* Reconcile takes the leg over: schedules its reads (0.5, 1, 2, 4, 8, 15, 30, 60, 120 s). */
void book_reconcile(struct open_leg *l);
