/* The broker's own rates: windows of several kinds at once, lanes, pauses; and how orders and reads
 * meet them. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

static struct traffic traffic;
static struct broker broker;
static const struct broker_rates none;
static char detail[MESSAGE_SIZE];

static void begin(const struct broker_rate *rates, unsigned n)
{
        int64_t now;
        ck_assert_int_eq(clock_parse("2026-11-23T23:59:00+05:30", 25, &now), 0);
        clock_fake(now, SECONDS(100));
        broker = (struct broker){.rates = rates, .n_rates = n};
        ck_assert_int_eq(traffic_init(&traffic, &broker, &none), 0);
}

/* Writes as the lane does it (lane.h). */
static int64_t take_at(enum broker_op op, enum exchange at)
{
        detail[0] = '\0';
        enum traffic_rank rank = op == BROKER_CANCEL ? TRAFFIC_EXIT : TRAFFIC_ORDER;
        int64_t wait = broker_op_writes(op) && op != BROKER_LOGIN
                               ? traffic_turn(&traffic, op, at, rank, (struct rate_ahead){}, detail,
                                              sizeof(detail))
                               : traffic_wait(&traffic, op, TRAFFIC_READ, detail, sizeof(detail));
        if (wait == 0)
                traffic_take(&traffic, op, at);
        return wait;
}

static int64_t take(enum broker_op op)
{
        return take_at(op, EXCHANGE_NSE);
}

static unsigned take_all_at(enum broker_op op, enum exchange at)
{
        unsigned n = 0;
        while (n < 1000 && take_at(op, at) == 0)
                n++;
        return n;
}

static unsigned take_all(enum broker_op op)
{
        return take_all_at(op, EXCHANGE_NSE);
}

static int64_t cancel_behind(unsigned n)
{
        return traffic_turn(&traffic, BROKER_CANCEL, EXCHANGE_NSE, TRAFFIC_EXIT,
                            (struct rate_ahead){n, n}, detail, sizeof(detail));
}

START_TEST(test_no_rates)
{
        begin(NULL, 0);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 1000);
        ck_assert_uint_eq(take_all(BROKER_BOOK), 1000);
        traffic_done(&traffic);
}
END_TEST

/* Placements leave two for cancels, reads a fifth besides; what is over what it is made of is
 * refused with the window that lasts longest. */
START_TEST(test_lanes)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ALL, 10, USEC_PER_SEC},
                {BROKER_TRAFFIC_ALL, 30, 60 * USEC_PER_SEC},
        };
        begin(rates, ELEMENTS(rates));
        ck_assert_uint_eq(take_all(BROKER_BOOK), 6);
        ck_assert_str_eq(detail, "the broker allows 10 calls in 1 s, and they are used up");
        ck_assert_uint_eq(take_all(BROKER_MODIFY), 2);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 0);
        ck_assert_int_eq(take(BROKER_PLACE), USEC_PER_SEC + TRAFFIC_SLACK_US);
        ck_assert_uint_eq(take_all(BROKER_CANCEL), 2);
        ck_assert_int_eq(take(BROKER_CANCEL), USEC_PER_SEC + TRAFFIC_SLACK_US);
        for (unsigned i = 0; i < 5; i++) /* over the limit, and not refused */
                ck_assert_int_eq(take(BROKER_LOGIN), 0);
        clock_fake_advance(USEC_PER_SEC + TRAFFIC_SLACK_US - 1);
        ck_assert_int_eq(take(BROKER_PLACE), 1);
        clock_fake_advance(1);
        /* 15 of the minute are gone: reads keep 2 + 6 free, orders 2 + 1. */
        ck_assert_uint_eq(take_all(BROKER_FUNDS), 6);
        ck_assert_str_eq(detail, "the broker allows 10 calls in 1 s, and they are used up");
        ck_assert_uint_eq(take_all(BROKER_PLACE), 2);
        ck_assert_str_eq(detail, "the broker allows 10 calls in 1 s, and they are used up");
        clock_fake_advance(2 * USEC_PER_SEC);
        ck_assert_uint_eq(take_all(BROKER_FUNDS), 0);
        ck_assert_str_eq(detail, "the broker allows 30 calls in 60 s, and they are used up");
        ck_assert_uint_eq(take_all(BROKER_PLACE), 4);
        ck_assert_int_eq(take(BROKER_PLACE), 57 * USEC_PER_SEC);
        /* Three of the minute are left. */
        ck_assert_int_eq(cancel_behind(2), 0);
        ck_assert_int_eq(cancel_behind(3), 57 * USEC_PER_SEC);
        traffic_done(&traffic);
}
END_TEST

