/* What a client asks of the exchange, read and checked: a new order, or the new totals of one. */
#pragma once

#include "paper/exchange.h"

struct entry {
        char tag[TAG_SIZE];
        char symbol[SYMBOL_SIZE];
        enum side side;
        enum order_type type;
        enum product product;
        enum validity validity;
        int64_t quantity, price, trigger_price, disclosed_quantity;
};

/* 0; 1 refused. Everything about the order that needs no account. `triggered`: it is a stop that
 * fired. */
int entry_check(const struct entry *e, const struct listing *l, bool still, int64_t now,
                bool triggered, struct refusal *ret);
/* The worst price it can trade at while the previous close stands: what funds are blocked for. */
int64_t entry_block_price(const struct entry *e, const struct market *m);

/* desk.c. 0; 1 refused; -ENOMEM. */
int desk_place(struct paper_account *a, const struct entry *e, struct paper_order **ret,
               struct refusal *ret_refusal);
/* `e` holds the order's fields with the changes laid over them. */
int desk_modify(struct paper_order *o, const struct entry *e, struct refusal *ret_refusal);
int desk_cancel(struct paper_order *o, struct refusal *ret_refusal);
