#include "orchestrator/trip.h"

#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

void trip_tell(struct account_state *a, enum problem why, const char *words)
{
        _cleanup_(text_done) struct text payload = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&payload);
        struct audit_record record;

        log_event(LOG_CRIT, EVENT_ACCOUNT_TRIPPED,
                  LOG_FIELDS({"ORDO_ACCOUNT", a->account->id}, {"ORDO_CODE", problem_code(why)},
                             {"ORDO_ACTION", audit_action_name(AUDIT_ACCOUNT_TRIPPED)}),
                  "%s takes only orders that reduce a position: %s", a->account->id, words);
        json_object_begin(&w, NULL);
        json_put_string(&w, "code", problem_code(why));
        json_put_string(&w, "message", words);
        json_object_finish(&w);
        record_act(&record, AUDIT_ACCOUNT_TRIPPED, "ordod", NULL, a->account->id, NULL,
                   text_str(&payload));
        ledger_note(a->orchestrator, &record);
}

void trip_heard(struct account_state *a, const char *record, size_t size)
{
        _cleanup_(json_freep) struct json_object *line = NULL;
        struct json_object *payload;
        struct json_fault fault;
        const char *code;

        if (json_parse(record, size, NULL, &line, &fault) != 0 ||
            !json_object_object_get_ex(line, "payload", &payload) ||
            json_get_string(payload, "code", &code) != 0)
                return;
        if (text_equal(code, problem_code(PROBLEM_MAX_DAILY_LOSS)))
                loss_heard(a);
        else if (text_equal(code, problem_code(PROBLEM_REJECT_STORM)))
                storm_heard(a);
}

enum problem trip_now(struct account_state *a, int64_t *ret_wait_us)
{
        *ret_wait_us = storm_wait(a);
        if (*ret_wait_us)
                return PROBLEM_REJECT_STORM;
        return loss_reached(a) ? PROBLEM_MAX_DAILY_LOSS : PROBLEM_NONE;
}