/* Orders leave a twentieth of what they share with reads for those that are due, and these leave
 * one for what takes risk away. */
START_TEST(test_due)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ALL, 40, 60 * USEC_PER_SEC},
                {BROKER_TRAFFIC_QUOTES, 50, 60 * USEC_PER_SEC},
        };
        begin(rates, ELEMENTS(rates));
        ck_assert_uint_eq(take_all(BROKER_PLACE), 40 - TRAFFIC_LANE - 40 / TRAFFIC_DUE_PART);
        ck_assert_uint_eq(take_all(BROKER_BOOK), 0);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(
                        traffic_wait(&traffic, BROKER_BOOK, TRAFFIC_DUE, detail, sizeof(detail)),
                        0);
                traffic_take(&traffic, BROKER_BOOK, BROKER_RATE_ANYWHERE);
        }
        ck_assert_int_gt(traffic_wait(&traffic, BROKER_BOOK, TRAFFIC_DUE, detail, sizeof(detail)),
                         0);
        ck_assert_uint_eq(take_all(BROKER_CANCEL), 1);
        traffic_done(&traffic);
}
END_TEST

/* Each traffic has its own windows, and everything is in that of all. */
START_TEST(test_kinds)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ORDERS, 5, USEC_PER_SEC},
                {BROKER_TRAFFIC_QUOTES, 1, USEC_PER_SEC},
                {BROKER_TRAFFIC_ALL, 100, USEC_PER_SEC},
        };
        begin(rates, ELEMENTS(rates));
        ck_assert_uint_eq(take_all(BROKER_PLACE), 3);
        ck_assert_uint_eq(take_all(BROKER_QUOTES), 1); /* the only one: nothing is kept free */
        ck_assert_str_eq(detail, "the broker allows 1 quotes in 1 s, and they are used up");
        ck_assert_uint_eq(take_all(BROKER_BOOK), 100 - 22 - 4);
        ck_assert_uint_eq(take_all(BROKER_MASTER), 1000); /* another server's */
        traffic_done(&traffic);
}
END_TEST

/* What was agreed takes the place of the broker's windows of its kinds, and of no others. */
START_TEST(test_agreed)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ORDERS, 5, USEC_PER_SEC},
                {BROKER_TRAFFIC_ORDERS, 8, 60 * USEC_PER_SEC},
                {BROKER_TRAFFIC_QUOTES, 1, USEC_PER_SEC},
        };
        static const struct broker_rates agreed = {
                .n = 2,
                .rates = {{BROKER_TRAFFIC_ORDERS, 50, USEC_PER_SEC},
                          {BROKER_TRAFFIC_ALL, 60, USEC_PER_SEC}}};
        begin(rates, ELEMENTS(rates));
        traffic_done(&traffic);
        ck_assert_int_eq(traffic_init(&traffic, &broker, &agreed), 0);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 50 - TRAFFIC_LANE);
        ck_assert_str_eq(detail, "the broker allows 50 orders in 1 s, and they are used up");
        ck_assert_uint_eq(take_all(BROKER_CANCEL), TRAFFIC_LANE);
        clock_fake_advance(USEC_PER_SEC + TRAFFIC_SLACK_US);
        ck_assert_uint_eq(take_all(BROKER_QUOTES), 1);
        ck_assert_str_eq(detail, "the broker allows 1 quotes in 1 s, and they are used up");
        ck_assert_uint_eq(take_all(BROKER_BOOK), 60 - 14 - 1);
        ck_assert_str_eq(detail, "the broker allows 60 calls in 1 s, and they are used up");
        traffic_done(&traffic);
}
END_TEST

