/* The second trip of a group: a statement for each table that the group changes. */
#include "store/group.h"
#include "store/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define SWEEP_KEYS 2000 /* looked at in one call of the prune */

static struct store_intent *intent_of(const struct postgres_entry *e)
{
        return CONTAINER_OF(e->job, struct store_intent, job);
}

static struct store_outcome *outcome_of(const struct postgres_entry *e)
{
        return CONTAINER_OF(e->job, struct store_outcome, job);
}

/* Those of `op` that are to be written. */
#define FOREACH_ENTRY(e, p, wanted)                                                            \
        for (const struct postgres_entry *e = (p)->entries; e < (p)->entries + (p)->n_entries; \
             e++)                                                                              \
                if (e->job->op == (wanted) && e->job->result == STORE_OK)

static void add_order(struct values *v, const struct order *o, int64_t row, const char *writer)
{
        char policy[32] = "";
        unsigned i = 0;

        if (o->market_policy_given)
                market_policy_print(&o->market_policy, policy, sizeof(policy));
        values_add_text(v, i++, o->id);
        values_add_int(v, i++, o->created_us);
        values_add_int(v, i++, o->day);
        values_add_text(v, i++, o->key_name);
        values_add_text(v, i++, o->correlation_id);
        values_add_text(v, i++, o->client_order_id);
        values_add_text(v, i++, o->symbol);
        values_add_text(v, i++, side_name(o->side));
        values_add_text(v, i++, order_type_name(o->type));
        values_add_text(v, i++, product_name(o->product));
        values_add_text(v, i++, validity_name(o->validity));
        values_add_int(v, i++, o->quantity);
        values_add_int(v, i++, o->price);
        values_add_int(v, i++, o->trigger_price);
        values_add_int(v, i++, o->disclosed_quantity);
        values_add_int(v, i++, o->reduce_only);
        values_add_text(v, i++, policy);
        values_add_text(v, i++, writer);
        values_add_int(v, i++, row);
}

/* $1 … $25, alike in INSERT and UPDATE. Returns how many. */
static unsigned add_leg(struct values *v, const struct order *o, const struct leg *l,
                        int64_t order_row)
{
        char evidence[EVIDENCE_SIZE];
        unsigned i = 0;

        column_print_evidence(&l->evidence, evidence);
        values_add_int(v, i++, order_row * LEG_ROWS + l->number);
        values_add_text(v, i++, leg_state_name(l->state));
        values_add_int(v, i++, column_worth(o, l));
        values_add_int(v, i++, column_watch(l));
        values_add_text(v, i++, outcome_name(l->outcome));
        values_add_text(v, i++, order_status_name(l->status));
        values_add_int(v, i++, l->quantity);
        values_add_text(v, i++, order_type_name(l->effective.type));
        values_add_int(v, i++, l->effective.price);
        values_add_int(v, i++, l->effective.trigger_price);
        values_add_text(v, i++, confidence_name(l->confidence));
        values_add_text(v, i++, problem_code(l->problem));
        values_add_text(v, i++, l->message);
        values_add_text(v, i++, l->broker_code);
        values_add_text(v, i++, l->broker_message);
        values_add_text(v, i++, l->broker_order_id);
        values_add_int(v, i++, l->filled_quantity);
        values_add_int(v, i++, l->average_price);
        values_add_int(v, i++, l->cancel_requested);
        values_add_int(v, i++, l->attempts);
        values_add_int(v, i++, l->modifications);
        values_add_int(v, i++, l->sending_us);
        values_add_int(v, i++, l->latency_us);
        values_add_int(v, i++, l->updated_us);
        values_add_text(v, i++, evidence);
        return i;
}

static void add_new_leg(struct values *v, const struct order *o, const struct leg *l,
                        int64_t order_row)
{
        bool named = o->client_order_id[0] && l->state != LEG_STATE_REFUSED;
        unsigned i = add_leg(v, o, l, order_row);

        values_add_int(v, i++, o->day);
        values_add_text(v, i++, l->account);
        values_add_text(v, i++, named ? o->client_order_id : NULL);
        values_add_text(v, i++, l->tag);
        values_add_int(v, i++, l->multiplier);
}

static void queue_rows(struct postgres *p, enum postgres_statement id)
{
        if (values_rows(&p->values) > 0)
                postgres_queue(p, id);
}

