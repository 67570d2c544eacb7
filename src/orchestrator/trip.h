/* An account stopped by its own limits: it is told once, to the journal, the audit and the event
 * streams; the gates let nothing but reducing orders pass meanwhile. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "domain/problem.h"

struct account_state;

/* `why`: MAX_DAILY_LOSS, REJECT_STORM; `words`: one sentence with the numbers. */
void trip_tell(struct account_state *a, enum problem why, const char *words);
/* Another daemon over the same ledger has told it, in this audit record: it holds here, too. */
void trip_heard(struct account_state *a, const char *record, size_t size);
/* The reason that holds now, NONE; `ret_wait_us`: until when, 0 not known. */
enum problem trip_now(struct account_state *a, int64_t *ret_wait_us);
