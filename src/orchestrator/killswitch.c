/* none ─► halt ─► cancel ─► flatten, per scope; raising acts at once, lowering needs an
 * administrator.
 *
 * The level in memory changes first, then the marker file (works with the store down), then the
 * ledger. At start the strongest of marker and ledger holds. CANCEL and FLATTEN go on working every
 * two seconds until the books show that nothing is left: that is `closing`. */
#include "orchestrator/killswitch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/fault.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/closing.h"
#include "orchestrator/dead_man.h"
#include "orchestrator/kill_marker.h"
#include "orchestrator/kill_write.h"
#include "orchestrator/operation.h"
#include "orchestrator/place.h"
#include "orchestrator/state.h"

struct killswitch {
        struct orchestrator *o;
        struct kill_entry entries[KILL_SCOPES_MAX];
        unsigned n;
        uint64_t epoch;
        struct loop_timer timer;
        struct closing *closing; /* options.n_accounts of them */
        struct store_restore reread;
        bool rereading;
        struct kill_writes writes;
        bool marker_owed; /* the marker is not what is in force */
};

static bool covers(const struct account_state *a, const char *scope)
{
        const char *account = killswitch_scope_account(scope);

        if (strcmp(scope, "global") == 0)
                return true;
        if (text_starts(scope, "broker:"))
                return strcmp(scope + 7, a->account->broker) == 0;
        return account && strcmp(account, a->account->id) == 0;
}

bool killswitch_scope_valid(const struct orchestrator *o, const char *scope)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                if (covers(&o->accounts[i], scope))
                        return true;
        return false;
}

bool killswitch_scope_allowed(const struct orchestrator *o, const char *scope,
                              const struct caller *c)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                if (covers(&o->accounts[i], scope) &&
                    !caller_may_use(c, o->accounts[i].account->id))
                        return false;
        return true;
}

static struct kill_entry *find(struct killswitch *k, const char *scope)
{
        for (unsigned i = 0; i < k->n; i++)
                if (strcmp(k->entries[i].scope, scope) == 0)
                        return &k->entries[i];
        return NULL;
}

enum kill_level killswitch_level(const struct orchestrator *o, const char *account)
{
        const struct killswitch *k = o->killswitch;
        const struct account_state *a =
                account && k->n ? account_state((struct orchestrator *)o, account) : NULL;
        enum kill_level level = KILL_LEVEL_NONE;
        for (unsigned i = 0; i < k->n; i++) {
                const struct kill_entry *e = &k->entries[i];
                bool holds = a ? covers(a, e->scope) : strcmp(e->scope, "global") == 0;
                if (holds && e->level > level)
                        level = e->level;
        }
        return level;
}

enum kill_level killswitch_scope_level(const struct orchestrator *o, const char *scope)
{
        const struct kill_entry *e = find(o->killswitch, scope);
        return e ? e->level : KILL_LEVEL_NONE;
}

uint64_t killswitch_epoch(const struct orchestrator *o)
{
        return o->killswitch->epoch;
}

static void measure_entry(const struct orchestrator *o, struct kill_entry *e)
{
        e->open_legs = e->positions = e->external = 0;
        e->closing = false;
        memset(e->states, 0, sizeof(e->states));
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct closing *c = &o->killswitch->closing[i];
                if (!covers(c->account, e->scope))
                        continue;
                e->open_legs += closing_open_legs(c->account);
                e->positions += closing_positions(c->account);
                e->closing |=
                        e->level >= KILL_LEVEL_CANCEL && c->account->owned && !closing_proven(c);
                e->external += c->account->external.open;
                LIST_FOREACH (it, &c->tasks)
                        e->states[LIST_ENTRY(it, struct closing_task, link)->shown.state]++;
        }
}

unsigned killswitch_tasks(const struct orchestrator *o, const struct caller *caller,
                          const struct kill_task *ret[static KILL_TASKS_SHOWN], unsigned *ret_total)
{
        unsigned n = 0, total = 0;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct closing *c = &o->killswitch->closing[i];
                if (!caller_may_use(caller, c->account->account->id))
                        continue;
                if (c->self.blocked && total++ < KILL_TASKS_SHOWN)
                        ret[n++] = &c->self;
                LIST_FOREACH (it, &c->tasks)
                        if (total++ < KILL_TASKS_SHOWN)
                                ret[n++] = &LIST_ENTRY(it, struct closing_task, link)->shown;
        }
        *ret_total = total;
        return n;
}