static void write_intents(struct postgres *p)
{
        struct values *v = &p->values;

        FOREACH_ENTRY(e, p, STORE_INTENT)
        add_order(v, intent_of(e)->order, e->order_row, p->writer);
        queue_rows(p, PG_ORDERS_INSERT);
        FOREACH_ENTRY(e, p, STORE_INTENT)
        for (unsigned i = 0; i < intent_of(e)->order->n_legs; i++)
                add_new_leg(v, intent_of(e)->order, &intent_of(e)->order->legs[i], e->order_row);
        queue_rows(p, PG_LEGS_INSERT);
        FOREACH_ENTRY(e, p, STORE_INTENT)
        if (e->key_row && e->key_over)
                values_add_int(v, 0, e->key_row);
        queue_rows(p, PG_KEYS_DELETE);
        FOREACH_ENTRY(e, p, STORE_INTENT)
        {
                const struct store_intent *in = intent_of(e);
                if (!in->idempotency_key)
                        continue;
                values_add_int(v, 0, e->key_hash);
                values_add_text(v, 1, in->idempotency_key);
                values_add_text(v, 2, in->idempotency_scope);
                values_add_int(v, 3, e->order_row);
                values_add_bytes(v, 4, in->fingerprint, FINGERPRINT_SIZE);
                values_add_int(v, 5, in->key_expires_us);
        }
        queue_rows(p, PG_KEYS_INSERT);
}

static bool modified(const struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++)
                if (o->legs[i].modifications > 0)
                        return true;
        return false;
}

static void update_order(struct postgres *p, const struct order *o, int64_t row)
{
        struct values *v = &p->values;

        values_int(v, 0, row);
        values_text(v, 1, order_type_name(o->type));
        values_text(v, 2, validity_name(o->validity));
        values_int(v, 3, o->quantity);
        values_int(v, 4, o->price);
        values_int(v, 5, o->trigger_price);
        values_int(v, 6, o->disclosed_quantity);
        postgres_queue(p, PG_ORDER_UPDATE);
}

static void write_outcomes(struct postgres *p)
{
        struct values *v = &p->values;

        FOREACH_ENTRY(e, p, STORE_OUTCOME)
        {
                const struct store_outcome *out = outcome_of(e);
                for (unsigned i = 0; i < out->order->n_legs; i++)
                        if (!out->changed || out->changed[i])
                                (void)add_leg(v, out->order, &out->order->legs[i], e->order_row);
        }
        queue_rows(p, PG_LEGS_UPDATE);
        FOREACH_ENTRY(e, p, STORE_OUTCOME)
        if (modified(outcome_of(e)->order))
                update_order(p, outcome_of(e)->order, e->order_row);
        FOREACH_ENTRY(e, p, STORE_OUTCOME)
        {
                const struct store_outcome *out = outcome_of(e);
                if (out->answer_status == 0)
                        continue;
                values_add_int(v, 0, e->order_row);
                values_add_int(v, 1, out->answer_status);
                values_add_text_n(v, 2, out->answer_body ? out->answer_body : "", out->answer_size);
        }
        queue_rows(p, PG_ANSWERS_PUT);
}

static void add_riders(struct values *v, const struct list *riders)
{
        LIST_FOREACH (it, riders) {
                const struct rider *rider = LIST_ENTRY(it, struct rider, link);
                for (unsigned i = 0; i < rider->n_rows; i++) {
                        const struct rider_row *row = &rider->rows[i];
                        values_add_text(v, 0, rider->guest);
                        values_add_text(v, 1, row->account);
                        values_add_text(v, 2, row->kind);
                        values_add_text(v, 3, row->key);
                        values_add_bytes(v, 4, row->value, row->size);
                }
        }
}

static void write_riders(struct postgres *p)
{
        for (unsigned i = 0; i < p->n_entries; i++) {
                struct store_job *job = p->entries[i].job;
                const struct list *riders = group_riders(job);
                if (riders && job->result == STORE_OK)
                        add_riders(&p->values, riders);
        }
        queue_rows(p, PG_GUESTS_PUT);
}

static void write_killswitch(struct postgres *p, const struct store_killswitch *k)
{
        struct values *v = &p->values;

        values_text(v, 0, k->scope);
        values_int(v, 1, k->level);
        values_text(v, 2, k->reason ? k->reason : "");
        values_text(v, 3, k->actor ? k->actor : "");
        values_int(v, 4, k->at_us);
        postgres_queue(p, PG_KILLSWITCH_PUT);
        values_int(v, 0, (int64_t)k->epoch);
        postgres_queue(p, PG_EPOCH_SET);
}

