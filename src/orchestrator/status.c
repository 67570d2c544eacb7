#include "orchestrator/status.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "domain/meter.h"
#include "orchestrator/book.h"
#include "orchestrator/masters.h"
#include "orchestrator/state.h"
#include "orchestrator/trip.h"

static void read_account(struct account_state *a, struct account_status *ret)
{
        struct orchestrator *o = a->orchestrator;
        *ret = (struct account_status){
                .account = a->account,
                .ready = peers_ready(a),
                .owner = peers_owner(a),
                .breaker = a->breakers.of[BREAKER_ORDERS].state,
                .breaker_reads = a->breakers.of[BREAKER_READS].state,
                .rate_pause_us = traffic_paused_us(&a->traffic),
                .waiting_orders = a->lane.n_orders,
                .waiting_cancels = a->lane.n_urgent,
                .last_call_us = a->last_call_us,
                .open_legs = a->n_open - a->n_unresolved,
                .unresolved_legs = a->n_unresolved,
                .needs_operator = a->n_needs_operator,
                .tag_echo = echo_state_name(echo_state(&a->echo, clock_ist_day(clock_wall_us()))),
                .book_error = book_error(a),
                .book_as_of_us = book_as_of_us(a),
                .external_orders = a->external.open,
                .late_orders = a->n_late,
                .twin_orders = a->n_twins,
                .orders_left_second = a->unlimited ? -1 : limits_second_left(&a->limits),
                .orders_left_minute = a->unlimited ? -1 : rate_window_left(&a->limits.minute),
                .orders_left_day = a->unlimited ? -1 : limits_orders_left(&a->limits),
                .value_left_day = a->unlimited ? -1 : limits_value_left(&a->limits),
                .day_pnl = -a->loss.now,
                .day_pnl_known = a->loss.known && a->loss.day == clock_ist_day(clock_wall_us()),
                .loss_left_day = loss_left(a),
                .kill_level = killswitch_level(o, a->account->id),
        };
        int64_t wait_us;
        ret->tripped = trip_now(a, &wait_us);
        ret->tripped_until_us = wait_us ? clock_wall_us() + wait_us : 0;
        text_copy(ret->last_error, sizeof(ret->last_error), a->last_error);
        (void)session_view(o, a->account->id, &ret->session);
}

static const char *overall(const struct orchestrator *o, const struct status *s)
{
        if (o->store_failure != STORE_OK)
                return "unavailable";
        if (killswitch_level(o, NULL) != KILL_LEVEL_NONE)
                return "halted";
        for (unsigned i = 0; i < s->n_accounts; i++) {
                const struct account_status *a = &s->accounts[i];
                if (a->session.state != SESSION_STATE_ACTIVE || !a->ready || a->unresolved_legs ||
                    a->kill_level != KILL_LEVEL_NONE || a->tripped != PROBLEM_NONE)
                        return "degraded";
        }
        for (unsigned i = 0; i < s->n_masters; i++)
                if (s->masters[i].rows == 0)
                        return "degraded";
        return "ok";
}

void status_read(struct orchestrator *o, struct status *ret)
{
        struct store_stats stats;
        store_stats(o->store, &stats);
        ret->version = o->options.version;
        ret->started_us = o->started_us;
        ret->uptime_us = clock_mono_us() - o->started_mono_us;
        ret->draining = o->draining;
        ret->store_driver = store_driver_name(o->store);
        ret->vault_key = o->options.vault_key_beside ? "generated" : "given";
        ret->store_schema = store_schema_version(o->store);
        ret->store_state = o->store_failure == STORE_OK ? "ok" : "failing";
        ret->store_error[0] = '\0';
        if (o->store_failure != STORE_OK)
                text_copy(ret->store_error, sizeof(ret->store_error), stats.last_error);
        ret->in_flight = o->n_operations;
        ret->last_event_id = o->last_event_id;
        ret->n_accounts = o->options.n_accounts;
        for (unsigned i = 0; i < ret->n_accounts; i++)
                read_account(&o->accounts[i], &ret->accounts[i]);
        ret->instance = peers_possible(o) ? instances_id(o->peers.instances) : "";
        ret->instances = o->peers.list;
        ret->n_instances = o->peers.n;
        ret->n_masters = masters_view(o, ret->masters, ELEMENTS(ret->masters));
        ret->overall = overall(o, ret);
}

