/* What an adapter is: tables, and pure functions over buffers. request() turns a call into bytes,
 * reply() turns a complete reply into a result. No I/O, no clock, no state, no memory between
 * calls. Timeouts, retries, rate limits, breaking, tagging, sessions and "was it sent?" live
 * outside. How to write one: docs/adapters.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/http_message.h"
#include "base/secret.h"
#include "domain/account.h"
#include "domain/broker_rate.h"
#include "domain/scrip.h"
#include "domain/order.h"
#include "domain/portfolio.h"

/* What writes may change something there, and is sent once; what reads may be sent again freely. A
 * profile is neither: it asks whose session it is, or whether the broker is there; nor is a master,
 * which has a schedule of its own. */
#define BROKER_OP_TABLE(X)                                                           \
        X(PLACE, "place", WRITES)                                                    \
        X(MODIFY, "modify", WRITES)                                                  \
        X(CANCEL, "cancel", WRITES)                                                  \
        X(BOOK, "book", READS)   /* all orders of the day */                         \
        X(ORDER, "order", READS) /* one order */                                     \
        X(TRADES, "trades", READS)                                                   \
        X(FUNDS, "funds", READS)                                                     \
        X(HOLDINGS, "holdings", READS)                                               \
        X(POSITIONS, "positions", READS)                                             \
        X(PROFILE, "profile", ASKS)                                                  \
        X(QUOTES, "quotes", READS)                                                   \
        X(MARGIN, "margin", READS) /* what one order would block */                  \
        X(MASTER, "master", ASKS)  /* a file of instruments: `step` is its number */ \
        X(LOGIN, "login", WRITES)  /* one step: `step` is its name */                \
        X(LOGOUT, "logout", WRITES)

enum broker_op {
#define X(name, text, kind) BROKER_##name,
        BROKER_OP_TABLE(X)
#undef X
                _BROKER_OP_MAX
};
const char *broker_op_name(enum broker_op op);
bool broker_op_writes(enum broker_op op);
bool broker_op_reads(enum broker_op op); /* and may be sent again */

/* What a broker can do with one segment; the gates refuse the rest before anything is sent. */
struct broker_capability {
        enum exchange exchange;
        unsigned types;      /* bits 1 << ORDER_TYPE_… */
        unsigned products;   /* bits 1 << PRODUCT_… */
        unsigned validities; /* bits 1 << VALIDITY_… */
        bool disclosed;
};

/* --- the daily login ---
 *
 * A login is a chain of steps, each one request and its reply. Between two steps a person may have
 * to act: to log in with a browser, or to read a one-time password. Who runs the chain (and asks
 * the person, keeps what a step leaves for the next one, checks and seals the token) is outside. */
enum broker_login { BROKER_LOGIN_NONE, BROKER_LOGIN_REDIRECT, BROKER_LOGIN_OTP, BROKER_LOGIN_TOTP };

struct broker_login_way {
        enum broker_login method;
        unsigned first_step;
        /* REDIRECT: the address for the browser, under the account's base URL ('/' first). `state`
         * is random, for brokers that carry it. Steps begin when the browser has come back. */
        int (*url)(const struct account *account, const char *state, struct text *ret);
};

/* What the broker sends the browser back with: names in the query, NULL-terminated, any will do. */
struct broker_callback {
        const char *const *code_keys;
        const char *state_key;              /* NULL: it carries no state */
        const char *status_key, *status_ok; /* NULL: no such field */
        const char *message_key;
};

enum broker_flag {
        BROKER_ECHOES_TAG = 1 << 0, /* the order book shows our tag */
        BROKER_BOOK_IS_PROOF =
                1 << 1, /* one complete read proves absence: its book commits with our ledger */
        BROKER_LOCAL = 1 << 2, /* served inside this process */
        BROKER_CAN_MODIFY = 1 << 3,
        BROKER_TAG_IS_NUMBER = 1 << 4, /* a tag is decimal digits */
};

