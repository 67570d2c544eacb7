#include "orchestrator/masters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "orchestrator/book.h"
#include "orchestrator/master_fetch.h"
#include "orchestrator/state.h"

#define CACHE_SIZE 256 /* scrips; of each broker */

enum stage { RESTING, FETCHING, WAITING, LOADING };

/* What was found last, by what it was asked for. */
struct cached {
        enum scrip_by by;
        char text[SCRIP_KEY_SIZE]; /* "": nothing */
        struct scrip scrip;
};

struct master {
        struct masters *masters;
        const struct broker *broker;
        char *path;
        struct scrip_file *file; /* NULL: none was ever loaded, or it is damaged */
        uint64_t version;        /* raised by every change of `file` */
        struct cached *cache;    /* CACHE_SIZE; made with the first find */
        enum stage stage;
        struct master_fetch fetch;
        struct secret *token; /* that it is fetched with */
        struct master_load load;
        unsigned failures;     /* since it last went well */
        int64_t not_before_us; /* monotonic */
        bool waits;            /* for a session */
        char last_error[MASTER_ERROR_SIZE];
};

struct masters {
        struct orchestrator *o;
        char *dir;
        struct loop_timer look;
        unsigned n;
        struct master list[];
};

/* --- when --- */

static bool trading_day(const struct calendar *c, int day)
{
        for (int e = 0; e < _EXCHANGE_MAX; e++)
                if (calendar_trading_day(c, (enum exchange)e, day))
                        return true;
        return false;
}

int64_t masters_moment(const struct calendar *c, int64_t now_us)
{
        static const int moments[] = {MASTER_LATE_S, MASTER_EARLY_S};
        int day = clock_ist_day(now_us);

        for (int back = 0; back < CALENDAR_SEARCH_DAYS; back++, day = clock_day_add(day, -1)) {
                if (!trading_day(c, day))
                        continue;
                for (size_t i = 0; i < ELEMENTS(moments); i++) {
                        int64_t at_us = clock_from_ist(day, moments[i]);
                        if (at_us <= now_us)
                                return at_us;
                }
        }
        return 0;
}

static int64_t as_of(const struct master *m)
{
        return m->file ? scrip_file_facts(m->file).as_of_us : 0;
}

/* A file that is of the future was made under a clock that was wrong. */
static bool due(const struct master *m, int64_t now_us)
{
        int64_t at_us = as_of(m);
        return !m->file || at_us > now_us ||
               at_us < masters_moment(m->masters->o->options.calendar, now_us);
}

/* The first moment that makes it due. */
static int64_t next_due(const struct master *m, int64_t now_us)
{
        const struct calendar *c = m->masters->o->options.calendar;
        int day = clock_ist_day(now_us);

        for (int n = 0; n < CALENDAR_SEARCH_DAYS; n++, day = clock_day_add(day, 1)) {
                if (!trading_day(c, day))
                        continue;
                if (clock_from_ist(day, MASTER_EARLY_S) > now_us)
                        return clock_from_ist(day, MASTER_EARLY_S);
                if (clock_from_ist(day, MASTER_LATE_S) > now_us)
                        return clock_from_ist(day, MASTER_LATE_S);
        }
        return 0;
}

static int64_t next_us(const struct master *m)
{
        int64_t now_us = clock_wall_us();

        if (!due(m, now_us))
                return next_due(m, now_us);
        int64_t wait_us = m->not_before_us - clock_mono_us();
        return wait_us > 0 ? now_us + wait_us : now_us;
}

int64_t masters_next_us(const struct orchestrator *o)
{
        int64_t first_us = 0;

        for (unsigned i = 0; i < o->masters->n; i++) {
                int64_t at_us = next_us(&o->masters->list[i]);
                if (at_us && (!first_us || at_us < first_us))
                        first_us = at_us;
        }
        return first_us;
}

/* --- what came of it --- */

static void count(const struct master *m, const char *result)
{
        series_add(metrics_series(m->masters->o->options.metrics, METER_MASTER_LOADS,
                                  m->broker->slug, result, NULL),
                   1);
}

