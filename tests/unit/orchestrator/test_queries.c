/* Reading, sessions, events, status: the rest of what the outside sees. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options plain = {};
static const char *const two[] = {"paper:two", NULL};
static bool done;

/* --- queries --- */

static unsigned n_orders;
static bool more;
static enum problem problem;

static void on_orders(struct orders_query *q)
{
        n_orders = q->n_orders;
        more = q->more;
        problem = q->problem;
        done = true;
}

static void list_orders(const char *const *caller, unsigned limit)
{
        struct orders_query q = {
                .caller = nobody_special, .status = -1, .limit = limit, .done = on_orders};
        q.caller.accounts = caller;
        done = false;
        query_orders(world.o, &q);
        world_until(&done);
}

START_TEST(test_orders)
{
        const struct order *o;
        world_open(&plain);
        struct placed *p = place(REST, "one two", NULL);
        (void)place(REST, "one", NULL);
        list_orders(NULL, 1);
        ck_assert_uint_eq(n_orders, 1);
        ck_assert(more);
        list_orders(two, 10);
        ck_assert_uint_eq(n_orders, 1);
        fake_store_fail(world.fake, FAKE_READ, 1, 2, STORE_UNAVAILABLE);
        list_orders(NULL, 10);
        ck_assert_int_eq(problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(shown(p->answer.order_id, &o), PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(shown("nobody", &o), PROBLEM_ORDER_NOT_FOUND);
        ck_assert_int_eq(shown("client:nobody", &o), PROBLEM_ORDER_NOT_FOUND);
        ck_assert_ptr_null(o);
        world_close();
}
END_TEST

static unsigned n_results, n_good;

static void on_accounts(struct account_query *q)
{
        n_results = q->n_results;
        n_good = 0;
        problem = PROBLEM_NONE;
        for (unsigned i = 0; i < q->n_results; i++) {
                n_good += q->results[i].problem == PROBLEM_NONE;
                if (q->results[i].problem)
                        problem = q->results[i].problem;
        }
        done = true;
        free(q);
}

static void ask(enum account_query_kind kind, const char *const *accounts,
                const char *const *caller)
{
        struct account_query *q = calloc(1, sizeof(*q));
        *q = (struct account_query){
                .kind = kind, .caller = nobody_special, .accounts = accounts, .done = on_accounts};
        q->caller.accounts = caller;
        done = false;
        query_accounts(world.o, q);
        world_until(&done);
}

START_TEST(test_accounts)
{
        world_open(&plain);
        ck_assert_int_eq(place("BUY 10 NSE:SBIN CNC MARKET", "one two", NULL)->answer.status, 201);
        for (int kind = QUERY_FUNDS; kind <= QUERY_TRADES; kind++) {
                ask((enum account_query_kind)kind, NULL, NULL);
                ck_assert_uint_eq(n_results, WORLD_ACCOUNTS);
                ck_assert_uint_eq(n_good, WORLD_ACCOUNTS);
        }
        ask(QUERY_PORTFOLIO, two, NULL);
        ck_assert_uint_eq(n_results, 1);
        static const char *const nobody[] = {NULL};
        ask(QUERY_FUNDS, NULL, nobody);
        ck_assert_uint_eq(n_results, 0);
        wire_script(world.wires[0], BROKER_HOLDINGS, 1, 1, FATE_LOST);
        ask(QUERY_PORTFOLIO, NULL, NULL);
        ck_assert_uint_eq(n_good, 2);
        ck_assert_int_eq(problem, PROBLEM_BROKER_UNREACHABLE);
        wire_say(world.wires[0], BROKER_FUNDS, 404,
                 "{\"error\":{\"code\":\"X\",\"message\":\"no\"}}");
        ask(QUERY_FUNDS, NULL, NULL);
        ck_assert_int_eq(problem, PROBLEM_BROKER_REJECTED);
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:two"), PROBLEM_NONE);
        ask(QUERY_TRADES, two, NULL);
        ck_assert_int_eq(problem, PROBLEM_SESSION_REQUIRED);
        world_close();
}
END_TEST

static struct account_result portfolio[WORLD_ACCOUNTS];

static void on_portfolio(struct account_query *q)
{
        ck_assert_uint_eq(q->n_results, WORLD_ACCOUNTS);
        memcpy(portfolio, q->results, sizeof(portfolio)); /* what they point to is not looked at */
        done = true;
}

/* All accounts are asked at once; one that hangs, and then fails, spoils no other. */
START_TEST(test_one_account_fails)
{
        struct account_query q = {
                .kind = QUERY_PORTFOLIO, .caller = nobody_special, .done = on_portfolio};
        world_open(&plain);
        unsigned served = wire_served(world.wires[2], BROKER_POSITIONS);
        wire_script(world.wires[1], BROKER_HOLDINGS, 1, 1, FATE_HELD);
        done = false;
        int64_t began_us = clock_wall_us();
        query_accounts(world.o, &q);
        world_rest();
        ck_assert(!done);
        ck_assert_uint_eq(wire_held(world.wires[1]), 1);
        ck_assert_uint_eq(wire_served(world.wires[2], BROKER_POSITIONS), served + 1);
        clock_fake_advance(SECONDS(3));
        wire_release(world.wires[1], FATE_NOT_SENT);
        world_until(&done);
        ck_assert_int_eq(portfolio[0].problem, PROBLEM_NONE);
        ck_assert_int_eq(portfolio[1].problem, PROBLEM_BROKER_UNREACHABLE);
        ck_assert_int_eq(portfolio[2].problem, PROBLEM_NONE);
        ck_assert_int_eq(portfolio[0].as_of_us, began_us);
        ck_assert_int_eq(portfolio[1].as_of_us, 0);
        /* A picture is as old as its oldest part. */
        wire_script(world.wires[1], BROKER_HOLDINGS, 1, 1, FATE_HELD);
        done = false;
        began_us = clock_wall_us();
        query_accounts(world.o, &q);
        world_rest();
        clock_fake_advance(SECONDS(3));
        wire_release(world.wires[1], FATE_SERVED);
        world_until(&done);
        ck_assert_int_eq(portfolio[1].problem, PROBLEM_NONE);
        ck_assert_int_eq(portfolio[1].as_of_us, began_us);
        world_close();
}
END_TEST

/* Orders that overtake each other: what the exchange did is stored in the order it did it. */
START_TEST(test_riders_in_order)
{
        static const char *const words[] = {"BUY 10 NSE:SBIN CNC MARKET", REST,
                                            "BUY 3 NSE:IDEA CNC LIMIT 13",
                                            "SELL 5 NSE:SBIN INTRADAY MARKET"};
        struct placed *p[16];
        int64_t available[WORLD_ACCOUNTS];
        unsigned orders[WORLD_ACCOUNTS];
        world_open(&(struct world_options){.sqlite = true});
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                world.accounts[i].self_cross_pass = true;
        wire_script(world.wires[1], BROKER_PLACE, 2, 2, FATE_REPLY_LOST);
        for (unsigned i = 0; i < ELEMENTS(p); i++) {
                p[i] = place_begin(words[i % 4], i % 2 ? "one two three" : "two three", NULL);
                if (i == 8)
                        world_until(&p[3]->done);
        }
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                world_until(&p[i]->done);
        world_pass(SECONDS(2));
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++) {
                orders[i] = exchange_orders(i);
                funds_refresh(world_account(i));
                world_rest();
                available[i] = world_account(i)->funds.funds.available;
        }
        ck_assert(list_empty(&world.o->riders));
        world_sleep();
        world_wake();
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++) {
                ck_assert_uint_eq(exchange_orders(i), orders[i]);
                ck_assert_int_eq(world_account(i)->funds.funds.available, available[i]);
        }
        /* How many pass is the ledger's thread's to say: what comes after the unknown ones are
         * known to be unknown is refused. */
        ck_assert_uint_ge(orders[1], 3);
        world_close();
}
END_TEST

