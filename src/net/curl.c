/* Requests over libcurl. One multi handle per httpc: an account's connections are its own, because
 * a shared pool would re-use a connection that is bound to another account's address. The multi and
 * its handles are made when the first call needs them.
 *
 * libcurl is never entered from its own callbacks: what it asks for there happens in the next turn.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/fault.h"
#include "net/curl_socket.h"
#include "net/curl_transfer.h"
#include "net/transport.h"

#define ERROR_LOST (-1) /* beside libcurl's codes: the multi broke, or the call was given up */

struct curl_client {
        struct httpc base;
        struct curl_settings settings;
        CURLM *multi;  /* NULL before the first call, and after it was lost */
        CURLSH *share; /* TLS sessions, which easy handles keep to themselves otherwise */
        struct socket_watcher sockets;
        struct ports ports;
        struct loop_timer timer;
        bool due;  /* libcurl wants to run at once */
        bool lost; /* a callback could not do what libcurl asked for; drive() deals with it */
        struct list idle;
        unsigned n_idle;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
        struct curl_client *l = userdata;
        struct socket_watch *watch = socket_data;

        if (what == CURL_POLL_REMOVE) {
                /* One of a name look-up closes now, and nobody says so. */
                if (watch && ports_know(&l->ports, fd))
                        socket_watch_rest(watch);
                else
                        socket_watch_free(watch);
                return 0;
        }
        bool fresh = !watch;
        int r = socket_watch_set(&l->sockets, fd, what, &watch);
        if (r == 0 && fresh)
                r = curl_multi_assign(l->multi, fd, watch) == CURLM_OK ? 0 : -EBADF;
        l->lost |= r < 0;
        return r < 0 ? -1 : 0;
}

static int on_timer(CURLM *multi, long ms, void *userdata)
{
        struct curl_client *l = userdata;
        int r = 0;

        l->due = ms == 0;
        if (ms > 0)
                r = loop_timer_set(l->base.loop, &l->timer, ms * USEC_PER_MS);
        else
                loop_timer_stop(&l->timer);
        l->lost |= r < 0;
        if (l->due)
                httpc_schedule(&l->base);
        return r < 0 ? -1 : 0;
}

static void drop_multi(struct curl_client *l)
{
        if (!l->multi)
                return;
        /* Closing the connections must not call back into watches that are gone. */
        curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, NULL);
        socket_watcher_done(&l->sockets);
        loop_timer_stop(&l->timer);
        curl_multi_cleanup(TAKE(l->multi));
        l->due = l->lost = false;
}

#define SET(option, value)                                                     \
        do {                                                                   \
                if (code == CURLM_OK)                                          \
                        code = curl_multi_setopt(l->multi, (option), (value)); \
        } while (0)

