/* What the orchestrator holds while it runs. Internal to this folder: the outside sees
 * orchestrator.h. */
#pragma once

#include "orchestrator/day_orders.h"
#include "orchestrator/echo.h"
#include "orchestrator/breaker.h"
#include "orchestrator/event.h"
#include "orchestrator/external.h"
#include "orchestrator/follow.h"
#include "orchestrator/funds.h"
#include "orchestrator/job.h"
#include "orchestrator/key.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/lane.h"
#include "orchestrator/limit.h"
#include "orchestrator/loss.h"
#include "orchestrator/older_ledger.h"
#include "orchestrator/open_leg.h"
#include "orchestrator/open_symbol.h"
#include "orchestrator/orchestrator.h"
#include "orchestrator/peers.h"
#include "orchestrator/permit.h"
#include "orchestrator/progress.h"
#include "orchestrator/quota.h"
#include "orchestrator/quote.h"
#include "orchestrator/session.h"
#include "orchestrator/sighting.h"
#include "orchestrator/storm.h"
#include "orchestrator/sweep.h"
#include "orchestrator/traffic.h"

struct book_reader;
struct large_replies;
struct login;
struct master;
struct masters;
struct preopen;

/* One account at run time. */
struct account_state {
        struct orchestrator *orchestrator;
        const struct account *account;
        const struct broker *broker;
        struct httpc *const *transport; /* NULL inside: the daemon ends, nothing is sent any more */
        bool unlimited;                 /* ORDO_LIMITS=off, and a paper account */

        enum session_state session; /* never PENDING: that is a login beside it */
        unsigned session_writes;    /* logins and logouts being written: the last one holds */
        int64_t session_since_us, session_expires_us, last_login_us;
        struct secret *token;     /* of the session; NULL where the broker has no login */
        struct master *master;    /* of its broker; NULL: the built-in set */
        uint64_t generation;      /* of the session: raised by every one that begins */
        int64_t logged_out_us;    /* wall clock, until when a person's logout holds; 0 */
        struct loop_timer expiry; /* looks whether it is over */
        struct login *login;      /* the pending one; NULL */
        struct list logins;       /* with those that were replaced while something of them ran */
        struct list farewells;    /* tokens on their way out */
        int64_t totp_window;      /* the last one whose code was used */

        bool owned;                       /* by this daemon (peers.h) */
        bool taking;                      /* it will be, once the ledger is read */
        bool ready;                       /* a complete book was read since start */
        struct list open_legs;            /* struct open_leg.of_account */
        struct list numberless, doubtful; /* some of them, by links of the same names */
        struct open_symbol *open_symbols; /* the same by symbol and side */
        unsigned n_open, n_unresolved, n_needs_operator;
        struct book_reader *book;
        struct sightings sightings;
        struct echo echo;
        struct external_book external;
        unsigned n_late_looks;
        unsigned n_late, n_twins; /* orders found late, and second ones, since start */
        struct limits limits;
        struct loss loss;
        struct storm storm;
        struct traffic traffic;
        struct lane lane;
        struct permits permits[_PERMIT_MAX];
        struct breakers breakers;
        struct rate_window retries; /* the budget of them */
        unsigned n_writing;         /* placements and modifications at the broker */
        struct list writing; /* struct call.waiting: marked, while as many as may be are there */
        struct list waiting; /* struct call.waiting: reads, for room in the windows */
        unsigned n_waiting;
        struct loop_timer waiting_timer;
        struct funds_cache funds;
        struct quote_cache quotes;

        int64_t last_call_us;
        char last_error[MESSAGE_SIZE];
        struct series *requests[_BROKER_OP_MAX][_OUTCOME_MAX];
        struct series *durations[_BROKER_OP_MAX];
};

struct orchestrator {
        struct orchestrator_options options;
        struct loop *loop;
        struct store *store;
        struct account_state *accounts; /* options.n_accounts of them */

        struct list operations; /* running struct placing.link, oldest first */
        struct list running;    /* of every kind: struct running */
        unsigned n_operations;
        struct list doubtful;   /* struct placing.link: answered, and perhaps in the ledger */
        bool draining, closing; /* closing: it is being freed */
        struct peers peers;
        struct follow follow;