/* What the exchange changed because it was asked must be durable before it is shown. */
START_TEST(test_riders_before_the_answer)
{
        world_open(&plain);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        clock_fake_advance(SECONDS(86400)); /* the day ends: orders expire in the exchange */
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ask(QUERY_FUNDS, NULL, NULL);
        ck_assert_int_eq(problem, PROBLEM_STORE_UNAVAILABLE);
        ask(QUERY_FUNDS, NULL, NULL);
        ck_assert_uint_eq(n_good, WORLD_ACCOUNTS);
        ck_assert(list_empty(&world.o->riders));
        world_close();
}
END_TEST

static void on_quotes(struct quotes_query *q)
{
        n_results = q->n_quotes;
        problem = q->problem;
        done = true;
}

static void ask_quotes(const char *account, const char *const *caller)
{
        struct quotes_query q = {.caller = nobody_special,
                                 .account = account,
                                 .symbols = {"NSE:SBIN"},
                                 .n_symbols = 1,
                                 .done = on_quotes};
        q.caller.accounts = caller;
        done = false;
        query_quotes(world.o, &q);
        world_until(&done);
}

START_TEST(test_quotes)
{
        world_open(&plain);
        ask_quotes("paper:one", NULL);
        ck_assert_int_eq(problem, PROBLEM_NONE);
        ck_assert_uint_eq(n_results, 1);
        wire_script(world.wires[1], BROKER_QUOTES, 1, 1, FATE_NOT_SENT);
        ask_quotes(NULL, two);
        ck_assert_int_eq(problem, PROBLEM_BROKER_UNREACHABLE);
        (void)session_set(SESSION_LOGOUT, "paper:two");
        ask_quotes(NULL, two);
        ck_assert_int_eq(problem, PROBLEM_SESSION_REQUIRED);
        (void)session_set(SESSION_LOGOUT, "paper:one");
        ask_quotes(NULL, NULL);
        ck_assert_int_eq(problem, PROBLEM_NONE);
        static const char *const gone[] = {"paper:gone", NULL};
        ask_quotes(NULL, gone);
        ck_assert_int_eq(problem, PROBLEM_ACCOUNT_NOT_FOUND);
        world_close();
}
END_TEST

