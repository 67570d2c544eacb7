/* none ─► active ─► expired ─► active …      logout: any ─► none
 *
 * A login runs beside it (login.c), so that a second one disturbs nothing of the session that is
 * there; the outside sees "pending" when there is a login and no session. A broker that needs no
 * login (paper) goes from none to active by itself unless someone logged it out. */
#include "orchestrator/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/book.h"
#include "orchestrator/login.h"
#include "orchestrator/masters.h"
#include "orchestrator/record.h"
#include "orchestrator/session_write.h"
#include "orchestrator/state.h"

/* A timer counts without the time the machine sleeps, and the wall clock may be set: so it is
 * looked at this often. */
#define EXPIRY_LOOK_US (60 * USEC_PER_SEC)
#define TABLE          "sessions"
#define LOGGED_OUT     "-"                   /* in the token's place, until the broker's hour */
#define HEAD_SIZE      (16 + CLIENT_ID_SIZE) /* of a sealed session: see session_seal() */

enum session_state session_shown(const struct account_state *a)
{
        return a->login && a->session != SESSION_STATE_ACTIVE ? SESSION_STATE_PENDING : a->session;
}

bool session_view(const struct orchestrator *o, const char *account, struct session_view *ret)
{
        const struct account_state *a = account_state((struct orchestrator *)o, account);
        if (!a)
                return false;
        *ret = (struct session_view){
                .account = a->account->id,
                .state = session_shown(a),
                .since_us = a->session_since_us,
                .expires_us = a->session_expires_us,
                .last_login_us = a->last_login_us,
                .login_method =
                        login_method_name(login_way(a) ? login_way(a)->method : BROKER_LOGIN_NONE),
                .login_expires_us = a->login ? login_expires_us(a->login) : 0,
        };
        return true;
}

static void tell(const struct account_state *a, int level, const struct session_actor *actor,
                 const char *reason)
{
        char until[CLOCK_TEXT_SIZE] = "";

        if (a->session_expires_us)
                clock_print_ist(a->session_expires_us, until);
        log_event(level, EVENT_SESSION,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}, {"ORDO_ACTION", "session"},
                             {"ORDO_STATUS", session_state_name(a->session)},
                             {"ORDO_UNTIL", *until ? until : NULL},
                             {"ORDO_ACTOR", actor ? actor->name : NULL},
                             {"ORDO_CORRELATION_ID",
                              actor && *actor->correlation_id ? actor->correlation_id : NULL}),
                  "session of %s: %s%s%s%s%s", a->account->id, session_state_name(a->session),
                  *until ? " until " : "", until, reason ? ": " : "", reason ? reason : "");
}

/* --- the end --- */

static void look(struct loop_timer *t);

static void forget(struct account_state *a, enum session_state state)
{
        a->token = secret_free(a->token);
        a->session = state;
        a->session_since_us = clock_wall_us();
        a->session_expires_us = 0;
        loop_timer_stop(&a->expiry);
}

/* Once: whoever comes later finds it ended. The row goes with the record. */
static void expire(struct account_state *a, const char *reason)
{
        /* A new token that is on its way to the ledger is not to be taken out of it. */
        bool stored = a->token && a->session_writes == 0;

        forget(a, SESSION_STATE_EXPIRED);
        tell(a, LOG_WARNING, NULL, reason);
        session_write(&(struct session_write){
                .account = a,
                .status = session_state_name(SESSION_STATE_EXPIRED),
                .reason = reason,
                .column = stored ? SESSION_COLUMN_TOKEN : NULL,
        });
}

void session_ended(struct account_state *a, uint64_t generation)
{
        if (a->session == SESSION_STATE_ACTIVE && generation == a->generation)
                expire(a, "the broker says that the token is no longer good");
}

static void look(struct loop_timer *t)
{
        struct account_state *a = CONTAINER_OF(t, struct account_state, expiry);
        int64_t left_us = a->session_expires_us - clock_wall_us();

        if (a->session != SESSION_STATE_ACTIVE || !a->session_expires_us)
                return;
        if (left_us <= 0)
                expire(a, "its time is over");
        else
                (void)loop_timer_set(a->orchestrator->loop, t,
                                     left_us < EXPIRY_LOOK_US ? left_us : EXPIRY_LOOK_US);
}

int64_t session_end_us(const struct account_state *a, int64_t now_us, int64_t token_expires_us)
{
        struct ist now = clock_ist(now_us);
        int second = a->broker->session_ends * 60;
        int day = now.second < second ? now.day : clock_day_add(now.day, 1);
        int64_t end_us = clock_from_ist(day, second);

        return token_expires_us && token_expires_us < end_us ? token_expires_us : end_us;
}

/* --- the beginning --- */

static void take(struct account_state *a, struct secret *token, uint64_t generation,
                 int64_t since_us, int64_t expires_us)
{
        secret_free(a->token);
        a->token = token;
        a->generation = generation;
        a->session = SESSION_STATE_ACTIVE;
        a->session_since_us = a->last_login_us = since_us;
        a->session_expires_us = expires_us;
        a->logged_out_us = 0;
}