unsigned killswitch_list(const struct orchestrator *o, const struct kill_entry **ret)
{
        struct killswitch *k = o->killswitch;
        for (unsigned i = 0; i < k->n; i++)
                measure_entry(o, &k->entries[i]);
        *ret = k->entries;
        return k->n;
}

/* A full disk leaves the memory and the ledger. */
static void marker_write(struct killswitch *k)
{
        int r = kill_marker_write(k->o->options.state_dir, k->entries, k->n);
        if (r < 0 && !k->marker_owed)
                log_event(LOG_CRIT, EVENT_KILL_MARKER, NULL, 0,
                          "the marker of the kill switch cannot be written: %s", strerror(-r));
        k->marker_owed = r < 0;
}

static int put(struct killswitch *k, const char *scope, enum kill_level level, const char *reason,
               const char *actor, int64_t at_us)
{
        struct kill_entry *e = find(k, scope);
        if (level == KILL_LEVEL_NONE) {
                if (e)
                        *e = k->entries[--k->n];
                return 0;
        }
        if (!e && k->n == KILL_SCOPES_MAX)
                return -ENOSPC;
        if (!e)
                e = &k->entries[k->n++];
        *e = (struct kill_entry){.level = level, .at_us = at_us};
        text_copy(e->scope, sizeof(e->scope), scope);
        text_copy(e->reason, sizeof(e->reason), reason);
        text_copy(e->actor, sizeof(e->actor), actor);
        return 0;
}

static void strengthen(struct killswitch *k, const char *scope, enum kill_level level,
                       const char *reason, const char *actor, int64_t at_us)
{
        const struct kill_entry *e = find(k, scope);
        if (level > KILL_LEVEL_NONE && (!e || e->level < level))
                (void)put(k, scope, level, reason, actor, at_us);
}

static void take_marker(void *userdata, const char *scope, enum kill_level level,
                        const char *reason)
{
        strengthen(userdata, scope, level, reason, "ordod", clock_wall_us());
}

/* --- closing --- */

/* Works while some entry is above HALT, also after its books are empty: a late order may still turn
 * up. */
static void work(struct killswitch *k)
{
        bool more = false, stands = false;
        if (k->n > 0)
                lanes_look(k->o); /* what waits for its turn is not sent any more */
        for (unsigned i = 0; i < k->o->options.n_accounts; i++) {
                more |= closing_step(&k->closing[i]);
                stands |= k->closing[i].level >= KILL_LEVEL_CANCEL;
        }
        if (stands)
                (void)loop_timer_set(k->o->loop, &k->timer,
                                     more ? CLOSING_STEP_US : CLOSING_WATCH_US);
        else
                loop_timer_stop(&k->timer);
}

static void tick(struct loop_timer *t)
{
        work(CONTAINER_OF(t, struct killswitch, timer));
}

void closing_soon(struct closing *c)
{
        struct killswitch *k = c->account->orchestrator->killswitch;
        (void)loop_timer_set(k->o->loop, &k->timer, 0);
}

/* --- setting --- */

/* A refusal. */
struct kill_refusal {
        struct kill_request *request;
        struct loop_work work;
};

static void refused(struct loop_work *work)
{
        struct kill_refusal *f = CONTAINER_OF(work, struct kill_refusal, work);
        struct kill_request *r = f->request;
        free(f);
        r->done(r);
}

static void refuse(struct orchestrator *o, struct kill_request *r, enum problem p)
{
        struct kill_refusal *f = calloc(1, sizeof(*f));
        if (!f)
                abort();
        r->problem = p;
        f->request = r;
        f->work.run = refused;
        loop_defer(o->loop, &f->work);
}

static void obey(struct killswitch *k, uint64_t epoch)
{
        k->epoch = epoch;
        peers_obey(k->o, epoch);
}

static void tried(struct kill_writes *all, const struct store_killswitch *put)
{
        struct killswitch *k = CONTAINER_OF(all, struct killswitch, writes);
        /* Where another daemon changed it before, what stands in the ledger is told (peers.h). */
        if (put->job.result == STORE_OK && (!peers_possible(k->o) || put->epoch == k->epoch + 1))
                obey(k, put->epoch);
        else if (put->job.result == STORE_UNCERTAIN)
                killswitch_reread(k->o);
        work(k);
}

