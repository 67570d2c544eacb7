/* The tables of a ledger as its schema lists them, and reading them by their keys. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/ledger_end.h"

/* What belongs to one database and to the daemons that run over it, not to the ledger: it is not
 * copied, and a column keeps its default. */
static const struct {
        const char *table, *column; /* NULL: all of the table */
} own[] = {
        {LEDGER_COPY_TABLE, NULL}, {"instances", NULL},   {"owners", NULL},
        {"rate_accounts", NULL},   {"rate_stamps", NULL}, {"schema_migrations", NULL},
        {"writers", NULL},         {"orders", "writer"},
};

static bool is_own(const char *table, const struct ledger_cell *column)
{
        for (size_t i = 0; i < ELEMENTS(own); i++)
                if (strcmp(own[i].table, table) == 0 &&
                    (!own[i].column || (strlen(own[i].column) == column->size &&
                                        memcmp(own[i].column, column->bytes, column->size) == 0)))
                        return true;
        return false;
}

static const struct {
        const char *name;
        enum ledger_type type;
} types[] = {
        {"INTEGER", LEDGER_INT}, {"bigint", LEDGER_INT}, {"TEXT", LEDGER_TEXT},
        {"text", LEDGER_TEXT},   {"BLOB", LEDGER_BYTES}, {"bytea", LEDGER_BYTES},
};

static bool copy_cell(char *dst, size_t size, const struct ledger_cell *cell)
{
        return text_copy_bytes(dst, size, cell->bytes ? cell->bytes : "", cell->size);
}

static int find_type(const struct ledger_cell *cell, enum ledger_type *ret)
{
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (cell->size == strlen(types[i].name) &&
                    memcmp(cell->bytes, types[i].name, cell->size) == 0) {
                        *ret = types[i].type;
                        return 0;
                }
        return -EPROTO;
}

/* A row of the catalog: table, column, type, place in the key. */
static int add_column(struct ledger_side *side, const struct ledger_cell *row, char *error)
{
        char name[LEDGER_NAME_SIZE];
        struct ledger_table *t = side->n_tables ? &side->tables[side->n_tables - 1] : NULL;

        bool fits = copy_cell(name, sizeof(name), &row[0]);
        if (fits && strcmp(name, LEDGER_COPY_TABLE) == 0)
                side->unfinished = true;
        if (fits && is_own(name, &row[1]))
                return 0;
        if (fits && (!t || strcmp(t->name, name) != 0)) {
                fits = side->n_tables < LEDGER_TABLES_MAX;
                if (fits) {
                        t = &side->tables[side->n_tables++];
                        text_copy(t->name, sizeof(t->name), name);
                }
        }
        if (!fits || t->n_columns == LEDGER_COLUMNS_MAX || row[3].number > LEDGER_KEY_MAX) {
                snprintf(error, STORE_ERROR_SIZE, "%s: table %.60s: more than this release copies",
                         side->end->name, name);
                return -E2BIG;
        }
        struct ledger_column *column = &t->columns[t->n_columns];
        if (!copy_cell(column->name, sizeof(column->name), &row[1]) ||
            find_type(&row[2], &column->type) < 0) {
                snprintf(error, STORE_ERROR_SIZE,
                         "%s: column %.40s of %.40s has a type that this release does not copy",
                         side->end->name, column->name, name);
                return -EPROTO;
        }
        if (row[3].number > 0) {
                t->key[row[3].number - 1] = t->n_columns;
                t->n_key++;
        }
        t->n_columns++;
        return 0;
}

int ledger_tables_read(struct ledger_side *side, char *error)
{
        struct ledger_cell row[4];

        int r = side->end->query(side->state, side->end->catalog, NULL, 0, error);
        while (r == 0 && (r = side->end->next(side->state, row, ELEMENTS(row), error)) > 0)
                r = add_column(side, row, error);
        return r;
}

