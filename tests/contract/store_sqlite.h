/* The parts of the SQLite tests; store_sqlite.c joins them. */
#pragma once

#include "store_suite.h"

/* Paths of the test's own directory; the result is overwritten by the fifth call after it. */
const char *in_dir(const char *name);
int sqlite_store_open(const struct store_options *o, char error[static STORE_ERROR_SIZE],
                      struct store **ret);
struct store_options sqlite_options(void);
/* Runs statements on the closed ledger's file, as a person with a shell would. */
void sql(const char *statements);
void write_file(const char *path, const char *bytes, size_t n);

const TTest *const *store_sqlite_open_tests(unsigned *ret_n);
const TTest *const *store_sqlite_disk_tests(unsigned *ret_n);
const TTest *const *store_sqlite_damage_tests(unsigned *ret_n);
