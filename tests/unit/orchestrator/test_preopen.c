/* Before the market opens: who can log in alone does, who cannot is said to need a login. */
#include "login_world.h"

static void pass_to(const char *text)
{
        int64_t us;
        ck_assert_int_eq(clock_parse(text, strlen(text), &us), 0);
        clock_fake_advance(us - clock_wall_us());
        preopen_look(lw.o);
        login_rest();
}

START_TEST(test_morning)
{
        login_world_open();
        say("/login/3", 200, "done T-one-long AB1234 0");
        pass_to("2026-11-23T08:29:59+05:30");
        ck_assert_uint_eq(asked("/login"), 0);
        ck_assert_str_eq(told(), "");
        pass_to("2026-11-23T08:30:00+05:30");
        ck_assert_uint_eq(asked("/login"), 1);
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_ACTIVE);
        ck_assert_str_eq(told(), "none none none pending active");
        /* once a day */
        pass_to("2026-11-23T08:31:00+05:30");
        pass_to("2026-11-23T15:29:00+05:30");
        ck_assert_uint_eq(asked("/login"), 1);
        ck_assert_str_eq(told(), "");
        /* the next day has its own morning; what still lasts is left alone */
        say("/login/3", 200, "done T-two-long AB1234 0");
        struct account_state *a = login_account(TOTP);
        clock_fake_advance(86400 * USEC_PER_SEC - 8 * 3600 * USEC_PER_SEC);
        a->expiry.fire(&a->expiry);
        login_rest();
        ck_assert_str_eq(told(), "expired");
        pass_to("2026-11-24T08:30:10+05:30");
        ck_assert_uint_eq(asked("/login"), 2);
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

START_TEST(test_closed_days)
{
        login_world_open();
        pass_to("2026-11-28T09:00:00+05:30"); /* a Saturday */
        pass_to("2026-11-30T15:30:00+05:30"); /* a Monday, when it is over */
        ck_assert_uint_eq(asked("/login"), 0);
        ck_assert_str_eq(told(), "");
        login_world_close();
}
END_TEST

/* A broker that does not answer is asked again; one that refuses is not. */
START_TEST(test_tries)
{
        login_world_open();
        for (unsigned i = 0; i < PREOPEN_TRIES; i++)
                say("/login/3", 0, "");
        pass_to("2026-11-23T08:30:00+05:30");
        (void)told();
        for (unsigned minute = 31; minute < 60; minute++) {
                clock_fake_advance(60 * USEC_PER_SEC);
                preopen_look(lw.o);
                login_rest();
        }
        ck_assert_uint_eq(asked("/login"), PREOPEN_TRIES);
        ck_assert_str_eq(told(), "pending none pending none pending none none");

        clock_fake_advance(86400 * USEC_PER_SEC);
        say("/login/3", 200, "no");
        for (unsigned i = 0; i < 20; i++) {
                preopen_look(lw.o);
                login_rest();
                clock_fake_advance(60 * USEC_PER_SEC);
        }
        ck_assert_uint_eq(asked("/login"), PREOPEN_TRIES + 1);
        ck_assert_str_eq(told(), "none none none pending none none");
        login_world_close();
}
END_TEST

/* Who was logged out by a person stays so for the day, also after a new start. */
START_TEST(test_logged_out)
{
        login_world_open();
        say("/login/3", 200, "done T-one-long AB1234 0");
        pass_to("2026-11-23T08:30:00+05:30");
        ck_assert_int_eq(log_out(TOTP)->r.problem, PROBLEM_NONE);
        (void)told();
        clock_fake_advance(3600 * USEC_PER_SEC);
        login_world_sleep();
        login_world_wake();
        ck_assert_uint_eq(asked("/login"), 1);
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_NONE);
        say("/login/3", 200, "done T-two-long AB1234 0");
        pass_to("2026-11-24T08:30:00+05:30");
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_ACTIVE);
        ck_assert_int_eq(login_account(TOTP)->logged_out_us, 0);
        login_world_close();
}
END_TEST

/* It starts later in the day: then it looks at once. A person's login is not disturbed. */
START_TEST(test_late_start)
{
        login_world_open();
        struct ask *login = log_in(STATE);
        (void)told();
        login_world_sleep();
        clock_fake_advance(2 * 3600 * USEC_PER_SEC);
        say("/login/3", 200, "done T-one-long AB1234 0");
        login_world_wake();
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_ACTIVE);
        ck_assert_int_eq(complete_code(STATE, "A", state_of(login))->r.problem,
                         PROBLEM_LOGIN_NOT_PENDING);
        (void)told();
        clock_fake_advance(86400 * USEC_PER_SEC);
        login = log_in(STATE);
        ck_assert_str_eq(told(), "pending");
        preopen_look(lw.o);
        login_rest();
        ck_assert_ptr_nonnull(login_account(STATE)->login);
        ck_assert_str_eq(login_account(STATE)->login->id, login->r.login_id);
        login_world_close();
}
END_TEST

SUITE("before the open", test_morning, test_closed_days, test_tries, test_logged_out,
      test_late_start)
