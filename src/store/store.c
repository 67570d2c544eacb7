/* The queue, the store thread and the way back to the loop. What a group does is in group.c.
 *
 *   store_submit ─► queued ─► running (store thread, up to STORE_GROUP_MAX) ─► finished ─► done()
 * on the loop
 *
 * One posted work delivers every job that has finished by then, so that a group costs one wake-up.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "store/driver.h"
#include "store/group.h"

#define IDLE_MS 200 /* without a job before the driver may do its housekeeping */
#define MARKS_MAX                                                                       \
        64 /* groups that may end between two turns of the loop and still be told apart \
            */

struct commit_mark {
        unsigned jobs;
        int64_t us;
};

/* Lives apart from the store: it may still be posted when the store goes away. */
struct delivery {
        struct loop_work work;
        struct store *store; /* NULL: the store is gone, nothing to deliver */
};

struct store {
        struct loop *loop;
        const struct store_driver *driver;
        void *db;
        unsigned queue_max;

        pthread_t thread;
        bool thread_started;
        pthread_mutex_t mutex;   /* guards everything up to `closing` */
        pthread_cond_t wake;     /* the store thread waits here */
        pthread_cond_t finished; /* store_run() waits here */
        struct list queue;
        struct list done;    /* finished, not delivered */
        struct list orphans; /* riders that no job could carry any more when the thread ended */
        unsigned n_queued;
        unsigned n_running;
        unsigned n_done;
        int64_t running_since; /* the oldest job of the running group */
        struct commit_mark marks[MARKS_MAX];
        unsigned n_marks;
        struct store_stats stats;
        struct delivery *delivery;
        bool posted;
        bool sleeping;
        struct store_job *backup; /* running */
        pthread_t backup_thread;
        bool backup_join;
        bool closing;

        /* loop thread */
        void (*on_commit)(void *userdata, unsigned jobs, int64_t us);
        void *on_commit_userdata;
};

static void settle_all(struct list *riders, bool durable)
{
        LIST_FOREACH (it, riders)
                rider_settle(LIST_ENTRY(it, struct rider, link), durable);
}

static void settle_riders(struct store_job *job)
{
        struct list *riders = group_riders(job);
        if (riders)
                settle_all(riders, job->result == STORE_OK);
}

static void deliver_job(struct store_job *job)
{
        list_unlink(&job->link);
        settle_riders(job);
        if (job->done)
                job->done(job); /* may free the job */
}

static void deliver(struct store *s)
{
        struct list done = LIST_INIT(done);
        struct commit_mark marks[MARKS_MAX];
        unsigned n_marks;

        pthread_mutex_lock(&s->mutex);
        s->posted = false;
        list_splice(&done, &s->done);
        s->n_done = 0;
        n_marks = s->n_marks;
        memcpy(marks, s->marks, n_marks * sizeof(marks[0]));
        s->n_marks = 0;
        pthread_mutex_unlock(&s->mutex);

        for (unsigned i = 0; i < n_marks && s->on_commit; i++)
                s->on_commit(s->on_commit_userdata, marks[i].jobs, marks[i].us);
        while (!list_empty(&done))
                deliver_job(LIST_ENTRY(done.next, struct store_job, link));
}

static void delivery_run(struct loop_work *w)
{
        struct delivery *d = CONTAINER_OF(w, struct delivery, work);
        if (d->store)
                deliver(d->store);
        else
                free(d);
}

/* With the mutex. */
static void finish_job(struct store *s, struct store_job *job)
{
        s->stats.errors[job->result]++;
        if (job->waited_for) {
                list_init(&job->link);
                job->waited_for = false;
                pthread_cond_broadcast(&s->finished);
                return;
        }
        list_append(&s->done, &job->link);
        s->n_done++;
        if (!s->posted && s->loop) {
                s->posted = true;
                loop_post(s->loop, &s->delivery->work);
        }
}

static void note_outcome(struct store *s, const struct group *g)
{
        if (g->failure != STORE_OK) {
                s->stats.last_failure = g->failure;
                text_copy(s->stats.last_error, sizeof(s->stats.last_error), g->error);
        } else if (g->committed > 0) {
                s->stats.last_failure = STORE_OK;
        }
        if (g->committed == 0)
                return;
        s->stats.commits++;
        s->stats.jobs += g->committed;
        if (s->n_marks < MARKS_MAX) {
                s->marks[s->n_marks++] = (struct commit_mark){g->committed, g->commit_us};
        } else {
                struct commit_mark *last = &s->marks[MARKS_MAX - 1];
                last->jobs += g->committed;
                last->us += g->commit_us;
        }
}

