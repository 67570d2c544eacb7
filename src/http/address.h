/* Addresses of clients, networks a key is bound to, and what may stand in a Host header. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define ADDRESS_TEXT_SIZE 46
#define NETWORK_TEXT_SIZE (ADDRESS_TEXT_SIZE + 4)

/* Both families in one form: IPv4 is ::ffff:a.b.c.d. */
struct address {
        uint8_t bytes[16];
};

/* A peer on a unix socket counts as 127.0.0.1. False for anything else that is not IP. */
bool address_of(const struct sockaddr *sa, struct address *ret);
/* "192.0.2.1", "2001:db8::1", also in brackets. 0 or -EINVAL. */
int address_parse(const char *s, size_t n, struct address *ret);
const char *address_print(const struct address *a, char buf[static ADDRESS_TEXT_SIZE]);
/* The last address of an X-Forwarded-For value: the one our own proxy has put there. */
int address_forwarded(const char *s, size_t n, struct address *ret);

struct network {
        struct address address;
        unsigned bits; /* of 128 */
};

/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". Bits behind the prefix must be zero. 0 or -EINVAL. */
int network_parse(const char *s, size_t n, struct network *ret);
/* With its prefix, as network_parse() reads it. */
const char *network_print(const struct network *net, char buf[static NETWORK_TEXT_SIZE]);
bool network_holds(const struct network *net, const struct address *a);

/* `s` is the value of Host: an address or localhost, or a name of `allowed` (NULL-terminated or
 * NULL; case does not matter), each with or without a port. */
bool host_allowed(const char *s, size_t n, const char *const *allowed);
