/* Reading: orders from the ledger, everything else from the brokers (concurrently, each account
 * with its own error), instruments from the masters and the built-in set. */
#pragma once

#include "orchestrator/orchestrator.h"

struct order_query {
        struct caller caller;
        const char *id; /* or "client:<client_order_id>" */
        void (*done)(struct order_query *q);
        enum problem problem; /* ORDER_NOT_FOUND, STORE_UNAVAILABLE */
        const struct order *order;
        void *userdata;
};
void query_order(struct orchestrator *o, struct order_query *q);

struct orders_query {
        struct caller caller;
        const char *const *accounts; /* NULL: the caller's */
        int status;                  /* -1: all */
        const char *symbol;
        int64_t since_us;
        const char *before_id; /* cursor */
        unsigned limit;
        void (*done)(struct orders_query *q);
        enum problem problem;
        struct order *const *orders; /* newest first */
        unsigned n_orders;
        /* Without a cursor: orders of the brokers' books that are not ours, account by account, as
         * the last reads showed them; valid inside done. */
        const struct external_shown {
                const struct account *account;
                const struct book_order *row;
                int64_t as_of_us;
        } * external;
        unsigned n_external;
        bool more;
        void *userdata;
};
void query_orders(struct orchestrator *o, struct orders_query *q);

enum account_query_kind {
        QUERY_FUNDS,
        QUERY_HOLDINGS,
        QUERY_POSITIONS,
        QUERY_PORTFOLIO,
        QUERY_TRADES
};

struct account_result {
        const struct account *account;
        enum problem problem; /* NONE: the data is good */
        char message[MESSAGE_SIZE];
        int64_t as_of_us;
        struct funds funds;
        struct holding *holdings;
        unsigned n_holdings;
        struct position *positions;
        unsigned n_positions;
        struct trade *trades;
        unsigned n_trades;
};

struct account_query {
        enum account_query_kind kind;
        struct caller caller;
        const char *const *accounts; /* checked by the caller to exist; NULL: the caller's */
        void (*done)(struct account_query *q);
        enum problem problem; /* only when nothing could be begun */
        struct account_result *results;
        unsigned n_results;
        void *userdata;
};
void query_accounts(struct orchestrator *o, struct account_query *q);

#define QUOTES_MAX 50
struct quotes_query {
        struct caller caller;
        const char *account;                   /* NULL: the first that can */
        char symbols[QUOTES_MAX][SYMBOL_SIZE]; /* canonical */
        unsigned n_symbols;
        void (*done)(struct quotes_query *q);
        enum problem problem; /* INSTRUMENT_UNKNOWN: `message` is the symbol */
        int retry_after_s;    /* BROKER_RATE */
        char message[MESSAGE_SIZE];
        const char *source; /* the account asked */
        const struct quote *quotes;
        unsigned n_quotes;
        void *userdata;
};
void query_quotes(struct orchestrator *o, struct quotes_query *q);

/* At most `limit` (and INSTRUMENTS_SEARCH_MAX) into `ret`, in the order of instruments_search(); at
 * once. A symbol comes once, as the first broker lists it that has it in its master, else from the
 * built-in set. In masters a name is found by the beginning of any of its words. */
unsigned query_instruments(struct orchestrator *o, const char *query, int exchange, unsigned limit,
                           struct instrument *ret);

struct audit_query {
        struct caller caller;
        const char *correlation_id, *order_id, *account; /* NULL: any */
        int64_t since_us, until_us;
        int64_t after_seq; /* cursor, oldest first */
        unsigned limit;
        void (*done)(struct audit_query *q);
        enum problem problem;
        const struct store_audit_row *rows;
        unsigned n_rows;
        bool more;
        void *userdata;
};
void query_audit(struct orchestrator *o, struct audit_query *q);
