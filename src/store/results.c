/* What jobs give back, and freeing it. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

#include "store/results.h"

static const char *const names[_STORE_RESULT_MAX] = {
        [STORE_OK] = "ok",
        [STORE_NOT_FOUND] = "not_found",
        [STORE_KEY_TAKEN] = "key_taken",
        [STORE_CLIENT_ID_TAKEN] = "client_id_taken",
        [STORE_STALE] = "stale",
        [STORE_UNCERTAIN] = "uncertain",
        [STORE_UNAVAILABLE] = "unavailable",
        [STORE_FULL] = "full",
        [STORE_CORRUPT] = "corrupt",
        [STORE_FAILED] = "failed",
};

const char *store_result_name(enum store_result r)
{
        assert(r < _STORE_RESULT_MAX);
        return names[r];
}

bool store_result_sound(enum store_result r)
{
        return r <= STORE_STALE;
}

bool store_op_writes(enum store_op op)
{
        return op <= STORE_SESSION_PUT || op == STORE_AUDIT_PRUNE;
}

enum store_result store_fail(struct store_job *job, enum store_result r, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(job->error, sizeof(job->error), format, args);
        va_end(args);
        return r;
}

void store_orders_free(struct order **orders, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                order_free(orders[i]);
        free(orders);
}

void store_audit_rows_free(struct store_audit_row *rows, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                free(rows[i].record);
        free(rows);
}

void store_restore_done(struct store_restore *r)
{
        store_orders_free(r->orders, r->n_orders);
        for (unsigned i = 0; i < r->n_sessions; i++)
                free(r->sessions[i].value);
        free(r->counts);
        free(r->key_counts);
        free(r->killswitch);
        free(r->sessions);
        free(r->sent);
        *r = (struct store_restore){.job = r->job, .day = r->day};
}

bool results_grow(void **items, unsigned n, size_t size)
{
        if (n > 0 && (n & (n - 1)) != 0)
                return true;
        void *more = reallocarray(*items, n ? 2 * (size_t)n : 1, size);
        if (!more)
                return false;
        *items = more;
        return true;
}

enum store_result results_no_memory(struct store_job *job)
{
        return store_fail(job, STORE_UNAVAILABLE, "out of memory");
}

static void add_worth(int64_t *sum, int64_t worth)
{
        if (__builtin_add_overflow(*sum, worth, sum) || *sum > DECIMAL_MAX)
                *sum = DECIMAL_MAX;
}

static bool count_for_key(struct store_restore *v, const char *key_name, int64_t orders,
                          int64_t worth)
{
        struct store_key_count *c = NULL;

        for (unsigned i = 0; i < v->n_key_counts && !c; i++)
                if (strcmp(v->key_counts[i].key_name, key_name) == 0)
                        c = &v->key_counts[i];
        if (!c) {
                if (!GROW(v->key_counts, v->n_key_counts))
                        return false;
                c = &v->key_counts[v->n_key_counts++];
                *c = (struct store_key_count){};
                text_copy(c->key_name, sizeof(c->key_name), key_name);
        }
        c->orders += orders;
        add_worth(&c->value, worth);
        return true;
}

bool results_count(struct store_restore *v, const char *account, const char *key_name,
                   int64_t worth, int64_t modifications, int64_t filled_quantity)
{
        struct store_day_count *c = NULL;

        for (unsigned i = 0; i < v->n_counts && !c; i++)
                if (strcmp(v->counts[i].account, account) == 0)
                        c = &v->counts[i];
        if (!c) {
                if (!GROW(v->counts, v->n_counts))
                        return false;
                c = &v->counts[v->n_counts++];
                *c = (struct store_day_count){};
                text_copy(c->account, sizeof(c->account), account);
        }
        c->orders += 1 + modifications;
        c->traded += filled_quantity > 0;
        add_worth(&c->value, worth);
        return count_for_key(v, key_name, 1 + modifications, worth);
}
