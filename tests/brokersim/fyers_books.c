#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "brokersim/fyers.h"

#define QUOTES_MAX 50

static void put_time(struct json_writer *w, const char *key, int64_t wall_us)
{
        char buf[48];

        json_put_string(w, key, print_ist(wall_us, "d-b-Y H:m:S", buf, sizeof(buf)));
}

static void put_codes(struct json_writer *w, const struct listing *l)
{
        int exchange, segment;

        fyers_codes(l, &exchange, &segment);
        json_put_string(w, "symbol", l->fyers);
        json_put_string(w, "fyToken", l->fy_token);
        json_put_int(w, "exchange", exchange);
        json_put_int(w, "segment", segment);
}

/* --- orders and trades --------------------------------------------------------------------------
 */

static int status_of(const struct entry *e)
{
        switch (e->status) {
        case ORDER_STATUS_CANCELLED:
                return 1;
        case ORDER_STATUS_FILLED:
                return 2;
        case ORDER_STATUS_PENDING:
                return 4;
        case ORDER_STATUS_REJECTED:
                return 5;
        case ORDER_STATUS_EXPIRED:
                return 7;
        default:
                return 6;
        }
}

static void put_tag(struct json_writer *w, const struct entry *e, const char *none)
{
        char tag[ENTRY_TAG_SIZE + 2];

        snprintf(tag, sizeof(tag), "1:%s", e->t.tag);
        json_put_string(w, "orderTag", e->t.tag[0] ? tag : none);
}

static void put_entry(struct json_writer *w, const struct entry *e, unsigned number)
{
        const struct ticket *t = &e->t;
        int64_t unit = fyers_unit(t->listing);
        char text[48];

        json_object_begin(w, NULL);
        json_put_string(w, "clientId", e->user->client_id);
        json_put_string(w, "id", e->id);
        snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012llu",
                 strtoull(e->id + 4, NULL, 10) % 1000000000000ULL);
        json_put_string(w, "id_fyers", text);
        json_put_string(w, "exchOrdId", e->exchange_id);
        json_put_string(w, "parentId", "");
        put_codes(w, t->listing);
        json_put_int(w, "instrument",
                     t->listing->i->segment == SEGMENT_OPTION   ? 14
                     : t->listing->i->segment == SEGMENT_FUTURE ? 11
                                                                : 0);
        json_put_string(w, "ex_sym", behind(t->listing->i->symbol, ':'));
        json_put_string(w, "description", t->listing->i->name);
        json_put_int(w, "side", t->side == SIDE_BUY ? 1 : -1);
        json_put_int(w, "type", fyers_type(t->type));
        json_put_string(w, "productType", fyers_product(t->product));
        json_put_string(w, "orderValidity", validity_name(t->validity));
        json_put_bool(w, "offlineOrder", t->amo);
        json_put_int(w, "qty", t->quantity / unit);
        json_put_int(w, "filledQty", e->filled / unit);
        json_put_int(w, "remainingQuantity", entry_open(e) / unit);
        json_put_int(w, "disclosedQty", t->disclosed);
        json_put_int(w, "discloseQty", t->disclosed);
        json_put_int(w, "dqQtyRem", 0);
        json_put_number(w, "limitPrice", t->price);
        json_put_number(w, "stopPrice", t->trigger);
        json_put_number(w, "tradedPrice", entry_average(e));
        json_put_int(w, "status", status_of(e));
        snprintf(text, sizeof(text), "%s:%d", e->id, status_of(e));
        json_put_string(w, "orderNumStatus", text);
        json_put_string(w, "message", e->message);
        put_time(w, "orderDateTime", e->placed_us);
        json_put_int(w, "slNo", number);
        json_put_string(w, "source", e->not_by_api ? "M" : "ITS");
        json_put_string(w, "pan", "");
        json_put_number(w, "lp", t->listing->last);
        json_put_number(w, "ch", t->listing->last - t->listing->i->previous_close);
        json_put_int(w, "chp", 0);
        put_tag(w, e, "2:Untagged");
        json_put_int(w, "takeProfit", 0);
        json_put_int(w, "stopLoss", 0);
        json_object_finish(w);
}

/* `1:TAG`; false: the query has none. */
static bool read_tag(const struct call *c, char *buf, size_t size)
{
        if (!call_query(c, "order_tag", buf, size))
                return false;
        if (text_starts(buf, "1:"))
                memmove(buf, buf + 2, strlen(buf + 2) + 1);
        return true;
}

