#include "orchestrator/leg_write.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

struct leg_write {
        struct list link; /* open_leg.writes */
        struct orchestrator *o;
        struct open_leg *leg;
        struct leg_note note;
        bool turn; /* it is one of open_legs.n_turns */
        leg_write_fn *done;
        void *userdata;
        struct store_order_get get;
        struct store_outcome put;
        bool *changed;
        struct audit_record audit;
        struct leg shown; /* as the records tell it */
        struct list riders;
        struct text body;
};

const struct leg_note leg_unsent = {.action = AUDIT_LEG_RESOLVED,
                                    .actor = "ordod",
                                    .settles = true,
                                    .must = true,
                                    .confidence = CONFIDENCE_PROVEN,
                                    .problem = PROBLEM_NOT_SENT,
                                    .message = "the daemon stopped before it was sent"};

static void turn_over(struct leg_write *w);

/* Back to what it was before it was tried. */
static void forget(struct leg_write *w)
{
        order_free(TAKE(w->get.order));
        audit_record_done(&w->audit);
        w->audit = (struct audit_record){};
        text_done(&w->body);
        w->body = (struct text){};
        free(TAKE(w->changed));
}

static void write_free(struct leg_write *w)
{
        list_unlink(&w->link);
        forget(w);
        free(w);
}

/* Nobody waits for it: a book told it, and will again. */
static bool is_news(const struct leg_write *w)
{
        return !w->done && !w->note.must && !w->note.settles;
}

static bool only_news(const struct open_leg *l)
{
        LIST_FOREACH (it, &l->writes)
                if (!is_news(LIST_ENTRY(it, struct leg_write, link)))
                        return false;
        return true;
}

/* Kept for later. Beyond the bound the oldest goes that does not say what became of the leg. */
static void owe(struct open_leg *l, struct leg_write *w)
{
        forget(w);
        w->done = NULL;
        list_append(&l->owed, &w->link);
        l->n_owed++;
        LIST_FOREACH (it, &l->owed) {
                struct leg_write *old = LIST_ENTRY(it, struct leg_write, link);
                if (l->n_owed <= LEG_OWED_MAX)
                        break;
                if (old->note.settles)
                        continue;
                write_free(old);
                l->n_owed--;
        }
}

static void finish(struct leg_write *w, enum problem p)
{
        struct open_leg *l = w->leg;
        /* An order that the ledger does not have (its intent was refused) can never be written. */
        bool failed = p != PROBLEM_NONE && p != PROBLEM_ORDER_NOT_FOUND;
        list_unlink(&w->link);
        turn_over(w);
        l->write_running = false;
        l->dirty = failed;
        leg_writes_go_on(l);
        /* Pinned, because `done` may let go of the last act that holds the leg. */
        l->pins++;
        if (w->done)
                w->done(w->userdata, p);
        l->pins--;
        if (failed && w->note.must)
                owe(l, w);
        else
                write_free(w);
        open_leg_retire(l);
}

/* For the journal, once it is durable: a write that fails is tried again. */
static void log_written(const struct leg_write *w)
{
        const struct leg_note *n = &w->note;
        const char *event = n->settles ? EVENT_LEG_RESOLVED : EVENT_LEG_UPDATED;
        int level = LOG_INFO;

        /* That something was asked for is told by what came of it. */
        if (n->action == AUDIT_CANCEL_INTENT || n->action == AUDIT_MODIFY_INTENT)
                return;
        if (n->action == AUDIT_LEG_NEEDS_OPERATOR) {
                event = EVENT_NEEDS_OPERATOR;
                level = LOG_CRIT;
        } else if (n->action == AUDIT_LEG_LATE || n->action == AUDIT_LEG_TWIN) {
                event = n->action == AUDIT_LEG_LATE ? EVENT_LEG_LATE : EVENT_LEG_TWIN;
                level = LOG_CRIT;
        } else if (n->outcome == OUTCOME_UNKNOWN) {
                event = EVENT_LEG_UNKNOWN;
                level = LOG_WARNING;
        }
        record_log_leg(event, level, w->put.order, &w->shown, audit_action_name(n->action),
                       n->actor, n->correlation_id);
}

static void written(struct store_job *job)
{
        struct leg_write *w = CONTAINER_OF(job, struct leg_write, put.job);
        if (w->note.action == AUDIT_LEG_RESOLVED)
                crash_point(CRASH_ADOPT_RECORDED);
        ledger_done(w->o, job, &w->audit, 1);
        if (job->result == STORE_OK) {
                log_written(w);
                if (w->put.answer_status != 0)
                        w->leg->replayable = true;
                if (w->note.answers_anew)
                        keys_forget(&w->o->keys, w->put.order->id);
        }
        finish(w, ledger_problem(job->result));
}

