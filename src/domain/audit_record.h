/* One audit record before it is chained: who did what to what, and what came of it (orders.md §7).
 * The store gives it its number and its hash inside the transaction it rides in. Payloads are built
 * from allow-listed fields only. The same records, read back by number, are the event stream. */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "domain/order.h"

#define AUDIT_ACTION_TABLE(X)                                                                 \
        X(ORDER_INTENT, "order.intent")   /* order and legs, gates passed */                  \
        X(ORDER_REFUSED, "order.refused") /* by gates, nothing sent */                        \
        X(LEG_OUTCOME, "leg.outcome")     /* what the attempt of one leg came to, evidence */ \
        X(LEG_UPDATED, "leg.updated")     /* the broker's book showed a change */             \
        X(LEG_RESOLVED, "leg.resolved")   /* reconcile or an operator settled it */           \
        X(LEG_NEEDS_OPERATOR, "leg.needs_operator")                                           \
        X(LEG_LATE, "leg.late")               /* over, and then its order was in the book */  \
        X(LEG_TWIN, "leg.twin")               /* the book has a second order with its tag */  \
        X(EXTERNAL_CANCEL, "external.cancel") /* of an order that is not ours */              \
        X(EXTERNAL_ANSWERED, "external.answered")                                             \
        X(MODIFY_INTENT, "modify.intent")                                                     \
        X(MODIFY_REFUSED, "modify.refused") /* by gates, nothing sent */                      \
        X(MODIFY_ANSWERED, "modify.answered")                                                 \
        X(CANCEL_INTENT, "cancel.intent")                                                     \
        X(CANCEL_ANSWERED, "cancel.answered")                                                 \
        X(KILL_SWITCH, "killswitch.set")                                                      \
        X(ACCOUNT_TRIPPED, "account.tripped") /* only reducing orders pass */                 \
        X(BREAKER, "breaker.moved")                                                           \
        X(LEG_ATTEMPT, "leg.attempt") /* one that was not sent, and another one followed */   \
        X(SESSION, "session.changed")                                                         \
        X(LOGIN_REPORT, "login.report")                                                       \
        X(RELOADED, "config.reloaded")                                                        \
        X(STARTED, "daemon.started")                                                          \
        X(STOPPED, "daemon.stopped")

enum audit_action {
#define X(name, text) AUDIT_##name,
        AUDIT_ACTION_TABLE(X)
#undef X
                _AUDIT_MAX
};
const char *audit_action_name(enum audit_action a);
int audit_action_from(const char *s); /* -EINVAL */

struct audit_record {
        enum audit_action action;
        const char *component;      /* literal: "orchestrator", "http", "ordod" */
        const char *actor;          /* key name, "operator", "reconcile", "ordod" */
        const char *correlation_id; /* may be NULL, so may the next three */
        const char *account;
        const char *order_id;
        const char *outcome;
        struct text payload; /* a JSON object, redacted; "" prints null */
        int64_t at_us;       /* wall */
        int64_t seq;         /* filled in by the store when durable */
};
void audit_record_done(struct audit_record *r);
