#include "orchestrator/candidate.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "orchestrator/state.h"

/* The broker's clock against ours, and how long an order may hang before it is booked. */
#define EARLY_US (10 * USEC_PER_SEC)
#define LATE_US  (120 * USEC_PER_SEC)

/* What a book shows of an order in the place of its tag. */
struct looks {
        const char *symbol;
        enum side side;
        enum product product;
        enum order_type type;
        int64_t quantity, price, trigger_price;
};

static struct looks looks_of(const struct open_leg *l)
{
        return (struct looks){l->symbol,   l->side,  l->product,      l->type,
                              l->quantity, l->price, l->trigger_price};
}

static bool priced(enum order_type t)
{
        return t == ORDER_TYPE_LIMIT || t == ORDER_TYPE_STOP_LIMIT;
}

static bool stops(enum order_type t)
{
        return t == ORDER_TYPE_STOP || t == ORDER_TYPE_STOP_LIMIT;
}

/* m.Stock does not say what its word MARGIN stands for: it may be either of the two. */
static bool told_by_product(enum product a, enum product b)
{
        bool either = (a == PRODUCT_INTRADAY && b == PRODUCT_MARGIN) ||
                      (a == PRODUCT_MARGIN && b == PRODUCT_INTRADAY);
        return a != b && !either;
}

/* Nobody could say which of the two a row of the book is. The type alone tells nothing: a stop that
 * has triggered may be shown as what it became, and a market order with whatever price the broker
 * gave it. */
static bool alike(const struct looks *a, const struct looks *b)
{
        if (strcmp(a->symbol, b->symbol) != 0 || a->side != b->side || a->quantity != b->quantity ||
            told_by_product(a->product, b->product))
                return false;
        if (priced(a->type) && priced(b->type) && a->price != b->price)
                return false;
        return !stops(a->type) || !stops(b->type) || a->trigger_price == b->trigger_price;
}

/* Its day is over, and so is the time in which it may still be booked: no row from then on is it
 * (orders.md §3). */
static bool past(const struct open_leg *l, int64_t at_us)
{
        return l->day < clock_ist_day(at_us) && l->since_us + EARLY_US + LATE_US < at_us;
}

/* A leg with another tag that has no number yet, and could be shown as this. */
static bool has_twin(const struct account_state *a, const struct looks *looks, int64_t at_us,
                     const char *tag)
{
        LIST_FOREACH (it, &a->numberless) {
                const struct open_leg *other = LIST_ENTRY(it, struct open_leg, of_numberless);
                const struct looks its = looks_of(other);
                if (!text_equal(other->tag, tag) && !past(other, at_us) && alike(&its, looks))
                        return true;
        }
        return false;
}

static bool same_order(const struct open_leg *l, const struct book_order *row)
{
        return text_equal(l->symbol, row->symbol) && l->side == row->side &&
               l->quantity == row->quantity && l->type == row->type && l->product == row->product &&
               l->price == row->price && l->trigger_price == row->trigger_price;
}

static bool in_time(const struct open_leg *l, const struct book_order *row)
{
        return row->placed_us >= l->since_us - EARLY_US && row->placed_us <= l->since_us + LATE_US;
}

const struct book_order *candidate_row(struct account_state *a, const struct open_leg *l,
                                       const struct book_order *rows, unsigned n)
{
        const struct book_order *found = NULL;
        const struct looks looks = looks_of(l);

        /* Of an order from before the start nobody knows what the book showed before it. */
        if (l->broker_order_id[0] || l->since_us < a->orchestrator->started_us ||
            has_twin(a, &looks, l->since_us, l->tag))
                return NULL;
        for (unsigned i = 0; i < n; i++) {
                const struct book_order *row = &rows[i];
                if (!same_order(l, row) || !in_time(l, row) ||
                    sighting_ours(&a->sightings, row->broker_order_id) ||
                    sighting_note(&a->sightings, row->broker_order_id, clock_wall_us()) <=
                            l->since_us)
                        continue;
                if (found)
                        return NULL;
                found = row;
        }
        return found;
}

bool candidate_pending(const struct account_state *a, const struct book_order *row)
{
        LIST_FOREACH (it, &a->numberless) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_numberless);
                if (!past(l, clock_wall_us()) && same_order(l, row))
                        return true;
        }
        return false;
}

bool candidate_twin(const struct account_state *a, const struct order *order, const struct leg *leg)
{
        const struct looks looks = {order->symbol,
                                    order->side,
                                    order->product,
                                    leg->effective.type,
                                    leg->quantity,
                                    leg->effective.price,
                                    leg->effective.trigger_price};
        const int64_t now = clock_wall_us();

        if (a->broker->flags & BROKER_ECHOES_TAG ||
            echo_state(&a->echo, clock_ist_day(now)) == ECHO_PROVEN)
                return false;
        return has_twin(a, &looks, now, leg->tag);
}
