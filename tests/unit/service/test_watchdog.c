/* When the manager hears WATCHDOG=1, and when it does not. The period is 200 ms of real time. */
#include "manager.h"

#include "base/log.h"
#include "loop/loop.h"
#include "service/watchdog.h"

#define PERIOD_US 200000

static struct world {
        struct watchdog w;
        struct loop *loop;
        struct loop_timer end, late;
        bool silent, slow, overdue;
        unsigned asked;
} t;

static void on_late(struct loop_timer *timer)
{
        watchdog_answered(&t.w);
}

static void on_ask(void *userdata)
{
        t.asked++;
        if (t.slow)
                (void)loop_timer_set(t.loop, &t.late, PERIOD_US * 3 / 4);
        else if (!t.silent)
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

static void run_for(int64_t us)
{
        (void)loop_timer_set(t.loop, &t.end, us);
        ck_assert_int_eq(loop_run(t.loop, NULL, NULL), 0);
}

static void start(void)
{
        log_set_level(-1); /* standard output is the test's */
        manager_start();
        setenv("WATCHDOG_USEC", "200000", 1);
        t = (struct world){.w = {.ask = on_ask, .overdue = on_overdue}};
        ck_assert_int_eq(loop_new(&t.loop), 0);
        t.end.fire = on_end;
        t.late.fire = on_late;
        t.w.loop = t.loop;
        watchdog_start(&t.w);
}

static void stop(void)
{
        watchdog_done(&t.w);
        loop_timer_done(&t.end);
        loop_timer_done(&t.late);
        loop_free(t.loop);
        manager_stop();
}

START_TEST(test_all_is_well)
{
        run_for(PERIOD_US * 2 + PERIOD_US / 4);
        unsigned n = manager_count("WATCHDOG=1");
        ck_assert_uint_ge(n, 3); /* a busy machine may lose one */
        ck_assert_uint_le(n, 5);
        ck_assert_uint_eq(t.asked, n);
        ck_assert_ptr_null(watchdog_reason(&t.w));
}
END_TEST

START_TEST(test_store_is_silent)
{
        t.silent = true;
        run_for(PERIOD_US * 2);
        ck_assert_str_eq(manager_heard(), "WATCHDOG=1"); /* nothing was asked before it */
        ck_assert_uint_eq(t.asked, 1);
        const char *status = manager_heard();
        ck_assert(strstr(status, "STATUS=the store thread has not answered for") == status);
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 0);
        ck_assert_ptr_nonnull(strstr(watchdog_reason(&t.w), "store thread"));
        /* It wakes up: told at once, not at the next round. */
        watchdog_answered(&t.w);
        t.silent = false;
        run_for(PERIOD_US / 4);
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
        ck_assert_ptr_null(watchdog_reason(&t.w));
}
END_TEST

/* A long checkpoint: every answer takes three quarters of the period, and still no gap is as long
 * as the period. */
START_TEST(test_store_is_slow)
{
        t.slow = true;
        run_for(PERIOD_US * 4);
        unsigned n = manager_count("WATCHDOG=1");
        ck_assert_uint_ge(n, 4);
        ck_assert_uint_eq(t.asked, n);
}
END_TEST

START_TEST(test_old_operation)
{
        run_for(PERIOD_US / 4);
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
        t.overdue = true;
        run_for(PERIOD_US);
        ck_assert_str_eq(manager_heard(), "STATUS=an operation is old");
        ck_assert_ptr_null(manager_next()); /* said once */
        ck_assert_str_eq(watchdog_reason(&t.w), "an operation is old");
        t.overdue = false;
        run_for(PERIOD_US);
        ck_assert_uint_ge(manager_count("WATCHDOG=1"), 1);
}
END_TEST

START_TEST(test_loop_does_not_turn)
{
        run_for(PERIOD_US / 4);
        ck_assert_uint_eq(manager_count("WATCHDOG=1"), 1);
        /* As if the timer came twice inside one turn. */
        t.w.timer.fire(&t.w.timer);
        ck_assert_str_eq(manager_heard(), "WATCHDOG=1");
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
        run_for(PERIOD_US);
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
        tcase_add_test(c, test_store_is_silent);
        tcase_add_test(c, test_store_is_slow);
        tcase_add_test(c, test_old_operation);
        tcase_add_test(c, test_loop_does_not_turn);
        tcase_add_test(c, test_no_watchdog);
        suite_add_tcase(s, c);
        return suite_run(s);
}
