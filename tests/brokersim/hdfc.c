#include "brokersim/hdfc.h"

#include <stdio.h>
#include <string.h>

void hdfc_error(struct call *c, int status, const char *message)
{
        struct json_writer w = call_json(c, status);

        json_object_begin(&w, NULL);
        json_put_string(&w, "status", "error");
        json_put_string(&w, "message", message);
        json_object_finish(&w);
}

struct json_writer hdfc_ok(struct call *c)
{
        struct json_writer w = call_json(c, 200);

        json_object_begin(&w, NULL);
        json_put_string(&w, "status", "success");
        return w;
}

const char *hdfc_segment(const struct instrument *i)
{
        bool option = i->segment == SEGMENT_OPTION;

        if (!instrument_derivative(i))
                return "EQUITY";
        if (i->exchange == EXCHANGE_CDS)
                return option ? "OPTCUR" : "FUTCUR";
        if (i->exchange == EXCHANGE_MCX)
                return option ? "OPTFUT" : "FUTCOM";
        return i->on_index ? (option ? "OPTIDX" : "FUTIDX") : (option ? "OPTSTK" : "FUTSTK");
}

const char *hdfc_product(enum product p)
{
        static const char *const words[_PRODUCT_MAX] = {
                [PRODUCT_CNC] = "DELIVERY",
                [PRODUCT_INTRADAY] = "INTRADAY",
                [PRODUCT_MARGIN] = "OVERNIGHT",
                [PRODUCT_MTF] = "MTF",
        };
        return words[p];
}

const char *hdfc_type(enum order_type t)
{
        static const char *const words[_ORDER_TYPE_MAX] = {
                [ORDER_TYPE_MARKET] = "MARKET",
                [ORDER_TYPE_LIMIT] = "LIMIT",
                [ORDER_TYPE_STOP] = "SL-M",
                [ORDER_TYPE_STOP_LIMIT] = "SL",
        };
        return words[t];
}

const char *hdfc_underlying(const struct market *m, const struct instrument *i)
{
        static const struct {
                const char *underlying, *index;
        } indices[] = {
                {"NIFTY", "NSE|NIFTYEQEQNR"},
                {"BANKNIFTY", "NSE|BANKNIFTYEQEQNR"},
                {"SENSEX", "BSE|SENSEXEQEQNR"},
        };
        char symbol[SYMBOL_SIZE];

        if (!instrument_derivative(i))
                return "";
        for (size_t k = 0; k < ELEMENTS(indices); k++) {
                const struct listing *l = market_by_hdfc(m, indices[k].index);
                if (l && strcmp(i->underlying, indices[k].underlying) == 0)
                        return behind(l->hdfc, '|');
        }
        snprintf(symbol, sizeof(symbol), "%s:%s", parent_exchange(i->exchange), i->underlying);
        const struct listing *share = market_by_symbol(m, symbol);
        return share ? behind(share->hdfc, '|') : i->underlying;
}

/* --- who asks -----------------------------------------------------------------------------------
 */

static bool admit(struct call *c)
{
        char key[USER_FIELD_SIZE], token[GRANT_SIZE];
        struct bytes h = c->headers[HEADER_AUTHORIZATION];
        struct grant *g = NULL;

        if (c->headers[HEADER_USER_AGENT].n == 0) {
                call_answer(c, 403, "text/html");
                text_add(&c->out, "<html><head><title>403 Forbidden</title></head></html>\n");
                return false;
        }
        if (!call_query(c, "api_key", key, sizeof(key)) ||
            !user_by_key(&c->sim->accounts, BROKER_HDFC, key)) {
                hdfc_error(c, 401, "Invalid api_key");
                return false;
        }
        if (text_copy_bytes(token, sizeof(token), h.s ? h.s : "", h.n))
                g = grant_find(&c->sim->accounts, BROKER_HDFC, GRANT_ACCESS, token);
        if (!g || strcmp(g->user->api_key, key) != 0) {
                hdfc_error(c, 401, "Invalid or expired access token");
                return false;
        }
        c->grant = g;
        c->user = g->user;
        return true;
}

static void expired(struct call *c)
{
        hdfc_error(c, 401, "Invalid or expired access token");
}

/* The one code that says so (§9). */
static void perhaps(struct call *c)
{
        hdfc_error(c, 200, "20104 Result of transaction unknown");
}

static const struct route routes[] = {
        {"GET", "/oapi/v1/login", OPERATION_LOGIN, true, hdfc_login},
        {"POST", "/oapi/v1/login", OPERATION_LOGIN, true, hdfc_login_done},
        {"POST", "/oapi/v1/login/validate", OPERATION_LOGIN, true, hdfc_login_validate},
        {"POST", "/oapi/v1/twofa/validate", OPERATION_LOGIN, true, hdfc_twofa_validate},
        {"GET", "/oapi/v1/twofa/resend", OPERATION_LOGIN, true, hdfc_twofa_resend},
        {"GET", "/oapi/v1/authorise", OPERATION_LOGIN, true, hdfc_authorise},
        {"POST", "/oapi/v1/access-token", OPERATION_LOGIN, true, hdfc_access_token},
        {"POST", "/oapi/v1/orders/regular", OPERATION_PLACE, false, hdfc_place},
        {"PUT", "/oapi/v1/orders/regular/*", OPERATION_MODIFY, false, hdfc_modify},
        {"DELETE", "/oapi/v1/orders/regular/*", OPERATION_CANCEL, false, hdfc_cancel},
        {"GET", "/oapi/v1/orders", OPERATION_BOOK, false, hdfc_orders},
        {"GET", "/oapi/v1/orders/*", OPERATION_ORDER, false, hdfc_order},
        {"GET", "/oapi/v1/orders/*/trades", OPERATION_TRADES, false, hdfc_order_trades},
        {"GET", "/oapi/v1/trades", OPERATION_TRADES, false, hdfc_trades},
        {"GET", "/oapi/v1/user/margins", OPERATION_FUNDS, false, hdfc_margins},
        {"GET", "/oapi/v1/portfolio/holdings", OPERATION_HOLDINGS, false, hdfc_holdings},
        {"GET", "/oapi/v1/portfolio/cumulative-positions", OPERATION_POSITIONS, false,
         hdfc_positions},
        {"GET", "/oapi/v3/user/profile", OPERATION_PROFILE, false, hdfc_profile},
        {"PUT", "/oapi/v1/fetch-ltp", OPERATION_QUOTES, false, hdfc_ltp},
        {"GET", "/oapi/v1/security-master", OPERATION_MASTER, true, hdfc_master},
        {"GET", "/master/security-master", OPERATION_MASTER, true, hdfc_master},
};

const struct wire wire_hdfc = {
        .broker = BROKER_HDFC,
        .prefix = "/hdfc",
        .routes = routes,
        .n_routes = ELEMENTS(routes),
        .admit = admit,
        .expired = expired,
        .perhaps = perhaps,
        .fail = hdfc_error,
};
