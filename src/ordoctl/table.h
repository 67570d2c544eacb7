/* Aligned tables for people. Columns are as wide as their widest cell, numbers stand at the right,
 * words of state may be coloured. What comes from outside cannot move the cursor: control
 * characters are replaced. */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/text.h"

enum column_kind {
        COLUMN_TEXT,
        COLUMN_NUMBER,
        COLUMN_TIME,  /* RFC 3339, shown in Indian time to the second */
        COLUMN_STATE, /* coloured by its word */
};

struct column {
        const char *title; /* NULL in every column: no heading */
        const char *key;   /* of the JSON object of a row; "left.orders_day" goes down */
        enum column_kind kind;
};

struct table {
        const struct column *columns;
        unsigned n_columns;
        bool colour;
        char **cells; /* n_rows × n_columns, owned */
        unsigned n_rows, size;
        bool failed; /* out of memory */
};
#define TABLE(columns_, colour_)                                                            \
        (struct table)                                                                      \
        {                                                                                   \
                .columns = (columns_), .n_columns = ELEMENTS(columns_), .colour = (colour_) \
        }
void table_done(struct table *t);

/* One value for each column; NULL is an empty cell. Copies. */
void table_add(struct table *t, const char *const *values);
void table_add_json(struct table *t, struct json_object *row);
/* Every object of the array `list`, which may be NULL. */
void table_add_list(struct table *t, struct json_object *list);
/* Heading and rows, without columns that no row has anything in; `when_empty`, a sentence, in their
 * place when there is none. */
void table_print(const struct table *t, const char *when_empty, struct text *ret);

/* A member of an object, down a path of keys with dots; NULL when it is not there. */
struct json_object *json_at(struct json_object *o, const char *path);
/* The member as one would show it: "" for null, yes/no, lists with commas, control characters
 * replaced.
 */
void show_json(struct json_object *value, struct text *ret);
/* `s` with control characters replaced. */
void show_text(const char *s, struct text *ret);
/* RFC 3339 to "2026-11-23 14:45:00" in Indian time; what is no time stays as it is. */
void show_time(const char *s, struct text *ret);
