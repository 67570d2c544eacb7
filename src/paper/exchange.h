/* The inside of the simulated exchange: what it is made of and who owns what. Only src/paper
 * includes this.
 *
 *   paper ─┬─ listings   one per instrument anybody asked for: its rules, its market
 *          └─ accounts ─┬─ orders, trades   of the day, in the order of their numbers
 *                       ├─ tags             the day's tags -> orders
 *                       └─ books            one per instrument touched
 *                           ├─ queues       what rests, best first
 *                           └─ positions    one per product
 *
 * Accounts never meet: each trades with the market alone. All times are wall clock, all money 1e-4
 * rupee. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION     HASH_OAT /* the default falls through its cases: clang warns */
#include <uthash.h>

#include "base/decimal.h"
#include "base/list.h"
#include "base/text.h"
#include "domain/portfolio.h"
#include "paper/market.h"
#include "paper/paper.h"

#define PAPER_ORDERS_MAX 200000U /* of one account and day */
#define PAPER_TRADES_MAX \
        1000000U             /* of one account and day; then its orders rest until the next day */
#define PAPER_PRUNE_MAX 512U /* rows of past days deleted with one rider */
#define PAPER_FUNDS_MAX (INT64_C(1000000000000) * DECIMAL_ONE)  /* 1 lakh crore: sums stay exact */
#define PAPER_VALUE_MAX (INT64_C(10000000000000) * DECIMAL_ONE) /* of one order */
#define PAPER_ID_DAY    UINT64_C(100000000) /* ids are yymmdd × this + number */

/* Grows by chunks and never moves what it holds. */
#define SLAB_CHUNK 256U
struct slab {
        void **chunks;
        uint32_t n, n_chunks;
        uint32_t item; /* bytes of one */
};
int slab_reserve(struct slab *s); /* the next slab_add() cannot fail */
void *slab_add(struct slab *s);   /* zeroed */
void *slab_at(const struct slab *s, uint32_t i);
void slab_done(struct slab *s);

struct listing {
        UT_hash_handle hh;            /* paper.listings by symbol */
        struct instrument instrument; /* a copy of what find() said last */
        bool known;                   /* find() has known it */
        uint64_t seed;
        /* what the day's market has shown up to range_tick */
        int64_t range_first, range_tick, range_close;
        int64_t open, high, low;
};

enum order_flag {
        ORDER_DIRTY = 1 << 0,
        ORDER_TRIGGERED = 1 << 1,  /* a stop that fired: a limit or market order since */
        ORDER_SQUARE_OFF = 1 << 2, /* the exchange's own */
};
enum order_reason { REASON_NONE, REASON_SELF_TRADE, REASON_SQUARE_OFF, _REASON_MAX };

struct paper_order {
        struct list updated; /* paper_account.updated: oldest change first */
        uint64_t id;
        struct paper_book *book;
        struct live *live; /* NULL once it is terminal */
        int64_t price, trigger_price;
        int64_t value; /* Σ price × quantity of its fills */
        int64_t placed_us, updated_us;
        uint32_t quantity, filled;
        uint32_t first_trade; /* index + 1; 0 none */
        uint8_t side, type, product, validity, status, flags, reason;
        char tag[TAG_SIZE];
};

/* What only an order at the market has. */
struct live {
        struct list of_position; /* paper_position.live[side] */
        struct paper_order *order;
        uint64_t sequence;   /* time priority */
        int64_t rank;        /* price priority: more is better */
        int64_t block_price; /* the worst it can trade at: what funds are blocked for */
        struct queue *queue; /* it rests in; NULL while it is being matched */
};

struct paper_trade {
        union {
                struct paper_order *order;
                uint64_t order_id; /* between paper_restore() and the first request */
        };
        uint64_t id;
        int64_t price, at_us;
        uint32_t quantity;
        bool dirty;
};

/* Sorted, best first, in items[first … first + n). Room at both ends: what is as good as the rest
 * and later goes to the end, what has traded leaves at the front, and neither moves the others. */
