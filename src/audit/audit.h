/* The audit on disk: the ledger's audit rows, exported to segment files under `<state>/audit`, one
 * JSON line a record, each line holding the hash of the one before it (domain/audit_chain.h).
 *
 *   20261123-000000000001.jsonl.gz   first record's day (IST) and number; closed and compressed
 *   20261124-000000000873.jsonl      the one that is written
 *   20261124-000000000873.gap        before that file records are missing; the last one before
 *   pruned                           the last record of what was deleted after its retention
 *
 * The ledger keeps a row until it is durable here, so whatever was torn by a crash is simply
 * exported again. Functions block: jobs thread only, one exporter a directory. Verifying reads,
 * beside an exporter too. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

#define AUDIT_LINE_MAX (1U << 20)

struct audit;

/* Makes the directory, clears away what a crash has left, finds the last exported record.
 * -EBADMSG: the last line is whole but not a record, so where to go on is not known. */
int audit_open(const char *dir, int64_t segment_bytes, struct audit **ret);
/* What was not flushed is forgotten. */
struct audit *audit_close(struct audit *a);
DEFINE_CLEANUP(struct audit *, audit_close)

/* The number of the last durable record; 0: none. After a failed append or flush this is where to
 * begin again. */
int64_t audit_exported(const struct audit *a);

/* Whether this line is the record that was the last one when the directory was opened. */
bool audit_is_last(const struct audit *a, const char *line, size_t n);

/* The records up to the one before `seq` are in the ledger no more, and will never be here: marks
 * that, and goes on with `seq` in a new file. -EINVAL: none is missing. */
int audit_skip(struct audit *a, int64_t seq, int64_t at_us);
/* Takes the next record's line, without a line feed. Begins a new file when the day has changed or
 * the file is full. -EINVAL: not the number after the last one, or not one line of at most
 * AUDIT_LINE_MAX bytes. */
int audit_append(struct audit *a, int64_t seq, int64_t at_us, const char *line, size_t n);
/* Everything that was appended is durable when it returns 0. */
int audit_flush(struct audit *a);
/* Flushes and closes the file; the next record begins a new one. */
int audit_rotate(struct audit *a);
/* Compresses every closed file. A crash at any moment leaves each record in at least one file. */
int audit_compress(struct audit *a, unsigned *ret_files);
/* Deletes the oldest files while all their records are older than `retention_days` whole days,
 * never the newest file. -EBADMSG: the last record of such a file cannot be read; the file stays.
 */
int audit_prune(struct audit *a, int64_t now_us, int64_t retention_days, unsigned *ret_files);

/* What is wrong with the first record that is. */
#define AUDIT_FAULT_TABLE(X)                                                           \
        X(NONE, "none")                                                                \
        X(HASH, "hash")             /* its text, or the one before it, was changed */  \
        X(GAP, "gap")               /* records are missing before it */                \
        X(ORDER, "order")           /* it was seen before, or is in the wrong place */ \
        X(UNREADABLE, "unreadable") /* no record, or the file is damaged */            \
        X(DIFFERS, "differs")       /* the ledger has another text for it than the file */

enum audit_fault {
#define X(name, text) AUDIT_FAULT_##name,
        AUDIT_FAULT_TABLE(X)
#undef X
                _AUDIT_FAULT_MAX
};
const char *audit_fault_name(enum audit_fault f);

#define AUDIT_FILE_SIZE 64

struct audit_report {
        enum audit_fault fault;
        char file[AUDIT_FILE_SIZE]; /* of the faulty record; "ledger" for a row */
        int64_t line;               /* 1 …; 0 in the ledger */
        int64_t seq;                /* the record's own number; 0 when it has none */
        int64_t expected;           /* the number it should have had */

        int64_t segments, records, ledger_rows; /* found good before the fault */
        int64_t first_seq, last_seq;            /* of the good ones; 0: none */
        int64_t gaps, gap_records;              /* marked ones (audit_skip()), which are no fault */
        bool torn; /* the newest file ends in part of a line, as after a crash: no fault */
};

/* Rows of the ledger by rising number. */
struct audit_ledger {
        /* The first row above `after_seq`, valid until the next call: 1; 0 there is none; negative
         * errno. */
        int (*next)(struct audit_ledger *l, int64_t after_seq, int64_t *ret_seq,
                    const char **ret_line, size_t *ret_size);
};

/* Reads everything once, in order. `ledger` may be NULL; with it the rows not yet exported are
 * checked as the end of the chain, and rows that are in both places compared. 0 with the report,
 * whatever it says; negative errno when the directory or the ledger cannot be read at all. */
int audit_verify(const char *dir, struct audit_ledger *ledger, struct audit_report *ret);
