/* The words of the market as enums, each with its one table: the spelling in the API, the ledger,
 * the audit and the log. x_name() never fails for a member; x_from() takes exactly that spelling
 * and returns -EINVAL for anything else. Tables of upper-case words have one column; where the
 * spelling differs there is a second one. */
#pragma once

#include <stddef.h>

#define EXCHANGE_TABLE(X) X(NSE) X(BSE) X(NFO) X(BFO) X(CDS) X(MCX)
#define SIDE_TABLE(X)     X(BUY) X(SELL)
#define TYPE_TABLE(X)     X(MARKET) X(LIMIT) X(STOP) X(STOP_LIMIT)
#define PRODUCT_TABLE(X)  X(CNC) X(INTRADAY) X(MARGIN) X(MTF)
#define VALIDITY_TABLE(X) X(DAY) X(IOC)
#define ORDER_STATUS_TABLE(X) \
        X(PENDING)            \
        X(OPEN) X(PARTIALLY_FILLED) X(TRIGGER_PENDING) X(FILLED) X(CANCELLED) X(REJECTED) X(EXPIRED)
/* what kind of thing an instrument is */
#define SEGMENT_TABLE(X) X(EQUITY) X(INDEX) X(FUTURE) X(OPTION)

#define WORD_ENUM(PREFIX, name, TABLE)                        \
        enum name { TABLE(PREFIX##_MEMBER) _##PREFIX##_MAX }; \
        const char *name##_name(enum name value);             \
        int name##_from(const char *s, size_t n)

#define EXCHANGE_MEMBER(w)     EXCHANGE_##w,
#define SIDE_MEMBER(w)         SIDE_##w,
#define ORDER_TYPE_MEMBER(w)   ORDER_TYPE_##w,
#define PRODUCT_MEMBER(w)      PRODUCT_##w,
#define VALIDITY_MEMBER(w)     VALIDITY_##w,
#define ORDER_STATUS_MEMBER(w) ORDER_STATUS_##w,
#define SEGMENT_MEMBER(w)      SEGMENT_##w,

WORD_ENUM(EXCHANGE, exchange, EXCHANGE_TABLE);
WORD_ENUM(SIDE, side, SIDE_TABLE);
WORD_ENUM(ORDER_TYPE, order_type, TYPE_TABLE);
WORD_ENUM(PRODUCT, product, PRODUCT_TABLE);
WORD_ENUM(VALIDITY, validity, VALIDITY_TABLE);
WORD_ENUM(ORDER_STATUS, order_status, ORDER_STATUS_TABLE);
WORD_ENUM(SEGMENT, segment, SEGMENT_TABLE);

static inline int order_status_terminal(enum order_status s)
{
        return s == ORDER_STATUS_FILLED || s == ORDER_STATUS_CANCELLED ||
               s == ORDER_STATUS_REJECTED || s == ORDER_STATUS_EXPIRED;
}
