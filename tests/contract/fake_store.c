#include "fake_store.h"

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fake_state.h"

struct fault {
        unsigned in, times;
        enum store_result result;
        _Atomic unsigned delay_us; /* may change while a call is delayed */
};

struct fake_store {
        struct fake_state now, before;
        bool in_group;
        struct fault faults[_FAKE_CALL_MAX];
        bool lose, lose_written;
        bool strained;
        unsigned relief;
};

static struct fake_store *chosen;

/* OK, or what was ordered for this call. */
static enum store_result fault(struct fake_store *f, enum fake_call call, char *error)
{
        struct fault *x = &f->faults[call];
        if (x->delay_us)
                usleep(x->delay_us);
        if (x->in == 0 || --x->in > 0)
                return STORE_OK;
        if (--x->times > 0)
                x->in = 1;
        if (error)
                snprintf(error, STORE_ERROR_SIZE, "a fault that was ordered");
        return x->result;
}

static enum store_result chain(struct fake_store *f, struct audit_record *audit, unsigned n,
                               struct store_job *job)
{
        struct fake_state *s = &f->now;
        struct text line = TEXT_NULL;

        for (unsigned i = 0; i < n; i++) {
                char key[24];
                if (audit_chain_line(&audit[i], s->seq + 1, s->hash, &line, s->hash) < 0) {
                        text_done(&line);
                        return store_fail(job, STORE_FAILED, "an audit record is too large");
                }
                audit[i].seq = ++s->seq;
                snprintf(key, sizeof(key), "%lld", (long long)s->seq);
                struct fake_row *r =
                        fake_put(s, FAKE_AUDIT, key, audit[i].correlation_id, line.data, line.len);
                r->a = audit[i].at_us;
                r->b = audit[i].action;
                /* account and order ride behind the key's number */
                free(r->key);
                r->key = fake_join(key, audit[i].account ? audit[i].account : "",
                                   audit[i].order_id ? audit[i].order_id : "", "");
        }
        text_done(&line);
        return STORE_OK;
}

static void write_riders(struct fake_store *f, struct list *riders)
{
        if (!riders)
                return;
        LIST_FOREACH (it, riders) {
                struct rider *r = LIST_ENTRY(it, struct rider, link);
                for (unsigned i = 0; i < r->n_rows; i++) {
                        struct rider_row *row = &r->rows[i];
                        _cleanup_(freep) char *key =
                                fake_join(r->guest, row->account, row->kind, row->key);
                        if (row->value)
                                fake_put(&f->now, FAKE_GUESTS, key, NULL, row->value, row->size);
                        else
                                fake_drop(&f->now, FAKE_GUESTS, key);
                }
        }
}

/* NULL: free, or past its time with nothing unsettled. */
static struct fake_row *taken_key(struct fake_state *s, const char *scope, const char *key)
{
        _cleanup_(freep) char *k = fake_join(scope, key, "", "");
        struct fake_row *r = fake_find(s, FAKE_KEYS, k);
        if (r && r->a <= clock_wall_us() && !fake_unsettled(fake_order(s, r->text)))
                return NULL;
        return r;
}

static bool client_id_taken(struct fake_state *s, const struct order *o)
{
        for (unsigned i = 0; i < s->n_orders; i++) {
                const struct order *other = s->orders[i];
                if (other->day != o->day || strcmp(other->client_order_id, o->client_order_id) != 0)
                        continue;
                for (unsigned a = 0; a < o->n_legs; a++)
                        for (unsigned b = 0; b < other->n_legs; b++)
                                if (o->legs[a].state != LEG_STATE_REFUSED &&
                                    other->legs[b].state != LEG_STATE_REFUSED &&
                                    strcmp(o->legs[a].account, other->legs[b].account) == 0)
                                        return true;
        }
        return false;
}

static bool tag_taken(struct fake_state *s, const struct leg *l)
{
        for (unsigned i = 0; i < s->n_orders && l->tag[0]; i++)
                for (unsigned k = 0; k < s->orders[i]->n_legs; k++)
                        if (strcmp(s->orders[i]->legs[k].tag, l->tag) == 0 &&
                            strcmp(s->orders[i]->legs[k].account, l->account) == 0)
                                return true;
        return false;
}

