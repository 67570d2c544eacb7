#include "domain/ticks.h"

#include <errno.h>

#include "base/decimal.h"

#define TICKS_HEADER "kind,up_to,tick"
enum { T_KIND, T_UP_TO, T_TICK };

static const char *const tick_kinds[] = {"share", "index_future", NULL};

static int ticks_row(struct ticks *t, struct csv *c)
{
        int64_t up_to = DECIMAL_MAX, tick;
        int r;

        int kind = csv_word(c, T_KIND, tick_kinds);
        if (kind < 0)
                return kind;
        if (!csv_is(c, T_UP_TO, "-") &&
            (r = csv_decimal(c, T_UP_TO, 1, DECIMAL_MAX - 1, &up_to)) < 0)
                return r;
        if ((r = csv_decimal(c, T_TICK, 1, DECIMAL_MAX, &tick)) < 0)
                return r;

        unsigned n = t->kinds[kind].n;
        if (n > 0 && up_to <= t->kinds[kind].rows[n - 1].up_to)
                return csv_cell_fault(c, T_UP_TO, "above the one before it");
        if (n == TICKS_MAX)
                return csv_fault(c, "more than %d rows of one kind", TICKS_MAX);
        t->kinds[kind].rows[n].up_to = up_to;
        t->kinds[kind].rows[n].tick = tick;
        t->kinds[kind].n++;
        return 0;
}

int ticks_load(struct ticks *t, const struct csv_source *source, char *fault, size_t fault_size)
{
        struct csv c = {.source = *source,
                        .header = TICKS_HEADER,
                        .fault = fault,
                        .fault_size = fault_size};
        int r;

        while ((r = csv_next(&c)) > 0)
                if ((r = ticks_row(t, &c)) < 0)
                        return r;
        if (r < 0)
                return r;
        for (unsigned k = 0; k < _TICK_KIND_MAX; k++) {
                unsigned n = t->kinds[k].n;

                if (n == 0 || t->kinds[k].rows[n - 1].up_to != DECIMAL_MAX)
                        return csv_fault(&c, "%s has no last row with - for all higher prices",
                                         tick_kinds[k]);
        }
        return 0;
}

int64_t ticks_find(const struct ticks *t, enum tick_kind kind, int64_t price)
{
        unsigned i = 0;

        while (i + 1 < t->kinds[kind].n && price > t->kinds[kind].rows[i].up_to)
                i++;
        return t->kinds[kind].rows[i].tick;
}
