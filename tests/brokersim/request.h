/* A request in h2o's hands while its call is answered. Server's own. */
#pragma once

#include <h2o.h>

#include "brokersim/server.h"
#include "brokersim/sim.h"

struct connection {
        struct list link;
        struct server *server;
        h2o_socket_t *sock;
        bool control; /* a request to /_sim came over it: faults of connections spare it */
        bool busy;
};

struct request {
        struct call call;
        struct fault_rule rule; /* of `faulty` */
        bool faulty;
        h2o_req_t *req;
        struct connection *connection; /* NULL: closed meanwhile */
        struct sim *sim;
        struct timer timer;
        h2o_iovec_t wire; /* what is written past h2o */
        size_t written;
        bool reset; /* at its end */
};

/* Answers in full, as h2o does. */
void request_send(struct request *x);
/* Answers as the rule says (wire.c). */
void request_misbehave(struct request *x);
/* One whole answer as it looks on the wire. */
h2o_iovec_t request_print(struct request *x, bool closes);