static const struct broker_capability two_exchanges[] = {{.exchange = EXCHANGE_NSE},
                                                         {.exchange = EXCHANGE_BSE}};

static void begin_at_two(const struct broker_rate *rates, unsigned n,
                         const struct broker_rates *agreed)
{
        begin(NULL, 0);
        broker = (struct broker){.rates = rates,
                                 .n_rates = n,
                                 .capabilities = two_exchanges,
                                 .n_capabilities = ELEMENTS(two_exchanges)};
        ck_assert_int_eq(traffic_init(&traffic, &broker, agreed), 0);
}

static const struct broker_rate five_at_each[] = {{BROKER_TRAFFIC_EACH, 5, USEC_PER_SEC},
                                                  {BROKER_TRAFFIC_ORDERS, 8, USEC_PER_SEC}};

/* The ceiling at one exchange does not bind at another, the broker's own for all does; and what
 * nobody knows the exchange of counts at each. */
START_TEST(test_each_exchange)
{
        begin_at_two(five_at_each, 2, &none);
        ck_assert_uint_eq(take_all_at(BROKER_PLACE, EXCHANGE_NSE), 3);
        ck_assert_str_eq(detail, "the broker allows 5 orders at NSE in 1 s, and they are used up");
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, EXCHANGE_NSE), 2);
        ck_assert_uint_eq(take_all_at(BROKER_PLACE, EXCHANGE_BSE), 1);
        ck_assert_str_eq(detail, "the broker allows 8 orders in 1 s, and they are used up");
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, EXCHANGE_BSE), 2);
        clock_fake_advance(USEC_PER_SEC + TRAFFIC_SLACK_US);
        /* Behind five at this exchange is the next second, behind five elsewhere is not. */
        ck_assert_int_gt(traffic_turn(&traffic, BROKER_CANCEL, EXCHANGE_BSE, TRAFFIC_EXIT,
                                      (struct rate_ahead){.all = 5, .here = 5}, detail,
                                      sizeof(detail)),
                         0);
        ck_assert_int_eq(traffic_turn(&traffic, BROKER_CANCEL, EXCHANGE_BSE, TRAFFIC_EXIT,
                                      (struct rate_ahead){.all = 5, .here = 0}, detail,
                                      sizeof(detail)),
                         0);
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, BROKER_RATE_ANYWHERE), 5);
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, EXCHANGE_BSE), 0);
        ck_assert_str_eq(detail, "the broker allows 5 orders at BSE in 1 s, and they are used up");
        traffic_done(&traffic);
}
END_TEST

/* After a start it is not known at which exchange they were: they count at each. */
START_TEST(test_each_exchange_after_a_start)
{
        begin_at_two(five_at_each, 2, &none);
        for (unsigned i = 0; i < 4; i++)
                traffic_restore(&traffic, clock_mono_us());
        traffic_assume_reads(&traffic);
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, EXCHANGE_NSE), 1);
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, EXCHANGE_BSE), 1);
        int64_t at = traffic_take(&traffic, BROKER_CANCEL, BROKER_RATE_ANYWHERE);
        traffic_give_back(&traffic, BROKER_CANCEL, BROKER_RATE_ANYWHERE, at);
        clock_fake_advance(USEC_PER_SEC + TRAFFIC_SLACK_US);
        ck_assert_uint_eq(take_all_at(BROKER_CANCEL, EXCHANGE_BSE), 5);
        traffic_done(&traffic);
}
END_TEST

/* Who agreed on so many orders in all is not bound at each exchange any more; the other way round
 * the ceiling of all stays. */
