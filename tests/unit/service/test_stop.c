/* The steps of stopping, and leaving when idle. */
#include "manager.h"

#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"
#include "service/idle.h"
#include "service/stop.h"

static struct world {
        struct loop *loop;
        struct stop stop;
        struct idle idle;
        struct loop_timer later;
        void (*then)(void);
        unsigned operations, connections, lingered, drained, left_by_idle;
        bool busy;
        uint64_t count;
        int64_t began_us, lingered_us, drained_us;
} t;

static void on_linger(void *userdata)
{
        t.lingered++;
        t.lingered_us = clock_mono_us();
}

static void on_drain(void *userdata)
{
        t.drained++;
        t.drained_us = clock_mono_us();
}

static struct stop_left on_left(void *userdata)
{
        return (struct stop_left){t.operations, t.connections};
}

static bool on_busy(void *userdata, uint64_t *ret_count)
{
        *ret_count = t.count;
        return t.busy;
}

static void on_leave(void *userdata)
{
        t.left_by_idle++;
        loop_stop(t.loop);
}

static void on_later(struct loop_timer *timer)
{
        t.then();
}

static void later(int64_t us, void (*then)(void))
{
        t.then = then;
        (void)loop_timer_set(t.loop, &t.later, us);
}

/* Runs until it stops by itself; the time since start(), for what was armed before the loop turned
 * counts from then on. */
static int64_t run(void)
{
        ck_assert_int_eq(loop_run(t.loop, NULL, NULL), 0);
        return clock_mono_us() - t.began_us;
}

static void start(void)
{
        log_set_level(-1); /* standard output is the test's */
        manager_start();
        t = (struct world){};
        ck_assert_int_eq(loop_new(&t.loop), 0);
        t.stop = (struct stop){.loop = t.loop,
                               .limit_us = 3 * USEC_PER_SEC,
                               .linger = on_linger,
                               .drain = on_drain,
                               .left = on_left};
        t.idle = (struct idle){.loop = t.loop, .busy = on_busy, .leave = on_leave};
        t.later.fire = on_later;
        t.began_us = clock_mono_us();
}

static void finish(void)
{
        stop_done(&t.stop);
        idle_done(&t.idle);
        loop_timer_done(&t.later);
        loop_free(t.loop);
        manager_stop();
}

START_TEST(test_nothing_left)
{
        ck_assert(!stop_asked(&t.stop));
        stop_ask(&t.stop, "test");
        ck_assert(stop_asked(&t.stop));
        ck_assert_str_eq(manager_heard(), "STOPPING=1"); /* the first act */
        ck_assert_uint_eq(t.lingered, 1);
        ck_assert_int_lt(run(), STOP_LINGER_US);
        ck_assert_uint_eq(t.drained, 1);
}
END_TEST

static void all_go(void)
{
        t.connections = 0;
}

START_TEST(test_lingers_while_connections_are_open)
{
        t.connections = 2;
        later(STOP_LINGER_US / 4, all_go);
        stop_ask(&t.stop, "test");
        ck_assert_int_lt(run(), STOP_LINGER_US); /* they went before the time was over */
        ck_assert_int_ge(t.drained_us - t.lingered_us,
                         STOP_LINGER_US / 8); /* set before it began */

        finish();
        start();
        t.connections = 3;
        later(STOP_LINGER_US * 3 / 2, all_go);
        stop_ask(&t.stop, "test");
        ck_assert_int_ge(run(), STOP_LINGER_US * 3 / 2);
        ck_assert_int_ge(t.drained_us - t.lingered_us, STOP_LINGER_US);
        ck_assert_str_eq(manager_heard(), "STOPPING=1");
        ck_assert_str_eq(manager_heard(), "EXTEND_TIMEOUT_USEC=10000000");
        ck_assert_str_eq(manager_heard(),
                         "STATUS=stopping: 0 operations and 3 connections left, 3 s at most");
        ck_assert_uint_le(manager_count(""), 4); /* about one a second, not one a turn */
}
END_TEST

START_TEST(test_has_an_end)
{
        t.stop.limit_us = STOP_LINGER_US / 2;
        t.operations = 1;
        stop_ask(&t.stop, "test");
        int64_t took = run();
        ck_assert_int_ge(took, STOP_LINGER_US / 2);
        ck_assert_int_lt(took, 3 * STOP_LINGER_US);
}
END_TEST

static void ask_again(void)
{
        stop_ask(&t.stop, "test");
}

START_TEST(test_asked_twice)
{
        t.stop.limit_us = 60 * USEC_PER_SEC;
        t.operations = t.connections = 1;
        stop_ask(&t.stop, "test");
        later(100 * USEC_PER_MS, ask_again);
        ck_assert_int_lt(run(), STOP_LINGER_US);
        ck_assert_uint_eq(t.lingered, 1);
        ck_assert_uint_eq(manager_count("STOPPING=1"), 1);
}
END_TEST

START_TEST(test_idle)
{
        t.idle.after_us = 200 * USEC_PER_MS;
        idle_start(&t.idle);
        int64_t took = run();
        ck_assert_int_ge(took, 200 * USEC_PER_MS);
        ck_assert_uint_eq(t.left_by_idle, 1);
}
END_TEST

static void nothing_more(void)
{
        t.busy = false;
}

static void one_came_and_went(void)
{
        t.count++;
}

START_TEST(test_not_idle)
{
        t.idle.after_us = 200 * USEC_PER_MS;
        t.busy = true;
        later(500 * USEC_PER_MS, nothing_more);
        idle_start(&t.idle);
        ck_assert_int_ge(run(), 600 * USEC_PER_MS);

        /* What was done between two looks counts. */
        finish();
        start();
        t.idle.after_us = 200 * USEC_PER_MS;
        later(150 * USEC_PER_MS, one_came_and_went);
        idle_start(&t.idle);
        ck_assert_int_ge(run(), 390 * USEC_PER_MS);
}
END_TEST

static void end(void)
{
        loop_stop(t.loop);
}

START_TEST(test_never_idle)
{
        idle_start(&t.idle); /* 0: off */
        later(300 * USEC_PER_MS, end);
        run();
        ck_assert_uint_eq(t.left_by_idle, 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("service/stop");
        TCase *c = tcase_create("stop");
        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, start, finish);
        tcase_add_test(c, test_nothing_left);
        tcase_add_test(c, test_lingers_while_connections_are_open);
        tcase_add_test(c, test_has_an_end);
        tcase_add_test(c, test_asked_twice);
        tcase_add_test(c, test_idle);
        tcase_add_test(c, test_not_idle);
        tcase_add_test(c, test_never_idle);
        suite_add_tcase(s, c);
        return suite_run(s);
}
