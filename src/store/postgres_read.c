/* Orders, keys and guests' rows, read back. A query that would hold up the orders behind it for too
 * long is cut off by the server. */
#include "store/postgres.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LAST_ID "~" /* above every id, byte by byte */

/* The columns of PG_LOAD behind those of the order. */
enum { C_ROW = PG_ORDER_COLUMNS_N, C_ANSWER_STATUS, C_ANSWER_BODY, C_LEG };

struct cells {
        const PGresult *r;
        int row;
        bool damaged;
};

/* A word that this program does not know: a newer one wrote it, or the row is damaged. */
#define WORD(c, i, x) word(c, i, x##_from)
static int word(struct cells *c, int i, int (*from)(const char *, size_t))
{
        int value = from(cell_text(c->r, c->row, i), (size_t)PQgetlength(c->r, c->row, i));
        if (value < 0) {
                c->damaged = true;
                return 0;
        }
        return value;
}

static int problem_word(const char *s, size_t n)
{
        return problem_from_code(s); /* libpq's texts end in NUL */
}

#define INT(i)          cell_int(c->r, c->row, i)
#define COPY(i, member) cell_copy(c->r, c->row, i, member, sizeof(member))

static void read_leg(struct cells *c, struct leg *l)
{
        int i = C_LEG;

        l->number = (unsigned)(INT(i++) % LEG_ROWS);
        COPY(i++, l->account);
        COPY(i++, l->tag);
        l->multiplier = INT(i++);
        l->state = (enum leg_state)WORD(c, i++, leg_state);
        l->outcome = (enum outcome)WORD(c, i++, outcome);
        l->status = (enum order_status)WORD(c, i++, order_status);
        l->quantity = INT(i++);
        l->effective.type = (enum order_type)WORD(c, i++, order_type);
        l->effective.price = INT(i++);
        l->effective.trigger_price = INT(i++);
        l->confidence = (enum confidence)WORD(c, i++, confidence);
        l->problem = (enum problem)word(c, i++, problem_word);
        COPY(i++, l->message);
        COPY(i++, l->broker_code);
        COPY(i++, l->broker_message);
        COPY(i++, l->broker_order_id);
        l->filled_quantity = INT(i++);
        l->average_price = INT(i++);
        l->cancel_requested = INT(i++) != 0;
        l->attempts = (unsigned)INT(i++);
        l->modifications = (unsigned)INT(i++);
        l->sending_us = INT(i++);
        l->latency_us = INT(i++);
        l->updated_us = INT(i++);
        column_scan_evidence(cell_text(c->r, c->row, i), &l->evidence);
}

static void read_order(struct cells *c, struct order *o)
{
        const char *policy = cell_text(c->r, c->row, 16);

        COPY(0, o->id);
        o->created_us = INT(1);
        o->day = (int)INT(2);
        COPY(3, o->key_name);
        COPY(4, o->correlation_id);
        COPY(5, o->client_order_id);
        COPY(6, o->symbol);
        o->side = (enum side)WORD(c, 7, side);
        o->type = (enum order_type)WORD(c, 8, order_type);
        o->product = (enum product)WORD(c, 9, product);
        o->validity = (enum validity)WORD(c, 10, validity);
        o->quantity = INT(11);
        o->price = INT(12);
        o->trigger_price = INT(13);
        o->disclosed_quantity = INT(14);
        o->reduce_only = INT(15) != 0;
        COPY(17, o->writer);
        o->market_policy_given = *policy;
        if (*policy && market_policy_parse(policy, strlen(policy), &o->market_policy) < 0)
                c->damaged = true;
}

#undef INT
#undef COPY

/* The legs of the order at `row`: rows that share its number. */
static int legs_at(const PGresult *r, int row)
{
        int64_t order = cell_int(r, row, C_ROW);
        int n = 1;
        while (row + n < PQntuples(r) && cell_int(r, row + n, C_ROW) == order)
                n++;
        return n;
}