START_TEST(test_audit_fails)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_CORRUPT);
        ck_assert_int_eq(audit_count(AUDIT_STARTED), 0);
        world_close();
}
END_TEST

/* --- sessions --- */

START_TEST(test_sessions)
{
        struct session_view v;
        world_open(&(struct world_options){.sqlite = true});
        ck_assert(!session_view(world.o, "paper:nobody", &v));
        ck_assert_int_eq(session_set(SESSION_LOGIN, "paper:one"), PROBLEM_NONE);
        ck_assert_int_eq(session_set(SESSION_LOGIN, "paper:nobody"), PROBLEM_ACCOUNT_NOT_FOUND);
        ck_assert_int_eq(session_set(SESSION_COMPLETE, "paper:one"), PROBLEM_LOGIN_NOT_PENDING);
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:one"), PROBLEM_NONE);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 424);
        world_sleep();
        world_wake();
        ck_assert(session_view(world.o, "paper:one", &v));
        ck_assert_int_eq(v.state, SESSION_STATE_NONE);
        ck_assert(!world_account(0)->ready);
        ck_assert_int_eq(session_set(SESSION_LOGIN, "paper:one"), PROBLEM_NONE);
        world_rest();
        ck_assert(world_account(0)->ready);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        session_ended(world_account(0), world_account(0)->generation);
        session_ended(world_account(0), world_account(0)->generation);
        ck_assert_int_eq(world_account(0)->session, SESSION_STATE_EXPIRED);
        ck_assert_int_eq(session_set(SESSION_LOGIN, "paper:one"), PROBLEM_NONE);
        ck_assert_int_eq(world_account(0)->session, SESSION_STATE_ACTIVE);
        world_close();
}
END_TEST

