/* What brokers say when they refuse an order, as their sheets have it. */
#include <stdio.h>

#include "base/decimal.h"
#include "brokersim/sim.h"

const char *refusal_name(enum refusal why)
{
        static const char *const names[] = {
#define X(name, text) text,
                REFUSAL_TABLE(X)
#undef X
        };
        return names[why];
}

const char *refusal_sentence(enum broker_name b, enum refusal why)
{
        /* fyers.md §9, hdfc.md §9 (codes of the feed's schema), mstock.md §9. */
        static const char *const sentences[_REFUSAL_MAX][_BROKER_MAX] = {
                [REFUSAL_FUNDS] = {"RED:Margin Shortfall", "12001 MarginUnavailable",
                                   "RMS:FUND LIMIT INSUFFICIENT"},
                [REFUSAL_HOLDINGS] =
                        {"RED:Holding quantity insufficient",
                         "15011 Pledge sell validation failed: quantity not in holdings",
                         "RMS:HOLDING QUANTITY INSUFFICIENT"},
                [REFUSAL_LOT] = {"qty must be a multiple of the lot size",
                                 "16328 Quantity is not a multiple of the lot size",
                                 "EXCH:16328:ORDER QUANTITY IS NOT A MULTIPLE OF THE REGULAR LOT"},
                [REFUSAL_TICK] = {"limitPrice or stopPrice is not a multiple of the tick size",
                                  "16283 Price is not a multiple of the tick size",
                                  "EXCH:16283:PRICE IS NOT A MULTIPLE OF THE TICK SIZE"},
                [REFUSAL_BAND] = {"RED:RULE:{Check circuit limit including square off order}",
                                  "16284 Price is beyond the day range",
                                  "EXCH:16308:ORDER PRICE IS IN PRICE FREEZE RANGE"},
                [REFUSAL_FREEZE] = {"RED:RULE:{Check freeze quantity}", "16307 Quantity freeze",
                                    "EXCH:16307:ORDER QUANTITY IS ABOVE THE FREEZE QUANTITY"},
                [REFUSAL_TRIGGER] = {"stopPrice must not be beyond limitPrice",
                                     "16315 Trigger price is not valid",
                                     "EXCH:16315:TRIGGER PRICE IS NOT VALID"},
                [REFUSAL_PRODUCT] = {"productType is not valid for this symbol",
                                     "15009 Product not allowed for this instrument",
                                     "RMS:PRODUCT NOT ALLOWED FOR THIS SCRIP"},
                [REFUSAL_CLOSED] = {"RED:Market is closed", "16000 MarketClosed",
                                    "EXCH:16000:MARKET IS CLOSED"},
                [REFUSAL_FINAL] = {"Order is already completed, cancelled or rejected",
                                   "16344 Order cannot be modified or cancelled",
                                   "EXCH:16115:ORDER CANNOT BE MODIFIED OR CANCELLED"},
        };
        return sentences[why][b] ? sentences[why][b] : "";
}

void refusal_words(const struct entry *e, enum refusal why, int64_t needed, char *buf, size_t n)
{
        char a[DECIMAL_TEXT_SIZE], b[DECIMAL_TEXT_SIZE];
        const char *s = refusal_sentence(e->user->broker, why);

        if (why != REFUSAL_FUNDS)
                snprintf(buf, n, "%s", s);
        else if (e->user->broker == BROKER_FYERS)
                snprintf(buf, n, "%s:INR %s Available:INR %s", s, decimal_print(needed, a),
                         decimal_print(user_available(e->user), b));
        else
                snprintf(buf, n, "%s, REQUIRED %s, AVAILABLE %s", s, decimal_print(needed, a),
                         decimal_print(user_available(e->user), b));
}
