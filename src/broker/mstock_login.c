/* m.Stock: a user name and a password bring a one-time password by SMS, which with the API key is
 * the session; or the API key and the digits of an authenticator are (§2). */
#include "broker/mstock.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Not a hash, a literal (§2). */
#define CHECKSUM "L"

static int put_secret(struct text *form, const char *key, const struct secret *s)
{
        if (!s || !secret_size(s))
                return -EINVAL;
        mstock_put(form, key, secret_bytes(s));
        return 0;
}

static int request_password(const struct broker_call *c, struct http_request *r)
{
        const struct account_access *a = &c->account->access;

        const char *user = a->username ? a->username : a->client_id;

        if (!user)
                return -EINVAL;
        text_add(&r->url, "/connect/login");
        mstock_put(&r->body, "username", user);
        return put_secret(&r->body, "password", a->password);
}

static int request_code(const struct broker_call *c, struct http_request *r)
{
        bool totp = c->step == MSTOCK_STEP_TOTP;

        text_add(&r->url, totp ? "/session/verifytotp" : "/session/token");
        int e = put_secret(&r->body, "api_key", c->account->access.api_key);
        if (e == 0)
                e = put_secret(&r->body, totp ? "totp" : "request_token", c->otp);
        if (e == 0 && !totp)
                mstock_put(&r->body, "checksum", CHECKSUM);
        return e;
}

int mstock_request_login(const struct broker_call *c, struct http_request *r)
{
        int e = mstock_form(r, "POST");
        if (e < 0)
                return e;
        switch (c->step) {
        case MSTOCK_STEP_PASSWORD:
                return request_password(c, r);
        case MSTOCK_STEP_OTP:
        case MSTOCK_STEP_TOTP:
                return request_code(c, r);
        default:
                return -EINVAL;
        }
}

int mstock_request_logout(const struct broker_call *c, struct http_request *r)
{
        (void)c;
        text_add(&r->url, "/logout");
        return 0;
}

static int read_password(struct json_object *data, struct broker_result *r)
{
        if (!json_object_is_type(data, json_type_object))
                return 1;
        if (mstock_yes(data, "is_error")) {
                reading_rejected(r, PROBLEM_LOGIN_REFUSED, NULL,
                                 "The broker marks the login as an error");
                return 0;
        }
        r->login = BROKER_LOGIN_ASKS;
        r->next_step = MSTOCK_STEP_OTP;
        return 0;
}

/* It goes into a header between a colon and the end. */
static bool token_good(const char *s)
{
        for (const char *p = s; *p; p++)
                if (*p <= ' ' || *p >= 0x7f)
                        return false;
        return *s;
}

/* The token's own end, where it is a JSON Web Token that tells. */
static int read_expiry(const char *token, int64_t *ret_us)
{
        _cleanup_(json_freep) struct json_object *claims = NULL;
        int64_t seconds;

        int e = reading_jwt(token, &claims);
        if (e == 0 && json_get_int(claims, "exp", 1, FIELD_TIME_MAX / 1000000 - 1, &seconds) == 0)
                *ret_us = seconds * 1000000;
        return e == -ENOMEM ? e : 0;
}

static int read_session(struct json_object *data, struct broker_result *r)
{
        struct json_object *token = mstock_member(data, "access_token");
        const char *user = mstock_text(data, "user_id");

        if (!json_object_is_type(token, json_type_string))
                return 1;
        const char *text = json_object_get_string(token);
        if (!token_good(text) || !text_copy(r->client_id, sizeof(r->client_id), user))
                return 1;
        int e = read_expiry(text, &r->expires_us);
        if (e < 0)
                return e;
        r->token = secret_new(text, strlen(text));
        r->login = BROKER_LOGIN_DONE;
        return r->token ? 0 : -ENOMEM;
}

int mstock_reply_login(const struct broker_call *c, struct json_object *data,
                       struct broker_result *r)
{
        switch (c->step) {
        case MSTOCK_STEP_PASSWORD:
                return read_password(data, r);
        case MSTOCK_STEP_OTP:
        case MSTOCK_STEP_TOTP:
                return read_session(data, r);
        default:
                return 1;
        }
}

int mstock_reply_logout(const struct broker_call *c, struct json_object *data,
                        struct broker_result *r)
{
        (void)c, (void)data, (void)r;
        return 0;
}
