#include "orchestrator/orchestrator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/meter.h"
#include "orchestrator/absence.h"
#include "orchestrator/book.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/masters.h"
#include "orchestrator/placing.h"
#include "orchestrator/preopen.h"
#include "orchestrator/state.h"

bool caller_may_use(const struct caller *c, const char *account)
{
        if (!c->accounts)
                return true;
        for (const char *const *a = c->accounts; *a; a++)
                if (strcmp(*a, account) == 0)
                        return true;
        return false;
}

bool caller_asks_for(const struct caller *c, const char *const *accounts, const char *account)
{
        if (!caller_may_use(c, account))
                return false;
        if (!accounts)
                return true;
        for (; *accounts; accounts++)
                if (strcmp(*accounts, account) == 0)
                        return true;
        return false;
}

struct account_state *account_state(struct orchestrator *o, const char *id)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                if (strcmp(o->accounts[i].account->id, id) == 0)
                        return &o->accounts[i];
        return NULL;
}

const struct account *orchestrator_account(const struct orchestrator *o, const char *id)
{
        const struct account_state *a = account_state((struct orchestrator *)o, id);
        return a ? a->account : NULL;
}

unsigned orchestrator_accounts(const struct orchestrator *o, const struct account **ret_first)
{
        *ret_first = o->options.accounts;
        return o->options.n_accounts;
}

bool account_scrip(struct account_state *a, enum scrip_by by, const char *text, struct scrip *ret)
{
        if (a->master)
                return master_scrip(a, by, text, ret);
        const struct instrument *i =
                by == SCRIP_BY_SYMBOL ? instruments_find(a->orchestrator->options.instruments, text)
                                      : NULL;
        if (!i)
                return false;
        *ret = (struct scrip){.instrument = *i};
        return true;
}

void orchestrator_set_market(struct orchestrator *o, const struct calendar *calendar,
                             const struct instruments *set)
{
        o->options.calendar = calendar;
        o->options.instruments = set;
}

int64_t place_key_expiry(const struct orchestrator *o, int64_t now_us)
{
        int64_t plain = now_us + o->options.idempotency_ttl_us;
        int next = calendar_next_trading_day(o->options.calendar, clock_ist_day(now_us));
        int64_t trading = clock_from_ist(next, 0);
        return plain > trading ? plain : trading;
}

static int init_account(struct orchestrator *o, unsigned i)
{
        struct account_state *a = &o->accounts[i];
        a->orchestrator = o;
        a->account = &o->options.accounts[i];
        a->transport = &o->options.transports[i];
        a->broker = broker_find(a->account->broker);
        a->unlimited = o->options.limits_off && a->account->paper;
        list_init(&a->open_legs);
        list_init(&a->numberless);
        list_init(&a->doubtful);
        list_init(&a->waiting);
        list_init(&a->writing);
        lane_init(a);
        permits_init(a);
        session_init(a);
        funds_init(a);
        if (!a->broker)
                return -ENOENT;
        int r = limits_init(&a->limits, LIMITS_OF_ACCOUNT, &a->account->limits);
        if (r >= 0)
                r = storm_init(a);
        if (r >= 0)
                r = traffic_init(&a->traffic, a->broker, &a->account->access.rates);
        if (r >= 0)
                r = breakers_init(a);
        if (r >= 0)
                r = retry_init(a);
        return r < 0 ? r : book_init(a);
}

/* --- restart: what the ledger knows (orders.md §3 "Restart") --- */

static int restore_leg(struct orchestrator *o, const struct order *order, const struct leg *leg)
{
        if (peers_possible(o))
                return peers_restore_leg(o, order, leg);
        struct account_state *a = account_state(o, leg->account);
        if (!a || leg->state == LEG_STATE_REFUSED || !(leg_unresolved(leg) || leg_live(leg)))
                return 0;
        struct open_leg *l = open_leg_add(&o->open_legs, a, order, leg);
        if (!l)
                return -ENOMEM;
        open_leg_left_behind(l);
        return 0;
}

