/* An order must not trade against one of the same person: the exchanges forbid it, whatever was
 * meant by it. */
#include "orchestrator/gate_check.h"

#include <stdio.h>
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

/* What was accepted may have traded since; the book tells. One that is on its way or unresolved may
 * be there. */
static bool ask_book(struct gate *g, const struct open_leg *l)
{
        struct account_state *a = l->account;

        if (l->in_operation || open_leg_unresolved(l) || l->modify_us || g->book_asked == a ||
            a->session != SESSION_STATE_ACTIVE)
                return false;
        g->book_asked = a;
        return true;
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

static const struct open_leg *crossed(const struct account_state *a, const struct order *order,
                                      const struct reach *mine, const struct open_leg *except)
{
        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l == except || l->side == order->side || order_status_terminal(l->status) ||
                    strcmp(l->symbol, order->symbol) != 0)
                        continue;
                struct reach other = reach_of_leg(l);
                if (cross(mine, &other))
                        return l;
        }
        return NULL;
}

/* The accounts of one person are one, for the exchanges. */
static bool same_owner(const struct account *a, const struct account *b)
{
        return a == b ||
               (a->owner && b->owner && strcmp(a->owner, b->owner) == 0 && a->paper == b->paper);
}

static enum gate_answer refuse(struct gate *g, struct leg *leg, const struct open_leg *l)
{
        char price[DECIMAL_TEXT_SIZE], words[DECIMAL_TEXT_SIZE + 8] = "any price";
        if (l->price)
                snprintf(words, sizeof(words), "%s", decimal_print(l->price, price));
        return gate_refuse(g, leg, PROBLEM_SELF_CROSS, "/price",
                           "it would trade against your own order %s of %s: %s at %s", l->order_id,
                           l->account->account->id, side_name(l->side), words);
}

enum gate_answer gate_cross(const struct order *order, struct leg *leg, struct gate *g)
{
        const struct account_state *mine = g->account;
        const struct orchestrator *o = mine->orchestrator;
        const struct effective *e = &leg->effective;
        struct reach reach = {.side = order->side,
                              .worst = worst_of(order->side, e->price),
                              .trigger = stop(e->type) ? e->trigger_price : 0};

        if (g->exit || mine->unlimited || mine->account->self_cross_pass)
                return GATE_PASSED;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct account_state *a = &o->accounts[i];
                if (!same_owner(a->account, mine->account))
                        continue;
                const struct open_leg *l = crossed(a, order, &reach, g->modified);
                if (l)
                        return ask_book(g, l) ? GATE_NEEDS_BOOK : refuse(g, leg, l);
        }
        return GATE_PASSED;
}
