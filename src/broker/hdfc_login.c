/* HDFC Securities: the daily login (§2).
 *
 *   browser ─► EXCHANGE ─► token
 *   OPEN ─► PASSWORD ─(one-time password)─► OTP ─► CONSENT ─► EXCHANGE ─► token
 *                                             └── authorised ──►
 *
 * What a step leaves for the next: the tokenId; behind OTP also the request token, behind a
 * blank; for EXCHANGE the request token alone. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "broker/hdfc.h"
#include "broker/reading.h"

static int login_url(const struct account *a, const char *state, struct text *ret)
{
        (void)state; /* it carries none */
        if (!a->access.api_key)
                return -EINVAL;
        text_add(ret, "/oapi/v1/login?api_key=");
        text_add_urlencoded(ret, secret_bytes(a->access.api_key));
        return ret->failed;
}

const struct broker_login_way hdfc_logins[2] = {
        {BROKER_LOGIN_REDIRECT, HDFC_EXCHANGE, login_url},
        {BROKER_LOGIN_OTP, HDFC_OPEN, NULL},
};

/* --- requests --- */

static void put_secret(struct http_request *r, const char *key, const struct secret *value)
{
        struct json_writer w = JSON_WRITER(&r->body);

        json_object_begin(&w, NULL);
        json_put_bytes(&w, key, secret_bytes(value), secret_size(value));
        json_object_finish(&w);
}

static void put_query(struct http_request *r, const char *key, const char *value)
{
        text_add_char(&r->url, '&');
        text_add(&r->url, key);
        text_add_char(&r->url, '=');
        text_add_urlencoded(&r->url, value);
}

static int request_password(const struct broker_call *c, struct http_request *r)
{
        const struct account_access *a = &c->account->access;
        struct json_writer w = JSON_WRITER(&r->body);

        if (!c->carry || !a->username || !a->password)
                return -EINVAL;
        r->method = "POST";
        put_query(r, "token_id", secret_bytes(c->carry));
        json_object_begin(&w, NULL);
        json_put_string(&w, "username", a->username);
        json_put_bytes(&w, "password", secret_bytes(a->password), secret_size(a->password));
        json_object_finish(&w);
        return 0;
}

static int request_otp(const struct broker_call *c, struct http_request *r)
{
        if (!c->carry || !c->otp)
                return -EINVAL;
        r->method = "POST";
        put_query(r, "token_id", secret_bytes(c->carry));
        put_secret(r, "answer", c->otp);
        return 0;
}

static int request_consent(const struct broker_call *c, struct http_request *r)
{
        const char *line = c->carry ? secret_bytes(c->carry) : "";
        const char *end = strchr(line, ' ');

        if (!end)
                return -EINVAL;
        text_add(&r->url, "&token_id=");
        for (const char *s = line; s < end; s++) {
                const char one[] = {*s, '\0'};
                text_add_urlencoded(&r->url, one);
        }
        put_query(r, "consent", "True");
        put_query(r, "request_token", end + 1);
        return 0;
}

static int request_exchange(const struct broker_call *c, struct http_request *r)
{
        const struct secret *token = c->code ? c->code : c->carry;

        if (!token || !c->account->access.api_secret)
                return -EINVAL;
        r->method = "POST";
        put_query(r, "request_token", secret_bytes(token));
        put_secret(r, "apiSecret", c->account->access.api_secret);
        return 0;
}

int hdfc_request_login(const struct broker_call *c, struct http_request *r)
{
        static const struct {
                const char *path;
                int (*request)(const struct broker_call *c, struct http_request *r);
        } steps[] = {
                [HDFC_OPEN] = {"/oapi/v1/login", NULL},
                [HDFC_PASSWORD] = {"/oapi/v1/login/validate", request_password},
                [HDFC_OTP] = {"/oapi/v1/twofa/validate", request_otp},
                [HDFC_CONSENT] = {"/oapi/v1/authorise", request_consent},
                [HDFC_EXCHANGE] = {"/oapi/v1/access-token", request_exchange},
        };

        if (c->step >= ELEMENTS(steps))
                return -EINVAL;
        int e = hdfc_url(c, r, steps[c->step].path, NULL);
        return e < 0 || !steps[c->step].request ? e : steps[c->step].request(c, r);
}

/* --- replies --- */

