/* The exchange's protocol: paths and bodies in, JSON out. docs/paper.md has it in words. */
#pragma once

#include "paper/entry.h"

#define PAPER_BODY_MAX    4096U
#define PAPER_PATH_MAX    8192U
#define PAPER_QUOTES_MAX  500U
#define PAPER_REPLY_BYTES (64U << 20) /* a full book of the day fits */

enum wire_thing {
        WIRE_ORDERS,
        WIRE_TRADES,
        WIRE_FUNDS,
        WIRE_HOLDINGS,
        WIRE_POSITIONS,
        WIRE_QUOTES,
        WIRE_PROFILE,
        _WIRE_THING_MAX
};

struct wire_target {
        char account[ACCOUNT_SIZE];
        enum wire_thing thing;
        char id[ID_TEXT_SIZE]; /* "" none */
        const char *query;     /* behind the '?', still encoded; "" none */
};

/* 0; 1 refused. */
int wire_read_target(const char *path, struct wire_target *ret, struct refusal *ret_refusal);
/* `changes`: only what a modification may name, laid over what `e` holds. 0; 1 refused; -ENOMEM. */
int wire_read_entry(const struct text *body, bool changes, struct entry *e,
                    struct refusal *ret_refusal);
int wire_read_since(const char *query, int64_t *ret, struct refusal *ret_refusal);
/* The next of a list of encoded symbols: 0; 1 no more; -EINVAL. */
int wire_next_symbol(const char **list, char ret[static SYMBOL_SIZE]);

void wire_put_result(struct text *t, const struct paper_order *o);
void wire_put_order(struct text *t, const struct paper_order *o);
void wire_put_refusal(struct text *t, const struct refusal *r);
int wire_put_orders(struct text *t, const struct paper_account *a, int64_t since_us);
void wire_put_trades(struct text *t, const struct paper_account *a);
void wire_put_funds(struct text *t, const struct paper_account *a);
int wire_put_positions(struct text *t, const struct paper_account *a, bool holdings);
int wire_put_quotes(struct text *t, struct paper_account *a, const char *query,
                    struct refusal *ret_refusal);
void wire_put_profile(struct text *t, const struct paper_account *a);
