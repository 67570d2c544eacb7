#include "paper/exchange.h"

#include <errno.h>
#include <string.h>

void listing_refresh(struct paper *p, struct listing *l)
{
        const struct instrument *i = p->options.find(p->options.userdata, l->instrument.symbol);
        if (!i)
                return; /* gone from the master: what is open in it keeps the rules it had */
        l->instrument = *i;
        l->known = true;
}

static struct listing *listing_lookup(struct paper *p, const char *symbol)
{
        struct listing *l;
        HASH_FIND_STR(p->listings, symbol, l);
        return l;
}

static int listing_new(struct paper *p, const char *symbol, struct listing **ret)
{
        struct listing *l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        if (!text_copy(l->instrument.symbol, sizeof(l->instrument.symbol), symbol)) {
                free(l);
                return -EBADMSG;
        }
        l->seed = market_seed(p->options.seed, symbol);
        HASH_ADD_STR(p->listings, instrument.symbol, l);
        if (!l->hh.tbl) {
                free(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

int listing_get(struct paper *p, const char *symbol, struct listing **ret)
{
        struct listing *l = listing_lookup(p, symbol);
        if (!l) {
                if (!p->options.find(p->options.userdata, symbol))
                        return 1;
                int r = listing_new(p, symbol, &l);
                if (r < 0)
                        return r;
        }
        listing_refresh(p, l);
        *ret = l;
        return l->known ? 0 : 1;
}

/* At start the instruments may not be there yet: the listing is filled in at the first request. */
int listing_restore(struct paper *p, const char *symbol, struct listing **ret)
{
        *ret = listing_lookup(p, symbol);
        return *ret ? 0 : listing_new(p, symbol, ret);
}

struct market listing_market(const struct listing *l, bool still)
{
        return market_of(&l->instrument, l->seed, still);
}

/* Extends open, high and low of the day that began with tick `first` up to `tick`. */
void listing_range(struct listing *l, const struct market *m, int64_t first, int64_t tick)
{
        if (l->range_first != first || l->range_tick > tick || l->range_close != m->close) {
                l->range_first = l->range_tick = first;
                l->range_close = m->close;
                l->open = l->high = l->low = market_last(m, first);
        }
        for (int64_t t = l->range_tick + 1;; t++) {
                t = market_next(m, t, tick, l->low, l->high);
                if (t > tick)
                        break;
                int64_t last = market_last(m, t);
                if (last < l->low)
                        l->low = last;
                if (last > l->high)
                        l->high = last;
        }
        l->range_tick = tick;
}

void listings_free(struct paper *p)
{
        struct listing *l, *next;
        HASH_ITER (hh, p->listings, l, next) {
                HASH_DEL(p->listings, l);
                free(l);
        }
}
