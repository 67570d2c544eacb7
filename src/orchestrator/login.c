#include "orchestrator/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/callback.h"
#include "orchestrator/login_state.h"
#include "orchestrator/state.h"
#include "orchestrator/totp.h"

#define STATE_BYTES   16
#define BLOT_MIN      4 /* bytes: shorter things are no secrets, and are found everywhere */
#define BLOT_COMPARED 16
#define CODE_LATEST_US                                                             \
        INT64_C(45000000) /* after its window's beginning: brokers bear one window \
                           */

const char *login_method_name(enum broker_login m)
{
        static const char *const names[] = {[BROKER_LOGIN_NONE] = "none",
                                            [BROKER_LOGIN_REDIRECT] = "redirect",
                                            [BROKER_LOGIN_OTP] = "otp",
                                            [BROKER_LOGIN_TOTP] = "totp"};
        return names[m];
}

int64_t login_expires_us(const struct login *l)
{
        return l->expires_us;
}

/* --- the way --- */

static const struct broker_login_way *find_way(const struct broker *b, enum broker_login method)
{
        for (unsigned i = 0; i < b->n_logins; i++)
                if (b->logins[i].method == method)
                        return &b->logins[i];
        return NULL;
}

/* Who has configured more wants to do less by hand: a TOTP secret logs in by itself, a password
 * saves the browser. */
const struct broker_login_way *login_way(const struct account_state *a)
{
        const struct account_access *access = &a->account->access;
        const struct broker_login_way *way = NULL;

        if (access->totp_secret)
                way = find_way(a->broker, BROKER_LOGIN_TOTP);
        if (!way && access->username && access->password)
                way = find_way(a->broker, BROKER_LOGIN_OTP);
        if (!way)
                way = find_way(a->broker, BROKER_LOGIN_REDIRECT);
        if (!way)
                way = find_way(a->broker, BROKER_LOGIN_OTP);
        return way || a->broker->n_logins == 0 ? way : a->broker->logins;
}

/* --- life --- */

void login_free(struct login *l)
{
        list_unlink(&l->link);
        loop_timer_done(&l->whole);
        loop_timer_done(&l->window);
        call_clear(&l->call);
        secret_free(l->state);
        secret_free(l->otp);
        secret_free(l->code);
        secret_free(l->carry);
        secret_free(l->token);
        free(l);
}

void logins_free(struct account_state *a)
{
        a->login = NULL;
        LIST_FOREACH (it, &a->logins)
                login_free(LIST_ENTRY(it, struct login, link));
}

bool login_was_over(struct login *l)
{
        bool over = l->orphan;

        l->busy = false;
        if (over)
                login_free(l);
        return over;
}

/* What the request is told of the login beside what it came to. */
static void fill(const struct login *l, struct session_request *r)
{
        text_copy(r->login_id, sizeof(r->login_id), l->id);
        r->method = login_method_name(l->way->method);
        r->expires_us = l->account->login == l ? l->expires_us : 0;
}

void login_answer(struct login *l, enum problem p, const char *detail)
{
        struct session_request *r = TAKE(l->request);

        if (!r)
                return;
        fill(l, r);
        session_answer(l->account->orchestrator, r, p, detail);
}

static void let_go(struct login *l)
{
        if (l->account->login == l)
                l->account->login = NULL;
        loop_timer_done(&l->whole);
        loop_timer_done(&l->window);
        l->orphan = true;
        if (!l->busy)
                login_free(l);
}

static void record(const struct login *l, const char *status, const char *reason)
{
        session_write(&(struct session_write){
                .account = l->account, .status = status, .reason = reason, .actor = &l->actor});
}

void login_fail(struct login *l, enum problem p, const char *detail)
{
        struct account_state *a = l->account;

        a->login = NULL;
        record(l, session_state_name(a->session), problem_title(p));
        log_event(LOG_WARNING, EVENT_SESSION,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}, {"ORDO_ACTION", "login"},
                             {"ORDO_STATUS", session_state_name(a->session)},
                             {"ORDO_CODE", problem_code(p)}, {"ORDO_ACTOR", l->actor.name},
                             {"ORDO_CORRELATION_ID", l->actor.correlation_id}),
                  "the login of %s failed: %s", a->account->id, detail ? detail : problem_title(p));
        login_answer(l, p, detail);
        let_go(l);
}

