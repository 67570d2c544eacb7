/* What the account's broker allows of calls (broker.rates): several rolling windows at once, for
 * orders, for quotes, for everything. Beside the account's own limits, and not to be lifted but by
 * what the broker agreed to (account.access.rates): who breaks them is blocked, at one broker for
 * the rest of the day.
 *
 * Writes take their place in the account's lane (lane.h) and give it back when nothing was sent;
 * reads take it when they are sent, and wait for it a while (call.h). Logins are counted and never
 * wait. Each leaves room for what matters more: reads for the orders, these for reads that have
 * been wanted for long, or else whoever uses up his rate with orders would not be told what becomes
 * of them, and all for what takes risk away. */
#pragma once

#include <stdbool.h>

#include "broker/broker.h"
#include "orchestrator/rate_window.h"

#define TRAFFIC_LANE      2  /* kept free by orders for cancels, and by reads besides */
#define TRAFFIC_DUE_PART  20 /* orders keep a twentieth of a window that reads share free */
#define TRAFFIC_READ_PART 5  /* reads keep a fifth of a window that orders share free */
#define TRAFFIC_SLACK_US  INT64_C(100000) /* between what we count and what the broker sees */

/* Who may go further into a window comes first. */
enum traffic_rank {
        TRAFFIC_EXIT,  /* cancels, and orders that close a position */
        TRAFFIC_DUE,   /* a read without which Ordo has been for too long (call.due) */
        TRAFFIC_ORDER, /* placements, modifications */
        TRAFFIC_READ,
};

struct traffic_window {
        const struct broker_rate *rate;
        enum exchange exchange;     /* BROKER_TRAFFIC_EACH: whose it is */
        struct rate_window rolling; /* windows below a day */
        int day;                    /* a day's window is the calendar's: its count */
        int64_t count;
};

struct traffic {
        struct traffic_window *windows;
        unsigned n;
        /* monotonic: the broker said that it was too much. A cancel takes risk away and waits for
         * the shortest pause alone. */
        int64_t paused_until_us, cancels_paused_until_us;
        unsigned n_refusals; /* in a row, that did not say for how long */
};

/* `agreed` replaces the broker's windows of the kinds that it names. Both are borrowed. */
int traffic_init(struct traffic *t, const struct broker *b, const struct broker_rates *agreed);
void traffic_done(struct traffic *t);
/* How many calls must stay free in such a window for those of higher rank. */
unsigned traffic_keep(const struct broker_rate *rate, enum traffic_rank rank);
/* Microseconds until a call may go that goes behind `ahead` others; 0: now, `detail` is untouched.
 * `at`: the exchange that it is for, or BROKER_RATE_ANYWHERE. */
int64_t traffic_turn(struct traffic *t, enum broker_op op, enum exchange at, enum traffic_rank rank,
                     struct rate_ahead ahead, char *detail, size_t size);
/* The same for a call that is no write, behind nobody. */
int64_t traffic_wait(struct traffic *t, enum broker_op op, enum traffic_rank rank, char *detail,
                     size_t size);
/* Counts it, now. Returns the moment, for giving it back. */
int64_t traffic_take(struct traffic *t, enum broker_op op, enum exchange at);
void traffic_give_back(struct traffic *t, enum broker_op op, enum exchange at, int64_t at_us);
/* At a start. What went out before, the oldest first, at whatever exchange; how many orders went
 * out today; and reads, which nobody wrote down: windows below a minute are taken to be as full of
 * them as they may be, longer ones by the part that reads leave to the orders. */
void traffic_restore(struct traffic *t, int64_t at_us);
void traffic_restore_day(struct traffic *t, int64_t orders);
void traffic_assume_reads(struct traffic *t);
/* A reply said that it was too much: nothing goes for a while. `retry_after` is the header's value,
 * or NULL: then each refusal in a row doubles the pause. */
void traffic_refused(struct traffic *t, const char *retry_after);
/* A reply did not say so. */
void traffic_answered(struct traffic *t);
/* What is left of the pause; 0: none. */
int64_t traffic_paused_us(const struct traffic *t);
