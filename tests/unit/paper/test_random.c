/* Any sequence of operations: what must hold after each, and the same answers from the stored rows.
 */
#include "floor.h"

#include <stdio.h>
#include <string.h>

#define STEPS 500

static uint64_t state;

static unsigned pick(unsigned n)
{
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(state >> 33) % n;
}

static const struct {
        const char *symbol, *products[3];
        unsigned lot, lots;
} menu[] = {
        {"NSE:SBIN", {"CNC", "INTRADAY", "MTF"}, 1, 90000},
        {"NSE:IDEA", {"CNC", "INTRADAY", "CNC"}, 1, 900000},
        {"NSE:M&M", {"CNC", "CNC", "MTF"}, 1, 3000},
        {"NFO:NIFTY29DEC26FUT", {"MARGIN", "INTRADAY", "MARGIN"}, 65, 20},
        {"NFO:NIFTY29DEC2626000CE", {"MARGIN", "INTRADAY", "MARGIN"}, 65, 20},
        {"MCX:CRUDEOIL18DEC26FUT", {"MARGIN", "INTRADAY", "MARGIN"}, 100, 10},
};

static const char *price_near(const struct instrument *i, char *buf)
{
        int64_t away = (int64_t)pick(401) - 200; /* in 1e-4 of the close: ±2 % */
        int64_t price = i->previous_close + i->previous_close * away / 10000;
        return decimal_print(instrument_round_to_tick(i, price, pick(2)), buf);
}

static void random_place(struct floor *f)
{
        static unsigned tags;
        static const char *const types[] = {"MARKET", "LIMIT", "LIMIT", "STOP", "STOP_LIMIT"};
        struct text t = TEXT_NULL;
        char buf[DECIMAL_TEXT_SIZE];
        unsigned m = pick(ELEMENTS(menu));
        const struct instrument *i = floor_instrument(menu[m].symbol);
        const char *type = types[pick(ELEMENTS(types))];
        text_addf(&t, "{\"tag\":\"R%u\",\"symbol\":\"%s\",\"side\":\"%s\",\"type\":\"%s\",", ++tags,
                  menu[m].symbol, pick(2) ? "BUY" : "SELL", type);
        text_addf(&t, "\"product\":\"%s\",\"validity\":\"%s\",\"quantity\":%u",
                  menu[m].products[pick(3)], pick(5) ? "DAY" : "IOC",
                  menu[m].lot * (1 + pick(pick(4) ? menu[m].lots / 20 + 1 : menu[m].lots)));
        if (strstr(type, "LIMIT"))
                text_addf(&t, ",\"price\":\"%s\"", price_near(i, buf));
        if (strstr(type, "STOP"))
                text_addf(&t, ",\"trigger_price\":\"%s\"", price_near(i, buf));
        text_add_char(&t, '}');
        floor_call_as(f, pick(4) ? "paper:one" : "paper:two", "POST", "orders", text_str(&t));
        ck_assert_msg(f->status == 200 || f->status == 422, "%s", text_str(&f->body));
        text_done(&t);
}

static void random_change(struct floor *f, const char *method)
{
        struct paper_account *a = account_find(f->paper, pick(4) ? "paper:one" : "paper:two");
        char id[ID_TEXT_SIZE], what[64], price[DECIMAL_TEXT_SIZE];
        struct text t = TEXT_NULL;
        if (a->orders.n == 0)
                return;
        const struct paper_order *o = order_at(a, pick(a->orders.n));
        snprintf(what, sizeof(what), "orders/%s", id_print(o->id, id));
        if (*method == 'P') {
                const struct instrument *i = &o->book->listing->instrument;
                text_addf(&t, "{\"quantity\":%u", o->quantity / 2 + pick(o->quantity) + 1);
                if (pick(2))
                        text_addf(&t, ",\"price\":\"%s\"", price_near(i, price));
                if (pick(4) == 0)
                        text_add(&t, ",\"type\":\"LIMIT\"");
                text_add_char(&t, '}');
        }
        floor_call_as(f, a->id, method, what, t.data);
        ck_assert_msg(f->status == 200 || f->status == 409 || f->status == 422, "%s",
                      text_str(&f->body));
        text_done(&t);
}

static unsigned seen[_ORDER_STATUS_MAX]; /* so that the test knows what it has tested */

