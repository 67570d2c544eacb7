/* A request in h2o's hands while its call is answered: between server.c and wire.c. */
#pragma once

#include <h2o.h>

#include "brokersim/server.h"
#include "brokersim/sim.h"

struct request;

struct connection {
        struct list link;
        h2o_socket_t *sock;
        bool control; /* a request to /_sim came over it: faults of connections spare it */
        struct request *current; /* NULL: it waits for one */
};

struct request {
        struct call call;
        bool faulty;
        struct fault_rule rule; /* of `faulty` */
        h2o_req_t *req;
        struct connection *connection;
        struct sim *sim;
        struct timer timer;
        h2o_iovec_t wire; /* what is written past h2o */
        size_t written;
};

/* Answers in full, as h2o does. */
void request_send(struct request *x);
void request_send_after(struct request *x, int64_t us);
/* Answers as the rule says. */
void request_misbehave(struct request *x);
