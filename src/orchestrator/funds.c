#include "orchestrator/funds.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/state.h"

void funds_init(struct account_state *a)
{
        a->funds = (struct funds_cache){};
        list_init(&a->funds.waiters);
}

void funds_done(struct account_state *a)
{
        free(TAKE(a->funds.positions));
        /* One that was being read when the daemon ended (large_reply.h) was never told. */
        call_clear(&a->funds.funds_call);
        call_clear(&a->funds.positions_call);
}

static void take_over(struct funds_cache *f)
{
        f->valid = true;
        f->as_of_us = f->began_us;
        f->funds = f->funds_call.result.funds;
        free(f->positions);
        f->positions = TAKE(f->positions_call.result.positions);
        f->n_positions = f->positions_call.result.n_positions;
        f->positions_call.result.n_positions = 0;
        f->settled_before = 0;
}

static void read_ended(struct account_state *a)
{
        struct funds_cache *f = &a->funds;
        if (--f->pending > 0)
                return;
        if (f->funds_call.result.outcome == OUTCOME_ACCEPTED &&
            f->positions_call.result.outcome == OUTCOME_ACCEPTED) {
                take_over(f);
                loss_note(a);
        } else {
                f->settled_after += f->settled_before;
                f->settled_before = 0;
        }
        f->reading = false;
        call_clear(&f->funds_call);
        call_clear(&f->positions_call);

        struct list ready = LIST_INIT(ready);
        LIST_FOREACH (it, &f->waiters) {
                if (LIST_ENTRY(it, struct funds_waiter, link)->since_us > f->began_us)
                        continue;
                list_unlink(it);
                list_append(&ready, it);
        }
        if (!list_empty(&f->waiters))
                funds_refresh(a);
        ledger_flush(a->orchestrator);
        LIST_FOREACH (it, &ready) {
                list_unlink(it);
                struct funds_waiter *w = LIST_ENTRY(it, struct funds_waiter, link);
                w->ready(w);
        }
}

static void call_ended(struct call *c)
{
        read_ended(c->account);
}

static void read_one(struct account_state *a, struct call *c, enum broker_op op, bool due)
{
        *c = (struct call){
                .account = a, .broker.op = op, .done = call_ended, .passes_halt = true, .due = due};
        call_start(c);
}

void funds_refresh(struct account_state *a)
{
        struct funds_cache *f = &a->funds;
        if (f->reading)
                return;
        f->reading = true;
        f->pending = 2;
        f->began_us = clock_mono_us();
        const bool due = !f->valid || f->began_us - f->as_of_us > FUNDS_DUE_US;
        f->settled_before += f->settled_after;
        f->settled_after = 0;
        read_one(a, &f->funds_call, BROKER_FUNDS, due);
        read_one(a, &f->positions_call, BROKER_POSITIONS, due);
}

void funds_keep_young(struct account_state *a)
{
        if (a->funds.valid && clock_mono_us() - a->funds.as_of_us > FUNDS_REFRESH_US)
                funds_refresh(a);
}

void funds_wait(struct account_state *a, struct funds_waiter *w)
{
        w->since_us = clock_mono_us();
        list_append(&a->funds.waiters, &w->link);
        funds_refresh(a);
}

bool funds_known(const struct account_state *a)
{
        const struct funds_cache *f = &a->funds;
        return f->valid && clock_mono_us() - f->as_of_us <= FUNDS_STALE_US;
}

int64_t funds_available(const struct account_state *a)
{
        const struct funds_cache *f = &a->funds;
        return f->funds.available - f->in_flight - f->settled_before - f->settled_after;
}

void funds_reserve(struct account_state *a, int64_t amount)
{
        a->funds.in_flight += amount;
}

void funds_settle(struct account_state *a, int64_t amount, bool sent)
{
        a->funds.in_flight -= amount;
        if (!sent)
                return;
        a->funds.settled_after += amount;
        a->funds.last_settled_us = clock_mono_us();
}

int64_t funds_position(const struct account_state *a, const char *symbol, enum product product)
{
        const struct funds_cache *f = &a->funds;
        int64_t quantity = 0;

        for (unsigned i = 0; i < f->n_positions; i++)
                if (f->positions[i].product == product &&
                    strcmp(f->positions[i].symbol, symbol) == 0)
                        quantity += f->positions[i].quantity;
        return quantity;
}

bool funds_positions_proven(const struct account_state *a)
{
        const struct funds_cache *f = &a->funds;
        return f->valid && f->as_of_us > f->last_settled_us &&
               clock_mono_us() - f->as_of_us <= POSITION_FRESH_US;
}
