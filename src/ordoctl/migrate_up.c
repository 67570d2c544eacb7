/* The schema becomes this release's. A migration may rewrite a large table, which no database tells
 * anything about meanwhile: on a terminal a thread shows which one runs, and for how long. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "ordoctl/offline.h"
#include "store/store.h"

struct upgrade {
        const struct ctl *ctl;
        bool terminal, ticks;
        pthread_t ticker;
        /* under the mutex */
        pthread_mutex_t mutex;
        pthread_cond_t wake;
        bool over;
        char step[128]; /* "" before the first */
        int64_t begun_us;
};

/* With the mutex. */
static void show(const struct upgrade *u)
{
        (void)fprintf(stderr, "\r%s, %lld s\033[K", u->step,
                      (long long)((clock_mono_us() - u->begun_us) / USEC_PER_SEC));
        (void)fflush(stderr);
}

static void *tick(void *userdata)
{
        struct upgrade *u = userdata;
        struct timespec until;

        pthread_mutex_lock(&u->mutex);
        while (!u->over) {
                clock_gettime(CLOCK_REALTIME, &until);
                until.tv_sec++;
                if (pthread_cond_timedwait(&u->wake, &u->mutex, &until) == ETIMEDOUT && u->step[0])
                        show(u);
        }
        pthread_mutex_unlock(&u->mutex);
        return NULL;
}

static void put_json(const char *event, const struct store_migrating *step, int version)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&out);

        json_object_begin(&w, NULL);
        json_put_string(&w, "event", event);
        json_put_int(&w, "version", version);
        if (step) {
                json_put_string(&w, "name", step->name);
                json_put_int(&w, "of", step->of);
        }
        json_object_finish(&w);
        text_add_char(&out, '\n');
        (void)ctl_put(&out);
        (void)fflush(stdout);
}

static void step_begins(void *userdata, const struct store_migrating *step)
{
        struct upgrade *u = userdata;

        if (u->ctl->json) {
                put_json(step->verb, step, step->version);
                return;
        }
        if (!u->ticks)
                return;
        pthread_mutex_lock(&u->mutex);
        if (strcmp(step->verb, "copy") == 0)
                snprintf(u->step, sizeof(u->step), "copying the ledger before migration %04d",
                         step->version);
        else
                snprintf(u->step, sizeof(u->step), "migration %04d_%s (%d of %d)", step->version,
                         step->name, step->version, step->of);
        u->begun_us = clock_mono_us();
        show(u);
        pthread_mutex_unlock(&u->mutex);
}

static void begin(struct upgrade *u)
{
        pthread_mutex_init(&u->mutex, NULL);
        pthread_cond_init(&u->wake, NULL);
        u->ticks = u->terminal && !u->ctl->json && pthread_create(&u->ticker, NULL, tick, u) == 0;
}

static void end(struct upgrade *u)
{
        if (u->ticks) {
                pthread_mutex_lock(&u->mutex);
                u->over = true;
                pthread_cond_signal(&u->wake);
                pthread_mutex_unlock(&u->mutex);
                pthread_join(u->ticker, NULL);
                if (u->step[0])
                        (void)fputs("\r\033[K", stderr);
        }
        pthread_cond_destroy(&u->wake);
        pthread_mutex_destroy(&u->mutex);
}

int migrate_up(const struct ctl *c, const struct config *config)
{
        _cleanup_(text_done) struct text url = TEXT_NULL;
        char error[STORE_ERROR_SIZE];
        struct upgrade u = {.ctl = c, .terminal = isatty(STDERR_FILENO) == 1};
        struct store *store = NULL;

        if (!config->database_url && offline_check_owner(config->state_dir) != CTL_OK)
                return CTL_USAGE;
        text_addf(&url, "sqlite:%s/ordo.db", config->state_dir);
        struct store_options options = {.url = config->database_url ? config->database_url
                                                                    : text_str(&url),
                                        .migrations_dir = config->migrations_dir,
                                        .migrate = true,
                                        .migrating = step_begins,
                                        .userdata = &u};
        begin(&u);
        int r = store_open(NULL, &options, error, &store);
        end(&u);
        if (r < 0)
                return ctl_fail(CTL_REFUSED, "%s", error);
        int version = store_schema_version(store);
        store_close(store);
        if (c->json)
                put_json("done", NULL, version);
        else
                printf("The schema is version %d.\n", version);
        return CTL_OK;
}
