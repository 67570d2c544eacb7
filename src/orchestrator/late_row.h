/* Tags stay watched all day: a row with a tag of ours whose leg is over, and perhaps was never
 * believed to be placed, is looked for in the ledger, once for each of the broker's numbers
 * (orders.md §3). What is found late is adopted and raised; a second order with one tag as well. */
#pragma once

#include "domain/portfolio.h"

struct account_state;

#define LATE_LOOKS_MAX 8 /* of one account at a time; the others are for the next read */

/* The row has a tag, and no open leg has its number or its tag. True: it is not known (yet) to be
 * nobody's of ours. */
bool late_row_watch(struct account_state *a, const struct book_order *row);
