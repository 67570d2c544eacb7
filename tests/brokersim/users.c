#include "brokersim/users.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

/* In every new account, so that there is something to sell. */
static void give_holdings(struct sim *s, struct user *u)
{
        static const char *const symbols[] = {"NSE:INFY", "NSE:RELIANCE", "NSE:SBIN"};

        for (size_t i = 0; i < ELEMENTS(symbols); i++) {
                const struct listing *l = market_by_symbol(&s->market, symbols[i]);
                if (l)
                        u->holdings[u->n_holdings++] = (struct holding_row){
                                .listing = l,
                                .quantity = 100,
                                .average = l->i->previous_close,
                        };
        }
}

static struct user *add(struct sim *s, enum broker_name b, const char *client_id, const char *key,
                        const char *secret, int64_t funds)
{
        struct user *u = user_add(&s->accounts, b);

        if (!u || !text_copy(u->client_id, sizeof(u->client_id), client_id) ||
            !text_copy(u->api_key, sizeof(u->api_key), key) ||
            !text_copy(u->api_secret, sizeof(u->api_secret), secret))
                return NULL;
        (void)text_copy(u->username, sizeof(u->username), client_id);
        (void)text_copy(u->password, sizeof(u->password), "simpassword");
        (void)text_copy(u->otp, sizeof(u->otp), "123456");
        (void)text_copy(u->totp_secret, sizeof(u->totp_secret), "JBSWY3DPEHPK3PXP");
        if (b == BROKER_FYERS)
                (void)text_copy(u->pin, sizeof(u->pin), "2580");
        /* The only one who cannot be told in the request where to send the browser (hdfc.md §2). */
        if (b == BROKER_HDFC)
                (void)text_copy(u->redirect_uri, sizeof(u->redirect_uri),
                                "http://127.0.0.1:8080/api/v1/auth/callback/hdfc/main");
        u->funds = funds;
        give_holdings(s, u);
        return u;
}

void users_default(struct sim *s, int64_t funds)
{
        add(s, BROKER_FYERS, "XS00001", "SIMFYERS01-100", "SIMSECRET1", funds);
        add(s, BROKER_HDFC, "10000001", "simhdfckey01", "simhdfcsecret01", funds);
        /* As m.Stock's look: what must be percent-encoded in forms is in it (mstock.md §1). */
        add(s, BROKER_MSTOCK, "MA1000001", "SIMmstock+Key/01@@", "simmstocksecret01", funds);
}

struct user *users_from_argument(struct sim *s, const char *argument, int64_t funds)
{
        char all[4 * USER_FIELD_SIZE], *at = all, *part[4];

        if (!text_copy(all, sizeof(all), argument))
                return NULL;
        for (unsigned i = 0; i < ELEMENTS(part); i++)
                if (!(part[i] = strsep(&at, ":")) || !*part[i])
                        return NULL;
        int b = broker_from(part[0]);
        return b < 0 || at ? NULL : add(s, (enum broker_name)b, part[1], part[2], part[3], funds);
}

static bool take_text(struct json_object *o, const char *key, char *buf, size_t size)
{
        const char *v = NULL;
        int r = json_get_string(o, key, &v);

        return r == 1 || (r == 0 && text_copy(buf, size, v));
}

static const char *take_holdings(struct sim *s, struct user *u, struct json_object *o)
{
        struct json_object *rows = NULL;

        if (!json_object_object_get_ex(o, "holdings", &rows))
                return NULL;
        if (!json_object_is_type(rows, json_type_array) ||
            json_object_array_length(rows) > HOLDINGS_MAX)
                return "holdings is an array of at most 32 rows";
        u->n_holdings = 0;
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                struct json_object *row = json_object_array_get_idx(rows, i);
                struct holding_row *h = &u->holdings[u->n_holdings];
                const char *symbol = "";
                *h = (struct holding_row){};
                if (json_get_string(row, "symbol", &symbol) != 0 ||
                    !(h->listing = market_by_symbol(&s->market, symbol)) ||
                    json_get_int(row, "quantity", 1, QUANTITY_MAX_SIM, &h->quantity) != 0 ||
                    json_get_decimal(row, "average_price", &h->average) != 0)
                        return "a holding has symbol, quantity and average_price";
                u->n_holdings++;
        }
        return NULL;
}

