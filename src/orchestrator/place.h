/* Internal doors to placing. */
#pragma once

#include "orchestrator/operation.h"

/* A square-off of the kill switch: reduce_only, and limits do not count. */
void place_exit(struct orchestrator *o, struct place_request *r);
/* Answers what is past its deadline with what is known. */
void place_sweep(struct orchestrator *o);
/* 24 h by default, never before the next trading day (orders.md §4). */
int64_t place_key_expiry(const struct orchestrator *o, int64_t now_us);