static struct leg *leg_of(struct order *order, const struct open_leg *l)
{
        for (unsigned i = 0; i < order->n_legs; i++)
                if (order->legs[i].number == l->number)
                        return &order->legs[i];
        return NULL;
}

static void settle(struct leg *leg, const struct leg_note *n)
{
        leg->confidence = n->confidence;
        leg->problem = n->problem;
        text_copy(leg->message, sizeof(leg->message), n->message);
}

static void say(struct leg *leg, const struct leg_note *n)
{
        if (n->settles)
                settle(leg, n);
        else if (n->says)
                text_copy(leg->message, sizeof(leg->message), n->message);
}

static void put_note(struct leg *leg, struct order *order, const struct leg_note *n)
{
        say(leg, n);
        if (n->modified) {
                leg->modifications++;
                order_change_apply(order, &n->change);
        }
        leg->updated_us = clock_wall_us();
}

/* What was asked for, not what the leg is as long as nobody has agreed. */
static void put_asked(struct leg_write *w, const struct order *order, const struct leg *leg)
{
        struct leg asked = *leg;
        struct order terms = *order;
        terms.quantity = leg->quantity;
        terms.type = leg->effective.type;
        terms.price = leg->effective.price;
        terms.trigger_price = leg->effective.trigger_price;
        order_change_apply(&terms, &w->note.change);
        asked.quantity = terms.quantity;
        asked.effective = (struct effective){terms.type, terms.price, terms.trigger_price};
        record_amend(&w->audit, w->note.action, &terms, &asked, w->note.actor,
                     w->note.correlation_id);
        w->audit.order_id = order->id; /* `terms` and `asked` die */
        w->audit.account = leg->account;
}

/* The record of a modify or cancel tells what came of that, not of the placement. */
static void put_audit(struct leg_write *w, const struct order *order, const struct leg *leg)
{
        const struct leg_note *n = &w->note;
        if (n->action == AUDIT_CANCEL_INTENT || n->action == AUDIT_MODIFY_INTENT) {
                put_asked(w, order, leg);
                return;
        }
        struct leg *shown = &w->shown;
        *shown = *leg;
        if (n->outcome != OUTCOME_NONE) {
                shown->outcome = n->outcome;
                shown->problem = n->problem;
                text_copy(shown->message, sizeof(shown->message), n->message);
                text_copy(shown->broker_code, sizeof(shown->broker_code), n->broker_code);
                text_copy(shown->broker_message, sizeof(shown->broker_message), n->broker_message);
                shown->evidence = n->evidence;
        }
        record_leg(&w->audit, n->action, order, shown, n->actor, n->correlation_id);
}

static bool resolved(struct orchestrator *o, const struct order *order)
{
        for (unsigned i = 0; i < order->n_legs; i++) {
                const struct open_leg *l = open_leg_find(&o->open_legs, order->legs[i].tag);
                if ((l && l->in_operation) || leg_unresolved(&order->legs[i]))
                        return false;
        }
        return true;
}

static void put_answer(struct leg_write *w, const struct order *order)
{
        if ((w->leg->replayable && !w->note.answers_anew) || !resolved(w->o, order))
                return;
        struct answer_view v = {.order = order, .correlation_id = order->correlation_id};
        v.status = order_http_status(order, &v.cause);
        v.elapsed_us = clock_wall_us() - order->created_us;
        if (w->o->options.render(&v, &w->body) < 0)
                return;
        w->put.answer_status = v.status;
        w->put.answer_body = text_str(&w->body);
        w->put.answer_size = w->body.len;
}

/* What settles a leg is written together with its record, not along with something else. That its
 * outcome is not known settles nothing, and is news to the daemon that looks after the account:
 * as long as a leg travels, it waits for the one that sent it. */
static void keep_doubt(struct leg *leg, const struct leg *before)
{
        bool cancel_requested = leg->cancel_requested;
        bool in_doubt = before->state == LEG_STATE_SENDING && leg->state == LEG_STATE_UNKNOWN;

        *leg = *before;
        leg->cancel_requested = cancel_requested;
        if (!in_doubt)
                return;
        leg->state = LEG_STATE_UNKNOWN;
        leg->outcome = OUTCOME_UNKNOWN;
        leg->status = ORDER_STATUS_PENDING;
        leg->problem = PROBLEM_OUTCOME_UNKNOWN;
}