struct queue {
        struct live **items;
        uint32_t first, n, size;
};

enum { QUEUE_BUYS, QUEUE_SELLS, QUEUE_BUY_STOPS, QUEUE_SELL_STOPS, _QUEUE_MAX };

struct paper_position {
        struct paper_book *book;
        uint8_t product;
        bool dirty;
        int64_t quantity; /* signed */
        int64_t cost;     /* Σ price × quantity of what is open, never negative */
        int64_t realised; /* today, sales out of holdings included */
        int64_t released; /* cost of the holdings sold today */
        int64_t buy_quantity, sell_quantity;    /* today */
        int64_t holding_quantity, holding_cost; /* CNC: delivered on earlier days */
        /* derived */
        struct list live[_SIDE_MAX];
        int64_t open_quantity[_SIDE_MAX], open_value[_SIDE_MAX]; /* unfilled, at block_price */
        int64_t used; /* its part of paper_account.used */
};

struct paper_book {
        UT_hash_handle hh; /* paper_account.books by listing */
        struct listing *listing;
        struct paper_account *account;
        struct list resting; /* paper_account.resting; left when found empty */
        struct queue queues[_QUEUE_MAX];
        int64_t taken_tick, taken[_SIDE_MAX]; /* what was traded of the sizes shown at that tick */
        struct paper_position *positions[_PRODUCT_MAX];
};

/* The day's tags. Open addressing, index + 1 of the order; refilled when the orders change place.
 */
struct tags {
        uint32_t *slots;
        uint32_t n, size; /* size: a power of two */
};

struct prune {
        uint64_t id;
        bool trade;
};

struct paper_account {
        struct paper *paper;
        struct paper_account *next;
        char id[ACCOUNT_SIZE];
        bool enforce_hours, still;
        bool restored; /* its row was read */
        bool dirty;
        int day, previous_day; /* 20261123; previous_day: expired orders of it are still shown */
        int64_t opening;       /* cash at the start of `day` */
        int64_t cash, used;    /* derived */
        int64_t tick;          /* the books are matched up to and including it */
        struct slab orders, trades;
        uint32_t carried; /* the first orders: expired at the last roll */
        struct tags tags;
        struct list updated;
        struct paper_book *books;
        struct list resting;
        struct prune *prune; /* rows of past days that wait for their deletion */
        uint32_t n_prune, size_prune;
};

enum kind { KIND_ACCOUNT, KIND_ORDER, KIND_TRADE, KIND_POSITION, _KIND_MAX };
struct dirty {
        enum kind kind;
        struct paper_account *account;
        void *entity;
};

struct paper {
        struct paper_options options;
        struct paper_account *accounts;
        struct listing *listings;
        bool ready;  /* what was restored is in place */
        int64_t now; /* never goes back */
        int day;     /* of the ids; never goes back */
        int64_t day_end_us;
        uint64_t order_number, trade_number, sequence;
        bool rewrite; /* what is dirty was forgotten for want of memory: everything is */
        int failed;   /* what was restored could not be put in place */
        struct dirty *dirty;
        uint32_t n_dirty, size_dirty;
};

/* A refusal: what the client reads. code NULL: none. */
struct refusal {
        int status;
        const char *code;
        char message[MESSAGE_SIZE];
};
int refuse(struct refusal *r, int status, const char *code, const char *format, ...)
        __attribute__((format(printf, 4, 5))); /* 1 */

/* listing.c */
int listing_get(struct paper *p, const char *symbol, struct listing **ret); /* 1: unknown */
int listing_restore(struct paper *p, const char *symbol, struct listing **ret);
void listing_refresh(struct paper *p, struct listing *l);
struct market listing_market(const struct listing *l, bool still);
void listing_range(struct listing *l, const struct market *m, int64_t first, int64_t tick);
void listings_free(struct paper *p);

