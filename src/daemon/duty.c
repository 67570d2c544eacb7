/* What the daemon owes while it runs: to listen to signals, to tell the manager how it is, to stop
 * in good order, to leave when there is nothing to do, to take up a new market day. */
#include "daemon/daemon.h"

#include <inttypes.h>
#include <signal.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/progress.h"
#include "service/notify.h"

#define STATUS_EVERY_US    USEC_PER_SEC
#define NEW_DAY_EVERY_US   (30 * USEC_PER_SEC)
#define OPERATION_GRACE_US (30 * USEC_PER_SEC) /* beyond the deadline of its order */

/* --- stopping --- */

static void on_linger(void *userdata)
{
        struct daemon *d = userdata;
        http_drain(d->http);
}

static void on_drain(void *userdata)
{
        struct daemon *d = userdata;
        orchestrator_drain(d->orchestrator);
        http_close_idle(d->http);
}

static struct stop_left on_left(void *userdata)
{
        const struct daemon *d = userdata;
        return (struct stop_left){.operations = orchestrator_in_flight(d->orchestrator),
                                  .connections = http_connections(d->http)};
}

static void on_terminate(void *userdata)
{
        struct daemon *d = userdata;
        stop_ask(&d->stop, "asked by a signal");
}

/* --- leaving when idle --- */

static bool on_busy(void *userdata, uint64_t *ret_count)
{
        const struct daemon *d = userdata;
        *ret_count = http_accepted(d->http);
        return http_connections(d->http) > 0 || progress_busy(d->orchestrator) ||
               stop_asked(&d->stop);
}

static void on_leave(void *userdata)
{
        struct daemon *d = userdata;
        stop_ask(&d->stop, "idle; the next connection starts it again");
}

/* --- the other signals --- */

static void on_hangup(void *userdata)
{
        struct http_reload_report report = {};
        (void)daemon_reload(userdata, &report);
        http_reload_report_done(&report);
}

static void killed(struct kill_request *r)
{
        struct daemon *d = CONTAINER_OF(r, struct daemon, kill);
        d->kill_runs = false;
}

static void on_halt(void *userdata)
{
        struct daemon *d = userdata;
        if (d->kill_runs)
                return;
        d->kill_runs = true;
        uuid_make(d->kill_correlation);
        d->kill = (struct kill_request){
                .caller = {.key_name = "signal", .correlation_id = d->kill_correlation},
                .level = KILL_LEVEL_HALT,
                .scope = "global",
                .reason = "SIGUSR1",
                .done = killed,
        };
        killswitch_set(d->orchestrator, &d->kill);
}

#ifdef ORDO_FAULTS
static void on_fault_store(void *userdata)
{
        fault_set(FAULT_STORE);
}

static void on_fault_loop(void *userdata)
{
        fault_set(FAULT_LOOP);
        fault_point(FAULT_LOOP);
}
#endif

const struct service_signal daemon_signals[] = {
        {SIGTERM, on_terminate},
        {SIGINT, on_terminate},
        {SIGHUP, on_hangup},
        {SIGUSR1, on_halt},
#ifdef ORDO_FAULTS
        {SIGUSR2, on_fault_store},
        {SIGALRM, on_fault_loop},
#endif
        {},
};

/* --- the manager --- */

static void probed(struct store_job *job)
{
        struct daemon *d = CONTAINER_OF(job, struct daemon, probe);
        watchdog_answered(&d->watchdog);
}

static void on_ask(void *userdata)
{
        struct daemon *d = userdata;
        d->probe = (struct store_job){.op = STORE_PROBE, .done = probed};
        store_submit(d->store, &d->probe);
}

static bool on_overdue(void *userdata, char reason[static WATCHDOG_REASON_SIZE])
{
        const struct daemon *d = userdata;
        return progress_overdue(d->orchestrator, OPERATION_GRACE_US, reason, WATCHDOG_REASON_SIZE);
}

static void print_status(const struct daemon *d, struct text *t)
{
        unsigned n = d->config->n_accounts;
        text_addf(t, "serving %u account%s on %s", n, n == 1 ? "" : "s", d->sockets.addresses[0]);
        for (unsigned i = 1; i < d->sockets.n_addresses; i++)
                text_addf(t, "%s %s", i + 1 < d->sockets.n_addresses ? "," : " and",
                          d->sockets.addresses[i]);
        progress_print(d->orchestrator, t);
}

static void on_status(struct loop_timer *timer)
{
        struct daemon *d = CONTAINER_OF(timer, struct daemon, status);
        _cleanup_(text_done) struct text t = TEXT_NULL;

        (void)loop_timer_set(d->loop, timer, STATUS_EVERY_US);
        /* Both have something more urgent to say. */
        if (stop_asked(&d->stop) || watchdog_reason(&d->watchdog))
                return;
        print_status(d, &t);
        service_status("%s", text_str(&t));
}

/* --- a new market day --- */

static void on_new_day(struct loop_timer *t)
{
        struct daemon *d = CONTAINER_OF(t, struct daemon, new_day);

        (void)loop_timer_set(d->loop, t, NEW_DAY_EVERY_US);
        daemon_look_at_market(d);
}

void daemon_start(struct daemon *d)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        d->stop = (struct stop){.loop = d->loop,
                                .limit_us = d->config->drain_timeout_us,
                                .linger = on_linger,
                                .drain = on_drain,
                                .left = on_left,
                                .userdata = d};
        d->idle = (struct idle){.loop = d->loop,
                                .after_us = d->sockets.inherited ? d->config->idle_exit_us : 0,
                                .busy = on_busy,
                                .leave = on_leave,
                                .userdata = d};
        d->watchdog = (struct watchdog){
                .loop = d->loop, .ask = on_ask, .overdue = on_overdue, .userdata = d};
        d->status.fire = on_status;
        d->new_day.fire = on_new_day;
        mark_submit(d, AUDIT_STARTED, "done", NULL);
        orchestrator_start(d->orchestrator);
        http_start(d->http);
        (void)loop_timer_set(d->loop, &d->new_day, NEW_DAY_EVERY_US);
        daemon_check_market(d);
        (void)loop_timer_set(d->loop, &d->status, STATUS_EVERY_US);
        watchdog_start(&d->watchdog);
        idle_start(&d->idle);
        print_status(d, &t);
        service_ready(text_str(&t));
        log_event(LOG_NOTICE, EVENT_STARTED, LOG_FIELDS({"ORDO_VERSION", ORDO_VERSION}),
                  "ordod " ORDO_VERSION " is ready: %s", text_str(&t));
#ifdef ORDO_FAULTS
        log_warning("this is a test build: SIGUSR2 hangs the store thread, SIGALRM the loop");
#endif
}

void daemon_rest(struct daemon *d)
{
        stop_done(&d->stop);
        idle_done(&d->idle);
        watchdog_done(&d->watchdog);
        loop_timer_done(&d->status);
        loop_timer_done(&d->new_day);
}
