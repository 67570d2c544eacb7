/* What becomes of a session: its end, its place in the ledger, its calls. */
#include "login_world.h"

#include <stdio.h>

static void begin(unsigned account, const char *token)
{
        char words[128];
        snprintf(words, sizeof(words), "done %s AB1234 0", token);
        say("/login/1", 200, words);
        ck_assert_int_eq(log_in(account)->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(shown_state(account), SESSION_STATE_ACTIVE);
        (void)told();
}

static int64_t at(const char *text)
{
        int64_t us;
        ck_assert_int_eq(clock_parse(text, strlen(text), &us), 0);
        return us;
}

static void pass_to(const char *text)
{
        clock_fake_advance(at(text) - clock_wall_us());
        struct account_state *a = login_account(OTP);
        a->expiry.fire(&a->expiry);
        login_rest();
}

static int64_t expires(unsigned account)
{
        struct session_view v;
        ck_assert(session_view(lw.o, lw.accounts[account].id, &v));
        return v.expires_us;
}

/* The broker's hour of the IST day, wherever this machine stands. */
START_TEST(test_hour)
{
        static const struct {
                const char *now, *end;
        } table[] = {
                {"2026-11-23T08:00:00+05:30", "2026-11-24T06:00:00+05:30"},
                {"2026-11-24T05:59:00+05:30", "2026-11-24T06:00:00+05:30"},
                {"2026-11-24T06:00:00+05:30", "2026-11-25T06:00:00+05:30"},
                {"2026-12-31T23:59:59+05:30", "2027-01-01T06:00:00+05:30"},
        };
        static const char *const zones[] = {"UTC", "America/New_York", "Asia/Tokyo"};
        login_world_open();
        for (size_t z = 0; z < ELEMENTS(zones); z++) {
                setenv("TZ", zones[z], 1);
                for (size_t i = 0; i < ELEMENTS(table); i++)
                        ck_assert_int_eq(session_end_us(login_account(OTP), at(table[i].now), 0),
                                         at(table[i].end));
        }
        unsetenv("TZ");
        int64_t now = at(table[0].now);
        ck_assert_int_eq(session_end_us(login_account(OTP), now, now + 5), now + 5);
        ck_assert_int_eq(session_end_us(login_account(OTP), now, INT64_MAX), at(table[0].end));
        login_world_close();
}
END_TEST

START_TEST(test_expires)
{
        login_world_open();
        begin(OTP, "T-one-long");
        ck_assert_int_eq(expires(OTP), at("2026-11-24T06:00:00+05:30"));
        pass_to("2026-11-24T05:59:59+05:30");
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_ACTIVE);
        pass_to("2026-11-24T06:00:00+05:30");
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_EXPIRED);
        ck_assert_int_eq(expires(OTP), 0);
        ck_assert_str_eq(told(), "expired");
        ck_assert_int_eq(read_funds(OTP), OUTCOME_NOT_SENT);
        /* a token that says so itself ends earlier; one that is over already is none */
        char words[96];
        snprintf(words, sizeof(words), "done T-two-long AB1234 %lld",
                 (long long)at("2026-11-24T10:00:00+05:30"));
        say("/login/1", 200, words);
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(expires(OTP), at("2026-11-24T10:00:00+05:30"));
        say("/login/1", 200, "done T-3-long AB1234 1");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_LOGIN_REFUSED);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_ACTIVE);
        login_world_close();
}
END_TEST

START_TEST(test_restart)
{
        login_world_open();
        begin(OTP, "T-one-long");
        int64_t since = login_account(OTP)->session_since_us;
        clock_fake_advance(3600 * USEC_PER_SEC);
        login_world_sleep();
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_ACTIVE);
        ck_assert_int_eq(login_account(OTP)->session_since_us, since);
        ck_assert_int_eq(expires(OTP), at("2026-11-24T06:00:00+05:30"));
        ck_assert_uint_eq(login_account(OTP)->generation, 1);
        ck_assert_str_eq(last_body("/book"), "T-one-long");
        ck_assert_int_eq(shown_state(STATE), SESSION_STATE_NONE);
        /* what was over when it starts is over, and the ledger forgets it */
        login_world_sleep();
        clock_fake_advance(86400 * USEC_PER_SEC);
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_EXPIRED);
        login_world_sleep();
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        login_world_close();
}
END_TEST