/* Σ fills of an order is what it says of itself. */
static void check_fills(const struct paper_account *a)
{
        struct sum {
                int64_t quantity, value;
        } *sums = calloc(a->orders.n + 1, sizeof(*sums));
        for (uint32_t t = 0; t < a->trades.n; t++) {
                const struct paper_trade *trade = trade_at(a, t);
                uint32_t low = 0, high = a->orders.n;
                while (high - low > 1) {
                        uint32_t middle = (low + high) / 2;
                        *(order_at(a, middle)->id <= trade->order->id ? &low : &high) = middle;
                }
                ck_assert_ptr_eq(order_at(a, low), trade->order);
                sums[low].quantity += trade->quantity;
                sums[low].value += trade->price * trade->quantity;
        }
        for (uint32_t i = a->carried; i < a->orders.n; i++) {
                ck_assert_int_eq(sums[i].quantity, order_at(a, i)->filled);
                ck_assert_int_eq(sums[i].value, order_at(a, i)->value);
        }
        free(sums);
}

static void check_orders(const struct paper_account *a)
{
        unsigned live = 0, queued = 0;
        for (uint32_t i = 0; i < a->orders.n; i++) {
                const struct paper_order *o = order_at(a, i);
                ck_assert_uint_le(o->filled, o->quantity);
                ck_assert_int_eq(!o->live, order_status_terminal(o->status));
                ck_assert_int_eq(o->status == ORDER_STATUS_FILLED, o->filled == o->quantity);
                if (o->status == ORDER_STATUS_OPEN || o->status == ORDER_STATUS_TRIGGER_PENDING)
                        ck_assert_uint_eq(o->filled, 0);
                live += o->live != NULL;
                ck_assert(i == 0 || order_at(a, i - 1)->id < o->id);
                seen[o->status]++;
        }
        check_fills(a);
        for (const struct paper_book *b = a->books; b; b = b->hh.next)
                for (unsigned q = 0; q < _QUEUE_MAX; q++) {
                        const struct queue *queue = &b->queues[q];
                        queued += queue->n;
                        for (uint32_t i = 1; i < queue->n; i++) {
                                const struct live *x = queue->items[queue->first + i - 1];
                                const struct live *y = queue->items[queue->first + i];
                                ck_assert(x->rank > y->rank ||
                                          (x->rank == y->rank && x->sequence < y->sequence));
                        }
                }
        ck_assert_uint_eq(live, queued);
}

/* Money that came and went with today's trades, and what the account holds for it. */
static int64_t pure_money(const struct paper_account *a)
{
        int64_t money = a->cash;
        for (const struct paper_book *b = a->books; b; b = b->hh.next)
                for (unsigned i = 0; i < _PRODUCT_MAX; i++)
                        if (b->positions[i])
                                money -= b->positions[i]->quantity > 0 ? b->positions[i]->cost
                                                                       : -b->positions[i]->cost;
        return money;
}

static int64_t traded_money(const struct paper_account *a)
{
        int64_t money = 0;
        for (uint32_t i = 0; i < a->trades.n; i++) {
                const struct paper_trade *t = trade_at(a, i);
                int64_t value = t->price * t->quantity;
                money += t->order->side == SIDE_BUY ? -value : value;
        }
        return money;
}

static void check_positions(const struct paper_account *a)
{
        int64_t used = 0, flow = 0;
        for (const struct paper_book *b = a->books; b; b = b->hh.next)
                for (unsigned i = 0; i < _PRODUCT_MAX; i++) {
                        const struct paper_position *pos = b->positions[i];
                        if (!pos)
                                continue;
                        int64_t open[2] = {0, 0}, traded = 0;
                        for (uint32_t k = 0; k < a->orders.n; k++) {
                                const struct paper_order *o = order_at(a, k);
                                if (o->book == b && o->product == i && o->live)
                                        open[o->side] += o->quantity - o->filled;
                        }
                        for (uint32_t k = 0; k < a->trades.n; k++) {
                                const struct paper_trade *t = trade_at(a, k);
                                if (t->order->book == b && t->order->product == i)
                                        traded += t->order->side == SIDE_BUY
                                                          ? t->quantity
                                                          : -(int64_t)t->quantity;
                        }
                        ck_assert_int_eq(open[SIDE_BUY], pos->open_quantity[SIDE_BUY]);
                        ck_assert_int_eq(open[SIDE_SELL], pos->open_quantity[SIDE_SELL]);
                        ck_assert_int_eq(traded, pos->buy_quantity - pos->sell_quantity);
                        ck_assert_int_ge(pos->cost, 0);
                        ck_assert(pos->quantity != 0 || pos->cost == 0);
                        ck_assert_int_eq(pos->used, position_used_with(pos, SIDE_BUY, 0, 0));
                        if (product_delivers(i)) {
                                ck_assert_int_ge(pos->quantity, 0);
                                ck_assert_int_ge(pos->holding_quantity, 0);
                                ck_assert_int_ge(position_sellable(pos), 0);
                        }
                        used += pos->used;
                        flow += position_flow(pos);
                }
        ck_assert_int_eq(used, a->used);
        ck_assert_int_eq(a->cash, a->opening + flow);
        /* The worse side is a bound while prices of both sides are about the same (docs/paper.md).
         */
        ck_assert_int_ge(a->cash - a->used, -a->used / 20);
}

