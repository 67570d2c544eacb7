/* The thread of the control connection, and the way to the loop and back; see instances.h. What is
 * asked of the server is in instances_ask.c.
 *
 *   away ─► connected ─► away …    away: no lease is renewed, and nothing is owned
 */
#include "store/instances_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define RETRY_US INT64_C(250000)

static void wake(struct instances *i)
{
        const uint64_t one = 1;
        (void)!write(i->wake_fd, &one, sizeof(one));
}

/* --- loop thread --- */

void instances_obey(struct instances *i, uint64_t epoch)
{
        if (atomic_exchange(&i->obeyed, epoch) != epoch)
                wake(i);
}

bool instances_leased(const struct instances *i)
{
        return clock_mono_us() < atomic_load(&i->lease_until_us);
}

void instances_look(struct instances *i)
{
        atomic_store(&i->asked, true);
        wake(i);
}

void instances_listen(struct instances *i, void (*fn)(void *userdata, struct instances_news *n),
                      void *userdata)
{
        i->told = fn;
        i->told_userdata = userdata;
        instances_look(i);
}

void instances_ask_permit(struct instances *i, struct instances_permit *p)
{
        p->failed = false;
        p->wait_us = 0;
        pthread_mutex_lock(&i->mutex);
        list_append(&i->asks, &p->link);
        pthread_mutex_unlock(&i->mutex);
        wake(i);
}

const char *instances_id(const struct instances *i)
{
        return i->id;
}

const atomic_bool *instances_crowd(const struct instances *i)
{
        return &i->crowd;
}

static void tell(struct loop_work *w)
{
        struct instances *i = CONTAINER_OF(w, struct instances, work);
        struct instances_news news;
        struct list answers = LIST_INIT(answers);

        pthread_mutex_lock(&i->mutex);
        i->posted = false;
        list_splice(&answers, &i->answers);
        bool fresh = TAKE(i->fresh);
        news = i->box;
        i->box.switches = NULL; /* ours now */
        i->box.n_switches = 0;
        pthread_mutex_unlock(&i->mutex);
        LIST_FOREACH (it, &answers) {
                list_unlink(it);
                struct instances_permit *p = LIST_ENTRY(it, struct instances_permit, link);
                p->done(p);
        }
        if (i->told && fresh)
                i->told(i->told_userdata, &news);
        free(news.switches);
}

/* --- the thread --- */

/* With the mutex, which it lets go. */
static void post(struct instances *i)
{
        bool first = !i->posted && !i->stop;

        i->posted |= first;
        pthread_mutex_unlock(&i->mutex);
        if (first)
                loop_post(i->loop, &i->work);
}

static void hand_over(struct instances *i)
{
        pthread_mutex_lock(&i->mutex);
        struct store_killswitch_row *older = i->box.switches;
        unsigned n_older = i->box.n_switches;
        i->box = i->now;
        i->now.switches = NULL;
        i->now.n_switches = 0;
        if (i->box.switches) {
                free(older);
        } else { /* not taken yet, and still what holds */
                i->box.switches = older;
                i->box.n_switches = n_older;
        }
        i->fresh = true;
        post(i);
}

static void lose(struct instances *i, const char *why)
{
        PQfinish(i->conn);
        i->conn = NULL;
        text_copy(i->why, sizeof(i->why), why);
        i->now.connected = false;
        memset(i->now.owned, 0, sizeof(i->now.owned));
        i->try_us = clock_mono_us() + RETRY_US;
}

/* Each by itself, as it came; without a connection they fail at once. */
static void answer_asks(struct instances *i)
{
        struct list asks = LIST_INIT(asks);
        char error[STORE_ERROR_SIZE];

        pthread_mutex_lock(&i->mutex);
        list_splice(&asks, &i->asks);
        pthread_mutex_unlock(&i->mutex);
        LIST_FOREACH (it, &asks) {
                struct instances_permit *p = LIST_ENTRY(it, struct instances_permit, link);
                list_unlink(it);
                if (!i->conn || !ask_permit(i, p, error)) {
                        p->failed = true;
                        if (i->conn)
                                lose(i, error);
                }
                pthread_mutex_lock(&i->mutex);
                list_append(&i->answers, &p->link);
                post(i);
        }
}

static void connect_now(struct instances *i)
{
        char error[STORE_ERROR_SIZE];

        i->conn = postgres_dial(i->url, error);
        if (!i->conn || !postgres_newest(i->conn, &i->timeline, error) || !ask_settle(i, error)) {
                lose(i, error);
                return;
        }
        i->now.connected = true;
        i->now.connections++;
        i->connected_us = clock_mono_us();
        i->beat_us = i->own_us = 0;
}

static void beat(struct instances *i)
{
        char error[STORE_ERROR_SIZE];
        const bool tries = clock_mono_us() >= i->own_us;

        if (!ask_beat(i, error) || !ask_members(i, error) || (tries && !ask_accounts(i, error)) ||
            !ask_owners(i, error)) {
                lose(i, error);
                return;
        }
        i->beat_us = clock_mono_us() + INSTANCES_BEAT_US;
        if (tries)
                i->own_us = clock_mono_us() + INSTANCES_OWN_US;
}

