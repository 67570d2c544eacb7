/* The two commits of an order. Conflicts are found before the first change, so that no savepoint is
 * needed: savepoints make SQLite copy every page it touches. */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

/* ?1 … ?25, alike in INSERT and UPDATE; `evidence` must live until the statement has run. */
static void bind_leg(sqlite3_stmt *st, int64_t order_row, const struct order *o,
                     const struct leg *l, char evidence[static EVIDENCE_SIZE])
{
        column_print_evidence(&l->evidence, evidence);
        sqlite3_bind_int64(st, 1, order_row * LEG_ROWS + l->number);
        sqlite_bind_text(st, 2, leg_state_name(l->state));
        sqlite3_bind_int64(st, 3, column_worth(o, l));
        sqlite3_bind_int64(st, 4, column_watch(l));
        sqlite_bind_text(st, 5, outcome_name(l->outcome));
        sqlite_bind_text(st, 6, order_status_name(l->status));
        sqlite3_bind_int64(st, 7, l->quantity);
        sqlite_bind_text(st, 8, order_type_name(l->effective.type));
        sqlite3_bind_int64(st, 9, l->effective.price);
        sqlite3_bind_int64(st, 10, l->effective.trigger_price);
        sqlite_bind_text(st, 11, confidence_name(l->confidence));
        sqlite_bind_text(st, 12, problem_code(l->problem));
        sqlite_bind_text(st, 13, l->message);
        sqlite_bind_text(st, 14, l->broker_code);
        sqlite_bind_text(st, 15, l->broker_message);
        sqlite_bind_text(st, 16, l->broker_order_id);
        sqlite3_bind_int64(st, 17, l->filled_quantity);
        sqlite3_bind_int64(st, 18, l->average_price);
        sqlite3_bind_int(st, 19, l->cancel_requested);
        sqlite3_bind_int64(st, 20, l->attempts);
        sqlite3_bind_int64(st, 21, l->modifications);
        sqlite3_bind_int64(st, 22, l->sending_us);
        sqlite3_bind_int64(st, 23, l->latency_us);
        sqlite3_bind_int64(st, 24, l->updated_us);
        sqlite_bind_text(st, 25, evidence);
}

static enum store_result insert_leg(struct sqlite *s, int64_t order_row, const struct order *o,
                                    const struct leg *l, struct store_job *job)
{
        char evidence[EVIDENCE_SIZE];
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_INSERT, job, &r);
        if (!st)
                return r;
        _Static_assert(TARGETS_MAX < LEG_ROWS, "a row for each leg");
        bind_leg(st, order_row, o, l, evidence);
        sqlite3_bind_int(st, 26, o->day);
        sqlite_bind_text(st, 27, l->account);
        /* The id is used up by legs that have an intent. */
        bool uses_id = o->client_order_id[0] && l->state != LEG_STATE_REFUSED;
        sqlite_bind_text(st, 28, uses_id ? o->client_order_id : NULL);
        sqlite_bind_text(st, 29, l->tag);
        sqlite3_bind_int64(st, 30, l->multiplier);
        return sqlite_done(s, st, job);
}

static enum store_result insert_order(struct sqlite *s, int64_t row, const struct order *o,
                                      struct store_job *job)
{
        char policy[32] = "";
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_INSERT, job, &r);
        if (!st)
                return r;
        if (o->market_policy_given)
                market_policy_print(&o->market_policy, policy, sizeof(policy));
        sqlite_bind_text(st, 1, o->id);
        sqlite3_bind_int64(st, 2, o->created_us);
        sqlite3_bind_int(st, 3, o->day);
        sqlite_bind_text(st, 4, o->key_name);
        sqlite_bind_text(st, 5, o->correlation_id);
        sqlite_bind_text(st, 6, o->client_order_id);
        sqlite_bind_text(st, 7, o->symbol);
        sqlite_bind_text(st, 8, side_name(o->side));
        sqlite_bind_text(st, 9, order_type_name(o->type));
        sqlite_bind_text(st, 10, product_name(o->product));
        sqlite_bind_text(st, 11, validity_name(o->validity));
        sqlite3_bind_int64(st, 12, o->quantity);
        sqlite3_bind_int64(st, 13, o->price);
        sqlite3_bind_int64(st, 14, o->trigger_price);
        sqlite3_bind_int64(st, 15, o->disclosed_quantity);
        sqlite3_bind_int(st, 16, o->reduce_only);
        sqlite_bind_text(st, 17, policy);
        sqlite3_bind_int64(st, 18, row);
        r = sqlite_done(s, st, job);
        for (unsigned i = 0; i < o->n_legs && r == STORE_OK; i++)
                r = insert_leg(s, row, o, &o->legs[i], job);
        return r;
}

static enum store_result client_id_taken(struct sqlite *s, struct store_intent *in)
{
        const struct order *o = in->order;
        enum store_result r = STORE_OK;

        for (unsigned i = 0; i < o->n_legs && r == STORE_OK; i++) {
                if (o->legs[i].state == LEG_STATE_REFUSED)
                        continue;
                sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_BY_CLIENT_ID, &in->job, &r);
                if (!st)
                        return r;
                sqlite_bind_text(st, 1, o->client_order_id);
                sqlite3_bind_int(st, 2, o->day);
                sqlite_bind_text(st, 3, o->legs[i].account);
                int rc = sqlite3_step(st);
                if (rc == SQLITE_ROW)
                        r = STORE_CLIENT_ID_TAKEN;
                else if (rc != SQLITE_DONE)
                        r = sqlite_job_failure(s, rc, &in->job);
                sqlite3_reset(st);
        }
        return r;
}

