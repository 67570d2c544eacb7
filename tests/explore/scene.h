/* The world of one run: the real orchestrator between a ledger, a broker and clients that do what
 * they are told, one step at a time. What holds at every step and at the end is in judge.c. */
#pragma once

#include <setjmp.h>

#include "orchestrator/market.h"
#include "orchestrator/operation.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/session.h"
#include "orchestrator/state.h"
#include "still_store.h"
#include "street.h"

#define SCENE_ACCOUNTS 2
#define SCENE_REQUESTS 8 /* of clients, in one run */
#define SCENE_KEYS     2
#define SCENE_SYMBOL   "NSE:SBIN"

/* What somebody outside may do, each as often as the scenario says. */
#define ACT_TABLE(X)                                                             \
        X(PLACE, "a client places an order with the key k1")                     \
        X(RETRY, "the client repeats the request of k1")                         \
        X(TWIN, "a client places an equal order with the key k2")                \
        X(STEP, "a client places one at another price with the key k2")          \
        X(CANCEL, "a client cancels the first order")                            \
        X(MODIFY, "a client changes the price of the first order")               \
        X(HALT, "somebody raises the kill switch to HALT")                       \
        X(STOP, "somebody raises the kill switch to CANCEL")                     \
        X(RELEASE, "an administrator releases the kill switch")                  \
        X(RESOLVE, "an operator settles the first leg in doubt, as it truly is") \
        X(FILL, "the broker fills the first live order")                         \
        X(LOGIN, "a person logs in again where the session is over")             \
        X(NEXT_DAY, "the next day begins")
enum act {
#define X(name, words) ACT_##name,
        ACT_TABLE(X)
#undef X
                _ACT_MAX
};
extern const char *const act_words[];

struct scenario {
        const char *name, *words;
        unsigned flags;      /* enum broker_flag */
        unsigned a_second;   /* orders that the broker takes in a second; 0: any number */
        unsigned n_accounts; /* 0: one */
        unsigned acts[_ACT_MAX];
};
extern const struct scenario scenarios[];
extern const unsigned n_scenarios;

/* A request of a client, and what became of it. */
struct asked {
        enum act act;
        unsigned key; /* PLACE, RETRY, TWIN, STEP */
        bool open;    /* no answer yet */
        bool deaf;    /* the daemon that got it died */
        struct place_request place;
        struct amend_request amend;
        struct kill_request kill;
        struct session_request session;
        char id[ID_SIZE];
        enum problem problem;
        int status;
};

/* What was told about a key for good. */
struct told {
        bool final;
        int status;
        char order_id[ID_SIZE];
        char body[1024];
};

struct scene {
        const struct scenario *scenario;
        char dir[64];
        struct market *market;
        struct metrics *metrics;
        struct account accounts[SCENE_ACCOUNTS];
        struct fake_store *ledger;
        struct loop *loop;
        struct store *store;
        struct httpc *wires[SCENE_ACCOUNTS];
        struct orchestrator *o;
        bool dying; /* callbacks are of a daemon that is dead: nobody hears them */

        unsigned acted[_ACT_MAX];
        struct asked asked[SCENE_REQUESTS];
        unsigned n_asked;
        struct told told[SCENE_KEYS];
        char first_order[ID_SIZE]; /* as its client knows it */
        bool halted;               /* the switch stands, and somebody was told */
        bool stopped;              /* at CANCEL */
        bool marker;               /* its file may be there */
        bool cancel_taken;         /* a cancel of the first order was taken on */
        unsigned lapses;           /* of the ledger */
        bool ended;                /* the day of the orders is over */
        bool resolved;             /* an operator had the last word on a leg */
};
extern struct scene scene;

unsigned scene_accounts(void);
/* Once; `market`: the directory of the market's data. */
void scene_prepare(const char *market);
void scene_done(void);
void scene_begin(const struct scenario *s);
void scene_end(void);
/* The daemon dies and starts again. */
void scene_crash(void);
bool scene_may(enum act a);
void scene_act(enum act a);
/* Work that came of a step. */
void scene_settle(void);
/* When something happens by itself (monotonic); INT64_MAX: never, or not today. */
int64_t scene_due(void);
void scene_advance(int64_t to_us);
/* Somebody waits for something: a job, a request, an answer. */
bool scene_busy(void);
/* After the last fault: everything that is owed is done, and time passes until nothing is left.
 * False: it never ends. */
bool scene_close(void);
