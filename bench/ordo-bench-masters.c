#include "ordo-bench-masters.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
#define FINDS      20000
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
        int64_t due_us, waited_us;
        int64_t late_us, stall_us; /* the longest */
        bool over;
        struct master_load loads[MASTERS_BROKERS];
        char paths[MASTERS_BROKERS][PATH_SIZE];
        int64_t slowest_us;
        int result;
};

/* How long this thread was ready to run, and had no processor, in all. */
static int64_t waited_us(void)
{
        unsigned long long ran, waited = 0;
        FILE *f = fopen("/proc/thread-self/schedstat", "re");

        if (f && fscanf(f, "%llu %llu", &ran, &waited) != 2)
                waited = 0;
        if (f)
                (void)fclose(f);
        return (int64_t)(waited / 1000);
}

static void on_tick(struct loop_timer *t)
{
        struct rig *r = CONTAINER_OF(t, struct rig, tick);
        int64_t late = clock_mono_us() - r->due_us, waited = waited_us();
        int64_t stall = late - (waited - r->waited_us);

        r->late_us = late > r->late_us ? late : r->late_us;
        r->stall_us = stall > r->stall_us ? stall : r->stall_us;
        r->waited_us = waited;
        r->due_us = clock_mono_us() + TICK_US;
        (void)loop_timer_set(r->loop, t, TICK_US);
}

static void came_back(struct loop_work *w)
{
        CONTAINER_OF(w, struct rig, back)->over = true;
}

static bool is_over(void *userdata)
{
        return ((const struct rig *)userdata)->over;
}

static void *jobs_thread(void *userdata)
{
        struct rig *r = userdata;

        for (unsigned i = 0; i < MASTERS_BROKERS && r->result >= 0; i++) {
                int64_t from = clock_mono_us();
                master_load_run(&r->loads[i]);
                r->result = r->loads[i].result;
                if (clock_mono_us() - from > r->slowest_us)
                        r->slowest_us = clock_mono_us() - from;
        }
        loop_post(r->loop, &r->back);
        return NULL;
}

static int load_beside(struct rig *r)
{
        pthread_t thread;

        r->back.run = came_back;
        int e = pthread_create(&thread, NULL, jobs_thread, r);
        if (e)
                return -e;
        r->waited_us = waited_us();
        r->due_us = clock_mono_us() + TICK_US;
        (void)loop_timer_set(r->loop, &r->tick, TICK_US);
        loop_stop(r->loop);
        e = loop_run(r->loop, is_over, r);
        (void)pthread_join(thread, NULL);
        loop_timer_done(&r->tick);
        return e < 0 ? e : r->result;
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

static int64_t nanoseconds(void)
{
        struct timespec t;
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int look_up(struct rig *r, struct masters_figures *ret)
{
        _cleanup_(freep) uint32_t *ns = calloc(FINDS, sizeof(*ns));
        struct scrip s;

        if (!ns)
                return -ENOMEM;
        for (unsigned i = 0; i < FINDS; i++) {
                char symbol[SYMBOL_SIZE];
                unsigned n =
                        SHARES + (unsigned)(i * UINT64_C(2654435761) % (MASTERS_ROWS - SHARES));
                (void)snprintf(symbol, sizeof(symbol), "NFO:UND%u%02uDEC26%u%s",
                               n * 7919 % UNDERLYING, n % EXPIRIES + 1, n, type_of(n));
                int64_t from = nanoseconds();
                int found = scrip_file_find(r->loads[i % MASTERS_BROKERS].file, SCRIP_BY_SYMBOL,
                                            symbol, &s);
                ns[i] = (uint32_t)(nanoseconds() - from);
                if (found != 1)
                        return -ENOENT;
        }
        /* spread_of() is of microseconds, in milliseconds */
        struct spread spread = spread_of(ns, FINDS);
        ret->find_p50_us = spread.p50_ms;
        ret->find_p99_us = spread.p99_ms;
        return 0;
}

static int measure(const char *place, struct rig *r, struct masters_figures *ret)
{
        int e = loop_new(&r->loop);

        r->tick.fire = on_tick;
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
                e = load_beside(r);
        if (e >= 0)
                e = look_up(r, ret);
        ret->load_ms = (double)r->slowest_us / USEC_PER_MS;
        ret->stall_ms = (double)r->stall_us / USEC_PER_MS;
        ret->late_ms = (double)r->late_us / USEC_PER_MS;
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
