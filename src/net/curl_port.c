#include "net/curl_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int on_open(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
        struct ports *p = userdata;

        socket_watch_forget(p->watcher, fd);
        if (p->n < PORTS_MAX) {
                p->sockets[p->n].fd = fd;
                p->sockets[p->n++].number = 0;
        }
        return CURL_SOCKOPT_OK;
}

static int on_close(void *userdata, curl_socket_t fd)
{
        struct ports *p = userdata;

        socket_watch_forget(p->watcher, fd);
        for (unsigned i = 0; i < p->n; i++)
                if (p->sockets[i].fd == fd) {
                        p->sockets[i] = p->sockets[--p->n];
                        break;
                }
        return close(fd);
}

#define SET(option, value)                                                \
        do {                                                              \
                if (code == CURLE_OK)                                     \
                        code = curl_easy_setopt(easy, (option), (value)); \
        } while (0)

CURLcode ports_watch(struct ports *p, CURL *easy)
{
        CURLcode code = CURLE_OK;

        SET(CURLOPT_SOCKOPTFUNCTION, on_open);
        SET(CURLOPT_SOCKOPTDATA, p);
        SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
        SET(CURLOPT_CLOSESOCKETDATA, p);
        return code;
}

static int port_of(curl_socket_t fd)
{
        union {
                struct sockaddr any;
                struct sockaddr_in four;
                struct sockaddr_in6 six;
        } a = {};
        socklen_t size = sizeof(a);

        if (getsockname(fd, &a.any, &size) < 0)
                return 0;
        return ntohs(a.any.sa_family == AF_INET6 ? a.six.sin6_port : a.four.sin_port);
}

/* Bytes, the end, or an error. */
static bool has_news(curl_socket_t fd)
{
        char byte;
        return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
               (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool ports_know(const struct ports *p, curl_socket_t fd)
{
        for (unsigned i = 0; i < p->n; i++)
                if (p->sockets[i].fd == fd)
                        return true;
        return false;
}

bool ports_have_news(struct ports *p, int local_port)
{
        for (unsigned i = 0; i < p->n; i++) {
                if (p->sockets[i].number == 0)
                        p->sockets[i].number = port_of(p->sockets[i].fd);
                if (p->sockets[i].number == local_port)
                        return has_news(p->sockets[i].fd);
        }
        return false;
}
