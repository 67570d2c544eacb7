#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "brokersim/hdfc.h"

#define LOGIN_LIFE_US (10 * 60 * USEC_PER_SEC)
#define TOKEN_LIFE_S  28800 /* the documentation's sample (§2) */

/* How far a login has come (grant->step). */
enum { STEP_BEGUN, STEP_PASSWORD, STEP_ANSWERED, STEP_AUTHORISED };

/* NULL: answered. */
static struct user *user_of(struct call *c)
{
        char key[USER_FIELD_SIZE];
        struct user *u = NULL;

        if (c->headers[HEADER_USER_AGENT].n == 0) {
                call_answer(c, 403, "text/html");
                text_add(&c->out, "<html><head><title>403 Forbidden</title></head></html>\n");
                return NULL;
        }
        if (call_query(c, "api_key", key, sizeof(key)))
                u = user_by_key(&c->sim->accounts, BROKER_HDFC, key);
        if (!u)
                hdfc_error(c, 401, "Invalid api_key");
        return u;
}

/* --- A: the browser -----------------------------------------------------------------------------
 */

static void send_back(struct call *c, struct user *u)
{
        _cleanup_(text_done) struct text url = TEXT_NULL;
        struct grant *g =
                grant_make(&c->sim->accounts, u, GRANT_CODE, NULL, clock_wall_us() + LOGIN_LIFE_US);

        if (!g) {
                hdfc_error(c, 500, "No token could be made");
                return;
        }
        g->step = STEP_AUTHORISED;
        text_addf(&url, "%s%crequest_token=", u->redirect_uri,
                  strchr(u->redirect_uri, '?') ? '&' : '?');
        text_add_urlencoded(&url, g->token);
        call_redirect(c, text_str(&url));
}

static bool wants_page(const struct call *c)
{
        struct bytes a = c->headers[HEADER_ACCEPT];

        return a.n >= 9 && memmem(a.s, a.n, "text/html", 9);
}

/* One address for both ways: a browser gets the page, a program a token_id (§2). */
void hdfc_login(struct call *c)
{
        struct user *u = user_of(c);

        if (!u)
                return;
        if (wants_page(c)) {
                if (u->auto_login || c->sim->auto_login)
                        send_back(c, u);
                else
                        call_login_page(c, "HDFC Securities", u, NULL);
                return;
        }
        const struct grant *g = grant_make(&c->sim->accounts, u, GRANT_LOGIN, NULL,
                                           clock_wall_us() + LOGIN_LIFE_US);
        if (!g) {
                hdfc_error(c, 500, "No login could be begun");
                return;
        }
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_string(&w, "tokenId", g->token);
        json_object_finish(&w);
}

void hdfc_login_done(struct call *c)
{
        struct user *u = user_of(c);
        bool approved = false;

        if (!u)
                return;
        const char *wrong = call_login_check(c, u, &approved);
        if (wrong)
                call_login_page(c, "HDFC Securities", u, wrong);
        else if (!approved)
                call_login_page(c, "HDFC Securities", u, "You refused");
        else
                send_back(c, u);
}

/* --- B: the API ---------------------------------------------------------------------------------
 */

/* NULL: answered. */
static struct grant *login_of(struct call *c, unsigned step)
{
        char id[GRANT_SIZE];
        const struct user *u = user_of(c);
        struct grant *g = NULL;

        if (!u)
                return NULL;
        if (call_query(c, "token_id", id, sizeof(id)))
                g = grant_find(&c->sim->accounts, BROKER_HDFC, GRANT_LOGIN, id);
        if (g && g->user == u && g->step >= step)
                return g;
        hdfc_error(c, 401, "Invalid token_id");
        return NULL;
}

void hdfc_login_validate(struct call *c)
{
        struct grant *g = login_of(c, STEP_BEGUN);
        const char *name = "", *password = "";

        if (!g)
                return;
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        if (!o || json_get_string(o, "username", &name) != 0 ||
            json_get_string(o, "password", &password) != 0 ||
            strcmp(name, g->user->username) != 0 || strcmp(password, g->user->password) != 0) {
                hdfc_error(c, 401, "Invalid username or password");
                return;
        }
        g->step = STEP_PASSWORD;
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_bool(&w, "recaptcha", false);
        json_put_string(&w, "loginId", g->user->username);
        json_object_begin(&w, "twofa");
        json_array_begin(&w, "questions");
        json_object_begin(&w, NULL);
        json_put_string(&w, "question", "Enter the OTP sent to your mobile number");
        json_object_finish(&w);
        json_array_finish(&w);
        json_object_finish(&w);
        json_put_bool(&w, "twoFAEnabled", true);
        json_object_finish(&w);
}

