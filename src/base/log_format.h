/* One log record as packed bytes, and the three forms it is printed in. Private to base/log.c: the
 * calling thread packs, the log thread prints. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/text.h"

#define LOG_ITEMS_MAX (LOG_FIELDS_MAX + 2) /* the sentence, the message id, the fields */
/* PRIORITY, SYSLOG_IDENTIFIER, CODE_FILE, CODE_LINE, CODE_FUNC and ORDO_LOG_DROPPED are added. */
#define LOG_IOVEC_MAX (LOG_ITEMS_MAX + 6)

/* Followed by `n_items` times a length (uint16_t) and as many bytes of "KEY=value", MESSAGE first.
 */
struct log_record {
        uint32_t size; /* of all, padded so that the next record is aligned */
        uint32_t n_items;
        int64_t wall_us;
        uint64_t dropped; /* records lost before this one */
        const char *file; /* literals */
        const char *func;
        int line;
        int level;
};

struct log_place {
        const char *file;
        int line;
        const char *func;
};

/* Packs into `buf`; what does not fit is cut between two characters. */
struct log_record *log_pack(char buf[static LOG_RECORD_MAX], const struct log_place *place,
                            int level, const char *message_id, const struct log_field *fields,
                            unsigned n, const char *format, va_list args)
        __attribute__((format(printf, 7, 0)));

void log_format_json(struct text *t, const struct log_record *record);
void log_format_text(struct text *t, const struct log_record *record, bool colour);
/* The entries point into the record and into `scratch`. Returns how many there are. */
int log_format_journal(struct text *scratch, const struct log_record *record,
                       const char *identifier, struct iovec iov[static LOG_IOVEC_MAX]);

const char *log_level_name(int level);