static enum store_result write_intent(struct fake_store *f, struct store_job *job)
{
        struct store_intent *in = CONTAINER_OF(job, struct store_intent, job);
        struct fake_state *s = &f->now;
        const struct order *o = in->order;

        struct fake_row *k = in->idempotency_key
                                     ? taken_key(s, in->idempotency_scope, in->idempotency_key)
                                     : NULL;
        if (k) {
                text_copy(in->found_order_id, sizeof(in->found_order_id), k->text);
                in->found_same_fingerprint = memcmp(k->value, in->fingerprint, k->size) == 0;
                return STORE_KEY_TAKEN;
        }
        if (in->killswitch_epoch != s->epoch)
                return STORE_STALE;
        if (o->client_order_id[0] && client_id_taken(s, o))
                return STORE_CLIENT_ID_TAKEN;
        if (fake_order(s, o->id))
                return store_fail(job, STORE_FAILED, "the order is there already");
        for (unsigned i = 0; i < o->n_legs; i++)
                if (tag_taken(s, &o->legs[i]))
                        return store_fail(job, STORE_FAILED, "the tag is there already");
        if (in->idempotency_key) {
                _cleanup_(freep) char *key =
                        fake_join(in->idempotency_scope, in->idempotency_key, "", "");
                fake_put(s, FAKE_KEYS, key, o->id, in->fingerprint, FINGERPRINT_SIZE)->a =
                        in->key_expires_us;
        }
        s->orders = reallocarray(s->orders, s->n_orders + 1, sizeof(s->orders[0]));
        assert(s->orders && order_copy(o, &s->orders[s->n_orders++]) == 0);
        return chain(f, in->audit, in->n_audit, job);
}

/* A struct of an order may hold more than the ledger keeps; only the modified and the legs are
 * taken. */
static enum store_result write_outcome(struct fake_store *f, struct store_job *job)
{
        struct store_outcome *out = CONTAINER_OF(job, struct store_outcome, job);
        const struct order *from = out->order;
        struct order *o = fake_order(&f->now, from->id);

        if (!o)
                return STORE_NOT_FOUND;
        for (unsigned i = 0; i < from->n_legs; i++)
                if (!out->changed || out->changed[i])
                        o->legs[i] = from->legs[i];
        o->type = from->type;
        o->validity = from->validity;
        o->quantity = from->quantity;
        o->price = from->price;
        o->trigger_price = from->trigger_price;
        o->disclosed_quantity = from->disclosed_quantity;
        if (out->answer_status)
                fake_put(&f->now, FAKE_ANSWERS, o->id, NULL, out->answer_body, out->answer_size)
                        ->a = out->answer_status;
        write_riders(f, out->riders);
        return chain(f, out->audit, out->n_audit, job);
}

static enum store_result write_append(struct fake_store *f, struct store_job *job)
{
        struct store_append *a = CONTAINER_OF(job, struct store_append, job);
        write_riders(f, a->riders);
        return chain(f, a->audit, a->n_audit, job);
}

static enum store_result write_killswitch(struct fake_store *f, struct store_job *job)
{
        struct store_killswitch *k = CONTAINER_OF(job, struct store_killswitch, job);
        struct fake_row *r =
                fake_put(&f->now, FAKE_KILLSWITCH, k->scope, k->reason ? k->reason : "",
                         k->actor ? k->actor : "", k->actor ? strlen(k->actor) : 0);
        r->a = k->level;
        r->b = k->at_us;
        k->epoch = ++f->now.epoch;
        return chain(f, k->audit, k->n_audit, job);
}

static enum store_result write_session(struct fake_store *f, struct store_job *job)
{
        struct store_session *p = CONTAINER_OF(job, struct store_session, job);
        _cleanup_(freep) char *key = fake_join(p->account, p->column, "", "");
        if (p->value)
                fake_put(&f->now, FAKE_SESSIONS, key, NULL, p->value, p->size)->a = p->expires_us;
        else
                fake_drop(&f->now, FAKE_SESSIONS, key);
        return chain(f, p->audit, p->n_audit, job);
}

static enum store_result write_prune(struct fake_store *f, struct store_job *job)
{
        struct store_audit_prune *p = CONTAINER_OF(job, struct store_audit_prune, job);
        struct fake_table *t = &f->now.tables[FAKE_AUDIT];

