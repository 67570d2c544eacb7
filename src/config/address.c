#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "config/loading.h"

#define HTTPS "https://"
#define HTTP  "http://"
/* RFC 3986: what a path may hold; "?" begins a query, "#" a fragment, which no server sees. */
#define PATH_LETTERS                                                     \
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
        "/-._~%!$&'()*+,;=:@"
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

static bool host_is_loopback(const char *host)
{
        struct in_addr v4;
        if (text_equal(host, "localhost") || text_equal(host, "::1"))
                return true;
        return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* "host", "host:port", "[address]:port" → the host without its brackets. */
static bool split_authority(const char *s, size_t n, char *host, size_t size)
{
        struct in6_addr v6;
        const char *port;
        int64_t number;
        size_t length;
        if (n > 0 && s[0] == '[') {
                const char *end = memchr(s, ']', n);
                if (!end || !text_copy_bytes(host, size, s + 1, (size_t)(end - s) - 1) ||
                    inet_pton(AF_INET6, host, &v6) != 1)
                        return false;
                length = (size_t)(end - s) + 1;
                port = length < n ? s + length : NULL;
                if (port && *port != ':')
                        return false;
        } else {
                port = memchr(s, ':', n);
                length = port ? (size_t)(port - s) : n;
                if (length == 0 || !text_only(s, length, HOST_LETTERS) || s[0] == '.' ||
                    s[0] == '-' || !text_copy_bytes(host, size, s, length))
                        return false;
        }
        return !port || text_parse_int(port + 1, n - length - 1, 1, 65535, &number) == 0;
}

const char *web_address_fault(const char *s, bool query)
{
        char host[254];
        bool secure = text_starts(s, HTTPS);
        if (!secure && !text_starts(s, HTTP))
                return "It begins with neither https:// nor http://.";
        s += strlen(secure ? HTTPS : HTTP);
        size_t n = strcspn(s, "/?#");
        if (memchr(s, '@', n))
                return "A user or password does not belong into an address.";
        if (!split_authority(s, n, host, sizeof(host)))
                return "What stands before the path is not host or host:port.";
        if (!secure && !host_is_loopback(host))
                return "Plain http is for this machine only; to others it would show secrets.";
        s += n;
        n = strcspn(s, "?#");
        if (!query && s[n] != '\0')
                return "It must end before \"?\" and \"#\".";
        if (strchr(s, '#'))
                return "It must end before \"#\".";
        if (!text_only(s, n, PATH_LETTERS) ||
            (s[n] == '?' && !text_only(s + n + 1, strlen(s + n + 1), PATH_LETTERS "?")))
                return "It holds a letter that stands in no address; write it as %XX.";
        return NULL;
}
