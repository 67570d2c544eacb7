#include "orchestrator/candidate.h"

#include "base/clock.h"
#include "base/text.h"
#include "orchestrator/state.h"

/* The broker's clock against ours, and how long an order may hang before it is booked. */
#define EARLY_US (10 * USEC_PER_SEC)
#define LATE_US  (120 * USEC_PER_SEC)

static bool alike(const struct open_leg *a, const struct open_leg *b)
{
        return text_equal(a->symbol, b->symbol) && a->side == b->side && a->quantity == b->quantity;
}

/* Another leg that has no number yet, and would look the same in the book. */
static bool has_twin(const struct account_state *a, const struct open_leg *l)
{
        LIST_FOREACH (it, &a->numberless) {
                const struct open_leg *other = LIST_ENTRY(it, struct open_leg, of_numberless);
                if (other != l && alike(other, l))
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

        /* Of an order from before the start nobody knows what the book showed before it. */
        if (l->broker_order_id[0] || l->since_us < a->orchestrator->started_us || has_twin(a, l))
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
                if (same_order(l, row))
                        return true;
        }
        return false;
}

bool candidate_twin(const struct account_state *a, const char *symbol, enum side side,
                    int64_t quantity)
{
        if (a->broker->flags & BROKER_ECHOES_TAG ||
            echo_state(&a->echo, clock_ist_day(clock_wall_us())) == ECHO_PROVEN)
                return false;
        LIST_FOREACH (it, &a->numberless) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_numberless);
                if (l->side == side && l->quantity == quantity && text_equal(l->symbol, symbol))
                        return true;
        }
        return false;
}
