/* Stands between the store and the server and loses the connection on order, between any two
 * messages of the protocol. A thread; one connection at a time, as the store has. */
#pragma once

#include <stdbool.h>

/* The directory in which it listens, as the server's own would be. */
const char *proxy_start(const char *server_dir);
void proxy_stop(void);

enum proxy_side { PROXY_TO_SERVER, PROXY_TO_CLIENT, _PROXY_SIDE_MAX };

/* The connection is lost once `n` more messages have gone to that side. `late`: the store sees it
 * lost, and what it had sent arrives at the server a while after, as over a network that holds on
 * to it. */
void proxy_cut(enum proxy_side side, unsigned n, bool late);
/* Takes the order back; whether it was carried out. */
bool proxy_was_cut(void);
