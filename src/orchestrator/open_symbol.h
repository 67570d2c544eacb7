/* An account's open legs in one symbol, by side: gates ask for them with every order, and an
 * account may have thousands of others. Loop thread only. */
#pragma once

#include <uthash.h>

#include "base/list.h"
#include "domain/order.h"

struct open_leg;

struct open_symbol {
        UT_hash_handle hh; /* account_state.open_symbols */
        char symbol[SYMBOL_SIZE];
        struct list sides[_SIDE_MAX]; /* struct open_leg.of_side; the oldest first */
};

/* By the leg's own symbol and side, which never change. 0, -ENOMEM. */
int open_symbol_add(struct open_symbol **set, struct open_leg *l);
void open_symbol_remove(struct open_symbol **set, struct open_leg *l);
/* Never NULL; not to be changed. */
const struct list *open_symbol_legs(struct open_symbol *set, const char *symbol, enum side side);
