/* What is in the book and not ours: shown, cancelled; books that are read because somebody asks. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/reconcile.h"
#include "shown_book.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static void set_flags(void)
{
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
}

static void begin(void)
{
        world_open(&(struct world_options){.blind = true, .sqlite = true});
        set_flags();
        world_pass(SECONDS(1));
}

/* Without a leg of ours the book is read because the market is open. */
static void read_book(void)
{
        world_pass(BOOK_WATCH_US);
        world_rest();
}

START_TEST(test_external)
{
        begin();
        char mine[BROKER_ORDER_ID_SIZE];
        const char *id = live(REST, "one");
        text_copy(mine, sizeof(mine), shown_leg(id, 0)->broker_order_id);
        SHOW({.id = mine}, {.id = "87", .quantity = 3},
             {.id = "88", .tag = "SOMEBODY", .status = "CANCELLED"});
        read_book();
        read_book(); /* whose the tag is has been asked */
        const struct external_book *b = &world_account(0)->external;
        ck_assert_uint_eq(b->total, 2);
        ck_assert_uint_eq(b->open, 1);
        ck_assert_int_eq(external_find(b, "87")->quantity, 3);
        ck_assert_ptr_nonnull(external_find(b, "88"));
        ck_assert_int_gt(b->as_of_us, 0);
        world_close();
}
END_TEST

/* After a restart the ledger knows which numbers are ours, without any tag. */
START_TEST(test_not_external_after_a_restart)
{
        begin();
        char mine[BROKER_ORDER_ID_SIZE];
        const char *id = live("BUY 10 NSE:SBIN CNC MARKET", "one");
        text_copy(mine, sizeof(mine), shown_leg(id, 0)->broker_order_id);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_sleep();
        world_boot();
        set_flags();
        SHOW({.id = mine, .filled = 10, .status = "FILLED"}, {.id = "89"});
        orchestrator_start(world.o);
        world_rest();
        read_book();
        ck_assert_uint_eq(world_account(0)->external.total, 1);
        ck_assert_ptr_nonnull(sighting_order_id(&world_account(0)->sightings, mine));
        world_close();
}
END_TEST

/* A leg whose number is not known yet could be this one. */
START_TEST(test_not_external_while_one_is_looked_for)
{
        begin();
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        (void)place_begin(REST, "one", NULL);
        world_rest();
        SHOW({.id = "90"});
        read_book();
        ck_assert_uint_eq(world_account(0)->external.total, 0);
        wire_release(world.wires[0], FATE_NOT_SENT);
        world_rest();
        read_book();
        ck_assert_uint_eq(world_account(0)->external.total, 1);
        world_close();
}
END_TEST

START_TEST(test_external_is_bounded)
{
        struct external_book b = {};
        struct book_order row = {.status = ORDER_STATUS_CANCELLED};
        external_begin(&b, 1);
        for (unsigned i = 0; i < EXTERNAL_MAX + 10; i++) {
                snprintf(row.broker_order_id, sizeof(row.broker_order_id), "n%u", i);
                row.placed_us = i;
                external_add(&b, &row);
        }
        ck_assert_uint_eq(b.n, EXTERNAL_MAX);
        ck_assert_uint_eq(b.total, EXTERNAL_MAX + 10);
        ck_assert_ptr_null(external_find(&b, "n0"));
        text_copy(row.broker_order_id, sizeof(row.broker_order_id), "open");
        row.status = ORDER_STATUS_OPEN;
        row.placed_us = 0;
        external_add(&b, &row);
        ck_assert_ptr_nonnull(external_find(&b, "open"));
        ck_assert_uint_eq(b.open, 1);
        external_begin(&b, 2);
        ck_assert_uint_eq(b.total, 0);
        external_done(&b);
}
END_TEST

static bool cancelled;

static void on_cancelled(struct external_cancel *c)
{
        cancelled = true;
}

START_TEST(test_external_cancel)
{
        static const struct {
                enum fate fate;
                enum outcome outcome;
        } cases[] = {{FATE_NOT_SENT, OUTCOME_NOT_SENT}, {FATE_LOST, OUTCOME_UNKNOWN}};
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                begin();
                SHOW({.id = "91"});
                read_book();
                struct external_cancel c = {
                        .account = world_account(0),
                        .row = *external_find(&world_account(0)->external, "91"),
                        .actor = "tester",
                        .correlation_id = "c-1",
                        .done = on_cancelled};
                cancelled = false;
                wire_script(world.wires[0], BROKER_CANCEL, 1, 1, cases[i].fate);
                unsigned reads = wire_calls(world.wires[0], BROKER_BOOK);
                external_cancel(&c);
                world_until(&cancelled);
                ck_assert_int_eq(c.outcome, cases[i].outcome);
                world_rest();
                ck_assert_uint_gt(wire_calls(world.wires[0], BROKER_BOOK), reads);
                ck_assert_int_eq(audit_count(AUDIT_EXTERNAL_CANCEL), 1);
                ck_assert_int_eq(audit_count(AUDIT_EXTERNAL_ANSWERED), 1);
                ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_EXTERNAL_ANSWERED), "\"91\""));
                world_close();
        }
}
END_TEST