        p->deleted = 0;
        while (t->n > 1 && p->deleted < STORE_PRUNE_MAX && atoll(t->rows[0].key) <= p->up_to_seq &&
               t->rows[0].a < p->before_us) {
                fake_row_done(&t->rows[0]);
                memmove(&t->rows[0], &t->rows[1], --t->n * sizeof(t->rows[0]));
                p->deleted++;
        }
        return STORE_OK;
}

static enum store_result answer(struct fake_state *s, const char *id, int *ret_status,
                                char **ret_body, size_t *ret_size)
{
        struct fake_row *r = fake_find(s, FAKE_ANSWERS, id);
        *ret_status = r ? (int)r->a : 0;
        *ret_body = r ? fake_bytes(r->value, r->size) : NULL;
        *ret_size = r ? r->size : 0;
        return STORE_OK;
}

static bool wanted(const struct store_order_get *g, const struct order *o)
{
        if (g->id)
                return strcmp(o->id, g->id) == 0;
        for (unsigned i = 0; i < o->n_legs; i++) {
                const struct leg *l = &o->legs[i];
                if (g->tag && strcmp(l->tag, g->tag) == 0 && strcmp(l->account, g->account) == 0)
                        return true;
                if (!g->tag && strcmp(o->client_order_id, g->client_order_id) == 0 &&
                    o->day == g->day && l->state != LEG_STATE_REFUSED &&
                    (!g->account || strcmp(g->account, l->account) == 0))
                        return true;
        }
        return false;
}

static enum store_result read_order(struct fake_store *f, struct store_job *job)
{
        struct store_order_get *g = CONTAINER_OF(job, struct store_order_get, job);
        const struct order *found = NULL;

        g->order = NULL;
        g->answer_body = NULL;
        for (unsigned i = 0; i < f->now.n_orders; i++)
                if (wanted(g, f->now.orders[i]) &&
                    (!found || strcmp(f->now.orders[i]->id, found->id) > 0))
                        found = f->now.orders[i];
        if (!found)
                return STORE_NOT_FOUND;
        assert(order_copy(found, &g->order) == 0);
        enum store_result r =
                answer(&f->now, found->id, &g->answer_status, &g->answer_body, &g->answer_size);
        if (g->answer != STORE_ANSWER_BODY)
                free(TAKE(g->answer_body));
        if (g->answer == STORE_ANSWER_NONE)
                g->answer_status = 0;
        return r;
}

static bool listed(const struct store_order_list *l, const struct order *o)
{
        if ((l->before_id && strcmp(o->id, l->before_id) >= 0) || o->created_us < l->since_us ||
            (l->symbol && strcmp(l->symbol, o->symbol) != 0))
                return false;
        for (unsigned i = 0; i < o->n_legs; i++) {
                const struct leg *leg = &o->legs[i];
                bool account = !l->accounts;
                for (unsigned k = 0; !account && l->accounts[k]; k++)
                        account = strcmp(l->accounts[k], leg->account) == 0;
                bool watched = !l->unresolved_only && !l->live_only;
                watched = watched || (l->unresolved_only && leg_unresolved(leg)) ||
                          (l->live_only && !leg_unresolved(leg) && leg_live(leg));
                if (account && watched && (l->status < 0 || (int)leg->status == l->status))
                        return true;
        }
        return false;
}

static int newest_first(const void *a, const void *b)
{
        return -strcmp((*(struct order *const *)a)->id, (*(struct order *const *)b)->id);
}

static enum store_result read_orders(struct fake_store *f, struct store_job *job)
{
        struct store_order_list *l = CONTAINER_OF(job, struct store_order_list, job);
        struct fake_state *s = &f->now;

        l->orders = calloc(l->limit, sizeof(l->orders[0]));
        l->n_orders = 0;
        l->more = false;
        if (s->n_orders > 0)
                qsort(s->orders, s->n_orders, sizeof(s->orders[0]), newest_first);
        for (unsigned i = 0; i < s->n_orders && !l->more; i++) {
                if (!listed(l, s->orders[i]))
                        continue;
                l->more = l->n_orders == l->limit;
                if (!l->more)
                        assert(order_copy(s->orders[i], &l->orders[l->n_orders++]) == 0);
        }
        return STORE_OK;
}

