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
#include "orchestrator/kill_marker.h"
#include "orchestrator/kill_write.h"
#include "orchestrator/operation.h"
#include "orchestrator/place.h"
#include "orchestrator/state.h"

#define CLOSING_US INT64_C(2000000)
#define ACTOR      "killswitch"

struct killswitch {
        struct orchestrator *o;
        struct kill_entry entries[KILL_SCOPES_MAX];
        unsigned n;
        uint64_t epoch;
        struct loop_timer timer;
        struct cancel_many_request cancel;
        bool cancelling;
        unsigned exits; /* square-offs that run */
        struct store_restore reread;
        bool rereading;
        struct kill_writes writes;
        bool marker_owed; /* the marker is not what is in force */
};

static bool covers(const struct account_state *a, const char *scope)
{
        if (strcmp(scope, "global") == 0)
                return true;
        if (text_starts(scope, "broker:"))
                return strcmp(scope + 7, a->account->broker) == 0;
        return text_starts(scope, "account:") && strcmp(scope + 8, a->account->id) == 0;
}

bool killswitch_scope_valid(const struct orchestrator *o, const char *scope)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                if (covers(&o->accounts[i], scope))
                        return true;
        return false;
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

uint64_t killswitch_epoch(const struct orchestrator *o)
{
        return o->killswitch->epoch;
}

/* What is left to close: live and unresolved legs; for FLATTEN, intraday and margin positions too.
 */
static unsigned positions_left(const struct account_state *a)
{
        unsigned n = 0;
        for (unsigned i = 0; i < a->funds.n_positions; i++)
                n += a->funds.positions[i].quantity != 0 &&
                     a->funds.positions[i].product != PRODUCT_CNC;
        return n;
}

static void measure_entry(struct orchestrator *o, struct kill_entry *e)
{
        unsigned positions = 0;
        e->open_legs = 0;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                if (!covers(&o->accounts[i], e->scope))
                        continue;
                e->open_legs += o->accounts[i].n_open;
                positions += positions_left(&o->accounts[i]);
        }
        e->closing = (e->level >= KILL_LEVEL_CANCEL && e->open_legs > 0) ||
                     (e->level == KILL_LEVEL_FLATTEN && positions > 0);
}

unsigned killswitch_list(const struct orchestrator *o, const struct kill_entry **ret)
{
        struct killswitch *k = o->killswitch;
        for (unsigned i = 0; i < k->n; i++)
                measure_entry((struct orchestrator *)o, &k->entries[i]);
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

struct square_off {
        struct orchestrator *o;
        struct place_request request;
        char correlation[UUID_SIZE];
};

static void squared(struct place_request *r)
{
        struct square_off *s = CONTAINER_OF(r, struct square_off, request);
        s->o->killswitch->exits--;
        funds_refresh(account_state(s->o, (const char *)r->userdata));
        free(s);
}

/* One protected order against one position, at most a freeze quantity of it; the rest follows when
 * this is done. */
static void square_off(struct account_state *a, const struct position *p)
{
        struct orchestrator *o = a->orchestrator;
        struct scrip scrip;
        const struct instrument *i =
                account_scrip(a, SCRIP_BY_SYMBOL, p->symbol, &scrip) ? &scrip.instrument : NULL;
        /* Less than a lot cannot be traded away; it stays, and so does `closing`. */
        bool tradable = i && i->lot && llabs(p->quantity) >= i->lot;
        struct square_off *s = tradable ? calloc(1, sizeof(*s)) : NULL;
        struct order *order = NULL;

        if (!s || order_new(1, &order) < 0) {
                free(s);
                return;
        }
        int64_t quantity = llabs(p->quantity);
        if (i->freeze && quantity > i->freeze)
                quantity = i->freeze;
        text_copy(order->symbol, sizeof(order->symbol), p->symbol);
        order->side = p->quantity > 0 ? SIDE_SELL : SIDE_BUY;
        order->type = ORDER_TYPE_MARKET;
        order->product = p->product;
        order->validity = VALIDITY_DAY;
        order->quantity = quantity / i->lot * i->lot;
        order->reduce_only = true;
        order->legs[0].multiplier = DECIMAL_ONE;
        text_copy(order->legs[0].account, sizeof(order->legs[0].account), a->account->id);
        uuid_make(s->correlation);
        s->o = o;
        s->request = (struct place_request){
                .caller = {.key_name = ACTOR, .correlation_id = s->correlation, .admin = true},
                .order = order,
                .done = squared,
                .userdata = (void *)a->account->id,
        };
        o->killswitch->exits++;
        place_exit(o, &s->request);
}

static void flatten(struct orchestrator *o)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (killswitch_level(o, a->account->id) < KILL_LEVEL_FLATTEN || a->n_unresolved > 0)
                        continue;
                if (a->n_open > 0)
                        continue; /* cancels first: what is open may still fill */
                for (unsigned n = 0; n < a->funds.n_positions; n++)
                        if (a->funds.positions[n].quantity != 0 &&
                            a->funds.positions[n].product != PRODUCT_CNC)
                                square_off(a, &a->funds.positions[n]);
                funds_refresh(a);
        }
}

