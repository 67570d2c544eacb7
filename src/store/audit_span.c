#include "store/audit_span.h"

#include "base/clock.h"
#include "store/ulid.h"

/* A record is stamped before it is queued, so stamps may run back a little against the numbers. */
#define STAMP_SLACK_US (60 * USEC_PER_SEC)

/* The lowest number whose record was stamped at or after `at_us`. */
static enum store_result number_at(const struct audit_span *s, struct store_job *job, int64_t at_us,
                                   int64_t *ret)
{
        int64_t low = 0, high = 0;

        enum store_result r = s->ends(s->db, job, &low, &high);
        for (high++; r == STORE_OK && low < high;) {
                int64_t middle = low + (high - low) / 2, stamp = 0;
                r = s->stamp(s->db, job, middle, &stamp);
                if (stamp >= at_us)
                        high = middle;
                else
                        low = middle + 1;
        }
        *ret = low;
        return r;
}

/* An order's records are not older than the order, whose id begins with its time. */
static int64_t earliest(const struct store_audit_list *l)
{
        int64_t born_us = l->order_id ? ulid_time_us(l->order_id) : 0;
        return born_us > l->since_us ? born_us : l->since_us;
}

enum store_result audit_span_find(const struct audit_span *s, struct store_audit_list *l,
                                  int64_t *ret_after, int64_t *ret_up_to)
{
        enum store_result r = STORE_OK;
        int64_t number, since_us = earliest(l);

        *ret_after = l->after_seq;
        *ret_up_to = l->up_to_seq ? l->up_to_seq : INT64_MAX;
        if (since_us) {
                r = number_at(s, &l->job, since_us - STAMP_SLACK_US, &number);
                if (r == STORE_OK && number - 1 > *ret_after)
                        *ret_after = number - 1;
        }
        if (l->until_us && r == STORE_OK) {
                r = number_at(s, &l->job, l->until_us + STAMP_SLACK_US, &number);
                if (r == STORE_OK && number < *ret_up_to)
                        *ret_up_to = number;
        }
        return r;
}
