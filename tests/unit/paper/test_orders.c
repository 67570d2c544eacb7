#include "floor.h"

#include <stdio.h>
#include <string.h>

static const struct floor_options still = {.funds = RUPEES(1000000), .seed = 7};
static const struct floor_options live = {.funds = RUPEES(100000000), .seed = 7, .live = true};

static void check_order(struct floor *f, const char *id, const char *status, int64_t filled,
                        const char *average)
{
        floor_order(f, id);
        ck_assert_str_eq(floor_text(f, "status"), status);
        ck_assert_int_eq(floor_int(f, "filled_quantity"), filled);
        ck_assert_str_eq(floor_text(f, "average_price"), average);
}

START_TEST(market_order_fills_at_once)
{
        struct floor f;
        floor_open(&f, &still);
        const char *id = floor_place(&f, "BUY 10 NSE:SBIN CNC MARKET");
        ck_assert_str_eq(id, "26112300000001");
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        ck_assert_int_eq(floor_int(&f, "filled_quantity"), 10);
        ck_assert_str_eq(floor_text(&f, "average_price"), "800.00");
        ck_assert_uint_eq(f.last_rider, 4); /* order, position, and the accounts' first rows */
        floor_place(&f, "BUY 10 NSE:SBIN CNC MARKET");
        ck_assert_uint_eq(f.last_rider, 2);
        floor_call(&f, "GET", "trades", NULL);
        ck_assert_uint_eq(floor_count(&f, "trades"), 2);
        floor_pick(&f, "trades", 0);
        ck_assert_str_eq(floor_text(&f, "order_id"), id);
        ck_assert_str_eq(floor_text(&f, "tag"), "T1");
        ck_assert_int_eq(floor_int(&f, "quantity"), 10);
        ck_assert_int_eq(floor_int(&f, "at"), clock_wall_us());
        floor_close(&f);
}
END_TEST

START_TEST(limit_away_from_the_market_rests)
{
        struct floor f;
        floor_open(&f, &still);
        const char *id = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        ck_assert_str_eq(floor_text(&f, "status"), "OPEN");
        clock_fake_advance(3600 * USEC_PER_SEC);
        check_order(&f, id, "OPEN", 0, "0.00");
        ck_assert_str_eq(floor_text(&f, "price"), "790.00");
        floor_cancel(&f, id);
        ck_assert_str_eq(floor_text(&f, "status"), "CANCELLED");
        ck_assert_uint_eq(f.last_rider, 1);
        floor_cancel(&f, id);
        ck_assert_int_eq(f.status, 409);
        ck_assert_str_eq(floor_code(&f), "ORDER_NOT_OPEN");
        floor_close(&f);
}
END_TEST

START_TEST(limit_trades_at_the_market_price)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 812.50");
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        ck_assert_str_eq(floor_text(&f, "average_price"), "800.00");
        floor_close(&f);
}
END_TEST

START_TEST(ioc_cancels_what_it_cannot_trade)
{
        struct floor f;
        floor_open(&f, &still);
        const char *id = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00 - IOC");
        ck_assert_str_eq(floor_text(&f, "status"), "CANCELLED");
        check_order(&f, id, "CANCELLED", 0, "0.00");
        ck_assert_int_eq(floor_funds(&f, "used"), 0);
        floor_close(&f);
}
END_TEST

START_TEST(duplicate_tag_is_refused)
{
        struct floor f;
        floor_open(&f, &still);
        const char *body = "{\"tag\":\"SAME\",\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\","
                           "\"type\":\"MARKET\",\"product\":\"CNC\",\"validity\":\"DAY\","
                           "\"quantity\":1}";
        floor_call(&f, "POST", "orders", body);
        ck_assert_int_eq(f.status, 200);
        floor_call(&f, "POST", "orders", body);
        ck_assert_int_eq(f.status, 409);
        ck_assert_str_eq(floor_code(&f), "DUPLICATE_TAG");
        floor_call_as(&f, "paper:two", "POST", "orders", body); /* books are separate */
        ck_assert_int_eq(f.status, 200);
        ck_assert_str_eq(floor_text(&f, "order_id"), "26112300000002");
        floor_call(&f, "GET", "orders", NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 1);
        floor_restart(&f);
        floor_call(&f, "POST", "orders", body);
        ck_assert_str_eq(floor_code(&f), "DUPLICATE_TAG");
        floor_close(&f);
}
END_TEST

