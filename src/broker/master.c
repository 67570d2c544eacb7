#include "broker/master.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void master_reader_init(struct master_reader *m, const struct broker_master *master, unsigned file)
{
        *m = (struct master_reader){.master = master, .file = file};
        while (master->columns[m->n_wanted])
                m->n_wanted++;
        assert(m->n_wanted <= MASTER_WANTED_MAX);
        for (unsigned i = 0; i < m->n_wanted; i++)
                m->places[i] = (int)i;
}

/* A quoted cell at `s`; its quotes are taken away in place. NULL: it has no end. */
static char *take_quoted(char *s, char *end, struct broker_cell *ret)
{
        char *to = ++s;

        ret->s = to;
        for (; s < end; s++) {
                if (*s == '"' && (++s == end || *s != '"')) {
                        ret->n = (size_t)(to - ret->s);
                        return s;
                }
                *to++ = *s;
        }
        return NULL;
}

/* Behind the cell at `s`: the comma, or the end. NULL: a quoted cell has no end. */
static char *take_cell(char *s, char *end, struct broker_cell *ret)
{
        if (s < end && *s == '"') {
                char *stop = take_quoted(s, end, ret);
                return stop && (stop == end || *stop == ',') ? stop : NULL;
        }
        char *comma = s < end ? memchr(s, ',', (size_t)(end - s)) : NULL;
        *ret = (struct broker_cell){s, (size_t)((comma ? comma : end) - s)};
        return comma ? comma : end;
}

/* The number of cells, or -EINVAL. */
static int split(char *s, size_t n, struct broker_cell cells[static MASTER_COLUMNS_MAX])
{
        char *end = s + n;
        int n_cells = 0;

        for (;; s++) {
                if (n_cells == MASTER_COLUMNS_MAX || !(s = take_cell(s, end, &cells[n_cells++])))
                        return -EINVAL;
                if (s == end)
                        return n_cells;
        }
}

static int read_header(struct master_reader *m, const struct broker_cell *cells, int n_cells)
{
        for (unsigned i = 0; i < m->n_wanted; i++) {
                const char *name = m->master->columns[i];
                m->places[i] = -1;
                for (int k = 0; k < n_cells && m->places[i] < 0; k++)
                        if (strlen(name) == cells[k].n && !memcmp(name, cells[k].s, cells[k].n))
                                m->places[i] = k;
                if (m->places[i] < 0)
                        return -EPROTO; /* and so is every line behind it */
        }
        m->header_seen = true;
        return 0;
}

int master_read_line(struct master_reader *m, char *line, size_t n, struct scrip *ret,
                     unsigned *ret_rank)
{
        struct broker_cell cells[MASTER_COLUMNS_MAX], wanted[MASTER_WANTED_MAX];

        m->line++;
        if (n > 0 && line[n - 1] == '\r')
                n--;
        if (n == 0)
                return 0;
        if (n > MASTER_LINE_MAX || memchr(line, '\0', n))
                return -EINVAL;
        int n_cells = split(line, n, cells);
        if (n_cells < 0)
                return n_cells;
        if (m->master->has_header && !m->header_seen)
                return read_header(m, cells, n_cells);
        for (unsigned i = 0; i < m->n_wanted; i++) {
                if (m->places[i] >= n_cells)
                        return -EINVAL;
                wanted[i] = cells[m->places[i]];
        }
        *ret = (struct scrip){};
        *ret_rank = 0;
        return m->master->row(m->file, wanted, ret, ret_rank);
}
