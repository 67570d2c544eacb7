/* Logging in to brokers: started and completed by the trader's program, or completed by the browser
 * that a broker sends back. */
#include <stdio.h>
#include <string.h>

#include "http/exchange.h"
#include "http/handlers.h"
#include "http/reader.h"
#include "http/render.h"

#define OTP_MAX          64
#define REDIRECT_URL_MAX 4096
#define AUTH_CODE_MAX    4096
#define REPORT_MAX       64 /* accounts of one report */
#define REPORT_TEXT_MAX  500

static void answer_session(struct http_exchange *x, const struct session_view *s)
{
        struct json_writer w = JSON_WRITER(&x->out);

        render_session(&w, NULL, s);
        exchange_answer(x, 200, MIME_JSON);
}

static bool ended_well(struct http_exchange *x, const struct session_request *r)
{
        return exchange_end_well(x, r->problem, *r->detail ? r->detail : NULL);
}

static void act(struct http_exchange *x, enum session_verb verb, const struct account *account,
                void (*done)(struct session_request *r))
{
        struct session_request *r = &x->u.session;

        r->verb = verb;
        r->caller = x->caller;
        r->account = account->id;
        r->done = done;
        r->userdata = x;
        exchange_begin(x);
        session_act(exchange_orchestrator(x), r);
}

static void on_login(struct session_request *r)
{
        struct http_exchange *x = r->userdata;
        struct json_writer w = JSON_WRITER(&x->out);

        if (!ended_well(x, r))
                return;
        json_object_begin(&w, NULL);
        render_word(&w, "login_id", r->login_id);
        json_put_string(&w, "method", r->method);
        json_put_string(&w, "login_url", r->login_url);
        json_put_time(&w, "expires_at", r->expires_us);
        render_session(&w, "session", &r->view);
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}

void handle_login(struct http_exchange *x)
{
        const struct account *account = exchange_account(x);

        if (account)
                act(x, SESSION_LOGIN, account, on_login);
}

static void wipe_member(struct json_object *body, const char *name)
{
        struct json_object *value = NULL;

        if (json_object_object_get_ex(body, name, &value) &&
            json_object_is_type(value, json_type_string))
                secret_wipe((char *)json_object_get_string(value),
                            (size_t)json_object_get_string_len(value));
}

/* What completed the login is good for nothing any more, and must not lie about: in the parsed
 * body, in the copy of it, in the callback's address. */
static void forget_input(struct http_exchange *x)
{
        static const char *const names[] = {"otp", "redirect_url", "auth_code"};
        struct session_request *r = &x->u.session;

        r->otp = secret_free((struct secret *)r->otp);
        r->redirect_url = r->auth_code = r->state = NULL;
        for (size_t i = 0; i < ELEMENTS(names); i++)
                wipe_member(x->json, names[i]);
        if (x->scratch.data)
                secret_wipe(x->scratch.data, x->scratch.size);
        text_clear(&x->scratch);
}

static void on_complete(struct session_request *r)
{
        struct http_exchange *x = r->userdata;

        forget_input(x);
        if (ended_well(x, r))
                answer_session(x, &r->view);
}