static void *backup_main(void *arg)
{
        struct store *s = arg;
        struct store_job *job = s->backup;

        job->result = s->driver->op[STORE_BACKUP](s->db, job);
        pthread_mutex_lock(&s->mutex);
        s->backup = NULL;
        finish_job(s, job);
        pthread_mutex_unlock(&s->mutex);
        return NULL;
}

/* With the mutex, on the store thread. */
static void start_backup(struct store *s, struct store_job *job)
{
        list_init(&job->link);
        if (s->backup) {
                job->result = store_fail(job, STORE_UNAVAILABLE, "a backup is running already");
                finish_job(s, job);
                return;
        }
        if (s->backup_join)
                pthread_join(s->backup_thread, NULL);
        s->backup = job;
        s->backup_join = pthread_create(&s->backup_thread, NULL, backup_main, s) == 0;
        if (!s->backup_join) {
                s->backup = NULL;
                job->result = store_fail(job, STORE_UNAVAILABLE, "no thread for the backup");
                finish_job(s, job);
        }
}

/* With the mutex: waits for work. False: closing and nothing left. */
static bool wait_for_work(struct store *s)
{
        bool tidy = true; /* once per quiet spell */

        while (list_empty(&s->queue)) {
                if (s->closing)
                        return false;
                int r = 0;
                s->sleeping = true;
                if (tidy && s->driver->idle) {
                        struct timespec until;
                        clock_gettime(CLOCK_MONOTONIC, &until);
                        until.tv_nsec += IDLE_MS * 1000000L;
                        until.tv_sec += until.tv_nsec / 1000000000L;
                        until.tv_nsec %= 1000000000L;
                        r = pthread_cond_timedwait(&s->wake, &s->mutex, &until);
                } else {
                        r = pthread_cond_wait(&s->wake, &s->mutex);
                }
                s->sleeping = false;
                if (r == ETIMEDOUT && list_empty(&s->queue)) {
                        tidy = false;
                        pthread_mutex_unlock(&s->mutex);
                        s->driver->idle(s->db);
                        pthread_mutex_lock(&s->mutex);
                }
        }
        return true;
}

/* With the mutex: moves the next jobs to `group`; backups go their own way. */
static void take_group(struct store *s, struct group *group)
{
        group->n = 0;
        s->running_since = LIST_ENTRY(s->queue.next, struct store_job, link)->queued_us;
        while (group->n < STORE_GROUP_MAX && !list_empty(&s->queue)) {
                struct store_job *job = LIST_ENTRY(s->queue.next, struct store_job, link);
                list_unlink(&job->link);
                s->n_queued--;
                if (job->op == STORE_BACKUP)
                        start_backup(s, job);
                else
                        group->jobs[group->n++] = job;
        }
        s->n_running = group->n;
}

static void *store_main(void *arg)
{
        struct store *s = arg;
        struct group group = {.driver = s->driver, .db = s->db};

        list_init(&group.carried);
        pthread_mutex_lock(&s->mutex);
        while (wait_for_work(s)) {
                take_group(s, &group);
                pthread_mutex_unlock(&s->mutex);
                fault_point(FAULT_STORE);
                group_run(&group);
                if (group.committed > 0)
                        crash_point(CRASH_COMMIT_DONE);
                pthread_mutex_lock(&s->mutex);
                note_outcome(s, &group);
                for (unsigned i = 0; i < group.n; i++)
                        finish_job(s, group.jobs[i]);
                s->n_running = 0;
        }
        list_splice(&s->orphans, &group.carried);
        pthread_mutex_unlock(&s->mutex);
        return NULL;
}

static int start_thread(struct store *s)
{
        pthread_attr_t attr;
        int r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        pthread_attr_setstacksize(&attr, STORE_THREAD_STACK);
        r = pthread_create(&s->thread, &attr, store_main, s);
        pthread_attr_destroy(&attr);
        s->thread_started = r == 0;
        return -r;
}

static int store_new(struct loop *loop, const struct store_driver *d, unsigned queue_max,
                     struct store **ret)
{
        pthread_condattr_t monotonic;
        struct store *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->delivery = calloc(1, sizeof(*s->delivery));
        if (!s->delivery) {
                free(s);
                return -ENOMEM;
        }
        s->delivery->work.run = delivery_run;
        s->delivery->store = s;
        list_init(&s->delivery->work.link);
        s->loop = loop;
        s->driver = d;
        s->queue_max = queue_max ? queue_max : STORE_QUEUE_MAX;
        list_init(&s->queue);
        list_init(&s->done);
        list_init(&s->orphans);
        pthread_mutex_init(&s->mutex, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&s->wake, &monotonic);
        pthread_cond_init(&s->finished, NULL);
        pthread_condattr_destroy(&monotonic);
        *ret = s;
        return 0;
}

