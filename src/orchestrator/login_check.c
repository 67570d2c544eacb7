/* Behind the last step: whose session is it, how long does it last; then the ledger has it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "orchestrator/login_state.h"
#include "orchestrator/state.h"

/* The token is given up, here and at the broker. */
static void give_up(struct login *l, enum problem p, const char *detail)
{
        if (l->token)
                session_farewell(l->account, TAKE(l->token), NULL);
        login_fail(l, p, detail);
}

static void stored(void *userdata, enum problem p)
{
        struct login *l = userdata;
        struct account_state *a = l->account;

        l->busy = false;
        a->session_writes--;
        if (p != PROBLEM_NONE) {
                session_farewell(a, TAKE(l->token), NULL);
                login_answer(l, p, NULL);
        } else {
                session_begin(a, TAKE(l->token), l->generation, l->since_us, l->ends_us, &l->actor);
                login_answer(l, PROBLEM_NONE, NULL);
        }
        login_free(l);
}

/* From here on it is no longer pending: it becomes the session, or the ledger is broken. */
static void store(struct login *l)
{
        struct account_state *a = l->account;
        void *sealed;
        size_t size;

        l->since_us = clock_wall_us();
        l->ends_us = session_end_us(a, l->since_us, l->token_expires_us);
        if (l->ends_us <= l->since_us) {
                give_up(l, PROBLEM_LOGIN_REFUSED,
                        "the token is over already; are the clocks right?");
                return;
        }
        /* One that is being written counts: its generation was taken when it was. */
        l->generation = a->generation + a->session_writes + 1;
        if (session_seal(a, l->token, l->generation, l->since_us, &sealed, &size) < 0) {
                give_up(l, PROBLEM_INTERNAL, "the token cannot be sealed");
                return;
        }
        loop_timer_done(&l->whole);
        a->login = NULL;
        a->session_writes++;
        l->busy = true;
        session_write(&(struct session_write){
                .account = a,
                .status = session_state_name(SESSION_STATE_ACTIVE),
                .actor = &l->actor,
                .column = SESSION_COLUMN_TOKEN,
                .value = sealed,
                .size = size,
                .expires_us = l->ends_us,
                .tells_end = true,
                .done = stored,
                .userdata = l,
        });
        free(sealed);
}

/* Client ids are written in capitals or not. */
static bool is_ours(const struct login *l, const char *client_id)
{
        return strcasecmp(client_id, l->account->account->access.client_id) == 0;
}

static void ask_profile(struct login *l);

static void take_profile(struct login *l, const struct broker_result *r)
{
        bool ours = l->account->account->access.client_id;
        bool proven = *l->client_id || !ours;
        char detail[MESSAGE_SIZE];

        if (r->outcome == OUTCOME_ACCEPTED && *r->client_id && ours && !is_ours(l, r->client_id)) {
                give_up(l, PROBLEM_LOGIN_WRONG_ACCOUNT, NULL);
        } else if (r->outcome == OUTCOME_REJECTED || r->session_ended) {
                snprintf(detail, sizeof(detail), "the broker does not take its own token: %.150s",
                         *r->message ? r->message : "it says no more");
                login_blot(l, detail);
                give_up(l, PROBLEM_LOGIN_REFUSED, detail);
        } else if ((r->outcome == OUTCOME_ACCEPTED && (*r->client_id || proven)) ||
                   (r->problem == PROBLEM_TYPE_UNSUPPORTED && proven)) {
                store(l);
        } else if (r->outcome != OUTCOME_ACCEPTED && r->problem != PROBLEM_TYPE_UNSUPPORTED &&
                   l->checks < LOGIN_CHECKS_MAX) {
                ask_profile(l);
        } else if (proven && *l->client_id) {
                store(l); /* the last step told it; the profile would only have said it again */
        } else {
                give_up(l, PROBLEM_LOGIN_FAILED,
                        "the broker did not tell whose session it is; the token was dropped");
        }
}

static void profile_ended(struct call *c)
{
        struct login *l = CONTAINER_OF(c, struct login, call);
        struct broker_result r = c->result;

        if (login_was_over(l))
                return;
        c->result = (struct broker_result){};
        call_clear(c);
        take_profile(l, &r);
        broker_result_done(&r);
}

static void ask_profile(struct login *l)
{
        l->checks++;
        l->busy = true;
        l->call = (struct call){
                .account = l->account,
                .broker.op = BROKER_PROFILE,
                .passes_halt = true,
                .token = l->token,
                .done = profile_ended,
        };
        call_start(&l->call);
}

void login_check(struct login *l)
{
        if (*l->client_id && l->account->account->access.client_id && !is_ours(l, l->client_id))
                give_up(l, PROBLEM_LOGIN_WRONG_ACCOUNT, NULL);
        else
                ask_profile(l);
}