static bool same_columns(const struct ledger_table *a, const struct ledger_table *b)
{
        bool same = a->n_columns == b->n_columns && a->n_key == b->n_key;

        for (unsigned i = 0; same && i < a->n_columns; i++)
                same = strcmp(a->columns[i].name, b->columns[i].name) == 0 &&
                       a->columns[i].type == b->columns[i].type;
        for (unsigned i = 0; same && i < a->n_key; i++)
                same = a->key[i] == b->key[i];
        return same;
}

int ledger_tables_compare(const struct ledger_side *from, const struct ledger_side *to, char *error)
{
        unsigned n = from->n_tables > to->n_tables ? from->n_tables : to->n_tables;

        for (unsigned i = 0; i < n; i++) {
                const struct ledger_table *a = &from->tables[i], *b = &to->tables[i];
                if (i < from->n_tables && i < to->n_tables && strcmp(a->name, b->name) == 0 &&
                    same_columns(a, b))
                        continue;
                snprintf(error, STORE_ERROR_SIZE,
                         "table %.40s is not the same in both schemas: were both made by this "
                         "release? see ordoctl migrate status",
                         i < from->n_tables ? a->name : b->name);
                return -EPROTO;
        }
        return 0;
}

void ledger_tables_add_columns(const struct ledger_table *t, struct text *ret)
{
        for (unsigned i = 0; i < t->n_columns; i++)
                text_addf(ret, "%s\"%s\"", i ? "," : "", t->columns[i].name);
}

/* `"a" DESC,"b" DESC` */
static void add_key(const struct ledger_table *t, const char *direction, struct text *ret)
{
        for (unsigned i = 0; i < t->n_key; i++)
                text_addf(ret, "%s\"%s\"%s", i ? "," : "", t->columns[t->key[i]].name, direction);
}

static int query(struct ledger_side *side, const struct text *sql,
                 const struct ledger_cell *parameters, unsigned n, char *error)
{
        if (sql->failed) {
                snprintf(error, STORE_ERROR_SIZE, "out of memory");
                return sql->failed;
        }
        return side->end->query(side->state, text_str(sql), parameters, n, error);
}

int ledger_tables_rows(struct ledger_side *side, const struct ledger_table *t,
                       const struct ledger_cell *after, char *error)
{
        _cleanup_(text_done) struct text sql = TEXT_NULL;

        text_add(&sql, "SELECT ");
        ledger_tables_add_columns(t, &sql);
        text_addf(&sql, " FROM \"%s\"", t->name);
        if (after) {
                text_add(&sql, " WHERE (");
                add_key(t, "", &sql);
                text_add(&sql, ")>(");
                for (unsigned i = 0; i < t->n_key; i++)
                        text_addf(&sql, "%s$%u", i ? "," : "", i + 1);
                text_add(&sql, ")");
        }
        if (t->n_key > 0) {
                text_add(&sql, " ORDER BY ");
                add_key(t, "", &sql);
        }
        return query(side, &sql, after, after ? t->n_key : 0, error);
}

int ledger_tables_number(struct ledger_side *side, const char *sql, int64_t *ret, char *error)
{
        struct ledger_cell cell = {};
        int r = side->end->query(side->state, sql, NULL, 0, error);

        if (r == 0)
                r = side->end->next(side->state, &cell, 1, error);
        *ret = cell.number;
        return r < 0 ? r : 0;
}

int ledger_tables_count(struct ledger_side *side, const struct ledger_table *t, int64_t *ret,
                        char *error)
{
        char sql[LEDGER_NAME_SIZE + 40];

        snprintf(sql, sizeof(sql), "SELECT count(*) FROM \"%s\"", t->name);
        return ledger_tables_number(side, sql, ret, error);
}

int ledger_tables_last(struct ledger_side *side, const struct ledger_table *t,
                       struct ledger_cell *ret_key, char *error)
{
        _cleanup_(text_done) struct text sql = TEXT_NULL;

        text_add(&sql, "SELECT ");
        add_key(t, "", &sql);
        text_addf(&sql, " FROM \"%s\" ORDER BY ", t->name);
        add_key(t, " DESC", &sql);
        text_add(&sql, " LIMIT 1");
        int r = query(side, &sql, NULL, 0, error);
        return r < 0 ? r : side->end->next(side->state, ret_key, t->n_key, error);
}
