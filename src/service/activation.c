#include "service/activation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/text.h"

#define UNIX_MODE 0660

union address {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
};

static int refuse(char fault[static SERVICE_FAULT_SIZE], const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static int refuse(char fault[static SERVICE_FAULT_SIZE], const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(fault, SERVICE_FAULT_SIZE, format, args);
        va_end(args);
        return 1;
}

static void print_address(const union address *a, char buf[static SERVICE_ADDRESS_SIZE])
{
        char host[INET6_ADDRSTRLEN] = "?";
        switch (a->any.sa_family) {
        case AF_INET:
                inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
                snprintf(buf, SERVICE_ADDRESS_SIZE, "%s:%u", host, ntohs(a->in.sin_port));
                break;
        case AF_INET6:
                inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
                snprintf(buf, SERVICE_ADDRESS_SIZE, "[%s]:%u", host, ntohs(a->in6.sin6_port));
                break;
        case AF_UNIX:
                snprintf(buf, SERVICE_ADDRESS_SIZE, "unix:%s%.*s", a->un.sun_path[0] ? "" : "@",
                         (int)sizeof(a->un.sun_path) - 1,
                         a->un.sun_path[0] ? a->un.sun_path : a->un.sun_path + 1);
                break;
        default:
                text_copy(buf, SERVICE_ADDRESS_SIZE, "an unknown address");
        }
}

static bool address_local(const union address *a)
{
        switch (a->any.sa_family) {
        case AF_UNIX:
                return true;
        case AF_INET:
                return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        case AF_INET6:
                return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
        default:
                return false;
        }
}

/* Looks at what the socket is bound to, whatever the configuration says. */
static int check_address(struct service_sockets *s, unsigned i, bool guarded,
                         char fault[static SERVICE_FAULT_SIZE])
{
        union address a = {};
        socklen_t size = sizeof(a);
        int fd = s->fds[i], flags = fcntl(fd, F_GETFL);
        if (getsockname(fd, &a.any, &size) < 0 || flags < 0 ||
            fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return refuse(fault, "A listening socket cannot be used: %s.", strerror(errno));
        print_address(&a, s->addresses[i]);
        s->n_addresses = i + 1;
        if (!guarded && !address_local(&a))
                return refuse(fault,
                              "Plain HTTP on %s would show the token to the network. Give a TLS "
                              "certificate, or set ORDO_BEHIND_PROXY=yes when a proxy ends TLS.",
                              s->addresses[i]);
        return 0;
}

static int check_inherited(int fd, const char *name, char fault[static SERVICE_FAULT_SIZE])
{
        if (!text_equal(name, SERVICE_SOCKET_NAME))
                return refuse(fault,
                              "The socket named \"%.64s\" is not known; the socket unit needs "
                              "FileDescriptorName=" SERVICE_SOCKET_NAME ".",
                              name);
        if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0 &&
            sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
                return refuse(fault,
                              "Descriptor %d is not a listening stream socket; the socket "
                              "unit needs ListenStream= and Accept=no.",
                              fd);
        return 0;
}

static void free_names(char **names)
{
        for (char **n = names; n && *n; n++)
                free(*n);
        free(names);
}

static int take_inherited(struct service_sockets *s, const struct service_listen *listen,
                          char fault[static SERVICE_FAULT_SIZE])
{
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names);
        if (n < 0)
                return n == -ENOMEM ? n
                                    : refuse(fault, "The passed sockets cannot be read: %s.",
                                             strerror(-n));
        int r = 0;
        for (int i = 0; i < n && i < SERVICE_SOCKETS_MAX; i++)
                s->fds[s->n++] = SD_LISTEN_FDS_START + i;
        s->inherited = n > 0;
        if (n > 0 && listen->given)
                r = refuse(fault, "Both ORDO_LISTEN and a socket of systemd are given. Remove "
                                  "ORDO_LISTEN, or stop the socket unit.");
        if (n > SERVICE_SOCKETS_MAX)
                r = refuse(fault, "There are more than %d sockets.", SERVICE_SOCKETS_MAX);
        for (unsigned i = 0; r == 0 && i < s->n; i++) {
                r = check_inherited(s->fds[i], names[i], fault);
                if (r == 0)
                        r = check_address(s, i, listen->guarded, fault);
        }
        free_names(names);
        return r;
}

/* Removes the socket of a dead program; refuses when somebody answers on it, or when it is none. */
static int clear_path(const union address *a, const char *text,
                      char fault[static SERVICE_FAULT_SIZE])
{
        struct stat st;
        if (lstat(a->un.sun_path, &st) < 0)
                return errno == ENOENT ? 0 : refuse(fault, "%s: %s.", text, strerror(errno));
        if (!S_ISSOCK(st.st_mode))
                return refuse(fault, "%s is not a socket. Remove it, or name another path.", text);
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return refuse(fault, "%s: %s.", text, strerror(errno));
        if (connect(fd, &a->any, sizeof(a->un)) == 0 || errno == EAGAIN)
                return refuse(fault, "Another program listens on %s.", text);
        if (errno != ECONNREFUSED || unlink(a->un.sun_path) < 0)
                return refuse(fault, "%s: %s.", text, strerror(errno));
        return 0;
}

static int bind_unix(int fd, const union address *a, const char *text, struct service_sockets *s,
                     char fault[static SERVICE_FAULT_SIZE])
{
        int r = clear_path(a, text, fault);
        if (r != 0)
                return r;
        /* The file gets the socket's mode, cut by the umask: never wider, even for a moment. */
        if (fchmod(fd, UNIX_MODE) < 0 || bind(fd, &a->any, sizeof(a->un)) < 0)
                return -errno;
        text_copy(s->own_path, sizeof(s->own_path), a->un.sun_path);
        return chmod(s->own_path, UNIX_MODE) < 0 ? -errno : 0;
}

static int bind_inet(int fd, const union address *a, socklen_t size)
{
        const int on = 1;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
                return -errno;
        if (a->any.sa_family == AF_INET6 &&
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
                return -errno;
        return bind(fd, &a->any, size) < 0 ? -errno : 0;
}

static int open_own(struct service_sockets *s, const struct service_listen *o,
                    char fault[static SERVICE_FAULT_SIZE])
{
        union address a = {};
        char text[SERVICE_ADDRESS_SIZE];
        memcpy(&a, o->address, o->address_size < sizeof(a) ? o->address_size : sizeof(a));
        print_address(&a, text);
        int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return refuse(fault, "Cannot listen on %s: %s.", text, strerror(errno));
        s->fds[s->n++] = fd;
        int r = a.any.sa_family == AF_UNIX ? bind_unix(fd, &a, text, s, fault)
                                           : bind_inet(fd, &a, o->address_size);
        if (r == 0 && listen(fd, SOMAXCONN) < 0)
                r = -errno;
        if (r == -EADDRINUSE)
                return refuse(fault,
                              "Another program listens on %s. Stop it, or set ORDO_LISTEN to "
                              "another address.",
                              text);
        if (r < 0)
                return refuse(fault, "Cannot listen on %s: %s.", text, strerror(-r));
        return r > 0 ? r : check_address(s, 0, o->guarded, fault);
}

int service_sockets_open(const struct service_listen *listen, struct service_sockets *ret,
                         char fault[static SERVICE_FAULT_SIZE])
{
        *ret = (struct service_sockets){};
        fault[0] = '\0';
        int r = take_inherited(ret, listen, fault);
        if (r == 0 && ret->n == 0)
                r = open_own(ret, listen, fault);
        if (r != 0)
                service_sockets_done(ret);
        return r;
}

void service_sockets_done(struct service_sockets *s)
{
        for (unsigned i = 0; i < s->n; i++)
                close(s->fds[i]);
        s->n = 0;
        if (s->own_path[0])
                unlink(s->own_path);
        s->own_path[0] = '\0';
}