static void got(struct store_job *job)
{
        struct leg_write *w = CONTAINER_OF(job, struct leg_write, get.job);
        struct order *order = w->get.order;
        struct leg *leg = order ? leg_of(order, w->leg) : NULL;

        if (!leg) {
                enum problem p = ledger_problem(job->result);
                finish(w, p != PROBLEM_NONE ? p : PROBLEM_ORDER_NOT_FOUND);
                return;
        }
        w->changed = calloc(order->n_legs, sizeof(*w->changed));
        if (!w->changed) {
                finish(w, PROBLEM_INTERNAL);
                return;
        }
        if (w->get.answer_status != 0)
                w->leg->replayable = true;
        const struct leg before = *leg;
        open_legs_apply(&w->o->open_legs, order);
        if (leg_unresolved(&before) && !w->note.settles)
                keep_doubt(leg, &before);
        put_note(leg, order, &w->note);
        put_audit(w, order, leg);
        w->changed[leg - order->legs] = true;
        w->put = (struct store_outcome){
                .job.done = written,
                .order = order,
                .changed = w->changed,
                .audit = &w->audit,
                .n_audit = 1,
        };
        put_answer(w, order);
        ledger_outcome(w->o, &w->put, &w->riders);
}

static void run(struct open_leg *l)
{
        struct leg_write *w = LIST_ENTRY(l->writes.next, struct leg_write, link);
        struct open_legs *set = &w->o->open_legs;

        list_unlink(&l->of_turns);
        w->turn = is_news(w);
        set->n_turns += w->turn;
        l->write_running = true;
        w->get = (struct store_order_get){
                .job = {.op = STORE_ORDER_GET, .done = got},
                .id = l->order_id,
                .answer = l->replayable ? STORE_ANSWER_NONE : STORE_ANSWER_STATUS,
        };
        store_submit(w->o->store, &w->get.job);
}

void leg_writes_go_on(struct open_leg *l)
{
        struct open_legs *set = &l->account->orchestrator->open_legs;

        if (l->in_operation || l->write_running || list_empty(&l->writes))
                return;
        if (set->n_turns < LEG_NEWS_AT_ONCE || !only_news(l))
                run(l);
        else if (list_empty(&l->of_turns))
                list_append(&set->turns, &l->of_turns);
}

static void turn_over(struct leg_write *w)
{
        struct open_legs *set = &w->o->open_legs;

        set->n_turns -= w->turn;
        w->turn = false;
        while (set->n_turns < LEG_NEWS_AT_ONCE && !list_empty(&set->turns)) {
                struct open_leg *l = LIST_ENTRY(set->turns.next, struct open_leg, of_turns);
                list_unlink(&l->of_turns);
                leg_writes_go_on(l);
        }
}

int leg_write(struct open_leg *l, const struct leg_note *note, leg_write_fn *done, void *userdata)
{
        struct leg_write *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->o = l->account->orchestrator;
        w->leg = l;
        w->note = *note;
        w->done = done;
        w->userdata = userdata;
        list_init(&w->riders);
        list_append(&l->writes, &w->link);
        leg_writes_go_on(l);
        return 0;
}

void leg_writes_retry(struct open_leg *l)
{
        if (l->in_operation || l->write_running || !list_empty(&l->writes))
                return;
        if (l->n_owed > 0) {
                list_splice(&l->writes, &l->owed);
                l->n_owed = 0;
                leg_writes_go_on(l);
        } else if (l->dirty) {
                const struct leg_note note = {.action = AUDIT_LEG_UPDATED, .actor = "reconcile"};
                (void)leg_write(l, &note, NULL, NULL);
        }
}

void leg_writes_sweep(struct orchestrator *o)
{
        struct open_leg *l, *next;
        if (o->store_failure != STORE_OK)
                return;
        HASH_ITER (hh, o->open_legs.by_tag, l, next)
                leg_writes_retry(l);
}

static void apply(const struct list *writes, struct leg *leg)
{
        LIST_FOREACH (it, writes) {
                const struct leg_write *w = LIST_ENTRY(it, struct leg_write, link);
                say(leg, &w->note);
        }
}

void leg_writes_apply(const struct open_leg *l, struct leg *leg)
{
        apply(&l->owed, leg);
        apply(&l->writes, leg);
}

void leg_writes_free(struct open_leg *l)
{
        list_unlink(&l->of_turns);
        LIST_FOREACH (it, &l->owed)
                write_free(LIST_ENTRY(it, struct leg_write, link));
        LIST_FOREACH (it, &l->writes)
                write_free(LIST_ENTRY(it, struct leg_write, link));
}
