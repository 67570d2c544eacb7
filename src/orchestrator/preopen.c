#include "orchestrator/preopen.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/login.h"
#include "orchestrator/session_write.h"
#include "orchestrator/state.h"

#define LOOK_EVERY_US (30 * USEC_PER_SEC)

struct morning {
        struct account_state *account;
        bool over; /* nothing more to do today */
        unsigned tries;
        int64_t next_us; /* wall clock */
        bool running;
        struct session_request request;
        char correlation_id[UUID_SIZE];
};

struct preopen {
        struct orchestrator *o;
        struct loop_timer timer;
        int day;
        struct morning mornings[]; /* one for each account */
};

/* Commodities are traded on some days on which shares are not. */
static bool is_trading_day(const struct calendar *c, int day)
{
        return calendar_trading_day(c, EXCHANGE_NSE, day) ||
               calendar_trading_day(c, EXCHANGE_MCX, day);
}

static bool has_session(const struct account_state *a, const struct ist *now)
{
        return a->session == SESSION_STATE_ACTIVE &&
               (!a->session_expires_us ||
                a->session_expires_us >= clock_from_ist(now->day, PREOPEN_UNTIL));
}

static void demand(struct account_state *a)
{
        static const char reason[] = "it needs a login before the market opens";

        log_event(LOG_WARNING, EVENT_LOGIN_NEEDED,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}, {"ORDO_ACTION", "login"},
                             {"ORDO_STATUS", session_state_name(a->session)}),
                  "%s has no session for today: ordoctl login %s", a->account->id, a->account->id);
        session_write(&(struct session_write){
                .account = a, .status = session_state_name(a->session), .reason = reason});
}

/* Only silence is worth another try: a refused code or password stays refused, and too many of them
 * lock an account. */
static void logged_in(struct session_request *r)
{
        struct morning *m = r->userdata;

        m->running = false;
        if (r->problem != PROBLEM_NONE && r->problem != PROBLEM_BROKER_UNREACHABLE &&
            r->problem != PROBLEM_LOGIN_FAILED && r->problem != PROBLEM_STORE_UNAVAILABLE)
                m->tries = PREOPEN_TRIES;
        if (m->tries == PREOPEN_TRIES)
                m->next_us = 0;
}

static void log_in(struct morning *m)
{
        m->tries++;
        m->next_us = clock_wall_us() + PREOPEN_RETRY_US;
        m->running = true;
        uuid_make(m->correlation_id);
        m->request = (struct session_request){
                .verb = SESSION_LOGIN,
                .caller = {.key_name = "preopen", .correlation_id = m->correlation_id},
                .account = m->account->account->id,
                .done = logged_in,
                .userdata = m,
        };
        session_act(m->account->orchestrator, &m->request);
}

static void look_at(struct morning *m, const struct ist *now)
{
        struct account_state *a = m->account;
        const struct broker_login_way *way = login_way(a);

        if (m->over || m->running || a->login || !a->owned)
                return;
        m->over = !way || has_session(a, now) || a->logged_out_us > clock_wall_us();
        if (m->over || clock_wall_us() < m->next_us)
                return;
        m->over = way->method != BROKER_LOGIN_TOTP || m->tries == PREOPEN_TRIES;
        if (m->over)
                demand(a);
        else
                log_in(m);
}

void preopen_look(struct orchestrator *o)
{
        struct preopen *p = o->preopen;
        struct ist now = clock_ist(clock_wall_us());

        if (now.second < PREOPEN_SECOND || now.second >= PREOPEN_UNTIL || o->draining ||
            !is_trading_day(o->options.calendar, now.day))
                return;
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct morning *m = &p->mornings[i];
                if (now.day != p->day) {
                        m->over = false;
                        m->tries = 0;
                        m->next_us = 0;
                }
                look_at(m, &now);
        }
        p->day = now.day;
}

static void fire(struct loop_timer *t)
{
        struct preopen *p = CONTAINER_OF(t, struct preopen, timer);

        (void)loop_timer_set(p->o->loop, t, LOOK_EVERY_US);
        preopen_look(p->o);
}

int preopen_new(struct orchestrator *o)
{
        unsigned n = o->options.n_accounts;

        o->preopen = calloc(1, sizeof(*o->preopen) + n * sizeof(o->preopen->mornings[0]));
        if (!o->preopen)
                return -ENOMEM;
        o->preopen->o = o;
        o->preopen->timer.fire = fire;
        for (unsigned i = 0; i < n; i++)
                o->preopen->mornings[i].account = &o->accounts[i];
        return 0;
}

void preopen_start(struct orchestrator *o)
{
        (void)loop_timer_set(o->loop, &o->preopen->timer, 0);
}

void preopen_free(struct orchestrator *o)
{
        if (!o->preopen)
                return;
        loop_timer_done(&o->preopen->timer);
        free(TAKE(o->preopen));
}
