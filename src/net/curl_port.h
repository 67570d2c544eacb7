/* The open sockets of one client by their local port: a callback of libcurl that needs the socket
 * of its connection is told the port alone. And when each opens and closes, which libcurl's wishes
 * about watching do not tell. Loop thread only. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "net/curl_socket.h"

#define PORTS_MAX 64 /* sockets open at one time, those that are still connecting included */

struct ports {
        struct {
                curl_socket_t fd;
                int number; /* 0: not asked for yet, or not connected */
        } sockets[PORTS_MAX];
        unsigned n;
        struct socket_watcher *watcher; /* told before a socket goes */
};

/* For every easy handle; the ports must outlive its connections. */
CURLcode ports_watch(struct ports *p, CURL *easy);
/* A connection's, open since ports_watch() heard of it and not closed. */
bool ports_know(const struct ports *p, curl_socket_t fd);
/* True when the connection with this local port is not silent: bytes wait to be read, or it has
 * ended. A socket that is not known is silent. */
bool ports_have_news(struct ports *p, int local_port);
