/* The daemon as one object: its parts, in the order in which they are opened, and its duties to the
 * service manager and the administrator. This folder sees all others; src/ordod.c is its table of
 * contents. Loop thread only, but for parts.c before the loop turns. */
#pragma once

#include "base/metrics.h"
#include "config/config.h"
#include "domain/audit_record.h"
#include "http/http.h"
#include "loop/loop.h"
#include "net/httpc.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/market.h"
#include "orchestrator/orchestrator.h"
#include "paper/paper.h"
#include "service/activation.h"
#include "service/idle.h"
#include "service/signals.h"
#include "service/stop.h"
#include "service/watchdog.h"
#include "store/store.h"
#include "store/vault.h"

struct daemon {
        /* parts */
        struct config *config;
        struct loop *loop;
        struct metrics *metrics;
        struct market *market;       /* with older ones, which live on for a moment */
        struct instances *instances; /* the other daemons; NULL with SQLite */
        struct store *store;
        struct paper *paper;
        struct httpc *transports[ACCOUNTS_MAX];
        struct orchestrator *orchestrator;
        struct vault *vault;
        struct secret *api_token; /* of the state directory, when the configuration has none */
        struct service_sockets sockets;
        struct http *http;

        /* duties */
        struct service_signals signals;
        struct stop stop;
        struct idle idle;
        struct watchdog watchdog;
        struct store_job probe;
        struct loop_timer status, new_day;
        struct kill_request kill;
        char kill_correlation[UUID_SIZE];
        bool kill_runs;
};

/* parts.c. Negative errno when one cannot be opened; what was wrong is in the log. */
int daemon_open(struct daemon *d);
void daemon_close(struct daemon *d);

/* transports.c: the connections of each account, its own to a real broker. */
int daemon_open_transports(struct daemon *d);

/* duty.c */
extern const struct service_signal daemon_signals[];
void daemon_start(struct daemon *d);
void daemon_rest(struct daemon *d); /* gives the timers back */

/* market_data.c: the market's data in use, exchanged for newer ones, which are the daemon's then.
 */
void daemon_set_market(struct daemon *d, struct market *m);
/* From time to time: a new day's data; those that nobody borrows from any more go. */
void daemon_look_at_market(struct daemon *d);
/* Says in the journal what the data lack for the days to come. */
void daemon_check_market(const struct daemon *d);
void daemon_free_market(struct daemon *d);

/* parts.c, for the orchestrator: the other daemons have given this one up. */
void daemon_evicted(void *userdata);

/* options.c: `c` is the configuration in use, or one that may come into use. */
void daemon_orchestrator_options(struct daemon *d, const struct config *c,
                                 struct orchestrator_options *ret);
void daemon_http_options(struct daemon *d, const struct config *c, struct http_options *ret);
/* The token of the state directory, when `c` has none. */
int daemon_open_token(struct daemon *d, const struct config *c);
/* With the configured key, or that of the state directory, which is made when there is none. */
int daemon_open_vault(struct daemon *d);

/* reload.c: as http_options.reload. */
int daemon_reload(void *userdata, struct http_reload_report *ret);

/* mark.c: an audit record of the daemon itself; submitted to the loop's store, or written at once.
 */
void mark_submit(struct daemon *d, enum audit_action action, const char *outcome,
                 const struct config_changes *changes);
void mark_write(struct daemon *d, enum audit_action action, const char *outcome);