START_TEST(test_session_and_the_ledger)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:one"), PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(world_account(0)->session, SESSION_STATE_ACTIVE);
        world_close();
}
END_TEST

static void on_session(struct session_request *r)
{
        n_results++;
}

/* The last word holds, also when the one before it is still being written. */
START_TEST(test_logout_then_login)
{
        struct session_request r[2] = {
                {.verb = SESSION_LOGOUT, .caller = nobody_special, .account = "paper:one"},
                {.verb = SESSION_LOGIN, .caller = nobody_special, .account = "paper:one"},
        };
        world_open(&plain);
        n_results = 0;
        for (unsigned i = 0; i < 2; i++) {
                r[i].done = on_session;
                session_act(world.o, &r[i]);
        }
        world_rest();
        ck_assert_uint_eq(n_results, 2);
        ck_assert_int_eq(world_account(0)->session, SESSION_STATE_ACTIVE);
        world_close();
}
END_TEST

static void on_report(struct report_request *r)
{
        problem = r->problem;
        done = true;
}

START_TEST(test_report)
{
        struct report_request r = {
                .caller = nobody_special, .payload = "{\"accounts\":1}", .done = on_report};
        world_open(&plain);
        done = false;
        session_report(world.o, &r);
        world_until(&done);
        ck_assert_int_eq(problem, PROBLEM_NONE);
        ck_assert_int_eq(audit_count(AUDIT_LOGIN_REPORT), 1);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        done = false;
        session_report(world.o, &r);
        world_until(&done);
        ck_assert_int_eq(problem, PROBLEM_STORE_UNAVAILABLE);
        world_close();
}
END_TEST

/* --- events --- */

struct reader {
        struct subscription s;
        unsigned events, gaps, leave_after;
        int64_t last;
        bool in_order;
};

static void on_event(struct subscription *s, const struct event *e)
{
        struct reader *r = CONTAINER_OF(s, struct reader, s);
        ck_assert_int_gt(e->id, r->last);
        ck_assert_ptr_null(strstr(e->data, "\"prev\""));
        ck_assert_ptr_null(strstr(e->data, "\"hash\""));
        r->last = e->id;
        if (++r->events == r->leave_after)
                event_unsubscribe(world.o, s);
}

static void on_gap(struct subscription *s)
{
        CONTAINER_OF(s, struct reader, s)->gaps++;
}

static void subscribe(struct reader *r, int64_t after, const char *const *accounts)
{
        r->s = (struct subscription){
                .caller = nobody_special, .after_id = after, .event = on_event, .gap = on_gap};
        r->s.caller.accounts = accounts;
        event_subscribe(world.o, &r->s);
}

START_TEST(test_events)
{
        struct reader all = {}, some = {}, late = {}, leaver = {.leave_after = 1};
        world_open(&plain);
        subscribe(&all, -1, NULL);
        subscribe(&some, -1, two);
        subscribe(&leaver, -1, NULL);
        (void)place(REST, "one", NULL);
        (void)place(REST, "two", NULL);
        (void)place("BUY 1 NSE:NOBODY CNC LIMIT 1", "one", NULL);
        kill_set(KILL_LEVEL_HALT, "global", false);
        (void)session_set(SESSION_LOGOUT, "paper:one");
        ck_assert_uint_eq(all.events, 7);
        ck_assert_uint_eq(some.events, 2);
        ck_assert_uint_eq(leaver.events, 1);
        subscribe(&late, 0, NULL);
        kill_set(KILL_LEVEL_NONE, "global", true);
        world_rest();
        ck_assert_uint_eq(late.events, 8);
        ck_assert_uint_eq(late.gaps, 0);
        ck_assert_int_eq(late.last, all.last);
        ck_assert(!late.s.catching_up);
        event_unsubscribe(world.o, &all.s);
        event_unsubscribe(world.o, &some.s);
        event_unsubscribe(world.o, &late.s);
        ck_assert(list_empty(&world.o->subscriptions));
        world_close();
}
END_TEST

