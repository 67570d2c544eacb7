/* The masters of instruments: one for each broker of the configured accounts that has one, in
 * `masters/<slug>.db` of the state directory. Each trading day they are fetched (loop), loaded
 * (jobs thread) and swapped; while that fails the one of the day before stays in use. Loop thread.
 *
 *   resting ─(due)─► fetching ─► waiting for the jobs thread ─► loading ─► resting
 *      ▲                 └────────────(failed: later again)──────────────────┘
 *
 * A broker without a master lists the built-in set. */
#pragma once

#include "orchestrator/master_load.h"
#include "orchestrator/status.h"

struct master; /* of one broker */
struct masters;
struct account_state;

/* Times of a trading day in India at which new files are there: the first for nearly all brokers,
 * the second for those that write them late (sheet of Zerodha §3). */
#define MASTER_EARLY_S (7 * 3600)
#define MASTER_LATE_S  (8 * 3600 + 45 * 60)

#define MASTER_LOOK_US      (10 * USEC_PER_SEC) /* how often it is asked what is due */
#define MASTER_RETRY_US     (30 * USEC_PER_SEC) /* doubled with each failure */
#define MASTER_RETRY_MAX_US (900 * USEC_PER_SEC)

/* Opens what is there from before (blocking: before the loop turns). 0 or -ENOMEM. */
int masters_new(struct orchestrator *o);
void masters_start(struct orchestrator *o);
/* The account has a session now: what waited for one is fetched at once. */
void masters_session(struct account_state *a);
/* Before the jobs end: a load that runs leaves soon. */
void masters_stop(struct orchestrator *o);
void masters_free(struct orchestrator *o); /* after them */

/* The last moment up to `now_us` at which new files were there; 0: none in many days. Pure. */
int64_t masters_moment(const struct calendar *c, int64_t now_us);

/* False: the account's broker has a master, and none was ever loaded. */
bool master_there(const struct account_state *a);
/* The file in use and its number, which rises with every file that is taken into use; for who opens
 * it on another thread. It may have been replaced by the next one already. NULL: none. */
const char *master_file(const struct account_state *a, uint64_t *ret_version);
/* What was asked for by number is a contract that has expired: its numbers are given to new ones
 * (market.md §9). Pure, but for the clock. */
bool master_outdated(enum scrip_by by, const struct scrip *s);
/* As account_scrip(). */
bool master_scrip(struct account_state *a, enum scrip_by by, const char *text, struct scrip *ret);
bool masters_busy(const struct orchestrator *o); /* something is fetched or loaded */
unsigned masters_view(const struct orchestrator *o, struct master_view *ret, unsigned n);
void masters_measure(const struct orchestrator *o);
unsigned masters_count(const struct orchestrator *o);
/* In the n-th one, as scrip_file_search(); 0 when it is missing. */
int master_search(struct orchestrator *o, unsigned n, enum scrip_text text, const char *prefix,
                  unsigned limit, struct instrument *ret);

/* For the jobs: what waits to be loaded, NULL: nothing; and when it was. */
struct master_load *masters_next(struct orchestrator *o);
void masters_loaded(struct orchestrator *o, struct master_load *l);
int64_t masters_next_us(const struct orchestrator *o); /* wall clock; 0: there are none */