void login_drop(struct account_state *a)
{
        struct login *l = a->login;

        if (!l)
                return;
        login_answer(l, PROBLEM_LOGIN_NOT_PENDING, "a newer login took its place, or a logout");
        let_go(l);
}

static void time_over(struct loop_timer *t)
{
        login_fail(CONTAINER_OF(t, struct login, whole), PROBLEM_LOGIN_FAILED,
                   "nobody completed it in time");
}

/* --- secrets in words --- */

/* The words may be cut in the middle of it: its beginning tells, and all up to a blank goes. */
static void blot_one(char *message, const struct secret *s)
{
        size_t n = s ? secret_size(s) : 0;
        char *p = message;

        if (n < BLOT_MIN)
                return;
        if (n > BLOT_COMPARED)
                n = BLOT_COMPARED;
        while ((p = memmem(p, strlen(p), secret_bytes(s), n)))
                for (; *p && *p != ' '; p++)
                        *p = '*';
}

void login_blot(const struct login *l, char message[static MESSAGE_SIZE])
{
        const struct account_access *access = &l->account->account->access;
        const struct secret *const secrets[] = {l->otp,
                                                l->code,
                                                l->carry,
                                                l->token,
                                                l->state,
                                                access->api_key,
                                                access->api_secret,
                                                access->password,
                                                access->totp_secret};

        for (size_t i = 0; i < ELEMENTS(secrets); i++)
                blot_one(message, secrets[i]);
}

/* --- steps --- */

static void run_step(struct login *l);
static void take_code(struct login *l);

static void wait_for_person(struct login *l)
{
        l->phase = LOGIN_WAITS;
        login_answer(l, PROBLEM_NONE, NULL);
}

static void step_took(struct login *l, struct broker_result *r)
{
        bool has_token = r->token && secret_size(r->token) > 0;

        secret_free(l->carry);
        l->carry = TAKE(r->carry);
        l->step = r->next_step;
        if (*r->client_id)
                text_copy(l->client_id, sizeof(l->client_id), r->client_id);
        if (r->login == BROKER_LOGIN_GOES_ON) {
                run_step(l);
        } else if (r->login == BROKER_LOGIN_ASKS && l->way->method != BROKER_LOGIN_TOTP) {
                wait_for_person(l);
        } else if (r->login == BROKER_LOGIN_ASKS && !l->asked) {
                l->asked = true; /* the code that the first step was given was of no use to it */
                take_code(l);
        } else if (r->login == BROKER_LOGIN_DONE && has_token) {
                l->carry = secret_free(l->carry);
                l->token = TAKE(r->token);
                l->token_expires_us = r->expires_us;
                login_check(l);
        } else {
                login_fail(l, PROBLEM_LOGIN_FAILED, "the broker's reply has no token");
        }
}

/* What an adapter calls an ended session is no news to somebody who logs in. */
static enum problem refusal_of(const struct broker_result *r)
{
        bool plain = r->problem == PROBLEM_NONE || r->problem == PROBLEM_SESSION_REQUIRED ||
                     r->problem == PROBLEM_BROKER_REJECTED;
        return plain ? PROBLEM_LOGIN_REFUSED : r->problem;
}

static void step_failed(struct login *l, const struct broker_result *r, bool had_input)
{
        bool refused = r->outcome == OUTCOME_REJECTED;
        bool unusable = r->outcome == OUTCOME_NOT_SENT && r->problem == PROBLEM_INTERNAL;
        enum problem p = refused                                       ? refusal_of(r)
                         : r->outcome == OUTCOME_NOT_SENT && !unusable ? PROBLEM_BROKER_UNREACHABLE
                                                                       : PROBLEM_LOGIN_FAILED;
        char words[MESSAGE_SIZE], detail[MESSAGE_SIZE];

        text_copy(words, sizeof(words), r->message);
        login_blot(l, words);
        if (unusable)
                text_copy(detail, sizeof(detail),
                          "a credential of the account, or what was given, cannot be used");
        else
                snprintf(detail, sizeof(detail), "%s%.150s",
                         refused ? "the broker refused it: " : "the broker gave no usable answer: ",
                         *words ? words : "it says no more");
        l->otp = secret_free(l->otp);
        l->code = secret_free(l->code);
        /* Somebody else may have called the address with a code of theirs; and what never left is
         * not used up. */
        bool again = had_input && l->way->method != BROKER_LOGIN_TOTP &&
                     (l->way->method == BROKER_LOGIN_REDIRECT || r->outcome == OUTCOME_NOT_SENT);
        if (again && ++l->tries < LOGIN_TRIES_MAX) {
                l->phase = LOGIN_WAITS;
                login_answer(l, p, detail);
        } else {
                login_fail(l, p, detail);
        }
}