static void failed(struct master *m, const char *why)
{
        char when[CLOCK_TEXT_SIZE];
        int64_t wait_us = MASTER_RETRY_US;

        for (unsigned i = 0; i < m->failures && wait_us < MASTER_RETRY_MAX_US; i++)
                wait_us *= 2;
        if (wait_us > MASTER_RETRY_MAX_US)
                wait_us = MASTER_RETRY_MAX_US;
        m->failures++;
        m->not_before_us = clock_mono_us() + wait_us;
        text_copy(m->last_error, sizeof(m->last_error), why);
        count(m, "failed");
        if (m->file)
                log_event(LOG_WARNING, EVENT_MASTER_KEPT,
                          LOG_FIELDS({"ORDO_BROKER", m->broker->slug}),
                          "the instruments of %s stay those of %s: %s", m->broker->title,
                          clock_print_ist(as_of(m), when), why);
        else
                log_event(LOG_ERR, EVENT_MASTER_MISSING,
                          LOG_FIELDS({"ORDO_BROKER", m->broker->slug}),
                          "%s has no instruments, its accounts take no orders: %s",
                          m->broker->title, why);
}

/* What it gives back is closed on the jobs thread: the file has no name any more, and to free its
 * pages takes tens of milliseconds. */
static struct scrip_file *use(struct master *m, struct scrip_file *file)
{
        struct scrip_file *old = m->file;

        m->file = file;
        m->version++;
        free(TAKE(m->cache));
        return old;
}

static void close_later(struct master *m, struct scrip_file *old)
{
        master_load_init(&m->load);
        m->load.only_close = true;
        m->load.old = old;
        m->stage = WAITING;
}

/* Books that named what nobody knew can be read now. */
static void wake_accounts(const struct master *m)
{
        struct orchestrator *o = m->masters->o;

        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (a->master == m && !a->ready && a->session == SESSION_STATE_ACTIVE)
                        book_kick(a);
        }
}

void masters_loaded(struct orchestrator *o, struct master_load *l)
{
        struct master *m = CONTAINER_OF(l, struct master, load);
        char rows[24];

        m->stage = RESTING;
        if (l->result < 0) {
                failed(m, l->error);
                return;
        }
        if (l->only_close)
                return;
        m->failures = 0;
        m->not_before_us = 0;
        m->last_error[0] = '\0';
        count(m, "ok");
        snprintf(rows, sizeof(rows), "%u", l->rows);
        log_event(LOG_NOTICE, EVENT_MASTER_LOADED,
                  LOG_FIELDS({"ORDO_BROKER", m->broker->slug}, {"ORDO_ROWS", rows}),
                  "the instruments of %s were loaded: %u, and %u of %u lines could not be read",
                  m->broker->title, l->rows, l->bad, l->lines);
        struct scrip_file *old = use(m, TAKE(l->file));
        if (old)
                close_later(m, old); /* whoever called this asks for what is next */
        wake_accounts(m);
}

/* --- fetching --- */

/* What was fetched goes to the jobs thread, also what came of it by half: to be closed there. */
static void fetched(struct master_fetch *f)
{
        struct master *m = CONTAINER_OF(f, struct master, fetch);
        struct master_load *l = &m->load;

        m->token = secret_free(m->token);
        master_load_init(l);
        l->master = m->broker->master;
        l->path = m->path;
        l->rows_before = m->file ? scrip_file_facts(m->file).rows : 0;
        l->as_of_us = f->started_us;
        l->only_close = f->result < 0;
        l->result = f->result;
        text_copy(l->error, sizeof(l->error), f->error);
        for (unsigned i = 0; i < MASTER_FILES_MAX; i++) {
                l->fds[i] = f->fds[i];
                f->fds[i] = -1;
        }
        m->stage = WAITING;
        jobs_kick(m->masters->o);
}

struct master_load *masters_next(struct orchestrator *o)
{
        for (unsigned i = 0; i < o->masters->n; i++) {
                struct master *m = &o->masters->list[i];
                if (m->stage == WAITING) {
                        m->stage = LOADING;
                        return &m->load;
                }
        }
        return NULL;
}

/* Whose address and session it is fetched with; NULL: none has a session, which it needs. */
static struct account_state *through(const struct master *m)
{
        struct orchestrator *o = m->masters->o;

        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                struct account_state *a = &o->accounts[i];
                if (a->master == m && (!m->broker->master->needs_session ||
                                       (a->session == SESSION_STATE_ACTIVE && a->token)))
                        return a;
        }
        return NULL;
}

static void fetch(struct master *m)
{
        const struct account_state *a = through(m);

        if (!a) {
                m->waits = true;
                return;
        }
        m->waits = false;
        m->stage = FETCHING;
        m->fetch = (struct master_fetch){
                .loop = m->masters->o->loop,
                .broker = m->broker,
                .account = a->account,
                .dir = m->masters->dir,
                .done = fetched,
        };
        if (m->broker->master->needs_session) {
                /* It may end while the files come. */
                m->token = secret_new(secret_bytes(a->token), secret_size(a->token));
                m->fetch.token = m->token;
        }
        master_fetch_start(&m->fetch);
}

