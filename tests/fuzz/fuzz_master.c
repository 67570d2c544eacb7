#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "broker/master.h"

/* Every broker's master reads every line. An input is a line with the number of the file, and lines
 * of it; with a "+" behind the number a header of the broker's own columns is put before them. */

static void check(const struct broker *b, const struct scrip *s)
{
        const struct instrument *i = &s->instrument;
        char symbol[SYMBOL_SIZE];
        enum exchange e;

        assert(memchr(s->key, '\0', sizeof(s->key)) && memchr(s->token, '\0', sizeof(s->token)) &&
               memchr(s->detail, '\0', sizeof(s->detail)));
        assert(memchr(i->symbol, '\0', sizeof(i->symbol)) &&
               memchr(i->name, '\0', sizeof(i->name)) && memchr(i->isin, '\0', sizeof(i->isin)) &&
               memchr(i->underlying, '\0', sizeof(i->underlying)));
        /* A symbol that a client may write, of the exchange that it says. */
        assert(symbol_parse(i->symbol, strlen(i->symbol), symbol, &e) == 0 && e == i->exchange);
        assert(i->segment >= 0 && i->segment < _SEGMENT_MAX);
        assert(i->lot >= 0 && i->lot <= QUANTITY_MAX && i->tick >= 0 && i->freeze >= 0 &&
               i->strike >= 0 && i->previous_close >= 0 && i->band_percent >= 0);
        /* What can be ordered has a name for orders, and a grid for its prices. */
        assert(i->lot == 0 || (*s->key && i->tick > 0));
        if (instrument_derivative(i)) {
                assert(clock_day_valid(i->expiry) && *i->underlying);
                assert(i->segment == SEGMENT_FUTURE || i->strike > 0);
                assert(i->exchange != EXCHANGE_NSE && i->exchange != EXCHANGE_BSE);
        } else {
                assert(i->expiry == 0 && i->strike == 0);
                assert(i->exchange != EXCHANGE_NFO && i->exchange != EXCHANGE_BFO);
        }
        (void)b;
}

/* A line in memory of exactly its size. */
static int read_line(struct master_reader *m, const char *s, size_t n, struct scrip *ret,
                     unsigned *ret_rank)
{
        char *line = malloc(n ? n : 1);

        assert(line);
        memcpy(line, s, n);
        memset(ret, 0, sizeof(*ret));
        *ret_rank = 0;
        int r = master_read_line(m, line, n, ret, ret_rank);
        free(line);
        return r;
}

/* The same line again is the same scrip: nothing is kept from one to the next. */
static void check_again(const struct master_reader *m, const char *s, size_t n,
                        const struct scrip *was, unsigned was_rank)
{
        struct master_reader copy = *m;
        struct scrip scrip;
        unsigned rank;

        assert(read_line(&copy, s, n, &scrip, &rank) == 1 && rank == was_rank);
        assert(strcmp(scrip.key, was->key) == 0 && strcmp(scrip.token, was->token) == 0 &&
               strcmp(scrip.detail, was->detail) == 0 &&
               strcmp(scrip.instrument.symbol, was->instrument.symbol) == 0 &&
               scrip.instrument.lot == was->instrument.lot &&
               scrip.instrument.tick == was->instrument.tick);
}

static void read_header(struct master_reader *m)
{
        struct text header = TEXT_NULL;
        struct scrip scrip;
        unsigned rank;

        for (unsigned i = 0; m->master->columns[i]; i++) {
                if (i > 0)
                        text_add_char(&header, ',');
                text_add_char(&header, '"');
                text_add(&header, m->master->columns[i]);
                text_add_char(&header, '"');
        }
        assert(!header.failed);
        assert(read_line(m, text_str(&header), header.len, &scrip, &rank) == 0);
        text_done(&header);
}

static void read_file(const struct broker *b, unsigned file, bool header, const char *s, size_t n)
{
        struct master_reader m;
        struct scrip scrip;
        unsigned rank;

        master_reader_init(&m, b->master, file);
        if (header && b->master->has_header)
                read_header(&m);
        while (n > 0) {
                const char *end = memchr(s, '\n', n);
                size_t length = end ? (size_t)(end - s) : n;
                unsigned before = m.line;
                bool seen = m.header_seen;
                int r = read_line(&m, s, length, &scrip, &rank);
                assert(r == 0 || r == 1 || r == -EINVAL || (r == -EPROTO && !seen));
                assert(m.line == before + 1);
                if (r == 1) {
                        check(b, &scrip);
                        check_again(&m, s, length, &scrip, rank);
                }
                s += end ? length + 1 : length;
                n -= end ? length + 1 : length;
        }
}

static unsigned files_of(const struct broker *b)
{
        unsigned n = 0;

        while (b->master->files[n])
                n++;
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *s = (const char *)data;
        const struct broker *b;

        if (size < 2 || s[0] < '0' || s[0] > '9' || (s[1] != '+' && s[1] != '\n'))
                return 0;
        bool header = s[1] == '+';
        size_t skip = header ? 3 : 2;
        if (size < skip)
                return 0;
        for (unsigned i = 0; (b = broker_at(i)); i++)
                if (b->master && (unsigned)(s[0] - '0') < files_of(b))
                        read_file(b, (unsigned)(s[0] - '0'), header, s + skip, size - skip);
        return 0;
}
