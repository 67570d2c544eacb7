/* Logging in: the chain of steps, who completes it, whose session it is, what is kept of it. */
#include "login_world.h"

#include <stdio.h>

#define TOKEN_GOOD "done T0ken-1-long-enough AB1234 0"

static const char *callback_address(const char *query)
{
        static char url[512];
        snprintf(url, sizeof(url), "http://127.0.0.1/api/v1/auth/callback/state/a?%s", query);
        return url;
}

/* The broker's answer with the state of that login, and `rest` behind it. */
static const char *with_state(const struct ask *login, const char *status, const char *rest)
{
        char query[256];
        snprintf(query, sizeof(query), "s=%s&state=%s&%s", status, state_of(login), rest);
        return callback_address(query);
}

START_TEST(test_redirect)
{
        login_world_open();
        struct ask *login = log_in(STATE);
        ck_assert_int_eq(login->r.problem, PROBLEM_NONE);
        ck_assert_str_eq(login->r.method, "redirect");
        ck_assert(strncmp(login->url, "https://state.example/page?state=", 33) == 0);
        ck_assert_uint_eq(strlen(state_of(login)), 32);
        ck_assert_int_eq(login->r.expires_us, clock_wall_us() + LOGIN_PENDING_US);
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_PENDING);
        ck_assert_ptr_nonnull(progress_busy(lw.o));
        ck_assert_int_eq(read_funds(STATE), OUTCOME_NOT_SENT);

        say("/login/5", 200, TOKEN_GOOD);
        struct ask *done = complete_url(STATE, login->r.login_id,
                                        with_state(login, "ok", "auth_code=A%2Bb+c"));
        ck_assert_int_eq(done->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(done->r.view.state, SESSION_STATE_ACTIVE);
        ck_assert_str_eq(last_body("/login/5"), "- code=A+b+c");
        ck_assert_str_eq(last_body("/profile"), "T0ken-1-long-enough");
        ck_assert_int_eq(read_funds(STATE), OUTCOME_ACCEPTED);
        ck_assert_str_eq(last_body("/funds"), "T0ken-1-long-enough");
        ck_assert_str_eq(told(), "pending active");
        login_world_close();
}
END_TEST

