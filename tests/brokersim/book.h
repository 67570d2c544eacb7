/* The exchange behind the brokers: orders, trades, positions. Prices in 1e-4 rupee, quantities in
 * exchange units, times wall clock. */
#pragma once

#include "brokersim/account.h"
#include "brokersim/market.h"
#include "domain/words.h"

#define ENTRY_ID_SIZE      24
#define ENTRY_TAG_SIZE     64
#define ENTRY_MESSAGE_SIZE 160
#define QUANTITY_MAX_SIM   INT64_C(10000000) /* of one order: keeps every value within 64 bits */
#define PRICE_MAX_SIM      (INT64_C(1000000000) * 10)

/* Why an order is not taken; each broker has its own words for it. */
#define REFUSAL_TABLE(X)        \
        X(NONE, "none")         \
        X(FUNDS, "funds")       \
        X(HOLDINGS, "holdings") \
        X(LOT, "lot")           \
        X(TICK, "tick")         \
        X(BAND, "band")         \
        X(FREEZE, "freeze")     \
        X(TRIGGER, "trigger")   \
        X(PRODUCT, "product")   \
        X(CLOSED, "closed")     \
        X(FINAL, "final") /* modify, cancel: the order has ended */
enum refusal {
#define X(name, text) REFUSAL_##name,
        REFUSAL_TABLE(X)
#undef X
                _REFUSAL_MAX
};

struct ticket {
        struct listing *listing;
        enum side side;
        enum order_type type;
        enum product product;
        enum validity validity;
        int64_t quantity, price, trigger, disclosed;
        bool amo;
        char tag[ENTRY_TAG_SIZE];
};

struct entry {
        char id[ENTRY_ID_SIZE], exchange_id[ENTRY_ID_SIZE];
        struct user *user;
        struct ticket t;
        enum order_status status;
        bool triggered;
        bool not_by_api;                  /* placed by the control interface, as from a phone */
        int64_t filled, cancelled, value; /* of what was filled: the sum of quantity × price */
        int64_t blocked;
        int64_t placed_us, updated_us;
        unsigned modified;
        char message[ENTRY_MESSAGE_SIZE];
        struct list link; /* in the listing's `resting`, while it can be filled */
        UT_hash_handle hh;
};

struct deal {
        const struct entry *entry;
        uint64_t number;
        int64_t quantity, price, at_us;
};

struct stake {
        struct listing *listing;
        enum product product;
        int64_t bought, bought_value, sold, sold_value;
        int64_t used;
};

struct book {
        struct market *market;
        struct entry *entries; /* by id */
        uint64_t serial, deals;
        unsigned n, max;
        /* Words for a refusal, into `message`; set by the brokers. */
        void (*words)(const struct entry *e, enum refusal why, int64_t needed, char *buf, size_t n);
};

void book_init(struct book *b, struct market *m, unsigned max);
void book_done(struct book *b);
/* Everything of these users: orders, trades, positions, blocks. */
void book_clear(struct book *b, struct accounts *a);

/* What the instrument's rules say of it, without any order; NONE: fine. */
enum refusal book_check(const struct book *b, const struct ticket *t);
/* The order in the user's book, refused ones too (`*ret_why`). NULL: there are `max`. */
struct entry *book_place(struct book *b, struct user *u, const struct ticket *t,
                         enum refusal *ret_why);
enum refusal book_modify(struct book *b, struct entry *e, const struct ticket *t);
enum refusal book_cancel(struct book *b, struct entry *e, const char *message);
/* Fills at most `quantity`, whatever the market says; returns what was filled. */
int64_t book_fill(struct book *b, struct entry *e, int64_t quantity, int64_t price);
/* The exchange changes its mind. Terminal states end the order; OPEN puts it back. */
void book_flip(struct book *b, struct entry *e, enum order_status s, const char *message);
/* The price moved, or there is something to trade with again. */
void book_move(struct book *b, struct listing *l, int64_t price);

struct entry *book_find(const struct book *b, const struct user *u, const char *id);
static inline int64_t entry_open(const struct entry *e)
{
        return order_status_terminal(e->status) ? 0 : e->t.quantity - e->filled;
}
static inline int64_t entry_average(const struct entry *e)
{
        return e->filled > 0 ? (e->value + e->filled / 2) / e->filled : 0;
}
static inline int64_t stake_net(const struct stake *s)
{
        return s->bought - s->sold;
}
static inline int64_t average_of(int64_t value, int64_t quantity)
{
        return quantity > 0 ? (value + quantity / 2) / quantity : 0;
}
int64_t stake_realised(const struct stake *s);
int64_t stake_unrealised(const struct stake *s);
/* What the order would block. */
int64_t ticket_margin(const struct user *u, const struct ticket *t);
