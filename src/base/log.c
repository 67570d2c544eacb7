/* The calling thread packs a record and appends it to `queue`; the log thread swaps that against
 * its own empty buffer and prints a whole batch. It waits a moment before it swaps, so that a busy
 * loop wakes it some hundred times a second and not for every record. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/log_format.h"

#define QUEUE_BYTES    (4U << 20) /* in the queue, and as much in the batch being printed */
#define KEEP_BYTES     (64U << 10)
#define WRITE_BYTES    (64U << 10)
#define GATHER_NS      2000000
#define STOP_SECONDS   1
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
        /* under the lock */
        pthread_mutex_t lock;
        pthread_cond_t wake; /* monotonic, like `finished` */
        pthread_cond_t finished;
        struct text queue;
        unsigned queued;
        bool running;  /* records go to the queue */
        bool sleeping; /* the log thread waits for `wake` */
        bool stopping;

        /* the log thread's */
        pthread_t thread;
        struct text batch, out;
        unsigned in_out;   /* printed, not written yet */
        uint64_t reported; /* drops that `out` tells of */

        atomic_uint in_hand; /* taken from the queue, not written yet */
        atomic_bool stuck;   /* the target blocked until log_stop() gave up: stay away from it */
        atomic_int max_level;
        atomic_int target; /* LOG_TARGET_AUTO: not looked for yet */
        atomic_bool colour;
        atomic_uint_fast64_t dropped;
        atomic_uint_fast64_t unreported;
        char identifier[64];
        char instance[64]; /* "": there is one daemon */
} g = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .queue = {.max = QUEUE_BYTES},
        .batch = {.max = QUEUE_BYTES},
        .max_level = LOG_INFO,
        .identifier = "ordo",
};

static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;
        char *end;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return false;
        device = strtoull(stream, &end, 10);
        if (*end != ':')
                return false;
        inode = strtoull(end + 1, &end, 10);
        return *end == '\0' && device == st.st_dev && inode == st.st_ino;
}

static enum log_target find_target(void)
{
        if (stderr_is_journal())
                return LOG_TARGET_JOURNAL;
        return isatty(STDERR_FILENO) ? LOG_TARGET_TEXT : LOG_TARGET_JSON;
}

static void set_target(enum log_target target)
{
        const char *no_color = getenv("NO_COLOR");

        if (target == LOG_TARGET_AUTO)
                target = find_target();
        atomic_store(&g.colour, target == LOG_TARGET_TEXT && isatty(STDERR_FILENO) &&
                                        !(no_color && *no_color));
        atomic_store(&g.target, (int)target);
}

enum log_target log_target(void)
{
        if (atomic_load(&g.target) == LOG_TARGET_AUTO)
                set_target(LOG_TARGET_AUTO);
        return (enum log_target)atomic_load(&g.target);
}

static void drop(uint64_t n)
{
        atomic_fetch_add(&g.dropped, n);
        atomic_fetch_add(&g.unreported, n);
}

/* Blocks as long as the reader of `fd` wants. */
static int write_all(int fd, const char *data, size_t n)
{
        while (n > 0) {
                if (atomic_load(&g.stuck))
                        return -ECANCELED;
                ssize_t written = write(fd, data, n);
                if (written < 0 && errno == EAGAIN) {
                        struct pollfd p = {.fd = fd, .events = POLLOUT};
                        poll(&p, 1, -1);
                        continue;
                }
                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;
                data += written;
                n -= (size_t)written;
        }
        return 0;
}

static int send_to_journal(struct text *scratch, const struct log_record *record)
{
        struct iovec iov[LOG_IOVEC_MAX];

        text_clear(scratch);
        return sd_journal_sendv(iov, log_format_journal(scratch, record, g.identifier, iov));
}

static void print_line(struct text *out, const struct log_record *record)
{
        if (log_target() == LOG_TARGET_TEXT)
                log_format_text(out, record, atomic_load(&g.colour));
        else
                log_format_json(out, record);
}

static int target_fd(void)
{
        return log_target() == LOG_TARGET_TEXT ? STDERR_FILENO : STDOUT_FILENO;
}

/* The log thread has done with `n` records. Those that log_stop() gave up are counted already. */
static void settle(unsigned n, uint64_t reported, int r)
{
        if (atomic_load(&g.stuck))
                return;
        atomic_fetch_sub(&g.in_hand, n);
        if (r < 0) {
                drop(n);
                atomic_fetch_add(&g.unreported, reported);
        }
}

static void flush(void)
{
        if (g.in_out == 0)
                return;
        settle(g.in_out, g.reported,
               g.out.failed ? g.out.failed : write_all(target_fd(), g.out.data, g.out.len));
        text_clear(&g.out);
        g.in_out = 0;
        g.reported = 0;
}

static void print_batch(void)
{
        for (size_t at = 0; at < g.batch.len && !atomic_load(&g.stuck);) {
                struct log_record *record = (struct log_record *)(g.batch.data + at);

                at += record->size;
                record->dropped = atomic_exchange(&g.unreported, 0);
                if (log_target() == LOG_TARGET_JOURNAL) {
                        settle(1, record->dropped, send_to_journal(&g.out, record));
                        continue;
                }
                print_line(&g.out, record);
                g.in_out++;
                g.reported += record->dropped;
                if (g.out.len >= WRITE_BYTES)
                        flush();
        }
        flush();
        text_clear(&g.batch);
        if (g.batch.size > KEEP_BYTES)
                text_done(&g.batch);
}

