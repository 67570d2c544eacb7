/* Orders, read back. A query that would hold up the orders behind it for too long is cut off. */
#include "store/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define READ_MAX_US (500 * USEC_PER_MS)
#define READ_STEPS  4096 /* of SQLite's machine between two looks at the clock */
#define LAST_ID     "~"  /* above every id */

static int past_deadline(void *userdata)
{
        struct sqlite *s = userdata;
        return clock_mono_us() > s->read_deadline_us;
}

void sqlite_read_limit(struct sqlite *s, bool on)
{
        if (!s->db)
                return;
        s->read_deadline_us = clock_mono_us() + READ_MAX_US;
        sqlite3_progress_handler(s->db, on ? READ_STEPS : 0, on ? past_deadline : NULL, s);
}

struct words {
        sqlite3_stmt *st;
        bool damaged;
};

/* A word that this program does not know: a newer one wrote it, or the file is damaged. */
#define WORD(w, i, x) word(w, i, x##_from)
static int word(struct words *w, int i, int (*from)(const char *, size_t))
{
        const char *s = (const char *)sqlite3_column_text(w->st, i);
        int value = s ? from(s, (size_t)sqlite3_column_bytes(w->st, i)) : -1;
        if (value < 0) {
                w->damaged = true;
                return 0;
        }
        return value;
}

static int problem_word(const char *s, size_t n)
{
        return problem_from_code(s); /* SQLite's texts end in NUL */
}

static void read_leg(struct words *w, struct leg *l)
{
        sqlite3_stmt *st = w->st;

        l->number = (unsigned)(sqlite3_column_int64(st, 0) % LEG_ROWS);
        l->state = (enum leg_state)WORD(w, 1, leg_state);
        l->outcome = (enum outcome)WORD(w, 4, outcome);
        l->status = (enum order_status)WORD(w, 5, order_status);
        l->quantity = sqlite3_column_int64(st, 6);
        l->effective.type = (enum order_type)WORD(w, 7, order_type);
        l->effective.price = sqlite3_column_int64(st, 8);
        l->effective.trigger_price = sqlite3_column_int64(st, 9);
        l->confidence = (enum confidence)WORD(w, 10, confidence);
        l->problem = (enum problem)word(w, 11, problem_word);
        sqlite_column_copy(st, 12, l->message, sizeof(l->message));
        sqlite_column_copy(st, 13, l->broker_code, sizeof(l->broker_code));
        sqlite_column_copy(st, 14, l->broker_message, sizeof(l->broker_message));
        sqlite_column_copy(st, 15, l->broker_order_id, sizeof(l->broker_order_id));
        l->filled_quantity = sqlite3_column_int64(st, 16);
        l->average_price = sqlite3_column_int64(st, 17);
        l->cancel_requested = sqlite3_column_int(st, 18) != 0;
        l->attempts = (unsigned)sqlite3_column_int64(st, 19);
        l->modifications = (unsigned)sqlite3_column_int64(st, 20);
        l->sending_us = sqlite3_column_int64(st, 21);
        l->latency_us = sqlite3_column_int64(st, 22);
        l->updated_us = sqlite3_column_int64(st, 23);
        column_scan_evidence((const char *)sqlite3_column_text(st, 24), &l->evidence);
        sqlite_column_copy(st, 26, l->account, sizeof(l->account));
        sqlite_column_copy(st, 28, l->tag, sizeof(l->tag));
        l->multiplier = sqlite3_column_int64(st, 29);
}

static void read_order(struct words *w, struct order *o)
{
        sqlite3_stmt *st = w->st;
        const char *policy = (const char *)sqlite3_column_text(st, 16);

        sqlite_column_copy(st, 0, o->id, sizeof(o->id));
        o->created_us = sqlite3_column_int64(st, 1);
        o->day = sqlite3_column_int(st, 2);
        sqlite_column_copy(st, 3, o->key_name, sizeof(o->key_name));
        sqlite_column_copy(st, 4, o->correlation_id, sizeof(o->correlation_id));
        sqlite_column_copy(st, 5, o->client_order_id, sizeof(o->client_order_id));
        sqlite_column_copy(st, 6, o->symbol, sizeof(o->symbol));
        o->side = (enum side)WORD(w, 7, side);
        o->type = (enum order_type)WORD(w, 8, order_type);
        o->product = (enum product)WORD(w, 9, product);
        o->validity = (enum validity)WORD(w, 10, validity);
        o->quantity = sqlite3_column_int64(st, 11);
        o->price = sqlite3_column_int64(st, 12);
        o->trigger_price = sqlite3_column_int64(st, 13);
        o->disclosed_quantity = sqlite3_column_int64(st, 14);
        o->reduce_only = sqlite3_column_int(st, 15) != 0;
        o->market_policy_given = policy && *policy;
        if (o->market_policy_given &&
            market_policy_parse(policy, strlen(policy), &o->market_policy) < 0)
                w->damaged = true;
}

