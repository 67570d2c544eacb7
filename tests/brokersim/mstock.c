#include "brokersim/mstock.h"

#include <string.h>

void mstock_error(struct call *c, int status, const char *type, const char *message)
{
        struct json_writer w = call_json(c, status);

        json_object_begin(&w, NULL);
        json_put_string(&w, "status", "error");
        json_put_string(&w, "message", message);
        json_put_string(&w, "error_type", type);
        json_put_null(&w, "data");
        json_object_finish(&w);
}

struct json_writer mstock_ok(struct call *c)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_put_string(&w, "status", "success");
        return w;
}

const char *mstock_product(enum product p)
{
        static const char *const words[_PRODUCT_MAX] = {
                [PRODUCT_CNC] = "CNC",
                [PRODUCT_INTRADAY] = "MIS",
                [PRODUCT_MARGIN] = "NRML",
                [PRODUCT_MTF] = "MTF",
        };
        return words[p];
}

const char *mstock_type(enum order_type t)
{
        static const char *const words[_ORDER_TYPE_MAX] = {
                [ORDER_TYPE_MARKET] = "MARKET",
                [ORDER_TYPE_LIMIT] = "LIMIT",
                [ORDER_TYPE_STOP] = "SL-M",
                [ORDER_TYPE_STOP_LIMIT] = "SL",
        };
        return words[t];
}

/* --- who asks -----------------------------------------------------------------------------------
 */

static bool version_is_there(struct call *c)
{
        struct bytes v = c->headers[HEADER_MIRAE_VERSION];

        if (v.n == 1 && v.s[0] == '1')
                return true;
        mstock_error(c, 400, "VersionException", "Please provide valid api version.");
        return false;
}

static bool admit(struct call *c)
{
        static const char scheme[] = "token ";
        char header[USER_FIELD_SIZE + GRANT_SIZE], *colon = NULL;
        struct bytes h = c->headers[HEADER_AUTHORIZATION];
        size_t n = sizeof(scheme) - 1;
        struct grant *g = NULL;

        if (!version_is_there(c))
                return false;
        if (h.n > n && memcmp(h.s, scheme, n) == 0 &&
            text_copy_bytes(header, sizeof(header), h.s + n, h.n - n))
                colon = strchr(header, ':');
        if (colon) {
                *colon = '\0';
                g = grant_find(&c->sim->accounts, BROKER_MSTOCK, GRANT_ACCESS, colon + 1);
        }
        if (!g || strcmp(g->user->api_key, header) != 0) {
                mstock_error(c, 401, "TokenException", "Invalid request. Please try again.");
                return false;
        }
        c->grant = g;
        c->user = g->user;
        return true;
}

static void expired(struct call *c)
{
        mstock_error(c, 401, "TokenException", "Invalid request. Please try again.");
}

static void fail(struct call *c, int status, const char *message)
{
        mstock_error(c, status,
                     status == 502   ? "DataException"
                     : status >= 500 ? "GeneralException"
                                     : "InputException",
                     message);
}

/* Logins too say which version they speak (§1). */
#define VERSIONED(name)                              \
        static void name##_versioned(struct call *c) \
        {                                            \
                if (version_is_there(c))             \
                        name(c);                     \
        }
VERSIONED(mstock_login)
VERSIONED(mstock_session_token)
VERSIONED(mstock_verify_totp)

/* Anything of the back end (§9). */
static void perhaps(struct call *c)
{
        mstock_error(c, 200, "MiraeException", "something went wrong");
}

#define BASE "/openapi/typea"

static const struct route routes[] = {
        {"POST", BASE "/connect/login", OPERATION_LOGIN, true, mstock_login_versioned},
        {"POST", BASE "/session/token", OPERATION_LOGIN, true, mstock_session_token_versioned},
        {"POST", BASE "/session/verifytotp", OPERATION_LOGIN, true, mstock_verify_totp_versioned},
        {"GET", BASE "/logout", OPERATION_LOGOUT, false, mstock_logout},
        {"POST", BASE "/orders/cancelall", OPERATION_CANCEL, false, mstock_cancel_all},
        {"POST", BASE "/orders/*", OPERATION_PLACE, false, mstock_place},
        {"PUT", BASE "/orders/regular/*", OPERATION_MODIFY, false, mstock_modify},
        {"DELETE", BASE "/orders/regular/*", OPERATION_CANCEL, false, mstock_cancel},
        {"GET", BASE "/orders", OPERATION_BOOK, false, mstock_orders},
        {"GET", BASE "/order/details", OPERATION_ORDER, false, mstock_order},
        {"POST", BASE "/order/details", OPERATION_ORDER, false, mstock_order},
        {"GET", BASE "/tradebook", OPERATION_TRADES, false, mstock_tradebook},
        {"GET", BASE "/trades", OPERATION_TRADES, false, mstock_trades},
        {"POST", BASE "/trades", OPERATION_TRADES, false, mstock_trades},
        {"GET", BASE "/user/fundsummary", OPERATION_FUNDS, false, mstock_funds},
        {"GET", BASE "/portfolio/holdings", OPERATION_HOLDINGS, false, mstock_holdings},
        {"GET", BASE "/portfolio/positions", OPERATION_POSITIONS, false, mstock_positions},
        {"GET", BASE "/instruments/quote/ltp", OPERATION_QUOTES, false, mstock_ltp},
        {"GET", BASE "/instruments/quote/ohlc", OPERATION_QUOTES, false, mstock_ohlc},
        {"POST", BASE "/margins/orders", OPERATION_MARGIN, false, mstock_margins},
        {"GET", BASE "/instruments/scriptmaster", OPERATION_MASTER, false, mstock_master},
        {"GET", "/master/scriptmaster", OPERATION_MASTER, false, mstock_master},
};

const struct wire wire_mstock = {
        .broker = BROKER_MSTOCK,
        .prefix = "/mstock",
        .packs = true, /* §1 */
        .routes = routes,
        .n_routes = ELEMENTS(routes),
        .admit = admit,
        .expired = expired,
        .perhaps = perhaps,
        .fail = fail,
};
