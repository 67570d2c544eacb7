#include "orchestrator/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/book.h"
#include "orchestrator/follow.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

bool peers_possible(const struct orchestrator *o)
{
        return o->peers.instances;
}

bool peers_may_send(const struct orchestrator *o)
{
        return !o->peers.instances || instances_leased(o->peers.instances);
}

bool peers_own(const struct account_state *a)
{
        return a->owned && peers_may_send(a->orchestrator);
}

static unsigned number_of(const struct account_state *a)
{
        return (unsigned)(a - a->orchestrator->accounts);
}

const char *peers_owner(const struct account_state *a)
{
        return a->orchestrator->peers.owner[number_of(a)];
}

static bool mine(const struct orchestrator *o, const char *owner)
{
        return strcmp(owner, instances_id(o->peers.instances)) == 0;
}

bool peers_ready(const struct account_state *a)
{
        const struct orchestrator *o = a->orchestrator;

        const char *owner = peers_owner(a);
        /* While the connection is made anew nobody else has it: what was read still holds. */
        if (a->owned || !o->peers.instances || mine(o, owner))
                return a->ready;
        /* An exchange inside a process has one book, its owner's. */
        return *owner && !(a->broker->flags & BROKER_LOCAL);
}

bool peers_live(const struct orchestrator *o, const char *id)
{
        for (unsigned i = 0; i < o->peers.n; i++)
                if (strcmp(o->peers.list[i].id, id) == 0)
                        return true;
        return false;
}

bool peers_other(const struct orchestrator *o, const char *id)
{
        return o->peers.instances && strcmp(instances_id(o->peers.instances), id) != 0 &&
               peers_live(o, id);
}

/* --- the kill switch --- */

void peers_obey(struct orchestrator *o, uint64_t epoch)
{
        if (o->peers.instances)
                instances_obey(o->peers.instances, epoch);
}

static bool all_obey(const struct peers *p, uint64_t epoch)
{
        /* The list must be younger than the change: a lease that was over before may be a new one.
         */
        if (!p->connected || p->epoch < epoch)
                return false;
        for (unsigned i = 0; i < p->n; i++)
                if (!p->list[i].self && p->list[i].epoch < epoch && !p->list[i].barred)
                        return false;
        return true;
}

static void look_at_waiting(struct peers *p)
{
        LIST_FOREACH (it, &p->waiting) {
                struct peers_wait *w = LIST_ENTRY(it, struct peers_wait, link);
                if (!all_obey(p, w->epoch))
                        continue;
                list_unlink(&w->link);
                w->done(w);
        }
}

void peers_await(struct orchestrator *o, struct peers_wait *w, uint64_t epoch)
{
        w->epoch = epoch;
        list_append(&o->peers.waiting, &w->link);
        instances_look(o->peers.instances);
}

/* --- legs of others --- */

/* On its way at the daemon that placed it. */
static bool travels(const struct leg *leg)
{
        return leg->state == LEG_STATE_SENDING || leg->state == LEG_STATE_INTENT;
}

static void watch(struct open_leg *l)
{
        if (!l->account->owned)
                return;
        if (l->state == LEG_STATE_UNKNOWN)
                book_reconcile(l);
        else
                book_kick(l->account);
}

static void hand_to(struct open_leg *l, const struct order *order, const struct leg *leg)
{
        l->remote = travels(leg);
        l->in_operation = l->remote;
        text_copy(l->writer, sizeof(l->writer), order->writer);
}

static struct open_leg *add(struct account_state *a, const struct order *order,
                            const struct leg *leg)
{
        struct open_leg *l = open_leg_add(&a->orchestrator->open_legs, a, order, leg);
        if (l)
                hand_to(l, order, leg);
        return l;
}

int peers_restore_leg(struct orchestrator *o, const struct order *order, const struct leg *leg)
{
        struct account_state *a = account_state(o, leg->account);

        if (!a || leg->state == LEG_STATE_REFUSED || !(leg_unresolved(leg) || leg_live(leg)))
                return 0;
        return add(a, order, leg) ? 0 : -ENOMEM;
}

/* Memory is ahead of the ledger, or about to be. */
static bool ahead(const struct open_leg *l)
{
        return (l->in_operation && !l->remote) || l->write_running || !list_empty(&l->writes) ||
               !list_empty(&l->owed) || l->dirty || l->pins > 0;
}

