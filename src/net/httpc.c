#include "net/transport.h"

#include <errno.h>

#include "base/clock.h"

void http_call_done(struct http_call *c)
{
        http_request_done(&c->request);
        http_reply_done(&c->reply);
}

/* libcurl's sentences may quote the peer. */
static void copy_error(struct http_facts *f, const char *error)
{
        text_copy(f->error, sizeof(f->error), error);
        for (char *p = f->error; *p; p++)
                if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
                        *p = '?';
}

void httpc_end(struct httpc *h, struct http_call *c, const struct attempt *e, const char *error)
{
        c->verdict = verdict_judge(e, &c->facts);
        c->facts.ended_us = clock_wall_us();
        if (!c->facts.may_have_left)
                c->facts.sent_us = 0;
        if (c->verdict != VERDICT_ANSWERED) {
                http_reply_done(&c->reply);
                copy_error(&c->facts, error ? error : "the exchange ended without a usable reply");
        }
        list_unlink(&c->link);
        h->running--;
        c->done(c);
}

static void end_unsent(struct httpc *h, struct http_call *c, const char *error)
{
        const struct attempt nothing = {.error = ECANCELED};

        httpc_end(h, c, &nothing, error);
}

static struct http_call *take_queued(struct httpc *h)
{
        struct http_call *c = LIST_ENTRY(h->queue.next, struct http_call, link);

        list_unlink(&c->link);
        h->queued--;
        return c;
}

static void turn(struct loop_work *w)
{
        struct httpc *h = CONTAINER_OF(w, struct httpc, turn);
        int64_t now_us = clock_mono_us();

        h->turn_due = false;
        httpc_hold(h);
        /* Only what was queued before: a done callback that sends again gets the next turn. */
        for (unsigned n = h->queued; n > 0 && h->queued > 0; n--) {
                struct http_call *c = take_queued(h);
                list_append(&h->started, &c->link);
                if (now_us < c->deadline_us)
                        h->transport->start(h, c);
                else
                        end_unsent(h, c, "no time was left to send it");
        }
        if (h->transport->turn && !h->freeing)
                h->transport->turn(h);
        httpc_release(h);
}

void httpc_init(struct httpc *h, struct loop *l, const struct transport *t)
{
        *h = (struct httpc){.loop = l, .transport = t, .turn.run = turn};
        list_init(&h->queue);
        list_init(&h->started);
        list_init(&h->turn.link);
}

void httpc_schedule(struct httpc *h)
{
        if (h->turn_due || h->freeing)
                return;
        h->turn_due = true;
        loop_defer(h->loop, &h->turn);
}

void httpc_send(struct httpc *h, struct http_call *c)
{
        c->facts = (struct http_facts){.started_us = clock_wall_us()};
        c->deadline_us = c->timeout_us > 0 ? clock_mono_us() + c->timeout_us : 0;
        c->rider = NULL;
        c->transport = NULL;
        list_append(&h->queue, &c->link);
        h->queued++;
        h->running++;
        httpc_schedule(h);
}

unsigned httpc_running(const struct httpc *h)
{
        return h->running;
}

const char *httpc_transport(const struct httpc *h)
{
        return h->transport->name;
}

void httpc_hold(struct httpc *h)
{
        h->holds++;
}

void httpc_release(struct httpc *h)
{
        if (--h->holds == 0 && h->freeing)
                h->transport->destroy(h);
}

struct httpc *httpc_free(struct httpc *h)
{
        if (!h)
                return NULL;
        httpc_hold(h);
        h->freeing = true;
        if (h->turn_due)
                list_unlink(&h->turn.link);
        while (h->running > 0) {
                if (!list_empty(&h->started))
                        h->transport->abandon(h,
                                              LIST_ENTRY(h->started.next, struct http_call, link));
                else
                        end_unsent(h, take_queued(h),
                                   "the connection was given up before it was sent");
        }
        httpc_release(h);
        return NULL;
}
