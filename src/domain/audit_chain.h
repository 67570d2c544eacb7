/* The chain of audit records: one JSON object a line, each holding the hash of the one before it.
 *
 * The record text is the object without its hash member, members always in this order: seq,
 * timestamp (RFC 3339, UTC, microseconds), component, action, actor, correlation_id, account,
 * order_id, outcome, payload (JSON or null), prev (64 hex digits: the hash of the record before;
 * zeros for the first). hash = SHA-256(the 32 raw bytes of prev, record text). The line kept in the
 * ledger and exported to segments is the record text with `,"hash":"<64 hex digits>"` put before
 * its closing brace, without a line feed. A change of one byte anywhere, a missing, repeated or
 * reordered line breaks the chain. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "domain/audit_record.h"

#define AUDIT_HASH_SIZE 32

/* Builds the line of `r` as number `seq` after the record whose hash is `prev`. Clears `line` first
 * and keeps its memory, so that one buffer serves many. `ret_hash` may be `prev`. 0, -ENOMEM,
 * -E2BIG. */
int audit_chain_line(const struct audit_record *r, int64_t seq, const uint8_t prev[AUDIT_HASH_SIZE],
                     struct text *line, uint8_t ret_hash[AUDIT_HASH_SIZE]);

#define AUDIT_CHAIN_MALFORMED 1 /* not a line of this shape */
#define AUDIT_CHAIN_UNLINKED  2 /* whole in itself, but `prev` is another record's hash */
#define AUDIT_CHAIN_ALTERED   3 /* the hash does not fit the text */

/* Checks one line (without line feed). `prev` NULL: the line's own prev is believed (the first one
 * that was kept). 0, one of the above, or -ENOMEM. `ret_hash` is the hash the line bears, to go on
 * after a fault; it and `ret_seq` are zeros when the line is malformed. The caller checks that
 * numbers rise by one. */
int audit_chain_check(const char *line, size_t n, const uint8_t *prev,
                      uint8_t ret_hash[AUDIT_HASH_SIZE], int64_t *ret_seq);
