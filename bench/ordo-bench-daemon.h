/* The ordod under measurement: a child with a state directory of its own, which goes when it is
 * done with. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "ordo-bench-load.h"

struct daemon {
        pid_t pid;
        uint16_t port;
        char token[128];
        char state_dir[512];
        char database_url[400]; /* "": SQLite in the state directory */
};

struct daemon_paths {
        const char *ordod, *market_dir, *migrations_dir;
        const char *env_file; /* of further options, and no account is paper; NULL: none */
        const char *(*new_database)(void); /* the URL of an empty one; NULL: SQLite */
        const char *place; /* where state directories are made: the file system that is measured */
};

struct daemon_memory {
        double anon_mb, rss_mb; /* RssAnon and VmRSS; 1 MB is 1024 kB here as in ps(1) */
};

/* Time on a processor so far; it does not grow while others have the processor. */
struct daemon_cpu {
        double loop_ms,
                store_ms; /* the loop thread, and all others: the store's does what there is */
};

struct daemon_start {
        double notified_ms; /* fork to READY=1 */
        double ready_ms;    /* fork to the first 200 of /ready */
};

/* Makes an empty state directory. */
int daemon_init(struct daemon *d, const struct daemon_paths *paths);
/* `accounts` as in ORDO_ACCOUNTS, all of them paper, with static prices and funds without end,
 * unless there is a file of options.
 * Returns when /ready said 200. `ret` may be NULL; with it, the daemon has a NOTIFY_SOCKET. */
int daemon_start(struct daemon *d, const struct daemon_paths *paths, const char *accounts,
                 struct daemon_start *ret);
/* As a socket unit starts it: the listening socket is there, the first connection starts the
 * daemon, which inherits it. `ret_ms`: from connecting to the first answer. There is no sandbox. */
int daemon_start_by_socket(struct daemon *d, const struct daemon_paths *paths, const char *accounts,
                           double *ret_ms);
int daemon_memory(const struct daemon *d, struct daemon_memory *ret);
int daemon_cpu(const struct daemon *d, struct daemon_cpu *ret);
/* Waits for the end; kills what does not end in time. */
int daemon_stop(struct daemon *d);
/* Stops it and removes the state directory. Safe on a zeroed struct. */
void daemon_done(struct daemon *d);
