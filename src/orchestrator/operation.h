/* Placing, modifying, cancelling and resolving orders. See operation.c for the picture of the
 * states. */
#pragma once

#include "orchestrator/orchestrator.h"

/* What an operation came to. Either `problem` is set (nothing durable happened; `detail`, perhaps
 * `pointer` and `retry_after_s` say more), or `status` and `body` are ready to be sent as they are.
 */
struct answer {
        enum problem problem;
        char detail[256];
        char pointer[48];       /* JSON pointer of the field at fault; "" none */
        int retry_after_s;      /* 0: none */
        char order_id[ID_SIZE]; /* for Location; "" none */

        int status;
        bool is_problem; /* body is application/problem+json */
        const char *body;
        size_t body_size;
        bool replayed;
        const struct order *order; /* of a placement: as it stands; NULL none */
};

struct place_request {
        struct caller caller;
        struct order *order; /* as the client asked, legs with account and multiplier; taken over */
        const char *idempotency_key; /* NULL: none */
        bool validate_only; /* every gate, nothing sent, nothing written: status 200 or the refusal
                             */
        void (*done)(struct place_request *r);
        struct answer answer;
        void *userdata;
};
void operation_place(struct orchestrator *o, struct place_request *r);

/* PATCH: new totals; absent members stay. */
struct order_change {
        bool has_quantity, has_price, has_trigger_price, has_type, has_validity;
        int64_t quantity, price, trigger_price;
        enum order_type type;
        enum validity validity;
};

void order_change_apply(struct order *o, const struct order_change *c);

enum amend_kind { AMEND_MODIFY, AMEND_CANCEL, AMEND_RESOLVE };

/* One existing order: modify, cancel, or settle one of its legs by hand. */
struct amend_request {
        enum amend_kind kind;
        struct caller caller;
        /* order id, or "client:<client_order_id>" of today; CANCEL also takes
         * "external:<account>:<broker_order_id>" of the last book read */
        const char *id;
        struct order_change change;  /* MODIFY */
        unsigned leg;                /* RESOLVE: number */
        enum outcome outcome;        /* RESOLVE: ACCEPTED, REJECTED or NOT_PLACED */
        const char *broker_order_id; /* RESOLVE as ACCEPTED */
        const char *reason;          /* RESOLVE */
        void (*done)(struct amend_request *r);
        struct answer answer;
        void *userdata;
};
void operation_cancel_external(struct orchestrator *o, struct amend_request *r);
void operation_amend(struct orchestrator *o, struct amend_request *r);

/* Cancel every live order of the named accounts (all of the caller's when NULL), of one symbol or
 * all. */
struct cancel_many_request {
        struct caller caller;
        const char *const *accounts; /* NULL-terminated or NULL */
        const char *symbol;          /* NULL: all */
        void (*done)(struct cancel_many_request *r);
        struct answer answer;  /* only .problem is used */
        struct order **orders; /* out: one per order; its legs' outcome is that of the cancel; freed
                                  after done */
        unsigned n_orders;
        void *userdata;
};
void operation_cancel_many(struct orchestrator *o, struct cancel_many_request *r);
