#include "orchestrator/large_reply.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "orchestrator/masters.h"
#include "orchestrator/state.h"
#include "store/scrip_file.h"

/* A book asks for the same few instruments row by row, and nobody waits for it with an order. */
#define CACHE_KIB 256

/* A broker's instruments as this thread has them open. */
struct opening {
        const char *path; /* the master's; NULL: this one and those behind it are free */
        uint64_t version;
        struct scrip_file *file;
        bool damaged;
};

struct large_replies {
        struct loop *loop;
        pthread_t thread;
        bool thread_runs;
        pthread_mutex_t mutex;
        pthread_cond_t wake;
        struct list queue; /* struct large_reply.link; with `stop` under the mutex */
        bool stop;
        unsigned n_openings;
        struct opening openings[]; /* the thread's alone */
};

/* --- on the thread --- */

static struct opening *opening_of(struct large_replies *l, const struct large_reply *r)
{
        struct opening *o = l->openings;

        while (o->path && o->path != r->master)
                o++;
        if (o->file && o->version == r->version)
                return o;
        scrip_file_close(TAKE(o->file));
        *o = (struct opening){.path = r->master, .version = r->version};
        return scrip_file_open(r->master, CACHE_KIB, &o->file) < 0 ? NULL : o;
}

static bool find(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        struct opening *o = userdata;
        int found = text[0] ? scrip_file_find(o->file, by, text, ret) : 0;

        o->damaged = o->damaged || found < 0;
        return found > 0 && !master_outdated(by, ret);
}

static int read_one(struct large_replies *l, const struct large_reply *r)
{
        struct broker_call call = *r->call;
        struct opening *o = r->master ? opening_of(l, r) : NULL;

        if (r->master && !o)
                return -ENOENT;
        call.source = (struct scrip_source){o ? find : NULL, o};
        int error = r->broker->reply(&call, r->reply, r->result);
        if (error == 0 && o && o->damaged)
                error = -EBADMSG;
        if (error < 0) {
                broker_result_done(r->result);
                *r->result = (struct broker_result){};
        }
        return error;
}

static void *replies_thread(void *userdata)
{
        struct large_replies *l = userdata;

        pthread_mutex_lock(&l->mutex);
        while (!l->stop) {
                if (list_empty(&l->queue)) {
                        /* The tree of a book is megabytes in small pieces, which glibc keeps for a
                         * thread by itself. */
                        pthread_mutex_unlock(&l->mutex);
                        (void)malloc_trim(0);
                        pthread_mutex_lock(&l->mutex);
                        while (list_empty(&l->queue) && !l->stop)
                                pthread_cond_wait(&l->wake, &l->mutex);
                        continue;
                }
                struct large_reply *r = LIST_ENTRY(l->queue.next, struct large_reply, link);
                list_unlink(&r->link);
                pthread_mutex_unlock(&l->mutex);
                r->error = read_one(l, r);
                loop_post(l->loop, &r->back);
                pthread_mutex_lock(&l->mutex);
        }
        pthread_mutex_unlock(&l->mutex);
        return NULL;
}

/* --- on the loop --- */

static void came_back(struct loop_work *w)
{
        struct large_reply *r = CONTAINER_OF(w, struct large_reply, back);
        r->done(r);
}

/* Holdings are not among them: they are looked up by ISIN, in the lists of other brokers too. */
static bool worth_it(const struct account_state *a, const struct large_reply *r)
{
        return !(a->broker->flags & BROKER_LOCAL) && r->reply->body.len >= LARGE_REPLY_SIZE &&
               (r->call->op == BROKER_BOOK || r->call->op == BROKER_TRADES ||
                r->call->op == BROKER_POSITIONS);
}

bool large_reply_read(struct account_state *a, struct large_reply *r)
{
        struct large_replies *l = a->orchestrator->large_replies;

        if (!worth_it(a, r))
                return false;
        r->broker = a->broker;
        r->master = master_file(a, &r->version);
        r->back.run = came_back;
        pthread_mutex_lock(&l->mutex);
        list_append(&l->queue, &r->link);
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->mutex);
        return true;
}

int large_replies_new(struct orchestrator *o)
{
        unsigned n = masters_count(o);
        struct large_replies *l = calloc(1, sizeof(*l) + (n + 1) * sizeof(l->openings[0]));

        if (!l)
                return -ENOMEM;
        o->large_replies = l;
        l->loop = o->loop;
        l->n_openings = n;
        list_init(&l->queue);
        pthread_mutex_init(&l->mutex, NULL);
        pthread_cond_init(&l->wake, NULL);
        int r = -pthread_create(&l->thread, NULL, replies_thread, l);
        l->thread_runs = r == 0;
        return r;
}

void large_replies_free(struct orchestrator *o)
{
        struct large_replies *l = TAKE(o->large_replies);

        if (!l)
                return;
        if (l->thread_runs) {
                pthread_mutex_lock(&l->mutex);
                l->stop = true;
                pthread_cond_signal(&l->wake);
                pthread_mutex_unlock(&l->mutex);
                pthread_join(l->thread, NULL);
        }
        for (unsigned i = 0; i < l->n_openings; i++)
                scrip_file_close(l->openings[i].file);
        pthread_mutex_destroy(&l->mutex);
        pthread_cond_destroy(&l->wake);
        free(l);
}