START_TEST(test_agreed_at_each_exchange)
{
        static const struct broker_rates all = {
                .n = 1, .rates = {{BROKER_TRAFFIC_ORDERS, 50, USEC_PER_SEC}}};
        static const struct broker_rates each = {
                .n = 1, .rates = {{BROKER_TRAFFIC_EACH, 50, USEC_PER_SEC}}};
        begin_at_two(five_at_each, 2, &all);
        ck_assert_uint_eq(take_all(BROKER_CANCEL), 50);
        traffic_done(&traffic);
        begin_at_two(five_at_each, 2, &each);
        ck_assert_uint_eq(take_all(BROKER_CANCEL), 8);
        ck_assert_str_eq(detail, "the broker allows 8 orders in 1 s, and they are used up");
        traffic_done(&traffic);
}
END_TEST

/* A window too small for any lane still lets one through. */
START_TEST(test_small_window)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_ALL, 1, USEC_PER_SEC}};
        begin(rates, 1);
        ck_assert_uint_eq(take_all(BROKER_BOOK), 1);
        clock_fake_advance(USEC_PER_SEC + TRAFFIC_SLACK_US);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 1);
        traffic_done(&traffic);
}
END_TEST

/* A day is the calendar's in India. */
START_TEST(test_day)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ORDERS, 12, 86400 * USEC_PER_SEC}};
        begin(rates, 1);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 10);
        ck_assert_int_eq(take(BROKER_PLACE), 60 * USEC_PER_SEC); /* midnight */
        ck_assert_int_eq(cancel_behind(1), 0);
        ck_assert_int_eq(cancel_behind(2), 60 * USEC_PER_SEC);
        ck_assert_int_eq(take(BROKER_CANCEL), 0);
        int64_t at = traffic_take(&traffic, BROKER_CANCEL, EXCHANGE_NSE);
        traffic_give_back(&traffic, BROKER_CANCEL, EXCHANGE_NSE, at);
        ck_assert_int_eq(traffic.windows[0].count, 11);
        clock_fake_advance(60 * USEC_PER_SEC);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 10);
        traffic_done(&traffic);
}
END_TEST

/* The last day of a month has a midnight too. */
START_TEST(test_day_at_the_end_of_a_month)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ORDERS, 12, 86400 * USEC_PER_SEC}};
        begin(rates, 1);
        clock_fake(clock_from_ist(20261130, 86340), 5000000);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 10);
        ck_assert_int_eq(take(BROKER_PLACE), 60 * USEC_PER_SEC);
        traffic_done(&traffic);
}
END_TEST

START_TEST(test_give_back)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_ORDERS, 3, USEC_PER_SEC},
                                                   {BROKER_TRAFFIC_ALL, 3, USEC_PER_SEC}};
        begin(rates, 2);
        int64_t at = traffic_take(&traffic, BROKER_PLACE, EXCHANGE_NSE);
        ck_assert_int_gt(take(BROKER_PLACE), 0);
        clock_fake_advance(1000);
        traffic_give_back(&traffic, BROKER_PLACE, EXCHANGE_NSE, at);
        ck_assert_int_eq(take(BROKER_PLACE), 0);
        ck_assert_int_gt(take(BROKER_PLACE), 0);
        traffic_done(&traffic);
}
END_TEST

