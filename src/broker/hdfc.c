/* HDFC Securities InvestRight (developer.hdfcsec.com; not HDFC Sky), by its documentation as read
 * on 2026-11-23. Paragraphs are those of the fact sheet that was made then.
 *
 * To configure: API_KEY and API_SECRET of the app, CLIENT_ID (the profile's user_id). The usual
 * login is the browser's: the app's registered callback address brings the request token back, and
 * nothing else is needed. For the login with a one-time password also USERNAME and PASSWORD. The
 * app must have the machine's static IP registered (§11). BASE_URL is without "/oapi",
 * MASTER_URL the directory that holds "security-master".
 *
 * A scrip's key is "NSE:EXMPLEEQNR" or "NFO:45012": our exchange and the broker's security_id,
 * which is the same for a share on both exchanges. Its token is "NSE:3045", "NFO:45012" or
 * "NSE_INDEX:26000": the exchange's token, which repeats from segment to segment. Its detail is
 * "OPTIDX NIFTYEQEQNR" for contracts: instrument_segment and underlying_symbol of an order.
 *
 * Unsure, and how it is read:
 * §2   consent is sent as True, and left out when the one-time password's answer says authorised;
 *      wrapped and bare replies are both read; the token's `exp` ends the session.
 * §3   what symbol_name of a contract looks like: the name before the date is taken. MCX and
 *      currency: the order pages do not list them, so their rows are left out.
 * §4.1 the reference travels as text; expiry is YYYYMMDD, option_type CE or PE. The shape of a
 *      failure is not published: see hdfc_errors.c.
 * §4.2 whether quantity is the total or the rest: an order that is partly filled is not modified.
 * §5   whether the reference comes back: no ECHOES_TAG, but digits that come back are read as one.
 *      Words that are not listed leave an order open, until its quantities say that it is over.
 *      A product that is not listed is shown as one that is never sent there.
 * §5   "data": null beside a success is an empty list.
 * §6   the profile is read with GET; positions are cumulative-positions; no prices in either.
 * §7   at most 10 instruments a call; a contract's price is left out when its previous close shows
 *      that it is another instrument's with the same token.
 * §9   429, 5xx, pages and the codes of doubt leave an order's outcome unknown; 403 on an order is
 *      the app's setup, on a read the session's end.
 * §10  no published limits: 5 calls in a second, orders included, and 150 ms between quotes. */
#include "broker/hdfc.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "broker/reading.h"

/* §1: requests without one are refused. */
#define USER_AGENT "Mozilla/5.0 (compatible; Ordo)"

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

static const struct broker_rate rates[] = {
        {BROKER_TRAFFIC_ORDERS, 5, 1000000},
        {BROKER_TRAFFIC_QUOTES, 1, 150000},
        {BROKER_TRAFFIC_ALL, 5, 1000000},
};

static const char *const code_keys[] = {"request_token", "requestToken", NULL};

/* §13. The first row of a value is what is written. */
const struct word hdfc_sides[] = {{SIDE_BUY, "BUY"}, {SIDE_SELL, "SELL"}, {}};
const struct word hdfc_types[] = {
        {ORDER_TYPE_MARKET, "MARKET"}, {ORDER_TYPE_LIMIT, "LIMIT"},     {ORDER_TYPE_STOP, "SL-M"},
        {ORDER_TYPE_STOP_LIMIT, "SL"}, {ORDER_TYPE_STOP_LIMIT, "SL-L"}, {},
};
const struct word hdfc_products[] = {
        {PRODUCT_CNC, "DELIVERY"},     {PRODUCT_INTRADAY, "INTRADAY"},
        {PRODUCT_MARGIN, "OVERNIGHT"}, {PRODUCT_MTF, "MTF"},
        {PRODUCT_CNC, "COLL-SELL"},    {PRODUCT_CNC, "ENCASH"},
        {PRODUCT_INTRADAY, "COVER"},   {},
};
const struct word hdfc_validities[] = {{VALIDITY_DAY, "DAY"}, {VALIDITY_IOC, "IOC"}, {}};

static const struct word success_words[] = {{1, "SUCCESS"}, {}};

bool hdfc_success(struct json_object *o)
{
        const char *status;

        return json_get_string(o, "status", &status) == 0 &&
               word_value_loose(success_words, status) > 0;
}

const char *hdfc_text(struct json_object *o, const char *key)
{
        struct json_object *value = NULL;

        if (!json_object_object_get_ex(o, key, &value) || !value)
                return "";
        switch (json_object_get_type(value)) {
        case json_type_string:
        case json_type_int:
        case json_type_double:
                return json_object_get_string(value);
        default:
                return NULL;
        }
}