/* Whoever can call the address may call it with anything; the pending login survives it. */
START_TEST(test_strangers)
{
        static const char *const queries[] = {
                "",
                "auth_code=X",
                "auth_code=X&state=",
                "auth_code=X&state=00000000000000000000000000000000",
                "auth_code=X&state=%00",
                "s=error&message=go+away&state=1",
        };
        login_world_open();
        struct ask *login = log_in(STATE);
        for (size_t i = 0; i < ELEMENTS(queries); i++) {
                struct ask *a = complete_url(STATE, NULL, callback_address(queries[i]));
                ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_REFUSED);
                ck_assert_str_eq(a->r.detail, "the state is not that of the pending login");
        }
        ck_assert_int_eq(complete_code(STATE, "X", NULL)->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_int_eq(complete_code(STATE, "X", "1")->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_uint_eq(asked("/login"), 0);
        ck_assert_int_eq(complete_code(STATE, "a b\r\n", state_of(login))->r.problem,
                         PROBLEM_LOGIN_REFUSED);
        const char *line = with_state(login, "ok", "auth_code=A%0d%0aB");
        ck_assert_int_eq(complete_url(STATE, NULL, line)->r.problem, PROBLEM_LOGIN_REFUSED);

        const char *twice = with_state(login, "ok", "auth_code=A&auth_code=B");
        ck_assert_int_eq(complete_url(STATE, NULL, twice)->r.problem, PROBLEM_LOGIN_REFUSED);
        const char *bad = with_state(login, "ok", "auth_code=A%4");
        ck_assert_int_eq(complete_url(STATE, NULL, bad)->r.problem, PROBLEM_LOGIN_REFUSED);
        struct ask *said_no =
                complete_url(STATE, NULL, with_state(login, "error", "message=user%20left%0A"));
        ck_assert_int_eq(said_no->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_str_eq(said_no->r.detail, "the broker did not let you in: user left ");

        say("/login/5", 200, TOKEN_GOOD);
        ck_assert_int_eq(complete_code(STATE, "A", state_of(login))->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

/* Without a state anybody's code goes to the broker, but not often. */
START_TEST(test_without_state)
{
        login_world_open();
        ck_assert_int_eq(log_in(PLAIN)->r.problem, PROBLEM_NONE);
        say("/login/5", 200, "no such code STOLEN1");
        struct ask *a = complete_url(PLAIN, NULL, "x?request_token=STOLEN1");
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_str_eq(a->r.detail, "the broker refused it: no such code *******");
        ck_assert_int_eq(shown_state(PLAIN), SESSION_STATE_PENDING);
        say("/login/5", 200, TOKEN_GOOD);
        ck_assert_int_eq(complete_url(PLAIN, NULL, "x?request_token=MINE#frag")->r.problem,
                         PROBLEM_NONE);
        ck_assert_str_eq(last_body("/login/5"), "- code=MINE");

        ck_assert_int_eq(log_in(PLAIN)->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(shown_state(PLAIN), SESSION_STATE_ACTIVE);
        for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++) {
                say("/login/5", i ? 200 : 0, "no");
                a = complete_url(PLAIN, NULL, "x?request_token=BAD");
                ck_assert_int_eq(a->r.problem, i ? PROBLEM_LOGIN_REFUSED : PROBLEM_LOGIN_FAILED);
        }
        a = complete_url(PLAIN, NULL, "x?request_token=BAD");
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        ck_assert_int_eq(shown_state(PLAIN), SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

START_TEST(test_otp)
{
        login_world_open();
        say("/login/1", 200, "asks 2 cookie-77");
        struct ask *login = log_in(OTP);
        ck_assert_int_eq(login->r.problem, PROBLEM_NONE);
        ck_assert_str_eq(login->r.method, "otp");
        ck_assert_str_eq(login->url, "");
        ck_assert_int_eq(complete_url(OTP, NULL, "x?code=1")->r.problem, PROBLEM_INVALID_REQUEST);
        say("/login/2", -1, "");
        struct ask *a = complete_otp(OTP, login->r.login_id, "123456");
        ck_assert_int_eq(a->r.problem, PROBLEM_BROKER_UNREACHABLE);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_PENDING);
        ck_assert_int_eq(complete_otp(OTP, NULL, "unusable")->r.problem, PROBLEM_LOGIN_FAILED);
        say("/login/2", 200, "goes 9 cookie-88");
        say("/login/9", 200, "done TT-9-long AB1234 0");
        a = complete_otp(OTP, login->r.login_id, "123456");
        ck_assert_int_eq(a->r.problem, PROBLEM_NONE);
        ck_assert_str_eq(last_body("/login/2"), "- otp=123456 carry=cookie-77");
        ck_assert_str_eq(last_body("/login/9"), "- carry=cookie-88");
        ck_assert_int_eq(a->r.view.state, SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

START_TEST(test_otp_refused)
{
        login_world_open();
        say("/login/1", 200, "asks 2 cookie-77");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_NONE);
        say("/login/2", 200, "no 123456 with cookie-77 is wrong");
        struct ask *a = complete_otp(OTP, NULL, "123456");
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_str_eq(a->r.detail, "the broker refused it: no ****** with ********* is wrong");
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        ck_assert_int_eq(complete_otp(OTP, NULL, "1")->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        ck_assert_str_eq(told(), "pending none");

        say("/login/1", 503, "busy");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_LOGIN_FAILED);
        say("/login/1", -1, "");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_BROKER_UNREACHABLE);
        say("/login/1", 200, "done - AB1234 0");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_LOGIN_FAILED);
        login_world_close();
}
END_TEST

START_TEST(test_endless)
{
        login_world_open();
        for (unsigned i = 0; i < LOGIN_STEPS_MAX; i++)
                say("/login/1", 200, "goes 1 x");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_LOGIN_FAILED);
        ck_assert_uint_eq(asked("/login"), LOGIN_STEPS_MAX);
        login_world_close();
}
END_TEST

/* A second login takes the place of the first, whatever that is doing. */
START_TEST(test_replaced)
{
        login_world_open();
        say("/login/1", 200, "asks 2 first");
        struct ask *first = log_in(OTP);
        say("/login/1", 200, "asks 2 second");
        struct ask *second = log_in(OTP);
        ck_assert_str_ne(first->r.login_id, second->r.login_id);
        struct ask *a = complete_otp(OTP, first->r.login_id, "111111");
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        ck_assert_uint_eq(asked("/login/2"), 0);

        hold("/login/2");
        struct ask *held = complete_otp(OTP, second->r.login_id, "222222");
        ck_assert(!held->done);
        a = complete_otp(OTP, second->r.login_id, "222222");
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        say("/login/1", 200, "asks 2 third");
        struct ask *third = log_in(OTP);
        ck_assert(held->done);
        ck_assert_int_eq(held->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        say("/login/2", 200, "done LATE-token AB1234 0");
        let_go();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_PENDING);
        say("/login/2", 200, TOKEN_GOOD);
        a = complete_otp(OTP, third->r.login_id, "333333");
        ck_assert_int_eq(a->r.problem, PROBLEM_NONE);
        ck_assert_str_eq(last_body("/login/2"), "- otp=333333 carry=third");
        login_world_close();
}
END_TEST

START_TEST(test_wrong_account)
{
        login_world_open();
        struct ask *login = log_in(STATE);
        say("/login/5", 200, "done THEIR-token - 0");
        say("/profile", 200, "client ZZ9999");
        struct ask *a = complete_code(STATE, "A", state_of(login));
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_WRONG_ACCOUNT);
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_NONE);
        ck_assert_str_eq(last_body("/logout"), "THEIR-token");

        /* the login's own reply is enough to tell */
        say("/login/1", 200, "done THEIR-2 ZZ9999 0");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_LOGIN_WRONG_ACCOUNT);
        ck_assert_str_eq(last_body("/logout"), "THEIR-2");
        /* and nobody's is not ours */
        say("/login/1", 200, "done NOBODYS - 0");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_LOGIN_FAILED);
        ck_assert_str_eq(last_body("/logout"), "NOBODYS");
        login_world_close();
}
END_TEST

