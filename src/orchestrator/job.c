#include "orchestrator/job.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "domain/event.h"
#include "domain/meter.h"
#include "orchestrator/exporters.h"
#include "orchestrator/masters.h"
#include "orchestrator/state.h"
#include "orchestrator/status.h"

#define AUDIT_DIRECTORY "audit" /* in the state directory */
#define EXPORT_EVERY_US INT64_C(5000000)
#define TIDY_EVERY_US   (3600 * INT64_C(1000000))
#define EXPORT_PAGE     256 /* rows for which the orders behind wait */
/* A busy ledger is left alone, within reason: its rows are as durable as the files. */
#define EXPORT_LATEST_US (60 * INT64_C(1000000))
#define BUSY_JOBS        UINT64_C(1000) /* of the ledger, a second */
/* Exported rows stay in the ledger this long, for the event stream's resume and GET /audit. */
#define LEDGER_KEEPS_US (7 * 86400 * INT64_C(1000000))

enum job { JOB_EXPORT, JOB_TIDY, JOB_MASTERS, _JOB_MAX };

struct jobs {
        struct orchestrator *o;
        struct job_view views[_JOB_MAX];
        struct loop_timer timer;
        uint64_t ledger_jobs; /* written when last looked at, for how busy it is */
        int64_t looked_us, put_off_us;

        /* the thread: one piece of work at a time, handed over through `work` */
        pthread_t thread;
        bool thread_runs;
        pthread_mutex_t mutex;
        pthread_cond_t wake;
        void (*work)(struct jobs *j);
        bool stop;
        struct loop_work back;
        void (*then)(struct jobs *j);

        /* export: a page from the ledger, then to the files */
        bool busy;
        enum job running;
        struct audit *audit;
        struct store_audit_list page, oldest;
        bool gap; /* before the page: its records are in the ledger no more */
        struct exporters exporters;
        struct store_audit_prune prune;
        int result;
        unsigned compressed, expired; /* files */
        struct master_load *load;
        int64_t began_us;
};

static void run_due(struct jobs *j);

/* --- the thread --- */

static void *jobs_thread(void *userdata)
{
        struct jobs *j = userdata;
        pthread_mutex_lock(&j->mutex);
        while (!j->stop) {
                if (!j->work) {
                        pthread_cond_wait(&j->wake, &j->mutex);
                        continue;
                }
                void (*work)(struct jobs *) = j->work;
                pthread_mutex_unlock(&j->mutex);
                work(j);
                pthread_mutex_lock(&j->mutex);
                j->work = NULL;
                loop_post(j->o->loop, &j->back);
        }
        pthread_mutex_unlock(&j->mutex);
        return NULL;
}

static void came_back(struct loop_work *w)
{
        struct jobs *j = CONTAINER_OF(w, struct jobs, back);
        j->then(j);
}

/* `work` on the jobs thread, `then` on the loop afterwards. */
static void hand_over(struct jobs *j, void (*work)(struct jobs *), void (*then)(struct jobs *))
{
        pthread_mutex_lock(&j->mutex);
        j->work = work;
        j->then = then;
        pthread_cond_signal(&j->wake);
        pthread_mutex_unlock(&j->mutex);
}

/* --- results --- */

static void job_ended(struct jobs *j, int r, const char *what)
{
        struct job_view *v = &j->views[j->running];
        struct metrics *m = j->o->options.metrics;
        int64_t now = clock_wall_us();

        j->busy = false;
        v->running = false;
        v->last_run_us = now;
        v->last_error[0] = '\0';
        series_add(metrics_series(m, METER_JOB_RUNS, v->name, r < 0 ? "failed" : "ok", NULL), 1);
        series_observe_us(metrics_series(m, METER_JOB_DURATION, v->name, NULL),
                          clock_mono_us() - j->began_us);
        if (r < 0) {
                snprintf(v->last_error, sizeof(v->last_error), "%s: %s", what, strerror(-r));
                log_event(LOG_ERR, EVENT_JOB_FAILED, LOG_FIELDS({"ORDO_JOB", v->name}),
                          "job %s failed: %s", v->name, v->last_error);
        } else {
                v->last_success_us = now;
        }
        run_due(j);
}

/* --- audit-export: ledger rows to segment files --- */

static void export_page(struct jobs *j);

