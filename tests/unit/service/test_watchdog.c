/* When the manager hears WATCHDOG=1, and when it does not. The period is an hour: rounds come when
 * the test says so, or at once, and how busy the machine is changes nothing. */
#include "manager.h"

#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"
#include "service/watchdog.h"

#define PERIOD "3600000000"

static struct world {
        struct watchdog w;
        struct loop *loop;
        struct loop_timer end;
        void (*fire)(struct loop_timer *timer); /* the watchdog's */
        bool silent, overdue, waits;
        unsigned asked, rounds;
} t;

static void on_ask(void *userdata)
{
        t.asked++;
        if (!t.silent)
                watchdog_answered(&t.w);
}

static bool on_overdue(void *userdata, char reason[static WATCHDOG_REASON_SIZE])
{
        snprintf(reason, WATCHDOG_REASON_SIZE, "an operation is old");
        return t.overdue;
}

static void on_end(struct loop_timer *timer)
{
        loop_stop(t.loop);
}

static void on_round(struct loop_timer *timer)
{
        t.fire(timer);
        t.rounds++;
        if (t.waits)
                loop_stop(t.loop);
}

/* The loop goes round, and does what is due. */
static void turn(void)
{
        (void)loop_timer_set(t.loop, &t.end, 0);
        ck_assert_int_eq(loop_run(t.loop, NULL, NULL), 0);
}

/* The round that is due now; without one the test would never end. */
static void round_at_once(void)
{
        t.waits = true;
        ck_assert_int_eq(loop_run(t.loop, NULL, NULL), 0);
        t.waits = false;
}

static void round_later(void)
{
        turn();
        t.w.timer.fire(&t.w.timer);
}

static void start(void)
{
        log_set_level(-1); /* standard output is the test's */
        manager_start();
        setenv("WATCHDOG_USEC", PERIOD, 1);
        t = (struct world){.w = {.ask = on_ask, .overdue = on_overdue}};
        ck_assert_int_eq(loop_new(&t.loop), 0);
        t.end.fire = on_end;
        t.w.loop = t.loop;
        watchdog_start(&t.w);
        t.fire = t.w.timer.fire;
        t.w.timer.fire = on_round;
}

static void stop(void)
{
        watchdog_done(&t.w);
        loop_timer_done(&t.end);
        loop_free(t.loop);
        manager_stop();
}

START_TEST(test_all_is_well)
{
        round_at_once();
        for (unsigned i = 0; i < 3; i++)
                round_later();
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 4);
        ck_assert_uint_eq(t.asked, 4);
        ck_assert_ptr_null(watchdog_reason(&t.w));
}
END_TEST

/* Rounds come by themselves, two in a period. */
START_TEST(test_by_itself)
{
        round_at_once();
        t.w.period_us = 2 * 20 * USEC_PER_MS;
        round_later(); /* takes it up */
        int64_t began = clock_mono_us();
        for (unsigned i = 0; i < 3; i++)
                round_at_once();
        ck_assert_int_ge(clock_mono_us() - began, 50 * USEC_PER_MS);
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 5);
}
END_TEST

START_TEST(test_store_is_silent)
{
        t.silent = true;
        round_at_once();
        ck_assert_str_eq(manager_heard(), "WATCHDOG=1"); /* nothing was asked before it */
        ck_assert_uint_eq(t.asked, 1);
        for (unsigned i = 0; i < 3; i++)
                round_later();
        const char *status = manager_heard();
        ck_assert(strstr(status, "STATUS=the store thread has not answered for") == status);
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 0);
        ck_assert_uint_eq(t.asked, 1);
        ck_assert_ptr_nonnull(strstr(watchdog_reason(&t.w), "store thread"));
        /* It wakes up: told at once, not at the next round. */
        t.silent = false;
        watchdog_answered(&t.w);
        round_at_once();
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
        ck_assert_ptr_null(watchdog_reason(&t.w));
}
END_TEST

/* A long checkpoint: every answer comes after the next round, and is told at once. */
START_TEST(test_store_is_slow)
{
        t.silent = true;
        round_at_once();
        for (unsigned i = 1; i <= 3; i++) {
                round_later();
                watchdog_answered(&t.w);
                round_at_once();
                ck_assert_uint_eq(t.asked, i + 1);
        }
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 4);
        ck_assert_uint_eq(t.rounds, 7);
}
END_TEST

START_TEST(test_old_operation)
{
        round_at_once();
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
        t.overdue = true;
        round_later();
        ck_assert_str_eq(manager_heard(), "STATUS=an operation is old");
        round_later();
        ck_assert_ptr_null(manager_next()); /* said once */
        ck_assert_str_eq(watchdog_reason(&t.w), "an operation is old");
        t.overdue = false;
        round_later();
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
}
END_TEST

START_TEST(test_loop_does_not_turn)
{
        round_at_once();
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
        round_later();
        ck_assert_str_eq(manager_heard(), "WATCHDOG=1");
        /* As if the timer came twice inside one turn. */
        t.w.timer.fire(&t.w.timer);
        ck_assert_str_eq(manager_heard(), "STATUS=the HTTP side of the loop does not turn");
}
END_TEST

START_TEST(test_no_watchdog)
{
        watchdog_done(&t.w);
        unsetenv("WATCHDOG_USEC");
        t.w = (struct watchdog){.loop = t.loop, .ask = on_ask, .overdue = on_overdue};
        watchdog_start(&t.w);
        for (unsigned i = 0; i < 3; i++)
                turn();
        ck_assert_ptr_null(manager_next());
        ck_assert_uint_eq(t.asked, 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("service/watchdog");
        TCase *c = tcase_create("watchdog");
        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, start, stop);
        tcase_add_test(c, test_all_is_well);
        tcase_add_test(c, test_by_itself);
        tcase_add_test(c, test_store_is_silent);
        tcase_add_test(c, test_store_is_slow);
        tcase_add_test(c, test_old_operation);
        tcase_add_test(c, test_loop_does_not_turn);
        tcase_add_test(c, test_no_watchdog);
        suite_add_tcase(s, c);
        return suite_run(s);
}
