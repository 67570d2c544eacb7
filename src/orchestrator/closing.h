/* What the kill switch does about one account at CANCEL and FLATTEN, until its books prove that it
 * is done.
 *
 *   order     waiting ─► cancelling ─► cancelled, filled, ended
 *                ▲           │ refused, or the book still shows it: again, after a while
 *                └───────────┘
 *   position  waiting ─► squaring ─► waiting … flat
 *                ▲           │ not filled in time: cancelled, and anew at another price
 *                └─ blocked ─┘ refused: again, after a while
 *
 * Positions are looked at when nothing of their instrument is open any more, and read anew before
 * each order against them. Delivery (CNC, MTF) is left alone. What was found to be done is not
 * believed before book and positions, read after the last thing that was sent, show it. */
#pragma once

#include "orchestrator/book.h"
#include "orchestrator/external.h"
#include "orchestrator/funds.h"
#include "orchestrator/kill_task.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/place.h"
#include "orchestrator/progress.h"

#define CLOSING_ACTOR "killswitch"

#define CLOSING_TASKS_MAX 500 /* kept of one account; the oldest that are over go first */
#define CLOSING_CANCELS_MAX                                                  \
        16 /* on their way at one account: riskier ones are never far behind \
            */
#define CLOSING_STEP_US       INT64_C(250000)   /* while there is work */
#define CLOSING_WATCH_US      INT64_C(10000000) /* afterwards: something late may turn up */
#define CLOSING_READ_US       INT64_C(2000000)  /* between two readings of book or positions */
#define CLOSING_AGAIN_US      INT64_C(5000000) /* the first repetition; the next ones take longer */
#define CLOSING_AGAIN_MAX_US  INT64_C(60000000)
#define CLOSING_REPRICE_US    INT64_C(5000000)  /* an order against a position may take so long */
#define CLOSING_UNRESOLVED_US INT64_C(30000000) /* a position waits so long for unknown legs */
#define CLOSING_LAG_US        INT64_C(1000000)  /* positions may be as late as this behind a fill */
#define CLOSING_PERCENT       INT64_C(10000) /* 1e-4 %: of the first order; the next go further */
#define CLOSING_PERCENT_STEPS 5

struct closing;

struct closing_task {
        struct list link; /* closing.tasks, oldest first */
        struct closing *closing;
        struct kill_task shown;
        int64_t next_us;      /* monotonic: not before */
        struct open_leg *leg; /* pinned until it is over; of POSITION: the order against it */
        struct leg_act *act;  /* a cancellation that runs */
        struct running running;
        struct external_cancel *external;
        int64_t answered_us; /* monotonic: the broker took the cancellation, and the book is to show
                                it; 0 */

        /* POSITION */
        bool placing, seen;
        unsigned unfilled; /* orders in a row that did not fill */
        int64_t sent_us;   /* monotonic: the order that is out */
        struct place_request request;
        char correlation[UUID_SIZE];
};

struct closing {
        struct account_state *account;
        enum kill_level level; /* as of the last step */
        int64_t since_us;      /* monotonic: when it came to that level */
        int64_t acted_us;      /* the last request or answer: an older reading proves nothing; 0 */
        int64_t filled_us;     /* the last fill that was seen */
        struct list tasks;
        unsigned n_tasks, n_cancels;
        struct kill_task self; /* KILL_KIND_ACCOUNT */

        struct book_wait book;
        bool reading_book, book_failed;
        int64_t book_asked_us, book_us; /* monotonic: of the last one; of the last complete one */
        struct funds_waiter funds;
        bool reading_funds;
        int64_t funds_asked_us; /* monotonic; of the one that runs, or the last */
};

/* Before the account's own parts are there. */
void closing_init(struct closing *c, struct account_state *a, const char *id);
void closing_done(struct closing *c);
/* What can be done now. True: there is more to do; false: it is proven to be closed, or the level
 * is below CANCEL. */
bool closing_step(struct closing *c);
bool closing_proven(const struct closing *c);
/* Non-zero positions that FLATTEN squares off, as last read. */
unsigned closing_positions(const struct account_state *a);
/* Legs that are live, or may be. */
unsigned closing_open_legs(const struct account_state *a);

/* Inside closing*.c. */
bool closing_task_over(const struct closing_task *t);
bool closing_squares(const struct position *p);
struct closing_task *closing_task_new(struct closing *c, enum kill_kind kind);
void closing_task_set(struct closing_task *t, enum kill_state state, enum kill_block blocked,
                      const char *message);
/* It goes on when the loop turns. */
void closing_soon(struct closing *c);
/* When something that failed `tries` times is tried again. */
int64_t closing_again_us(unsigned tries);
/* Holds the leg until it is over, and lets it go. */
void closing_hold(struct closing_task *t, struct open_leg *l);
void closing_let_go(struct closing_task *t);
bool closing_leg_over(const struct open_leg *l);
/* An order of today, which may still fill or turn up. */
bool closing_leg_counts(const struct open_leg *l);

/* closing_cancel.c */
void closing_cancel_legs(struct closing *c);
/* Cancels the leg that the task holds. */
void closing_cancel(struct closing_task *t);
/* Not yet, when the broker took one and the book was not read since. */
bool closing_may_cancel(const struct closing_task *t);
/* closing_book.c */
void closing_cancel_external(struct closing *c);
void closing_read_book(struct closing *c);
bool closing_book_proves(const struct closing *c);
/* closing_exit.c */
void closing_exits_init(struct closing *c);
void closing_exits(struct closing *c);
