/* At start: which numbers of the brokers are those of today's orders of ours. The ledger is read
 * page by page while everything else goes on; until it is known, no row of a book is said to be an
 * external order, and none is looked for by its tag. Newest first, so that beyond the bound the
 * oldest of the day are missing. */
#pragma once

#include "loop/loop.h"
#include "store/store.h"

struct orchestrator;

#define DAY_ORDERS_PAGE     100
#define DAY_ORDERS_MAX      SIGHTINGS_MAX
#define DAY_ORDERS_RETRY_US INT64_C(1000000) /* when the ledger cannot be read */

struct day_orders {
        bool known;
        unsigned n;
        struct loop_timer retry;
        struct store_order_list page;
        char before_id[ID_SIZE];
};

void day_orders_start(struct orchestrator *o);
void day_orders_done(struct orchestrator *o);
