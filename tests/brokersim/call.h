/* One request to a broker and its answer, without a byte of h2o: what the wire files read and fill.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/text.h"
#include "brokersim/account.h"

struct sim;
struct ticket;

#define OPERATION_TABLE(X)        \
        X(LOGIN, "login")         \
        X(PROFILE, "profile")     \
        X(PLACE, "place")         \
        X(MODIFY, "modify")       \
        X(CANCEL, "cancel")       \
        X(BOOK, "book")           \
        X(ORDER, "order")         \
        X(TRADES, "trades")       \
        X(FUNDS, "funds")         \
        X(HOLDINGS, "holdings")   \
        X(POSITIONS, "positions") \
        X(QUOTES, "quotes")       \
        X(MARGIN, "margin")       \
        X(LOGOUT, "logout")       \
        X(MASTER, "master")       \
        X(OTHER, "other")
enum operation {
#define X(name, text) OPERATION_##name,
        OPERATION_TABLE(X)
#undef X
                _OPERATION_MAX
};
_Static_assert(_OPERATION_MAX <= OPERATIONS_MAX, "a user's calls are counted by operation");
const char *operation_name(enum operation o);
int operation_from(const char *s); /* -1 */

struct bytes {
        const char *s;
        size_t n;
};

enum call_header {
        HEADER_AUTHORIZATION,
        HEADER_USER_AGENT,
        HEADER_CONTENT_TYPE,
        HEADER_ACCEPT_ENCODING,
        HEADER_ACCEPT,
        HEADER_MIRAE_VERSION,
        _HEADER_MAX
};

struct route;

struct call {
        struct sim *sim;
        const struct wire *wire;
        const struct route *route;
        struct bytes method, path /* behind the broker's prefix */, query, body;
        struct bytes headers[_HEADER_MAX];
        char argument[64]; /* what stood for the star in the route's path */
        struct user *user; /* NULL: public */
        struct grant *grant;
        bool dry;        /* orders are received, and nothing is booked */
        bool quiet;      /* it was received before: the logs have it */
        char placed[24]; /* the id of what was booked */
        char peer[46];   /* the address it came from */

        int status;
        const char *content_type; /* a literal */
        struct text out;
        struct text location; /* of a redirect */
        bool gzip;            /* `out` is compressed */
};

struct route {
        const char *method;
        const char *path; /* one star: a segment */
        enum operation operation;
        bool open; /* without a session */
        void (*answer)(struct call *c);
};

/* A broker's wire format. */
struct wire {
        enum broker_name broker;
        const char *prefix; /* "/fyers" */
        const struct route *routes;
        size_t n_routes;
        /* Fills `user` and `grant`; false: answered already. */
        bool (*admit)(struct call *c);
        /* As when the token is no longer good. */
        void (*expired)(struct call *c);
        /* The order went on, and nobody knows what came of it. */
        void (*perhaps)(struct call *c);
        bool packs; /* compresses large answers */
        /* In the broker's own envelope. `status` 404, 405, 429, 5xx. */
        void (*fail)(struct call *c, int status, const char *message);
};
extern const struct wire wire_fyers, wire_hdfc, wire_mstock;

void call_answer(struct call *c, int status, const char *content_type); /* empties `out` */
/* Empties `out`, answers 200 with JSON: a writer for the body. */
struct json_writer call_json(struct call *c, int status);
/* A field of `application/x-www-form-urlencoded`, decoded: false when it is not there or too long.
 */
bool form_get(struct bytes encoded, const char *key, char *buf, size_t size);
/* The next of several fields of one name; `rest` moves on. False: no more. */
bool form_next(struct bytes *rest, const char *key, char *buf, size_t size);
bool call_query(const struct call *c, const char *key, char *buf, size_t size);
bool call_form(const struct call *c, const char *key, char *buf, size_t size);
bool call_is(const struct call *c, const char *method);
/* The body as a JSON object. NULL: it is none. */
struct json_object *call_body(const struct call *c);
/* In India's time, by `format`: Y 2026, y 26, M 11, b Nov, B NOV, d 27, H m S; the rest stands. */
const char *print_ist(int64_t wall_us, const char *format, char *buf, size_t size);
const char *print_day(int day, const char *format, char *buf, size_t size);
void call_redirect(struct call *c, const char *url);
/* The page on which a person logs in, in place of the broker's own; it comes back as a POST to the
 * same address with the fields `otp`, `pin` and `action` (approve, refuse). `why`: what was wrong
 * the last time; NULL. */
void call_login_page(struct call *c, const char *broker, const struct user *u, const char *why);
/* What came back from it: NULL, or what is wrong. `*ret_approved` false: the person refused. */
const char *call_login_check(const struct call *c, const struct user *u, bool *ret_approved);

bool call_accepts_gzip(const struct call *c);
void call_compress(const struct text *from, struct text *ret);
/* A large answer is compressed for who accepts it. */
void call_pack(struct call *c);