void fyers_orders(struct call *c)
{
        char id[64], tag[ENTRY_TAG_SIZE + 2];
        bool by_id = call_query(c, "id", id, sizeof(id)), by_tag = read_tag(c, tag, sizeof(tag));
        struct json_writer w = fyers_ok(c, 200, "");

        json_array_begin(&w, "orderBook");
        if (by_id) {
                const struct entry *e = book_find(&c->sim->book, c->user, id);
                if (e)
                        put_entry(&w, e, 1);
        } else {
                unsigned number = 0;
                for (unsigned i = c->user->n_entries; i-- > 0;)
                        if (!by_tag || strcmp(c->user->entries[i]->t.tag, tag) == 0)
                                put_entry(&w, c->user->entries[i], ++number);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

void fyers_trades(struct call *c)
{
        char tag[ENTRY_TAG_SIZE + 2], number[32];
        bool by_tag = read_tag(c, tag, sizeof(tag));
        struct json_writer w = fyers_ok(c, 200, "");

        json_array_begin(&w, "tradeBook");
        for (unsigned i = 0; i < c->user->n_deals; i++) {
                const struct deal *d = &c->user->deals[i];
                const struct entry *e = d->entry;
                if (by_tag && strcmp(e->t.tag, tag) != 0)
                        continue;
                json_object_begin(&w, NULL);
                json_put_string(&w, "clientId", c->user->client_id);
                put_time(&w, "orderDateTime", d->at_us);
                json_put_string(&w, "orderNumber", e->id);
                json_put_string(&w, "exchangeOrderNo", e->exchange_id);
                snprintf(number, sizeof(number), "%llu", (unsigned long long)d->number);
                json_put_string(&w, "tradeNumber", number);
                json_put_int(&w, "row", (int64_t)i + 1);
                put_codes(&w, e->t.listing);
                json_put_int(&w, "side", e->t.side == SIDE_BUY ? 1 : -1);
                json_put_int(&w, "orderType", fyers_type(e->t.type));
                json_put_string(&w, "productType", fyers_product(e->t.product));
                json_put_int(&w, "tradedQty", d->quantity / fyers_unit(e->t.listing));
                json_put_number(&w, "tradePrice", d->price);
                json_put_number(&w, "tradeValue", d->price * d->quantity);
                put_tag(&w, e, "1:Untagged");
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

/* --- what the account has -----------------------------------------------------------------------
 */

void fyers_profile(struct call *c)
{
        const struct user *u = c->user;
        struct json_writer w = fyers_ok(c, 200, "");

        json_object_begin(&w, "data");
        json_put_string(&w, "fy_id", u->client_id);
        json_put_string(&w, "name", "EXAMPLE USER");
        json_put_string(&w, "display_name", "");
        json_put_string(&w, "email_id", "e*****e@example.invalid");
        json_put_string(&w, "PAN", "X******X");
        json_put_string(&w, "mobile_number", "9******0");
        json_put_null(&w, "image");
        json_put_null(&w, "pin_change_date");
        json_put_string(&w, "pwd_change_date", "");
        json_put_int(&w, "pwd_to_expire", 90);
        json_put_bool(&w, "totp", *u->totp_secret);
        json_put_bool(&w, "ddpi_enabled", true);
        json_put_bool(&w, "mtf_enabled", true);
        json_object_finish(&w);
        json_object_finish(&w);
}

static void put_fund(struct json_writer *w, int id, const char *title, int64_t equity)
{
        json_object_begin(w, NULL);
        json_put_int(w, "id", id);
        json_put_string(w, "title", title);
        json_put_number(w, "equityAmount", equity);
        json_put_int(w, "commodityAmount", 0);
        json_object_finish(w);
}

void fyers_funds(struct call *c)
{
        const struct user *u = c->user;
        struct json_writer w = fyers_ok(c, 200, "");

        json_array_begin(&w, "fund_limit");
        put_fund(&w, 9, "Limit at start of the day", u->funds);
        put_fund(&w, 1, "Total Balance", u->funds + u->realised);
        put_fund(&w, 2, "Utilized Amount", u->blocked + u->used);
        put_fund(&w, 3, "Clear Balance", user_available(u));
        put_fund(&w, 4, "Realized Profit and Loss", u->realised);
        put_fund(&w, 5, "Collaterals", 0);
        put_fund(&w, 6, "Fund Transfer", 0);
        put_fund(&w, 7, "Receivables", 0);
        put_fund(&w, 8, "Adhoc Limit", 0);
        put_fund(&w, 10, "Available Balance", user_available(u));
        json_array_finish(&w);
        json_object_finish(&w);
}

void fyers_holdings(struct call *c)
{
        const struct user *u = c->user;
        int64_t invested = 0, current = 0;
        struct json_writer w = fyers_ok(c, 200, "");

        json_array_begin(&w, "holdings");
        for (unsigned i = 0; i < u->n_holdings; i++) {
                const struct holding_row *h = &u->holdings[i];
                json_object_begin(&w, NULL);
                json_put_string(&w, "holdingType", "HLD");
                json_put_int(&w, "quantity", h->quantity);
                json_put_int(&w, "remainingQuantity", h->quantity - h->sold);
                json_put_int(&w, "qty_t1", 0);
                json_put_number(&w, "costPrice", h->average);
                json_put_number(&w, "marketVal", h->quantity * h->listing->last);
                json_put_number(&w, "ltp", h->listing->last);
                json_put_number(&w, "pl", h->quantity * (h->listing->last - h->average));
                json_put_int(&w, "id", (int64_t)i + 1);
                put_codes(&w, h->listing);
                json_put_string(&w, "isin", h->listing->i->isin);
                json_put_int(&w, "collateralQuantity", 0);
                json_put_int(&w, "remainingPledgeQuantity", -1);
                json_object_finish(&w);
                invested += h->quantity * h->average;
                current += h->quantity * h->listing->last;
        }
        json_array_finish(&w);
        json_object_begin(&w, "overall");
        json_put_int(&w, "count_total", u->n_holdings);
        json_put_number(&w, "total_investment", invested);
        json_put_number(&w, "total_current_value", current);
        json_put_number(&w, "total_pl", current - invested);
        json_put_number(&w, "pnl_perc",
                        invested ? decimal_muldiv(current - invested, 1000000, invested) : 0);
        json_object_finish(&w);
        json_object_finish(&w);
}

static void put_stake(struct json_writer *w, const struct stake *s, unsigned number)
{
        int64_t unit = fyers_unit(s->listing), net = stake_net(s);
        int64_t bought = average_of(s->bought_value, s->bought),
                sold = average_of(s->sold_value, s->sold);
        char id[LISTING_NAME_SIZE + 16];

        json_object_begin(w, NULL);
        snprintf(id, sizeof(id), "%s-%s", s->listing->fyers, fyers_product(s->product));
        json_put_string(w, "id", id);
        put_codes(w, s->listing);
        json_put_string(w, "productType", fyers_product(s->product));
        json_put_int(w, "side", net > 0 ? 1 : net < 0 ? -1 : 0);
        json_put_int(w, "netQty", net / unit);
        json_put_int(w, "qty", (net < 0 ? -net : net) / unit);
        json_put_number(w, "netAvg", net > 0 ? bought : net < 0 ? sold : 0);
        json_put_number(w, "avgPrice", net > 0 ? bought : net < 0 ? sold : 0);
        json_put_int(w, "buyQty", s->bought / unit);
        json_put_number(w, "buyAvg", bought);
        json_put_number(w, "buyVal", s->bought_value);
        json_put_int(w, "sellQty", s->sold / unit);
        json_put_number(w, "sellAvg", sold);
        json_put_number(w, "sellVal", s->sold_value);
        json_put_int(w, "dayBuyQty", s->bought / unit);
        json_put_int(w, "daySellQty", s->sold / unit);
        json_put_int(w, "cfBuyQty", 0);
        json_put_int(w, "cfSellQty", 0);
        json_put_number(w, "realized_profit", stake_realised(s));
        json_put_number(w, "unrealized_profit", stake_unrealised(s));
        json_put_number(w, "pl", stake_realised(s) + stake_unrealised(s));
        json_put_number(w, "ltp", s->listing->last);
        json_put_string(w, "crossCurrency", "N");
        json_put_int(w, "rbiRefRate", 1);
        json_put_int(w, "qtyMulti_com", unit);
        json_put_int(w, "slNo", number);
        json_object_finish(w);
}

void fyers_positions(struct call *c)
{
        const struct user *u = c->user;
        int64_t open = 0, realised = 0, unrealised = 0;
        struct json_writer w = fyers_ok(c, 200, "");

        json_array_begin(&w, "netPositions");
        for (unsigned i = 0; i < u->n_stakes; i++) {
                const struct stake *s = &u->stakes[i];
                put_stake(&w, s, i);
                open += stake_net(s) != 0;
                realised += stake_realised(s);
                unrealised += stake_unrealised(s);
        }
        json_array_finish(&w);
        json_object_begin(&w, "overall");
        json_put_int(&w, "count_total", u->n_stakes);
        json_put_int(&w, "count_open", open);
        json_put_number(&w, "pl_total", realised + unrealised);
        json_put_number(&w, "pl_realized", realised);
        json_put_number(&w, "pl_unrealized", unrealised);
        json_object_finish(&w);
        json_object_finish(&w);
}

/* --- market -------------------------------------------------------------------------------------
 */

static void put_quote(struct json_writer *w, const struct listing *l)
{
        int64_t close = l->i->previous_close, last = l->last, tick = l->i->tick;
        char day[32];

        json_object_begin(w, "v");
        json_put_number(w, "lp", last);
        json_put_number(w, "ch", last - close);
        json_put_number(w, "chp", close ? decimal_muldiv(last - close, 1000000, close) : 0);
        json_put_number(w, "bid", last);
        json_put_number(w, "ask", last + tick);
        json_put_number(w, "spread", tick);
        json_put_number(w, "open_price", close);
        json_put_number(w, "high_price", last > close ? last : close);
        json_put_number(w, "low_price", last < close ? last : close);
        json_put_number(w, "prev_close_price", close);
        json_put_number(w, "atp", last);
        json_put_int(w, "volume", 123456);
        json_put_string(w, "short_name", behind(l->fyers, ':'));
        json_put_string(w, "exchange", parent_exchange(l->i->exchange));
        json_put_string(w, "description", l->fyers);
        json_put_string(w, "original_name", l->fyers);
        json_put_string(w, "symbol", l->fyers);
        json_put_string(w, "fyToken", l->fy_token);
        snprintf(day, sizeof(day), "%lld",
                 (long long)(clock_from_ist(clock_ist_day(clock_wall_us()), 0) / USEC_PER_SEC));
        json_put_string(w, "tt", day);
        json_object_finish(w);
}

void fyers_quotes(struct call *c)
{
        char symbols[4096], *at = symbols, *one;
        unsigned n = 0;

        if (!call_query(c, "symbols", symbols, sizeof(symbols)) || !*symbols) {
                fyers_error(c, 400, -50, "symbols is required");
                return;
        }
        struct json_writer w = fyers_ok(c, 200, "");
        json_array_begin(&w, "d");
        while ((one = strsep(&at, ","))) {
                if (++n > QUOTES_MAX) {
                        fyers_error(c, 400, -50, "At most 50 symbols");
                        return;
                }
                const struct listing *l = market_by_fyers(&c->sim->market, one);
                json_object_begin(&w, NULL);
                json_put_string(&w, "n", one);
                json_put_string(&w, "s", l ? "ok" : "error");
                if (l) {
                        put_quote(&w, l);
                } else {
                        json_object_begin(&w, "v");
                        json_put_string(&w, "s", "error");
                        json_put_int(&w, "code", -300);
                        json_put_string(&w, "errmsg", "Please provide a valid symbol");
                        json_object_finish(&w);
                }
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

void fyers_market_status(struct call *c)
{
        static const int pairs[][2] = {{10, 10}, {10, 11}, {10, 12}, {12, 10}, {12, 11}, {11, 20}};
        struct json_writer w = fyers_ok(c, 200, "");

        json_array_begin(&w, "marketStatus");
        for (size_t i = 0; i < ELEMENTS(pairs); i++) {
                json_object_begin(&w, NULL);
                json_put_int(&w, "exchange", pairs[i][0]);
                json_put_int(&w, "segment", pairs[i][1]);
                json_put_string(&w, "market_type", "NORMAL");
                json_put_string(&w, "status", c->sim->market.open ? "OPEN" : "CLOSED");
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

void fyers_margin(struct call *c)
{
        _cleanup_(json_freep) struct json_object *o = call_body(c);
        struct json_object *data = NULL;
        int64_t total = 0;

        if (!o || !json_object_object_get_ex(o, "data", &data) ||
            !json_object_is_type(data, json_type_array)) {
                fyers_error(c, 400, -50, "data is required");
                return;
        }
        for (size_t i = 0; i < json_object_array_length(data); i++) {
                struct json_object *leg = json_object_array_get_idx(data, i);
                const char *symbol = "", *product = "";
                int64_t quantity = 0, side = 0, price = 0;
                struct ticket t = {};
                if (json_get_string(leg, "symbol", &symbol) != 0 ||
                    !(t.listing = market_by_fyers(&c->sim->market, symbol))) {
                        fyers_error(c, 400, -300, "Please provide a valid symbol");
                        return;
                }
                int p = json_get_string(leg, "productType", &product) == 0
                                ? product_from(product, strlen(product))
                                : -1;
                if (p < 0 || json_get_int(leg, "qty", 1, QUANTITY_MAX_SIM, &quantity) != 0 ||
                    json_get_int(leg, "side", -1, 1, &side) != 0 ||
                    json_get_decimal(leg, "limitPrice", &price) < 0) {
                        fyers_error(c, 400, -50, "qty, side or productType is not valid");
                        return;
                }
                t.quantity = quantity * fyers_unit(t.listing);
                t.side = side >= 0 ? SIDE_BUY : SIDE_SELL;
                t.product = (enum product)p;
                t.price = price;
                total += ticket_margin(c->user, &t);
        }
        struct json_writer w = fyers_ok(c, 200, "");
        json_object_begin(&w, "data");
        json_put_number(&w, "margin_avail", user_available(c->user));
        json_put_number(&w, "margin_total", total);
        json_put_number(&w, "margin_new_order", total);
        json_object_finish(&w);
        json_object_finish(&w);
}
