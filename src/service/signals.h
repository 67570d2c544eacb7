/* The signals a daemon listens to. They are blocked before the first thread starts, so that all
 * threads have them blocked, and are taken by the loop. */
#pragma once

#include "loop/loop.h"

#define SERVICE_SIGNALS_MAX 8

struct service_signal {
        int number;
        void (*handler)(void *userdata); /* on the loop */
};

struct service_signals {
        const struct service_signal *table; /* ends with number 0; borrowed */
        void *userdata;
        sd_event_source *sources[SERVICE_SIGNALS_MAX];
};

/* Also ignores SIGPIPE. Before any thread. */
void service_signals_block(const struct service_signal *table);
/* Negative errno. */
int service_signals_take(struct service_signals *s, struct loop *loop,
                         const struct service_signal *table, void *userdata);
void service_signals_done(struct service_signals *s);