/* After a start: orders as they were, reads as they may have been. */
START_TEST(test_restore)
{
        static const struct broker_rate rates[] = {
                {BROKER_TRAFFIC_ALL, 10, USEC_PER_SEC},
                {BROKER_TRAFFIC_ALL, 30, 60 * USEC_PER_SEC},
                {BROKER_TRAFFIC_ORDERS, 12, 86400 * USEC_PER_SEC},
        };
        begin(rates, ELEMENTS(rates));
        traffic_restore(&traffic, clock_mono_us() - SECONDS(30));
        traffic_restore(&traffic, clock_mono_us());
        traffic_restore_day(&traffic, 5);
        traffic_assume_reads(&traffic);
        /* One order and the six reads that may have been: two are kept for cancels. */
        ck_assert_uint_eq(take_all(BROKER_BOOK), 0);
        ck_assert_uint_eq(take_all(BROKER_PLACE), 1);
        ck_assert_uint_eq(take_all(BROKER_CANCEL), 2);
        clock_fake_advance(USEC_PER_SEC + TRAFFIC_SLACK_US);
        /* Two orders, six reads and three writes of the minute, five and three of the day. */
        ck_assert_uint_eq(take_all(BROKER_PLACE), 2);
        ck_assert_uint_eq(take_all(BROKER_BOOK), 4);
        traffic_done(&traffic);
}
END_TEST

START_TEST(test_refused)
{
        begin(NULL, 0);
        traffic_refused(&traffic, "7");
        ck_assert_int_eq(take(BROKER_PLACE), 7 * USEC_PER_SEC);
        ck_assert_str_eq(detail, "the broker said that there were too many calls");
        ck_assert_int_eq(take(BROKER_BOOK), 7 * USEC_PER_SEC);
        ck_assert_int_eq(take(BROKER_CANCEL), USEC_PER_SEC); /* they take risk away */
        traffic_refused(&traffic, NULL); /* a shorter one does not take it back */
        ck_assert_int_eq(take(BROKER_PLACE), 7 * USEC_PER_SEC);
        ck_assert_int_eq(traffic_paused_us(&traffic), 7 * USEC_PER_SEC);
        clock_fake_advance(7 * USEC_PER_SEC);
        ck_assert_int_eq(traffic_paused_us(&traffic), 0);
        ck_assert_int_eq(take(BROKER_PLACE), 0);
        ck_assert_int_eq(take(BROKER_CANCEL), 0);
        static const struct {
                const char *header;
                int64_t seconds;
        } cases[] = {{"0", 1},
                     {"-5", 1},
                     {"soon", 1},
                     {"Wed, 21 Oct 2026 07:28:00 GMT", 1},
                     {"300", 300},
                     {"301", 300},
                     {"99999999999999999999", 1}};
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                traffic_refused(&traffic, cases[i].header);
                ck_assert_int_eq(take(BROKER_PLACE), cases[i].seconds * USEC_PER_SEC);
                clock_fake_advance(cases[i].seconds * USEC_PER_SEC);
                traffic_answered(&traffic);
        }
        /* Again and again without a time: twice as long each time, and a volley counts once. */
        for (unsigned i = 0; i < 8; i++) {
                for (unsigned n = 0; n < 5; n++)
                        traffic_refused(&traffic, NULL);
                ck_assert_int_eq(take(BROKER_PLACE), (1 << (i < 6 ? i : 6)) * USEC_PER_SEC);
                traffic_answered(&traffic); /* of a call from before */
                clock_fake_advance((1 << (i < 6 ? i : 6)) * USEC_PER_SEC);
        }
        traffic_answered(&traffic);
        traffic_refused(&traffic, NULL);
        ck_assert_int_eq(take(BROKER_PLACE), USEC_PER_SEC);
        traffic_done(&traffic);
}
END_TEST

/* --- in the orchestrator --- */

#define LIMIT_ORDER "BUY 10 NSE:SBIN CNC LIMIT 1000"

/* The first account's broker has rates from now on. */
static void give_rates(const struct broker_rate *rates, unsigned n)
{
        struct account_state *a = world_account(0);
        broker = world.broker;
        broker.rates = rates;
        broker.n_rates = n;
        a->broker = &broker;
        traffic_done(&a->traffic);
        ck_assert_int_eq(traffic_init(&a->traffic, &broker, &none), 0);
}

