/* Mirae Asset m.Stock, Trading API "Type A" (https://api.mstock.trade/openapi/typea).
 *
 * To configure: API_KEY (of the Trading APIs page) and CLIENT_ID (the client code, which the
 * login's reply has as user_id). For the login by SMS also PASSWORD, and USERNAME where one logs in
 * by another name than the client code; for the login by an authenticator TOTP_SECRET, or nothing
 * when the person types the digits. There is no API secret and no redirect. Order calls must come
 * from the static IP registered in the web terminal (EGRESS_ADDRESS). 07:00 to 08:30 IST is
 * maintenance: log in after it.
 *
 * Every call carries "X-Mirae-Version: 1"; after the login also "Authorization: token
 * <api key>:<access token>". The key is base64-like: raw in headers, percent-encoded in forms.
 *
 * A scrip's key is "NSE:INFY-EQ" (exchange and trading symbol exactly as the master has them: what
 * orders and quotes take), its token "NSE:1594" (instrument tokens are unique in an exchange only).
 *
 * What is not sure, and how it is met here (sections of the sheet):
 * §2   the literal `checksum` is L in most sources, W in the SDK's examples: L. The TOTP step is
 *      called alone, as some clients do. A profile does not exist: the funds tell whether the
 *      session is good, and only the login whose it is.
 * §3   values of instrument_type, what `name` is of a derivative, and series behind NSE and groups
 *      behind BSE symbols: all spellings are read; rows of CDS and MCX are left out, they may not
 * be traded by API. §4.1 an envelope may be the one element of a list. §4.2 whether a
 * modification's quantity is the total or the remainder: a partly filled order is not modified
 * (-ENOTSUP). §5   /order/details is a GET or a POST: one order is looked up in the book instead.
 * §5   the statuses have no official list: an unknown word is PENDING. An unknown product is shown
 *      as one that is never sent to that exchange, with the word in the message.
 * §6   holdings have the company's name for a symbol and no exchange: they are found by ISIN or
 *      token. `tag` is not reliably echoed: no BROKER_ECHOES_TAG.
 * §9   MiraeException is anything: a refusal where the text is known, else nobody knows. Whether a
 *      429 was processed is not documented: unknown for orders.
 * §14.10 derivative rows may come with exchange NSE or BSE: looked up in NFO and BFO too. */
#include "broker/mstock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

#define FORM_ROOM   1024 /* a form in one piece, so that no half of it stays in freed memory */
#define HEADER_ROOM 2048
#define MINUTE_US   INT64_C(60000000)

#define ALL_TYPES                                                                   \
        (1U << ORDER_TYPE_MARKET | 1U << ORDER_TYPE_LIMIT | 1U << ORDER_TYPE_STOP | \
         1U << ORDER_TYPE_STOP_LIMIT)
#define SHARE_PRODUCTS      (1U << PRODUCT_CNC | 1U << PRODUCT_INTRADAY | 1U << PRODUCT_MTF)
#define DERIVATIVE_PRODUCTS (1U << PRODUCT_INTRADAY | 1U << PRODUCT_MARGIN)
#define ALL_VALIDITIES      (1U << VALIDITY_DAY | 1U << VALIDITY_IOC)

static const struct broker_capability capabilities[] = {
        {EXCHANGE_NSE, ALL_TYPES, SHARE_PRODUCTS, ALL_VALIDITIES, true},
        {EXCHANGE_BSE, ALL_TYPES, SHARE_PRODUCTS, ALL_VALIDITIES, true},
        {EXCHANGE_NFO, ALL_TYPES, DERIVATIVE_PRODUCTS, ALL_VALIDITIES, false},
        {EXCHANGE_BFO, ALL_TYPES, DERIVATIVE_PRODUCTS, ALL_VALIDITIES, false},
};

/* §10. The published 30 a second are older than the regulator's ceiling of 10 at an exchange. */
static const struct broker_rate rates[] = {
        {BROKER_TRAFFIC_EACH, 10, MINUTE_US / 60},   {BROKER_TRAFFIC_ORDERS, 30, MINUTE_US / 60},
        {BROKER_TRAFFIC_ORDERS, 250, MINUTE_US},     {BROKER_TRAFFIC_ORDERS, 1000, 60 * MINUTE_US},
        {BROKER_TRAFFIC_QUOTES, 20, MINUTE_US / 60},
};

static const struct broker_login_way logins[] = {
        {.method = BROKER_LOGIN_OTP, .first_step = MSTOCK_STEP_PASSWORD},
        {.method = BROKER_LOGIN_TOTP, .first_step = MSTOCK_STEP_TOTP},
};

