/* The listening sockets: those systemd passes (by the name "http"), or one of our own. Used once,
 * at start, by the program. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#define SERVICE_SOCKETS_MAX  16
#define SERVICE_SOCKET_NAME  "http" /* FileDescriptorName= of ordo.socket */
#define SERVICE_FAULT_SIZE   256
#define SERVICE_ADDRESS_SIZE 128

/* What the configuration says about listening. */
struct service_listen {
        const struct sockaddr *address; /* of our own socket, when none is passed */
        socklen_t address_size;
        bool given;   /* ORDO_LISTEN was set, not defaulted */
        bool guarded; /* TLS here or in a proxy before us: other addresses than loopback will do */
};

struct service_sockets {
        unsigned n;
        int fds[SERVICE_SOCKETS_MAX]; /* close-on-exec, non-blocking; whoever takes them sets n to 0
                                       */
        unsigned n_addresses;
        char addresses[SERVICE_SOCKETS_MAX]
                      [SERVICE_ADDRESS_SIZE]; /* "127.0.0.1:8080" as they are */
        bool inherited;
        char own_path[SERVICE_ADDRESS_SIZE]; /* our own unix socket's; "" */
};

/* 0; 1 refused, `fault` holds one sentence for people (what is wrong and what to do); -ENOMEM.
 * Nothing is left open unless 0. An inherited socket is never shut down or unlinked: systemd holds
 * it too. */
int service_sockets_open(const struct service_listen *listen, struct service_sockets *ret,
                         char fault[static SERVICE_FAULT_SIZE]);
/* Closes what is still owned and removes our own unix socket. */
void service_sockets_done(struct service_sockets *s);
