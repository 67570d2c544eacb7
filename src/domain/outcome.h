/* What one attempt came to (orders.md §2): evidence, never an error class. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/words.h"

#define OUTCOME_TABLE(X)                                                           \
        X(NONE, "none")             /* no attempt has ended yet */                 \
        X(NOT_SENT, "not_sent")     /* no byte of the request left */              \
        X(ACCEPTED, "accepted")     /* a definite answer with a broker order id */ \
        X(REJECTED, "rejected")     /* the broker's documented definite refusal */ \
        X(UNKNOWN, "unknown")       /* everything else; never sent again */        \
        X(NOT_PLACED, "not_placed") /* was unknown; the book proved that it does not exist */
#define OUTCOME_MEMBER(w, text) OUTCOME_##w,
WORD_ENUM(OUTCOME, outcome, OUTCOME_TABLE);

/* What the transport saw of one request; kept with the leg. Times are wall clock, 0 when it did not
 * happen. */
struct evidence {
        int64_t started_us;
        int64_t sent_us; /* the first byte may have left */
        int64_t ended_us;
        int64_t bytes_sent;
        int http_status;    /* 0: no complete reply */
        bool may_have_left; /* false: certainly no byte left */
        bool complete_reply;
        char transport[32]; /* "local", "curl" */
        char error[96];     /* the transport's words, no secrets */
};
