/* Which orders an account's book has shown today, since when, and which of them are known to be
 * ours. Where a broker does not echo our tag, a row can be taken for a lost order's only when it is
 * new, and nobody else's (orders.md §3); and a row that is nobody's of ours is an external order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "domain/order.h"

#define SIGHTINGS_MAX 20000 /* of a day; with more, nothing is new any more */

struct sighting {
        UT_hash_handle hh;
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        char order_id[ID_SIZE]; /* of ours; "" */
        int64_t since_us;       /* wall clock, when the first read that showed it had ended */
        bool looked;            /* the ledger was asked for its tag, and has told all it knows */
};

struct sightings {
        struct sighting *by_id;
        int day;
};

/* Returns when it was first seen: `now_us` for a new one. 0: there is no room for it. */
int64_t sighting_note(struct sightings *s, const char *broker_order_id, int64_t now_us);
/* It is an order of ours: its number was answered, or given by an operator. False: it is another
 * one's already, and stays so. */
bool sighting_claim(struct sightings *s, const char *broker_order_id, const char *order_id,
                    int64_t now_us);
bool sighting_ours(struct sightings *s, const char *broker_order_id);
/* Our id of the order with this number; NULL: none of ours, as far as is known. */
const char *sighting_order_id(struct sightings *s, const char *broker_order_id);
/* The ledger was asked whose the row's tag is. */
void sighting_look(struct sightings *s, const char *broker_order_id, int64_t now_us);
/* False too for one that there is no room for. */
bool sighting_unlooked(struct sightings *s, const char *broker_order_id, int64_t now_us);
void sightings_done(struct sightings *s);
