/* What comes of one order or position while the kill switch stands at CANCEL or FLATTEN, as it is
 * shown. Kept in memory only: after a restart the work begins anew with what is still open. */
#pragma once

#include "domain/order.h"

#define KILL_KIND_TABLE(X)                                               \
        X(ORDER, "order")                                                \
        X(EXTERNAL, "external") /* in the broker's book, and not ours */ \
        X(POSITION, "position")                                          \
        X(ACCOUNT, "account") /* why an account is not proven to be closed */
#define KILL_KIND_MEMBER(w, text) KILL_KIND_##w,
enum kill_kind { KILL_KIND_TABLE(KILL_KIND_MEMBER) _KILL_KIND_MAX };
const char *kill_kind_name(enum kill_kind value);

#define KILL_STATE_TABLE(X)                                                                     \
        X(WAITING, "waiting")       /* for its turn, or for what `blocked` says */              \
        X(CANCELLING, "cancelling") /* asked for, and the book has not shown it yet */          \
        X(CANCELLED, "cancelled")                                                               \
        X(FILLED, "filled")         /* before the cancellation came */                          \
        X(ENDED, "ended")           /* in another way: rejected, expired, never placed */       \
        X(REFUSED, "refused")       /* the broker does not cancel it; it is asked again */      \
        X(UNRESOLVED, "unresolved") /* whether it is live is not known; cancelled when found */ \
        X(SQUARING, "squaring")     /* an order against the position is out */                  \
        X(FLAT, "flat")                                                                         \
        X(BLOCKED, "blocked") /* `blocked` says why; it is tried again */
#define KILL_STATE_MEMBER(w, text) KILL_STATE_##w,
enum kill_state { KILL_STATE_TABLE(KILL_STATE_MEMBER) _KILL_STATE_MAX };
const char *kill_state_name(enum kill_state value);

#define KILL_BLOCK_TABLE(X)                                                            \
        X(NONE, "none")                                                                \
        X(OPEN_ORDER, "open_order")         /* in the instrument; it may still fill */ \
        X(UNRESOLVED_LEG, "unresolved_leg") /* in the instrument */                    \
        X(BELOW_LOT, "below_lot")           /* the position is less than a lot */      \
        X(NO_PRICE, "no_price")             /* to protect the order with */            \
        X(MARKET_CLOSED, "market_closed")                                              \
        X(UNLISTED, "unlisted") /* the broker's instruments do not have it */          \
        X(NO_SESSION, "no_session")                                                    \
        X(REFUSED, "refused") /* by the broker or by a gate: `message` */              \
        X(UNREAD, "unread")   /* book or positions cannot be read */
#define KILL_BLOCK_MEMBER(w, text) KILL_BLOCK_##w,
enum kill_block { KILL_BLOCK_TABLE(KILL_BLOCK_MEMBER) _KILL_BLOCK_MAX };
const char *kill_block_name(enum kill_block value);

struct kill_task {
        enum kill_kind kind;
        enum kill_state state;
        enum kill_block blocked;
        char account[ACCOUNT_SIZE];
        char order_id[ID_SIZE]; /* of POSITION: the newest order against it; "" none */
        unsigned leg;
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        char symbol[SYMBOL_SIZE];
        enum side side;
        enum product product;
        int64_t quantity; /* of POSITION: signed, as last read */
        int64_t filled_quantity;
        unsigned tries; /* cancellations or orders that were sent */
        int64_t updated_us;
        char message[MESSAGE_SIZE];
};
