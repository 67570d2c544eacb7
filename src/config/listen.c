#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "config/loading.h"

#define UNIX_PREFIX "unix:"

static bool parse_unix(const char *path, struct sockaddr_storage *ret, socklen_t *ret_size,
                       const char **ret_detail)
{
        struct sockaddr_un *un = (struct sockaddr_un *)ret;
        if (path[0] != '/' || path[1] == '\0') {
                *ret_detail = "The path of the unix socket is not absolute.";
                return false;
        }
        if (strlen(path) >= sizeof(un->sun_path)) {
                *ret_detail = "The path of the unix socket is longer than 107 bytes.";
                return false;
        }
        un->sun_family = AF_UNIX;
        text_copy(un->sun_path, sizeof(un->sun_path), path);
        *ret_size = sizeof(*un);
        return true;
}

static bool parse_host(const char *s, size_t n, bool brackets, in_port_t port,
                       struct sockaddr_storage *ret, socklen_t *ret_size)
{
        char host[INET6_ADDRSTRLEN];
        if (!text_copy_bytes(host, sizeof(host), s, n))
                return false;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        if (brackets && inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons(port);
                *ret_size = sizeof(*in6);
                return true;
        }
        if (!brackets && inet_pton(AF_INET, host, &in->sin_addr) == 1) {
                in->sin_family = AF_INET;
                in->sin_port = htons(port);
                *ret_size = sizeof(*in);
                return true;
        }
        return false;
}

bool listen_parse(const char *s, struct sockaddr_storage *ret, socklen_t *ret_size,
                  const char **ret_detail)
{
        memset(ret, 0, sizeof(*ret));
        if (text_starts(s, UNIX_PREFIX))
                return parse_unix(s + strlen(UNIX_PREFIX), ret, ret_size, ret_detail);

        const char *colon = strrchr(s, ':');
        int64_t port;
        if (!colon || text_parse_int(colon + 1, strlen(colon + 1), 0, 65535, &port) < 0) {
                *ret_detail = "It does not end in a port, a number from 0 to 65535.";
                return false;
        }
        bool brackets = s[0] == '[' && colon > s + 1 && colon[-1] == ']';
        const char *host = brackets ? s + 1 : s;
        size_t n = (size_t)(colon - host) - (brackets ? 1 : 0);
        if (parse_host(host, n, brackets, (in_port_t)port, ret, ret_size))
                return true;
        *ret_detail = "The part before the port is not a numeric address ([…] around IPv6).";
        return false;
}

bool listen_is_local(const struct sockaddr_storage *address)
{
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        switch (address->ss_family) {
        case AF_UNIX:
                return true;
        case AF_INET:
                return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        case AF_INET6:
                return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
        default:
                return false;
        }
}