/* Another key, or none: what is in the ledger cannot be opened, and a login replaces it. */
START_TEST(test_other_key)
{
        static const uint8_t key[VAULT_KEY_SIZE] = {2};
        login_world_open();
        begin(OTP, "T-one-long");
        login_world_sleep();
        struct vault *first = lw.vault;
        struct secret *s = secret_new(key, sizeof(key));
        ck_assert_int_eq(vault_new(s, &lw.vault), 0);
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        begin(OTP, "T-two-long");
        login_world_sleep();
        struct vault *second = lw.vault;
        lw.vault = NULL;
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        say("/login/1", 200, "done T-3-long AB1234 0");
        ck_assert_int_eq(log_in(OTP)->r.problem, PROBLEM_INTERNAL);
        vault_free(first);
        vault_free(second);
        secret_free(s);
        login_world_close();
}
END_TEST

/* The account is somebody else's now: the session of the former client is not taken up. */
START_TEST(test_other_client)
{
        login_world_open();
        begin(OTP, "T-one-long");
        login_world_sleep();
        lw.accounts[OTP].access.client_id = (char *)"AB12345";
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        ck_assert_int_eq(read_funds(OTP), OUTCOME_NOT_SENT);
        login_world_close();
}
END_TEST

/* The token lies in the ledger, but not readable. */
START_TEST(test_sealed)
{
        login_world_open();
        begin(OTP, "T-readable-token");
        login_world_sleep();
        char error[STORE_ERROR_SIZE];
        struct store *s;
        struct store_restore v = {.job.op = STORE_RESTORE, .day = 20261123};
        ck_assert_int_eq(store_open_driver(NULL, fake_store_driver(lw.fake),
                                           &(struct store_options){}, error, &s),
                         0);
        ck_assert_int_eq(store_run(s, &v.job), STORE_OK);
        unsigned found = 0;
        for (unsigned i = 0; i < v.n_sessions; i++) {
                const struct store_session_row *row = &v.sessions[i];
                ck_assert_ptr_null(memmem(row->value, row->size, "readable", 8));
                found += strcmp(row->column, "token") == 0;
                ck_assert_int_eq(row->expires_us, at("2026-11-24T06:00:00+05:30"));
        }
        ck_assert_uint_eq(found, 1);
        store_restore_done(&v);
        store_close(s);
        login_world_wake();
        login_world_close();
}
END_TEST

START_TEST(test_broker_ends_it)
{
        login_world_open();
        begin(OTP, "T-one-long");
        say("/funds", 401, "gone");
        ck_assert_int_eq(read_funds(OTP), OUTCOME_REJECTED);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_EXPIRED);
        ck_assert_str_eq(told(), "expired");
        login_world_sleep();
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        login_world_close();
}
END_TEST

static unsigned n_ended;

static void on_ended(struct call *c)
{
        n_ended++;
}

/* Many calls are told so at once: it ends once. A late one of the old token ends nothing. */
START_TEST(test_late)
{
        struct call calls[3] = {};
        login_world_open();
        begin(OTP, "T-one-long");
        for (unsigned i = 0; i < 3; i++) {
                calls[i] = (struct call){.account = login_account(OTP),
                                         .broker.op = BROKER_FUNDS,
                                         .passes_halt = true,
                                         .done = on_ended};
                if (i == 2)
                        hold("/funds");
                else
                        say("/funds", 401, "gone");
                call_start(&calls[i]);
                if (i != 1)
                        continue;
                login_rest();
                ck_assert_str_eq(told(), "expired");
                ck_assert_uint_eq(n_ended, 2);
                begin(OTP, "T-two-long");
        }
        login_rest();
        begin(OTP, "T-three-long"); /* while the held one runs with the second token */
        ck_assert_uint_eq(n_ended, 2);
        say("/funds", 401, "gone");
        let_go();
        ck_assert_uint_eq(n_ended, 3);
        ck_assert_int_eq(calls[2].result.session_ended, true);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_ACTIVE);
        ck_assert_str_eq(told(), "");
        ck_assert_int_eq(read_funds(OTP), OUTCOME_ACCEPTED);
        ck_assert_str_eq(last_body("/funds"), "T-three-long");
        for (unsigned i = 0; i < 3; i++)
                call_clear(&calls[i]);
        login_world_close();
}
END_TEST

