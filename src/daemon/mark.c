#include "daemon/daemon.h"

#include "base/clock.h"

static void marked(struct store_job *job)
{
        struct daemon *d = CONTAINER_OF(job, struct daemon, mark.job);
        audit_record_done(&d->mark_audit);
        d->mark_audit = (struct audit_record){};
}

/* False: the one before is still being written. */
static bool fill(struct daemon *d, enum audit_action action, const char *outcome)
{
        if (d->mark_audit.at_us)
                return false;
        d->mark_audit = (struct audit_record){
                .action = action,
                .component = "ordod",
                .actor = "ordod",
                .outcome = outcome,
                .at_us = clock_wall_us(),
        };
        text_add(&d->mark_audit.payload, "{\"version\":\"" ORDO_VERSION "\"}");
        d->mark = (struct store_append){
                .job = {.op = STORE_APPEND, .done = marked}, .audit = &d->mark_audit, .n_audit = 1};
        return true;
}

void mark_submit(struct daemon *d, enum audit_action action, const char *outcome)
{
        if (fill(d, action, outcome))
                store_submit(d->store, &d->mark.job);
}

void mark_write(struct daemon *d, enum audit_action action, const char *outcome)
{
        if (!fill(d, action, outcome))
                return;
        (void)store_run(d->store, &d->mark.job);
        audit_record_done(&d->mark_audit);
        d->mark_audit = (struct audit_record){};
}