/* --- shown and cancelled by its id --- */

static char listed[1024];
static bool listing_over;

static void on_listed(struct orders_query *q)
{
        listed[0] = '\0';
        for (unsigned i = 0; i < q->n_external; i++)
                snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s=%s ",
                         q->external[i].account->id, q->external[i].row->broker_order_id);
        listing_over = true;
}

static const char *list(struct orders_query q)
{
        q.caller = nobody_special;
        q.limit = 100;
        q.done = on_listed;
        listing_over = false;
        query_orders(world.o, &q);
        world_until(&listing_over);
        return listed;
}

START_TEST(test_listed)
{
        static const char *const one[] = {"paper:one", NULL}, *const two[] = {"paper:two", NULL};
        begin();
        SHOW({.id = "93"}, {.id = "94", .symbol = "NSE:IDEA", .status = "CANCELLED"},
             {.id = "95", .placed_us = clock_wall_us() - SECONDS(3600)});
        read_book();
        ck_assert_str_eq(list((struct orders_query){.status = -1}),
                         "paper:one=93 paper:one=94 paper:one=95 ");
        ck_assert_str_eq(list((struct orders_query){.status = -1, .accounts = one}),
                         "paper:one=93 paper:one=94 paper:one=95 ");
        ck_assert_str_eq(list((struct orders_query){.status = -1, .accounts = two}), "");
        ck_assert_str_eq(list((struct orders_query){.status = ORDER_STATUS_OPEN}),
                         "paper:one=93 paper:one=95 ");
        ck_assert_str_eq(list((struct orders_query){.status = -1, .symbol = "NSE:IDEA"}),
                         "paper:one=94 ");
        ck_assert_str_eq(list((struct orders_query){.status = -1,
                                                    .since_us = clock_wall_us() - SECONDS(60)}),
                         "paper:one=93 paper:one=94 ");
        ck_assert_str_eq(list((struct orders_query){.status = -1,
                                                    .before_id = "01KAR8Z6J20000000000000000"}),
                         "");
        world_close();
}
END_TEST

START_TEST(test_cancelled_by_id)
{
        begin();
        SHOW({.id = "96"}, {.id = "97", .status = "FILLED", .filled = 10});
        read_book();
        wire_say(world.wires[0], BROKER_CANCEL, 200,
                 "{\"order_id\":\"96\",\"status\":\"CANCELLED\",\"filled_quantity\":0,"
                 "\"average_price\":\"0\"}");
        struct amended *m = cancel("external:paper:one:96");
        ck_assert_int_eq(m->answer.status, 200);
        ck_assert_ptr_nonnull(strstr(m->body, "paper:one accepted"));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 1);
        wire_say(world.wires[0], BROKER_CANCEL, 200, NULL);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_LOST);
        ck_assert_int_eq(cancel("external:paper:one:96")->answer.status, 202);
        ck_assert_int_eq(cancel("external:paper:one:97")->answer.problem, PROBLEM_ORDER_NOT_OPEN);
        static const char *const unknown[] = {"external:paper:one:98",
                                              "external:paper:two:96",
                                              "external:paper:nobody:96",
                                              "external:paper:one",
                                              "external:",
                                              "external:paper:one:"};
        for (unsigned i = 0; i < ELEMENTS(unknown); i++)
                ck_assert_int_eq(cancel(unknown[i])->answer.problem, PROBLEM_ORDER_NOT_FOUND);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 2);
        world_close();
}
END_TEST

/* --- on demand --- */

static struct reconcile_result results[WORLD_ACCOUNTS];
static unsigned n_results;
static bool reconciled;

static void on_reconciled(struct reconcile_request *r)
{
        n_results = r->n_results;
        memcpy(results, r->results, n_results * sizeof(*results));
        reconciled = true;
}

static struct reconcile_request reading;

static void reconcile_begin(const char *const *accounts)
{
        reading = (struct reconcile_request){
                .caller = nobody_special, .accounts = accounts, .done = on_reconciled};
        reconciled = false;
        reconcile_books(world.o, &reading);
        ck_assert(!reconciled);
}

static void reconcile(const char *const *accounts)
{
        reconcile_begin(accounts);
        world_until(&reconciled);
}

static const char *const one[] = {"paper:one", NULL};