static void look(struct loop_timer *t)
{
        struct masters *s = CONTAINER_OF(t, struct masters, look);
        int64_t now_us = clock_wall_us();

        (void)loop_timer_set(s->o->loop, t, MASTER_LOOK_US);
        for (unsigned i = 0; i < s->n && !s->o->draining; i++) {
                struct master *m = &s->list[i];
                if (m->stage == RESTING && m->not_before_us <= clock_mono_us() && due(m, now_us))
                        fetch(m);
        }
}

void masters_session(struct account_state *a)
{
        struct master *m = a->master;

        if (!m || !m->broker->master->needs_session || m->stage != RESTING)
                return;
        if (!m->failures)
                m->last_error[0] = '\0'; /* it waited for this */
        (void)loop_timer_set(a->orchestrator->loop, &m->masters->look, 0);
}

/* --- asking --- */

static struct cached *slot_of(struct master *m, enum scrip_by by, const char *text)
{
        uint32_t hash = 2166136261U + (uint32_t)by;

        if (!m->cache)
                m->cache = calloc(CACHE_SIZE, sizeof(*m->cache));
        if (!m->cache || strlen(text) >= sizeof(m->cache->text))
                return NULL;
        for (const char *p = text; *p; p++)
                hash = (hash ^ (unsigned char)*p) * 16777619U;
        return &m->cache[hash % CACHE_SIZE];
}

static void damaged(struct master *m)
{
        scrip_file_close(use(m, NULL)); /* it keeps its name: nothing is freed */
        failed(m, "its file of instruments is damaged and is made again");
        m->not_before_us = 0;
}

static bool find(struct master *m, enum scrip_by by, const char *text, struct scrip *ret)
{
        if (!m->file || !text[0])
                return false;
        struct cached *c = slot_of(m, by, text);
        if (c && c->by == by && text_equal(c->text, text)) {
                *ret = c->scrip;
                return true;
        }
        int r = scrip_file_find(m->file, by, text, ret);
        if (r > 0 && c) {
                c->by = by;
                text_copy(c->text, sizeof(c->text), text);
                c->scrip = *ret;
        }
        if (r < 0)
                damaged(m);
        return r > 0;
}

/* Brokers without ISINs in their own master name holdings by them. */
static bool find_foreign_isin(struct master *m, const char *isin, struct scrip *ret)
{
        const struct instruments *set = m->masters->o->options.instruments;
        const struct instrument *i;

        for (unsigned n = 0; n < m->masters->n; n++) {
                struct master *other = &m->masters->list[n];
                if (other != m && find(other, SCRIP_BY_ISIN, isin, ret))
                        return find(m, SCRIP_BY_SYMBOL, ret->instrument.symbol, ret);
        }
        for (unsigned n = 0; (i = instruments_at(set, n)); n++)
                if (strcmp(i->isin, isin) == 0 && find(m, SCRIP_BY_SYMBOL, i->symbol, ret))
                        return true;
        return false;
}

bool master_there(const struct account_state *a)
{
        return !a->master || a->master->file;
}

const char *master_file(const struct account_state *a, uint64_t *ret_version)
{
        const struct master *m = a->master;

        if (!m || !m->file)
                return NULL;
        *ret_version = m->version;
        return m->path;
}

bool master_outdated(enum scrip_by by, const struct scrip *s)
{
        bool by_number = by == SCRIP_BY_KEY || by == SCRIP_BY_TOKEN;
        return by_number && s->instrument.expiry &&
               s->instrument.expiry < clock_ist_day(clock_wall_us());
}

bool master_scrip(struct account_state *a, enum scrip_by by, const char *text, struct scrip *ret)
{
        struct master *m = a->master;
        bool found = find(m, by, text, ret);

        if (!found && by == SCRIP_BY_ISIN && m->file && text[0])
                found = find_foreign_isin(m, text, ret);
        return found && !master_outdated(by, ret);
}

bool masters_busy(const struct orchestrator *o)
{
        for (unsigned i = 0; i < o->masters->n; i++)
                if (o->masters->list[i].stage != RESTING)
                        return true;
        return false;
}

