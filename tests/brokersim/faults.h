/* What goes wrong on purpose: rules that fit the next requests of a broker and an operation. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "brokersim/call.h"

#define FAULT_RULES_MAX 256
#define FAULT_TEXT_SIZE 512
#define FAULT_BYTES_MAX INT64_C(1073741824) /* of a huge body */
#define FAULT_MS_MAX    INT64_C(3600000)

/* name, spelling, whether the request is carried out unless the rule says otherwise */
#define FAULT_TABLE(X)                                                                         \
        X(REFUSE, "refuse", false)                /* nobody listens, for `ms` */               \
        X(UNREACHABLE, "unreachable", false)      /* nobody answers a connect, for `ms` */     \
        X(CERTIFICATE, "certificate", false)      /* the `number`-th one is shown, for `ms` */ \
        X(CLOSE_BEFORE, "close_before", false)    /* connections end before they are read */   \
        X(CLOSE_AFTER, "close_after", false)      /* read, then closed without an answer */    \
        X(RESET_AFTER, "reset_after", false)      /* read, then reset without an answer */     \
        X(STALL, "stall", true)                   /* read, never answered */                   \
        X(RESET, "reset", true)                   /* half of the answer, then a reset */       \
        X(TRUNCATE, "truncate", true)             /* half of the answer, then closed */        \
        X(ERROR, "error", true)                   /* `status` in the broker's envelope */      \
        X(GARBAGE, "garbage", true)               /* 200 and bytes that mean nothing */        \
        X(HTML, "html", true)                     /* a gateway's page, 200 or `status` */      \
        X(LATE, "late", true)                     /* the right answer, `ms` later */           \
        X(DUPLICATE, "duplicate", true)           /* the right answer, twice */                \
        X(RATE_LIMIT, "rate_limit", false)        /* 429; Retry-After by `retry_after` */      \
        X(DRIP, "drip", true)                     /* `chunk` bytes every `ms` */               \
        X(HUGE, "huge", true)                     /* the right answer and blanks to `bytes` */ \
        X(WRONG_TYPES, "wrong_types", true)       /* numbers as text, text as numbers … */   \
        X(EXPIRED, "expired", false)              /* as when the session has ended */          \
        X(FLIP, "flip", true)                     /* the order turns `order_status` by `ms` */ \
        X(UNACKNOWLEDGED, "unacknowledged", true) /* the broker's own "perhaps" */
enum fault {
#define X(name, text, carried) FAULT_##name,
        FAULT_TABLE(X)
#undef X
                _FAULT_MAX
};
const char *fault_name(enum fault f);

struct fault_rule {
        unsigned id;
        enum fault kind;
        int broker, operation;           /* -1: any */
        char client_id[USER_FIELD_SIZE]; /* "": any */
        int64_t skip, left;              /* requests to let pass; times it fits, -1: always */
        int64_t hits;
        bool book;             /* the request is carried out */
        int64_t book_after_ms; /* … that much later, and nobody hears of it */
        int64_t ms, bytes, chunk, retry_after, number;
        int status, order_status;
        char text[FAULT_TEXT_SIZE];
};

struct faults {
        struct fault_rule rules[FAULT_RULES_MAX];
        unsigned n;
        unsigned serial;
};

/* The first rule that fits; counted. A copy: the control may change the rules meanwhile. */
bool faults_take(struct faults *f, enum broker_name b, enum operation o, const struct user *u,
                 struct fault_rule *ret);
/* A connection was accepted: true, it is to be closed. */
bool faults_take_connection(struct faults *f);
/* Not kept: what the listeners do, from now on. */
bool faults_of_listeners(const struct fault_rule *r);
/* From the control's JSON. NULL and a sentence: not a rule. */
const struct fault_rule *faults_add(struct faults *f, struct json_object *o,
                                    const char **ret_wrong);
void faults_clear(struct faults *f);
void faults_put(const struct faults *f, struct json_writer *w);
/* `reply` in JSON with every type another one. */
void faults_wrong_types(const struct text *reply, struct text *ret);