START_TEST(refused_orders_leave_nothing)
{
        struct floor f;
        floor_open(&f, &still);
        floor_call(&f, "GET", "funds", NULL);
        unsigned rows = f.n_rows;
        ck_assert_str_eq(floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 800.01"), "");
        ck_assert_uint_eq(f.last_rider, 0);
        ck_assert_uint_eq(f.n_rows, rows);
        floor_call(&f, "GET", "orders", NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 0);
        ck_assert_str_eq(floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 800.00"), "26112300000001");
        floor_close(&f);
}
END_TEST

START_TEST(big_order_fills_in_parts)
{
        struct floor f;
        floor_open(&f, &live);
        const char *id = floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET");
        ck_assert_str_eq(floor_text(&f, "status"), "PARTIALLY_FILLED");
        int64_t before = floor_int(&f, "filled_quantity");
        ck_assert_int_gt(before, 0);
        floor_order(&f, id); /* the same market tick: what was shown is gone */
        ck_assert_int_eq(floor_int(&f, "filled_quantity"), before);
        clock_fake_advance(MARKET_TICK_US);
        floor_order(&f, id);
        ck_assert_int_gt(floor_int(&f, "filled_quantity"), before);
        clock_fake_advance(600 * USEC_PER_SEC);
        floor_order(&f, id);
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        int64_t average = floor_money(&f, "average_price");

        floor_call(&f, "GET", "trades", NULL);
        unsigned n = floor_count(&f, "trades");
        ck_assert_uint_gt(n, 2);
        int64_t quantity = 0, value = 0;
        for (unsigned i = 0; i < n; i++) {
                floor_call(&f, "GET", "trades", NULL);
                floor_pick(&f, "trades", i);
                quantity += floor_int(&f, "quantity");
                value += floor_int(&f, "quantity") * floor_money(&f, "price");
        }
        ck_assert_int_eq(quantity, 60000);
        ck_assert_int_eq(average, decimal_muldiv(value, 1, quantity));
        floor_close(&f);
}
END_TEST

START_TEST(ioc_takes_what_is_shown)
{
        struct floor f;
        floor_open(&f, &live);
        floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET IOC");
        ck_assert_str_eq(floor_text(&f, "status"), "CANCELLED");
        ck_assert_int_gt(floor_int(&f, "filled_quantity"), 0);
        ck_assert_int_lt(floor_int(&f, "filled_quantity"), 60000);
        floor_close(&f);
}
END_TEST

/* Without their numbers: those of different instruments are given in the order of discovery. */
static struct text trades_of(struct floor *f, const char *symbol)
{
        struct text t = TEXT_NULL;
        struct json_object *list;
        floor_call(f, "GET", "trades", NULL);
        ck_assert(json_object_object_get_ex(f->reply, "trades", &list));
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct json_object *o = json_object_array_get_idx(list, i);
                const char *s, *order, *price;
                int64_t quantity, at;
                json_get_string(o, "symbol", &s);
                json_get_string(o, "order_id", &order);
                json_get_string(o, "price", &price);
                json_get_int(o, "quantity", 0, INT64_MAX, &quantity);
                json_get_int(o, "at", 0, INT64_MAX, &at);
                if (!strcmp(s, symbol))
                        text_addf(&t, "%s %s %lld %lld\n", order, price, (long long)quantity,
                                  (long long)at);
        }
        return t;
}

/* The result does not depend on how often anybody looks. */
START_TEST(matching_is_independent_of_requests)
{
        struct floor seldom, often;
        floor_open(&seldom, &live);
        floor_open(&often, &live);
        struct floor *both[] = {&seldom, &often};
        for (unsigned i = 0; i < 2; i++) {
                floor_place(both[i], "BUY 30000 NSE:SBIN CNC LIMIT 797.00");
                floor_place(both[i], "SELL 9000 NSE:IDEA INTRADAY LIMIT 13.95");
                floor_place(both[i], "SELL 65 NFO:NIFTY29DEC26FUT MARGIN STOP - 24350.00");
                floor_place(both[i],
                            "BUY 650 NFO:NIFTY29DEC26FUT MARGIN STOP_LIMIT 24480.00 24460.00");
        }
        for (unsigned i = 0; i < 6 * 3600; i++) {
                clock_fake_advance(USEC_PER_SEC);
                floor_call(&often, "GET", "funds", NULL);
        }
        const char *symbols[] = {"NSE:SBIN", "NSE:IDEA", "NFO:NIFTY29DEC26FUT"};
        for (unsigned i = 0; i < ELEMENTS(symbols); i++) {
                struct text a = trades_of(&seldom, symbols[i]), b = trades_of(&often, symbols[i]);
                ck_assert_uint_gt(a.len, 0);
                ck_assert(!strcmp(text_str(&a), text_str(&b)));
                text_done(&a);
                text_done(&b);
        }
        floor_close(&seldom);
        floor_close(&often);
}
END_TEST

START_TEST(better_price_and_earlier_time_go_first)
{
        struct floor f;
        floor_open(&f, &live);
        struct market m =
                market_of(floor_instrument("NSE:SBIN"), market_seed(7, "NSE:SBIN"), false);
        int64_t tick = clock_wall_us() / MARKET_TICK_US;
        int64_t start = market_last(&m, tick);
        int64_t fall = market_next(&m, tick, tick + 1000000, start - RUPEES(1), INT64_MAX);
        char words[96], price[DECIMAL_TEXT_SIZE];
        snprintf(words, sizeof(words), "BUY 40000 NSE:SBIN CNC LIMIT %s",
                 decimal_print(start - RUPEES(1) + 500, price));
        const char *first = floor_place(&f, words), *second = floor_place(&f, words);
        snprintf(words, sizeof(words), "BUY 40000 NSE:SBIN CNC LIMIT %s",
                 decimal_print(start - RUPEES(1) + 1000, price));
        const char *better = floor_place(&f, words);
        ck_assert_str_eq(floor_text(&f, "status"), "OPEN");
        int64_t filled[3];
        clock_fake(fall * MARKET_TICK_US + 2 * MARKET_TICK_US, 0);
        const char *ids[] = {better, first, second};
        for (unsigned i = 0; i < 3; i++) {
                floor_order(&f, ids[i]);
                filled[i] = floor_int(&f, "filled_quantity");
        }
        ck_assert_int_gt(filled[0], 0);
        ck_assert(filled[0] == 40000 || filled[1] == 0);
        ck_assert(filled[1] == 40000 || filled[2] == 0);
        floor_close(&f);
}
END_TEST

START_TEST(stop_fires_and_fills)
{
        struct floor f;
        floor_open(&f, &live);
        struct market m =
                market_of(floor_instrument("NSE:SBIN"), market_seed(7, "NSE:SBIN"), false);
        int64_t tick = clock_wall_us() / MARKET_TICK_US;
        int64_t trigger = market_last(&m, tick) + RUPEES(2);
        int64_t reached = market_next(&m, tick, tick + 1000000, 0, trigger - 1);
        char words[96], price[DECIMAL_TEXT_SIZE];
        snprintf(words, sizeof(words), "BUY 5 NSE:SBIN INTRADAY STOP - %s",
                 decimal_print(trigger, price));
        const char *id = floor_place(&f, words);
        ck_assert_str_eq(floor_text(&f, "status"), "TRIGGER_PENDING");
        clock_fake((reached - 1) * MARKET_TICK_US, 0);
        check_order(&f, id, "TRIGGER_PENDING", 0, "0.00");
        clock_fake(reached * MARKET_TICK_US, 0);
        floor_order(&f, id);
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        ck_assert_str_eq(floor_text(&f, "type"), "STOP");
        ck_assert_int_ge(floor_money(&f, "average_price"), trigger);
        floor_close(&f);
}
END_TEST

START_TEST(stop_that_would_meet_its_own_order_is_rejected)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "SELL 5 NSE:SBIN INTRADAY LIMIT 805.00");
        const char *id = floor_place(&f, "BUY 5 NSE:SBIN INTRADAY STOP_LIMIT 806.00 804.00");
        ck_assert_str_eq(floor_text(&f, "status"), "TRIGGER_PENDING");
        floor_instrument("NSE:SBIN")->previous_close = RUPEES(804);
        clock_fake_advance(USEC_PER_SEC);
        check_order(&f, id, "REJECTED", 0, "0.00");
        ck_assert_ptr_nonnull(strstr(floor_text(&f, "message"), "self trade"));
        floor_restart(&f);
        floor_order(&f, id);
        ck_assert_ptr_nonnull(strstr(floor_text(&f, "message"), "self trade"));
        floor_instrument("NSE:SBIN")->previous_close = RUPEES(800);
        floor_close(&f);
}
END_TEST

