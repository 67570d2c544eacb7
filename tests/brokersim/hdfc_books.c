#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "brokersim/hdfc.h"

#define LTP_MAX 10 /* of one call: the sister gateway's limit (§7) */

static const char *status_of(const struct entry *e)
{
        static const char *const words[_ORDER_STATUS_MAX] = {
                [ORDER_STATUS_PENDING] = "Transit",
                [ORDER_STATUS_OPEN] = "Pending",
                [ORDER_STATUS_PARTIALLY_FILLED] = "Partially Traded",
                [ORDER_STATUS_TRIGGER_PENDING] = "SL Trigger Pending",
                [ORDER_STATUS_FILLED] = "Traded",
                [ORDER_STATUS_CANCELLED] = "CANCELLED",
                [ORDER_STATUS_REJECTED] = "Rejected",
                [ORDER_STATUS_EXPIRED] = "Expired",
        };
        return words[e->status];
}

static void put_time(struct json_writer *w, const char *key, int64_t wall_us)
{
        char buf[32];

        json_put_string(w, key, print_ist(wall_us, "d/M/Y H:m:S", buf, sizeof(buf)));
}

/* The caller's number, or one of the broker's own, as in its samples (§5). */
static void put_reference(struct json_writer *w, const struct entry *e)
{
        char own[ENTRY_ID_SIZE + 8];

        snprintf(own, sizeof(own), "STAPI%s", e->id + 4);
        json_put_string(w, "external_reference_number",
                        e->user->echo_tags && e->t.tag[0] ? e->t.tag : own);
}

static void put_contract(struct json_writer *w, const struct call *c, const struct instrument *i,
                         const char *expiry_format)
{
        char expiry[24];

        json_put_string(w, "expiry_date",
                        print_day(i->expiry, expiry_format, expiry, sizeof(expiry)));
        json_put_number(w, "strike_price", i->strike);
        json_put_string(w, "option_type",
                        i->segment != SEGMENT_OPTION ? ""
                        : i->call                    ? "Call"
                                                     : "Put");
        json_put_string(w, "underlying_symbol", hdfc_underlying(&c->sim->market, i));
        json_put_string(w, "instrument_segment", hdfc_segment(i));
        json_put_string(w, "exchange", parent_exchange(i->exchange));
}

static void put_entry(struct json_writer *w, const struct call *c, const struct entry *e)
{
        const struct ticket *t = &e->t;
        const struct instrument *i = t->listing->i;
        const char *name = instrument_derivative(i) ? i->underlying : behind(i->symbol, ':');

        json_object_begin(w, NULL);
        json_put_string(w, "client_id", e->user->client_id);
        json_put_string(w, "order_id", e->id);
        json_put_string(w, "exchange_order_id", e->exchange_id);
        json_put_string(w, "status", status_of(e));
        json_put_string(w, "status_message", e->message);
        json_put_string(w, "status_message_raw", e->message);
        put_time(w, "order_timestamp", e->placed_us);
        put_contract(w, c, i, "d B Y");
        json_put_string(w, "tradingsymbol", name);
        json_put_string(w, "security_id", behind(t->listing->hdfc, '|'));
        json_put_string(w, "company_name", i->name);
        json_put_string(w, "isin", i->isin);
        json_put_string(w, "instrument_type", "");
        json_put_string(w, "instrument_token", "0");
        json_put_string(w, "transaction_type", t->side == SIDE_BUY ? "Buy" : "Sell");
        json_put_string(w, "order_type", hdfc_type(t->type));
        json_put_string(w, "validity", validity_name(t->validity));
        json_put_string(w, "product", hdfc_product(t->product));
        json_put_int(w, "quantity", t->quantity);
        json_put_int(w, "disclosed_quantity", t->disclosed);
        json_put_int(w, "filled_quantity", e->filled);
        json_put_int(w, "pending_quantity", entry_open(e));
        json_put_int(w, "cancelled_quantity", e->cancelled);
        json_put_number(w, "price", t->price);
        json_put_number(w, "trigger_price", t->trigger);
        json_put_number(w, "average_price", entry_average(e));
        json_put_number(w, "total_traded_value", e->value);
        json_put_int(w, "market_protection", 0);
        json_put_string(w, "order_slot", t->amo ? "AMO" : "Online");
        json_put_string(w, "good_till_date", "");
        json_put_bool(w, "modified", e->modified > 0);
        json_put_string(w, "modification_allowed", "");
        json_put_string(w, "cancellation_allowed", "");
        json_put_string(w, "order_source", e->not_by_api ? "MOBILE" : "API");
        json_put_string(w, "order_subchannel", "");
        json_put_string(w, "token_id", "NSEDNL0000");
        put_reference(w, e);
        json_object_finish(w);
}