/* Exactly one way: an OTP, the address the broker redirected to, or code and state from it. */
static bool take_completion(struct http_exchange *x, struct session_request *s)
{
        static const char *const names[] = {"login_id",  "otp",   "redirect_url",
                                            "auth_code", "state", NULL};
        const char *otp = NULL;
        struct reader r;

        if (!reader_open(&r, x->json, "", names, &x->faults))
                return false;
        reader_string(&r, "login_id", OPTIONAL, UUID_SIZE - 1, &s->pending_login_id);
        reader_string(&r, "otp", OPTIONAL, OTP_MAX, &otp);
        reader_string(&r, "redirect_url", OPTIONAL, REDIRECT_URL_MAX, &s->redirect_url);
        reader_string(&r, "auth_code", OPTIONAL, AUTH_CODE_MAX, &s->auth_code);
        reader_string(&r, "state", OPTIONAL, AUTH_CODE_MAX, &s->state);
        if (!faults_any(&x->faults) && !!otp + !!s->redirect_url + !!s->auth_code != 1)
                faults_add(&x->faults, "", "must hold exactly one of otp, redirect_url, auth_code");
        if (s->state && !s->auth_code)
                reader_fault(&r, "state", "belongs to auth_code");
        if (faults_any(&x->faults))
                return false;
        if (otp) {
                s->otp = secret_new(otp, strlen(otp));
                if (!s->otp)
                        faults_add(&x->faults, "/otp", "cannot be kept: out of memory");
        }
        return !faults_any(&x->faults);
}

void handle_complete(struct http_exchange *x)
{
        const struct account *account = exchange_account(x);

        if (!account || !exchange_json(x))
                return;
        if (take_completion(x, &x->u.session))
                act(x, SESSION_COMPLETE, account, on_complete);
        else
                exchange_faults(x, PROBLEM_INVALID_REQUEST);
}

/* A page for the person in front of the browser; nothing of the query is shown. */
static void answer_page(struct http_exchange *x, int status, const char *title, const char *account,
                        const char *text)
{
        text_clear(&x->out);
        text_addf(&x->out,
                  "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width\">"
                  "<title>Ordo: %s</title>\n<h1>%s</h1>\n<p>%s%s%s</p>\n</html>\n",
                  title, title, account, *account ? ": " : "", text);
        exchange_answer(x, status, MIME_HTML);
}

static void on_callback(struct session_request *r)
{
        struct http_exchange *x = r->userdata;
        enum problem p = r->problem;

        forget_input(x);
        if (!exchange_end(x))
                return;
        x->problem = p;
        if (p == PROBLEM_NONE)
                answer_page(x, 200, "Logged in", r->account,
                            "The session is ready. You may close this page.");
        else
                answer_page(x, problem_status(p), problem_title(p), r->account, problem_meaning(p));
}

static const struct account *find_account(const struct http_exchange *x)
{
        char id[ACCOUNT_SIZE];
        int n = snprintf(id, sizeof(id), "%s:%s", x->found.captures[0], x->found.captures[1]);

        return n > 0 && (size_t)n < sizeof(id) ? orchestrator_account(exchange_orchestrator(x), id)
                                               : NULL;
}

/* No token: a browser brings none. The pending login is what lets it in, and the state inside the
 * query. */
void handle_callback(struct http_exchange *x)
{
        struct session_view view;
        const struct account *account = find_account(x);

        if (!account || !session_view(exchange_orchestrator(x), account->id, &view) ||
            !view.login_expires_us) {
                x->problem = PROBLEM_LOGIN_NOT_PENDING;
                answer_page(x, problem_status(x->problem), "No login is pending", "",
                            "Start a login with ordoctl login, then follow the link it shows.");
                return;
        }
        /* What only looks whether the address is there must not use the code up. */
        if (x->method.size == strlen("HEAD")) {
                answer_page(x, 200, "A login is pending", account->id, "It is not completed yet.");
                return;
        }
        text_clear(&x->scratch);
        text_add_bytes(&x->scratch, x->path.base, x->path.size);
        text_add_char(&x->scratch, '?');
        text_add_bytes(&x->scratch, x->raw_query.base, x->raw_query.size);
        x->u.session.redirect_url = text_str(&x->scratch);
        x->caller.key_name = "callback";
        act(x, SESSION_COMPLETE, account, on_callback);
}

void handle_session(struct http_exchange *x)
{
        const struct account *account = exchange_account(x);
        struct session_view view;

        if (account && session_view(exchange_orchestrator(x), account->id, &view))
                answer_session(x, &view);
        else if (account)
                exchange_problem(x, PROBLEM_ACCOUNT_NOT_FOUND, NULL);
}