/* From the last to the first; `st` stands at the last. */
static enum store_result read_legs(struct sqlite *s, sqlite3_stmt *st, struct order *o,
                                   struct store_job *job)
{
        struct words w = {.st = st};
        unsigned first = o->n_legs;
        int rc = SQLITE_ROW;

        for (; rc == SQLITE_ROW && first > 0; rc = sqlite3_step(st))
                read_leg(&w, &o->legs[--first]);
        if (rc != SQLITE_DONE)
                return sqlite_job_failure(s, rc, job);
        if (w.damaged)
                return store_fail(job, STORE_CORRUPT, "a leg of order %s holds an unknown word",
                                  o->id);
        if (first > 0) { /* somebody has taken legs out */
                o->n_legs -= first;
                memmove(o->legs, o->legs + first, o->n_legs * sizeof(*o->legs));
        }
        return STORE_OK;
}

/* `st` stands at the order. */
static enum store_result read_whole(struct sqlite *s, sqlite3_stmt *st, int64_t row,
                                    struct store_job *job, struct order **ret)
{
        _cleanup_(order_freep) struct order *o = NULL;
        struct words w = {.st = st};
        enum store_result r;

        _cleanup_(sqlite_resetp) sqlite3_stmt *legs = sqlite_statement(s, SQL_LEGS_LOAD, job, &r);
        if (!legs)
                return r;
        sqlite3_bind_int64(legs, 1, row);
        int rc = sqlite3_step(legs);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                return sqlite_job_failure(s, rc, job);
        /* the number of the last tells how many there are */
        int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(legs, 0) % LEG_ROWS : 0;
        if (order_new((unsigned)n, &o) < 0)
                return store_fail(job, STORE_UNAVAILABLE, "out of memory");
        read_order(&w, o);
        if (w.damaged)
                return store_fail(job, STORE_CORRUPT, "order %s holds an unknown word", o->id);
        r = rc == SQLITE_ROW ? read_legs(s, legs, o, job) : STORE_OK;
        if (r == STORE_OK)
                *ret = TAKE(o);
        return r;
}

enum store_result sqlite_load_order(struct sqlite *s, const char *id, struct store_job *job,
                                    struct order **ret, int64_t *ret_row)
{
        enum store_result r;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(s, SQL_ORDER_LOAD, job, &r);
        if (!st)
                return r;
        sqlite_bind_text(st, 1, id);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
                return STORE_NOT_FOUND;
        if (rc != SQLITE_ROW)
                return sqlite_job_failure(s, rc, job);
        int64_t row = sqlite3_column_int64(st, SQL_ORDER_COLUMNS_N);
        r = read_whole(s, st, row, job, ret);
        if (r == STORE_OK && ret_row)
                *ret_row = row;
        return r;
}

enum store_result sqlite_load_answer(struct sqlite *s, int64_t order_row, struct store_job *job,
                                     int *ret_status, char **ret_body, size_t *ret_size)
{
        enum store_result r;

        *ret_status = 0;
        *ret_body = NULL;
        *ret_size = 0;
        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(s, SQL_ANSWER_GET, job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, order_row);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
                return STORE_OK;
        if (rc != SQLITE_ROW)
                return sqlite_job_failure(s, rc, job);
        size_t n = (size_t)sqlite3_column_bytes(st, 1);
        char *body = malloc(n + 1);
        if (!body)
                return store_fail(job, STORE_UNAVAILABLE, "out of memory");
        memcpy(body, sqlite3_column_text(st, 1), n);
        body[n] = '\0';
        *ret_status = sqlite3_column_int(st, 0);
        *ret_body = body;
        *ret_size = n;
        return STORE_OK;
}

/* The id behind a tag or a client's own id. */
static enum store_result find_id(struct sqlite *s, const struct store_order_get *g,
                                 struct store_job *job, char ret[static ID_SIZE])
{
        enum store_result r;
        bool by_tag = g->tag != NULL;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st =
                sqlite_statement(s, by_tag ? SQL_LEG_BY_TAG : SQL_LEG_BY_CLIENT_ID, job, &r);
        if (!st)
                return r;
        if (by_tag) {
                sqlite_bind_text(st, 1, g->account);
                sqlite_bind_text(st, 2, g->tag);
        } else {
                sqlite_bind_text(st, 1, g->client_order_id);
                sqlite3_bind_int(st, 2, g->day);
                sqlite_bind_text(st, 3, g->account);
        }
        int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
                return STORE_NOT_FOUND;
        if (rc != SQLITE_ROW)
                return sqlite_job_failure(s, rc, job);
        sqlite_column_copy(st, 0, ret, ID_SIZE);
        return STORE_OK;
}

