/* The first trip of a group: the lock, the ends of what grows, and everything a job could be in
 * conflict with; then each job's result, in the order of the jobs, as if they had come alone. */
#include "store/postgres.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static struct store_intent *intent_of(const struct postgres_entry *e)
{
        return CONTAINER_OF(e->job, struct store_intent, job);
}

static const struct order *order_of(const struct postgres_entry *e)
{
        if (e->job->op == STORE_INTENT)
                return intent_of(e)->order;
        return CONTAINER_OF(e->job, struct store_outcome, job)->order;
}

/* --- the questions --- */

/* Which trip's result holds what; -1: not asked. */
struct questions {
        int lock, head, keys, client_ids, orders;
};

static int ask(struct postgres *p, enum postgres_statement id)
{
        postgres_queue(p, id);
        return (int)p->n_queued - 1;
}

static int ask_keys(struct postgres *p)
{
        for (unsigned i = 0; i < p->n_entries; i++) {
                struct postgres_entry *e = &p->entries[i];
                if (e->job->op != STORE_INTENT || !intent_of(e)->idempotency_key)
                        continue;
                const struct store_intent *in = intent_of(e);
                e->key_hash = column_key_hash(in->idempotency_scope, in->idempotency_key);
                values_add_int(&p->values, 0, i);
                values_add_int(&p->values, 1, e->key_hash);
                values_add_text(&p->values, 2, in->idempotency_key);
                values_add_text(&p->values, 3, in->idempotency_scope);
        }
        return values_rows(&p->values) > 0 ? ask(p, PG_KEYS_FIND) : -1;
}

static int ask_client_ids(struct postgres *p)
{
        for (unsigned i = 0; i < p->n_entries; i++) {
                const struct postgres_entry *e = &p->entries[i];
                if (e->job->op != STORE_INTENT || !order_of(e)->client_order_id[0])
                        continue;
                const struct order *o = order_of(e);
                for (unsigned k = 0; k < o->n_legs; k++) {
                        if (o->legs[k].state == LEG_STATE_REFUSED)
                                continue;
                        values_add_int(&p->values, 0, i);
                        values_add_text(&p->values, 1, o->client_order_id);
                        values_add_int(&p->values, 2, o->day);
                        values_add_text(&p->values, 3, o->legs[k].account);
                }
        }
        return values_rows(&p->values) > 0 ? ask(p, PG_CLIENT_IDS_FIND) : -1;
}

static int ask_orders(struct postgres *p)
{
        for (unsigned i = 0; i < p->n_entries; i++) {
                const struct postgres_entry *e = &p->entries[i];
                if (e->job->op != STORE_OUTCOME)
                        continue;
                values_add_int(&p->values, 0, i);
                values_add_text(&p->values, 1, order_of(e)->id);
        }
        return values_rows(&p->values) > 0 ? ask(p, PG_ORDERS_FIND) : -1;
}

static void ask_all(struct postgres *p, struct questions *q)
{
        *q = (struct questions){.lock = -1, .head = -1};
        if (!p->in_transaction) {
                postgres_queue(p, PG_BEGIN);
                q->lock = ask(p, PG_LOCK);
                q->head = ask(p, PG_HEAD);
        }
        q->keys = ask_keys(p);
        q->client_ids = ask_client_ids(p);
        q->orders = ask_orders(p);
}

/* --- the answers --- */

static enum store_result read_head(struct postgres *p, const PGresult *lock, const PGresult *head,
                                   char error[static STORE_ERROR_SIZE])
{
        int64_t seq;

        p->head = (struct postgres_head){};
        if (PQntuples(lock) != 1 || PQntuples(head) != 1) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the row of killswitch_epoch is missing: restore a backup");
                return STORE_CORRUPT;
        }
        p->head.epoch = (uint64_t)cell_int(lock, 0, 0);
        p->head.order_row = cell_int(head, 0, 0);
        p->head.seq = cell_int(head, 0, 1);
        if (!PQgetisnull(head, 0, 1) &&
            (audit_chain_check(cell_text(head, 0, 2), (size_t)PQgetlength(head, 0, 2), NULL,
                               p->head.hash, &seq) != 0 ||
             seq != p->head.seq)) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the last audit record (%lld) was altered: restore a backup",
                         (long long)p->head.seq);
                return STORE_CORRUPT;
        }
        return STORE_OK;
}

static void read_key(struct postgres_entry *e, const PGresult *r, int row)
{
        struct store_intent *in = intent_of(e);

        cell_copy(r, row, 1, in->found_order_id, sizeof(in->found_order_id));
        in->found_same_fingerprint =
                PQgetlength(r, row, 2) == FINGERPRINT_SIZE &&
                memcmp(PQgetvalue(r, row, 2), in->fingerprint, FINGERPRINT_SIZE) == 0;
        e->key_row = cell_int(r, row, 4);
        /* Past its time, and nothing of its order is unsettled. */
        e->key_over = cell_int(r, row, 3) <= clock_wall_us() && cell_int(r, row, 5) == 0;
}

static struct postgres_entry *entry_at(struct postgres *p, const PGresult *r, int row)
{
        return &p->entries[cell_int(r, row, 0)];
}