START_TEST(self_trade_is_refused)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "SELL 5 NSE:SBIN INTRADAY LIMIT 805.00");
        floor_place(&f, "BUY 5 NSE:SBIN INTRADAY LIMIT 805.00");
        ck_assert_str_eq(floor_code(&f), "SELF_TRADE");
        floor_place(&f, "BUY 5 NSE:SBIN INTRADAY LIMIT 804.95");
        ck_assert_int_eq(f.status, 200);
        floor_close(&f);
}
END_TEST

static void modify(struct floor *f, const char *id, const char *body)
{
        char what[64];
        snprintf(what, sizeof(what), "orders/%s", id);
        floor_call(f, "PUT", what, body);
}

START_TEST(modify_changes_and_trades)
{
        struct floor f;
        floor_open(&f, &still);
        const char *id = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        ck_assert_int_eq(floor_funds(&f, "used"), RUPEES(7900));
        modify(&f, id, "{\"quantity\":20,\"price\":\"780.00\"}");
        ck_assert_int_eq(f.status, 200);
        ck_assert_int_eq(floor_funds(&f, "used"), RUPEES(15600));
        modify(&f, id, "{\"price\":\"780.01\"}");
        ck_assert_str_eq(floor_code(&f), "TICK_SIZE");
        modify(&f, id, "{\"quantity\":2000}");
        ck_assert_str_eq(floor_code(&f), "INSUFFICIENT_FUNDS");
        modify(&f, id, "{\"type\":\"STOP\",\"trigger_price\":\"810.00\"}");
        ck_assert_str_eq(floor_code(&f), "MODIFY");
        modify(&f, id, "{\"colour\":\"red\"}");
        ck_assert_int_eq(f.status, 400);
        check_order(&f, id, "OPEN", 0, "0.00");
        ck_assert_int_eq(floor_int(&f, "quantity"), 20);
        modify(&f, id, "{\"type\":\"MARKET\"}");
        ck_assert_str_eq(floor_text(&f, "status"), "FILLED");
        modify(&f, id, "{\"quantity\":30}");
        ck_assert_str_eq(floor_code(&f), "ORDER_NOT_OPEN");
        modify(&f, "26112399999999", "{\"quantity\":30}");
        ck_assert_str_eq(floor_code(&f), "ORDER_NOT_FOUND");
        floor_close(&f);
}
END_TEST