        struct list riders; /* made by a local exchange, not handed to the store yet; in order */

        struct open_legs open_legs;
        struct day_orders day_orders;
        int swept_day; /* of absence_sweep() */
        struct keys keys;
        struct killswitch *killswitch;
        struct older_ledger older_ledger;
        struct list dead_men; /* struct dead_man.link */
        struct quota *quotas; /* by the key's name */
        struct list subscriptions;
        struct list *publish_next; /* of an event that is being delivered; NULL */
        int64_t last_event_id;
        struct sweep sweep;
        struct jobs *jobs;
        struct masters *masters;
        struct large_replies *large_replies;
        struct preopen *preopen;

        int64_t started_us, started_mono_us;
        enum store_result store_failure; /* STORE_OK while writes succeed */
        struct series *orders[_OVERALL_MAX];
        struct series *overhead, *commit_seconds, *group_size;
};

struct account_state *account_state(struct orchestrator *o, const char *id); /* NULL */
/* An instrument as the account's broker lists it. */
bool account_scrip(struct account_state *a, enum scrip_by by, const char *text, struct scrip *ret);

/* query.c: fills the lookup for an id or "client:<client_order_id>" of today. `id` must live on. */
void order_lookup(struct store_order_get *get, const char *id);
/* Takes out the legs the caller may not see; false when none is left. */
bool order_narrow(struct order *o, const struct caller *c);

/* killswitch.c */
int killswitch_new(struct orchestrator *o);
void killswitch_free(struct orchestrator *o);
int killswitch_restore(struct orchestrator *o, const struct store_killswitch_row *rows, unsigned n,
                       uint64_t epoch);
void killswitch_start(struct orchestrator *o);
uint64_t killswitch_epoch(const struct orchestrator *o);
/* Once a second: marker and ledger get what they could not take. */
void killswitch_retry(struct orchestrator *o);
/* The ledger's switch is another one than that in memory: reads it; what is stronger holds. */
void killswitch_reread(struct orchestrator *o);
/* It was changed by another daemon: this is what stands in the ledger. */
void killswitch_take(struct orchestrator *o, const struct store_killswitch_row *rows, unsigned n,
                     uint64_t epoch);

/* event.c */
void event_publish(struct orchestrator *o, const struct audit_record *a);
/* The same of one that was read back. */
void event_publish_row(struct orchestrator *o, const struct store_audit_row *row);

/* session.c. The broker said that the token of this generation is no longer good. */
void session_ended(struct account_state *a, uint64_t generation);
void session_init(struct account_state *a);
void session_done(struct account_state *a);
void session_restore(struct orchestrator *o, const struct store_session_row *rows, unsigned n);
void session_start(struct account_state *a);
/* Another daemon logged in, or out: the sessions as they stand in the ledger. */
void session_reread(struct orchestrator *o, const struct store_session_row *rows, unsigned n);
/* As the outside sees it: a login that is pending shows unless there is a session. */
enum session_state session_shown(const struct account_state *a);

/* Every write to the ledger goes through here: takes along the riders that wait, so that they are
 * stored in the order they were made and never later than what was derived from them. `riders` must
 * be a list of the job's owner (it becomes job->riders). */
void ledger_outcome(struct orchestrator *o, struct store_outcome *job, struct list *riders);
void ledger_append(struct orchestrator *o, struct store_append *job, struct list *riders);
/* One record alone; takes it over. What it tells holds whether or not it can be written. The names
 * in it are copied but for the account's, which is the configuration's. */
void ledger_note(struct orchestrator *o, struct audit_record *record);
/* Stores riders that came with a read, if any wait. */
void ledger_flush(struct orchestrator *o);
/* Whether it can be written, which its server's line to the other daemons casts doubt on: /ready
 * tells before an order meets it. */
void ledger_try(struct orchestrator *o);
/* While the ledger fails: asks whether it is well again, so that /ready recovers by itself. */
void ledger_probe(struct orchestrator *o);
/* To be called first in the `done` of every write: keeps the health of the ledger, publishes its
 * records. */
void ledger_done(struct orchestrator *o, const struct store_job *job,
                 const struct audit_record *audit, unsigned n_audit);
enum problem ledger_problem(enum store_result r);