bool hdfc_id(struct json_object *o, const char *key, char ret[static BROKER_ORDER_ID_SIZE])
{
        struct json_object *value = NULL;
        const char *text;

        json_object_object_get_ex(o, key, &value);
        /* json-c writes a huge number as the largest it has. */
        if (json_object_is_type(value, json_type_int) &&
            (json_object_get_int64(value) <= 0 || json_object_get_int64(value) >= DECIMAL_MAX))
                return false;
        if (!json_object_is_type(value, json_type_int) &&
            !json_object_is_type(value, json_type_string))
                return false;
        text = json_object_get_string(value);
        return *text && text_copy(ret, BROKER_ORDER_ID_SIZE, text);
}

int hdfc_url(const struct broker_call *c, struct http_request *r, const char *path, const char *id)
{
        const struct secret *key = c->account->access.api_key;

        if (!key)
                return -EINVAL;
        text_add(&r->url, path);
        if (id) {
                text_add_char(&r->url, '/');
                text_add_urlencoded(&r->url, id);
        }
        text_add(&r->url, "?api_key=");
        text_add_urlencoded(&r->url, secret_bytes(key));
        return 0;
}

static int request_op(const struct broker_call *c, struct http_request *r)
{
        switch (c->op) {
        case BROKER_LOGIN:
                return hdfc_request_login(c, r);
        case BROKER_PLACE:
        case BROKER_MODIFY:
        case BROKER_CANCEL:
                return c->token ? hdfc_request_order(c, r) : -EINVAL;
        case BROKER_MASTER:
                if (c->step != 0)
                        return -EINVAL;
                text_add(&r->url, hdfc_master.files[0]);
                return 0;
        case BROKER_LOGOUT:
        case BROKER_MARGIN:
                return -ENOTSUP;
        default:
                return c->token ? hdfc_request_read(c, r) : -EINVAL;
        }
}

static int add_headers(const struct broker_call *c, struct http_request *r)
{
        int e = http_request_header(r, "User-Agent", USER_AGENT);

        if (e == 0 && c->op != BROKER_MASTER)
                e = http_request_header(r, "Accept", "application/json");
        if (e == 0 && r->body.len > 0)
                e = http_request_header(r, "Content-Type", "application/json");
        if (e == 0 && c->token && c->op != BROKER_MASTER && c->op != BROKER_LOGIN)
                e = http_request_header(r, "Authorization", secret_bytes(c->token));
        return e;
}

static int hdfc_request(const struct broker_call *c, struct http_request *ret)
{
        if (!c->account || c->op >= _BROKER_OP_MAX)
                return -EINVAL;
        ret->method = "GET";
        ret->writes = broker_op_writes(c->op);
        int r = request_op(c, ret);
        if (r == 0)
                r = add_headers(c, ret);
        if (r == 0)
                r = ret->url.failed ? ret->url.failed : ret->body.failed;
        return r;
}

static int read_op(const struct broker_call *c, struct json_object *o, struct broker_result *r)
{
        switch (c->op) {
        case BROKER_LOGIN:
                return hdfc_read_login(c, o, r);
        case BROKER_PLACE:
        case BROKER_MODIFY:
        case BROKER_CANCEL:
                return hdfc_read_order(c, o, r);
        default:
                return hdfc_read_list(c, o, r);
        }
}

static int hdfc_reply(const struct broker_call *c, const struct http_reply *reply,
                      struct broker_result *ret)
{
        _cleanup_(json_freep) struct json_object *o = NULL;
        bool empty = reply->body.len == 0;

        int r = empty ? 1 : reading_json(reply, &o, ret);
        if (r < 0)
                return r;
        bool object = r == 0 && json_object_is_type(o, json_type_object);
        int status = hdfc_status(reply->status, object ? o : NULL);
        if (status != 200 || !object || hdfc_is_refusal(o)) {
                hdfc_read_refusal(c, status, object ? o : NULL, empty, ret);
                return 0;
        }
        r = read_op(c, o, ret);
        if (r < 0)
                return r;
        if (r > 0) {
                broker_result_done(ret);
                *ret = (struct broker_result){};
                reading_unknown(ret, "The answer could not be read");
        } else if (ret->outcome == OUTCOME_NONE) {
                ret->outcome = OUTCOME_ACCEPTED;
        }
        return 0;
}

const struct broker broker_hdfc = {
        .slug = "hdfc",
        .title = "HDFC Securities",
        .flags = BROKER_CAN_MODIFY | BROKER_TAG_IS_NUMBER,
        .logins = hdfc_logins,
        .n_logins = ELEMENTS(hdfc_logins),
        .callback = {.code_keys = code_keys},
        .session_ends = 6 * 60,
        .default_base_url = "https://developer.hdfcsec.com",
        .default_master_url = "https://developer.hdfcsec.com/oapi/v1",
        .master = &hdfc_master,
        .quotes_max = 10,
        .rates = rates,
        .n_rates = ELEMENTS(rates),
        .tag_max = TAG_SIZE - 1,
        .capabilities = capabilities,
        .n_capabilities = ELEMENTS(capabilities),
        .request = hdfc_request,
        .reply = hdfc_reply,
};