unsigned status_not_ready(struct orchestrator *o, const char *ret_reasons[static 8])
{
        unsigned n = 0;
        if (o->draining)
                ret_reasons[n++] = "the daemon is stopping";
        if (o->store_failure != STORE_OK)
                ret_reasons[n++] = "the ledger cannot be written";
        if (older_ledger_stands(o))
                ret_reasons[n++] = o->older_ledger.reason;
        return n;
}

unsigned status_jobs(const struct orchestrator *o, const struct job_view **ret)
{
        return jobs_list(o, ret);
}

void status_measure(struct orchestrator *o)
{
        struct metrics *m = o->options.metrics;
        struct store_stats stats;
        const struct kill_entry *kills;

        store_stats(o->store, &stats);
        series_set(metrics_series(m, METER_BUILD_INFO, o->options.version, NULL), 1);
        if (o->options.instances)
                series_set(metrics_series(m, METER_INSTANCE_INFO,
                                          instances_id(o->options.instances), NULL),
                           1);
        series_set(metrics_series(m, METER_STORE_QUEUE, NULL), stats.queued);
        series_set_int(metrics_series(m, METER_LOG_DROPPED, NULL), (int64_t)log_dropped());
        for (int r = 0; r < _STORE_RESULT_MAX; r++)
                if (stats.errors[r])
                        series_set_int(metrics_series(m, METER_STORE_ERRORS,
                                                      store_result_name((enum store_result)r),
                                                      NULL),
                                       (int64_t)stats.errors[r]);
        series_set(metrics_series(m, METER_KILL_SWITCH_LEVEL, "global", NULL),
                   killswitch_level(o, NULL));
        unsigned n = killswitch_list(o, &kills);
        for (unsigned i = 0; i < n; i++)
                series_set(metrics_series(m, METER_KILL_SWITCH_LEVEL, kills[i].scope, NULL),
                           kills[i].level);
        masters_measure(o);
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                const char *id = a->account->id;
                int64_t wait_us;
                series_set(metrics_series(m, METER_TRIPPED, id, NULL),
                           trip_now(a, &wait_us) != PROBLEM_NONE);
                series_set_int(metrics_series(m, METER_DAY_LOSS, id, NULL),
                               a->loss.now / DECIMAL_ONE);
                series_set(metrics_series(m, METER_UNRESOLVED_LEGS, id, NULL), a->n_unresolved);
                series_set(metrics_series(m, METER_NEEDS_OPERATOR, id, NULL), a->n_needs_operator);
                series_set(metrics_series(m, METER_EXTERNAL_ORDERS, id, NULL), a->external.open);
                series_set_us(metrics_series(m, METER_BOOK_TIME, id, NULL), book_as_of_us(a));
                series_set(metrics_series(m, METER_BOOK_UNREAD, id, NULL), book_error(a)[0] != 0);
                series_set(metrics_series(m, METER_OPEN_LEGS, id, NULL),
                           a->n_open - a->n_unresolved);
                for (int k = 0; k < _BREAKER_MAX; k++)
                        series_set(metrics_series(m, METER_BREAKER_STATE, id,
                                                  breaker_class_name((enum breaker_class)k), NULL),
                                   a->breakers.of[k].state);
                series_set(metrics_series(m, METER_WAITING, id, "orders", NULL), a->lane.n_orders);
                series_set(metrics_series(m, METER_WAITING, id, "cancels", NULL), a->lane.n_urgent);
                series_set_us(metrics_series(m, METER_SESSION_EXPIRY, id, NULL),
                              a->session_expires_us);
        }
}