struct user *users_from_json(struct sim *s, struct json_object *o, const char **ret_wrong)
{
        const char *broker = "", *client = "";
        bool ok = json_get_string(o, "broker", &broker) == 0 && broker_from(broker) >= 0 &&
                  json_get_string(o, "client_id", &client) == 0 && *client;

        if (!ok) {
                *ret_wrong = "broker (fyers, hdfc, mstock) and client_id are required";
                return NULL;
        }
        enum broker_name b = (enum broker_name)broker_from(broker);
        struct user *u = user_by_client(&s->accounts, b, client);
        if (!u)
                u = add(s, b, client, client, client, FUNDS_DEFAULT);
        if (!u) {
                *ret_wrong = "client_id is too long, or there are too many accounts";
                return NULL;
        }
        if (!take_text(o, "api_key", u->api_key, sizeof(u->api_key)) ||
            !take_text(o, "api_secret", u->api_secret, sizeof(u->api_secret)) ||
            !take_text(o, "username", u->username, sizeof(u->username)) ||
            !take_text(o, "password", u->password, sizeof(u->password)) ||
            !take_text(o, "pin", u->pin, sizeof(u->pin)) ||
            !take_text(o, "otp", u->otp, sizeof(u->otp)) ||
            !take_text(o, "totp_secret", u->totp_secret, sizeof(u->totp_secret)) ||
            !take_text(o, "redirect_uri", u->redirect_uri, sizeof(u->redirect_uri))) {
                *ret_wrong = "a member is too long or no string";
                return NULL;
        }
        if (json_get_bool(o, "auto_login", &u->auto_login) < 0 ||
            json_get_bool(o, "echo_tags", &u->echo_tags) < 0 ||
            json_get_decimal(o, "funds", &u->funds) < 0 ||
            json_get_int(o, "token_seconds", 0, 10 * 86400, &u->token_seconds) < 0) {
                *ret_wrong = "auto_login, echo_tags, funds or token_seconds is not valid";
                return NULL;
        }
        *ret_wrong = take_holdings(s, u, o);
        return *ret_wrong ? NULL : u;
}

void users_put(const struct sim *s, const struct user *u, struct json_writer *w)
{
        (void)s;
        json_object_begin(w, NULL);
        json_put_string(w, "broker", broker_name(u->broker));
        json_put_string(w, "client_id", u->client_id);
        json_put_string(w, "api_key", u->api_key);
        json_put_string(w, "api_secret", u->api_secret);
        json_put_string(w, "username", u->username);
        json_put_string(w, "password", u->password);
        json_put_string(w, "pin", u->pin);
        json_put_string(w, "otp", u->otp);
        json_put_string(w, "totp_secret", u->totp_secret);
        json_put_string(w, "redirect_uri", u->redirect_uri);
        json_put_bool(w, "auto_login", u->auto_login || s->auto_login);
        json_put_bool(w, "echo_tags", u->echo_tags);
        json_put_int(w, "token_seconds", u->token_seconds);
        json_put_decimal(w, "funds", u->funds);
        json_put_decimal(w, "available", user_available(u));
        json_put_int(w, "orders", u->n_entries);
        json_put_int(w, "sessions", u->n_grants);
        json_object_finish(w);
}

const struct grant *users_token(struct sim *s, struct user *u)
{
        char claims[JWT_CLAIMS_MAX];
        int64_t now = clock_wall_us();
        int64_t life = u->token_seconds ? u->token_seconds : 86400;

        /* What every broker's own token says, together. */
        snprintf(claims, sizeof(claims),
                 "\"iat\":%lld,\"exp\":%lld,\"sub\":\"%s\",\"fy_id\":\"%s\"",
                 (long long)(now / USEC_PER_SEC), (long long)(now / USEC_PER_SEC + life),
                 u->client_id, u->client_id);
        return grant_make(&s->accounts, u, GRANT_ACCESS, claims, now + life * USEC_PER_SEC);
}