/* account.c: finding things of one account; memory first, so that what follows cannot fail */
struct paper_account *account_find(struct paper *p, const char *id);
struct paper_account *account_free(struct paper_account *a);
int account_book(struct paper_account *a, struct listing *l, struct paper_book **ret);
int book_position(struct paper_book *b, enum product product, struct paper_position **ret);
struct paper_order *account_order(const struct paper_account *a, uint64_t id);
struct paper_trade *account_trade(const struct paper_account *a, uint64_t id);
struct paper_order *account_tag(const struct paper_account *a, const char *tag);
int tags_reserve(struct paper_account *a);
void tags_add(struct paper_account *a, uint32_t index);
static inline struct paper_order *order_at(const struct paper_account *a, uint32_t i)
{
        return slab_at(&a->orders, i);
}
static inline struct paper_trade *trade_at(const struct paper_account *a, uint32_t i)
{
        return slab_at(&a->trades, i);
}

/* order.c: the life of one order */
struct entry; /* entry.h */
int paper_order_new(struct paper_book *b, const struct entry *e, struct paper_order **ret);
void paper_order_move(struct paper_order *o, enum order_status to);
void paper_order_touch(struct paper_order *o);
enum order_type paper_order_acts_as(const struct paper_order *o);
int64_t paper_order_average(const struct paper_order *o);
void live_begin(struct paper_order *o, struct live *l, int64_t block_price, uint64_t sequence);
void live_end(struct paper_order *o);
int queue_reserve(struct queue *q);
void queue_insert(struct paper_order *o, struct queue *q, int64_t rank);
void queue_remove(struct paper_order *o);
bool book_rests(const struct paper_book *b);
static inline struct live *queue_best(const struct queue *q)
{
        return q->n ? q->items[q->first] : NULL;
}

/* match.c */
int match_order(struct paper_order *o);
int match_account(struct paper_account *a);
int match_through(struct paper_book *b, int64_t from, int64_t to);
int match_fill(struct paper_order *o, int64_t quantity, int64_t price, int64_t at_us);
void match_rest(struct paper_order *o);
bool match_self_trade(const struct paper_book *b, enum side side, bool market, int64_t price,
                      const struct market_quote *q);

/* day.c */
int64_t day_end_tick(
        const struct paper_book *b); /* the last one the book trades at on the account's day */
int day_roll(struct paper *p, int today);
int day_advance(struct paper_account *a); /* to now: matching, the end of trading */

/* funds.c */
void position_fill(struct paper_position *pos, enum side side, int64_t quantity, int64_t price);
void position_update(struct paper_position *pos);
/* What the position would use if `side` had `quantity` more open at `block_price`. */
int64_t position_used_with(const struct paper_position *pos, enum side side, int64_t quantity,
                           int64_t block_price);
int64_t position_sellable(const struct paper_position *pos); /* of products that never go short */
int64_t position_unrealised(const struct paper_position *pos, int64_t last);
int64_t position_flow(const struct paper_position *pos);
static inline bool product_delivers(enum product product)
{
        return product == PRODUCT_CNC || product == PRODUCT_MTF;
}

/* persist.c */
int dirty_reserve(struct paper *p, unsigned more);
void dirty_order(struct paper_order *o);
void dirty_trade(struct paper_account *a, struct paper_trade *t);
void dirty_position(struct paper_position *pos);
void dirty_account(struct paper_account *a);
void dirty_forget_day(struct paper_account *a);
int prune_reserve(struct paper_account *a, uint32_t more);
void prune_add(struct paper_account *a, uint64_t id, bool trade); /* room was reserved */
int persist_collect(struct paper *p, struct rider **ret);

/* restore.c */
int restore_finish(struct paper *p);

uint64_t id_of(int day, uint64_t number);
int id_day(uint64_t id);
#define ID_TEXT_SIZE 24
const char *id_print(uint64_t id, char buf[static ID_TEXT_SIZE]);
int id_parse(const char *s, size_t n, uint64_t *ret);
