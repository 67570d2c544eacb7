#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "brokersim/mstock.h"

static const char *status_of(const struct entry *e)
{
        switch (e->status) {
        case ORDER_STATUS_FILLED:
                return "Traded";
        case ORDER_STATUS_CANCELLED:
                return "Cancelled";
        case ORDER_STATUS_REJECTED:
                return "Rejected";
        case ORDER_STATUS_EXPIRED:
                return "Expired";
        case ORDER_STATUS_TRIGGER_PENDING:
                return "Trigger Pending";
        case ORDER_STATUS_PENDING:
                return "Transit";
        default:
                return e->triggered ? "Triggered" : e->modified ? "O-Modified" : "Pending";
        }
}

static void put_time(struct json_writer *w, const char *key, int64_t wall_us)
{
        char buf[32];

        json_put_string(w, key, print_ist(wall_us, "Y-M-d H:m:S", buf, sizeof(buf)));
}

static void put_names(struct json_writer *w, const struct listing *l)
{
        json_put_string(w, "exchange", exchange_name(l->i->exchange));
        json_put_string(w, "tradingsymbol", behind(l->mstock, ':'));
        json_put_int(w, "instrument_token", l->token);
}

static void put_entry(struct json_writer *w, const struct entry *e)
{
        const struct ticket *t = &e->t;

        json_object_begin(w, NULL);
        json_put_string(w, "placed_by", e->user->client_id);
        json_put_string(w, "order_id", e->id);
        json_put_string(w, "exchange_order_id", e->exchange_id[0] ? e->exchange_id : "None");
        json_put_string(w, "parent_order_id", "None");
        json_put_string(w, "status", status_of(e));
        json_put_string(w, "status_message", e->message);
        json_put_string(w, "status_message_raw", "None");
        put_time(w, "order_timestamp", e->placed_us);
        json_put_string(w, "exchange_update_timestamp", "None");
        json_put_string(w, "exchange_timestamp", "None");
        json_put_string(w, "variety", t->amo ? "amo" : "regular");
        json_put_string(w, "modified", e->modified ? "True" : "False");
        put_names(w, t->listing);
        json_put_string(w, "order_type", mstock_type(t->type));
        json_put_string(w, "transaction_type", side_name(t->side));
        json_put_string(w, "validity", validity_name(t->validity));
        json_put_string(w, "product", mstock_product(t->product));
        json_put_int(w, "quantity", t->quantity);
        json_put_int(w, "disclosed_quantity", t->disclosed);
        json_put_number(w, "price", t->price);
        json_put_number(w, "trigger_price", t->trigger);
        json_put_number(w, "average_price", entry_average(e));
        json_put_int(w, "filled_quantity", e->filled);
        json_put_int(w, "pending_quantity", entry_open(e));
        json_put_int(w, "cancelled_quantity", e->cancelled);
        json_put_int(w, "market_protection", 0);
        json_object_begin(w, "meta");
        json_object_finish(w);
        if (e->user->echo_tags && t->tag[0]) {
                json_put_string(w, "tag", t->tag);
        } else {
                json_array_begin(w, "tag");
                json_array_finish(w);
        }
        json_put_string(w, "guid", "");
        json_object_finish(w);
}

static void answer_none(struct call *c)
{
        struct json_writer w = mstock_ok(c);

        json_put_string(&w, "data", "None");
        json_object_finish(&w);
}

void mstock_orders(struct call *c)
{
        if (c->user->n_entries == 0) {
                answer_none(c);
                return;
        }
        struct json_writer w = mstock_ok(c);
        json_array_begin(&w, "data");
        for (unsigned i = c->user->n_entries; i-- > 0;)
                put_entry(&w, c->user->entries[i]);
        json_array_finish(&w);
        json_object_finish(&w);
}