void hdfc_orders(struct call *c)
{
        struct json_writer w = hdfc_ok(c);

        json_array_begin(&w, "data");
        for (unsigned i = c->user->n_entries; i-- > 0;)
                put_entry(&w, c, c->user->entries[i]);
        json_array_finish(&w);
        json_object_finish(&w);
}

void hdfc_order(struct call *c)
{
        const struct entry *e = book_find(&c->sim->book, c->user, c->argument);

        if (!e) {
                hdfc_error(c, 404, "8001 Order not found");
                return;
        }
        struct json_writer w = hdfc_ok(c);
        json_array_begin(&w, "data");
        put_entry(&w, c, e);
        json_array_finish(&w);
        json_object_finish(&w);
}

/* --- trades: snake_case in the whole book, camelCase for one order (§5)
 * --------------------------- */

static const char *print_number(uint64_t n, char *buf, size_t size)
{
        snprintf(buf, size, "%llu", (unsigned long long)n);
        return buf;
}

static void put_deal(struct json_writer *w, const struct call *c, const struct deal *d)
{
        const struct entry *e = d->entry;
        const struct instrument *i = e->t.listing->i;
        char number[32];

        json_object_begin(w, NULL);
        json_put_string(w, "client_id", e->user->client_id);
        json_put_string(w, "trade_id", print_number(d->number, number, sizeof(number)));
        json_put_string(w, "order_id", e->id);
        json_put_string(w, "exchange_order_id", e->exchange_id);
        put_contract(w, c, i, "d B Y");
        json_put_string(w, "product", hdfc_product(e->t.product));
        json_put_string(w, "transaction_type", side_name(e->t.side));
        json_put_number(w, "average_price", d->price);
        json_put_int(w, "filled_quantity", d->quantity);
        json_put_int(w, "pending_quantity", entry_open(e));
        json_put_number(w, "total_traded_value", d->price * d->quantity);
        put_time(w, "fill_timestamp", d->at_us);
        json_put_string(w, "security_id",
                        instrument_derivative(i) ? i->underlying : behind(i->symbol, ':'));
        json_put_string(w, "company_name", i->name);
        json_put_string(w, "isin", i->isin);
        json_put_string(w, "status", "Traded");
        json_put_string(w, "validity", validity_name(e->t.validity));
        json_put_string(w, "order_source", "API");
        json_put_string(w, "order_type", hdfc_type(e->t.type));
        json_object_finish(w);
}

void hdfc_trades(struct call *c)
{
        struct json_writer w = hdfc_ok(c);

        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->user->n_deals; i++)
                put_deal(&w, c, &c->user->deals[i]);
        json_array_finish(&w);
        json_object_finish(&w);
}