static void on_logout(struct session_request *r)
{
        struct http_exchange *x = r->userdata;

        if (ended_well(x, r))
                answer_session(x, &r->view);
}

void handle_logout(struct http_exchange *x)
{
        const struct account *account = exchange_account(x);

        if (account)
                act(x, SESSION_LOGOUT, account, on_logout);
}

static void on_report(struct report_request *r)
{
        struct http_exchange *x = r->userdata;

        if (!exchange_end_well(x, r->problem, NULL))
                return;
        text_clear(&x->out);
        text_add(&x->out, "{\"status\":\"recorded\"}");
        exchange_answer(x, 200, MIME_JSON);
}

/* One account of the report, checked and written into the payload. */
static void take_report_account(struct http_exchange *x, struct json_object *value, const char *at,
                                struct json_writer *w)
{
        static const char *const names[] = {"account", "status", "message", NULL};
        static const char *const statuses[] = {"ok", "failed", "skipped"};
        const char *account = NULL, *status = NULL, *message = NULL;
        char id[ACCOUNT_SIZE];
        bool known = false;
        struct reader r;

        if (!reader_open(&r, value, at, names, &x->faults))
                return;
        if (reader_string(&r, "account", REQUIRED, ACCOUNT_SIZE - 1, &account) &&
            (account_id_parse(account, strlen(account), id) < 0 || !caller_may_use(&x->caller, id)))
                reader_fault(&r, "account",
                             "must be an account like paper:demo that this key may use");
        if (reader_string(&r, "status", REQUIRED, 16, &status)) {
                for (size_t i = 0; i < ELEMENTS(statuses); i++)
                        known |= strcmp(status, statuses[i]) == 0;
                if (!known)
                        reader_fault(&r, "status", "must be one of ok, failed, skipped");
        }
        reader_string(&r, "message", OPTIONAL, REPORT_TEXT_MAX, &message);
        json_object_begin(w, NULL);
        json_put_string(w, "account", account);
        json_put_string(w, "status", status);
        json_put_string(w, "message", message);
        json_object_finish(w);
}

static void take_report(struct http_exchange *x, struct json_writer *w)
{
        static const char *const names[] = {"helper", "accounts", NULL};
        struct json_object *list = NULL;
        const char *helper = NULL;
        struct reader r;
        char at[32];

        if (!reader_open(&r, x->json, "", names, &x->faults))
                return;
        json_object_begin(w, NULL);
        if (reader_string(&r, "helper", OPTIONAL, REPORT_TEXT_MAX, &helper))
                json_put_string(w, "helper", helper);
        json_array_begin(w, "accounts");
        json_object_object_get_ex(x->json, "accounts", &list);
        size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        if (n == 0 || n > REPORT_MAX)
                reader_fault(&r, "accounts", "must be a list of 1 to 64 reports");
        for (size_t i = 0; i < n && n <= REPORT_MAX; i++) {
                snprintf(at, sizeof(at), "/accounts/%zu", i);
                take_report_account(x, json_object_array_get_idx(list, i), at, w);
        }
        json_array_finish(w);
        json_object_finish(w);
}

void handle_report(struct http_exchange *x)
{
        struct report_request *q = &x->u.report;
        struct json_writer w = JSON_WRITER(&x->scratch);

        if (!exchange_json(x))
                return;
        text_clear(&x->scratch);
        take_report(x, &w);
        if (faults_any(&x->faults)) {
                exchange_faults(x, PROBLEM_INVALID_REQUEST);
                return;
        }
        if (x->scratch.failed) {
                exchange_problem(x, PROBLEM_OVERLOADED, NULL);
                return;
        }
        q->caller = x->caller;
        q->payload = text_str(&x->scratch);
        q->done = on_report;
        q->userdata = x;
        exchange_begin(x);
        session_report(exchange_orchestrator(x), q);
}
