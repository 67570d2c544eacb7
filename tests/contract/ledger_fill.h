/* A ledger with many orders in it, written as a daemon writes them: two commits an order, with key,
 * answer and audit; and something in every other table. Into `ledger` of store_suite.h. */
#pragma once

void ledger_fill(unsigned n_orders);