static void stepped(struct call *c)
{
        struct login *l = CONTAINER_OF(c, struct login, call);
        struct broker_result r = c->result;
        bool had_input = l->otp || l->code;

        if (login_was_over(l))
                return;
        c->result = (struct broker_result){};
        call_clear(c);
        if (r.outcome == OUTCOME_ACCEPTED) {
                l->otp = secret_free(l->otp);
                l->code = secret_free(l->code);
                step_took(l, &r);
        } else {
                step_failed(l, &r, had_input);
        }
        broker_result_done(&r);
}

static void run_step(struct login *l)
{
        if (l->steps++ == LOGIN_STEPS_MAX) {
                login_fail(l, PROBLEM_LOGIN_FAILED, "the broker's login does not come to an end");
                return;
        }
        l->phase = LOGIN_RUNS;
        l->busy = true;
        l->call = (struct call){
                .account = l->account,
                .broker = {.op = BROKER_LOGIN,
                           .step = l->step,
                           .otp = l->otp,
                           .code = l->code,
                           .carry = l->carry},
                .passes_halt = true,
                .until_us = clock_mono_us() + LOGIN_STEP_US,
                .done = stepped,
        };
        call_start(&l->call);
}

/* --- the authenticator --- */

static void use_code(struct login *l)
{
        int r = totp_code(l->account->account->access.totp_secret, l->code_of, &l->otp);

        if (r < 0)
                login_fail(l, PROBLEM_LOGIN_FAILED, "the account's TOTP_SECRET is not base 32");
        else
                run_step(l);
}

static void window_marked(void *userdata, enum problem p)
{
        struct login *l = userdata;

        if (login_was_over(l))
                return;
        if (p != PROBLEM_NONE)
                login_fail(l, p, NULL);
        else
                use_code(l);
}

/* The mark is durable before the code leaves, so that no start of this program uses it again. */
static void mark_window(struct login *l, int64_t window)
{
        uint8_t bytes[8];

        for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(window >> (56 - 8 * i));
        l->code_of = l->account->totp_window = window;
        l->phase = LOGIN_RUNS;
        l->busy = true;
        session_write(&(struct session_write){.account = l->account,
                                              .column = SESSION_COLUMN_TOTP,
                                              .value = bytes,
                                              .size = sizeof(bytes),
                                              .done = window_marked,
                                              .userdata = l});
}

static void window_came(struct loop_timer *t)
{
        take_code(CONTAINER_OF(t, struct login, window));
}

static void take_code(struct login *l)
{
        struct account_state *a = l->account;
        int64_t now_us = clock_wall_us(), window = totp_window(now_us);
        bool unused = l->asked && l->steps == 1 && l->code_of;

        if (unused && now_us - l->code_of * TOTP_WINDOW_US < CODE_LATEST_US) {
                use_code(l);
                return;
        }
        /* More than one window ahead: the clock was wrong then. */
        if (window > a->totp_window || window + 1 < a->totp_window) {
                mark_window(l, window);
                return;
        }
        l->phase = LOGIN_WINDOW;
        l->window.fire = window_came;
        (void)loop_timer_set(a->orchestrator->loop, &l->window,
                             (a->totp_window + 1) * TOTP_WINDOW_US - now_us);
        login_answer(l, PROBLEM_NONE, NULL);
}

/* --- beginning --- */

static int make_state(struct login *l)
{
        uint8_t bytes[STATE_BYTES];
        char hex[2 * STATE_BYTES + 1];

        if (sodium_init() < 0)
                return -EIO;
        randombytes_buf(bytes, sizeof(bytes));
        sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
        l->state = secret_new(hex, sizeof(hex) - 1);
        return l->state ? 0 : -ENOMEM;
}

static void show_address(struct login *l)
{
        struct account_state *a = l->account;
        const char *base = broker_base_url(a->broker, a->account);
        struct text url = TEXT_NULL, path = TEXT_NULL;
        int r = make_state(l);

        if (r == 0)
                r = l->way->url ? l->way->url(a->account, secret_bytes(l->state), &path) : -EINVAL;
        text_add(&url, base ? base : "");
        text_add(&url, text_str(&path));
        if (r < 0 || path.failed || url.failed) {
                login_fail(l, PROBLEM_LOGIN_FAILED,
                           "the broker's login page has no address: is the account's API_KEY or "
                           "REDIRECT_URI missing?");
        } else {
                l->step = l->way->first_step;
                l->request->url = text_take(&url);
                l->request->login_url = l->request->url;
                wait_for_person(l);
        }
        text_done(&path);
        text_done(&url);
}

