/* The legs that are not over: live at the broker, or with an outcome that is not known. One compact
 * struct each, the truth about their state while the daemon runs; the ledger's rows are written
 * from it, so that an older picture never overwrites a newer one. Found by tag, by account, by
 * account and symbol; those that a gate asks for with every order are in lists of their own. Loop
 * thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "base/list.h"
#include "domain/order.h"
#include "domain/portfolio.h"
#include "orchestrator/operation.h"

struct account_state;
struct quota;

#define LEG_MODIFYING  INT64_MAX
#define LEG_CANCELLING INT64_MAX

struct open_leg {
        UT_hash_handle hh;      /* by tag */
        UT_hash_handle of_book; /* by the broker's number, while a book is gone through */
        struct list of_account;
        struct list of_side;       /* open_symbol.h */
        struct list of_numberless; /* of its account: no number of the broker yet */
        struct list of_doubtful;   /* of its account: nobody knows what became of it */
        struct account_state *account;
        struct quota *quota; /* of the key that placed it; NULL: there are too many */
        char order_id[ID_SIZE];
        char tag[TAG_SIZE];
        char symbol[SYMBOL_SIZE];
        char broker_order_id[BROKER_ORDER_ID_SIZE]; /* open_leg_number() */
        unsigned number;
        int day;
        enum side side;
        enum product product;
        enum order_type type;
        enum leg_state state;
        enum outcome outcome;
        enum order_status status;
        int64_t quantity, price, trigger_price;
        int64_t filled_quantity, average_price;
        unsigned modifications; /* sent; those of an earlier run of the daemon: accepted */
        int64_t since_us;       /* wall: the intent */
        bool cancel_requested;
        bool cancel_owed;  /* somebody was told that it is cancelled when it is found, or a cancel
                              from before the start may not have left */
        bool twice;        /* the book had a second order with its tag, and somebody was told */
        bool answered;     /* its number is that of the broker's answer to the placement */
        bool denied;       /* leg_denied() */
        bool replayable;   /* its order's answer is known to be in the ledger */
        bool in_operation; /* its own operation is still running: reconcile leaves it alone */
        bool remote;       /* ... in another daemon (peers.h) */
        char writer[UUID_SIZE]; /* the daemon that placed it, when that was another one; "" */
        struct list writes;     /* struct leg_write: one at a time, in order */
        struct list of_turns;   /* of open_legs.turns */
        struct list owed;       /* those the ledger could not take, at most LEG_OWED_MAX */
        unsigned n_owed;
        bool write_running;
        bool dirty;    /* memory knows more than the ledger: a write failed */
        unsigned pins; /* held by acts that run, and by the kill switch until it is over */
        bool closing;  /* the kill switch has it in its list */
        /* reconcile */
        unsigned reads, seen;  /* `seen`: number of the last book read that showed it */
        int64_t next_read_us;  /* monotonic */
        int64_t unresolved_us; /* monotonic: a book read that began before cannot prove absence */
        int64_t absent_us;     /* monotonic: when the first read without it began; 0 none yet */
        /* of a modification that runs (LEG_MODIFYING) or had no definite answer: monotonic, the
         * book tells it from then on; 0 none */
        int64_t modify_us;
        /* what it asked for; counts as long as modify_us is not 0 */
        int64_t modify_quantity, modify_price;
        struct order_change modify_asked, modify_change; /* of the order, and of the leg */
        /* of a cancel that runs (LEG_CANCELLING) or had no definite answer, likewise; 0 none */
        int64_t cancel_us;
        unsigned cancel_repeats;
};

struct open_legs {
        struct open_leg *by_tag;
        struct list turns; /* legs whose next write waits until fewer run (leg_write.h) */
        unsigned n_turns;  /* writes that run of those which wait for each other */
};

/* From a leg of an order; the account's counters follow. NULL when out of memory. */
struct open_leg *open_leg_add(struct open_legs *set, struct account_state *a, const struct order *o,
                              const struct leg *leg);
struct open_leg *open_leg_find(struct open_legs *set, const char *tag);
/* Nothing of it was sent, and nothing of it is in the ledger. */
void open_leg_unsent(struct open_leg *l);
/* Takes it out of everything and frees it. */
void open_leg_remove(struct open_legs *set, struct open_leg *l);
/* The same when it is over, durable, and nobody needs it any more. */
void open_leg_retire(struct open_leg *l);
void open_legs_free(struct open_legs *set);

/* Moves between unresolved, live and needs-operator; the account's counters follow. */
void open_leg_set_state(struct open_leg *l, enum leg_state state);
bool open_leg_unresolved(const struct open_leg *l);
/* The daemon that had it in hand is gone: without the sending mark it was certainly not sent; with
 * it, only the broker's book can tell. */
void open_leg_left_behind(struct open_leg *l);
/* The broker's number of it; "": none is known. */
void open_leg_number(struct open_leg *l, const char *broker_order_id);
/* Copies the state into the leg of an order that is about to be written or shown. */
void open_leg_apply(const struct open_leg *l, struct leg *leg);
/* Puts what is known in memory over every leg of an order read from the ledger. */
void open_legs_apply(struct open_legs *set, struct order *o);
/* What of it has traded now; the first time counts for the account. */
void open_leg_fill(struct open_leg *l, int64_t filled_quantity, int64_t average_price);
/* True when the book row says something new; takes it over. */
bool open_leg_update(struct open_leg *l, const struct book_order *row);
