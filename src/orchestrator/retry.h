/* Sending a call once more (orders.md §6): a property of the operation and of the evidence. A read
 * that got no complete reply may go again; a write only when it is proved that no byte of it left
 * (refused connection, DNS, TLS, connect time-out), and no kill switch rose since it began. After
 * *unknown* nothing is ever sent again.
 *
 * Waits 0.5 s, twice as long each time, a quarter more or less; inside the call's time; at most
 * RETRIES times a call, and as often as the account's budget allows. Embedded in struct call. */
#pragma once

#include "loop/loop.h"
#include "orchestrator/rate_window.h"

struct account_state;
struct call;

#define RETRIES_MAX     10 /* of one call: the bound of the option */
#define RETRY_FIRST_US  INT64_C(500000)
#define RETRY_BUDGET    20 /* of an account, in RETRY_BUDGET_US */
#define RETRY_BUDGET_US INT64_C(60000000)
#define RETRY_LEAST_US  INT64_C(500000) /* of the call's time, left for the next attempt */

struct retry {
        struct loop_timer timer;
        unsigned n;      /* attempts that were begun again */
        int64_t over_us; /* monotonic: the end of the call's time */
        uint64_t epoch;  /* of the kill switch, when the call began */
};

int retry_init(struct account_state *a);
void retry_done(struct account_state *a);
/* The first attempt begins: so does the call's time, unless it was told. */
void retry_begin(struct call *c);
/* True: it goes again later, by call_again(), or ends there as it is. False: that is what it came
 * to. */
bool retry_later(struct call *c);
/* Whether something stands against it by now. */
bool retry_forbidden(const struct call *c);
