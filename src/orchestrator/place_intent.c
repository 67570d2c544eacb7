#include "orchestrator/placing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "orchestrator/record.h"

#define STALE_MAX 4 /* first commits of one order that find a kill switch that moved */

static void unreserve(struct placing *p, enum problem problem, const char *detail)
{
        place_give_back(p);
        place_fail(p, problem, detail);
}

/* The intent is durable. */
static void go_on(struct placing *p)
{
        record_log_placed(p->order);
        crash_point(CRASH_PLACE_INTENT);
        place_call(p);
}

static void reread(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.replay.job);
        order_free(TAKE(p->job.replay.order));
        if (job->result == STORE_OK)
                go_on(p);
        else if (job->result == STORE_NOT_FOUND)
                unreserve(p, PROBLEM_STORE_UNAVAILABLE, "the ledger lost it; nothing was sent");
        else
                place_doubt(p);
}

/* The connection was lost during the commit: nothing is sent before the ledger says that the intent
 * is there. */
static void place_reread(struct placing *p)
{
        p->job.replay = (struct store_order_get){.job = {.op = STORE_ORDER_GET, .done = reread},
                                                 .id = p->order->id};
        store_submit(p->o->store, &p->job.replay.job);
}

/* The kill switch changed between the gates and the commit: the gates decide again. When the switch
 * in memory is the older one, it is read anew. */
static void place_regate(struct placing *p, uint64_t epoch)
{
        if (epoch == killswitch_epoch(p->o))
                killswitch_reread(p->o);
        if (++p->n_stale >= STALE_MAX) {
                unreserve(p, PROBLEM_STORE_UNAVAILABLE, "the kill switch is being read again");
                return;
        }
        place_give_back(p);
        free(TAKE(p->audit));
        free(TAKE(p->changed));
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                if (t->leg->state == LEG_STATE_REFUSED)
                        continue;
                t->gate.funds_asked = t->gate.quote_asked = false;
                t->leg->state = LEG_STATE_INTENT;
                t->leg->tag[0] = '\0';
                t->leg->sending_us = 0;
                t->leg->attempts = 0;
        }
        place_move(p, PLACE_GATING);
        place_gate(p);
}

static void reserved(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.intent.job);
        struct store_intent *intent = &p->job.intent;

        ledger_done(p->o, job, p->audit, p->n_audit);
        records_done(p->audit, p->n_audit);
        p->n_audit = 0;
        switch (job->result) {
        case STORE_OK:
                go_on(p);
                break;
        case STORE_KEY_TAKEN:
                place_give_back(p);
                if (intent->found_same_fingerprint)
                        place_replay(p, intent->found_order_id);
                else
                        place_mismatch(p, intent->found_order_id);
                break;
        case STORE_CLIENT_ID_TAKEN:
                text_copy(p->request->answer.pointer, sizeof(p->request->answer.pointer),
                          "/client_order_id");
                unreserve(p, PROBLEM_CLIENT_ORDER_ID_TAKEN,
                          "this client_order_id was used today on one of the accounts");
                break;
        case STORE_STALE:
                place_regate(p, intent->killswitch_epoch);
                break;
        case STORE_UNCERTAIN:
                place_reread(p);
                break;
        default:
                unreserve(p, ledger_problem(job->result), job->error);
                break;
        }
}

/* From here on other orders' gates count this leg. */
static bool track(struct placing *p, struct attempt *t)
{
        t->open = open_leg_add(&p->o->open_legs, t->gate.account, p->order, t->leg);
        if (t->open)
                t->open->in_operation = true;
        t->gate.turn.leg = t->open;
        return t->open;
}

void place_reserve(struct placing *p)
{
        struct order *o = p->order;
        int64_t now = clock_wall_us();

        place_move(p, PLACE_RESERVING);
        crash_point(CRASH_PLACE_BEGIN);
        p->audit = calloc(o->n_legs, sizeof(*p->audit));
        p->changed = calloc(o->n_legs, sizeof(*p->changed));
        if (!p->audit || !p->changed) {
                unreserve(p, PROBLEM_INTERNAL, "out of memory");
                return;
        }
        for (unsigned i = 0; i < o->n_legs; i++) {
                struct leg *leg = &o->legs[i];
                leg->updated_us = now;
                if (!p->attempts[i].passed)
                        continue;
                if (p->attempts[i].gate.account->broker->flags & BROKER_TAG_IS_NUMBER)
                        tag_make_number(leg->tag);
                else
                        tag_make(leg->tag);
                leg->status = ORDER_STATUS_PENDING;
                if (p->attempts[i].gate.turn.granted) {
                        leg->state = LEG_STATE_SENDING;
                        leg->sending_us = now;
                        leg->attempts = 1;
                }
                if (!track(p, &p->attempts[i])) {
                        unreserve(p, PROBLEM_INTERNAL, "out of memory");
                        return;
                }
        }
        p->n_audit = 1;
        record_intent(&p->audit[0], o);
        p->job.intent = (struct store_intent){
                .job = {.op = STORE_INTENT, .done = reserved},
                .order = o,
                .idempotency_scope = p->key_value ? p->scope : NULL,
                .idempotency_key = p->key_value,
                .fingerprint = p->fingerprint,
                .key_expires_us = place_key_expiry(p->o, now),
                .killswitch_epoch = killswitch_epoch(p->o),
                .audit = p->audit,
                .n_audit = 1,
        };
        store_submit(p->o->store, &p->job.intent.job);
}
