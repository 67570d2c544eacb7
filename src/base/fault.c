#include "base/fault.h"

#ifdef ORDO_FAULTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_bool wanted[_FAULT_MAX];

void fault_set(enum fault f)
{
        atomic_store(&wanted[f], true);
}

void fault_point(enum fault f)
{
        while (atomic_load(&wanted[f]))
                (void)pause();
}

/* --- crash points --- */

static const char *const crash_names[] = {
#define X(id, name, what) [CRASH_##id] = (name),
        CRASH_TABLE(X)
#undef X
};

static pthread_once_t crash_once = PTHREAD_ONCE_INIT;
static int crash_wanted = -1;
static atomic_long crash_passings; /* that are still to come, the deadly one included */

/* A name that nobody knows would make a test that cannot fail. */
static void crash_unknown(const char *wish)
{
        (void)fprintf(stderr, "TEST_CRASH: there is no crash point %s\n", wish);
        abort();
}

static void crash_read(void)
{
        const char *wish = getenv("TEST_CRASH");
        if (!wish)
                return;
        size_t n = strcspn(wish, ":");
        for (int i = 0; i < _CRASH_MAX; i++)
                if (strncmp(crash_names[i], wish, n) == 0 && crash_names[i][n] == '\0')
                        crash_wanted = i;
        if (crash_wanted < 0)
                crash_unknown(wish);
        long passings = wish[n] ? strtol(wish + n + 1, NULL, 10) : 1;
        atomic_store(&crash_passings, passings);
}

void crash_point(enum crash c)
{
        (void)pthread_once(&crash_once, crash_read);
        if ((int)c != crash_wanted || atomic_fetch_sub(&crash_passings, 1) != 1)
                return;
        (void)kill(getpid(), SIGKILL);
        for (;;)
                (void)pause();
}
#endif
