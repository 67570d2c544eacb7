/* The two commits of an order. Conflicts are found before the first change, so that no savepoint is
 * needed: savepoints make SQLite copy every page it touches. */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

#define EVIDENCE_SIZE 320 /* seven numbers, transport, error */

enum watch { WATCH_NOTHING, WATCH_LIVE, WATCH_UNSETTLED };

static enum watch leg_watch(const struct leg *l)
{
        if (leg_unresolved(l))
                return WATCH_UNSETTLED;
        return leg_live(l) ? WATCH_LIVE : WATCH_NOTHING;
}

/* What an accepted leg adds to its account's day. */
static int64_t leg_worth(const struct order *o, const struct leg *l)
{
        int64_t price = l->average_price;
        if (l->outcome != OUTCOME_ACCEPTED)
                return 0;
        if (price == 0)
                price = l->effective.price ? l->effective.price : o->price;
        return decimal_muldiv(l->quantity, price, 1);
}

static char *put_int(char *p, int64_t value)
{
        char digits[24];
        unsigned n = 0;
        uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

        do
                digits[n++] = (char)('0' + rest % 10);
        while ((rest /= 10) > 0);
        if (value < 0)
                *p++ = '-';
        while (n > 0)
                *p++ = digits[--n];
        *p++ = ' ';
        return p;
}

static char *put_text(char *p, const char *s)
{
        size_t n = strlen(s);
        memcpy(p, s, n + 1);
        return p + n;
}

/* EVIDENCE_SIZE holds the longest of each: no test for room on this path. */
static void print_evidence(const struct evidence *e, char buf[static EVIDENCE_SIZE])
{
        _Static_assert(EVIDENCE_SIZE > 7 * 21 + sizeof(e->transport) + sizeof(e->error), "room");
        char *p = buf;

        *p = '\0';
        if (e->started_us == 0 && e->transport[0] == '\0')
                return;
        p = put_int(p, e->started_us);
        p = put_int(p, e->sent_us);
        p = put_int(p, e->ended_us);
        p = put_int(p, e->bytes_sent);
        p = put_int(p, e->http_status);
        p = put_int(p, e->may_have_left);
        p = put_int(p, e->complete_reply);
        p = put_text(p, e->transport[0] ? e->transport : "-");
        *p++ = ' ';
        put_text(p, e->error);
}

/* ?1 … ?26, alike in INSERT and UPDATE; `evidence` must live until the statement has run. */
static void bind_leg(sqlite3_stmt *st, const struct order *o, const struct leg *l,
                     char evidence[static EVIDENCE_SIZE])
{
        print_evidence(&l->evidence, evidence);
        sqlite_bind_text(st, 1, o->id);
        sqlite3_bind_int64(st, 2, l->number);
        sqlite_bind_text(st, 3, leg_state_name(l->state));
        sqlite3_bind_int64(st, 4, leg_worth(o, l));
        sqlite3_bind_int64(st, 5, leg_watch(l));
        sqlite_bind_text(st, 6, outcome_name(l->outcome));
        sqlite_bind_text(st, 7, order_status_name(l->status));
        sqlite3_bind_int64(st, 8, l->quantity);
        sqlite_bind_text(st, 9, order_type_name(l->effective.type));
        sqlite3_bind_int64(st, 10, l->effective.price);
        sqlite3_bind_int64(st, 11, l->effective.trigger_price);
        sqlite_bind_text(st, 12, confidence_name(l->confidence));
        sqlite_bind_text(st, 13, problem_code(l->problem));
        sqlite_bind_text(st, 14, l->message);
        sqlite_bind_text(st, 15, l->broker_code);
        sqlite_bind_text(st, 16, l->broker_message);
        sqlite_bind_text(st, 17, l->broker_order_id);
        sqlite3_bind_int64(st, 18, l->filled_quantity);
        sqlite3_bind_int64(st, 19, l->average_price);
        sqlite3_bind_int(st, 20, l->cancel_requested);
        sqlite3_bind_int64(st, 21, l->attempts);
        sqlite3_bind_int64(st, 22, l->modifications);
        sqlite3_bind_int64(st, 23, l->sending_us);
        sqlite3_bind_int64(st, 24, l->latency_us);
        sqlite3_bind_int64(st, 25, l->updated_us);
        sqlite_bind_text(st, 26, evidence);
}

