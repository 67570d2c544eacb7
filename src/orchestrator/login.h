/* One login of an account at its broker: the chain of steps of the way that its configuration is
 * good for, what a person has to give in between, then whose session it is, then the ledger.
 *
 *   begin ─┬─► redirect: a browser ──┐
 *          ├─► otp: step … asks ─────┤ waits ─► complete ─► step …
 *          └─► totp: the next code ──┴─────────────────────► step … done
 *                                                              │
 *             the session begins ◄─ sealed, in the ledger ◄─ whose is it? (profile)
 *
 * One at a time for an account: a second one replaces the first, whose id is good for nothing any
 * more. One-time passwords, codes and what steps leave for each other live in secrets, no longer
 * than their step; nothing of it is logged. */
#pragma once

#include "orchestrator/session.h"

#define LOGIN_PENDING_US INT64_C(600000000) /* from its beginning to the token */
#define LOGIN_STEP_US    INT64_C(10000000)
#define LOGIN_STEPS_MAX  12 /* requests of one chain, whatever the broker's replies say */
#define LOGIN_TRIES_MAX  3  /* addresses or codes of one login that the broker did not take */
#define LOGIN_CHECKS_MAX 2  /* times the profile is asked for */

struct account_state;
struct login;

void login_begin(struct account_state *a, struct session_request *r);
void login_complete(struct account_state *a, struct session_request *r);
/* The pending one, if there is one, is over; who waits for it is told so. */
void login_drop(struct account_state *a);
void logins_free(struct account_state *a);       /* at the end; nobody is told */
int64_t login_expires_us(const struct login *l); /* wall clock */
/* What login_begin() would use; NULL: the broker has none. */
const struct broker_login_way *login_way(const struct account_state *a);
const char *login_method_name(enum broker_login m); /* "redirect" */
