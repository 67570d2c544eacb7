/* An order is what a client asked for once; it has one leg per target account; a leg is what is
 * sent, tagged and reconciled. Plain data, owned by whoever allocated it; legs belong to their
 * order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "domain/instrument.h"
#include "domain/outcome.h"
#include "domain/problem.h"
#include "domain/words.h"

#define ACCOUNT_SIZE         34 /* "mstock:abcdefghijklmnop" */
#define CLIENT_ORDER_ID_SIZE 65
#define CORRELATION_ID_SIZE  65
#define KEY_NAME_SIZE        33 /* the name of an API key: who asked */
#define IDEMPOTENCY_KEY_SIZE 256
#define BROKER_ORDER_ID_SIZE 33
#define BROKER_CODE_SIZE     33
#define MESSAGE_SIZE         192
#define TARGETS_MAX          32
#define FINGERPRINT_SIZE     32
#define QUANTITY_MAX         INT64_C(1000000000)

#define CONFIDENCE_TABLE(X)        X(NONE, "none") X(PROVEN, "proven") X(INFERRED, "inferred")
#define CONFIDENCE_MEMBER(w, text) CONFIDENCE_##w,
WORD_ENUM(CONFIDENCE, confidence, CONFIDENCE_TABLE);

/* Where a leg stands in Ordo's own book-keeping (not at the broker): the write-ahead states. */
#define LEG_STATE_TABLE(X)                                                                   \
        X(REFUSED, "refused")               /* a gate said no; there was no intent for it */ \
        X(INTENT, "intent")                 /* durable, not marked: certainly not sent */    \
        X(SENDING, "sending")               /* durable mark: bytes may have left */          \
        X(SETTLED, "settled")               /* the outcome is durable and definite */        \
        X(UNKNOWN, "unknown")               /* reconcile owns it */                          \
        X(NEEDS_OPERATOR, "needs_operator") /* only a person can settle it */
#define LEG_STATE_MEMBER(w, text) LEG_STATE_##w,
WORD_ENUM(LEG_STATE, leg_state, LEG_STATE_TABLE);

/* What was really sent, where it differs from what was asked (protected market orders). */
struct effective {
        enum order_type type;
        int64_t price;
        int64_t trigger_price;
};

struct leg {
        unsigned number; /* 1 … */
        char account[ACCOUNT_SIZE];
        int64_t multiplier; /* 1e-4; DECIMAL_ONE unless given */
        int64_t quantity;   /* exchange units, after the multiplier */
        struct effective effective;
        char tag[TAG_SIZE];

        enum leg_state state;
        enum outcome outcome;
        enum confidence confidence;
        enum problem problem;       /* why it failed; NONE */
        char message[MESSAGE_SIZE]; /* one sentence with the numbers; "" */
        char broker_code[BROKER_CODE_SIZE];
        char broker_message[MESSAGE_SIZE];
        char broker_order_id[BROKER_ORDER_ID_SIZE];

        enum order_status status; /* at the broker, as last seen */
        int64_t filled_quantity;
        int64_t average_price; /* 0: nothing filled */
        bool cancel_requested;
        unsigned attempts; /* sends that were begun */
        unsigned modifications;
        int64_t sending_us; /* wall clock of the mark; 0 */
        int64_t latency_us; /* of the broker's answer */
        int64_t updated_us;
        struct evidence evidence; /* of the last attempt */
};

struct order {
        char id[ID_SIZE];
        int64_t created_us;
        int day; /* IST, 20261123: books live one day */
        char key_name[KEY_NAME_SIZE];
        char correlation_id[CORRELATION_ID_SIZE];
        char client_order_id[CLIENT_ORDER_ID_SIZE]; /* "" none */

        char symbol[SYMBOL_SIZE];
        enum side side;
        enum order_type type;
        enum product product;
        enum validity validity;
        int64_t quantity;
        int64_t price;         /* 0: none */
        int64_t trigger_price; /* 0: none */
        int64_t disclosed_quantity;
        bool reduce_only;
        /* policy for market orders asked by the client, never looser than the account's */
        bool market_policy_given;
        struct market_policy {
                enum { MARKET_REJECT, MARKET_PROTECT, MARKET_BROKER } kind;
                int64_t percent; /* 1e-4 of a percent: 10000 = 1 % */
        } market_policy;

        /* the daemon that placed it, where several share a ledger; filled in by the store when read
         */
        char writer[UUID_SIZE];

        unsigned n_legs;
        struct leg *legs;
};

#define OVERALL_TABLE(X)      \
        X(SUCCESS, "success") \
        X(PARTIAL_SUCCESS, "partial_success") X(FAILURE, "failure") X(PENDING, "pending")
#define OVERALL_MEMBER(w, text) OVERALL_##w,
WORD_ENUM(OVERALL, overall, OVERALL_TABLE);

int order_new(unsigned n_legs, struct order **ret);
struct order *order_free(struct order *o);
DEFINE_CLEANUP(struct order *, order_free)
int order_copy(const struct order *o, struct order **ret);

bool leg_unresolved(const struct leg *l); /* the outcome is not known (yet) */
/* The attempt was answered, completely, with an HTTP error that is no gateway's, and without an
 * order id: whether it was placed is not known, but who answers so has seldom placed it. */
bool leg_denied(const struct leg *l);
bool leg_live(const struct leg *l); /* accepted and not terminal at the broker */
enum overall order_overall(const struct order *o);
/* The HTTP status of the collated answer (orders.md §5), and the common cause when every leg failed
 * (PROBLEM_NONE when there is an accepted or unknown leg, or the causes are mixed). */
int order_http_status(const struct order *o, enum problem *ret_cause);

/* SHA-256 over the canonical form of what the client asked: equal requests, equal fingerprints. */
void order_fingerprint(const struct order *o, uint8_t ret[static FINGERPRINT_SIZE]);

#define MARKET_PROTECT_PERCENT_MAX INT64_C(200000) /* 20 %: the widest daily band there is */
#define MARKET_POLICY_TEXT_SIZE    24
const char *market_policy_print(const struct market_policy *p, char *buf, size_t size);
/* "reject", "broker", "protect" (1 %), "protect(0.5)"; 0 or -EINVAL. */
int market_policy_parse(const char *s, size_t n, struct market_policy *ret);
