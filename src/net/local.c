/* The exchange inside this process. The whole of it is one function call, so nothing is ever left
 * running: a call is queued, or it is over. */
#include <errno.h>

#include "base/clock.h"
#include "base/fault.h"
#include "net/transport.h"

struct local {
        struct httpc base;
        struct local_service service;
};

static void local_start(struct httpc *h, struct http_call *c)
{
        struct local *l = CONTAINER_OF(h, struct local, base);
        struct attempt e = {.error = ECANCELED};

        if (c->may_leave && !c->may_leave(c)) {
                httpc_end(h, c, &e, "refused at the last moment before sending");
                return;
        }
        c->facts.sent_us = clock_wall_us();
        e.departures = 1;
        e.handed_over = true;
        e.bytes = (int64_t)(c->request.url.len + c->request.body.len);
        if (c->request.writes)
                crash_point(CRASH_CALL_BEGIN);
        int r = l->service.serve(l->service.userdata, &c->request, &c->reply, &c->rider);
        if (c->request.writes)
                crash_point(CRASH_CALL_SENT);
        e.error = r < 0 ? -r : 0;
        e.status = c->reply.status;
        httpc_end(h, c, &e, r < 0 ? "the local exchange broke while serving" : NULL);
}

static void local_destroy(struct httpc *h)
{
        free(CONTAINER_OF(h, struct local, base));
}

static const struct transport local_transport = {
        .name = "local",
        .start = local_start,
        .destroy = local_destroy,
};

int httpc_new_local(struct loop *l, struct local_service service, struct httpc **ret)
{
        struct local *local = calloc(1, sizeof(*local));

        if (!local)
                return -ENOMEM;
        httpc_init(&local->base, l, &local_transport);
        local->service = service;
        *ret = &local->base;
        return 0;
}
