#include "orchestrator/retry.h"

#include <sodium.h>

#include "base/clock.h"
#include "domain/meter.h"
#include "orchestrator/state.h"

int retry_init(struct account_state *a)
{
        return rate_window_init(&a->retries, RETRY_BUDGET_US, RETRY_BUDGET);
}

void retry_done(struct account_state *a)
{
        rate_window_done(&a->retries);
}

void retry_begin(struct call *c)
{
        int64_t usual_us = broker_op_writes(c->broker.op) ? CALL_TIMEOUT_US : CALL_READ_TIMEOUT_US;

        c->retry.over_us = c->until_us ? c->until_us : clock_mono_us() + usual_us;
        c->retry.epoch = killswitch_epoch(c->account->orchestrator);
}

/* What the transport saw allows it. */
static bool proved(const struct call *c)
{
        const struct http_facts *f = &c->http.facts;

        if (c->token || f->started_us == 0)
                return false;
        if (broker_op_reads(c->broker.op))
                return !f->complete_reply;
        return c->turn && c->result.outcome == OUTCOME_NOT_SENT && !f->may_have_left &&
               c->result.problem == PROBLEM_BROKER_UNREACHABLE;
}

bool retry_forbidden(const struct call *c)
{
        const struct orchestrator *o = c->account->orchestrator;
        enum breaker_class class = broker_op_reads(c->broker.op) ? BREAKER_READS : BREAKER_ORDERS;

        if (o->draining || clock_mono_us() + RETRY_LEAST_US > c->retry.over_us)
                return true;
        /* Books and cancels are not stopped by a breaker, but then one attempt is enough. */
        if (breaker_wait(c->account, class) > 0)
                return true;
        if (c->turn && c->turn->leg && c->turn->leg->cancel_requested)
                return true;
        return !c->passes_halt && !broker_op_reads(c->broker.op) &&
               (killswitch_epoch(o) != c->retry.epoch ||
                killswitch_level(o, c->account->account->id) >= KILL_LEVEL_HALT);
}

static int64_t backoff_us(unsigned n)
{
        int64_t base = RETRY_FIRST_US << n;
        return base - base / 4 + randombytes_uniform((uint32_t)(base / 2));
}

static void again(struct loop_timer *t)
{
        call_again(CONTAINER_OF(t, struct call, retry.timer));
}

bool retry_later(struct call *c)
{
        struct account_state *a = c->account;
        int64_t now = clock_mono_us();

        if (c->retry.n >= a->account->limits.retries || !proved(c) || retry_forbidden(c))
                return false;
        int64_t wait_us = backoff_us(c->retry.n);
        if (now + wait_us + RETRY_LEAST_US > c->retry.over_us ||
            rate_window_wait(&a->retries, 0, now) > 0)
                return false;
        c->retry.timer.fire = again;
        if (loop_timer_set(a->orchestrator->loop, &c->retry.timer, wait_us) < 0)
                return false;
        rate_window_take(&a->retries, now);
        c->retry.n++;
        series_add(metrics_series(a->orchestrator->options.metrics, METER_RETRIES, a->account->id,
                                  broker_op_name(c->broker.op), NULL),
                   1);
        return true;
}
