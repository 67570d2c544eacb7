#include "floor.h"

#include <errno.h>
#include <string.h>

static const struct floor_options live = {.funds = RUPEES(100000000), .seed = 9, .live = true};

static int restore(struct floor *f, const char *kind, const char *key, const char *value)
{
        return paper_restore(f->paper, "paper:one", kind, key, value, value ? strlen(value) : 0);
}

START_TEST(unreadable_rows_are_refused)
{
        static const struct {
                const char *kind, *key, *value;
        } cases[] = {
                {"account", "state", NULL},
                {"account", "state", ""},
                {"account", "state", "2|20261123|20261120|1"},
                {"account", "state", "1|20261123|20261120"},
                {"account", "state", "1|20261123|20261120|1|"},
                {"account", "state", "1|20261399|20261120|1"},
                {"account", "state", "1|20261123|20261120|1e5"},
                {"account", "state", "1|20261123|20261120|-"},
                {"account", "state", "1|20261123|20261120|99999999999999999999"},
                {"trade", "26112300000001", "1|26112300000001|8000000|10"},
                {"trade", "26112300000001", "1|2611230000000|8000000|10|5"},
                {"trade", "26112300000001", "1|26112300000001|8000000|0|5"},
                {"trade", "x", "1|26112300000001|8000000|10|5"},
                {"order", "26112300000001", "1"},
                {"order", "26112300000001",
                 "1|NSE:SBIN|T|BUY|LIMIT|CNC|DAY|OPEN|0|0|10|11|1|0|0|1|1|1|1"},
                {"order", "26112300000001",
                 "1|NSE:SBIN|T|BUY|LIMIT|CNC|DAY|WAITING|0|0|10|0|1|0|0|1|1|1|1"},
                {"order", "26112300000001",
                 "1|NSE:SBIN|T|BUY|LIMIT|CNC|DAY|OPEN|0|99|10|0|1|0|0|1|1|1|1"},
                {"order", "26112300000001", "1||T|BUY|LIMIT|CNC|DAY|OPEN|0|0|10|0|1|0|0|1|1|1|1"},
                {"order", "26112300000001",
                 "1|NSE:SBIN|T|BUY|LIMIT|CNC|DAY|OPEN|0|0|10|0|1|0|0|1|1|1|1|5"},
                {"order", "2611230000000x",
                 "1|NSE:SBIN|T|BUY|LIMIT|CNC|DAY|OPEN|0|0|10|0|1|0|0|1|1|1|1"},
                {"position", "NSE:SBIN|CNC", "1|1|2|3|4|5|6|7"},
                {"position", "NSE:SBIN|CNC", "1|1|2|3|4|5|6|7|8|9"},
                {"position", "NSE:SBIN|FREE", "1|1|2|3|4|5|6|7|8"},
                {"position", "NSE:SBIN", "1|1|2|3|4|5|6|7|8"},
                {"position", "|CNC", "1|1|2|3|4|5|6|7|8"},
                {"weather", "26112300000001", "1|sunny"},
        };
        struct floor f;
        floor_open(&f, &live);
        for (unsigned i = 0; i < ELEMENTS(cases); i++)
                ck_assert_msg(restore(&f, cases[i].kind, cases[i].key, cases[i].value) == -EBADMSG,
                              "%s %s", cases[i].kind, cases[i].value);
        floor_close(&f);
}
END_TEST

/* Every row cut short anywhere is refused or read, never more. */
START_TEST(cut_rows_do_no_harm)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET");
        clock_fake_advance(10 * USEC_PER_SEC);
        floor_place(&f, "SELL 65 NFO:NIFTY29DEC26FUT MARGIN STOP_LIMIT 24000.00 24100.00");
        for (unsigned i = 0; i < f.n_rows; i++) {
                const struct floor_row *row = &f.rows[i];
                for (size_t n = 0; n < row->size; n++) {
                        char *copy = malloc(n + 1); /* its own, so that reading past it is seen */
                        memcpy(copy, row->value, n);
                        int r = paper_restore(f.paper, row->account, row->kind, row->key, copy, n);
                        ck_assert(r == 0 || r == -EBADMSG);
                        free(copy);
                }
        }
        floor_close(&f);
}
END_TEST

START_TEST(what_was_not_stored_rides_again)
{
        struct floor f;
        floor_open(&f, &live);
        floor_call(&f, "GET", "funds", NULL);
        f.losing = true;
        const char *id = floor_place(&f, "BUY 100 NSE:SBIN CNC MARKET");
        floor_place(&f, "BUY 25000 NSE:M&M CNC LIMIT 3400.00");
        clock_fake_advance(600 * USEC_PER_SEC);
        floor_call(&f, "GET", "funds", NULL);
        ck_assert_uint_eq(f.n_rows, 2);
        f.losing = false;
        floor_call(&f, "GET", "funds", NULL);
        ck_assert_uint_ge(f.last_rider, 3);
        char *before = floor_picture(&f, "paper:one");
        floor_restart(&f);
        floor_order(&f, id);
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        char *after = floor_picture(&f, "paper:one");
        ck_assert(!strcmp(before, after));
        free(before);
        free(after);
        floor_close(&f);
}
END_TEST