static enum store_result load_answer_status(struct sqlite *s, int64_t order_row,
                                            struct store_job *job, int *ret)
{
        enum store_result r;

        *ret = 0;
        _cleanup_(sqlite_resetp) sqlite3_stmt *st = sqlite_statement(s, SQL_ANSWER_STATUS, job, &r);
        if (!st)
                return r;
        sqlite3_bind_int64(st, 1, order_row);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int(st, 0);
        else if (rc != SQLITE_DONE)
                r = sqlite_job_failure(s, rc, job);
        return r;
}

enum store_result sqlite_op_order_get(void *db, struct store_job *job)
{
        struct store_order_get *g = CONTAINER_OF(job, struct store_order_get, job);
        enum store_result r = STORE_OK;
        char id[ID_SIZE] = "";

        g->order = NULL;
        g->answer_status = 0;
        g->answer_body = NULL;
        if (g->id)
                text_copy(id, sizeof(id), g->id);
        else
                r = find_id(db, g, job, id);
        int64_t row = 0;
        if (r == STORE_OK)
                r = sqlite_load_order(db, id, job, &g->order, &row);
        if (r == STORE_OK && g->answer == STORE_ANSWER_BODY)
                r = sqlite_load_answer(db, row, job, &g->answer_status, &g->answer_body,
                                       &g->answer_size);
        else if (r == STORE_OK && g->answer == STORE_ANSWER_STATUS)
                r = load_answer_status(db, row, job, &g->answer_status);
        if (r != STORE_OK)
                g->order = order_free(g->order);
        return r;
}

/* "\npaper:demo\npaper:second\n" */
static int join_accounts(const char *const *accounts, struct text *ret)
{
        for (; *accounts; accounts++) {
                text_add_char(ret, '\n');
                text_add(ret, *accounts);
        }
        text_add_char(ret, '\n');
        return ret->failed;
}

static sqlite3_stmt *list_statement(struct sqlite *s, struct store_order_list *l,
                                    const char *accounts, enum store_result *ret)
{
        bool watched = l->unresolved_only || l->live_only;
        sqlite3_stmt *st =
                sqlite_statement(s, watched ? SQL_LIST_WATCHED : SQL_LIST_ALL, &l->job, ret);
        if (!st)
                return NULL;
        sqlite_bind_text(st, 1, l->before_id ? l->before_id : LAST_ID);
        sqlite_bind_text(st, 2, "");
        sqlite3_bind_int64(st, 3, l->since_us);
        sqlite_bind_text(st, 4, accounts);
        sqlite_bind_text(st, 5,
                         l->status >= 0 ? order_status_name((enum order_status)l->status) : NULL);
        sqlite_bind_text(st, 6, l->symbol);
        sqlite3_bind_int64(st, 7, (int64_t)l->limit + 1);
        if (watched) { /* both asked for: either will do */
                sqlite3_bind_int(st, 8, l->live_only ? 1 : 2);
                sqlite3_bind_int(st, 9, l->unresolved_only ? 2 : 1);
        }
        return st;
}

static enum store_result list_orders(struct sqlite *s, struct store_order_list *l,
                                     const char *accounts)
{
        enum store_result r;
        int rc;

        _cleanup_(sqlite_resetp) sqlite3_stmt *st = list_statement(s, l, accounts, &r);
        if (!st)
                return r;
        l->orders = calloc(l->limit, sizeof(l->orders[0]));
        if (!l->orders)
                return store_fail(&l->job, STORE_UNAVAILABLE, "out of memory");
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                if (l->n_orders == l->limit) {
                        l->more = true;
                        return STORE_OK;
                }
                r = sqlite_load_order(s, (const char *)sqlite3_column_text(st, 0), &l->job,
                                      &l->orders[l->n_orders], NULL);
                if (r != STORE_OK)
                        return r;
                l->n_orders++;
        }
        return rc == SQLITE_DONE ? STORE_OK : sqlite_job_failure(s, rc, &l->job);
}

enum store_result sqlite_op_order_list(void *db, struct store_job *job)
{
        struct store_order_list *l = CONTAINER_OF(job, struct store_order_list, job);
        struct text accounts = TEXT_NULL;
        enum store_result r = STORE_OK;

        l->orders = NULL;
        l->n_orders = 0;
        l->more = false;
        if (l->accounts && join_accounts(l->accounts, &accounts) < 0)
                r = store_fail(job, STORE_UNAVAILABLE, "out of memory");
        sqlite_read_limit(db, true);
        if (r == STORE_OK)
                r = list_orders(db, l, l->accounts ? accounts.data : NULL);
        sqlite_read_limit(db, false);
        text_done(&accounts);
        if (r != STORE_OK) {
                store_orders_free(l->orders, l->n_orders);
                l->orders = NULL;
                l->n_orders = 0;
        }
        return r;
}