void mstock_order(struct call *c)
{
        char id[64], segment[8];
        bool get = call_is(c, "GET");
        struct bytes from = get ? c->query : c->body;
        const struct entry *e = NULL;

        if (form_get(from, "order_no", id, sizeof(id)) &&
            form_get(from, "segment", segment, sizeof(segment)))
                e = book_find(&c->sim->book, c->user, id);
        /* `E` shares, `D` derivatives (§5). */
        if (!e || (*segment == 'D') != instrument_derivative(e->t.listing->i)) {
                answer_none(c);
                return;
        }
        struct json_writer w = mstock_ok(c);
        json_array_begin(&w, "data");
        put_entry(&w, e);
        json_array_finish(&w);
        json_object_finish(&w);
}

/* --- trades -------------------------------------------------------------------------------------
 */

static const char *print_number(uint64_t n, char *buf, size_t size)
{
        snprintf(buf, size, "%llu", (unsigned long long)n);
        return buf;
}

static void put_book_row(struct json_writer *w, const struct deal *d)
{
        const struct entry *e = d->entry;
        const struct instrument *i = e->t.listing->i;
        char text[32];

        json_object_begin(w, NULL);
        json_put_string(w, "ALGO_ID", "0");
        json_put_string(w, "BUY_SELL", e->t.side == SIDE_BUY ? "Buy" : "Sell");
        json_put_string(w, "CLIENT_ID", e->user->client_id);
        json_put_string(w, "ENCASH_FLG", "N");
        json_put_string(w, "EXCHANGE", exchange_name(i->exchange));
        json_put_string(w, "EXCH_ORDER_NUMBER", e->exchange_id);
        json_put_string(w, "EXPIRY_DATE", print_day(i->expiry, "Y-M-d", text, sizeof(text)));
        json_put_string(w, "FULL_SYMBOL", behind(e->t.listing->mstock, ':'));
        json_put_string(w, "GTC_FLG", "N");
        json_put_string(w, "INSTRUMENT_NAME", instrument_derivative(i) ? "DERIVATIVES" : "EQUITY");
        json_put_string(w, "MKT_PROTECT_FLG", "N");
        json_put_int(w, "MKT_PROTECT_VAL", 0);
        json_put_string(w, "MKT_TYPE", "NL");
        json_put_string(w, "OPT_TYPE", i->segment != SEGMENT_OPTION ? "XX" : i->call ? "CE" : "PE");
        json_put_string(w, "ORDER_DATE_TIME",
                        print_ist(d->at_us, "d-M-Y H:m:S", text, sizeof(text)));
        json_put_string(w, "ORDER_NUMBER", e->id);
        json_put_string(w, "ORDER_TYPE", mstock_type(e->t.type));
        json_put_string(w, "PAN_NO", "XXXXX0000X");
        json_put_string(w, "PARTICIPANT_TYPE", "B");
        json_put_number(w, "PRICE", d->price);
        json_put_string(w, "PRODUCT", mstock_product(e->t.product));
        json_put_int(w, "QUANTITY", d->quantity);
        json_put_int(w, "R", 0);
        json_put_string(w, "REMARKS1", "NA");
        json_put_string(w, "REMARKS2", "NA");
        json_put_int(w, "SEC_ID", e->t.listing->token);
        json_put_string(w, "SEGMENT", instrument_derivative(i) ? "D" : "E");
        json_put_string(w, "SETTLOR", "");
        json_put_string(w, "SOURCE_FLG", "R");
        json_put_number(w, "STRIKE_PRICE", i->strike);
        json_put_string(w, "SYMBOL",
                        instrument_derivative(i) ? i->underlying : behind(i->symbol, ':'));
        json_put_string(w, "TRADE_NUMBER", print_number(d->number, text, sizeof(text)));
        json_put_number(w, "TRADE_VALUE", d->price * d->quantity);
        json_object_finish(w);
}

void mstock_tradebook(struct call *c)
{
        if (c->user->n_deals == 0) {
                answer_none(c);
                return;
        }
        struct json_writer w = mstock_ok(c);
        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->user->n_deals; i++)
                put_book_row(&w, &c->user->deals[i]);
        json_array_finish(&w);
        json_object_finish(&w);
}

