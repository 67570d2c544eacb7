#include "orchestrator/quote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/state.h"

static struct quote_entry *find(struct account_state *a, const char *symbol)
{
        struct quote_entry *e = NULL;
        HASH_FIND_STR(a->quotes.by_symbol, symbol, e);
        return e;
}

static const struct quote *not_older(struct account_state *a, const char *symbol, int64_t us)
{
        const struct quote_entry *e = find(a, symbol);
        if (!e || e->as_of_us == 0 || clock_mono_us() - e->as_of_us > us)
                return NULL;
        return &e->quote;
}

const struct quote *quote_fresh(struct account_state *a, const char *symbol)
{
        return not_older(a, symbol, QUOTE_FRESH_US);
}

const struct quote *quote_known(struct account_state *a, const char *symbol)
{
        return not_older(a, symbol, QUOTE_KNOWN_US);
}

static void forget(struct account_state *a, struct quote_entry *e)
{
        HASH_DEL(a->quotes.by_symbol, e);
        free(e);
}

/* The table keeps insertion order: the head is the oldest. */
static void make_room(struct account_state *a)
{
        struct quote_entry *e, *next;
        if (HASH_COUNT(a->quotes.by_symbol) < QUOTE_CACHE_MAX)
                return;
        HASH_ITER (hh, a->quotes.by_symbol, e, next) {
                if (e->reading)
                        continue;
                forget(a, e);
                return;
        }
}

static struct quote_entry *add(struct account_state *a, const char *symbol)
{
        make_room(a);
        struct quote_entry *e = calloc(1, sizeof(*e));
        if (!e)
                return NULL;
        text_copy(e->symbol, sizeof(e->symbol), symbol);
        list_init(&e->waiters);
        HASH_ADD_STR(a->quotes.by_symbol, symbol, e);
        return e;
}

static void read_ended(struct call *c)
{
        struct quote_entry *e = CONTAINER_OF(c, struct quote_entry, call);

        if (c->result.outcome == OUTCOME_ACCEPTED && c->result.n_quotes > 0) {
                e->quote = c->result.quotes[0];
                e->as_of_us = clock_mono_us();
        }
        e->reading = false;
        struct account_state *a = c->account;
        call_clear(c);
        ledger_flush(a->orchestrator);

        struct list waiters = LIST_INIT(waiters);
        list_splice(&waiters, &e->waiters);
        LIST_FOREACH (it, &waiters) {
                list_unlink(it);
                struct quote_waiter *w = LIST_ENTRY(it, struct quote_waiter, link);
                w->ready(w);
        }
}

int quote_wait(struct account_state *a, const struct scrip *s, struct quote_waiter *w)
{
        struct quote_entry *e = find(a, s->instrument.symbol);
        if (!e)
                e = add(a, s->instrument.symbol);
        if (!e)
                return -ENOMEM;
        list_append(&e->waiters, &w->link);
        if (e->reading)
                return 0;
        e->reading = true;
        e->scrip = *s;
        e->asked = &e->scrip;
        e->call = (struct call){
                .account = a,
                .broker = {.op = BROKER_QUOTES, .scrips = &e->asked, .n_scrips = 1},
                .done = read_ended,
                .passes_halt = true,
        };
        call_start(&e->call);
        return 0;
}

void quotes_done(struct account_state *a)
{
        struct quote_entry *e, *next;
        HASH_ITER (hh, a->quotes.by_symbol, e, next) {
                forget(a, e);
        }
}
