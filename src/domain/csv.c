#include "domain/csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"

int csv_fault(struct csv *c, const char *format, ...)
{
        char what[160];
        va_list args;

        va_start(args, format);
        vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        snprintf(c->fault, c->fault_size, "%s:%u: %s", c->source.name, c->line, what);
        return -EBADMSG;
}

/* The name of a column is in the header. */
int csv_cell_fault(struct csv *c, unsigned column, const char *expected)
{
        const char *name = c->header;

        for (unsigned i = 0; i < column; i++)
                name = strchr(name, ',') + 1;
        return csv_fault(c, "%.*s must be %s", (int)strcspn(name, ","), name, expected);
}

/* One line without its end; false at the end of the buffer. */
static bool csv_line(struct csv *c, const char **ret, size_t *ret_n)
{
        if (c->at >= c->source.size)
                return false;
        const char *s = c->source.data + c->at;
        size_t left = c->source.size - c->at;
        const char *nl = memchr(s, '\n', left);
        size_t n = nl ? (size_t)(nl - s) : left;

        c->at += n + 1;
        c->line++;
        if (n > 0 && s[n - 1] == '\r')
                n--;
        *ret = s;
        *ret_n = n;
        return true;
}

static int csv_split(struct csv *c, const char *s, size_t n)
{
        const char *end = s + n;

        c->n_columns = 0;
        for (;;) {
                const char *comma = memchr(s, ',', (size_t)(end - s));
                const char *stop = comma ? comma : end;

                if (c->n_columns == CSV_COLUMNS_MAX)
                        return csv_fault(c, "too many columns");
                c->cells[c->n_columns++] = (struct csv_cell){.s = s, .n = (size_t)(stop - s)};
                if (!comma)
                        return 0;
                s = comma + 1;
        }
}

static unsigned csv_header_columns(const struct csv *c)
{
        unsigned n = 1;

        for (const char *s = c->header; *s; s++)
                n += *s == ',';
        return n;
}

int csv_next(struct csv *c)
{
        const char *s;
        size_t n;

        while (csv_line(c, &s, &n)) {
                if (n > CSV_LINE_MAX)
                        return csv_fault(c, "the line is longer than %d bytes", CSV_LINE_MAX);
                if (n == 0 || s[0] == '#')
                        continue;
                if (!text_utf8_valid(s, n) || memchr(s, '\0', n))
                        return csv_fault(c, "the line is not UTF-8 text");
                if (!c->header_seen) {
                        if (n != strlen(c->header) || memcmp(s, c->header, n) != 0)
                                return csv_fault(c, "the header must be %s", c->header);
                        c->header_seen = true;
                        continue;
                }
                int r = csv_split(c, s, n);
                if (r < 0)
                        return r;
                if (c->n_columns != csv_header_columns(c))
                        return csv_fault(c, "%u columns where %u are expected", c->n_columns,
                                         csv_header_columns(c));
                return 1;
        }
        if (!c->header_seen) {
                c->line++;
                return csv_fault(c, "the header must be %s", c->header);
        }
        return 0;
}

bool csv_is(const struct csv *c, unsigned column, const char *s)
{
        return c->cells[column].n == strlen(s) && memcmp(c->cells[column].s, s, strlen(s)) == 0;
}

int csv_int(struct csv *c, unsigned column, int64_t min, int64_t max, int64_t *ret)
{
        char expected[80];

        if (text_parse_int(c->cells[column].s, c->cells[column].n, min, max, ret) == 0)
                return 0;
        snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        return csv_cell_fault(c, column, expected);
}

int csv_decimal(struct csv *c, unsigned column, int64_t min, int64_t max, int64_t *ret)
{
        char low[DECIMAL_TEXT_SIZE], high[DECIMAL_TEXT_SIZE], expected[96];

        if (decimal_parse(c->cells[column].s, c->cells[column].n, ret) == 0 && *ret >= min &&
            *ret <= max)
                return 0;
        snprintf(expected, sizeof(expected), "a decimal from %s to %s",
                 decimal_print_short(min, low), decimal_print_short(max, high));
        return csv_cell_fault(c, column, expected);
}

/* Two digits; -1 when they are not. */
static int csv_two(const char *s)
{
        if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
                return -1;
        return (s[0] - '0') * 10 + s[1] - '0';
}

int csv_day(struct csv *c, unsigned column, int *ret)
{
        const char *s = c->cells[column].s;

        if (c->cells[column].n == 10 && s[4] == '-' && s[7] == '-') {
                int century = csv_two(s), year = csv_two(s + 2), month = csv_two(s + 5),
                    mday = csv_two(s + 8);
                int day = ((century * 100 + year) * 100 + month) * 100 + mday;

                if (century >= 0 && year >= 0 && month >= 0 && mday >= 0 && clock_day_valid(day)) {
                        *ret = day;
                        return 0;
                }
        }
        return csv_cell_fault(c, column, "a date YYYY-MM-DD");
}

int csv_second(struct csv *c, unsigned column, int *ret)
{
        const char *s = c->cells[column].s;

        if (c->cells[column].n == 5 && s[2] == ':') {
                int hour = csv_two(s), minute = csv_two(s + 3);

                if (hour >= 0 && hour < 24 && minute >= 0 && minute < 60) {
                        *ret = (hour * 60 + minute) * 60;
                        return 0;
                }
        }
        return csv_cell_fault(c, column, "a time HH:MM");
}

int csv_yes(struct csv *c, unsigned column, bool *ret)
{
        *ret = csv_is(c, column, "yes");
        if (*ret || csv_is(c, column, "no"))
                return 0;
        return csv_cell_fault(c, column, "yes or no");
}

int csv_text(struct csv *c, unsigned column, char *ret, size_t size)
{
        char expected[48];

        if (text_copy_bytes(ret, size, c->cells[column].s, c->cells[column].n))
                return 0;
        snprintf(expected, sizeof(expected), "at most %zu bytes long", size - 1);
        return csv_cell_fault(c, column, expected);
}

int csv_word(struct csv *c, unsigned column, const char *const *words)
{
        struct text expected = {.max = 128};

        for (int i = 0; words[i]; i++)
                if (csv_is(c, column, words[i]))
                        return i;
        text_add(&expected, "one of");
        for (int i = 0; words[i]; i++)
                text_addf(&expected, " %s", words[i]);
        int r = csv_cell_fault(c, column, text_str(&expected));
        text_done(&expected);
        return r;
}