START_TEST(test_logout)
{
        login_world_open();
        begin(OTP, "T-one-long");
        struct ask *a = log_out(OTP);
        ck_assert_int_eq(a->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(a->r.view.state, SESSION_STATE_NONE);
        ck_assert_str_eq(last_body("/logout"), "T-one-long");
        ck_assert_str_eq(told(), "none");
        ck_assert_int_eq(log_out(OTP)->r.problem, PROBLEM_NONE);
        ck_assert_uint_eq(asked("/logout"), 1);
        login_world_sleep();
        login_world_wake();
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);

        /* the broker does not answer: forgotten all the same */
        begin(OTP, "T-two-long");
        say("/logout", 0, "");
        ck_assert_int_eq(log_out(OTP)->r.problem, PROBLEM_NONE);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        /* the ledger does not: still there */
        begin(OTP, "T-three-long");
        fake_store_fail(lw.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_eq(log_out(OTP)->r.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_ACTIVE);
        /* a pending login goes too */
        say("/login/1", 200, "asks 2 x");
        struct ask *login = log_in(OTP);
        ck_assert_int_eq(log_out(OTP)->r.problem, PROBLEM_NONE);
        a = complete_otp(OTP, login->r.login_id, "1");
        ck_assert_int_eq(a->r.problem, PROBLEM_LOGIN_NOT_PENDING);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        login_world_close();
}
END_TEST

static bool is_stored(void *userdata)
{
        return login_account(OTP)->session_writes > 0;
}

/* The last word holds, also when the session is on its way into the ledger. */
START_TEST(test_login_then_logout)
{
        login_world_open();
        say("/login/1", 200, "done T-one-long AB1234 0");
        fake_store_delay(lw.fake, FAKE_COMMIT, 20000);
        struct ask *in = ask_begin(SESSION_LOGIN, OTP);
        loop_stop(lw.loop);
        ck_assert_int_eq(loop_run(lw.loop, is_stored, NULL), 0);
        ck_assert(!in->done);
        struct ask *out = log_out(OTP);
        ck_assert(in->done);
        ck_assert_int_eq(in->r.problem, PROBLEM_NONE);
        ck_assert(out->done);
        ck_assert_int_eq(shown_state(OTP), SESSION_STATE_NONE);
        ck_assert_str_eq(last_body("/logout"), "T-one-long");
        login_world_close();
}
END_TEST

START_TEST(test_metric)
{
        struct text out = TEXT_NULL;
        login_world_open();
        begin(OTP, "T-one-long");
        status_measure(lw.o);
        metrics_print(lw.metrics, &out);
        char line[128];
        snprintf(line, sizeof(line),
                 "ordo_session_expiry_timestamp_seconds{account=\"otp:a\"} %lld",
                 (long long)(at("2026-11-24T06:00:00+05:30") / USEC_PER_SEC));
        ck_assert_ptr_nonnull(strstr(text_str(&out), line));
        ck_assert_ptr_nonnull(strstr(text_str(&out), "{account=\"state:a\"} 0"));
        text_done(&out);
        login_world_close();
}
END_TEST

SUITE("sessions", test_hour, test_expires, test_restart, test_other_key, test_other_client,
      test_sealed, test_broker_ends_it, test_late, test_logout, test_login_then_logout, test_metric)