static enum store_result read_key(struct fake_store *f, struct store_job *job)
{
        struct store_key_get *k = CONTAINER_OF(job, struct store_key_get, job);
        struct fake_row *r = taken_key(&f->now, k->scope, k->key);

        k->answer_body = NULL;
        if (!r)
                return STORE_NOT_FOUND;
        memcpy(k->fingerprint, r->value, FINGERPRINT_SIZE);
        text_copy(k->order_id, sizeof(k->order_id), r->text);
        return answer(&f->now, r->text, &k->answer_status, &k->answer_body, &k->answer_size);
}

static enum store_result read_audit(struct fake_store *f, struct store_job *job)
{
        struct store_audit_list *l = CONTAINER_OF(job, struct store_audit_list, job);
        struct fake_table *t = &f->now.tables[FAKE_AUDIT];

        l->rows = calloc(l->limit, sizeof(l->rows[0]));
        l->n_rows = 0;
        l->more = false;
        for (unsigned i = 0; i < t->n && !l->more; i++) {
                const struct fake_row *r = &t->rows[i];
                struct store_audit_row row = {};
                fake_audit_row(r, &row);
                if (row.seq <= l->after_seq || (l->up_to_seq && row.seq > l->up_to_seq) ||
                    (l->since_us && row.at_us < l->since_us) ||
                    (l->until_us && row.at_us > l->until_us) ||
                    (l->order_id && strcmp(l->order_id, row.order_id) != 0) ||
                    (l->account && strcmp(l->account, row.account) != 0) ||
                    (l->correlation_id && !text_equal(l->correlation_id, r->text)))
                        continue;
                l->more = l->n_rows == l->limit;
                if (l->more)
                        break;
                row.record = fake_bytes(r->value, r->size);
                row.size = r->size;
                l->rows[l->n_rows++] = row;
        }
        return STORE_OK;
}

static enum store_result read_restore(struct fake_store *f, struct store_job *job)
{
        fake_restore(&f->now, CONTAINER_OF(job, struct store_restore, job));
        return STORE_OK;
}

static enum store_result read_riders(struct fake_store *f, struct store_job *job)
{
        struct store_riders_load *l = CONTAINER_OF(job, struct store_riders_load, job);
        struct fake_table *t = &f->now.tables[FAKE_GUESTS];

        for (unsigned i = 0; i < t->n; i++) {
                char *part[4];
                _cleanup_(freep) char *key = strdup(t->rows[i].key);
                char *rest = key;
                for (int k = 0; k < 4; k++)
                        part[k] = strsep(&rest, "\t");
                if (strcmp(part[0], l->guest) == 0 && l->row(l->userdata, part[1], part[2], part[3],
                                                             t->rows[i].value, t->rows[i].size) < 0)
                        return store_fail(job, STORE_FAILED, "the guest refused one of its rows");
        }
        return STORE_OK;
}

static enum store_result read_nothing(struct fake_store *f, struct store_job *job)
{
        return STORE_OK;
}

static enum store_result read_backup(struct fake_store *f, struct store_job *job)
{
        return store_fail(job, STORE_FAILED, "memory has no backup");
}

#define FAKE_OPS(X)                                 \
        X(INTENT, write_intent, FAKE_WRITE)         \
        X(OUTCOME, write_outcome, FAKE_WRITE)       \
        X(APPEND, write_append, FAKE_WRITE)         \
        X(KILLSWITCH, write_killswitch, FAKE_WRITE) \
        X(SESSION_PUT, write_session, FAKE_WRITE)   \
        X(AUDIT_PRUNE, write_prune, FAKE_WRITE)     \
        X(ORDER_GET, read_order, FAKE_READ)         \
        X(ORDER_LIST, read_orders, FAKE_READ)       \
        X(KEY_GET, read_key, FAKE_READ)             \
        X(AUDIT_LIST, read_audit, FAKE_READ)        \
        X(RESTORE, read_restore, FAKE_READ)         \
        X(RIDERS_LOAD, read_riders, FAKE_READ)      \
        X(PROBE, read_nothing, FAKE_READ)           \
        X(BACKUP, read_backup, FAKE_READ)

