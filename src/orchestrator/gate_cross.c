/* An order must not trade against one of the same person: the exchanges forbid it, whatever was
 * meant by it. */
#include "orchestrator/gate_check.h"

#include <string.h>

#include "base/decimal.h"
#include "orchestrator/state.h"

/* An order as the market meets it: the price up to which it trades, and from where on. */
struct reach {
        enum side side;
        int64_t worst;   /* INT64_MAX and 0: at any price */
        int64_t trigger; /* 0: it trades at once */
};

static int64_t worst_of(enum side side, int64_t price)
{
        return price ? price : side == SIDE_BUY ? INT64_MAX : 0;
}

static bool stop(enum order_type type)
{
        return type == ORDER_TYPE_STOP || type == ORDER_TYPE_STOP_LIMIT;
}

static struct reach reach_of_leg(const struct open_leg *l)
{
        bool in_the_book =
                l->status == ORDER_STATUS_OPEN || l->status == ORDER_STATUS_PARTIALLY_FILLED;
        struct reach r = {.side = l->side, .worst = worst_of(l->side, l->price)};
        if (stop(l->type) && !in_the_book)
                r.trigger = l->trigger_price;
        /* While a modification runs, the order is either one. */
        if (l->modify_us) {
                int64_t then = worst_of(l->side, l->modify_price);
                if (l->side == SIDE_BUY ? then > r.worst : then < r.worst)
                        r.worst = then;
        }
        return r;
}

static bool cross(const struct reach *a, const struct reach *b)
{
        const struct reach *buy = a->side == SIDE_BUY ? a : b, *sell = a->side == SIDE_BUY ? b : a;

        if (buy->worst < sell->worst)
                return false;
        /* When its trigger is met, the market has already taken what lies on the way there; what
         * lies behind it waits for the stop. */
        if (buy->trigger && sell->trigger)
                return false;
        if (sell->trigger)
                return buy->worst <= sell->trigger;
        if (buy->trigger)
                return sell->worst >= buy->trigger;
        return true;
}

/* What stands in the way: an order of ours, or another one in the account's book. */
struct rival {
        struct account_state *account;
        const char *id; /* ours, or the broker's number */
        enum side side;
        int64_t price;
        bool sure; /* on its way, unresolved, being modified: it may be there whatever a book says
                    */
};

static bool meets_leg(struct account_state *a, const struct order *order, const struct reach *mine,
                      const struct open_leg *except, struct rival *ret)
{
        enum side against = order->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;

        LIST_FOREACH (it, open_symbol_legs(a->open_symbols, order->symbol, against)) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_side);
                if (l == except || order_status_terminal(l->status))
                        continue;
                struct reach other = reach_of_leg(l);
                if (!cross(mine, &other))
                        continue;
                *ret = (struct rival){
                        .account = a, .id = l->order_id, .side = l->side, .price = l->price};
                ret->sure = l->in_operation || l->modify_us || open_leg_unresolved(l);
                return true;
        }
        return false;
}

/* Placed by hand, or by another program. */
static bool meets_external(struct account_state *a, const struct order *order,
                           const struct reach *mine, struct rival *ret)
{
        for (unsigned i = 0; i < a->external.n; i++) {
                const struct book_order *row = &a->external.rows[i];
                if (row->side == order->side || order_status_terminal(row->status) ||
                    strcmp(row->symbol, order->symbol) != 0)
                        continue;
                struct reach other = {.side = row->side, .worst = worst_of(row->side, row->price)};
                if (row->status == ORDER_STATUS_TRIGGER_PENDING)
                        other.trigger = row->trigger_price;
                if (!cross(mine, &other))
                        continue;
                *ret = (struct rival){.account = a,
                                      .id = row->broker_order_id,
                                      .side = row->side,
                                      .price = row->price};
                return true;
        }
        return false;
}

/* The accounts of one person are one, for the exchanges. */
static bool same_owner(const struct account *a, const struct account *b)
{
        return a == b ||
               (a->owner && b->owner && strcmp(a->owner, b->owner) == 0 && a->paper == b->paper);
}

/* What is in the book may have traded since it was read: it is read again before it is believed. */
static enum gate_answer decide(struct gate *g, struct leg *leg, const struct rival *r)
{
        char price[DECIMAL_TEXT_SIZE];

        if (!r->sure && g->book_asked != r->account &&
            r->account->session == SESSION_STATE_ACTIVE) {
                g->book_asked = r->account;
                return GATE_NEEDS_BOOK;
        }
        return gate_refuse(g, leg, PROBLEM_SELF_CROSS, "/price",
                           "it would trade against your own order %s of %s: %s at %s", r->id,
                           r->account->account->id, side_name(r->side),
                           r->price ? decimal_print(r->price, price) : "any price");
}

enum gate_answer gate_cross(const struct order *order, struct leg *leg, struct gate *g)
{
        const struct account_state *mine = g->account;
        const struct orchestrator *o = mine->orchestrator;
        const struct effective *e = &leg->effective;
        struct reach reach = {.side = order->side,
                              .worst = worst_of(order->side, e->price),
                              .trigger = stop(e->type) ? e->trigger_price : 0};
        struct rival rival;

        if (g->exit || mine->unlimited || mine->account->self_cross_pass)
                return GATE_PASSED;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (same_owner(a->account, mine->account) &&
                    (meets_leg(a, order, &reach, g->modified, &rival) ||
                     meets_external(a, order, &reach, &rival)))
                        return decide(g, leg, &rival);
        }
        return GATE_PASSED;
}