START_TEST(modify_below_what_is_filled_is_refused)
{
        struct floor f;
        char body[64];
        floor_open(&f, &live);
        const char *id = floor_place(&f, "BUY 60000 NSE:SBIN CNC MARKET");
        int64_t filled = floor_int(&f, "filled_quantity");
        snprintf(body, sizeof(body), "{\"quantity\":%lld}", (long long)filled);
        modify(&f, id, body);
        ck_assert_str_eq(floor_code(&f), "MODIFY");
        modify(&f, id, "{\"validity\":\"IOC\"}");
        ck_assert_str_eq(floor_text(&f, "status"), "CANCELLED");
        ck_assert_int_eq(floor_int(&f, "filled_quantity"), filled);
        floor_close(&f);
}
END_TEST

static void check_queue(struct floor *f, const char *const ids[static 3])
{
        const struct queue *q = &account_find(f->paper, "paper:one")->books->queues[QUEUE_BUYS];
        ck_assert_uint_eq(q->n, 3);
        for (unsigned i = 0; i < 3; i++) {
                char id[ID_TEXT_SIZE];
                ck_assert_str_eq(id_print(q->items[q->first + i]->order->id, id), ids[i]);
        }
}

START_TEST(changes_and_time_priority)
{
        struct floor f;
        floor_open(&f, &still);
        const char *a = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        const char *b = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        const char *c = floor_place(&f, "BUY 10 NSE:SBIN CNC LIMIT 790.00");
        check_queue(&f, (const char *[]){a, b, c});
        modify(&f, a, "{\"quantity\":5}"); /* less keeps its time */
        check_queue(&f, (const char *[]){a, b, c});
        modify(&f, a, "{\"quantity\":6}"); /* more loses it */
        check_queue(&f, (const char *[]){b, c, a});
        modify(&f, b, "{\"price\":\"791.00\"}");
        check_queue(&f, (const char *[]){b, c, a});
        modify(&f, b, "{\"price\":\"790.00\"}");
        check_queue(&f, (const char *[]){c, a, b});
        modify(&f, c, "{\"price\":\"789.00\"}");
        check_queue(&f, (const char *[]){a, b, c});
        floor_restart(&f);
        floor_call(&f, "GET", "funds", NULL);
        check_queue(&f, (const char *[]){a, b, c});
        floor_close(&f);
}
END_TEST