/* One call. Everything is borrowed. Fields that do not apply to `op` are NULL or zero. */
struct broker_call {
        enum broker_op op;
        const struct account *account;
        const struct secret *token; /* the session's; LOGIN: NULL */
        unsigned step;              /* LOGIN: of the adapter's own enum. MASTER: file number */
        /* LOGIN, what there is of it: */
        const struct secret *otp;   /* as the person typed it, or the TOTP of this moment */
        const struct secret *code;  /* what the browser brought back */
        const struct secret *carry; /* what the step before left */
        /* PLACE: order and leg. MODIFY: leg and the new totals in `order`-shaped form. CANCEL,
         * ORDER: leg. */
        const struct order *order;
        const struct leg *leg;
        const struct scrip *scrip;         /* PLACE, MODIFY, MARGIN */
        const struct scrip *const *scrips; /* QUOTES: n_scrips of them */
        unsigned n_scrips;                 /* at most broker.quotes_max */
        struct scrip_source source;        /* for what a reply names in the broker's words */
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
        /* LOGIN: what comes next */
        enum {
                BROKER_LOGIN_DONE,    /* `token` is the session's */
                BROKER_LOGIN_GOES_ON, /* `next_step` at once */
                BROKER_LOGIN_ASKS,    /* the person has to give an OTP, then `next_step` */
        } login;
        unsigned next_step;
        struct secret *carry; /* for the next step */
        struct secret *token;
        int64_t expires_us;             /* wall clock, as the token says; 0: it does not */
        char client_id[CLIENT_ID_SIZE]; /* LOGIN, PROFILE: whose session it is; "" not told */
        struct margin margin;           /* MARGIN */
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

/* --- the master of instruments --- */

struct broker_cell {
        const char *s; /* not terminated; quotes taken away */
        size_t n;
};

bool broker_cell_is(const struct broker_cell *c, const char *text);

/* CSV files, read row by row on the jobs thread while they are unpacked. */
struct broker_master {
        const char *const *files; /* paths under the account's master URL; NULL-terminated */
        bool needs_session;
        bool has_header; /* columns are found by name, else by their place in `columns` */
        const char *const *columns; /* those of which row() gets the cells; NULL-terminated */
        unsigned rows_least;        /* of all files together; fewer are not a day's master */
        /* 1: `ret` (zeroed before) and `ret_rank` are filled; 0: a row that nobody trades here;
         * -EINVAL: not a row of this file. Of rows with one symbol the lowest rank stays, and of
         * those the lowest key. */
        int (*row)(unsigned file, const struct broker_cell *cells, struct scrip *ret,
                   unsigned *ret_rank);
};

struct broker {
        const char *slug;  /* "paper" */
        const char *title; /* "Paper" */
        unsigned flags;
        const struct broker_login_way *logins; /* n_logins of them, the usual one first; 0: none */
        unsigned n_logins;
        struct broker_callback callback;
        int session_ends;               /* minute of the IST day at which every session is over */
        const char *default_base_url;   /* NULL for local */
        const char *default_master_url; /* without the slash at its end */
        const struct broker_master *master; /* NULL: the built-in set is its master */
        unsigned quotes_max;                /* instruments of one QUOTES call */
        const struct broker_rate *rates;    /* n_rates of them */
        unsigned n_rates;
        unsigned tag_max;                             /* characters of a tag */
        const struct broker_capability *capabilities; /* n_capabilities of them */
        unsigned n_capabilities;
        /* 0; -ENOTSUP the broker has no such call; -ENOMEM; -EINVAL the call is not complete. URLs
         * begin with '/' and lie under the account's base URL, that of MASTER under its master URL.
         */
        int (*request)(const struct broker_call *call, struct http_request *ret);
        /* Reads one complete reply. Always fills `ret` (zeroed by the caller); an unreadable reply
         * is outcome UNKNOWN, not an error. -ENOMEM only. */
        int (*reply)(const struct broker_call *call, const struct http_reply *reply,
                     struct broker_result *ret);
};

/* registry.c */
const struct broker *broker_find(const char *slug); /* NULL */
const struct broker *broker_at(unsigned i);         /* NULL behind the last */
/* Where the account is reached: what was configured, else the broker's own. No slash at the end. */
const char *broker_base_url(const struct broker *b, const struct account *a);
const char *broker_master_url(const struct broker *b, const struct account *a);
const struct broker_capability *broker_capability(const struct broker *b, enum exchange e);