/* 0, -ENOMEM. */
static int need_multi(struct curl_client *l)
{
        CURLMcode code = CURLM_OK;

        if (l->multi)
                return 0;
        if (!l->share) {
                l->share = curl_share_init();
                if (!l->share)
                        return -ENOMEM;
                curl_share_setopt(l->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
        }
        l->multi = curl_multi_init();
        if (!l->multi)
                return -ENOMEM;
        SET(CURLMOPT_SOCKETFUNCTION, on_socket);
        SET(CURLMOPT_SOCKETDATA, l);
        SET(CURLMOPT_TIMERFUNCTION, on_timer);
        SET(CURLMOPT_TIMERDATA, l);
        SET(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
        SET(CURLMOPT_MAX_HOST_CONNECTIONS, (long)l->settings.max_connections);
        SET(CURLMOPT_MAXCONNECTS, (long)l->settings.max_connections);
        if (code == CURLM_OK)
                return 0;
        drop_multi(l);
        return -ENOMEM;
}

static void put_transfer(struct curl_client *l, struct transfer *t)
{
        if (l->n_idle >= l->settings.max_connections || !transfer_plain(t)) {
                transfer_free(t);
                return;
        }
        transfer_reset(t);
        list_prepend(&l->idle, &t->link);
        l->n_idle++;
}

static int get_transfer(struct curl_client *l, struct transfer **ret)
{
        if (list_empty(&l->idle))
                return transfer_new(&l->settings, l->share, &l->ports, ret);
        *ret = LIST_ENTRY(l->idle.next, struct transfer, link);
        list_unlink(&(*ret)->link);
        l->n_idle--;
        return 0;
}

/* The transfer is in no multi any more. */
static void end_transfer(struct curl_client *l, struct transfer *t)
{
        struct http_call *c = t->call;
        struct attempt e = t->attempt;
        char error[sizeof(c->facts.error)];

        text_copy(error, sizeof(error), transfer_error(t));
        put_transfer(l, t); /* first: done may free the call, whose body libcurl borrows */
        httpc_end(&l->base, c, &e, error);
}

static void client_abandon(struct httpc *h, struct http_call *c)
{
        struct curl_client *l = CONTAINER_OF(h, struct curl_client, base);
        struct transfer *t = c->transport;

        curl_multi_remove_handle(l->multi, t->easy);
        transfer_collect(t, ERROR_LOST);
        end_transfer(l, t);
}

/* libcurl will not move these transfers again: each ends as its evidence says, the next call gets a
 * new multi. */
static void lose_multi(struct curl_client *l)
{
        while (!list_empty(&l->base.started))
                client_abandon(&l->base, LIST_ENTRY(l->base.started.next, struct http_call, link));
        drop_multi(l);
}

static bool begin_anew(struct curl_client *l, struct transfer *t)
{
        return transfer_refresh(t) == 0 && curl_multi_add_handle(l->multi, t->easy) == CURLM_OK;
}

static void collect_ended(struct curl_client *l)
{
        CURLMsg *message;
        int more;

        while (l->multi && (message = curl_multi_info_read(l->multi, &more))) {
                struct transfer *t = NULL;
                int code = message->data.result;
                CURL *easy = message->easy_handle; /* the message dies with the removal */

                if (message->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
                curl_multi_remove_handle(l->multi, easy);
                if (begin_anew(l, t))
                        continue;
                transfer_collect(t, code);
                end_transfer(l, t);
        }
}

/* The crash point between a request and its reply: libcurl has no callback there. */
static void pass_sent(const struct curl_client *l)
{
#ifdef ORDO_FAULTS
        LIST_FOREACH (it, &l->base.started) {
                const struct http_call *c = LIST_ENTRY(it, struct http_call, link);
                const struct transfer *t = c->transport;
                curl_off_t handed_over_us = 0;
                if (!t || !c->request.writes || t->attempt.departures == 0 || t->head_size > 0)
                        continue;
                curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &handed_over_us);
                if (handed_over_us > 0)
                        crash_point(CRASH_CALL_SENT);
        }
#endif
}

static void drive(struct curl_client *l, curl_socket_t fd, int bits)
{
        CURLMcode code;
        int running;

        if (!l->multi)
                return;
        httpc_hold(&l->base);
        code = curl_multi_socket_action(l->multi, fd, bits, &running);
        pass_sent(l);
        collect_ended(l);
        if (code != CURLM_OK || l->lost)
                lose_multi(l);
        httpc_release(&l->base);
}

static void on_ready(struct socket_watcher *w, curl_socket_t fd, int bits)
{
        drive(CONTAINER_OF(w, struct curl_client, sockets), fd, bits);
}

static void on_time(struct loop_timer *timer)
{
        drive(CONTAINER_OF(timer, struct curl_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void client_start(struct httpc *h, struct http_call *c)
{
        struct curl_client *l = CONTAINER_OF(h, struct curl_client, base);
        const struct attempt nothing = {.error = ECANCELED};
        struct transfer *t = NULL;

        int r = need_multi(l);
        if (r == 0)
                r = get_transfer(l, &t);
        if (r < 0) {
                httpc_end(h, c, &nothing,
                          r == -ENOMEM ? "out of memory before sending"
                                       : "libcurl does not take the settings of this account");
                return;
        }
        r = transfer_prepare(t, c);
        if (r < 0) {
                end_transfer(l, t);
                return;
        }
        c->transport = t;
        if (curl_multi_add_handle(l->multi, t->easy) != CURLM_OK) {
                transfer_collect(t, ERROR_LOST);
                end_transfer(l, t);
        }
}

static void client_turn(struct httpc *h)
{
        struct curl_client *l = CONTAINER_OF(h, struct curl_client, base);

        if (!l->due)
                return;
        l->due = false;
        drive(l, CURL_SOCKET_TIMEOUT, 0);
}

static void client_destroy(struct httpc *h)
{
        struct curl_client *l = CONTAINER_OF(h, struct curl_client, base);

        LIST_FOREACH (it, &l->idle)
                transfer_free(LIST_ENTRY(it, struct transfer, link));
        drop_multi(l);
        curl_share_cleanup(l->share);
        loop_timer_done(&l->timer);
        curl_settings_done(&l->settings);
        free(l);
}

static const struct transport curl_transport = {
        .name = "curl",
        .start = client_start,
        .turn = client_turn,
        .abandon = client_abandon,
        .destroy = client_destroy,
};

int httpc_new_curl(struct loop *l, const struct httpc_options *o, struct httpc **ret)
{
        static bool initialised; /* for the life of the process; loop thread only */

        if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        initialised = true;

        struct curl_client *client = calloc(1, sizeof(*client));
        if (!client)
                return -ENOMEM;
        httpc_init(&client->base, l, &curl_transport);
        socket_watcher_init(&client->sockets, loop_event(l), on_ready);
        client->ports.watcher = &client->sockets;
        client->timer.fire = on_time;
        list_init(&client->idle);
        int r = curl_settings_init(&client->settings, o);
        if (r < 0) {
                client_destroy(&client->base);
                return r;
        }
        *ret = &client->base;
        return 0;
}