static struct reader neighbour;

static void on_event_leaves_both(struct subscription *s, const struct event *e)
{
        event_unsubscribe(world.o, &neighbour.s);
        event_unsubscribe(world.o, s);
}

/* A callback may end its neighbour's subscription too. */
START_TEST(test_unsubscribed_by_another)
{
        struct reader first = {}, last = {};
        world_open(&plain);
        subscribe(&first, -1, NULL);
        subscribe(&neighbour, -1, NULL);
        subscribe(&last, -1, NULL);
        first.s.event = on_event_leaves_both;
        kill_set(KILL_LEVEL_HALT, "global", false);
        ck_assert_uint_eq(neighbour.events, 0);
        ck_assert_uint_eq(last.events, 1);
        event_unsubscribe(world.o, &last.s);
        world_close();
}
END_TEST

static void append(unsigned n)
{
        static struct audit_record records[300];
        struct store_append put = {.job.op = STORE_APPEND, .audit = records, .n_audit = n};
        for (unsigned i = 0; i < n; i++) {
                records[i] = (struct audit_record){
                        .action = AUDIT_STARTED, .component = "t", .actor = "t", .at_us = 1};
                text_add(&records[i].payload, "{}");
        }
        ck_assert_int_eq(store_run(world.store, &put.job), STORE_OK);
        for (unsigned i = 0; i < n; i++) {
                event_publish(world.o, &records[i]);
                audit_record_done(&records[i]);
        }
}

START_TEST(test_catching_up)
{
        struct reader late = {}, leaver = {.leave_after = 3}, gone = {}, broken = {}, gap = {};
        world_open(&plain);
        append(300);
        append(300);
        subscribe(&late, 5, NULL);
        subscribe(&leaver, 5, NULL);
        subscribe(&gone, 5, NULL);
        event_unsubscribe(world.o, &gone.s);
        append(10); /* while the first page is read */
        world_rest();
        ck_assert_uint_eq(late.events, 605);
        ck_assert_uint_eq(leaver.events, 3);
        ck_assert_uint_eq(gone.events, 0);
        /* the ledger cannot be read: the client must know that something is missing */
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        subscribe(&broken, 5, NULL);
        world_rest();
        ck_assert_uint_eq(broken.gaps, 1);
        append(1);
        ck_assert_uint_eq(broken.events, 1);
        /* records that are no longer there */
        struct store_audit_prune prune = {
                .job.op = STORE_AUDIT_PRUNE, .up_to_seq = 100, .before_us = INT64_MAX};
        ck_assert_int_eq(store_run(world.store, &prune.job), STORE_OK);
        subscribe(&gap, 5, NULL);
        world_rest();
        ck_assert_uint_eq(gap.gaps, 1);
        ck_assert_int_eq(gap.last, late.last);
        world_close();
}
END_TEST

/* --- status --- */

START_TEST(test_status)
{
        static struct status s;
        const char *reasons[8];
        world_open(&(struct world_options){.limits = {.orders_per_day = 10,
                                                      .max_daily_value = RUPEES(100000),
                                                      .orders_per_second = 5,
                                                      .orders_per_minute = 50}});
        status_read(world.o, &s);
        ck_assert_str_eq(s.overall, "ok");
        ck_assert_uint_eq(status_not_ready(world.o, reasons), 0);
        (void)place(REST, "one", NULL);
        status_read(world.o, &s);
        ck_assert_uint_eq(s.accounts[0].open_legs, 1);
        ck_assert_int_eq(s.accounts[0].orders_left_day, 9);
        ck_assert_int_eq(s.accounts[0].orders_left_second, 4);
        ck_assert_int_eq(s.accounts[0].value_left_day, RUPEES(90000));
        kill_set(KILL_LEVEL_HALT, "account:paper:one", false);
        status_read(world.o, &s);
        ck_assert_str_eq(s.overall, "degraded");
        kill_set(KILL_LEVEL_HALT, "global", false);
        status_read(world.o, &s);
        ck_assert_str_eq(s.overall, "halted");
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        (void)session_set(SESSION_LOGOUT, "paper:one");
        orchestrator_drain(world.o);
        status_read(world.o, &s);
        ck_assert_str_eq(s.overall, "unavailable");
        ck_assert_str_eq(s.store_state, "failing");
        ck_assert_str_ne(s.store_error, "");
        ck_assert_uint_eq(status_not_ready(world.o, reasons), 2);
        status_measure(world.o);
        (void)session_set(SESSION_LOGOUT, "paper:one");
        status_read(world.o, &s);
        ck_assert_str_eq(s.store_state, "ok");
        world_close();
}
END_TEST

