#include "orchestrator/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"

static void put_terms(struct json_writer *w, const struct order *o)
{
        json_put_string(w, "symbol", o->symbol);
        json_put_string(w, "side", side_name(o->side));
        json_put_string(w, "type", order_type_name(o->type));
        json_put_string(w, "product", product_name(o->product));
        json_put_string(w, "validity", validity_name(o->validity));
        json_put_int(w, "quantity", o->quantity);
        if (o->price)
                json_put_decimal(w, "price", o->price);
        if (o->trigger_price)
                json_put_decimal(w, "trigger_price", o->trigger_price);
        if (o->disclosed_quantity)
                json_put_int(w, "disclosed_quantity", o->disclosed_quantity);
        if (o->reduce_only)
                json_put_bool(w, "reduce_only", true);
        if (o->client_order_id[0])
                json_put_string(w, "client_order_id", o->client_order_id);
}

static void put_leg_head(struct json_writer *w, const struct leg *l)
{
        json_put_int(w, "leg", l->number);
        json_put_string(w, "account", l->account);
        if (l->tag[0])
                json_put_string(w, "tag", l->tag);
        json_put_int(w, "quantity", l->quantity);
}

static void put_effective(struct json_writer *w, const struct leg *l)
{
        json_object_begin(w, "effective");
        json_put_string(w, "type", order_type_name(l->effective.type));
        if (l->effective.price)
                json_put_decimal(w, "price", l->effective.price);
        if (l->effective.trigger_price)
                json_put_decimal(w, "trigger_price", l->effective.trigger_price);
        json_object_finish(w);
}

static void put_evidence(struct json_writer *w, const struct evidence *e)
{
        if (e->started_us == 0)
                return;
        json_object_begin(w, "evidence");
        json_put_string(w, "transport", e->transport);
        json_put_time(w, "started", e->started_us);
        json_put_time(w, "sent", e->sent_us);
        json_put_time(w, "ended", e->ended_us);
        json_put_int(w, "bytes_sent", e->bytes_sent);
        json_put_bool(w, "may_have_left", e->may_have_left);
        json_put_bool(w, "complete_reply", e->complete_reply);
        if (e->http_status)
                json_put_int(w, "http_status", e->http_status);
        if (e->error[0])
                json_put_string(w, "error", e->error);
        json_object_finish(w);
}

static void put_outcome(struct json_writer *w, const struct leg *l)
{
        if (l->problem != PROBLEM_NONE)
                json_put_string(w, "code", problem_code(l->problem));
        if (l->message[0])
                json_put_string(w, "message", l->message);
        if (l->broker_code[0])
                json_put_string(w, "broker_code", l->broker_code);
        if (l->broker_message[0])
                json_put_string(w, "broker_message", l->broker_message);
        if (l->broker_order_id[0])
                json_put_string(w, "broker_order_id", l->broker_order_id);
        if (l->confidence != CONFIDENCE_NONE)
                json_put_string(w, "confidence", confidence_name(l->confidence));
        json_put_string(w, "order_status", order_status_name(l->status));
        json_put_int(w, "filled_quantity", l->filled_quantity);
        if (l->average_price)
                json_put_decimal(w, "average_price", l->average_price);
}

static void begin(struct audit_record *a, enum audit_action action, const struct order *o,
                  const char *actor, const char *correlation_id)
{
        *a = (struct audit_record){
                .action = action,
                .component = "orchestrator",
                .actor = actor,
                .correlation_id = correlation_id,
                .order_id = o && o->id[0] ? o->id : NULL,
                .at_us = clock_wall_us(),
        };
}

static void put_legs(struct json_writer *w, const struct order *o)
{
        json_array_begin(w, "legs");
        for (unsigned i = 0; i < o->n_legs; i++) {
                const struct leg *l = &o->legs[i];
                json_object_begin(w, NULL);
                put_leg_head(w, l);
                if (l->state == LEG_STATE_REFUSED) {
                        json_put_string(w, "refused", problem_code(l->problem));
                        json_put_string(w, "message", l->message);
                } else {
                        put_effective(w, l);
                }
                json_object_finish(w);
        }
        json_array_finish(w);
}

static void record_order(struct audit_record *a, enum audit_action action, const struct order *o,
                         const char *actor, const char *correlation_id)
{
        begin(a, action, o, actor, correlation_id);
        if (o->n_legs == 1)
                a->account = o->legs[0].account;
        struct json_writer w = JSON_WRITER(&a->payload);
        json_object_begin(&w, NULL);
        put_terms(&w, o);
        put_legs(&w, o);
        json_object_finish(&w);
}

void record_intent(struct audit_record *a, const struct order *o)
{
        record_order(a, AUDIT_ORDER_INTENT, o, o->key_name, o->correlation_id);
}

void record_refused(struct audit_record *a, const struct order *o)
{
        record_order(a, AUDIT_ORDER_REFUSED, o, o->key_name, o->correlation_id);
        a->outcome = outcome_name(OUTCOME_NOT_SENT);
}

