/* What the manager hears, word for word. */
#include "manager.h"

#include <errno.h>

#include "base/clock.h"
#include "service/notify.h"

START_TEST(test_messages)
{
        service_ready("2 accounts, listening on 127.0.0.1:8080");
        ck_assert_str_eq(manager_heard(),
                         "READY=1\nSTATUS=2 accounts, listening on 127.0.0.1:8080");
        service_status("%d orders in flight", 3);
        ck_assert_str_eq(manager_heard(), "STATUS=3 orders in flight");
        service_status("%d orders in flight", 3); /* is known */
        ck_assert_ptr_null(manager_next());
        ck_assert_str_eq(service_told(), "3 orders in flight");
        service_ready(service_told());
        ck_assert_str_eq(manager_heard(), "READY=1\nSTATUS=3 orders in flight");
        service_stopping();
        ck_assert_str_eq(manager_heard(), "STOPPING=1");
        service_extend_timeout(30 * USEC_PER_SEC);
        ck_assert_str_eq(manager_heard(), "EXTEND_TIMEOUT_USEC=30000000");
        service_failed(EADDRINUSE, "the address is in use");
        ck_assert_str_eq(manager_heard(), "ERRNO=98\nSTATUS=the address is in use");
        service_watchdog_ping();
        ck_assert_str_eq(manager_heard(), "WATCHDOG=1");
        clock_fake(0, 1234567);
        service_reloading();
        clock_real();
        ck_assert_str_eq(manager_heard(), "RELOADING=1\nMONOTONIC_USEC=1234567");
}
END_TEST

/* A status is one line, whatever is in it, and has an end. */
START_TEST(test_status_cannot_command)
{
        service_status("%s", "fine\nSTOPPING=1\tx");
        ck_assert_str_eq(manager_heard(), "STATUS=fine STOPPING=1 x");
        service_ready("a\nb");
        ck_assert_str_eq(manager_heard(), "READY=1\nSTATUS=a b");
        char longer[2000];
        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        service_status("%s", longer);
        ck_assert_uint_eq(strlen(manager_heard()), strlen("STATUS=") + 255);
}
END_TEST

START_TEST(test_watchdog)
{
        ck_assert_int_eq(service_watchdog_usec(), 0);
        setenv("WATCHDOG_USEC", "20000000", 1);
        ck_assert_int_eq(service_watchdog_usec(), 20 * USEC_PER_SEC);
        setenv("WATCHDOG_PID", "1", 1);
        ck_assert_int_eq(service_watchdog_usec(), 0);
        char pid[16];
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("WATCHDOG_PID", pid, 1);
        ck_assert_int_eq(service_watchdog_usec(), 20 * USEC_PER_SEC);
        setenv("WATCHDOG_USEC", "soon", 1);
        ck_assert_int_eq(service_watchdog_usec(), 0);
}
END_TEST

START_TEST(test_without_manager)
{
        ck_assert(service_managed());
        unsetenv("NOTIFY_SOCKET");
        ck_assert(!service_managed());
        service_ready("alone");
        service_status("alone");
        service_stopping();
        setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
        service_ready("alone");
        ck_assert_int_eq(recv(manager, manager_path, 0, 0), -1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("service/notify");
        TCase *c = tcase_create("notify");
        tcase_add_checked_fixture(c, manager_start, manager_stop);
        tcase_add_test(c, test_messages);
        tcase_add_test(c, test_status_cannot_command);
        tcase_add_test(c, test_watchdog);
        tcase_add_test(c, test_without_manager);
        suite_add_tcase(s, c);
        return suite_run(s);
}