/* Everything that may stand against it. OK writes nothing yet. */
static enum store_result check_intent(struct sqlite *s, struct store_intent *in,
                                      struct sqlite_key *ret_key)
{
        enum store_result r = STORE_OK;

        /* A replay is answered whatever has changed since, and finds its own client id taken. */
        if (in->idempotency_key)
                r = sqlite_check_key(s, in, ret_key);
        if (r == STORE_OK && in->killswitch_epoch != s->now.epoch)
                r = STORE_STALE;
        if (r == STORE_OK && in->order->client_order_id[0])
                r = client_id_taken(s, in);
        return r;
}

static enum store_result next_row(struct sqlite *s, struct store_job *job, int64_t *ret)
{
        enum store_result r = STORE_OK;

        if (s->now.order_row == 0) {
                sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_LAST, job, &r);
                if (!st)
                        return r;
                int rc = sqlite3_step(st);
                if (rc == SQLITE_ROW)
                        s->now.order_row = sqlite3_column_int64(st, 0);
                else
                        r = sqlite_job_failure(s, rc, job);
                sqlite3_reset(st);
        }
        *ret = s->now.order_row + 1;
        return r;
}

enum store_result sqlite_op_intent(void *db, struct store_job *job)
{
        struct store_intent *in = CONTAINER_OF(job, struct store_intent, job);
        struct sqlite *s = db;
        struct sqlite_key key = {};
        int64_t row = 0;

        enum store_result r = check_intent(s, in, &key);
        if (r == STORE_OK)
                r = next_row(s, job, &row);
        if (r == STORE_OK)
                r = insert_order(s, row, in->order, job);
        if (r == STORE_OK)
                s->now.order_row = row;
        if (r == STORE_OK && in->idempotency_key)
                r = sqlite_take_key(s, in, &key, row);
        if (r == STORE_OK)
                r = sqlite_write_audit(s, in->audit, in->n_audit, job);
        return r;
}

static enum store_result find_row(struct sqlite *s, const char *id, struct store_job *job,
                                  int64_t *ret)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_ROW, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, id);
        int rc = sqlite3_step(st);
        r = rc == SQLITE_ROW    ? STORE_OK
            : rc == SQLITE_DONE ? STORE_NOT_FOUND
                                : sqlite_job_failure(s, rc, job);
        *ret = r == STORE_OK ? sqlite3_column_int64(st, 0) : 0;
        sqlite3_reset(st);
        return r;
}

static enum store_result update_legs(struct sqlite *s, int64_t order_row, struct store_outcome *out)
{
        const struct order *o = out->order;

        for (unsigned i = 0; i < o->n_legs; i++) {
                char evidence[EVIDENCE_SIZE];
                enum store_result r;
                if (out->changed && !out->changed[i])
                        continue;
                sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_UPDATE, &out->job, &r);
                if (!st)
                        return r;
                bind_leg(st, order_row, o, &o->legs[i], evidence);
                r = sqlite_done(s, st, &out->job);
                if (r != STORE_OK)
                        return r;
                if (sqlite3_changes(s->db) != 1)
                        return store_fail(&out->job, STORE_FAILED, "the order has no leg %u",
                                          o->legs[i].number);
        }
        return STORE_OK;
}

static bool modified(const struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++)
                if (o->legs[i].modifications > 0)
                        return true;
        return false;
}

static enum store_result update_order(struct sqlite *s, int64_t order_row,
                                      struct store_outcome *out)
{
        const struct order *o = out->order;
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_UPDATE, &out->job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, order_row);
        sqlite_bind_text(st, 2, order_type_name(o->type));
        sqlite_bind_text(st, 3, validity_name(o->validity));
        sqlite3_bind_int64(st, 4, o->quantity);
        sqlite3_bind_int64(st, 5, o->price);
        sqlite3_bind_int64(st, 6, o->trigger_price);
        sqlite3_bind_int64(st, 7, o->disclosed_quantity);
        return sqlite_done(s, st, &out->job);
}

static enum store_result put_answer(struct sqlite *s, int64_t order_row, struct store_outcome *out)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ANSWER_PUT, &out->job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, order_row);
        sqlite3_bind_int(st, 2, out->answer_status);
        sqlite3_bind_text64(st, 3, out->answer_body ? out->answer_body : "", out->answer_size,
                            SQLITE_STATIC, SQLITE_UTF8);
        return sqlite_done(s, st, &out->job);
}

enum store_result sqlite_op_outcome(void *db, struct store_job *job)
{
        struct store_outcome *out = CONTAINER_OF(job, struct store_outcome, job);
        struct sqlite *s = db;

        int64_t row = 0;
        enum store_result r = find_row(s, out->order->id, job, &row);
        if (r == STORE_OK)
                r = update_legs(s, row, out);
        if (r == STORE_OK && modified(out->order))
                r = update_order(s, row, out);
        if (r == STORE_OK && out->answer_status != 0)
                r = put_answer(s, row, out);
        if (r == STORE_OK)
                r = sqlite_write_riders(s, out->riders, job);
        if (r == STORE_OK)
                r = sqlite_write_audit(s, out->audit, out->n_audit, job);
        return r;
}

enum store_result sqlite_op_append(void *db, struct store_job *job)
{
        struct store_append *a = CONTAINER_OF(job, struct store_append, job);

        enum store_result r = sqlite_write_riders(db, a->riders, job);
        if (r == STORE_OK)
                r = sqlite_write_audit(db, a->audit, a->n_audit, job);
        return r;
}
