/* `--store postgres`: a PostgreSQL server of the bench's own on the file system that is measured,
 * durable, on a unix socket; and what pgbench makes of an order's two commits there. */
#pragma once

#include "ordo-bench.h"

int bench_postgres_start(struct bench *b);
void bench_postgres_stop(void);
/* The floors in b->commit, and rows that tell them. */
int bench_postgres_floors(struct bench *b);
