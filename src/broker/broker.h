/* What an adapter is: pure functions over buffers. request() turns a call into bytes, reply() turns
 * a complete reply into a result. No I/O, no clock, no state, no memory between calls. Timeouts,
 * retries, rate limits, breaking, tagging and "was it sent?" live outside. How to write one:
 * docs/adapters.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/http_message.h"
#include "base/secret.h"
#include "domain/account.h"
#include "domain/instrument.h"
#include "domain/order.h"
#include "domain/portfolio.h"

#define BROKER_OP_TABLE(X)                                      \
        X(PLACE, "place", true)                                 \
        X(MODIFY, "modify", true)                               \
        X(CANCEL, "cancel", true)                               \
        X(BOOK, "book", false)   /* all orders of the day */    \
        X(ORDER, "order", false) /* one order */                \
        X(TRADES, "trades", false)                              \
        X(FUNDS, "funds", false)                                \
        X(HOLDINGS, "holdings", false)                          \
        X(POSITIONS, "positions", false)                        \
        X(PROFILE, "profile", false)                            \
        X(QUOTES, "quotes", false)                              \
        X(LOGIN, "login", true) /* steps: `step` counts them */ \
        X(LOGOUT, "logout", true)

enum broker_op {
#define X(name, text, writes) BROKER_##name,
        BROKER_OP_TABLE(X)
#undef X
                _BROKER_OP_MAX
};
const char *broker_op_name(enum broker_op op);
bool broker_op_writes(enum broker_op op);

/* What a broker can do with one segment; the gates refuse the rest before anything is sent. */
struct broker_capability {
        enum exchange exchange;
        unsigned types;      /* bits 1 << ORDER_TYPE_… */
        unsigned products;   /* bits 1 << PRODUCT_… */
        unsigned validities; /* bits 1 << VALIDITY_… */
        bool disclosed;
};

enum broker_login { BROKER_LOGIN_NONE, BROKER_LOGIN_REDIRECT, BROKER_LOGIN_OTP, BROKER_LOGIN_TOTP };

enum broker_flag {
        BROKER_ECHOES_TAG = 1 << 0, /* the order book shows our tag */
        BROKER_BOOK_IS_PROOF =
                1 << 1, /* one complete read proves absence: its book commits with our ledger */
        BROKER_LOCAL = 1 << 2, /* served inside this process */
        BROKER_CAN_MODIFY = 1 << 3,
};

/* One call. Everything is borrowed. Fields that do not apply to `op` are NULL or zero. */
struct broker_call {
        enum broker_op op;
        const struct account *account;
        const struct secret *token; /* the session's */
        unsigned step;              /* LOGIN */
        /* PLACE: order and leg. MODIFY: leg and the new totals in `order`-shaped form. CANCEL,
         * ORDER: leg. */
        const struct order *order;
        const struct leg *leg;
        const struct instrument *instrument;
        const struct instrument *const *instruments; /* QUOTES: n_instruments of them */
        unsigned n_instruments;
        /* BOOK: rows that changed at or after (wall clock); 0: all. A hint: a broker without such a
         * filter gives all. */
        int64_t since_us;
};

/* What the reply came to. */
struct broker_result {
        enum outcome
                outcome; /* ACCEPTED, REJECTED or UNKNOWN for writes; ACCEPTED: read understood */
        bool session_ended;   /* the broker said that the token is no longer good */
        bool rate_limited;    /* documented as not processed */
        enum problem problem; /* NONE when accepted */
        char broker_code[BROKER_CODE_SIZE];
        char message[MESSAGE_SIZE]; /* the broker's words */
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        /* the state right after the call, where the reply tells it */
        bool has_state;
        enum order_status status;
        int64_t filled_quantity, average_price;
        /* reads; arrays are malloc'ed, broker_result_done() frees them */
        struct book_order *orders;
        unsigned n_orders;
        struct trade *trades;
        unsigned n_trades;
        struct funds funds;
        struct holding *holdings;
        unsigned n_holdings;
        struct position *positions;
        unsigned n_positions;
        struct quote *quotes;
        unsigned n_quotes;
};
void broker_result_done(struct broker_result *r);

struct broker {
        const char *slug;  /* "paper" */
        const char *title; /* "Paper" */
        unsigned flags;
        enum broker_login login;
        const char *default_base_url;                 /* NULL for local */
        unsigned tag_max;                             /* characters of a tag */
        const struct broker_capability *capabilities; /* n_capabilities of them */
        unsigned n_capabilities;
        /* 0; -ENOTSUP the broker has no such call; -ENOMEM; -EINVAL the call is not complete. */
        int (*request)(const struct broker_call *call, struct http_request *ret);
        /* Reads one complete reply. Always fills `ret` (zeroed by the caller); an unreadable reply
         * is outcome UNKNOWN, not an error. -ENOMEM only. */
        int (*reply)(const struct broker_call *call, const struct http_reply *reply,
                     struct broker_result *ret);
};

/* registry.c */
const struct broker *broker_find(const char *slug); /* NULL */
const struct broker *broker_at(unsigned i);         /* NULL behind the last */
const struct broker_capability *broker_capability(const struct broker *b, enum exchange e);