void record_modify_refused(struct audit_record *a, const struct order *o, const char *actor,
                           const char *correlation_id)
{
        record_order(a, AUDIT_MODIFY_REFUSED, o, actor, correlation_id);
        a->outcome = outcome_name(OUTCOME_NOT_SENT);
}

static void record_of_leg(struct audit_record *a, enum audit_action action, const char *operation,
                          const struct order *o, const struct leg *leg, const char *actor,
                          const char *correlation_id)
{
        begin(a, action, o, actor, correlation_id);
        a->account = leg->account;
        a->outcome = outcome_name(leg->outcome);
        struct json_writer w = JSON_WRITER(&a->payload);
        json_object_begin(&w, NULL);
        if (operation)
                json_put_string(&w, "operation", operation);
        put_leg_head(&w, leg);
        json_put_string(&w, "symbol", o->symbol);
        put_outcome(&w, leg);
        put_evidence(&w, &leg->evidence);
        json_object_finish(&w);
}

void record_leg(struct audit_record *a, enum audit_action action, const struct order *o,
                const struct leg *leg, const char *actor, const char *correlation_id)
{
        record_of_leg(a, action, NULL, o, leg, actor, correlation_id);
}

void record_attempt(struct audit_record *a, const char *operation, const struct order *o,
                    const struct leg *leg, const char *actor, const char *correlation_id)
{
        record_of_leg(a, AUDIT_LEG_ATTEMPT, operation, o, leg, actor, correlation_id);
}

void record_amend(struct audit_record *a, enum audit_action action, const struct order *o,
                  const struct leg *leg, const char *actor, const char *correlation_id)
{
        begin(a, action, o, actor, correlation_id);
        a->account = leg->account;
        struct json_writer w = JSON_WRITER(&a->payload);
        json_object_begin(&w, NULL);
        put_leg_head(&w, leg);
        json_put_string(&w, "symbol", o->symbol);
        if (leg->broker_order_id[0])
                json_put_string(&w, "broker_order_id", leg->broker_order_id);
        if (action == AUDIT_MODIFY_INTENT) {
                put_effective(&w, leg);
                json_put_string(&w, "validity", validity_name(o->validity));
        }
        json_object_finish(&w);
}

void record_act(struct audit_record *a, enum audit_action action, const char *actor,
                const char *correlation_id, const char *account, const char *outcome,
                const char *payload)
{
        begin(a, action, NULL, actor, correlation_id);
        a->account = account;
        a->outcome = outcome;
        if (payload)
                text_add(&a->payload, payload);
}

void records_done(struct audit_record *a, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                audit_record_done(&a[i]);
}

/* NULL leaves the field out. */
static const char *given(const char *s, const char *otherwise)
{
        return *s ? s : *otherwise ? otherwise : NULL;
}

void record_log_placed(const struct order *o)
{
        unsigned n = 0;

        if (!log_enabled(LOG_INFO))
                return;
        for (unsigned i = 0; i < o->n_legs; i++)
                n += o->legs[i].state != LEG_STATE_REFUSED;
        log_event(LOG_INFO, EVENT_ORDER_PLACED,
                  LOG_FIELDS({"ORDO_CORRELATION_ID", given(o->correlation_id, "")},
                             {"ORDO_ORDER", o->id}, {"ORDO_ACTION", "order.place"},
                             {"ORDO_ACTOR", o->key_name}),
                  "order.place: %s %s on %u account%s", side_name(o->side), o->symbol, n,
                  n == 1 ? "" : "s");
        for (unsigned i = 0; i < o->n_legs; i++)
                if (o->legs[i].state == LEG_STATE_REFUSED)
                        record_log_leg(EVENT_ORDER_REFUSED, LOG_NOTICE, o, &o->legs[i],
                                       "order.refused", "", "");
}

void record_log_leg(const char *message_id, int level, const struct order *o, const struct leg *leg,
                    const char *action, const char *actor, const char *correlation_id)
{
        char number[16];
        if (!log_enabled(level))
                return;
        snprintf(number, sizeof(number), "%u", leg->number);
        const char *why = leg->broker_message[0] ? leg->broker_message : leg->message;
        log_event(level, message_id,
                  LOG_FIELDS({"ORDO_CORRELATION_ID", given(correlation_id, o->correlation_id)},
                             {"ORDO_ACCOUNT", leg->account}, {"ORDO_ORDER", o->id},
                             {"ORDO_LEG", number}, {"ORDO_ACTION", action},
                             {"ORDO_OUTCOME", outcome_name(leg->outcome)},
                             {"ORDO_STATUS", order_status_name(leg->status)},
                             {"ORDO_CODE", leg->problem ? problem_code(leg->problem) : NULL},
                             {"ORDO_ACTOR", given(actor, o->key_name)}),
                  "%s %s: %s %s %" PRId64 " %s is %s%s%s", action, outcome_name(leg->outcome),
                  leg->account, side_name(o->side), leg->quantity, o->symbol,
                  order_status_name(leg->status), why[0] ? ": " : "", why);
}
