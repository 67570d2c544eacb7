#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void address_set_v4(struct address *a, const void *four_bytes)
{
        memcpy(a->bytes, mapped, sizeof(mapped));
        memcpy(a->bytes + sizeof(mapped), four_bytes, 4);
}

bool address_of(const struct sockaddr *sa, struct address *ret)
{
        static const uint8_t loopback[4] = {127, 0, 0, 1};

        switch (sa->sa_family) {
        case AF_INET:
                address_set_v4(ret, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
                return true;
        case AF_INET6:
                memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
                return true;
        case AF_UNIX:
                address_set_v4(ret, loopback);
                return true;
        default:
                return false;
        }
}

int address_parse(const char *s, size_t n, struct address *ret)
{
        char buf[ADDRESS_TEXT_SIZE];
        uint8_t four[4];

        if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
                s++;
                n -= 2;
                if (!memchr(s, ':', n))
                        return -EINVAL;
        }
        if (memchr(s, '\0', n) || !text_copy_bytes(buf, sizeof(buf), s, n))
                return -EINVAL;
        if (inet_pton(AF_INET, buf, four) == 1) {
                address_set_v4(ret, four);
                return 0;
        }
        return inet_pton(AF_INET6, buf, ret->bytes) == 1 ? 0 : -EINVAL;
}

const char *address_print(const struct address *a, char buf[static ADDRESS_TEXT_SIZE])
{
        bool v4 = memcmp(a->bytes, mapped, sizeof(mapped)) == 0;

        if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + sizeof(mapped) : a->bytes, buf,
                       ADDRESS_TEXT_SIZE))
                buf[0] = '\0';
        return buf;
}

int address_forwarded(const char *s, size_t n, struct address *ret)
{
        while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
                n--;
        size_t from = n;
        while (from > 0 && s[from - 1] != ',' && s[from - 1] != ' ' && s[from - 1] != '\t')
                from--;
        return address_parse(s + from, n - from, ret);
}

int network_parse(const char *s, size_t n, struct network *ret)
{
        const char *slash = memchr(s, '/', n);
        size_t address = slash ? (size_t)(slash - s) : n;
        struct network net;
        int64_t bits;

        if (address_parse(s, address, &net.address) < 0 || s[0] == '[')
                return -EINVAL;
        bool v4 = !memchr(s, ':', address);
        net.bits = 128;
        if (slash) {
                if (text_parse_int(slash + 1, n - address - 1, 0, v4 ? 32 : 128, &bits) < 0)
                        return -EINVAL;
                net.bits = (unsigned)bits + (v4 ? 96 : 0);
        }
        for (unsigned i = net.bits; i < 128; i++)
                if (net.address.bytes[i / 8] & (0x80 >> (i % 8)))
                        return -EINVAL;
        *ret = net;
        return 0;
}

const char *network_print(const struct network *net, char buf[static NETWORK_TEXT_SIZE])
{
        bool v4 = memcmp(net->address.bytes, mapped, sizeof(mapped)) == 0 && net->bits >= 96;
        char address[ADDRESS_TEXT_SIZE];

        snprintf(buf, NETWORK_TEXT_SIZE, "%s/%u", address_print(&net->address, address),
                 net->bits - (v4 ? 96 : 0));
        return buf;
}

bool network_holds(const struct network *net, const struct address *a)
{
        unsigned whole = net->bits / 8, rest = net->bits % 8;

        if (memcmp(net->address.bytes, a->bytes, whole) != 0)
                return false;
        return rest == 0 || ((net->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}

bool host_allowed(const char *s, size_t n, const char *const *allowed)
{
        struct address a;
        size_t name = n;
        int64_t port;

        /* Cut the port: behind the bracket of an IPv6 address, behind the only colon otherwise. */
        const char *from = n > 0 && s[0] == '[' ? memchr(s, ']', n) : s;
        if (!from)
                return false;
        const char *colon = memchr(from, ':', n - (size_t)(from - s));
        if (colon) {
                name = (size_t)(colon - s);
                if (text_parse_int(colon + 1, n - name - 1, 1, 65535, &port) < 0)
                        return false;
        }
        if (name == 0)
                return false;
        if (s[0] == '[' || !memchr(s, ':', name)) {
                if (address_parse(s, name, &a) == 0)
                        return true;
        }
        if (name == 9 && strncasecmp(s, "localhost", 9) == 0)
                return true;
        for (; allowed && *allowed; allowed++)
                if (strlen(*allowed) == name && strncasecmp(*allowed, s, name) == 0)
                        return true;
        return false;
}
