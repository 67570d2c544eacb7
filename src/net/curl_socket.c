#include "net/curl_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

struct socket_watch {
        struct list link;
        struct socket_watcher *watcher;
        sd_event_source *source;
        curl_socket_t fd;
        bool resting;
};
DEFINE_CLEANUP(struct socket_watch *, socket_watch_free)

void socket_watcher_init(struct socket_watcher *w, sd_event *event,
                         void (*ready)(struct socket_watcher *, curl_socket_t, int))
{
        *w = (struct socket_watcher){.event = event, .ready = ready};
        list_init(&w->watches);
}

void socket_watcher_done(struct socket_watcher *w)
{
        LIST_FOREACH (it, &w->watches)
                socket_watch_free(LIST_ENTRY(it, struct socket_watch, link));
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct socket_watch *watch = userdata;
        int bits = 0; /* error and hang-up alone: libcurl looks itself */

        if (watch->resting) { /* it would be told again and again */
                socket_watch_free(watch);
                return 0;
        }
        if (revents & EPOLLIN)
                bits |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                bits |= CURL_CSELECT_OUT;
        watch->watcher->ready(watch->watcher, fd, bits);
        return 0;
}

static uint32_t epoll_events(int what)
{
        return (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
}

static struct socket_watch *find(const struct socket_watcher *w, curl_socket_t fd)
{
        LIST_FOREACH (it, &w->watches) {
                struct socket_watch *watch = LIST_ENTRY(it, struct socket_watch, link);
                if (watch->fd == fd)
                        return watch;
        }
        return NULL;
}

static int change(struct socket_watch *watch, int what)
{
        watch->resting = false;
        return sd_event_source_set_io_events(watch->source, epoll_events(what));
}

int socket_watch_set(struct socket_watcher *w, curl_socket_t fd, int what,
                     struct socket_watch **watch)
{
        struct socket_watch *known = *watch ? *watch : find(w, fd);

        if (known) {
                *watch = known;
                return change(known, what);
        }

        _cleanup_(socket_watch_freep) struct socket_watch *fresh = calloc(1, sizeof(*fresh));
        if (!fresh)
                return -ENOMEM;
        list_init(&fresh->link);
        fresh->watcher = w;
        fresh->fd = fd;
        int r = sd_event_add_io(w->event, &fresh->source, fd, epoll_events(what), on_io, fresh);
        if (r < 0)
                return r;
        list_append(&w->watches, &fresh->link);
        *watch = TAKE(fresh);
        return 0;
}

void socket_watch_rest(struct socket_watch *watch)
{
        if (change(watch, CURL_POLL_IN) < 0)
                socket_watch_free(watch);
        else
                watch->resting = true;
}

void socket_watch_forget(struct socket_watcher *w, curl_socket_t fd)
{
        socket_watch_free(find(w, fd));
}

struct socket_watch *socket_watch_free(struct socket_watch *watch)
{
        if (!watch)
                return NULL;
        list_unlink(&watch->link);
        sd_event_source_disable_unref(watch->source);
        free(watch);
        return NULL;
}
