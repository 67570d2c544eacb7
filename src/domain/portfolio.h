/* What an account has: funds, holdings, positions; and its books: orders and trades as the broker
 * shows them. Money in 1e-4 rupee, quantities in exchange units, times wall clock (0 unknown). */
#pragma once

#include "domain/order.h"

struct funds {
        int64_t available;
        int64_t used; /* margin and order blocks */
        int64_t total;
        int64_t realised_pnl; /* today */
        int64_t unrealised_pnl;
};

/* What an order would block. */
struct margin {
        int64_t required;
        int64_t available; /* after it; 0: the broker does not tell */
};

struct holding {
        char symbol[SYMBOL_SIZE];
        int64_t quantity;
        int64_t average_price;
        int64_t last_price; /* 0 unknown */
        int64_t pnl;
};

struct position {
        char symbol[SYMBOL_SIZE];
        enum product product;
        int64_t quantity; /* signed: short is negative */
        int64_t average_price;
        int64_t last_price;
        int64_t realised_pnl;
        int64_t unrealised_pnl;
        int64_t buy_quantity, sell_quantity; /* today */
};

/* One row of a broker's order book. */
struct book_order {
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        char tag[TAG_SIZE]; /* "" when the broker echoes none */
        char symbol[SYMBOL_SIZE];
        enum side side;
        enum order_type type;
        enum product product;
        enum validity validity;
        int64_t quantity, filled_quantity;
        int64_t price, trigger_price, average_price;
        enum order_status status;
        int64_t placed_us, updated_us;
        char message[MESSAGE_SIZE];
};

struct trade {
        char account[ACCOUNT_SIZE]; /* filled in by the orchestrator */
        char trade_id[BROKER_ORDER_ID_SIZE];
        char broker_order_id[BROKER_ORDER_ID_SIZE];
        char order_id[ID_SIZE]; /* ours; "" external */
        char tag[TAG_SIZE];
        char symbol[SYMBOL_SIZE];
        enum side side;
        enum product product;
        int64_t quantity, price;
        int64_t at_us;
};

struct quote {
        char symbol[SYMBOL_SIZE];
        int64_t last, bid, ask;
        int64_t bid_quantity, ask_quantity;
        int64_t open, high, low, close; /* close: of the previous day */
        int64_t volume;
        int64_t lower_circuit, upper_circuit; /* 0 none */
        int64_t at_us;
};
