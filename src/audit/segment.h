/* The files of the audit: their names, their list, reading one line by line. Private to this
 * folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/audit.h"
#include "base/text.h"

#define AUDIT_SEGMENT_PLAIN  ".jsonl"
#define AUDIT_SEGMENT_GZIP   ".jsonl.gz"
#define AUDIT_SEGMENT_GAP    ".gap"
#define AUDIT_SEGMENT_TMP    ".tmp"
#define AUDIT_SEGMENT_PRUNED "pruned"

struct audit_segment {
        int day;
        int64_t first_seq;
        bool plain, gzip; /* which of the two files are there */
};

void audit_segment_name(const struct audit_segment *s, const char *suffix,
                        char buf[static AUDIT_FILE_SIZE]);
/* By rising number; `*ret` is free()d by the caller. */
int audit_segment_list(int dir_fd, struct audit_segment **ret, size_t *ret_n);

struct audit_reader;
/* Opens `name`, compressed or not. */
int audit_reader_open(int dir_fd, const char *name, struct audit_reader **ret);
struct audit_reader *audit_reader_close(struct audit_reader *r);
DEFINE_CLEANUP(struct audit_reader *, audit_reader_close)

#define AUDIT_SEGMENT_LINE 1
#define AUDIT_SEGMENT_TORN 2 /* the rest, which has no line feed */
/* 0 at the end; AUDIT_SEGMENT_LINE or AUDIT_SEGMENT_TORN with `*ret` valid until the next call (for
 * the torn rest it may be cut); -EBADMSG damaged or a line too long; negative errno. */
int audit_reader_next(struct audit_reader *r, const char **ret, size_t *ret_n);
/* Bytes of all whole lines so far, uncompressed. */
int64_t audit_reader_offset(const struct audit_reader *r);
int64_t audit_reader_line(const struct audit_reader *r);

/* The last whole line of a file into `line` (empty when there is none), and where it ends. As
 * audit_reader_next() for errors; 1 when a torn rest follows. */
int audit_last_line(int dir_fd, const char *name, struct text *line, int64_t *ret_end);
