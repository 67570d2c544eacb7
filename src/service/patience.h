/* While the program starts, its one thread may be busy for long (the migration of a big ledger).
 * Another one asks the manager for more time, again and again within each announced span, until it
 * is told to stop or the limit is reached: then the manager decides. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct patience {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t wake;
        bool started, over;
        int64_t span_us, limit_us;
        const char *status; /* borrowed: what takes so long */
};

/* Asks at once. Without a manager there is no thread. */
void patience_begin(struct patience *p, const char *status, int64_t span_us, int64_t limit_us);
void patience_end(struct patience *p);