START_TEST(test_profile)
{
        login_world_open();
        /* in other letters */
        struct ask *login = log_in(STATE);
        say("/login/5", 200, "done T-1-long ab1234 0");
        say("/profile", 0, "");
        say("/profile", 200, "client ab1234");
        ck_assert_int_eq(complete_code(STATE, "A", state_of(login))->r.problem, PROBLEM_NONE);
        ck_assert_uint_eq(asked("/profile"), 2);
        /* it does not tell, but the login did */
        login = log_in(STATE);
        say("/login/5", 200, "done T-2-long AB1234 0");
        say("/profile", 503, "");
        say("/profile", 503, "");
        ck_assert_int_eq(complete_code(STATE, "A", state_of(login))->r.problem, PROBLEM_NONE);
        ck_assert_uint_eq(login_account(STATE)->generation, 2);
        /* nothing tells */
        login = log_in(STATE);
        say("/login/5", 200, "done T-3-long - 0");
        say("/profile", 503, "");
        say("/profile", 503, "");
        ck_assert_int_eq(complete_code(STATE, "A", state_of(login))->r.problem,
                         PROBLEM_LOGIN_FAILED);
        ck_assert_str_eq(last_body("/logout"), "T-3-long");
        /* the token is none; its words do not get out */
        login = log_in(STATE);
        say("/login/5", 200, "done T-4-long - 0");
        say("/profile", 401, "bad T-4-long!");
        struct ask *a = complete_code(STATE, "A", state_of(login));
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_ptr_null(strstr(a->r.detail, "T-4"));
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

START_TEST(test_ways)
{
        login_world_open();
        ck_assert_int_eq(login_way(login_account(PLAIN))->method, BROKER_LOGIN_REDIRECT);
        lw.accounts[PLAIN].access.username = (char *)"me";
        ck_assert_int_eq(login_way(login_account(PLAIN))->method, BROKER_LOGIN_REDIRECT);
        lw.accounts[PLAIN].access.password = secret_new("pw", 2);
        ck_assert_int_eq(login_way(login_account(PLAIN))->method, BROKER_LOGIN_OTP);
        ck_assert_int_eq(login_way(login_account(TOTP))->method, BROKER_LOGIN_TOTP);
        struct secret *kept = TAKE(lw.accounts[TOTP].access.totp_secret);
        ck_assert_int_eq(login_way(login_account(TOTP))->method, BROKER_LOGIN_OTP);
        lw.accounts[TOTP].access.totp_secret = kept;
        lw.accounts[STATE].access.redirect_uri = NULL;
        struct ask *a = log_in(STATE);
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_FAILED);
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_NONE);
        login_world_close();
}
END_TEST

