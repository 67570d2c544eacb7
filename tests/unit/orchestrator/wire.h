/* The transport of the tests, in place of net's: it hands requests to an exchange of this process,
 * as the local transport does, and breaks what it is told to break. Linked instead of httpc.c. */
#pragma once

#include "broker/broker.h"
#include "net/httpc.h"

enum fate {
        FATE_SERVED,     /* as it should be */
        FATE_NOT_SENT,   /* no byte left */
        FATE_LOST,       /* it may have left; the exchange never saw it */
        FATE_REPLY_LOST, /* the exchange did it; the reply was lost */
        FATE_BROKEN,     /* 500 instead of the exchange */
        FATE_GARBAGE,    /* 200 and no JSON; the exchange did it */
        FATE_HELD,       /* stays until wire_release() */
};

struct httpc *wire_new(struct loop *l, struct local_service exchange);
/* The calls `nth` (1: the next one) to `nth + times - 1` of this operation. */
void wire_script(struct httpc *h, enum broker_op op, unsigned nth, unsigned times, enum fate f);
/* Every call of this operation is answered so, until `body` is NULL. */
void wire_say(struct httpc *h, enum broker_op op, int status, const char *body);
/* What is held meets its fate. */
void wire_release(struct httpc *h, enum fate f);
/* Runs once, right before the next placement is asked whether it may leave. */
void wire_before_place(struct httpc *h, void (*fn)(void *userdata), void *userdata);
unsigned wire_calls(const struct httpc *h, enum broker_op op);  /* sent by the orchestrator */
unsigned wire_served(const struct httpc *h, enum broker_op op); /* seen by the exchange */
unsigned wire_held(const struct httpc *h);
