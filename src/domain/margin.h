/* How much money an order blocks: the paper exchange's rule (market.md §8 "Simplification for
 * paper"), also used by the funds gate for its local reservation. One table, one function. */
#pragma once

#include "domain/instrument.h"
#include "domain/order.h"

/* For `quantity` that opens or adds (not for what closes a position), at `price` per unit;
 * `underlying` is the spot or strike value for short options (0: the strike). 1e-4 rupee, never
 * negative. */
int64_t margin_required(const struct instrument *i, enum side side, enum product product,
                        int64_t quantity, int64_t price, int64_t underlying);
/* Products an instrument can be traded with: shares CNC, INTRADAY, MTF; derivatives INTRADAY,
 * MARGIN. */
bool margin_product_allowed(const struct instrument *i, enum product product);
