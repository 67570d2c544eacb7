/* Who may log in at which broker, and the access tokens that were handed out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "base/list.h"
#include "base/text.h"

#define BROKER_TABLE(X) X(FYERS, "fyers") X(HDFC, "hdfc") X(MSTOCK, "mstock")
enum broker_name {
#define X(name, text) BROKER_##name,
        BROKER_TABLE(X)
#undef X
                _BROKER_MAX
};
const char *broker_name(enum broker_name b);
int broker_from(const char *s); /* -1 */

#define USER_FIELD_SIZE     128
#define USERS_MAX           1024
#define GRANTS_PER_USER_MAX 64 /* tokens of one user; the oldest ends when one more is made */
#define GRANT_SIZE          768
#define JWT_CLAIMS_MAX      512

/* What a token is good for. */
enum grant_kind {
        GRANT_ACCESS,
        GRANT_LOGIN, /* hdfc's token_id: a login that has begun */
        GRANT_CODE,  /* auth_code, request_token: to be exchanged once */
};

struct user;

struct grant {
        char token[GRANT_SIZE];
        enum grant_kind kind;
        enum broker_name broker;
        struct user *user;
        int64_t expires_us; /* wall */
        unsigned step;      /* how far a login has come */
        struct list link;   /* of its user, oldest first */
        UT_hash_handle hh;
};

struct entry;
struct deal;
struct stake;

struct holding_row {
        const struct listing *listing;
        int64_t quantity, sold; /* `sold` today, of those */
        int64_t average;
};
#define HOLDINGS_MAX   32
#define OPERATIONS_MAX 16 /* at least as many as call.h has */

struct user {
        enum broker_name broker;
        char client_id[USER_FIELD_SIZE]; /* the account's number at the broker */
        char api_key[USER_FIELD_SIZE], api_secret[USER_FIELD_SIZE];
        char username[USER_FIELD_SIZE], password[USER_FIELD_SIZE];
        char pin[16], otp[16];
        char totp_secret[USER_FIELD_SIZE]; /* base32; "": the account has none */
        char redirect_uri[512];            /* as registered with the app; "": any */
        bool auto_login;                   /* the login page sends the browser back by itself */
        bool echo_tags;        /* hdfc, mstock: the book shows the client's own reference */
        bool otp_sent;         /* mstock: step 1 was done */
        int64_t token_seconds; /* 0: as the broker has it */
        struct list grants;
        unsigned n_grants;
        uint64_t calls[OPERATIONS_MAX]; /* that were admitted, by operation */

        int64_t funds;          /* what there was in the morning, 1e-4 rupee */
        int64_t blocked;        /* by open orders */
        int64_t used, realised; /* by positions */
        struct entry **entries; /* the order book, oldest first */
        unsigned n_entries, size_entries;
        struct deal *deals;
        unsigned n_deals, size_deals;
        struct stake *stakes;
        unsigned n_stakes, size_stakes;
        struct holding_row holdings[HOLDINGS_MAX];
        unsigned n_holdings;
};

struct accounts {
        struct user *users[USERS_MAX];
        unsigned n_users;
        struct grant *grants;
        uint64_t serial;
};

/* NULL: there are USERS_MAX. */
struct user *user_add(struct accounts *a, enum broker_name b);
struct user *user_by_key(struct accounts *a, enum broker_name b, const char *text);
struct user *user_by_client(struct accounts *a, enum broker_name b, const char *text);
struct user *user_by_name(struct accounts *a, enum broker_name b, const char *text);
int64_t user_available(const struct user *u);

/* `claims`: the members of the JWT's payload, without braces; NULL: no JWT, a random text. */
struct grant *grant_make(struct accounts *a, struct user *u, enum grant_kind kind,
                         const char *claims, int64_t expires_us);
/* NULL: unknown, of another broker or kind, or expired. */
struct grant *grant_find(struct accounts *a, enum broker_name b, enum grant_kind kind,
                         const char *token);
void grant_end(struct accounts *a, struct grant *g);
/* Every token of the user (NULL: of everybody) ends. */
void grants_end(struct accounts *a, struct user *u);
/* The next moment of that second of the IST day. */
int64_t next_ist(int second);

/* RFC 6238 with SHA-1, 6 digits, 30 s; one step to either side is accepted. */
bool totp_good(const char *secret, const char *code);
/* Lower-case hexadecimal digits. */
void sha256_hex(const char *s, char ret[static 65]);
