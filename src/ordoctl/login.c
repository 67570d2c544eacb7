/* Logging accounts in, one after another. What a broker wants is asked for on the terminal, or
 * comes from the environment when nobody is there. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "domain/account.h"
#include "ordoctl/login_report.h"

#define ACCOUNTS_PATH "/api/v1/accounts"
#define INPUT_SIZE    4096 /* an address that a broker sends the browser to */

struct login {
        struct ctl *ctl;
        struct login_report report;
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

/* OTP_FYERS_MAIN */
static const char *otp_variable(const char *account)
{
        char name[sizeof("OTP_") + ACCOUNT_SIZE];
        size_t n = 0;

        for (const char *p = "OTP_"; *p; p++)
                name[n++] = *p;
        for (const char *p = account; *p && n + 1 < sizeof(name); p++)
                name[n++] = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
        name[n] = '\0';
        const char *value = getenv(name);
        return value && *value ? value : NULL;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
        interrupted = number;
}

/* A line from the terminal, unseen when it is a code. Ctrl-C gives up, but only after the terminal
 * shows again what is typed. False: nothing was typed. */
static bool prompt(const char *account, const char *question, bool hidden,
                   char buf[static INPUT_SIZE])
{
        struct termios before, quiet;
        bool changed = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
        struct sigaction old, action = {.sa_handler = on_interrupt};

        (void)sigaction(SIGINT, &action, &old);

        if (changed) {
                quiet = before;
                quiet.c_lflag &= ~(tcflag_t)ECHO;
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        }
        (void)fprintf(stderr, "%s: %s: ", account, question);
        bool got = fgets(buf, INPUT_SIZE, stdin) != NULL;
        if (changed) {
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
                (void)fputc('\n', stderr);
        }
        (void)sigaction(SIGINT, &old, NULL);
        if (interrupted)
                (void)raise(SIGINT);
        if (!got)
                return false;
        buf[strcspn(buf, "\r\n")] = '\0';
        return *buf;
}

static bool may_ask(const struct ctl *c)
{
        return !ctl_flag(c, "non-interactive") && ctl_interactive();
}

/* The code or address that completes the login, or NULL: the line says that it is missing. */
static const char *completion(struct login *s, struct login_line *l, struct json_object *login,
                              bool redirect, char buf[static INPUT_SIZE])
{
        struct json_object *url = json_at(login, "login_url");
        const char *given = redirect ? NULL : ctl_option(s->ctl, "otp");

        if (!given && !redirect)
                given = otp_variable(l->account);
        if (given)
                return given;
        if (!may_ask(s->ctl)) {
                end(l, LOGIN_SKIPPED,
                    redirect ? "the broker wants a login in the browser"
                             : "no one-time password given");
                return NULL;
        }
        if (redirect && url) {
                _cleanup_(text_done) struct text shown = TEXT_NULL;
                show_json(url, &shown);
                ctl_note("%s: open this address, log in, and paste the address the browser ends "
                         "at:\n%s",
                         l->account, text_str(&shown));
        }
        if (prompt(l->account, redirect ? "address" : "one-time password", !redirect, buf))
                return buf;
        end(l, LOGIN_SKIPPED, "nothing was entered");
        return NULL;
}

static void complete(struct login *s, struct login_line *l, struct json_object *login,
                     bool redirect)
{
        _cleanup_(text_done) struct text body = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        struct json_writer w = JSON_WRITER(&body);
        struct json_object *id = json_at(login, "login_id");
        char buf[INPUT_SIZE] = "";

        const char *value = completion(s, l, login, redirect, buf);
        if (!value)
                return;
        json_object_begin(&w, NULL);
        if (id)
                json_put_string(&w, "login_id", json_object_get_string(id));
        json_put_string(&w, redirect ? "redirect_url" : "otp", value);
        json_object_finish(&w);
        if (call(s, l, "POST", "/complete", &body, &a))
                end(l, is_word(a.json, "state", "active") ? LOGIN_OK : LOGIN_FAILED,
                    is_word(a.json, "state", "active") ? "logged in" : "there is still no session");
        if (body.data)
                secret_wipe(body.data, body.len);
        secret_wipe(buf, sizeof(buf));
}

static void log_in(struct login *s, struct login_line *l)
{
        _cleanup_(answer_done) struct answer session = {}, login = {};

        if (!call(s, l, "GET", "", NULL, &session))
                return;
        if (is_word(session.json, "state", "active")) {
                end(l, LOGIN_OK, "has a session");
                return;
        }
        if (!call(s, l, "POST", "/login", NULL, &login))
                return;
        if (is_word(login.json, "session.state", "active"))
                end(l, LOGIN_OK, "logged in");
        else if (is_word(login.json, "method", "redirect"))
                complete(s, l, login.json, true);
        else if (is_word(login.json, "method", "otp") || is_word(login.json, "method", "totp"))
                complete(s, l, login.json, false);
        else
                end(l, LOGIN_FAILED, "there is still no session");
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
        struct login s = {.ctl = c};
        const char *log = ctl_option(c, "log-file");

        if (ctl_option(c, "otp") && c->n_operands != 1)
                return ctl_usage(c, "--otp is for one account: name it");
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