const struct word mstock_sides[] = {{SIDE_BUY, "BUY"}, {SIDE_SELL, "SELL"}, {}};
const struct word mstock_types[] = {
        {ORDER_TYPE_MARKET, "MARKET"},
        {ORDER_TYPE_LIMIT, "LIMIT"},
        {ORDER_TYPE_STOP, "SL-M"},
        {ORDER_TYPE_STOP_LIMIT, "SL"},
        {},
};
/* The first of each is written; the others are only read (§5, §4.1 for MFT). */
const struct word mstock_products[] = {
        {PRODUCT_CNC, "CNC"},
        {PRODUCT_INTRADAY, "MIS"},
        {PRODUCT_MARGIN, "NRML"},
        {PRODUCT_MTF, "MTF"},
        {PRODUCT_CNC, "DELIVERY"},
        {PRODUCT_INTRADAY, "INTRADAY"},
        {PRODUCT_MARGIN, "MARGIN"},
        {PRODUCT_MTF, "MFT"},
        {PRODUCT_MARGIN, "CARRYFORWARD"},
        {},
};
const struct word mstock_validities[] = {{VALIDITY_DAY, "DAY"}, {VALIDITY_IOC, "IOC"}, {}};

/* --- requests --- */

int mstock_form(struct http_request *r, const char *method)
{
        r->method = method;
        int e = text_reserve(&r->body, FORM_ROOM);
        return e < 0 ? e
                     : http_request_header(r, "Content-Type", "application/x-www-form-urlencoded");
}

void mstock_put(struct text *form, const char *key, const char *value)
{
        if (form->len > 0)
                text_add_char(form, '&');
        text_add(form, key);
        text_add_char(form, '=');
        text_add_urlencoded(form, value);
}

void mstock_put_int(struct text *form, const char *key, int64_t value)
{
        if (form->len > 0)
                text_add_char(form, '&');
        text_add(form, key);
        text_add_char(form, '=');
        text_add_int(form, value);
}

void mstock_put_decimal(struct text *form, const char *key, int64_t value)
{
        char buf[DECIMAL_TEXT_SIZE];

        mstock_put(form, key, decimal_print_short(value, buf));
}

static int authorize(const struct broker_call *c, struct http_request *r)
{
        struct text value = TEXT_NULL;

        if (!c->token)
                return -EINVAL;
        int e = text_reserve(&value, HEADER_ROOM);
        text_add(&value, "token ");
        text_add(&value, secret_bytes(c->account->access.api_key));
        text_add_char(&value, ':');
        text_add(&value, secret_bytes(c->token));
        if (e == 0 && !(e = value.failed))
                e = http_request_header(r, "Authorization", text_str(&value));
        if (value.data)
                secret_wipe(value.data, value.size);
        text_done(&value);
        return e;
}

static mstock_request_fn *const requests[_BROKER_OP_MAX] = {
        [BROKER_PLACE] = mstock_request_place,    [BROKER_MODIFY] = mstock_request_modify,
        [BROKER_CANCEL] = mstock_request_cancel,  [BROKER_BOOK] = mstock_request_list,
        [BROKER_ORDER] = mstock_request_list,     [BROKER_TRADES] = mstock_request_list,
        [BROKER_FUNDS] = mstock_request_list,     [BROKER_HOLDINGS] = mstock_request_list,
        [BROKER_POSITIONS] = mstock_request_list, [BROKER_PROFILE] = mstock_request_list,
        [BROKER_QUOTES] = mstock_request_quotes,  [BROKER_MARGIN] = mstock_request_margin,
        [BROKER_MASTER] = mstock_request_master,  [BROKER_LOGIN] = mstock_request_login,
        [BROKER_LOGOUT] = mstock_request_logout,
};

static int mstock_request(const struct broker_call *c, struct http_request *ret)
{
        if (c->op >= _BROKER_OP_MAX || !c->account || !c->account->access.api_key)
                return -EINVAL;
        ret->method = "GET";
        ret->writes = broker_op_writes(c->op);
        int r = http_request_header(ret, "X-Mirae-Version", "1");
        if (r == 0 && c->op != BROKER_LOGIN)
                r = authorize(c, ret);
        if (r == 0)
                r = requests[c->op](c, ret);
        if (r == 0 && (ret->url.failed || ret->body.failed))
                r = ret->url.failed ? ret->url.failed : ret->body.failed;
        return r;
}

/* --- replies --- */

struct json_object *mstock_member(struct json_object *o, const char *key)
{
        struct json_object *value = NULL;

