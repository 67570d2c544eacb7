/* Listeners, connections, time: h2o's side of the simulator, and how an answer goes wrong on the
 * wire. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/text.h"

#define LISTENERS_MAX    8
#define CERTIFICATES_MAX 8
#define SERVER_BODY_MAX  (1U << 20) /* of a request */
#define SERVER_IDLE_MS   (10 * 60 * 1000)
#define SERVER_FAULT_MAX 256

struct sim;
struct server;

struct timer {
        struct list link;
        int64_t at_us; /* mono */
        void (*fire)(struct timer *t);
};

struct server *server_new(struct sim *s);
struct server *server_free(struct server *v);
/* "127.0.0.1:7700"; port 0: any. `tls` needs server_tls() before. 0, or -1 and the reason. */
int server_listen(struct server *v, const char *address, bool tls, char fault[SERVER_FAULT_MAX]);
/* One more certificate; the first is the one that is shown. */
int server_tls(struct server *v, const char *cert, const char *key, char fault[SERVER_FAULT_MAX]);
/* "http://127.0.0.1:7700"; NULL behind the last. */
const char *server_url(const struct server *v, unsigned i);
void server_run(struct server *v, const volatile int *stop);

void server_after(struct server *v, struct timer *t, int64_t delay_us);
void server_forget(struct timer *t);
/* For so long; what is connected, control aside, is cut off. Nobody listens … */
void server_refuse(struct server *v, int64_t ms);
/* … or nobody answers a connect, as when a firewall drops it … */
void server_mute(struct server *v, int64_t ms);
/* … or another certificate is shown. -ENOENT: there is none of this number. */
int server_show(struct server *v, unsigned number, int64_t ms);
/* All that is over. */
void server_recover(struct server *v);
/* Connections that wait for a request, control aside, are closed. */
void server_drop_idle(struct server *v);
