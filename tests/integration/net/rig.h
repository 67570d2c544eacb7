/* A loop, an httpc over curl and a scripted server, for one test. */
#pragma once

#include "net/httpc.h"
#include "script_server.h"

#define RIG_CALLS_MAX 64

struct rig {
        struct loop *loop;
        struct httpc *httpc;
        struct script_server server;
        bool has_server;
        unsigned pending;
        char base_url[64];
};

struct rig_call {
        struct http_call http;
        struct rig *rig;
        unsigned ended;     /* how often done was called */
        unsigned may_leave; /* how often it was asked */
        bool refuse;
        void (*then)(struct rig_call *c); /* at the end of done; may be NULL */
};

void rig_start(struct rig *r, const struct script_step *steps, unsigned n);
/* `options` without base_url: the server's is put in. `steps` NULL: no server. */
void rig_start_with(struct rig *r, const struct script_step *steps, unsigned n, SSL_CTX *tls,
                    struct httpc_options options);
void rig_stop(struct rig *r);
#define RIG_START(r, ...)                                         \
        static const struct script_step steps_[] = {__VA_ARGS__}; \
        rig_start((r), steps_, sizeof(steps_) / sizeof(steps_[0]))

/* A method other than GET writes. */
void rig_call(struct rig *r, struct rig_call *c, const char *method, const char *url,
              const char *body, int timeout_ms);
void rig_send(struct rig_call *c);
/* Turns the loop until all sent calls ended. */
void rig_wait(struct rig *r);
void rig_sleep(struct rig *r, int ms);
/* The three in one. */
void rig_do(struct rig *r, struct rig_call *c, const char *method, const char *url,
            const char *body, int timeout_ms);
void rig_call_done(struct rig_call *c);