/* A token without blanks, which can go into a header and into what is carried. 0; 1: none. */
static int take_token(struct json_object *o, const char *key, const char **ret)
{
        const char *s;

        if (json_get_string(o, key, ret) != 0 || !**ret)
                return 1;
        for (s = *ret; *s > ' ' && *s != 0x7f; s++)
                ;
        return *s != '\0';
}

static int keep(struct secret **ret, const char *s)
{
        *ret = secret_new(s, strlen(s));
        return *ret ? 0 : -ENOMEM;
}

static int go_on(struct broker_result *r, enum hdfc_step next, const char *carry)
{
        r->login = BROKER_LOGIN_GOES_ON;
        r->next_step = next;
        return keep(&r->carry, carry);
}

static int read_password(const struct broker_call *c, struct json_object *o,
                         struct broker_result *r)
{
        static const char *const members[] = {"loginId", "twofa", "twoFAEnabled"};
        bool known = false, captcha = false;
        const char *token = c->carry ? secret_bytes(c->carry) : "";

        for (size_t i = 0; i < ELEMENTS(members); i++)
                known |= json_object_object_get(o, members[i]) != NULL;
        if (json_get_bool(o, "recaptcha", &captcha) < 0)
                return 1;
        if (captcha) {
                reading_rejected(r, PROBLEM_LOGIN_REFUSED, NULL,
                                 "the broker asks for a captcha: log in with the browser");
                return 0;
        }
        if (!known || !*token)
                return 1;
        r->login = BROKER_LOGIN_ASKS;
        r->next_step = HDFC_OTP;
        return keep(&r->carry, token);
}

static int read_otp(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        _cleanup_(text_done) struct text both = TEXT_NULL;
        bool authorised = false;
        const char *token;

        if (take_token(o, "requestToken", &token) != 0 ||
            json_get_bool(o, "authorised", &authorised) < 0)
                return 1;
        if (authorised)
                return go_on(r, HDFC_EXCHANGE, token);
        if (!c->carry)
                return 1;
        text_add(&both, secret_bytes(c->carry));
        text_add_char(&both, ' ');
        text_add(&both, token);
        int e = both.failed ? both.failed : go_on(r, HDFC_CONSENT, text_str(&both));
        if (both.data)
                secret_wipe(both.data, both.len);
        return e;
}

/* The request token may be a new one. */
static int read_consent(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        const char *carried = c->carry ? strchr(secret_bytes(c->carry), ' ') : NULL;
        const char *token, *callback = hdfc_text(o, "callbackUrl");

        if (take_token(o, "requestToken", &token) == 0)
                return go_on(r, HDFC_EXCHANGE, token);
        if (!carried || !callback || !*callback || json_object_object_get(o, "requestToken"))
                return 1;
        return go_on(r, HDFC_EXCHANGE, carried + 1);
}

/* What the token tells of itself, when it is a JSON Web Token. */
static int read_claims(const char *token, struct broker_result *r)
{
        _cleanup_(json_freep) struct json_object *claims = NULL;
        int64_t expires_s;
        const char *who;

        int e = reading_jwt(token, &claims);
        if (e == -ENOMEM)
                return e;
        if (e < 0)
                return 0;
        if (json_get_int(claims, "exp", 1, FIELD_TIME_MAX / USEC_PER_SEC, &expires_s) == 0)
                r->expires_us = expires_s * USEC_PER_SEC;
        who = hdfc_text(claims, "sub");
        if (who && !text_copy(r->client_id, sizeof(r->client_id), who))
                r->client_id[0] = '\0';
        return 0;
}

static int read_exchange(struct json_object *o, struct broker_result *r)
{
        const char *token;

        if (take_token(o, "accessToken", &token) != 0)
                return 1;
        int e = read_claims(token, r);
        if (e < 0)
                return e;
        r->login = BROKER_LOGIN_DONE;
        return keep(&r->token, token);
}

int hdfc_read_login(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        struct json_object *data = json_object_object_get(o, "data");
        const char *token;

        if (json_object_object_get(o, "status") && !hdfc_success(o))
                return 1;
        if (json_object_is_type(data, json_type_object))
                o = data;
        switch (c->step) {
        case HDFC_OPEN:
                return take_token(o, "tokenId", &token) != 0 ? 1 : go_on(r, HDFC_PASSWORD, token);
        case HDFC_PASSWORD:
                return read_password(c, o, r);
        case HDFC_OTP:
                return read_otp(c, o, r);
        case HDFC_CONSENT:
                return read_consent(c, o, r);
        case HDFC_EXCHANGE:
                return read_exchange(o, r);
        default:
                return 1;
        }
}
