#include "ordoctl/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define GAP       "  "
#define CELL_MAX  4096
#define NO_COLOUR "\033[0m"

void table_done(struct table *t)
{
        for (size_t i = 0; t->cells && i < (size_t)t->n_rows * t->n_columns; i++)
                free(t->cells[i]);
        free(t->cells);
        *t = (struct table){};
}

struct json_object *json_at(struct json_object *o, const char *path)
{
        char key[64];

        while (o && *path) {
                size_t n = strcspn(path, ".");
                if (!text_copy_bytes(key, sizeof(key), path, n) ||
                    !json_object_is_type(o, json_type_object) ||
                    !json_object_object_get_ex(o, key, &o))
                        return NULL;
                path += n + (path[n] == '.');
        }
        return o;
}

void show_text(const char *s, struct text *ret)
{
        size_t n = strlen(s);

        while (n > 0) {
                size_t k = text_utf8_length(s, n);
                unsigned char c = (unsigned char)*s;
                /* C0, DEL, the C1 controls (which some terminals obey), and what is no UTF-8 */
                bool control = k == 0 || c < ' ' || c == 0x7f ||
                               (c == 0xc2 && k == 2 && (unsigned char)s[1] < 0xa0);
                if (control)
                        text_add_char(ret, c == '\n' || c == '\t' ? ' ' : '?');
                else
                        text_add_bytes(ret, s, k);
                k = k > 0 ? k : 1;
                s += k;
                n -= k;
        }
}

void show_time(const char *s, struct text *ret)
{
        char buf[CLOCK_TEXT_SIZE];
        int64_t us;

        if (clock_parse(s, strlen(s), &us) < 0) {
                show_text(s, ret);
                return;
        }
        clock_print_ist(us, buf);
        text_add_bytes(ret, buf, 10);
        text_add_char(ret, ' ');
        text_add_bytes(ret, buf + 11, 8);
}

void show_json(struct json_object *value, struct text *ret)
{
        switch (json_object_get_type(value)) {
        case json_type_null:
                return;
        case json_type_boolean:
                text_add(ret, json_object_get_boolean(value) ? "yes" : "no");
                return;
        case json_type_array:
                for (size_t i = 0; i < json_object_array_length(value); i++) {
                        if (i > 0)
                                text_add_char(ret, ',');
                        show_json(json_object_array_get_idx(value, i), ret);
                }
                return;
        default:
                show_text(json_object_get_string(value), ret);
        }
}

/* Room for one more row, its cells NULL. */
static char **new_row(struct table *t)
{
        if (t->n_rows == t->size) {
                unsigned size = t->size > 0 ? 2 * t->size : 16;
                char **cells = reallocarray(t->cells, size, t->n_columns * sizeof(*cells));
                if (!cells) {
                        t->failed = true;
                        return NULL;
                }
                t->cells = cells;
                t->size = size;
        }
        char **row = t->cells + (size_t)t->n_rows++ * t->n_columns;
        memset(row, 0, t->n_columns * sizeof(*row));
        return row;
}

static void keep(struct table *t, char **cell, struct text *text)
{
        t->failed |= text->failed != 0;
        *cell = text->len > 0 ? text_take(text) : NULL;
        text_done(text);
}

void table_add(struct table *t, const char *const *values)
{
        char **row = new_row(t);

        for (unsigned i = 0; row && i < t->n_columns; i++) {
                struct text text = {.max = CELL_MAX};
                if (values[i] && t->columns[i].kind == COLUMN_TIME)
                        show_time(values[i], &text);
                else if (values[i])
                        show_text(values[i], &text);
                keep(t, &row[i], &text);
        }
}

void table_add_json(struct table *t, struct json_object *row)
{
        char **cells = new_row(t);

        for (unsigned i = 0; cells && i < t->n_columns; i++) {
                struct json_object *value = json_at(row, t->columns[i].key);
                struct text text = {.max = CELL_MAX};
                if (t->columns[i].kind == COLUMN_TIME &&
                    json_object_is_type(value, json_type_string))
                        show_time(json_object_get_string(value), &text);
                else
                        show_json(value, &text);
                keep(t, &cells[i], &text);
        }
}

