#include "ordo-bench-masters.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "loop/loop.h"
#include "orchestrator/master_load.h"

#define SHARES     12000 /* of the rows; the others are options */
#define EXPIRIES   28
#define UNDERLYING 200
#define TICK_US    1000
#define TICKS_MAX  131072
#define FINDS      20000
#define BLOCKS     32
#define BLOCK_STEP 160 /* bytes; up to 5 KiB */
#define PATH_SIZE  600

/* --- a broker's file: "underlying,expiry,strike,type,name,key,token,isin" --- */

static int row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
               unsigned *ret_rank)
{
        struct instrument *i = &ret->instrument;
        char name[SYMBOL_NAME_SIZE];
        int64_t expiry, strike;

        if (text_parse_int(cells[1].s, cells[1].n, 0, 99991231, &expiry) < 0 ||
            text_parse_int(cells[2].s, cells[2].n, 0, INT32_MAX, &strike) < 0 ||
            !text_copy_bytes(name, sizeof(name), cells[0].s, cells[0].n) ||
            !text_copy_bytes(i->name, sizeof(i->name), cells[4].s, cells[4].n) ||
            !text_copy_bytes(ret->key, sizeof(ret->key), cells[5].s, cells[5].n) ||
            !text_copy_bytes(ret->token, sizeof(ret->token), cells[6].s, cells[6].n) ||
            !text_copy_bytes(i->isin, sizeof(i->isin), cells[7].s, cells[7].n))
                return -EINVAL;
        i->exchange = expiry ? EXCHANGE_NFO : EXCHANGE_NSE;
        i->segment = expiry ? SEGMENT_OPTION : SEGMENT_EQUITY;
        i->expiry = (int)expiry;
        i->strike = strike * 10000;
        i->call = cells[3].n > 0 && cells[3].s[0] == 'C';
        text_copy(i->underlying, sizeof(i->underlying), expiry ? name : "");
        i->lot = 65;
        i->tick = 500;
        return instrument_make_symbol(i, name) ? 1 : -EINVAL;
}

static const char *const files[] = {"/scrips.csv", NULL};
static const char *const columns[] = {"underlying", "expiry", "strike", "type", "name",
                                      "key",        "token",  "isin",   NULL};
static const struct broker_master master = {.files = files,
                                            .has_header = true,
                                            .columns = columns,
                                            .rows_least = MASTERS_ROWS,
                                            .row = row};

static const char *type_of(unsigned n)
{
        return n % 2 ? "CE" : "PE";
}

/* In no order of symbols, as masters come. */
static void add_row(struct text *t, unsigned n)
{
        if (n < SHARES)
                text_addf(t,
                          "SHARE%u,0,0,,Share Company Number %u Limited,NSE:SHARE%u-EQ,1010%u,"
                          "INE%09u\n",
                          n * 7919 % 100003, n, n, n, n);
        else
                text_addf(t, "UND%u,202612%02u,%u,%s,UND %u Dec 26 %s,NSE:UND%u26DEC%u,1011%u,\n",
                          n * 7919 % UNDERLYING, n % EXPIRIES + 1, n, type_of(n), n, type_of(n),
                          n % UNDERLYING, n, n);
}

static int make_csv(const char *place, int *ret)
{
        _cleanup_(text_done) struct text t = {.max = 64U << 20};
        char path[PATH_SIZE];

        text_add(&t, "underlying,expiry,strike,type,name,key,token,isin\n");
        for (unsigned n = 0; n < MASTERS_ROWS; n++)
                add_row(&t, n);
        if (t.failed)
                return t.failed;
        (void)snprintf(path, sizeof(path), "%s/masters-XXXXXX", place);
        *ret = mkstemp(path);
        if (*ret < 0)
                return -errno;
        (void)unlink(path);
        return file_write(*ret, t.data, t.len);
}

/* --- the loop, and the thread beside it --- */

struct rig {
        struct loop *loop;
        struct loop_timer tick;
        struct loop_work back;
        int (*beside)(struct rig *r);
        bool over;
        int result;
        /* of the loop */
        int64_t due_us, cpu_us, work_us;
        uint32_t *late_us; /* TICKS_MAX */
        unsigned ticks;
        /* of the thread */
        struct master_load loads[MASTERS_BROKERS];
        char paths[MASTERS_BROKERS][PATH_SIZE];
        int64_t slowest_us, took_us;
        int to_process[2], from_process[2];
};

