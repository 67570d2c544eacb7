#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "brokersim/fyers.h"

#define CODE_LIFE_US (5 * 60 * USEC_PER_SEC)
#define DAY_ENDS     (6 * 3600) /* 06:00 IST (§2) */

static void send_back(struct call *c, const char *redirect_uri, const char *s, int code,
                      const char *message, const char *auth_code)
{
        _cleanup_(text_done) struct text url = TEXT_NULL;
        char state[512];

        text_addf(&url, "%s%cs=%s&code=%d&message=", redirect_uri,
                  strchr(redirect_uri, '?') ? '&' : '?', s, code);
        text_add_urlencoded(&url, message);
        text_add(&url, "&auth_code=");
        text_add_urlencoded(&url, auth_code);
        if (call_query(c, "state", state, sizeof(state))) {
                text_add(&url, "&state=");
                text_add_urlencoded(&url, state);
        }
        call_redirect(c, text_str(&url));
}

static int print_claims(char *buf, size_t n, const struct user *u, const char *sub, int64_t exp_us)
{
        long long now = (long long)(clock_wall_us() / USEC_PER_SEC);

        return snprintf(buf, n,
                        "\"iss\":\"api.login.fyers.in\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,"
                        "\"sub\":\"%s\",\"fy_id\":\"%s\",\"app_id\":\"%s\",\"hsm_key\":\"0000\"",
                        now, now, (long long)(exp_us / USEC_PER_SEC), sub, u->client_id,
                        u->api_key);
}

static void approve(struct call *c, struct user *u, const char *redirect_uri)
{
        char claims[JWT_CLAIMS_MAX];
        int64_t expires = clock_wall_us() + CODE_LIFE_US;

        print_claims(claims, sizeof(claims), u, "auth_code", expires);
        const struct grant *g = grant_make(&c->sim->accounts, u, GRANT_CODE, claims, expires);
        if (g)
                send_back(c, redirect_uri, "ok", 200, "", g->token);
        else
                fyers_error(c, 500, -96, "No code could be made");
}

/* NULL: answered. */
static struct user *read_query(struct call *c, char *redirect_uri, size_t size)
{
        char id[USER_FIELD_SIZE], type[16];
        struct user *u = NULL;

        if (call_query(c, "client_id", id, sizeof(id)))
                u = user_by_key(&c->sim->accounts, BROKER_FYERS, id);
        if (!u) {
                fyers_error(c, 400, -352, "Invalid app id");
                return NULL;
        }
        if (!call_query(c, "response_type", type, sizeof(type)) || strcmp(type, "code") != 0) {
                fyers_error(c, 400, -50, "response_type must be code");
                return NULL;
        }
        if (!call_query(c, "redirect_uri", redirect_uri, size) ||
            (u->redirect_uri[0] && strcmp(u->redirect_uri, redirect_uri) != 0)) {
                fyers_error(c, 400, -50, "redirect_uri is not the one registered with the app");
                return NULL;
        }
        return u;
}

void fyers_login_page(struct call *c)
{
        char uri[512];
        struct user *u = read_query(c, uri, sizeof(uri));

        if (u && (u->auto_login || c->sim->auto_login))
                approve(c, u, uri);
        else if (u)
                call_login_page(c, "FYERS", u, NULL);
}

void fyers_login_done(struct call *c)
{
        char uri[512];
        bool approved = false;
        struct user *u = read_query(c, uri, sizeof(uri));

        if (!u)
                return;
        const char *wrong = call_login_check(c, u, &approved);
        if (wrong)
                call_login_page(c, "FYERS", u, wrong);
        else if (!approved)
                send_back(c, uri, "error", -1, "The user refused", "");
        else
                approve(c, u, uri);
}

/* The hash proves the secret: SHA-256 of "app_id:app_secret" (§2). */
static bool knows_secret(const struct user *u, const char *hash)
{
        char both[2 * USER_FIELD_SIZE + 2], expected[65];

        snprintf(both, sizeof(both), "%s:%s", u->api_key, u->api_secret);
        sha256_hex(both, expected);
        return strcmp(expected, hash) == 0;
}

void fyers_exchange(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        const char *type = "", *hash = "", *code = "";
        char claims[JWT_CLAIMS_MAX];

        if (!o || json_get_string(o, "grant_type", &type) != 0 ||
            strcmp(type, "authorization_code") != 0) {
                fyers_error(c, 400, -50, "grant_type must be authorization_code");
                return;
        }
        if (json_get_string(o, "code", &code) != 0 || !*code) {
                fyers_error(c, 400, -374, "code is missing");
                return;
        }
        struct grant *g = grant_find(&c->sim->accounts, BROKER_FYERS, GRANT_CODE, code);
        if (!g) {
                fyers_error(c, 400, -437, "invalid auth code");
                return;
        }
        struct user *u = g->user;
        if (json_get_string(o, "appIdHash", &hash) != 0 || !knows_secret(u, hash)) {
                fyers_error(c, 400, -371, "invalid app id hash");
                return;
        }
        grant_end(&c->sim->accounts, g);
        int64_t expires = u->token_seconds ? clock_wall_us() + u->token_seconds * USEC_PER_SEC
                                           : next_ist(DAY_ENDS);
        print_claims(claims, sizeof(claims), u, "access_token", expires);
        g = grant_make(&c->sim->accounts, u, GRANT_ACCESS, claims, expires);
        if (!g) {
                fyers_error(c, 500, -96, "No token could be made");
                return;
        }
        struct json_writer w = fyers_ok(c, 200, "");
        json_put_string(&w, "access_token", g->token);
        json_put_string(&w, "refresh_token", "eyJTSU0.discontinued.since2026");
        json_object_finish(&w);
}

/* Ended on 1 April 2026 (§2). */
void fyers_refresh(struct call *c)
{
        fyers_error(c, 400, -501, "invalid refresh token");
}

void fyers_logout(struct call *c)
{
        grant_end(&c->sim->accounts, c->grant);
        c->grant = NULL;
        struct json_writer w = fyers_ok(c, 200, "you are successfully logged out");
        json_object_finish(&w);
}
