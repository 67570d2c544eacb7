#include "orchestrator/loss.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "orchestrator/state.h"
#include "orchestrator/trip.h"

/* A broker that tells no profit may tell the price; one that tells neither may have quoted it. */
static int64_t unrealised(struct account_state *a, const struct position *p)
{
        int64_t last = p->last_price;

        if (p->unrealised_pnl || p->quantity == 0 || p->average_price == 0)
                return p->unrealised_pnl;
        const struct quote *q = last ? NULL : quote_known(a, p->symbol);
        if (q)
                last = q->last;
        return last > 0 ? decimal_muldiv(last - p->average_price, p->quantity, 1) : 0;
}

static void roll(struct loss *l, int day)
{
        if (l->day != day)
                *l = (struct loss){.day = day};
}

void loss_watch(struct account_state *a)
{
        const struct funds_cache *f = &a->funds;
        bool held = false;

        for (unsigned i = 0; i < f->n_positions; i++)
                held = held || f->positions[i].quantity != 0;
        if (held && a->account->limits.max_daily_loss && !(a->broker->flags & BROKER_LOCAL) &&
            clock_mono_us() - f->as_of_us >= LOSS_WATCH_US)
                funds_refresh(a);
}

void loss_note(struct account_state *a)
{
        struct loss *l = &a->loss;
        int64_t limit = a->account->limits.max_daily_loss, pnl = 0;

        roll(l, clock_ist_day(clock_wall_us()));
        /* Through the night a broker goes on to show the day before. */
        if (!a->account->paper && clock_ist_day(a->session_since_us) != l->day)
                return;
        for (unsigned i = 0; i < a->funds.n_positions; i++)
                pnl += a->funds.positions[i].realised_pnl + unrealised(a, &a->funds.positions[i]);
        l->known = true;
        l->now = -pnl;
        if (l->now > l->worst)
                l->worst = l->now;
        if (l->told || !loss_reached(a))
                return;
        char lost[DECIMAL_TEXT_SIZE], most[DECIMAL_TEXT_SIZE], words[MESSAGE_SIZE];
        snprintf(words, sizeof(words), "%s of %s are lost today", decimal_print(l->worst, lost),
                 decimal_print(limit, most));
        l->told = true;
        trip_tell(a, PROBLEM_MAX_DAILY_LOSS, words);
}

void loss_heard(struct account_state *a)
{
        struct loss *l = &a->loss;

        roll(l, clock_ist_day(clock_wall_us()));
        l->told = true;
        if (l->worst < a->account->limits.max_daily_loss)
                l->worst = a->account->limits.max_daily_loss;
}

bool loss_reached(struct account_state *a)
{
        int64_t limit = a->account->limits.max_daily_loss;
        roll(&a->loss, clock_ist_day(clock_wall_us()));
        return limit && !a->unlimited && a->loss.worst >= limit;
}

int64_t loss_left(struct account_state *a)
{
        int64_t limit = a->account->limits.max_daily_loss;
        if (limit == 0 || a->unlimited)
                return -1;
        return loss_reached(a) ? 0 : limit - a->loss.worst;
}