START_TEST(stop_becomes_a_limit)
{
        struct floor f;
        floor_open(&f, &still);
        const char *id = floor_place(&f, "BUY 10 NSE:SBIN CNC STOP_LIMIT 812.00 810.00");
        modify(&f, id, "{\"trigger_price\":\"790.00\"}");
        ck_assert_str_eq(floor_code(&f), "TRIGGER_PRICE");
        modify(&f, id, "{\"trigger_price\":\"811.00\"}");
        ck_assert_str_eq(floor_text(&f, "status"), "TRIGGER_PENDING");
        modify(&f, id, "{\"type\":\"LIMIT\",\"price\":\"799.00\"}");
        ck_assert_str_eq(floor_text(&f, "status"), "OPEN");
        check_order(&f, id, "OPEN", 0, "0.00");
        ck_assert_str_eq(floor_text(&f, "trigger_price"), "0.00");
        floor_close(&f);
}
END_TEST

START_TEST(since_gives_what_changed)
{
        struct floor f;
        char what[64];
        floor_open(&f, &still);
        const char *first = floor_place(&f, "BUY 1 NSE:SBIN CNC LIMIT 790.00");
        floor_place(&f, "BUY 1 NSE:SBIN CNC LIMIT 789.00");
        clock_fake_advance(USEC_PER_SEC);
        snprintf(what, sizeof(what), "orders?since=%lld", (long long)clock_wall_us());
        floor_call(&f, "GET", what, NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 0);
        floor_cancel(&f, first);
        floor_call(&f, "GET", what, NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 1);
        floor_pick(&f, "orders", 0);
        ck_assert_str_eq(floor_text(&f, "order_id"), first);
        floor_call(&f, "GET", "orders?since=1", NULL);
        ck_assert_uint_eq(floor_count(&f, "orders"), 2);
        floor_call(&f, "GET", "orders?since=x", NULL);
        ck_assert_int_eq(f.status, 400);
        floor_close(&f);
}
END_TEST

