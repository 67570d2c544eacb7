/* The connection was lost during the first commit, and the ledger cannot be asked what became of
 * it. The client is told so at once, nothing is sent any more, and nothing is held. The key stays,
 * so that a repetition does not make a second order, until the ledger tells: what it has is settled
 * as not sent, what it has not is forgotten. A start in between settles it too (orders.md §3). */
#include "base/clock.h"
#include "orchestrator/placing.h"

#define DOUBT_FIRST_US  (500 * USEC_PER_MS)
#define DOUBT_MAX_US    (10 * USEC_PER_SEC)
#define DOUBT_DOUBLINGS 5

/* It is there: what it would have sent was not sent. */
static void settle(struct placing *p)
{
        int64_t now = clock_wall_us();
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                struct attempt *t = &p->attempts[i];
                struct leg *leg = t->leg;
                if (leg->state == LEG_STATE_REFUSED)
                        continue;
                leg->state = LEG_STATE_SETTLED;
                leg->outcome = OUTCOME_NOT_SENT;
                leg->status = ORDER_STATUS_REJECTED;
                leg->problem = PROBLEM_NOT_SENT;
                leg->confidence = CONFIDENCE_PROVEN;
                leg->updated_us = now;
                text_copy(leg->message, sizeof(leg->message),
                          "the ledger could not confirm it, so it was not sent");
                t->answered = t->sent = true;
                t->recorded = false; /* an earlier try may have failed */
        }
        place_record(p);
}

/* An earlier try was written, and only the ledger's word of it was lost. */
static bool settled(const struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++)
                if (leg_unresolved(&o->legs[i]))
                        return false;
        return true;
}

static void told(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.replay.job);
        struct store_order_get *get = &p->job.replay;
        _cleanup_(order_freep) struct order *found = TAKE(get->order);
        _cleanup_(freep) char *body = TAKE(get->answer_body);

        if (job->result == STORE_NOT_FOUND) {
                place_finish(p);
        } else if (!found) {
                place_doubt_again(p);
        } else if (!settled(found)) {
                settle(p);
        } else {
                if (p->key)
                        keys_end(&p->o->keys, TAKE(p->key), found->id, get->answer_status, body,
                                 get->answer_size);
                place_finish(p);
        }
}

static void ask(struct loop_timer *t)
{
        struct placing *p = CONTAINER_OF(t, struct placing, timer);
        p->job.replay = (struct store_order_get){.job = {.op = STORE_ORDER_GET, .done = told},
                                                 .id = p->order->id,
                                                 .answer = STORE_ANSWER_BODY};
        store_submit(p->o->store, &p->job.replay.job);
}

void place_doubt_again(struct placing *p)
{
        int64_t wait = DOUBT_MAX_US;
        if (p->state != PLACE_DOUBTING)
                place_move(p, PLACE_DOUBTING);
        if (p->n_doubts < DOUBT_DOUBLINGS)
                wait = DOUBT_FIRST_US << p->n_doubts++;
        (void)loop_timer_set(p->o->loop, &p->timer, wait);
}

void place_doubt(struct placing *p)
{
        struct answer *a = &p->request->answer;

        place_give_back(p);
        p->doubtful = true;
        p->timer.fire = ask;
        if (p->key)
                keys_doubt(p->key);
        a->problem = PROBLEM_STORE_UNAVAILABLE;
        text_copy(a->detail, sizeof(a->detail),
                  "the ledger does not tell whether it has the order; nothing was sent");
        place_answer(p);
        running_end(p->o, &p->running);
        list_unlink(&p->link);
        list_append(&p->o->doubtful, &p->link);
        place_doubt_again(p);
}
