/* What the columns of the ledger's tables hold that is not simply a member of a struct: the same in
 * every driver. */
#pragma once

#include "domain/order.h"

/* The legs of an order lie behind one another: the order's row times LEG_ROWS, and the number. */
#define LEG_ROWS 64

/* legs.watch */
enum watch { WATCH_NOTHING, WATCH_LIVE, WATCH_UNSETTLED };
enum watch column_watch(const struct leg *l);
/* legs.worth: what an accepted leg adds to its account's day. */
int64_t column_worth(const struct order *o, const struct leg *l);

/* legs.evidence: seven numbers, transport, error. `text` may be NULL. */
#define EVIDENCE_SIZE 320
void column_print_evidence(const struct evidence *e, char buf[static EVIDENCE_SIZE]);
void column_scan_evidence(const char *text, struct evidence *e);

/* idempotency_keys.hash */
int64_t column_key_hash(const char *scope, const char *key);

/* audit.action of what asks a broker for something and leaves no other trace. */
bool column_asks_broker(const char *action);

/* The id below which no order of the day can lie. */
void column_first_id(int day, char ret[static ID_SIZE]);