static enum store_result read_answers(struct postgres *p, const struct questions *q,
                                      PGresult *const *results, char error[static STORE_ERROR_SIZE])
{
        if (q->lock >= 0) {
                enum store_result r = read_head(p, results[q->lock], results[q->head], error);
                if (r != STORE_OK)
                        return r;
                p->in_transaction = true;
        }
        for (int i = 0; q->keys >= 0 && i < PQntuples(results[q->keys]); i++)
                read_key(entry_at(p, results[q->keys], i), results[q->keys], i);
        for (int i = 0; q->client_ids >= 0 && i < PQntuples(results[q->client_ids]); i++)
                entry_at(p, results[q->client_ids], i)->client_id_taken = true;
        for (int i = 0; q->orders >= 0 && i < PQntuples(results[q->orders]); i++)
                entry_at(p, results[q->orders], i)->order_row = cell_int(results[q->orders], i, 1);
        return STORE_OK;
}

/* --- the verdicts --- */

/* An intent of this group that will be written. */
static bool written(const struct postgres_entry *e)
{
        return e->job->op == STORE_INTENT && e->job->result == STORE_OK;
}

static bool same_key(const struct store_intent *a, const struct store_intent *b)
{
        return a->idempotency_key && strcmp(a->idempotency_key, b->idempotency_key) == 0 &&
               strcmp(a->idempotency_scope, b->idempotency_scope) == 0;
}

static enum store_result decide_key(struct postgres *p, unsigned at)
{
        const struct postgres_entry *e = &p->entries[at];
        struct store_intent *in = intent_of(e);

        for (unsigned i = 0; i < at; i++) {
                const struct postgres_entry *x = &p->entries[i];
                if (!written(x) || x->key_hash != e->key_hash || !same_key(intent_of(x), in))
                        continue;
                text_copy(in->found_order_id, sizeof(in->found_order_id), order_of(x)->id);
                in->found_same_fingerprint =
                        memcmp(intent_of(x)->fingerprint, in->fingerprint, FINGERPRINT_SIZE) == 0;
                return STORE_KEY_TAKEN;
        }
        return e->key_row && !e->key_over ? STORE_KEY_TAKEN : STORE_OK;
}

static bool share_account(const struct order *a, const struct order *b)
{
        for (unsigned i = 0; i < a->n_legs; i++)
                for (unsigned k = 0; k < b->n_legs; k++)
                        if (a->legs[i].state != LEG_STATE_REFUSED &&
                            b->legs[k].state != LEG_STATE_REFUSED &&
                            strcmp(a->legs[i].account, b->legs[k].account) == 0)
                                return true;
        return false;
}

static bool client_id_taken(struct postgres *p, unsigned at)
{
        const struct order *o = order_of(&p->entries[at]);

        if (p->entries[at].client_id_taken)
                return true;
        for (unsigned i = 0; i < at && o->client_order_id[0]; i++) {
                if (!written(&p->entries[i]))
                        continue;
                const struct order *x = order_of(&p->entries[i]);
                if (x->day == o->day && strcmp(x->client_order_id, o->client_order_id) == 0 &&
                    share_account(x, o))
                        return true;
        }
        return false;
}

static enum store_result decide_intent(struct postgres *p, unsigned at)
{
        struct store_intent *in = intent_of(&p->entries[at]);
        enum store_result r = STORE_OK;

        /* A replay is answered whatever has changed since, and finds its own client id taken. */
        if (in->idempotency_key)
                r = decide_key(p, at);
        if (r == STORE_OK && in->killswitch_epoch != p->head.epoch)
                r = STORE_STALE;
        if (r == STORE_OK && client_id_taken(p, at))
                r = STORE_CLIENT_ID_TAKEN;
        if (r == STORE_OK)
                p->entries[at].order_row = ++p->head.order_row;
        return r;
}

/* Its order may be new with this very group. */
static enum store_result decide_outcome(struct postgres *p, unsigned at)
{
        struct postgres_entry *e = &p->entries[at];

        for (unsigned i = 0; i < at && !e->order_row; i++)
                if (written(&p->entries[i]) &&
                    strcmp(order_of(&p->entries[i])->id, order_of(e)->id) == 0)
                        e->order_row = p->entries[i].order_row;
        return e->order_row ? STORE_OK : STORE_NOT_FOUND;
}

static void decide(struct postgres *p)
{
        for (unsigned i = 0; i < p->n_entries; i++) {
                struct store_job *job = p->entries[i].job;
                if (job->op == STORE_INTENT)
                        job->result = decide_intent(p, i);
                else if (job->op == STORE_OUTCOME)
                        job->result = decide_outcome(p, i);
                else if (job->op == STORE_KILLSWITCH)
                        CONTAINER_OF(job, struct store_killswitch, job)->epoch = ++p->head.epoch;
        }
}

enum store_result postgres_look(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        const bool begun = p->in_transaction;
        PGresult *results[8] = {};
        struct questions q;

        ask_all(p, &q);
        unsigned n = p->n_queued;
        enum store_result r = postgres_trip(p, POSTGRES_TRIP_US, results, error);
        if (r == STORE_UNAVAILABLE && !p->conn && !begun) {
                /* Nothing of this group could have been committed. */
                r = postgres_ensure(p, error);
                if (r == STORE_OK) {
                        ask_all(p, &q);
                        n = p->n_queued;
                        r = postgres_trip(p, POSTGRES_TRIP_US, results, error);
                }
        }
        if (r == STORE_OK)
                r = read_answers(p, &q, results, error);
        postgres_clear(results, r == STORE_OK ? n : ELEMENTS(results));
        if (r == STORE_OK)
                decide(p);
        return r;
}