unsigned postgres_count_orders(const PGresult *r)
{
        unsigned n = 0;
        for (int row = 0; row < PQntuples(r); row += legs_at(r, row))
                n++;
        return n;
}

static enum store_result read_one(const PGresult *r, int row, int n_legs, struct store_job *job,
                                  struct order **ret)
{
        _cleanup_(order_freep) struct order *o = NULL;
        struct cells c = {.r = r, .row = row};

        if (order_new((unsigned)n_legs, &o) < 0)
                return results_no_memory(job);
        read_order(&c, o);
        if (c.damaged)
                return store_fail(job, STORE_CORRUPT, "order %s holds an unknown word", o->id);
        for (int i = 0; i < n_legs; i++, c.row++)
                read_leg(&c, &o->legs[i]);
        if (c.damaged)
                return store_fail(job, STORE_CORRUPT, "a leg of order %s holds an unknown word",
                                  o->id);
        *ret = TAKE(o);
        return STORE_OK;
}

enum store_result postgres_read_orders(const PGresult *r, struct store_job *job, unsigned max,
                                       struct order **orders, unsigned *ret_n)
{
        for (int row = 0; row < PQntuples(r) && *ret_n < max;) {
                int n_legs = legs_at(r, row);
                enum store_result result = read_one(r, row, n_legs, job, &orders[*ret_n]);
                if (result != STORE_OK)
                        return result;
                (*ret_n)++;
                row += n_legs;
        }
        return STORE_OK;
}

static enum store_result read_answer(const PGresult *r, int column, struct store_job *job,
                                     int *ret_status, char **ret_body, size_t *ret_size)
{
        *ret_status = 0;
        *ret_body = NULL;
        *ret_size = 0;
        if (PQgetisnull(r, 0, column))
                return STORE_OK;
        *ret_body = cell_dup(r, 0, column + 1, ret_size);
        if (!*ret_body)
                return results_no_memory(job);
        *ret_status = (int)cell_int(r, 0, column);
        return STORE_OK;
}

enum store_result postgres_op_order_get(void *db, struct store_job *job)
{
        struct store_order_get *g = CONTAINER_OF(job, struct store_order_get, job);
        struct postgres *p = db;
        _cleanup_(postgres_freep) PGresult *found = NULL;
        enum postgres_statement id = PG_ORDER_GET;
        unsigned n = 0;

        g->order = NULL;
        g->answer_status = 0;
        g->answer_body = NULL;
        if (g->id) {
                values_text(&p->values, 0, g->id);
        } else if (g->tag) {
                id = PG_ORDER_BY_TAG;
                values_text(&p->values, 0, g->account);
                values_text(&p->values, 1, g->tag);
        } else {
                id = PG_ORDER_BY_CLIENT_ID;
                values_text(&p->values, 0, g->client_order_id);
                values_int(&p->values, 1, g->day);
                values_text(&p->values, 2, g->account);
        }
        enum store_result r = postgres_ask(p, id, job, &found);
        if (r != STORE_OK)
                return r;
        if (PQntuples(found) == 0)
                return STORE_NOT_FOUND;
        r = postgres_read_orders(found, job, 1, &g->order, &n);
        if (r == STORE_OK && g->answer == STORE_ANSWER_STATUS &&
            !PQgetisnull(found, 0, C_ANSWER_STATUS))
                g->answer_status = (int)cell_int(found, 0, C_ANSWER_STATUS);
        if (r == STORE_OK && g->answer == STORE_ANSWER_BODY)
                r = read_answer(found, C_ANSWER_STATUS, job, &g->answer_status, &g->answer_body,
                                &g->answer_size);
        if (r != STORE_OK)
                g->order = order_free(g->order);
        return r;
}

enum store_result postgres_op_key_get(void *db, struct store_job *job)
{
        struct store_key_get *k = CONTAINER_OF(job, struct store_key_get, job);
        struct postgres *p = db;
        _cleanup_(postgres_freep) PGresult *found = NULL;

