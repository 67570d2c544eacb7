/* Audit records and journal records of what happens to orders, built from an allow-list of fields.
 * An audit record borrows from the order: both must live until it is stored. */
#pragma once

#include "domain/audit_record.h"
#include "domain/order.h"

struct account_state;

void record_intent(struct audit_record *a, const struct order *o);
/* Every leg was refused by gates: nothing was sent. `all`: the whole order; else one account's leg.
 */
void record_refused(struct audit_record *a, const struct order *o);
/* A modification, refused by gates: `o` is what one leg of the order should have become. */
void record_modify_refused(struct audit_record *a, const struct order *o, const char *actor,
                           const char *correlation_id);
void record_leg(struct audit_record *a, enum audit_action action, const struct order *o,
                const struct leg *leg, const char *actor, const char *correlation_id);
/* LEG_ATTEMPT: a call that was not sent, and another one follows. `leg`: what came of it. */
void record_attempt(struct audit_record *a, const char *operation, const struct order *o,
                    const struct leg *leg, const char *actor, const char *correlation_id);
/* MODIFY_INTENT, CANCEL_INTENT: what was asked for this leg. */
void record_amend(struct audit_record *a, enum audit_action action, const struct order *o,
                  const struct leg *leg, const char *actor, const char *correlation_id);
/* Without an order: `payload` is JSON and is copied. */
void record_act(struct audit_record *a, enum audit_action action, const char *actor,
                const char *correlation_id, const char *account, const char *outcome,
                const char *payload);
void records_done(struct audit_record *a, unsigned n);

/* The same facts for the journal. */
/* The order, which is sent now, and each leg of it that gates have refused. */
void record_log_placed(const struct order *o);
/* `actor`, `correlation_id`: of the request that did this to the leg; "" when it was none: then
 * those of the order. */
void record_log_leg(const char *message_id, int level, const struct order *o, const struct leg *leg,
                    const char *action, const char *actor, const char *correlation_id);