static int restore_orders(struct orchestrator *o, const struct store_restore *s)
{
        for (unsigned i = 0; i < s->n_orders; i++)
                for (unsigned n = 0; n < s->orders[i]->n_legs; n++) {
                        int r = restore_leg(o, s->orders[i], &s->orders[i]->legs[n]);
                        if (r < 0)
                                return r;
                }
        for (unsigned i = 0; i < s->n_key_counts; i++)
                quota_restore(o, s->key_counts[i].key_name, s->day, s->key_counts[i].orders,
                              s->key_counts[i].value);
        for (unsigned i = 0; i < s->n_counts; i++) {
                struct account_state *a = account_state(o, s->counts[i].account);
                if (!a)
                        continue;
                limits_restore(&a->limits, s->day, s->counts[i].orders, s->counts[i].value);
                limits_traded(&a->limits, s->counts[i].traded);
        }
        return 0;
}

static int compare_sent(const void *a, const void *b)
{
        const struct store_sent *x = a, *y = b;
        return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

/* What brokers were sent before the start counts in their windows as if there had been none. */
static void restore_rates(struct orchestrator *o, struct store_restore *s)
{
        if (s->n_sent > 0)
                qsort(s->sent, s->n_sent, sizeof(s->sent[0]), compare_sent);
        for (unsigned i = 0; i < s->n_sent; i++) {
                struct account_state *a = account_state(o, s->sent[i].account);
                if (a)
                        lane_restore(a, s->sent[i].at_us);
        }
        for (unsigned i = 0; i < s->n_counts; i++) {
                struct account_state *a = account_state(o, s->counts[i].account);
                if (a)
                        traffic_restore_day(&a->traffic, s->counts[i].orders);
        }
        for (unsigned i = 0; i < o->options.n_accounts && s->audit_seq > 0; i++)
                traffic_assume_reads(&o->accounts[i].traffic);
}

static int restore(struct orchestrator *o, char error[static STORE_ERROR_SIZE])
{
        struct store_restore s = {.job.op = STORE_RESTORE,
                                  .day = clock_ist_day(clock_wall_us()),
                                  .sent_since_us = clock_wall_us() - LANE_RESTORE_US};
        if (store_run(o->store, &s.job) != STORE_OK) {
                text_copy(error, STORE_ERROR_SIZE, s.job.error);
                return -EIO;
        }
        o->last_event_id = s.audit_seq;
        session_restore(o, s.sessions, s.n_sessions);
        int r = killswitch_restore(o, s.killswitch, s.n_killswitch, s.killswitch_epoch);
        if (r >= 0)
                r = restore_orders(o, &s);
        if (r >= 0)
                peers_enter(o);
        restore_rates(o, &s);
        store_restore_done(&s);
        return r;
}

/* Legs that were never sent get their outcome written, so that a replay is answered. */
static void settle_unsent(struct orchestrator *o)
{
        struct open_leg *l, *next;
        HASH_ITER (hh, o->open_legs.by_tag, l, next) {
                if (l->state != LEG_STATE_SETTLED || l->outcome != OUTCOME_NOT_SENT)
                        continue;
                (void)leg_write(l, &leg_unsent, NULL, NULL);
        }
}

static void on_commit(void *userdata, unsigned jobs, int64_t us)
{
        struct orchestrator *o = userdata;
        series_observe_us(o->commit_seconds, us);
        series_observe(o->group_size, jobs);
}

int orchestrator_new(const struct orchestrator_options *options,
                     char error[static STORE_ERROR_SIZE], struct orchestrator **ret)
{
        _cleanup_(orchestrator_freep) struct orchestrator *o = calloc(1, sizeof(*o));
        if (!o)
                return -ENOMEM;
        o->options = *options;
        o->loop = options->loop;
        o->store = options->store;
        o->started_us = clock_wall_us();
        o->started_mono_us = clock_mono_us();
        list_init(&o->operations);
        list_init(&o->doubtful);
        list_init(&o->dead_men);
        list_init(&o->running);
        list_init(&o->riders);
        list_init(&o->open_legs.turns);
        list_init(&o->subscriptions);
        keys_init(&o->keys);
        error[0] = '\0';
        o->overhead = metrics_series(options->metrics, METER_ORDER_OVERHEAD, NULL);
        o->commit_seconds = metrics_series(options->metrics, METER_STORE_COMMIT, NULL);
        o->group_size = metrics_series(options->metrics, METER_STORE_GROUP, NULL);
        for (int i = 0; i < _OVERALL_MAX; i++)
                o->orders[i] = metrics_series(options->metrics, METER_ORDERS,
                                              overall_name((enum overall)i), NULL);
        o->accounts = calloc(options->n_accounts, sizeof(*o->accounts));
        if (!o->accounts)
                return -ENOMEM;
        peers_init(o);
        int r = killswitch_new(o);
        for (unsigned i = 0; i < options->n_accounts && r >= 0; i++)
                r = init_account(o, i);
        if (r >= 0)
                r = masters_new(o);
        if (r >= 0)
                r = large_replies_new(o);
        if (r >= 0)
                r = restore(o, error);
        if (r >= 0)
                r = jobs_new(o, error);
        if (r >= 0)
                r = preopen_new(o);
        if (r < 0) {
                if (!error[0])
                        snprintf(error, STORE_ERROR_SIZE, "%s", strerror(-r));
                return r;
        }
        store_on_commit(o->store, on_commit, o);
        *ret = TAKE(o);
        return 0;
}

int orchestrator_take_up(struct orchestrator *o, const struct orchestrator_options *fresh)
{
        int r = 0;

        o->options.order_deadline_us = fresh->order_deadline_us;
        o->options.idempotency_ttl_us = fresh->idempotency_ttl_us;
        o->options.audit_retention_days = fresh->audit_retention_days;
        o->options.limits_off = fresh->limits_off;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                a->unlimited = o->options.limits_off && a->account->paper;
                int failed = limits_take_up(&a->limits);
                if (failed >= 0)
                        failed = storm_take_up(a);
                r = failed < 0 ? failed : r;
                failed = breakers_take_up(a);
                r = failed < 0 ? failed : r;
                lane_look(a);
        }
        return r;
}