#define X(name, function, call)                                                 \
        static enum store_result op_##function(void *db, struct store_job *job) \
        {                                                                       \
                enum store_result r = fault(db, call, job->error);              \
                return r == STORE_OK ? function(db, job) : r;                   \
        }
FAKE_OPS(X)
#undef X

static int op_open(const struct store_options *o, char error[static STORE_ERROR_SIZE],
                   void **ret_db)
{
        if (fault(chosen, FAKE_OPEN, error) != STORE_OK)
                return -EIO;
        *ret_db = chosen;
        return 0;
}

static void op_close(void *db)
{
}

static int op_schema_version(void *db)
{
        return 1;
}

static enum store_result op_begin(void *db, char error[static STORE_ERROR_SIZE])
{
        struct fake_store *f = db;
        enum store_result r = fault(f, FAKE_BEGIN, error);

        assert(!f->in_group);
        if (r != STORE_OK)
                return r;
        f->before = fake_state_copy(&f->now);
        f->in_group = true;
        return STORE_OK;
}

static void op_rollback(void *db)
{
        struct fake_store *f = db;

        if (!f->in_group)
                return;
        f->in_group = false;
        fake_state_done(&f->now);
        f->now = f->before;
        f->before = (struct fake_state){};
}

static void keep(struct fake_store *f)
{
        f->in_group = false;
        fake_state_done(&f->before);
}

static enum store_result op_commit(void *db, char error[static STORE_ERROR_SIZE])
{
        struct fake_store *f = db;
        enum store_result r = fault(f, FAKE_COMMIT, error);

        assert(f->in_group);
        if (f->lose) {
                f->lose = false;
                if (f->lose_written)
                        keep(f);
                snprintf(error, STORE_ERROR_SIZE, "the connection was lost");
                return STORE_UNCERTAIN;
        }
        if (r == STORE_OK)
                keep(f);
        return r;
}

static bool op_strained(void *db)
{
        struct fake_store *f = db;
        return f->strained;
}

static bool op_relieve(void *db)
{
        struct fake_store *f = db;
        if (f->relief == 0)
                return false;
        f->relief--;
        f->strained = true;
        return true;
}

static const struct store_driver driver = {.name = "fake",
                                           .open = op_open,
                                           .close = op_close,
                                           .schema_version = op_schema_version,
                                           .begin = op_begin,
                                           .commit = op_commit,
                                           .rollback = op_rollback,
                                           .strained = op_strained,
                                           .relieve = op_relieve,
#define X(name, function, call) .op[STORE_##name] = op_##function,
                                           FAKE_OPS(X)
#undef X
};

struct fake_store *fake_store_new(void)
{
        struct fake_store *f = calloc(1, sizeof(*f));
        assert(f);
        f->now.epoch = 1;
        return f;
}

struct fake_store *fake_store_free(struct fake_store *f)
{
        if (!f)
                return NULL;
        fake_state_done(&f->now);
        fake_state_done(&f->before);
        free(f);
        return NULL;
}

const struct store_driver *fake_store_driver(struct fake_store *f)
{
        chosen = f;
        return &driver;
}

const struct fake_state *fake_store_state(const struct fake_store *f)
{
        return &f->now;
}

void fake_store_fail(struct fake_store *f, enum fake_call call, unsigned nth, unsigned times,
                     enum store_result r)
{
        struct fault *x = &f->faults[call];
        x->in = nth;
        x->times = times;
        x->result = r;
}

void fake_store_lose_commit(struct fake_store *f, bool written)
{
        f->lose = true;
        f->lose_written = written;
}

void fake_store_lose_record(struct fake_store *f, int64_t seq)
{
        struct fake_table *t = &f->now.tables[FAKE_AUDIT];

        assert(!f->in_group);
        for (unsigned i = 0; i < t->n; i++)
                if (atoll(t->rows[i].key) == seq) {
                        fake_row_done(&t->rows[i]);
                        memmove(&t->rows[i], &t->rows[i + 1], (--t->n - i) * sizeof(t->rows[0]));
                }
}

void fake_store_delay(struct fake_store *f, enum fake_call call, unsigned us)
{
        f->faults[call].delay_us = us;
}

void fake_store_strain(struct fake_store *f, bool strained, unsigned relief)
{
        f->strained = strained;
        f->relief = relief;
}
