/* What happens to a request. The one object the outside face talks to: it owns accounts, sessions,
 * the kill switch, gates, running operations, reconcile, jobs and the event stream, and drives the
 * store and the brokers. It knows neither HTTP nor the client's JSON. Loop thread only.
 *
 * Requests are structs the caller allocates, fills and hands over together with `done`. `done` is
 * called exactly once, on the loop thread, never from inside the call that started it; all strings
 * inside must live until then, and what the answer holds is valid only inside `done` unless said
 * otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/text.h"
#include "broker/broker.h"
#include "domain/account.h"
#include "domain/calendar.h"
#include "domain/instruments.h"
#include "net/httpc.h"
#include "store/instances.h"
#include "store/store.h"
#include "store/vault.h"

struct orchestrator;

/* Writes the body of an answer to a placed, modified or cancelled order (http/render). It is stored
 * verbatim in the same commit as the outcome, hence the port. `status` and `cause` as
 * order_http_status(). */
struct answer_view {
        const struct order *order;
        int status;
        enum problem cause; /* NONE unless every leg failed */
        const char *correlation_id;
        int64_t elapsed_us;
};
typedef int answer_render_fn(const struct answer_view *v, struct text *ret);

struct orchestrator_options {
        struct loop *loop;
        struct store *store;
        struct metrics *metrics;
        const struct account *accounts; /* n_accounts of them; borrowed for ever */
        unsigned n_accounts;
        struct httpc *const *transports; /* one per account, borrowed for ever; who frees them
                                            puts NULL there: calls from then on never end */
        const struct instruments *instruments;
        const struct calendar *calendar;
        const struct vault *vault; /* seals brokers' tokens; NULL: no broker with a login */
        bool vault_key_beside;     /* its key lies on the same disk as what it seals */
        const char *state_dir;     /* kill switch marker, audit/, backups */
        const char *version;
        int64_t order_deadline_us;
        int64_t idempotency_ttl_us;
        bool limits_off; /* paper accounts pass without limits and rate windows */
        int64_t audit_segment_bytes, audit_retention_days;
        answer_render_fn *render;
        struct instances *instances; /* the other daemons; NULL: there can be none */
        /* The others took this daemon for dead: it must end now, without sending anything. */
        void (*evicted)(void *userdata);
        void *userdata;
};

/* Reads what the ledger knows (blocking: before the loop turns). 0 or negative errno with `error`.
 */
int orchestrator_new(const struct orchestrator_options *o, char error[static STORE_ERROR_SIZE],
                     struct orchestrator **ret);
/* Takes up what a reload may change: deadline, key lifetime, retention, and the accounts' limits,
 * which the accounts have already. -ENOMEM: some rate windows stay as they were. */
int orchestrator_take_up(struct orchestrator *o, const struct orchestrator_options *fresh);
/* Begins work on the loop: sessions, first book reads, reconcile, jobs. */
void orchestrator_start(struct orchestrator *o);
/* No new orders from now on (503 SHUTTING_DOWN); running ones finish. */
void orchestrator_drain(struct orchestrator *o);
bool orchestrator_idle(const struct orchestrator *o); /* no operation is running */
unsigned orchestrator_in_flight(const struct orchestrator *o);
struct orchestrator *orchestrator_free(struct orchestrator *o);
DEFINE_CLEANUP(struct orchestrator *, orchestrator_free)

/* Who asks: kept in every record. All borrowed until `done`. */
struct caller {
        const char *key_name;
        const char *correlation_id;
        const char *const
                *accounts; /* NULL-terminated; NULL: all. Others do not exist for this caller */
        bool admin;
};
bool caller_may_use(const struct caller *c, const char *account);
/* The same, and it is named in the list; NULL: all are meant. */
bool caller_asks_for(const struct caller *c, const char *const *accounts, const char *account);

/* The accounts this daemon has, in configuration order. */
const struct account *orchestrator_account(const struct orchestrator *o, const char *id); /* NULL */
unsigned orchestrator_accounts(const struct orchestrator *o, const struct account **ret_first);
/* The market's data of a new day, or read again; the old ones must live until what borrowed them is
 * over (a minute is plenty). */
void orchestrator_set_market(struct orchestrator *o, const struct calendar *calendar,
                             const struct instruments *set);
