/* A ledger in memory, with faults on order. What was committed outlives store_close(), as a file
 * would: open it again with the same fake_store. */
#pragma once

#include "store/driver.h"

struct fake_state;
struct fake_store;

enum fake_call { FAKE_OPEN, FAKE_BEGIN, FAKE_WRITE, FAKE_READ, FAKE_COMMIT, _FAKE_CALL_MAX };

struct fake_store *fake_store_new(void);
struct fake_store *fake_store_free(struct fake_store *f);
/* For store_open_driver(): opens the fake this was called for last. */
const struct store_driver *fake_store_driver(struct fake_store *f);

/* What is durable, between two groups; borrowed. */
const struct fake_state *fake_store_state(const struct fake_store *f);

/* The calls `nth` (1: the next one) to `nth + times - 1` of their kind end as `r` and do nothing.
 */
void fake_store_fail(struct fake_store *f, enum fake_call call, unsigned nth, unsigned times,
                     enum store_result r);
/* The next commit loses its connection: UNCERTAIN, whether it was written or not. */
void fake_store_lose_commit(struct fake_store *f, bool written);
/* A record that is durable is gone, as no store lets it go. */
void fake_store_lose_record(struct fake_store *f, int64_t seq);
/* Every call of this kind takes so long. */
void fake_store_delay(struct fake_store *f, enum fake_call call, unsigned us);
/* Room is short: only outcomes fit, as long as it is. relieve() succeeds `relief` times. */
void fake_store_strain(struct fake_store *f, bool strained, unsigned relief);
