/* Logging accounts in, one after another. What a broker wants is asked for on the terminal, or
 * comes from the environment when nobody is there. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "domain/account.h"
#include "ordoctl/login_flow.h"
#include "ordoctl/login_input.h"

#define ACCOUNTS_PATH "/api/v1/accounts"
#define LOOK_MS       1000 /* between two looks at a login that goes on by itself */
#define TOTP_WAIT_S   90   /* for the next code, its steps, and the profile */
#define WAIT_S_MAX    600  /* a pending login does not live longer */
#define CLOSE_SECOND  (15 * 3600 + 30 * 60) /* of the day: when the share market closes */

struct login {
        struct ctl *ctl;
        struct login_report report;
        int64_t wait_s; /* for a browser; 0: it is not begun */
};

static struct login_line *end(struct login_line *l, enum login_end how, const char *message)
{
        l->end = how;
        text_copy(l->message, sizeof(l->message), message ? message : "");
        return l;
}

/* What a problem says, in one line. */
static void failed(struct login_line *l, const struct answer *a)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        show_json(json_at(a->json, "code"), &t);
        text_add(&t, t.len > 0 ? ": " : "the answer is not Ordo's");
        show_json(json_at(a->json, "detail"), &t);
        end(l, LOGIN_FAILED, text_str(&t));
}

/* "/api/v1/auth/fyers/main" and `rest`. */
static void auth_path(const char *account, const char *rest, struct text *ret)
{
        size_t n = strcspn(account, ":");

        text_add(ret, "/api/v1/auth/");
        text_add_bytes(ret, account, n);
        text_add_char(ret, '/');
        text_add(ret, account + n + (account[n] == ':'));
        text_add(ret, rest);
}

/* False: there was no 2xx, and the line says why. */
static bool call(struct login *s, struct login_line *l, const char *method, const char *rest,
                 const struct text *body, struct answer *ret)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        struct request r = {.method = method, .body = body};

        auth_path(l->account, rest, &path);
        r.path = text_str(&path);
        if (client_call(s->ctl->client, &r, ret) != CLIENT_ANSWERED)
                end(l, LOGIN_FAILED, s->ctl->client->error);
        else if (ret->status / 100 != 2)
                failed(l, ret);
        else
                return true;
        return false;
}

static bool is_word(struct json_object *o, const char *path, const char *word)
{
        struct json_object *value = json_at(o, path);

        return value && text_equal(json_object_get_string(value), word);
}

static bool may_ask(const struct ctl *c)
{
        return !ctl_flag(c, "non-interactive") && ctl_interactive();
}

bool login_lasts(const char *expires_at)
{
        int64_t expires_us, now_us = clock_wall_us();

        if (!expires_at || !*expires_at ||
            clock_parse(expires_at, strlen(expires_at), &expires_us) < 0)
                return true;
        int64_t close_us = clock_from_ist(clock_ist_day(now_us), CLOSE_SECOND);
        return expires_us > (close_us > now_us ? close_us : now_us);
}

