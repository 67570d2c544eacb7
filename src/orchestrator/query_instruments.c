/* Searching the masters of the brokers and the built-in set, as if they were one. Each gives its
 * own best rows; the best of all are among them. */
#include "orchestrator/query.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/masters.h"
#include "orchestrator/state.h"

#define QUERY_MAX (SYMBOL_SIZE + INSTRUMENT_NAME_SIZE)

struct hit {
        const struct instrument *instrument;
        unsigned place, source;
};

struct search {
        const char *query;
        char upper[QUERY_MAX];
        size_t n_query;
        int exchange;
        unsigned limit;
        struct hit *hits;
        unsigned n;
        struct instrument *rows; /* of masters */
        unsigned n_rows;
};

static void add(struct search *s, const struct instrument *i, unsigned source)
{
        unsigned place = instruments_place(i, s->query, s->n_query);
        bool here = s->exchange < 0 || i->exchange == (enum exchange)s->exchange;

        if (here && place < INSTRUMENTS_PLACES)
                s->hits[s->n++] = (struct hit){i, place, source};
}

/* At most `limit` more; returns how many there were. */
static unsigned add_rows(struct search *s, struct orchestrator *o, unsigned source,
                         enum scrip_text text, const char *prefix, unsigned limit)
{
        struct instrument *rows = s->rows + s->n_rows;
        int n = master_search(o, source, text, prefix, limit, rows);

        for (int i = 0; i < n; i++)
                add(s, &rows[i], source);
        s->n_rows += (unsigned)n;
        return (unsigned)n;
}

/* Shares and indices before derivatives, each in the order of symbols: what comes later than enough
 * rows cannot be among the best. */
static const enum exchange exchanges[] = {EXCHANGE_BSE, EXCHANGE_NSE, EXCHANGE_BFO,
                                          EXCHANGE_CDS, EXCHANGE_MCX, EXCHANGE_NFO};

/* As a prefix on each exchange. The first that begins so is the symbol itself, if there is one. */
static unsigned add_symbols(struct search *s, struct orchestrator *o, unsigned source,
                            bool first_only)
{
        char prefix[QUERY_MAX + 8];
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTS(exchanges) && n < s->limit; i++) {
                if (s->exchange >= 0 && exchanges[i] != (enum exchange)s->exchange)
                        continue;
                snprintf(prefix, sizeof(prefix), "%s:%s", exchange_name(exchanges[i]), s->upper);
                unsigned found = add_rows(s, o, source, SCRIP_TEXT_SYMBOL, prefix,
                                          first_only ? 1 : s->limit - n);
                n += first_only ? 0 : found;
        }
        return n;
}

static void search_master(struct search *s, struct orchestrator *o, unsigned source)
{
        unsigned n;

        if (strchr(s->upper, ':')) {
                n = add_rows(s, o, source, SCRIP_TEXT_SYMBOL, s->upper, s->limit);
        } else {
                (void)add_symbols(s, o, source, true);
                n = add_symbols(s, o, source, false);
        }
        if (n < s->limit)
                (void)add_rows(s, o, source, SCRIP_TEXT_NAME, s->upper, s->limit);
}

static int compare(const void *a, const void *b)
{
        const struct hit *x = a, *y = b;
        if (x->place != y->place)
                return x->place < y->place ? -1 : 1;
        int c = strcmp(x->instrument->symbol, y->instrument->symbol);
        return c ? c : x->source < y->source ? -1 : 1;
}

static unsigned best(struct search *s, struct instrument *ret)
{
        unsigned n = 0;

        qsort(s->hits, s->n, sizeof(s->hits[0]), compare);
        for (unsigned i = 0; i < s->n && n < s->limit; i++) {
                const struct instrument *row = s->hits[i].instrument;
                bool again = false;
                /* Names differ, so that the same symbol may stand at two places. */
                for (unsigned k = 0; k < n && !again; k++)
                        again = strcmp(ret[k].symbol, row->symbol) == 0;
                if (!again)
                        ret[n++] = *row;
        }
        return n;
}

unsigned query_instruments(struct orchestrator *o, const char *query, int exchange, unsigned limit,
                           struct instrument *ret)
{
        const struct instrument *built_in[INSTRUMENTS_SEARCH_MAX];
        unsigned n_masters = masters_count(o);
        struct search s = {.query = query,
                           .n_query = strlen(query),
                           .exchange = exchange,
                           .limit =
                                   limit < INSTRUMENTS_SEARCH_MAX ? limit : INSTRUMENTS_SEARCH_MAX};

        if (s.n_query >= sizeof(s.upper))
                return 0;
        for (size_t i = 0; i < s.n_query; i++)
                s.upper[i] = (char)toupper((unsigned char)query[i]);
        size_t most = (2 * (size_t)s.limit + ELEMENTS(exchanges)) * n_masters;
        s.rows = malloc(most * sizeof(s.rows[0]) + 1);
        s.hits = malloc((most + s.limit) * sizeof(s.hits[0]) + 1);
        if (!s.rows || !s.hits)
                abort();
        for (unsigned i = 0; i < n_masters; i++)
                search_master(&s, o, i);
        unsigned n = instruments_search(o->options.instruments, query, exchange, s.limit, built_in);
        for (unsigned i = 0; i < n; i++)
                add(&s, built_in[i], n_masters);
        n = best(&s, ret);
        free(s.rows);
        free(s.hits);
        return n;
}