static enum store_result insert_leg(struct sqlite *s, const struct order *o, const struct leg *l,
                                    struct store_job *job)
{
        char evidence[EVIDENCE_SIZE];
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_INSERT, job, &r);
        if (!st)
                return r;
        bind_leg(st, o, l, evidence);
        sqlite3_bind_int(st, 27, o->day);
        sqlite_bind_text(st, 28, l->account);
        /* The id is used up by legs that have an intent. */
        bool uses_id = o->client_order_id[0] && l->state != LEG_STATE_REFUSED;
        sqlite_bind_text(st, 29, uses_id ? o->client_order_id : NULL);
        sqlite_bind_text(st, 30, l->tag);
        sqlite3_bind_int64(st, 31, l->multiplier);
        return sqlite_done(s, st, job);
}

static enum store_result insert_order(struct sqlite *s, const struct order *o,
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
        r = sqlite_done(s, st, job);
        for (unsigned i = 0; i < o->n_legs && r == STORE_OK; i++)
                r = insert_leg(s, o, &o->legs[i], job);
        return r;
}

/* KEY_TAKEN fills the job; OK: the key is free, or may be taken over (`*ret_old`). */
static enum store_result look_up_key(struct sqlite *s, struct store_intent *in, bool *ret_old)
{
        enum store_result r;
        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(s, SQL_KEY_GET, &in->job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, in->idempotency_scope);
        sqlite_bind_text(st, 2, in->idempotency_key);
        int rc = sqlite3_step(st);
        *ret_old = false;
        if (rc == SQLITE_DONE)
                return STORE_OK;
        if (rc != SQLITE_ROW)
                return sqlite_job_failure(s, rc, &in->job);

        sqlite_column_copy(st, 0, in->found_order_id, sizeof(in->found_order_id));
        in->found_same_fingerprint =
                sqlite3_column_bytes(st, 1) == FINGERPRINT_SIZE &&
                memcmp(sqlite3_column_blob(st, 1), in->fingerprint, FINGERPRINT_SIZE) == 0;
        int64_t expires_us = sqlite3_column_int64(st, 2);
        bool expired;
        r = sqlite_key_expired(s, in->found_order_id, expires_us, &in->job, &expired);
        if (r != STORE_OK)
                return r;
        *ret_old = expired;
        return expired ? STORE_OK : STORE_KEY_TAKEN;
}

enum store_result sqlite_key_expired(struct sqlite *s, const char *order_id, int64_t expires_us,
                                     struct store_job *job, bool *ret)
{
        enum store_result r = STORE_OK;

        *ret = false;
        if (expires_us > clock_wall_us())
                return r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_UNSETTLED, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, order_id);
        int rc = sqlite3_step(st);
        *ret = rc == SQLITE_DONE;
        if (rc != SQLITE_DONE && rc != SQLITE_ROW)
                r = sqlite_job_failure(s, rc, job);
        sqlite3_reset(st);
        return r;
}

static enum store_result write_key(struct sqlite *s, struct store_intent *in, enum sql how)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, how, &in->job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, in->idempotency_scope);
        sqlite_bind_text(st, 2, in->idempotency_key);
        sqlite_bind_text(st, 3, in->order->id);
        sqlite3_bind_blob(st, 4, in->fingerprint, FINGERPRINT_SIZE, SQLITE_STATIC);
        sqlite3_bind_int64(st, 5, in->key_expires_us);
        return sqlite_done(s, st, &in->job);
}

/* The insert itself asks whether the key is new, which it nearly always is. */
static enum store_result take_key(struct sqlite *s, struct store_intent *in)
{
        bool old;
        enum store_result r = write_key(s, in, SQL_KEY_INSERT);
        if (r != STORE_OK || sqlite3_changes(s->db) == 1)
                return r;
        r = look_up_key(s, in, &old);
        return r == STORE_OK ? write_key(s, in, SQL_KEY_REPLACE) : r;
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

/* Everything that may stand against it; OK leaves nothing behind but the key. */
static enum store_result reserve_intent(struct sqlite *s, struct store_intent *in)
{
        enum store_result r = STORE_OK;
        bool old;

