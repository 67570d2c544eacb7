/* A login from the inside: shared by login.c (the chain) and login_check.c (what comes of a token).
 */
#pragma once

#include "orchestrator/call.h"
#include "orchestrator/login.h"
#include "orchestrator/session_write.h"

struct login {
        struct list link; /* the account's */
        struct account_state *account;
        const struct broker_login_way *way;
        char id[UUID_SIZE];
        int64_t expires_us;       /* wall clock */
        struct loop_timer whole;  /* its time is over */
        struct loop_timer window; /* the next code can be used */
        enum login_phase {
                LOGIN_RUNS,  /* a request or a commit */
                LOGIN_WAITS, /* for a person */
                LOGIN_WINDOW /* for the next code of the authenticator */
        } phase;
        bool busy;     /* something that comes back here is under way */
        bool orphan;   /* replaced or over; freed when that has come back */
        unsigned step; /* the next one */
        unsigned steps, tries, checks;
        bool asked;      /* TOTP: a reply has asked for a code */
        int64_t code_of; /* TOTP: window of the code in use; 0 none */
        struct secret *state, *otp, *code, *carry;
        struct call call;
        struct session_request *request; /* who waits; NULL */
        struct session_actor actor;      /* who did the last thing */

        /* what it came to */
        struct secret *token;
        int64_t token_expires_us;
        char client_id[CLIENT_ID_SIZE]; /* as the last step told it; "" not told */
        uint64_t generation;
        int64_t since_us, ends_us;
};

/* It ends without a session. `detail` may be NULL. */
void login_fail(struct login *l, enum problem p, const char *detail);
void login_free(struct login *l);
/* Answers who waits, if somebody does. */
void login_answer(struct login *l, enum problem p, const char *detail);
/* True: it was over when this came back, and is freed. */
bool login_was_over(struct login *l);
/* login_check.c: the chain has ended with `token`. */
void login_check(struct login *l);
/* Blots out of a broker's words what it may have been told. */
void login_blot(const struct login *l, char message[static MESSAGE_SIZE]);