        if (!json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, key, &value) || !value)
                return NULL;
        if (json_object_is_type(value, json_type_string) &&
            strcmp(json_object_get_string(value), "None") == 0)
                return NULL;
        return value;
}

const char *mstock_text(struct json_object *o, const char *key)
{
        struct json_object *value = mstock_member(o, key);

        return json_object_is_type(value, json_type_string) ||
                               json_object_is_type(value, json_type_int)
                       ? json_object_get_string(value)
                       : "";
}

bool mstock_yes(struct json_object *o, const char *key)
{
        struct json_object *value = mstock_member(o, key);

        if (json_object_is_type(value, json_type_boolean))
                return json_object_get_boolean(value);
        const char *text = mstock_text(o, key);
        return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

int64_t mstock_time(const char *s)
{
        static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M:%S",
                                              "%d-%m-%Y %I:%M:%S %p"};
        int64_t us;

        for (size_t i = 0; i < ELEMENTS(formats); i++)
                if (reading_time(s, formats[i], &us) == 0)
                        return us > 0 ? us : 0;
        return 0;
}

/* Words of a message that make it a definite no, whatever its error_type (§9). The numbers are the
 * exchange's. */
static const struct word refusal_texts[] = {
        {PROBLEM_BROKER_SETUP, "IP Address are not matching"},
        {PROBLEM_BROKER_SETUP, "valid api version"},
        {PROBLEM_BROKER_SETUP, "API is suspended"},
        {PROBLEM_INSUFFICIENT_FUNDS, "RMS:FUND LIMIT INSUFFICIENT"},
        {PROBLEM_PRICE_BAND, "EXCH:16308:"},
        {PROBLEM_PRICE_BAND, "EXCH:16284:"},
        {PROBLEM_TICK_SIZE, "EXCH:16283:"},
        {PROBLEM_LOT_SIZE, "EXCH:16328:"},
        {PROBLEM_MARKET_CLOSED, "EXCH:16278:"},
        {PROBLEM_MARKET_CLOSED, "EXCH:16000:"},
        {PROBLEM_BROKER_REJECTED, "RMS:"},
        {PROBLEM_BROKER_REJECTED, "EXCH:"},
        {},
};

static int problem_of_text(const char *message)
{
        for (const struct word *w = refusal_texts; w->text; w++)
                if (strcasestr(message, w->text))
                        return w->value;
        return -ENOENT;
}

static void unknown_with(struct broker_result *r, const char *type, const char *message)
{
        reading_unknown(r, *message ? message : "The broker answered with an error");
        text_copy(r->broker_code, sizeof(r->broker_code), type);
}

static void refuse_login(struct broker_result *r, const char *type, const char *message)
{
        bool vague = strcmp(type, "GeneralException") == 0 || strcmp(type, "DataException") == 0 ||
                     strcasecmp(message, "something went wrong") == 0;
        int problem = problem_of_text(message);

        if (vague)
                unknown_with(r, type, message);
        else if (problem == PROBLEM_BROKER_SETUP || strcmp(type, "APIKeyException") == 0 ||
                 strcmp(type, "VersionException") == 0)
                reading_rejected(r, PROBLEM_BROKER_SETUP, type, message);
        else
                reading_rejected(r, PROBLEM_LOGIN_REFUSED, type, message);
}

/* An error envelope with a status below 500. */
static void read_error(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        const char *type = mstock_text(o, "error_type"), *message = mstock_text(o, "message");
        int problem = problem_of_text(message);

        if (*mstock_text(mstock_member(o, "data"), "order_id")) {
                unknown_with(r, type, "The broker answered with an error and an order id");
        } else if (c->op == BROKER_LOGIN) {
                refuse_login(r, type, message);
        } else if (strcmp(type, "GeneralException") == 0 || strcmp(type, "DataException") == 0) {
                unknown_with(r, type, message);
        } else if (strcmp(type, "APIKeyException") == 0 || strcmp(type, "VersionException") == 0 ||
                   problem == PROBLEM_BROKER_SETUP) {
                reading_rejected(r, PROBLEM_BROKER_SETUP, type, message);
        } else if (strcmp(type, "TokenException") == 0) {
                reading_rejected(r, PROBLEM_SESSION_REQUIRED, type, message);
                r->session_ended = true;
        } else if (problem >= 0) {
                reading_rejected(r, (enum problem)problem, type, message);
        } else if (strcmp(type, "InputException") == 0) {
                reading_rejected(r, PROBLEM_BROKER_REJECTED, type, message);
        } else {
                unknown_with(r, type, message);
        }
}

