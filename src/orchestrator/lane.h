/* The order in which an account's writes go to its broker (orders.md §1.4, §6). A write goes when
 * the broker's windows and the account's own have room for it; until then it waits for its turn,
 * the oldest first; an order for another exchange, where there is room, does not wait behind it.
 * Cancels, and exits of the kill switch, go before all others, and orders leave some room for them.
 * Whose turn cannot come in time does not begin to wait.
 *
 *   outside ─► waiting ─► granted ─► outside: it was sent, or it gives its place back
 *      │          └─► ended: too late, halted, withdrawn, or the daemon stops
 *      └─► granted (nobody waits, and there is room)
 *
 * Where the broker itself counts the moments of arrival, so do the windows: the stamp of a turn
 * moves to the moment at which the first byte leaves. Loop thread only. */
#pragma once

#include "base/list.h"
#include "broker/broker.h"
#include "loop/loop.h"

struct account_state;
struct open_leg;
struct orchestrator;

#define LANE_ORDERS_MAX 1024 /* that wait at one account; cancels have no bound but open orders */

/* Kept of an order's time for its broker's answer, at most half of it: what is sent later would be
 * answered for as unknown. */
#define LANE_ANSWER_US INT64_C(2000000)

struct turn {
        /* in */
        enum broker_op op;          /* PLACE, MODIFY, CANCEL */
        enum exchange at;           /* BROKER_RATE_ANYWHERE: nobody knows */
        bool urgent;                /* a cancel, or an exit of the kill switch */
        bool passes_halt;           /* goes on under a new halt */
        int64_t until_us;           /* monotonic, when it is no use any more; 0: never */
        const struct open_leg *leg; /* of a placement: a cancel withdraws it while it waits */
        /* Granted, or ended with `problem`. From a turn of the loop, never from inside
         * lane_enter(). */
        void (*come)(struct turn *t);
        /* out */
        bool waits, granted;
        enum problem problem;
        const char *message; /* of `problem`, a literal */
        int64_t at_us;       /* monotonic: its stamp in the windows */
        struct list link;    /* the lane's */
};

struct lane {
        struct list urgent, orders; /* struct turn.link, the oldest first */
        unsigned n_urgent, n_orders;
        unsigned n_at[2][_EXCHANGE_MAX + 1]; /* of n_orders and n_urgent: for each exchange */
        struct loop_timer timer;
};

/* When the turn of something must have come that begins and is over then. */
int64_t lane_until(int64_t begun_us, int64_t deadline_us);
void lane_init(struct account_state *a);
void lane_done(struct account_state *a);
#define LANE_RESTORE_US (3600 * INT64_C(1000000)) /* the longest rolling window of any broker */
/* At a start: a write that went out at that moment (wall clock); the oldest first. What lies in the
 * future counts as now. At which exchange it was is not asked: at each. */
void lane_restore(struct account_state *a, int64_t at_us);
/* PROBLEM_NONE: granted, or it waits. ORDER_RATE, BROKER_RATE: its turn cannot come in time;
 * `detail` has the numbers and `ret_retry_s` when to come again. */
enum problem lane_enter(struct account_state *a, struct turn *t, char *detail, size_t size,
                        int *ret_retry_s);
/* For one that has waited already: granted when there is room now and nobody urgent waits; else
 * microseconds until it is worth asking again. */
int64_t lane_try(struct account_state *a, struct turn *t);
/* It does not want to go any more: its place is free again. Nothing happens to one that is outside.
 */
void lane_leave(struct account_state *a, struct turn *t);
/* The first byte leaves now. */
void lane_departs(struct account_state *a, struct turn *t);
/* What it took stays taken. */
void lane_sent(struct turn *t);
/* Something has changed for those who wait. Looks soon, not from inside. */
void lane_look(struct account_state *a);
void lanes_look(struct orchestrator *o);