static void export_write(struct jobs *j)
{
        const struct store_audit_row *row = j->page.rows;
        j->result = j->gap ? audit_skip(j->audit, row->seq, row->at_us) : 0;
        for (unsigned i = 0; i < j->page.n_rows && j->result >= 0; i++, row++) {
                j->result = audit_append(j->audit, row->seq, row->at_us, row->record, row->size);
        }
        if (j->result >= 0)
                j->result = audit_flush(j->audit);
}

static void export_written(struct jobs *j)
{
        bool more = j->page.more;
        store_audit_rows_free(TAKE(j->page.rows), j->page.n_rows);
        j->page.n_rows = 0;
        if (j->result < 0 || !more)
                job_ended(j, j->result, "writing the audit segment");
        else
                export_page(j);
}

/* Without writing the page. */
static void export_ended(struct jobs *j, int r, const char *what)
{
        store_audit_rows_free(TAKE(j->page.rows), j->page.n_rows);
        j->page.n_rows = 0;
        job_ended(j, r, what);
}

/* Rows leave the ledger oldest first, so it must be its beginning that is missing. */
static void export_measured(struct store_job *job)
{
        struct jobs *j = CONTAINER_OF(job, struct jobs, oldest.job);
        int64_t exported = audit_exported(j->audit);
        bool gone = j->oldest.n_rows > 0 && j->oldest.rows[0].seq > exported;
        store_audit_rows_free(TAKE(j->oldest.rows), j->oldest.n_rows);
        j->oldest.n_rows = 0;
        if (job->result != STORE_OK) {
                export_ended(j, -EIO, job->error);
                return;
        }
        if (!gone) {
                export_ended(j, -EBADMSG, "records are missing in the middle of the ledger");
                return;
        }
        /* A directory that begins with a ledger that is older lacks nothing that it had. */
        log_event(exported > 0 ? LOG_ERR : LOG_NOTICE, EVENT_AUDIT_GAP,
                  LOG_FIELDS({"ORDO_JOB", "audit-export"}),
                  "the audit's files go on with record %lld after record %lld: those between had "
                  "left the ledger; the gap is marked",
                  (long long)j->page.rows[0].seq, (long long)exported);
        j->gap = true;
        hand_over(j, export_write, export_written);
}

static void export_measure(struct jobs *j)
{
        j->oldest = (struct store_audit_list){
                .job = {.op = STORE_AUDIT_LIST, .done = export_measured}, .limit = 1};
        store_submit(j->o->store, &j->oldest.job);
}

static void export_read(struct store_job *job)
{
        struct jobs *j = CONTAINER_OF(job, struct jobs, page.job);
        j->gap = false;
        if (job->result != STORE_OK)
                export_ended(j, -EIO, job->error);
        else if (j->page.n_rows == 0)
                export_ended(j, 0, "");
        else if (j->page.rows[0].seq > audit_exported(j->audit) + 1)
                export_measure(j);
        else
                hand_over(j, export_write, export_written);
}

static void export_page(struct jobs *j)
{
        j->page = (struct store_audit_list){
                .job = {.op = STORE_AUDIT_LIST, .done = export_read},
                .after_seq = audit_exported(j->audit),
                .limit = EXPORT_PAGE,
        };
        store_submit(j->o->store, &j->page.job);
}

/* What knew more than the ledger, once an administrator has looked (older_ledger.h). Should it be
 * killed between the two steps, the next start makes the new directory. */
static void set_aside(struct jobs *j)
{
        _cleanup_(text_done) struct text dir = TEXT_NULL, aside = TEXT_NULL;
        struct audit *fresh = NULL;
        char now[CLOCK_TEXT_SIZE];

        text_addf(&dir, "%s/" AUDIT_DIRECTORY, j->o->options.state_dir);
        text_addf(&aside, "%s/" AUDIT_DIRECTORY "-before-%s", j->o->options.state_dir,
                  clock_print_compact(clock_wall_us(), now));
        j->result = dir.failed ? dir.failed : aside.failed;
        if (j->result == 0 && rename(text_str(&dir), text_str(&aside)) < 0 && errno != ENOENT)
                j->result = -errno;
        if (j->result == 0)
                j->result = file_sync_directory(text_str(&dir));
        if (j->result == 0)
                j->result = audit_open(text_str(&dir), j->o->options.audit_segment_bytes, &fresh);
        if (j->result < 0)
                return;
        audit_close(j->audit);
        j->audit = fresh;
}

