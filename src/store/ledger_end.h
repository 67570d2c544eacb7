/* One end of a copy (ledger_copy.h): a connection to one kind of database, held as a daemon holds
 * it. What the two kinds do alike is SQL in ledger_copy.c and ledger_tables.c; only what they do
 * not is here. Functions return 0 or negative errno with the text in `error`. */
#pragma once

#include "store/ledger_copy.h"

#define LEDGER_COLUMNS_MAX 64
#define LEDGER_KEY_MAX     8

enum ledger_type { LEDGER_NULL, LEDGER_INT, LEDGER_TEXT, LEDGER_BYTES };

struct ledger_cell {
        enum ledger_type type;
        int64_t number;
        const void *bytes; /* the end's, until its next call */
        size_t size;
};

struct ledger_table {
        char name[LEDGER_NAME_SIZE];
        struct ledger_column {
                char name[LEDGER_NAME_SIZE];
                enum ledger_type type;
        } columns[LEDGER_COLUMNS_MAX]; /* by name */
        unsigned n_columns;
        unsigned key[LEDGER_KEY_MAX]; /* columns of the primary key, in its order */
        unsigned n_key;               /* 0: a table of one row, or hardly more */
};

struct ledger_end {
        const char *name;
        /* SQL: table, column, its type, its place in the primary key from 1, or 0; sorted by the
         * first two. */
        const char *catalog;

        /* Opens, locks, checks the schema; a target gets its migrations. A source keeps one state
         * of its data from here on. */
        int (*open)(const struct ledger_copy *c, bool target, char *error, void **ret);
        void (*close)(void *end);
        int (*execute)(void *end, const char *sql, char *error);
        /* Parameters are $1, $2 … in the order in which they stand in the text. One query at a
         * time; it ends with its last row or with the next call of another function. */
        int (*query)(void *end, const char *sql, const struct ledger_cell *parameters, unsigned n,
                     char *error);
        int (*next)(void *end, struct ledger_cell *cells, unsigned n, char *error); /* 1: a row */
        /* Rows into a table, inside of a transaction: begin, put for each, finish. */
        int (*begin)(void *end, const struct ledger_table *t, char *error);
        int (*put)(void *end, const struct ledger_cell *cells, unsigned n, char *error);
        int (*finish)(void *end, char *error);
};

extern const struct ledger_end ledger_end_sqlite, ledger_end_postgres;

struct ledger_side {
        const struct ledger_end *end;
        void *state;
        struct ledger_table tables[LEDGER_TABLES_MAX]; /* by name */
        unsigned n_tables;
        bool unfinished; /* LEDGER_COPY_TABLE is there */
};

/* --- ledger_tables.c --- */

/* Fills the tables of a side, without those that belong to one database alone. */
int ledger_tables_read(struct ledger_side *side, char *error);
/* Both have the same ones, with the same columns and keys. */
int ledger_tables_compare(const struct ledger_side *from, const struct ledger_side *to,
                          char *error);
/* `"a","b",…` */
void ledger_tables_add_columns(const struct ledger_table *t, struct text *ret);
/* Starts reading a table by its key: all of it, or what comes behind `after` (n_key cells). */
int ledger_tables_rows(struct ledger_side *side, const struct ledger_table *t,
                       const struct ledger_cell *after, char *error);
/* The first number of the first row. */
int ledger_tables_number(struct ledger_side *side, const char *sql, int64_t *ret, char *error);
int ledger_tables_count(struct ledger_side *side, const struct ledger_table *t, int64_t *ret,
                        char *error);
/* 1: the key of the last row, in cells of the end's; 0: the table is empty. */
int ledger_tables_last(struct ledger_side *side, const struct ledger_table *t,
                       struct ledger_cell *ret_key, char *error);

/* --- ledger_digest.c --- */

/* Texts as the other database would take them: in UTF-8, without zero bytes. */
struct ledger_mender {
        struct text texts[LEDGER_COLUMNS_MAX];
        int64_t n; /* that had to be mended */
};
void ledger_mender_done(struct ledger_mender *m);
/* 0; -ENOMEM, -E2BIG */
int ledger_mend(struct ledger_mender *m, struct ledger_cell *cells, unsigned n);

struct ledger_digest {
        int64_t rows;
        char hex[LEDGER_DIGEST_SIZE];
};
/* Reads a whole table; of table audit also its chain. -EBADMSG: that is broken. */
int ledger_digest(struct ledger_copy *c, struct ledger_side *side, const struct ledger_table *t,
                  int64_t total, struct ledger_digest *ret, char *error);
