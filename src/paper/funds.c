/* Money of one account: what positions and open orders use of it, and what fills do to it.
 *
 *   cash      = opening + realised today + cost of the holdings sold today
 *   used      = Σ over positions of (margin of what is open + the worse side of its open orders)
 *   available = cash - used
 *
 * A position's cost stays inside cash and counts as used, until the day's end turns delivered
 * shares into holdings: then it leaves cash. Average cost; the cost that a sale takes out is
 * exactly what is missing afterwards, so not a paisa is lost to rounding. */
#include "paper/exchange.h"

#include "base/decimal.h"
#include "domain/margin.h"

static int64_t smaller(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

int64_t position_flow(const struct paper_position *pos)
{
        return pos->realised + pos->released;
}

/* Takes `n` of the `*quantity` that cost `*cost` out of both; what they had cost. */
static int64_t take_cost(int64_t *quantity, int64_t *cost, int64_t n)
{
        int64_t removed = decimal_muldiv(*cost, n, *quantity);
        *quantity -= n;
        *cost -= removed;
        return removed;
}

static void deliver_fill(struct paper_position *pos, enum side side, int64_t quantity,
                         int64_t price)
{
        if (side == SIDE_BUY) {
                pos->quantity += quantity;
                pos->cost += price * quantity;
                return;
        }
        int64_t today = smaller(quantity, pos->quantity), held = quantity - today;
        if (today > 0)
                pos->realised += price * today - take_cost(&pos->quantity, &pos->cost, today);
        if (held > 0) {
                int64_t removed = take_cost(&pos->holding_quantity, &pos->holding_cost, held);
                pos->realised += price * held - removed;
                pos->released += removed;
        }
}

static void margin_fill(struct paper_position *pos, enum side side, int64_t quantity, int64_t price)
{
        bool is_long = pos->quantity > 0;
        int64_t closing = 0;
        if (pos->quantity != 0 && is_long == (side == SIDE_SELL)) {
                int64_t size = is_long ? pos->quantity : -pos->quantity;
                closing = smaller(quantity, size);
                int64_t removed = take_cost(&size, &pos->cost, closing);
                pos->quantity = is_long ? size : -size;
                pos->realised += is_long ? price * closing - removed : removed - price * closing;
        }
        int64_t opening = quantity - closing;
        pos->quantity += side == SIDE_BUY ? opening : -opening;
        pos->cost += price * opening;
}

void position_fill(struct paper_position *pos, enum side side, int64_t quantity, int64_t price)
{
        int64_t before = position_flow(pos);
        if (product_delivers(pos->product))
                deliver_fill(pos, side, quantity, price);
        else
                margin_fill(pos, side, quantity, price);
        *(side == SIDE_BUY ? &pos->buy_quantity : &pos->sell_quantity) += quantity;
        pos->book->account->cash += position_flow(pos) - before;
        position_update(pos);
}

/* Margins are proportional to value, so the exact value goes in as the price of one; only a short
 * option's depends on its quantity and strike instead. */
static int64_t margin_of(const struct paper_position *pos, enum side side, int64_t quantity,
                         int64_t value)
{
        const struct instrument *i = &pos->book->listing->instrument;
        if (quantity <= 0)
                return 0;
        if (i->segment == SEGMENT_OPTION && side == SIDE_SELL)
                return margin_required(i, side, pos->product, quantity, value / quantity, 0);
        return margin_required(i, side, pos->product, 1, value, 0);
}

static int64_t highest_block_price(const struct paper_position *pos, enum side side)
{
        int64_t highest = 0;
        for (const struct list *it = pos->live[side].next; it != &pos->live[side]; it = it->next) {
                int64_t price = LIST_ENTRY(it, struct live, of_position)->block_price;
                if (price > highest)
                        highest = price;
        }
        return highest;
}

/* The margin of what the open orders of a side would open beyond closing what is there. Which of
 * them would close is not known: the dearest are taken to open. */
static int64_t side_need(const struct paper_position *pos, enum side side, int64_t quantity,
                         int64_t value, int64_t block_price)
{
        int64_t closable = side == SIDE_BUY ? -pos->quantity : pos->quantity;
        if (product_delivers(pos->product)) {
                if (side == SIDE_SELL)
                        return 0;
                closable = 0;
        }
        if (closable <= 0)
                return margin_of(pos, side, quantity, value);
        if (quantity <= closable)
                return 0; /* the common exit: nothing to look through */
        int64_t dearest = highest_block_price(pos, side);
        if (block_price > dearest)
                dearest = block_price;
        return margin_of(pos, side, quantity - closable,
                         smaller(value, (quantity - closable) * dearest));
}

int64_t position_used_with(const struct paper_position *pos, enum side side, int64_t quantity,
                           int64_t block_price)
{
        int64_t need[_SIDE_MAX];
        for (unsigned s = 0; s < _SIDE_MAX; s++) {
                bool more = s == side;
                need[s] = side_need(pos, s, pos->open_quantity[s] + (more ? quantity : 0),
                                    pos->open_value[s] + (more ? quantity * block_price : 0),
                                    more ? block_price : 0);
        }
        int64_t size = pos->quantity < 0 ? -pos->quantity : pos->quantity;
        int64_t held = margin_of(pos, pos->quantity < 0 ? SIDE_SELL : SIDE_BUY, size, pos->cost);
        return held + (need[SIDE_BUY] > need[SIDE_SELL] ? need[SIDE_BUY] : need[SIDE_SELL]);
}

void position_update(struct paper_position *pos)
{
        int64_t used = position_used_with(pos, SIDE_BUY, 0, 0);
        pos->book->account->used += used - pos->used;
        pos->used = used;
}

int64_t position_sellable(const struct paper_position *pos)
{
        return pos->quantity + pos->holding_quantity - pos->open_quantity[SIDE_SELL];
}

int64_t position_unrealised(const struct paper_position *pos, int64_t last)
{
        if (pos->quantity == 0 || last <= 0)
                return 0;
        int64_t worth = decimal_muldiv(last, pos->quantity, 1);
        return pos->quantity > 0 ? worth - pos->cost : worth + pos->cost;
}
