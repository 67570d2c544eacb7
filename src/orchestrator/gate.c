#include "orchestrator/gate_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "orchestrator/state.h"

enum gate_answer gate_refuse(struct gate *g, struct leg *leg, enum problem problem,
                             const char *pointer, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(leg->message, sizeof(leg->message), format, args);
        va_end(args);
        g->problem = problem;
        text_copy(g->pointer, sizeof(g->pointer), pointer);
        return GATE_REFUSED;
}

int64_t gate_rest(const struct leg *leg, const struct gate *g)
{
        return leg->quantity - (g->modified ? g->modified->filled_quantity : 0);
}

bool gate_lesser(const struct order *order, const struct leg *leg, const struct gate *g)
{
        const struct open_leg *l = g->modified;
        return l && leg->quantity <= l->quantity && order->type == l->type &&
               order->price == l->price && order->trigger_price == l->trigger_price;
}

enum broker_op gate_op(const struct gate *g)
{
        return g->modified ? BROKER_MODIFY : BROKER_PLACE;
}

static const struct {
        enum gate_answer (*check)(const struct order *order, struct leg *leg, struct gate *g);
        bool lesser; /* asked of a modification that adds nothing, too */
} checks[] = {
        {gate_account, true},       {gate_breaker, true},
        {gate_instrument, true},    {gate_reducing, false},
        {gate_support, false},      {gate_market_policy, false},
        {gate_twin, false},         {gate_collar, false},
        {gate_band, false},         {gate_cross, false},
        {gate_modifications, true}, {gate_ratio, false},
        {gate_funds, false},        {gate_turn, true},
        {gate_limits, true}, /* last, because they take */
};

enum gate_answer gate_check(const struct order *order, struct leg *leg, struct gate *g)
{
        enum gate_answer r = GATE_PASSED;

        g->problem = PROBLEM_NONE;
        g->pointer[0] = '\0';
        g->passes_halt = false;
        g->reserved = g->value = 0;
        leg->effective.type = order->type;
        leg->effective.price = order->price;
        leg->effective.trigger_price = order->trigger_price;
        for (size_t i = 0; i < ELEMENTS(checks) && r == GATE_PASSED; i++) {
                /* The quantity is the leg's from gate_instrument() on. */
                if (!checks[i].lesser && gate_lesser(order, leg, g))
                        g->passes_halt = true;
                else
                        r = checks[i].check(order, leg, g);
        }
        if (r == GATE_PASSED) {
                /* What is refused makes no calls, however often it is tried. */
                if (!gate_lesser(order, leg, g))
                        funds_keep_young(g->account);
                funds_reserve(g->account, g->reserved);
                g->taken = true;
        } else {
                lane_leave(g->account, &g->turn);
        }
        return r;
}

void gate_give_back(const struct order *order, const struct leg *leg, struct gate *g)
{
        if (!g->taken)
                return;
        g->taken = false;
        funds_settle(g->account, g->reserved, false);
        lane_leave(g->account, &g->turn);
        gate_limits_give_back(order, leg, g);
}

void gate_settle(const struct order *order, const struct leg *leg, struct gate *g)
{
        if (leg->outcome == OUTCOME_NOT_SENT) {
                gate_give_back(order, leg, g);
                return;
        }
        if (!g->taken)
                return;
        g->taken = false;
        lane_sent(&g->turn);
        if (g->modified)
                g->modified->modifications++;
        funds_settle(g->account, g->reserved, leg->outcome != OUTCOME_REJECTED);
        if (leg->outcome != OUTCOME_REJECTED || g->account->unlimited || g->exit)
                return;
        limits_not_traded(&g->account->limits, g->value);
        if (g->quota)
                limits_not_traded(&g->quota->limits, g->value);
        storm_note(g->account, leg->problem);
}
