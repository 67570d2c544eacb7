/* Between .case files and the types of adapters: a call from its section, a result as text. */
#pragma once

#include "broker/broker.h"
#include "case.h"

#define CALL_SYMBOLS_MAX 16

struct case_call {
        struct broker_call call;
        struct account account;
        struct order *order;
        struct instrument instrument, instruments[CALL_SYMBOLS_MAX];
        const struct instrument *pointers[CALL_SYMBOLS_MAX];
        struct secret *token;
};

/* False: `fault` says which line. */
bool call_build(struct case_call *t, struct broker_case *c, char *fault, size_t size);
void call_done(struct case_call *t);

/* A field of a result as the files write it: "outcome", "funds.available", "0.symbol". NULL: there
 * is no such field or row. */
const char *result_text(enum broker_op op, const struct broker_result *r, const char *key);
unsigned result_rows(const struct broker_result *r);
/* Whatever was read: strings end inside their fields, words are words. False: not. */
bool result_bounded(const struct broker_result *r);
