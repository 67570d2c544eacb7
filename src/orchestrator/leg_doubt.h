/* A modification or a cancel whose call had no definite answer: the order book decides. A read that
 * began after the call ended shows which terms hold, and whether the order is over; a cancel of an
 * order that is still live is repeated, a few times, each with its own records (orders.md §3).
 *
 *   none ─► calling ─► none (a definite answer)
 *             └──────► in doubt ─► told by the book: none, or calling again (cancel) */
#pragma once

#include "orchestrator/book_rows.h"

#define CANCEL_REPEATS_MAX 3 /* of one cancel; a person's next one begins anew */

/* The call begins: `asked` is the client's change of the whole order, `change` that of this leg. */
void leg_doubt_modify(struct open_leg *l, const struct order_change *asked,
                      const struct order_change *change);
/* By `actor`; "reconcile": repeated by itself. */
void leg_doubt_cancel(struct open_leg *l, const char *actor);
/* `promised`: somebody was told that it will be done, and does not wait for it any more. */
void leg_doubt_answered(struct open_leg *l, enum amend_kind kind, enum outcome outcome,
                        bool promised);
/* The book shows it; before the row is taken over. */
void leg_doubt_row(const struct book_read *r, const struct book_order *row, struct open_leg *l);
/* After it was. */
void leg_doubt_settle(const struct book_read *r, struct open_leg *l);
