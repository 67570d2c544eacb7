/* A world for logins: an orchestrator over the fake ledger, accounts of four brokers that exist
 * only here, one for each way to log in, and their server, which says what it is told to say. The
 * clock is frozen and begins on Monday 2026-11-23 at 08:00 IST. */
#pragma once

#include "suite.h"

#include <string.h>

#include "base/clock.h"
#include "contract/fake_store.h"
#include "orchestrator/login_state.h"
#include "orchestrator/market.h"
#include "orchestrator/preopen.h"
#include "orchestrator/progress.h"
#include "orchestrator/session.h"
#include "orchestrator/state.h"
#include "orchestrator/status.h"
#include "orchestrator/totp.h"

/* state:a  redirect, the broker carries our state
 * plain:a  redirect without one; a user name and a password open the OTP way
 * otp:a    two steps, an OTP between them; has no profile
 * totp:a   authenticator; has no logout */
enum { STATE, PLAIN, OTP, TOTP, ACCOUNTS };

struct login_world {
        struct loop *loop;
        struct store *store;
        struct fake_store *fake;
        struct metrics *metrics;
        struct vault *vault;
        struct market *market;
        struct account accounts[ACCOUNTS];
        struct httpc *wires[ACCOUNTS];
        struct orchestrator *o;
        char dir[64];
};
extern struct login_world lw;

void login_world_open(void);
void login_world_close(void);
void login_world_sleep(void); /* the process ends */
void login_world_wake(void);  /* and begins anew over the same ledger */
void login_rest(void);        /* until nothing moves by itself */
struct account_state *login_account(unsigned i);

/* The server. The next request whose path begins so gets this reply, once; status 0: the connection
 * breaks, -1: nothing left. Without an order: a fitting good reply. */
void say(const char *path, int status, const char *body);
void hold(const char *path);             /* the next such request stays until let_go() */
void let_go(void);                       /* … and then gets what say() ordered */
unsigned asked(const char *path);        /* how often */
const char *last_body(const char *path); /* of the request, with the token in front: "T1 otp=…" */

struct ask {
        struct session_request r;
        bool done;
        char url[512], detail[MESSAGE_SIZE];
};
/* Answered or not, it lives until login_world_close(). */
struct ask *ask_begin(enum session_verb verb, unsigned account);
struct ask *log_in(unsigned account); /* until it is answered or nothing moves */
struct ask *log_out(unsigned account);
struct ask *complete_otp(unsigned account, const char *id, const char *otp);
struct ask *complete_url(unsigned account, const char *id, const char *url);
struct ask *complete_code(unsigned account, const char *code, const char *state);
/* The state of a login's address. */
const char *state_of(const struct ask *a);
enum session_state shown_state(unsigned account);
/* A read of the account: what it came to. */
enum outcome read_funds(unsigned account);
/* What the events said of sessions since the last call: "pending none active …". */
const char *told(void);