        k->answer_body = NULL;
        values_int(&p->values, 0, column_key_hash(k->scope, k->key));
        values_text(&p->values, 1, k->key);
        values_text(&p->values, 2, k->scope);
        enum store_result r = postgres_ask(p, PG_KEY_GET, job, &found);
        if (r != STORE_OK)
                return r;
        if (PQntuples(found) == 0)
                return STORE_NOT_FOUND;
        cell_copy(found, 0, 0, k->order_id, sizeof(k->order_id));
        if (PQgetlength(found, 0, 1) != FINGERPRINT_SIZE)
                return store_fail(job, STORE_CORRUPT, "a fingerprint has a wrong size");
        memcpy(k->fingerprint, PQgetvalue(found, 0, 1), FINGERPRINT_SIZE);
        if (cell_int(found, 0, 2) <= clock_wall_us() && cell_int(found, 0, 3) == 0)
                return STORE_NOT_FOUND; /* over, and its order settled */
        return read_answer(found, 4, job, &k->answer_status, &k->answer_body, &k->answer_size);
}

/* --- lists --- */

static void list_values(struct postgres *p, const struct store_order_list *l)
{
        struct values *v = &p->values;

        values_text(v, 0, l->before_id ? l->before_id : LAST_ID);
        values_int(v, 1, l->since_us);
        values_text(v, 2, l->symbol);
        for (unsigned i = 0; l->accounts && l->accounts[i]; i++)
                values_add_text(v, 3, l->accounts[i]);
        values_text(v, 4, l->status >= 0 ? order_status_name((enum order_status)l->status) : NULL);
        values_int(v, 5, (int64_t)l->limit + 1);
        if (l->unresolved_only || l->live_only) { /* both asked for: either will do */
                values_int(v, 6, l->live_only ? WATCH_LIVE : WATCH_UNSETTLED);
                values_int(v, 7, l->unresolved_only ? WATCH_UNSETTLED : WATCH_LIVE);
        }
}

static enum store_result list_orders(struct postgres *p, struct store_order_list *l)
{
        bool watched = l->unresolved_only || l->live_only;
        _cleanup_(postgres_freep) PGresult *found = NULL;

        list_values(p, l);
        enum store_result r =
                postgres_ask_briefly(p, watched ? PG_LIST_WATCHED : PG_LIST_ALL, &l->job, &found);
        if (r != STORE_OK)
                return r;
        l->orders = calloc(l->limit, sizeof(l->orders[0]));
        if (!l->orders)
                return results_no_memory(&l->job);
        l->more = postgres_count_orders(found) > l->limit;
        return postgres_read_orders(found, &l->job, l->limit, l->orders, &l->n_orders);
}

enum store_result postgres_op_order_list(void *db, struct store_job *job)
{
        struct store_order_list *l = CONTAINER_OF(job, struct store_order_list, job);

        l->orders = NULL;
        l->n_orders = 0;
        l->more = false;
        if (l->accounts && !l->accounts[0])
                return STORE_OK; /* of nobody */
        enum store_result r = list_orders(db, l);
        if (r != STORE_OK) {
                store_orders_free(l->orders, l->n_orders);
                l->orders = NULL;
                l->n_orders = 0;
        }
        return r;
}

enum store_result postgres_op_riders_load(void *db, struct store_job *job)
{
        struct store_riders_load *l = CONTAINER_OF(job, struct store_riders_load, job);
        struct postgres *p = db;
        _cleanup_(postgres_freep) PGresult *rows = NULL;

        values_text(&p->values, 0, l->guest);
        enum store_result r = postgres_ask(p, PG_GUEST_ALL, job, &rows);
        for (int i = 0; r == STORE_OK && i < PQntuples(rows); i++)
                if (l->row(l->userdata, cell_text(rows, i, 0), cell_text(rows, i, 1),
                           cell_text(rows, i, 2), PQgetvalue(rows, i, 3),
                           (size_t)PQgetlength(rows, i, 3)) < 0)
                        r = store_fail(job, STORE_FAILED, "the guest refused one of its rows");
        return r;
}
