/* A lost order in a book without our tags: which row is it? */
#pragma once

#include <stdbool.h>

#include "domain/order.h"
#include "domain/portfolio.h"

struct account_state;
struct open_leg;

/* The one row that can only be this leg's, or NULL: new since the leg was sent, known as nobody
 * else's, equal in all that was ordered, placed at that time, and the only such row, while no other
 * leg of ours could be the one (orders.md §3). All rows must be noted in the account's sightings.
 */
const struct book_order *candidate_row(struct account_state *a, const struct open_leg *l,
                                       const struct book_order *rows, unsigned n);
/* Some leg without a number could be this row: it is not known to be somebody else's. */
bool candidate_pending(const struct account_state *a, const struct book_order *row);
/* Another leg has no number yet, and where the book does not show our tags nobody could tell the
 * two apart. The leg is compared as it will be sent: after gate_market_policy(). */
bool candidate_twin(const struct account_state *a, const struct order *order,
                    const struct leg *leg);
