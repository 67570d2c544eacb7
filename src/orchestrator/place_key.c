#include "orchestrator/placing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "domain/meter.h"

void place_count_key(struct placing *p, const char *result)
{
        series_add(metrics_series(p->o->options.metrics, METER_IDEMPOTENCY, result, NULL), 1);
}

static void replay_body(struct placing *p, const char *order_id, int status, const char *body,
                        size_t size)
{
        struct answer *a = &p->request->answer;
        place_count_key(p, "replayed");
        a->status = status;
        a->is_problem = status >= 400;
        a->body = body;
        a->body_size = size;
        a->replayed = true;
        text_copy(a->order_id, sizeof(a->order_id), order_id);
        place_finish(p);
}

/* Only what is not known is newer in memory. What a book has told meanwhile is an answer when the
 * ledger has it: a crash could take it back until then. */
static void show_unresolved(struct open_legs *set, struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++) {
                const struct open_leg *l = open_leg_find(set, o->legs[i].tag);
                if (l && !l->in_operation && open_leg_unresolved(l))
                        open_leg_apply(l, &o->legs[i]);
        }
}

/* Another daemon still works on it. */
static bool travels(const struct orchestrator *o, const struct order *order)
{
        if (!order->writer[0] || !peers_other(o, order->writer))
                return false;
        for (unsigned i = 0; i < order->n_legs; i++)
                if (order->legs[i].state == LEG_STATE_SENDING ||
                    order->legs[i].state == LEG_STATE_INTENT)
                        return true;
        return false;
}

static void replay_read(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.replay.job);
        struct store_order_get *get = &p->job.replay;
        _cleanup_(order_freep) struct order *found = TAKE(get->order);
        _cleanup_(freep) char *body = TAKE(get->answer_body);

        if (!found) {
                place_fail(p, PROBLEM_STORE_UNAVAILABLE, job->error);
                return;
        }
        if (get->answer_status) {
                if (p->key)
                        keys_end(&p->o->keys, TAKE(p->key), found->id, get->answer_status, body,
                                 get->answer_size);
                replay_body(p, found->id, get->answer_status, body, get->answer_size);
                return;
        }
        if (travels(p->o, found)) {
                place_count_key(p, "in_flight");
                p->request->answer.retry_after_s = 1;
                text_copy(p->request->answer.order_id, ID_SIZE, found->id);
                place_fail(p, PROBLEM_IDEMPOTENCY_IN_FLIGHT,
                           "the first request is still running, in another daemon");
                return;
        }
        /* Not finished: the current state. */
        show_unresolved(&p->o->open_legs, found);
        struct answer_view v = {.order = found, .correlation_id = found->correlation_id};
        v.status = order_http_status(found, &v.cause);
        v.elapsed_us = clock_wall_us() - found->created_us;
        if (p->o->options.render(&v, &p->body) < 0) {
                place_fail(p, PROBLEM_INTERNAL, "the answer could not be written");
                return;
        }
        replay_body(p, found->id, v.status, text_str(&p->body), p->body.len);
}

void place_replay(struct placing *p, const char *order_id)
{
        char id[ID_SIZE];
        text_copy(id, sizeof(id), order_id);
        place_move(p, PLACE_REPLAYING);
        text_copy(p->order->id, sizeof(p->order->id), id);
        p->job.replay =
                (struct store_order_get){.job = {.op = STORE_ORDER_GET, .done = replay_read},
                                         .id = p->order->id,
                                         .answer = STORE_ANSWER_BODY};
        store_submit(p->o->store, &p->job.replay.job);
}

void place_mismatch(struct placing *p, const char *order_id)
{
        place_count_key(p, "mismatch");
        text_copy(p->request->answer.order_id, ID_SIZE, order_id);
        place_fail(p, PROBLEM_IDEMPOTENCY_MISMATCH, "the key was used for a request that differs");
}

/* True when the key answers the request by itself. */
bool place_known_key(struct placing *p)
{
        struct key *k = keys_find(&p->o->keys, p->key_text);
        if (!k)
                return false;
        if (memcmp(k->fingerprint, p->fingerprint, FINGERPRINT_SIZE) != 0) {
                place_mismatch(p, k->order_id);
        } else if (k->doubtful) {
                p->request->answer.retry_after_s = 1;
                place_fail(p, PROBLEM_STORE_UNAVAILABLE,
                           "the ledger does not tell yet whether it has the first request, of "
                           "which nothing was sent");
        } else if (k->running && !k->placed) {
                list_append(&k->waiting, &p->key_waiter.link);
        } else if (k->running) {
                place_count_key(p, "in_flight");
                p->request->answer.retry_after_s = 1;
                text_copy(p->request->answer.order_id, ID_SIZE, k->order_id);
                place_fail(p, PROBLEM_IDEMPOTENCY_IN_FLIGHT, "the first request is still running");
        } else {
                replay_body(p, k->order_id, k->status, k->body, k->size);
        }
        return true;
}

static void looked(struct store_job *job)
{
        struct placing *p = CONTAINER_OF(job, struct placing, job.look.job);
        struct store_key_get *look = &p->job.look;
        free(TAKE(look->answer_body));

        if (job->result == STORE_NOT_FOUND) {
                place_refuse(p);
        } else if (job->result != STORE_OK) {
                place_fail(p, PROBLEM_STORE_UNAVAILABLE, job->error);
        } else if (memcmp(look->fingerprint, p->fingerprint, FINGERPRINT_SIZE) != 0) {
                place_mismatch(p, look->order_id);
        } else {
                place_replay(p, look->order_id);
        }
}

/* Gates say no; but a replay is answered before any gate, so the ledger is asked for the key first.
 */
void place_look(struct placing *p)
{
        if (!p->key_value) {
                place_refuse(p);
                return;
        }
        place_move(p, PLACE_LOOKING);
        p->job.look = (struct store_key_get){.job = {.op = STORE_KEY_GET, .done = looked},
                                             .scope = p->scope,
                                             .key = p->key_value};
        store_submit(p->o->store, &p->job.look.job);
}
