/* h2o's loop is the outer one, because its epoll descriptor is private and it changes what it
 * watches only inside h2o_evloop_run(); the descriptor of sd-event is registered there for nothing
 * but to wake it. What is done outside of h2o's callbacks (answering a request, closing a socket)
 * is finished by h2o only in its next turn, so a turn that did anything never sleeps. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#if !defined(H2O_USE_LIBUV) || H2O_USE_LIBUV
#error "h2o's headers describe another library without -DH2O_USE_LIBUV=0"
#endif
#include <h2o.h>

#include "loop/loop.h"

#define PUMP_MAX          64 /* events of sd-event between two turns of h2o */
#define TIMER_ACCURACY_US 1000

struct loop {
        sd_event *event;
        h2o_evloop_t *h2o;
        h2o_socket_t *wake; /* a duplicate of sd-event's descriptor; h2o closes it */
        sd_event_source *door;
        int door_fd; /* eventfd */

        pthread_mutex_t lock;
        struct list posted; /* under the lock */

        struct list deferred;
        bool stopping;
        uint64_t turns;
        struct loop *next_dead;
};

/* Takes what is there now; what the callbacks add waits for the next turn. */
static unsigned run_works(struct list *works)
{
        struct list now = LIST_INIT(now);
        unsigned n = 0;

        for (list_splice(&now, works); !list_empty(&now); n++) {
                struct loop_work *w = LIST_ENTRY(now.next, struct loop_work, link);
                list_unlink(&w->link);
                w->run(w);
        }
        return n;
}

static int on_door(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct loop *l = userdata;
        struct list now = LIST_INIT(now);
        uint64_t count;

        /* Before the list is taken: whoever finds it empty after that rings again. */
        if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
                return -errno;
        pthread_mutex_lock(&l->lock);
        list_splice(&now, &l->posted);
        pthread_mutex_unlock(&l->lock);
        run_works(&now);
        return 0;
}

void loop_post(struct loop *l, struct loop_work *w)
{
        static const uint64_t one = 1;

        pthread_mutex_lock(&l->lock);
        bool ring = list_empty(&l->posted);
        list_append(&l->posted, &w->link);
        pthread_mutex_unlock(&l->lock);
        while (ring && write(l->door_fd, &one, sizeof(one)) < 0 && errno == EINTR)
                ;
}

void loop_defer(struct loop *l, struct loop_work *w)
{
        list_append(&l->deferred, &w->link);
}

static void on_wake(h2o_socket_t *socket, const char *error)
{
}

static int watch_event(struct loop *l)
{
        int fd = fcntl(sd_event_get_fd(l->event), F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        l->wake = h2o_evloop_socket_create(l->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
        h2o_socket_read_start(l->wake, on_wake);
        return 0;
}

int loop_new(struct loop **ret)
{
        _cleanup_(loop_freep) struct loop *l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->door_fd = -1;
        list_init(&l->posted);
        list_init(&l->deferred);
        pthread_mutex_init(&l->lock, NULL);

        int r = sd_event_new(&l->event);
        if (r < 0)
                return r;
        l->door_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (l->door_fd < 0)
                return -errno;
        r = sd_event_add_io(l->event, &l->door, l->door_fd, EPOLLIN, on_door, l);
        if (r < 0)
                return r;
        l->h2o = h2o_evloop_create(); /* aborts without memory */
        r = watch_event(l);
        if (r < 0)
                return r;
        *ret = TAKE(l);
        return 0;
}

/* This h2o has no function that frees an evloop. A process has one loop for its whole life; those
 * of tests stay reachable here, so that a leak checker has nothing to say. */
static struct loop *dead;

struct loop *loop_free(struct loop *l)
{
        if (!l)
                return NULL;
        if (l->wake) {
                h2o_socket_read_stop(l->wake);
                h2o_socket_close(l->wake);
                h2o_evloop_run(l->h2o, 0);
        }
        sd_event_source_unref(l->door);
        closep(&l->door_fd);
        sd_event_unref(l->event);
        pthread_mutex_destroy(&l->lock);
        if (!l->h2o) {
                free(l);
                return NULL;
        }
        l->next_dead = dead;
        dead = l;
        return NULL;
}

sd_event *loop_event(struct loop *l)
{
        return l->event;
}

struct st_h2o_evloop_t *loop_h2o(struct loop *l)
{
        return l->h2o;
}

/* Runs what sd-event has ready. Its last look finds nothing, and leaves all timers armed, unless
 * the limit was reached. */
static int pump(struct loop *l)
{
        int n = 0;

        while (n < PUMP_MAX) {
                int r = sd_event_run(l->event, 0);
                if (r == 0)
                        break;
                if (r < 0 && r != -EINTR)
                        return r;
                n++;
        }
        return n;
}

int loop_run(struct loop *l, bool (*drained)(void *userdata), void *userdata)
{
        for (;;) {
                l->turns++;
                unsigned ran = run_works(&l->deferred);
                int n = pump(l);
                if (n < 0)
                        return n;
                if (l->stopping && (!drained || drained(userdata)))
                        break;
                bool busy = ran > 0 || n > 0 || !list_empty(&l->deferred);
                if (h2o_evloop_run(l->h2o, busy ? 0 : INT32_MAX) != 0 && errno != EINTR)
                        return -errno;
        }
        l->stopping = false;
        return 0;
}

void loop_stop(struct loop *l)
{
        l->stopping = true;
}

bool loop_stopping(const struct loop *l)
{
        return l->stopping;
}

uint64_t loop_turns(const struct loop *l)
{
        return l->turns;
}

static int on_time(sd_event_source *source, uint64_t due_us, void *userdata)
{
        struct loop_timer *t = userdata;

        t->fire(t);
        return 0;
}

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_us)
{
        struct timespec ts;

        /* Not sd_event_now(): that is when sd-event last woke, maybe long before an h2o callback.
         */
        clock_gettime(CLOCK_MONOTONIC, &ts);
        uint64_t due_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 +
                          (uint64_t)(delay_us > 0 ? delay_us : 0);

        if (!t->source)
                return sd_event_add_time(l->event, &t->source, CLOCK_MONOTONIC, due_us,
                                         TIMER_ACCURACY_US, on_time, t);
        int r = sd_event_source_set_time(t->source, due_us);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(t->source, SD_EVENT_ONESHOT);
}

void loop_timer_stop(struct loop_timer *t)
{
        if (t->source)
                sd_event_source_set_enabled(t->source, SD_EVENT_OFF);
}

void loop_timer_done(struct loop_timer *t)
{
        t->source = sd_event_source_disable_unref(t->source);
}