void killswitch_set(struct orchestrator *o, struct kill_request *r)
{
        struct killswitch *k = o->killswitch;
        const struct kill_entry *e = find(k, r->scope);
        int64_t now = clock_wall_us();

        r->problem = PROBLEM_NONE;
        if (r->level < (e ? e->level : KILL_LEVEL_NONE) && !r->caller.admin) {
                refuse(o, r, PROBLEM_FORBIDDEN);
                return;
        }
        if (put(k, r->scope, r->level, r->reason, r->caller.key_name, now) < 0) {
                refuse(o, r, PROBLEM_OVERLOADED);
                return;
        }
        crash_point(CRASH_KILL_SET);
        marker_write(k);
        crash_point(CRASH_KILL_MARKED);
        work(k);
        kill_write(&k->writes, r, now);
}

/* What this daemon has still to write holds over what stands there. */
void killswitch_take(struct orchestrator *o, const struct store_killswitch_row *rows, unsigned n,
                     uint64_t epoch)
{
        struct killswitch *k = o->killswitch;
        struct kill_entry kept[KILL_SCOPES_MAX];
        const unsigned n_kept = k->n;

        if (epoch <= k->epoch)
                return;
        memcpy(kept, k->entries, sizeof(kept));
        k->n = 0;
        for (unsigned i = 0; i < n_kept; i++)
                if (kill_writes_owe(&k->writes, kept[i].scope))
                        k->entries[k->n++] = kept[i];
        for (unsigned i = 0; i < n; i++)
                if (!kill_writes_owe(&k->writes, rows[i].scope))
                        (void)put(k, rows[i].scope, (enum kill_level)rows[i].level, rows[i].reason,
                                  rows[i].actor, rows[i].at_us);
        marker_write(k);
        work(k);
        obey(k, epoch);
}

void killswitch_retry(struct orchestrator *o)
{
        struct killswitch *k = o->killswitch;
        if (k->marker_owed)
                marker_write(k);
        if (o->store_failure == STORE_OK)
                kill_writes_retry(&k->writes);
        dead_men_check(o);
}

static void reread(struct store_job *job)
{
        struct killswitch *k = CONTAINER_OF(job, struct killswitch, reread.job);
        struct store_restore *s = &k->reread;

        k->rereading = false;
        if (job->result == STORE_OK) {
                if (!peers_possible(k->o))
                        k->epoch = s->killswitch_epoch;
                for (unsigned i = 0; i < s->n_killswitch; i++) {
                        const struct store_killswitch_row *row = &s->killswitch[i];
                        if (!kill_writes_owe(&k->writes, row->scope))
                                strengthen(k, row->scope, (enum kill_level)row->level, row->reason,
                                           row->actor, row->at_us);
                }
                work(k);
        }
        store_restore_done(s);
}

void killswitch_reread(struct orchestrator *o)
{
        struct killswitch *k = o->killswitch;
        if (k->rereading)
                return;
        k->rereading = true;
        k->reread = (struct store_restore){.job = {.op = STORE_RESTORE, .done = reread},
                                           .day = clock_ist_day(clock_wall_us())};
        store_submit(o->store, &k->reread.job);
}

int killswitch_new(struct orchestrator *o)
{
        o->killswitch = calloc(1, sizeof(*o->killswitch));
        if (!o->killswitch)
                return -ENOMEM;
        o->killswitch->o = o;
        o->killswitch->closing = calloc(o->options.n_accounts, sizeof(*o->killswitch->closing));
        if (!o->killswitch->closing)
                return -ENOMEM;
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                closing_init(&o->killswitch->closing[i], &o->accounts[i],
                             o->options.accounts[i].id);
        o->killswitch->timer.fire = tick;
        kill_writes_init(&o->killswitch->writes, o);
        o->killswitch->writes.tried = tried;
        return 0;
}

void killswitch_free(struct orchestrator *o)
{
        if (!o->killswitch)
                return;
        dead_men_done(o);
        loop_timer_done(&o->killswitch->timer);
        kill_writes_done(&o->killswitch->writes);
        for (unsigned i = 0; o->killswitch->closing && i < o->options.n_accounts; i++)
                closing_done(&o->killswitch->closing[i]);
        free(o->killswitch->closing);
        free(o->killswitch);
        o->killswitch = NULL;
}

int killswitch_restore(struct orchestrator *o, const struct store_killswitch_row *rows, unsigned n,
                       uint64_t epoch)
{
        struct killswitch *k = o->killswitch;
        k->epoch = epoch;
        for (unsigned i = 0; i < n; i++) {
                int r = put(k, rows[i].scope, (enum kill_level)rows[i].level, rows[i].reason,
                            rows[i].actor, rows[i].at_us);
                if (r < 0)
                        return r;
        }
        kill_marker_read(o->options.state_dir, take_marker, k);
        dead_men_restore(o);
        return 0;
}

void killswitch_start(struct orchestrator *o)
{
        work(o->killswitch);
}
