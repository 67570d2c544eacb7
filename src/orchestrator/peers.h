/* The other daemons over the same ledger, as the orchestrator sees them (store/instances.h). Where
 * there can be none, with SQLite, every account is owned and everything may be sent.
 *
 * An account has one owner at a time: it alone reads the account's books, resolves its legs, works
 * off the kill switch there, and logs it in by itself. Whoever places an order follows it until its
 * outcome is written; then it is the owner's. What the others write is followed through the records
 * (follow.c), so that gates, lists and event streams are the same everywhere.
 *
 *   other's ─► taking (the ledger is read, what a dead daemon left is taken up) ─► owned ─► other's
 */
#pragma once

#include "orchestrator/orchestrator.h"
#include "store/instances.h"

struct account_state;
struct open_leg;

/* Who waits until no daemon sends any more what the kill switch forbids. */
struct peers_wait {
        struct list link;
        uint64_t epoch;
        void (*done)(struct peers_wait *w);
};

struct peers {
        struct instances *instances; /* NULL: there can be no others */
        bool connected;
        unsigned connections;
        unsigned n;
        struct instance list[INSTANCES_MAX];
        char owner[ACCOUNTS_MAX][UUID_SIZE];
        uint64_t epoch;      /* of the ledger when the list was made */
        struct list waiting; /* struct peers_wait */
        struct store_restore read;
        bool reading, again;
};

void peers_init(struct orchestrator *o);
/* What was restored is taken up, before the loop turns. */
void peers_enter(struct orchestrator *o);
/* The loop turns: news come from now on. */
void peers_start(struct orchestrator *o);
void peers_done(struct orchestrator *o);
bool peers_possible(const struct orchestrator *o);
/* This daemon looks after the account, now. */
bool peers_own(const struct account_state *a);
/* Its books were read by whoever looks after it, so that new orders may be placed. */
bool peers_ready(const struct account_state *a);
/* The id of the daemon that looks after the account; "": nobody, or there can be no others. */
const char *peers_owner(const struct account_state *a);
/* Orders that add risk may leave. */
bool peers_may_send(const struct orchestrator *o);
/* The daemon of this id is there. */
bool peers_live(const struct orchestrator *o, const char *id);
/* ... and it is not this one. */
bool peers_other(const struct orchestrator *o, const char *id);
/* The kill switch of this epoch holds here. */
void peers_obey(struct orchestrator *o, uint64_t epoch);
/* `done` is called from the loop, once every other daemon obeys it too, or cannot send. */
void peers_await(struct orchestrator *o, struct peers_wait *w, uint64_t epoch);
/* Takes up from the ledger what another daemon wrote: its orders' legs, and the sessions. What
 * cannot be read is tried again by the sweep, once a second. */
void peers_reread(struct orchestrator *o);
void peers_sweep(struct orchestrator *o);
/* A leg as the ledger has it, at the start. 0, -ENOMEM. */
int peers_restore_leg(struct orchestrator *o, const struct order *order, const struct leg *leg);
/* Puts what the ledger has over what is in memory, unless that is newer. */
void peers_merge(struct orchestrator *o, const struct order *order);
/* Once for each order that another daemon placed: the day's limits count it. However late it is
 * heard of, and whatever became of it meanwhile. */
void peers_count(struct orchestrator *o, const struct order *order);