void orchestrator_start(struct orchestrator *o)
{
        settle_unsent(o);
        absence_sweep(o);
        day_orders_start(o);
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                session_start(&o->accounts[i]);
        killswitch_start(o);
        older_ledger_start(o);
        peers_start(o);
        jobs_start(o);
        sweep_start(o);
        masters_start(o);
        preopen_start(o);
}

void orchestrator_drain(struct orchestrator *o)
{
        o->draining = true;
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                calls_give_up(&o->accounts[i]);
        lanes_look(o);
}

unsigned orchestrator_in_flight(const struct orchestrator *o)
{
        return o->n_operations;
}

bool orchestrator_idle(const struct orchestrator *o)
{
        return o->n_operations == 0;
}

struct orchestrator *orchestrator_free(struct orchestrator *o)
{
        if (!o)
                return NULL;
        o->closing = true;
        peers_done(o);
        masters_stop(o);
        large_replies_free(o);
        sweep_stop(o);
        if (o->jobs)
                jobs_free(o);
        masters_free(o);
        preopen_free(o);
        killswitch_free(o);
        day_orders_done(o);
        for (unsigned i = 0; o->accounts && i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (!a->orchestrator)
                        continue;
                session_done(a);
                book_done(a);
                funds_done(a);
                quotes_done(a);
                limits_done(&a->limits);
                storm_done(a);
                traffic_done(&a->traffic);
                loop_timer_done(&a->waiting_timer);
                lane_done(a);
                permits_done(a);
                breakers_done(a);
                retry_done(a);
                sightings_done(&a->sightings);
                external_done(&a->external);
        }
        LIST_FOREACH (it, &o->operations)
                placing_free(LIST_ENTRY(it, struct placing, link));
        LIST_FOREACH (it, &o->doubtful)
                placing_free(LIST_ENTRY(it, struct placing, link));
        open_legs_free(&o->open_legs);
        quotas_free(o);
        keys_done(&o->keys);
        LIST_FOREACH (it, &o->riders) {
                list_unlink(it);
                rider_settle(LIST_ENTRY(it, struct rider, link), false);
        }
        free(o->accounts);
        free(o);
        return NULL;
}
