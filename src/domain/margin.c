#include "domain/margin.h"

#include "base/decimal.h"

/* Percent of the value that is blocked. Shares follow the rule of the products: delivery in full,
 * intraday at five times leverage, funded delivery at half, which is on the safe side of VaR plus
 * extreme loss margin of any liquid share. Futures and short options stand in for SPAN plus
 * exposure with one number per kind of underlying. */
enum margin_class {
        MARGIN_DELIVERY,
        MARGIN_FUNDED,
        MARGIN_INTRADAY,
        MARGIN_ON_INDEX,
        MARGIN_ON_SHARE,
        MARGIN_ON_CURRENCY,
        MARGIN_ON_COMMODITY,
        MARGIN_PREMIUM,
        _MARGIN_CLASS_MAX
};

static const int margin_percent[_MARGIN_CLASS_MAX] = {
        [MARGIN_DELIVERY] = 100,    [MARGIN_FUNDED] = 50,   [MARGIN_INTRADAY] = 20,
        [MARGIN_ON_INDEX] = 13,     [MARGIN_ON_SHARE] = 22, [MARGIN_ON_CURRENCY] = 5,
        [MARGIN_ON_COMMODITY] = 10, [MARGIN_PREMIUM] = 100,
};

static enum margin_class margin_class(const struct instrument *i, enum side side,
                                      enum product product)
{
        if (i->segment == SEGMENT_OPTION && side == SIDE_BUY)
                return MARGIN_PREMIUM;
        if (instrument_derivative(i)) {
                if (i->exchange == EXCHANGE_CDS)
                        return MARGIN_ON_CURRENCY;
                if (i->exchange == EXCHANGE_MCX)
                        return MARGIN_ON_COMMODITY;
                return i->on_index ? MARGIN_ON_INDEX : MARGIN_ON_SHARE;
        }
        switch (product) {
        case PRODUCT_INTRADAY:
                return MARGIN_INTRADAY;
        case PRODUCT_MTF:
                return MARGIN_FUNDED;
        default:
                return MARGIN_DELIVERY;
        }
}

int64_t margin_required(const struct instrument *i, enum side side, enum product product,
                        int64_t quantity, int64_t price, int64_t underlying)
{
        /* Delivered shares are sold out of holdings, which no money stands for. */
        if (i->segment == SEGMENT_EQUITY && side == SIDE_SELL && product != PRODUCT_INTRADAY)
                return 0;
        if (quantity <= 0)
                return 0;

        enum margin_class class = margin_class(i, side, product);
        int64_t reference = price;
        if (i->segment == SEGMENT_OPTION && class != MARGIN_PREMIUM)
                reference = underlying > 0 ? underlying : i->strike;
        if (reference <= 0)
                return 0;
        int64_t value = decimal_muldiv(reference, quantity, 1);
        return decimal_muldiv(value, margin_percent[class], 100);
}

bool margin_product_allowed(const struct instrument *i, enum product product)
{
        switch (i->segment) {
        case SEGMENT_EQUITY:
                return product == PRODUCT_CNC || product == PRODUCT_MTF ||
                       (product == PRODUCT_INTRADAY && i->intraday_allowed);
        case SEGMENT_FUTURE:
        case SEGMENT_OPTION:
                return product == PRODUCT_INTRADAY || product == PRODUCT_MARGIN;
        default:
                return false;
        }
}
