#include "orchestrator/lane.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/state.h"

static int seconds_up(int64_t us)
{
        return (int)((us + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

int64_t lane_until(int64_t begun_us, int64_t deadline_us)
{
        int64_t half_us = (deadline_us - begun_us) / 2;
        return deadline_us - (half_us < LANE_ANSWER_US ? half_us : LANE_ANSWER_US);
}

/* The account's own windows; an exit of the kill switch is bound by the broker's alone. */
static bool limited(const struct account_state *a, const struct turn *t)
{
        return !a->unlimited && (!t->urgent || t->op == BROKER_CANCEL);
}

static void add_ahead(const struct lane *lane, const struct turn *t, bool urgent,
                      struct rate_ahead *n)
{
        const unsigned *at = lane->n_at[urgent];

        n->all += urgent ? lane->n_urgent : lane->n_orders;
        n->here += at[t->at] + (t->at == BROKER_RATE_ANYWHERE ? 0 : at[BROKER_RATE_ANYWHERE]);
}

/* Who goes before it, the urgent ones in any case; `last`: also those of its own kind. */
static struct rate_ahead ahead_of(const struct lane *lane, const struct turn *t, bool last)
{
        struct rate_ahead n = {};

        if (last || !t->urgent)
                add_ahead(lane, t, true, &n);
        if (last && !t->urgent)
                add_ahead(lane, t, false, &n);
        if (t->at == BROKER_RATE_ANYWHERE)
                n.here = n.all;
        return n;
}

/* Microseconds until its turn when `ahead` others go before it. */
static int64_t wait_of(struct account_state *a, const struct turn *t, struct rate_ahead ahead,
                       char *detail, size_t size, enum problem *ret)
{
        int64_t wait_us =
                traffic_turn(&a->traffic, t->op, t->at, t->urgent ? TRAFFIC_EXIT : TRAFFIC_ORDER,
                             ahead, detail, size);
        *ret = PROBLEM_BROKER_RATE;
        if (!limited(a, t))
                return wait_us;
        int64_t own_us = limits_wait(&a->limits, t->op == BROKER_CANCEL, t->at, ahead, detail, size,
                                     wait_us);
        if (own_us > wait_us)
                *ret = PROBLEM_ORDER_RATE;
        return own_us > wait_us ? own_us : wait_us;
}

static void take(struct account_state *a, struct turn *t)
{
        t->at_us = traffic_take(&a->traffic, t->op, t->at);
        if (limited(a, t))
                limits_count_call(&a->limits, t->at, t->at_us);
}

static void give_back(struct account_state *a, struct turn *t)
{
        traffic_give_back(&a->traffic, t->op, t->at, t->at_us);
        if (limited(a, t))
                limits_uncount_call(&a->limits, t->at, t->at_us);
}

static void step_in(struct account_state *a, struct turn *t)
{
        list_append(t->urgent ? &a->lane.urgent : &a->lane.orders, &t->link);
        t->waits = true;
        *(t->urgent ? &a->lane.n_urgent : &a->lane.n_orders) += 1;
        a->lane.n_at[t->urgent][t->at]++;
}

static void step_out(struct account_state *a, struct turn *t)
{
        list_unlink(&t->link);
        t->waits = false;
        *(t->urgent ? &a->lane.n_urgent : &a->lane.n_orders) -= 1;
        a->lane.n_at[t->urgent][t->at]--;
}

static void arm(struct account_state *a, int64_t wait_us)
{
        /* Without a timer nobody would ever wake them: they are told so instead. */
        if (loop_timer_set(a->orchestrator->loop, &a->lane.timer, wait_us) < 0)
                LIST_FOREACH (it, &a->lane.orders) {
                        struct turn *t = LIST_ENTRY(it, struct turn, link);
                        step_out(a, t);
                        t->problem = PROBLEM_INTERNAL;
                        t->message = "out of memory";
                        t->come(t);
                }
}

/* Why it should not wait any longer. */
static enum problem ends(const struct account_state *a, const struct turn *t, int64_t now,
                         const char **ret_message)
{
        struct orchestrator *o = a->orchestrator;

        if (t->urgent && t->op == BROKER_CANCEL)
                return PROBLEM_NONE;
        if (t->leg && t->leg->cancel_requested) {
                *ret_message = "it was cancelled before its turn came; nothing was sent";
                return PROBLEM_NOT_SENT;
        }
        if (!t->urgent && !t->passes_halt &&
            killswitch_level(o, a->account->id) >= KILL_LEVEL_HALT) {
                *ret_message = "the kill switch rose before its turn came; nothing was sent";
                return PROBLEM_KILL_SWITCH;
        }
        if (!t->urgent && breaker_wait(a, BREAKER_ORDERS) > 0) {
                *ret_message = "the broker cannot be reached: its breaker opened before its turn "
                               "came; nothing was sent";
                return PROBLEM_BREAKER_OPEN;
        }
        if (o->draining && !t->urgent) {
                *ret_message = "the daemon stopped before its turn came; nothing was sent";
                return PROBLEM_SHUTTING_DOWN;
        }
        if (t->until_us && now >= t->until_us) {
                *ret_message = "its turn in the account's rates did not come in time; nothing was "
                               "sent";
                return PROBLEM_ORDER_RATE;
        }
        return PROBLEM_NONE;
}

static int64_t end_hopeless(struct account_state *a, struct list *queue)
{
        int64_t now = clock_mono_us(), next = INT64_MAX;

        LIST_FOREACH (it, queue) {
                struct turn *t = LIST_ENTRY(it, struct turn, link);
                t->problem = ends(a, t, now, &t->message);
                if (t->problem == PROBLEM_NONE) {
                        if (t->until_us && t->until_us - now < next)
                                next = t->until_us - now;
                        continue;
                }
                step_out(a, t);
                t->come(t);
        }
        return next;
}

/* The oldest one whose exchange is not known to be full. One for anywhere needs room everywhere,
 * and would never find it if others went before. */
static struct turn *oldest(struct list *queue, const bool full[static _EXCHANGE_MAX + 1])
{
        LIST_FOREACH (it, queue) {
                struct turn *t = LIST_ENTRY(it, struct turn, link);
                if (!full[t->at])
                        return t;
                if (t->at == BROKER_RATE_ANYWHERE)
                        return NULL;
        }
        return NULL;
}

/* The oldest ones, as far as there is room. Returns how long the next one waits. */
static int64_t grant(struct account_state *a, struct list *queue)
{
        char detail[MESSAGE_SIZE];
        bool full[_EXCHANGE_MAX + 1] = {};
        int64_t next = INT64_MAX;
        enum problem p;

        for (struct turn *t; (t = oldest(queue, full));) {
                int64_t wait_us = wait_of(a, t, (struct rate_ahead){}, detail, sizeof(detail), &p);
                if (wait_us > 0) {
                        full[t->at] = true;
                        next = wait_us < next ? wait_us : next;
                        continue;
                }
                step_out(a, t);
                take(a, t);
                t->granted = true;
                t->come(t);
        }
        return next;
}

static void look(struct loop_timer *timer)
{
        struct account_state *a = CONTAINER_OF(timer, struct account_state, lane.timer);
        int64_t next = end_hopeless(a, &a->lane.urgent), other = end_hopeless(a, &a->lane.orders);

        next = other < next ? other : next;
        other = grant(a, &a->lane.urgent);
        if (list_empty(&a->lane.urgent))
                other = grant(a, &a->lane.orders);
        next = other < next ? other : next;
        if (a->lane.n_urgent + a->lane.n_orders > 0)
                arm(a, next);
}

void lane_init(struct account_state *a)
{
        list_init(&a->lane.urgent);
        list_init(&a->lane.orders);
        a->lane.timer.fire = look;
}

void lane_done(struct account_state *a)
{
        loop_timer_done(&a->lane.timer);
}

void lane_restore(struct account_state *a, int64_t at_us)
{
        int64_t ago_us = at_us < clock_wall_us() ? clock_wall_us() - at_us : 0;
        int64_t at_mono_us = clock_mono_us() - ago_us;

        traffic_restore(&a->traffic, at_mono_us);
        if (!a->unlimited)
                limits_count_call(&a->limits, BROKER_RATE_ANYWHERE, at_mono_us);
}

enum problem lane_enter(struct account_state *a, struct turn *t, char *detail, size_t size,
                        int *ret_retry_s)
{
        struct lane *lane = &a->lane;
        struct rate_ahead ahead = ahead_of(lane, t, true);
        enum problem p;

        t->waits = t->granted = false;
        t->problem = PROBLEM_NONE;
        int64_t wait_us = wait_of(a, t, ahead, detail, size, &p);
        if (wait_us == 0 && ahead.all == 0) {
                take(a, t);
                t->granted = true;
                return PROBLEM_NONE;
        }
        bool late = t->until_us && clock_mono_us() + wait_us >= t->until_us;
        if (late || (!t->urgent && lane->n_orders >= LANE_ORDERS_MAX)) {
                *ret_retry_s = seconds_up(wait_us > 0 ? wait_us : 1);
                return p;
        }
        detail[0] = '\0'; /* why it waits is nothing to be told of what was sent in the end */
        step_in(a, t);
        /* Whoever waited before for the same exchange has armed it for a moment that is not later.
         */
        if (lane->n_urgent + lane->n_orders == 1)
                arm(a, wait_us);
        else if (ahead.here == 0)
                lane_look(a);
        return PROBLEM_NONE;
}

int64_t lane_try(struct account_state *a, struct turn *t)
{
        char detail[MESSAGE_SIZE];
        enum problem p;
        int64_t wait_us = wait_of(a, t, ahead_of(&a->lane, t, false), detail, sizeof(detail), &p);

        if (wait_us == 0) {
                take(a, t);
                t->granted = true;
        }
        return wait_us;
}

void lane_leave(struct account_state *a, struct turn *t)
{
        if (t->waits) {
                step_out(a, t);
        } else if (t->granted) {
                t->granted = false;
                give_back(a, t);
                lane_look(a);
        }
}

void lane_departs(struct account_state *a, struct turn *t)
{
        if (!t->granted || t->at_us == clock_mono_us())
                return;
        give_back(a, t);
        take(a, t);
}

void lane_sent(struct turn *t)
{
        t->granted = false;
}

void lane_look(struct account_state *a)
{
        if (a->lane.n_urgent + a->lane.n_orders > 0)
                arm(a, 0);
}

void lanes_look(struct orchestrator *o)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                lane_look(&o->accounts[i]);
}
