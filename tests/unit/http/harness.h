/* The server over the fake orchestrator, on a thread of its own and a port of its own; and a client
 * that says exactly the bytes it is told to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake_orchestrator.h"
#include "http/http.h"

#define TOKEN     "test-token-0123456789-0123456789-0123456789"
#define TOKEN_KEY "api-token"

struct harness_options {
        struct http_options http; /* what is NULL or 0 gets a default of the tests */
        bool one_account;
        const char *unix_path; /* NULL: a port on 127.0.0.1 */
        bool no_token;
};

/* One at a time. */
void harness_start(const struct harness_options *o);
void harness_stop(void);
/* Begins to drain and returns at once; harness_stop() waits for the end. */
void harness_drain(void);
struct http *harness_http(void);
struct orchestrator *harness_orchestrator(void);
int harness_port(void);
unsigned harness_connections(void);
/* Runs on the server's thread; returns when it ran. */
void harness_call(void (*fn)(void));

struct reply {
        int status; /* 0: the connection was closed without an answer */
        char *head, *body;
        size_t body_size;
        bool complete;
};
void reply_done(struct reply *r);
/* Value of a header (lower case name) in a buffer that lives until the next call; NULL. */
const char *reply_header(const struct reply *r, const char *name);

int client_connect(void);
void client_send(int fd, const void *bytes, size_t n);
void client_say(int fd, const char *s);
/* Reads one answer; `head_only`: it has no body (HEAD). */
struct reply client_read(int fd, bool head_only);
/* True: the server closes within `ms` without a further byte. */
bool client_closed(int fd, int ms);
/* Reads what is there until `text` has been seen or the time is over. */
bool client_expect(int fd, const char *text, int ms);

/* A whole request on a connection of its own, with Host and the token unless `headers` holds those
 * names. `headers` are lines that end in CRLF, or NULL; a body brings Content-Type and
 * Content-Length. */
struct reply ask(const char *method, const char *target, const char *headers, const char *body);
struct reply ask_bytes(const char *method, const char *target, const char *headers,
                       const char *body, size_t n);
/* Asserts status, and that the body holds `text` (NULL: anything). */
void ask_for(int line, const char *method, const char *target, const char *headers,
             const char *body, int status, const char *text);
#define ASK(...) ask_for(__LINE__, __VA_ARGS__)

#define ORDER                                                                                     \
        "{\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"quantity\":10,\"price\":" \
        "\"812.50\","                                                                             \
        "\"product\":\"CNC\",\"targets\":[\"paper:demo\"]}"
#define ORDER_LENGTH "121"
