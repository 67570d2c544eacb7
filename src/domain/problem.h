/* The one table of what can go wrong, as a client sees it: code, HTTP status, whether repeating the
 * request with a new key is safe, title, meaning with the remedy. docs/problems.md and the OpenAPI
 * document are generated from or tested against it. `type` is urn:ordo:problem:<code, lower case,
 * ->. */
#pragma once

#include <stdbool.h>

/*        code                    status retry_safe title, meaning */
#define PROBLEM_TABLE(X)                                                                           \
        X(NONE, 200, false, "No problem", "")                                                      \
        X(MALFORMED_JSON, 400, true, "The body is not valid JSON",                                 \
          "The body must be one JSON object in UTF-8 without duplicate keys.")                     \
        X(BODY_REQUIRED, 400, true, "A body is required", "Send a JSON object.")                   \
        X(BODY_UNEXPECTED, 400, true, "No body is expected here",                                  \
          "Send this request without a body.")                                                     \
        X(INVALID_REQUEST, 400, true, "The request is not valid",                                  \
          "`errors` names each field with a JSON pointer and says what is expected.")              \
        X(INVALID_QUERY, 400, true, "The query is not valid",                                      \
          "`errors` names each parameter and says what is expected.")                              \
        X(INVALID_HEADER, 400, true, "A header is not valid",                                      \
          "A header is malformed, repeated, or not allowed here; `detail` names it.")              \
        X(HOST_NOT_ALLOWED, 400, true, "The host name is not allowed",                             \
          "Use an address or localhost, or list the name in ORDO_ALLOWED_HOSTS.")                  \
        X(IDEMPOTENCY_KEY_REQUIRED, 400, true, "An Idempotency-Key is required",                   \
          "Send a header Idempotency-Key with a new unique value for each order you mean.")        \
        X(IDEMPOTENCY_KEY_INVALID, 400, true, "The Idempotency-Key is not valid",                  \
          "A key is 1 to 255 visible ASCII characters, bare or in double quotes, sent once.")      \
        X(UNAUTHORIZED, 401, true, "A valid token is required",                                    \
          "Send Authorization: Bearer with the API token.")                                        \
        X(FORBIDDEN, 403, true, "The key may not do this",                                         \
          "The API key lacks the scope that this route needs.")                                    \
        X(ACCOUNT_FORBIDDEN, 403, true, "The key may not use this account",                        \
          "The API key is limited to other accounts.")                                             \
        X(ADDRESS_FORBIDDEN, 403, true, "The key may not be used from this address",               \
          "The API key is limited to other networks.")                                             \
        X(NOT_FOUND, 404, true, "There is nothing here", "See /docs for the routes.")              \
        X(ORDER_NOT_FOUND, 404, true, "No such order", "No order has this id.")                    \
        X(LEG_NOT_FOUND, 404, true, "No such leg", "The order has no leg of this number.")         \
        X(ACCOUNT_NOT_FOUND, 404, true, "No such account",                                         \
          "Accounts are listed in ORDO_ACCOUNTS and by GET /api/v1/accounts.")                     \
        X(METHOD_NOT_ALLOWED, 405, true, "This method is not allowed here",                        \
          "The Allow header names the methods of this path.")                                      \
        X(IDEMPOTENCY_IN_FLIGHT, 409, false, "The first request with this key is still running",   \
          "Repeat the same request after Retry-After; it will answer what became of the first.")   \
        X(CLIENT_ORDER_ID_TAKEN, 409, false, "This client_order_id was used today",                \
          "A client_order_id is unique per account and day.")                                      \
        X(ORDER_NOT_OPEN, 409, false, "The order is not open",                                     \
          "Only an order that is still live at the broker can be modified or cancelled.")          \
        X(LEG_UNRESOLVED, 409, true, "An earlier order's outcome is not known yet",                \
          "Until it is, orders that may add risk to this account and instrument are refused, "     \
          "and such as the broker's book might not tell from it.")                                 \
        X(LEG_ALREADY_SETTLED, 409, false, "The leg is settled",                                   \
          "Only a leg with an unknown outcome can be resolved by an operator.")                    \
        X(LOGIN_NOT_PENDING, 409, true, "No such login is pending",                                \
          "Start a login first; a newer one replaces an older one.")                               \
        X(MODIFY_UNSUPPORTED, 409, true, "This order cannot be modified so",                       \
          "Cancel it and place another one.")                                                      \
        X(PAYLOAD_TOO_LARGE, 413, true, "The body is too large", "A body may hold 65536 bytes.")   \
        X(URI_TOO_LONG, 414, true, "The request target is too long",                               \
          "Path and query may hold 8192 bytes together.")                                          \
        X(UNSUPPORTED_MEDIA_TYPE, 415, true, "The body must be JSON",                              \
          "Send Content-Type: application/json.")                                                  \
        X(IDEMPOTENCY_MISMATCH, 422, false, "This key was used for another request",               \
          "A key belongs to one order; use a new key for a new order.")                            \
        X(INSTRUMENT_UNKNOWN, 422, true, "The instrument is not known",                            \
          "Search with GET /api/v1/instruments; symbols are written EXCHANGE:SYMBOL.")             \
        X(INSTRUMENT_NOT_TRADABLE, 422, true, "The instrument cannot be traded",                   \
          "An index, an expired contract, or one that this account's broker does not offer.")      \
        X(LOT_SIZE, 422, true, "The quantity is not a multiple of the lot",                        \
          "Quantities are in exchange units and a multiple of the lot.")                           \
        X(TICK_SIZE, 422, true, "The price is not on the tick grid",                               \
          "Prices are multiples of the instrument's tick.")                                        \
        X(FREEZE_QUANTITY, 422, true, "The quantity is above the freeze quantity",                 \
          "The exchange refuses a single order of this size; send several.")                       \
        X(PRODUCT_UNSUPPORTED, 422, true, "The product is not supported for this instrument",      \
          "GET /api/v1/accounts tells what each account can do.")                                  \
        X(TYPE_UNSUPPORTED, 422, true, "The order type is not supported for this instrument",      \
          "GET /api/v1/accounts tells what each account can do.")                                  \
        X(VALIDITY_UNSUPPORTED, 422, true, "The validity is not supported for this instrument",    \
          "GET /api/v1/accounts tells what each account can do.")                                  \
        X(DISCLOSED_UNSUPPORTED, 422, true, "The disclosed quantity is not allowed",               \
          "It is for cash and currency, at least 10 % of the order, and not with IOC.")            \
        X(MARKET_ORDER_REFUSED, 422, true, "Market orders are refused on this account",            \
          "Send a limit order, or set the account's market policy.")                               \
        X(MARKET_CLOSED, 422, true, "The market is closed",                                        \
          "The segment's session is not open; see docs/configuration.md, SESSION_HOURS.")          \
        X(NO_REFERENCE_PRICE, 422, true, "There is no price to compare with",                      \
          "Send a limit order in place of a market order; for limit orders see "                   \
          "COLLAR_WITHOUT_QUOTE.")                                                                 \
        X(MAX_ORDER_VALUE, 422, true, "The order is above the value limit",                        \
          "Send less, or raise MAX_ORDER_VALUE of the account or of the key: the message says "    \
          "whose.")                                                                                \
        X(MAX_ORDER_QUANTITY, 422, true, "The order is above the quantity limit",                  \
          "Send less, or raise MAX_ORDER_QUANTITY of the account or of the key.")                  \
        X(MAX_OPEN_ORDERS, 422, true, "Too many open orders",                                      \
          "Cancel some, or raise MAX_OPEN_ORDERS of the account or of the key.")                   \
        X(MAX_ORDERS_PER_DAY, 422, true, "The day's order count is used up",                       \
          "Raise MAX_ORDERS_PER_DAY of the account or of the key.")                                \
        X(MAX_MODIFICATIONS, 422, true, "The order was modified too often",                        \
          "Cancel it and place another one, or raise the account's MAX_MODIFICATIONS.")            \
        X(MAX_ORDERS_PER_TRADE, 422, true, "Too many orders for those that trade",                 \
          "Send fewer orders that do not trade, or raise the account's MAX_ORDERS_PER_TRADE.")     \
        X(MAX_DAILY_VALUE, 422, true, "The day's traded value is used up",                         \
          "Raise MAX_DAILY_VALUE of the account or of the key.")                                   \
        X(MAX_DAILY_LOSS, 422, true, "The day's loss is at its limit",                             \
          "Only orders that reduce a position pass today, unless MAX_DAILY_LOSS is raised.")       \
        X(PRICE_COLLAR, 422, true, "The price is too far from the market",                         \
          "Send a price nearer to the last one, or widen PRICE_COLLAR of the account or of the "   \
          "key.")                                                                                  \
        X(SELF_CROSS, 422, true, "The order would trade against your own",                         \
          "Cancel the other order first, or choose a price that does not meet it.")                \
        X(IDENTICAL_ORDER, 422, true, "The same order was sent a moment ago",                      \
          "Wait for the repeat window, or change REPEAT_WINDOW_MS if you mean to repeat it.")      \
        X(INSUFFICIENT_FUNDS, 422, true, "The funds are not sufficient",                           \
          "The order needs more than is available after what is reserved for others.")             \
        X(MULTIPLIER_ROUNDS_TO_ZERO, 422, true, "The multiplier leaves no whole lot",              \
          "Raise the quantity or the multiplier of this target.")                                  \
        X(NOT_REDUCING, 422, true, "The order does not reduce the position",                       \
          "reduce_only orders must be opposite to the position and not larger.")                   \
        X(BROKER_REJECTED, 422, true, "The broker refused the order",                              \
          "broker_code and broker_message say why; nothing is live at the broker.")                \
        X(PRICE_BAND, 422, true, "The price is outside the day's band",                            \
          "The exchange takes prices inside the instrument's circuit limits only.")                \
        X(BROKER_SETUP, 422, true, "The broker refuses this program or this address",              \
          "The API key, its permissions or the registered static IP; broker_message says more.")   \
        X(LOGIN_REFUSED, 422, true, "The broker refused the login",                                \
          "broker_message says why; a one-time password or code is good once and not for long.")   \
        X(LOGIN_WRONG_ACCOUNT, 422, true, "The login was somebody else's",                         \
          "The session belongs to another client than the account's CLIENT_ID; it was dropped.")   \
        X(LOGIN_FAILED, 424, true, "The login did not come to an end",                             \
          "The broker gave no usable answer, or the login took too long; start it again.")         \
        X(NOT_SENT, 422, true, "The order was not sent",                                           \
          "Nothing of it reached the broker; place it again with a new key if you still want it.") \
        X(NOT_PLACED, 422, true, "The order is not in the broker's book",                          \
          "It was sent, its answer was lost, and the book proves that it does not exist.")         \
        X(KILL_SWITCH, 423, true, "The kill switch is on",                                         \
          "Orders that may add risk are refused until an administrator releases it.")              \
        X(SESSION_REQUIRED, 424, true, "The account needs a login",                                \
          "Log in with ordoctl login or POST /api/v1/auth/{broker}/{account}/login.")              \
        X(BROKER_UNREACHABLE, 424, true, "The broker could not be reached",                        \
          "No byte of the order left this machine; place it again with a new key.")                \
        X(RATE_LIMITED, 429, true, "Too many requests", "Wait as long as Retry-After says.")       \
        X(AUTH_THROTTLED, 429, true, "Too many failed attempts from this address",                 \
          "Wait as long as Retry-After says.")                                                     \
        X(ORDER_RATE, 429, true, "The order rate of the account or of the key is used up",         \
          "Wait a moment; the windows are shown in GET /api/v1/status.")                           \
        X(BROKER_RATE, 429, true, "The broker's own rate is used up",                              \
          "Wait as long as Retry-After says; the broker blocks those who call more often.")        \
        X(REJECT_STORM, 429, true, "The broker rejected too many orders",                          \
          "Only orders that reduce a position pass until Retry-After; see why they are rejected.") \
        X(TOO_MANY_STREAMS, 429, true, "Too many event streams",                                   \
          "Close one of the open streams of this key first.")                                      \
        X(INTERNAL, 500, false, "Something is broken inside Ordo",                                 \
          "The journal has a record with this correlation_id.")                                    \
        X(STORE_UNAVAILABLE, 503, true, "The ledger cannot be written",                            \
          "Nothing was sent. The disk may be full or the database away; /ready says more.")        \
        X(NOT_READY, 503, true, "The account is not ready yet",                                    \
          "Its order book was not read yet since the start, or cannot be: the message says "       \
          "which. Try again in a moment.")                                                         \
        X(INSTRUMENTS_MISSING, 503, true, "The broker's instruments are not there yet",            \
          "The first file of them is still being fetched, or cannot be; /api/v1/status says "      \
          "more.")                                                                                 \
        X(BREAKER_OPEN, 503, true, "The broker's circuit breaker is open",                         \
          "The broker failed several times in a row; try again in a moment.")                      \
        X(OVERLOADED, 503, true, "Too much at once", "Try again in a moment.")                     \
        X(SHUTTING_DOWN, 503, true, "The daemon is stopping",                                      \
          "It takes no new orders; try again in a moment.")                                        \
        X(OUTCOME_UNKNOWN, 202, false, "The outcome is not known yet",                             \
          "The order may be live. Ordo keeps asking the broker; read Location or the events.")

enum problem {
#define X(code, status, retry_safe, title, meaning) PROBLEM_##code,
        PROBLEM_TABLE(X)
#undef X
                _PROBLEM_MAX
};

const char *problem_code(enum problem p); /* "LOT_SIZE" */
int problem_status(enum problem p);
bool problem_retry_safe(enum problem p);
const char *problem_title(enum problem p);
const char *problem_meaning(enum problem p);
/* By code; -EINVAL when unknown. */
int problem_from_code(const char *code);
