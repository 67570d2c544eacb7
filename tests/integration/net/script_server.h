/* A TCP (or TLS) server in threads of the test process, which does with each request what a script
 * says: the n-th request gets the n-th step, all further ones the last. It counts what really
 * arrived. */
#pragma once

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_CONNECTIONS_MAX 128
#define SCRIPT_REQUEST_MAX     (256U << 10)

enum script_action {
        SCRIPT_REPLY,        /* text (NULL: SCRIPT_OK), keeps the connection */
        SCRIPT_REPLY_CLOSE,  /* text, then closes */
        SCRIPT_REPLY_TWICE,  /* text, and once more when the first was surely read */
        SCRIPT_DRIP,         /* text, a byte each delay_ms */
        SCRIPT_CLOSE_UNREAD, /* right after accepting */
        SCRIPT_CLOSE,        /* after reading the whole request, without a word */
        SCRIPT_RESET,        /* the same with RST */
        SCRIPT_STALL,        /* reads the request, says nothing, keeps the connection */
        SCRIPT_FLOOD_HEAD,   /* headers without end */
        SCRIPT_FLOOD_BODY,   /* chunks without end */
};

struct script_step {
        enum script_action action;
        const char *text;
        unsigned delay_ms; /* before acting; between bytes of a drip */
        size_t size;       /* of the text, if it may hold NUL */
};

#define SCRIPT_OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

struct script_server {
        int listener;
        unsigned port;
        SSL_CTX *tls; /* NULL: plain */
        const struct script_step *steps;
        unsigned n_steps;
        pthread_t accepting;
        pthread_mutex_t lock; /* everything below */
        pthread_t threads[SCRIPT_CONNECTIONS_MAX];
        int fds[SCRIPT_CONNECTIONS_MAX];
        unsigned n_threads;
        unsigned step;
        unsigned connections, requests, writes; /* writes: POST, PUT, DELETE, read as a whole */
        bool stopping;
        char last[4096]; /* request */
};

void script_start(struct script_server *s, const struct script_step *steps, unsigned n,
                  SSL_CTX *tls);
void script_stop(struct script_server *s);
unsigned script_requests(struct script_server *s);
unsigned script_writes(struct script_server *s);
unsigned script_connections(struct script_server *s);
