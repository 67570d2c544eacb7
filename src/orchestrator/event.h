/* The event stream: the audit log seen by subscribers. An event is one durable audit record; its id
 * is the record's number, so resuming after an id is exact, restarts included. */
#pragma once

#include "orchestrator/orchestrator.h"

struct event {
        int64_t id;
        const char *type;    /* "order", "leg", "session", "killswitch", "account" */
        const char *account; /* "" when it concerns more than one */
        const char *data;    /* one JSON object on one line: the record without its hashes */
        size_t size;
};

struct subscription {
        struct list link;     /* the orchestrator's */
        struct caller caller; /* strings must live as long as the subscription */
        int64_t after_id;     /* -1: from now on; otherwise everything behind this id first */
        /* One event; called on the loop thread. */
        void (*event)(struct subscription *s, const struct event *e);
        /* The records behind after_id are no longer in the ledger: the client must read anew. */
        void (*gap)(struct subscription *s);
        bool catching_up; /* the orchestrator's, and so is the next */
        void *catch_up;
};
void event_subscribe(struct orchestrator *o, struct subscription *s);
/* After it returns no callback comes any more. */
void event_unsubscribe(struct orchestrator *o, struct subscription *s);
