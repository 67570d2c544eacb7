#include "orchestrator/trip.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

struct telling {
        struct orchestrator *o;
        struct store_append put;
        struct audit_record audit;
        struct list riders;
};

static void told(struct store_job *job)
{
        struct telling *t = CONTAINER_OF(job, struct telling, put.job);
        ledger_done(t->o, job, &t->audit, 1);
        audit_record_done(&t->audit);
        free(t);
}

void trip_tell(struct account_state *a, enum problem why, const char *words)
{
        _cleanup_(text_done) struct text payload = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&payload);
        struct telling *t = calloc(1, sizeof(*t));

        log_event(LOG_CRIT, EVENT_ACCOUNT_TRIPPED,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}, {"ORDO_CODE", problem_code(why)},
                             {"ORDO_ACTION", audit_action_name(AUDIT_ACCOUNT_TRIPPED)}),
                  "%s takes only orders that reduce a position: %s", a->account->id, words);
        if (!t)
                return; /* the gates hold all the same */
        json_object_begin(&w, NULL);
        json_put_string(&w, "code", problem_code(why));
        json_put_string(&w, "message", words);
        json_object_finish(&w);
        t->o = a->orchestrator;
        record_act(&t->audit, AUDIT_ACCOUNT_TRIPPED, "ordod", NULL, a->account->id, NULL,
                   text_str(&payload));
        t->put = (struct store_append){.job.done = told, .audit = &t->audit, .n_audit = 1};
        ledger_append(t->o, &t->put, &t->riders);
}

enum problem trip_now(struct account_state *a, int64_t *ret_wait_us)
{
        *ret_wait_us = storm_wait(a);
        if (*ret_wait_us)
                return PROBLEM_REJECT_STORM;
        return loss_reached(a) ? PROBLEM_MAX_DAILY_LOSS : PROBLEM_NONE;
}