START_TEST(time_priority_survives)
{
        struct floor f;
        floor_open(&f, &live);
        const char *ids[6];
        for (unsigned i = 0; i < 6; i++)
                ids[i] = floor_place(&f, "BUY 4000 NSE:SBIN CNC LIMIT 792.00");
        const struct queue *q;
        for (unsigned round = 0; round < 2; round++) {
                floor_call(&f, "GET", "funds", NULL);
                struct paper_account *a = account_find(f.paper, "paper:one");
                q = &a->books->queues[QUEUE_BUYS];
                ck_assert_uint_eq(q->n, 6);
                for (unsigned i = 0; i < 6; i++) {
                        char id[ID_TEXT_SIZE];
                        ck_assert_str_eq(id_print(q->items[q->first + i]->order->id, id), ids[i]);
                }
                floor_restart(&f);
        }
        floor_close(&f);
}
END_TEST

START_TEST(numbers_go_on)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 1 NSE:SBIN CNC MARKET");
        floor_call_as(&f, "paper:two", "POST", "orders",
                      "{\"tag\":\"A\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"MARKET\","
                      "\"product\":\"CNC\",\"validity\":\"DAY\",\"quantity\":1}");
        floor_restart(&f);
        ck_assert_str_eq(floor_place(&f, "BUY 1 NSE:SBIN CNC MARKET"), "26112300000003");
        floor_close(&f);
}
END_TEST

/* paper:two was taken out of the configuration: its rows are left alone, its numbers stay taken. */
START_TEST(an_account_that_is_gone)
{
        struct floor f;
        floor_open(&f, &live);
        floor_call(&f, "GET", "funds", NULL);
        ck_assert_int_eq(
                paper_restore(f.paper, "paper:gone", "order", "26112300000009", "1|anything", 10),
                0);
        f.paper->ready = false;
        ck_assert_str_eq(floor_place(&f, "BUY 1 NSE:SBIN CNC MARKET"), "26112300000010");
        floor_close(&f);
}
END_TEST

START_TEST(an_instrument_that_is_gone)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 10 NSE:SBIN CNC MARKET");
        floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 792.00");
        char *symbol = floor_instrument("NSE:SBIN")->symbol;
        symbol[0] = 'X';
        floor_restart(&f);
        floor_call(&f, "GET", "positions", NULL);
        floor_pick(&f, "positions", 0);
        ck_assert_str_eq(floor_text(&f, "last_price"), "0.00");
        ck_assert_int_eq(floor_funds(&f, "unrealised_pnl"), 0);
        floor_cancel(&f, "26112300000002");
        ck_assert_int_eq(f.status, 200);
        clock_fake_advance(86400 * USEC_PER_SEC);
        floor_call(&f, "GET", "holdings", NULL);
        ck_assert_uint_eq(floor_count(&f, "holdings"), 1);
        symbol[0] = 'N';
        floor_close(&f);
}
END_TEST

/* What the market showed at this very tick stays taken. */
START_TEST(taken_sizes_survive)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET IOC");
        ck_assert_int_gt(floor_int(&f, "filled_quantity"), 0);
        floor_restart(&f);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET IOC");
        ck_assert_int_eq(floor_int(&f, "filled_quantity"), 0);
        clock_fake_advance(MARKET_TICK_US);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET IOC");
        ck_assert_int_gt(floor_int(&f, "filled_quantity"), 0);
        floor_close(&f);
}
END_TEST

/* The opening cash is what the rows say, whatever the configuration says later. */
START_TEST(funds_are_the_ledgers)
{
        struct floor f;
        floor_open(&f, &live);
        floor_call(&f, "GET", "funds", NULL);
        f.options.funds = RUPEES(5);
        floor_restart(&f);
        ck_assert_int_eq(floor_funds(&f, "total"), RUPEES(100000000));
        floor_close(&f);
}
END_TEST

START_TEST(everything_again_when_memory_was_short)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET");
        clock_fake_advance(60 * USEC_PER_SEC);
        floor_place(&f, "SELL 1 NSE:IDEA INTRADAY LIMIT 14.50");
        unsigned rows = f.n_rows;
        f.paper->rewrite =
                true; /* as a rider that failed leaves it when even the list cannot grow */
        floor_call(&f, "GET", "profile", NULL);
        ck_assert_uint_ge(f.last_rider, rows);
        ck_assert_uint_eq(f.n_rows, rows);
        floor_call(&f, "GET", "profile", NULL);
        ck_assert_uint_eq(f.last_rider, 0);
        floor_close(&f);
}
END_TEST

SUITE("paper restore", unreadable_rows_are_refused, cut_rows_do_no_harm,
      what_was_not_stored_rides_again, time_priority_survives, numbers_go_on,
      an_account_that_is_gone, an_instrument_that_is_gone, taken_sizes_survive,
      funds_are_the_ledgers, everything_again_when_memory_was_short)
