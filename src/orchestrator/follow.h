/* The records that other daemons write: published here in the order of their numbers, which is that
 * of the commits, and what they tell is taken over: orders' legs, sessions. This daemon's own
 * records come this way too when another's lie between them. Loop thread only. */
#pragma once

#include "store/store.h"

struct orchestrator;

#define FOLLOW_PAGE 256
#define FOLLOW_OWN  4096 /* numbers of own records that are remembered, a power of two */

struct follow {
        bool reading;
        int64_t wanted; /* the newest record that is known of */
        struct store_audit_list page;
        int64_t own[FOLLOW_OWN]; /* by number modulo FOLLOW_OWN */
};

/* There are records up to this one. */
void follow_to(struct orchestrator *o, int64_t seq);
/* A record of this daemon is durable. True: it is published later, in its turn. */
bool follow_own(struct orchestrator *o, int64_t seq);