START_TEST(test_orders)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_ORDERS, 4, 60 * USEC_PER_SEC}};
        world_open(&(struct world_options){.limits_off = true});
        give_rates(rates, 1);
        const char *id = live(LIMIT_ORDER, "one");
        validate(LIMIT_ORDER, "one"); /* takes nothing */
        (void)live(LIMIT_ORDER, "one");
        struct placed *p = place(LIMIT_ORDER, "one", NULL);
        ck_assert_int_eq(p->answer.status, 429);
        ck_assert_ptr_nonnull(strstr(p->body, "BROKER_RATE"));
        ck_assert_int_eq(p->answer.retry_after_s, 61);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 2);
        struct amended *m =
                modify(id, (struct order_change){.has_price = true, .price = RUPEES(999)});
        ck_assert_ptr_nonnull(strstr(m->body, "BROKER_RATE"));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), 0);
        /* Cancels go, other accounts have windows of their own. */
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        (void)live(LIMIT_ORDER, "two");
        world_pass(SECONDS(62));
        (void)live(LIMIT_ORDER, "one");
        world_close();
}
END_TEST

/* What did not leave gives its place back. */
START_TEST(test_not_sent)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_ORDERS, 3, 60 * USEC_PER_SEC}};
        world_open(&(struct world_options){.limits_off = true});
        give_rates(rates, 1);
        wire_script(world.wires[0], BROKER_PLACE, 1, 2, FATE_NOT_SENT);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(place(LIMIT_ORDER, "one", NULL)->answer.status, 424);
        (void)live(LIMIT_ORDER, "one");
        ck_assert_int_eq(place(LIMIT_ORDER, "one", NULL)->answer.status, 429);
        world_close();
}
END_TEST

static bool quoted;
static void quotes_ended(struct quotes_query *q)
{
        quoted = true;
}

START_TEST(test_reads)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_QUOTES, 2, 10 * USEC_PER_SEC}};
        struct quotes_query q = {.caller = nobody_special,
                                 .account = "paper:one",
                                 .n_symbols = 1,
                                 .done = quotes_ended};
        text_copy(q.symbols[0], sizeof(q.symbols[0]), "NSE:SBIN");
        world_open(&(struct world_options){});
        give_rates(rates, 1);
        for (unsigned i = 0; i < 3; i++) {
                quoted = false;
                query_quotes(world.o, &q);
                world_until(&quoted);
                ck_assert_int_eq(q.problem, i < 2 ? PROBLEM_NONE : PROBLEM_BROKER_RATE);
        }
        ck_assert_int_eq(q.retry_after_s, 11);
        ck_assert_str_eq(q.message, "the broker allows 2 quotes in 10 s, and they are used up");
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), 2);
        world_close();
}
END_TEST

static unsigned n_ended, n_refused;
static void one_ended(struct quotes_query *q)
{
        n_refused += q->problem == PROBLEM_BROKER_RATE;
        n_ended++;
}

/* What has its turn soon waits for it; the rest is told when to come again. */
START_TEST(test_reads_wait)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_QUOTES, 2, 10 * USEC_PER_MS}};
        struct quotes_query q[CALL_TURNS_MAX + 3];
        world_open(&(struct world_options){});
        give_rates(rates, 1);
        n_ended = n_refused = 0;
        for (unsigned i = 0; i < ELEMENTS(q); i++) {
                q[i] = (struct quotes_query){.caller = nobody_special,
                                             .account = "paper:one",
                                             .n_symbols = 1,
                                             .done = one_ended};
                text_copy(q[i].symbols[0], sizeof(q[i].symbols[0]), "NSE:SBIN");
                query_quotes(world.o, &q[i]);
        }
        world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), 2);
        ck_assert_uint_eq(n_ended, 3); /* two answered, and one had no place to wait */
        ck_assert_uint_eq(n_refused, 1);
        for (unsigned i = 1; i <= 3; i++) {
                clock_fake_advance(10 * USEC_PER_MS + TRAFFIC_SLACK_US);
                while (n_ended < 3 + 2 * i)
                        world_rest();
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), 2 + 2 * i);
        }
        ck_assert_uint_eq(n_refused, 1);
        /* Nobody is kept for longer than he was promised. */
        clock_fake_advance(CALL_TURN_US);
        while (n_ended < ELEMENTS(q))
                world_rest();
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), 10);
        ck_assert_uint_eq(world_account(0)->n_waiting, 0);
        world_close();
}
END_TEST

