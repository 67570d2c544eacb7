/* Between .case files and the types of adapters: a call from its section, a result as text. */
#pragma once

#include "broker/broker.h"
#include "case.h"

#define CALL_SYMBOLS_MAX 16

struct case_call {
        struct broker_call call;
        struct account account;
        struct order *order;
        struct scrip scrip, scrips[CALL_SYMBOLS_MAX];
        const struct scrip *pointers[CALL_SYMBOLS_MAX];
        struct secret *token, *otp, *code, *carry;
        struct account_access access;
};

/* What the broker lists, from tests/fixtures/<broker>/scrips.csv; without the file `find` knows
 * every symbol by itself, and nothing else. */
#define SCRIPS_MAX 256
struct case_scrips {
        struct scrip rows[SCRIPS_MAX];
        unsigned n;
};
bool scrips_read(struct case_scrips *s, const char *path, char *fault, size_t size);

/* False: `fault` says which line. */
bool call_build(struct case_call *t, struct broker_case *c, const struct case_scrips *scrips,
                char *fault, size_t size);
void call_done(struct case_call *t);

/* A field of a result as the files write it: "outcome", "funds.available", "0.symbol". NULL: there
 * is no such field or row. */
const char *result_text(enum broker_op op, const struct broker_result *r, const char *key);
unsigned result_rows(const struct broker_result *r);
/* A field of a scrip as the files write it: "symbol", "lot", "key". NULL: there is none. */
const char *scrip_text(const struct scrip *s, const char *key);
bool scrip_bounded(const struct scrip *s);
/* Whatever was read: strings end inside their fields, words are words. False: not. */
bool result_bounded(const struct broker_result *r);
