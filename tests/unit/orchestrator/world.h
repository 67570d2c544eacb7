/* A small world for the orchestrator: a loop, a ledger (SQLite in a directory, or the fake one that
 * breaks on order), the simulated exchange behind a transport that breaks on order, three accounts,
 * a frozen clock that begins on Monday 2026-11-23 at 10:00 IST. Loop timers run in real time all
 * the same; but nothing is swept (orchestrator/sweep.h) unless a test does it, which would else
 * meet what a test has prepared or not, as fast as the machine is. */
#pragma once

#include "suite.h"

#include <string.h>

#include "base/decimal.h"
#include "contract/fake_store.h"
#include "orchestrator/book.h"
#include "orchestrator/event.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/market.h"
#include "orchestrator/operation.h"
#include "orchestrator/place.h"
#include "orchestrator/query.h"
#include "orchestrator/session.h"
#include "orchestrator/state.h"
#include "orchestrator/status.h"
#include "wire.h"

#define RUPEES(x)      (INT64_C(x) * DECIMAL_ONE)
#define WORLD_ACCOUNTS 3
#define SECONDS(n)     ((n)*USEC_PER_SEC)

struct world_options {
        bool sqlite;
        struct account_limits limits; /* of every account */
        bool limits_off, hours;
        const char *policy; /* for market orders */
        int64_t deadline_us, funds;
        bool blind; /* the book proves nothing */
        unsigned queue_max;
};

struct world {
        struct world_options options;
        char dir[64];
        struct loop *loop;
        struct store *store;
        struct fake_store *fake;
        struct metrics *metrics;
        struct market *market;
        struct paper *paper;
        struct account accounts[WORLD_ACCOUNTS]; /* paper:one, paper:two, paper:three */
        struct httpc *wires[WORLD_ACCOUNTS];
        struct orchestrator *o;
        struct broker broker;
        bool render_fails;
        char message[MESSAGE_SIZE]; /* of the last leg that was answered with one */
};
extern struct world world;

void world_open(const struct world_options *o);
void world_close(void);
/* The process dies and comes back; what was not in the ledger is gone. */
void world_crash(void);
/* The same without a new start: world_wake() begins it. */
void world_sleep(void);
void world_wake(void);
/* Without orchestrator_start(). */
void world_boot(void);
/* Turns the loop until nothing moves by itself (what the wire holds does not count). */
void world_rest(void);
void world_until(const bool *flag);
/* Time passes for everybody, then the books are read. */
void world_pass(int64_t us);
struct account_state *world_account(unsigned i);

/* "BUY 10 NSE:SBIN CNC LIMIT 1050 [trigger]", accounts "one two*0.5". */
struct order *world_order(const char *words, const char *accounts);

struct placed {
        struct place_request request;
        struct answer answer;
        char body[2048];
        bool done;
};
/* Freed by the test's end. */
struct placed *place_begin(const char *words, const char *accounts, const char *key);
struct placed *place(const char *words, const char *accounts, const char *key);
struct placed *validate(const char *words, const char *accounts);
/* Why nothing was begun, or what the first leg that failed failed for. */
enum problem placed_problem(const struct placed *p);
/* Places it, and it is accepted: its id, good as long as the world. */
const char *live(const char *words, const char *accounts);

struct amended {
        struct amend_request request;
        struct answer answer;
        char body[2048];
        bool done;
};
struct amended *amend_begin(enum amend_kind kind, const char *id, struct order_change change);
struct amended *cancel(const char *id);
struct amended *modify(const char *id, struct order_change change);
struct amended *resolve(const char *id, unsigned leg, enum outcome outcome);

enum problem kill_set(enum kill_level level, const char *scope, bool admin);
enum problem session_set(enum session_verb verb, const char *account);
/* The order as a GET shows it; leg `n` from 0. Good until the next call. */
const struct leg *shown_leg(const char *id, unsigned n);
enum problem shown(const char *id, const struct order **ret);
/* How many orders with this answer the exchange has. */
unsigned exchange_orders(unsigned account);
int64_t audit_count(enum audit_action action);
/* The newest record of this action; good until the next call. */
const char *audit_last(enum audit_action action);

extern const struct caller nobody_special;