static void write_session(struct postgres *p, const struct store_session *s)
{
        struct values *v = &p->values;

        values_text(v, 0, s->account);
        values_text(v, 1, s->column);
        if (s->value) {
                values_bytes(v, 2, s->value, s->size);
                values_int(v, 3, s->expires_us);
        }
        postgres_queue(p, s->value ? PG_SESSION_PUT : PG_SESSION_DELETE);
}

static void write_prune(struct postgres *p, const struct store_audit_prune *a)
{
        struct values *v = &p->values;

        /* The newest one holds the hash that the next one is chained to. */
        values_int(v, 0, a->up_to_seq < p->head.seq ? a->up_to_seq : p->head.seq - 1);
        values_int(v, 1, a->before_us);
        values_int(v, 2, STORE_PRUNE_MAX);
        postgres_queue(p, PG_AUDIT_PRUNE);
        values_int(v, 0, p->swept_row);
        values_int(v, 1, SWEEP_KEYS);
        values_int(v, 2, clock_wall_us());
        postgres_queue(p, PG_KEYS_SWEEP);
}

static void write_rest(struct postgres *p)
{
        FOREACH_ENTRY(e, p, STORE_KILLSWITCH)
        write_killswitch(p, CONTAINER_OF(e->job, struct store_killswitch, job));
        FOREACH_ENTRY(e, p, STORE_SESSION_PUT)
        write_session(p, CONTAINER_OF(e->job, struct store_session, job));
        FOREACH_ENTRY(e, p, STORE_AUDIT_PRUNE)
        write_prune(p, CONTAINER_OF(e->job, struct store_audit_prune, job));
}

static bool add_audit(struct postgres *p, struct audit_record *a)
{
        struct values *v = &p->values;
        int64_t seq = p->head.seq + 1;

        if (audit_chain_line(a, seq, p->head.hash, &p->line, p->head.hash) < 0)
                return false;
        values_add_int(v, 0, seq);
        values_add_int(v, 1, a->at_us);
        values_add_text(v, 2, audit_action_name(a->action));
        values_add_text(v, 3, a->account ? a->account : "");
        values_add_text(v, 4, a->order_id ? a->order_id : "");
        values_add_text_n(v, 5, p->line.data, p->line.len);
        p->head.seq = seq;
        a->seq = seq;
        return true;
}

static enum store_result write_audit(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        for (unsigned i = 0; i < p->n_entries; i++) {
                struct store_job *job = p->entries[i].job;
                unsigned n;
                struct audit_record *audit = group_audit(job, &n);
                for (unsigned k = 0; k < n && job->result == STORE_OK; k++)
                        if (!add_audit(p, &audit[k])) {
                                values_begin(&p->values);
                                text_copy(error, STORE_ERROR_SIZE, "an audit record is too large");
                                return STORE_FAILED;
                        }
        }
        queue_rows(p, PG_AUDIT_INSERT);
        return STORE_OK;
}

void postgres_announce(struct postgres *p)
{
        char words[UUID_SIZE + 48];

        if (!p->crowd || !atomic_load(p->crowd))
                return;
        snprintf(words, sizeof(words), "%s %" PRIu64 " %" PRId64, p->writer, p->head.epoch,
                 p->head.seq);
        values_text(&p->values, 0, words);
        postgres_queue(p, PG_ANNOUNCE);
}

enum store_result postgres_write(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        /* First what can fail without the server. */
        enum store_result r = write_audit(p, error);
        if (r != STORE_OK)
                return r;
        write_intents(p);
        write_outcomes(p);
        write_riders(p);
        write_rest(p);
        return STORE_OK;
}

static struct store_audit_prune *next_prune(struct postgres *p, unsigned *at)
{
        while (*at < p->n_entries) {
                struct store_job *job = p->entries[(*at)++].job;
                if (job->op == STORE_AUDIT_PRUNE)
                        return CONTAINER_OF(job, struct store_audit_prune, job);
        }
        return NULL;
}

void postgres_written(struct postgres *p, PGresult *const *results, unsigned n)
{
        unsigned at = 0;

        for (unsigned i = 0; i < n; i++) {
                if (p->queued[i] == PG_AUDIT_PRUNE) {
                        struct store_audit_prune *a = next_prune(p, &at);
                        int64_t deleted = 0;
                        const char *tuples = PQcmdTuples(results[i]);
                        (void)text_parse_int(tuples, strlen(tuples), 0, INT64_MAX, &deleted);
                        if (a)
                                a->deleted = deleted;
                } else if (p->queued[i] == PG_KEYS_SWEEP) {
                        bool more = cell_int(results[i], 0, 0) == SWEEP_KEYS;
                        p->swept_row = more ? cell_int(results[i], 0, 1) : 0;
                }
        }
}
