#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "brokersim/mstock.h"

#define DAY_ENDS 0 /* midnight IST (§2) */

void mstock_login(struct call *c)
{
        char name[USER_FIELD_SIZE], password[USER_FIELD_SIZE];
        struct user *u = NULL;

        /* Both spellings are seen (§2). */
        if ((call_form(c, "username", name, sizeof(name)) ||
             call_form(c, "Username", name, sizeof(name))) &&
            (call_form(c, "password", password, sizeof(password)) ||
             call_form(c, "Password", password, sizeof(password))))
                u = user_by_name(&c->sim->accounts, BROKER_MSTOCK, name);
        if (!u || strcmp(u->password, password) != 0) {
                mstock_error(c, 401, "MiraeException", "Invalid username or password");
                return;
        }
        u->otp_sent = true;
        struct json_writer w = mstock_ok(c);
        json_object_begin(&w, "data");
        json_put_string(&w, "ugid", "00000000-0000-4000-8000-000000000001");
        json_put_bool(&w, "is_kyc", true);
        json_put_bool(&w, "is_activate", true);
        json_put_string(&w, "is_password_reset", "true");
        json_put_bool(&w, "is_error", false);
        json_put_string(&w, "cid", "");
        json_put_string(&w, "nm", "EXAMPLE USER");
        json_put_int(&w, "flag", 0);
        json_object_finish(&w);
        json_object_finish(&w);
}

static void begin_session(struct call *c, struct user *u)
{
        char claims[JWT_CLAIMS_MAX], at[32];
        int64_t now = clock_wall_us();
        int64_t expires =
                u->token_seconds ? now + u->token_seconds * USEC_PER_SEC : next_ist(DAY_ENDS);

        snprintf(claims, sizeof(claims), "\"sub\":\"%s\",\"iat\":%lld,\"exp\":%lld", u->client_id,
                 (long long)(now / USEC_PER_SEC), (long long)(expires / USEC_PER_SEC));
        const struct grant *g = grant_make(&c->sim->accounts, u, GRANT_ACCESS, claims, expires);
        if (!g) {
                mstock_error(c, 500, "GeneralException", "No token could be made");
                return;
        }
        struct json_writer w = mstock_ok(c);
        json_object_begin(&w, "data");
        json_put_string(&w, "user_type", "individual");
        json_put_string(&w, "email", "a@example.invalid");
        json_put_string(&w, "user_name", "EXAMPLE USER");
        json_put_string(&w, "user_shortname", "EX");
        json_put_string(&w, "user_id", u->client_id);
        json_put_string(&w, "broker", "Mirae");
        json_put_null(&w, "avatar_url");
        json_put_words(&w, "exchanges", "NSE NFO BSE BFO");
        json_put_words(&w, "products", "CNC NRML MIS");
        json_put_words(&w, "order_types", "MARKET LIMIT SL SL-M");
        json_put_string(&w, "api_key", u->api_key);
        json_put_string(&w, "access_token", g->token);
        json_put_string(&w, "public_token", "");
        json_put_string(&w, "enctoken", "");
        json_put_string(&w, "refresh_token", "");
        json_put_string(&w, "silo", "");
        json_put_string(&w, "login_time", print_ist(now, "Y-M-d H:m:S", at, sizeof(at)));
        json_object_begin(&w, "meta");
        json_object_finish(&w);
        json_object_finish(&w);
        json_object_finish(&w);
}

/* NULL: answered. */
static struct user *user_of(struct call *c)
{
        char key[USER_FIELD_SIZE];
        struct user *u = NULL;

        if (call_form(c, "api_key", key, sizeof(key)))
                u = user_by_key(&c->sim->accounts, BROKER_MSTOCK, key);
        if (!u)
                mstock_error(c, 403, "APIKeyException",
                             "API is suspended/expired for use. Please check your API "
                             "subscription and try again.");
        return u;
}

void mstock_session_token(struct call *c)
{
        struct user *u = user_of(c);
        char otp[32], checksum[8];

        if (!u)
                return;
        /* A literal, told in two spellings (§2). */
        if (!call_form(c, "checksum", checksum, sizeof(checksum)) ||
            (strcmp(checksum, "L") != 0 && strcmp(checksum, "W") != 0)) {
                mstock_error(c, 400, "InputException", "Invalid checksum");
                return;
        }
        if (!call_form(c, "request_token", otp, sizeof(otp)) || !u->otp_sent ||
            strcmp(otp, u->otp) != 0) {
                mstock_error(c, 401, "MiraeException",
                             "The entered OTP is incorrect. Please try again.(-MACM60)");
                return;
        }
        u->otp_sent = false;
        begin_session(c, u);
}

void mstock_verify_totp(struct call *c)
{
        struct user *u = user_of(c);
        char totp[32];

        if (!u)
                return;
        if (!call_form(c, "totp", totp, sizeof(totp)) || !totp_good(u->totp_secret, totp)) {
                mstock_error(c, 401, "MiraeException", "Please enter correct TOTP");
                return;
        }
        begin_session(c, u);
}

void mstock_logout(struct call *c)
{
        grant_end(&c->sim->accounts, c->grant);
        c->grant = NULL;
        struct json_writer w = mstock_ok(c);
        json_put_string(&w, "data", "Success");
        json_object_finish(&w);
}
