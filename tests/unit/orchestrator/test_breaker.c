/* Breakers: opened by the transport's evidence alone, closed by the first answer. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

#define ORDER "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options three = {
        .limits = {.breaker_failures = 3, .breaker_window_us = SECONDS(60)}};

static enum breaker_state state(enum breaker_class class)
{
        return world_account(0)->breakers.of[class].state;
}

static void fail_orders(enum fate f, unsigned n)
{
        wire_script(world.wires[0], BROKER_PLACE, 1, n, f);
        for (unsigned i = 0; i < n; i++) {
                char words[64];
                snprintf(words, sizeof(words), "BUY %u NSE:SBIN CNC LIMIT 1000", i + 1);
                (void)place(words, "one", NULL);
        }
}

/* The time of the probe has come. */
static void probe(void)
{
        struct loop_timer *t = &world_account(0)->breakers.timer;
        clock_fake_advance(BREAKER_OPEN_US);
        t->fire(t);
        world_rest();
}

START_TEST(test_opens_and_closes)
{
        world_open(&three);
        const char *id = live("BUY 99 NSE:SBIN CNC LIMIT 1000", "one");
        fail_orders(FATE_NOT_SENT, 2);
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        fail_orders(FATE_NOT_SENT, 1);
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_OPEN);
        ck_assert_int_eq(audit_count(AUDIT_BREAKER), 1);
        unsigned before = wire_calls(world.wires[0], BROKER_PLACE);
        struct placed *p = place(ORDER, "one", NULL);
        ck_assert_int_eq(p->answer.status, 503);
        ck_assert_ptr_nonnull(strstr(p->body, "BREAKER_OPEN"));
        ck_assert_int_eq(p->answer.retry_after_s, 10);
        ck_assert_int_eq(validate(ORDER, "one")->answer.status, 503);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), before);
        (void)live(ORDER, "two"); /* each account has its own */
        probe();
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        ck_assert_int_eq(audit_count(AUDIT_BREAKER), 2);
        (void)live(ORDER, "one");
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        world_close();
}
END_TEST

/* A probe that fails opens it again; half open, orders still wait. */
START_TEST(test_probe_fails)
{
        world_open(&three);
        fail_orders(FATE_NOT_SENT, 3);
        wire_script(world.wires[0], BROKER_BOOK, 1, 1, FATE_HELD);
        probe();
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_HALF_OPEN);
        struct placed *p = place(ORDER, "one", NULL);
        ck_assert_int_eq(p->answer.status, 503);
        ck_assert_int_eq(p->answer.retry_after_s, 1);
        wire_release(world.wires[0], FATE_LOST);
        world_rest();
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_OPEN);
        ck_assert_int_eq(audit_count(AUDIT_BREAKER), 1); /* it was never closed */
        probe();
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        world_close();
}
END_TEST

/* Cancels go all the same, and one that is answered closes it. */
START_TEST(test_cancel_bypasses)
{
        world_open(&three);
        const char *id = live("BUY 99 NSE:SBIN CNC LIMIT 1000", "one");
        fail_orders(FATE_NOT_SENT, 3);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        world_close();
}
END_TEST

/* What a broker says is an answer, whatever it says; old failures do not count. */
START_TEST(test_stays_closed)
{
        static const int statuses[] = {400, 422, 429, 500, 502};
        world_open(&three);
        for (size_t i = 0; i < ELEMENTS(statuses); i++) {
                wire_say(world.wires[0], BROKER_PLACE, statuses[i], "no");
                (void)place(ORDER, "one", NULL);
                clock_fake_advance(SECONDS(2));
        }
        wire_say(world.wires[0], BROKER_PLACE, 200, NULL);
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        for (unsigned i = 0; i < 6; i++) {
                fail_orders(FATE_NOT_SENT, 1);
                clock_fake_advance(SECONDS(31));
        }
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        world_close();
}
END_TEST

/* Nor does the kill switch, which is ours. */
static void halted(struct kill_request *r)
{
}

static void halt(void *userdata)
{
        static struct kill_request r;
        r = (struct kill_request){.caller = nobody_special,
                                  .level = KILL_LEVEL_HALT,
                                  .scope = "global",
                                  .reason = "test",
                                  .done = halted};
        killswitch_set(world.o, &r);
}

START_TEST(test_not_ours)
{
        world_open(&(struct world_options){
                .limits = {.breaker_failures = 1, .breaker_window_us = SECONDS(60)}});
        wire_before_place(world.wires[0], halt, NULL);
        ck_assert_int_eq(place(ORDER, "one", NULL)->answer.status, 423);
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        world_close();
}
END_TEST

static bool over;
static enum problem problem;
static void on_quotes(struct quotes_query *q)
{
        problem = q->problem;
        over = true;
}

static enum problem ask_quotes(void)
{
        struct quotes_query q = {.caller = nobody_special,
                                 .account = "paper:one",
                                 .n_symbols = 1,
                                 .done = on_quotes};
        text_copy(q.symbols[0], sizeof(q.symbols[0]), "NSE:SBIN");
        over = false;
        query_quotes(world.o, &q);
        world_until(&over);
        return problem;
}

/* Reads have their own: orders go on, books are read on, and that closes it. */
START_TEST(test_reads)
{
        world_open(&three);
        wire_script(world.wires[0], BROKER_QUOTES, 1, 3, FATE_LOST);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_ne(ask_quotes(), PROBLEM_NONE);
        ck_assert_int_eq(state(BREAKER_READS), BREAKER_STATE_OPEN);
        ck_assert_int_eq(ask_quotes(), PROBLEM_BREAKER_OPEN);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), 3);
        ck_assert_int_eq(state(BREAKER_ORDERS), BREAKER_STATE_CLOSED);
        (void)live(ORDER, "one");
        world_pass(SECONDS(10));
        ck_assert_int_eq(state(BREAKER_READS), BREAKER_STATE_CLOSED);
        ck_assert_int_eq(ask_quotes(), PROBLEM_NONE);
        world_close();
}
END_TEST

/* An order that waits for its turn does not go to a broker that is not there. */
START_TEST(test_waiting)
{
        world_open(&(struct world_options){.limits = {.breaker_failures = 2,
                                                      .breaker_window_us = SECONDS(60),
                                                      .orders_per_second = 2}});
        wire_script(world.wires[0], BROKER_PLACE, 1, 2, FATE_LOST);
        struct placed *p[3];
        for (unsigned i = 0; i < 3; i++) {
                char words[64];
                snprintf(words, sizeof(words), "BUY %u NSE:SBIN CNC LIMIT 1000", i + 1);
                p[i] = place_begin(words, "one", NULL);
        }
        world_until(&p[2]->done);
        ck_assert_int_eq(p[2]->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(p[2]->body, "BREAKER_OPEN"));
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 2);
        world_close();
}
END_TEST

SUITE("orchestrator/breaker", test_opens_and_closes, test_probe_fails, test_cancel_bypasses,
      test_stays_closed, test_not_ours, test_reads, test_waiting)
