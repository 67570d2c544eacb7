#include "orchestrator/session_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/call.h"
#include "orchestrator/login.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

void session_actor_set(struct session_actor *a, const struct caller *c)
{
        text_copy(a->name, sizeof(a->name), c && c->key_name ? c->key_name : "ordod");
        text_copy(a->correlation_id, sizeof(a->correlation_id),
                  c && c->correlation_id ? c->correlation_id : "");
}

/* --- the ledger --- */

struct write_job {
        struct orchestrator *o;
        struct session_actor actor;
        struct audit_record audit;
        unsigned n_audit;
        struct store_session put;
        struct store_append append;
        struct list riders;
        void *value;
        void (*done)(void *userdata, enum problem p);
        void *userdata;
};

static void written(struct write_job *j, const struct store_job *job)
{
        ledger_done(j->o, job, &j->audit, j->n_audit);
        if (j->done)
                j->done(j->userdata, ledger_problem(job->result));
        audit_record_done(&j->audit);
        free(j->value);
        free(j);
}

static void put_done(struct store_job *job)
{
        written(CONTAINER_OF(job, struct write_job, put.job), job);
}

static void append_done(struct store_job *job)
{
        written(CONTAINER_OF(job, struct write_job, append.job), job);
}

static void make_record(struct write_job *j, const struct session_write *w)
{
        record_act(&j->audit, AUDIT_SESSION, j->actor.name,
                   *j->actor.correlation_id ? j->actor.correlation_id : NULL,
                   w->account->account->id, w->status, NULL);
        if (!w->reason && !w->tells_end)
                return;
        struct json_writer json = JSON_WRITER(&j->audit.payload);
        json_object_begin(&json, NULL);
        if (w->reason)
                json_put_string(&json, "reason", w->reason);
        if (w->tells_end)
                json_put_time(&json, "expires_at", w->expires_us);
        json_object_finish(&json);
}

static void put_row(struct write_job *j, const struct session_write *w)
{
        j->put = (struct store_session){
                .job = {.op = STORE_SESSION_PUT, .done = put_done},
                .account = w->account->account->id,
                .column = w->column,
                .value = j->value,
                .size = w->size,
                .expires_us = w->expires_us,
                .audit = &j->audit,
                .n_audit = j->n_audit,
        };
        store_submit(j->o->store, &j->put.job);
}

void session_write(const struct session_write *w)
{
        struct write_job *j = calloc(1, sizeof(*j));

        if (!j)
                abort();
        j->o = w->account->orchestrator;
        j->done = w->done;
        j->userdata = w->userdata;
        if (w->actor)
                j->actor = *w->actor;
        else
                session_actor_set(&j->actor, NULL);
        list_init(&j->riders);
        if (w->value) {
                j->value = malloc(w->size);
                if (!j->value)
                        abort();
                memcpy(j->value, w->value, w->size);
        }
        if (w->status) {
                make_record(j, w);
                j->n_audit = 1;
        }
        if (w->column) {
                put_row(j, w);
                return;
        }
        j->append = (struct store_append){
                .job.done = append_done, .audit = &j->audit, .n_audit = j->n_audit};
        ledger_append(j->o, &j->append, &j->riders);
}

/* --- answers --- */

static void answer_now(struct loop_work *w)
{
        struct session_request *r = CONTAINER_OF(w, struct session_request, work);
        char *url = r->url;

        (void)session_view(r->orchestrator, r->account, &r->view);
        r->done(r);
        free(url);
}

void session_answer(struct orchestrator *o, struct session_request *r, enum problem p,
                    const char *detail)
{
        r->orchestrator = o;
        r->problem = p;
        text_copy(r->detail, sizeof(r->detail), detail ? detail : "");
        r->work.run = answer_now;
        loop_defer(o->loop, &r->work);
}

/* --- tokens that are given up --- */

struct farewell {
        struct list link; /* the account's */
        struct call call;
        struct secret *token;
        struct session_request *request;
};

static void farewell_free(struct farewell *f)
{
        list_unlink(&f->link);
        call_clear(&f->call);
        secret_free(f->token);
        free(f);
}

static void said(struct call *c)
{
        struct farewell *f = CONTAINER_OF(c, struct farewell, call);
        struct account_state *a = c->account;
        bool no_such_call = c->result.problem == PROBLEM_TYPE_UNSUPPORTED;

        if (c->result.outcome != OUTCOME_ACCEPTED && !no_such_call)
                log_event(LOG_WARNING, EVENT_SESSION, LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}),
                          "%s: the broker did not confirm the logout; the token is forgotten here",
                          a->account->id);
        if (f->request)
                session_answer(a->orchestrator, f->request, PROBLEM_NONE, NULL);
        farewell_free(f);
}

void session_farewell(struct account_state *a, struct secret *token, struct session_request *r)
{
        struct farewell *f = calloc(1, sizeof(*f));

        if (!f)
                abort();
        f->token = token;
        f->request = r;
        f->call = (struct call){.account = a,
                                .broker.op = BROKER_LOGOUT,
                                .passes_halt = true,
                                .token = f->token,
                                .done = said};
        list_append(&a->farewells, &f->link);
        call_start(&f->call);
}

void session_done(struct account_state *a)
{
        logins_free(a);
        LIST_FOREACH (it, &a->farewells)
                farewell_free(LIST_ENTRY(it, struct farewell, link));
        loop_timer_done(&a->expiry);
        a->token = secret_free(a->token);
}