static mstock_reply_fn *const replies[_BROKER_OP_MAX] = {
        [BROKER_PLACE] = mstock_reply_order_id,      [BROKER_MODIFY] = mstock_reply_order_id,
        [BROKER_CANCEL] = mstock_reply_order_id,     [BROKER_BOOK] = mstock_reply_book,
        [BROKER_ORDER] = mstock_reply_order,         [BROKER_TRADES] = mstock_reply_trades,
        [BROKER_FUNDS] = mstock_reply_funds,         [BROKER_HOLDINGS] = mstock_reply_holdings,
        [BROKER_POSITIONS] = mstock_reply_positions, [BROKER_PROFILE] = mstock_reply_profile,
        [BROKER_QUOTES] = mstock_reply_quotes,       [BROKER_MARGIN] = mstock_reply_margin,
        [BROKER_LOGIN] = mstock_reply_login,         [BROKER_LOGOUT] = mstock_reply_logout,
};

static int read_success(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        if (!replies[c->op]) {
                reading_unknown(r, "The answer is not a file of instruments");
                return 0;
        }
        int e = replies[c->op](c, mstock_member(o, "data"), r);
        if (e > 0) {
                broker_result_done(r);
                *r = (struct broker_result){};
                reading_unknown(r, "The answer could not be read");
        } else if (e == 0 && r->outcome == OUTCOME_NONE) {
                r->outcome = OUTCOME_ACCEPTED;
        }
        return e < 0 ? e : 0;
}

/* The one element of a list is the envelope (§4.1). */
static struct json_object *envelope(struct json_object *root)
{
        if (json_object_is_type(root, json_type_array) && json_object_array_length(root) == 1)
                root = json_object_array_get_idx(root, 0);
        return json_object_is_type(root, json_type_object) ? root : NULL;
}

static void read_too_many(const struct broker_call *c, struct broker_result *r)
{
        bool order = c->op == BROKER_PLACE || c->op == BROKER_MODIFY || c->op == BROKER_CANCEL;

        if (order) {
                reading_unknown(r, "The broker answers: too many requests");
                return;
        }
        reading_rejected(r, PROBLEM_RATE_LIMITED, "429", "The broker answers: too many requests");
        r->rate_limited = true;
}

/* A status that proves nothing; what the broker wrote with it may help whoever looks. */
static int doubt(const struct http_reply *reply, struct broker_result *r)
{
        _cleanup_(json_freep) struct json_object *root = NULL;
        struct broker_result none = {};

        reading_unknown(r, "The broker answered with an unexpected status");
        int e = reading_json(reply, &root, &none);
        if (e != 0)
                return e < 0 ? e : 0;
        struct json_object *o = envelope(root);
        const char *message = mstock_text(o, "message");
        if (strcasecmp(mstock_text(o, "status"), "error") == 0 && *message)
                unknown_with(r, mstock_text(o, "error_type"), message);
        return 0;
}

static int mstock_reply(const struct broker_call *c, const struct http_reply *reply,
                        struct broker_result *ret)
{
        _cleanup_(json_freep) struct json_object *root = NULL;

        if (reply->status == 429) {
                read_too_many(c, ret);
                return 0;
        }
        bool refused = reply->status >= 400 && reply->status < 500;
        if (!refused && reply->status != 200 && reply->status != 201)
                return doubt(reply, ret);
        int e = reading_json(reply, &root, ret);
        if (e != 0)
                return e < 0 ? e : 0;
        struct json_object *o = envelope(root);
        const char *status = mstock_text(o, "status");
        if (strcasecmp(status, "error") == 0)
                read_error(c, o, ret);
        else if (!refused && strcasecmp(status, "success") == 0)
                return read_success(c, o, ret);
        else
                reading_unknown(ret, "The answer is neither a success nor an error");
        return 0;
}

const struct broker broker_mstock = {
        .slug = "mstock",
        .title = "m.Stock",
        .flags = BROKER_CAN_MODIFY,
        .logins = logins,
        .n_logins = ELEMENTS(logins),
        .session_ends = 0,
        .default_base_url = "https://api.mstock.trade/openapi/typea",
        .default_master_url = "https://api.mstock.trade/openapi/typea",
        .master = &mstock_master,
        .quotes_max = 50, /* a limit was not found (§7) */
        .rates = rates,
        .n_rates = ELEMENTS(rates),
        .tag_max = TAG_SIZE - 1,
        .capabilities = capabilities,
        .n_capabilities = ELEMENTS(capabilities),
        .request = mstock_request,
        .reply = mstock_reply,
};