static void was_set_aside(struct jobs *j)
{
        if (j->result < 0) {
                job_ended(j, j->result, "setting the audit's files aside");
                return;
        }
        older_ledger_over(j->o);
        log_event(LOG_NOTICE, EVENT_LEDGER_OLDER, NULL, 0,
                  "the kill switch was released: the audit's files that know more than the ledger "
                  "were set aside, and new ones begin");
        export_page(j);
}

/* --- audit-tidy: compress closed segments, end retention, prune the ledger --- */

static void tidy_work(struct jobs *j)
{
        j->compressed = j->expired = 0;
        j->result = audit_compress(j->audit, &j->compressed);
        if (j->result >= 0)
                j->result = audit_prune(j->audit, clock_wall_us(),
                                        j->o->options.audit_retention_days, &j->expired);
}

static void prune(struct jobs *j, int64_t up_to);

static void pruned(struct store_job *job)
{
        struct jobs *j = CONTAINER_OF(job, struct jobs, prune.job);
        ledger_done(j->o, job, NULL, 0);
        if (job->result == STORE_OK && j->prune.deleted == STORE_PRUNE_MAX)
                prune(j, j->prune.up_to_seq); /* there may be more */
        else
                job_ended(j, job->result == STORE_OK ? 0 : -EIO, job->error);
}

static void prune(struct jobs *j, int64_t up_to)
{
        j->prune = (struct store_audit_prune){
                .job = {.op = STORE_AUDIT_PRUNE, .done = pruned},
                .up_to_seq = up_to,
                .before_us = clock_wall_us() - LEDGER_KEEPS_US,
        };
        store_submit(j->o->store, &j->prune.job);
}

static void exporters_answered(struct exporters *e, const struct store_job *job, int64_t up_to)
{
        struct jobs *j = CONTAINER_OF(e, struct jobs, exporters);
        if (job->result == STORE_OK)
                prune(j, up_to);
        else
                job_ended(j, -EIO, job->error);
}

static void tidy_worked(struct jobs *j)
{
        if (j->compressed > 0 || j->expired > 0)
                log_event(LOG_INFO, EVENT_AUDIT_EXPORT, LOG_FIELDS({"ORDO_JOB", "audit-tidy"}),
                          "%u audit segments were closed for good, %u are past their retention and "
                          "gone",
                          j->compressed, j->expired);
        if (j->result < 0) {
                job_ended(j, j->result, "tidying the audit segments");
                return;
        }
        exporters_ask(&j->exporters, audit_exported(j->audit));
}

/* --- instrument-masters: what was fetched of a broker's instruments becomes its master --- */

static void masters_work(struct jobs *j)
{
        master_load_run(j->load);
}

/* That one failed is told by the masters themselves: they go on with what they have. */
static void masters_worked(struct jobs *j)
{
        masters_loaded(j->o, TAKE(j->load));
        job_ended(j, 0, "");
}

/* --- schedule --- */

static void begin(struct jobs *j, enum job job)
{
        static const int64_t every[_JOB_MAX] = {
                [JOB_EXPORT] = EXPORT_EVERY_US, [JOB_TIDY] = TIDY_EVERY_US};
        j->busy = true;
        j->running = job;
        j->began_us = clock_mono_us();
        j->views[job].running = true;
        if (every[job])
                j->views[job].next_run_us = clock_wall_us() + every[job];
        if (job != JOB_MASTERS && older_ledger_stands(j->o))
                job_ended(j, -ESTALE, j->o->older_ledger.reason);
        else if (job != JOB_MASTERS && j->o->older_ledger.found)
                hand_over(j, set_aside, was_set_aside);
        else if (job == JOB_EXPORT)
                export_page(j);
        else if (job == JOB_MASTERS)
                hand_over(j, masters_work, masters_worked);
        else
                hand_over(j, tidy_work, tidy_worked);
}

/* Since the last look. */
static bool ledger_busy(struct jobs *j)
{
        struct store_stats stats;
        int64_t now = clock_mono_us(), took_us = now - j->looked_us;

        store_stats(j->o->store, &stats);
        uint64_t written = stats.jobs - j->ledger_jobs;
        j->ledger_jobs = stats.jobs;
        j->looked_us = now;
        return written * USEC_PER_SEC > BUSY_JOBS * (uint64_t)took_us;
}

