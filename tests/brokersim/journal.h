/* The two logs that judge "at most once": every order that was received, and every order that was
 * booked. And how often each operation was called. */
#pragma once

#include "brokersim/book.h"
#include "brokersim/call.h"

#define JOURNAL_MAX \
        2000000 /* lines of each log; beyond, the oldest half is forgotten and said so */

struct receipt {
        uint64_t number;
        int64_t at_us;
        enum broker_name broker;
        enum operation operation;
        const struct user *user;       /* NULL: it was not known who asks */
        const struct listing *listing; /* NULL: not known */
        enum side side;
        int64_t quantity, price;
        char tag[32];
        char peer[46];          /* the address it came from */
        char id[ENTRY_ID_SIZE]; /* what it was booked as, or the order that it was about */
};

struct booking {
        uint64_t number;
        const struct entry *entry;
};

struct journal {
        struct receipt *received;
        unsigned n_received, size_received;
        struct booking *booked;
        unsigned n_booked, size_booked;
        uint64_t serial, forgotten;
        uint64_t calls[_BROKER_MAX][_OPERATION_MAX];
};

/* Valid until the next one is added. */
struct receipt *journal_receive(struct journal *j, struct call *c);
void journal_book(struct journal *j, const struct entry *e);
void journal_clear(struct journal *j);
void journal_done(struct journal *j);