void table_add_list(struct table *t, struct json_object *list)
{
        if (!json_object_is_type(list, json_type_array))
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++)
                table_add_json(t, json_object_array_get_idx(list, i));
}

/* Characters, each one column wide. */
static unsigned width(const char *s)
{
        unsigned n = 0;

        for (; s && *s; s++)
                n += ((unsigned char)*s & 0xc0) != 0x80;
        return n;
}

static const char *colour_of(const char *word)
{
        static const struct {
                const char *colour;
                const char *words; /* each between spaces */
        } colours[] = {
                {"\033[32m", " success accepted FILLED active ok ready closed recorded "},
                {"\033[31m", " failed failure rejected REJECTED open needs_operator HALT CANCEL "
                             "FLATTEN not_sent not_placed expired none damaged not_ready "},
                {"\033[33m", " pending unknown PENDING PARTIALLY_FILLED partial_success half_open "
                             "degraded skipped TRIGGER_PENDING EXPIRED CANCELLED "},
        };
        char wanted[64];

        if (!word || strlen(word) + 3 > sizeof(wanted))
                return NULL;
        snprintf(wanted, sizeof(wanted), " %s ", word);
        for (size_t i = 0; i < ELEMENTS(colours); i++)
                if (strstr(colours[i].words, wanted))
                        return colours[i].colour;
        return NULL;
}

static void pad(struct text *t, unsigned n)
{
        while (n-- > 0)
                text_add_char(t, ' ');
}

static void print_cell(const struct table *t, unsigned i, const char *s, unsigned wide,
                       const char *colour, struct text *ret)
{
        bool right = t->columns[i].kind == COLUMN_NUMBER;
        unsigned room = wide > width(s) ? wide - width(s) : 0;

        if (wide == 0)
                return;
        if (right)
                pad(ret, room);
        if (colour)
                text_add(ret, colour);
        if (s)
                text_add(ret, s);
        if (colour)
                text_add(ret, NO_COLOUR);
        if (!right)
                pad(ret, room);
        text_add(ret, GAP);
}

static void trim_line(struct text *t)
{
        while (t->len > 0 && t->data[t->len - 1] == ' ')
                t->data[--t->len] = '\0';
        text_add_char(t, '\n');
}

/* 0: no row has anything there, and the column is left out. */
static unsigned column_width(const struct table *t, unsigned column)
{
        unsigned widest = 0, title = width(t->columns[column].title);

        for (unsigned row = 0; row < t->n_rows; row++) {
                unsigned w = width(t->cells[(size_t)row * t->n_columns + column]);
                widest = w > widest ? w : widest;
        }
        return widest > 0 && title > widest ? title : widest;
}

void table_print(const struct table *t, const char *when_empty, struct text *ret)
{
        unsigned wide[32];

        if (t->failed || t->n_columns > ELEMENTS(wide)) {
                ret->failed = ret->failed ? ret->failed : -ENOMEM;
                return;
        }
        if (t->n_rows == 0) {
                if (when_empty)
                        text_addf(ret, "%s\n", when_empty);
                return;
        }
        for (unsigned i = 0; i < t->n_columns; i++)
                wide[i] = column_width(t, i);
        for (unsigned i = 0; t->columns[0].title && i < t->n_columns; i++)
                print_cell(t, i, t->columns[i].title, wide[i], t->colour ? "\033[1m" : NULL, ret);
        if (t->columns[0].title)
                trim_line(ret);
        for (unsigned row = 0; row < t->n_rows; row++) {
                for (unsigned i = 0; i < t->n_columns; i++) {
                        const char *s = t->cells[(size_t)row * t->n_columns + i];
                        bool state = t->colour && t->columns[i].kind == COLUMN_STATE;
                        print_cell(t, i, s, wide[i], state ? colour_of(s) : NULL, ret);
                }
                trim_line(ret);
        }
}