START_TEST(test_ledger_fails)
{
        login_world_open();
        struct ask *login = log_in(STATE);
        say("/login/5", 200, TOKEN_GOOD);
        fake_store_fail(lw.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        struct ask *a = complete_code(STATE, "A", state_of(login));
        ck_assert_int_eq(a->r.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_NONE);
        ck_assert_str_eq(last_body("/logout"), "T0ken-1-long-enough");
        login_world_close();
}
END_TEST

START_TEST(test_time_over)
{
        login_world_open();
        struct ask *login = log_in(STATE);
        struct login *l = login_account(STATE)->login;
        l->whole.fire(&l->whole);
        login_rest();
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_NONE);
        ck_assert_int_eq(complete_code(STATE, "A", state_of(login))->r.problem,
                         PROBLEM_LOGIN_NOT_PENDING);
        hold("/login/1");
        struct ask *held = log_in(OTP);
        ck_assert(!held->done);
        l = login_account(OTP)->login;
        l->whole.fire(&l->whole);
        login_rest();
        ck_assert_int_eq(held->r.problem, PROBLEM_LOGIN_FAILED);
        let_go();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        ck_assert_str_eq(told(), "pending none pending none");
        login_world_close();
}
END_TEST

/* The daemon ends while something is under way: nothing is answered, nothing is left behind. */
START_TEST(test_end)
{
        login_world_open();
        hold("/login/1");
        struct ask *held = log_in(OTP);
        (void)log_in(STATE);
        login_world_close();
        ck_assert(!held->done);
}
END_TEST

/* --- the authenticator --- */

static const char *code_of(int64_t window)
{
        static char text[16];
        struct secret *code = NULL;
        ck_assert_int_eq(totp_code(lw.accounts[TOTP].access.totp_secret, window, &code), 0);
        snprintf(text, sizeof(text), "- otp=%s", (const char *)secret_bytes(code));
        secret_free(code);
        return text;
}

static void window_comes(int64_t us)
{
        struct login *l = login_account(TOTP)->login;
        clock_fake_advance(us);
        l->window.fire(&l->window);
        login_rest();
}