/* A stop does not wait for the broker's minute. */
/* Whoever uses up the broker's rate with orders goes on to be told what becomes of them. */
START_TEST(test_flood)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_ALL, 100, 60 * USEC_PER_SEC}};
        world_open(&(struct world_options){.limits_off = true});
        give_rates(rates, 1);
        unsigned n = 0, books = 0, placed = 0, refused = 0;
        int64_t seen = clock_mono_us(), longest = 0;
        for (unsigned i = 0; i < 240; i++) {
                struct placed *p = place_begin(LIMIT_ORDER, "one", NULL);
                world_pass(USEC_PER_SEC / 2);
                while (!p->done) /* it waits for its turn */
                        world_pass(USEC_PER_SEC / 2);
                placed += p->answer.status == 201;
                refused += p->answer.status == 429;
                n = wire_calls(world.wires[0], BROKER_BOOK);
                if (n != books)
                        seen = clock_mono_us();
                books = n;
                if (clock_mono_us() - seen > longest)
                        longest = clock_mono_us() - seen;
        }
        ck_assert_uint_gt(placed, 100);
        ck_assert_uint_gt(refused, 0);
        ck_assert_int_lt(longest, BOOK_OLD_US);
        world_close();
}
END_TEST

START_TEST(test_drain)
{
        static const struct broker_rate rates[] = {{BROKER_TRAFFIC_QUOTES, 1, USEC_PER_SEC}};
        struct quotes_query q[3];
        world_open(&(struct world_options){});
        give_rates(rates, 1);
        n_ended = n_refused = 0;
        for (unsigned i = 0; i < ELEMENTS(q); i++) {
                q[i] = (struct quotes_query){.caller = nobody_special,
                                             .account = "paper:one",
                                             .n_symbols = 1,
                                             .done = one_ended};
                text_copy(q[i].symbols[0], sizeof(q[i].symbols[0]), "NSE:SBIN");
                if (i == 2)
                        orchestrator_drain(world.o);
                query_quotes(world.o, &q[i]);
                world_rest();
        }
        ck_assert_uint_eq(n_ended, 3);
        ck_assert_uint_eq(n_refused, 2);
        world_close();
}
END_TEST

/* A 429 teaches, whatever became of the call that met it. */
START_TEST(test_learns)
{
        struct quotes_query q = {.caller = nobody_special,
                                 .account = "paper:one",
                                 .n_symbols = 1,
                                 .done = quotes_ended};
        text_copy(q.symbols[0], sizeof(q.symbols[0]), "NSE:SBIN");
        world_open(&(struct world_options){});
        wire_say(world.wires[0], BROKER_QUOTES, 429, "slow down");
        query_quotes(world.o, &q);
        quoted = false;
        world_until(&quoted);
        ck_assert_int_ne(q.problem, PROBLEM_NONE);
        wire_say(world.wires[0], BROKER_QUOTES, 200, NULL);
        ck_assert_int_eq(traffic_paused_us(&world_account(0)->traffic), SECONDS(1));
        struct placed *p = place_begin(LIMIT_ORDER, "one", NULL);
        world_rest();
        ck_assert(!p->done);
        world_pass(SECONDS(2));
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 201);
        world_close();
}
END_TEST

SUITE("orchestrator/traffic", test_no_rates, test_lanes, test_kinds, test_due, test_agreed,
      test_each_exchange, test_each_exchange_after_a_start, test_agreed_at_each_exchange,
      test_small_window, test_day, test_day_at_the_end_of_a_month, test_give_back, test_restore,
      test_refused, test_orders, test_not_sent, test_reads, test_reads_wait, test_flood, test_drain,
      test_learns)
