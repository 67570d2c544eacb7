/* The parts of the PostgreSQL tests; store_postgres.c joins them. */
#pragma once

#include "store_suite.h"

struct store_options postgres_options(void);
/* What postgres_options() and the suite open from now on, borrowed. */
void postgres_use(const char *url);

const TTest *const *store_postgres_open_tests(unsigned *ret_n);
const TTest *const *store_postgres_loss_tests(unsigned *ret_n);