/* Who looks after the account reads its book; somebody else, who cancels or modifies, writes what
 * it has heard of. What was filled since is written once more. */
static void take_status(struct open_leg *l, const struct leg *leg)
{
        if (l->account->owned && leg->filled_quantity < l->filled_quantity) {
                l->dirty = true;
                return;
        }
        l->status = leg->status;
        open_leg_fill(l, leg->filled_quantity, leg->average_price);
}

static void take_leg(struct open_leg *l, const struct order *order, const struct leg *leg)
{
        const bool was_remote = l->remote, was_unknown = l->state == LEG_STATE_UNKNOWN;

        open_leg_set_state(l, leg->state);
        l->outcome = leg->outcome;
        take_status(l, leg);
        l->quantity = leg->quantity;
        l->type = leg->effective.type;
        l->price = leg->effective.price;
        l->trigger_price = leg->effective.trigger_price;
        l->modifications = leg->modifications;
        l->cancel_owed |= leg->cancel_requested && !l->cancel_requested;
        l->cancel_requested = leg->cancel_requested;
        l->denied = leg_denied(leg);
        open_leg_number(l, leg->broker_order_id);
        hand_to(l, order, leg);
        if (!l->remote && (was_remote || (l->state == LEG_STATE_UNKNOWN && !was_unknown)))
                watch(l);
        open_leg_retire(l);
}

static void merge_leg(struct orchestrator *o, const struct order *order, const struct leg *leg)
{
        struct account_state *a = account_state(o, leg->account);
        struct open_leg *l = open_leg_find(&o->open_legs, leg->tag);

        if (!a || leg->state == LEG_STATE_REFUSED)
                return;
        (void)book_claim(a, leg->broker_order_id, order->id);
        if (l && !ahead(l)) {
                take_leg(l, order, leg);
                return;
        }
        if (l || !(leg_unresolved(leg) || leg_live(leg)))
                return;
        l = add(a, order, leg);
        if (!l)
                return; /* the next record of it, or the next owner, finds it */
        if (!l->remote)
                watch(l);
}

void peers_merge(struct orchestrator *o, const struct order *order)
{
        for (unsigned i = 0; i < order->n_legs; i++)
                merge_leg(o, order, &order->legs[i]);
}

void peers_count(struct orchestrator *o, const struct order *order)
{
        struct quota *q = quota_of(o, order->key_name);

        if (order->day != clock_ist_day(clock_wall_us()) ||
            strcmp(order->writer, instances_id(o->peers.instances)) == 0)
                return;
        for (unsigned i = 0; i < order->n_legs; i++) {
                const struct leg *leg = &order->legs[i];
                struct account_state *a = account_state(o, leg->account);
                int64_t value = leg->outcome == OUTCOME_REJECTED
                                        ? 0
                                        : decimal_muldiv(leg->quantity, leg->effective.price, 1);
                if (!a || leg->outcome == OUTCOME_NOT_SENT)
                        continue;
                limits_count_other(&a->limits, order, leg, value);
                if (q)
                        limits_count_other(&q->limits, order, leg, value);
        }
}

/* --- taking an account over --- */

static void take_from_the_dead(struct open_leg *l)
{
        l->remote = l->in_operation = false;
        open_leg_left_behind(l);
}

static void adopt(struct open_leg *l)
{
        take_from_the_dead(l);
        if (l->state == LEG_STATE_SETTLED)
                (void)leg_write(l, &leg_unsent, NULL, NULL);
}

static void own(struct account_state *a)
{
        struct orchestrator *o = a->orchestrator;
        const bool fresh = !a->owned;

        a->taking = false;
        a->owned = true;
        LIST_FOREACH (it, &a->open_legs) {
                struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l->remote && !peers_live(o, l->writer))
                        adopt(l);
                else if (!fresh || l->in_operation)
                        continue;
                if (l->state == LEG_STATE_UNKNOWN)
                        book_reconcile(l);
        }
        if (!fresh)
                return;
        log_event(LOG_NOTICE, EVENT_ACCOUNT_OWNED, LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}),
                  "%s is looked after by this daemon now", a->account->id);
        book_own(a);
        killswitch_start(o);
}

