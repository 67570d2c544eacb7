/* The service manager's end of $NOTIFY_SOCKET. */
#pragma once

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "suite.h"

static int manager = -1;
static char manager_path[64];

static inline void manager_start(void)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        snprintf(manager_path, sizeof(manager_path), "/tmp/ordo-notify-%d", (int)getpid());
        strcpy(un.sun_path, manager_path);
        unlink(manager_path); /* of an earlier process with this number, which was killed */
        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(manager, (struct sockaddr *)&un, sizeof(un)), 0);
        setenv("NOTIFY_SOCKET", manager_path, 1);
}

static inline void manager_stop(void)
{
        close(manager);
        unlink(manager_path);
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
}

/* The next message; NULL when there is none yet. */
static inline const char *manager_next(void)
{
        static char buf[1024];
        ssize_t n = recv(manager, buf, sizeof(buf) - 1, 0);
        buf[n > 0 ? n : 0] = '\0';
        return n < 0 ? NULL : buf;
}

/* The next message, which must be there. */
static inline const char *manager_heard(void)
{
        const char *s = manager_next();
        ck_assert_ptr_nonnull(s);
        return s;
}

#define MANAGER_PATIENCE_MS 20000 /* a busy machine; only a failure takes so long */

/* The next message, which must come. */
static inline const char *manager_hears(void)
{
        struct pollfd p = {.fd = manager, .events = POLLIN};
        ck_assert_int_eq(poll(&p, 1, MANAGER_PATIENCE_MS), 1);
        return manager_heard();
}

/* How many messages that begin like this wait; all others are thrown away. */
static inline unsigned manager_count(const char *beginning)
{
        unsigned n = 0;
        for (const char *s; (s = manager_next());)
                n += strncmp(s, beginning, strlen(beginning)) == 0;
        return n;
}

/* As manager_count(), for some time: the socket holds ten messages, and the next one waits. */
static inline unsigned manager_count_for(unsigned ms, const char *beginning)
{
        unsigned n = 0;
        for (; ms > 0; ms -= ms < 10 ? ms : 10) {
                usleep(10000);
                n += manager_count(beginning);
        }
        return n;
}