static void cancelled(struct cancel_many_request *r)
{
        struct killswitch *k = CONTAINER_OF(r, struct killswitch, cancel);
        free((void *)r->accounts);
        r->accounts = NULL;
        k->cancelling = false;
}

/* Legs that a cancel can do something about now: what is owed to be cancelled waits for its book.
 */
static unsigned to_cancel(const struct account_state *a)
{
        unsigned n = 0;
        LIST_FOREACH (it, &a->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                n += !order_status_terminal(l->status) &&
                     !(open_leg_unresolved(l) && l->cancel_owed);
        }
        return n;
}

static void cancel_open(struct killswitch *k)
{
        struct orchestrator *o = k->o;
        unsigned n = 0, open = 0;
        const char **accounts = calloc(o->options.n_accounts + 1, sizeof(*accounts));
        if (!accounts)
                return;
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                if (killswitch_level(o, o->accounts[i].account->id) >= KILL_LEVEL_CANCEL) {
                        accounts[n++] = o->accounts[i].account->id;
                        open += to_cancel(&o->accounts[i]);
                }
        if (open == 0 || k->cancelling) {
                free(accounts);
                return;
        }
        k->cancelling = true;
        k->cancel = (struct cancel_many_request){
                .caller = {.key_name = ACTOR, .correlation_id = ACTOR, .admin = true},
                .accounts = accounts,
                .done = cancelled,
        };
        operation_cancel_many(o, &k->cancel);
}

/* Works while some entry is above HALT, also after its books are empty: a late order may still turn
 * up. */
static void work(struct killswitch *k)
{
        enum kill_level strongest = KILL_LEVEL_NONE;
        for (unsigned i = 0; i < k->n; i++)
                if (k->entries[i].level > strongest)
                        strongest = k->entries[i].level;
        if (strongest < KILL_LEVEL_CANCEL) {
                loop_timer_stop(&k->timer);
                return;
        }
        cancel_open(k);
        if (strongest == KILL_LEVEL_FLATTEN && k->exits == 0)
                flatten(k->o);
        (void)loop_timer_set(k->o->loop, &k->timer, CLOSING_US);
}

static void tick(struct loop_timer *t)
{
        work(CONTAINER_OF(t, struct killswitch, timer));
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

static void tried(struct kill_writes *all, const struct store_killswitch *put)
{
        struct killswitch *k = CONTAINER_OF(all, struct killswitch, writes);
        if (put->job.result == STORE_OK)
                k->epoch = put->epoch;
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

void killswitch_retry(struct orchestrator *o)
{
        struct killswitch *k = o->killswitch;
        if (k->marker_owed)
                marker_write(k);
        if (o->store_failure == STORE_OK)
                kill_writes_retry(&k->writes);
}

static void reread(struct store_job *job)
{
        struct killswitch *k = CONTAINER_OF(job, struct killswitch, reread.job);
        struct store_restore *s = &k->reread;

        k->rereading = false;
        if (job->result == STORE_OK) {
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
        o->killswitch->timer.fire = tick;
        kill_writes_init(&o->killswitch->writes, o);
        o->killswitch->writes.tried = tried;
        return 0;
}

void killswitch_free(struct orchestrator *o)
{
        if (!o->killswitch)
                return;
        loop_timer_done(&o->killswitch->timer);
        kill_writes_done(&o->killswitch->writes);
        free((void *)o->killswitch->cancel.accounts);
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
        return 0;
}

void killswitch_start(struct orchestrator *o)
{
        work(o->killswitch);
}