int store_open_driver(struct loop *loop, const struct store_driver *d,
                      const struct store_options *o, char error[static STORE_ERROR_SIZE],
                      struct store **ret)
{
        struct store *s;

        error[0] = '\0';
        int r = store_new(loop, d, o->queue_max, &s);
        if (r < 0)
                return r;
        r = d->open(o, error, &s->db);
        if (r >= 0)
                r = start_thread(s);
        if (r < 0) {
                if (error[0] == '\0')
                        snprintf(error, STORE_ERROR_SIZE, "%s", strerror(-r));
                store_close(s);
                return r;
        }
        *ret = s;
        return 0;
}

bool store_is_postgres(const char *url)
{
        return text_starts(url, "postgresql://") || text_starts(url, "postgres://");
}

int store_open(struct loop *loop, const struct store_options *o,
               char error[static STORE_ERROR_SIZE], struct store **ret)
{
        if (text_starts(o->url, "sqlite:"))
                return store_open_driver(loop, &store_sqlite, o, error, ret);
        if (store_is_postgres(o->url))
                return store_open_driver(loop, &store_postgres, o, error, ret);
        snprintf(error, STORE_ERROR_SIZE, "a database URL starts with sqlite: or postgresql://");
        return -EINVAL;
}

struct store *store_close(struct store *s)
{
        if (!s)
                return NULL;
        pthread_mutex_lock(&s->mutex);
        s->closing = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->mutex);
        if (s->thread_started)
                pthread_join(s->thread, NULL);
        if (s->backup_join)
                pthread_join(s->backup_thread, NULL);
        bool posted = s->posted;
        while (!list_empty(&s->done)) /* a callback may submit another, which ends at once */
                deliver(s);
        settle_all(&s->orphans, false);
        if (s->db)
                s->driver->close(s->db);
        if (posted)
                s->delivery->store = NULL; /* its last turn frees it */
        else
                free(s->delivery);
        pthread_cond_destroy(&s->wake);
        pthread_cond_destroy(&s->finished);
        pthread_mutex_destroy(&s->mutex);
        free(s);
        return NULL;
}

/* With the mutex. */
static void enqueue(struct store *s, struct store_job *job)
{
        job->result = STORE_FAILED;
        job->error[0] = '\0';
        job->queued_us = clock_mono_us();
        /* What has happened at an exchange is always taken. */
        if (s->closing || (s->n_queued >= s->queue_max && !group_riders(job))) {
                job->result = store_fail(job, STORE_UNAVAILABLE, "%s",
                                         s->closing ? "the store is closing" : "the queue is full");
                finish_job(s, job);
                return;
        }
        list_append(&s->queue, &job->link);
        s->n_queued++;
        if (s->sleeping) {
                s->sleeping = false;
                pthread_cond_signal(&s->wake);
        }
}

void store_submit(struct store *s, struct store_job *job)
{
        assert(s->loop);
        job->waited_for = false;
        pthread_mutex_lock(&s->mutex);
        enqueue(s, job);
        pthread_mutex_unlock(&s->mutex);
}

enum store_result store_run(struct store *s, struct store_job *job)
{
        job->waited_for = true;
        pthread_mutex_lock(&s->mutex);
        enqueue(s, job);
        while (job->waited_for)
                pthread_cond_wait(&s->finished, &s->mutex);
        pthread_mutex_unlock(&s->mutex);
        settle_riders(job);
        return job->result;
}

void store_stats(struct store *s, struct store_stats *ret)
{
        pthread_mutex_lock(&s->mutex);
        *ret = s->stats;
        ret->queued = s->n_queued + s->n_running + s->n_done;
        if (s->n_running > 0)
                ret->oldest_queued_us = s->running_since;
        else if (!list_empty(&s->queue))
                ret->oldest_queued_us =
                        LIST_ENTRY(s->queue.next, struct store_job, link)->queued_us;
        pthread_mutex_unlock(&s->mutex);
}

void store_on_commit(struct store *s, void (*fn)(void *userdata, unsigned jobs, int64_t us),
                     void *userdata)
{
        s->on_commit = fn;
        s->on_commit_userdata = userdata;
}

const char *store_driver_name(const struct store *s)
{
        return s->driver->name;
}

int store_schema_version(const struct store *s)
{
        return s->driver->schema_version(s->db);
}
