/* none ─► pending ─► active ─► expired ─► pending …      logout: any ─► none
 * A broker that needs no login (paper) goes from none to active by itself unless someone logged it
 * out. */
#include "orchestrator/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "orchestrator/book.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

#define SESSION_COLUMN_LOGGED_OUT \
        "logged_out" /* the mark of a broker without login that was logged out */

bool session_view(const struct orchestrator *o, const char *account, struct session_view *ret)
{
        const struct account_state *a = account_state((struct orchestrator *)o, account);
        if (!a)
                return false;
        *ret = (struct session_view){
                .account = a->account->id,
                .state = a->session,
                .since_us = a->session_since_us,
                .expires_us = a->session_expires_us,
                .last_login_us = a->last_login_us,
        };
        return true;
}

/* `caller`: whose request it was; NULL: the broker's doing. */
static void set(struct account_state *a, enum session_state state, const struct caller *caller)
{
        if (a->session == state)
                return;
        a->session = state;
        a->session_since_us = clock_wall_us();
        if (state == SESSION_STATE_ACTIVE)
                a->last_login_us = a->session_since_us;
        log_event(LOG_NOTICE, EVENT_SESSION,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}, {"ORDO_ACTION", "session"},
                             {"ORDO_STATUS", session_state_name(state)},
                             {"ORDO_ACTOR", caller ? caller->key_name : NULL},
                             {"ORDO_CORRELATION_ID", caller ? caller->correlation_id : NULL}),
                  "session of %s: %s", a->account->id, session_state_name(state));
}

void session_ended(struct account_state *a)
{
        if (a->session == SESSION_STATE_ACTIVE)
                set(a, SESSION_STATE_EXPIRED, NULL);
}

void session_restore(struct orchestrator *o, const struct store_session_row *rows, unsigned n)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                a->session = a->broker->n_logins == 0 ? SESSION_STATE_ACTIVE : SESSION_STATE_NONE;
        }
        for (unsigned i = 0; i < n; i++) {
                struct account_state *a = account_state(o, rows[i].account);
                if (a && strcmp(rows[i].column, SESSION_COLUMN_LOGGED_OUT) == 0)
                        a->session = SESSION_STATE_NONE;
        }
}

void session_start(struct account_state *a)
{
        if (a->session != SESSION_STATE_ACTIVE)
                return;
        a->session_since_us = a->last_login_us = clock_wall_us();
        funds_refresh(a);
        book_start(a);
}

struct session_change {
        struct orchestrator *o;
        struct session_request *request;
        struct account_state *account;
        enum session_state to;
        bool writes;
        struct store_session put;
        struct audit_record audit;
        struct loop_work work;
};

static void change_finish(struct session_change *s, enum problem p)
{
        struct session_request *r = s->request;
        r->problem = p;
        (void)session_view(s->o, r->account, &r->view);
        r->done(r);
        audit_record_done(&s->audit);
        free(s);
}

static void change_stored(struct store_job *job)
{
        struct session_change *s = CONTAINER_OF(job, struct session_change, put.job);
        struct account_state *a = s->account;

        a->session_writes--;
        ledger_done(s->o, job, &s->audit, 1);
        enum problem p = ledger_problem(job->result);
        if (p == PROBLEM_NONE) {
                set(a, s->to, &s->request->caller);
                if (s->to == SESSION_STATE_ACTIVE)
                        session_start(a);
        }
        change_finish(s, p);
}

static void change_deferred(struct loop_work *w)
{
        struct session_change *s = CONTAINER_OF(w, struct session_change, work);
        change_finish(s, s->request->problem);
}

/* The mark is written first: a daemon that dies in between has not logged anyone out by half. */
static void change_begin(struct session_change *s)
{
        struct session_request *r = s->request;
        bool out = s->to == SESSION_STATE_NONE;

        record_act(&s->audit, AUDIT_SESSION, r->caller.key_name, r->caller.correlation_id,
                   s->account->account->id, session_state_name(s->to), NULL);
        s->put = (struct store_session){
                .job = {.op = STORE_SESSION_PUT, .done = change_stored},
                .account = s->account->account->id,
                .column = SESSION_COLUMN_LOGGED_OUT,
                .value = out ? "1" : NULL,
                .size = out ? 1 : 0,
                .audit = &s->audit,
                .n_audit = 1,
        };
        s->account->session_writes++;
        store_submit(s->o->store, &s->put.job);
}

void session_act(struct orchestrator *o, struct session_request *r)
{
        struct session_change *s = calloc(1, sizeof(*s));
        r->problem = PROBLEM_NONE;
        r->detail[0] = '\0';
        if (!s)
                abort();
        s->o = o;
        s->request = r;
        s->account = account_state(o, r->account);
        s->work.run = change_deferred;
        if (!s->account || !caller_may_use(&r->caller, r->account)) {
                r->problem = PROBLEM_ACCOUNT_NOT_FOUND;
        } else if (r->verb == SESSION_COMPLETE) {
                /* No broker of this release has a login with a second step. */
                r->problem = PROBLEM_LOGIN_NOT_PENDING;
                text_copy(r->detail, sizeof(r->detail), "no login of this account is pending");
        } else {
                s->to = r->verb == SESSION_LOGIN ? SESSION_STATE_ACTIVE : SESSION_STATE_NONE;
                r->method = "none";
                r->expires_us = 0;
                uuid_make(r->login_id);
                if (s->account->session != s->to || s->account->session_writes > 0) {
                        change_begin(s);
                        return;
                }
        }
        loop_defer(o->loop, &s->work);
}

struct report_write {
        struct orchestrator *o;
        struct report_request *request;
        struct store_append put;
        struct audit_record audit;
        struct list riders;
};

static void report_stored(struct store_job *job)
{
        struct report_write *w = CONTAINER_OF(job, struct report_write, put.job);
        ledger_done(w->o, job, &w->audit, 1);
        w->request->problem = ledger_problem(job->result);
        w->request->done(w->request);
        audit_record_done(&w->audit);
        free(w);
}

void session_report(struct orchestrator *o, struct report_request *r)
{
        struct report_write *w = calloc(1, sizeof(*w));
        if (!w)
                abort();
        w->o = o;
        w->request = r;
        list_init(&w->riders);
        record_act(&w->audit, AUDIT_LOGIN_REPORT, r->caller.key_name, r->caller.correlation_id,
                   NULL, NULL, r->payload);
        w->put = (struct store_append){.job.done = report_stored, .audit = &w->audit, .n_audit = 1};
        ledger_append(o, &w->put, &w->riders);
}
