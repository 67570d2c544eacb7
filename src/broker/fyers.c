/* FYERS, API version 3. Its files: this one (tables and the way in), fyers_refusal.c (the envelope
 * and the error codes), fyers_login.c, fyers_orders.c, fyers_reads.c, fyers_master.c.
 *
 * To configure: API_KEY is the "app id" with its suffix ("ABCD1234EF-100"), API_SECRET the app's
 * secret, REDIRECT_URI exactly what the app was registered with, CLIENT_ID the FYERS id ("XX00000",
 * `fy_id` of the profile). Order calls have to come from the static address registered for the app
 * (EGRESS_ADDRESS). Every trading day begins with a login in a browser; there is no other way.
 *
 * A scrip's `key` is the ticker ("NSE:SBIN-EQ"), which names it in orders, books and quotes;
 * `token` is the fyToken.
 *
 * What the sheet leaves open, and what is made of it:
 * - §2  The token ends "about" 06:00: that or its own `exp`, whichever comes first.
 * - §3  What the masters' "minimum lot" of currency and commodity counts, while orders count lots:
 *       see fyers_master.c; contracts whose size is not known are not listed.
 * - §4  Whether a modification's `qty` is the total or the rest: the quantity of a partly filled
 *       order is not changed. Success counts with its documented code only.
 * - §5  Nothing tells whether a stop order has triggered: it has, when something of it is filled.
 *       `orderDateTime` is taken for the time of placing.
 * - §8  `margin_new_order` is what the order needs; whether `margin_avail` is meant before or after
 *       it is not told.
 * - §9  Codes of one old source count as final only with a status that says so too, and any code
 *       only where it speaks of this very call. Code 400 is documented for multi-leg orders only,
 *       -53 for positions: nobody knows, if they come here. Code and text of an address that is
 *       not registered were not found: HTTP 403 in the documented form is taken for it.
 * - §11 After-market orders, and IOC in commodity, are said to be refused: not offered. Cover and
 *       bracket orders neither. */
#include "broker/fyers.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "broker/reading.h"

#define ALL_TYPES                                                                   \
        (1U << ORDER_TYPE_MARKET | 1U << ORDER_TYPE_LIMIT | 1U << ORDER_TYPE_STOP | \
         1U << ORDER_TYPE_STOP_LIMIT)
#define SHARE_PRODUCTS      (1U << PRODUCT_CNC | 1U << PRODUCT_INTRADAY | 1U << PRODUCT_MTF)
#define DERIVATIVE_PRODUCTS (1U << PRODUCT_INTRADAY | 1U << PRODUCT_MARGIN)
#define DAY_AND_IOC         (1U << VALIDITY_DAY | 1U << VALIDITY_IOC)

static const struct broker_capability capabilities[] = {
        {EXCHANGE_NSE, ALL_TYPES, SHARE_PRODUCTS, DAY_AND_IOC, true},
        {EXCHANGE_BSE, ALL_TYPES, SHARE_PRODUCTS, DAY_AND_IOC, true},
        {EXCHANGE_NFO, ALL_TYPES, DERIVATIVE_PRODUCTS, DAY_AND_IOC, false},
        {EXCHANGE_BFO, ALL_TYPES, DERIVATIVE_PRODUCTS, DAY_AND_IOC, false},
        {EXCHANGE_CDS, ALL_TYPES, DERIVATIVE_PRODUCTS, DAY_AND_IOC, false},
        {EXCHANGE_MCX, ALL_TYPES, DERIVATIVE_PRODUCTS, 1U << VALIDITY_DAY, false},
};

/* §10 allows 10 a second and 200 a minute of all calls together; who is above the latter three
 * times is locked out for the day. Calls may arrive closer together than they were sent, so there
 * is room left. */
static const struct broker_rate rates[] = {
        {BROKER_TRAFFIC_ORDERS, 10, 1000000},
        {BROKER_TRAFFIC_ALL, 10, 1000000},
        {BROKER_TRAFFIC_ALL, 180, 60 * INT64_C(1000000)},
        {BROKER_TRAFFIC_ALL, 100000, 24 * 3600 * INT64_C(1000000)},
};

const struct word fyers_sides[] = {{SIDE_BUY, "1"}, {SIDE_SELL, "-1"}, {}};
const struct word fyers_types[] = {{ORDER_TYPE_LIMIT, "1"},
                                   {ORDER_TYPE_MARKET, "2"},
                                   {ORDER_TYPE_STOP, "3"},
                                   {ORDER_TYPE_STOP_LIMIT, "4"},
                                   {}};
const struct word fyers_products[] = {{PRODUCT_CNC, "CNC"},
                                      {PRODUCT_INTRADAY, "INTRADAY"},
                                      {PRODUCT_MARGIN, "MARGIN"},
                                      {PRODUCT_MTF, "MTF"},
                                      {}};
const struct word fyers_validities[] = {{VALIDITY_DAY, "DAY"}, {VALIDITY_IOC, "IOC"}, {}};

int fyers_exchange(int64_t exchange, int64_t segment)
{
        switch (segment) {
        case FYERS_CASH:
                return exchange == FYERS_NSE   ? EXCHANGE_NSE
                       : exchange == FYERS_BSE ? EXCHANGE_BSE
                                               : -EINVAL;
        case FYERS_DERIVATIVES:
                return exchange == FYERS_NSE   ? EXCHANGE_NFO
                       : exchange == FYERS_BSE ? EXCHANGE_BFO
                                               : -EINVAL;
        case FYERS_CURRENCY:
                return exchange == FYERS_NSE || exchange == FYERS_BSE ? EXCHANGE_CDS : -EINVAL;
        case FYERS_COMMODITY:
                return exchange == FYERS_MCX ? EXCHANGE_MCX : -EINVAL;
        default:
                return -EINVAL;
        }
}

