/* The daily login (§2): a browser at FYERS, then one exchange of the code that it brings back. */
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "broker/fyers.h"
#include "broker/reading.h"

enum step { STEP_EXCHANGE };

#define TOKEN_MAX 4096 /* characters */

const struct broker_login_way fyers_logins[1] = {
        {BROKER_LOGIN_REDIRECT, STEP_EXCHANGE, fyers_login_url},
};

int fyers_login_url(const struct account *a, const char *state, struct text *ret)
{
        const struct account_access *access = &a->access;
        if (!access->api_key || !access->redirect_uri || !state)
                return -EINVAL;
        text_add(ret, "/api/v3/generate-authcode?client_id=");
        text_add_urlencoded(ret, secret_bytes(access->api_key));
        text_add(ret, "&redirect_uri=");
        text_add_urlencoded(ret, access->redirect_uri);
        text_add(ret, "&response_type=code&state=");
        text_add_urlencoded(ret, state);
        return ret->failed;
}

/* SHA-256 of "app id:secret", the colon included, in lower-case digits. */
static void put_app_hash(const struct account_access *a, struct json_writer *w)
{
        unsigned char hash[crypto_hash_sha256_BYTES];
        char digits[2 * sizeof(hash) + 1];
        crypto_hash_sha256_state s;

        crypto_hash_sha256_init(&s);
        crypto_hash_sha256_update(&s, secret_bytes(a->api_key), secret_size(a->api_key));
        crypto_hash_sha256_update(&s, (const unsigned char *)":", 1);
        crypto_hash_sha256_update(&s, secret_bytes(a->api_secret), secret_size(a->api_secret));
        crypto_hash_sha256_final(&s, hash);
        sodium_bin2hex(digits, sizeof(digits), hash, sizeof(hash));
        json_put_string(w, "appIdHash", digits);
        sodium_memzero(&s, sizeof(s));
        sodium_memzero(hash, sizeof(hash));
        sodium_memzero(digits, sizeof(digits));
}

int fyers_request_login(const struct broker_call *c, struct http_request *r)
{
        const struct account_access *a = &c->account->access;
        struct json_writer w = JSON_WRITER(&r->body);

        if (c->step != STEP_EXCHANGE || !a->api_key || !a->api_secret || !c->code ||
            secret_size(c->code) == 0)
                return -EINVAL;
        r->method = "POST";
        text_add(&r->url, "/api/v3/validate-authcode");
        /* At once, so that no half of a code stays behind in freed memory. */
        int e = text_reserve(&r->body, 256 + 6 * secret_size(c->code));
        if (e < 0)
                return e;
        json_object_begin(&w, NULL);
        json_put_string(&w, "grant_type", "authorization_code");
        put_app_hash(a, &w);
        json_put_bytes(&w, "code", secret_bytes(c->code), secret_size(c->code));
        json_object_finish(&w);
        return 0;
}

/* The token is a JWT that tells its end; one that does not is good until the broker's hour. */
static int read_end(const char *token, int64_t *ret_us)
{
        _cleanup_(json_freep) struct json_object *claims = NULL;
        int64_t s;
        int r = reading_jwt(token, &claims);

        if (r == -ENOMEM)
                return r;
        if (r == 0 && json_get_int(claims, "exp", 1, FIELD_TIME_MAX / USEC_PER_SEC, &s) == 0)
                *ret_us = s * USEC_PER_SEC;
        return 0;
}

/* The answer's own copy; nobody reads it again. */
static void wipe_member(struct json_object *o, const char *key)
{
        const char *s = fyers_string(o, key);
        if (*s)
                secret_wipe((void *)s, strlen(s));
}

int fyers_read_login(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        const char *token = fyers_string(o, "access_token");
        size_t n = strlen(token);

        if (n > TOKEN_MAX || !fyers_visible(token))
                return 1;
        int e = read_end(token, &r->expires_us);
        if (e < 0)
                return e;
        r->token = secret_new(token, n);
        wipe_member(o, "access_token");
        wipe_member(o, "refresh_token");
        if (!r->token)
                return -ENOMEM;
        r->login = BROKER_LOGIN_DONE;
        r->outcome = OUTCOME_ACCEPTED;
        return 0;
}

/* Personal fields are masked since September 2025 (§6); an id that is masked tells nothing. */
void fyers_read_profile(struct json_object *o, struct broker_result *r)
{
        struct json_object *data;
        const char *id;

        if (!json_object_object_get_ex(o, "data", &data) ||
            !json_object_is_type(data, json_type_object) ||
            json_get_string(data, "fy_id", &id) != 0 || !fyers_visible(id) ||
            strlen(id) >= sizeof(r->client_id)) {
                reading_unknown(r, "The profile could not be read");
                return;
        }
        if (!strchr(id, '*'))
                text_copy(r->client_id, sizeof(r->client_id), id);
        r->outcome = OUTCOME_ACCEPTED;
}
