/* The broker of the explorer, the wire to it, and the adapter that speaks its language (in place of
 * broker/registry.c and net/httpc.c). It has the truth: what it has booked, for which tag, and how
 * often a placement left for it. Every request waits until the explorer says what it meets. */
#pragma once

#include "broker/broker.h"
#include "net/httpc.h"

#define STREET_ORDERS_MAX 16
#define STREET_NEVER      INT64_MAX

/* What a request meets. The first of each kind is what happens on a good day. */
#define STREET_FATE_TABLE(X)                                  \
        X(SERVED, "is answered")                              \
        X(REFUSED, "is refused by the broker")                \
        X(NOT_SENT, "finds no connection")                    \
        X(REPLY_LOST, "is done, but the reply is lost")       \
        X(LOST, "is lost on the way")                         \
        X(LATE_8, "is lost on the way, and done 8 s later")   \
        X(LATE_90, "is lost on the way, and done 90 s later") \
        X(BROKEN, "is answered with 500 and not done")        \
        X(DONE_BROKEN, "is done, but answered with 500")      \
        X(SESSION_OVER, "is answered: the session is over")   \
        X(HELD, "is done, and the reply takes its time")      \
        X(STALLED, "hangs on the way and is never done")
enum street_fate {
#define X(name, words) STREET_##name,
        STREET_FATE_TABLE(X)
#undef X
                _STREET_FATE_MAX
};
extern const char *const street_fate_words[];

struct street_order {
        char account[ACCOUNT_SIZE];
        char tag[TAG_SIZE];
        struct book_order row;
        int64_t booked_us;   /* monotonic: from then on it is in the book; STREET_NEVER */
        unsigned departures; /* placements with its tag that left */
        unsigned bookings;
};

struct street {
        unsigned flags; /* of the broker */
        struct street_order orders[STREET_ORDERS_MAX];
        unsigned n;
        unsigned cancels, modifies; /* that left */
        /* Asked when a placement or modification leaves. */
        void (*leaves)(const struct street_order *order, enum broker_op op);
};
extern struct street street;

/* One request on its way. */
struct flight;

/* `a_second`: orders that it takes in a second; 0: any number. */
void street_begin(unsigned flags, unsigned a_second);
struct httpc *street_wire_new(void);
/* The oldest requests of all wires first; `held`: the broker has it already. */
unsigned street_flights(struct httpc *const *wires, unsigned n_wires, struct flight **ret,
                        unsigned max);
enum broker_op flight_op(const struct flight *f);
bool flight_held(const struct flight *f);
/* Held, and nobody will answer. */
bool flight_lost(const struct flight *f);
const char *flight_what(const struct flight *f);
int64_t flight_deadline_us(const struct flight *f);
const struct http_call *flight_call(const struct flight *f);
uint64_t flight_hash(const struct flight *f);
void flight_meet(struct flight *f, enum street_fate fate);
/* Its time is over. */
void flight_expire(struct flight *f);

struct street_order *street_find(const char *tag);
bool street_booked(const struct street_order *o); /* by now */
bool street_live(const struct street_order *o);
/* An order may still turn up. */
bool street_awaits(void);
