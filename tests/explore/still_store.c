#include "still_store.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/group.h"

struct store {
        const struct store_driver *driver;
        void *db;
        struct fake_store *fake;
        struct list queue, done;
        struct group group;
        struct store_stats stats;
        bool closing;
};

struct store *still_store_new(struct fake_store *fake)
{
        char error[STORE_ERROR_SIZE];
        struct store *s = calloc(1, sizeof(*s));
        assert(s);
        s->fake = fake;
        s->driver = fake_store_driver(fake);
        assert(s->driver->open(&(struct store_options){}, error, &s->db) == 0);
        list_init(&s->queue);
        list_init(&s->done);
        s->group = (struct group){.driver = s->driver, .db = s->db};
        list_init(&s->group.carried);
        return s;
}

static void run_one(struct store *s, struct store_job *job)
{
        s->group.jobs[0] = job;
        s->group.n = 1;
        group_run(&s->group);
        s->stats.errors[job->result]++;
        if (s->group.committed > 0)
                s->stats.commits++, s->stats.jobs++;
}

static void deliver(struct store_job *job)
{
        struct list *riders = group_riders(job);
        assert(!riders || list_empty(riders)); /* no exchange of ours is in this world */
        list_unlink(&job->link);
        if (job->done)
                job->done(job);
}

struct store *still_store_free(struct store *s)
{
        s->closing = true;
        while (!list_empty(&s->done))
                deliver(LIST_ENTRY(s->done.next, struct store_job, link));
        while (!list_empty(&s->queue)) {
                struct store_job *job = LIST_ENTRY(s->queue.next, struct store_job, link);
                job->result = STORE_UNAVAILABLE;
                deliver(job);
        }
        free(s);
        return NULL;
}

void store_submit(struct store *s, struct store_job *job)
{
        job->result = STORE_FAILED;
        job->error[0] = '\0';
        job->queued_us = clock_mono_us();
        list_append(&s->queue, &job->link);
}

enum store_result store_run(struct store *s, struct store_job *job)
{
        list_init(&job->link);
        run_one(s, job);
        return job->result;
}

const struct store_job *still_store_waiting(const struct store *s)
{
        return list_empty(&s->queue) ? NULL : LIST_ENTRY(s->queue.next, struct store_job, link);
}

const struct store_job *still_store_ran(const struct store *s)
{
        return list_empty(&s->done) ? NULL : LIST_ENTRY(s->done.next, struct store_job, link);
}

void still_store_run(struct store *s, enum ledger_fate f)
{
        struct store_job *job = LIST_ENTRY(s->queue.next, struct store_job, link);
        bool writes = store_op_writes(job->op);

        if (f == LEDGER_UNAVAILABLE)
                fake_store_fail(s->fake, writes ? FAKE_BEGIN : FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        else if (f != LEDGER_OK)
                fake_store_lose_commit(s->fake, f == LEDGER_LOST_WRITTEN);
        list_unlink(&job->link);
        run_one(s, job);
        list_append(&s->done, &job->link);
}

void still_store_deliver(struct store *s)
{
        deliver(LIST_ENTRY(s->done.next, struct store_job, link));
}

void still_store_each(const struct store *s,
                      void (*fn)(void *userdata, const struct store_job *job, bool ran),
                      void *userdata)
{
        LIST_FOREACH (it, &s->done)
                fn(userdata, LIST_ENTRY(it, struct store_job, link), true);
        LIST_FOREACH (it, &s->queue)
                fn(userdata, LIST_ENTRY(it, struct store_job, link), false);
}

void store_stats(struct store *s, struct store_stats *ret)
{
        *ret = s->stats;
}

void store_on_commit(struct store *s, void (*fn)(void *userdata, unsigned jobs, int64_t us),
                     void *userdata)
{
}

const char *store_driver_name(const struct store *s)
{
        return "still";
}

int store_schema_version(const struct store *s)
{
        return 1;
}
