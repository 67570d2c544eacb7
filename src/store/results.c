/* What jobs give back, and freeing it. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/driver.h"

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
        free(r->killswitch);
        free(r->sessions);
        free(r->sent);
        *r = (struct store_restore){.job = r->job, .day = r->day};
}
