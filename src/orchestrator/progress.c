#include "orchestrator/progress.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/masters.h"
#include "orchestrator/state.h"
#include "orchestrator/status.h"

void running_begin(struct orchestrator *o, struct running *r)
{
        r->since_us = clock_mono_us();
        list_append(&o->running, &r->link);
        o->n_operations++;
}

void running_end(struct orchestrator *o, struct running *r)
{
        list_unlink(&r->link);
        o->n_operations--;
}

bool progress_overdue(const struct orchestrator *o, int64_t grace_us, char *reason, size_t size)
{
        if (list_empty(&o->running))
                return false;
        int64_t since_us = LIST_ENTRY(o->running.next, struct running, link)->since_us;
        int64_t age_us = clock_mono_us() - since_us;
        if (age_us <= o->options.order_deadline_us + grace_us)
                return false;
        snprintf(reason, size, "an operation has been running for %lld s",
                 (long long)(age_us / USEC_PER_SEC));
        return true;
}

static bool jobs_run(const struct orchestrator *o)
{
        const struct job_view *jobs;
        unsigned n = status_jobs(o, &jobs);
        for (unsigned i = 0; i < n; i++)
                if (jobs[i].running)
                        return true;
        return false;
}

static bool kill_switch_works(const struct orchestrator *o)
{
        const struct kill_entry *list;
        unsigned n = killswitch_list(o, &list);
        for (unsigned i = 0; i < n; i++)
                if (list[i].closing)
                        return true;
        return false;
}

/* Of an ended day no book tells any more: such a leg waits for a person, with or without us. */
static const char *legs_busy(const struct account_state *a)
{
        int today = clock_ist_day(clock_wall_us());
        const char *busy = NULL;

        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l->state == LEG_STATE_NEEDS_OPERATOR && l->day < today &&
                    list_empty(&l->writes))
                        continue;
                if (open_leg_unresolved(l))
                        return "the outcome of an order is not known yet";
                busy = "an order is open";
        }
        return busy;
}

/* An open order needs a watcher, on paper too: the simulated exchange lives in this process. */
const char *progress_busy(const struct orchestrator *o)
{
        if (o->n_operations > 0)
                return "an operation runs";
        if (!list_empty(&o->doubtful))
                return "whether the ledger has an order is not known yet";
        if (!list_empty(&o->riders))
                return "the ledger is behind the paper exchange";
        if (o->store_failure != STORE_OK)
                return "the ledger cannot be written";
        if (kill_switch_works(o))
                return "the kill switch is at work";
        if (!list_empty(&o->dead_men))
                return "a dead-man timer is armed";
        if (jobs_run(o))
                return "a job runs";
        if (masters_busy(o))
                return "instruments are being fetched";
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct account_state *a = &o->accounts[i];
                if (a->login)
                        return "a login is not finished";
                if (a->session == SESSION_STATE_ACTIVE && !a->ready)
                        return "an account's order book was not read yet";
                const char *leg = legs_busy(a);
                if (leg)
                        return leg;
        }
        return NULL;
}

/* --- for people --- */

static void count(struct text *t, unsigned n, const char *one, const char *many)
{
        if (n > 0)
                text_addf(t, "; %u %s", n, n == 1 ? one : many);
}

static void print_ledger(struct orchestrator *o, struct text *t)
{
        struct store_stats stats;

        if (o->store_failure == STORE_OK)
                return;
        store_stats(o->store, &stats);
        text_addf(t, "; the ledger cannot be written: %s",
                  stats.last_error[0] ? stats.last_error : store_result_name(o->store_failure));
}

static void print_kill_switch(const struct orchestrator *o, struct text *t)
{
        const struct kill_entry *list, *strongest = NULL;
        unsigned n = killswitch_list(o, &list);
        char level[16];

        for (unsigned i = 0; i < n; i++)
                if (!strongest || list[i].level > strongest->level)
                        strongest = &list[i];
        if (!strongest)
                return;
        text_copy(level, sizeof(level), kill_level_name(strongest->level));
        for (char *c = level; *c; c++)
                *c = (char)toupper((unsigned char)*c);
        text_addf(t, "; kill switch %s", level);
        if (strcmp(strongest->scope, "global") != 0)
                text_addf(t, " for %s", strongest->scope);
        if (n > 1)
                text_addf(t, " and %u more", n - 1);
}

/* Legs whose outcome is being looked for; those of running operations are no news. */
static unsigned count_unknown(const struct account_state *a)
{
        unsigned n = 0;

        LIST_FOREACH (it, &a->doubtful)
                n += LIST_ENTRY(it, struct open_leg, of_doubtful)->state == LEG_STATE_UNKNOWN;
        return n;
}

void progress_print(struct orchestrator *o, struct text *t)
{
        unsigned unresolved = 0, operator= 0, without = 0, behind = 0;

        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct account_state *a = &o->accounts[i];
                unresolved += count_unknown(a);
                operator+= a->n_needs_operator;
                without += a->session != SESSION_STATE_ACTIVE;
                behind += a->session == SESSION_STATE_ACTIVE && !a->ready;
        }
        print_ledger(o, t);
        print_kill_switch(o, t);
        count(t, operator, "leg needs an operator", "legs need an operator");
        count(t, unresolved, "unresolved leg", "unresolved legs");
        count(t, without, "account without a session", "accounts without a session");
        count(t, behind, "account not reconciled yet", "accounts not reconciled yet");
        count(t, o->n_operations, "operation in flight", "operations in flight");
}
