/* What the watchdog, STATUS and leaving when idle are told. */
#include "world.h"

#include "base/clock.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define FILL "BUY 10 NSE:SBIN CNC MARKET"

static const struct world_options plain = {.deadline_us = SECONDS(12)};

static bool overdue(char reason[static 128])
{
        reason[0] = '\0';
        return progress_overdue(world.o, SECONDS(30), reason, 128);
}

static const char *printed(void)
{
        static char line[512];
        struct text t = TEXT_NULL;
        progress_print(world.o, &t);
        text_copy(line, sizeof(line), text_str(&t));
        text_done(&t);
        return line;
}

static void assert_busy(const char *why)
{
        const char *busy = progress_busy(world.o);
        ck_assert_str_eq(busy ? busy : "", why ? why : "");
}

START_TEST(test_overdue)
{
        char reason[128];
        world_open(&plain);
        ck_assert(!overdue(reason));
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        place_begin(REST, "one", NULL);
        world_rest();
        ck_assert_uint_eq(orchestrator_in_flight(world.o), 1);
        clock_fake_advance(SECONDS(42));
        ck_assert(!overdue(reason)); /* its deadline and the grace, to the second */
        clock_fake_advance(SECONDS(1));
        ck_assert(overdue(reason));
        ck_assert_str_eq(reason, "an operation has been running for 43 s");
        /* A younger one does not hide it. */
        place(REST, "two", NULL);
        ck_assert(overdue(reason));
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        ck_assert(!overdue(reason));
        world_close();
}
END_TEST

/* Modifying, cancelling and cancelling many count like placing. */
START_TEST(test_overdue_amend)
{
        char reason[128];
        world_open(&plain);
        struct placed *p = place(REST, "one", NULL);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_HELD);
        amend_begin(AMEND_CANCEL, p->answer.order_id, (struct order_change){});
        world_rest();
        clock_fake_advance(SECONDS(43));
        ck_assert(overdue(reason));
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        ck_assert(!overdue(reason));
        ck_assert_uint_eq(orchestrator_in_flight(world.o), 0);
        world_close();
}
END_TEST

START_TEST(test_busy)
{
        world_open(&plain);
        world_rest();
        assert_busy(NULL);
        struct placed *p = place(REST, "one", NULL);
        assert_busy("an order is open");
        ck_assert_int_eq(cancel(p->answer.order_id)->answer.status, 200);
        world_rest();
        assert_busy(NULL);
        place(FILL, "one", NULL); /* filled: nothing to watch */
        world_rest();
        assert_busy(NULL);

        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        place_begin(FILL, "one", NULL);
        world_rest();
        assert_busy("an operation runs");
        wire_release(world.wires[0], FATE_REPLY_LOST);
        world_rest();
        assert_busy("the outcome of an order is not known yet");
        world_pass(SECONDS(3));
        assert_busy(NULL);

        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_ne(place(FILL, "one", NULL)->answer.problem, PROBLEM_NONE);
        assert_busy("the ledger cannot be written");
        ck_assert_int_eq(place(FILL, "two", NULL)->answer.status, 201);
        world_rest();
        assert_busy(NULL);
        world_close();
}
END_TEST

START_TEST(test_not_reconciled)
{
        world_open(&plain);
        world_sleep();
        world_boot();
        ck_assert_ptr_nonnull(strstr(printed(), "; 3 accounts not reconciled yet"));
        assert_busy("an account's order book was not read yet");
        orchestrator_start(world.o);
        world_rest();
        ck_assert_str_eq(printed(), "");
        /* Who is logged out has no book to be read, and nothing to be watched. */
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:two"), PROBLEM_NONE);
        ck_assert_str_eq(printed(), "; 1 account without a session");
        assert_busy(NULL);
        world_close();
}
END_TEST

START_TEST(test_printed)
{
        world_open(&plain);
        world_rest();
        ck_assert_str_eq(printed(), "");
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        place_begin(REST, "one", NULL);
        world_rest();
        ck_assert_str_eq(printed(), "; 1 operation in flight");
        wire_release(world.wires[0], FATE_LOST);
        world_rest();
        ck_assert_str_eq(printed(), "; 1 unresolved leg");
        world_pass(SECONDS(3));
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "account:paper:one", false), PROBLEM_NONE);
        ck_assert_str_eq(printed(), "; kill switch HALT for account:paper:one");
        ck_assert_int_eq(kill_set(KILL_LEVEL_CANCEL, "global", false), PROBLEM_NONE);
        world_rest();
        ck_assert_str_eq(printed(), "; kill switch CANCEL and 1 more");
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_NONE);
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "account:paper:one", true), PROBLEM_NONE);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_ne(place(REST, "one", NULL)->answer.problem, PROBLEM_NONE);
        ck_assert_ptr_nonnull(strstr(printed(), "; the ledger cannot be written: "));
        world_close();
}
END_TEST

START_TEST(test_needs_operator)
{
        static const struct world_options blind = {.deadline_us = SECONDS(12), .blind = true};
        world_open(&blind);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        place(REST, "one", NULL);
        for (unsigned i = 0; i < 40 && world_account(0)->n_needs_operator == 0; i++)
                world_pass(SECONDS(60));
        ck_assert_str_eq(printed(), "; 1 leg needs an operator");
        assert_busy("the outcome of an order is not known yet");
        world_close();
}
END_TEST

SUITE("orchestrator/progress", test_overdue, test_overdue_amend, test_busy, test_not_reconciled,
      test_printed, test_needs_operator)