void login_begin(struct account_state *a, struct session_request *r)
{
        struct login *l = calloc(1, sizeof(*l));

        if (!l)
                abort();
        login_drop(a);
        l->account = a;
        l->way = login_way(a);
        l->request = r;
        l->step = l->way->first_step;
        l->expires_us = clock_wall_us() + LOGIN_PENDING_US;
        l->whole.fire = time_over;
        uuid_make(l->id);
        session_actor_set(&l->actor, &r->caller);
        list_append(&a->logins, &l->link);
        a->login = l;
        (void)loop_timer_set(a->orchestrator->loop, &l->whole, LOGIN_PENDING_US);
        record(l, session_state_name(SESSION_STATE_PENDING), login_method_name(l->way->method));
        if (l->way->method == BROKER_LOGIN_REDIRECT)
                show_address(l);
        else if (l->way->method == BROKER_LOGIN_TOTP)
                take_code(l);
        else
                run_step(l);
}

/* --- completing --- */

/* PROBLEM_NONE: l->code is there. */
static enum problem read_browser(struct login *l, const struct session_request *r,
                                 char detail[static MESSAGE_SIZE])
{
        const struct broker_callback *b = &l->account->broker->callback;
        char words[MESSAGE_SIZE];
        int e;

        if (r->auth_code) {
                const char *state = r->state ? r->state : "";
                e = b->state_key && !secret_equal(l->state, state, strlen(state)) ? -EACCES : 0;
                if (e == 0 && !(l->code = secret_new(r->auth_code, strlen(r->auth_code))))
                        e = -ENOMEM;
                if (e == 0 && !callback_code_good(l->code)) {
                        l->code = secret_free(l->code);
                        e = -ENOENT;
                }
                words[0] = '\0';
        } else {
                e = callback_read(b, r->redirect_url, l->state, words, &l->code);
        }
        login_blot(l, words);
        if (e == -EACCES)
                text_copy(detail, MESSAGE_SIZE, "the state is not that of the pending login");
        else if (e == -ECANCELED)
                snprintf(detail, MESSAGE_SIZE, "the broker did not let you in: %.150s",
                         *words ? words : "it says no more");
        else if (e == -ENOENT)
                text_copy(detail, MESSAGE_SIZE, "there is no code of the broker in it");
        return e == 0 ? PROBLEM_NONE : e == -ENOMEM ? PROBLEM_OVERLOADED : PROBLEM_LOGIN_REFUSED;
}

static enum problem take_input(struct login *l, const struct session_request *r,
                               char detail[static MESSAGE_SIZE])
{
        bool browser = l->way->method == BROKER_LOGIN_REDIRECT;

        if (browser != !r->otp) {
                text_copy(detail, MESSAGE_SIZE,
                          browser ? "this login wants what the browser came back with"
                                  : "this login wants a one-time password");
                return PROBLEM_INVALID_REQUEST;
        }
        if (browser)
                return read_browser(l, r, detail);
        l->otp = secret_new(secret_bytes(r->otp), secret_size(r->otp));
        return l->otp ? PROBLEM_NONE : PROBLEM_OVERLOADED;
}

void login_complete(struct account_state *a, struct session_request *r)
{
        struct login *l = a->login;
        char detail[MESSAGE_SIZE] = "";

        if (!l || (r->pending_login_id && strcmp(r->pending_login_id, l->id) != 0)) {
                session_answer(a->orchestrator, r, PROBLEM_LOGIN_NOT_PENDING,
                               l ? "a newer login took its place"
                                 : "no login of this account is pending");
                return;
        }
        if (l->phase != LOGIN_WAITS) {
                session_answer(a->orchestrator, r, PROBLEM_LOGIN_NOT_PENDING,
                               "it is going on and wants nothing now");
                return;
        }
        enum problem p = take_input(l, r, detail);
        if (p != PROBLEM_NONE) {
                session_answer(a->orchestrator, r, p, detail);
                return;
        }
        session_actor_set(&l->actor, &r->caller);
        l->request = r;
        run_step(l);
}
