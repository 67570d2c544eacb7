/* The whole simulator. One thread, one loop; nothing here is global. */
#pragma once

#include "brokersim/book.h"
#include "brokersim/call.h"
#include "brokersim/faults.h"
#include "brokersim/journal.h"

#define ORDERS_MAX_DEFAULT 1000000
#define ROWS_DEFAULT       30000 /* Ordo takes a much shorter list for a broken one */
#define ROWS_MAX           1000000
#define FUNDS_DEFAULT      (INT64_C(100000000) * DECIMAL_ONE)

struct server;

struct sim {
        struct market market;
        struct accounts accounts;
        struct book book;
        struct journal journal;
        struct faults faults;
        struct server *server; /* NULL in what runs without one */
        unsigned rows;         /* that masters are padded to */
        int64_t latency_us;    /* of every answer of a broker */
        bool auto_login;
        unsigned resets;         /* what was to happen before the last one does not */
        struct text masters[16]; /* made once; masters.c */
        struct text packed[16];
};

/* Finds broker and route, counts and admits the call. False: answered already. */
bool sim_route(struct sim *s, struct call *c, struct bytes path);
/* The control interface: everything under /_sim. */
void control_answer(struct call *c);

/* Orders go through these: they keep the two logs. NULL: answered already. `t->listing` may be NULL
 * for sim_receive(): an order for nothing that exists was received too. */
void sim_receive(struct call *c, const struct ticket *t, const char *id);
struct entry *sim_place(struct call *c, const struct ticket *t, enum refusal *ret_why);
enum refusal sim_modify(struct call *c, struct entry *e, const struct ticket *t);
enum refusal sim_cancel(struct call *c, struct entry *e, const char *message);

/* The broker's words for a refusal (words.c). */
void refusal_words(const struct entry *e, enum refusal why, int64_t needed, char *buf, size_t n);
const char *refusal_sentence(enum broker_name b, enum refusal why);
const char *refusal_name(enum refusal why);
