/* Dead-man timers: a key that has traded today and then is silent for longer than it promised
 * engages the kill switch on its accounts.
 *
 *   (none) ─ first placement of the day ─► armed ─ silent too long ─► fired
 *              ▲                            │  any request of the key: heard
 *              └──── disarmed, a new day ◄──┘
 *
 * What is armed is kept in a file of the state directory; after a restart the silence is counted
 * from the start. The file holds the promise itself, so that it is kept also when the key was
 * removed meanwhile. Loop thread only. */
#pragma once

#include "orchestrator/killswitch.h"

#define DEAD_MAN_MIN_S 5
#define DEAD_MAN_MAX_S 86400
#define DEAD_MEN_MAX   256

/* What a key promises; borrowed during the call. */
struct dead_man_rule {
        const char *key_name;
        const char *const *accounts; /* NULL-terminated; NULL: all, and the level is global */
        int64_t after_s;             /* 0: promises nothing */
        enum kill_level level;
};

struct dead_man_view {
        const char *key_name;
        enum kill_level level;
        int64_t after_s;
        int64_t armed_us, heard_us, fires_us; /* wall clock */
};

/* The key sent a request; `trades`: it places or enlarges something, which arms. */
void dead_man_heard(struct orchestrator *o, const struct dead_man_rule *rule, bool trades);
/* False: it was not armed. */
bool dead_man_disarm(struct orchestrator *o, const char *key_name);
/* NULL key: the n-th, in the order they were armed. False: there is none. */
bool dead_man_look(const struct orchestrator *o, const char *key_name, unsigned n,
                   struct dead_man_view *ret);

/* Inside the orchestrator. Once a second: who was silent for too long. */
void dead_men_check(struct orchestrator *o);
void dead_men_restore(struct orchestrator *o);
void dead_men_done(struct orchestrator *o);