static int64_t clock_ns(clockid_t clock)
{
        struct timespec t;
        (void)clock_gettime(clock, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* What any turn of the loop does: it takes memory and gives it back. A lock that the other thread
 * holds would show. */
static void take_memory(void)
{
        char *blocks[BLOCKS];

        for (unsigned i = 0; i < BLOCKS; i++) {
                blocks[i] = malloc((i + 1) * BLOCK_STEP);
                if (blocks[i])
                        memset(blocks[i], 1, (i + 1) * BLOCK_STEP);
        }
        for (unsigned i = 0; i < BLOCKS; i++)
                free(blocks[i]);
}

static void on_tick(struct loop_timer *t)
{
        struct rig *r = CONTAINER_OF(t, struct rig, tick);
        int64_t now = clock_mono_us(), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;

        if (r->ticks < TICKS_MAX)
                r->late_us[r->ticks++] = now > r->due_us ? (uint32_t)(now - r->due_us) : 0;
        r->work_us = cpu - r->cpu_us > r->work_us ? cpu - r->cpu_us : r->work_us;
        r->cpu_us = cpu;
        r->due_us = now + TICK_US;
        (void)loop_timer_set(r->loop, t, TICK_US);
        take_memory();
}

static void came_back(struct loop_work *w)
{
        CONTAINER_OF(w, struct rig, back)->over = true;
}

static bool is_over(void *userdata)
{
        return ((const struct rig *)userdata)->over;
}

static void *other_thread(void *userdata)
{
        struct rig *r = userdata;

        r->result = r->beside(r);
        loop_post(r->loop, &r->back);
        return NULL;
}

/* A loop that ticks while `beside` runs on another thread. */
static int watch(struct rig *r, int (*beside)(struct rig *r), struct spread *ret)
{
        pthread_t thread;

        r->over = false;
        r->ticks = 0;
        r->work_us = 0;
        r->beside = beside;
        r->back = (struct loop_work){.run = came_back};
        r->tick = (struct loop_timer){.fire = on_tick};
        r->late_us = calloc(TICKS_MAX, sizeof(*r->late_us));
        int e = r->late_us ? loop_new(&r->loop) : -ENOMEM;
        if (e >= 0)
                e = -pthread_create(&thread, NULL, other_thread, r);
        if (e >= 0) {
                r->cpu_us = clock_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;
                r->due_us = clock_mono_us() + TICK_US;
                (void)loop_timer_set(r->loop, &r->tick, TICK_US);
                loop_stop(r->loop);
                e = loop_run(r->loop, is_over, r);
                (void)pthread_join(thread, NULL);
                loop_timer_done(&r->tick);
                *ret = spread_of(r->late_us, r->ticks);
        }
        r->loop = loop_free(r->loop);
        freep(&r->late_us);
        return e < 0 ? e : r->result;
}

/* --- what runs beside it --- */

static int load_all(struct rig *r)
{
        for (unsigned i = 0; i < MASTERS_BROKERS; i++) {
                int64_t from = clock_mono_us();
                master_load_run(&r->loads[i]);
                if (r->loads[i].result < 0)
                        return r->loads[i].result;
                if (clock_mono_us() - from > r->slowest_us)
                        r->slowest_us = clock_mono_us() - from;
        }
        return 0;
}

static int start_process(struct rig *r)
{
        char byte;

        if (pipe(r->to_process) < 0 || pipe(r->from_process) < 0)
                return -errno;
        pid_t pid = fork();
        if (pid != 0) {
                (void)close(r->to_process[0]);
                (void)close(r->from_process[1]);
                return pid < 0 ? -errno : 0;
        }
        (void)close(r->to_process[1]);
        if (read(r->to_process[0], &byte, 1) != 1 || load_all(r) < 0 ||
            write(r->from_process[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
}

/* The same, by a process of its own. */
static int await_process(struct rig *r)
{
        int64_t from = clock_mono_us();
        char byte = 1;
        bool well =
                write(r->to_process[1], &byte, 1) == 1 && read(r->from_process[0], &byte, 1) == 1;

        (void)close(r->to_process[1]);
        (void)close(r->from_process[0]);
        (void)wait(NULL);
        r->took_us = clock_mono_us() - from;
        return well ? 0 : -EIO;
}

static int rest(struct rig *r)
{
        return usleep((useconds_t)r->took_us) < 0 ? -errno : 0;
}

static int watch_all(struct rig *r, struct masters_figures *ret)
{
        int e = start_process(r);

        if (e >= 0)
                e = watch(r, await_process, &ret->floor);
        if (e >= 0)
                e = watch(r, rest, &ret->idle);
        if (e >= 0)
                e = watch(r, load_all, &ret->loading);
        ret->work_ms = (double)r->work_us / USEC_PER_MS;
        ret->load_ms = (double)r->slowest_us / USEC_PER_MS;
        return e;
}

/* --- afterwards --- */

static double resident_mb(void)
{
        long pages[2] = {};
        FILE *f = fopen("/proc/self/statm", "re");
        if (f && fscanf(f, "%ld %ld", &pages[0], &pages[1]) != 2)
                pages[1] = 0;
        if (f)
                (void)fclose(f);
        return (double)pages[1] * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* One of the options, in no order. */
static unsigned any_option(unsigned i)
{
        uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return SHARES + (unsigned)((z ^ (z >> 31)) % (MASTERS_ROWS - SHARES));
}

static int look_up(struct rig *r, enum scrip_by by, unsigned from, struct spread *ret)
{
        _cleanup_(freep) uint32_t *ns = calloc(FINDS, sizeof(*ns));
        struct scrip s;

        if (!ns)
                return -ENOMEM;
        for (unsigned i = 0; i < FINDS; i++) {
                char text[SCRIP_KEY_SIZE];
                unsigned n = any_option(from + i);
                if (by == SCRIP_BY_SYMBOL)
                        (void)snprintf(text, sizeof(text), "NFO:UND%u%02uDEC26%u%s",
                                       n * 7919 % UNDERLYING, n % EXPIRIES + 1, n, type_of(n));
                else
                        (void)snprintf(text, sizeof(text), "NSE:UND%u26DEC%u", n % UNDERLYING, n);
                int64_t start = clock_ns(CLOCK_MONOTONIC);
                int found = scrip_file_find(r->loads[i % MASTERS_BROKERS].file, by, text, &s);
                ns[i] = (uint32_t)(clock_ns(CLOCK_MONOTONIC) - start);
                if (found != 1)
                        return -ENOENT;
        }
        *ret = spread_of(ns, FINDS);
        return 0;
}

static int measure(const char *place, struct rig *r, struct masters_figures *ret)
{
        int e = 0;

        for (unsigned i = 0; i < MASTERS_BROKERS && e >= 0; i++) {
                struct master_load *l = &r->loads[i];
                (void)snprintf(r->paths[i], sizeof(r->paths[i]), "%s/masters-%u.db", place, i);
                master_load_init(l);
                l->master = &master;
                l->path = r->paths[i];
                l->as_of_us = 1;
                e = make_csv(place, &l->fds[0]);
        }
        if (e >= 0)
                e = watch_all(r, ret);
        if (e >= 0)
                e = look_up(r, SCRIP_BY_SYMBOL, 0, &ret->by_symbol);
        if (e >= 0)
                e = look_up(r, SCRIP_BY_KEY, FINDS, &ret->by_key);
        ret->rss_mb = resident_mb();
        for (unsigned i = 0; i < MASTERS_BROKERS; i++)
                (void)unlink(r->paths[i]);
        return e;
}

int masters_measure(const char *place, struct masters_figures *ret)
{
        int fds[2], status;

        if (pipe(fds) < 0)
                return -errno;
        pid_t pid = fork();
        if (pid == 0) {
                static struct rig rig;
                (void)mallopt(M_ARENA_MAX, 4); /* as ordod does */
                (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
                int e = measure(place, &rig, ret);
                if (e < 0 || write(fds[1], ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
                        _exit(e < 0 ? -e : EIO);
                _exit(0);
        }
        (void)close(fds[1]);
        ssize_t n = pid < 0 ? 0 : read(fds[0], ret, sizeof(*ret));
        (void)close(fds[0]);
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                return -EIO;
        if (!WIFEXITED(status) || WEXITSTATUS(status))
                return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
        return n == (ssize_t)sizeof(*ret) ? 0 : -EIO;
}