/* False when there is nothing left and log_stop() was called. */
static bool take_batch(void)
{
        pthread_mutex_lock(&g.lock);
        while (g.queue.len == 0 && !g.stopping) {
                g.sleeping = true;
                pthread_cond_wait(&g.wake, &g.lock);
                g.sleeping = false;
        }
        if (!g.stopping) {
                pthread_mutex_unlock(&g.lock);
                nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
                pthread_mutex_lock(&g.lock);
        }
        struct text empty = g.batch;
        g.batch = g.queue;
        g.queue = empty;
        atomic_store(&g.in_hand, g.queued);
        g.queued = 0;
        bool more = g.batch.len > 0;
        if ((!more && g.stopping) || atomic_load(&g.stuck)) {
                more = false;
                g.running = false;
                pthread_cond_signal(&g.finished);
        } else {
                more = true;
        }
        pthread_mutex_unlock(&g.lock);
        return more;
}

static void *log_thread(void *unused)
{
        while (take_batch())
                print_batch();
        return NULL;
}

/* With every signal blocked: they belong to the loop thread, and SIGPIPE must not end anything. */
static int start_thread(void)
{
        sigset_t all, old;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        int r = pthread_create(&g.thread, NULL, log_thread, NULL);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r == 0)
                pthread_setname_np(g.thread, "log");
        return -r;
}

int log_start(enum log_target target, int max_level, const char *identifier)
{
        pthread_condattr_t monotonic;

        if (atomic_load(&g.stuck))
                return -EBUSY;
        if (g.running)
                return -EALREADY;
        if (target == LOG_TARGET_JOURNAL && access(JOURNAL_SOCKET, F_OK) < 0)
                return -errno; /* sd_journal_sendv() would lose every record without a word */

        log_set_level(max_level);
        set_target(target);
        text_copy(g.identifier, sizeof(g.identifier), identifier);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&g.wake, &monotonic);
        pthread_cond_init(&g.finished, &monotonic);
        pthread_condattr_destroy(&monotonic);
        g.stopping = g.sleeping = false;
        g.running = true;
        int r = start_thread();
        if (r < 0)
                g.running = false;
        return r;
}

/* Waits for the log thread's last line. False: it is stuck in its target. */
static bool wait_finished(void)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += STOP_SECONDS;
        while (g.running)
                if (pthread_cond_timedwait(&g.finished, &g.lock, &until) == ETIMEDOUT)
                        return !g.running;
        return true;
}

void log_stop(void)
{
        pthread_mutex_lock(&g.lock);
        if (!g.running) {
                pthread_mutex_unlock(&g.lock);
                return;
        }
        g.stopping = true;
        pthread_cond_signal(&g.wake);
        bool finished = wait_finished();
        if (!finished) { /* it stays where it is until the process ends */
                atomic_store(&g.stuck, true);
                g.running = false;
                drop(g.queued + atomic_load(&g.in_hand));
                pthread_detach(g.thread);
        }
        pthread_mutex_unlock(&g.lock);
        if (!finished)
                return;
        pthread_join(g.thread, NULL);
        text_done(&g.queue);
        text_done(&g.batch);
        text_done(&g.out);
        pthread_cond_destroy(&g.wake);
        pthread_cond_destroy(&g.finished);
}

void log_set_level(int max_level)
{
        atomic_store(&g.max_level, max_level);
}

void log_set_instance(const char *id)
{
        text_copy(g.instance, sizeof(g.instance), id);
}

bool log_enabled(int level)
{
        return level <= atomic_load_explicit(&g.max_level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
        return atomic_load(&g.dropped);
}

/* False when there is no log thread. */
static bool enqueue(const struct log_record *record)
{
        pthread_mutex_lock(&g.lock);
        bool running = g.running;
        if (running) {
                if (g.queued < LOG_QUEUE_MAX && record->size <= QUEUE_BYTES - g.queue.len)
                        text_add_bytes(&g.queue, (const char *)record, record->size);
                else
                        g.queue.failed = -ENOBUFS;
                if (g.queue.failed == 0)
                        g.queued++;
                else
                        drop(1);
                g.queue.failed = 0;
                if (g.sleeping) {
                        g.sleeping = false; /* woken once is enough */
                        pthread_cond_signal(&g.wake);
                }
        }
        pthread_mutex_unlock(&g.lock);
        return running;
}

static void print_at_once(struct log_record *record)
{
        struct text out = {};
        uint64_t reported = atomic_exchange(&g.unreported, 0);
        int r;

        record->dropped = reported;
        if (atomic_load(&g.stuck)) {
                r = -EAGAIN;
        } else if (log_target() == LOG_TARGET_JOURNAL) {
                r = send_to_journal(&out, record);
        } else {
                print_line(&out, record);
                r = out.failed ? out.failed : write_all(target_fd(), out.data, out.len);
        }
        if (r < 0) {
                atomic_fetch_add(&g.unreported, reported);
                drop(1);
        }
        text_done(&out);
}

void log_record_at(const char *file, int line, const char *func, int level, const char *message_id,
                   const struct log_field *fields, unsigned n, const char *format, ...)
{
        alignas(struct log_record) char buf[LOG_RECORD_MAX];
        struct log_place place = {file, line, func};
        struct log_field own[LOG_FIELDS_MAX];
        int saved = errno;
        va_list args;

        if (!log_enabled(level))
                return;
        if (g.instance[0] && n < LOG_FIELDS_MAX) {
                if (n > 0)
                        memcpy(own, fields, n * sizeof(*own));
                own[n++] = (struct log_field){"ORDO_INSTANCE", g.instance};
                fields = own;
        }
        va_start(args, format);
        struct log_record *record =
                log_pack(buf, &place, level, message_id, fields, n, format, args);
        va_end(args);
        if (!enqueue(record))
                print_at_once(record);
        errno = saved;
}
