/* The broker session of an account: login in steps (login.h), token sealed at rest, expiry. The
 * paper broker needs no login; it has a session unless someone logged it out.
 *
 * LOGIN answers when a person has to act (`login_url`, or an OTP by COMPLETE), or when the session
 * is there; where the next code of an authenticator has to be waited for it answers at once and
 * goes on by itself. A login replaces the pending one of its account. */
#pragma once

#include "orchestrator/orchestrator.h"

#define SESSION_STATE_TABLE(X)  X(NONE) X(PENDING) X(ACTIVE) X(EXPIRED)
#define SESSION_STATE_MEMBER(w) SESSION_STATE_##w,
WORD_ENUM(SESSION_STATE, session_state, SESSION_STATE_TABLE); /* lower case */

struct session_view {
        const char *account;
        enum session_state state;
        int64_t since_us;   /* 0 */
        int64_t expires_us; /* 0: does not expire */
        int64_t last_login_us;
        const char *login_method; /* of a login: "none", "redirect", "otp", "totp" */
        int64_t login_expires_us; /* of the pending login; 0: none */
};
/* False: no such account. */
bool session_view(const struct orchestrator *o, const char *account, struct session_view *ret);

enum session_verb { SESSION_LOGIN, SESSION_COMPLETE, SESSION_LOGOUT };

struct session_request {
        enum session_verb verb;
        struct caller caller;
        const char *account;
        /* COMPLETE: exactly one way */
        const char *pending_login_id; /* may be NULL */
        const struct secret *otp;
        const char *redirect_url;
        const char *auth_code, *state;
        void (*done)(struct session_request *r);
        enum problem problem;
        char detail[MESSAGE_SIZE];
        /* LOGIN out */
        char login_id[UUID_SIZE];
        const char *method;    /* "none", "redirect", "otp", "totp" */
        const char *login_url; /* NULL */
        int64_t expires_us;    /* of the pending login; 0: it is over */
        struct session_view view;
        void *userdata;
        /* the orchestrator's */
        struct orchestrator *orchestrator;
        char *url;
        struct loop_work work;
};
void session_act(struct orchestrator *o, struct session_request *r);

/* The login helper's summary, into the audit. `payload` is a JSON object made by http from checked
 * fields. */
struct report_request {
        struct caller caller;
        const char *payload;
        void (*done)(struct report_request *r);
        enum problem problem;
        void *userdata;
};
void session_report(struct orchestrator *o, struct report_request *r);
