/* What session and login share: changes as the ledger, the event stream and the journal get them,
 * answers to requests, and tokens that are given up. Internal to this folder. */
#pragma once

#include "orchestrator/session.h"

struct account_state;

#define SESSION_COLUMN_LOGGED_OUT "logged_out" /* of a broker without login */
#define SESSION_COLUMN_TOKEN      "token"      /* sealed: session_seal() */
#define SESSION_COLUMN_TOTP       "totp_used"  /* the window of the last code, eight bytes */

#define CORRELATION_SIZE 65

/* Who did it, for records that outlive the request. */
struct session_actor {
        char name[KEY_NAME_SIZE];
        char correlation_id[CORRELATION_SIZE];
};
/* NULL: "ordod". */
void session_actor_set(struct session_actor *a, const struct caller *c);

/* One commit: a row of the account, or none (`column` NULL), and the audit record of the change,
 * which is also the event; none without `status`. Strings are borrowed until the call returns but
 * for literals: status, reason, column. */
struct session_write {
        struct account_state *account;
        const char *status; /* literal */
        const char *reason; /* literal, or NULL */
        const struct session_actor *actor;
        const char *column;
        const void *value; /* NULL: the row goes */
        size_t size;
        int64_t expires_us;                           /* of the row */
        bool tells_end;                               /* … and in the record too */
        void (*done)(void *userdata, enum problem p); /* may be NULL */
        void *userdata;
};
void session_write(const struct session_write *w);

/* Fills `problem`, `detail` and `view`; `done` is called a little later. */
void session_answer(struct orchestrator *o, struct session_request *r, enum problem p,
                    const char *detail);

/* The session begins: takes `token` (NULL: the broker has no login). */
void session_begin(struct account_state *a, struct secret *token, uint64_t generation,
                   int64_t since_us, int64_t expires_us, const struct session_actor *actor);
/* When a session that began now is over: what the token says, the broker's hour, whichever comes
 * first. */
int64_t session_end_us(const struct account_state *a, int64_t now_us, int64_t token_expires_us);
/* What the ledger keeps of a session. `*ret` is free()'d. 0; -ENOKEY: there is no vault; -E2BIG;
 * -ENOMEM. */
int session_seal(const struct account_state *a, const struct secret *token, uint64_t generation,
                 int64_t since_us, void **ret, size_t *ret_size);

/* Logs `token` out at the broker and forgets it; takes it over. Then answers `r`, which may be
 * NULL. */
void session_farewell(struct account_state *a, struct secret *token, struct session_request *r);
