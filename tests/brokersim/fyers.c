#include "brokersim/fyers.h"

#include <string.h>

#include "base/clock.h"

void fyers_error(struct call *c, int status, int code, const char *message)
{
        struct json_writer w = call_json(c, status);

        json_object_begin(&w, NULL);
        json_put_string(&w, "s", "error");
        json_put_int(&w, "code", code);
        json_put_string(&w, "message", message);
        json_object_finish(&w);
}

struct json_writer fyers_ok(struct call *c, int code, const char *message)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_put_string(&w, "s", "ok");
        json_put_int(&w, "code", code);
        json_put_string(&w, "message", message);
        return w;
}

int64_t fyers_unit(const struct listing *l)
{
        return l->i->exchange == EXCHANGE_CDS || l->i->exchange == EXCHANGE_MCX ? l->i->lot : 1;
}

void fyers_codes(const struct listing *l, int *ret_exchange, int *ret_segment)
{
        static const int codes[_EXCHANGE_MAX][2] = {
                [EXCHANGE_NSE] = {10, 10}, [EXCHANGE_BSE] = {12, 10}, [EXCHANGE_NFO] = {10, 11},
                [EXCHANGE_BFO] = {12, 11}, [EXCHANGE_CDS] = {10, 12}, [EXCHANGE_MCX] = {11, 20},
        };
        *ret_exchange = codes[l->i->exchange][0];
        *ret_segment = codes[l->i->exchange][1];
}

const char *fyers_product(enum product p)
{
        return product_name(p); /* CNC, INTRADAY, MARGIN, MTF: the same words */
}

int fyers_type(enum order_type t)
{
        return t == ORDER_TYPE_LIMIT    ? 1
               : t == ORDER_TYPE_MARKET ? 2
               : t == ORDER_TYPE_STOP   ? 3
                                        : 4;
}

/* --- who asks -----------------------------------------------------------------------------------
 */

static bool admit(struct call *c)
{
        char header[USER_FIELD_SIZE + GRANT_SIZE], *colon;
        struct bytes h = c->headers[HEADER_AUTHORIZATION];
        struct grant *g = NULL;

        if (h.n == 0) {
                fyers_error(c, 401, -16, "Could not authenticate the user");
                return false;
        }
        if (text_copy_bytes(header, sizeof(header), h.s, h.n) && (colon = strchr(header, ':'))) {
                *colon = '\0';
                g = grant_find(&c->sim->accounts, BROKER_FYERS, GRANT_ACCESS, colon + 1);
        }
        if (!g || strcmp(g->user->api_key, header) != 0) {
                fyers_error(c, 401, -15, "Please provide valid token");
                return false;
        }
        c->grant = g;
        c->user = g->user;
        return true;
}

static void expired(struct call *c)
{
        fyers_error(c, 401, -8, "Your token has expired");
}

static void fail(struct call *c, int status, const char *message)
{
        fyers_error(c, status, status == 429 ? -429 : status >= 500 ? -96 : -50, message);
}

/* "sent on but no acknowledgement arrived" (§4.1). */
static void perhaps(struct call *c)
{
        struct json_writer w = fyers_ok(c, 201, "No acknowledgement from the exchange yet");

        if (c->placed[0])
                json_put_string(&w, "id", c->placed);
        json_object_finish(&w);
}

static const struct route routes[] = {
        {"GET", "/api/v3/generate-authcode", OPERATION_LOGIN, true, fyers_login_page},
        {"POST", "/api/v3/generate-authcode", OPERATION_LOGIN, true, fyers_login_done},
        {"POST", "/api/v3/validate-authcode", OPERATION_LOGIN, true, fyers_exchange},
        {"POST", "/api/v3/validate-refresh-token", OPERATION_LOGIN, true, fyers_refresh},
        {"POST", "/api/v3/logout", OPERATION_LOGOUT, false, fyers_logout},
        {"POST", "/api/v3/orders/sync", OPERATION_PLACE, false, fyers_place},
        {"PATCH", "/api/v3/orders/sync", OPERATION_MODIFY, false, fyers_modify},
        {"DELETE", "/api/v3/orders/sync", OPERATION_CANCEL, false, fyers_cancel},
        {"DELETE", "/api/v3/orders/*/sync", OPERATION_CANCEL, false, fyers_cancel},
        {"GET", "/api/v3/orders", OPERATION_BOOK, false, fyers_orders},
        {"GET", "/api/v3/tradebook", OPERATION_TRADES, false, fyers_trades},
        {"GET", "/api/v3/profile", OPERATION_PROFILE, false, fyers_profile},
        {"GET", "/api/v3/funds", OPERATION_FUNDS, false, fyers_funds},
        {"GET", "/api/v3/holdings", OPERATION_HOLDINGS, false, fyers_holdings},
        {"GET", "/api/v3/positions", OPERATION_POSITIONS, false, fyers_positions},
        {"POST", "/api/v3/multiorder/margin", OPERATION_MARGIN, false, fyers_margin},
        {"GET", "/data/quotes", OPERATION_QUOTES, false, fyers_quotes},
        {"GET", "/data/marketStatus", OPERATION_OTHER, false, fyers_market_status},
        {"GET", "/sym_details/*", OPERATION_MASTER, true, fyers_master},
        {"GET", "/master/*", OPERATION_MASTER, true, fyers_master},
};

const struct wire wire_fyers = {
        .broker = BROKER_FYERS,
        .prefix = "/fyers",
        .routes = routes,
        .n_routes = ELEMENTS(routes),
        .admit = admit,
        .expired = expired,
        .perhaps = perhaps,
        .fail = fail,
};
