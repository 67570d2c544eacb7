/* A trading floor for tests: an exchange with a handful of instruments, a frozen clock, and a
 * ledger that keeps what riders bring, so that the exchange can be thrown away and built again from
 * its rows. */
#pragma once

#include "suite.h"

#include "base/clock.h"
#include "base/json.h"
#include "domain/order.h"
#include "paper/exchange.h"

#define FLOOR_ROWS_MAX 20000
#define RUPEES(x)      (INT64_C(x) * DECIMAL_ONE)

/* Monday 2026-11-23 10:00:00 IST, inside every session. */
#define FLOOR_DAY 20261123
int64_t floor_time(int day, int hour, int minute, int second);

struct floor_row {
        char account[ACCOUNT_SIZE], kind[12], key[72];
        void *value;
        size_t size;
};

struct floor_options {
        int64_t funds;
        bool live;          /* the seeded market instead of the still one */
        bool enforce_hours; /* sessions.csv and holidays.csv of floor.c */
        uint64_t seed;
};

struct floor {
        struct floor_options options;
        struct calendar *calendar;
        struct paper *paper;
        struct floor_row *rows;
        unsigned n_rows, last_rider; /* last_rider: rows of it */
        bool losing;                 /* riders are not stored */
        int status;
        struct text body;
        struct json_object *reply;
};

/* Accounts paper:one and paper:two. */
void floor_open(struct floor *f, const struct floor_options *o);
void floor_close(struct floor *f);
void floor_restart(struct floor *f); /* from the stored rows */
struct instrument *floor_instrument(const char *symbol);
const struct instrument *floor_find(void *userdata, const char *symbol);
void floor_take(struct floor *f, struct rider *rider); /* as the ledger does, NULL is fine */

/* One request; the reply is in status, body, reply. `what` is behind "/paper%3Aone/". */
void floor_call(struct floor *f, const char *method, const char *what, const char *body);
void floor_call_as(struct floor *f, const char *account, const char *method, const char *what,
                   const char *body);
/* "BUY 10 NSE:SBIN CNC LIMIT 812.50 [trigger] [IOC]"; the order id, "" refused; good for
 * 255 more. */
const char *floor_place(struct floor *f, const char *words);
void floor_cancel(struct floor *f, const char *id);
void floor_order(struct floor *f, const char *id); /* reads it */
/* Good for seven more. */
const char *floor_text(struct floor *f, const char *key);
int64_t floor_int(struct floor *f, const char *key);
int64_t floor_money(struct floor *f, const char *key);
const char *floor_code(struct floor *f);
/* Element `i` of the list named `list`: the reply is narrowed to it. */
void floor_pick(struct floor *f, const char *list, unsigned i);
unsigned floor_count(struct floor *f, const char *list);
int64_t floor_funds(struct floor *f, const char *key); /* of GET funds */
/* Every read of an account as one text. */
char *floor_picture(struct floor *f, const char *account);