/* The history; the simulator's is of today. */
void mstock_trades(struct call *c)
{
        char text[32];
        struct json_writer w = mstock_ok(c);

        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->user->n_deals; i++) {
                const struct deal *d = &c->user->deals[i];
                json_object_begin(&w, NULL);
                json_put_string(&w, "trade_id", print_number(d->number, text, sizeof(text)));
                json_put_string(&w, "order_id", d->entry->id);
                json_put_string(&w, "exchange", exchange_name(d->entry->t.listing->i->exchange));
                json_put_string(&w, "tradingsymbol", d->entry->t.listing->i->name);
                json_put_int(&w, "instrument_token", 0);
                json_put_string(&w, "product", mstock_product(d->entry->t.product));
                json_put_number(&w, "average_price", d->price);
                json_put_int(&w, "quantity", d->quantity);
                json_put_string(&w, "exchange_order_id", d->entry->exchange_id);
                json_put_string(&w, "transaction_type", side_name(d->entry->t.side));
                json_put_string(&w, "fill_timestamp",
                                print_ist(d->at_us, "H:m:S", text, sizeof(text)));
                put_time(&w, "order_timestamp", d->entry->placed_us);
                put_time(&w, "exchange_timestamp", d->at_us);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

/* --- what the account has -----------------------------------------------------------------------
 */

void mstock_funds(struct call *c)
{
        static const char *const zeros[] = {
                "UNCLEAR_BALANCE",       "COLLATERALS",       "MF_COLLATERAL",
                "ADHOC_LIMIT",           "ADDITIONAL_MARGIN", "BANK_HOLDING",
                "RECEIVABLES",           "PAY_OUT_AMT",       "PEAK_MARGIN",
                "PHYSICAL_MARGIN",       "OFS_UTILIZED",      "OPT_BUY_PRIMIUM_UTILIZE",
                "MTF_AVAILABLE_BALANCE", "MTF_COLLATERAL",    "MTF_UTILIZE"};
        const struct user *u = c->user;
        int64_t unrealised = 0;
        struct json_writer w = mstock_ok(c);

        for (unsigned i = 0; i < u->n_stakes; i++)
                unrealised += stake_unrealised(&u->stakes[i]);
        json_array_begin(&w, "data");
        json_object_begin(&w, NULL);
        json_put_decimal(&w, "AVAILABLE_BALANCE", user_available(u));
        json_put_decimal(&w, "SUM_OF_ALL", u->funds + u->realised);
        json_put_decimal(&w, "AMOUNT_UTILIZED", u->blocked + u->used);
        json_put_decimal(&w, "CLEAR_BALANCE", u->funds);
        json_put_decimal(&w, "LIMIT_SOD", u->funds);
        json_put_string(&w, "LIMIT_TYPE", "CAPITAL");
        json_put_decimal(&w, "REALISED_PROFITS", u->realised);
        json_put_decimal(&w, "MTM_COMBINED", unrealised);
        for (size_t i = 0; i < ELEMENTS(zeros); i++)
                json_put_string(&w, zeros[i], "0.00");
        json_put_string(&w, "SEG", "A");
        json_object_finish(&w);
        json_array_finish(&w);
        json_object_finish(&w);
}

static void put_holding(struct json_writer *w, const struct holding_row *h)
{
        static const char *const zeros[] = {"t1_quantity", "authorised_quantity",
                                            "collateral_quantity", "day_change",
                                            "day_change_percentage"};

        json_object_begin(w, NULL);
        json_put_string(w, "tradingsymbol", h->listing->i->name);
        json_put_null(w, "exchange");
        json_put_int(w, "instrument_token", h->listing->token);
        json_put_string(w, "isin", h->listing->i->isin);
        json_put_null(w, "product");
        json_put_number(w, "price", h->average);
        json_put_int(w, "quantity", h->quantity - h->sold);
        json_put_int(w, "used_quantity", h->sold);
        json_put_int(w, "realised_quantity", h->quantity);
        json_put_int(w, "opening_quantity", h->quantity);
        json_put_null(w, "authorised_date");
        json_put_null(w, "collateral_type");
        json_put_bool(w, "discrepancy", false);
        for (size_t i = 0; i < ELEMENTS(zeros); i++)
                json_put_int(w, zeros[i], 0);
        json_put_number(w, "average_price", h->average);
        json_put_number(w, "last_price", h->listing->last);
        json_put_number(w, "close_price", h->listing->i->previous_close);
        json_put_number(w, "pnl", h->quantity * (h->listing->last - h->average));
        json_object_finish(w);
}

void mstock_holdings(struct call *c)
{
        struct json_writer w = mstock_ok(c);

        json_array_begin(&w, "data");
        for (unsigned i = 0; i < c->user->n_holdings; i++)
                put_holding(&w, &c->user->holdings[i]);
        json_array_finish(&w);
        json_object_finish(&w);
}

static void put_stake(struct json_writer *w, const struct stake *s)
{
        int64_t net = stake_net(s), buy = average_of(s->bought_value, s->bought),
                sell = average_of(s->sold_value, s->sold);

        json_object_begin(w, NULL);
        put_names(w, s->listing);
        json_put_string(w, "product", mstock_product(s->product));
        json_put_int(w, "quantity", net);
        json_put_int(w, "overnight_quantity", 0);
        json_put_int(w, "multiplier", 1);
        json_put_number(w, "average_price", net > 0 ? buy : net < 0 ? sell : 0);
        json_put_number(w, "close_price", s->listing->i->previous_close);
        json_put_number(w, "last_price", s->listing->last);
        json_put_number(w, "value", s->sold_value - s->bought_value);
        json_put_number(w, "pnl", stake_realised(s) + stake_unrealised(s));
        json_put_number(w, "m2m", stake_realised(s) + stake_unrealised(s));
        json_put_number(w, "unrealised", stake_unrealised(s));
        json_put_number(w, "realised", stake_realised(s));
        json_put_int(w, "buy_quantity", s->bought);
        json_put_number(w, "buy_price", buy);
        json_put_number(w, "buy_value", s->bought_value);
        json_put_number(w, "buy_m2m", s->bought_value);
        json_put_int(w, "sell_quantity", s->sold);
        json_put_number(w, "sell_price", sell);
        json_put_number(w, "sell_value", s->sold_value);
        json_put_number(w, "sell_m2m", s->sold_value);
        json_put_int(w, "day_buy_quantity", s->bought);
        json_put_number(w, "day_buy_price", buy);
        json_put_number(w, "day_buy_value", s->bought_value);
        json_put_int(w, "day_sell_quantity", s->sold);
        json_put_number(w, "day_sell_price", sell);
        json_put_number(w, "day_sell_value", s->sold_value);
        json_object_finish(w);
}

void mstock_positions(struct call *c)
{
        struct json_writer w = mstock_ok(c);

        json_object_begin(&w, "data");
        json_array_begin(&w, "net");
        for (unsigned i = 0; i < c->user->n_stakes; i++)
                put_stake(&w, &c->user->stakes[i]);
        json_array_finish(&w);
        json_put_null(&w, "day");
        json_object_finish(&w);
        json_object_finish(&w);
}

/* --- prices -------------------------------------------------------------------------------------
 */

static void answer_quotes(struct call *c, bool ohlc)
{
        char name[LISTING_NAME_SIZE];
        struct bytes rest = c->query;
        struct json_writer w = mstock_ok(c);

        json_object_begin(&w, "data");
        while (form_next(&rest, "i", name, sizeof(name))) {
                const struct listing *l = market_by_mstock(&c->sim->market, name);
                if (!l)
                        continue; /* the key is missing (§7) */
                int64_t close = l->i->previous_close;
                json_object_begin(&w, name);
                json_put_int(&w, "instrument_token", l->token);
                json_put_number(&w, "last_price", l->last);
                if (ohlc) {
                        json_object_begin(&w, "ohlc");
                        json_put_number(&w, "open", close);
                        json_put_number(&w, "high", l->last > close ? l->last : close);
                        json_put_number(&w, "low", l->last < close ? l->last : close);
                        json_put_number(&w, "close", close);
                        json_object_finish(&w);
                }
                json_object_finish(&w);
        }
        json_object_finish(&w);
        json_object_finish(&w);
}

void mstock_ltp(struct call *c)
{
        answer_quotes(c, false);
}

void mstock_ohlc(struct call *c)
{
        answer_quotes(c, true);
}
