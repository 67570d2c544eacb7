#include "service/patience.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "service/notify.h"

#define ASKS_PER_SPAN 3 /* one may be lost or late */
#define THREAD_STACK  (64U << 10)

static void *patience_main(void *arg)
{
        struct patience *p = arg;
        const int64_t pause_us = p->span_us / ASKS_PER_SPAN;
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        pthread_mutex_lock(&p->mutex);
        for (int64_t waited_us = 0; !p->over && waited_us < p->limit_us;) {
                int64_t ns = until.tv_nsec + pause_us % USEC_PER_SEC * 1000;
                until.tv_sec += pause_us / USEC_PER_SEC + ns / 1000000000;
                until.tv_nsec = ns % 1000000000;
                while (!p->over && pthread_cond_timedwait(&p->wake, &p->mutex, &until) != ETIMEDOUT)
                        ;
                if (p->over)
                        break;
                waited_us += pause_us;
                service_extend_timeout(p->span_us);
                service_status("%s, for %lld s now", p->status,
                               (long long)(waited_us / USEC_PER_SEC));
        }
        pthread_mutex_unlock(&p->mutex);
        return NULL;
}

void patience_begin(struct patience *p, const char *status, int64_t span_us, int64_t limit_us)
{
        pthread_condattr_t monotonic;
        pthread_attr_t attr;

        *p = (struct patience){.span_us = span_us, .limit_us = limit_us, .status = status};
        if (!service_managed())
                return;
        service_extend_timeout(span_us);
        pthread_mutex_init(&p->mutex, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&p->wake, &monotonic);
        pthread_condattr_destroy(&monotonic);
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, THREAD_STACK);
        p->started = pthread_create(&p->thread, &attr, patience_main, p) == 0;
        pthread_attr_destroy(&attr);
}

void patience_end(struct patience *p)
{
        if (!p->started)
                return;
        pthread_mutex_lock(&p->mutex);
        p->over = true;
        pthread_cond_signal(&p->wake);
        pthread_mutex_unlock(&p->mutex);
        pthread_join(p->thread, NULL);
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->mutex);
        p->started = false;
}
