/* The state of the whole for /ready, /status, /jobs and the service manager: plain values, read at
 * once. */
#pragma once

#include "orchestrator/breaker.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/orchestrator.h"
#include "orchestrator/session.h"

struct account_status {
        const struct account *account;
        struct session_view session;
        bool ready;        /* its books were read back since start */
        const char *owner; /* the daemon that looks after it, where there may be several; "" */
        enum breaker_state breaker, breaker_reads;
        int64_t rate_pause_us; /* the broker said that there were too many calls; 0 */
        unsigned waiting_orders, waiting_cancels; /* for their turn */
        int64_t last_call_us;                     /* wall clock; 0 never */
        char last_error[MESSAGE_SIZE];
        unsigned open_legs, unresolved_legs, needs_operator;
        const char *tag_echo;     /* echo_state_name(), of today */
        const char *book_error;   /* why its last read failed; "" */
        int64_t book_as_of_us;    /* wall clock: when the last complete read of its book began; 0 */
        unsigned external_orders; /* not ours and not over, in that read */
        unsigned late_orders, twin_orders; /* since start */
        /* what is left of the limits; -1: no limit */
        int64_t orders_left_second, orders_left_minute, orders_left_day, value_left_day;
        int64_t day_pnl, loss_left_day; /* 1e-4 rupee, as last read; the second -1: no limit */
        bool day_pnl_known;
        enum problem tripped; /* only reducing orders pass for this; NONE */
        int64_t tripped_until_us;
        enum kill_level kill_level;
};

/* The instruments of one broker. */
struct master_view {
        const char *broker;
        const char *state; /* "loaded", "stale" (newer ones are due), "missing" */
        unsigned rows;
        int64_t as_of_us, next_us; /* wall clock; 0: never */
        char last_error[MESSAGE_SIZE];
};

struct status {
        const char *overall; /* "ok", "degraded", "halted", "unavailable" */
        const char *version;
        int64_t started_us, uptime_us;
        bool draining;
        const char *store_driver;
        const char *vault_key; /* "generated" (beside the ledger), "given" */
        int store_schema;
        const char *store_state; /* "ok", "failing" */
        char store_error[STORE_ERROR_SIZE];
        unsigned in_flight;
        int64_t last_event_id;
        unsigned n_accounts;
        struct account_status accounts[ACCOUNTS_MAX];
        const char *instance; /* this daemon among several, "" where there can be no others */
        const struct instance *instances;
        unsigned n_instances;
        unsigned n_masters;
        struct master_view masters[ACCOUNTS_MAX];
};
void status_read(struct orchestrator *o, struct status *ret);
/* The reasons why orders are refused altogether; 0: ready. Each is one sentence, literals. */
unsigned status_not_ready(struct orchestrator *o, const char *ret_reasons[static 8]);

struct job_view {
        const char *name, *description;
        bool running;
        int64_t last_run_us, last_success_us, next_run_us;
        char last_error[MESSAGE_SIZE];
};
unsigned status_jobs(const struct orchestrator *o, const struct job_view **ret);
/* Sets the gauges that are read, not counted, before /metrics is printed. */
void status_measure(struct orchestrator *o);
