#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

struct mark {
        struct store_append put;
        struct audit_record audit;
};

static struct mark *mark_free(struct mark *m)
{
        audit_record_done(&m->audit);
        free(m);
        return NULL;
}

static void marked(struct store_job *job)
{
        mark_free(CONTAINER_OF(job, struct mark, put.job));
}

/* Names of options only: values may be secret. */
static void put_payload(struct text *ret, const struct config_changes *changes)
{
        struct json_writer w = JSON_WRITER(ret);
        json_object_begin(&w, NULL);
        json_put_string(&w, "version", ORDO_VERSION);
        if (changes) {
                json_put_words(&w, "changed", text_str(&changes->taken));
                json_put_words(&w, "restart_needed", text_str(&changes->waiting));
        }
        json_object_finish(&w);
}

/* NULL: out of memory. */
static struct mark *mark_new(enum audit_action action, const char *outcome,
                             const struct config_changes *changes)
{
        struct mark *m = calloc(1, sizeof(*m));
        if (!m)
                return NULL;
        m->audit = (struct audit_record){
                .action = action,
                .component = "ordod",
                .actor = "ordod",
                .outcome = outcome,
                .at_us = clock_wall_us(),
        };
        put_payload(&m->audit.payload, changes);
        m->put = (struct store_append){
                .job = {.op = STORE_APPEND, .done = marked}, .audit = &m->audit, .n_audit = 1};
        return m;
}

void mark_submit(struct daemon *d, enum audit_action action, const char *outcome,
                 const struct config_changes *changes)
{
        struct mark *m = mark_new(action, outcome, changes);
        if (m)
                store_submit(d->store, &m->put.job);
}

void mark_write(struct daemon *d, enum audit_action action, const char *outcome)
{
        struct mark *m = mark_new(action, outcome, NULL);
        if (!m)
                return;
        (void)store_run(d->store, &m->put.job);
        mark_free(m);
}