void hdfc_order_trades(struct call *c)
{
        const struct entry *e = book_find(&c->sim->book, c->user, c->argument);
        char number[32];

        if (!e) {
                hdfc_error(c, 404, "8001 Order not found");
                return;
        }
        struct json_writer w = hdfc_ok(c);
        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->user->n_deals; i++) {
                const struct deal *d = &c->user->deals[i];
                if (d->entry != e)
                        continue;
                json_object_begin(&w, NULL);
                json_put_string(&w, "client_id", e->user->client_id);
                json_put_string(&w, "tradeId", print_number(d->number, number, sizeof(number)));
                json_put_string(&w, "orderId", e->id);
                json_put_string(&w, "exchangeOrderId", e->exchange_id);
                json_put_string(&w, "exchange", parent_exchange(e->t.listing->i->exchange));
                json_put_string(&w, "product", hdfc_product(e->t.product));
                json_put_string(&w, "transactionType", side_name(e->t.side));
                json_put_number(&w, "averagePrice", d->price);
                json_put_int(&w, "filledQuantity", d->quantity);
                put_time(&w, "fillTimestamp", d->at_us);
                json_put_string(&w, "validity", "1");
                json_put_null(&w, "instrumentToken");
                json_put_null(&w, "orderTimestamp");
                json_put_null(&w, "exchangeTimestamp");
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

/* --- what the account has -----------------------------------------------------------------------
 */

static void put_zeros(struct json_writer *w, const char *const *keys, size_t n)
{
        for (size_t i = 0; i < n; i++)
                json_put_int(w, keys[i], 0);
}

void hdfc_margins(struct call *c)
{
        static const char *const available[] = {"mtf",
                                                "equity_intraday",
                                                "equity_margin",
                                                "cover_order",
                                                "derivative_future_shortOption",
                                                "option_buy",
                                                "mutual_fund",
                                                "cdx_future_shortOption",
                                                "cdx_option_buy",
                                                "com_derivative_future_shortOption",
                                                "com_derivative_option_buy"};
        static const char *const utilised[] = {"mtf",
                                               "equity_margin_intraday_cover",
                                               "derivative_future_shortOption",
                                               "option_buy",
                                               "mutual_fund",
                                               "cdxFutureShortOption",
                                               "cdxOptionBuy",
                                               "comDerivativeFutureShortOption",
                                               "comDerivativeOptionBuy"};
        const struct user *u = c->user;
        struct json_writer w = hdfc_ok(c);

        json_object_begin(&w, "data");
        json_object_begin(&w, "equity");
        json_put_number(&w, "total_available_limit", user_available(u));
        json_put_number(&w, "total_utilised_limit", u->blocked + u->used);
        json_put_number(&w, "total_limit", u->funds + u->realised);
        json_object_begin(&w, "totalAvailableLimitDetails");
        json_put_number(&w, "cash", user_available(u));
        put_zeros(&w, available, ELEMENTS(available));
        json_object_finish(&w);
        json_object_begin(&w, "totalUtilizationDetails");
        json_put_number(&w, "cash", u->blocked + u->used);
        put_zeros(&w, utilised, ELEMENTS(utilised));
        json_object_finish(&w);
        json_object_begin(&w, "totalLimitDetails");
        json_put_int(&w, "bank_hold", 0);
        json_put_int(&w, "intraday_sales_proceed", 0);
        json_put_number(&w, "ledger_balance", u->funds);
        json_put_int(&w, "adhoc_limit", 0);
        json_put_int(&w, "pledge_limit", 0);
        json_object_finish(&w);
        json_object_finish(&w);
        json_object_finish(&w);
        json_object_finish(&w);
}

void hdfc_holdings(struct call *c)
{
        struct json_writer w = hdfc_ok(c);

        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->user->n_holdings; i++) {
                const struct holding_row *h = &c->user->holdings[i];
                json_object_begin(&w, NULL);
                json_put_string(&w, "security_id", behind(h->listing->hdfc, '|'));
                json_put_string(&w, "exchange", parent_exchange(h->listing->i->exchange));
                json_put_string(&w, "company_name", h->listing->i->name);
                json_put_string(&w, "sector_name", "");
                json_put_string(&w, "isin", h->listing->i->isin);
                json_put_int(&w, "quantity", h->quantity - h->sold);
                json_put_number(&w, "average_price", h->average);
                json_put_decimal(&w, "investment_value", h->average * h->quantity);
                json_put_number(&w, "close_price", h->listing->i->previous_close);
                json_put_string(&w, "realised", "0.00");
                json_put_string(&w, "sip_indicator", "N");
                json_put_string(&w, "mtf_indicator", "N");
                json_put_int(&w, "ltcg_quantity", 0);
                json_put_string(&w, "corporate_action_indicator", "");
                json_put_string(&w, "corporate_action_message", "");
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

static void put_stake(struct json_writer *w, const struct call *c, const struct stake *s)
{
        static const char *const carried[] = {"cf_buy_qty",           "cf_sell_qty",
                                              "cf_average_buy_price", "cf_average_sell_price",
                                              "cf_buy_value",         "cf_sell_value"};
        int64_t buy = average_of(s->bought_value, s->bought),
                sell = average_of(s->sold_value, s->sold);

        json_object_begin(w, NULL);
        json_put_string(w, "client_id", c->user->client_id);
        json_put_string(w, "security_id", behind(s->listing->hdfc, '|'));
        put_contract(w, c, s->listing->i, "d-B-y");
        json_put_string(w, "product", hdfc_product(s->product));
        json_put_int(w, "net_qty", stake_net(s));
        json_put_int(w, "total_buy_quantity", s->bought);
        json_put_int(w, "total_sell_qty", s->sold);
        json_put_number(w, "average_buy_price", buy);
        json_put_number(w, "average_sell_price", sell);
        json_put_number(w, "total_buy_value", s->bought_value);
        json_put_number(w, "total_sell_value", s->sold_value);
        json_put_int(w, "t_day_buy_quantity", s->bought);
        json_put_int(w, "t_day_sell_qty", s->sold);
        json_put_int(w, "t_day_net_qty", stake_net(s));
        json_put_number(w, "t_day_average_buy_price", buy);
        json_put_number(w, "t_day_avg_sell_price", sell);
        json_put_number(w, "t_day_buy_value", s->bought_value);
        json_put_number(w, "t_day_sell_value", s->sold_value);
        put_zeros(w, carried, ELEMENTS(carried));
        json_put_number(w, "realised_pl_overall_position", stake_realised(s));
        json_put_number(w, "realised_pl_t_day_position", stake_realised(s));
        json_object_finish(w);
}

void hdfc_positions(struct call *c)
{
        struct json_writer w = hdfc_ok(c);

        json_object_begin(&w, "data");
        json_array_begin(&w, "net");
        for (unsigned i = 0; i < c->user->n_stakes; i++)
                put_stake(&w, c, &c->user->stakes[i]);
        json_array_finish(&w);
        json_object_finish(&w);
        json_object_finish(&w);
}

void hdfc_profile(struct call *c)
{
        const struct user *u = c->user;
        struct json_writer w = hdfc_ok(c);

        json_array_begin(&w, "data");
        json_object_begin(&w, NULL);
        json_put_string(&w, "user_id", u->client_id);
        json_put_string(&w, "user_type", "Individual");
        json_put_string(&w, "user_name", "EXAMPLE USER");
        json_put_string(&w, "broker", "HDFC");
        json_put_string(&w, "accountSettlementType", "");
        json_put_words(&w, "exchanges:NSE", "EQUITY FUTIDX OPTIDX FUTSTK OPTSTK FUTCUR OPTCUR");
        json_put_words(&w, "exchanges:BSE", "EQUITY FUTIDX OPTIDX");
        json_put_words(&w, "exchanges:MCX", "FUTCOM OPTFUT");
        json_put_words(&w, "products", "DELIVERY INTRADAY OVERNIGHT MTF COVER");
        json_put_words(&w, "order_types", "MARKET LIMIT SL SL-M");
        json_array_begin(&w, "depository_details");
        json_array_finish(&w);
        json_object_begin(&w, "bank_details");
        json_put_string(&w, "bank_power_of_attorney_flag", "N");
        json_object_finish(&w);
        json_object_finish(&w);
        json_array_finish(&w);
        json_object_finish(&w);
}

/* --- prices -------------------------------------------------------------------------------------
 */

static const struct listing *find_token(const struct call *c, struct json_object *row,
                                        const char **ret_exchange)
{
        const char *token = "", *exchange = "";
        char key[64];

        if (json_get_string(row, "exchange", &exchange) != 0 ||
            json_get_string(row, "token", &token) != 0)
                return NULL;
        *ret_exchange = exchange;
        snprintf(key, sizeof(key), "%.3s|%s", exchange, token);
        const struct listing *l = market_by_token(&c->sim->market, key);
        bool index = l && l->i->segment == SEGMENT_INDEX;
        /* Indices have exchanges of their own (§7). */
        return l && index == (strcmp(exchange + 3, "_INDEX") == 0) ? l : NULL;
}

void hdfc_ltp(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        struct json_object *data = NULL;

        if (!o || !json_object_object_get_ex(o, "data", &data) ||
            !json_object_is_type(data, json_type_array) ||
            json_object_array_length(data) > LTP_MAX) {
                hdfc_error(c, 400, "data must be an array of at most 10 instruments");
                return;
        }
        struct json_writer w = call_json(c, 200);
        json_object_begin(&w, NULL);
        json_array_begin(&w, "data");
        for (size_t i = 0; i < json_object_array_length(data); i++) {
                const char *exchange = "";
                const struct listing *l =
                        find_token(c, json_object_array_get_idx(data, i), &exchange);
                if (!l)
                        continue; /* left out without a word */
                json_object_begin(&w, NULL);
                json_put_string(&w, "exchange", exchange);
                json_put_int(&w, "token", l->token);
                json_put_number(&w, "ltp", l->last);
                json_put_number(&w, "prev_close", l->i->previous_close);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_begin(&w, "meta");
        json_put_string(&w, "statusCode", "OK");
        json_put_string(&w, "statusMsg", "OK");
        json_object_finish(&w);
        json_object_finish(&w);
}
