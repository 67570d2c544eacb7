/* More time is asked for while the one thread is busy. */
#include "manager.h"

#include "base/clock.h"
#include "service/patience.h"

START_TEST(test_asks_again_and_again)
{
        struct patience p;
        manager_start();
        patience_begin(&p, "opening the ledger", 60 * USEC_PER_MS, USEC_PER_SEC);
        ck_assert_str_eq(manager_heard(), "EXTEND_TIMEOUT_USEC=60000"); /* at once */
        ck_assert_str_eq(manager_hears(), "EXTEND_TIMEOUT_USEC=60000");
        ck_assert_str_eq(manager_hears(), "STATUS=opening the ledger, for 0 s now");
        for (unsigned n = 0; n < 5;)
                n += strcmp(manager_hears(), "EXTEND_TIMEOUT_USEC=60000") == 0;
        patience_end(&p);
        manager_count("");
        usleep(100000);
        ck_assert_ptr_null(manager_next());
        patience_end(&p); /* twice does no harm */
        manager_stop();
}
END_TEST

/* A start that hangs must not be excused for ever. */
START_TEST(test_has_an_end)
{
        struct patience p;
        manager_start();
        patience_begin(&p, "opening the ledger", 30 * USEC_PER_MS, 100 * USEC_PER_MS);
        unsigned n = 0;
        for (unsigned now = 1; now > 0; n += now)
                now = manager_count_for(400, "EXTEND_TIMEOUT_USEC=");
        ck_assert_uint_ge(n, 1);
        ck_assert_uint_le(n, 12);
        patience_end(&p);
        manager_stop();
}
END_TEST

START_TEST(test_ends_at_once)
{
        struct patience p;
        manager_start();
        int64_t began = clock_mono_us();
        patience_begin(&p, "opening the ledger", 3600 * USEC_PER_SEC, 3600 * USEC_PER_SEC);
        patience_end(&p);
        ck_assert_int_lt(clock_mono_us() - began, 30 * USEC_PER_SEC);
        manager_stop();
}
END_TEST

START_TEST(test_without_manager)
{
        struct patience p;
        unsetenv("NOTIFY_SOCKET");
        patience_begin(&p, "opening the ledger", USEC_PER_SEC, USEC_PER_SEC);
        ck_assert(!p.started);
        patience_end(&p);
}
END_TEST

SUITE("service/patience", test_asks_again_and_again, test_has_an_end, test_ends_at_once,
      test_without_manager)