unsigned masters_view(const struct orchestrator *o, struct master_view *ret, unsigned n)
{
        unsigned i;

        for (i = 0; i < o->masters->n && i < n; i++) {
                const struct master *m = &o->masters->list[i];
                ret[i] = (struct master_view){
                        .broker = m->broker->slug,
                        .state = !m->file                  ? "missing"
                                 : due(m, clock_wall_us()) ? "stale"
                                                           : "loaded",
                        .rows = m->file ? scrip_file_facts(m->file).rows : 0,
                        .as_of_us = as_of(m),
                        .next_us = next_us(m),
                };
                text_copy(ret[i].last_error, sizeof(ret[i].last_error),
                          m->waits && !through(m) ? "waits for a session of one of its accounts"
                                                  : m->last_error);
        }
        return i;
}

void masters_measure(const struct orchestrator *o)
{
        struct metrics *t = o->options.metrics;

        for (unsigned i = 0; i < o->masters->n; i++) {
                const struct master *m = &o->masters->list[i];
                series_set(metrics_series(t, METER_MASTER_INSTRUMENTS, m->broker->slug, NULL),
                           m->file ? scrip_file_facts(m->file).rows : 0);
                series_set_us(metrics_series(t, METER_MASTER_TIME, m->broker->slug, NULL),
                              as_of(m));
        }
}

unsigned masters_count(const struct orchestrator *o)
{
        return o->masters->n;
}

int master_search(struct orchestrator *o, unsigned n, enum scrip_text text, const char *prefix,
                  unsigned limit, struct instrument *ret)
{
        struct master *m = &o->masters->list[n];
        int r = m->file ? scrip_file_search(m->file, text, prefix, limit, ret) : 0;

        if (r < 0)
                damaged(m);
        return r > 0 ? r : 0;
}

/* --- life --- */

/* A file of another version, or one that is damaged, is made again like one that is missing. */
static int open_one(struct masters *s, const struct broker *b, struct master **ret)
{
        struct master *m = &s->list[s->n++];

        *ret = m;
        m->masters = s;
        m->broker = b;
        if (asprintf(&m->path, "%s/%s.db", s->dir, b->slug) < 0) {
                m->path = NULL;
                return -ENOMEM;
        }
        int r = scrip_file_open(m->path, MASTER_CACHE_KIB, &m->file);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && r != -ENOENT)
                log_event(LOG_WARNING, EVENT_MASTER_MISSING, LOG_FIELDS({"ORDO_BROKER", b->slug}),
                          "the instruments of %s cannot be read and are fetched again", b->title);
        if (r >= 0)
                scrip_file_warm(m->file);
        return 0;
}

static struct master *master_of(struct masters *s, const struct broker *b)
{
        for (unsigned i = 0; i < s->n; i++)
                if (s->list[i].broker == b)
                        return &s->list[i];
        return NULL;
}

int masters_new(struct orchestrator *o)
{
        unsigned n = o->options.n_accounts;
        struct masters *s = calloc(1, sizeof(*s) + n * sizeof(s->list[0]));

        if (!s)
                return -ENOMEM;
        o->masters = s;
        s->o = o;
        s->look.fire = look;
        if (asprintf(&s->dir, "%s/masters", o->options.state_dir) < 0) {
                s->dir = NULL;
                return -ENOMEM;
        }
        for (unsigned i = 0; i < n; i++) {
                struct account_state *a = &o->accounts[i];
                if (!a->broker->master)
                        continue;
                /* Without it fetching will say why it fails; the other brokers need not wait. */
                if (s->n == 0)
                        (void)mkdir(s->dir, 0700);
                a->master = master_of(s, a->broker);
                int r = a->master ? 0 : open_one(s, a->broker, &a->master);
                if (r < 0)
                        return r;
        }
        return 0;
}

void masters_start(struct orchestrator *o)
{
        if (o->masters->n > 0)
                (void)loop_timer_set(o->loop, &o->masters->look, 0);
}

void masters_stop(struct orchestrator *o)
{
        for (unsigned i = 0; o->masters && i < o->masters->n; i++)
                atomic_store(&o->masters->list[i].load.stop, true);
}

void masters_free(struct orchestrator *o)
{
        struct masters *s = o->masters;

        if (!s)
                return;
        loop_timer_done(&s->look);
        for (unsigned i = 0; i < s->n; i++) {
                struct master *m = &s->list[i];
                master_fetch_clear(&m->fetch);
                secret_free(m->token);
                if (m->stage == WAITING || m->stage == LOADING)
                        master_load_done(&m->load); /* nobody will take it any more */
                scrip_file_close(use(m, NULL));
                free(m->path);
        }
        free(s->dir);
        free(s);
        o->masters = NULL;
}
