/* libcurl's sockets as sd-event sources. libcurl says which to watch and when to stop; whoever owns
 * the watcher hears which are ready. A connection that is kept for the next request keeps its place
 * in epoll, too:
 *
 *   watched ─(libcurl needs it no more)─► resting ─(something happens on it)─► not watched
 *      ▲                                     │
 *      └───────────(the next request)◄───────┘
 *
 * Nobody hears of a resting one: before a request goes out on it, libcurl and ports_have_news()
 * look for themselves. */
#pragma once

#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "base/list.h"

struct socket_watcher {
        sd_event *event; /* borrowed */
        struct list watches;
        /* `bits` are CURL_CSELECT_*; the watch may be gone by the time this returns. */
        void (*ready)(struct socket_watcher *w, curl_socket_t fd, int bits);
};

struct socket_watch; /* one socket; libcurl keeps the pointer (curl_multi_assign) */

void socket_watcher_init(struct socket_watcher *w, sd_event *event,
                         void (*ready)(struct socket_watcher *, curl_socket_t, int));
/* Ends all watches. */
void socket_watcher_done(struct socket_watcher *w);

/* `what` is CURL_POLL_IN, _OUT or _INOUT; `*watch` is NULL for a new socket, and one that rests. */
int socket_watch_set(struct socket_watcher *w, curl_socket_t fd, int what,
                     struct socket_watch **watch);
/* The socket stays open, and socket_watch_forget() is called before it closes. */
void socket_watch_rest(struct socket_watch *watch);
/* The socket is about to be closed, or its number was given to a new one. */
void socket_watch_forget(struct socket_watcher *w, curl_socket_t fd);
/* At once: libcurl closes the socket right after. NULL is fine; returns NULL. */
struct socket_watch *socket_watch_free(struct socket_watch *watch);