void hdfc_twofa_validate(struct call *c)
{
        struct grant *g = login_of(c, STEP_PASSWORD);
        const char *answer = "";

        if (!g)
                return;
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        if (!o || json_get_string(o, "answer", &answer) != 0 || strcmp(answer, g->user->otp) != 0) {
                hdfc_error(c, 400, "Invalid OTP");
                return;
        }
        struct grant *code = grant_make(&c->sim->accounts, g->user, GRANT_CODE, NULL,
                                        clock_wall_us() + LOGIN_LIFE_US);
        if (!code) {
                hdfc_error(c, 500, "No token could be made");
                return;
        }
        g->step = code->step = STEP_ANSWERED;
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_string(&w, "requestToken", code->token);
        json_object_begin(&w, "termsAndConditions");
        json_put_string(&w, "version", "1");
        json_array_begin(&w, "content");
        json_object_begin(&w, NULL);
        json_put_string(&w, "header", "Terms");
        json_put_string(&w, "body", "Simulated.");
        json_object_finish(&w);
        json_array_finish(&w);
        json_object_finish(&w);
        json_put_bool(&w, "authorised", false);
        json_object_finish(&w);
}

void hdfc_twofa_resend(struct call *c)
{
        if (!login_of(c, STEP_PASSWORD))
                return;
        struct json_writer w = hdfc_ok(c);
        json_put_string(&w, "data", "OTP sent");
        json_object_finish(&w);
}

/* NULL: answered. */
static struct grant *code_of(struct call *c, const struct user *u)
{
        char token[GRANT_SIZE];
        struct grant *g = NULL;

        if (call_query(c, "request_token", token, sizeof(token)))
                g = grant_find(&c->sim->accounts, BROKER_HDFC, GRANT_CODE, token);
        if (g && g->user == u)
                return g;
        hdfc_error(c, 401, "Invalid request_token");
        return NULL;
}

void hdfc_authorise(struct call *c)
{
        struct grant *login = login_of(c, STEP_ANSWERED);
        struct grant *code = login ? code_of(c, login->user) : NULL;
        char consent[16];

        if (!code)
                return;
        /* Three spellings are told (§2). */
        if (!call_query(c, "consent", consent, sizeof(consent)) ||
            (strcasecmp(consent, "true") != 0 && strcmp(consent, "Y") != 0)) {
                hdfc_error(c, 400, "Consent is required");
                return;
        }
        code->step = STEP_AUTHORISED;
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_string(&w, "callbackUrl", login->user->redirect_uri);
        json_put_string(&w, "requestToken", code->token);
        json_object_finish(&w);
        grant_end(&c->sim->accounts, login);
}

/* --- both ---------------------------------------------------------------------------------------
 */

void hdfc_access_token(struct call *c)
{
        struct user *u = user_of(c);
        struct grant *code = u ? code_of(c, u) : NULL;
        const char *secret = "";
        char claims[JWT_CLAIMS_MAX];

        if (!code)
                return;
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        if (!o || json_get_string(o, "apiSecret", &secret) != 0 ||
            strcmp(secret, u->api_secret) != 0) {
                hdfc_error(c, 401, "Invalid apiSecret");
                return;
        }
        if (code->step < STEP_AUTHORISED) {
                hdfc_error(c, 403, "Consent is required");
                return;
        }
        grant_end(&c->sim->accounts, code);
        int64_t now = clock_wall_us();
        int64_t expires = now + (u->token_seconds ? u->token_seconds : TOKEN_LIFE_S) * USEC_PER_SEC;
        snprintf(claims, sizeof(claims),
                 "\"sub\":\"%s\",\"exp\":%lld,\"iat\":%lld,\"merchant\":\"BROKERSIM\","
                 "\"merchant_api_key\":\"%s\"",
                 u->client_id, (long long)(expires / USEC_PER_SEC), (long long)(now / USEC_PER_SEC),
                 u->api_key);
        const struct grant *g = grant_make(&c->sim->accounts, u, GRANT_ACCESS, claims, expires);
        if (!g) {
                hdfc_error(c, 500, "No token could be made");
                return;
        }
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_put_string(&w, "accessToken", g->token);
        json_object_finish(&w);
}