void session_begin(struct account_state *a, struct secret *token, uint64_t generation,
                   int64_t since_us, int64_t expires_us, const struct session_actor *actor)
{
        take(a, token, generation, since_us, expires_us);
        tell(a, LOG_NOTICE, actor, NULL);
        session_start(a);
        masters_session(a);
}

void session_start(struct account_state *a)
{
        if (a->session != SESSION_STATE_ACTIVE)
                return;
        if (!a->session_since_us)
                a->session_since_us = a->last_login_us = clock_wall_us();
        a->expiry.fire = look;
        look(&a->expiry);
        if (a->session != SESSION_STATE_ACTIVE)
                return;
        funds_refresh(a);
        book_start(a);
}

/* --- what the ledger keeps --- */

static void put_u64(uint8_t *p, uint64_t v)
{
        for (int i = 7; i >= 0; i--, v >>= 8)
                p[i] = (uint8_t)v;
}

static uint64_t get_u64(const uint8_t *p)
{
        uint64_t v = 0;
        for (int i = 0; i < 8; i++)
                v = v << 8 | p[i];
        return v;
}

static const char *client_of(const struct account_state *a)
{
        return a->account->access.client_id ? a->account->access.client_id : "";
}

/* Generation and beginning, big endian; the client whose session it is; the token. */
int session_seal(const struct account_state *a, const struct secret *token, uint64_t generation,
                 int64_t since_us, void **ret, size_t *ret_size)
{
        const struct vault *v = a->orchestrator->options.vault;
        size_t n = HEAD_SIZE + secret_size(token);
        uint8_t *plain;

        if (!v)
                return -ENOKEY;
        plain = calloc(1, n);
        if (!plain)
                return -ENOMEM;
        put_u64(plain, generation);
        put_u64(plain + 8, (uint64_t)since_us);
        text_copy((char *)plain + 16, CLIENT_ID_SIZE, client_of(a));
        memcpy(plain + HEAD_SIZE, secret_bytes(token), secret_size(token));
        struct secret *whole = secret_new(plain, n);
        secret_wipe(plain, n);
        free(plain);
        if (!whole)
                return -ENOMEM;
        int r = vault_seal(v, TABLE, a->account->id, SESSION_COLUMN_TOKEN, whole, ret, ret_size);
        secret_free(whole);
        return r;
}

static int unseal(struct account_state *a, const struct store_session_row *row)
{
        const struct vault *v = a->orchestrator->options.vault;
        _cleanup_(secret_freep) struct secret *whole = NULL;

        if (!v)
                return -ENOKEY;
        int r = vault_open(v, TABLE, a->account->id, SESSION_COLUMN_TOKEN, row->value, row->size,
                           &whole);
        if (r < 0)
                return r;
        if (secret_size(whole) <= HEAD_SIZE)
                return -EBADMSG;
        const uint8_t *plain = secret_bytes(whole);
        /* The account was given to another client meanwhile: its orders must not go to this one. */
        if (strncmp((const char *)plain + 16, client_of(a), CLIENT_ID_SIZE) != 0)
                return -EPERM;
        struct secret *token = secret_new(plain + HEAD_SIZE, secret_size(whole) - HEAD_SIZE);
        if (!token)
                return -ENOMEM;
        take(a, token, get_u64(plain), (int64_t)get_u64(plain + 8), row->expires_us);
        return 0;
}

static void restore_token(struct account_state *a, const struct store_session_row *row)
{
        if (a->broker->n_logins == 0)
                return;
        if (row->size == strlen(LOGGED_OUT)) {
                a->logged_out_us = row->expires_us;
                return;
        }
        int r = unseal(a, row);
        if (r < 0)
                log_event(LOG_WARNING, EVENT_SESSION, LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}),
                          "the session of %s in the ledger cannot be used: %s; log in again",
                          a->account->id,
                          r == -ENOKEY  ? "it is sealed with another key"
                          : r == -EPERM ? "it is another client's"
                                        : strerror(-r));
}

void session_init(struct account_state *a)
{
        list_init(&a->logins);
        list_init(&a->farewells);
}

void session_restore(struct orchestrator *o, const struct store_session_row *rows, unsigned n)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                a->session = a->broker->n_logins == 0 ? SESSION_STATE_ACTIVE : SESSION_STATE_NONE;
        }
        for (unsigned i = 0; i < n; i++) {
                struct account_state *a = account_state(o, rows[i].account);
                if (!a)
                        continue;
                if (strcmp(rows[i].column, SESSION_COLUMN_LOGGED_OUT) == 0 &&
                    a->broker->n_logins == 0)
                        a->session = SESSION_STATE_NONE;
                else if (strcmp(rows[i].column, SESSION_COLUMN_TOKEN) == 0)
                        restore_token(a, &rows[i]);
                else if (strcmp(rows[i].column, SESSION_COLUMN_TOTP) == 0 && rows[i].size == 8)
                        a->totp_window = (int64_t)get_u64(rows[i].value);
        }
}

