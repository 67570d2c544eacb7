#include "rig.h"

#undef NDEBUG
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void rig_start_with(struct rig *r, const struct script_step *steps, unsigned n, SSL_CTX *tls,
                    struct httpc_options options)
{
        signal(SIGPIPE, SIG_IGN);
        *r = (struct rig){.has_server = steps};
        if (steps) {
                script_start(&r->server, steps, n, tls);
                snprintf(r->base_url, sizeof(r->base_url), "%s://localhost:%u",
                         tls ? "https" : "http", r->server.port);
                options.base_url = r->base_url;
        }
        assert(loop_new(&r->loop) == 0);
        assert(httpc_new_curl(r->loop, &options, &r->httpc) == 0);
}

void rig_start(struct rig *r, const struct script_step *steps, unsigned n)
{
        rig_start_with(r, steps, n, NULL, (struct httpc_options){.egress_address = "127.0.0.1"});
}

void rig_stop(struct rig *r)
{
        r->httpc = httpc_free(r->httpc);
        r->loop = loop_free(r->loop);
        if (r->has_server)
                script_stop(&r->server);
}

static void on_done(struct http_call *http)
{
        struct rig_call *c = CONTAINER_OF(http, struct rig_call, http);

        c->ended++;
        c->rig->pending--;
        if (c->then)
                c->then(c);
}

static bool on_may_leave(struct http_call *http)
{
        struct rig_call *c = CONTAINER_OF(http, struct rig_call, http);

        c->may_leave++;
        return !c->refuse;
}

void rig_call(struct rig *r, struct rig_call *c, const char *method, const char *url,
              const char *body, int timeout_ms)
{
        *c = (struct rig_call){.rig = r};
        c->http.request.method = method;
        c->http.request.writes = strcmp(method, "GET") != 0;
        text_add(&c->http.request.url, url);
        if (body)
                text_add(&c->http.request.body, body);
        c->http.timeout_us = timeout_ms * USEC_PER_MS;
        c->http.done = on_done;
        c->http.may_leave = on_may_leave;
}

void rig_send(struct rig_call *c)
{
        unsigned ended = c->ended;

        c->rig->pending++;
        httpc_send(c->rig->httpc, &c->http);
        assert(c->ended == ended); /* never from inside */
}

static bool drained(void *userdata)
{
        const unsigned *pending = userdata;

        return *pending == 0;
}

void rig_wait(struct rig *r)
{
        loop_stop(r->loop);
        assert(loop_run(r->loop, drained, &r->pending) == 0);
}

struct nap {
        struct loop_timer timer;
        unsigned pending;
};

static void wake(struct loop_timer *t)
{
        CONTAINER_OF(t, struct nap, timer)->pending = 0;
}

void rig_sleep(struct rig *r, int ms)
{
        struct nap nap = {.timer.fire = wake, .pending = 1};

        loop_stop(r->loop);
        assert(loop_timer_set(r->loop, &nap.timer, ms * USEC_PER_MS) == 0);
        assert(loop_run(r->loop, drained, &nap.pending) == 0);
        loop_timer_done(&nap.timer);
}

void rig_do(struct rig *r, struct rig_call *c, const char *method, const char *url,
            const char *body, int timeout_ms)
{
        rig_call(r, c, method, url, body, timeout_ms);
        rig_send(c);
        rig_wait(r);
}

void rig_call_done(struct rig_call *c)
{
        http_call_done(&c->http);
}