/* NULL where there is none, or null. */
static const char *word(struct json_object *o, const char *path)
{
        struct json_object *value = json_at(o, path);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static void end_session(struct login_line *l, struct json_object *session)
{
        bool active = is_word(session, "state", "active");

        end(l, active ? LOGIN_OK : LOGIN_FAILED,
            active ? "logged in" : "there is still no session");
}

static void hand_in(struct login *s, struct login_line *l, const char *id, const char *key,
                    const char *value)
{
        _cleanup_(text_done) struct text body = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        struct json_writer w = JSON_WRITER(&body);

        json_object_begin(&w, NULL);
        if (id)
                json_put_string(&w, "login_id", id);
        json_put_string(&w, key, value);
        json_object_finish(&w);
        if (call(s, l, "POST", "/complete", &body, &a))
                end_session(l, a.json);
        if (body.data)
                secret_wipe(body.data, body.size);
}

static void complete_otp(struct login *s, struct login_line *l, struct json_object *login)
{
        char buf[LOGIN_INPUT_SIZE] = "";

        if (login_code(s->ctl, l->account, buf) ||
            (may_ask(s->ctl) && login_prompt(l->account, "one-time password", true, buf)))
                hand_in(s, l, word(login, "login_id"), "otp", buf);
        else
                end(l, LOGIN_SKIPPED,
                    may_ask(s->ctl) ? "nothing was entered" : "no one-time password given");
        secret_wipe(buf, sizeof(buf));
}

/* Whether the login that was pending is over; the line says how. */
static bool looked(struct login *s, struct login_line *l, const char *before)
{
        _cleanup_(answer_done) struct answer a = {};

        if (!call(s, l, "GET", "", NULL, &a))
                return true;
        if (word(a.json, "login_expires_at"))
                return false;
        /* A session from before the login would be active all the same. */
        const char *now = word(a.json, "last_login_at");
        if (is_word(a.json, "state", "active") && !text_equal(now, before))
                end(l, LOGIN_OK, "logged in");
        else
                end(l, LOGIN_FAILED, "the login came to nothing; the daemon's journal says why");
        return true;
}

static void wait_by_itself(struct login *s, struct login_line *l, struct json_object *login)
{
        const char *before = word(login, "session.last_login_at");
        int64_t until_us = clock_mono_us() + TOTP_WAIT_S * USEC_PER_SEC;

        do {
                ctl_pause_ms(LOOK_MS);
                if (looked(s, l, before))
                        return;
        } while (clock_mono_us() < until_us);
        end(l, LOGIN_FAILED, "the login is still going on");
}

/* The browser may come back to the daemon by itself, or to an address where nobody listens: then
 * the person pastes it. Whichever is first. */
static void complete_browser(struct login *s, struct login_line *l, struct json_object *login)
{
        const char *before = word(login, "session.last_login_at"), *url = word(login, "login_url");
        const char *id = word(login, "login_id");
        bool ask = may_ask(s->ctl);
        char buf[LOGIN_INPUT_SIZE] = "";
        int64_t until_us = clock_mono_us() + s->wait_s * USEC_PER_SEC;

        if (!url) {
                end(l, LOGIN_FAILED, "the daemon gives no address for the browser");
                return;
        }
        ctl_note("%s: open this address in a browser and log in:\n%s%s", l->account, url,
                 ask ? "\nIf the browser ends at a page that cannot be shown, paste its address "
                       "here:"
                     : "");
        for (;;) {
                int r = ask ? login_line(LOOK_MS, buf) : 0;
                if (!ask)
                        ctl_pause_ms(LOOK_MS);
                if (r > 0 && *buf) {
                        hand_in(s, l, id, "redirect_url", buf);
                        break;
                }
                ask = ask && r >= 0;
                if (looked(s, l, before))
                        break;
                if (clock_mono_us() >= until_us) {
                        end(l, LOGIN_SKIPPED, "nobody logged in in time");
                        break;
                }
        }
        secret_wipe(buf, sizeof(buf));
}

/* What cannot be given is not begun: a login that is begun may send a message to somebody's phone.
 */
static bool lacks(struct login *s, struct login_line *l, struct json_object *session)
{
        bool ask = may_ask(s->ctl);

        if (is_word(session, "login_method", "otp") && !ask && !login_has_code(s->ctl, l->account))
                end(l, LOGIN_SKIPPED, "no one-time password given");
        else if (is_word(session, "login_method", "redirect") && s->wait_s == 0)
                end(l, LOGIN_SKIPPED, "the broker wants a login in the browser");
        else
                return false;
        return true;
}

static void log_in(struct login *s, struct login_line *l)
{
        _cleanup_(answer_done) struct answer session = {}, login = {};

        if (!call(s, l, "GET", "", NULL, &session))
                return;
        if (is_word(session.json, "state", "active") &&
            login_lasts(word(session.json, "expires_at"))) {
                end(l, LOGIN_OK, "has a session");
                return;
        }
        if (lacks(s, l, session.json) || !call(s, l, "POST", "/login", NULL, &login))
                return;
        bool pending = word(login.json, "expires_at");
        if (!pending && is_word(login.json, "session.state", "active"))
                end(l, LOGIN_OK, "logged in");
        else if (is_word(login.json, "method", "redirect"))
                complete_browser(s, l, login.json);
        else if (is_word(login.json, "method", "otp"))
                complete_otp(s, l, login.json);
        else if (is_word(login.json, "method", "totp"))
                wait_by_itself(s, l, login.json);
        else
                end(l, LOGIN_FAILED, "there is still no session");
}

bool login_by_itself(struct ctl *c, struct login_line *l)
{
        struct login s = {.ctl = c};
        _cleanup_(answer_done) struct answer session = {};

        if (!call(&s, l, "GET", "", NULL, &session) ||
            !is_word(session.json, "login_method", "totp"))
                return false;
        log_in(&s, l);
        return true;
}

static struct login_line *add(struct login *s, const char *account)
{
        if (s->report.n == LOGINS_MAX)
                return NULL;
        struct login_line *l = &s->report.lines[s->report.n++];
        text_copy(l->account, sizeof(l->account), account);
        return l;
}

/* Those that were named, or all. */
static int add_accounts(struct login *s)
{
        _cleanup_(answer_done) struct answer a = {};
        struct request r = {.method = "GET", .path = ACCOUNTS_PATH};
        struct ctl *c = s->ctl;
        char id[ACCOUNT_SIZE];

        for (unsigned i = 0; i < c->n_operands; i++) {
                const char *account = c->operands[i];
                if (account_id_parse(account, strlen(account), id) < 0)
                        return ctl_usage(c, "that is not an account like paper:demo: %.40s",
                                         account);
                if (!add(s, id))
                        return ctl_usage(c, "no more than %d accounts at once", LOGINS_MAX);
        }
        if (c->n_operands > 0)
                return client_open(c);
        int code = client_open(c);
        if (code != CTL_OK)
                return code;
        enum client_result result = client_call(c->client, &r, &a);
        if (result != CLIENT_ANSWERED)
                return client_unreachable(c->client, result);
        if (a.status != 200) {
                ask_print_problem(&a);
                return ask_exit(a.status);
        }
        struct json_object *list = json_at(a.json, "accounts");
        for (size_t i = 0;
             json_object_is_type(list, json_type_array) && i < json_object_array_length(list);
             i++) {
                struct json_object *account =
                        json_at(json_object_array_get_idx(list, i), "account");
                if (account)
                        (void)add(s, json_object_get_string(account));
        }
        return CTL_OK;
}

int run_login(struct ctl *c)
{
        struct login s = {.ctl = c, .wait_s = may_ask(c) ? WAIT_S_MAX : 0};
        const char *log = ctl_option(c, "log-file"), *wait = ctl_option(c, "wait");

        if (ctl_option(c, "otp") && c->n_operands != 1)
                return ctl_usage(c, "--otp is for one account: name it");
        if (wait && text_parse_int(wait, strlen(wait), 0, WAIT_S_MAX, &s.wait_s) < 0)
                return ctl_usage(c, "--wait is a number of seconds up to %d", WAIT_S_MAX);
        int r = add_accounts(&s);
        if (r != CTL_OK)
                return r;
        for (unsigned i = 0; i < s.report.n; i++)
                log_in(&s, &s.report.lines[i]);
        for (unsigned i = 0; ctl_flag(c, "retry-failed") && i < s.report.n; i++)
                if (s.report.lines[i].end == LOGIN_FAILED)
                        log_in(&s, &s.report.lines[i]);
        login_report_print(c, &s.report);
        login_report_post(c, &s.report);
        r = log ? login_report_append(&s.report, log) : CTL_OK;
        int outcome = login_report_exit(&s.report);
        return outcome != CTL_OK ? outcome : r;
}

int run_logout(struct ctl *c)
{
        struct login s = {.ctl = c};
        int r = add_accounts(&s);

        if (r != CTL_OK)
                return r;
        for (unsigned i = 0; i < s.report.n; i++) {
                _cleanup_(answer_done) struct answer a = {};
                if (call(&s, &s.report.lines[i], "DELETE", "", NULL, &a))
                        end(&s.report.lines[i], LOGIN_OK, "logged out");
        }
        login_report_print(c, &s.report);
        return login_report_exit(&s.report);
}