static void reread_one(struct account_state *a, const struct store_session_row *row)
{
        const uint64_t generation = a->generation;
        const enum session_state was = a->session;

        if (row)
                restore_token(a, row);
        if (row && row->size != strlen(LOGGED_OUT)) {
                if (a->generation == generation && was == SESSION_STATE_ACTIVE)
                        return;
                tell(a, LOG_NOTICE, NULL, "another daemon logged in");
                session_start(a);
                masters_session(a);
        } else if (a->session == SESSION_STATE_ACTIVE) {
                forget(a, SESSION_STATE_NONE);
                tell(a, LOG_NOTICE, NULL, "another daemon ended it");
        }
}

/* Its own words come first where they are on their way to the ledger. */
void session_reread(struct orchestrator *o, const struct store_session_row *rows, unsigned n)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                const struct store_session_row *row = NULL;
                for (unsigned k = 0; k < n; k++)
                        if (strcmp(rows[k].account, a->account->id) == 0 &&
                            strcmp(rows[k].column, SESSION_COLUMN_TOKEN) == 0)
                                row = &rows[k];
                if (a->broker->n_logins > 0 && a->session_writes == 0)
                        reread_one(a, row);
        }
}

/* --- logins and logouts of a person --- */

struct change {
        struct account_state *account;
        struct session_request *request;
        struct session_actor actor;
        enum session_state to;
        int64_t until_us; /* of a logout */
};

static void apply(struct change *c)
{
        struct account_state *a = c->account;

        if (c->to == SESSION_STATE_ACTIVE) {
                session_begin(a, NULL, a->generation + 1, clock_wall_us(), 0, &c->actor);
        } else if (a->session != SESSION_STATE_NONE) {
                forget(a, SESSION_STATE_NONE);
                tell(a, LOG_NOTICE, &c->actor, NULL);
        }
        if (c->to == SESSION_STATE_NONE)
                a->logged_out_us = c->until_us;
}

static void change_stored(void *userdata, enum problem p)
{
        struct change *c = userdata;
        struct account_state *a = c->account;
        struct secret *token = NULL;

        a->session_writes--;
        if (p == PROBLEM_NONE) {
                if (c->to == SESSION_STATE_NONE)
                        token = TAKE(a->token);
                apply(c);
        }
        if (token)
                session_farewell(a, token, c->request);
        else
                session_answer(a->orchestrator, c->request, p, NULL);
        free(c);
}

/* The ledger first: a daemon that dies in between has not logged anyone out by half. */
static void change_begin(struct account_state *a, struct session_request *r, enum session_state to)
{
        struct change *c = calloc(1, sizeof(*c));
        bool login = a->broker->n_logins > 0, out = to == SESSION_STATE_NONE;

        if (!c)
                abort();
        *c = (struct change){.account = a, .request = r, .to = to};
        /* A person's word: until a login, or the next morning, it does not log in by itself. */
        if (login)
                c->until_us = session_end_us(a, clock_wall_us(), 0);
        session_actor_set(&c->actor, &r->caller);
        a->session_writes++;
        session_write(&(struct session_write){
                .account = a,
                .status = session_state_name(to),
                .actor = &c->actor,
                .column = login ? SESSION_COLUMN_TOKEN : SESSION_COLUMN_LOGGED_OUT,
                .value = out ? LOGGED_OUT : NULL,
                .size = out ? strlen(LOGGED_OUT) : 0,
                .expires_us = c->until_us,
                .done = change_stored,
                .userdata = c,
        });
}

static void log_out(struct account_state *a, struct session_request *r)
{
        bool pending = a->login;

        login_drop(a);
        if (pending || a->session != SESSION_STATE_NONE || a->session_writes > 0)
                change_begin(a, r, SESSION_STATE_NONE);
        else
                session_answer(a->orchestrator, r, PROBLEM_NONE, NULL);
}

/* A broker without logins: the word is enough. */
static void log_in(struct account_state *a, struct session_request *r)
{
        uuid_make(r->login_id);
        if (a->session != SESSION_STATE_ACTIVE || a->session_writes > 0)
                change_begin(a, r, SESSION_STATE_ACTIVE);
        else
                session_answer(a->orchestrator, r, PROBLEM_NONE, NULL);
}

void session_act(struct orchestrator *o, struct session_request *r)
{
        struct account_state *a = account_state(o, r->account);

        r->login_id[0] = '\0';
        r->method = "none";
        r->login_url = r->url = NULL;
        r->expires_us = 0;
        if (!a || !caller_may_use(&r->caller, r->account))
                session_answer(o, r, PROBLEM_ACCOUNT_NOT_FOUND, NULL);
        else if (r->verb == SESSION_LOGOUT)
                log_out(a, r);
        else if (r->verb == SESSION_COMPLETE)
                login_complete(a, r);
        else if (a->broker->n_logins > 0)
                login_begin(a, r);
        else
                log_in(a, r);
}

/* --- the login helper's summary --- */

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