/* True: something must be asked now; else news may have come all the same. */
static bool hear(struct instances *i, bool *ret_heard)
{
        bool urgent = false;
        PGnotify *n;

        while ((n = PQnotifies(i->conn))) {
                urgent |= ask_heard(i, n->extra);
                *ret_heard = true;
                PQfreemem(n);
        }
        return urgent;
}

static void sleep_until(struct instances *i, int64_t until_us)
{
        int64_t left_us = until_us - clock_mono_us();
        struct pollfd fds[] = {{.fd = i->wake_fd, .events = POLLIN},
                               {.fd = i->conn ? PQsocket(i->conn) : -1, .events = POLLIN}};
        uint64_t count;

        (void)poll(fds, ELEMENTS(fds), left_us > 0 ? (int)(left_us / USEC_PER_MS) + 1 : 0);
        if (fds[0].revents)
                (void)!read(i->wake_fd, &count, sizeof(count));
        if (i->conn && fds[1].revents && !PQconsumeInput(i->conn))
                lose(i, "postgresql: the control connection was lost");
}

/* One round: what is due, and what came meanwhile. */
static void turn(struct instances *i)
{
        bool heard = false;

        if (!i->conn && clock_mono_us() >= i->try_us)
                connect_now(i);
        answer_asks(i);
        bool due = i->conn && hear(i, &heard);
        due |= atomic_exchange(&i->asked, false) || i->said != atomic_load(&i->obeyed) ||
               clock_mono_us() >= i->beat_us;
        if (i->conn && due)
                beat(i);
        /* What came together with an answer is in libpq already, where poll() does not see it. */
        if (i->conn && hear(i, &heard))
                instances_look(i);
        if (heard || due || i->box.connected != i->now.connected)
                hand_over(i);
        sleep_until(i, i->conn ? i->beat_us : i->try_us);
}

static void *thread(void *userdata)
{
        struct instances *i = userdata;

        for (;;) {
                pthread_mutex_lock(&i->mutex);
                bool stop = i->stop;
                pthread_mutex_unlock(&i->mutex);
                if (stop)
                        break;
                turn(i);
        }
        if (i->conn)
                ask_leave(i);
        return NULL;
}

void instances_enter(struct instances *i, uint64_t epoch, struct instances_news *ret)
{
        const int64_t until_us = clock_mono_us() + INSTANCES_LEASE_US;
        const struct timespec moment = {.tv_nsec = 1000000};

        instances_obey(i, epoch);
        while (!instances_leased(i) && clock_mono_us() < until_us)
                (void)nanosleep(&moment, NULL);
        pthread_mutex_lock(&i->mutex);
        *ret = i->box;
        pthread_mutex_unlock(&i->mutex);
        ret->switches = NULL;
        ret->n_switches = 0;
}

/* --- making --- */

int instances_new(const struct instances_options *o, struct instances **ret)
{
        struct instances *i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        i->loop = o->loop;
        i->n_accounts = o->n_accounts;
        i->work.run = tell;
        list_init(&i->asks);
        list_init(&i->answers);
        uuid_make(i->id);
        pthread_mutex_init(&i->mutex, NULL);
        for (unsigned k = 0; k < o->n_accounts; k++) {
                text_copy(i->accounts[k].id, ACCOUNT_SIZE, o->accounts[k]);
                i->accounts[k].lock = column_key_hash("owner", o->accounts[k]);
                i->accounts[k].kept = o->kept[k];
                i->accounts[k].had = true; /* at the start */
        }
        if (gethostname(i->host, sizeof(i->host) - 1) < 0)
                text_copy(i->host, sizeof(i->host), "unknown");
        i->started_us = clock_wall_us();
        i->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        i->url = strdup(o->url);
        if (i->wake_fd < 0 || !i->url) {
                int r = i->url ? -errno : -ENOMEM;
                instances_free(i);
                return r;
        }
        *ret = i;
        return 0;
}

int instances_start(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        connect_now(i);
        if (i->conn)
                beat(i);
        if (!i->conn) {
                text_copy(error, STORE_ERROR_SIZE, i->why);
                return -EHOSTUNREACH;
        }
        /* It has no lease yet, and gives back what it took. */
        if (!ask_room(i, error)) {
                ask_leave(i);
                return -EUSERS;
        }
        pthread_mutex_lock(&i->mutex);
        i->box = i->now;
        i->now.switches = NULL;
        i->now.n_switches = 0;
        pthread_mutex_unlock(&i->mutex);
        int r = -pthread_create(&i->thread, NULL, thread, i);
        i->runs = r == 0;
        if (r < 0)
                snprintf(error, STORE_ERROR_SIZE, "no thread: %s", strerror(-r));
        return r;
}

struct instances *instances_free(struct instances *i)
{
        if (!i)
                return NULL;
        if (i->runs) {
                pthread_mutex_lock(&i->mutex);
                i->stop = true;
                pthread_mutex_unlock(&i->mutex);
                wake(i);
                pthread_join(i->thread, NULL);
        }
        PQfinish(i->conn);
        if (i->wake_fd >= 0)
                close(i->wake_fd);
        pthread_mutex_destroy(&i->mutex);
        values_done(&i->values);
        free(i->now.switches);
        free(i->box.switches);
        if (i->url)
                explicit_bzero(i->url, strlen(i->url));
        free(i->url);
        free(i);
        return NULL;
}
