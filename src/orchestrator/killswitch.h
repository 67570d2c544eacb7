/* The kill switch (orders.md §6): HALT (no new risk), CANCEL (and cancel all open), FLATTEN (and
 * square off); scopes "global", "broker:<slug>", "account:<id>". Effective in memory before the
 * call returns, durable in the ledger and, so that it works with the store down, in a marker file
 * of the state directory. */
#pragma once

#include "orchestrator/kill_task.h"
#include "orchestrator/orchestrator.h"

#define KILL_LEVEL_TABLE(X)  X(NONE) X(HALT) X(CANCEL) X(FLATTEN)
#define KILL_LEVEL_MEMBER(w) KILL_LEVEL_##w,
WORD_ENUM(KILL_LEVEL, kill_level, KILL_LEVEL_TABLE);

#define KILL_SCOPE_SIZE 48
#define KILL_SCOPES_MAX 96

struct kill_entry {
        char scope[KILL_SCOPE_SIZE];
        enum kill_level level;
        char reason[MESSAGE_SIZE];
        char actor[KEY_NAME_SIZE];
        int64_t at_us;
        /* inside the scope */
        bool closing;       /* cancels or square-offs are not proven by the books yet */
        unsigned open_legs; /* live or unresolved */
        unsigned positions; /* those that FLATTEN squares off, as last read */
        unsigned external;  /* of the books' open orders those that are not ours */
        unsigned states[_KILL_STATE_MAX];
};

/* Current entries with a level above NONE; the array lives until the next call. */
unsigned killswitch_list(const struct orchestrator *o, const struct kill_entry **ret);
/* Of one scope alone. */
enum kill_level killswitch_scope_level(const struct orchestrator *o, const char *scope);
/* What comes of each order and position, at most so many; the array is the caller's, what it points
 * to lives until the next turn of the loop. */
#define KILL_TASKS_SHOWN 500
unsigned killswitch_tasks(const struct orchestrator *o, const struct caller *caller,
                          const struct kill_task *ret[static KILL_TASKS_SHOWN],
                          unsigned *ret_total);
/* The strongest level that holds for an account (NULL: global only). */
enum kill_level killswitch_level(const struct orchestrator *o, const char *account);

struct kill_request {
        struct caller caller; /* lowering a level needs caller.admin: FORBIDDEN otherwise */
        enum kill_level level;
        const char *scope; /* validated: killswitch_scope_valid(), killswitch_scope_allowed() */
        const char *reason;
        void (*done)(struct kill_request *r);
        enum problem problem; /* NONE: effective and durable. STORE_UNAVAILABLE: effective in memory
                                 and marker */
        void *userdata;
};
void killswitch_set(struct orchestrator *o, struct kill_request *r);
/* The one account that it is about; NULL: a broker's, or all. */
const char *killswitch_scope_account(const char *scope);
/* "global", or broker/account that exists. */
bool killswitch_scope_valid(const struct orchestrator *o, const char *scope);
/* Whether it covers no account that the caller may not use: what it makes happen to one is as if
 * the caller had done it there. */
bool killswitch_scope_allowed(const struct orchestrator *o, const char *scope,
                              const struct caller *c);
