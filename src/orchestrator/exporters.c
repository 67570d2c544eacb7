#include "orchestrator/exporters.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "orchestrator/state.h"

#define GUEST     "audit"
#define KIND      "exporter"
#define FILE_NAME "exporter" /* in the state directory */

static int read_name(const char *path, char ret[static UUID_SIZE])
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char name[UUID_SIZE];
        if (fd < 0)
                return -errno;
        ssize_t n = file_read_bytes(fd, name, sizeof(name));
        if (n < 0)
                return (int)n;
        if (n != UUID_SIZE || name[UUID_SIZE - 1] != '\n')
                return -EBADMSG;
        name[UUID_SIZE - 1] = '\0';
        memcpy(ret, name, UUID_SIZE);
        return 0;
}

/* One that cannot be read gets a new one: the old row holds the records for a while, no more. */
int exporters_init(struct exporters *e, struct orchestrator *o)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        char line[UUID_SIZE + 1];
        e->o = o;
        text_addf(&path, "%s/" FILE_NAME, o->options.state_dir);
        if (path.failed)
                return path.failed;
        if (read_name(text_str(&path), e->self) == 0)
                return 0;
        uuid_make(e->self);
        int n = snprintf(line, sizeof(line), "%s\n", e->self);
        return file_replace(text_str(&path), line, (size_t)n);
}

/* Store thread, while the loop thread waits for the answer. */
static int take_row(void *userdata, const char *account, const char *kind, const char *key,
                    const void *value, size_t size)
{
        struct exporters *e = userdata;
        const char *text = value, *space = memchr(text, ' ', size);
        int64_t exported, told_us;

        (void)account;
        (void)kind;
        if (strcmp(key, e->self) == 0)
                return 0;
        size_t n = space ? (size_t)(space - text) : 0;
        if (!space || text_parse_int(text, n, 0, INT64_MAX, &exported) < 0 ||
            text_parse_int(space + 1, size - n - 1, 0, INT64_MAX, &told_us) < 0)
                return -EBADMSG;
        if (told_us >= clock_wall_us() - EXPORTERS_FORGET_US)
                e->lowest = exported < e->lowest ? exported : e->lowest;
        else if (e->n_gone < EXPORTERS_SWEEP_MAX && strlen(key) < UUID_SIZE)
                text_copy(e->gone[e->n_gone++], UUID_SIZE, key);
        return 0;
}

static void told(struct store_job *job)
{
        struct exporters *e = CONTAINER_OF(job, struct exporters, put.job);
        ledger_done(e->o, job, NULL, 0);
        e->done(e, job, e->lowest);
}

static int make_rows(const struct exporters *e, struct rider **ret)
{
        char text[64];
        struct rider *rider;
        int r = rider_new(GUEST, &rider);
        if (r < 0)
                return r;
        int n = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, e->exported, clock_wall_us());
        char *value = strdup(text);
        r = value ? rider_add(rider, "", KIND, e->self, value, (size_t)n) : -ENOMEM;
        if (r < 0)
                free(value);
        for (unsigned i = 0; i < e->n_gone && r >= 0; i++)
                r = rider_add(rider, "", KIND, e->gone[i], NULL, 0);
        if (r < 0)
                rider_settle(rider, false);
        else
                *ret = rider;
        return r;
}

static void asked(struct store_job *job)
{
        struct exporters *e = CONTAINER_OF(job, struct exporters, load.job);
        struct rider *rider = NULL;
        if (job->result == STORE_OK && make_rows(e, &rider) < 0) {
                job->result = STORE_UNAVAILABLE;
                text_copy(job->error, sizeof(job->error), "out of memory");
        }
        if (!rider) {
                e->done(e, job, 0);
                return;
        }
        list_append(&e->o->riders, &rider->link);
        e->put = (struct store_append){.job.done = told};
        ledger_append(e->o, &e->put, &e->riders);
}

void exporters_ask(struct exporters *e, int64_t exported)
{
        e->exported = e->lowest = exported;
        e->n_gone = 0;
        e->load = (struct store_riders_load){
                .job = {.op = STORE_RIDERS_LOAD, .done = asked},
                .guest = GUEST,
                .row = take_row,
                .userdata = e,
        };
        store_submit(e->o->store, &e->load.job);
}