START_TEST(test_on_demand)
{
        begin();
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place(REST, "one", NULL);
        char tag[TAG_SIZE];
        text_copy(tag, sizeof(tag), shown_leg(p->answer.order_id, 0)->tag);
        show_book(NULL, 0);
        unsigned reads = wire_calls(world.wires[0], BROKER_BOOK);
        reconcile(one);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_BOOK), reads + 1);
        ck_assert_uint_eq(n_results, 1);
        ck_assert_int_eq(results[0].problem, PROBLEM_NONE);
        ck_assert_int_eq(results[0].as_of_us, clock_wall_us());
        ck_assert_uint_eq(results[0].unresolved, 1);
        SHOW({.id = "11", .tag = tag}, {.id = "12"});
        reconcile(NULL);
        ck_assert_uint_eq(n_results, 3);
        ck_assert_uint_eq(results[0].adopted, 1);
        ck_assert_uint_eq(results[0].unresolved, 0);
        /* Until it was adopted the other one could have been it. */
        reconcile(one);
        ck_assert_uint_eq(results[0].external, 1);
        ck_assert_uint_eq(results[0].updated, 0);
        SHOW({.id = "11", .tag = tag, .filled = 10, .status = "FILLED"});
        reconcile(one);
        ck_assert_uint_eq(results[0].updated, 1);
        world_close();
}
END_TEST

/* A read that has begun before says nothing about now. */
START_TEST(test_on_demand_waits_for_the_next_read)
{
        begin();
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        book_read_soon(world_account(0));
        world_rest();
        ck_assert_uint_eq(wire_held(world.wires[0]), 1);
        clock_fake_advance(SECONDS(1));
        reconcile_begin(one);
        world_rest();
        ck_assert(!reconciled);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&reconciled);
        ck_assert_int_eq(results[0].as_of_us, clock_wall_us());
        world_close();
}
END_TEST

START_TEST(test_on_demand_fails)
{
        begin();
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_LOST);
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:two"), PROBLEM_NONE);
        reconcile(NULL);
        ck_assert_int_eq(results[0].problem, PROBLEM_BROKER_UNREACHABLE);
        ck_assert_int_eq(results[0].as_of_us, 0);
        ck_assert_int_eq(results[1].problem, PROBLEM_SESSION_REQUIRED);
        ck_assert_int_eq(results[2].problem, PROBLEM_NONE);
        world_close();
}
END_TEST

/* --- without being asked --- */

START_TEST(test_watched_while_the_market_is_open)
{
        begin();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        read_book();
        for (unsigned i = 0; i < 3; i++) {
                unsigned reads = wire_calls(world.wires[0], BROKER_BOOK);
                world_pass(BOOK_WATCH_US - SECONDS(1));
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_BOOK), reads);
                world_pass(SECONDS(1));
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_BOOK), reads + 1);
        }
        ck_assert_ptr_null(progress_busy(world.o));
        /* At night nobody trades. 10:00 it was. */
        clock_fake_advance(SECONDS(15 * 3600));
        world_pass(1);
        unsigned reads = wire_calls(world.wires[0], BROKER_BOOK);
        world_pass(SECONDS(600));
        ck_assert_uint_le(wire_calls(world.wires[0], BROKER_BOOK), reads);
        /* An exchange of our own needs no watching. */
        world.broker.flags |= BROKER_LOCAL;
        clock_fake_advance(SECONDS(14 * 3600));
        world_pass(SECONDS(600));
        ck_assert_uint_le(wire_calls(world.wires[0], BROKER_BOOK), reads);
        world_close();
}
END_TEST

/* --- trades --- */

static char trade_orders[256];
static bool trades_over;

static void on_trades(struct account_query *q)
{
        trade_orders[0] = '\0';
        for (unsigned i = 0; i < q->results[0].n_trades; i++)
                snprintf(trade_orders + strlen(trade_orders),
                         sizeof(trade_orders) - strlen(trade_orders), "%s;",
                         q->results[0].trades[i].order_id);
        trades_over = true;
}

START_TEST(test_trades_name_our_orders)
{
        char expected[256];
        world_open(&(struct world_options){.sqlite = true});
        const char *id = live("BUY 10 NSE:SBIN CNC MARKET", "one");
        snprintf(expected, sizeof(expected), "%s;", id);
        for (unsigned restarted = 0; restarted < 2; restarted++) {
                struct account_query q = {.kind = QUERY_TRADES,
                                          .caller = nobody_special,
                                          .accounts = one,
                                          .done = on_trades};
                trades_over = false;
                query_accounts(world.o, &q);
                world_until(&trades_over);
                ck_assert_str_eq(trade_orders, expected);
                world_crash();
        }
        world_close();
}
END_TEST

SUITE("orchestrator/external", test_external, test_not_external_after_a_restart,
      test_not_external_while_one_is_looked_for, test_external_is_bounded, test_external_cancel,
      test_listed, test_cancelled_by_id, test_on_demand, test_on_demand_waits_for_the_next_read,
      test_on_demand_fails, test_watched_while_the_market_is_open, test_trades_name_our_orders)
