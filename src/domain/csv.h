/* Strict reader of the market data files: comma-separated lines without quoting, one header line
 * that must be exactly the expected one, `#` comment lines and blank lines anywhere. Works in place
 * on a borrowed buffer. Each fault reads "file:line: what is wrong" and never repeats the content.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_COLUMNS_MAX 16
#define CSV_LINE_MAX    1024

struct csv_source {
        const char *name; /* "sessions.csv": how faults call it */
        const char *data;
        size_t size;
};

struct csv {
        struct csv_source source;
        const char *header; /* "exchange,symbol,…": the names of the columns, too */
        char *fault;
        size_t fault_size;

        size_t at;
        unsigned line; /* of the current row */
        bool header_seen;
        unsigned n_columns;
        struct csv_cell {
                const char *s;
                size_t n;
        } cells[CSV_COLUMNS_MAX];
};

/* 1 a row is in `cells`; 0 the end (a missing header is a fault); -EBADMSG fault written. */
int csv_next(struct csv *c);
/* Writes "file:line: …"; returns -EBADMSG. */
int csv_fault(struct csv *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The cell is faulty: "file:line: lot must be …"; returns -EBADMSG. */
int csv_cell_fault(struct csv *c, unsigned column, const char *expected);

/* The cell holds exactly this text. */
bool csv_is(const struct csv *c, unsigned column, const char *s);
/* 0, or -EBADMSG with the fault written. */
int csv_int(struct csv *c, unsigned column, int64_t min, int64_t max, int64_t *ret);
int csv_decimal(struct csv *c, unsigned column, int64_t min, int64_t max, int64_t *ret);
int csv_day(struct csv *c, unsigned column, int *ret);                /* YYYY-MM-DD */
int csv_second(struct csv *c, unsigned column, int *ret);             /* HH:MM, of the day */
int csv_yes(struct csv *c, unsigned column, bool *ret);               /* yes or no */
int csv_text(struct csv *c, unsigned column, char *ret, size_t size); /* UTF-8, may be empty */
/* One of the words, spelled as in the NULL-terminated list: its index, or -EBADMSG. */
int csv_word(struct csv *c, unsigned column, const char *const *words);