static void reread(struct store_job *job)
{
        struct peers *p = CONTAINER_OF(job, struct peers, read.job);
        struct orchestrator *o = CONTAINER_OF(p, struct orchestrator, peers);
        bool good = job->result == STORE_OK;

        p->reading = false;
        for (unsigned i = 0; good && i < p->read.n_orders; i++)
                peers_merge(o, p->read.orders[i]);
        if (good)
                session_reread(o, p->read.sessions, p->read.n_sessions);
        for (unsigned i = 0; good && !p->again && i < o->options.n_accounts; i++)
                if (o->accounts[i].taking)
                        own(&o->accounts[i]);
        if (job->result == STORE_OK)
                store_restore_done(&p->read);
        p->again |= !good; /* peers_sweep() */
        if (good && p->again)
                peers_reread(o);
}

void peers_reread(struct orchestrator *o)
{
        struct peers *p = &o->peers;

        p->again = p->reading;
        if (p->reading || o->closing)
                return;
        p->reading = true;
        p->read = (struct store_restore){.job = {.op = STORE_RESTORE, .done = reread},
                                         .day = clock_ist_day(clock_wall_us())};
        store_submit(o->store, &p->read.job);
}

void peers_sweep(struct orchestrator *o)
{
        if (o->peers.again && !o->peers.reading)
                peers_reread(o);
}

static void lose(struct account_state *a)
{
        if (a->owned)
                log_event(LOG_WARNING, EVENT_ACCOUNT_OWNED,
                          LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}),
                          "%s is not looked after by this daemon any more", a->account->id);
        a->owned = a->taking = false;
}

/* --- news --- */

static bool somebody_left(const struct peers *p, const struct instances_news *n)
{
        for (unsigned i = 0; i < p->n; i++) {
                bool there = false;
                for (unsigned k = 0; k < n->n && !there; k++)
                        there = strcmp(p->list[i].id, n->list[k].id) == 0;
                if (!there)
                        return true;
        }
        return false;
}

static void look_at_accounts(struct orchestrator *o, const struct instances_news *n, bool left)
{
        bool take = false;

        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (n->connected && n->owner[i][0] && !mine(o, n->owner[i]))
                        a->ready = false; /* another one reads its books now */
                if (!n->owned[i]) {
                        lose(a);
                } else if (!a->owned || left) {
                        a->taking = true;
                        take = true;
                }
        }
        if (take)
                peers_reread(o);
}

static void told(void *userdata, struct instances_news *n)
{
        struct orchestrator *o = userdata;
        struct peers *p = &o->peers;
        bool left = n->connected && somebody_left(p, n);

        if (n->evicted) {
                o->options.evicted(o->options.userdata);
                return;
        }
        if (n->connections != p->connections || (p->connected && !n->connected))
                ledger_try(o);
        p->connected = n->connected;
        p->connections = n->connections;
        p->epoch = n->epoch;
        if (n->connected) {
                p->n = n->n;
                memcpy(p->list, n->list, sizeof(p->list));
                memcpy(p->owner, n->owner, sizeof(p->owner));
        }
        if (n->switches)
                killswitch_take(o, n->switches, n->n_switches, n->epoch);
        look_at_accounts(o, n, left);
        follow_to(o, n->audit_seq);
        look_at_waiting(p);
}

void peers_init(struct orchestrator *o)
{
        o->peers.instances = o->options.instances;
        list_init(&o->peers.waiting);
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                o->accounts[i].owned = !o->options.instances;
}

void peers_enter(struct orchestrator *o)
{
        struct peers *p = &o->peers;
        struct instances_news n;

        if (!p->instances)
                return;
        instances_enter(p->instances, killswitch_epoch(o), &n);
        p->connected = n.connected;
        p->connections = n.connections;
        p->n = n.n;
        memcpy(p->list, n.list, sizeof(p->list));
        memcpy(p->owner, n.owner, sizeof(p->owner));
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                a->owned = n.owned[i];
                LIST_FOREACH (it, &a->open_legs) {
                        struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                        if (a->owned && l->remote && !peers_live(o, l->writer))
                                take_from_the_dead(l); /* written by settle_unsent() */
                }
        }
}

void peers_start(struct orchestrator *o)
{
        if (!o->peers.instances)
                return;
        peers_obey(o, killswitch_epoch(o));
        instances_listen(o->peers.instances, told, o);
}

void peers_done(struct orchestrator *o)
{
        LIST_FOREACH (it, &o->peers.waiting)
                list_unlink(it);
}