static void check_restart(struct floor *f)
{
        char *before[2], *after[2];
        const char *ids[] = {"paper:one", "paper:two"};
        for (unsigned i = 0; i < 2; i++) {
                floor_call_as(f, ids[i], "GET", "funds", NULL);
                before[i] = floor_picture(f, ids[i]);
        }
        while (f->last_rider) /* what waits for its deletion */
                floor_call(f, "GET", "funds", NULL);
        floor_restart(f);
        for (unsigned i = 0; i < 2; i++) {
                after[i] = floor_picture(f, ids[i]);
                if (strcmp(before[i], after[i]) != 0) {
                        fprintf(stderr, "BEFORE\n%s\nAFTER\n%s\n", before[i], after[i]);
                        ck_abort();
                }
                free(before[i]);
                free(after[i]);
        }
}

static void run(uint64_t seed, const struct floor_options *o, bool nights)
{
        struct floor f;
        int64_t base[2];
        int day = 0;
        state = seed;
        floor_open(&f, o);
        for (unsigned step = 0; step < STEPS; step++) {
                f.losing = f.losing ? pick(3) != 0 : pick(40) == 0;
                unsigned what = pick(100);
                if (what < 55)
                        random_place(&f);
                else if (what < 65)
                        random_change(&f, "PUT");
                else if (what < 78)
                        random_change(&f, "DELETE");
                else if (what < 96)
                        clock_fake_advance(1 + pick(20) * USEC_PER_SEC * (pick(10) ? 1 : 60));
                else if (nights && what >= 98 && pick(2))
                        clock_fake_advance(86400 * USEC_PER_SEC);
                const char *ids[] = {"paper:one", "paper:two"};
                for (unsigned i = 0; i < 2; i++) {
                        floor_call_as(&f, ids[i], "GET", "funds", NULL);
                        const struct paper_account *a = account_find(f.paper, ids[i]);
                        check_orders(a);
                        check_positions(a);
                        if (a->day != day)
                                base[i] = pure_money(a) - traded_money(a);
                        ck_assert_int_eq(pure_money(a) - traded_money(a), base[i]);
                        if (i == 1)
                                day = a->day;
                }
                if (!f.losing && step % 23 == 0)
                        check_restart(&f);
        }
        floor_close(&f);
}

START_TEST(live_market)
{
        static const struct floor_options o = {.funds = RUPEES(30000000), .seed = 11, .live = true};
        for (unsigned seed = 1; seed <= 2; seed++)
                run(seed, &o, false);
        for (unsigned i = ORDER_STATUS_OPEN; i < _ORDER_STATUS_MAX; i++)
                ck_assert_msg(i == ORDER_STATUS_EXPIRED || i == ORDER_STATUS_REJECTED ||
                                      seen[i] > 0,
                              "no order was ever %s", order_status_name(i));
}
END_TEST

START_TEST(still_market)
{
        static const struct floor_options o = {.funds = RUPEES(3000000), .seed = 11};
        run(77, &o, true);
}
END_TEST

START_TEST(over_nights)
{
        static const struct floor_options o = {.funds = RUPEES(300000000), .seed = 5, .live = true};
        run(5, &o, true);
        ck_assert_uint_gt(seen[ORDER_STATUS_EXPIRED], 0);
}
END_TEST

SUITE("paper random", live_market, still_market, over_nights)
