#include <stdio.h>
#include <string.h>

#include "http/exchange.h"
#include "http/handlers.h"
#include "http/head.h"

#define AUDIT_DEFAULT 100
#define AUDIT_MAX     500

static void on_audit(struct audit_query *q)
{
        struct http_exchange *x = q->userdata;
        struct json_writer w = JSON_WRITER(&x->out);
        char cursor[24];

        if (!exchange_end_well(x, q->problem, NULL))
                return;
        json_object_begin(&w, NULL);
        json_array_begin(&w, "records");
        for (unsigned i = 0; i < q->n_rows; i++)
                json_put_raw(&w, NULL, q->rows[i].record, q->rows[i].size);
        json_array_finish(&w);
        if (q->more && q->n_rows > 0) {
                snprintf(cursor, sizeof(cursor), "%lld", (long long)q->rows[q->n_rows - 1].seq);
                json_put_string(&w, "next_cursor", cursor);
        } else {
                json_put_null(&w, "next_cursor");
        }
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}

/* Oldest first; the cursor is the number of the last record that was shown. */
void handle_audit(struct http_exchange *x)
{
        struct audit_query *q = &x->u.audit;
        int64_t limit = AUDIT_DEFAULT;
        char account[ACCOUNT_SIZE];

        query_time(&x->query, "since", &q->since_us, &x->faults);
        query_time(&x->query, "until", &q->until_us, &x->faults);
        query_int(&x->query, "limit", 1, AUDIT_MAX, &limit, &x->faults);
        query_int(&x->query, "cursor", 0, INT64_MAX, &q->after_seq, &x->faults);
        q->correlation_id = query_get(&x->query, "correlation_id");
        if (q->correlation_id &&
            !correlation_id_valid(q->correlation_id, strlen(q->correlation_id)))
                query_fault(&x->faults, "correlation_id", "must be 1 to 64 of A-Z a-z 0-9 . _ -");
        q->order_id = query_get(&x->query, "order_id");
        if (q->order_id && !id_valid(q->order_id, strlen(q->order_id)))
                query_fault(&x->faults, "order_id", "must be the id of an order");
        q->account = query_get(&x->query, "account");
        if (q->account && account_id_parse(q->account, strlen(q->account), account) < 0)
                query_fault(&x->faults, "account", "must be an account like paper:demo");
        if (faults_any(&x->faults)) {
                exchange_faults(x, PROBLEM_INVALID_QUERY);
                return;
        }
        q->limit = (unsigned)limit;
        q->caller = x->caller;
        q->done = on_audit;
        q->userdata = x;
        exchange_begin(x);
        query_audit(exchange_orchestrator(x), q);
}