START_TEST(test_totp)
{
        login_world_open();
        int64_t window = totp_window(clock_wall_us());
        say("/login/3", 200, TOKEN_GOOD);
        struct ask *a = log_in(TOTP);
        ck_assert_int_eq(a->r.problem, PROBLEM_NONE);
        ck_assert_str_eq(a->r.method, "totp");
        ck_assert_int_eq(a->r.view.state, SESSION_STATE_ACTIVE);
        ck_assert_str_eq(last_body("/login/3"), code_of(window));

        /* again in the same window: the code is used, so it waits for the next one */
        clock_fake_advance(12 * USEC_PER_SEC);
        a = log_in(TOTP);
        ck_assert(a->done);
        ck_assert_int_eq(a->r.problem, PROBLEM_NONE);
        ck_assert_int_ne(a->r.expires_us, 0);
        ck_assert_uint_eq(asked("/login/3"), 1);
        ck_assert_int_eq(complete_otp(TOTP, NULL, "1")->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        say("/login/3", 200, "done T-second AB1234 0");
        window_comes(18 * USEC_PER_SEC);
        ck_assert_uint_eq(asked("/login/3"), 2);
        ck_assert_str_eq(last_body("/login/3"), code_of(window + 1));
        ck_assert_uint_eq(login_account(TOTP)->generation, 2);
        login_world_close();
}
END_TEST

/* A new start does not use it again either. */
START_TEST(test_totp_restart)
{
        login_world_open();
        say("/login/3", 200, "no");
        ck_assert_int_eq(log_in(TOTP)->r.problem, PROBLEM_LOGIN_REFUSED);
        login_world_sleep();
        login_world_wake();
        ck_assert_int_eq(log_in(TOTP)->r.problem, PROBLEM_NONE);
        ck_assert_uint_eq(asked("/login/3"), 1);
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_PENDING);
        say("/login/3", 200, TOKEN_GOOD);
        window_comes(30 * USEC_PER_SEC);
        ck_assert_int_eq(shown_state(TOTP), SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

/* A first step that has no use for the code leaves it good; a second question is one too many. */
START_TEST(test_totp_asks)
{
        login_world_open();
        int64_t window = totp_window(clock_wall_us());
        say("/login/3", 200, "asks 4 cookie");
        say("/login/4", 200, TOKEN_GOOD);
        ck_assert_int_eq(log_in(TOTP)->r.problem, PROBLEM_NONE);
        ck_assert(strncmp(last_body("/login/4"), code_of(window), 12) == 0);
        ck_assert_ptr_nonnull(strstr(last_body("/login/4"), "carry=cookie"));
        clock_fake_advance(60 * USEC_PER_SEC);
        say("/login/3", 200, "asks 4 cookie");
        say("/login/4", 200, "asks 4 cookie");
        ck_assert_int_eq(log_in(TOTP)->r.problem, PROBLEM_LOGIN_FAILED);
        ck_assert_uint_eq(asked("/login/4"), 2);
        login_world_close();
}
END_TEST

/* The mark is not durable: the code does not leave. */
START_TEST(test_totp_ledger)
{
        login_world_open();
        fake_store_fail(lw.fake, FAKE_WRITE, 2, 1, STORE_FULL);
        ck_assert_int_eq(log_in(TOTP)->r.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(asked("/login"), 0);
        secret_free(lw.accounts[TOTP].access.totp_secret);
        lw.accounts[TOTP].access.totp_secret = secret_new("not base 32: 018", 16);
        clock_fake_advance(60 * USEC_PER_SEC);
        ck_assert_int_eq(log_in(TOTP)->r.problem, PROBLEM_LOGIN_FAILED);
        ck_assert_uint_eq(asked("/login"), 0);
        login_world_close();
}
END_TEST

/* RFC 6238, appendix B (SHA-1), the last six digits. */
START_TEST(test_totp_codes)
{
        static const struct {
                int64_t seconds;
                const char *code;
        } table[] = {{59, "287082"},
                     {1111111109, "081804"},
                     {1111111111, "050471"},
                     {1234567890, "005924"},
                     {2000000000, "279037"}};
        static const char *const spellings[] = {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
                                                "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"};
        for (size_t s = 0; s < ELEMENTS(spellings); s++)
                for (size_t i = 0; i < ELEMENTS(table); i++) {
                        struct secret *key = secret_new(spellings[s], strlen(spellings[s]));
                        struct secret *code = NULL;
                        int64_t window = totp_window(table[i].seconds * USEC_PER_SEC);
                        ck_assert_int_eq(totp_code(key, window, &code), 0);
                        ck_assert_str_eq(secret_bytes(code), table[i].code);
                        secret_free(code);
                        secret_free(key);
                }
        struct secret *none = secret_new("", 0), *code = NULL;
        ck_assert_int_lt(totp_code(none, 1, &code), 0);
        secret_free(none);
}
END_TEST

SUITE("logins", test_redirect, test_strangers, test_without_state, test_otp, test_otp_refused,
      test_endless, test_replaced, test_wrong_account, test_profile, test_ways, test_ledger_fails,
      test_time_over, test_end, test_totp, test_totp_restart, test_totp_asks, test_totp_ledger,
      test_totp_codes)
