/* Which orders an account's book has shown today, since when, and which of them are known to be
 * ours. Kept for brokers that do not echo our tag: there a row can be taken for a lost order's only
 * when it is new, and nobody else's (orders.md §3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "domain/order.h"

#define SIGHTINGS_MAX 20000 /* of a day; with more, nothing is new any more */

struct sighting {
        UT_hash_handle hh;
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        int64_t since_us; /* wall clock, when the first read that showed it had ended */
        bool ours;
};

struct sightings {
        struct sighting *by_id;
        int day;
};

/* Returns when it was first seen: `now_us` for a new one. 0: there is no room for it. */
int64_t sighting_note(struct sightings *s, const char *broker_order_id, int64_t now_us);
/* It is an order of ours: its number was answered, or given by an operator. */
void sighting_claim(struct sightings *s, const char *broker_order_id, int64_t now_us);
bool sighting_ours(struct sightings *s, const char *broker_order_id);
void sightings_done(struct sightings *s);