START_TEST(test_accessors)
{
        const struct account *first;
        world_open(&plain);
        ck_assert_ptr_eq(orchestrator_account(world.o, "paper:two"), &world.accounts[1]);
        ck_assert_ptr_null(orchestrator_account(world.o, "paper:nobody"));
        ck_assert_uint_eq(orchestrator_accounts(world.o, &first), WORLD_ACCOUNTS);
        ck_assert_ptr_eq(first, world.accounts);
        struct instrument found[2];
        orchestrator_set_market(world.o, world.market->calendar, world.market->instruments);
        ck_assert_uint_eq(query_instruments(world.o, "nse:sbin", -1, 2, found), 1);
        ck_assert_str_eq(found[0].symbol, "NSE:SBIN");
        for (int i = 0; i < _KILL_LEVEL_MAX; i++) {
                const char *name = kill_level_name((enum kill_level)i);
                ck_assert_int_eq(kill_level_from(name, strlen(name)), i);
        }
        ck_assert_int_lt(kill_level_from("X", 1), 0);
        for (int i = 0; i < _SESSION_STATE_MAX; i++) {
                const char *name = session_state_name((enum session_state)i);
                ck_assert_int_eq(session_state_from(name, strlen(name)), i);
        }
        ck_assert_int_lt(session_state_from("X", 1), 0);
        int64_t now = clock_wall_us();
        ck_assert_int_ge(place_key_expiry(world.o, now), now + SECONDS(86400));
        world_close();
}
END_TEST

/* --- market files --- */

START_TEST(test_market_files)
{
        static const char *const names[] = {"sessions.csv", "holidays.csv", "instruments.csv",
                                            "ticks.csv", "contracts.csv"};
        char dir[] = "/tmp/ordo-market-XXXXXX", fault[MARKET_FAULT_SIZE], path[128];
        struct market *m = NULL;
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(market_load(dir, 20261123, fault, &m), -ENOENT);
        ck_assert_ptr_nonnull(strstr(fault, "sessions.csv"));
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                char command[256];
                snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                FILE *f = fopen(path, "w");
                fputs("rubbish\n", f);
                fclose(f);
                ck_assert_int_lt(market_load(dir, 20261123, fault, &m), 0);
                ck_assert_str_ne(fault, "");
                snprintf(command, sizeof(command), MARKET "/%s", names[i]);
                ck_assert_int_eq(unlink(path), 0);
                ck_assert_int_eq(symlink(command, path), 0);
        }
        ck_assert_int_eq(market_load(dir, 20261123, fault, &m), 0);
        m = market_free(m);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                (void)unlink(path);
        }
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_int_lt(market_load(dir, 20261123, fault, &m), 0);
        (void)rmdir(path);
        (void)rmdir(dir);
}
END_TEST

SUITE("queries", test_orders, test_accounts, test_one_account_fails, test_riders_in_order,
      test_riders_before_the_answer, test_quotes, test_audit_fails, test_sessions,
      test_session_and_the_ledger, test_logout_then_login, test_report, test_events,
      test_unsubscribed_by_another, test_catching_up, test_status, test_accessors,
      test_market_files)
