/* What the rows of one complete book read say of the account's legs: whose is each of them? By the
 * broker's number, else by our tag; where a broker does not echo the tag, an order whose number was
 * lost is looked for by what was ordered (candidate.h). Tags of legs that are over by now are
 * looked for in the ledger (late_row.h); what is nobody's of ours is kept as external (external.h).
 */
#pragma once

#include "orchestrator/open_leg.h"

struct account_state;

struct book_read {
        struct account_state *account;
        unsigned number;  /* of reads of this account: open_leg.seen */
        int64_t began_us; /* monotonic */
        int64_t began_wall_us;
        int64_t since_us; /* wall clock: rows that changed before it may be left out; 0: all rows */
        const struct book_order *rows;
        unsigned n;
        struct open_leg *by_number; /* of the account's, while the rows are gone through */
        /* out */
        unsigned adopted, updated;
};

void book_rows_take(struct book_read *r);
/* The row is that of a leg whose outcome was taken to be something else. `late`: it was over. */
void book_adopt(struct open_leg *l, const struct book_order *row, enum confidence confidence,
                bool late);
/* A second order with the leg's tag: somebody must look. */
void book_twin(struct open_leg *l, const char *broker_order_id);
