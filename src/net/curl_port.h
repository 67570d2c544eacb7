/* The open sockets of one client by their local port: a callback of libcurl that needs the socket
 * of its connection is told the port alone. Loop thread only. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#define PORTS_MAX 64 /* sockets open at one time, those that are still connecting included */

struct ports {
        curl_socket_t sockets[PORTS_MAX];
        unsigned n;
};

/* For every easy handle; the ports must outlive its connections. */
CURLcode ports_watch(struct ports *p, CURL *easy);
/* True when the connection with this local port is not silent: bytes wait to be read, or it has
 * ended. A socket that is not known is silent. */
bool ports_have_news(const struct ports *p, int local_port);