static bool put_off(struct jobs *j, enum job job)
{
        if (job != JOB_EXPORT || !ledger_busy(j) || j->put_off_us >= EXPORT_LATEST_US) {
                j->put_off_us = 0;
                return false;
        }
        j->put_off_us += EXPORT_EVERY_US;
        j->views[job].next_run_us += EXPORT_EVERY_US;
        return true;
}

static void run_due(struct jobs *j)
{
        int64_t now = clock_wall_us(), next = INT64_MAX;
        for (unsigned i = 0; i < JOB_MASTERS && !j->busy; i++) {
                if (j->views[i].next_run_us <= now && put_off(j, (enum job)i)) {
                        if (j->views[i].next_run_us < next)
                                next = j->views[i].next_run_us;
                        continue;
                }
                if (j->views[i].next_run_us <= now) {
                        begin(j, (enum job)i);
                        return;
                }
                if (j->views[i].next_run_us < next)
                        next = j->views[i].next_run_us;
        }
        if (j->busy)
                return;
        j->load = masters_next(j->o);
        if (j->load)
                begin(j, JOB_MASTERS);
        else
                (void)loop_timer_set(j->o->loop, &j->timer, next - now);
}

void jobs_kick(struct orchestrator *o)
{
        run_due(o->jobs);
}

void jobs_export_now(struct orchestrator *o)
{
        o->jobs->views[JOB_EXPORT].next_run_us = 0;
        run_due(o->jobs);
}

static void due(struct loop_timer *t)
{
        run_due(CONTAINER_OF(t, struct jobs, timer));
}

int jobs_new(struct orchestrator *o, char error[static STORE_ERROR_SIZE])
{
        struct jobs *j = calloc(1, sizeof(*j));
        struct text dir = TEXT_NULL;
        if (!j)
                return -ENOMEM;
        o->jobs = j;
        j->o = o;
        j->timer.fire = due;
        j->back.run = came_back;
        pthread_mutex_init(&j->mutex, NULL);
        pthread_cond_init(&j->wake, NULL);
        j->views[JOB_EXPORT] = (struct job_view){
                .name = "audit-export", .description = "Writes audit records to segment files"};
        j->views[JOB_TIDY] = (struct job_view){
                .name = "audit-tidy",
                .description = "Compresses segments and deletes what is past its retention"};
        j->views[JOB_MASTERS] =
                (struct job_view){.name = "instrument-masters",
                                  .description = "Loads the brokers' lists of instruments"};
        text_addf(&dir, "%s/" AUDIT_DIRECTORY, o->options.state_dir);
        int r = audit_open(text_str(&dir), o->options.audit_segment_bytes, &j->audit);
        text_done(&dir);
        if (r == 0)
                r = older_ledger_look(o, j->audit, error);
        j->exporters.done = exporters_answered;
        if (r == 0)
                r = exporters_init(&j->exporters, o);
        if (r < 0)
                return r;
        r = -pthread_create(&j->thread, NULL, jobs_thread, j);
        j->thread_runs = r == 0;
        return r;
}

void jobs_start(struct orchestrator *o)
{
        struct jobs *j = o->jobs;
        int64_t now = clock_wall_us();
        j->views[JOB_EXPORT].next_run_us = now + EXPORT_EVERY_US;
        j->views[JOB_TIDY].next_run_us = now + TIDY_EVERY_US / 60;
        run_due(j);
}

void jobs_free(struct orchestrator *o)
{
        struct jobs *j = o->jobs;
        if (!j)
                return;
        if (j->thread_runs) {
                pthread_mutex_lock(&j->mutex);
                j->stop = true;
                pthread_cond_signal(&j->wake);
                pthread_mutex_unlock(&j->mutex);
                pthread_join(j->thread, NULL);
        }
        loop_timer_done(&j->timer);
        store_audit_rows_free(j->page.rows, j->page.n_rows);
        store_audit_rows_free(j->oldest.rows, j->oldest.n_rows);
        audit_close(j->audit);
        pthread_mutex_destroy(&j->mutex);
        pthread_cond_destroy(&j->wake);
        free(j);
        o->jobs = NULL;
}

unsigned jobs_list(const struct orchestrator *o, const struct job_view **ret)
{
        o->jobs->views[JOB_MASTERS].next_run_us = masters_next_us(o);
        *ret = o->jobs->views;
        return _JOB_MAX;
}