int64_t fyers_unit(const struct scrip *s)
{
        const struct instrument *i = &s->instrument;
        bool lots = i->exchange == EXCHANGE_CDS || i->exchange == EXCHANGE_MCX;
        return lots && i->lot > 0 ? i->lot : 1;
}

bool fyers_visible(const char *s)
{
        const char *at = s;
        while (*at > ' ' && *at < 0x7f)
                at++;
        return at > s && !*at;
}

void fyers_put_ticker(struct text *t, const char *ticker)
{
        const char *colon = strchr(ticker, ':');
        if (colon) {
                text_add_bytes(t, ticker, (size_t)(colon + 1 - ticker));
                ticker = colon + 1;
        }
        text_add_urlencoded(t, ticker);
}

const char *fyers_string(struct json_object *o, const char *key)
{
        const char *s;
        return json_get_string(o, key, &s) == 0 ? s : "";
}

/* "app id:token", without Bearer and without blanks (§1). */
static int put_authorization(const struct broker_call *c, struct http_request *r)
{
        const struct secret *key = c->account->access.api_key;
        struct text value = TEXT_NULL;
        if (!key || !c->token)
                return -EINVAL;
        size_t n = secret_size(key) + 1 + secret_size(c->token);
        int e = text_reserve(&value, n);
        if (e == 0) {
                text_add_bytes(&value, secret_bytes(key), secret_size(key));
                text_add_char(&value, ':');
                text_add_bytes(&value, secret_bytes(c->token), secret_size(c->token));
                e = strlen(value.data) == n ? http_request_header(r, "Authorization", value.data)
                                            : -EINVAL;
                secret_wipe(value.data, value.size);
        }
        text_done(&value);
        return e;
}

static int put_call(const struct broker_call *c, struct http_request *r)
{
        switch (c->op) {
        case BROKER_PLACE:
        case BROKER_MODIFY:
        case BROKER_CANCEL:
                return fyers_request_order(c, r);
        case BROKER_MARGIN:
                return fyers_request_margin(c, r);
        case BROKER_LOGIN:
                return fyers_request_login(c, r);
        default:
                return fyers_request_read(c, r);
        }
}

static int fyers_request(const struct broker_call *c, struct http_request *ret)
{
        bool open = c->op == BROKER_LOGIN || c->op == BROKER_MASTER;
        int r;
        if (c->op >= _BROKER_OP_MAX || !c->account)
                return -EINVAL;
        ret->method = "GET";
        ret->writes = broker_op_writes(c->op);
        r = put_call(c, ret);
        if (r == 0 && !open)
                r = put_authorization(c, ret);
        if (r == 0 && ret->body.len > 0)
                r = http_request_header(ret, "Content-Type", "application/json");
        if (r == 0 && (ret->url.failed || ret->body.failed))
                r = ret->url.failed ? ret->url.failed : ret->body.failed;
        return r;
}

/* 0; -ENOMEM; 1: it cannot be read. */
static int read_answer(const struct broker_call *c, struct json_object *o, int64_t code,
                       struct broker_result *r)
{
        switch (c->op) {
        case BROKER_PLACE:
        case BROKER_MODIFY:
        case BROKER_CANCEL:
                fyers_read_order(c, o, code, r);
                return 0;
        case BROKER_LOGIN:
                return fyers_read_login(c, o, r);
        case BROKER_LOGOUT:
                r->outcome = OUTCOME_ACCEPTED;
                return 0;
        case BROKER_PROFILE:
                fyers_read_profile(o, r);
                return 0;
        case BROKER_MARGIN:
                fyers_read_margin(o, r);
                return 0;
        default:
                return fyers_read_list(c, o, r);
        }
}

static int fyers_reply(const struct broker_call *c, const struct http_reply *reply,
                       struct broker_result *ret)
{
        _cleanup_(json_freep) struct json_object *o = NULL;
        int64_t code;
        int r = fyers_open(c, reply, &o, &code, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        r = read_answer(c, o, code, ret);
        if (r > 0) {
                broker_result_done(ret);
                *ret = (struct broker_result){};
                reading_unknown(ret, "The answer could not be read");
        }
        return r < 0 ? r : 0;
}

static const char *const code_keys[] = {"auth_code", NULL};

const struct broker broker_fyers = {
        .slug = "fyers",
        .title = "FYERS",
        .flags = BROKER_ECHOES_TAG | BROKER_CAN_MODIFY,
        .logins = fyers_logins,
        .n_logins = ELEMENTS(fyers_logins),
        .callback = {.code_keys = code_keys,
                     .state_key = "state",
                     .status_key = "s",
                     .status_ok = "ok",
                     .message_key = "message"},
        .session_ends = 6 * 60,
        .default_base_url = "https://api-t1.fyers.in",
        .default_master_url = "https://public.fyers.in/sym_details",
        .master = &fyers_master,
        .quotes_max = 50,
        .rates = rates,
        .n_rates = ELEMENTS(rates),
        .tag_max = TAG_SIZE - 1,
        .capabilities = capabilities,
        .n_capabilities = ELEMENTS(capabilities),
        .request = fyers_request,
        .reply = fyers_reply,
};
