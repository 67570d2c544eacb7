/* The rules of the market for one order (market.md §4, §5), each refusal with its numbers. */
#include "paper/entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/margin.h"

#define DISCLOSED_PERCENT_MIN 10

int refuse(struct refusal *r, int status, const char *code, const char *format, ...)
{
        va_list args;
        r->status = status;
        r->code = code;
        va_start(args, format);
        vsnprintf(r->message, sizeof(r->message), format, args);
        va_end(args);
        return 1;
}

static bool is_stop(enum order_type t)
{
        return t == ORDER_TYPE_STOP || t == ORDER_TYPE_STOP_LIMIT;
}

static bool has_limit(enum order_type t)
{
        return t == ORDER_TYPE_LIMIT || t == ORDER_TYPE_STOP_LIMIT;
}

static int check_instrument(const struct entry *e, const struct instrument *i, int64_t now,
                            struct refusal *ret)
{
        if (i->lot <= 0 || i->segment == SEGMENT_INDEX)
                return refuse(ret, 422, "NOT_TRADABLE", "%s cannot be traded", i->symbol);
        if (i->expiry && i->expiry < clock_ist_day(now))
                return refuse(ret, 422, "NOT_TRADABLE", "%s expired on %d", i->symbol, i->expiry);
        if (!margin_product_allowed(i, e->product))
                return refuse(ret, 422, "PRODUCT", "%s is not allowed for %s",
                              product_name(e->product), i->symbol);
        if (i->segment == SEGMENT_OPTION && e->type == ORDER_TYPE_STOP)
                return refuse(
                        ret, 422, "TYPE",
                        "16052: stop orders at market do not exist for options, send STOP_LIMIT");
        return 0;
}

static int check_quantity(const struct entry *e, const struct instrument *i, struct refusal *ret)
{
        long long quantity = e->quantity, shown = e->disclosed_quantity;
        if (quantity % i->lot)
                return refuse(ret, 422, "LOT_SIZE",
                              "16328: quantity %lld is not a multiple of the lot %lld", quantity,
                              (long long)i->lot);
        if (i->freeze && quantity > i->freeze)
                return refuse(ret, 422, "FREEZE_QUANTITY",
                              "16307: quantity %lld is above the freeze quantity %lld", quantity,
                              (long long)i->freeze);
        if (!shown)
                return 0;
        if (i->exchange == EXCHANGE_NFO || i->exchange == EXCHANGE_BFO)
                return refuse(ret, 422, "DISCLOSED_QUANTITY",
                              "Disclosed quantity is not allowed for derivatives");
        if (e->validity == VALIDITY_IOC || shown > quantity ||
            shown * 100 < quantity * DISCLOSED_PERCENT_MIN)
                return refuse(ret, 422, "DISCLOSED_QUANTITY",
                              "Disclosed quantity %lld must be %d to 100 %% of %lld, and not IOC",
                              shown, DISCLOSED_PERCENT_MIN, quantity);
        return 0;
}

static int check_price(const char *what, int64_t price, const struct instrument *i,
                       struct refusal *ret)
{
        char text[DECIMAL_TEXT_SIZE], limit[DECIMAL_TEXT_SIZE];
        decimal_print(price, text);
        if (price <= 0)
                return refuse(ret, 422, "PRICE", "A %s is needed", what);
        if (i->tick > 0 && price % i->tick)
                return refuse(ret, 422, "TICK_SIZE",
                              "16283: %s %s is not a multiple of tick size %s", what, text,
                              decimal_print(i->tick, limit));
        int64_t low = instrument_band_low(i), high = instrument_band_high(i);
        if (price < low)
                return refuse(ret, 422, "PRICE_BAND",
                              "16284: %s %s is lower than the lower circuit limit %s", what, text,
                              decimal_print(low, limit));
        if (price > high)
                return refuse(ret, 422, "PRICE_BAND",
                              "16284: %s %s is higher than the upper circuit limit %s", what, text,
                              decimal_print(high, limit));
        return 0;
}

static int check_stop(const struct entry *e, const struct instrument *i, int64_t last,
                      struct refusal *ret)
{
        char trigger[DECIMAL_TEXT_SIZE], other[DECIMAL_TEXT_SIZE];
        bool buy = e->side == SIDE_BUY;
        int r = check_price("trigger price", e->trigger_price, i, ret);
        if (r)
                return r;
        decimal_print(e->trigger_price, trigger);
        if (buy ? e->trigger_price <= last : e->trigger_price >= last)
                return refuse(ret, 422, "TRIGGER_PRICE",
                              "16315: trigger price %s of a %s stop must be %s the last price %s",
                              trigger, buy ? "buy" : "sell", buy ? "above" : "below",
                              decimal_print(last, other));
        if (e->type == ORDER_TYPE_STOP_LIMIT &&
            (buy ? e->price < e->trigger_price : e->price > e->trigger_price))
                return refuse(ret, 422, "TRIGGER_PRICE",
                              "16316: limit %s of a %s stop must not be %s its trigger price %s",
                              decimal_print(e->price, other), buy ? "buy" : "sell",
                              buy ? "below" : "above", trigger);
        return 0;
}

int entry_check(const struct entry *e, const struct listing *l, bool still, int64_t now,
                bool triggered, struct refusal *ret)
{
        const struct instrument *i = &l->instrument;
        int r = check_instrument(e, i, now, ret);
        if (r || (r = check_quantity(e, i, ret)))
                return r;
        if (has_limit(e->type) && (r = check_price("price", e->price, i, ret)))
                return r;
        struct market m = listing_market(l, still);
        int64_t last = market_last(&m, now / MARKET_TICK_US);
        if (last <= 0 && e->type != ORDER_TYPE_LIMIT)
                return refuse(ret, 422, "NO_REFERENCE_PRICE", "17181: %s has no last price yet",
                              i->symbol);
        if (is_stop(e->type) && !triggered && (r = check_stop(e, i, last, ret)))
                return r;
        int64_t price = entry_block_price(e, &m);
        if (price > PAPER_VALUE_MAX / e->quantity)
                return refuse(ret, 422, "ORDER_VALUE",
                              "The order is worth more than any book holds");
        return 0;
}

int64_t entry_block_price(const struct entry *e, const struct market *m)
{
        int64_t ceiling = market_ceiling(m);
        if (!has_limit(e->type))
                return ceiling;
        return e->side == SIDE_BUY || e->price > ceiling ? e->price : ceiling;
}