        if (in->killswitch_epoch != s->now.epoch)
                r = STORE_STALE;
        else if (in->order->client_order_id[0])
                r = client_id_taken(s, in);
        if ((r == STORE_STALE || r == STORE_CLIENT_ID_TAKEN) && in->idempotency_key) {
                /* A replay is answered whatever has changed since, and finds its own id taken. */
                enum store_result key = look_up_key(s, in, &old);
                return key == STORE_OK ? r : key;
        }
        if (r == STORE_OK && in->idempotency_key)
                r = take_key(s, in);
        return r;
}

enum store_result sqlite_op_intent(void *db, struct store_job *job)
{
        struct store_intent *in = CONTAINER_OF(job, struct store_intent, job);
        struct sqlite *s = db;

        enum store_result r = reserve_intent(s, in);
        if (r == STORE_OK)
                r = insert_order(s, in->order, job);
        if (r == STORE_OK)
                r = sqlite_write_audit(s, in->audit, in->n_audit, job);
        return r;
}

static enum store_result order_exists(struct sqlite *s, const char *id, struct store_job *job)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_EXISTS, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, id);
        int rc = sqlite3_step(st);
        r = rc == SQLITE_ROW    ? STORE_OK
            : rc == SQLITE_DONE ? STORE_NOT_FOUND
                                : sqlite_job_failure(s, rc, job);
        sqlite3_reset(st);
        return r;
}

/* A row that is not there spoils nothing as long as it is the first change. */
static enum store_result update_legs(struct sqlite *s, struct store_outcome *out)
{
        const struct order *o = out->order;
        bool found = false;

        for (unsigned i = 0; i < o->n_legs; i++) {
                char evidence[EVIDENCE_SIZE];
                enum store_result r;
                if (out->changed && !out->changed[i])
                        continue;
                sqlite3_stmt *st = sqlite_statement(s, SQL_LEG_UPDATE, &out->job, &r);
                if (!st)
                        return r;
                bind_leg(st, o, &o->legs[i], evidence);
                r = sqlite_done(s, st, &out->job);
                if (r != STORE_OK)
                        return r;
                if (sqlite3_changes(s->db) == 1)
                        found = true;
                else if (found)
                        return store_fail(&out->job, STORE_FAILED, "the order has no leg %u",
                                          o->legs[i].number);
                else
                        return STORE_NOT_FOUND;
        }
        return found ? STORE_OK : order_exists(s, o->id, &out->job);
}

static bool modified(const struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++)
                if (o->legs[i].modifications > 0)
                        return true;
        return false;
}

static enum store_result update_order(struct sqlite *s, struct store_outcome *out)
{
        const struct order *o = out->order;
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_UPDATE, &out->job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, o->id);
        sqlite_bind_text(st, 2, order_type_name(o->type));
        sqlite_bind_text(st, 3, validity_name(o->validity));
        sqlite3_bind_int64(st, 4, o->quantity);
        sqlite3_bind_int64(st, 5, o->price);
        sqlite3_bind_int64(st, 6, o->trigger_price);
        sqlite3_bind_int64(st, 7, o->disclosed_quantity);
        return sqlite_done(s, st, &out->job);
}

static enum store_result put_answer(struct sqlite *s, struct store_outcome *out)
{
        enum store_result r;
        sqlite3_stmt *st = sqlite_statement(s, SQL_ANSWER_PUT, &out->job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, out->order->id);
        sqlite3_bind_int(st, 2, out->answer_status);
        sqlite3_bind_text64(st, 3, out->answer_body ? out->answer_body : "", out->answer_size,
                            SQLITE_STATIC, SQLITE_UTF8);
        return sqlite_done(s, st, &out->job);
}

enum store_result sqlite_op_outcome(void *db, struct store_job *job)
{
        struct store_outcome *out = CONTAINER_OF(job, struct store_outcome, job);
        struct sqlite *s = db;

        enum store_result r = update_legs(s, out);
        if (r == STORE_OK && modified(out->order))
                r = update_order(s, out);
        if (r == STORE_OK && out->answer_status != 0)
                r = put_answer(s, out);
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
