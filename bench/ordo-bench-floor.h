/* What the machine and the libraries need by themselves, measured in the same run: nothing that
 * Ordo does can be faster. Files are made in `place`, on the file system of the ledger. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "ordo-bench-load.h"

/* A child that answers every request with one constant: libh2o alone. */
struct bare {
        pid_t pid;
        uint16_t port;
};
int bare_start(struct bare *b);
void bare_done(struct bare *b);

/* pwrite of 4 KiB and fdatasync. */
int floor_sync(const char *place, struct spread *ret);
/* SQLite commits (WAL, synchronous=FULL) of `rows` rows each. */
int floor_commit(const char *place, unsigned rows, struct spread *ret);
