/* Between which numbers the records of a list can lie: found from their moments by halving, so that
 * a list of an hour does not read the whole record. For drivers. */
#pragma once

#include "store/store.h"

struct audit_span {
        void *db; /* the driver's */
        /* The first record's number and the last one's. */
        enum store_result (*ends)(void *db, struct store_job *job, int64_t *ret_first,
                                  int64_t *ret_last);
        /* When the record of this number, or the first one above, was stamped; INT64_MAX: none. */
        enum store_result (*stamp)(void *db, struct store_job *job, int64_t seq, int64_t *ret);
};

/* Numbers above `*ret_after`, up to `*ret_up_to`. */
enum store_result audit_span_find(const struct audit_span *s, struct store_audit_list *l,
                                  int64_t *ret_after, int64_t *ret_up_to);
