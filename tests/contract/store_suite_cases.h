/* The parts of the contract; store_suite.c joins them. */
#pragma once

#include "store_suite.h"

const TTest *const *store_suite_orders(unsigned *ret_n);
const TTest *const *store_suite_reads(unsigned *ret_n);
const TTest *const *store_suite_state(unsigned *ret_n);
const TTest *const *store_suite_groups(unsigned *ret_n);
/* A second store over the ledger of the test, which must not be open meanwhile. */
int store_suite_open(unsigned queue_max, struct store **ret);