START_TEST(quotes_and_profile)
{
        struct floor f;
        floor_open(&f, &live);
        floor_call(&f, "GET", "quotes?symbols=NSE%3AM%26M,NSE%3ANOPE,NSE:NIFTY%2050,NSE:NEW", NULL);
        ck_assert_uint_eq(floor_count(&f, "quotes"), 3);
        floor_pick(&f, "quotes", 0);
        ck_assert_str_eq(floor_text(&f, "symbol"), "NSE:M&M");
        ck_assert_int_le(floor_money(&f, "bid"), floor_money(&f, "last"));
        ck_assert_int_gt(floor_money(&f, "ask"), floor_money(&f, "bid"));
        ck_assert_int_le(floor_money(&f, "low"), floor_money(&f, "last"));
        ck_assert_int_ge(floor_money(&f, "high"), floor_money(&f, "last"));
        ck_assert_str_eq(floor_text(&f, "close"), "3410.00");
        ck_assert_str_eq(floor_text(&f, "upper_circuit"), "3751.00");
        ck_assert_str_eq(floor_text(&f, "lower_circuit"), "3069.00");
        floor_call(&f, "GET", "quotes", NULL);
        ck_assert_int_eq(f.status, 400);
        floor_call(&f, "GET", "quotes?symbols=NSE%3", NULL);
        ck_assert_int_eq(f.status, 400);
        floor_call(&f, "GET", "profile", NULL);
        ck_assert_str_eq(floor_text(&f, "account"), "paper:one");
        floor_close(&f);
}
END_TEST

/* The clock was set back: a past that was shown is not unmade. */
START_TEST(time_does_not_go_back)
{
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 1 NSE:SBIN CNC LIMIT 790.00");
        int64_t at = clock_wall_us();
        clock_fake(at - 86400 * 3 * USEC_PER_SEC, 0);
        const char *id = floor_place(&f, "BUY 1 NSE:SBIN CNC LIMIT 790.00");
        ck_assert_str_eq(id, "26112300000002");
        floor_order(&f, id);
        ck_assert_int_eq(floor_int(&f, "placed_at"), at);
        floor_restart(&f);
        id = floor_place(&f, "BUY 1 NSE:SBIN CNC LIMIT 790.00");
        ck_assert_str_eq(id, "26112300000003");
        floor_close(&f);
}
END_TEST

START_TEST(paths_and_methods)
{
        static const struct {
                const char *method, *what;
                int status;
        } cases[] = {
                {"GET", "nothing", 404},    {"GET", "orders/", 404},
                {"GET", "orders/1", 404},   {"GET", "orders/26112300000001/x", 404},
                {"POST", "funds", 405},     {"DELETE", "orders", 405},
                {"PATCH", "orders", 405},   {"GET", "funds/1", 404},
                {"GET", "orders/%00", 404}, {"GET", "orders/9999999999999999999999", 404},
                {"POST", "orders", 400},
        };
        struct floor f;
        floor_open(&f, &still);
        floor_place(&f, "BUY 1 NSE:SBIN CNC MARKET");
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                floor_call(&f, cases[i].method, cases[i].what, NULL);
                ck_assert_msg(f.status == cases[i].status, "%s %s: %d", cases[i].method,
                              cases[i].what, f.status);
        }
        floor_call(&f, "POST", "orders/26112300000001", NULL);
        ck_assert_int_eq(f.status, 405);
        floor_call_as(&f, "paper:nobody", "GET", "funds", NULL);
        ck_assert_str_eq(floor_code(&f), "UNKNOWN_ACCOUNT");
        floor_close(&f);
}
END_TEST

SUITE("paper orders", market_order_fills_at_once, limit_away_from_the_market_rests,
      limit_trades_at_the_market_price, ioc_cancels_what_it_cannot_trade, duplicate_tag_is_refused,
      refused_orders_leave_nothing, big_order_fills_in_parts, ioc_takes_what_is_shown,
      matching_is_independent_of_requests, better_price_and_earlier_time_go_first,
      stop_fires_and_fills, stop_that_would_meet_its_own_order_is_rejected, self_trade_is_refused,
      modify_changes_and_trades, modify_below_what_is_filled_is_refused, changes_and_time_priority,
      stop_becomes_a_limit, since_gives_what_changed, quotes_and_profile, time_does_not_go_back,
      paths_and_methods)
